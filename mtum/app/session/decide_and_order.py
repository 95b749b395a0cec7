"""The daily decision: gather, decide once and for all, order the difference exactly once."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from math import isnan
from typing import Any

from mtum.app.desk import Desk, Problem, exit_code_of
from mtum.app.ledger.book import (
    SleeveRecords,
    build_book,
    equity_before,
    loss_pause,
    read_sleeve,
    starting_capital,
    with_capital,
)
from mtum.app.ledger.dividends import due_today_usd
from mtum.app.ledger.guards import guarded, limits_after, worth_of
from mtum.app.session.check_book import BookCheck, check_book, check_hours
from mtum.app.session.close_orders import cancel_left_over, close_earlier, take_up
from mtum.app.session.close_untraded import close_untraded, untraded_lots
from mtum.app.session.decide_believed import decide_believed
from mtum.app.session.differences import RECORDED
from mtum.app.session.exit_fallback import exit_fallback
from mtum.app.session.gather import Gathered, gather, note_files, refresh_universe
from mtum.app.session.match_orders import IN_DOUBT, broken_off
from mtum.app.session.our_books import open_books
from mtum.app.session.run_document import empty_document, orders_document, run_document
from mtum.app.session.submit_orders import submit_orders
from mtum.core.decide import with_change_since
from mtum.core.market.sessions import Session, Sessions
from mtum.core.portfolio.decision import Book, Decision
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import OrderIntent, OrderStatus, OrderType, intent_id
from mtum.core.portfolio.reconcile import untraded_texts
from mtum.core.record import decision_document, frame_of
from mtum.errors import BarsStaleError, DeadlineMissedError, ExitCode, MtumError, UsageError
from mtum.ports.broker import BrokerLists
from mtum.ports.records import CashMovement, DecisionRecord, RunRecord

JOB = "decide_and_order"
HORIZON = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended: the document for `--json` and the exit code."""

    document: dict[str, Any]
    exit_code: ExitCode


def decide_and_order(desk: Desk, session: Session, *, dry_run: bool = False) -> RunResult:
    """Carry out the daily job of one session; safe to start again at any time.

    The first committed decision of the session is final: a later start resumes it and never
    decides or sizes again. A dry run is stored as a preview and changes nothing at the broker.
    """
    done = None if dry_run else desk.store.runs.find(JOB, "", session.day)
    if done is not None and done.finished_at is not None and _final(desk, session) and not _unsent(desk, session, done):
        try:
            return _again(desk, session, done)
        except MtumError as error:
            failed = _failed(desk, session, error)
            return RunResult({**failed.document, "rerun": True}, failed.exit_code)
    run_id = 0 if dry_run else desk.store.runs.start(JOB, "", session.day, desk.clock.now())
    if not dry_run:
        desk.journal.begin(run_id)
    desk.journal.reached("started")
    try:
        result = _dry(desk, session) if dry_run else _carried_out(desk, session)
    except MtumError as error:
        result = _failed(desk, session, error)
    if not dry_run:
        outcome = "finished" if result.exit_code in (ExitCode.DONE, ExitCode.ORDER, ExitCode.HALTED) else "failed"
        desk.store.runs.finish(run_id, desk.clock.now(), outcome, result.exit_code, result.document)
        desk.journal.reached("finished")
    return result


def sessions_around(desk: Desk, session: Session) -> Sessions:
    """Return the sessions that history, settlement and the next wake times need."""
    history = timedelta(days=round(desk.strategy.history_sessions() * 365.25 / 250) + 30)
    return desk.calendar.sessions(session.day - history, session.day + HORIZON)


def current_document(desk: Desk, session: Session, problems: tuple[Problem, ...] = ()) -> dict[str, Any]:
    """Return the document of a decided session with its orders as they stand now."""
    record = desk.store.decisions.find(session.day, desk.strategy.name)
    mode = desk.settings.mode
    if record is None:
        empty = empty_document(session.day.isoformat(), mode, desk.account, desk.strategy.name, problems)
        return {**empty, **orders_document(desk.store.orders.states(session.day))}
    return run_document(record, desk.store.orders.states(session.day), mode, problems)


def _carried_out(desk: Desk, session: Session) -> RunResult:
    decided = _final(desk, session)
    desk.clock.wait_until(session.before_close(desk.settings.schedule.window_opens_minutes))
    desk.broker.connect()
    desk.journal.reached("connected")
    try:
        problems: tuple[Problem, ...] = ()
        untraded = {} if decided else untraded_lots(desk.store, desk.strategy)
        if untraded:
            problems = close_untraded(desk, session, untraded)
        elif not decided:
            ensure_capital(desk, session)
            problems = _decide_first(desk, session)
        problems += submit_orders(desk, session)
        problems += exit_fallback(desk, session)
    finally:
        desk.broker.close()
    problems += _halted(desk, session)
    document = current_document(desk, session, problems)
    return RunResult(document, exit_code_of(problems))


