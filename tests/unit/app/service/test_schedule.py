from datetime import UTC, datetime, timedelta

import pytest

from mtum.app.service.schedule import Wake, due, timetable, upcoming, wakes
from mtum.config import Schedule
from mtum.core.market.calendars import NEW_YORK
from support.exchange_sessions import day, xnys

SLOTS = timetable(Schedule())
YEAR = xnys("2023-12-01", "2025-01-31", closed=("2025-01-09",))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)


def of(session: str) -> dict[str, str]:
    found = YEAR.get(day(session))
    assert found is not None
    return {
        f"{wake.job}/{wake.slot}".rstrip("/"): f"{wake.at.astimezone(NEW_YORK):%a %H:%M}"
        for wake in wakes(found, YEAR, SLOTS)
    }


def wake(session: str, job: str, slot: str = "") -> Wake:
    found = YEAR.get(day(session))
    assert found is not None
    return next(wake for wake in wakes(found, YEAR, SLOTS) if (wake.job, wake.slot) == (job, slot))


def test_a_full_session_has_the_times_of_the_design() -> None:
    assert of("2024-05-15") == {
        "rehearse": "Wed 14:30",
        "refresh_bars": "Wed 15:30",
        "decide_and_order": "Wed 15:38",
        "watch_orders/first": "Wed 15:47",
        "watch_orders/second": "Wed 15:51",
        "watch_orders/third": "Wed 15:56",
        "confirm_fills/first": "Wed 16:15",
        "confirm_fills/second": "Wed 16:30",
        "backup/settled": "Wed 16:40",
        "daily_report": "Wed 16:45",
        "backup/night": "Wed 23:30",
    }


def test_options_add_two_looks_in_the_morning_and_the_management_of_their_orders() -> None:
    slots = timetable(Schedule(), options=True)
    assert [slot for slot in slots if slot.job not in ("option_events", "manage_options")] == list(SLOTS)
    added = [slot for slot in slots if slot not in SLOTS]
    assert [(slot.job, slot.name) for slot in added] == [
        ("option_events", "first"),
        ("option_events", "second"),
        ("manage_options", ""),
    ]
    half_day = YEAR.get(day("2024-07-03"))
    assert half_day is not None
    moments = {
        (wake.job, wake.slot): tuple(f"{one.astimezone(NEW_YORK):%H:%M}" for one in (wake.at, wake.deadline))
        for wake in wakes(half_day, YEAR, added)
    }
    # In the morning by New York's clock, at the end by the session's own close, 13:00 here.
    assert moments == {
        ("option_events", "first"): ("09:45", "10:10"),
        ("option_events", "second"): ("10:15", "12:00"),
        ("manage_options", ""): ("12:43", "12:57"),
    }


def test_a_half_day_moves_everything_with_its_close() -> None:
    assert of("2024-07-03")["decide_and_order"] == "Wed 12:38"
    assert of("2024-11-29")["daily_report"] == "Fri 13:45"


def test_daylight_saving_moves_utc_and_not_new_york() -> None:
    before, after = wake("2024-03-08", "decide_and_order").at, wake("2024-03-11", "decide_and_order").at
    assert (before.hour, after.hour) == (20, 19)
    assert of("2024-03-08")["decide_and_order"][4:] == of("2024-03-11")["decide_and_order"][4:]


def test_the_login_of_a_week_whose_monday_is_a_holiday_belongs_to_tuesday() -> None:
    tuesday = of("2024-05-28")
    assert tuesday["rehearse/login_sunday"] == "Sun 18:00"
    assert tuesday["rehearse/login_monday"] == "Mon 08:00"
    assert wake("2024-05-28", "rehearse", "login_sunday").at == at("2024-05-26 18:00")


def test_the_login_on_the_night_of_the_clock_change_is_still_at_eighteen() -> None:
    assert wake("2024-03-11", "rehearse", "login_sunday").at == datetime(2024, 3, 10, 22, tzinfo=UTC)
    assert wake("2024-11-04", "rehearse", "login_sunday").at == datetime(2024, 11, 3, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("session", "kinds"),
    [
        ("2024-05-16", set()),
        ("2024-05-17", {"week"}),
        ("2024-03-28", {"week", "month", "quarter"}),  # Good Friday follows
        ("2024-05-31", {"week", "month"}),
        ("2024-07-31", {"month"}),
        ("2024-12-31", {"month", "quarter"}),
    ],
)
def test_reviews_come_with_the_last_session_of_their_period(session: str, kinds: set[str]) -> None:
    assert {name.partition("/")[2] for name in of(session) if name.startswith("review")} == kinds


