"""The tear sheet of a backtest: its charts and its tables as one page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtum.core.portfolio.returns import drawdown, from_capital
from mtum.core.reporting.backtest.result import percent_number, result_sections
from mtum.core.reporting.charts import Chart, Days, Line, Mark, Panel, equity_panels, equity_words, span
from mtum.core.reporting.figures import MONTHS, number
from mtum.core.reporting.layout import Cell, Page, Section, Sentence, Table, table_of
from mtum.core.research.metrics import SESSIONS_PER_YEAR
from mtum.core.simulation.kernel.columns import Column
from mtum.core.simulation.played import Played


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """What the page shows.

    Parameters
    ----------
    document : mapping
        The result as `mtum backtest --json` gives it, with its checks.
    close, benchmark : ndarray, shape (n_sessions,)
        Closes in USD, and equity of buy-and-hold with dividends reinvested.
    """

    document: Mapping[str, Any]
    played: Played
    close: Column
    benchmark: Column


def tear_sheet(sheet: Sheet) -> Page:
    """Return the page."""
    found = sheet.document
    name, held = f"{found['strategy']} on {found['symbol']}", found["benchmark"]
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
        further=(*_further(sheet, days), *rest, Section("every-trade", "Every trade", (_trades(found["trades"]),))),
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
    marks: list[Mark] = []
    for trade in sheet.played.trades:
        told = f"{trade.shares} bought at {number(trade.entry_price)}"
        marks.append(Mark(trade.entry_session, trade.entry_price, "bought", told=told))
        if trade.exit_session is not None and trade.exit_price is not None:
            told = f"sold at {number(trade.exit_price)}, {', '.join(trade.reasons)}"
            marks.append(Mark(trade.exit_session, trade.exit_price, "sold", told=told))
    title = f"{sheet.played.symbol} close, USD, logarithmic; \N{BLACK UP-POINTING TRIANGLE} bought"
    title += ", \N{BLACK DOWN-POINTING TRIANGLE} sold"
    panel = Panel(title, (Line("close", sheet.close, "quiet"),), tuple(marks), log=True, height=3.0)
    words = f"{sheet.played.symbol}, {span(days)}: close, and {len(sheet.played.trades)} trades; the table lists them."
    return Chart("trades", days, (panel,), words, section="trades")


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


def _trades(trades: Sequence[Mapping[str, Any]]) -> Table:
    columns = ("entry", "price", "exit", "price", "shares", "P&L, USD", "return, %", "reason", "sessions")
    rows = [
        (
            *(str(trade["entry_session"]), number(trade["entry_price"]), str(trade["exit_session"] or "-")),
            *(number(trade["exit_price"]), f"{trade['shares']:,}", number(trade["pnl_usd"])),
            *(percent_number(trade["return_frac"]), trade["reason"] or "open", str(trade["sessions_held"])),
        )
        for trade in trades
    ]
    return table_of(columns, rows, left=(0, 2, 7), sortable=True)
