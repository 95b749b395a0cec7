"""The scheduler: the timetable turned into triggers that all call the one entry."""

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger
from msgspec import Struct

from mtum.app.service.run_due import RETRY, DueRun
from mtum.app.service.schedule import Slot, upcoming
from mtum.errors import ExitCode
from mtum.ports.time import Calendar, Clock

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 30.0
OUTBOX_RETRY = timedelta(minutes=5)
JUMP = timedelta(seconds=45)
"""A heartbeat later than this means sleep or a changed clock: look for due jobs again."""
_THREADS = 4


class Heartbeat(Struct):
    """Decides at each heartbeat whether to look for due jobs beside the triggers."""

    last: datetime
    look_at: datetime | None = None

    def due(self, now: datetime) -> bool:
        """Return whether to look now; call once per heartbeat."""
        jumped = abs(now - self.last - timedelta(seconds=HEARTBEAT_SECONDS)) > JUMP
        self.last = now
        waited = self.look_at is not None and now >= self.look_at
        if waited:
            self.look_at = None
        return jumped or waited

    def after(self, found: DueRun | None, now: datetime) -> None:
        """Note what a run left to be tried again; None stands for a run that broke."""
        if found is None or found.exit_code in (ExitCode.DATA, ExitCode.BROKER, ExitCode.LOCKED):
            self.look_at = now + RETRY
        elif found.flushed.failed:
            self.look_at = now + OUTBOX_RETRY
        elif abs(found.at - now) > JUMP:
            # A practice gateway keeps its own time, which no trigger knows: look for due jobs at every heartbeat.
            self.look_at = now


@dataclass(slots=True)
class JobScheduler:
    """The scheduler of one process.

    Parameters
    ----------
    run_due : callable
        Runs everything due and returns what it did.
    beat : callable
        Leaves a sign of life.
    changed : callable
        Whether something else is to be looked at since the last heartbeat: a file of own strategies.
    """

    clock: Clock
    calendar: Calendar
    slots: tuple[Slot, ...]
    run_due: Callable[[], DueRun]
    beat: Callable[[datetime], None]
    changed: Callable[[], bool] = lambda: False
    stopping: threading.Event = field(default_factory=threading.Event)
    asked: int = 0
    _pulse: Heartbeat = field(init=False)
    _scheduler: Any = field(init=False)

    def __post_init__(self) -> None:
        self._pulse = Heartbeat(self.clock.now())
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(_THREADS)},
            # Lateness is judged by each job's own deadline, never by APScheduler.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def serve(self) -> int:
        """Wake jobs until a signal asks to stop; a job at work is let to its end first.

        Returns
        -------
        int
            0 after SIGTERM, 130 after Ctrl-C.
        """
        scheduler = self.armed()
        self.beat(self.clock.now())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked_to_stop)
        # Before the first heartbeat, which on a busy machine may come at once.
        notify("READY=1\nSTATUS=waiting for the next wake")
        scheduler.start()
        log.info("scheduler_started", extra={"slots": len(self.slots)})
        while not self.stopping.wait(1.0):
            pass
        notify("STOPPING=1")
        log.info("scheduler_stopping")
        scheduler.shutdown(wait=True)
        return 130 if self.asked == signal.SIGINT else 0

    def armed(self) -> Any:
        """Return the APScheduler with every trigger set, not started."""
        scheduler = self._scheduler
        for slot in self.slots:
            name = f"{slot.job}/{slot.name}".rstrip("/")
            scheduler.add_job(self.look, SessionTrigger(slot, self.slots, self.calendar), id=name, name=name)
        seconds = min(HEARTBEAT_SECONDS, watchdog_seconds() or HEARTBEAT_SECONDS)
        scheduler.add_job(self.heartbeat, IntervalTrigger(seconds=seconds), id="heartbeat", name="heartbeat")
        scheduler.add_job(self.look, id="start", name="catch up after the start")
        return scheduler

    def look(self) -> None:
        """Run what is due; whatever happens, the scheduler lives on."""
        if self.stopping.is_set():
            return
        found = None
        try:
            with _event_loop():
                found = self.run_due()
            for run in found.runs:
                log.info("wake", extra={"job": run.wake.job, "slot": run.wake.slot, "outcome": run.outcome})
        except Exception:  # a broken run must not end the process that would report the next one
            log.exception("run_broke")
        self._pulse.after(found, self.clock.now())

    def heartbeat(self) -> None:
        """Tell that the process lives, and look for due jobs after sleep, clock changes and failures."""
        now = self.clock.now()
        notify("WATCHDOG=1")
        self.beat(now)
        if self.changed() | self._pulse.due(now):
            # In its own thread: a look may last as long as an order, and the watchdog must be fed meanwhile.
            self._scheduler.add_job(self.look, id="again", name="look again", replace_existing=True)

    def _asked_to_stop(self, number: int, _frame: FrameType | None) -> None:
        if self.stopping.is_set():
            # Asked twice: end at once. The run ledger and the broker's lists sort out what was under way.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.asked = number
        self.stopping.set()


@contextmanager
def _event_loop() -> Iterator[None]:
    """Give this thread the event loop that the broker's client library expects to find."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def notify(words: str) -> bool:
    """Send ``READY=1``, ``WATCHDOG=1``, ``STOPPING=1`` or ``STATUS=...``; whether somebody listens.

    Nothing is raised: where there is no systemd there is nobody to tell.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address[0] == "@":
        address = "\0" + address[1:]  # a name in the abstract space
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.settimeout(1.0)
            line.sendto(words.encode(), address)
    except OSError:
        return False
    return True


def watchdog_seconds() -> float | None:
    """Return how often systemd wants to hear from the process (half its limit), None if never."""
    limit = os.environ.get("WATCHDOG_USEC", "")
    meant_for = os.environ.get("WATCHDOG_PID", "")
    if not limit.isdigit() or (meant_for and meant_for != str(os.getpid())):
        return None
    return int(limit) / 1_000_000 / 2


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
