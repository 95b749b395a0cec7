"""An urgent message leaves within 15 s and before the process ends, whatever the other channels do.

A real process each; the second channel is a stand-in for the apprise library that writes to a file,
or hangs: only the library's name and its three calls are its own.
"""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from mtum.core.portfolio.gate import LAST_CANCEL_MINUTES
from mtum.wiring.channels import SEND_SECONDS
from support.crash import market_gateway, run_mtum
from support.mail_servers import Inbox, mail_server, rude_server
from support.ports import closed_port
from support.source_tree import ROOT

MORNING, LATE = "2026-11-23T20:37:00Z", "2026-11-23T20:46:00Z"
LIMIT_SECONDS = 15.0
STAND_IN = """
import os, time
class NotifyType:
    INFO, WARNING = "info", "warning"
class Apprise:
    def add(self, url):
        return True
    def notify(self, title, body, notify_type):
        if os.environ.get("STAND_IN") == "hangs":
            time.sleep(3600)
        with open(os.environ["STAND_IN"], "a") as file:
            file.write(f"{time.time()} {title}\\n")
        return True
"""


def mail_words(port: int, **more: str) -> dict[str, str]:
    mail = {"HOST": "127.0.0.1", "PORT": str(port), "SECURITY": "none", "SENDER": "m@example.org", **more}
    return {f"MTUM_MAIL__{name}": text for name, text in mail.items()} | {
        "MTUM_MAIL__RECIPIENTS": '["owner@example.org"]'
    }


