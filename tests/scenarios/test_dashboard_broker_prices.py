"""Last prices of the broker reach an open page, cost the jobs nothing, and a dead gateway costs a line of the page."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path

import pytest

from mtum import config
from mtum.adapters.clock import pause
from mtum.adapters.ib.connection import client_library
from mtum.adapters.ib.connector import Connector, login_of
from mtum.adapters.ib.wire_record import Unrecorded
from mtum.adapters.store.opening import open_store
from mtum.gateway.market import MarketClock
from mtum.web import documents
from mtum.web.frame import Ask, page_of
from mtum.web.html import number
from mtum.web.records import Records
from support.bars import bars_of
from support.gateway import ACCOUNT, PATIENCE_SECONDS, TODAY, Running, running_gateway, weekday_sessions
from support.ib_adapter import LIBRARY
from support.values import replace

pytestmark = pytest.mark.full
SESSION = weekday_sessions().between(TODAY, TODAY)[0]
OWN_ID = 1017
SETTINGS = """mode = "paper"
[market]
source = "ib"
[broker]
port = {port}
account = "{account}"
library = "{library}"
[web]
quote_seconds = 1
"""


@dataclass
class Moving:
    """A clock that goes on from where it was put."""

    at: datetime = SESSION.before_close(60)
    since: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        return self.at + timedelta(seconds=time.monotonic() - self.since)

    def put(self, minutes_to_close: float) -> None:
        self.at, self.since = SESSION.before_close(minutes_to_close), time.monotonic()


@dataclass
class Dashboard:
    """The records of a folder as the server holds them, and a page that shows prices while it is open."""

    records: Records
    clock: Moving
    open: bool = True

    def said(self) -> str:
        return str(documents.quotes(self.records)["why_not"] or "")

    def priced(self) -> bool:
        return any(one["price"] for one in documents.quotes(self.records)["quotes"])

    def page(self) -> str:
        return unescape(page_of("market", Ask(self.records)))


@contextmanager
def looking(folder: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dashboard]:
    """Ask as the server does, in quick turns."""
    clock = Moving()
    monkeypatch.setattr("mtum.web.quotes.system_clock", lambda: clock)
    monkeypatch.setattr("mtum.web.quotes.LEAST_SECONDS", 0.2)
    monkeypatch.setattr("mtum.web.quotes.LOOK_SECONDS", 0.1)
    monkeypatch.setattr("mtum.web.quotes.IDLE_SECONDS", 0.5)
    monkeypatch.setattr("mtum.web.quotes.REFUSED_SECONDS", {"ib": 0.5})
    path = folder / "config.toml"
    path.write_text(SETTINGS.format(port=port, account=ACCOUNT, library=LIBRARY))
    if not (folder / "mtum.db").exists():
        store = open_store(folder / "mtum.db", "paper", ACCOUNT)
        store.bars.accept(bars_of([70.0, 71.0, 72.0]), SESSION.open, TODAY)
        store.close()
    options = ["--config", str(path), "--data-dir", str(folder)]
    found = Dashboard(Records(config.load(path, {}, {}), folder, options=options), clock)
    quotes = found.records.quotes
    quotes.wanted = lambda: ["MTUM"] if found.open else ()
    quotes.start()
    try:
        yield found
    finally:
        quotes.stop()


def wait_for(what: Callable[[], object]) -> None:
    limit = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < limit
        pause(0.05)


def gateway_of(port: int = 0) -> AbstractContextManager[Running]:
    return running_gateway(clock=MarketClock(SESSION.before_close(60), speed=0.0), port=port)


def asked(gateway: Running) -> int:
    return sum(entry["name"] == "reqMktData" for entry in gateway.entries("request"))


def test_a_price_comes_with_its_age_and_the_line_is_given_up_when_nobody_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with gateway_of() as gateway, looking(tmp_path, gateway.port, monkeypatch) as dashboard:
        wait_for(dashboard.priced)
        assert dashboard.said() == ""
        page = dashboard.page()
        (price,) = (one["price"] for one in documents.quotes(dashboard.records)["quotes"])
        assert 74.0 < price < 76.0
        assert re.search(rf'data-price="MTUM"[^>]*>{number(price)}<', page), page
        assert re.search(r'data-of="MTUM"', page)
        assert [entry["client"] for entry in gateway.entries("login")] == [OWN_ID]
        dashboard.open = False
        gateway.wait_for("gone")
        before = asked(gateway)
        pause(1.0)
        assert asked(gateway) == before
        dashboard.open = True
        wait_for(lambda: asked(gateway) > before)


def test_a_gateway_that_is_not_there_is_a_line_of_a_page_that_comes_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with gateway_of() as gateway:
        port = gateway.port
    with looking(tmp_path, port, monkeypatch) as dashboard:
        wait_for(lambda: "no gateway listens" in dashboard.said())
        page = dashboard.page()
        assert page.count("no gateway listens") == 2  # the line, and what the script compares it with
        assert re.search(r"Asked again at \d\d:\d\d:\d\d New York\.", page)
        with gateway_of(port):
            wait_for(dashboard.priced)
            wait_for(lambda: dashboard.said() == "")
        wait_for(lambda: "no gateway listens" in dashboard.said())
        assert dashboard.priced()  # what was known stays, with its age
        with gateway_of(port) as again:
            wait_for(lambda: asked(again) and dashboard.said() == "")


def test_a_client_id_in_use_is_said_and_tried_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with gateway_of() as gateway, looking(tmp_path, gateway.port, monkeypatch) as dashboard:
        dashboard.open = False
        login = replace(login_of(dashboard.records.settings), client_id=OWN_ID)
        gateway.tell("state")
        wait_for(lambda: dashboard.records.quotes._child is None)
        other = Connector(client_library(LIBRARY), login, Unrecorded())
        other.open()
        try:
            dashboard.open = True
            wait_for(lambda: f"client id {OWN_ID} is in use" in dashboard.said())
        finally:
            other.close()
        wait_for(lambda: dashboard.priced() and dashboard.said() == "")


def test_35_minutes_before_the_close_the_line_is_given_up_under_an_open_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with gateway_of() as gateway, looking(tmp_path, gateway.port, monkeypatch) as dashboard:
        wait_for(dashboard.priced)
        dashboard.clock.put(34.9)
        gateway.wait_for("gone")
        before = asked(gateway)
        said = "No last price is asked for until 16:05 New York: orders are made and confirmed."
        wait_for(lambda: dashboard.said() == said)
        assert said in dashboard.page()
        pause(1.0)
        assert asked(gateway) == before
        dashboard.clock.put(-4.0)
        pause(0.5)
        assert dashboard.said() == said
        dashboard.clock.put(-6.0)
        wait_for(lambda: dashboard.said() == "")  # it is closed
        assert asked(gateway) == before
