"""`kill -9` during every job of the trading day, then started again: one order, one fill, every job told of.

A point is what lasts or what the broker sees: before and after each commit, each file put in place, each
message on the wire, each step of the journal, and the end of the job. The quick part kills every job in its
middle, and in practice near its end; two dozen of each: `pytest -m full tests/scenarios/test_killed_jobs.py`.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mtum.adapters.store.backup import checked
from mtum.config import Settings
from mtum.errors import ExitCode
from support.crash import Running, market_gateway, settings_in
from support.killed_jobs import damage, look, outcomes, points, rows
from support.practice import ENTRY_DAY, exchange_in, play_until, settings_of

MINUTES = (89.9, 29.9, 19.95, 12.9, 8.9, 3.9, -15.1, -30.1, -40.1, -45.1)
JOBS = {
    "rehearse": "rehearse",
    "refresh_bars": "refresh_bars",
    "decide_and_order": "decide_and_order",
    "watch_orders": "watch_orders/second",
    "confirm_fills": "confirm_fills/first",
    "confirm_fills again": "confirm_fills/second",
    "backup": "backup/settled",
    "daily_report": "daily_report",
}
FEES_AT_ONCE = {"commission_seconds": 0}
"""A fee that comes after the lists were asked makes a settlement ask them again: 35 points more."""
ACCEPTED_NOTICE = "SELECT count(*) FROM notifications WHERE subject LIKE 'ORDER:%'"


@dataclass
class Day:
    """What a day of killed jobs left behind."""

    accepted: list[str] = field(default_factory=list)
    died: list[str] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)


def until_done(settings: Settings, folder: Path, at: datetime, kill: dict[str, int], day: Day) -> None:
    """Start again after each death; each job dies once."""
    while (code := look(settings, folder, at, kill)) == -9:
        job, label = (folder / "points.txt").read_text().splitlines()[-1].split(" ", 1)
        day.died.append(f"{job} at {label}")
        del kill[job]
    day.codes.append(code)


def play(gateway: Running, kill: dict[str, int]) -> Day:
    """One day in paper mode, each job killed at its point."""
    day, folder = Day(), gateway.folder
    look(settings_in(folder), folder, gateway.session.before_close(360))  # installed in the morning
    for minutes in MINUTES:
        gateway.tell("clock", session=ENTRY_DAY.isoformat(), minutes_to_close=minutes)
        until_done(settings_in(folder), folder, gateway.session.before_close(minutes), kill, day)
    day.accepted = gateway.accepted()
    return day


def wrong(folder: Path, day: Day) -> list[str]:
    """Everything that must not be after such a day."""
    ledger = outcomes(folder, ENTRY_DAY)
    decided = ledger.get("decide_and_order", (None, None))[1]
    told = [key for (key,) in rows(folder, "SELECT key FROM notifications")]
    found = [f"not sound: {fault}" for fault in damage(folder)]
    found += [f"{job} has no outcome" for job in JOBS.values() if ledger.get(job, (None,))[0] is None]
    silent = [job for job, (_, code) in ledger.items() if code and not any(job.split("/")[0] in key for key in told)]
    found += [f"{job} failed in silence" for job in silent]
    filled = rows(folder, "SELECT side, shares FROM fills")
    expected: list[Any] = [("BUY", 18)] if day.accepted else []
    found += [f"fills {filled} of orders {day.accepted}"] if filled != expected or len(day.accepted) > 1 else []
    found += ["an order is missing"] if not day.accepted and decided != ExitCode.PERSON else []
    found += ["the order was told twice or never"] if rows(folder, ACCEPTED_NOTICE) != [(len(day.accepted),)] else []
    found += ["no report"] if not (folder / "reports" / f"{ENTRY_DAY}.html").exists() else []
    return found


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The points of each job in a day that nobody killed."""
    with market_gateway(tmp_path_factory.mktemp("whole"), behavior=FEES_AT_ONCE) as gateway:
        day = play(gateway, {})
        assert (set(day.codes), day.died, wrong(gateway.folder, day)) == ({0}, [], [])
        return points(gateway.folder)


def target(labels: list[str], share: float) -> int:
    return round(share * (len(labels) - 1))


