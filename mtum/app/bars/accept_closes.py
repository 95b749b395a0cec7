"""What a source's official closes of an extra series (the VIX) do to the cache."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from mtum.app.bars.accept_bars import final_until
from mtum.core.market.bars import bars_of_closes
from mtum.core.market.sessions import Session
from mtum.core.market.vix import HIGHEST, LOWEST, on_sessions
from mtum.ports.bar_store import BarStore
from mtum.ports.records import Revision


def accept_closes(
    bars: BarStore,
    key: tuple[str, str],
    read: Mapping[date, float],
    finished: Sequence[Session],
    at: datetime,
    *,
    trusted: bool = False,
) -> int:
    """Take official closes into the cache, earlier values to the revisions; return how many were new.

    Values of days the exchange was shut, and those outside 5 to 150, are dropped. A jump is no reason to
    refuse an index, so that every change is accepted.

    Parameters
    ----------
    bars : BarStore
        Cached daily bars.
    key : (str, str)
        Name of the series, and the source that was read.
    read : mapping of date to float
        Closes by session, index points.
    finished : sequence of Session
        Sessions that are over, oldest first.
    at : datetime
        Instant that is recorded, UTC.
    trusted : bool
        A person gave these values, so that they are final.
    """
    if not finished:
        return 0
    name, source = key
    cached, last = bars.series(name, source, finished[0].day), bars.last_final(name, source)
    final = finished[-1].day if trusted else final_until(finished, at)
    closes = on_sessions(read, {one.day for one in finished})
    closes = {day: points for day, points in closes.items() if LOWEST <= points <= HIGHEST}
    new = {day: points for day, points in closes.items() if cached.get(day) != points}
    settled = {
        day: points
        for day, points in closes.items()
        if final is not None and day <= final and (last is None or day > last)
    }
    changed = [day for day in new if day in cached]
    read_at = bars.read_times(name, source, changed[0]) if changed else {}
    revisions = [
        Revision(name, source, day, "close", cached[day], new[day], read_at[day], at, accepted=True) for day in changed
    ]
    bars.accept(bars_of_closes(name, source, {**settled, **new}), at, final, revisions)
    return len(new)
