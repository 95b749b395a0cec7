"""Play the last sessions of the embedded market through the whole daily job, one by one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mtum.app.desk import Desk
from mtum.app.session.play_session import play_session
from mtum.core.market.sessions import Session
from mtum.errors import UsageError

type Told = Callable[[Session, int, int], None]


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the played sessions came to; `document` lacks the trades, which the report has, and the paths."""

    document: dict[str, Any]
    first: Session
    last: Session


def play_sessions(desk: Desk, market: tuple[Session, ...], count: int, after_each: Told) -> DemoResult:
    """Play the last `count` sessions of a replayed market.

    Parameters
    ----------
    after_each : callable
        Told of each session played, its number from 1 on, and how many there are.

    Raises
    ------
    UsageError
        If the market does not hold that many sessions.
    """
    check_count(count, market)
    played = market[-count:]
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
    names = [sleeve.name for sleeve in desk.sleeves]
    last = [points[-1] for name in names if (points := desk.store.ledger.equity(name))]
    benchmarks = [point.benchmark_usd for point in last if point.benchmark_usd is not None]
    return {
        "sessions": len(played),
        "start": played[0].day.isoformat(),
        "end": played[-1].day.isoformat(),
        "strategy": desk.names,
        "decisions": len(desk.store.decisions.all()),
        "orders": len(desk.store.orders.states()),
        "fills": len(desk.store.orders.fills()),
        "equity_end_usd": float(sum(point.equity_usd for point in last)) if last else None,
        "benchmark_end_usd": float(sum(benchmarks)) if benchmarks and len(benchmarks) == len(last) else None,
    }
