"""Sessions from the file equal those of the calendar behind it; a bad file only costs time."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from mtum.adapters.calendar import ExchangeCalendar
from mtum.adapters.session_cache import CachedCalendar
from mtum.core.market.sessions import Sessions

SPAN = (date(2018, 11, 20), date(2019, 1, 5))


@dataclass
class Counting:
    """The exchange's calendar, and how often it was asked."""

    inner: ExchangeCalendar = field(default_factory=ExchangeCalendar)
    asked: int = 0

    def sessions(self, first: date, last: date) -> Sessions:
        self.asked += 1
        return self.inner.sessions(first, last)


@pytest.fixture
def behind() -> Counting:
    return Counting()


def test_second_process_reads_the_same_sessions_from_the_file(tmp_path: Path, behind: Counting) -> None:
    path = tmp_path / "sessions.json"
    first = CachedCalendar(lambda: behind, path, "a").sessions(*SPAN)
    assert behind.asked == 1  # both years in one question
    again = CachedCalendar(lambda: behind, path, "a").sessions(*SPAN)
    assert behind.asked == 1
    assert first == again == ExchangeCalendar().sessions(*SPAN)
    assert again.get(date(2018, 11, 23)) is not None
    assert [session.day for session in again if session.half_day] == [date(2018, 11, 23), date(2018, 12, 24)]


def test_another_library_or_other_overrides_empty_the_file(tmp_path: Path, behind: Counting) -> None:
    path = tmp_path / "sessions.json"
    CachedCalendar(lambda: behind, path, "a").sessions(*SPAN)
    CachedCalendar(lambda: behind, path, "b").sessions(*SPAN)
    assert behind.asked == 2


@pytest.mark.parametrize("content", ["", "{", '{"stamp": "a"}', '{"stamp": "a", "years": {"2018": [["x"]]}}'])
def test_an_unreadable_file_is_made_anew(tmp_path: Path, behind: Counting, content: str) -> None:
    path = tmp_path / "sessions.json"
    path.write_text(content, encoding="ascii")
    found = CachedCalendar(lambda: behind, path, "a").sessions(*SPAN)
    assert found == ExchangeCalendar().sessions(*SPAN)
    assert len(path.read_text(encoding="ascii")) > 1000


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path, behind: Counting) -> None:
    found = CachedCalendar(lambda: behind, tmp_path / "missing" / "sessions.json", "a").sessions(*SPAN)
    assert found == ExchangeCalendar().sessions(*SPAN)


def test_an_empty_interval_asks_nothing(tmp_path: Path, behind: Counting) -> None:
    assert len(CachedCalendar(lambda: behind, tmp_path / "s.json", "a").sessions(SPAN[1], SPAN[0])) == 0
    assert behind.asked == 0
