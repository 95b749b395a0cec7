"""`mtum demo`: the whole daily job on the embedded market, session by session."""

import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec.structs import replace

from mtum.cli.arguments import OutFolder, own_name
from mtum.cli.context import DATABASE_NAME, CommandCall, call_of
from mtum.cli.output import Answer, Listing
from mtum.errors import UsageError

if TYPE_CHECKING:
    from mtum.core.market.sessions import Session

SETTINGS_NAME = "config.toml"
WHY_LAST = "why the last session was decided so"
SHOWN_DAYS = 4
CONTENTS = {
    "crosses": "shares that changed sleeves at the close, no order",
    "cuts": "purchases made smaller by a limit of the account",
    "transfers": "cash that moved between sleeves",
    "partial_fills": "orders filled in part",
    "abstentions": "symbols that could not be decided on",
}
"""What an account of several sleeves went through, in words."""
CHARTED_SESSIONS = 5
"""Last sessions that get an HTML report of their own; text and JSON are written for all."""


def demo(
    context: typer.Context,
    *,
    sessions: Annotated[int, typer.Option("--sessions", metavar="N", min=1, help="Last sessions to play.")] = 250,
    market: Annotated[
        str | None, typer.Option("--market", metavar="NAME", help="multi or stocks [market.sample].")
    ] = None,
    portfolio: Annotated[
        bool, typer.Option("--portfolio", help="Play the packaged portfolio of four sleeves, not your settings.")
    ] = False,
    strategy: Annotated[
        str | None,
        typer.Option(
            "--strategy",
            metavar="NAME",
            help="Play the example of one strategy; your own settings win.",
            callback=own_name,
        ),
    ] = None,
    holding: Annotated[
        list[str] | None,
        typer.Option("--holding", metavar="SYMBOL=SHARES", help="Start with these shares too (with --strategy)."),
    ] = None,
    out: OutFolder = None,
) -> Answer:
    """Play the embedded market through the whole daily job into a fresh database, and report."""
    from mtum.app.demo import check_count, play_sessions, starting_shares
    from mtum.app.reporting.daily_report import daily_report
    from mtum.app.reporting.review import run_review
    from mtum.app.session.play_session import market_sessions
    from mtum.cli.stored import cautions, embedded_truths
    from mtum.config import load
    from mtum.core.market.embedded import MARKETS
    from mtum.core.portfolio.money import exact
    from mtum.wiring import desks, resources
    from mtum.wiring.examples import example_changes, settings_file
    from mtum.wiring.reports import writer_of

    call = call_of(context)
    if market is not None and market not in MARKETS:
        raise UsageError(f'--market "{market}": the embedded markets are {", ".join(MARKETS)}')
    _check_options(portfolio=portfolio, others={"--market": market, "--strategy": strategy, "--holding": holding})
    if holding and strategy is None:
        raise UsageError("--holding is for one strategy; add --strategy NAME")
    changes = example_changes(call.settings(), strategy, market) if strategy is not None else {}
    packaged, text = resources.packaged_portfolio() if portfolio else (None, b"")
    settings = packaged or (load(None, {}, changes) if strategy else resources.demo_settings(call.settings(), market))
    folder = _folder(call, out)
    source = resources.source_of(settings, folder)
    calendar = resources.calendar_of(settings, folder, call.cache_folder())  # the folder of a demo is a fresh one
    days = market_sessions(source, calendar, settings)
    check_count(sessions, days)  # before anything is written
    start = starting_shares(source, days[-sessions], calendar, _shares(strategy, holding)) if strategy else None
    if start is not None and start.paid:
        changes["portfolio.capital_usd"] = float(exact(changes["portfolio.capital_usd"]) + start.worth_usd)
        settings = load(None, {}, changes)
        desks.open_account(settings, folder, start.paid)
    if strategy is not None:
        text = settings_file(strategy, changes).encode()
    with desks.replay_desk(settings, folder, calendar=calendar) as replay, _progress(call, sessions) as show:
        desk = replay.desk
        plain, charted = (writer_of(settings, folder, desk.store, desk.calendar, html=html) for html in (False, True))

        def after_each(session: "Session", number: int, count: int) -> None:
            daily_report(charted if number > count - CHARTED_SESSIONS else plain, session.day, desk.clock.now())
            show(number)

        played = play_sessions(desk, replay.market, sessions, after_each, start)
        reports = {
            sleeve.name: run_review(
                replace(charted, setup=dataclasses.replace(charted.setup, sleeve=sleeve.name)), played.last.day
            )
            for sleeve in desk.sleeves
        }
    if text:
        (folder / SETTINGS_NAME).write_bytes(text)
    document = {
        **played.document,
        "trades": [{"sleeve": name, **trade} for name, one in reports.items() for trade in one.document["trades"]],
        "market": settings.market.sample,
        "notes": (*embedded_truths(settings), *cautions(settings)),
        "database": folder / DATABASE_NAME,
        "report": next(iter(reports.values())).html,
        **({"reports": {name: one.html for name, one in reports.items()}} if len(reports) > 1 else {}),
    }
    return Answer(document, _shown(document), hints=_hints(call, folder, document, own_settings=bool(text)))


def _check_options(*, portfolio: bool, others: Mapping[str, object]) -> None:
    for option, given in others.items():
        if portfolio and given:
            raise UsageError(f"--portfolio plays a market and strategies of its own; leave {option} out")


