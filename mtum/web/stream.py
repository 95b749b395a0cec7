"""The live stream: what is recorded, told to every open page within a second; nothing is ever locked."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import ExitStack
from threading import Event, Thread

from mtum.errors import MtumError
from mtum.ports.event_log import EventRow
from mtum.ports.reading import Reader
from mtum.web import documents
from mtum.web.records import Records
from mtum.wiring.resources import opened_reader

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
"""Between two looks at whether anything was committed."""
PING_SECONDS = 15.0
MOST_STREAMS = 64
BATCH = 500
"""Events told at a time."""
NAMES = {
    "run_started": "run",
    "run_finished": "run",
    "resume": "halt",
    "option_order": "order",
    "option_fill": "fill",
    "option_event": "fill",
}
"""Kind of event -> its name in the stream, where it is another: a contract that ended changes what is held."""


class Watch:
    """Looks at the database from a thread of its own and wakes the streams when it has changed."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.streams = 0
        self.showing_prices = 0
        """Streams of pages that show last prices."""
        self._changed = asyncio.Event()
        self._backtest = self._quoted = self._health = 0
        self._silent: str | None = None
        self._stopping = Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = Thread(target=self._look, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to look; call inside the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def stop(self) -> None:
        """End the streams and the looking."""
        self._stopping.set()
        self._changed.set()

    def tell_backtest(self) -> None:
        """Tell the streams that there is something new of the backtest that a page started; from any thread."""
        self._backtest += 1
        self._tell()

    def tell_quotes(self) -> None:
        """Tell the streams that there are new last prices; from any thread."""
        self._quoted += 1
        self._tell()

    async def told(self, after: int | None, *, prices: bool = False) -> AsyncIterator[str]:
        """Yield server-sent events from behind a number on, of what comes from now on where none is given.

        `prices`: for a page that shows last prices, which are asked for as long as there is one.
        """
        self.streams += 1
        self.showing_prices += prices
        try:
            newest = await asyncio.to_thread(self._newest)
            last = newest if after is None else min(after, newest)  # a restored database has fewer
            yield f"retry: 1000\nid: {last}\nevent: ping\ndata: {{}}\n\n"
            told, quoted, health = self._backtest, self._quoted, self._health
            while not self._stopping.is_set():
                changed = self._changed
                found = await asyncio.to_thread(self.records.events, last, BATCH)
                for event in found:
                    last = event.id
                    yield _text(event)
                if found:
                    continue
                if told != self._backtest:
                    told = self._backtest
                    # It stands in no record of money, so it has no number: nothing is told again after a break.
                    job = json.dumps(documents.backtest(self.records)["backtest"], allow_nan=False)
                    yield f"event: backtest\ndata: {job}\n\n"
                if quoted != self._quoted:
                    quoted = self._quoted
                    if prices:
                        found_prices = json.dumps(documents.quotes(self.records), allow_nan=False)
                        yield f"event: quote\ndata: {found_prices}\n\n"
                if health != self._health:
                    health = self._health
                    scheduler = json.dumps({"scheduler": self._silent or None}, allow_nan=False)
                    yield f"event: health\ndata: {scheduler}\n\n"
                try:
                    await asyncio.wait_for(changed.wait(), PING_SECONDS)
                except TimeoutError:
                    yield "event: ping\ndata: {}\n\n"
        finally:
            self.streams -= 1
            self.showing_prices -= prices

    def _newest(self) -> int:
        try:
            return self.records.fresh(lambda reader: reader.events(None, 1)[-1].id if reader else 0)
        except (MtumError, IndexError):
            return 0

    def _look(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
                with ExitStack() as stack:
                    opened = opened_reader(self.records.settings, self.records.database, any_owner=True)
                    self._follow(stack.enter_context(opened))
            except MtumError:
                pass  # being written for the first time, migrated, restored: the pages say so
            except Exception:  # whatever it is, the pages go on
                log.exception("watch_broke")
            self._stopping.wait(1.0)

    def _follow(self, reader: Reader | None) -> None:
        self._wake()
        if reader is None:
            return
        inode, version = self.records.database.stat().st_ino, reader.version()
        while not self._stopping.wait(LOOK_SECONDS):
            self._listen()
            now = reader.version()
            if now != version:
                version = now
                self._wake()
            try:
                if self.records.database.stat().st_ino != inode:
                    return  # another file was put in its place
            except OSError:
                return

    def _listen(self) -> None:
        # A scheduler that was killed writes nothing, so that its silence stands in no row.
        silent = self.records.silent_scheduler()
        if silent != self._silent:
            before, self._silent = self._silent, silent
            # At the start the pages are as new as this.
            self._health += before is not None
            self._tell()

    def _wake(self) -> None:
        self.records.generation += 1
        self._tell()

    def _tell(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._announce)

    def _announce(self) -> None:
        # Whoever waits has the old one in hand.
        before, self._changed = self._changed, asyncio.Event()
        before.set()


def _text(event: EventRow) -> str:
    told = {"id": event.id, "at": event.at, "session": event.session, "kind": event.kind, "key": event.key}
    document = json.dumps({**told, "sleeve": event.sleeve}, allow_nan=False)
    return f"id: {event.id}\nevent: {NAMES.get(event.kind, event.kind)}\ndata: {document}\n\n"
