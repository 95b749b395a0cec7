"""What a backtest works out once is what a view works out from its own bars."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from mtum.core.indicators import column_of
from mtum.core.market.bars import COLUMNS, Bars, first_days, periods, total_return
from mtum.core.market.coverage import Dividends
from mtum.core.market.timeframes import Timeframe
from mtum.core.simulation.session_views import SessionHistory, SessionViews
from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.description import IndicatorSpec
from support.markets import made_up_bars, weekdays
from support.values import replace

SPECS = (
    IndicatorSpec("plain_mean", "sma", (("sessions", 10),)),
    IndicatorSpec("returns_volatility", "volatility", (("sessions", 20),), total_return=True),
    IndicatorSpec("returns_mean", "sma", (("sessions", 10),), total_return=True),
    IndicatorSpec("returns_rsi", "rsi", (("sessions", 14),), total_return=True),
    IndicatorSpec("weeks_mean", "sma", (("sessions", 5),), timeframe=Timeframe.WEEK),
)


@dataclass(frozen=True)
class Looking(BuyAndHold):
    """Asks for every kind of indicator."""

    CALENDAR: ClassVar[bool] = True

    def history_sessions(self) -> int:
        """Long enough for a dividend to be in it."""
        return 60

    def indicators(self) -> tuple[IndicatorSpec, ...]:
        """One of each kind."""
        return SPECS


@pytest.mark.parametrize("dividends", [Dividends.KNOWN, Dividends.NONE])
def test_an_indicator_worked_out_once_is_that_of_every_session(dividends: Dividends) -> None:
    bars = made_up_bars(200, 7)
    history = SessionHistory({"AAA": bars}, {}, tuple(weekdays(260)), {"AAA": dividends})
    views = SessionViews(history, Looking("AAA"))
    once = {asked.indicator for _, asked in views.at(150).columns}
    assert once == {"sma", "volatility", "rsi"}
    wanted = SPECS[2] in {asked for _, asked in views.at(150).columns}
    assert wanted is (dividends is Dividends.NONE), "a level of prices differs from session to session"
    for t in range(60, 200):
        view = views.at(t)
        alone = replace(view, columns={})
        for spec in SPECS:
            one, other = view.newest("AAA", spec), alone.newest("AAA", spec)
            assert one == pytest.approx(other, abs=2e-6), spec.name


@pytest.mark.parametrize("timeframe", [Timeframe.WEEK, Timeframe.MONTH])
def test_earlier_closes_looked_up_are_to_the_last_bit_those_of_the_bars_alone(timeframe: Timeframe) -> None:
    bars = made_up_bars(200, 7)
    views = SessionViews(SessionHistory({"AAA": bars}, {}, tuple(weekdays(260))), Looking("AAA"))
    for t in range(60, 200):
        seen, priced = bars[t - 59 : t + 1], total_return(bars[t - 59 : t + 1])
        numbers = periods(seen.days, timeframe)
        for back in range(4 if timeframe is Timeframe.MONTH else 13):
            of_it = [59] if not back else np.flatnonzero(numbers == numbers[-1] - back)
            raw, whole = (float(one.close[of_it[-1]]) if len(of_it) else None for one in (seen, priced))
            view, ago = views.at(t), (back,)
            assert view.closes("AAA", timeframe, ago) == (raw,)
            wanted = None if whole is None else round(whole, 6)
            assert view.closes("AAA", timeframe, ago, total_returns=True) == (wanted,)
            # What was worked out over other bars is not used for these.
            changed = replace(seen, close=seen.close + 1.0)
            (other,) = replace(view, bars={"AAA": changed}).closes("AAA", timeframe, ago)
            assert other == (None if raw is None else raw + 1.0)


def test_total_returns_of_a_window_have_the_volatility_of_those_of_the_whole() -> None:
    bars = made_up_bars(200, 7)
    assert bars.dividend[90:150].any()
    whole = column_of(total_return(bars), "volatility", {"sessions": 20})
    window = column_of(total_return(bars[90:150]), "volatility", {"sessions": 20})
    np.testing.assert_allclose(window[20:], whole[110:150], atol=2e-6)


@pytest.mark.parametrize("timeframe", [Timeframe.DAY, Timeframe.WEEK, Timeframe.MONTH])
def test_the_first_day_of_a_period_is_its_own(timeframe: Timeframe) -> None:
    days = np.arange("1999-12-20", "2001-03-10", dtype="datetime64[D]")
    numbers = periods(days, timeframe)
    first = first_days(numbers, timeframe)
    assert (first <= days).all()
    assert (periods(first, timeframe) == numbers).all()
    assert (periods(first - 1, timeframe) == numbers - 1).all()
    assert [timeframe.begins(int(number)) for number in numbers] == first.astype(object).tolist()


def test_a_symbol_that_is_not_fit_is_worth_its_close_before_the_session() -> None:
    """It lacks the 100th session: worth the 99th's close there, and one session late until 60 bars follow again."""
    whole, gap = made_up_bars(200, 7), made_up_bars(200, 8, "BBB")
    kept = np.arange(200) != 99
    columns = {name: getattr(gap, name)[kept] for name in COLUMNS}
    history = SessionHistory({"AAA": whole, "BBB": Bars.from_columns("BBB", "made-up", gap.days[kept], columns)}, {})
    views = SessionViews(history, Looking(symbols=("AAA", "BBB")))
    assert [views.at(t).unfit.get("BBB") for t in (98, 99, 100, 101, 158, 159)] == [
        *(None, gap.close[98], gap.close[98], gap.close[100], gap.close[157], None)
    ]
    assert ([*views.fit_at(98)], [*views.fit_at(99)]) == (["AAA", "BBB"], ["AAA"])
