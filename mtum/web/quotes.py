"""Last prices while the market is open and somebody looks: asked by a process of its own, kept here with their age."""

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Lock, Thread, Timer
from typing import Any

from mtum.config import Settings
from mtum.wiring.resources import calendar_of, is_replay, system_clock

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
LEAST_SECONDS = 15.0
SYMBOL_SECONDS = 1.0
"""For each symbol of a round at least so much time passes: a vendor turns away whom it finds too busy."""
REFUSED_SECONDS = 900.0
"""Nothing is asked for so long where no symbol was answered."""
MOST_SYMBOLS = 20
ROUND_SECONDS = 90.0
"""A round that lasts longer is ended, and none begins so shortly before a session's orders are made."""


@dataclass(slots=True)
class Quotes:
    """Last prices of some symbols; safe for several threads.

    Parameters
    ----------
    options : sequence of str
        Which settings and folder the server was given.
    wanted : callable
        Symbols to ask for; none while nobody looks.
    changed : callable
        Called after each round.
    """

    settings: Settings
    folder: Path
    options: Sequence[str] = ()
    wanted: Callable[[], Sequence[str]] = lambda: ()
    changed: Callable[[], None] = lambda: None
    _known: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _next: datetime | None = None
    _child: subprocess.Popen[str] | None = None
    _stopping: Event = field(default_factory=Event)
    _lock: Lock = field(default_factory=Lock)

    @property
    def why_not(self) -> str:
        """Why no last price is asked for; "" if they are."""
        source = self.settings.market.source
        if not self.settings.web.quote_seconds:
            return "No last price is asked for: web.quote_seconds is 0."
        if is_replay(self.settings):
            return "The market is replayed: there is no last price."
        if source != "yahoo":
            return f"No last price is asked for: the line to {source} belongs to the jobs."
        return ""

    def known(self) -> Mapping[str, Mapping[str, Any]]:
        """Return by symbol what was found last."""
        with self._lock:
            return dict(self._known)

    def start(self) -> None:
        """Begin to look, if there is anything to ask for."""
        if not self.why_not:
            Thread(target=self._look, name="quotes", daemon=True).start()

    def stop(self) -> None:
        """End the looking and the process that asks."""
        self._stopping.set()
        self._end()

    def _look(self) -> None:
        calendar = calendar_of(self.settings, self.folder)
        while not self._stopping.wait(LOOK_SECONDS):
            now = system_clock().now()
            if self._next is not None and now < self._next:
                continue
            symbols = list(dict.fromkeys(self.wanted()))[:MOST_SYMBOLS]
            now = system_clock().now()
            if not symbols or not self._is_time(calendar.sessions((now - timedelta(days=1)).date(), now.date()), now):
                continue
            pause = max(float(self.settings.web.quote_seconds), LEAST_SECONDS, len(symbols) * SYMBOL_SECONDS)
            try:
                answered = self._round(symbols)
            except (OSError, ValueError):
                self._end()
                answered = False
            self._next = now + timedelta(seconds=pause if answered else max(pause, REFUSED_SECONDS))
            if not answered:
                log.warning("no_last_prices", extra={"symbols": symbols, "again_at": self._next})
            self.changed()

    def _is_time(self, sessions: Any, now: datetime) -> bool:
        from mtum.app.service.schedule import free_again

        # The vendor counts one address: what a decision has to ask goes first.
        is_open = any(one.open <= now < one.close for one in sessions)
        ends = now + timedelta(seconds=ROUND_SECONDS)
        return is_open and all(free_again(at, sessions, self.settings.schedule) is None for at in (now, ends))

    def _round(self, symbols: Sequence[str]) -> bool:
        child = self._asking()
        limit = Timer(ROUND_SECONDS, child.kill)
        limit.daemon = True
        limit.start()
        try:
            return self._answered(child, symbols)
        finally:
            limit.cancel()

    def _answered(self, child: "subprocess.Popen[str]", symbols: Sequence[str]) -> bool:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(f"{json.dumps(symbols, allow_nan=False)}\n")
        child.stdin.flush()
        answered = False
        while found := json.loads(child.stdout.readline() or "null"):
            if "price" in found:
                answered = True
                with self._lock:
                    self._known[found["symbol"]] = found
            else:
                log.info("no_last_price", extra={"symbol": found["symbol"], "error": found["error"]})
        if found is None:
            raise OSError("the process that asks has ended")
        return answered

    def _asking(self) -> "subprocess.Popen[str]":
        if self._child is None or self._child.poll() is not None:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "mtum.cli.quotes", *self.options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
