"""A view ends at the session being decided and comes from one source."""

from datetime import date

import pytest

from mtum.core.market.bars import PRICE_COLUMNS, Bars
from mtum.core.market.coverage import Dividends
from mtum.core.market.timeframes import Timeframe
from mtum.core.strategies.description import IndicatorSpec
from mtum.core.strategies.periods import (
    due,
    month_end_history,
)
from mtum.core.view import MarketView, calendar_around
from support.bars import bars_of
from support.markets import weekdays
from support.values import replace

TODAY = date(2024, 1, 3)
FIT = bars_of([1.0, 2.0, 3.0])


def test_bars_that_end_at_the_session_make_a_view() -> None:
    assert MarketView(TODAY, {"MTUM": FIT}, {}, {}).bars["MTUM"].last_day == TODAY


@pytest.mark.parametrize("bars", [bars_of([1.0, 2.0, 3.0, 4.0]), FIT.tail(0), FIT.until(date(2024, 1, 2))])
def test_bars_of_the_future_the_past_or_none_are_refused(bars: Bars) -> None:
    with pytest.raises(ValueError, match="MTUM: bars must end at 2024-01-03"):
        MarketView(TODAY, {"MTUM": bars}, {}, {})


def test_two_sources_are_refused_with_both_names() -> None:
    both = {"MTUM": FIT, "SPY": bars_of([1.0, 2.0, 3.0], source="ib")}
    with pytest.raises(ValueError, match=r"one source, found \['ib', 'yahoo'\]"):
        MarketView(TODAY, both, {}, {})


def month_view(days: list[date], closes: list[float], calendar: tuple[date, ...]) -> MarketView:
    prices = dict.fromkeys(PRICE_COLUMNS, closes)
    bars = Bars.from_columns("X", "csv", days, {**prices, "volume": [1.0] * len(days)})
    return MarketView(days[-1], {"X": bars}, {}, {}, calendar=calendar)


# The last week of March 2024 ends on Thursday the 28th: Good Friday is no session.
MARCH = tuple(day for day in weekdays(70, date(2024, 1, 15)) if day != date(2024, 3, 29))


@pytest.mark.parametrize(
    ("day", "week", "month"),
    [
        (date(2024, 3, 27), False, False),
        (date(2024, 3, 28), True, True),
        (date(2024, 4, 1), False, False),
        (date(2024, 4, 5), True, False),
    ],
)
def test_weeks_and_months_end_at_their_last_session_by_the_exchanges_calendar(
    day: date, week: bool, month: bool
) -> None:
    days = [one for one in MARCH if one <= day]
    view = month_view(days, [1.0] * len(days), calendar_around(MARCH, day, 5))
    assert (view.ends(Timeframe.WEEK), view.ends(Timeframe.MONTH)) == (week, month)


def test_sessions_are_counted_by_the_calendar_and_not_by_days() -> None:
    view = month_view([date(2024, 4, 2)], [1.0], calendar_around(MARCH, date(2024, 4, 2), 1))
    # Thursday before Easter, then Monday and Tuesday.
    assert view.sessions_since(date(2024, 3, 28)) == 2
    assert view.sessions_since(date(2024, 4, 2)) == 0
    assert view.sessions_since(date(2020, 1, 2)) == 26, "as many as it knows"


def test_without_a_calendar_nothing_is_said_of_it() -> None:
    view = MarketView(TODAY, {"MTUM": FIT}, {}, {})
    with pytest.raises(ValueError, match="asks for no CALENDAR"):
        view.ends(Timeframe.MONTH)
    with pytest.raises(ValueError, match="asks for the CALENDAR"):
        view.sessions_since(TODAY)


def test_closes_of_month_ends_are_those_of_the_last_session_and_the_newest_is_today() -> None:
    days = [one for one in MARCH if one <= date(2024, 4, 3)]
    closes = [float(number) for number in range(len(days))]
    view = month_view(days, closes, calendar_around(MARCH, days[-1], 5))
    at = dict(zip(days, closes, strict=True))
    march, february = at[date(2024, 3, 28)], at[date(2024, 2, 29)]
    found = view.closes("X", Timeframe.MONTH, (0, 1, 2, 3, 4))
    assert found == (closes[-1], march, february, at[date(2024, 1, 31)], None)
    # March was missed: today stands for its end, and one month end back is February's.
    assert view.closes("X", Timeframe.MONTH, (0, 1), period="2024-03") == (closes[-1], february)
    assert view.closes("X", Timeframe.WEEK, (0, 1)) == (closes[-1], march)


