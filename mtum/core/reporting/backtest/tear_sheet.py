"""The tear sheet of a backtest: its charts and its tables as one page."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mtum.core.portfolio.fund import FUND
from mtum.core.portfolio.orders import Side
from mtum.core.reporting.backtest.holdings import exposure_chart, holding_sections
from mtum.core.reporting.backtest.periods import definitions, rolling_chart, time_sections
from mtum.core.reporting.backtest.result import percent_number, result_sections, traded
from mtum.core.reporting.backtest.sleeves import sleeve_sections, sleeves_chart
from mtum.core.reporting.charts import Chart, Days, Line, Mark, Panel, equity_panels, equity_words, span
from mtum.core.reporting.figures import number
from mtum.core.reporting.layout import Page, Section, Sentence, Table, table_of
from mtum.core.reporting.words import count, listed, reason, short
from mtum.core.research.sheet import SheetFigures
from mtum.core.simulation.kernel.columns import Column
from mtum.core.simulation.played import PlayedAccount

MOST_PANELS = 8
"""Symbols whose closes are drawn, one panel each."""
MOST_TRADES = 1000
"""Trades in the table, the newest; a page of many thousands is slow to open."""


class Sheet(Struct, frozen=True, eq=False):
    """What the page shows.

    Parameters
    ----------
    document : mapping
        The result as `mtum backtest --json` gives it, with its checks.
    account : PlayedAccount
        What was played; a strategy alone has no sleeves.
    benchmark : ndarray, shape (n_sessions,)
        Equity in USD of buy-and-hold with dividends reinvested.
    """

    document: Mapping[str, Any]
    account: PlayedAccount
    benchmark: Column
    figures: SheetFigures


def tear_sheet(sheet: Sheet) -> Page:
    """Return the page."""
    found, figures = sheet.document, sheet.figures
    name, held = f"{found['strategy']} on {traded(found['symbols'])}", found["benchmark"]
    days = sheet.account.total.days.astype("datetime64[D]")
    result, *rest = result_sections(found)
    charts = (
        _equity_chart(sheet, days),
        rolling_chart(days, figures),
        sleeves_chart(days, sheet.account, figures),
        exposure_chart(days, figures.weights, figures.fund),
        _trades_chart(sheet, days),
    )
    shown = {chart.key for chart in charts if chart is not None}
    further = (
        *time_sections(figures),
        *sleeve_sections(figures, sheet.account, found),
        *holding_sections(figures.symbols, found, sheet.account.total.capital_usd),
        Section("trades", "Trades"),
        *(part for part in rest if part.key not in ("sleeves", "symbols")),
        Section("every-trade", "Every trade", tuple(_trades(found, [*sheet.account.sleeves]))),
        definitions(),
    )
    return Page(
        subject=name,
        verdict=f"{name}: {number(found['final_equity_usd'])} USD, buy and hold {number(held['final_equity_usd'])} USD",
        lead=(
            f"{found['start']} to {found['end']}, {count(found['sessions'], 'session')}, source {found['source']}, "
            f"fills at {found['fill_model']}, decisions on {found['decision_model']} bars."
        ),
        mode="backtest",
        first_screen=(replace(result, blocks=(*result.blocks, *map(Sentence, found["metrics"]["cautions"]))),),
        further=tuple(part for part in further if part.blocks or part.key in shown),
        footer=(*found["assumptions"], "A past, not a promise."),
        charts=tuple(chart for chart in charts if chart is not None),
        wide=True,
    )


def _equity_chart(sheet: Sheet, days: Days) -> Chart:
    figures = sheet.figures
    own, held = Line("rules", sheet.account.total.equity), Line("holding", sheet.benchmark, "second")
    year = (
        replace(own, values=100 * figures.rolling["return_frac"]),
        replace(held, values=100 * figures.benchmark_rolling["return_frac"]),
    )
    falls = (figures.drawdown, figures.benchmark_drawdown)
    panels = (*equity_panels(own, held, falls, log=True), Panel("Return of the last 12 months, %", year))
    return Chart("equity", days, panels, equity_words(days, panels[:2]))


def _trades_chart(sheet: Sheet, days: Days) -> Chart | None:
    marks: dict[str, list[Mark]] = {}
    for order in sheet.account.total.orders:
        if order.sleeve == FUND:
            continue  # idle cash is no decision about a market
        bought = order.side is Side.BUY
        told = f"{order.shares:,} bought at" if bought else f"{order.shares:,} sold at"
        why = "" if bought else f": {listed(tuple(map(reason, order.reasons)))}"
        told += f" {number(order.price)}{why}"
        mark = Mark(order.session, order.price, "bought" if bought else "sold", told=told)
        marks.setdefault(order.symbol, []).append(mark)
    # Those with the most orders, in the order of the strategy.
    busiest = sorted(marks, key=lambda symbol: -len(marks[symbol]))[:MOST_PANELS]
    shown = [symbol for symbol in sheet.account.prices if symbol in busiest]
    if not shown:
        return None
    title = " close, USD, logarithmic; \N{BLACK UP-POINTING TRIANGLE} bought"
    title += ", \N{BLACK DOWN-POINTING TRIANGLE} sold"
    height = 3.0 if len(shown) == 1 else 1.5
    panels = tuple(
        Panel(
            symbol + title,
            (Line("close", sheet.account.prices[symbol], "quiet"),),
            tuple(marks.get(symbol, ())),
            log=True,
            height=height,
        )
        for symbol in shown
    )
    words = f"{traded(shown)}, {span(days)}: close, and {len(sheet.account.total.trades)} trades; the table lists them."
    return Chart("trades", days, panels, words, section="trades")


def _trades(found: Mapping[str, Any], sleeves: Sequence[str]) -> Iterable[Sentence | Table]:
    # Whose and of what is told where there are several.
    beside = [name for name, of in (("sleeve", sleeves), ("symbol", found["symbols"])) if len(of) > 1]
    trades = found["trades"]
    columns = ("entry", "price", "exit", "price", "shares", "P&L, USD", "return, %", "reason", "sessions")
    rows = [
        (
            *(trade[name] for name in beside),
            *(str(trade["entry_session"]), number(trade["entry_price"]), str(trade["exit_session"] or "-")),
            *(number(trade["exit_price"]), f"{trade['shares']:,}", number(trade["pnl_usd"])),
            *(
                percent_number(trade["return_frac"]),
                short(trade["reason"]) if trade["reason"] else "open",
                str(trade["sessions_held"]),
            ),
        )
        for trade in trades[-MOST_TRADES:]
    ]
    if not rows:
        return
    if len(trades) > MOST_TRADES:
        yield Sentence(f"The newest {MOST_TRADES:,} of {len(trades):,}; trades.csv has them all.")
    words = (*range(len(beside)), *(len(beside) + at for at in (0, 2, 7)))
    yield table_of((*beside, *columns), rows, left=words, sortable=True)
