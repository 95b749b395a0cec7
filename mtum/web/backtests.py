"""A backtest that a page starts: the command in a process of its own, one at a time, none while orders are made."""

import json
import logging
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Condition, Event, Thread
from typing import IO, Any

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.config import Settings
from mtum.core.canonical import utc_text
from mtum.core.market.calendars import NEW_YORK
from mtum.core.market.sessions import Sessions
from mtum.errors import RunLockedError, StoreError, UsageError
from mtum.web.asked_backtest import Form, FormError, asked_words, field_of
from mtum.wiring.resources import calendar_of, system_clock

log = logging.getLogger(__name__)

FOLDER_NAME = "backtests"
"""Folder of the data folder in which each has a folder of its own with its tear sheet."""
SHEET_NAME = "tear-sheet.html"
PLAYING = "playing"
"""With how its step begins, everything that was asked is accepted."""
WAIT_SECONDS = 12.0
"""How long a form is kept waiting for what the command says of it, which a busy machine lets begin late."""
ENDS_SECONDS = 3.0
YOUNG_SECONDS = 3600.0
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}-[0-9a-f]{4}")
"""Of a folder that a page's backtest writes: when it began, and a random word."""


class Job(Struct, frozen=True):
    """One backtest, at work or ended.

    Parameters
    ----------
    outcome : str
        "" while it is at work, then "kept", "failed" or "stopped".
    text : str
        What went wrong, or why it was stopped.
    number : int or None
        Under which its result is kept.
    """

    form: Form
    words: Sequence[str]
    folder: Path
    began: datetime
    step: str = "starting"
    done: int = 0
    total: int = 0
    outcome: str = ""
    text: str = ""
    number: int | None = None
    ended: datetime | None = None

    def document(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "running": not self.outcome,
            "began_at": utc_text(self.began),
            "ended_at": utc_text(self.ended) if self.ended else None,
            "step": self.step,
            "done": self.done,
            "total": self.total,
            "outcome": self.outcome or None,
            "text": self.text or None,
            "id": self.number,
            "command": " ".join(["mtum", *self.words]),
        }


