"""Faults around the daily job, each as a real process: what happens, what is told, what is sent."""

import ctypes
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mtum.adapters.store.reading import open_read_only
from support.mail_servers import Inbox, mail_server
from support.ports import closed_port
from support.practice import exchange_in
from support.source_tree import ROOT

MORNING, WINDOW, LATE = "2026-11-23T20:37:00Z", "2026-11-23T20:40:00Z", "2026-11-23T20:46:00Z"
WINDOW_LATER = "2026-11-23T20:42:00Z"
PROGRAM = ("-m", "mtum")
TABLE: list[tuple[str, str, str, str]] = []


@dataclass
class Place:
    """A practice installation that mails to a loopback server."""

    folder: Path
    inbox: Inbox
    limits: list[Callable[[], None]] = field(default_factory=list)

    def look(
        self,
        at: str,
        *,
        port: int | None = None,
        limit: Callable[[], None] | None = None,
        program: Sequence[str] = PROGRAM,
    ) -> int:
        """Run what is due at an instant, in a process of its own; its exit code."""
        with self.started(at, port=port, limit=limit, program=program) as process:
            process.communicate(timeout=120)
            return process.returncode

    def started(
        self,
        at: str,
        *,
        port: int | None = None,
        limit: Callable[[], None] | None = None,
        program: Sequence[str] = PROGRAM,
    ) -> "subprocess.Popen[str]":
        asked = {name: text for name, text in os.environ.items() if not name.startswith("MTUM_")}
        mail = {
            "HOST": "127.0.0.1",
            "PORT": str(port or self.inbox.port),
            "SECURITY": "none",
            "SENDER": "m@example.org",
        }
        asked |= {f"MTUM_MAIL__{name}": text for name, text in mail.items()}
        asked |= {"MTUM_MAIL__RECIPIENTS": '["owner@example.org"]', "MTUM_MAIL__TIMEOUT_SECONDS": "3"}
        config = self.folder / "config.toml"
        config.touch()
        words = ["--config", str(config), "--data-dir", str(self.data), "run", "--if-due", "--as-of", at]
        return subprocess.Popen(
            [sys.executable, *program, *words],
            cwd=ROOT,
            env=asked,
            preexec_fn=limit,  # noqa: PLW1509  # one thread only: nothing can be torn by the fork
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def orders(self) -> int:
        """Orders that reached the exchange, by the exchange's own file."""
        return len(exchange_in(self.data).orders)

    @property
    def subjects(self) -> list[str]:
        return [str(mail["Subject"]).strip() for _, mail in self.inbox.mails]  # a long one is folded

    def outcome(self) -> str:
        """How the timetable's row of the decision stands."""
        with closing(open_read_only(self.data / "mtum.db")) as connection:
            sql = "SELECT outcome FROM replayed_runs WHERE job = 'decide_and_order' AND session = '2026-11-23'"
            row = connection.execute(sql).fetchone()
        return str(row and row[0])


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation that was looked at once, in the morning."""
    folder = tmp_path_factory.mktemp("morning")
    with mail_server() as inbox:
        assert Place(folder, inbox).look(MORNING) == 0
        assert inbox.mails == []
    return folder


@pytest.fixture
def place(morning: Path, tmp_path: Path) -> Iterator[Place]:
    with mail_server() as inbox:
        yield Place(Path(shutil.copytree(morning, tmp_path, dirs_exist_ok=True)), inbox)


@pytest.fixture(scope="module", autouse=True)
def table() -> Iterator[None]:
    yield
    sys.__stdout__.write("\nfault | outcome | orders | told\n") if sys.__stdout__ else None
    for row in TABLE:
        sys.__stdout__.write(" | ".join(row) + "\n") if sys.__stdout__ else None


def note(fault: str, outcome: str, place: Place) -> None:
    TABLE.append((fault, outcome, str(place.orders), "; ".join(place.subjects)))


def test_a_full_disk_sends_nothing_tells_it_and_is_overcome(place: Place) -> None:
    def full() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    code = place.look(WINDOW, limit=full)
    assert code == 3
    assert place.orders == 0
    assert place.subjects == ["ACTION: the database cannot be used [PRACTICE]"]
    assert place.look(WINDOW) == 0
    assert place.orders == 1
    note("disk full for a while in the window", f"exit {code}, then exit 0", place)


HOLDER = """
import sqlite3, sys, time
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
sys.stdin.readline()
"""


@contextmanager
def held_for(database: Path, seconds: float, *, throughout: bool = True) -> Iterator[None]:
    """A process of its own that keeps the database locked for so long, and until the block is over if `throughout`."""
    words = [sys.executable, "-c", HOLDER, str(database), str(seconds)]
    told = subprocess.PIPE if throughout else subprocess.DEVNULL
    with subprocess.Popen(words, stdin=told, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield
            process.communicate("over\n" if throughout else None, timeout=60)
        finally:
            process.kill()


def test_a_database_locked_for_a_moment_is_waited_for(place: Place) -> None:
    with held_for(place.data / "mtum.db", 3, throughout=False):
        assert place.look(WINDOW) == 0
    assert place.orders == 1
    assert place.subjects == ["ORDER: BUY 18 MTUM for 2018-01-03 [PRACTICE]"]
    note("database locked by another process for 3 s", "waited for, exit 0", place)


@pytest.mark.parametrize("seconds", [0, pytest.param(30, marks=pytest.mark.full)])
def test_a_locked_database_is_told_and_tried_again_until_it_is_free(place: Place, seconds: int) -> None:
    """Our patience ends after 5 s; the next looks of the same window do the work."""
    codes = []
    with held_for(place.data / "mtum.db", seconds):
        codes.append(place.look(WINDOW))
        assert place.orders == 0
    while codes[-1]:
        codes.append(place.look(WINDOW))
        assert len(codes) < 10
    assert set(codes[:-1]) == {3}
    assert place.orders == 1
    # Told once an hour, not at every look.
    assert place.subjects == [
        "ACTION: the database cannot be used [PRACTICE]",
        "ORDER: BUY 18 MTUM for 2018-01-03 [PRACTICE]",
    ]
    note(f"database locked by another process for {seconds or 'some'} s", f"exit {codes}", place)


@pytest.mark.full
def test_a_database_locked_beyond_the_deadline_is_missed_and_told(place: Place) -> None:
    with held_for(place.data / "mtum.db", 0):
        assert place.look(WINDOW) == 3
    assert place.look(LATE) == 4
    assert (place.outcome(), place.orders) == ("missed", 0)
    assert place.subjects[0] == "ACTION: the database cannot be used [PRACTICE]"
    assert place.subjects[1].startswith("ALERT: missed decide_and_order")
    note("database locked until the deadline has passed", "exit 3, then missed, exit 4", place)


@pytest.mark.full
def test_a_database_that_may_not_grow_sends_nothing_and_is_told(place: Place) -> None:
    """SQLite's own limit of pages stands for a quota; it holds for the connections of one process."""
    limited = """
import sqlite3, sys
from mtum.adapters.store import database
plain = database.connect
def connect(path):
    found = plain(path)
    found.execute(f"PRAGMA max_page_count = {found.execute('PRAGMA page_count').fetchone()[0]}")
    return found
from mtum.adapters.store import opening
database.connect = opening.connect = connect
from mtum.__main__ import main
main()
"""
    code = place.look(WINDOW, program=("-c", limited))
    assert code == 3
    assert place.orders == 0
    refused = "ACTION: decide_and_order of 2018-01-03: data not fit to decide [PRACTICE]"
    assert refused in place.subjects or place.subjects == ["ACTION: the database cannot be used [PRACTICE]"]
    assert place.look(WINDOW_LATER) == 0
    assert place.orders == 1
    note("database at its limit of pages", f"exit {code}, then exit 0", place)


def without_override() -> None:
    """Take the right to ignore permissions from root; nobody else has it."""
    drop_from_bounding_set, ignore_permissions = 24, 1
    ctypes.CDLL(None).prctl(drop_from_bounding_set, ignore_permissions, 0, 0, 0)


@pytest.mark.parametrize(
    ("names", "rights"),
    [pytest.param("mtum.db*", 0o444, marks=pytest.mark.full, id="file"), pytest.param("", 0o555, id="folder")],
)
def test_a_database_that_cannot_be_written_sends_nothing_and_is_told(place: Place, names: str, rights: int) -> None:
    kept = {path: path.stat().st_mode for path in (place.data.glob(names) if names else [place.data])}
    for path in kept:
        path.chmod(rights)
    code = place.look(WINDOW, limit=without_override)
    for path, mode in kept.items():
        path.chmod(mode)
    assert code == 3
    assert place.orders == 0
    assert place.subjects == ["ACTION: the database cannot be used [PRACTICE]"]
    assert place.look(WINDOW) == 0
    assert place.orders == 1
    note(f"{'database file' if names else 'data folder'} read-only for a while", f"exit {code}, then exit 0", place)


def test_a_kill_between_the_servers_yes_and_our_record_shows_the_mail_once(place: Place) -> None:
    """The server has the mail, we do not know it: it is sent again under the same Message-ID."""
    process = place.started(WINDOW)
    place.inbox.on_mail = lambda: process.send_signal(signal.SIGKILL)
    with process:
        process.communicate(timeout=60)
    assert process.returncode == -9
    place.inbox.on_mail = lambda: None
    assert place.look(WINDOW) == 0
    assert place.subjects == ["ORDER: BUY 18 MTUM for 2018-01-03 [PRACTICE]"] * 2
    assert len({mail["Message-ID"] for _, mail in place.inbox.mails}) == 1
    assert place.look(WINDOW) == 0
    assert len(place.inbox.mails) == 2
    note("kill -9 after the mail server's yes", "sent again under the same Message-ID", place)


@pytest.mark.full
def test_a_damaged_database_sends_nothing_and_is_told(place: Place) -> None:
    whole = (place.data / "mtum.db").read_bytes()
    for side in ("-wal", "-shm"):
        (place.data / f"mtum.db{side}").unlink(missing_ok=True)
    (place.data / "mtum.db").write_bytes(b"not a database " * 1000)
    assert place.look(WINDOW) == 3
    assert place.orders == 0
    assert place.subjects == ["ACTION: the database cannot be used [PRACTICE]"]
    (place.data / "mtum.db").write_bytes(whole)
    assert place.look(WINDOW) == 0
    note("database damaged, then restored", "exit 3, then exit 0", place)


def test_a_mail_server_down_for_a_day_loses_and_doubles_nothing(place: Place) -> None:
    assert place.look(WINDOW, port=closed_port()) == 8
    assert place.orders == 1
    assert place.look("2026-11-23T21:50:00Z", port=closed_port()) == 8
    codes = [place.look("2026-11-24T15:00:00Z") for _ in range(2)]
    assert codes[1] == 0
    assert len(place.subjects) == len(set(place.subjects))
    assert place.subjects[0] == "ORDER: BUY 18 MTUM for 2018-01-03 [PRACTICE]"
    assert any("BOUGHT 18" in subject for subject in place.subjects)
    note("mail server down for a day", "exit 8 until it is back", place)


@pytest.mark.parametrize(
    "after_seconds", [0.9, *(pytest.param(seconds, marks=pytest.mark.full) for seconds in (0.35, 0.6, 1.1, 1.3, 1.6))]
)
def test_kill_9_in_the_middle_of_the_decision_orders_once(place: Place, after_seconds: float) -> None:
    with place.started(WINDOW) as process:
        time.sleep(after_seconds)  # noqa: TID251  # the moment of the kill
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
    assert place.look(WINDOW) == 0
    assert place.orders == 1
    assert place.outcome() == "finished"
    assert place.subjects.count("ORDER: BUY 18 MTUM for 2018-01-03 [PRACTICE]") == 1
    note(f"kill -9 {after_seconds} s after the start, started again in time", place.outcome(), place)


@pytest.mark.full
def test_killed_and_not_started_again_in_time_is_missed_and_told(place: Place) -> None:
    with place.started(WINDOW) as process:
        time.sleep(0.3)  # noqa: TID251  # the moment of the kill
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
    before = place.orders
    assert place.look(LATE) == 4
    assert place.outcome() == "missed"
    assert place.orders == before
    assert any(subject.startswith("ALERT: missed decide_and_order") for subject in place.subjects)
    note("kill -9, started again after the deadline", "missed, exit 4", place)


@pytest.mark.full
def test_a_clock_an_hour_ahead_and_set_right_still_trades_once(place: Place) -> None:
    assert place.look("2026-11-23T21:05:00Z") == 4
    assert place.look(WINDOW) == 0
    assert place.orders == 1
    note("clock an hour ahead, then set right", place.outcome(), place)


@pytest.mark.full
def test_a_clock_an_hour_behind_after_the_run_repeats_nothing(place: Place) -> None:
    assert place.look(WINDOW) == 0
    for at in ("2026-11-23T19:40:00Z", "2026-11-23T20:38:00Z", WINDOW):
        assert place.look(at) == 0
    assert place.orders == 1
    note("clock set back an hour after the run", place.outcome(), place)


def test_two_looks_at_the_same_time_order_once(place: Place) -> None:
    both = [place.started(WINDOW) for _ in range(2)]
    codes = sorted(process.wait(60) for process in both)
    for process in both:
        process.communicate()
    assert codes in ([0, 0], [0, 9])
    assert place.orders == 1
    assert place.subjects.count("ORDER: BUY 18 MTUM for 2018-01-03 [PRACTICE]") == 1
    note("two processes at the same time", f"exit codes {codes}", place)
