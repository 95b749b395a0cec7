"""After the close: executions, commissions, cash and the official close, until every order is terminal."""

from collections.abc import Callable, Collection, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mtum.app.bars.refresh_bars import refresh_each, refresh_series
from mtum.app.desk import Desk, Problem, RunResult, exit_code_of
from mtum.app.ledger.dividends import DIVIDEND_DIFFERS, PAID_WITHIN, dividends_received, payment_come
from mtum.app.ledger.equity import restate_equity, value_again_from
from mtum.app.ledger.sleeve_records import Records, write_lots
from mtum.app.ledger.unsound_books import unsound_books
from mtum.app.session.ask_ahead import ask_closes
from mtum.app.session.close_orders import cancel_left_over, close_orders, record_from_lists
from mtum.app.session.decide_and_order import sessions_around
from mtum.app.session.differences import beyond_ordered, position_differences
from mtum.app.session.match_orders import broken_off, order_problems, unread_problems
from mtum.app.session.our_books import read_books
from mtum.app.session.run_document import orders_document
from mtum.app.session.settle_crosses import settle_crosses
from mtum.core.canonical import canonical, parsed, utc_text
from mtum.core.market.sessions import Session, Sessions
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import OrderStatus
from mtum.errors import ExitCode, MtumError
from mtum.ports.broker import BrokerLists

if TYPE_CHECKING:
    from mtum.ports.options import OptionLists  # an account without: none

JOB = "confirm_fills"
_TOLD = ("double", "contradiction", "executed", "changed", "another id")
DIVIDENDS_COME = "dividends_come"
"""Key in `meta` of the broker's cash when sessions were settled, and of each dividend that has come: when, and USD."""
FEE_TRIES = 2
FEE_PAUSE = timedelta(seconds=2)
"""The session is settled again later; a commission still missing then is reported as provisional."""


def confirm_fills(
    desk: Desk, session: Session, slot: str = "", before_end: Callable[[RunResult], None] | None = None
) -> RunResult:
    """Settle one session; asking again later only adds what was not known yet.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    session : Session
        The session, with its open and close.
    slot : str
        Slot of the job.
    before_end : callable or None
        Told the result before the run counts as finished, so that what it records is not lost.
    """
    run_id = desk.store.runs.start_run(JOB, slot, session.day, desk.clock.now())
    desk.journal.begin(run_id)
    desk.journal.reached("settling")
    try:
        problems = _settled(desk, session)
        document = settle_document(desk, session, problems)
    except MtumError as error:
        problems = broken_off(desk.store.orders, error)
        document = settle_document(desk, session, problems)
    code = exit_code_of(problems)
    if before_end is not None:
        before_end(RunResult(document, code))
    desk.store.runs.finish_run(
        run_id, desk.clock.now(), "finished" if code in (0, ExitCode.ORDER) else "failed", code, document
    )
    desk.journal.reached("settled")
    return RunResult(document, code)


def settle_document(desk: Desk, session: Session, problems: tuple[Problem, ...]) -> dict[str, Any]:
    """Return what is known of a settled session: its orders, fills and equity.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    session : Session
        The session, with its open and close.
    problems : tuple of Problem
        What went wrong.
    """
    decided = [one.name for one in desk.sleeves if desk.store.decisions.decided(session.day, one.name)]
    states = desk.store.orders.states(session.day)
    since = [point for sleeve in desk.sleeves for point in desk.store.ledger.equity(sleeve.name, session.day)]
    points = [point for point in since if point.session == session.day]
    benchmarks = [point.benchmark_usd for point in points if point.benchmark_usd is not None]
    intents = [state.intent.id for state in states]
    fills = desk.store.orders.fills(intents=intents) if intents else ()
    return {
        "session": session.day.isoformat(),
        "mode": desk.settings.mode,
        "account": desk.account,
        "strategy": ", ".join(decided) or desk.names,
        "orders": orders_document(states)["orders"],
        "fills": [_fill_document(fill) for fill in fills],
        "equity_usd": float(sum(point.equity_usd for point in points)) if points else None,
        "benchmark_usd": float(sum(benchmarks)) if benchmarks and len(benchmarks) == len(points) else None,
        "official_close": float(points[0].close) if points and points[0].close is not None else None,
        "problems": [problem.document() for problem in problems],
        "exit_code": int(exit_code_of(problems)),
    }


