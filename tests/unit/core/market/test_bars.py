"""Bars: checked once, read-only after, cut and grouped by date."""

from datetime import date, timedelta
from itertools import compress, product

import numpy as np
import pytest

from mtum.core.market.bars import COLUMNS, Bar, Bars, followed, in_timeframe, median, periods, selected, total_return
from mtum.core.market.timeframes import Timeframe

MON, TUE, THU = date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 4)
ROWS = (
    Bar(MON, 10.0, 12.0, 9.0, 11.0, 100.0),
    Bar(TUE, 11.0, 13.0, 10.0, 12.0, 200.0, dividend=0.5),
    Bar(THU, 6.0, 7.0, 5.0, 6.5, 300.0, split=2.0),
)
BARS = Bars.of("X", "csv", ROWS)
PRICES = {name: [1.0, 2.0] for name in ("open", "high", "low", "close", "volume")}


def test_bars_give_back_what_they_were_built_from() -> None:
    assert tuple(BARS.bar(index) for index in range(len(BARS))) == ROWS
    assert (BARS.last_day, BARS.day(0), len(BARS)) == (THU, MON, 3)


def test_dividend_and_split_are_zero_where_not_given() -> None:
    bars = Bars.from_columns("X", "csv", [MON, TUE], PRICES)
    assert bars.dividend.tolist() == bars.split.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("name", ["open", "high", "low", "close", "volume"])
def test_a_missing_column_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=f"X: column {name} is missing"):
        Bars.from_columns("X", "csv", [MON, TUE], {key: column for key, column in PRICES.items() if key != name})


def test_a_column_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"column volume has \(3,\), expected \(2,\)"):
        Bars.from_columns("X", "csv", [MON, TUE], {**PRICES, "volume": [1.0, 2.0, 3.0]})


@pytest.mark.parametrize("days", [[TUE, MON], [MON, MON]])
def test_sessions_that_do_not_rise_are_refused(days: list[date]) -> None:
    with pytest.raises(ValueError, match="not in strictly rising order"):
        Bars.from_columns("X", "csv", days, PRICES)


@pytest.mark.parametrize("bars", [BARS, BARS.until(TUE), BARS.since(TUE), BARS.tail(2)])
def test_no_array_can_be_written(bars: Bars) -> None:
    for name in ("days", *COLUMNS):
        with pytest.raises(ValueError, match="read-only"):
            getattr(bars, name)[0] = getattr(bars, name)[0]


def test_the_arrays_are_copies_of_what_was_given() -> None:
    closes = np.array([1.0, 2.0])
    bars = Bars.from_columns("X", "csv", [MON, TUE], {**PRICES, "close": closes})
    closes[0] = 99.0
    assert bars.close[0] == 1.0


@pytest.mark.parametrize(
    ("day", "until", "since", "found"),
    [
        (date(2023, 12, 31), 0, 3, None),
        (MON, 1, 3, ROWS[0]),
        (TUE, 2, 2, ROWS[1]),
        (date(2024, 1, 3), 2, 1, None),  # no session: the cut falls between
        (THU, 3, 1, ROWS[2]),
        (date(2024, 1, 5), 3, 0, None),
    ],
)
def test_a_date_cuts_and_finds(day: date, until: int, since: int, found: Bar | None) -> None:
    assert (len(BARS.until(day)), len(BARS.since(day)), BARS.find(day)) == (until, since, found)


def test_the_tail_is_the_newest_bars() -> None:
    assert BARS.tail(2).days.astype(object).tolist() == [TUE, THU]
    assert (len(BARS.tail(0)), len(BARS.tail(99))) == (0, 3)


def test_an_extension_keeps_every_column_and_must_be_newer() -> None:
    bar = Bar(date(2024, 1, 5), 1.0, 2.0, 0.5, 1.5, 7.0, 0.1, 3.0)
    longer = BARS.extended(bar)
    assert (longer.bar(3), longer.bar(1), len(BARS)) == (bar, ROWS[1], 3)
    with pytest.raises(ValueError, match="rising order"):
        BARS.extended(Bar(THU, 1.0, 2.0, 0.5, 1.5, 7.0))


def test_parts_put_together_again_are_the_whole_and_read_only() -> None:
    whole = followed(selected(BARS, np.array([True, False, False])), BARS.tail(2))
    assert tuple(whole.bar(index) for index in range(3)) == ROWS
    assert not any(getattr(whole, name).flags.writeable for name in ("days", *COLUMNS))
    assert selected(BARS, np.ones(3, dtype=bool)) is BARS


@pytest.mark.parametrize("wanted", [*product([False, True], repeat=3)])
def test_the_bars_selected_are_those_wanted(wanted: tuple[bool, ...]) -> None:
    found = selected(BARS, np.array(wanted))
    assert [found.bar(index) for index in range(len(found))] == [*compress(ROWS, wanted)]
    assert not any(getattr(found, name).flags.writeable for name in ("days", *COLUMNS))


def test_an_empty_run_of_bars_has_no_last_day() -> None:
    empty = BARS.tail(0)
    assert empty.find(MON) is None
    with pytest.raises(IndexError):
        _ = empty.last_day


