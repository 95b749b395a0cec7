"""Commands of the trading day: run, settle, verify, flatten."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec.structs import replace

from mtum.cli.arguments import AsOf, SleeveName, Why, sleeve_of
from mtum.cli.arguments import Session as SessionOption
from mtum.cli.context import CommandCall, call_of
from mtum.cli.output import Answer, Listing
from mtum.errors import ExitCode, UsageError, worst

if TYPE_CHECKING:
    from mtum.app.desk import Desk, RunResult
    from mtum.app.session.play_session import Replay
    from mtum.core.market.sessions import Session

OVER = "the replayed market is over: every session has been played; start with a fresh --data-dir to play it again"


def run(
    context: typer.Context,
    session: SessionOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Decide; order and record nothing that counts.")] = False,
    as_of: AsOf = None,
    wait: Annotated[bool, typer.Option("--wait", help="Sleep until the window opens.")] = False,
    if_due: Annotated[bool, typer.Option("--if-due", help="Run every job that is due.")] = False,
) -> Answer:
    """Decide and order for one session, or run everything due."""
    from mtum.wiring import desks, resources

    call = call_of(context)
    call.be_urgent()
    settings = call.settings()
    if if_due:
        if session is not None or dry_run or wait:
            raise UsageError("--if-due runs every job at its own time; --session, --dry-run and --wait are for one run")
        return _due(call, as_of)
    if resources.is_replay(settings):
        with desks.replay_desk(settings, call.data_folder()) as replay:
            return _replayed(replay, _chosen(replay, session, as_of), as_of, dry_run=dry_run)
    return _today(call, session, as_of, dry_run=dry_run, wait=wait)


def settle(context: typer.Context, session: SessionOption = None) -> Answer:
    """Confirm the fills of a session and close its books."""
    from mtum.app.session.confirm_fills import confirm_fills
    from mtum.app.session.decide_and_order import JOB
    from mtum.app.session.play_session import SETTLED_AFTER
    from mtum.wiring import desks, resources

    call = call_of(context)
    call.be_urgent()
    settings = call.settings()
    if not resources.is_replay(settings):
        with desks.live_desk(settings, call.data_folder(), None) as desk:
            return _settle_answer(confirm_fills(desk, _settling(desk, session)))
    with desks.replay_desk(settings, call.data_folder()) as replay:
        last = replay.desk.store.runs.latest_run(JOB)
        wanted = session or (last.session if last else None)
        if wanted is None:
            raise UsageError("no session has been decided yet; `mtum run` plays the first")
        chosen = replay.session(wanted)
        replay.desk.clock.wait_until(chosen.close + SETTLED_AFTER)
        return _settle_answer(confirm_fills(replay.desk, chosen))


def verify(
    context: typer.Context,
    session: SessionOption = None,
    all_: Annotated[bool, typer.Option("--all", help="Every stored decision.")] = False,
) -> Answer:
    """Replay stored decisions, check where their inputs came from, and work the books out again."""
    from mtum.app.records.verify import verify as verified
    from mtum.app.session.decide_and_order import JOB
    from mtum.core.reporting.words import count
    from mtum.wiring import resources
    from mtum.wiring.provenance import provenance

    call = call_of(context)
    settings, day = call.settings(), session
    if not call.database().exists():
        raise UsageError(f"{call.database()} does not exist; nothing has been decided yet")
    with resources.opened_store(settings, call.data_folder(), reading=True) as store:
        if day is None and not all_:
            last = store.runs.latest_run(JOB)
            day = last.session if last else None
        result = verified(store, settings, provenance(), None if all_ else day, books=session is None)
    document = result.document
    lines = [
        f"{document['verified']} of {count(document['decisions'], 'decision')} verified, {document['failed']} failed"
    ]
    if session is None:
        lines.append(f"books: {len(document['books'])} differences" if document["books"] else "books: they add up")
    lines += [f"drift: {line}" for line in document["drift"]]
    lines += [f"FAILED {problem['text']}" for problem in document["problems"]]
    return Answer(document, lines, result.exit_code)


def flatten(
    context: typer.Context,
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="What is closed.")],
    why: Why,
    sleeve: SleeveName = None,
) -> Answer:
    """Sell a position at the close, or buy back what is short, through the path of every exit; then stop entries."""
    from mtum.app.owner.flatten import flatten_now, request_flatten
    from mtum.wiring import desks, resources

    call = call_of(context)
    call.be_urgent()
    settings = call.settings()
    if not resources.is_replay(settings):
        with desks.live_desk(settings, call.data_folder(), None) as desk:
            return run_answer(flatten_now(desk, symbol, why, sleeve_of(settings, sleeve)))
    with desks.replay_desk(settings, call.data_folder()) as replay:
        request_flatten(replay.desk, symbol, why, sleeve_of(settings, sleeve))
        return _replayed(replay, replay.upcoming(), None, dry_run=False)


def _chosen(replay: "Replay", day: Any, instant: datetime | None) -> "Session | None":
    if instant is not None and day is None:
        day = instant.date()
        if all(session.day != day for session in replay.market):
            return None
    if day is None:
        return replay.upcoming()
    session = replay.session(day)
    last = replay.desk.store.runs.latest_run("decide_and_order")
    played = replay.desk.store.runs.run_of("decide_and_order", "", session.day)
    if played is None and last is not None and last.session is not None and session.day < last.session:
        raise UsageError(f"{session.day} lies before {last.session}, which has been played; time does not run back")
    return session


def _replayed(replay: "Replay", session: "Session | None", instant: datetime | None, *, dry_run: bool) -> Answer:
    from mtum.app.session.decide_and_order import decide_and_order
    from mtum.app.session.play_session import play_session
    from mtum.app.session.run_document import empty_document
    from mtum.app.session.run_today import not_a_session

    desk = replay.desk
    if session is None:
        if instant is None:
            document = empty_document(None, desk.settings.mode, desk.account, desk.names, ())
            return Answer({**document, "note": OVER}, [OVER])
        desk.clock.wait_until(instant)
        return run_answer(not_a_session(desk))
    if instant is not None:
        desk.clock.wait_until(instant)
    return run_answer(decide_and_order(desk, session, dry_run=True) if dry_run else play_session(desk, session))


def _today(call: CommandCall, day: Any, instant: datetime | None, *, dry_run: bool, wait: bool) -> Answer:
    from mtum.app.session.run_today import run_today
    from mtum.wiring import desks, resources

    settings, folder = call.settings(), call.data_folder()
    if wait:
        resources.wait_for_window(settings, folder)

    def work() -> "RunResult":
        with desks.live_desk(settings, folder, instant, dry_run=dry_run) as desk:
            return run_today(desk, day, dry_run=dry_run)

    if dry_run:
        return run_answer(work())
    from mtum.wiring.messages import run_and_tell

    result, flushed = run_and_tell(settings, folder, instant, work)
    answer = run_answer(result)
    if not flushed.failed:
        return answer
    told = [{"code": int(ExitCode.NOTIFY), "text": f"{name}: {error}"} for name, error in flushed.failed]
    document = {**answer.document, "problems": [*answer.document["problems"], *told]}
    return replace(answer, document=document, exit_code=worst((result.exit_code, ExitCode.NOTIFY)))


def run_answer(result: "RunResult") -> Answer:
    """Return the answer of a run: its document, and what a person wants to see of it."""
    from mtum.core.reporting.words import condition

    document = result.document
    # Without a session there is no decision to tell of, only why.
    note = [str(document["note"])] if document.get("note") else []
    lines: list[str | Listing] = [*([_headline(document)] if document["session"] or not note else []), *note]
    if document.get("cash_settles_by"):
        lines.append(f"the cash settles by {document['cash_settles_by']}")
    rows = [
        [
            symbol,
            condition(one["name"]).words,
            one["value"],
            one["threshold"],
            one["margin"],
            "yes" if one["passed"] else "no",
        ]
        for symbol, part in document.get("symbols", {}).items()
        for one in part["conditions"]
    ]
    if rows:
        names = ["symbol", "condition", "value", "threshold", "margin", "holds"]
        first = 0 if len({row[0] for row in rows}) > 1 else 1  # one symbol needs no column
        lines.append(Listing(names[first:], [row[first:] for row in rows]))
    if document.get("orders"):
        columns = ("symbol", "side", "shares", "filled", "type", "status", "ref")
        lines.append(Listing(columns, [[order[name] for name in columns] for order in document["orders"]], "Orders"))
    if document.get("equity_usd") is not None:
        lines.append(f"equity {document['equity_usd']:,.2f} USD")
    undecided = ", ".join(document.get("undecided", ()))
    sent = document.get("sent", 0)
    told = f"{sent} order{'' if sent == 1 else 's'} sent, {undecided} not decided" if undecided else ""
    return Answer(document, lines, result.exit_code, hints=[told] if told else [], beside=told)


def _headline(document: Mapping[str, Any]) -> str:
    source = " (embedded sample)" if document.get("source") == "sample" else ""
    mode = "LIVE" if document["mode"] == "live" else document["mode"]
    from mtum.core.reporting.words import listed, reason

    words = [word for word in document["reasons"] if word != document["action"]]
    why = listed(tuple(map(reason, words)))
    again = " (already done; nothing was sent)" if document.get("rerun") else ""
    dry = " (dry run; nothing was sent)" if document.get("dry_run") else ""
    # "hold (hold)" says nothing twice.
    what = document["action"] + (f": {why}" if why else "" if document["reasons"] else ": no decision")
    return f"{document['session'] or 'no session'} {mode}{source}: {what}{again}{dry}"


def _settle_answer(result: "RunResult") -> Answer:
    document = result.document
    made = len(document["fills"])
    lines: list[str | Listing] = [f"{document['session']}: {made or 'no'} {'fill' if made == 1 else 'fills'}"]
    if made:
        columns = ("symbol", "side", "shares", "price", "commission_usd", "exec_id")
        lines.append(Listing(columns, [[fill[name] for name in columns] for fill in document["fills"]]))
    if document["equity_usd"] is not None:
        lines.append(f"equity {document['equity_usd']:,.2f} USD at the official close")
    return Answer(document, lines, result.exit_code)


def _settling(desk: "Desk", day: Any) -> "Session":
    from datetime import timedelta

    now = desk.clock.now()
    near = desk.calendar.sessions(now.date() - timedelta(days=14), now.date())
    chosen = near.get(day) if day else next((one for one in reversed(near.known) if one.close <= now), None)
    if chosen is None:
        raise UsageError(f"{day or now.date()} is no session of the last two weeks; give --session")
    if now < chosen.close:
        raise UsageError(f"{chosen.day} closes at {chosen.close:%H:%M} UTC; settle it after that")
    return chosen


def _due(call: CommandCall, instant: datetime | None) -> Answer:
    from mtum.wiring.installation import Installation, due_document
    from mtum.wiring.secrets import set_up_logs

    set_up_logs(call.settings(), call.data_folder(), terminal="info" if call.verbosity > 0 else "warning")
    found = Installation(call.settings(), call.data_folder(), instant).run_due()
    document = due_document(found)
    rows = [[run["job"], run["slot"], run["session"], run["outcome"], run["text"]] for run in document["runs"]]
    shown: list[str | Listing] = [Listing(["job", "slot", "session", "outcome", "why"], rows)]
    idle = [] if found.text else ["nothing is due"]
    return Answer(document, shown if rows else idle, found.exit_code)
