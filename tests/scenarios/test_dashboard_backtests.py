"""A backtest from a form: the command in a process of its own, from outside, over HTTP, with the real server."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from html import unescape
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from mtum.adapters.clock import SystemClock
from mtum.config import Settings
from mtum.core.market.calendars import NEW_YORK
from mtum.web.backtests import Backtests, Job
from mtum.web.html import percent, ratio, usd
from support.commands import call_json
from support.exchange_hours import open_between
from support.kept_studies import kept_study
from support.recorded import recorded
from support.served import Answered, Served, served

PAUSE = Event()
SLOW = {"play": "strategy:wheel"}
"""Takes long enough to be watched, stopped and killed."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("form")
    recorded(found / "data")
    return found


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Served]:
    with served(folder) as found:
        yield found


def started(server: Served, **fields: str) -> dict[str, Any]:
    return job_in(server.post("/api/v1/backtest", fields))


def job_in(found: Answered) -> dict[str, Any]:
    assert found.status == 200, found.text
    job: dict[str, Any] = json.loads(found.body)["backtest"]
    return job


def ended(server: Served, seconds: float = 300) -> dict[str, Any]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        job = job_in(server.ask("/api/v1/backtest"))
        if not job["running"]:
            return job
        PAUSE.wait(0.1)
    raise AssertionError("it did not end")


def child_of(server: Served) -> int:
    """Return the process that the server has started."""
    task = Path(f"/proc/{server.process.pid}/task")
    found = [int(one) for thread in task.iterdir() for one in (thread / "children").read_text().split()]
    assert len(found) == 1, found
    return found[0]


def is_alive(child: int) -> bool:
    with suppress(OSError, IndexError):
        return Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def gone(child: int, seconds: float = 10) -> bool:
    until = time.monotonic() + seconds
    while is_alive(child) and time.monotonic() < until:
        PAUSE.wait(0.05)
    return not is_alive(child)


def wrong_in(found: Answered) -> dict[str, str]:
    assert found.status == 400, found.text
    return {one["field"]: one["text"] for one in json.loads(found.body)["problems"]}


@pytest.mark.full
def test_a_form_starts_the_command_and_its_result_is_kept_and_shown(folder: Path, server: Served) -> None:
    money = hashlib.sha256((folder / "data" / "mtum.db").read_bytes()).hexdigest()
    asked = b"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with server.raw(asked) as line:
        found = server.post("/research", {"start": "2017-01-03", "end": "2017-12-29"}, Accept="text/html")
        assert (found.status, found.headers["location"]) == (303, "/research")
        job = ended(server)
        stream = b""
        while b'"kept"' not in stream:
            stream += line.recv(65536)
    assert b"event: backtest" in stream
    assert (job["outcome"], job["text"]) == ("kept", None)
    assert re.fullmatch(
        r"mtum backtest --start 2017-01-03 --end 2017-12-29 --out backtests/[0-9T]+-[0-9a-f]{4}", job["command"]
    )
    (study,) = call_json(folder, "show", "backtests").document["backtests"]
    assert (study["id"], study["start"], study["sessions"]) == (job["id"], "2017-01-03", 251)
    again = call_json(folder, "backtest", "--start", "2017-01-03", "--end", "2017-12-29").document
    assert again["final_equity_usd"] == study["final_equity_usd"]
    # Both by the command and by the form, side by side, and no path of the machine.
    numbers = f"{job['id']},{again['id']}"
    told = json.loads(server.ask(f"/api/v1/compare?of={numbers}").body)
    wanted = call_json(folder, "compare", *numbers.split(",")).document
    assert {**told, "studies": []} == {**wanted, "studies": []}
    assert told["same"] == {"settings": True, "code": True, "data": True}
    assert server.ask("/api/v1/compare?of=1,999").status == 400
    for path in (f"compare?of={numbers}", "backtests", "backtest"):
        assert str(folder) not in server.ask(f"/api/v1/{path}").text
    page = unescape(server.ask(f"/research?of={job['id']}").text)
    for words in (usd(study["final_equity_usd"]), ratio(study["sharpe"]), percent(study["cagr_frac"])):
        assert words in page
    assert f'href="/research/tear-sheet?of={job["id"]}"' in page
    assert str(folder) not in page
    assert hashlib.sha256((folder / "data" / "mtum.db").read_bytes()).hexdigest() == money


