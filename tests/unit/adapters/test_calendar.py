"""The exchange's sessions: closures, half days, explicit bounds, local overrides, a file for the next process."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from mtum.adapters import calendar
from mtum.adapters.calendar import ExchangeCalendar, read_overrides, version_of
from mtum.core.market.calendars import Overrides
from mtum.errors import CalendarMismatchError, ConfigError

CALENDAR = ExchangeCalendar()


@pytest.mark.parametrize(
    "day",
    [
        date(2012, 10, 29),  # hurricane Sandy
        date(2012, 10, 30),
        date(2018, 12, 5),  # mourning for G. H. W. Bush
        date(2025, 1, 9),  # mourning for J. Carter
        date(2024, 3, 29),  # Good Friday
        date(2022, 6, 20),  # Juneteenth, observed
    ],
)
def test_the_exchange_is_shut_on_known_closures(day: date) -> None:
    assert len(CALENDAR.sessions(day, day)) == 0


@pytest.mark.parametrize("day", [date(2024, 12, 24), date(2024, 7, 3), date(2024, 11, 29), date(2025, 7, 3)])
def test_known_half_days_close_at_one_in_new_york(day: date) -> None:
    (session,) = CALENDAR.sessions(day, day)
    utc_hour = 17 if day.month == 7 else 18
    assert session.close == datetime(day.year, day.month, day.day, utc_hour, 0, tzinfo=UTC)
    assert session.half_day


def test_a_full_session_runs_from_half_past_nine_to_four_in_new_york() -> None:
    (summer,) = CALENDAR.sessions(date(2024, 6, 28), date(2024, 6, 28))
    (winter,) = CALENDAR.sessions(date(2024, 1, 12), date(2024, 1, 12))
    assert (summer.open.hour, summer.open.minute, summer.close.hour) == (13, 30, 20)
    assert (winter.open.hour, winter.open.minute, winter.close.hour) == (14, 30, 21)


def test_a_year_has_252_sessions_and_a_later_question_reaches_further() -> None:
    calendar = ExchangeCalendar()
    assert len(calendar.sessions(date(2024, 1, 1), date(2024, 12, 31))) == 252
    assert len(calendar.sessions(date(2031, 1, 1), date(2031, 12, 31))) in (250, 251, 252)
    assert len(calendar.sessions(date(2012, 1, 1), date(2012, 12, 31))) == 250


def test_an_empty_interval_has_no_sessions() -> None:
    assert len(CALENDAR.sessions(date(2024, 1, 3), date(2024, 1, 2))) == 0


def test_sessions_before_the_calendar_begins_are_refused() -> None:
    for first, last in ((date(1989, 12, 1), date(1990, 2, 1)), (date(2026, 3, 1), date(9999, 12, 31))):
        with pytest.raises(CalendarMismatchError, match="knows 1990-01-01 to 2199-12-31"):
            CALENDAR.sessions(first, last)


def test_overrides_close_and_shorten_sessions() -> None:
    calendar = ExchangeCalendar(Overrides(frozenset({date(2026, 3, 4)}), {date(2026, 3, 5): time(13)}))
    found = calendar.sessions(date(2026, 3, 3), date(2026, 3, 5))
    assert [session.day.day for session in found] == [3, 5]
    assert found.known[1].half_day


def test_an_override_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "overrides.toml"
    path.write_text("closed = [2026-03-04]\n[early_close]\n2026-03-05 = 13:00:00\n")
    found = read_overrides(path)
    assert found == Overrides(frozenset({date(2026, 3, 4)}), {date(2026, 3, 5): time(13)})
    assert read_overrides(None) == Overrides()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("closed = 2026-03-04", "closed must be a list of dates"),
        ('closed = ["soon"]', "closed must be a list of dates"),
        ("[early_close]\n2026-03-05 = 13", "write 2025-07-03 = 13:00:00"),
        ("[early_close]\nsoon = 13:00:00", "write 2025-07-03 = 13:00:00"),
        ("[early_close]\n2026-03-05 = 01:00:00", "not between 09:30 and 16:00"),
        ("[early_close]\n2026-03-05 = 16:30:00", "not between 09:30 and 16:00"),
        ("clsed = []", "unknown key clsed"),
        ("closed = [", "not valid TOML"),
    ],
)
def test_a_wrong_override_file_is_refused_with_the_reason(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "overrides.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_overrides(path)


def test_a_missing_override_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_overrides(tmp_path / "none.toml")


SPAN = (date(2018, 11, 20), date(2019, 1, 5))
NEXT_PROCESS = """
import sys
from datetime import date
from pathlib import Path
from mtum.adapters.calendar import ExchangeCalendar
found = ExchangeCalendar(file=Path(sys.argv[1])).sessions(date(2018, 11, 20), date(2019, 1, 5))
print(len(found), *(session.day for session in found if session.half_day), "pandas" in sys.modules)
"""


@pytest.fixture
def forgetful() -> Iterator[None]:
    """What this process knows of the sessions it has asked for is forgotten: it stands for the next one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calendar, "_sessions_of", calendar._sessions_of.__wrapped__)
        yield


