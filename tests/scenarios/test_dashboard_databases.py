"""The dashboard over databases of every age and size, and with numbers that are none."""

import json
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from html import unescape
from pathlib import Path

import pytest

from mtum.web.registry import PAGES
from support.commands import call
from support.many_sleeves import SLEEVES, TEN_YEARS, write_sleeves
from support.pages import shown_of
from support.recorded import recorded
from support.served import Served, served

READ = ("status", "sleeves", "risk", "performance", "jobs", "equity", "bars", "trades", "orders", "fills", "explain")
NO_NUMBER = re.compile(r"(?<![a-z])(nan|inf|infinity)(?![a-z])", re.IGNORECASE)
PAGE = """
from mtum.web.html import card
def page(ask):
    return card("Weather", "It is sunny.")
"""
PROGRAM = """
import sys
from mtum.web.registry import PAGES
PAGES["weather"] = ("Weather", "weather:page")
from mtum.cli.app import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def infinite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("infinite")
    recorded(folder / "data")
    with closing(sqlite3.connect(folder / "data" / "mtum.db")) as connection, connection:
        # SQLite keeps what is no number as NULL, and infinities as they are.
        connection.execute("UPDATE equity SET benchmark_usd = 9e999, close = -9e999, equity_usd = 9e999")
        connection.execute("UPDATE bars SET high = 9e999, volume = 9e999, close = -9e999 WHERE session > '2017-12-28'")
        connection.execute("UPDATE fills SET commission_usd = 9e999")
        connection.execute("UPDATE order_intents SET reference_price = 9e999")
        connection.execute("UPDATE cash_movements SET amount_usd = 9e999 WHERE kind = 'commission'")
    with served(folder) as found:
        yield found


@pytest.mark.parametrize("path", [*(f"/{one}" for one in PAGES), "/portfolio?range=all&scale=log", "/market?bars=750"])
def test_numbers_that_are_none_break_no_page(infinite: Served, path: str) -> None:
    found = infinite.ask(path)
    assert found.status == 200, found.text[-600:]
    words = shown_of(found.text.partition("<main")[2])
    assert [words[max(0, one.start() - 40) : one.end() + 20] for one in NO_NUMBER.finditer(words)] == []


@pytest.mark.parametrize("name", READ)
def test_numbers_that_are_none_are_null_to_programs(infinite: Served, name: str) -> None:
    found = infinite.ask(f"/api/v1/{name}")
    assert found.status == 200, found.text[-600:]

    def refused(word: str) -> None:
        raise AssertionError(word)

    json.loads(found.body, parse_constant=refused)


def test_a_page_is_one_file_and_one_line(tmp_path: Path) -> None:
    (tmp_path / "weather.py").write_text(PAGE)
    (tmp_path / "program.py").write_text(PROGRAM)
    with served(
        tmp_path,
        environment={"PYTHONPATH": os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", "")))},
        program=("program.py",),
    ) as server:
        page = server.ask("/weather")
        assert (page.status, "It is sunny." in page.text) == (200, True)
        assert "<title>Weather" in page.text
        # It stands in the navigation of the others, and is guarded as they are.
        assert '<a href="/weather">Weather</a>' in server.ask("/").text
        assert server.ask("/weather", headers={"Host": "evil.example"}).status == 421


@pytest.mark.full
def test_one_day_is_shown(tmp_path: Path) -> None:
    assert call(tmp_path, "run", "--quiet").code in (0, 5)
    with served(tmp_path) as server:
        for path in PAGES:
            found = server.ask(f"/{path}")
            assert found.status == 200, found.text[-600:]
            assert "Nothing is recorded yet" not in found.text


@pytest.mark.full
def test_records_of_an_older_program_are_named_with_what_to_do_on_every_page(tmp_path: Path) -> None:
    recorded(tmp_path / "data")
    with closing(sqlite3.connect(tmp_path / "data" / "mtum.db")) as connection:
        connection.execute("PRAGMA user_version = 7")
    with served(tmp_path) as server:
        for path in PAGES:
            found = server.ask(f"/{path}")
            if path == "research":  # backtests are kept in a file of their own
                assert found.status == 200
                continue
            assert (found.status, "has schema 7" in found.text, "mtum " in found.text) == (503, True, True)
            assert str(tmp_path) not in found.text
            assert PAGES[path][0] in found.text  # the frame stands, so that one gets to the others


@pytest.mark.full
def test_ten_years_of_twenty_sleeves_are_shown_to_five_browsers_in_200_megabytes(tmp_path: Path) -> None:
    write_sleeves(tmp_path)
    with closing(sqlite3.connect(tmp_path / "data" / "mtum.db")) as connection:
        assert connection.execute("SELECT count(*) FROM equity").fetchone()[0] == TEN_YEARS * SLEEVES
    with served(tmp_path) as server, ExitStack() as open_pages:
        for _ in range(5):
            open_pages.enter_context(server.raw(b"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"))
        for path in PAGES:
            found = server.ask(f"/{path}")
            assert found.status == 200, found.text[-600:]
            assert len(found.body) < 600_000
            if path in ("", "strategies", "portfolio"):
                words = unescape(found.text)
                assert all(f"s{number:02}" in words for number in range(SLEEVES))
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        assert int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) < 200_000
