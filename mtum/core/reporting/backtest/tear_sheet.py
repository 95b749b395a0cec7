"""The tear sheet of a backtest: its charts and its tables as one page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.returns import drawdown, from_capital
from mtum.core.reporting.backtest.result import percent_number, result_sections, traded
from mtum.core.reporting.charts import Chart, Days, Line, Mark, Panel, equity_panels, equity_words, span
from mtum.core.reporting.figures import MONTHS, number
from mtum.core.reporting.layout import Cell, Page, Section, Sentence, Table, table_of
from mtum.core.reporting.words import listed, reason, short
from mtum.core.research.metrics import SESSIONS_PER_YEAR
from mtum.core.simulation.kernel.columns import Column
from mtum.core.simulation.played import Played

MOST_PANELS = 8
"""Symbols whose closes are drawn, one panel each."""


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """What the page shows.

    Parameters
    ----------
    document : mapping
        The result as `mtum backtest --json` gives it, with its checks.
    closes : mapping of symbol to ndarray, shape (n_sessions,)
        Closes in USD of each symbol; NaN before its first.
    benchmark : ndarray, shape (n_sessions,)
        Equity in USD of buy-and-hold with dividends reinvested.
    """

    document: Mapping[str, Any]
    played: Played
    closes: Mapping[str, Column]
    benchmark: Column


def tear_sheet(sheet: Sheet) -> Page:
    """Return the page."""
    found = sheet.document
    name, held = f"{found['strategy']} on {traded(found['symbols'])}", found["benchmark"]
    days = sheet.played.days.astype("datetime64[D]")
    result, *rest = result_sections(found)
    return Page(
        subject=name,
        verdict=f"{name}: {number(found['final_equity_usd'])} USD, buy and hold {number(held['final_equity_usd'])} USD",
        lead=(
            f"{found['start']} to {found['end']}, {found['sessions']} sessions, source {found['source']}, fills at "
            f"{found['fill_model']}, decisions on {found['decision_model']} bars."
        ),
        mode="backtest",
        first_screen=(replace(result, blocks=(*result.blocks, *map(Sentence, found["metrics"]["cautions"]))),),
        further=(
            *_further(sheet, days),
            *rest,
            Section("every-trade", "Every trade", (_trades(found["trades"], several=len(sheet.closes) > 1),)),
        ),
        footer=(*found["assumptions"], "A past, not a promise."),
        charts=(_equity_chart(sheet, days), _trades_chart(sheet, days)),
        wide=True,
    )


def _further(sheet: Sheet, days: Days) -> Iterable[Section]:
    months = months_table(days, sheet.played.equity, sheet.played.capital_usd)
    yield Section("months", "Return by month, %", (months,))
    yield Section("trades", "Trades")


def _equity_chart(sheet: Sheet, days: Days) -> Chart:
    capital = sheet.played.capital_usd
    own, held = Line("rules", sheet.played.equity), Line("holding", sheet.benchmark, "second")
    falls = (drawdown(from_capital(own.values, capital)), drawdown(from_capital(held.values, capital)))
    year = tuple(Line(line.name, _rolling(line.values), line.hue) for line in (own, held))
    panels = (*equity_panels(own, held, falls, log=True), Panel("Return of the last 12 months, %", year))
    return Chart("equity", days, panels, equity_words(days, panels[:2]))


def _rolling(equity: Column) -> Column:
    out = np.full(len(equity), np.nan)
    if len(equity) > SESSIONS_PER_YEAR:
        out[SESSIONS_PER_YEAR:] = 100 * (equity[SESSIONS_PER_YEAR:] / equity[:-SESSIONS_PER_YEAR] - 1)
    return out


def _trades_chart(sheet: Sheet, days: Days) -> Chart:
    marks: dict[str, list[Mark]] = {}
    for order in sheet.played.orders:
        bought = order.side is Side.BUY
        told = f"{order.shares:,} bought at" if bought else "sold at"
        why = "" if bought else f": {listed(tuple(map(reason, order.reasons)))}"
        told += f" {number(order.price)}{why}"
        mark = Mark(order.session, order.price, "bought" if bought else "sold", told=told)
        marks.setdefault(order.symbol, []).append(mark)
    # Those with the most orders, in the order of the strategy.
    busiest = sorted(sheet.closes, key=lambda symbol: -len(marks.get(symbol, ())))[:MOST_PANELS]
    shown = [symbol for symbol in sheet.closes if symbol in busiest]
    title = " close, USD, logarithmic; \N{BLACK UP-POINTING TRIANGLE} bought"
    title += ", \N{BLACK DOWN-POINTING TRIANGLE} sold"
    height = 3.0 if len(shown) == 1 else 1.5
    panels = tuple(
        Panel(
            symbol + title,
            (Line("close", sheet.closes[symbol], "quiet"),),
            tuple(marks.get(symbol, ())),
            log=True,
            height=height,
        )
        for symbol in shown
    )
    words = f"{traded(shown)}, {span(days)}: close, and {len(sheet.played.trades)} trades; the table lists them."
    return Chart("trades", days, panels, words, section="trades")


def months_table(days: Days, equity: Column, capital_usd: float) -> Table:
    """Return monthly returns in per cent, shaded, a year to a row."""
    months = days.astype("datetime64[M]")
    ends = np.append(np.flatnonzero(months[1:] != months[:-1]), len(days) - 1)
    returns = equity[ends] / np.concatenate(([capital_usd], equity[ends[:-1]])) - 1
    by_year: dict[int, dict[int, float]] = {}
    for month, earned in zip(months[ends].tolist(), returns.tolist(), strict=True):
        by_year.setdefault(month.year, {})[month.month] = 100 * earned
    largest = float(np.abs(returns).max()) * 100 or 1.0
    rows: list[tuple[Cell | str, ...]] = []
    for year, earned in by_year.items():
        whole = 100 * (float(np.prod([1 + one / 100 for one in earned.values()])) - 1)
        cells = (
            Cell(number(earned[month], 1), shade=earned[month] / largest) if month in earned else Cell("")
            for month in range(1, 13)
        )
        rows.append((str(year), *cells, number(whole, 1)))
    return table_of(("", *MONTHS, "Year"), rows)


def _trades(trades: Sequence[Mapping[str, Any]], *, several: bool) -> Table:
    columns = ("entry", "price", "exit", "price", "shares", "P&L, USD", "return, %", "reason", "sessions")
    rows = [
        (
            *([trade["symbol"]] if several else []),
            *(str(trade["entry_session"]), number(trade["entry_price"]), str(trade["exit_session"] or "-")),
            *(number(trade["exit_price"]), f"{trade['shares']:,}", number(trade["pnl_usd"])),
            *(
                percent_number(trade["return_frac"]),
                short(trade["reason"]) if trade["reason"] else "open",
                str(trade["sessions_held"]),
            ),
        )
        for trade in trades
    ]
    if several:
        return table_of(("symbol", *columns), rows, left=(0, 1, 3, 8), sortable=True)
    return table_of(columns, rows, left=(0, 2, 7), sortable=True)
