"""Last prices while the market is open and somebody looks: asked by a process of its own, kept here with their age."""

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Lock, Thread, Timer
from typing import Any

from msgspec import Struct, field

from mtum.config import Settings
from mtum.core.market.calendars import NEW_YORK
from mtum.ports.time import Calendar
from mtum.wiring.resources import calendar_of, is_replay, system_clock

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
LEAST_SECONDS = 15.0
SYMBOL_SECONDS = 1.0
"""For each symbol of a round at least so much time passes: a vendor turns away whom it finds too busy."""
REFUSED_SECONDS = {"yahoo": 900.0, "ib": 60.0}
"""Source -> how long nothing is asked for where no symbol was answered."""
MOST_SYMBOLS = 20
ROUND_SECONDS = 90.0
"""A round that lasts longer is ended, and none begins so shortly before a session's orders are made."""
IDLE_SECONDS = 20.0
"""What asks is ended so long after the last page that shows prices was left."""
LEAVE_SECONDS = 3.0
"""How long it may take to end by itself."""
_NOTHING = {"price": None, "seen_at": None, "delayed": False, "halted": False}


class Quotes(Struct):
    """Last prices of some symbols; safe for several threads.

    Parameters
    ----------
    options : sequence of str
        Which settings and folder the server was given.
    wanted : callable
        Symbols to ask for; none while nobody looks.
    changed : callable
        Called when something new is known.
    """

    settings: Settings
    folder: Path
    options: Sequence[str] = ()
    wanted: Callable[[], Sequence[str]] = lambda: ()
    changed: Callable[[], None] = lambda: None
    _known: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _trouble: str = ""
    _next: datetime | None = None
    _seen: datetime | None = None
    _child: subprocess.Popen[str] | None = None
    _stopping: Event = field(default_factory=Event)
    _lock: Lock = field(default_factory=Lock)

    @property
    def why_never(self) -> str:
        """Why no last price is ever asked for; "" if they are."""
        if not self.settings.web.quote_seconds:
            return "No last price is asked for: web.quote_seconds is 0."
        if is_replay(self.settings):
            return "The market is replayed: there is no last price."
        return ""

    @property
    def why_not(self) -> str:
        """Why no last price is asked for now; "" if they are."""
        return self.why_never or self._trouble

    def known(self) -> Sequence[Mapping[str, Any]]:
        """Return of each symbol what was found last, and why nothing newer was."""
        with self._lock:
            return list(self._known.values())

    def start(self) -> None:
        """Begin to look, if there is anything to ask for."""
        if not self.why_never:
            Thread(target=self._look, name="quotes", daemon=True).start()

    def stop(self) -> None:
        """End the looking and the process that asks."""
        self._stopping.set()
        self._end(LEAVE_SECONDS)

    def _look(self) -> None:
        calendar = calendar_of(self.settings, self.folder)
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self._turn(calendar)
            except Exception:  # whatever it is, the pages go on
                log.exception("quotes_broke")
                self._end()
                self._next = system_clock().now() + timedelta(seconds=REFUSED_SECONDS["yahoo"])

    def _turn(self, calendar: Calendar) -> None:
        now = system_clock().now()
        symbols = list(dict.fromkeys(self.wanted()))[:MOST_SYMBOLS]
        if symbols:
            self._seen = now
        may_ask, trouble = self._hours(calendar.sessions((now - timedelta(days=1)).date(), now.date()), now)
        idle = self._seen is None or now - self._seen > timedelta(seconds=IDLE_SECONDS)
        if not may_ask or idle:
            self._end(LEAVE_SECONDS)  # a line that nobody needs, or others need more
        if not may_ask:
            self._say(trouble)
        elif symbols and (self._next is None or now >= self._next):
            self._ask(symbols)

    def _ask(self, symbols: Sequence[str]) -> None:
        pause = max(float(self.settings.web.quote_seconds), LEAST_SECONDS, len(symbols) * SYMBOL_SECONDS)
        try:
            answered, why = self._round(symbols)
        except (OSError, ValueError) as error:
            self._end()
            answered, why = False, str(error)
        if not answered:
            pause = max(pause, REFUSED_SECONDS[self.settings.market.source])
        self._next = system_clock().now() + timedelta(seconds=pause)
        if answered:
            self._trouble = ""
        else:
            log.warning("no_last_prices", extra={"symbols": symbols, "error": why, "again_at": self._next})
            again = f"{self._next.astimezone(NEW_YORK):%H:%M:%S}"
            self._trouble = f"No last price now: {why or 'no symbol was answered'}. Asked again at {again} New York."
        self.changed()

    def _say(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self.changed()

    def _hours(self, sessions: Any, now: datetime) -> tuple[bool, str]:
        from mtum.app.service.schedule import free_again

        # A vendor counts one address, the broker one login: what a decision has to ask goes first.
        ends = now + timedelta(seconds=ROUND_SECONDS)
        free = [again for at in (now, ends) if (again := free_again(at, sessions, self.settings.schedule))]
        if free:
            until = free[0].astimezone(NEW_YORK)
            return False, f"No last price is asked for until {until:%H:%M} New York: orders are made and confirmed."
        return any(one.open <= now < one.close for one in sessions), ""

    def _round(self, symbols: Sequence[str]) -> tuple[bool, str]:
        child = self._asking()
        limit = Timer(ROUND_SECONDS, child.kill)
        limit.daemon = True
        limit.start()
        try:
            return self._answered(child, symbols)
        finally:
            limit.cancel()

    def _answered(self, child: "subprocess.Popen[str]", symbols: Sequence[str]) -> tuple[bool, str]:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(f"{json.dumps(symbols, allow_nan=False)}\n")
        child.stdin.flush()
        answered, why = False, ""
        while found := json.loads(child.stdout.readline() or "null"):
            why = found.get("error", why)
            if "symbol" not in found:
                continue
            answered = answered or "price" in found
            with self._lock:
                before = self._known.get(found["symbol"], _NOTHING)
                self._known[found["symbol"]] = {**before, **found, "why_not": found.get("error")}
        if found is None:
            raise OSError("the process that asks has ended")
        return answered, why

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

    def _end(self, patience: float = 0.0) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        # It hangs up by itself when nothing is to be asked any more.
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
