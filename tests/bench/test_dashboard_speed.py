"""What the dashboard costs over ten years: its API beside a plain query, and its pages beside a file it keeps ready."""

import http.client
import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from statistics import median

import pytest

from support.grown_store import grown
from support.many_sleeves import write_sleeves
from support.served import Served, served

pytestmark = pytest.mark.bench
TEN_YEARS, YEAR = 2_500, 252
ROUNDS = 15


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("served")
    grown(found / "data", TEN_YEARS).close()
    return found


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Served]:
    with served(folder) as found:
        yield found


def best_seconds(work: Callable[[], object], between: Callable[[], object] = lambda: None) -> float:
    """Wall time of the quickest of some rounds; `between` is not counted."""
    found = []
    for _ in range(ROUNDS):
        between()
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)


def asked(server: Served, path: str) -> Callable[[], object]:
    """Ask for an address, which has to be answered."""

    def work() -> object:
        found = server.ask(path)
        assert found.status == 200, found.text
        return found

    return work


def test_a_year_by_the_api_costs_at_most_six_plain_queries_after_a_commit(folder: Path, server: Served) -> None:
    database = folder / "data" / "mtum.db"

    def queried() -> str:
        with closing(sqlite3.connect(database)) as connection:
            rows = connection.execute("SELECT * FROM equity ORDER BY session DESC LIMIT ?", (YEAR,)).fetchall()
        assert len(rows) == YEAR
        return json.dumps(rows)

    work = asked(server, f"/api/v1/equity?limit={YEAR}")
    work()
    # What was kept is made anew where the file has changed.
    answered = best_seconds(work, lambda: os.utime(database))
    file, plain = best_seconds(asked(server, "/static/icon.svg")), best_seconds(queried)
    print(f"api {answered * 1e3:.1f} ms, plain query {plain * 1e3:.1f} ms, static file {file * 1e3:.1f} ms")
    assert answered <= file + 6 * plain, f"{answered:.4f} s beside {file:.4f} s and {plain:.4f} s"


@pytest.mark.parametrize("path", ["", "portfolio", "strategies", "market", "risk", "trades", "research", "system"])
def test_a_page_kept_since_the_last_commit_costs_at_most_sixty_small_files(server: Served, path: str) -> None:
    work = asked(server, f"/{path}")
    work()
    drawn, file = best_seconds(work), best_seconds(asked(server, "/static/site.css"))
    print(f"/{path}: {drawn * 1e3:.1f} ms, static file {file * 1e3:.1f} ms")
    assert drawn <= 60 * file, f"{drawn:.4f} s beside {file:.4f} s"


@pytest.fixture(scope="module")
def sleeves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("sleeves")
    write_sleeves(found)
    return found


@pytest.fixture(scope="module")
def large(sleeves: Path) -> Iterator[Served]:
    with served(sleeves) as found:
        yield found


@pytest.mark.parametrize("path", ["", "portfolio", "strategies", "market", "risk", "trades", "research", "system"])
def test_a_page_of_twenty_sleeves_costs_at_most_ten_plain_queries_after_a_commit(
    sleeves: Path, large: Served, path: str
) -> None:
    """Ten years; the query reads every close of every sleeve, as the account's curve has to."""
    database = sleeves / "data" / "mtum.db"

    def queried() -> str:
        with closing(sqlite3.connect(database)) as connection:
            return json.dumps(connection.execute("SELECT session, equity_usd, flows_usd FROM equity").fetchall())

    work = asked(large, f"/{path}")
    work()
    drawn, plain = best_seconds(work, lambda: os.utime(database)), best_seconds(queried)
    print(f"/{path}: {drawn * 1e3:.0f} ms, plain query {plain * 1e3:.0f} ms")
    assert drawn <= 10 * plain, f"{drawn:.3f} s beside {plain:.3f} s"


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("status", 1.0),
        ("broker", 1.0),
        ("jobs", 1.0),
        ("sleeves", 1.4),
        ("trades", 1.0),
        ("equity", 1.0),
        ("fills", 0.5),
        ("explain", 0.5),
        ("risk", 3.0),
    ],
)
def test_a_document_of_twenty_sleeves_costs_about_a_plain_query_of_all_closes_after_a_commit(
    sleeves: Path, large: Served, path: str, most: float
) -> None:
    """Ten years; a list gives its newest rows."""
    database = sleeves / "data" / "mtum.db"

    def queried() -> str:
        with closing(sqlite3.connect(database)) as connection:
            return json.dumps(connection.execute("SELECT session, equity_usd, flows_usd FROM equity").fetchall())

    work = asked(large, f"/api/v1/{path}")
    work()
    told, plain = best_seconds(work, lambda: os.utime(database)), best_seconds(queried)
    print(f"/api/v1/{path}: {told * 1e3:.0f} ms, plain query {plain * 1e3:.0f} ms")
    assert told <= most * plain, f"{told:.3f} s beside {plain:.3f} s"


BARE = """
import sys, uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
app = FastAPI()
app.get("/", response_class=HTMLResponse)(lambda: "<h1>Nothing</h1>")
uvicorn.run(app, port=int(sys.argv[1]), log_level="error")
"""


def bare_seconds() -> float:
    """Wall time from the start of a server that has one page, and nothing on it, to that page."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", BARE, str(port)]) as process:
        try:
            while time.perf_counter() - began < 60:
                line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                with suppress(OSError), closing(line):
                    line.request("GET", "/")
                    assert line.getresponse().read() == b"<h1>Nothing</h1>"
                    return time.perf_counter() - began
                threading.Event().wait(0.01)
        finally:
            process.kill()
    raise AssertionError("the bare page is not answered")


def test_the_first_page_of_twenty_sleeves_takes_at_most_two_and_a_half_times_a_bare_one(sleeves: Path) -> None:
    """Ten years; both from the start of the process, in turns."""
    ratios = []
    for _ in range(5):
        began = time.perf_counter()
        with served(sleeves) as server:
            assert server.ask("/").status == 200
            ours = time.perf_counter() - began
        bare = bare_seconds()
        print(f"first page {ours:.2f} s after the start, bare {bare:.2f} s")
        ratios.append(ours / bare)
    assert median(ratios) <= 2.5, ratios
