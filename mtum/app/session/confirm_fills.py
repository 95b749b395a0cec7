"""After the close: executions, commissions, cash and the official close, until every order is terminal."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from mtum.app.bars.refresh_bars import refresh_bars, refresh_series
from mtum.app.desk import Desk, Problem, exit_code_of
from mtum.app.ledger.book import Sleeve, flows_since, held_lots, read_sleeve, write_lots
from mtum.app.ledger.dividends import dividend_due, dividends_received
from mtum.app.owner.flatten import forget_flatten
from mtum.app.session.close_orders import cancel_left_over, close_orders, take_up
from mtum.app.session.decide_and_order import RunResult, current_document, sessions_around
from mtum.app.session.differences import beyond_ordered, position_differences
from mtum.app.session.match_orders import IN_DOUBT, broken_off, order_problems, unread_problems
from mtum.core.market.bars import Bar
from mtum.core.market.sessions import Session, Sessions
from mtum.core.portfolio.benchmark import buy_and_hold
from mtum.core.portfolio.costs import cost_model
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.lots import Lot, lots_of
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import OrderStatus
from mtum.errors import ExitCode, MtumError
from mtum.ports.broker import BrokerLists
from mtum.ports.records import CashMovement, EquityPoint

JOB = "confirm_fills"
_TOLD = ("double", "contradiction", "executed", "changed")
FEE_TRIES = 2
FEE_PAUSE = timedelta(seconds=2)
"""Settling is repeated later anyway; a fee that is still missing then is told as provisional."""


def confirm_fills(
    desk: Desk, session: Session, slot: str = "", before_end: Callable[[RunResult], None] | None = None
) -> RunResult:
    """Settle one session; asking again later only adds what was not known yet.

    Parameters
    ----------
    before_end : callable or None
        Told the result before the run counts as finished, so that what it records is not lost.
    """
    run_id = desk.store.runs.start(JOB, slot, session.day, desk.clock.now())
    desk.journal.begin(run_id)
    desk.journal.reached("settling")
    try:
        problems = _settled(desk, session)
        document = settle_document(desk, session, problems)
    except MtumError as error:
        problems = broken_off(desk.store, error)
        document = settle_document(desk, session, problems)
    code = exit_code_of(problems)
    if before_end is not None:
        before_end(RunResult(document, code))
    desk.store.runs.finish(
        run_id, desk.clock.now(), "finished" if code in (0, ExitCode.ORDER) else "failed", code, document
    )
    desk.journal.reached("settled")
    return RunResult(document, code)


def settle_document(desk: Desk, session: Session, problems: tuple[Problem, ...]) -> dict[str, Any]:
    """Return what is known of a settled session: its orders, fills and equity."""
    run = current_document(desk, session, problems)
    since = desk.store.ledger.equity(desk.strategy.name, session.day)
    points = [point for point in since if point.session == session.day]
    fills = [fill for fill in desk.store.orders.fills() if fill.session == session.day]
    return {
        "session": run["session"],
        "mode": run["mode"],
        "account": run["account"],
        "strategy": run["strategy"],
        "orders": run["orders"],
        "fills": [_fill_document(fill) for fill in fills],
        "equity_usd": float(points[-1].equity_usd) if points else None,
        "benchmark_usd": float(points[-1].benchmark_usd) if points and points[-1].benchmark_usd is not None else None,
        "official_close": float(points[-1].close) if points and points[-1].close is not None else None,
        "problems": run["problems"],
        "exit_code": run["exit_code"],
    }


def _settled(desk: Desk, session: Session) -> tuple[Problem, ...]:
    desk.broker.connect()
    try:
        lists = lists_with_fees(desk)
        left_over = cancel_left_over(desk, lists)
        lists = desk.broker.lists() if left_over else lists
    finally:
        desk.broker.close()
    desk.store.control.write_account(session.day, lists.at, lists)
    found = take_up(desk, lists, adopt=True)
    desk.journal.reached("fills")
    close_orders(desk, session, lists)
    desk.journal.reached("closed")
    sessions = sessions_around(desk, session)
    write_lots(desk.store)
    forget_flatten(desk, {lot.symbol for lot in held_lots(desk.store)})
    # How the session's orders ended is told by their status; here is what stood otherwise than we had it.
    problems = left_over + [one.problem() for one in found if one.kind in _TOLD]
    states = desk.store.orders.states(session.day)
    problems += unread_problems(lists, states) + order_problems(states) + _short_fills(desk, session)
    problems += [one.problem() for one in position_differences(desk, lists)]
    for author, (_, text) in beyond_ordered(desk).items():
        desk.store.control.halt(Restriction.REDUCE_ONLY, text, author, desk.clock.now())
        problems.append(Problem(ExitCode.PERSON, text))
    problems += _read_closes(desk, session, sessions)
    _record_closes(desk, session.day)
    movements = desk.store.ledger.movements(desk.strategy.name)
    desk.store.ledger.move_cash(dividends_received(movements, lists.account.cash_usd))
    desk.store.control.write_sessions(sessions.between(session.day, sessions.known[-1].day)[1:31])
    return tuple(problems)


def _read_closes(desk: Desk, session: Session, sessions: Sessions) -> list[Problem]:
    """Read the session's official closes; what cannot be read leaves the rest alone."""
    held = [lot.symbol for lot in held_lots(desk.store)]
    held += [fill.symbol for fill in desk.store.orders.fills() if fill.session == session.day]
    problems = []
    for symbol in dict.fromkeys([*held, *desk.strategy.universe(), *desk.strategy.series()]):
        read = refresh_series if symbol in desk.strategy.series() else refresh_bars
        try:
            read(desk, symbol, session, sessions, through_session=True)
        except MtumError as error:
            problems.append(Problem(error.exit_code, f"official close not recorded yet: {error}"))
    return problems


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


