"""After the close: executions, commissions, cash and the official close, until every order is terminal."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from mtum.app.bars.refresh_bars import refresh_bars, refresh_series
from mtum.app.desk import Desk, Problem, exit_code_of
from mtum.app.ledger.book import flows_since, read_sleeve
from mtum.app.ledger.dividends import dividend_due, dividends_received
from mtum.app.owner.flatten import forget_flatten
from mtum.app.session.check_book import beyond_ordered, external_shares, position_problems
from mtum.app.session.close_orders import cancel_left_over, close_orders
from mtum.app.session.decide_and_order import RunResult, current_document, sessions_around
from mtum.app.session.match_orders import broken_off, executions_of, order_problems, unread_problems
from mtum.core.market.bars import Bar
from mtum.core.market.sessions import Session, Sessions
from mtum.core.portfolio.benchmark import buy_and_hold
from mtum.core.portfolio.costs import cost_model
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.lots import lots_of
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import OrderStatus
from mtum.core.portfolio.reconcile import balances
from mtum.errors import ExitCode, MtumError
from mtum.ports.broker import BrokerFill, BrokerLists
from mtum.ports.records import CashMovement, EquityPoint, IntentState

JOB = "confirm_fills"
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
    fills = [fill for fill in desk.store.orders.fills(desk.strategy.name) if fill.session == session.day]
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
    _record_fills(desk, lists)
    desk.journal.reached("fills")
    close_orders(desk, session, lists)
    desk.journal.reached("closed")
    sessions = sessions_around(desk, session)
    states = desk.store.orders.states(session.day)
    problems = left_over + unread_problems(lists, states) + order_problems(states)
    problems += _short_fills(desk, session) + _mismatches(desk, lists)
    try:
        for symbol in desk.strategy.universe():
            refresh_bars(desk, symbol, session, sessions, through_session=True)
        for name in desk.strategy.series():
            refresh_series(desk, name, session, sessions, through_session=True)
        _record_closes(desk, session, sessions)
        movements = desk.store.ledger.movements(desk.strategy.name)
        desk.store.ledger.move_cash(dividends_received(movements, lists.account.cash_usd))
    except MtumError as error:
        problems.append(Problem(error.exit_code, f"official close not recorded yet: {error}"))
    desk.store.control.write_sessions(sessions.between(session.day, sessions.known[-1].day)[1:31])
    return tuple(problems)


def lists_with_fees(desk: Desk) -> BrokerLists:
    """Ask the lists, and again while a fee is missing: fees come after their executions."""
    lists = desk.broker.lists()
    for _ in range(FEE_TRIES):
        if all(fill.commission_usd is not None for fill in lists.fills):
            break
        desk.clock.wait_until(desk.clock.now() + FEE_PAUSE)
        lists = desk.broker.lists()
    return lists


def _record_fills(desk: Desk, lists: BrokerLists) -> None:
    ours = [_fill(state, fill) for state in desk.store.orders.states() for fill in executions_of(lists, state)]
    desk.store.orders.add_fills(ours)


def _fill(state: IntentState, fill: BrokerFill) -> Fill:
    return Fill(
        exec_id=fill.exec_id,
        intent_id=state.intent.id,
        account=fill.account,
        strategy=state.intent.strategy,
        symbol=fill.symbol,
        side=fill.side,
        session=state.intent.session,
        instant=fill.instant,
        shares=int(fill.shares),
        price=fill.price,
        commission_usd=fill.commission_usd,
    )


def _short_fills(desk: Desk, session: Session) -> list[Problem]:
    problems = []
    for state in desk.store.orders.states(session.day):
        ended = state.status in (OrderStatus.EXPIRED, OrderStatus.CANCELED)
        if ended and state.filled < state.intent.shares:
            intent = state.intent
            text = (
                f"{intent.side.value} {intent.symbol}: {state.filled} of {intent.shares} shares filled ({intent.ref})"
            )
            problems.append(Problem(ExitCode.ORDER, text))
    return problems


def _mismatches(desk: Desk, lists: BrokerLists) -> list[Problem]:
    sleeve = read_sleeve(desk.store, desk.strategy)
    desk.store.ledger.write_lots(desk.strategy.name, sleeve.lots, sleeve.remembered)
    forget_flatten(desk, {lot.symbol for lot in sleeve.lots})
    found = balances(sleeve.lots, external_shares(desk), lists.positions, desk.strategy.universe())
    beyond = beyond_ordered(desk)
    for author, (_, text) in beyond.items():
        desk.store.control.halt(Restriction.REDUCE_ONLY, text, author, desk.clock.now())
    return [
        *(problem for one in found for problem in position_problems(one)),
        *(Problem(ExitCode.PERSON, text) for _, text in beyond.values()),
    ]


def _record_closes(desk: Desk, session: Session, sessions: Sessions) -> None:
    """Record dividends, the official close and the sleeve's equity once the session's bar is there."""
    name = desk.source.name
    bars = {symbol: desk.store.bars.bars(symbol, name, session.day) for symbol in desk.strategy.universe()}
    closes = {symbol: one.find(session.day) for symbol, one in bars.items()}
    if any(bar is None for bar in closes.values()):
        return
    found = {symbol: bar for symbol, bar in closes.items() if bar is not None}
    _record_dividends(desk, session.day, found)
    movements = desk.store.ledger.movements(desk.strategy.name)
    if any(movement.kind == "capital" and movement.session <= session.day for movement in movements):
        desk.store.ledger.write_equity(_equity_at(desk, session.day, found))


def _equity_at(desk: Desk, session: date, bars: Mapping[str, Bar]) -> EquityPoint:
    """Return the sleeve at the session's official close; what came later (a session settled late) is left out."""
    sleeve = read_sleeve(desk.store, desk.strategy, session)
    lots = lots_of(fill for fill in sleeve.fills if fill.session <= session)
    movements = [movement for movement in sleeve.movements if movement.session <= session]
    cash = sum((movement.amount_usd for movement in movements if movement.paid), Decimal(0))
    receivable = sum((movement.amount_usd for movement in movements if not movement.paid), Decimal(0))
    held = {symbol: sum(lot.shares for lot in lots if lot.symbol == symbol) for symbol in bars}
    market = sum((exact(bars[symbol].close) * shares for symbol, shares in held.items()), Decimal(0))
    earlier = sleeve.points[-1].session if sleeve.points else None
    first = next(iter(bars))
    final = desk.store.bars.last_final(first, desk.source.name)
    return EquityPoint(
        session=session,
        strategy=desk.strategy.name,
        cash_usd=cash,
        receivable_usd=receivable,
        market_usd=market,
        equity_usd=cash + receivable + market,
        flows_usd=flows_since(movements, earlier),
        benchmark_usd=_benchmark(desk, session, movements, first),
        close=exact(bars[first].close),
        shares=held[first],
        final=final is not None and final >= session,
    )


def _record_dividends(desk: Desk, session: date, bars: Mapping[str, Bar]) -> None:
    sleeve = read_sleeve(desk.store, desk.strategy)
    known = {movement.key for movement in sleeve.movements}
    # Shares sold at this very close were still held over the ex-date.
    held = lots_of(fill for fill in sleeve.fills if fill.session < session)
    paid = desk.broker.proves_absence
    due = [dividend_due(held, desk.strategy.name, name, session, bar.dividend, paid=paid) for name, bar in bars.items()]
    desk.store.ledger.move_cash([movement for movement in due if movement is not None and movement.key not in known])


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