def next_process(file: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", NEXT_PROCESS, str(file)], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.split()


@pytest.mark.usefixtures("forgetful")
def test_the_next_process_has_the_same_sessions_without_the_library(tmp_path: Path) -> None:
    file = tmp_path / "sessions.json"
    first = ExchangeCalendar(file=file).sessions(*SPAN)
    assert first == ExchangeCalendar(file=file).sessions(*SPAN) == ExchangeCalendar().sessions(*SPAN)
    # Summer time, with the half day before Independence Day.
    summer = date(2018, 7, 2), date(2018, 7, 6)
    assert ExchangeCalendar(file=file).sessions(*summer) == ExchangeCalendar().sessions(*summer)
    # 20 November to 4 December: 10 sessions without Thanksgiving; 31 days in all less weekends, the mourning of
    # the fifth, Christmas and New Year.
    assert next_process(file) == ["30", "2018-11-23", "2018-12-24", "False"]


@pytest.mark.usefixtures("forgetful")
def test_what_is_announced_later_holds_over_the_kept_sessions(tmp_path: Path) -> None:
    file = tmp_path / "sessions.json"
    ExchangeCalendar(file=file).sessions(*SPAN)
    shut = Overrides(frozenset({date(2018, 11, 27)}))
    assert ExchangeCalendar(shut, file).sessions(*SPAN).get(date(2018, 11, 27)) is None
    assert ExchangeCalendar(file=file).sessions(*SPAN).get(date(2018, 11, 27)) is not None


@pytest.mark.parametrize(
    "damage", [lambda _: "", lambda _: "{", lambda text: text.replace('["2018-11-21"', '["2018-11-25"')]
)
@pytest.mark.usefixtures("forgetful")
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: Callable[[str], str]) -> None:
    file = tmp_path / "sessions.json"
    ExchangeCalendar(file=file).sessions(*SPAN)
    whole = file.read_text(encoding="ascii")
    file.write_text(damage(whole), encoding="ascii")
    assert ExchangeCalendar(file=file).sessions(*SPAN) == ExchangeCalendar().sessions(*SPAN)
    assert file.read_text(encoding="ascii") == whole


def test_sessions_of_another_library_are_asked_anew(tmp_path: Path) -> None:
    file = tmp_path / "sessions.json"
    ExchangeCalendar(file=file).sessions(*SPAN)
    whole = file.read_text(encoding="ascii")
    file.write_text(whole.replace("exchange-calendars ", "exchange-calendars 0"), encoding="ascii")
    assert next_process(file)[-1] == "True"
    assert file.read_text(encoding="ascii") == whole


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    found = ExchangeCalendar(file=tmp_path / "missing" / "sessions.json").sessions(*SPAN)
    assert found == ExchangeCalendar().sessions(*SPAN)


@pytest.mark.usefixtures("forgetful")
def test_a_wider_question_keeps_the_years_before_it(tmp_path: Path) -> None:
    file = tmp_path / "sessions.json"
    ExchangeCalendar(file=file).sessions(*SPAN)
    ExchangeCalendar(file=file).sessions(date(2012, 1, 1), date(2012, 12, 31))
    assert next_process(file)[-1] == "False"


def test_the_version_of_a_library_is_known_however_it_was_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {
        "wheeled-1.5.dist-info/METADATA": "Metadata-Version: 2.1\nName: wheeled\nVersion: 1.5\n\nVersion: of a text\n",
        "older.egg-info/PKG-INFO": "Name: older\nVersion: 0.9\n",
        "bare.dist-info/METADATA": "Name: bare\n",
    }
    for path, text in texts.items():
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert [version_of(name) for name in ("wheeled", "older", "bare", "nowhere-to-be-found")] == ["1.5", "0.9", "", ""]
