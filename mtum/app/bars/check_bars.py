"""Is what the cache holds fit to decide on?"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import combinations, groupby

import numpy as np
from msgspec import Struct

from mtum.app.bars.kept_out import explained, kept_out
from mtum.core.market.bars import Bars
from mtum.core.market.instruments import InstrumentKind, instrument
from mtum.core.market.sessions import Session
from mtum.core.market.validation import AGREE_FRAC, BarProblem, Rule, problems_in_history, session_days
from mtum.core.market.vix import HIGHEST, LOWEST
from mtum.ports.bar_store import VolumeStore
from mtum.ports.store import Store
from mtum.ports.time import Calendar

_SHOWN_MISSES = 5


class VolumeMiss(Struct, frozen=True):
    """How far a projection of a session's volume was off, as a fraction of the final figure.

    Four sessions in five should end between `low` and `high`; None where the share was a documented one.
    """

    session: date
    projected: float
    final: float
    error_frac: float
    low: float | None = None
    high: float | None = None


class Checked(Struct, frozen=True):
    """What is cached of one symbol and source, and what is wrong with it.

    Parameters
    ----------
    behind_sessions : int
        Finished sessions after the newest cached one.
    problems : tuple of BarProblem
        Rules broken; empty when the bars are fit.
    """

    symbol: str
    source: str
    bars: int
    first: date
    last: date
    final_until: date | None
    behind_sessions: int
    problems: tuple[BarProblem, ...]
    volume_misses: tuple[VolumeMiss, ...] = ()


def check_bars(store: Store, calendar: Calendar, now: datetime, symbols: Sequence[str] = ()) -> tuple[Checked, ...]:
    """Check everything that is cached, or only some symbols, by the rules of finished history.

    Parameters
    ----------
    store : Store
        The program's records.
    calendar : Calendar
        The exchange's trading sessions.
    now : datetime
        The present instant, UTC.
    symbols : sequence of str
        Tickers.
    """
    keys = [key for key in store.quarantine.checkable() if not symbols or key[0] in symbols]
    bars = {key: store.bars.bars(*key) for key in keys}
    if not bars:
        return ()
    first = min(one.day(0) for one in bars.values())
    last = max(now.date(), *(one.last_day for one in bars.values()))
    sessions = calendar.sessions(first, last).known
    return tuple(_checked(store, one, sessions, now) for one in bars.values())


def _checked(store: Store, bars: Bars, sessions: Sequence[Session], now: datetime) -> Checked:
    symbol, source = bars.symbol, bars.source
    days = tuple(one.day for one in sessions if bars.day(0) <= one.day <= bars.last_day)
    if instrument(symbol).kind is InstrumentKind.INDEX:
        problems = _index_problems(bars, days)
    else:
        released = store.quarantine.released_days(symbol, source)
        broken = problems_in_history(bars, session_days(days), released=released)
        problems = explained(broken, kept_out(store.quarantine, symbol, source))
    return Checked(
        symbol=symbol,
        source=source,
        bars=len(bars),
        first=bars.day(0),
        last=bars.last_day,
        final_until=store.bars.last_final(symbol, source),
        behind_sessions=sum(1 for one in sessions if one.day > bars.last_day and one.close <= now),
        problems=problems,
        volume_misses=_volume_misses(store.volumes, symbol, source),
    )


def _index_problems(bars: Bars, days: Sequence[date]) -> tuple[BarProblem, ...]:
    known = frozenset(days)
    found = [(bars.day(index), float(close)) for index, close in enumerate(bars.close)]
    wrong = [
        BarProblem(bars.symbol, day, Rule.OUT_OF_RANGE, f"{close:g}", "run `mtum bars sync`")
        for day, close in found
        if not LOWEST <= close <= HIGHEST
    ]
    shut = [
        BarProblem(bars.symbol, day, Rule.NOT_A_SESSION, "the exchange is shut that day", "drop the value")
        for day, _ in found
        if day not in known
    ]
    return (*wrong, *shut)


def _volume_misses(volumes: VolumeStore, symbol: str, source: str) -> tuple[VolumeMiss, ...]:
    known = [one for one in volumes.snapshots(symbol, source) if one.error_frac is not None]
    return tuple(
        VolumeMiss(one.session, one.projected, one.final_volume, one.error_frac, one.projected_low, one.projected_high)
        for one in known[-_SHOWN_MISSES:]
        if one.projected is not None and one.final_volume is not None and one.error_frac is not None
    )


INDEX_POINTS = 0.02
"""Official closes of an index that differ by more than this are different values, not another rounding."""


class Disagreement(Struct, frozen=True):
    """One session's close by two sources."""

    symbol: str
    session: date
    source: str
    close: float
    other_source: str
    other_close: float


def disagreeing_closes(store: Store, symbols: Sequence[str] = ()) -> tuple[Disagreement, ...]:
    """Return the cached closes that differ by more than 0.5 %, of an index by more than 0.02 points.

    Parameters
    ----------
    symbols : sequence of str
        What to compare; by default everything that is cached from more than one source.
    """
    keys = [key for key in store.quarantine.checkable() if not symbols or key[0] in symbols]
    found: list[Disagreement] = []
    for symbol, same in groupby(keys, key=lambda key: key[0]):
        index = instrument(symbol).kind is InstrumentKind.INDEX
        for (_, first), (_, second) in combinations(tuple(same), 2):
            found += _apart(store.bars.bars(symbol, first), store.bars.bars(symbol, second), index=index)
    return tuple(found)


def _apart(first: Bars, second: Bars, *, index: bool) -> Iterator[Disagreement]:
    days, left, right = np.intersect1d(first.days, second.days, assume_unique=True, return_indices=True)
    ours, theirs = first.close[left], second.close[right]
    limit = INDEX_POINTS + 1e-9 if index else AGREE_FRAC * ours
    for place in np.flatnonzero(np.abs(theirs - ours) > limit):
        day: date = days[place].astype(object)
        yield Disagreement(first.symbol, day, first.source, float(ours[place]), second.source, float(theirs[place]))
