"""Bars within the session: counted from the open, of regular hours, and only what has ended."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from mtum.core.indicators import INDICATORS, lines_of
from mtum.core.market.bars import Bars
from mtum.core.market.intraday import IntradayBars, fit_frame, in_frame, regular_hours
from mtum.core.market.sessions import Session
from mtum.core.market.timeframes import INTRADAY, Timeframe
from mtum.core.strategies.description import IndicatorSpec
from mtum.core.view import MarketView
from support.bars import bars_of

# A full Tuesday, and the Wednesday before Independence Day, which ends at 13:00 New York.
FULL = Session(date(2024, 7, 2), datetime(2024, 7, 2, 13, 30, tzinfo=UTC), datetime(2024, 7, 2, 20, tzinfo=UTC))
HALF = Session(date(2024, 7, 3), datetime(2024, 7, 3, 13, 30, tzinfo=UTC), datetime(2024, 7, 3, 17, tzinfo=UTC))
SESSIONS = (FULL, HALF)


def told(minutes: int, sessions: tuple[Session, ...] = SESSIONS, without: tuple[int, ...] = ()) -> IntradayBars:
    """Closes count up from 100 in halves; each bar opens at the close before and reaches a quarter beyond."""
    begins = [
        one.open + timedelta(minutes=n)
        for one in sessions
        for n in range(0, int((one.close - one.open).total_seconds() // 60), minutes)
    ]
    begins = [one for at, one in enumerate(begins) if at not in without]
    close = 100 + 0.5 * np.arange(len(begins))
    columns = {"open": close - 0.5, "high": close + 0.25, "low": close - 0.75, "close": close}
    naive = [one.replace(tzinfo=None) for one in begins]
    return regular_hours(("X", "csv"), minutes, {"begins": naive, **columns, "volume": close * 0 + 10}, sessions)


def clocks(bars: IntradayBars) -> list[str]:
    return [f"{begin}-{str(end)[11:16]}"[5:] for begin, end in zip(bars.begins.astype("M8[m]"), bars.ends, strict=True)]


def test_bars_of_four_hours_are_the_first_four_from_the_open_and_the_rest() -> None:
    frame = in_frame(told(30), Timeframe.FOUR_HOURS, SESSIONS, HALF.close)
    assert clocks(frame.bars) == ["07-02T13:30-17:30", "07-02T17:30-20:00", "07-03T13:30-17:00"]
    first, rest, short = (frame.bars.bar(at) for at in range(3))
    # Eight bars of half an hour, five, and the seven of the short day.
    assert (first.open, first.high, first.low, first.close, first.volume) == (99.5, 103.75, 99.25, 103.5, 80.0)
    assert (rest.open, rest.high, rest.low, rest.close, rest.volume) == (103.5, 106.25, 103.25, 106.0, 50.0)
    assert (short.open, short.close, short.volume, short.day) == (106.0, 109.5, 70.0, HALF.day)
    assert len(frame.running) == 0


def test_a_bar_counts_once_it_has_ended_and_the_running_one_stands_apart() -> None:
    at = FULL.close - timedelta(minutes=20)
    frame = in_frame(told(5), Timeframe.HOUR, SESSIONS, at)
    assert clocks(frame.bars)[-1] == "07-02T18:30-19:30"
    assert clocks(frame.running) == ["07-02T19:30-20:00"]
    # 19:30 and 19:35 have ended by 19:40: bars 73 and 74 of the session.
    assert (frame.running.bar(0).close, frame.running.bar(0).volume) == (136.5, 20.0)
    on_time = in_frame(told(5), Timeframe.HOUR, SESSIONS, FULL.open + timedelta(hours=1))
    early = in_frame(told(5), Timeframe.HOUR, SESSIONS, FULL.open + timedelta(minutes=59))
    assert (len(on_time.bars), len(on_time.running)) == (1, 0)
    assert (len(early.bars), early.running.bar(0).volume) == (0, 110.0)


def test_the_last_bar_of_a_session_ends_with_it() -> None:
    frame = in_frame(told(30), Timeframe.HOUR, SESSIONS, HALF.close)
    assert clocks(frame.bars)[6] == "07-02T19:30-20:00"
    assert clocks(frame.bars)[-1] == "07-03T16:30-17:00"
    assert len(frame.bars) == 7 + 4


def test_rows_outside_regular_hours_and_rows_without_a_price_are_left_out() -> None:
    begins = [datetime(2024, 7, 3, *at) for at in ((13, 25), (13, 30), (13, 35), (16, 55), (17, 0))]  # noqa: DTZ001
    prices = [1.0, 2.0, np.nan, 3.0, 4.0]
    rows = dict.fromkeys(("open", "high", "low", "close"), prices)
    bars = regular_hours(("X", "yahoo"), 5, {"begins": begins, **rows, "volume": [1.0] * 5}, SESSIONS)
    assert bars.close.tolist() == [2.0, 3.0]
    assert clocks(bars) == ["07-03T13:30-13:35", "07-03T16:55-17:00"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"begins": [datetime(2024, 7, 2, 13, 32)]}, r"at 2024-07-02T13:32:00Z does not begin a whole number of bars"),  # noqa: DTZ001
        ({"high": [0.5]}, "has prices or a volume that cannot be"),
        ({"low": [-1.0]}, "has prices or a volume that cannot be"),
        ({"volume": [-1.0]}, "has prices or a volume that cannot be"),
        ({"close": [np.nan]}, "has prices or a volume that cannot be"),
    ],
)
def test_what_cannot_be_is_refused_by_its_time(change: dict[str, list[object]], says: str) -> None:
    rows = {"begins": [datetime(2024, 7, 2, 13, 30)], "open": [1.0], "high": [1.0], "low": [1.0], "close": [1.0]}  # noqa: DTZ001
    with pytest.raises(ValueError, match=f"X: the 5-minute bar of csv .*{says}"):
        regular_hours(("X", "csv"), 5, {**rows, "volume": [1.0], **change}, SESSIONS)


@pytest.mark.parametrize(("without", "why"), [((40, 41, 42), ""), ((40, 41, 42, 43), "4 of the 78 5-minute bars")])
def test_a_minute_without_a_trade_is_no_gap_until_more_than_a_twentieth_is_missing(
    without: tuple[int, ...], why: str
) -> None:
    """Three of 78 are 3.8 %, four are 5.1 %."""
    bars = told(5, without=without)
    frame = fit_frame(bars, 5, Timeframe.FIVE_MINUTES, SESSIONS, HALF.close, 100)
    assert frame.why == (f"X 5m: {why} of 2024-07-02 are missing from csv" if why else "")
    # The bar after a minute without a trade is the next one; nothing is filled in.
    of_day = frame.bars.until(FULL.day)
    assert (of_day.begins[1:] - of_day.ends[:-1]).max() == np.timedelta64(300 * len(without), "s")
    # Where the session is not among the bars that are needed, nothing of it is asked.
    assert fit_frame(bars, 5, Timeframe.FIVE_MINUTES, SESSIONS, HALF.close, 42).why == ""


def test_of_the_running_session_only_what_should_have_ended_can_be_missing() -> None:
    at = FULL.close - timedelta(minutes=20)
    bars = told(5, (FULL,)).ended_by(at)
    assert fit_frame(bars, 5, Timeframe.HALF_HOUR, (FULL,), at, 12).why == ""
    stopped = bars.ended_by(at - timedelta(minutes=20))
    assert "4 of the 74 5-minute bars" in fit_frame(stopped, 5, Timeframe.HALF_HOUR, (FULL,), at, 11).why


def test_fewer_bars_than_are_needed_are_not_fit() -> None:
    frame = fit_frame(told(30), 30, Timeframe.FOUR_HOURS, SESSIONS, HALF.close, 4)
    assert frame.why == "X 4h: 3 bars from csv, 4 needed"
    assert fit_frame(told(30), 30, Timeframe.FOUR_HOURS, SESSIONS, HALF.close, 3).why == ""


@pytest.mark.parametrize("timeframe", INTRADAY)
def test_bars_of_a_timeframe_are_the_same_from_minutes_as_from_any_shorter_bars(timeframe: Timeframe) -> None:
    minutes = in_frame(told(1), timeframe, SESSIONS, HALF.close).bars
    assert in_frame(minutes, timeframe, SESSIONS, HALF.close).bars.close.tolist() == minutes.close.tolist()
    for other in INTRADAY:
        if other.minutes < timeframe.minutes and timeframe is not Timeframe.FOUR_HOURS:
            again = in_frame(in_frame(told(1), other, SESSIONS, HALF.close).bars, timeframe, SESSIONS, HALF.close).bars
            for name in ("open", "high", "low", "close", "volume", "begins", "ends"):
                assert getattr(again, name).tolist() == getattr(minutes, name).tolist()


def test_a_view_shows_bars_within_the_session_and_what_is_computed_over_them() -> None:
    frame = in_frame(told(30), Timeframe.HOUR, SESSIONS, HALF.close).bars
    daily: Bars = bars_of([1.0, 2.0, 3.0], symbol="X", source="csv")
    view = MarketView(daily.last_day, {"X": daily}, {}, {}, intraday={("X", Timeframe.HOUR): frame})
    mean = IndicatorSpec("mean", "sma", (("sessions", 2),), timeframe=Timeframe.HOUR)
    # Hours of the short day close at 106.5 + 1, + 2, + 3, and its last half at + 3.5: indexes 14 to 20 of 100 + n/2.
    assert view.framed("X", Timeframe.HOUR).close[-2:].tolist() == [109.0, 109.5]
    assert view.newest("X", mean) == 109.25
    assert view.newest("X", mean, 1) == 108.5
    # Where there are no such bars nothing is known of them.
    minutes = IndicatorSpec("mean", "sma", (("sessions", 2),), timeframe=Timeframe.MINUTE)
    assert len(view.framed("X", Timeframe.MINUTE)) == 0
    assert view.newest("X", minutes) is None
    with pytest.raises(ValueError, match="bars of 1h have no total returns"):
        view.framed("X", Timeframe.HOUR, total_returns=True)


def test_the_sessions_own_average_price_begins_anew_with_each_session() -> None:
    begins = ["2024-07-02T19:00", "2024-07-02T19:30", "2024-07-03T13:30", "2024-07-03T14:00", "2024-07-03T14:30"]
    closes, volume = [10.0, 13.0, 20.0, 23.0, 26.0], [1.0, 2.0, 0.0, 4.0, 4.0]
    rows = {"begins": begins, **dict.fromkeys(("open", "high", "low", "close"), closes), "volume": volume}
    bars = regular_hours(("X", "csv"), 30, rows, SESSIONS)
    found = lines_of(bars, "vwap", {"sessions": 2})
    # (10 + 26) / 3; without a volume nothing; (92 + 104) / 8.
    assert np.array_equal(found["session"], [10.0, 12.0, np.nan, 23.0, 24.5], equal_nan=True)
    assert np.array_equal(found["vwap"], [np.nan, 12.0, 13.0, 23.0, 24.5], equal_nan=True)
    vote = INDICATORS["vwap"].vote
    assert [vote(24.0, {"vwap": 20.0, "session": paid}) for paid in (23.0, 24.0, 25.0)] == [1, 0, -1]
    assert vote(24.0, {"vwap": 25.0}) == -1
    assert list(lines_of(bars_of([1.0, 2.0, 3.0]), "vwap", {})) == ["vwap"]
