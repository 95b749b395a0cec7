"""When APScheduler starts a slot of the timetable: relative to each session's own close."""

from datetime import datetime, timedelta

from apscheduler.triggers.base import BaseTrigger

from mtum.app.service.schedule import Slot, upcoming
from mtum.ports.time import Calendar

_MARGIN = timedelta(days=12)
_AHEAD = timedelta(days=110)


class SessionTrigger(BaseTrigger):  # type: ignore[misc]  # the library has no types
    """Fires at one slot of every session that has it; asks the calendar anew each time.

    Bounds are explicit and move with the clock, so that a process may run for years.
    """

    def __init__(self, slot: Slot, slots: tuple[Slot, ...], calendar: Calendar) -> None:
        # A deadline may lean on another slot (the next rehearsal), so all of them are at hand.
        self._slot = slot
        self._slots = slots
        self._calendar = calendar

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Return the first wake after the previous one, or at or after now when there is none."""
        after = previous_fire_time or now - timedelta(microseconds=1)
        sessions = self._calendar.sessions((after - _MARGIN).date(), (after + _AHEAD).date())
        own = [
            wake for wake in upcoming(after, sessions, len(sessions), self._slots) if self._is_own(wake.job, wake.slot)
        ]
        return own[0].at if own else None

    def _is_own(self, job: str, name: str) -> bool:
        return (job, name) == (self._slot.job, self._slot.name)

    def __str__(self) -> str:
        return f"session {self._slot.job}/{self._slot.name}"
