"""The error of a projected volume, known the next day."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from mtum.app.bars.check_bars import check_bars
from mtum.app.bars.refresh_bars import refresh_bars
from mtum.app.desk import Desk
from mtum.core.market.bars import Bars
from mtum.ports.records import VolumeSnapshot
from support.bars import bars_of, changed, weekday_sessions
from support.desks import ShelfSource, WeekdayCalendar, market_desk

FIRST = date(2024, 1, 2)
SESSIONS = weekday_sessions(FIRST, 31)
TODAY, TOMORROW = SESSIONS.known[29], SESSIONS.known[30]
FINAL = changed(bars_of([100.0] * 30, first=FIRST), volume={29: 1_250.0})
SEEN = VolumeSnapshot(
    "MTUM", "yahoo", TODAY.day, 20.0, 870.0, 0.87, 1_000.0, projected_low=950.0, projected_high=1_300.0
)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Half an hour after the close: the vendor's volume still grows."""
    early = changed(FINAL, volume={29: 1_100.0})
    source, at = ShelfSource({"MTUM": early}), TODAY.close + timedelta(minutes=30)
    with market_desk(tmp_path, source, at, calendar=WeekdayCalendar(SESSIONS)) as running:
        running.store.volumes.write(SEEN)
        refresh_bars(running, "MTUM", TODAY, SESSIONS, through_session=True)
        yield running


def the_next_day(desk: Desk, shown: Bars) -> VolumeSnapshot:
    assert isinstance(desk.source, ShelfSource)
    desk.source.shelf["MTUM"] = shown
    desk.clock.wait_until(TOMORROW.before_close(30))
    refresh_bars(desk, "MTUM", TOMORROW, SESSIONS)
    (snapshot,) = desk.store.volumes.snapshots("MTUM", "yahoo")
    return snapshot


def test_a_volume_read_soon_after_the_close_is_not_learned_from(desk: Desk) -> None:
    assert desk.store.volumes.snapshots("MTUM", "yahoo") == (SEEN,)


def test_the_next_day_the_final_volume_and_the_error_are_recorded_and_shown(desk: Desk) -> None:
    # 1,000 projected, 1,250 traded: a fifth too low.
    found = the_next_day(desk, FINAL)
    assert found.final_volume == 1_250.0
    assert found.error_frac == pytest.approx(-0.2)
    (checked,) = check_bars(desk.store, desk.calendar, desk.clock.now())
    (miss,) = checked.volume_misses
    assert (miss.session, miss.projected, miss.final, miss.low, miss.high) == (TODAY.day, 1_000, 1_250, 950, 1_300)


def test_a_split_the_next_day_does_not_look_like_an_error(desk: Desk) -> None:
    # The vendor shows everything before tomorrow in new shares; the snapshot was taken in old ones.
    shown = {name: getattr(FINAL, name) / 2 for name in ("open", "high", "low", "close")}
    halved = Bars.from_columns("MTUM", "yahoo", FINAL.days, {**shown, "volume": FINAL.volume * 2})
    tomorrow = bars_of([50.0], first=TOMORROW.day).bar(0)
    split = changed(halved.extended(tomorrow), split={30: 2.0})
    assert isinstance(desk.source, ShelfSource)
    desk.source.shelf["MTUM"] = split
    desk.clock.wait_until(TOMORROW.close + timedelta(hours=3))
    refresh_bars(desk, "MTUM", TOMORROW, SESSIONS, through_session=True)
    (found,) = desk.store.volumes.snapshots("MTUM", "yahoo")
    assert float(desk.store.bars.bars("MTUM", "yahoo").volume[29]) == 2_500.0
    assert found.final_volume == 1_250.0
    assert found.error_frac == pytest.approx(-0.2)
