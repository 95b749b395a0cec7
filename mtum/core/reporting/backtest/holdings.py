"""Sections about what was held: exposure by symbol over time, and what each symbol brought."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mtum.core.market.bars import Column, Days
from mtum.core.reporting.backtest.result import percent_number
from mtum.core.reporting.charts import HUES, Chart, Line, Panel, span
from mtum.core.reporting.figures import number
from mtum.core.reporting.layout import Section, Sentence, table_of
from mtum.core.reporting.words import count
from mtum.core.research.attribution import SymbolRow

MOST_SHOWN = len(HUES) - 1
"""Areas of symbols in the chart of exposure, the last of them for all others; the cash fund has the last color."""
MOST_ROWS = 40
"""Symbols in a table, and pairs of a sleeve and a symbol."""
PRINTED_USD = 0.005
"""What rounds to a cent."""


def holding_sections(rows: Sequence[SymbolRow], document: Mapping[str, Any], capital_usd: float) -> Iterator[Section]:
    """Return the sections; the chart of exposure stands in that of its key.

    Parameters
    ----------
    rows : sequence of SymbolRow
        What each symbol earned.
    document : mapping
        The result as `mtum backtest --json` gives it.
    capital_usd : float
        Starting capital, USD.
    """
    if not rows:
        return
    yield Section("exposure", "Exposure by symbol over time")
    head = (
        *(
            "symbol",
            "P&L, USD",
            "of the capital, %",
            "dividends in it, USD",
            "commissions in it, USD",
            "trades",
            "wins",
        ),
        *("mean weight, %", "largest, %", "at the end, %", "turnover a year"),
    )
    told = [
        (
            *(one.symbol, number(one.pnl_usd), percent_number(one.contribution_frac), number(one.dividends_usd)),
            *(number(one.costs_usd), f"{one.trades:,}", f"{one.wins:,}", percent_number(one.mean_weight_frac)),
            *(percent_number(one.largest_weight_frac), percent_number(one.final_weight_frac)),
            number(one.turnover_per_year),
        )
        for one in _ends(rows)
    ]
    earned, explained = document["final_equity_usd"] - capital_usd, sum(one.pnl_usd for one in rows)
    notes = [Sentence(f"Together {number(explained)} USD: all that was earned.")]
    if abs(earned - explained) >= PRINTED_USD:
        notes = [Sentence(f"Together {number(explained)} of {number(earned)} USD earned.")]
    if len(rows) > MOST_ROWS:
        left = count(len(rows) - MOST_ROWS, "symbol")
        notes.append(Sentence(f"{left} between the best and the worst are in symbols.csv alone."))
    yield Section("symbols", "Which symbols made it", (table_of(head, told, sortable=True), *notes))


def _ends(rows: Sequence[SymbolRow]) -> Sequence[SymbolRow]:
    # Of very many the best and the worst.
    half = MOST_ROWS // 2
    return rows if len(rows) <= MOST_ROWS else (*rows[:half], *rows[-half:])


def exposure_chart(days: Days, weights: Mapping[str, Column], fund: Column) -> Chart | None:
    """Return the parts of the equity in each symbol, one on the other; None where nothing was held.

    Parameters
    ----------
    days : ndarray of datetime64[D]
        Sessions, oldest first, shape (n_sessions,).
    weights : mapping of str to ndarray of float64
        Fraction of the equity in each symbol, shape (n_sessions,).
    fund : ndarray, shape (n_sessions,)
        Part of the equity in the cash fund; it has an area of its own above the others.
    """
    held = {symbol: 100 * weight for symbol, weight in weights.items() if weight.any()}
    if not held:
        return None
    most = sorted(held, key=lambda symbol: -float(held[symbol].mean()))
    own = most if len(most) <= MOST_SHOWN else most[: MOST_SHOWN - 1]
    lines = [Line(symbol, held[symbol], hue, "stack") for symbol, hue in zip(own, HUES, strict=False)]
    rest = [held[symbol] for symbol in most[len(own) :]]
    if rest:
        lines.append(Line(count(len(rest), "other"), np.sum(rest, axis=0), HUES[MOST_SHOWN - 1], "stack"))
    if fund.any():
        lines.append(Line("cash fund", 100 * fund, HUES[-1], "stack"))
    panel = Panel("In shares, % of equity; the rest is cash", tuple(lines), from_zero=True, height=2.5)
    means = ", ".join(f"{line.name} {number(float(line.values.mean()))}" for line in lines)
    return Chart("exposure", days, (panel,), f"Exposure, {span(days)}: on average {means} %.", section="exposure")
