"""The tear sheet of a backtest: its charts and its tables as one page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtum.core.portfolio.returns import drawdown, from_capital
from mtum.core.reporting.charts import Chart, Days, Line, Mark, Panel, equity_panels, equity_words, span
from mtum.core.reporting.figures import MONTHS, number, percent
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
    return Page(
        subject=name,
        verdict=f"{name}: {number(found['final_equity_usd'])} USD, buy and hold {number(held['final_equity_usd'])} USD",
        lead=(
            f"{found['start']} to {found['end']}, {found['sessions']} sessions, source {found['source']}, fills at "
            f"{found['fill_model']}, decisions on {found['decision_model']} bars."
        ),
        mode="backtest",
        first_screen=(Section("result", "Result", (_figures(found), *_sentences(found["metrics"]))),),
        further=tuple(_further(sheet, days)),
        footer=(*found["assumptions"], "A past, not a promise."),
        charts=(_equity_chart(sheet, days), _trades_chart(sheet, days)),
        wide=True,
    )


def _further(sheet: Sheet, days: Days) -> Iterable[Section]:
    found = sheet.document
    months = months_table(days, sheet.played.equity, sheet.played.capital_usd)
    yield Section("months", "Return by month, %", (months,))
    yield Section("trades", "Trades")
    yield Section("reasons", "Why positions were left", (_reasons(found["metrics"]["exit_reasons"]),))
    if "near_close" in found:
        yield Section("near-close", "Decided 20 minutes before the close", tuple(_near_close(found["near_close"])))
    if "checks" in found:
        yield from _check_sections(found)
    yield Section("every-trade", "Every trade", (_trades(found["trades"]),))


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


def _figures(found: Mapping[str, Any]) -> Table:
    mine, held = found["metrics"], found["benchmark"]
    rows = [("final equity, USD", number(found["final_equity_usd"]), number(held["final_equity_usd"]))]
    rows += [
        (label, _percent(mine[name]), _percent(held[name]))
        for label, name in (
            ("return a year, %", "cagr_frac"),
            ("volatility a year, %", "volatility_frac"),
            ("max drawdown, %", "max_drawdown_frac"),
            ("VaR 95 % of a session, %", "var_95_frac"),
            ("CVaR 95 % of a session, %", "cvar_95_frac"),
        )
    ]
    rows += [(name.capitalize(), number(mine[name]), number(held[name])) for name in ("sharpe", "sortino", "calmar")]
    return table_of(("", "rules", "buy and hold"), rows)


def _sentences(mine: Mapping[str, Any]) -> list[Sentence]:
    won = f"{_percent(mine['win_rate_frac'])} % won"
    if mine["win_rate_low"] is not None:
        won += f" (95 % interval {_percent(mine['win_rate_low'])} to {_percent(mine['win_rate_high'])} %)"
    words = (
        f"{mine['trades']} trades, {won}, invested in {_percent(mine['exposure_frac'])} % of sessions, "
        f"costs {number(mine['costs_usd'])} USD."
    )
    return [Sentence(line) for line in (words, *mine["cautions"])]


def _reasons(reasons: Sequence[Mapping[str, Any]]) -> Table:
    rows: list[tuple[str, ...]] = [
        (
            *(row["reason"], f"{row['trades']:,}", f"{row['wins']:,}", number(row["pnl_usd"])),
            *(_percent(row["mean_return_frac"]), number(row["mean_sessions_held"])),
        )
        for row in reasons
    ]
    return table_of(("reason", "trades", "wins", "P&L, USD", "mean return, %", "mean sessions"), rows)


def _near_close(spreads: Sequence[Mapping[str, Any]]) -> Iterable[Sentence | Table]:
    yield Sentence(f"Final equity in USD over {spreads[0]['draws']} draws each.")
    columns = ("price and VIX tied by", "5 %", "50 %", "95 %", "entries in another session, %", "sessions elsewhere, %")
    ends = ("final_equity_low", "final_equity_middle", "final_equity_high")
    rows = [
        (
            *(number(row["correlation"]), *(number(row[end]) for end in ends)),
            *(_percent(row["moved_entries_frac"]), _percent(row["elsewhere_frac"])),
        )
        for row in spreads
    ]
    yield table_of(columns, rows, left=())


def _check_sections(found: Mapping[str, Any]) -> Iterable[Section]:
    checks = found["checks"]
    whole = ("as it is", "", f"{found['metrics']['trades']:,}", number(found["final_equity_usd"]))
    base = (*whole, _percent(found["metrics"]["cagr_frac"]))
    columns = ("changed", "kind", "trades", "final equity, USD", "return a year, %")

    def variants(*kinds: str) -> Table:
        # The rules as they are first, then one kind after the other.
        changed = [row for kind in kinds for row in checks["variants"] if row["kind"] == kind]
        rows = [
            (
                *(row["change"], row["kind"].replace("_", " "), f"{row['trades']:,}"),
                *(number(row["final_equity_usd"]), _percent(row["cagr_frac"])),
            )
            for row in changed
        ]
        return table_of(columns, [base, *rows], left=(0, 1), sortable=True)

    yield Section("verdict", "In plain words", tuple(Sentence(line) for line in checks["verdict"]))
    yield Section("score-card", "Score-card of the conditions", (variants("drop_one", "only_one"),))
    yield Section("sensitivity", "Sensitivity", (variants("rsi_form", "volume_mode", "costs"),))


def _trades(trades: Sequence[Mapping[str, Any]]) -> Table:
    columns = ("entry", "price", "exit", "price", "shares", "P&L, USD", "return, %", "reason", "sessions")
    rows = [
        (
            *(str(trade["entry_session"]), number(trade["entry_price"]), str(trade["exit_session"] or "-")),
            *(number(trade["exit_price"]), f"{trade['shares']:,}", number(trade["pnl_usd"])),
            *(_percent(trade["return_frac"]), trade["reason"] or "open", str(trade["sessions_held"])),
        )
        for trade in trades
    ]
    return table_of(columns, rows, left=(0, 2, 7), sortable=True)


def _percent(frac: float | None) -> str:
    return percent(frac, sign=False).removesuffix("%")