def restate_equity(desk: Desk, since: date) -> None:
    """Compute equity from that session on once more, after a statement that changes what was held."""
    for day in sorted({since, *(point.session for point in desk.store.ledger.equity(desk.strategy.name, since))}):
        _record_closes(desk, day)


def _record_closes(desk: Desk, day: date) -> None:
    """Record dividends, the official close and every sleeve's equity once the session's bars are there.

    Lots are valued whatever the settings trade now: another symbol's and another strategy's too.
    """
    active = desk.strategy.name
    for strategy in dict.fromkeys([active, *(fill.strategy for fill in desk.store.orders.fills())]):
        sleeve = read_sleeve(desk.store, strategy, day)
        # Shares sold at this very close were still held over the ex-date.
        before = lots_of(fill for fill in sleeve.fills if fill.session < day)
        after = lots_of(fill for fill in sleeve.fills if fill.session <= day)
        held = {lot.symbol for lot in (*before, *after)}
        traded = desk.strategy.universe() if strategy == active and held <= {*desk.strategy.universe()} else ()
        symbols = dict.fromkeys([*traded, *sorted(held)])
        bars = {symbol: desk.store.bars.bars(symbol, desk.source.name, day).find(day) for symbol in symbols}
        found = {symbol: bar for symbol, bar in bars.items() if bar is not None}
        if not found or len(found) < len(bars):
            continue
        _record_dividends(desk, sleeve, before, day, found)
        movements = desk.store.ledger.movements(strategy)
        if any(movement.kind == "capital" and movement.session <= day for movement in movements):
            point = _equity_at(desk, replace(sleeve, movements=movements, lots=after), strategy, day, found)
            desk.store.ledger.write_equity(point)


def _equity_at(desk: Desk, sleeve: Sleeve, strategy: str, session: date, bars: Mapping[str, Bar]) -> EquityPoint:
    """Return the sleeve at the session's official close; what came later (a session settled late) is left out."""
    movements = [movement for movement in sleeve.movements if movement.session <= session]
    cash = sum((movement.amount_usd for movement in movements if movement.paid), Decimal(0))
    receivable = sum((movement.amount_usd for movement in movements if not movement.paid), Decimal(0))
    held = {symbol: sum(lot.shares for lot in sleeve.lots if lot.symbol == symbol) for symbol in bars}
    market = sum((exact(bars[symbol].close) * shares for symbol, shares in held.items()), Decimal(0))
    earlier = sleeve.points[-1].session if sleeve.points else None
    first = next(iter(bars))
    final = desk.store.bars.last_final(first, desk.source.name)
    # An order that may have been filled unseen: the shares, and so the equity, are not known yet.
    doubtful = any(
        state.intent.strategy == strategy and state.intent.session <= session and state.status in IN_DOUBT
        for state in desk.store.orders.states(unresolved=True)
    )
    return EquityPoint(
        session=session,
        strategy=strategy,
        cash_usd=cash,
        receivable_usd=receivable,
        market_usd=market,
        equity_usd=cash + receivable + market,
        flows_usd=flows_since(movements, earlier),
        benchmark_usd=_benchmark(desk, session, movements, first),
        close=exact(bars[first].close),
        shares=held[first],
        final=final is not None and final >= session and not doubtful,
    )


def _record_dividends(desk: Desk, sleeve: Sleeve, held: Sequence[Lot], session: date, bars: Mapping[str, Bar]) -> None:
    known = {movement.key for movement in sleeve.movements}
    paid = desk.broker.proves_absence
    for symbol, bar in bars.items():
        strategy = next((lot.strategy for lot in held if lot.symbol == symbol), desk.strategy.name)
        due = dividend_due(held, strategy, symbol, session, bar.dividend, paid=paid)
        desk.store.ledger.move_cash([due] if due is not None and due.key not in known else [])


def _benchmark(desk: Desk, session: date, movements: Sequence[CashMovement], symbol: str) -> Decimal | None:
    start = next((movement for movement in movements if movement.kind == "capital"), None)
    if start is None:
        return None
    flows: dict[date, float] = {}
    for movement in movements:
        if movement.kind in ("deposit", "withdrawal"):
            flows[movement.session] = flows.get(movement.session, 0.0) + float(movement.amount_usd)
    portfolio = desk.settings.portfolio
    costs = cost_model(portfolio.cost_model, exact(portfolio.cost_frac))
    bars = desk.store.bars.bars(symbol, desk.source.name).until(session)
    shadow = buy_and_hold(bars, start.session, float(start.amount_usd), costs, flows)
    return exact(round(shadow.value_usd, 6)) if shadow else None


def _fill_document(fill: Fill) -> dict[str, Any]:
    return {
        "exec_id": fill.exec_id,
        "symbol": fill.symbol,
        "side": fill.side.value,
        "shares": fill.shares,
        "price": float(fill.price),
        "commission_usd": float(fill.commission_usd) if fill.commission_usd is not None else None,
        "instant": fill.instant.isoformat().replace("+00:00", "Z"),
    }