def test_the_frame_has_sessions_as_index_and_every_column() -> None:
    frame = BARS.frame()
    assert list(frame.columns) == list(COLUMNS)
    assert frame.index.name == "session"
    assert frame.loc["2024-01-02", "dividend"] == 0.5


# Wednesday 27 December 2023 to Tuesday 2 January 2024; the year turns inside an ISO week.
TURN = Bars.of(
    "X",
    "csv",
    [
        Bar(date(2023, 12, 27), 10, 15, 8, 11, 100),
        Bar(date(2023, 12, 28), 11, 12, 7, 12, 200, dividend=0.5),
        Bar(date(2023, 12, 29), 12, 20, 11, 13, 300),
        Bar(date(2024, 1, 2), 13, 14, 12, 14, 400),
    ],
)


def test_a_week_is_one_bar_named_by_its_last_session() -> None:
    first, second = (in_timeframe(TURN, Timeframe.WEEK, date(2023, 12, 22)).bar(index) for index in range(2))
    assert first == Bar(date(2023, 12, 29), 10, 20, 7, 13, 600, dividend=0.5)
    assert second == TURN.bar(3)


def test_weeks_follow_the_iso_calendar() -> None:
    days = [date(2020, 12, day) for day in range(25, 32)] + [date(2021, 1, day) for day in range(1, 12)]
    column = np.ones(len(days))
    daily = Bars.from_columns("X", "csv", days, dict.fromkeys(PRICES, column))
    weeks = [day.isocalendar()[:2] for day in days]
    last_of_each = [day for at, day in enumerate(days) if at + 1 == len(days) or weeks[at + 1] != weeks[at]]
    assert in_timeframe(daily, Timeframe.WEEK, days[0] - timedelta(days=7)).days.astype(object).tolist() == last_of_each
    assert in_timeframe(daily, Timeframe.WEEK).days.astype(object).tolist() == last_of_each[1:]


def test_a_month_is_one_bar_named_by_its_last_session() -> None:
    months = in_timeframe(TURN, Timeframe.MONTH, date(2023, 11, 30))
    assert months.days.astype(object).tolist() == [date(2023, 12, 29), date(2024, 1, 2)]
    assert months.volume.tolist() == [600.0, 400.0]


def test_no_bars_make_no_weeks() -> None:
    assert len(in_timeframe(TURN.tail(0), Timeframe.WEEK)) == len(in_timeframe(TURN.tail(0), Timeframe.MONTH)) == 0


def test_the_first_week_is_left_out_unless_it_is_known_to_be_whole() -> None:
    # Tuesday the 26th was a session too: the week lacks it.
    for before in (None, date(2023, 12, 26)):
        assert in_timeframe(TURN, Timeframe.WEEK, before).days.astype(object).tolist() == [date(2024, 1, 2)]


def test_periods_are_counted_alike_for_one_day_and_for_many() -> None:
    days = np.arange(np.datetime64("1999-12-25"), np.datetime64("2001-01-10"))
    for timeframe in Timeframe:
        counted = [timeframe.period(day) for day in days.astype(object)]
        assert periods(days, timeframe).tolist() == counted
        for day in days.astype(object):
            name = timeframe.name_of(day)
            assert timeframe.named(name) == timeframe.period(day)
            assert timeframe.period(timeframe.begins(timeframe.period(day))) == timeframe.period(day)
            assert timeframe.before(day) < timeframe.begins(timeframe.period(day)) <= day
    names = [Timeframe.WEEK.name_of(day) for day in days.astype(object)]
    assert names == sorted(names), "later periods sort later"


def test_total_returns_put_a_dividend_back_into_the_prices_before_it() -> None:
    closes = [10.0, 10.0, 9.5, 9.5]
    prices = dict.fromkeys(PRICES, closes)
    bars = Bars.from_columns("X", "csv", TURN.days, {**prices, "volume": [1.0] * 4, "dividend": [0.2, 0, 0.5, 0]})
    # Of 10 before the ex-date 9.5 is left: nothing was earned or lost. A dividend of the first bar is of the past.
    assert total_return(bars).close.tolist() == pytest.approx([9.5, 9.5, 9.5, 9.5])
    assert total_return(TURN.until(date(2023, 12, 27))).close.tolist() == [11.0]


@pytest.mark.parametrize(
    "values", [[3.0], [2.0, 0.1], [3.0, 1.0, 2.0], [0.3, 0.1, 0.7, 0.2], [1.0, np.nan], [1e308, 1.7e308]]
)
def test_a_median_is_the_one_of_numpy(values: list[float]) -> None:
    given = np.array(values)
    with np.errstate(over="ignore"):
        assert np.array_equal(median(given), np.median(given), equal_nan=True)
    assert given.tolist() == values or np.isnan(values).any()


def test_the_median_of_many_volumes_is_the_one_of_numpy() -> None:
    volumes = np.random.default_rng(7).lognormal(12.0, 2.0, (200, 21))
    for count in (20, 21):
        assert [median(row[:count]) for row in volumes] == [np.median(row[:count]) for row in volumes]
