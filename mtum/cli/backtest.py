"""`mtum backtest`, `mtum sweep`, `mtum walkforward`: questions to history."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtum.cli.arguments import day_of
from mtum.cli.context import Call, call_of
from mtum.cli.output import Answer, Listing
from mtum.errors import UsageError

if TYPE_CHECKING:
    from mtum.app.research.asked import Asked
    from mtum.config import Settings
    from mtum.ports.market_data import BarSource
    from mtum.ports.time import Calendar

Symbol = Annotated[str | None, typer.Option("--symbol", metavar="S", help="Symbol instead of the strategy's.")]
Source = Annotated[str | None, typer.Option("--source", metavar="NAME|csv:DIR", help="Where bars come from.")]
Start = Annotated[str | None, typer.Option("--start", metavar="DATE", help="First session decided.")]
End = Annotated[str | None, typer.Option("--end", metavar="DATE", help="Last session.")]
StrategyName = Annotated[str | None, typer.Option("--strategy", metavar="NAME", help="Strategy played.")]
Fill = Annotated[str, typer.Option("--fill", metavar="MODEL", help="same_close or next_open.")]
Settled = Annotated[str, typer.Option("--settlement", metavar="MODEL", help="none or calendar.")]
Slippage = Annotated[
    float, typer.Option("--slippage-bps", metavar="BPS", help="Taken off every fill.", min=0, max=1000)
]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a setting; repeatable.")]
Decision = Annotated[str, typer.Option("--decision", metavar="MODEL", help="official or near_close.")]
Check = Annotated[bool, typer.Option("--check", help="How far can the result be trusted? Takes longer.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write the tear sheet there.")]


def backtest(
    context: typer.Context,
    *,
    symbol: Symbol = None,
    source: Source = None,
    start: Start = None,
    end: End = None,
    strategy: StrategyName = None,
    decision: Decision = "official",
    fill: Fill = "same_close",
    settlement: Settled = "none",
    slippage_bps: Slippage = 0.0,
    changes: Set = None,
    check: Check = False,
    out: Out = None,
) -> Answer:
    """The strategy over history."""
    from mtum.app.research.asked import Asked

    call = call_of(context)
    settings = changed_settings(call, source, changes or [])
    asked = Asked(
        settings=settings,
        strategy=strategy,
        symbol=symbol,
        start=day_of(start, "--start"),
        end=day_of(end, "--end"),
        decision=_decision_model(decision),
        fill=fill,
        settlement=settlement,
        slippage_bps=slippage_bps,
    )
    return _backtest_answer(call, asked, check=check, out=out)


def _backtest_answer(call: Call, asked: "Asked", *, check: bool, out: Path | None) -> Answer:
    from mtum.app.research.run_backtest import document, run_backtest

    found = run_backtest(asked, *_market(call, asked.settings), _teller(call))
    answer = document(found)
    return Answer(answer, list(_shown(answer)))


def changed_settings(call: Call, source: str | None, changes: Sequence[str]) -> "Settings":
    """Return the settings with `--source` and every `--set` put over them.

    Raises
    ------
    UsageError, ConfigError
        If a change is not KEY=VALUE, or the result is no valid set of settings.
    """
    from mtum.config import load, plain_value

    given: dict[str, Any] = {}
    for change in changes:
        name, equals, text = change.partition("=")
        if not equals:
            raise UsageError(f'--set "{change}" is not KEY=VALUE, such as strategy.mtum_confluence.ma_sessions=60')
        given[name.strip()] = plain_value(text.strip())
    if source is not None:
        kind, _, folder = source.partition(":")
        given["market.source"] = kind
        if kind == "csv" and folder:
            given["market.csv_dir"] = str(Path(folder).expanduser().absolute())
    return load(call.settings_file(), call.environment, given)


def _market(call: Call, settings: "Settings") -> "tuple[BarSource, Calendar]":
    from mtum.wiring import calendar_of, source_of

    return source_of(settings, call.data_folder()), calendar_of(settings, call.data_folder())


def _teller(call: Call) -> Any:
    def tell(text: str) -> None:
        if not call.quiet:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    return tell


def _decision_model(word: str) -> Any:
    from mtum.app.research.asked import DecisionModel

    try:
        return DecisionModel(word)
    except ValueError:
        raise UsageError(f'--decision "{word}" is not known; use official or near_close') from None


def _shown(answer: Mapping[str, Any]) -> Iterator[str | Listing]:
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
    yield from metrics["cautions"]
    yield "The past of one symbol, not a promise."


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
