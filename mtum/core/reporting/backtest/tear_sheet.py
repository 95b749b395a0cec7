"""The tear sheet of a backtest: one page with charts and tables that needs nothing from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtum.core.portfolio.returns import drawdown, from_capital
from mtum.core.reporting.backtest.figure import chart, lines_of
from mtum.core.reporting.backtest.page import page, prose, section, table
from mtum.core.reporting.backtest.svg import Mark, heat_color
from mtum.core.research.metrics import SESSIONS_PER_YEAR
from mtum.core.simulation.kernel.columns import Column
from mtum.core.simulation.played import Played

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


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


def tear_sheet(sheet: Sheet) -> str:
    """Return the page."""
    found = sheet.document
    days = [str(day) for day in sheet.played.days.astype("datetime64[D]")]
    title = f"{found['strategy']} on {found['symbol']}"
    subtitle = (
        f"{found['start']} to {found['end']}, {found['sessions']} sessions, source {found['source']}, fills at "
        f"{found['fill_model']}, decisions on {found['decision_model']} bars. A past, not a promise."
    )
    return page(title, subtitle, _sections(sheet, days))


def _sections(sheet: Sheet, days: list[str]) -> list[str]:
    found, capital = sheet.document, sheet.played.capital_usd
    mine, held = sheet.played.equity, sheet.benchmark
    pair = ("rules", "buy and hold")
    parts = [
        section("Result", _figures(found)),
        section("Equity, USD, logarithmic", chart(days, lines_of(pair, (mine, held)), log=True)),
        section(
            "Below the peak, %",
            chart(
                days,
                lines_of(pair, [100 * drawdown(from_capital(equity, capital)) for equity in (mine, held)]),
                height=180,
            ),
        ),
        section(
            "Return of the last 12 months, %", chart(days, lines_of(pair, (_rolling(mine), _rolling(held))), height=180)
        ),
        section("Return by month, %", months_table(days, mine, capital)),
        section("Trades", _price_chart(sheet, days)),
        section("Why positions were left", _reason_table(found)),
    ]
    if "near_close" in found:
        parts.append(section("Decided 20 minutes before the close", _near_close(found["near_close"])))
    if "checks" in found:
        parts += _check_sections(found)
    parts.append(section("Every trade", _trade_table(found["trades"])))
    return parts


def _rolling(equity: Column) -> Column:
    out = np.full(len(equity), np.nan)
    if len(equity) > SESSIONS_PER_YEAR:
        out[SESSIONS_PER_YEAR:] = 100 * (equity[SESSIONS_PER_YEAR:] / equity[:-SESSIONS_PER_YEAR] - 1)
    return out


def months_table(days: Sequence[str], equity: Column, capital_usd: float) -> str:
    """Return a table of monthly returns in per cent, colored, a year to a row."""
    ends = [at for at in range(len(days)) if at + 1 == len(days) or days[at][:7] != days[at + 1][:7]]
    before, returns = capital_usd, {}
    for at in ends:
        returns[days[at][:4], int(days[at][5:7])] = 100 * (float(equity[at]) / before - 1)
        before = float(equity[at])
    largest = max((abs(value) for value in returns.values()), default=1.0)
    rows = []
    for year in dict.fromkeys(key[0] for key in returns):
        cells = [returns.get((year, month)) for month in range(1, 13)]
        whole = 100 * (float(np.prod([1 + cell / 100 for cell in cells if cell is not None])) - 1)
        rows.append(f"<tr><th>{year}</th>{''.join(_heat(cell, largest) for cell in cells)}<td>{whole:.1f}</td></tr>")
    head = "".join(f"<th>{name}</th>" for name in ("", *MONTHS, "Year"))
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _heat(cell: float | None, largest: float) -> str:
    if cell is None:
        return "<td></td>"
    return f'<td class="heat" style="background:{heat_color(cell, largest)}">{cell:.1f}</td>'


def _price_chart(sheet: Sheet, days: list[str]) -> str:
    places = {day: at for at, day in enumerate(days)}
    marks = []
    for trade in sheet.played.trades:
        bought = f"{trade.entry_session}: {trade.shares} bought at {trade.entry_price:,.2f}"
        marks.append(Mark(places[str(trade.entry_session)], trade.entry_price, bought, up=True))
        if trade.exit_session is not None and trade.exit_price is not None:
            words = f"{trade.exit_session}: sold at {trade.exit_price:,.2f}, {', '.join(trade.reasons)}"
            marks.append(Mark(places[str(trade.exit_session)], trade.exit_price, words, up=False))
    return chart(days, lines_of(("close",), (sheet.close,)), height=320, log=True, marks=marks)


def _figures(found: Mapping[str, Any]) -> str:
    mine, held = found["metrics"], found["benchmark"]
    rows: list[tuple[str, object, object]] = [
        ("final equity, USD", float(found["final_equity_usd"]), float(held["final_equity_usd"]))
    ]
    rows += [
        (label, _percent(mine[name]), _percent(held[name]))
        for label, name in (
            ("return a year, %", "cagr_frac"),
            ("volatility a year, %", "volatility_frac"),
            ("deepest fall, %", "max_drawdown_frac"),
            ("VaR 95 % of a session, %", "var_95_frac"),
            ("CVaR 95 % of a session, %", "cvar_95_frac"),
        )
    ]
    rows += [(name.capitalize(), mine[name], held[name]) for name in ("sharpe", "sortino", "calmar")]
    words = (
        f"{mine['trades']} trades, {_percent(mine['win_rate_frac'])} % won "
        f"(95 % interval {_percent(mine['win_rate_low'])} to {_percent(mine['win_rate_high'])} %), "
        f"invested in {_percent(mine['exposure_frac'])} % of sessions, costs {mine['costs_usd']:,.2f} USD."
    )
    cautions = "".join(f"<p>{prose(line)}</p>" for line in mine["cautions"])
    return table(("", "rules", "buy and hold"), rows) + f"<p>{words}</p>{cautions}"


def _reason_table(found: Mapping[str, Any]) -> str:
    columns = ("reason", "trades", "wins", "P&L, USD", "mean return, %", "mean sessions")
    rows = [
        (
            *(row["reason"], row["trades"], row["wins"], float(row["pnl_usd"])),
            *(100 * row["mean_return_frac"], float(row["mean_sessions_held"])),
        )
        for row in found["metrics"]["exit_reasons"]
    ]
    return table(columns, rows)


def _near_close(spreads: Sequence[Mapping[str, Any]]) -> str:
    columns = ("price and VIX tied by", "5 %", "50 %", "95 %", "entries in another session, %", "sessions elsewhere, %")
    rows = [
        (
            *(float(row["correlation"]), row["final_equity_low"], row["final_equity_middle"], row["final_equity_high"]),
            *(100 * row["moved_entries_frac"], 100 * row["elsewhere_frac"]),
        )
        for row in spreads
    ]
    return f"<p>Final equity in USD over {spreads[0]['draws']} draws each.</p>" + table(columns, rows)


def _check_sections(found: Mapping[str, Any]) -> list[str]:
    checks = found["checks"]
    whole = ("as it is", "", found["metrics"]["trades"], float(found["final_equity_usd"]))
    base = (*whole, _percent(found["metrics"]["cagr_frac"]))

    def rows(*kinds: str) -> list[tuple[object, ...]]:
        # The rules as they are first, then one kind after the other.
        changed = [row for kind in kinds for row in checks["variants"] if row["kind"] == kind]
        return [base] + [
            (
                *(row["change"], row["kind"].replace("_", " "), row["trades"], float(row["final_equity_usd"])),
                100 * row["cagr_frac"],
            )
            for row in changed
        ]

    columns = ("changed", "kind", "trades", "final equity, USD", "return a year, %")
    verdict = "".join(f"<p>{prose(line)}</p>" for line in checks["verdict"])
    return [
        section("In plain words", verdict),
        section("Score-card of the conditions", table(columns, rows("drop_one", "only_one"), sortable=True)),
        section("Sensitivity", table(columns, rows("rsi_form", "volume_mode", "costs"), sortable=True)),
    ]


def _trade_table(trades: Sequence[Mapping[str, Any]]) -> str:
    columns = ("entry", "price", "exit", "price", "shares", "P&L, USD", "return, %", "reason", "sessions")
    rows = [
        (
            *(trade["entry_session"], float(trade["entry_price"]), trade["exit_session"], trade["exit_price"]),
            *(trade["shares"], float(trade["pnl_usd"]), 100 * trade["return_frac"], trade["reason"] or "open"),
            trade["sessions_held"],
        )
        for trade in trades
    ]
    return table(columns, rows, sortable=True)


def _percent(frac: float | None) -> str:
    return "unknown" if frac is None else f"{100 * frac:.2f}"
