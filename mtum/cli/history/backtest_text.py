"""What `mtum backtest` shows a person."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mtum.cli.output import Listing


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
            *(row["reason"], row["trades"], row["wins"], _usd(row["pnl_usd"])),
            *(_percent(row["mean_return_frac"]), round(row["mean_sessions_held"], 1)),
        ]
        for row in metrics["exit_reasons"]
    ]
    yield Listing(columns, rows, "Why positions were left")
    if "near_close" in answer:
        yield _near_close(answer["near_close"])
    if "checks" in answer:
        yield from _checks(answer["checks"])
    yield from metrics["cautions"]
    for file in answer.get("files", ()):
        yield f"written: {file}"
    yield "The past of one symbol, not a promise."


def _near_close(spreads: Sequence[Mapping[str, Any]]) -> Listing:
    columns = ("price and VIX tied by", "final equity, USD: 5 %", "50 %", "95 %", "entries moved, %", "elsewhere, %")
    rows = [
        [
            *(row["correlation"], _usd(row["final_equity_low"]), _usd(row["final_equity_middle"])),
            *(_usd(row["final_equity_high"]), _percent(row["moved_entries_frac"]), _percent(row["elsewhere_frac"])),
        ]
        for row in spreads
    ]
    return Listing(columns, rows, f"Decided 20 minutes before the close, {spreads[0]['draws']} draws each")


def _checks(checks: Mapping[str, Any]) -> Iterator[str | Listing]:
    rows = [
        [row["kind"], row["change"], row["trades"], _usd(row["final_equity_usd"]), _percent(row["cagr_frac"])]
        for row in checks["variants"]
    ]
    yield Listing(("check", "changed", "trades", "final equity, USD", "return a year, %"), rows, "One thing changed")
    faults = checks["look_ahead_faults"] + checks["warm_up_faults"]
    yield f"look-ahead: {checks['look_ahead_cuts']} cuts of the future and 2 longer warm-ups, {faults} faults"
    yield from checks["verdict"]


def _compared(
    answer: Mapping[str, Any], mine: Mapping[str, Any], held: Mapping[str, Any]
) -> Iterator[Sequence[object]]:
    yield "final equity, USD", _usd(answer["final_equity_usd"]), _usd(held["final_equity_usd"])
    for label, name in (
        ("return a year, %", "cagr_frac"),
        ("volatility a year, %", "volatility_frac"),
        ("deepest fall, %", "max_drawdown_frac"),
        ("VaR 95 % of a session, %", "var_95_frac"),
        ("CVaR 95 % of a session, %", "cvar_95_frac"),
    ):
        yield label, _percent(mine[name]), _percent(held[name])
    for label, name in (("Sharpe", "sharpe"), ("Sortino", "sortino"), ("Calmar", "calmar")):
        yield label, _plain(mine[name]), _plain(held[name])


def _trade_lines(metrics: Mapping[str, Any]) -> Iterator[Sequence[object]]:
    low, high = _percent(metrics["win_rate_low"]), _percent(metrics["win_rate_high"])
    yield "made (closed)", f"{metrics['trades']} ({metrics['closed_trades']})"
    yield "won, % (95 % interval)", f"{_percent(metrics['win_rate_frac'])} ({low} to {high})"
    yield "profit factor", _plain(metrics["profit_factor"])
    yield "average, USD", _usd(metrics["average_trade_usd"])
    yield "average length, sessions", _plain(metrics["average_sessions_held"])
    yield "invested, % of sessions", _percent(metrics["exposure_frac"])
    yield "turnover a year", _plain(metrics["turnover_per_year"])
    yield (
        "costs, USD (% of equity a year)",
        f"{_usd(metrics['costs_usd'])} ({_percent(metrics['cost_drag_frac_per_year'])})",
    )


def _usd(amount: float | None) -> str:
    return "" if amount is None else f"{amount:,.2f}"


def _percent(frac: float | None) -> str:
    return "unknown" if frac is None else f"{100 * frac:.2f}"


def _plain(number: float | None) -> str:
    return "unknown" if number is None else f"{number:.2f}"
