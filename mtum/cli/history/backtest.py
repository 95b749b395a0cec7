"""`mtum backtest`: the strategy over history."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec.structs import replace

from mtum.cli.arguments import OutFolder, SleeveName, day_option, own_name, word_option
from mtum.cli.context import CommandCall, call_of
from mtum.cli.history.keeping import keep
from mtum.cli.output import Answer
from mtum.errors import UsageError

if TYPE_CHECKING:
    from mtum.app.research.backtest_request import BacktestRequest
    from mtum.app.research.option_backtest import ChainsAt
    from mtum.config import Settings
    from mtum.ports.market_data import BarSource
    from mtum.ports.time import Calendar

Symbol = Annotated[str | None, typer.Option("--symbol", metavar="S", help="Symbol instead of the strategy's.")]
Source = Annotated[str | None, typer.Option("--source", metavar="NAME|csv:DIR", help="Where bars come from.")]
Start = Annotated[date | None, day_option("--start", "First session decided.")]
End = Annotated[date | None, day_option("--end", "Last session.")]
StrategyName = Annotated[
    str | None, typer.Option("--strategy", metavar="NAME", help="Strategy played.", callback=own_name)
]
PortfolioFile = Annotated[
    Path | None, typer.Option("--portfolio", metavar="FILE.toml", help="Sleeves, money and limits from this file.")
]
Fill = Annotated[str, word_option("--fill", "same_close", "next_open")]
Settled = Annotated[str, word_option("--settlement", "none", "calendar")]
Slippage = Annotated[
    float, typer.Option("--slippage-bps", metavar="BPS", help="Taken off every fill.", min=0, max=1000)
]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a setting; repeatable.")]
Holdings = Annotated[
    list[str] | None, typer.Option("--holding", metavar="SYMBOL=SHARES", help="Shares at the start; repeatable.")
]
Decision = Annotated[str, word_option("--decision", "official", "near_close")]
SkipUnfit = Annotated[bool, typer.Option("--skip-unfit", help="Leave out symbols whose bars are not fit.")]
Check = Annotated[bool, typer.Option("--check", help="How far can the result be trusted? Takes longer.")]
CheckWorkers = Annotated[
    int, typer.Option("--workers", metavar="N", min=1, max=256, help="Histories of --check played beside each other.")
]
ILLUSTRATION = "illustration"
"""Label of prices that no model stands behind, see `core.options.model.levels`."""
Approve = Annotated[bool, typer.Option("--approve", help="Keep this result: reports compare live trading with it.")]


def backtest(
    context: typer.Context,
    *,
    symbol: Symbol = None,
    source: Source = None,
    start: Start = None,
    end: End = None,
    strategy: StrategyName = None,
    sleeve: SleeveName = None,
    portfolio: PortfolioFile = None,
    decision: Decision = "official",
    fill: Fill = "same_close",
    settlement: Settled = "none",
    slippage_bps: Slippage = 0.0,
    changes: Set = None,
    holding: Holdings = None,
    skip_unfit: SkipUnfit = False,
    check: Check = False,
    workers: CheckWorkers = 1,
    approve: Approve = False,
    out: OutFolder = None,
) -> Answer:
    """The account over history, or one strategy."""
    from mtum.app.research.backtest_request import BacktestRequest, DecisionModel, of_sleeve

    call = call_of(context)
    settings = changed_settings(call, source, changes or [], portfolio=portfolio)
    own = None
    if portfolio is not None and (strategy is not None or approve):
        raise UsageError(f"--portfolio plays an account; leave out {'--strategy' if strategy else '--approve'}")
    if sleeve is not None:
        if strategy is not None or approve:
            more = "--strategy" if strategy is not None else "--approve"
            raise UsageError(f"--sleeve plays a sleeve of the settings as it is; leave out {more}")
        own = settings.sleeve.get(sleeve)
        settings = of_sleeve(settings, sleeve)
    asked = BacktestRequest(
        settings=settings,
        strategy=strategy,
        symbol=symbol,
        start=start,
        end=end,
        decision=DecisionModel(decision),
        fill=fill,
        settlement=settlement,
        slippage_bps=slippage_bps,
        holdings=holdings_given(holding or []),
        sleeve=sleeve,
        benchmark=own.benchmark if own else None,
        skip_unfit=skip_unfit,
    )
    if approve and asked.whole_account:
        raise UsageError("--approve keeps the result of one strategy with all the money; leave it out with sleeves")
    if approve and skip_unfit:
        raise UsageError("--approve keeps the result of every symbol of the settings; leave out --skip-unfit")
    if approve:
        from mtum.app.approvals.approve_backtest import check_approvable

        check_approvable(call.settings(), asked.active_strategy().name)
    answer = _backtest_answer(call, asked, check=check, workers=workers, out=out)
    return _approved(call, answer) if approve else answer


def _approved(call: CommandCall, answer: Answer) -> Answer:
    from mtum.app.approvals.approve_backtest import approve_backtest
    from mtum.wiring.provenance import provenance
    from mtum.wiring.resources import opened_store, system_clock

    settings = call.settings()
    if answer.document.get("options", {}).get("label") == ILLUSTRATION:
        raise UsageError(f"the prices of {answer.document['strategy']} are an illustration: they approve nothing")
    with opened_store(settings, call.data_folder()) as store:
        approve_backtest(store.approvals, settings, answer.document, provenance(), system_clock().now())
    line = "approved: reports compare live trading with this backtest from now on"
    return replace(answer, document={**answer.document, "approved": True}, shown=[*answer.shown, line])


def _backtest_answer(
    call: CommandCall, asked: "BacktestRequest", *, check: bool, workers: int, out: Path | None
) -> Answer:
    from mtum.app.research.account_backtest import backtested, result_document, weights_document

    told: list[str] = []
    source, calendar = market_of(call, asked.settings, told.append)
    found = backtested(asked, source, calendar, call.tell, chains_for(call, asked.settings, source, calendar))
    answer = result_document(found)
    answer["metrics"]["cautions"] += told
    if check or (out is not None and found.history is not None):
        from mtum.app.research.check_backtest import checks_document, checks_of
        from mtum.wiring.research import replays_by

        answer["checks"] = checks_document(checks_of(found, source, calendar, call.tell, replays_by(workers)))
    if out is not None:
        from mtum.app.research.steps import tell_step
        from mtum.app.research.tear_sheet import account_of
        from mtum.wiring.research import tear_sheet_files

        tell_step("drawing the tear sheet")
        answer["weights"] = weights_document(account_of(found))
        answer["files"] = tear_sheet_files(found, answer, out)
    shaped = (asked.settings, answer["settings"])
    if "options" not in answer or answer["options"]["label"] != ILLUSTRATION:
        keep(call, "backtest", answer, shaped, bars=[found.market], curve=(found.played.days, found.played.equity))
    if call.json:
        return Answer(answer)
    from mtum.cli.history.backtest_text import backtest_shown

    return Answer(answer, list(backtest_shown(answer)))


def holdings_given(given: Sequence[str]) -> dict[str, int]:
    """Return shares by symbol of every `--holding`.

    Raises
    ------
    UsageError
        If one is not SYMBOL=SHARES, or names a symbol again.
    """
    found: dict[str, int] = {}
    for one in given:
        symbol, _, shares = one.partition("=")
        if not symbol or not shares.isdecimal() or not int(shares):
            raise UsageError(f'--holding "{one}" is not SYMBOL=SHARES with a whole number of shares, such as SPY=25')
        if symbol in found:
            raise UsageError(f"--holding names {symbol} twice; name it once with all its shares")
        found[symbol] = int(shares)
    return found


def changed_settings(
    call: CommandCall,
    source: str | None,
    changes: Sequence[str],
    more: Mapping[str, Any] | None = None,
    portfolio: Path | None = None,
) -> "Settings":
    """Return the settings with `--source`, every `--set` and single changes put over them.

    Parameters
    ----------
    call : CommandCall
        The options given so far and what was read because of them; one object per process.
    source : str or None
        Value of `--source`; None where it was left out.
    changes : sequence of str
        Each `--set NAME=VALUE` as it was typed.
    more : mapping of str to any or None
        Further changes, value by dotted name; None for none.
    portfolio : Path or None
        File to take in place of the settings; where it says nothing of the market, that of the settings stays.

    Raises
    ------
    UsageError, ConfigError
        If a change is not KEY=VALUE, or the result is no valid set of settings.
    """
    from mtum.config import load, plain_value, read_toml

    given: dict[str, Any] = {}
    for change in changes:
        name, equals, text = change.partition("=")
        if not equals:
            raise UsageError(f'--set "{change}" is not KEY=VALUE, such as portfolio.cost_frac=0.002')
        given[name.strip()] = plain_value(text.strip())
    if source is not None:
        kind, _, folder = source.partition(":")
        given["market.source"] = kind
        if kind == "csv" and folder:
            given["market.csv_dir"] = str(Path(folder).expanduser().absolute())
    if portfolio is not None and "market" not in read_toml(portfolio):
        market = call.settings().document()["market"]
        given = {**{f"market.{name}": "none" if one is None else one for name, one in market.items()}, **given}
    # A study crosses points that contradict themselves; a single question must not.
    file = call.settings_file() if portfolio is None else portfolio
    return load(file, call.environment, {**given, **(more or {})}, coherent=more is None)


def chains_for(call: CommandCall, settings: "Settings", source: "BarSource", calendar: "Calendar") -> "ChainsAt | None":
    """Return where options are quoted: None for the model alone.

    Parameters
    ----------
    call : CommandCall
        The options given so far and what was read because of them; one object per process.
    settings : Settings
        Settings in force.
    source : BarSource
        Daily bars, today's unfinished bar and the VIX from one vendor.
    calendar : Calendar
        The exchange's trading sessions.
    """
    if not settings.market.chain_dir:
        return None
    from mtum.wiring.chains import chains_of

    folder = call.data_folder()
    return lambda points: chains_of(settings, folder, source, calendar, points, official=True)


def market_of(
    call: CommandCall, settings: "Settings", tell: Callable[[str], None] | None = None
) -> "tuple[BarSource, Calendar]":
    """Return the source of bars and the exchange's calendar.

    Parameters
    ----------
    call : CommandCall
        The options given so far and what was read because of them; one object per process.
    settings : Settings
        Settings in force.
    tell : callable or None
        Told what a person may want to know of files that are read; stderr when None.
    """
    from mtum.wiring.resources import calendar_of, source_of

    folder = call.data_folder()
    source = source_of(settings, folder, tell or call.tell)
    return source, calendar_of(settings, folder, call.cache_folder())
