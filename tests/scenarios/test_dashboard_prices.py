"""Last prices reach an open page while the market is open, and no vendor is asked otherwise."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mtum.adapters.clock import SystemClock
from mtum.config import Settings
from mtum.core.market.calendars import NEW_YORK
from mtum.web.quotes import Quotes
from support.bars import bars_of
from support.exchange_hours import open_between
from support.recorded import recorded
from support.served import Served, served
from support.values import replace
from support.yahoo import Row, YahooServer, chart_of, yahoo_server

pytestmark = pytest.mark.full
STREAM = b"GET /api/v1/stream?prices=true HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
SETTINGS = '[market]\nsource = "yahoo"\nyahoo_url = "{url}"\n[web]\nquote_seconds = {seconds}\n'


@contextmanager
def priced(tmp_path: Path, closes_in: timedelta, seconds: int = 1) -> Iterator[tuple[Served, YahooServer]]:
    """Serve beside a vendor that has a price of now; the exchange closes after so long."""
    now = SystemClock().now().astimezone(NEW_YORK)
    opens, closes = now - timedelta(minutes=20), now + closes_in
    if not opens.date() == now.date() == closes.date():
        pytest.skip("a session of New York lies within a day")
    recorded(tmp_path / "data")
    open_between(tmp_path / "data", opens, closes)
    with yahoo_server() as vendor:
        begin = opens.replace(second=0, microsecond=0)
        chart = chart_of(bars_of([100.0, 101.0], first=now.date() - timedelta(days=4)))
        running = Row(begin, 190.0, 192.0, 189.5, 191.25, 435_000.0)
        rows = [one for one in chart.rows if one.at.astimezone(NEW_YORK).date() < now.date()]
        vendor.charts["MTUM"] = replace(chart, rows=[*rows, running], traded_at=now - timedelta(seconds=30))
        (tmp_path / "config.toml").write_text(SETTINGS.format(url=vendor.url, seconds=seconds))
        with served(tmp_path) as server:
            yield server, vendor


def test_a_last_price_comes_over_the_stream_with_its_age(tmp_path: Path) -> None:
    with priced(tmp_path, timedelta(minutes=45)) as (server, vendor):
        assert json.loads(server.ask("/api/v1/quotes").body) == {"quotes": [], "why_not": None}
        assert vendor.asked == []  # nobody looks
        with server.raw(STREAM) as line:
            told = b""
            until = time.monotonic() + 40
            while b'"price": 191.25' not in told and time.monotonic() < until:
                told += line.recv(65536)
        assert b"event: quote" in told
        (quote,) = json.loads(server.ask("/api/v1/quotes").body)["quotes"]
        assert (quote["symbol"], quote["price"], quote["delayed"]) == ("MTUM", 191.25, False)
        age = (SystemClock().now() - datetime.fromisoformat(quote["seen_at"])).total_seconds()
        assert 29 <= age <= 90
        page = server.ask("/market").text
        assert re.search(r'data-price="MTUM"[^>]*>191\.25<', page), page


@pytest.mark.parametrize("minutes", [25, 36])  # kept free now, and from within the minute on
def test_while_orders_are_made_or_soon_will_be_nothing_is_asked_and_the_page_says_so(
    tmp_path: Path, minutes: int
) -> None:
    with priced(tmp_path, timedelta(minutes=minutes)) as (server, vendor):
        with server.raw(STREAM) as line:
            told = b""
            until = time.monotonic() + 40
            while b"No last price is asked for until" not in told and time.monotonic() < until:
                told += line.recv(65536)
            assert b"event: quote" in told
            line.settimeout(4)
            with pytest.raises(TimeoutError):
                line.recv(65536)
        assert "orders are made and confirmed" in server.ask("/market").text
        assert vendor.asked == []


def test_a_round_that_lasts_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mtum.web.quotes.ROUND_SECONDS", 0.2)
    words = [sys.executable, "-c", "import time; time.sleep(60)"]
    silent = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    quotes = Quotes(Settings(), tmp_path)
    quotes._child = silent
    began = time.monotonic()
    with pytest.raises(OSError, match="the process that asks has ended"):
        quotes._round(["MTUM"])
    assert time.monotonic() - began < 20
    quotes.stop()
    assert silent.poll() == -signal.SIGKILL


def test_without_the_setting_no_price_is_asked_for(tmp_path: Path) -> None:
    with priced(tmp_path, timedelta(minutes=45), seconds=0) as (server, vendor):
        assert "web.quote_seconds is 0" in server.ask("/market").text
        assert vendor.asked == []
