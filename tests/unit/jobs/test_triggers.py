import os
import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs import JOBS
from jobs.scheduler import HEARTBEAT_SECONDS, Heartbeat, JobScheduler, SessionTrigger, notify, watchdog_seconds
from mtum.app.service.outbox import Flushed
from mtum.app.service.run_due import DueRun
from mtum.app.service.schedule import timetable
from mtum.config import Schedule
from mtum.core.market.calendars import NEW_YORK
from mtum.errors import ExitCode
from support.run_contexts import Calendar, Wall, new_york
from support.values import replace

SLOTS = timetable(Schedule())
DECIDE = next(slot for slot in SLOTS if slot.job == "decide_and_order")


def fires(slot_name: str, after: str, count: int) -> list[str]:
    slot = next(one for one in SLOTS if f"{one.job}/{one.name}".rstrip("/") == slot_name)
    trigger, found, previous = SessionTrigger(slot, SLOTS, Calendar(("2025-01-09",))), [], None
    for _ in range(count):
        previous = trigger.get_next_fire_time(previous, new_york(after))
        assert previous is not None
        found.append(f"{previous.astimezone(NEW_YORK):%Y-%m-%d %H:%M}")
    return found


def test_the_decision_is_woken_by_the_close_of_half_days_and_over_holidays() -> None:
    assert fires("decide_and_order", "2024-11-27 12:00", 3) == [
        "2024-11-27 15:38",
        "2024-11-29 12:38",
        "2024-12-02 15:38",
    ]


def test_an_announced_closure_is_skipped() -> None:
    assert fires("decide_and_order", "2025-01-08 23:00", 1) == ["2025-01-10 15:38"]


def test_a_trigger_asked_at_its_own_minute_fires_then() -> None:
    assert fires("decide_and_order", "2024-05-15 15:38", 2) == ["2024-05-15 15:38", "2024-05-16 15:38"]


def test_the_end_of_a_quarter_is_found_three_months_ahead() -> None:
    assert fires("review/quarter", "2024-04-01 09:00", 2) == ["2024-06-28 17:02", "2024-09-30 17:02"]


def test_no_slot_is_without_a_job_and_no_job_without_a_slot() -> None:
    assert {slot.job for slot in SLOTS} == set(JOBS)


def test_a_slot_past_the_calendar_fires_no_more() -> None:
    trigger = SessionTrigger(DECIDE, SLOTS, Calendar())
    assert trigger.get_next_fire_time(None, datetime(2027, 6, 1, tzinfo=UTC)) is None


def beats(minutes: list[float]) -> list[bool]:
    begin = new_york("2024-05-15 12:00")
    pulse = Heartbeat(begin)
    found = []
    at = begin
    for minute in minutes:
        at += timedelta(minutes=minute)
        found.append(pulse.due(at))
    return found


def test_a_steady_heartbeat_looks_at_nothing() -> None:
    assert beats([0.5] * 10) == [False] * 10


def test_sleep_and_a_clock_set_back_are_noticed_at_the_next_heartbeat() -> None:
    assert beats([0.5, 480, 0.5]) == [False, True, False]
    assert beats([0.5, -60, 0.5]) == [False, True, False]


def ended(code: ExitCode, failed: tuple[tuple[str, str], ...] = ()) -> DueRun:
    return DueRun(new_york("2024-05-15 12:00"), (), Flushed(0, failed), code)


@pytest.mark.parametrize(
    ("found", "beats_until_next_look"),
    [
        (ended(ExitCode.BROKER), 2),
        (ended(ExitCode.LOCKED), 2),
        (None, 2),
        (ended(ExitCode.NOTIFY, (("mail", "down"),)), 10),
        (replace(ended(ExitCode.DONE), at=new_york("2018-01-03 15:37")), 1),  # by a practice gateway's time
    ],
)
def test_what_failed_is_looked_at_again_in_time(found: DueRun | None, beats_until_next_look: int) -> None:
    at = new_york("2024-05-15 12:00")
    pulse = Heartbeat(at)
    pulse.after(found, at)
    looked = []
    for _ in range(12):
        at += timedelta(seconds=HEARTBEAT_SECONDS)
        looked.append(pulse.due(at))
    assert looked.index(True) + 1 == beats_until_next_look
    assert looked.count(True) == 1


def test_a_run_that_breaks_leaves_the_scheduler_alive() -> None:
    def broken() -> DueRun:
        raise RuntimeError("oh")

    alarms = JobScheduler(Wall(new_york("2024-05-15 12:00")), Calendar(), SLOTS, broken, lambda at: None)
    alarms.look()
    alarms.look()


def test_a_heartbeat_does_not_wait_for_the_look_it_asks_for() -> None:
    """An unanswered order is searched for longer than systemd's watchdog waits for a sign of life."""
    begun, may_end = threading.Event(), threading.Event()
    beats_told: list[datetime] = []

    def slow() -> DueRun:
        begun.set()
        assert may_end.wait(20)
        return ended(ExitCode.DONE)

    wall = Wall(new_york("2024-05-15 12:00"))
    alarms = JobScheduler(wall, Calendar(), SLOTS, slow, beats_told.append)
    scheduler = alarms.armed()
    scheduler.remove_job("start")
    scheduler.start()
    try:
        wall.at += timedelta(hours=1)  # woken from sleep
        alarms.heartbeat()
        assert begun.wait(10)
        wall.at += timedelta(hours=1)
        alarms.heartbeat()
        assert len(beats_told) == 2
    finally:
        may_end.set()
        scheduler.shutdown()


def test_once_asked_to_stop_no_further_job_is_begun() -> None:
    begun: list[int] = []

    def run() -> DueRun:
        begun.append(1)
        return ended(ExitCode.DONE)

    alarms = JobScheduler(Wall(new_york("2024-05-15 12:00")), Calendar(), SLOTS, run, lambda at: None)
    alarms.look()
    alarms.stopping.set()
    alarms.look()
    assert begun == [1]


def test_every_alarm_is_late_rather_than_dropped_and_never_doubled() -> None:
    scheduler = JobScheduler(
        Wall(new_york("2024-05-15 12:00")), Calendar(), SLOTS, lambda: ended(ExitCode.DONE), lambda at: None
    ).armed()
    scheduler.start(paused=True)
    try:
        armed = {job.id: job for job in scheduler.get_jobs()}
    finally:
        scheduler.shutdown(wait=False)
    assert len(armed) == len(SLOTS) + 2
    assert {(job.misfire_grace_time, job.coalesce, job.max_instances) for job in armed.values()} == {(None, True, 1)}


def test_systemd_gets_one_datagram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as service:
        service.bind(str(path))
        service.settimeout(2)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        assert notify("READY=1\nSTATUS=waiting")
        assert service.recv(100) == b"READY=1\nSTATUS=waiting"
        service.setblocking(False)
        with pytest.raises(BlockingIOError):
            service.recv(100)


def test_a_socket_in_the_abstract_space_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"mtum-test-{os.getpid()}-{threading.get_ident()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as service:
        service.bind("\0" + name)
        service.settimeout(2)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        assert notify("WATCHDOG=1")
        assert service.recv(100) == b"WATCHDOG=1"


def test_without_systemd_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/socket")
    assert not notify("READY=1")


def test_the_watchdog_is_fed_twice_as_often_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "90000000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    assert watchdog_seconds() == 45
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert watchdog_seconds() is None