@pytest.mark.parametrize(
    ("day", "decided", "found"),
    [
        (date(2024, 3, 27), None, (False, "2024-02")),  # a new sleeve waits
        (date(2024, 3, 28), None, (True, "2024-03")),
        (date(2024, 3, 28), "2024-02", (True, "2024-03")),
        (date(2024, 4, 1), "2024-02", (True, "2024-03")),  # missed, made good
        (date(2024, 4, 1), "2024-03", (False, "2024-03")),
        (date(2024, 4, 5), "2024-03", (False, "2024-03")),
    ],
)
def test_a_month_end_is_due_until_it_is_decided(day: date, decided: str | None, found: tuple[bool, str]) -> None:
    days = [one for one in MARCH if one <= day]
    view = month_view(days, [1.0] * len(days), calendar_around(MARCH, day, 5))
    assert due(view, Timeframe.MONTH, decided) == found


def test_a_week_end_is_due_until_it_is_decided() -> None:
    monday = [one for one in MARCH if one <= date(2024, 4, 1)]
    view = month_view(monday, [1.0] * len(monday), calendar_around(MARCH, monday[-1], 5))
    assert due(view, Timeframe.WEEK, "2024-W12") == (True, "2024-W13")
    assert due(view, Timeframe.WEEK, "2024-W13") == (False, "2024-W13")


def test_indicators_of_weeks_and_of_total_returns_are_computed_over_them() -> None:
    weeks = (("of", "close"), ("sessions", 2))
    spec = IndicatorSpec("weeks", "sma", weeks, timeframe=Timeframe.WEEK)
    days = [one for one in MARCH if date(2024, 3, 18) <= one <= date(2024, 4, 2)]
    closes = [float(number) for number in range(len(days))]
    view = month_view(days, closes, calendar_around(MARCH, days[-1], len(days)))
    # Fridays 22 and Thursday 28 March and Tuesday 2 April: positions 4, 8 and 10.
    assert view.newest("X", spec) == 9.0
    assert view.newest("X", spec, ago=1) == 6.0
    assert view.newest("X", spec, ago=2) is None
    paying = Bars.from_columns(
        "X",
        "csv",
        days,
        {
            **dict.fromkeys(PRICE_COLUMNS, [10.0] * len(days)),
            "volume": [1.0] * len(days),
            "dividend": [0.0] * (len(days) - 1) + [1.0],
        },
    )
    daily = IndicatorSpec("mean", "sma", weeks, total_return=True)
    for told, mean in ((Dividends.KNOWN, 9.5), (Dividends.NONE, 10.0)):
        seen = MarketView(days[-1], {"X": paying}, {}, {}, dividends={"X": told})
        # Of yesterday's 10 a holder kept 9 and the dividend.
        assert seen.newest("X", daily) == mean


def test_months_ago_are_reached_by_the_history_a_rule_asks_for() -> None:
    assert (month_end_history(12), month_end_history(9)) == (280, 216)


class Counted:
    """A mean of two closes that counts how often it is worked out."""

    indicator, timeframe, total_return = "sma", Timeframe.DAY, False

    def __init__(self) -> None:
        self.times = 0

    @property
    def parameters(self) -> tuple[tuple[str, object], ...]:
        """Asked for once for each working out."""
        self.times += 1
        return (("of", "close"), ("sessions", 2))


def test_an_indicator_is_worked_out_once_for_every_session_asked_about() -> None:
    view, asked = MarketView(TODAY, {"MTUM": FIT}, {}, {}), Counted()
    assert [view.newest("MTUM", asked, ago) for ago in (0, 1, 2)] == [2.5, 1.5, None]
    assert asked.times == 1
    assert replace(view, bars={"MTUM": bars_of([1.0, 2.0, 5.0])}).newest("MTUM", asked) == 3.5