@pytest.mark.full
def test_a_tear_sheet_is_shown_under_a_policy_that_lets_nothing_but_its_own_script_run(server: Served) -> None:
    started(server, start="2017-01-03", end="2017-03-31")
    job = ended(server)
    found = server.ask(f"/research/tear-sheet?of={job['id']}")
    assert found.status == 200
    policy = found.headers["content-security-policy"]
    scripts = re.findall(r"<script>(.*?)</script>", found.text, re.DOTALL)
    (mark,) = [b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline';")
    assert f"script-src 'sha256-{mark}';" in policy
    assert ' style="' in found.text  # why its styles cannot be named by hashes
    assert server.ask("/research/tear-sheet?of=999").status == 404
    assert server.ask("/research/tear-sheet?of=../../etc/passwd").status == 422


def test_each_fault_of_a_form_is_told_at_its_field(server: Served) -> None:
    fields = {"play": "strategy:<i>", "symbol": "<b>", "start": "x", "fill": "q", "slippage": "-4", "decision": "near"}
    wrong = wrong_in(server.post("/api/v1/backtest", fields))
    assert set(wrong) == set(fields)
    assert wrong["start"] == '"x" is no day; write it as 2018-01-31'
    assert wrong["slippage"] == '"-4" is no number of basis points from 0 to 1000'
    found = wrong_in(server.post("/api/v1/backtest", {"start": "2018-01-02", "end": "2017-01-03"}))
    assert found == {"end": "the last session, 2017-01-03, is before the first, 2018-01-02"}


@pytest.mark.full
def test_what_the_command_finds_wrong_is_told_at_its_field_too(server: Served) -> None:
    late = server.post("/api/v1/backtest", {"start": "2029-01-02"})
    # On a machine that has no time for it the form may be answered before the bars are read.
    wrong = wrong_in(late) if late.status == 400 else {"start": ended(server)["text"]}
    assert wrong == {"start": "MTUM: no session from 2029-01-02 on in sample; the last one before is 2018-12-31"}
    assert set(wrong_in(server.post("/api/v1/backtest", {"changes": "portfolio.nope=1"}))) == {"changes"}


OTHERS = ("market.source=yahoo", "market.yahoo_url=http://evil.example", 'plugins.strategies=["/tmp/x.py"]',
          "mode=live", "mail.host=evil.example", "x", "--out=/tmp")  # fmt: skip


@pytest.mark.parametrize("line", OTHERS)
def test_a_form_changes_no_setting_that_names_a_file_an_address_or_code(server: Served, line: str) -> None:
    wrong = wrong_in(server.post("/api/v1/backtest", {"changes": f"portfolio.cost_frac=0.001\n{line}"}))
    assert set(wrong) == {"changes"}


def test_a_refused_form_comes_back_as_it_was_filled_in(server: Served) -> None:
    found = server.post("/research", {"symbol": '"><script>', "start": "2017-13-01"}, Accept="text/html")
    assert found.status == 400
    assert "<script>alert" not in found.text
    assert 'value="&quot;&gt;&lt;script&gt;"' in found.text
    field = found.text.partition('name="start"')[2].partition("</label>")[0]
    assert 'aria-invalid="true"' in field
    assert "&quot;2017-13-01&quot; is no day; write it as 2018-01-31" in field


def test_a_form_of_the_page_itself_needs_its_token_and_origin(server: Served) -> None:
    for body, origin in ((b"token=", server.origin), (f"token={server.token()}".encode(), "http://evil.example")):
        assert server.ask("/research", "POST", body, {"Origin": origin}).status == 403


def test_one_is_played_at_a_time_at_the_lowest_priority_and_can_be_stopped(folder: Path, server: Served) -> None:
    before = len(call_json(folder, "show", "backtests").document["backtests"])
    kept = set((folder / "data").glob("backtests/*"))
    assert started(server, **SLOW)["running"]
    child = child_of(server)
    # Where memory runs out, it goes first.
    assert Path(f"/proc/{child}/oom_score_adj").read_text().strip() == "1000"
    until = time.monotonic() + 60
    while os.getpriority(os.PRIO_PROCESS, child) < 19 and time.monotonic() < until:
        PAUSE.wait(0.05)
    assert os.getpriority(os.PRIO_PROCESS, child) == 19
    second = server.post("/api/v1/backtest", {})
    assert (second.status, "a backtest is running" in second.text) == (409, True)
    assert "Stop it" in server.ask("/research").text
    job = job_in(server.post("/api/v1/backtest/stop"))
    assert (job["running"], job["outcome"], job["text"]) == (False, "stopped", "a person stopped it")
    assert gone(child)
    assert len(call_json(folder, "show", "backtests").document["backtests"]) == before
    assert set((folder / "data").glob("backtests/*")) == kept
    assert "The backtest was stopped" in server.ask("/research").text


@pytest.mark.full
def test_a_page_shows_how_many_sessions_are_played(tmp_path: Path) -> None:
    recorded(tmp_path / "data")
    with served(tmp_path) as server:
        started(server, **SLOW)
        until = time.monotonic() + 120
        while not job_in(server.ask("/api/v1/backtest"))["done"] and time.monotonic() < until:
            PAUSE.wait(0.1)
        page = server.ask("/research").text
    assert re.search(r'<progress [^>]*value="[0-9]+" max="1256"', page), page


@pytest.mark.full
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_it_ends_with_the_server_however_that_ends(tmp_path: Path, number: signal.Signals) -> None:
    recorded(tmp_path / "data")
    with served(tmp_path) as server:
        started(server, **SLOW)
        child = child_of(server)
        server.process.send_signal(number)
        server.process.wait(20)
        assert gone(child)


@pytest.mark.full
def test_one_that_dies_is_told_of_and_the_next_one_starts(tmp_path: Path) -> None:
    recorded(tmp_path / "data")
    with served(tmp_path) as server:
        started(server, **SLOW)
        os.kill(child_of(server), signal.SIGKILL)
        job = ended(server)
        assert (job["outcome"], "it ended with exit code -9" in job["text"]) == ("failed", True)
        started(server, start="2017-01-03", end="2017-03-31")
        assert ended(server)["outcome"] == "kept"


@pytest.mark.full
def test_none_is_started_while_orders_are_made(tmp_path: Path) -> None:
    recorded(tmp_path / "data")
    close = SystemClock().now().astimezone(NEW_YORK) + timedelta(minutes=20)
    close += timedelta(minutes=close.hour == close.minute == 0)
    open_between(tmp_path / "data", close - timedelta(minutes=1), close)
    with served(tmp_path) as server:
        found = server.post("/api/v1/backtest", {})
        assert found.status == 400
        again = close.replace(second=0) + timedelta(minutes=5)
        assert (
            f"no backtest is started while a session's orders are made; start it again at {again:%H:%M}" in found.text
        )
        assert server.ask("/api/v1/backtest").text == '{"backtest":null}'
    assert not (tmp_path / "data" / "research.db").exists()


@pytest.mark.full
def test_one_at_work_is_stopped_before_orders_are_made(tmp_path: Path) -> None:
    recorded(tmp_path / "data")
    soon = SystemClock().now().astimezone(NEW_YORK) + timedelta(seconds=80)  # the calendar knows minutes
    close = soon + timedelta(minutes=35)
    open_between(tmp_path / "data", close - timedelta(minutes=1), close)
    with served(tmp_path) as server:
        job: dict[str, Any] = {"outcome": "kept"}
        while job["outcome"] == "kept":  # on a fast machine it ends before
            started(server, **SLOW)
            child = child_of(server)
            job = ended(server)
        assert (job["outcome"], job["text"].split(";")[0]) == ("stopped", "a session's orders are made now")
        assert gone(child)
        assert server.post("/api/v1/backtest", SLOW).status == 400


def written(data: Path, name: str) -> str:
    """Write the folder of a page's backtest as its command does just before it ends; return the command."""
    sheet = data / "backtests" / name / "tear-sheet.html"
    sheet.parent.mkdir(parents=True)
    sheet.write_text("<p>sheet</p>")
    return f"mtum backtest --out {sheet.parent}"


@pytest.mark.parametrize("is_kept", [True, False])
def test_one_stopped_in_the_instant_its_result_is_kept_has_finished(tmp_path: Path, *, is_kept: bool) -> None:
    command = written(tmp_path, "20260102T120000-abcd")
    sheet = Path(command.split()[-1])
    backtests = Backtests(Settings(), tmp_path)
    # It has kept its result and does not come to tell it.
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    if is_kept:
        assert kept_study(tmp_path, command) == 1
    backtests.job = Job({}, command.split()[1:], sheet, SystemClock().now())
    backtests._child = child
    Thread(target=backtests._follow, args=(child,), daemon=True).start()
    job = backtests.stop()
    assert job is not None
    assert (job.outcome, job.number) == (("kept", 1) if is_kept else ("stopped", None))
    assert job.text == ("it was finished before it could be stopped" if is_kept else "a person stopped it")
    assert (backtests.sheet_of(command) is not None) == is_kept
    assert sheet.exists() == is_kept


@pytest.mark.full
def test_folders_of_results_that_are_not_kept_are_deleted_when_the_server_starts(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert kept_study(data, written(data, "20260102T120000-abcd")) == 1
    for name in ("20260103T120000-abcd", "20260104T120000-abcd", "my own"):
        written(data, name)
    outside = tmp_path / "outside"
    outside.mkdir()
    (data / "backtests" / "20260105T120000-abcd").symlink_to(outside)
    for one in (data / "backtests").iterdir():
        os.utime(one, (1.7e9, 1.7e9), follow_symlinks=False)
    os.utime(data / "backtests" / "20260104T120000-abcd")  # perhaps another server's, at work
    stays = {"20260102T120000-abcd", "20260104T120000-abcd", "20260105T120000-abcd", "my own"}
    with served(tmp_path):
        until = time.monotonic() + 20
        while {one.name for one in (data / "backtests").iterdir()} != stays and time.monotonic() < until:
            PAUSE.wait(0.05)
    assert {one.name for one in (data / "backtests").iterdir()} == stays
    (data / "research.db").unlink()
    Backtests(Settings(), data).tidy().join(10)  # nothing says what is kept
    assert {one.name for one in (data / "backtests").iterdir()} == stays
