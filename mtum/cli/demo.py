"""`mtum demo`: the whole daily job on the embedded market, session by session."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtum.cli.arguments import OutFolder
from mtum.cli.context import DATABASE_NAME, Call, call_of
from mtum.cli.output import Answer, Listing
from mtum.errors import UsageError

if TYPE_CHECKING:
    from mtum.core.market.sessions import Session

CHARTED_SESSIONS = 5
"""Last sessions that get an HTML report of their own; text and JSON are written for all."""


def demo(
    context: typer.Context,
    sessions: Annotated[int, typer.Option("--sessions", metavar="N", min=1, help="Last sessions to play.")] = 250,
    market: Annotated[
        str | None, typer.Option("--market", metavar="NAME", help="multi or stocks [market.sample].")
    ] = None,
    out: OutFolder = None,
) -> Answer:
    """Play the embedded market through the whole daily job into a fresh database, and report."""
    from mtum.app.demo import check_count, play_sessions
    from mtum.app.demo_report import demo_report
    from mtum.app.reporting.daily_report import daily_report
    from mtum.app.session.play_session import market_sessions
    from mtum.core.market.embedded import MARKETS, truths
    from mtum.wiring import desks, resources
    from mtum.wiring.reports import writer_of

    call = call_of(context)
    if market is not None and market not in MARKETS:
        raise UsageError(f'--market "{market}": the embedded markets are {", ".join(MARKETS)}')
    settings = resources.demo_settings(call.settings(), market)
    folder = _folder(call, out)
    source, calendar = resources.source_of(settings, folder), resources.calendar_of(settings, folder)
    check_count(sessions, market_sessions(source, calendar, settings))  # before anything is written
    with desks.replay_desk(settings, folder) as replay, _progress(call, sessions) as show:
        desk = replay.desk
        plain, charted = (writer_of(settings, folder, desk.store, desk.calendar, html=html) for html in (False, True))

        def after_each(session: "Session", number: int, count: int) -> None:
            daily_report(charted if number > count - CHARTED_SESSIONS else plain, session.day, desk.clock.now())
            show(number)

        played = play_sessions(desk, replay.market, sessions, after_each)
        report = demo_report(charted, played.last.day)
    strategy = settings.active_strategy()
    document = {
        **played.document,
        "trades": report.document["trades"],
        "market": settings.market.sample,
        "notes": truths(settings.market.sample, strategy.universe(), strategy.series()),
        "database": folder / DATABASE_NAME,
        "report": report.html,
    }
    return Answer(document, _shown(document), hints=_hints(call, folder))


def _folder(call: Call, out: Path | None) -> Path:
    if out is not None:
        if (out / DATABASE_NAME).exists():
            raise UsageError(f"{out / DATABASE_NAME} exists; the demo wants a fresh folder, give another --out")
        return out.absolute()
    number = 1
    while (folder := call.data_folder() / f"demo-{number}").exists():
        number += 1
    return folder


@contextmanager
def _progress(call: Call, sessions: int) -> Iterator[Callable[[int], None]]:
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

    benchmark = document["benchmark_end_usd"]
    rows = [
        ("sessions played", f"{document['sessions']}, {document['start']} to {document['end']}"),
        ("decisions recorded", document["decisions"]),
        ("orders, fills", f"{document['orders']}, {document['fills']}"),
        ("round trips", len(document["trades"])),
        ("equity at the end", f"{document['equity_end_usd']:,.2f} USD"),
        ("buy-and-hold at the end", "unknown" if benchmark is None else f"{benchmark:,.2f} USD"),
        ("report", str(document["report"])),
        ("database", str(document["database"])),
    ]
    trades = [
        [
            trade["entry_session"],
            f"{trade['entry_price']:.2f}",
            trade["exit_session"] or "open",
            "" if trade["exit_price"] is None else f"{trade['exit_price']:.2f}",
            trade["shares"],
            "" if trade["pnl_usd"] is None else f"{trade['pnl_usd']:+,.2f}",
            trade["reason"] or "",
        ]
        for trade in document["trades"]
    ]
    heads = ("entry", "price USD", "exit", "price USD", "shares", "P&L USD", "exit reason")
    intro = f"Embedded market {document['market']}, {document['strategy']}, practice mode."
    table: list[str | Listing] = ["", Listing(heads, trades, "Trades")] if trades else []
    return [intro, *document["notes"], REPLAYED, Listing(("demo", ""), rows), *table]


def _hints(call: Call, folder: Path) -> list[str]:
    return [
        f"Next: {call.program} explain --data-dir {folder}   (why the last session was decided so)",
        f"      {call.program} show decisions --data-dir {folder}   (every decision recorded)",
    ]
