"""One installation: its settings and folder, its outbox, and the entry that runs what is due in it."""

import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from msgspec.structs import replace

from mtum.adapters.clock import FixedClock, SystemClock
from mtum.adapters.logs import run_scope
from mtum.adapters.store.lock import run_lock
from mtum.app.service.notices import store_notice
from mtum.app.service.outbox import Flushed, Outbox
from mtum.app.service.renew import Renewal, renew
from mtum.app.service.run_due import DueRun, RunContext, run_due
from mtum.app.service.schedule import NIGHT, Slot, Wake, timetable, upcoming
from mtum.app.strategies.versions import files_now
from mtum.config import Settings, current_environment, secret_problems
from mtum.core.canonical import utc_text
from mtum.errors import BrokerError, ConfigError, ExitCode, NotifyError, RunLockedError, StoreError
from mtum.ports.messages import Message, Notifier
from mtum.ports.store import Store
from mtum.ports.time import Calendar, Clock
from mtum.wiring import resources
from mtum.wiring.channels import channels_of, dead_man_of
from mtum.wiring.desks import gateway_clock
from mtum.wiring.jobs import jobs_of
from mtum.wiring.strategy_checks import CHECK_SECONDS, wrong_with

log = logging.getLogger(__name__)


class Installation:
    """Everything that stays the same between two looks at the timetable.

    Parameters
    ----------
    instant : datetime, optional
        Taken for now, as ``--as-of`` asks; otherwise the computer's clock.
    stopping : callable
        Whether the process was asked to end; no further job is begun then.
    """

    def __init__(
        self,
        settings: Settings,
        data_dir: Path,
        instant: datetime | None = None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self.settings = settings
        self.data_dir = data_dir
        self.clock: Clock = SystemClock() if instant is None else FixedClock(instant)
        self.calendar: Calendar = resources.calendar_of(settings, data_dir)
        self.jobs = jobs_of(settings, data_dir, self.clock, instant)
        # On a replayed market a whole session is played at once: the steps in between have nothing to do.
        slots = timetable(settings.schedule, options=settings.trades_options)
        self.slots: tuple[Slot, ...] = tuple(slot for slot in slots if slot.job in self.jobs)
        self._environment = current_environment()
        self._stopping = stopping
        self._given = instant is not None
        self._instant = instant
        self._renewing = Lock()
        self._seen = {path: _stamp(path) for path in files_now()}

    def check(self) -> None:
        """Read the secrets and open the database once, so that a wrong setting is told at the start."""
        wrong = secret_problems(self.settings, self._environment)
        if wrong:
            raise ConfigError(wrong)
        with resources.opened_store(self.settings, self.data_dir):
            pass

    def run_due(self) -> DueRun:
        """Run every due job in this folder; a database that cannot be used is told without it."""
        try:
            # What is due on the practice gateway is due by its time; on the running market nobody is asked.
            clock = self.clock if self._given else gateway_clock(self.settings, self.data_dir) or self.clock
            with resources.opened_store(self.settings, self.data_dir) as store:
                self.renew(store, clock)
                found = run_due(replace(self.context(store), clock=clock))
                self.renew(store, clock)
                return found
        except StoreError as error:
            return self._no_store(error)
        except BrokerError as error:
            return DueRun(self.clock.now(), (), Flushed(), ExitCode(error.exit_code), str(error))

    def context(self, store: Store) -> RunContext:
        """Return the entry's surroundings on an open database."""
        return RunContext(
            store=store,
            # Runs of the timetable must not look like runs of the replayed sessions, so they have their own table.
            ledger=store.replayed_runs if resources.is_replay(self.settings) else store.runs,
            clock=self.clock,
            calendar=self.calendar,
            slots=self.slots,
            jobs=self.jobs,
            outbox=self.outbox(store),
            dead_man=dead_man_of(self._environment),
            claim=lambda job: _lock(self.data_dir / f"job-{job}"),
            scope=run_scope,
            stopping=self._stopping,
        )

    def renew(self, store: Store, clock: Clock, *, asked: bool = False) -> tuple[Renewal, ...]:
        """Take over changed files of own strategies, where no session is at work; return what became of each.

        Parameters
        ----------
        store : Store
            The program's records.
        clock : Clock
            Tells the time and waits; the only source of "now".
        asked : bool
            Whether a person asked for it.
        """
        if not self.settings.plugins.strategies or not self._renewing.acquire(blocking=asked):
            return ()
        try:
            context = replace(self.context(store), clock=clock)
            settings, found = renew(context, self.settings, wrong_with, timedelta(seconds=CHECK_SECONDS), asked=asked)
            if settings is not self.settings:
                self.settings = settings
                self.jobs = jobs_of(settings, self.data_dir, self.clock, self._instant)
            return found
        finally:
            self._renewing.release()

    def changed(self) -> bool:
        """Whether a file of own strategies is another than at the last look; it tells so once."""
        seen = {path: _stamp(path) for path in files_now()}
        before, self._seen = self._seen, seen
        return any(before.get(path, stamp) != stamp for path, stamp in seen.items())

    def outbox(self, store: Store) -> Outbox:
        """Return the stored outbox with every channel behind it."""
        return Outbox(
            messages=store.messages,
            channels=channels_of(self.settings, self._environment),
            clock=self.clock,
            quiet=self.settings.notify.quiet,
            lock=lambda: _lock(self.data_dir / "outbox"),
        )

    def beat(self, at: datetime) -> None:
        """Leave a sign of life for `mtum status` and for whoever watches the folder."""
        try:
            (self.data_dir / resources.ALIVE_NAME).write_text(f"{os.getpid()} {at.isoformat()}\n", encoding="ascii")
        except OSError as error:
            log.warning("no_sign_of_life", extra={"error": error.strerror})

    def _no_store(self, error: StoreError) -> DueRun:
        now = self.clock.now()
        if isinstance(error, RunLockedError):
            return DueRun(now, (), Flushed(), ExitCode.LOCKED)
        log.error("store_unusable", extra={"error": str(error)})
        flushed = emergency(self.settings, self.data_dir, str(error), now)
        return DueRun(now, (), flushed, ExitCode(error.exit_code), str(error))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def emergency(settings: Settings, data_dir: Path, text: str, now: datetime) -> Flushed:
    """Tell every channel at once that the database cannot be used; once an hour, without a record.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    data_dir : Path
        Data folder.
    text : str
        What is wrong, in words.
    now : datetime
        The present instant, UTC.
    """
    marker = data_dir / "store-alarm"
    if _told_lately(marker, now):
        return Flushed()
    message = store_notice(text, now)
    channels = channels_of(settings, current_environment())
    with ThreadPoolExecutor(max_workers=len(channels)) as pool:
        errors = list(pool.map(lambda channel: error_of(channel, message), channels))
    failed = tuple((channel.name, error) for channel, error in zip(channels, errors, strict=True) if error)
    return Flushed(len(channels) - len(failed), failed)


def error_of(channel: Notifier, message: Message) -> str:
    """Send a message by one channel without a record; empty when it was taken, else why not."""
    try:
        channel.send(message)
    except NotifyError as error:
        return str(error)
    return ""


def _told_lately(marker: Path, now: datetime) -> bool:
    # On a full disk an empty marker file can still be touched; where nothing can be written, alarm every time.
    try:
        told = marker.exists() and now.timestamp() - marker.stat().st_mtime < timedelta(hours=1).total_seconds()
        if not told:
            marker.touch()
            os.utime(marker, (now.timestamp(), now.timestamp()))
    except OSError:
        return False
    return told


def wakes_after(settings: Settings, data_dir: Path, at: datetime | None, sessions: int) -> tuple[Wake, ...]:
    """Return the wake times of the next sessions, as seen at an instant (default: now).

    The whole timetable, in every mode; a replayed market leaves out the steps it plays at once.
    A session of which only the night's copy is left is over and none of the next.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    data_dir : Path
        Data folder.
    at : datetime or None
        Instant, UTC; None is now.
    sessions : int
        How many sessions.
    """
    found = _wakes(settings, data_dir, at, sessions + 1)
    days = sorted({wake.session for wake in found if wake.slot != NIGHT})[:sessions]
    return tuple(wake for wake in found if wake.session in days)


def _wakes(settings: Settings, data_dir: Path, at: datetime | None, sessions: int) -> tuple[Wake, ...]:
    installation = Installation(settings, data_dir, at)
    now = installation.clock.now()
    known = installation.calendar.sessions(
        (now - timedelta(days=12)).date(), (now + timedelta(days=2 * sessions + 14)).date()
    )
    return upcoming(now, known, sessions, timetable(settings.schedule, options=settings.trades_options))


def due_document(found: DueRun) -> dict[str, Any]:
    """Return what a look at the timetable did, as plain JSON values."""
    runs = [
        {
            "job": run.wake.job,
            "slot": run.wake.slot,
            "session": run.wake.session.isoformat(),
            "outcome": run.outcome,
            "exit_code": int(run.exit_code),
            "text": run.text,
        }
        for run in found.runs
    ]
    problems = _run_problems(found)
    problems += [{"code": int(ExitCode.NOTIFY), "text": f"{name}: {error}"} for name, error in found.flushed.failed]
    if found.text:
        problems.insert(0, {"code": int(found.exit_code), "text": found.text})
    at = utc_text(found.at)
    return {
        "at": at,
        "runs": runs,
        "messages_sent": found.flushed.sent,
        "problems": problems,
        "exit_code": int(found.exit_code),
    }


def _run_problems(found: DueRun) -> list[dict[str, Any]]:
    # Many missed jobs are one problem; the rows name each of them.
    missed = [run for run in found.runs if run.outcome == "missed"]
    failed = [run for run in found.runs if run.exit_code and run.outcome != "missed"]
    problems = [
        {"code": int(run.exit_code), "text": f"{run.wake.job} of {run.wake.session}: {run.text}"} for run in failed
    ]
    if missed:
        first, more = missed[0], f" and {len(missed) - 1} more" if len(missed) > 1 else ""
        text = f"missed {first.wake.job} of {first.wake.session}{more}: {first.text}"
        problems.append({"code": int(first.exit_code), "text": text})
    return problems


@contextmanager
def only_scheduler(data_dir: Path) -> Iterator[None]:
    """Hold the folder as its one scheduler.

    Raises
    ------
    RunLockedError
        Naming the process that already serves the folder.
    """
    with _lock(data_dir / "scheduler", "a scheduler already serves this data folder"):
        yield


@contextmanager
def _lock(path: Path, why: str = "") -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder {path.parent} cannot be created ({error.strerror})") from error
    with ExitStack() as held:
        try:
            held.enter_context(run_lock(path))
        except RunLockedError as error:
            raise RunLockedError(f"{why}: {error}" if why else str(error)) from error
        yield


def greeting(settings: Settings, data_dir: Path) -> str:
    """Return the line every start of the scheduler shows; it says LIVE where money is real."""
    mode = "LIVE" if settings.mode == "live" else settings.mode
    first = next(iter(_wakes(settings, data_dir, None, 1)), None)
    wake = f"first wake {first.at:%Y-%m-%d %H:%M} UTC ({first.job})" if first else "no session in sight"
    return f"mtum scheduler: {mode}, account {resources.account_of(settings)}, {data_dir}, {wake}"
