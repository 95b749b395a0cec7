"""Take bars from a person: the file replaces what the cache holds."""

from mtum.app.bars.accept_bars import REBASED_SOURCES, Reading, Refresh, accept_bars
from mtum.app.bars.room import BarDesk
from mtum.core.market.bars import Bars
from mtum.core.market.validation import BarProblem, problems_in_history, session_days


def problems_before_import(desk: BarDesk, bars: Bars) -> tuple[BarProblem, ...]:
    """Return every rule that bars given by a person break; an import with problems takes nothing."""
    days = tuple(one.day for one in desk.calendar.sessions(bars.day(0), bars.last_day))
    files = bars.source in REBASED_SOURCES
    return problems_in_history(bars, session_days(days), split_explains_jump=files)


def import_bars(desk: BarDesk, bars: Bars) -> Refresh:
    """Take bars without problems into the cache under their own source; earlier values go to revisions."""
    now = desk.clock.now()
    finished = tuple(one for one in desk.calendar.sessions(bars.day(0), bars.last_day) if one.close <= now)
    cached = desk.store.bars.bars(bars.symbol, bars.source)
    return accept_bars(desk, Reading(cached, bars, finished, now, trusted=True))
