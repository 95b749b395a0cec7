"""What a backtest is given: checked bars and a VIX that can be one."""

from datetime import date

import pytest

from mtum import config
from mtum.app.research.backtest_request import BacktestRequest
from mtum.app.research.load import Loaded, load
from mtum.core.market.bars import Bars
from mtum.errors import BarsInvalidError, BarsMissingError
from support.bars import bars_of, moved, weekday_sessions
from support.desks import ShelfSource, WeekdayCalendar
from support.hourly import Hourly

QUIET = [100.0 + (index % 2) for index in range(140)]
FIRST = date(2024, 1, 1)


def loaded(bars: Bars, closes: dict[date, float], start: date | None = None) -> Loaded:
    asked = BacktestRequest(config.load(None, {}, {}), start=start)
    source = ShelfSource({"MTUM": bars}, closes=closes)
    return load(asked, asked.active_strategy(), source, WeekdayCalendar(weekday_sessions(FIRST, len(bars))))


def closes_of(bars: Bars, **wrong: float) -> dict[date, float]:
    return {bars.day(index): wrong.get(f"at_{index}", 15.0) for index in range(len(bars))}


def test_values_that_no_vix_can_be_are_left_out_and_named() -> None:
    bars = bars_of(QUIET)
    found = loaded(bars, closes_of(bars, at_70=0.155, at_80=4_800.0))
    assert [day in found.vix for day in (bars.day(69), bars.day(70), bars.day(80))] == [True, False, False]
    assert found.notes == (
        f"VIX: 2 of 140 closes are outside 5 to 150 index points, the first 0.155 on {bars.day(70)}",
    )


def test_a_history_whose_every_vix_is_impossible_is_refused_with_the_first() -> None:
    bars = bars_of(QUIET)
    with pytest.raises(BarsMissingError, match=r"140 of 140 closes are outside 5 to 150 index points, the first 0.155"):
        loaded(bars, dict.fromkeys(closes_of(bars), 0.155))


def test_moves_are_measured_against_the_sessions_before_the_window_but_only_the_window_is_judged() -> None:
    """The window of the last session is the last 60; a bad price before it is none of its business."""
    bars = bars_of(QUIET)
    assert len(loaded(moved(bars, {70: 116.0}), closes_of(bars), bars.day(139)).bars) == 60
    # 100 -> 116 after moves of 1 % is 16 usual ones, after moves of 4 % it is four.
    with pytest.raises(BarsInvalidError, match=rf"MTUM {bars.day(85)}: spike: move of .*, 16 times the usual one"):
        loaded(moved(bars, {85: 116.0}), closes_of(bars), bars.day(139))
    wild = bars_of([*(100.0 + 4 * (index % 2) for index in range(80)), *QUIET[80:]])
    assert len(loaded(moved(wild, {85: 116.0}), closes_of(bars), bars.day(139)).bars) == 60


def test_it_is_said_that_bars_within_the_session_are_not_there() -> None:
    bars = bars_of(QUIET, symbol="AAA")
    source, calendar = ShelfSource({"AAA": bars}), WeekdayCalendar(weekday_sessions(FIRST, len(bars)))
    found = load(BacktestRequest(config.load(None, {}, {})), Hourly(), source, calendar)
    assert found.notes == ("a backtest has no bars of 1h: conditions of hourly on them never hold",)
