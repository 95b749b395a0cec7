"""A column of weeks, months or total returns is, to the last bit, what the view of every session knew."""

from datetime import date

import numpy as np
import pytest

from mtum.core.indicators.smoothing import Smoothing
from mtum.core.market.bars import Bars
from mtum.core.market.timeframes import Timeframe
from mtum.core.strategies.by_session import by_session
from mtum.core.strategies.description import IndicatorSpec
from mtum.core.view import MarketView
from support.markets import made_up_bars
from support.values import replace

BARS = made_up_bars(170, 7)
ASKED: tuple[tuple[str, dict[str, object]], ...] = (
    ("sma", {"of": "close", "sessions": 5}),
    ("sma", {"of": "volume", "sessions": 3}),
    ("roc", {"sessions": 4}),
    ("donchian", {"sessions": 3, "previous": True, "line": "low"}),
    ("volatility", {"sessions": 5, "a_year": 12}),
    ("vwap", {"sessions": 2}),
    ("cmf", {"sessions": 3}),
)


def seen(spec: IndicatorSpec, bars: Bars, calendar: tuple[date, ...]) -> list[float]:
    """What a view that ends at each session tells."""
    days = [bars.day(n) for n in range(len(bars))]
    views = (MarketView(day, {"AAA": bars.until(day)}, {}, {}, calendar=calendar) for day in days)
    found = [view.newest(bars.symbol, spec) for view in views]
    return [np.nan if one is None else one for one in found]


@pytest.mark.parametrize("total_return", [True, False])
@pytest.mark.parametrize("timeframe", [Timeframe.DAY, Timeframe.WEEK, Timeframe.MONTH])
@pytest.mark.parametrize(("name", "parameters"), ASKED)
def test_every_session_has_what_its_own_view_told(
    name: str, parameters: dict[str, object], timeframe: Timeframe, total_return: bool
) -> None:
    bars = replace(BARS, symbol="AAA")
    assert bars.dividend[1:].any()
    spec = IndicatorSpec("asked", name, tuple(parameters.items()), "", "", timeframe, total_return)
    days = tuple(bars.days.astype(object))
    for calendar in (days, (days[0].replace(year=days[0].year - 1), *days)):
        whole = len(calendar) > len(days)
        found = by_session(bars, spec, first_is_whole=whole)
        assert found is not None
        assert found.tobytes() == np.array(seen(spec, bars, calendar)).tobytes()
        assert np.isfinite(found).any()


def test_a_mean_that_runs_on_from_week_to_week_is_left_to_each_session() -> None:
    spec = IndicatorSpec("mean", "ema", (("of", "close"), ("sessions", 3)), timeframe=Timeframe.WEEK)
    wilder = (("sessions", 3), ("smoothing", Smoothing.WILDER))
    assert by_session(BARS, spec, first_is_whole=True) is None
    assert by_session(BARS, IndicatorSpec("rsi", "rsi", wilder, timeframe=Timeframe.MONTH), first_is_whole=True) is None
