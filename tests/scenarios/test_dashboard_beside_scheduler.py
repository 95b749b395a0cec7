"""`python -m jobs --serve`: the dashboard as a child whose death, size and silence the scheduler outlives."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from jobs.__main__ import main
from jobs.dashboard import FIRST_WAIT, Dashboard
from mtum.adapters.clock import SystemClock
from mtum.adapters.store.schema import KINDS
from mtum.core.market.calendars import NEW_YORK
from mtum.web.stream import NAMES
from support.commands import call, call_json
from support.exchange_hours import open_between
from support.served import Commits, arrivals, events_of, served
from support.source_tree import ROOT

NOW = datetime(2026, 11, 30, 20, tzinfo=UTC)
PAUSE = Event()
SLEEPS = [sys.executable, "-c", "import time; time.sleep(60)"]


def started(command: list[str]) -> Dashboard:
    found = Dashboard(())
    found.command = command
    found.look(NOW)
    assert found.process is not None
    return found


def ended(found: Dashboard, at: datetime) -> bool:
    """Whether a look finds that the server has ended and waits before it starts another."""
    if found.process is not None:
        found.process.wait(20)
    found.look(at)
    return found.process is None


def test_a_server_that_ended_is_started_again_and_each_time_waits_longer(caplog: pytest.LogCaptureFixture) -> None:
    found, at = started([sys.executable, "-c", "raise SystemExit(3)"]), NOW + timedelta(seconds=30)
    assert ended(found, at)
    assert "dashboard_ended" in caplog.text
    at += FIRST_WAIT
    assert not ended(found, at)
    at += timedelta(seconds=30)
    assert ended(found, at)
    assert ended(found, at + FIRST_WAIT)  # the second wait is twice the first
    assert not ended(found, at + 2 * FIRST_WAIT)
    found.stop()


def test_a_server_that_grew_too_large_is_ended(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found = started(SLEEPS)
    child = found.process
    assert child is not None
    monkeypatch.setattr("jobs.dashboard.MOST_MEGABYTES", 1)
    until = time.monotonic() + 20
    while found.process is not None and time.monotonic() < until:  # on a busy machine it has hardly begun
        found.look(NOW + timedelta(seconds=30))
    found.stop()
    assert child.poll() == -signal.SIGKILL
    assert "dashboard_too_large" in caplog.text


def test_a_server_that_cannot_be_started_is_logged_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    found = Dashboard(())
    found.command = ["/no/such/program"]
    found.look(NOW)
    assert "dashboard_not_started" in caplog.text


def test_a_stopped_server_is_ended_with_the_scheduler() -> None:
    found = started(SLEEPS)
    child = found.process
    assert child is not None
    os.kill(child.pid, signal.SIGSTOP)
    found.look(NOW + timedelta(seconds=30))  # is not held up by it
    os.kill(child.pid, signal.SIGCONT)
    found.stop()
    assert child.poll() == -signal.SIGTERM


def test_list_takes_no_serve(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list", "--serve"]) == 2
    assert "--serve goes with the scheduler" in capsys.readouterr().err


@pytest.mark.full
def test_a_session_is_played_while_the_dashboard_is_killed_and_stalled(tmp_path: Path) -> None:
    data, config = tmp_path / "data", tmp_path / "config.toml"
    data.mkdir()
    config.write_text('[web]\nport = 18473\n[portfolio]\nstrategy = "buy_and_hold"\n')
    words = [sys.executable, "-m", "jobs", "--serve", "--config", str(config), "--data-dir", str(data), "--verbose"]
    scheduler = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert scheduler.stderr is not None
    try:
        child = 0
        for line in scheduler.stderr:
            if found := re.search(r"dashboard_started.*pid=(\d+)", line):
                child = int(found[1])
                break
        assert child
        os.kill(child, signal.SIGSTOP)
        assert [one["side"] for one in call_json(tmp_path, "run").document["orders"]] == ["BUY"]
        os.kill(child, signal.SIGKILL)
        assert call(tmp_path, "run").code == 0
        assert scheduler.poll() is None
    finally:
        scheduler.terminate()
        scheduler.wait(30)
        scheduler.stderr.close()


@pytest.mark.full
def test_every_event_of_a_session_played_elsewhere_arrives_within_a_second_of_its_commit(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[portfolio]\nstrategy = "buy_and_hold"\n')
    (tmp_path / "data").mkdir()
    database = tmp_path / "data" / "mtum.db"
    assert call(tmp_path, "note", "before the first session").code == 0
    request = b"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with served(tmp_path) as server, server.raw(request) as line, Commits(database) as commits:
        assert b"event: ping" in line.recv(65536) + line.recv(65536)
        played = subprocess.Popen([sys.executable, "-m", "mtum", "run", "--quiet"], cwd=tmp_path)
        arrived = arrivals(line, lambda: played.poll() is not None)
        assert played.wait() in (0, 5)
    kinds = {kind for _, kind in commits.seen.values()}
    assert {"run_started", "run_finished", "decision", "order", "fill", "equity"} <= kinds
    late = {number: arrived[number] - at for number, (at, _) in commits.seen.items()}
    print(f"latest {max(late.values()):.3f} s of {len(late)} events")
    assert max(late.values()) < 1


@pytest.mark.full
def test_a_session_the_scheduler_plays_is_told_on_an_open_stream_and_its_death_too(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[portfolio]\nstrategy = "buy_and_hold"\n')
    data = tmp_path / "data"
    close = SystemClock().now().astimezone(NEW_YORK).replace(second=0) + timedelta(minutes=20)
    if close.date() != SystemClock().now().astimezone(NEW_YORK).date():
        pytest.skip("a session of New York lies within a day")
    assert call(tmp_path, "note", "before the first session").code == 0
    open_between(data, close - timedelta(minutes=1), close)  # its decision is due since two minutes
    alive = data / "scheduler.alive"
    words = [sys.executable, "-m", "jobs", "--config", str(tmp_path / "config.toml"), "--data-dir", str(data)]
    often = {**os.environ, "WATCHDOG_USEC": "400000"}
    request = b"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with served(tmp_path) as server, server.raw(request) as line:
        assert b"event: ping" in line.recv(65536) + line.recv(65536)
        with Commits(data / "mtum.db") as commits:
            scheduler = subprocess.Popen(words, cwd=tmp_path, env=often, stderr=subprocess.DEVNULL)
            try:
                until = time.monotonic() + 60
                arrived = arrivals(line, lambda: played(commits) or time.monotonic() > until)
                assert scheduler.poll() is None
                kinds = {kind for _, kind in commits.seen.values()}
                assert {"run_started", "run_finished", "decision", "order", "fill", "equity"} <= kinds
                late = {number: arrived[number] - at for number, (at, _) in commits.seen.items()}
                print(f"latest {max(late.values()):.3f} s of {len(late)} events")
                assert max(late.values()) < 1
                # While it lives, its next sign of life comes by itself.
                long_ago(alive)
                assert heard_again(alive)
            finally:
                scheduler.kill()
                scheduler.wait(30)
        assert "is silent since" not in server.ask("/").text
        long_ago(alive)
        line.settimeout(20)
        told = b""
        while b'"scheduler": "the scheduler is silent since' not in told:
            told += line.recv(65536)
        assert b"event: health" in told
        assert not heard_again(alive, 1)
        for page in ("/", "/system"):
            assert "the scheduler is silent since" in server.ask(page).text


def played(commits: Commits) -> bool:
    """Whether a session was played to its last equity, a second ago or more."""
    found = list(commits.seen.values())
    kinds = [kind for _, kind in found]
    ended = "equity" in kinds and kinds.count("run_started") == kinds.count("run_finished")
    return ended and time.monotonic() - found[-1][0] > 1


def long_ago(alive: Path) -> None:
    """Make the last sign of life older than three heartbeats."""
    past = SystemClock().now().timestamp() - 101
    os.utime(alive, (past, past))


def heard_again(alive: Path, seconds: float = 20) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if SystemClock().now().timestamp() - alive.stat().st_mtime < 60:
            return True
        PAUSE.wait(0.05)
    return False


@pytest.mark.full
def test_a_refused_order_reaches_an_open_stream_as_a_problem_and_a_change_of_health(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[portfolio]\nstrategy = "buy_and_hold"\n')
    assert call(tmp_path, "halt", "--why", "storm").code == 0
    request = b"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with served(tmp_path) as server, server.raw(request) as line:
        assert b"event: ping" in line.recv(65536) + line.recv(65536)
        assert call(tmp_path, "run").code == 7
        told = events_of(line, 5)[:5]
        assert [one["event"] for one in told] == ["run", "decision", "run", "problem", "health"]
        assert [one["key"] for one in told[2:]] == ["1", "1.0", "1"]  # the run, its first problem, the run
        rows = json.loads(server.ask("/api/v1/events?after=1").body)["events"]
        assert [one["kind"] for one in rows[3:5]] == ["problem", "health"]
        assert "storm" in server.ask("/").text


def test_every_kind_of_event_has_a_name_that_open_pages_listen_to() -> None:
    script = (ROOT / "mtum" / "web" / "static" / "site.js").read_text(encoding="utf-8")
    (listened,) = re.findall(r"for \(const name of \[(.*?)\]\)", script)
    assert {NAMES.get(kind, kind) for kind in KINDS} == set(json.loads(f"[{listened}]"))


@pytest.mark.full
def test_a_halt_from_a_page_stops_the_next_order_as_the_command_does(tmp_path: Path) -> None:
    told = {}
    for way in ("page", "command"):
        folder = tmp_path / way
        (folder / "data").mkdir(parents=True)
        (folder / "config.toml").write_text('[portfolio]\nstrategy = "buy_and_hold"\n')
        if way == "command":
            assert call(folder, "halt", "--why", "storm").code == 0
        else:
            with served(folder) as server:
                assert server.post("/api/v1/halt", {"why": "storm", "confirmed": "yes"}).status == 200
        ran = call(folder, "run", "--json")
        halts = call(folder, "status", "--json").document["halts"]
        told[way] = (
            ran.code,
            ran.document["action"],
            ran.document["orders"],
            [(one["by"], one["why"]) for one in halts],
        )
    assert told["page"] == told["command"]
    assert told["page"][0] == 7
    assert told["page"][2] == []