def _settled(desk: Desk, session: Session) -> tuple[Problem, ...]:
    desk.broker.connect()
    try:
        lists = lists_with_fees(desk)
        left_over = cancel_left_over(desk, lists)
        lists = desk.broker.lists() if left_over else lists
        options_seen, unsettled = _options(desk, session)
    finally:
        desk.broker.close()
    desk.store.ledger.write_account(session.day, lists.at, lists)
    found = record_from_lists(desk, lists, adopt=True)
    desk.journal.reached("fills")
    close_orders(desk, session, lists)
    desk.journal.reached("closed")
    sessions = sessions_around(desk, session)
    books = read_books(desk, lists, session.day)
    write_lots(desk.store, books.records)
    forget_flatten(desk, books.records.holders())
    # How orders ended is told by their status; reported here is what the broker lists differently from our records.
    problems = left_over + [one.problem() for one in found if one.kind in _TOLD] + list(unsettled)
    states = desk.store.orders.states(session.day)
    problems += unread_problems(lists, states) + order_problems(states) + _short_fills(desk, session)
    problems += [one.problem() for one in position_differences(desk, books, lists)]
    changed = unsound_books(desk.store.events)
    problems += [Problem(ExitCode.PERSON, changed)] if changed else []
    for author, beyond in beyond_ordered(desk).items():
        # The halt names the cause alone: what to do about it changes with the position.
        desk.store.control.halt(Restriction.REDUCE_ONLY, beyond.fact, author, desk.clock.now())
        problems.append(beyond.difference.problem())
    problems += _read_closes(desk, books.records, session, sessions)
    if desk.store.crosses.planned_crosses():
        problems += settle_crosses(desk, session.day)
        books = read_books(desk, lists, session.day)
        write_lots(desk.store, books.records)
    problems += _dividend_come(desk, session.day, lists.account.cash_usd)
    since = value_again_from(desk, session.day)
    if since < session.day:
        restate_equity(desk, since)
    restate_equity(desk, session.day, books.records)
    ledger = desk.store.ledger
    # Dividends still owed to a sleeve that is no longer in the settings, or to the cash fund, are collected too.
    owners = dict.fromkeys([*(sleeve.name for sleeve in desk.sleeves), *books.records.strategies])
    unpaid = [one for name in owners for one in ledger.movements(name, open_only=True) if not one.paid]
    if unpaid:
        cash = sum(map(desk.store.books.cash, owners), Decimal(0))
        ledger.move_cash(dividends_received(unpaid, cash, lists.account.cash_usd))
    desk.store.control.write_sessions(sessions.between(session.day, sessions.known[-1].day)[1:31])
    if options_seen is not None:
        from mtum.app.options.overnight import remember

        # Last, as the cash of everything above is in the books now.
        remember(desk, options_seen)
    return tuple(problems)


def _options(desk: Desk, session: Session) -> "tuple[OptionLists | None, tuple[Problem, ...]]":
    """End the session's orders in options for good, where there are any."""
    if not desk.settings.trades_options:
        return None, ()
    from mtum.app.options.settle_options import settle_options

    return settle_options(desk, session)


def _dividend_come(desk: Desk, day: date, cash_usd: Decimal) -> list[Problem]:
    """Hold a dividend that was estimated against the cash that came of it; this is what counts."""
    if desk.broker.proves_absence:
        return []  # the simulated exchange pays what its source tells
    control, today = desk.store.control, day.isoformat()
    known = parsed(dict[str, Any], control.meta(DIVIDENDS_COME) or '{"cash": {}, "seen": {}}', DIVIDENDS_COME)
    if max(known["cash"], default="") > today:
        return []  # an earlier session settled again: the broker no longer shows that day's cash
    seen, cash = known["seen"], {session: usd for session, usd in known["cash"].items() if session < today}
    before = max(cash, default=None)
    # Asked again in the same session, what was told apart before is explained.
    explained = sum((Decimal(usd) for told, usd in seen.values() if told == today), Decimal(0))
    come = None
    if before is not None:
        moved = desk.store.ledger.movements(None, since=day - PAID_WITHIN)
        gained = cash_usd - Decimal(cash[before]) - explained
        come = payment_come(moved, date.fromisoformat(before), gained, seen)
    with desk.store.together():
        if come is not None:
            ex = come.due[0]
            bar = desk.store.bars.bars(str(ex.symbol), desk.source.name, ex.session).find(ex.session)
            oldest = (day - PAID_WITHIN).isoformat()
            seen = {key: told for key, told in seen.items() if told[0] >= oldest} | {
                come.key: [today, str(come.came_usd)]
            }
            desk.store.ledger.move_cash(come.corrected(day))
            if bar is not None and come.differs(exact(bar.dividend)):
                text = (
                    f"{ex.symbol}: the dividend of {ex.session} brought {come.came_usd:.2f} USD where "
                    f"{desk.source.name} let expect {come.estimated_usd:.2f} (tax withheld, or another amount): "
                    "the cash is booked as it came"
                )
                control.set_meta(DIVIDEND_DIFFERS, canonical({"session": today, "text": text}))
        kept = {before: cash[before]} if before is not None else {}
        control.set_meta(DIVIDENDS_COME, canonical({"cash": {**kept, today: str(cash_usd)}, "seen": seen}))
    differed = parsed(dict[str, Any], control.meta(DIVIDEND_DIFFERS) or "{}", DIVIDEND_DIFFERS)
    return [Problem(ExitCode.DONE, differed["text"])] if differed.get("session") == today else []


