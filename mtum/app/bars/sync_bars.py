"""Bring many symbols and series up to date, one after the other."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import cache

from msgspec import Struct

from mtum.app.bars.accept_bars import Refresh
from mtum.app.bars.bar_desk import BarDesk
from mtum.app.bars.refresh_bars import OVERLAP_SESSIONS, refresh_bars, refresh_series
from mtum.core.market.sessions import Session, Sessions
from mtum.core.market.sifting import CONTEXT_SESSIONS
from mtum.errors import DataError, TooManyRequestsError, UsageError

FIRST_DAY = date(1990, 1, 1)
"""Where the history of a symbol begins that is not cached."""
_HORIZON = timedelta(days=14)
_LOOKED_AT = OVERLAP_SESSIONS + CONTEXT_SESSIONS


class Synced(Struct, frozen=True):
    """What became of one symbol: its refresh, or why there is none."""

    symbol: str
    refresh: Refresh | None = None
    error: DataError | None = None

    @property
    def turned_away(self) -> bool:
        """Whether the source asked us to stop asking."""
        return isinstance(self.error, TooManyRequestsError) or (self.refresh is not None and self.refresh.turned_away)


def sync_bars(
    desk: BarDesk,
    symbols: Sequence[str],
    series: Sequence[str],
    told: Callable[[Synced], None],
    upcoming: Session | None = None,
    since: date | None = None,
) -> tuple[Synced, ...]:
    """Bring symbols and series up to date; one that fails does not stop the rest, unless the source limits requests.

    Parameters
    ----------
    desk : BarDesk
        The part of a desk that reading bars touches; `second` is the source that must agree, if any.
    symbols : sequence of str
        Tickers.
    series : sequence of str
        Names of extra series, such as VIX.
    told : callable
        Told of each result as soon as it is there.
    upcoming : Session or None
        The session before which history must be complete; by default the next to close.
    since : date or None
        Where history shall begin; by default where the cache does, or in 1990.
    """
    if upcoming is None:
        upcoming = next_to_close(desk)
    if since is not None and since > upcoming.day:
        raise UsageError(f"--since {since} is later than the session to be ready for, {upcoming.day}")
    results: list[Synced] = []
    between = cache(desk.calendar.sessions)  # thousands of sessions, and most symbols begin alike
    for name in (*symbols, *series):
        turned_away = bool(results) and results[-1].turned_away
        results.append(
            Synced(name, error=TooManyRequestsError(f"{name}: not asked: {desk.source.name} limits requests"))
            if turned_away
            else _synced(desk, name, upcoming, _needed(desk, name, upcoming, since, between), is_series=name in series)
        )
        told(results[-1])
    return tuple(results)


def next_to_close(desk: BarDesk) -> Session:
    """Return the session that is open, or else the next one."""
    now = desk.clock.now()
    for session in desk.calendar.sessions(now.date() - timedelta(days=1), now.date() + _HORIZON):
        if session.close > now:
            return session
    raise UsageError(f"the calendar has no session in the {_HORIZON.days} days after {now:%Y-%m-%d}")


def _needed(
    desk: BarDesk, name: str, upcoming: Session, since: date | None, between: Callable[[date, date], Sessions]
) -> Sessions:
    # From the first on that is cached or wanted; where none is missing inside, what a refresh looks at and no more.
    days = desk.store.quarantine.cached_days(name, desk.source.name)
    first = min(since or next(iter(days), FIRST_DAY), upcoming.day)
    sessions = between(first, upcoming.day)
    inside = tuple(days[bisect_left(days, first) :])
    if inside != sessions.days[: len(inside)]:
        return sessions
    return between(inside[-_LOOKED_AT:][0], upcoming.day) if inside else sessions


def _synced(desk: BarDesk, name: str, upcoming: Session, known: Sessions, *, is_series: bool) -> Synced:
    try:
        if not is_series:
            return Synced(name, refresh_bars(desk, name, upcoming, known))
        new = refresh_series(desk, name, upcoming, known)
    except DataError as error:
        return Synced(name, error=error)
    newest = max(desk.store.bars.series(name, desk.source.name), default=None)
    return Synced(name, Refresh(name, desk.source.name, newest, read=new, written=new))
