"""The dashboard beside the scheduler: a process of its own, so that nothing it does can hold up an order."""

import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

log = logging.getLogger(__name__)

MOST_MEGABYTES = 300
NICENESS = 5
"""Orders go first where both want the processor."""
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(minutes=15)
SETTLED = timedelta(minutes=10)
"""Alive for so long, its next end is the first one again."""
_LETS_END_SECONDS = 5.0


class Dashboard:
    """`mtum serve` as a child process: looked at with every heartbeat, started again when it ended or grew too large.

    Parameters
    ----------
    options : sequence of str
        Which settings and folder, as the scheduler was given them.
    """

    def __init__(self, options: Sequence[str]) -> None:
        self.command = [sys.executable, "-m", "mtum", "serve", "--quiet", *options]
        self.process: subprocess.Popen[bytes] | None = None
        self._began = self._next = datetime.min.replace(tzinfo=UTC)
        self._wait = FIRST_WAIT

    def look(self, now: datetime) -> None:
        """Start the server if it is not running and may be tried again; whatever happens is logged, never raised."""
        try:
            self._look(now)
        except OSError as error:
            log.error("dashboard_not_started", extra={"error": error.strerror})

    def stop(self) -> None:
        """End the server."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(_LETS_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _look(self, now: datetime) -> None:
        if self.process is not None:
            code = self.process.poll()
            megabytes = _megabytes(self.process.pid) if code is None else 0.0
            if code is None and megabytes <= MOST_MEGABYTES:
                return
            if code is None:
                log.error("dashboard_too_large", extra={"megabytes": round(megabytes)})
                self.process.kill()
                code = self.process.wait()
            if now - self._began > SETTLED:
                self._wait = FIRST_WAIT
            log.error("dashboard_ended", extra={"exit_code": code, "again_in_seconds": self._wait.total_seconds()})
            self.process, self._next = None, now + self._wait
            self._wait = min(2 * self._wait, LONGEST_WAIT)
        if now < self._next:
            return
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self._began = now
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self.process.pid, NICENESS)
        log.info("dashboard_started", extra={"pid": self.process.pid})


def _megabytes(pid: int) -> float:
    # Pages in memory, where the system tells them.
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
