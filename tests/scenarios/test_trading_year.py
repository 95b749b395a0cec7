"""A whole year of the timetable under a clock set by hand: sleep, kills, closures, clock changes."""

import random
from collections import Counter
from datetime import date, datetime, timedelta

import pytest

from mtum.app.desk import RunResult
from mtum.app.service.run_due import run_due
from mtum.app.service.schedule import Wake, timetable, wakes
from mtum.config import Schedule
from mtum.core.market.calendars import NEW_YORK
from mtum.core.market.sessions import Session, Sessions
from support.exchange_sessions import xnys
from support.run_contexts import Calendar, Office, Wall, new_york

CLOSED = ("2025-01-09",)  # a day of mourning, announced days before
SLOTS = timetable(Schedule())


def year(begin: str, end: str) -> tuple[list[Wake], Sessions]:
    sessions = xnys("2023-10-02", "2027-03-31", CLOSED)
    wanted = [session for session in sessions if begin <= session.day.isoformat() <= end]
    return sorted(wake for session in wanted for wake in wakes(session, sessions, SLOTS)), sessions


def awake(begin: str) -> Office:
    desk = Office(Wall(new_york(f"{begin} 00:00")), calendar=Calendar(CLOSED))
    run_due(desk.context())
    return desk


def offset(started: datetime, day: date, sessions: Sessions) -> str:
    session = sessions.get(day)
    assert session is not None
    minutes = round((started - session.close).total_seconds() / 60)
    return f"C{minutes:+d}" if abs(minutes) < 120 else f"{started.astimezone(NEW_YORK):%a %H:%M}"


@pytest.mark.parametrize(
    ("begin", "count"),
    [
        # The clock change of November, two half days, the turn of the year and the day of mourning.
        ("2024-10-28", 51),
        # 252 sessions, and of 2025 the 2nd, 3rd, 6th, 7th, 8th and 10th.
        pytest.param("2024-01-02", 252 + 6, marks=pytest.mark.full),
    ],
    ids=["winter", "year"],
)
def test_every_job_starts_once_per_session_at_its_offset_through_2024(
    capsys: pytest.CaptureFixture[str], begin: str, count: int
) -> None:
    calls, sessions = year(begin, "2025-01-10")
    desk = awake(str(date.fromisoformat(begin) - timedelta(days=1)))
    for wake in calls:
        desk.wall.wait_until(wake.at)
        run_due(desk.context())
    assert Counter((day, job, slot) for _, job, slot, day in desk.starts) == Counter(wake.key for wake in calls)
    table = Counter((f"{job}/{slot}".rstrip("/"), offset(at, day, sessions)) for at, job, slot, day in desk.starts)
    with capsys.disabled():
        print(f"\nstarts from {begin} to 2025-01-10, by offset from each session's own close")
        for (name, when), starts in sorted(table.items()):
            print(f"  {name:24} {when:>10} {starts:4}")
    assert len([session for session in sessions if begin <= session.day.isoformat() <= "2025-01-10"]) == count
    assert table["decide_and_order", "C-22"] == count
    assert table["rehearse", "C-90"] == count
    assert table["daily_report", "C+45"] == count
    assert desk.box.taken == []
    assert date(2025, 1, 9) not in {day for _, _, _, day in desk.starts}


@pytest.mark.parametrize("wake_after_minutes", [-1, 5])
@pytest.mark.parametrize(
    "days", [("2024-11-29",), pytest.param(("2024-11-25", "2024-11-26", "2024-11-27"), marks=pytest.mark.full)]
)
def test_a_machine_asleep_over_any_wake_of_a_week_runs_what_still_may_and_reports_the_rest(
    days: tuple[str, ...], wake_after_minutes: int
) -> None:
    """Asleep from five minutes before a wake until one minute before, or five after, its deadline."""
    calls, _ = year("2024-11-25", "2024-11-29")  # Thanksgiving and a half day
    over = [wake for wake in calls if wake.session.isoformat() in days]
    assert len(over) >= 10 * len(days)
    for asleep in over:
        desk = awake("2024-11-24")
        woken = asleep.deadline + timedelta(minutes=wake_after_minutes)
        for wake in [one for one in calls if one.at < asleep.at - timedelta(minutes=5)]:
            desk.wall.wait_until(wake.at)
            run_due(desk.context())
        desk.wall.wait_until(woken)
        run_due(desk.context())
        record = desk.store.runs.run_of(asleep.job, asleep.slot, asleep.session)
        assert record is not None
        if wake_after_minutes < 0:
            assert record.outcome in ("finished", "superseded"), asleep
        else:
            assert record.outcome in ("missed", "superseded"), asleep
            told = "\n".join(message.text for message in desk.box.taken)
            assert record.outcome == "superseded" or f"{asleep.job}" in told
        assert late(desk, calls) == []


def late(desk: Office, calls: list[Wake]) -> list[str]:
    deadlines = {wake.key: wake.deadline for wake in calls}
    return [f"{job} {day}" for at, job, slot, day in desk.starts if at > deadlines.get((day, job, slot), at)]


class Killed(BaseException):
    """The process ends here; nothing after it is written."""


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.full) for seed in range(1, 4))])
def test_killed_at_random_no_job_is_done_twice_none_is_lost_in_silence_none_is_late(seed: int) -> None:
    """Fifty kills per seed, each in the middle of a job or between two; restarted after up to three hours."""
    draw = random.Random(seed)
    calls, _ = year("2024-01-16", "2024-03-28")
    desk = awake("2024-01-14")
    finished: Counter[tuple[date, str, str]] = Counter()

    def killed_halfway(job: str) -> None:
        def duty(session: Session, slot: str) -> RunResult:
            desk.wall.at += timedelta(seconds=draw.randrange(1, 240))
            if kills[0] < 50 and draw.random() < 0.12:
                kills[0] += 1
                raise Killed
            finished[session.day, job, slot] += 1
            return RunResult()

        desk.answers[job] = duty

    kills = [0]
    for job in {wake.job for wake in calls}:
        killed_halfway(job)
    for wake in calls:
        desk.wall.wait_until(wake.at)
        try:
            run_due(desk.context())
        except Killed:
            desk.store.held = False  # the kernel lets go of a dead process's lock
            desk.wall.at += timedelta(minutes=draw.choice([0, 1, 2, 30, 180]))
    assert kills[0] == 50
    desk.wall.at += timedelta(days=5)
    run_due(desk.context())
    assert max(finished.values()) == 1
    told = "\n".join(message.text for message in desk.box.taken)
    for wake in calls:
        record = desk.store.runs.run_of(wake.job, wake.slot, wake.session)
        assert record is not None, wake
        assert record.outcome in ("finished", "missed", "superseded")
        assert (record.outcome == "finished") == (finished[wake.key] == 1)
        assert record.outcome != "missed" or f"{wake.job}" in told
    assert late(desk, calls) == []