def check_days(shares: list[float], passed: dict[str, list[str]], tmp_path: Path) -> Counter[str]:
    deaths: Counter[str] = Counter()
    faults: dict[float, list[str]] = {}
    for number, share in enumerate(shares):
        with market_gateway(tmp_path / f"day-{number}", behavior=FEES_AT_ONCE) as gateway:
            kill = {job: target(passed[job], share) for job in JOBS.values()}
            day = play(gateway, kill)
            # After an entry of unknown outcome there is no order to look for.
            assert kill == {} or not day.accepted, (kill, day.died)
            deaths.update(death.split(" at ")[0] for death in day.died)
            if found := wrong(gateway.folder, day):
                faults[share] = [*found, *day.died, str(day.codes), str(outcomes(gateway.folder, ENTRY_DAY))]
    assert faults == {}
    return deaths


def report(deaths: Counter[str], days: int, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\nkilled and started again on {days} days:")
        for job, count in deaths.items():
            print(f"  {job:24} {count:4} deaths; no order doubled or lost, all told of")


def test_every_job_killed_once_a_day_leaves_one_order_and_every_outcome(
    passed: dict[str, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert set(JOBS.values()) <= set(passed)
    deaths = check_days([0.45], passed, tmp_path)
    assert set(deaths) == set(JOBS.values())
    report(deaths, 1, capsys)


@pytest.mark.full
def test_killed_at_two_dozen_points_of_each_job(
    passed: dict[str, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deaths = check_days([number / 23 for number in range(24)], passed, tmp_path)
    report(deaths, 24, capsys)


FRIDAY = date(2026, 11, 27)
CLOSE = datetime(2026, 11, 27, 18, tzinfo=UTC)  # the day after Thanksgiving: 13:00 New York
PRACTICE_MINUTES = (89.9, 21.9, -40.1, -45.1, -60.1, -630.1)
PRACTICE_JOBS = ("rehearse", "decide_and_order", "backup/settled", "daily_report", "review/week", "backup/night")


def practiced(folder: Path, kill: dict[str, int]) -> Day:
    """A day in practice on which the replayed market plays the last session of its week, 2018-01-05."""
    day = Day()
    play_until(folder, date(2018, 1, 4))
    look(settings_of(), folder, CLOSE - timedelta(minutes=200))
    for minutes in PRACTICE_MINUTES:
        until_done(settings_of(), folder, CLOSE - timedelta(minutes=minutes), kill, day)
    return day


def timetable(folder: Path) -> dict[str, str]:
    found = rows(folder, f"SELECT job, slot, outcome FROM replayed_runs WHERE session = '{FRIDAY}'")
    return {f"{job}/{slot}".rstrip("/"): outcome for job, slot, outcome in found}


@pytest.fixture(scope="module")
def practice_points(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    folder = tmp_path_factory.mktemp("practice")
    assert practiced(folder, {}).codes == [0] * len(PRACTICE_MINUTES)
    return points(folder)


# After the last step of the decision another session of the replayed market must not be played: always tried.
@pytest.mark.parametrize(
    "share", [14 / 15, *(pytest.param(number / 15, marks=pytest.mark.full) for number in range(16) if number != 14)]
)
def test_review_and_backup_killed_once_are_done_once_started_again(
    practice_points: dict[str, list[str]], tmp_path: Path, share: float
) -> None:
    kill = {job: target(practice_points[job], share) for job in PRACTICE_JOBS}
    day = practiced(tmp_path, kill)
    assert {death.split(" at ")[0] for death in day.died} == set(PRACTICE_JOBS)
    assert day.codes == [0] * len(PRACTICE_MINUTES), day.died
    assert [timetable(tmp_path)[job] for job in PRACTICE_JOBS] == ["finished"] * len(PRACTICE_JOBS)
    assert len(exchange_in(tmp_path).orders) == 1
    assert damage(tmp_path) == ()
    told = [subject for (subject,) in rows(tmp_path, "SELECT subject FROM notifications")]
    assert len(told) == len(set(told)) == 2, told  # the report and the review
    pages = {path.name for path in (tmp_path / "reports").glob("[!.]*.html")}
    assert len(pages) == 2, pages
    assert "2018-01-05.html" in pages
    copies = sorted((tmp_path / "backups").glob("mtum-*.db"))
    assert len(copies) >= 2
    assert [checked(copy).last_session for copy in copies] == ["2018-01-05"] * len(copies)