def look(folder: Path, at: str, words: Mapping[str, str]) -> tuple[int, float]:
    """Run what is due in a process of its own; its exit code and when it ended, by the wall clock."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("MTUM_")}
    library = folder / "library"
    library.mkdir(exist_ok=True)
    (library / "apprise.py").write_text(STAND_IN)
    (folder / "config.toml").touch()
    asked = kept | dict(words) | {"PYTHONPATH": os.pathsep.join((str(library), str(ROOT), os.environ["PYTHONPATH"]))}
    place = ["--config", str(folder / "config.toml"), "--data-dir", str(folder / "data")]
    line = [sys.executable, "-m", "mtum", *place, "run", "--if-due", "--as-of", at]
    ended = subprocess.run(line, env=asked, cwd=folder, capture_output=True, timeout=120, check=False)
    return ended.returncode, now()


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    assert look(tmp_path, MORNING, {})[0] == 0
    return tmp_path


def now() -> float:
    return time.time()  # noqa: TID251  # the stand-in writes the wall clock's time


@dataclass
class Stalled:
    """A mail server that takes connections and never says a word: when they came and when they were given up."""

    port: int = 0
    came: list[float] = field(default_factory=list)
    left: list[float] = field(default_factory=list)

    def talk(self, line: socket.socket, over: threading.Event) -> None:
        self.came.append(now())
        line.settimeout(0.05)
        while not over.is_set():
            with suppress(TimeoutError):
                line.recv(100)  # nothing, once the other side has hung up
                break
        self.left.append(now())


@pytest.fixture
def stalled() -> Iterator[Stalled]:
    server = Stalled()
    with rude_server(server.talk) as server.port:
        yield server


def told(file: Path) -> list[tuple[float, str]]:
    lines = [line.split(" ", 1) for line in file.read_text().splitlines()] if file.exists() else []
    return [(float(at), title) for at, title in lines]


def test_a_missed_decision_is_told_before_the_process_ends(installed: Path) -> None:
    with mail_server() as inbox:
        arrived: list[float] = []
        inbox.on_mail = lambda: arrived.append(now())
        code, ended = look(installed, LATE, mail_words(inbox.port))
        assert code == 4
        assert [str(mail["Subject"])[:30] for _, mail in inbox.mails] == ["ALERT: missed decide_and_order"[:30]]
        assert inbox.mails[0][1]["X-Priority"] == "1"
    assert arrived[0] < ended < arrived[0] + LIMIT_SECONDS


@pytest.mark.parametrize("stalls", [6, pytest.param(60, marks=pytest.mark.full)])
def test_a_stalled_mail_server_does_not_hold_up_the_other_channel(
    installed: Path, stalled: Stalled, stalls: int
) -> None:
    """The longer patience is cut to our own limit. How long a busy machine takes to start a process is not counted."""
    file = installed / "told.txt"
    words = mail_words(stalled.port, TIMEOUT_SECONDS=str(stalls)) | {"MTUM_NOTIFY__URLS": "ntfy://host/topic"}
    code, ended = look(installed, LATE, words | {"STAND_IN": str(file)})
    first, second = told(file)
    assert code == 4
    assert first[1].startswith("ALERT: missed")
    assert first[0] < stalled.left[0], "it waits for no other channel"
    assert second[1] == "ACTION: no messages reach mail:owner@example.org [PRACTICE]"
    assert second[0] - stalled.came[0] < LIMIT_SECONDS, "the stalled channel's own limit is over, and the other told"
    assert ended - stalled.came[0] < LIMIT_SECONDS


@pytest.mark.full
def test_a_service_that_hangs_does_not_hold_up_mail_or_the_end_of_the_process(installed: Path) -> None:
    with mail_server() as inbox:
        words = mail_words(inbox.port) | {"MTUM_NOTIFY__URLS": "ntfy://host/topic", "STAND_IN": "hangs"}
        arrived: list[float] = []
        inbox.on_mail = lambda: arrived.append(now())
        code, ended = look(installed, LATE, words)
        subjects = [str(mail["Subject"]) for _, mail in inbox.mails]
    assert code == 4
    assert subjects[0].startswith("ALERT: missed")
    assert subjects[1] == "ACTION: no messages reach notify:ntfy [PRACTICE]"
    assert arrived[0] + SEND_SECONDS / 2 < arrived[1], "the hanging service had its time"
    assert ended < arrived[0] + LIMIT_SECONDS


def subjects_of(inbox: Inbox) -> list[str]:
    return [str(mail["Subject"]).strip() for _, mail in inbox.mails]  # a long one begins on the line below its name


def test_a_run_by_hand_tells_its_order_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with market_gateway(tmp_path) as gateway, mail_server() as inbox:
        for name, text in mail_words(inbox.port).items():
            monkeypatch.setenv(name, text)
        assert run_mtum(gateway) == 0
        assert run_mtum(gateway) == 0  # answers from its record
        assert subjects_of(inbox) == ["ORDER: BUY 18 MTUM for 2018-01-03 [PAPER]"]
        last = gateway.session.close - timedelta(minutes=LAST_CANCEL_MINUTES, hours=5)
        assert f"canceled until {last:%H:%M} New York" in inbox.mails[0][1].get_content()


def test_a_run_by_hand_that_finds_no_gateway_tells_it_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with market_gateway(tmp_path) as gateway, mail_server() as inbox:
        for name, text in mail_words(inbox.port).items():
            monkeypatch.setenv(name, text)
        monkeypatch.setenv("MTUM_BROKER__PORT", str(closed_port()))
        assert run_mtum(gateway) == 4
        assert subjects_of(inbox) == ["ACTION: decide_and_order of 2018-01-03: broker unreachable or too late [PAPER]"]


def test_a_run_by_hand_whose_notice_cannot_leave_is_exit_8_and_it_leaves_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with market_gateway(tmp_path) as gateway, mail_server() as inbox:
        for name, text in mail_words(closed_port()).items():
            monkeypatch.setenv(name, text)
        assert run_mtum(gateway) == 8
        monkeypatch.setenv("MTUM_MAIL__PORT", str(inbox.port))
        assert run_mtum(gateway) == 0
        assert subjects_of(inbox)[0] == "ORDER: BUY 18 MTUM for 2018-01-03 [PAPER]"
        assert len(gateway.accepted()) == 1