def _decide_first(desk: Desk, session: Session) -> tuple[Problem, ...]:
    """Decide and commit; return what the checks of the book found."""
    sessions = sessions_around(desk, session)
    check_hours(desk, session)
    lists = desk.broker.lists()
    left_over = cancel_left_over(desk, lists)
    lists = desk.broker.lists() if left_over else lists
    found = take_up(desk, lists)
    close_earlier(desk, lists, session)
    books = open_books(desk, lists, session)
    check = check_book(desk, books, lists, session)
    if check.only_reconcile:
        raise check.error()
    sleeve = read_sleeve(desk.store, desk.strategy.name, session.day, books.records)
    unfit = refresh_universe(desk, session, sessions)
    desk.journal.reached("refreshed")
    desk.clock.wait_until(session.before_close(desk.settings.schedule.snapshot_minutes))
    decided_at = desk.clock.now()
    gathered = gather(desk, session, sessions, decided_at, books.held(desk.strategy.name), unfit)
    data_by = session.before_close(desk.settings.schedule.data_deadline_minutes)
    _before(desk, data_by, "market data", BarsStaleError)
    worth = worth_of(sleeve, desk.strategy.name, lists, gathered.view)
    check = guarded(desk, check, worth, record=True)
    book = _book(desk, sessions, lists, check, gathered, sleeve)
    decision = decide_believed(gathered, desk, book)
    record = _record(desk, session, decided_at, gathered, book, decision)
    _before(desk, session.before_close(desk.settings.schedule.decision_deadline_minutes), "the decision")
    desk.journal.reached("deciding")
    desk.store.decisions.commit([record], _intents(desk, session, gathered, decision))
    for snapshot in gathered.snapshots:
        desk.store.control.write_snapshot(snapshot)
    desk.store.ledger.write_account(session.day, lists.at, lists)
    limits_after(desk, decision, worth, decided_at)
    note_files(desk)
    desk.journal.reached("decided")
    recorded = [one.problem() for one in found if one.kind in RECORDED]
    told = (*left_over, *(one for one in recorded if one not in check.problems), *check.problems)
    return (*told, *gathered.problems)


def ensure_capital(desk: Desk, session: Session) -> None:
    """Give the sleeve its starting capital, once; what another strategy left behind goes on in this one.

    A change of strategy while flat moves the money that is there. It never adds any.
    """
    name = desk.strategy.name
    funded, left = desk.store.books.funded(name), desk.store.ledger.cash_of_others(name)
    day = session.day
    moved = [
        CashMovement(f"handed_on:{other}:{day}", other, day, "withdrawal", -cash, f"goes on in {name}")
        for other, cash in left.items()
    ]
    total = sum(left.values(), Decimal(0))
    if left and funded:
        note = f"from {', '.join(left)}"
        moved.append(CashMovement(f"taken_over:{name}:{day}", name, day, "deposit", total, note))
    elif not funded:
        moved.append(starting_capital(name, day, _starting_usd(desk)))
    if moved:
        desk.store.ledger.move_cash(moved)


def _starting_usd(desk: Desk) -> Decimal:
    left = desk.store.ledger.cash_of_others(desk.strategy.name)
    return sum(left.values(), Decimal(0)) if left else exact(desk.settings.portfolio.capital_usd)


def _dry(desk: Desk, session: Session) -> RunResult:
    held = untraded_texts(untraded_lots(desk.store, desk.strategy), desk.strategy)
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
        sleeve = read_sleeve(desk.store, desk.strategy.name, session.day, books.records)
        unfit = refresh_universe(desk, session, sessions)
        decided_at = desk.clock.now()
        gathered = gather(desk, session, sessions, decided_at, books.held(desk.strategy.name), unfit)
        check = guarded(desk, check, worth_of(sleeve, desk.strategy.name, lists, gathered.view), record=False)
        book = _book(desk, sessions, lists, check, gathered, sleeve)
    finally:
        desk.broker.close()
    decision = decide_believed(gathered, desk, book)
    record = replace(_record(desk, session, decided_at, gathered, book, decision), preview=True)
    desk.store.decisions.preview(record)
    problems = (*check.problems, *gathered.problems)
    document = run_document(record, (), desk.settings.mode, problems)
    return RunResult({**document, "dry_run": True, "planned": record.document["planned"]}, exit_code_of(problems))


def _book(
    desk: Desk,
    sessions: Sessions,
    lists: BrokerLists,
    check: BookCheck,
    gathered: Gathered,
    sleeve: SleeveRecords,
) -> Book:
    day = gathered.view.session
    sleeve = with_capital(sleeve, desk.strategy.name, day, _starting_usd(desk))
    book = build_book(sleeve, desk.strategy, desk.store, lists.account, sessions, day)
    pause = desk.settings.risk.daily_loss_pause_sessions
    requested = desk.store.statements.flatten_requests()
    paused = loss_pause(desk.store, desk.strategy, sessions, day, pause)
    due = due_today_usd(sleeve.lots, sleeve.movements, desk.strategy.name, gathered.view.bars.values())
    book = replace(
        book,
        receivable_usd=book.receivable_usd + float(due),
        losses=replace(book.losses, paused=paused),
        forced_exits=dict.fromkeys(requested, "flatten"),
        buy_backs={symbol: check.short[symbol] for symbol in requested if symbol in check.short},
        entries_barred={**gathered.entries_barred, **check.entries_barred},
        exits_barred=check.exits_barred,
        holdings={symbol: check.capped(holding) for symbol, holding in book.holdings.items()},
        unsellable_shares={symbol: left for symbol, one in book.holdings.items() if (left := check.beyond(one))},
    )
    return with_change_since(book, gathered.view.prices, equity_before(sleeve))