def _read_closes(desk: Desk, records: Records, session: Session, sessions: Sessions) -> list[Problem]:
    """Read the session's official closes; what cannot be read leaves the rest alone."""
    held = [lot.symbol for lot in records.lots]
    held += [fill.symbol for fill in records.fills if fill.session == session.day]
    compared = [symbol for sleeve in desk.sleeves for symbol in sleeve.compared_with]
    series = desk.series
    symbols = [one for one in dict.fromkeys([*held, *desk.symbols, *compared]) if one not in series]
    ask_closes(desk, symbols, session, sessions)
    read = refresh_each(desk, symbols, session, sessions, through_session=True)
    failed = [found for _, found in read if isinstance(found, MtumError)]
    for name in series:
        try:
            refresh_series(desk, name, session, sessions, through_session=True)
        except MtumError as error:
            failed.append(error)
    return [Problem(error.exit_code, f"official close not recorded yet: {error}") for error in failed]


def lists_with_fees(desk: Desk) -> BrokerLists:
    """Ask the lists, and again while a fee is missing: fees come after their executions."""
    lists = desk.broker.lists()
    for _ in range(FEE_TRIES):
        if all(fill.commission_usd is not None for fill in lists.fills):
            break
        desk.clock.wait_until(desk.clock.now() + FEE_PAUSE)
        lists = desk.broker.lists()
    return lists


def _short_fills(desk: Desk, session: Session) -> list[Problem]:
    problems = []
    for state in desk.store.orders.states(session.day):
        ended = state.status in (OrderStatus.EXPIRED, OrderStatus.CANCELED, OrderStatus.FILLED)
        if ended and state.filled < state.intent.shares:
            intent = state.intent
            text = (
                f"{intent.side.value} {intent.symbol}: {state.filled} of {intent.shares} shares filled ({intent.ref})"
            )
            problems.append(Problem(ExitCode.ORDER, text))
    return problems


def _fill_document(fill: Fill) -> dict[str, Any]:
    return {
        "exec_id": fill.exec_id,
        "symbol": fill.symbol,
        "side": fill.side.value,
        "shares": fill.shares,
        "price": float(fill.price),
        "commission_usd": float(fill.commission_usd) if fill.commission_usd is not None else None,
        "instant": utc_text(fill.instant),
    }


def forget_flatten(desk: Desk, held: Mapping[str, Collection[str]]) -> None:
    """Drop requests for symbols that are no longer held, neither in shares nor in options.

    Parameters
    ----------
    held : mapping of symbol to str
        The sleeves that hold shares of each symbol.
    """
    statements, now = desk.store.statements, desk.clock.now()
    lots = desk.store.options.book().lots if desk.settings.trades_options else ()
    options = [(lot.contract.underlying, lot.strategy) for lot in lots]
    held = {**held} | {
        symbol: {*held.get(symbol, ()), *(name for other, name in options if other == symbol)} for symbol, _ in options
    }
    for symbol in statements.flatten_requests():
        if not held.get(symbol):
            statements.end_flatten(symbol, now)
    for sleeve in desk.sleeves:
        for symbol in statements.flatten_requests(sleeve.name):
            if sleeve.name not in held.get(symbol, ()):
                statements.end_flatten(symbol, now, sleeve.name)


def option_underlyings(desk: Desk, sleeve: str | None = None) -> frozenset[str]:
    """Return the underlyings of open options, of every sleeve or of one; none where no sleeve trades them."""
    if not desk.settings.trades_options:
        return frozenset()
    return frozenset(lot.contract.underlying for lot in desk.store.options.book(sleeve).lots)
