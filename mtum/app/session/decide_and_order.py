"""The daily decision: gather, decide once and for all, order the difference exactly once."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from mtum.app.desk import Desk, Problem, RunResult, exit_code_of
from mtum.app.ledger.sleeve_records import read_sleeves
from mtum.app.session.account_limits import guarded, limits_after, worth_of
from mtum.app.session.check_book import check_book, check_hours, hours_apart
from mtum.app.session.close_orders import cancel_left_over, close_earlier, record_from_lists
from mtum.app.session.close_untraded import close_untraded, untraded_problems, without_children
from mtum.app.session.decide_sleeves import SleeveInputs, decide_sleeves, record_of
from mtum.app.session.differences import RECORDED
from mtum.app.session.exit_fallback import exit_fallback
from mtum.app.session.gather import gather, note_files, refresh_universe
from mtum.app.session.match_orders import broken_off, unread_problems
from mtum.app.session.move_cash import move_cash
from mtum.app.session.our_books import open_books
from mtum.app.session.plan_account import plan_account, planned_orders
from mtum.app.session.run_document import empty_document, orders_document, run_document
from mtum.app.session.settle_crosses import settle_earlier_crosses
from mtum.app.session.starting_capital import begun, ensure_capital
from mtum.app.session.submit_orders import submit_orders
from mtum.config.account import account_rules
from mtum.core.coordination.coordinate import NOT_APPROVED
from mtum.core.market.sessions import Session, Sessions
from mtum.core.market.timeframes import CALENDAR_SESSIONS
from mtum.core.plans import sessions_looked_at
from mtum.core.portfolio.orders import OrderStatus
from mtum.errors import BarsStaleError, DataError, DeadlineMissedError, ExitCode, MtumError, UsageError
from mtum.ports.broker import BrokerLists
from mtum.ports.records import DecisionRecord, PlanRecord, RunRecord

JOB = "decide_and_order"
MANAGE_JOB = "manage_options"
WATCH_MINUTES = (13.0, 9.0, 4.0)
"""Minutes before the close at which orders in shares are looked after while those in options are managed."""
HORIZON = timedelta(days=60)


def decide_and_order(desk: Desk, session: Session, *, dry_run: bool = False, manages: bool = True) -> RunResult:
    """Carry out the daily job of one session; safe to start again at any time.

    The first committed decision of the session is final: a later start resumes it and never
    decides or sizes again. A dry run is stored as a preview and changes nothing at the broker.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    session : Session
        The session, with its open and close.
    dry_run : bool
        Whether it is only shown: nothing is ordered.
    manages : bool
        Whether it carries orders in options to their end over the same connection; False where another job follows.
    """
    done = None if dry_run else desk.store.runs.run_of(JOB, "", session.day)
    if (
        done is not None
        and done.finished_at is not None
        and desk.decided(session.day)
        and not _unsent(desk, session, done)
    ):
        try:
            return _again(desk, session, done)
        except MtumError as error:
            failed = _failed(desk, session, error)
            return RunResult({**failed.document, "rerun": True}, failed.exit_code)
    run_id = 0 if dry_run else desk.store.runs.start_run(JOB, "", session.day, desk.clock.now())
    if not dry_run:
        desk.journal.begin(run_id)
    desk.journal.reached("started")
    try:
        result = _dry(desk, session) if dry_run else _carried_out(desk, session, manages=manages)
    except MtumError as error:
        result = _failed(desk, session, error)
    if not dry_run:
        outcome = "finished" if result.exit_code in (ExitCode.DONE, ExitCode.ORDER, ExitCode.HALTED) else "failed"
        desk.store.runs.finish_run(run_id, desk.clock.now(), outcome, result.exit_code, result.document)
        desk.journal.reached("finished")
    return result


def sessions_around(desk: Desk, session: Session) -> Sessions:
    """Return the sessions that history, settlement and the next wake times need."""
    limits = sessions_looked_at(account_rules(desk.settings))
    longest = max(limits, *(sleeve.strategy.history_sessions() for sleeve in desk.sleeves))
    # A strategy counts further back than its history reaches: the calendar of its view begins that much earlier.
    earliest = session.day - timedelta(days=round((longest + CALENDAR_SESSIONS) * 365.25 / 250) + 30)
    return desk.calendar.sessions(earliest, session.day + HORIZON)


def current_document(desk: Desk, session: Session, problems: tuple[Problem, ...] = ()) -> dict[str, Any]:
    """Return the document of a decided session with its orders as they stand now.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    session : Session
        The session, with its open and close.
    problems : tuple of Problem
        What went wrong.
    """
    return _document(desk, session, (decisions_of(desk, session.day), desk.store.plans.plan_of(session.day)), problems)


def _document(
    desk: Desk,
    session: Session,
    decided: tuple[Sequence[DecisionRecord], PlanRecord | None],
    problems: tuple[Problem, ...],
) -> dict[str, Any]:
    records, plan = decided
    states = desk.store.orders.states(session.day)
    if not records:
        return {
            **empty_document(session.day.isoformat(), desk.settings.mode, desk.account, desk.names, problems),
            **orders_document(states),
        }
    return _with_options(desk, session, records, run_document(records, states, desk.settings.mode, problems, plan))


def _with_options(
    desk: Desk, session: Session, records: Sequence[DecisionRecord], document: dict[str, Any]
) -> dict[str, Any]:
    if not desk.settings.trades_options:
        return document
    from mtum.app.options.session_document import with_option_orders  # an account without options loads none of it

    return with_option_orders(document, records, desk.store.options.states(session.day))


def decisions_of(desk: Desk, day: date) -> tuple[DecisionRecord, ...]:
    """Return the final decisions of a session without their bars, in the order of the sleeves."""
    found = (desk.store.decisions.decision_of(day, sleeve.name, bars=False) for sleeve in desk.sleeves)
    return tuple(record for record in found if record is not None)


def manage_orders(desk: Desk, session: Session) -> tuple[Problem, ...]:
    """Carry the session's orders in options to their end, and look after those in shares meanwhile.

    Needs an open connection. An account without options has none.
    """
    if not desk.settings.trades_options:
        return ()
    from mtum.app.options.manage_options import manage_options

    run_id = desk.store.runs.start_run(MANAGE_JOB, "", session.day, desk.clock.now())
    looks = [session.before_close(minutes) for minutes in WATCH_MINUTES]

    def watched() -> tuple[Problem, ...]:
        if not looks or desk.clock.now() < looks[0]:
            return ()
        looks[:] = [moment for moment in looks if moment > desk.clock.now()]
        lists, states = desk.broker.lists(), desk.store.orders.states(session.day)
        sent = [state for state in states if state.status.sent and not state.intent.purpose.internal]
        found = record_from_lists(desk, lists, sent, adopt=True)
        return (*(one.problem() for one in found), *unread_problems(lists, states))

    problems = manage_options(desk, session, watched)
    code = exit_code_of(problems)
    document = {"session": session.day.isoformat(), "problems": [one.document() for one in problems]}
    fine = code in (ExitCode.DONE, ExitCode.ORDER, ExitCode.HALTED)
    desk.store.runs.finish_run(run_id, desk.clock.now(), "finished" if fine else "failed", code, document)
    return problems


def _carried_out(desk: Desk, session: Session, *, manages: bool) -> RunResult:
    decided = desk.decided(session.day)
    desk.clock.wait_until(session.before_close(desk.settings.schedule.window_opens_minutes))
    desk.broker.connect()
    desk.journal.reached("connected")
    try:
        problems: tuple[Problem, ...] = ()
        if not decided:
            problems, decides = close_untraded(desk, session)
            problems += ensure_capital(desk, session) + _decide_first(desk, session) if decides else ()
        problems += submit_orders(desk, session)
        problems += exit_fallback(desk, session)
        if manages:
            problems += manage_orders(desk, session)
    finally:
        desk.broker.close()
    records, plan = decisions_of(desk, session.day), desk.store.plans.plan_of(session.day)
    problems += _halted(desk, session, records) + _given_way(session, plan)
    document = _document(desk, session, (records, plan), problems)
    return RunResult(document, exit_code_of(problems))


def _overnight(
    desk: Desk, session: Session, sessions: Sessions, lists: BrokerLists
) -> tuple[tuple[Problem, ...], Mapping[str, str]]:
    """Book what became of options since the last look; return the problems, and where nothing is traded."""
    from mtum.app.options.overnight import look_overnight
    from mtum.app.options.settle_options import settle_options

    _, unsettled = settle_options(desk, session)
    found = look_overnight(desk, session, sessions, lists, asked_again=True)
    return (*unsettled, *found.problems), found.barred


def _decide_first(desk: Desk, session: Session) -> tuple[Problem, ...]:
    """Decide and commit for all sleeves; return what the checks of the book found and who could not decide."""
    sessions = sessions_around(desk, session)
    check_hours(desk, session)
    lists = desk.broker.lists()
    left_over = cancel_left_over(desk, lists)
    lists = desk.broker.lists() if left_over else lists
    found = record_from_lists(desk, lists)
    close_earlier(desk, lists, session)
    crossed = settle_earlier_crosses(desk, session.day, sessions)
    overnight, unresolved = _overnight(desk, session, sessions, lists) if desk.settings.trades_options else ((), {})
    books = open_books(desk, lists, session)
    check = check_book(desk, books, lists, session)
    if check.only_reconcile:
        raise check.error()
    records = read_sleeves(desk.store, desk.sleeves, session.day, books.records)
    try:
        unfit = refresh_universe(desk, session, sessions)
        unfit |= hours_apart(desk, session, [one for one in desk.symbols if one not in unfit])
        desk.journal.reached("refreshed")
        desk.clock.wait_until(session.before_close(desk.settings.schedule.snapshot_minutes))
        decided_at = desk.clock.now()
        market = gather(desk, session, sessions, decided_at, unfit)
        _before(desk, session.before_close(desk.settings.schedule.data_deadline_minutes), "market data", BarsStaleError)
    except DataError as error:
        # Report an unexplained position too: it may be the cause, as with a split that the vendor lacks.
        return (*overnight, *check.problems, Problem(error.exit_code, str(error)))
    records, check = without_children(desk, books.records, records, check)
    worth = worth_of(desk.store, records, lists, market)
    check = guarded(desk, check, worth, record=True)
    own = begun(desk, records, lists.account, session.day)
    prepared = SleeveInputs(session, sessions, lists, check, own, unresolved=unresolved)
    prepared, unmoved = move_cash(desk, prepared, market)
    decided, undecided = decide_sleeves(desk, prepared, market)
    _before(desk, session.before_close(desk.settings.schedule.decision_deadline_minutes), "the decision")
    desk.journal.reached("deciding")
    planned = plan_account(desk, prepared, market, decided, decided_at)
    records_of = [record_of(desk, one, decided_at) for one in decided]
    movements = prepared.moved.movements
    # What follows from the decisions is committed with them: a later start finds them final and never comes here.
    with desk.store.together():
        if records_of:  # with every sleeve off there is nothing to commit
            desk.store.decisions.commit_decisions(
                records_of, planned.intents, planned.crosses, planned.record, movements
            )
        for one in decided:
            if one.options is not None and one.sleeve.owns_money:
                desk.store.options.commit_intents(one.options.decision.intents, decided_at)
                desk.store.options.record_marks(session.day, one.options.marks(), one.options.source, decided_at)
        desk.store.volumes.write(*market.snapshots)
        desk.store.ledger.write_account(session.day, lists.at, lists)
        real = [(one.sleeve, one.decision) for one in decided if one.sleeve.owns_money]
        limits_after(desk, real, worth, decided_at)
        note_files(desk)
    desk.journal.reached("decided")
    recorded = [one.problem() for one in found if one.kind in RECORDED]
    told = (*left_over, *(one for one in recorded if one not in check.problems), *check.problems)
    return (*told, *crossed, *overnight, *unmoved, *undecided)


def _dry(desk: Desk, session: Session) -> RunResult:
    held = untraded_problems(desk)
    if held:
        raise UsageError("; ".join(held))
    sessions = sessions_around(desk, session)
    if desk.replayed:
        # A running market is looked at as it is now: a dry run waits for no window.
        desk.clock.wait_until(session.before_close(desk.settings.schedule.snapshot_minutes))
    desk.broker.connect()
    try:
        check_hours(desk, session)
        lists = desk.broker.lists()
        books = open_books(desk, lists, session)
        check = check_book(desk, books, lists, session)
        records = read_sleeves(desk.store, desk.sleeves, session.day, books.records)
        unfit = refresh_universe(desk, session, sessions)
        unfit |= hours_apart(desk, session, [one for one in desk.symbols if one not in unfit])
        decided_at = desk.clock.now()
        market = gather(desk, session, sessions, decided_at, unfit)
        records, check = without_children(desk, books.records, records, check)
        worth = worth_of(desk.store, records, lists, market)
        check = guarded(desk, check, worth, record=False)
        prepared = SleeveInputs(session, sessions, lists, check, begun(desk, records, lists.account, session.day))
        prepared, unmoved = move_cash(desk, prepared, market)
        decided, undecided = decide_sleeves(desk, prepared, market)
        plan = plan_account(desk, prepared, market, decided, decided_at, dry_run=True).record
    finally:
        desk.broker.close()
    previews = tuple(replace(record_of(desk, one, decided_at), preview=True) for one in decided)
    for preview in previews:
        desk.store.decisions.write_preview(preview)
    problems = (*check.problems, *unmoved, *undecided)
    document = run_document(previews, (), desk.settings.mode, problems, plan)
    document = _with_options(desk, session, previews, document)
    planned = planned_orders(plan)
    for preview in previews:
        document["sleeves"][preview.strategy]["planned"] = planned.get(preview.strategy, [])
    return RunResult(
        {**document, "dry_run": True, "planned": [order for orders in planned.values() for order in orders]},
        exit_code_of(problems),
    )


def _before(desk: Desk, deadline: datetime, what: str, missed: type[MtumError] = DeadlineMissedError) -> None:
    now = desk.clock.now()
    if now > deadline:
        raise missed(f"{what} came at {now:%H:%M:%S} UTC, needed by {deadline:%H:%M:%S}; nothing was sent")


def _unsent(desk: Desk, session: Session, done: RunRecord) -> bool:
    """Whether a run ended with an order that may still be sent: never reached the broker, or stated as not sent."""
    states = desk.store.orders.states(session.day)
    return done.exit_code in (ExitCode.BROKER, ExitCode.PERSON) and any(
        state.status is OrderStatus.PLANNED for state in states
    )


def _halted(desk: Desk, session: Session, records: Sequence[DecisionRecord]) -> tuple[Problem, ...]:
    if not any("halted" in record.reasons for record in records):
        return ()
    halts = desk.store.control.halts(in_force=True)
    why = f": {halts[-1].why}" if halts else ""
    return (Problem(ExitCode.HALTED, f"{session.day}: an order was held back because trading is halted{why}"),)


def _given_way(session: Session, plan: PlanRecord | None) -> tuple[Problem, ...]:
    """Say what was not approved before the decision and gave way to another sleeve's other side."""
    return tuple(
        Problem(
            ExitCode.HALTED,
            f"{row['symbol']} of {row['sleeve']} was not approved before the decision of {session.day}, and another "
            "sleeve's other side of it needed no more: nothing of it is sent (`mtum approve` in advance)",
        )
        for row in (plan.document["held_back"] if plan else ())
        if row["reason"] == NOT_APPROVED
    )


def _again(desk: Desk, session: Session, done: RunRecord) -> RunResult:
    """Answer a finished session from its record, its orders as they are now.

    Only an order in doubt is looked up once more. What went wrong then is marked as past.
    """
    states = desk.store.orders.states(session.day)
    stored = done.document or current_document(desk, session)
    then = [{**problem, "text": f"then: {problem['text']}"} for problem in stored["problems"]]
    document = _with_options(
        desk,
        session,
        decisions_of(desk, session.day),
        {**stored, **orders_document(states), "problems": then},
    )
    if any(state.status.in_doubt for state in states):
        desk.broker.connect()
        try:
            problems = submit_orders(desk, session)
        finally:
            desk.broker.close()
        document = current_document(desk, session, problems)
        desk.store.runs.finish_run(done.id, desk.clock.now(), "finished", exit_code_of(problems), document)
        return RunResult({**document, "rerun": True}, exit_code_of(problems))
    return RunResult({**document, "rerun": True}, ExitCode(done.exit_code or 0))


def _failed(desk: Desk, session: Session, error: MtumError) -> RunResult:
    problems = broken_off(desk.store.orders, error, session.day)
    return RunResult(current_document(desk, session, problems), exit_code_of(problems))
