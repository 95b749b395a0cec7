"""Play the last sessions of the embedded market through the whole daily job, one by one."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from msgspec import Struct

from mtum.app.bars.sync_bars import sync_bars
from mtum.app.desk import Desk
from mtum.app.owner.accept import accept
from mtum.app.owner.statement import Statement
from mtum.app.session.play_session import SETTLED_AFTER, play_session
from mtum.core.market.sessions import Session
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.core.strategies.answers import OTHERS_UNFIT
from mtum.errors import UsageError
from mtum.ports.market_data import BarSource
from mtum.ports.records import DecisionRecord, IntentState
from mtum.ports.time import Calendar


class StartingShares(Struct, frozen=True):
    """Shares that an account has before the first session, each number bought at that session's close."""

    session: Session
    paid: Mapping[str, tuple[int, Decimal]]

    @property
    def worth_usd(self) -> Decimal:
        """What they cost, in USD."""
        return sum((count * price for count, price in self.paid.values()), Decimal(0))


def starting_shares(source: BarSource, first: Session, calendar: Calendar, shares: Mapping[str, int]) -> StartingShares:
    """Return shares as they were bought at the close of the session before the first one played.

    Parameters
    ----------
    source : BarSource
        Daily bars, today's unfinished bar and the VIX from one vendor.
    first : Session
        One trading day of the exchange, named by its date.
    calendar : Calendar
        The exchange's trading sessions.
    shares : mapping of str to int
        Shares by symbol.

    Raises
    ------
    UsageError
        If one of them has no close then.
    """
    before = calendar.sessions(first.day - timedelta(days=15), first.day).known[-2]
    closes = {symbol: source.history(symbol, before.day, before.day).close for symbol in shares}
    missing = [symbol for symbol, close in closes.items() if not len(close)]
    if missing:
        raise UsageError(f"{', '.join(missing)}: no close on {before.day}, so no shares can be there at the start")
    return StartingShares(before, {name: (count, exact(float(closes[name][0]))) for name, count in shares.items()})


type Told = Callable[[Session, int, int], None]


class DemoResult(Struct, frozen=True):
    """What the played sessions came to; `document` lacks the trades, which the report has, and the paths."""

    document: dict[str, Any]
    first: Session
    last: Session


def play_sessions(
    desk: Desk, market: tuple[Session, ...], count: int, after_each: Told, start: StartingShares | None = None
) -> DemoResult:
    """Play the last `count` sessions of a replayed market.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    market : tuple of Session
        Sessions of the market, oldest first.
    count : int
        How many.
    after_each : callable
        Told of each session played, its number from 1 on, and how many there are.
    start : StartingShares, optional
        What the account holds before the first of them; it is stated as a person would.

    Raises
    ------
    UsageError
        If the market does not hold that many sessions.
    """
    check_count(count, market)
    played = market[-count:]
    if start is not None and start.paid:
        desk.clock.wait_until(start.session.close + SETTLED_AFTER)
        sync_bars(desk, desk.symbols, (), lambda _: None, played[0])
        for symbol, (shares, price) in start.paid.items():
            words, bought = (symbol, str(shares)), start.session.day
            accept(desk, Statement("position", words, entry_session=bought, entry_price=price))
    for number, session in enumerate(played, start=1):
        play_session(desk, session)
        after_each(session, number, count)
    return DemoResult(_document(desk, played), played[0], played[-1])


def check_count(count: int, market: tuple[Session, ...]) -> None:
    """Refuse a number of sessions that the market does not hold.

    Raises
    ------
    UsageError
        Saying how many there are.
    """
    if not 1 <= count <= len(market):
        raise UsageError(f"{count} sessions cannot be played; the market has 1 to {len(market)}")


def _document(desk: Desk, played: tuple[Session, ...]) -> dict[str, Any]:
    curves = {sleeve.name: desk.store.ledger.equity(sleeve.name) for sleeve in desk.sleeves}
    last = [points[-1] for points in curves.values() if points]
    benchmarks = [point.benchmark_usd for point in last if point.benchmark_usd is not None]
    orders = [state for state in desk.store.orders.states() if not state.intent.purpose.internal]
    ordered = {state.intent.id for state in orders}
    decisions = desk.store.decisions.final_decisions()
    return {
        "sessions": len(played),
        "start": played[0].day.isoformat(),
        "end": played[-1].day.isoformat(),
        "strategy": desk.names,
        "decisions": len(decisions),
        "orders": len(orders),
        "fills": sum(1 for fill in desk.store.orders.fills() if fill.intent_id in ordered),
        "equity_start_usd": float(desk.settings.portfolio.capital_usd),
        "equity_end_usd": float(sum(point.equity_usd for point in last)) if last else None,
        "benchmark_end_usd": float(sum(benchmarks)) if benchmarks and len(benchmarks) == len(last) else None,
        "sleeves": {
            name: {
                "equity_end_usd": float(points[-1].equity_usd) if points else None,
                "benchmark_end_usd": points[-1].benchmark_usd if points else None,
                "orders": sum(1 for one in orders if one.intent.strategy == name),
            }
            for name, points in curves.items()
        },
        "contains": _contained(desk, played, orders, decisions),
        **_options(desk),
    }


def _options(desk: Desk) -> dict[str, Any]:
    if not desk.settings.trades_options:
        return {}
    from mtum.app.options.what_happened import what_happened  # what an account of shares does without

    return {"options": what_happened(desk)}


def _contained(
    desk: Desk, played: tuple[Session, ...], orders: Sequence[IntentState], decisions: Sequence[DecisionRecord]
) -> dict[str, list[str]]:
    """Return the session of every cross, cut, transfer, partial fill and abstaining symbol that is recorded."""
    store = desk.store
    crosses = [cross for session in played for cross in store.crosses.crosses_of(session.day) if cross.side is Side.BUY]
    plans = [store.plans.plan_of(session.day) for session in played]
    moves = [move for sleeve in desk.sleeves for move in store.ledger.movements(sleeve.name)]
    abstained = {
        (record.session, symbol)
        for record in decisions
        for symbol, said in record.document["symbols"].items()
        if said["verdict"] == "abstain" and OTHERS_UNFIT not in said["reasons"]
    }
    states = [state for state in orders if 0 < state.filled < state.intent.shares]
    found = {
        "crosses": {(one.session, one.symbol) for one in crosses if one.status is OrderStatus.FILLED},
        "cuts": [(plan.session, str(cut)) for plan in plans if plan for cut in plan.document["cuts"]],
        "transfers": {(move.session, move.kind) for move in moves if move.kind == "transfer"},
        "partial_fills": [(state.intent.session, state.intent.id) for state in states],
        "abstentions": abstained,
    }
    return {name: [day.isoformat() for day, _ in sorted(rows)] for name, rows in found.items()}