def _shares(strategy: str, given: Sequence[str] | None) -> dict[str, int]:
    """Return the shares to start with: those given, else those of the strategy's example."""
    from mtum.core.strategies import STRATEGIES

    if not given:
        return dict(STRATEGIES[strategy].EXAMPLE.holdings)
    found = {}
    for text in given:
        symbol, _, count = text.partition("=")
        if not symbol or not count.isdecimal() or int(count) < 1:
            raise UsageError(f'--holding "{text}": write SYMBOL=SHARES with a whole number, such as SP500=30')
        found[symbol] = int(count)
    return found


def _folder(call: CommandCall, out: Path | None) -> Path:
    if out is not None:
        if (out / DATABASE_NAME).exists():
            raise UsageError(f"{out / DATABASE_NAME} exists; the demo wants a fresh folder, give another --out")
        return out.absolute()
    number = 1
    while (folder := call.data_folder() / f"demo-{number}").exists():
        number += 1
    return folder


@contextmanager
def _progress(call: CommandCall, sessions: int) -> Iterator[Callable[[int], None]]:
    if call.quiet or call.json or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("sessions played", total=sessions)
        yield lambda number: bar.update(task, completed=number)


def _shown(document: dict[str, Any]) -> list[str | Listing]:
    from mtum.core.reporting.figures import REPLAYED

    reports = {f", {name}": path for name, path in document.get("reports", {}).items()} or {"": document["report"]}
    rows = [
        ("sessions played", f"{document['sessions']}, {document['start']} to {document['end']}"),
        ("decisions recorded", document["decisions"]),
        *_capital(document),
        ("orders, fills", f"{document['orders']}, {document['fills']}"),
        ("round trips", len(document["trades"])),
        ("equity at the end", f"{document['equity_end_usd']:,.2f} USD"),
        ("buy-and-hold at the end", f"{_usd(document['benchmark_end_usd'])} USD"),
        *((f"report{name}", str(path)) for name, path in reports.items()),
        ("database", str(document["database"])),
    ]
    intro = f"Embedded market {document['market']}, {document['strategy']}, practice mode."
    tables = _sleeves(document) if len(document["sleeves"]) > 1 else _trades(document["trades"])
    return [intro, *document["notes"], REPLAYED, Listing(("demo", ""), rows), *tables, *_options(document)]


def _capital(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    if "options" not in document:
        return []
    options = document["options"]
    return [
        ("capital at the start", f"{_usd(document['equity_start_usd'])} USD"),
        (f"orders in options, filled ({options['label']})", f"{options['orders']}, {options['filled']}"),
    ]


def _options(document: Mapping[str, Any]) -> list[str | Listing]:
    if "options" not in document:
        return []
    options = document["options"]
    return ["", _happened(options["contains"], {name: name.replace("_", " ") for name in options["contains"]})]


def _happened(contains: Mapping[str, Sequence[str]], words: Mapping[str, str]) -> Listing:
    found = [
        (words[name], len(days), ", ".join(dict.fromkeys(days[:SHOWN_DAYS])) + (" ..." * (len(days) > SHOWN_DAYS)))
        for name, days in contains.items()
    ]
    return Listing(("what happened", "times", "sessions"), found, "In these sessions")


def _usd(amount: float | None) -> str:
    return "unknown" if amount is None else f"{amount:,.2f}"


def _trades(trades: Sequence[Mapping[str, Any]]) -> list[str | Listing]:
    from mtum.core.reporting.words import short

    several = len({trade["symbol"] for trade in trades}) > 1
    rows = [
        [
            *([trade["symbol"]] if several else []),
            trade["entry_session"],
            f"{trade['entry_price']:.2f}",
            trade["exit_session"] or "open",
            "" if trade["exit_price"] is None else f"{trade['exit_price']:.2f}",
            trade["shares"],
            "" if trade["pnl_usd"] is None else f"{trade['pnl_usd']:+,.2f}",
            short(trade["reason"]) if trade["reason"] else "",
        ]
        for trade in trades
    ]
    heads = (*(["symbol"] if several else []), "entry", "price USD", "exit", "price USD", "shares", "P&L USD", "reason")
    return ["", Listing(heads, rows, "Trades")] if rows else []


def _sleeves(document: Mapping[str, Any]) -> list[str | Listing]:
    trades = [trade["sleeve"] for trade in document["trades"]]
    rows = [
        (name, one["orders"], trades.count(name), _usd(one["equity_end_usd"]), _usd(one["benchmark_end_usd"]))
        for name, one in document["sleeves"].items()
    ]
    ends = (_usd(document["equity_end_usd"]), _usd(document["benchmark_end_usd"]))
    heads = ("sleeve", "orders", "round trips", "equity USD", "buy-and-hold USD")
    return [
        "",
        Listing(heads, [*rows, ("account", document["orders"], len(trades), *ends)], "Sleeves"),
        "",
        _happened(document["contains"], CONTENTS),
    ]


def _hints(call: CommandCall, folder: Path, document: Mapping[str, Any], *, own_settings: bool) -> list[str]:
    where = f"--config {folder / SETTINGS_NAME} --data-dir {folder}" if own_settings else f"--data-dir {folder}"
    portfolio = len(document["sleeves"]) > 1
    days = [f" --session {day}" for name in ("crosses", "cuts") for day in document["contains"][name][:1]]
    whole = [("sleeves", "each sleeve with its money, position and last reason")] if portfolio else []
    lines = [
        *whole,
        *([("options", "each open group: what it earns, risks and waits for")] if "options" in document else []),
        (f"explain{days[0] if days else ''}", "why that session was decided so" if days else WHY_LAST),
        *((f"explain{day}", "and that one") for day in days[1:]),
        ("risk", "every limit with its use") if portfolio else ("show decisions", "every decision recorded"),
    ]
    return [
        f"{'      ' if number else 'Next: '}{call.program} {words} {where}   ({why})"
        for number, (words, why) in enumerate(lines)
    ]