def test_an_overridden_closure_has_no_wakes() -> None:
    begin, end = at("2025-01-08 23:59"), at("2025-01-10 00:00")
    found = [wake for session in YEAR for wake in wakes(session, YEAR, SLOTS) if begin < wake.at < end]
    assert found == []


def test_other_settings_move_the_window_and_what_precedes_it() -> None:
    slots = timetable(Schedule(window_opens_minutes=40, snapshot_minutes=38))
    found = YEAR.get(day("2024-05-15"))
    assert found is not None
    times = {wake.job: found.close - wake.at for wake in reversed(wakes(found, YEAR, slots))}
    assert times["decide_and_order"] == timedelta(minutes=40)
    assert times["refresh_bars"] == timedelta(minutes=48)
    assert times["rehearse"] == timedelta(minutes=90)


def names(found: tuple[Wake, ...]) -> list[str]:
    return [f"{wake.job}/{wake.slot}".rstrip("/") for wake in found]


SPAN = xnys("2024-05-06", "2024-05-24")
MORNING = at("2024-05-15 09:00")


def test_a_job_is_due_from_its_time_to_its_deadline() -> None:
    ledger = {wake("2024-05-15", "rehearse").key, wake("2024-05-15", "refresh_bars").key}
    assert names(due(at("2024-05-15 15:37:59"), SPAN, ledger, SLOTS, MORNING).ready) == []
    assert names(due(at("2024-05-15 15:38:00"), SPAN, ledger, SLOTS, MORNING).ready) == ["decide_and_order"]
    assert names(due(at("2024-05-15 15:45:00"), SPAN, ledger, SLOTS, MORNING).ready) == ["decide_and_order"]
    late = due(at("2024-05-15 15:45:01"), SPAN, ledger, SLOTS, MORNING)
    assert (names(late.ready), names(late.missed)) == ([], ["decide_and_order"])


def test_what_is_in_the_ledger_is_not_due_again() -> None:
    now = at("2024-05-15 15:40")
    ledger = {key.key for key in due(now, SPAN, (), SLOTS, MORNING).ready}
    again = due(now, SPAN, ledger, SLOTS, MORNING)
    assert again.ready == ()


def test_a_machine_asleep_from_noon_to_midnight_settles_and_reports_the_missed_decision() -> None:
    found = due(at("2024-05-16 00:10"), SPAN, (), SLOTS, MORNING)
    assert names(found.ready) == ["confirm_fills/second", "backup/settled", "daily_report", "backup/night"]
    assert names(found.superseded) == ["confirm_fills/first"]
    assert names(found.missed) == [
        "rehearse",
        "refresh_bars",
        "decide_and_order",
        "watch_orders/first",
        "watch_orders/second",
        "watch_orders/third",
    ]


def test_a_new_installation_has_missed_nothing() -> None:
    now = at("2024-05-15 15:39")
    found = due(now, SPAN, (), SLOTS, since=now)
    assert names(found.missed) == []
    assert names(found.ready) == ["decide_and_order"]


def test_a_later_look_at_orders_replaces_an_earlier_one() -> None:
    found = due(at("2024-05-15 15:52"), SPAN, (), SLOTS, at("2024-05-15 15:46"))
    assert names(found.superseded) == ["watch_orders/first"]
    assert names(found.ready) == ["watch_orders/second"]


def test_reports_of_a_day_may_be_written_until_the_next_rehearsal() -> None:
    report = wake("2024-05-17", "daily_report")
    assert report.deadline == at("2024-05-20 14:30")


def test_upcoming_counts_sessions_and_lists_in_time_order() -> None:
    found = upcoming(at("2024-05-15 15:40"), xnys("2024-05-01", "2024-06-28"), 2, SLOTS)
    assert {wake.session for wake in found} == {day("2024-05-15"), day("2024-05-16")}
    assert names(found)[:2] == ["watch_orders/first", "watch_orders/second"]
    assert list(found) == sorted(found)