class Backtests(Struct):
    """The backtests that the pages of one data folder start; safe for several threads.

    Parameters
    ----------
    options : sequence of str
        Which settings and folder the server was given.
    changed : callable
        Called whenever there is something new to tell of one.
    """

    settings: Settings
    folder: Path
    options: Sequence[str] = ()
    changed: Callable[[], None] = lambda: None
    job: Job | None = None
    _child: subprocess.Popen[str] | None = None
    _state: Condition = field(default_factory=Condition)

    def start(self, form: Form) -> Job:
        """Start one and wait until it plays or has ended.

        Raises
        ------
        FormError
            If something that was asked is not possible, as far as the command says so soon.
        RunLockedError
            If one is at work.
        UsageError
            If a session's orders are being made.
        """
        words, calendar = asked_words(self.settings, form), calendar_of(self.settings, self.folder)
        now = system_clock().now()
        known = calendar.sessions((now - timedelta(days=2)).date(), (now + timedelta(days=12)).date())
        again = _free_again(self.settings, known, now)
        if again is not None:
            raise UsageError(
                f"no backtest is started while a session's orders are made; start it again at {_clock(again)}"
            )
        with self._state:
            if self._child is not None:
                raise RunLockedError("a backtest is running; wait for its end, or stop it")
            folder = self.folder / FOLDER_NAME / f"{now.astimezone(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
            words = ["backtest", *words, *self.options, "--out", str(folder)]
            try:
                folder.parent.mkdir(parents=True, exist_ok=True)
                child = self._child = subprocess.Popen(
                    [sys.executable, "-m", "mtum.cli.background", *words],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    text=True,
                    errors="replace",
                )
            except OSError as error:
                raise UsageError(f"the backtest cannot be started now: {error.strerror}") from error
            job = self.job = Job(dict(form), words, folder, now)
        Thread(target=self._follow, args=(child,), name="backtest", daemon=True).start()
        Thread(target=self._end_in_time, args=(child, known), name="backtest-clock", daemon=True).start()
        with self._state:
            self._state.wait_for(lambda: self._is_known(child), WAIT_SECONDS)
            found = self.job if self.job and self.job.words is words else job
            if found.outcome == "failed":
                self.job = None  # it is told beside the form, which is still filled in
        if found.outcome == "failed":
            raise FormError({field_of(found.text, form): found.text})
        return found

    def stop(self, why: str = "a person stopped it") -> Job | None:
        """End the one at work, if any."""
        with self._state:
            child, job = self._child, self.job
            if child is None or job is None:
                return job
            if not job.outcome:
                self.job = replace(job, outcome="stopped", text=why, ended=system_clock().now())
        child.terminate()
        try:
            child.wait(ENDS_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        with self._state:
            self._state.wait_for(lambda: self._child is not child, ENDS_SECONDS)
            return self.job

    def sheet_of(self, command: str) -> Path | None:
        """Return the tear sheet of a kept backtest that a page started; None if it has none here."""
        import shlex

        try:
            words = shlex.split(command)
            path = Path(words[words.index("--out") + 1], SHEET_NAME)
        except (ValueError, IndexError):
            return None
        # Only what stands where this server writes, whatever a command in the file may say.
        own = self.folder / FOLDER_NAME / path.parent.name / SHEET_NAME
        return own if path == own and own.is_file() and not own.is_symlink() else None

    def tidy(self) -> Thread:
        """Begin to delete the folders whose result is not kept: of runs that broke off, of results deleted since.

        A folder is made within minutes of its end. One that is young may be another server's, at work.
        """
        found = Thread(target=self._delete_unkept, name="backtest-folders", daemon=True)
        found.start()
        return found

    def _delete_unkept(self) -> None:
        from mtum.wiring.studies import studies_in

        try:
            store = studies_in(self.folder)
            kept = {one.command for one in store.listed()} if store else None
            found = [one for one in (self.folder / FOLDER_NAME).iterdir() if _NAME.fullmatch(one.name)]
            if kept is None:
                return  # nothing says what is kept
            now = system_clock().now().timestamp()
            for one in found:
                is_old = now - one.lstat().st_mtime > YOUNG_SECONDS
                if is_old and one.is_dir() and not one.is_symlink() and not any(one.name in line for line in kept):
                    shutil.rmtree(one, ignore_errors=True)
                    log.warning("backtest_folder_deleted", extra={"folder": one.name})
        except (OSError, StoreError):
            return  # it is tried again at the next start

    def _number_of(self, job: Job) -> int | None:
        import shlex

        from mtum.wiring.studies import studies_in

        command = shlex.join(["mtum", *job.words])  # names its folder, which no other has
        try:
            store = studies_in(self.folder)
            newest = store.listed(limit=50) if store else ()
        except StoreError:
            return None
        return next((one.id for one in newest if one.command == command), None)

    def _is_known(self, child: "subprocess.Popen[str]") -> bool:
        return self._child is not child or self.job is None or self.job.step.startswith(PLAYING)

    def _follow(self, child: "subprocess.Popen[str]") -> None:
        assert child.stderr is not None
        last: dict[str, Any] = {}
        text = ""
        for line in child.stderr:
            document = _document(line)
            if "problems" in document:
                last = document
                continue
            text = line.strip()[:300]
            found = document or {"step": text}
            with self._state:
                if self.job is not None and not self.job.outcome:
                    told = {name: found.get(name, 0) for name in ("done", "total")}
                    self.job = replace(self.job, step=str(found.get("step", "")), **told)
                self._state.notify_all()
            self.changed()
        code = child.wait()
        for pipe in (child.stdin, child.stderr):
            _close(pipe)
        with self._state:
            job = self.job
            if job is not None and not job.outcome:
                problems = "; ".join(last.get("problems") or ())
                number = last.get("id")
                good = code == 0
                words = problems or ("" if good else f"it ended with exit code {code}: {text}")
                if good and number is None:
                    words = "its result could not be kept"
                outcome = "kept" if good and number is not None else "failed"
                self.job = job = replace(
                    job, outcome=outcome, text=words, number=number, ended=system_clock().now(), step="ended"
                )
            if job is not None and job.outcome != "kept" and (number := self._number_of(job)) is not None:
                # It ended in the instant in which its result was kept: a kept result has its tear sheet.
                late = "it was finished before it could be stopped"
                words = late if job.outcome == "stopped" else job.text
                self.job = job = replace(job, outcome="kept", text=words, number=number)
        if job is not None and job.outcome != "kept":
            shutil.rmtree(job.folder, ignore_errors=True)  # nothing half done stays behind
        with self._state:
            self._child = None  # who waits for its end finds its folder gone
            self._state.notify_all()
        if job is not None:
            log.warning("backtest_ended", extra={"outcome": job.outcome, "number": job.number, "text": job.text})
        self.changed()

    def _end_in_time(self, child: "subprocess.Popen[str]", known: Sessions) -> None:
        tick = Event()
        while child.poll() is None:
            again = _free_again(self.settings, known, system_clock().now())
            if again is not None:
                self.stop(f"a session's orders are made now; start it again at {_clock(again)}")
                return
            tick.wait(1.0)


def _free_again(settings: Settings, known: Sessions, now: datetime) -> datetime | None:
    from mtum.app.service.schedule import free_again

    return free_again(now, known, settings.schedule)


def _clock(at: datetime) -> str:
    return f"{at.astimezone(NEW_YORK):%H:%M} New York"


def _document(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _close(pipe: IO[str] | None) -> None:
    if pipe is not None:
        with suppress(OSError):
            pipe.close()