def _record(
    desk: Desk, session: Session, decided_at: datetime, gathered: Gathered, book: Book, decision: Decision
) -> DecisionRecord:
    document = decision_document(decision)
    seen = {
        symbol: {
            "volume_so_far": None if isnan(today.volume_so_far) else today.volume_so_far,
            "volume_share": today.volume_share,
            "bar_time": today.seen_at.isoformat().replace("+00:00", "Z"),
        }
        for symbol, today in gathered.view.provisional.items()
    }
    shown = {
        **document,
        "seen": seen,
        "provisional": True,
        "degraded": list(gathered.degraded),
        "notes": list(gathered.notes),
        "source": desk.source.name,
    }
    return DecisionRecord(
        account=desk.account,
        session=session.day,
        strategy=desk.strategy.name,
        decided_at=decided_at,
        action=decision.action.value,
        reasons=decision.reasons,
        document=shown,
        frame=frame_of(gathered.view, book, desk.strategy),
        settings=desk.settings.document(),
        settings_hash=desk.settings.digest(),
        code_version=desk.provenance.code_version,
        code_hash=desk.provenance.code_hash,
        libraries=desk.provenance.libraries,
        remembered={verdict.symbol: verdict.remember for verdict in decision.verdicts if verdict.remember},
    )


def _intents(desk: Desk, session: Session, gathered: Gathered, decision: Decision) -> tuple[OrderIntent, ...]:
    return tuple(
        OrderIntent(
            id=intent_id(desk.account, session.day, decision.strategy, order.symbol, order.purpose),
            account=desk.account,
            session=session.day,
            strategy=decision.strategy,
            symbol=order.symbol,
            purpose=order.purpose,
            side=order.side,
            order_type=OrderType.MARKET_ON_CLOSE,
            shares=order.shares,
            reference_price=exact(float(gathered.view.bars[order.symbol].close[-1])),
            reasons=order.reasons,
        )
        for order in decision.orders
    )


def _before(desk: Desk, deadline: datetime, what: str, missed: type[MtumError] = DeadlineMissedError) -> None:
    now = desk.clock.now()
    if now > deadline:
        raise missed(f"{what} came at {now:%H:%M:%S} UTC, needed by {deadline:%H:%M:%S}; nothing was sent")


def _final(desk: Desk, session: Session) -> bool:
    return desk.store.decisions.decided(session.day, desk.strategy.name)


def _unsent(desk: Desk, session: Session, done: RunRecord) -> bool:
    """Whether a run ended with an order that may still be sent: never reached the broker, or stated as not sent."""
    states = desk.store.orders.states(session.day)
    return done.exit_code in (ExitCode.BROKER, ExitCode.PERSON) and any(
        state.status is OrderStatus.PLANNED for state in states
    )


def _halted(desk: Desk, session: Session) -> tuple[Problem, ...]:
    record = desk.store.decisions.find(session.day, desk.strategy.name)
    if record is None or "halted" not in record.reasons:
        return ()
    halts = desk.store.control.halts(in_force=True)
    why = f": {halts[-1].why}" if halts else ""
    return (Problem(ExitCode.HALTED, f"{session.day}: an order was held back because trading is halted{why}"),)


def _again(desk: Desk, session: Session, done: RunRecord) -> RunResult:
    """Answer a finished session from its record, its orders as they are now.

    Only an order in doubt is looked up once more. What went wrong then is marked as past.
    """
    states = desk.store.orders.states(session.day)
    stored = done.document or current_document(desk, session)
    then = [{**problem, "text": f"then: {problem['text']}"} for problem in stored["problems"]]
    document = {**stored, **orders_document(states), "problems": then}
    if any(state.status in IN_DOUBT for state in states):
        desk.broker.connect()
        try:
            problems = submit_orders(desk, session)
        finally:
            desk.broker.close()
        document = current_document(desk, session, problems)
        desk.store.runs.finish(done.id, desk.clock.now(), "finished", exit_code_of(problems), document)
        return RunResult({**document, "rerun": True}, exit_code_of(problems))
    return RunResult({**document, "rerun": True}, ExitCode(done.exit_code or 0))


def _failed(desk: Desk, session: Session, error: MtumError) -> RunResult:
    problems = broken_off(desk.store, error, session.day)
    return RunResult(current_document(desk, session, problems), exit_code_of(problems))
