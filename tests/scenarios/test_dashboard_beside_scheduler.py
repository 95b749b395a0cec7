"""`python -m jobs --serve`: the dashboard as a child whose death, size and silence the scheduler outlives."""

import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.__main__ import main
from jobs.dashboard import FIRST_WAIT, Dashboard
from support.commands import call, call_json
from support.served import Commits, arrivals, served

NOW = datetime(2026, 11, 30, 20, tzinfo=UTC)
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
