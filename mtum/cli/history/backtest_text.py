"""What `mtum backtest` shows a person."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mtum.cli.output import Listing
from mtum.core.reporting.figures import number


def backtest_shown(answer: Mapping[str, Any]) -> Iterator[str | Listing]:
    """The result of one backtest as text and tables."""
    metrics, held = answer["metrics"], answer["benchmark"]
    yield (
        f"{answer['strategy']} on {answer['symbol']} ({answer['source']}), {answer['start']} to {answer['end']}, "
        f"{answer['sessions']} sessions, fills at {answer['fill_model']}, decisions on {answer['decision_model']} bars"
    )
    yield Listing(("", "rules", "buy and hold"), list(_compared(answer, metrics, held)))
    yield Listing(("trades", ""), list(_trade_lines(metrics)))
    columns = ("reason", "trades", "wins", "P&L, USD", "mean return, %", "mean sessions")
    rows = [
        [
            *(row["reason"], row["trades"], row["wins"], number(row["pnl_usd"])),
            *(_percent(row["mean_return_frac"]), round(row["mean_sessions_held"], 1)),
        ]
        for row in metrics["exit_reasons"]
    ]
    if rows:
        yield Listing(columns, rows, "Why positions were left")
    if "near_close" in answer:
        yield _near_close(answer["near_close"])
    if "checks" in answer:
        yield from _checks(answer["checks"])
    yield from metrics["cautions"]
    yield from answer["assumptions"]
    for file in answer.get("files", ()):
        yield f"written: {file}"
    yield "The past of one symbol, not a promise."


def _near_close(spreads: Sequence[Mapping[str, Any]]) -> Listing:
    columns = ("price and VIX tied by", "final equity, USD: 5 %", "50 %", "95 %", "entries moved, %", "elsewhere, %")
    rows = [
        [
            *(row["correlation"], number(row["final_equity_low"]), number(row["final_equity_middle"])),
            *(number(row["final_equity_high"]), _percent(row["moved_entries_frac"]), _percent(row["elsewhere_frac"])),
        ]
        for row in spreads
    ]
    return Listing(columns, rows, f"Decided 20 minutes before the close, {spreads[0]['draws']} draws each")


def _checks(checks: Mapping[str, Any]) -> Iterator[str | Listing]:
    rows = [
        [row["kind"], row["change"], row["trades"], number(row["final_equity_usd"]), _percent(row["cagr_frac"])]
        for row in checks["variants"]
    ]
    yield Listing(("check", "changed", "trades", "final equity, USD", "return a year, %"), rows, "One thing changed")
    faults = checks["look_ahead_faults"] + checks["warm_up_faults"]
    yield f"look-ahead: {checks['look_ahead_cuts']} cuts of the future and 2 longer warm-ups, {faults} faults"
    yield from checks["verdict"]


def _compared(
    answer: Mapping[str, Any], mine: Mapping[str, Any], held: Mapping[str, Any]
) -> Iterator[Sequence[object]]:
    yield "final equity, USD", number(answer["final_equity_usd"]), number(held["final_equity_usd"])
    for label, name in (
        ("return a year, %", "cagr_frac"),
        ("volatility a year, %", "volatility_frac"),
        ("max drawdown, %", "max_drawdown_frac"),
        ("VaR 95 % of a session, %", "var_95_frac"),
        ("CVaR 95 % of a session, %", "cvar_95_frac"),
    ):
        yield label, _percent(mine[name]), _percent(held[name])
    for label, name in (("Sharpe", "sharpe"), ("Sortino", "sortino"), ("Calmar", "calmar")):
        yield label, number(mine[name]), number(held[name])


def _trade_lines(metrics: Mapping[str, Any]) -> Iterator[Sequence[object]]:
    won = _percent(metrics["win_rate_frac"])
    yield "made (closed)", f"{metrics['trades']} ({metrics['closed_trades']})"
    if metrics["closed_trades"]:
        won += f" ({_percent(metrics['win_rate_low'])} to {_percent(metrics['win_rate_high'])})"
    yield "won, % (95 % interval)", won
    yield "profit factor", number(metrics["profit_factor"])
    yield "average, USD", number(metrics["average_trade_usd"])
    yield "average length, sessions", number(metrics["average_sessions_held"])
    yield "invested, % of sessions", _percent(metrics["exposure_frac"])
    yield "turnover a year", number(metrics["turnover_per_year"])
    yield (
        "costs, USD (% of equity a year)",
        f"{number(metrics['costs_usd'])} ({_percent(metrics['cost_drag_frac_per_year'])})",
    )


def _percent(frac: float | None) -> str:
    return number(None if frac is None else 100 * frac)
