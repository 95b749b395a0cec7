"""A whole session through `mtum run --if-due` in paper mode against a practice gateway."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mtum.adapters.store.reading import open_read_only
from support.source_tree import ROOT

SESSION = "2018-01-03"
CLOSE = datetime(2018, 1, 3, 21, tzinfo=UTC)


@dataclass
class Day:
    """A running gateway and the installation that trades on it."""

    folder: Path
    port: int
    control: int

    def at(self, minutes_to_close: float) -> tuple[int, dict[str, Any]]:
        """Set the market's clock and run what is due then."""
        tell = {"do": "clock", "session": SESSION, "minutes_to_close": minutes_to_close}
        # What `mtum gateway --tell` sends, without a process for each.
        with socket.create_connection(("127.0.0.1", self.control), timeout=60) as line:
            line.sendall(json.dumps(tell).encode() + b"\n")
            assert json.loads(line.makefile().readline())["ok"]
        instant = (CLOSE - timedelta(minutes=minutes_to_close)).isoformat()
        ended = self._mtum("run", "--if-due", "--as-of", instant, "--json")
        return ended.returncode, json.loads(ended.stdout)

    def _mtum(self, *words: str) -> subprocess.CompletedProcess[str]:
        asked = {name: text for name, text in os.environ.items() if not name.startswith("MTUM_")}
        asked |= {
            "MTUM_MODE": "paper",
            "MTUM_MARKET__SOURCE": "ib",
            "MTUM_BROKER__PORT": str(self.port),
            "MTUM_BROKER__ACCOUNT": "DUP1",
        }
        config = self.folder / "config.toml"
        config.touch()
        line = [sys.executable, "-m", "mtum", "--config", str(config), "--data-dir", str(self.folder / "data"), *words]
        return subprocess.run(line, cwd=ROOT, env=asked, capture_output=True, text=True, timeout=120, check=False)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query on the installation's database."""
        with closing(open_read_only(self.folder / "data" / "mtum.db")) as connection:
            return [tuple(row) for row in connection.execute(sql)]


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    (tmp_path / "config.toml").touch()
    asked = {name: text for name, text in os.environ.items() if not name.startswith("MTUM_")}
    words = ["--port", "0", "--control-port", "0", "--session", SESSION, "--account", "DUP1", "--json"]
    folders = ["--config", str(tmp_path / "config.toml"), "--data-dir", str(tmp_path / "market")]
    line = [sys.executable, "-u", "-m", "mtum", "gateway", *folders, *words]
    with subprocess.Popen(line, cwd=ROOT, env=asked, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = ""
        while not told.rstrip().endswith("}"):
            told += process.stdout.readline()
        started = json.loads(told)
        try:
            yield Day(tmp_path, started["port"], started["control_port"])
        finally:
            process.terminate()


def outcomes(document: dict[str, Any]) -> list[str]:
    return [f"{run['job']}/{run['slot']}".rstrip("/") + f" {run['outcome']}" for run in document["runs"]]


def test_a_session_from_rehearsal_to_report(day: Day) -> None:
    assert day.at(360)[0] == 0  # installed in the morning
    code, rehearsed = day.at(89.9)
    assert (code, outcomes(rehearsed)) == (0, ["rehearse finished"]), rehearsed["problems"]
    assert outcomes(day.at(29.9)[1]) == ["refresh_bars finished"]
    code, decided = day.at(20.05)
    assert (code, outcomes(decided)) == (0, ["decide_and_order finished"]), decided["problems"]
    assert outcomes(day.at(12.9)[1]) == ["watch_orders/first finished"]
    assert outcomes(day.at(8.9)[1]) == ["watch_orders/second finished"]
    assert outcomes(day.at(3.9)[1]) == ["watch_orders/third finished"]
    assert outcomes(day.at(-15.1)[1]) == ["confirm_fills/first finished"]
    code, last = day.at(-45.1)
    assert outcomes(last) == ["confirm_fills/second finished", "backup/settled finished", "daily_report finished"]
    assert code == 0
    assert day.rows("SELECT side, shares FROM fills") == [("BUY", 18)]
    assert day.rows("SELECT status FROM orders") == [("FILLED",)]
    subjects = [subject for (subject,) in day.rows("SELECT subject FROM notifications ORDER BY id")]
    assert subjects[0] == f"ORDER: BUY 18 MTUM for {SESSION}"
    assert "BOUGHT 18" in subjects[1]
    assert len(subjects) == 2
