"""Lines of charts: each one that a strategy names is drawn, told apart from the others, or refused by its name."""

from dataclasses import dataclass

import numpy as np
import pytest

from mtum.core.indicators import column_of
from mtum.core.market.bars import Column
from mtum.core.market.timeframes import Timeframe
from mtum.core.reporting.charts import Line, market_panels
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.description import ChartPanel, IndicatorSpec
from mtum.core.strategies.history import FinalHistory, panel_problems
from support.bars import bars_of
from support.registry import example_of

BARS = bars_of([1.0, 2.0, 3.0, 5.0], symbol="SPY")
MEAN = IndicatorSpec("mean", "sma", (("sessions", 2),))


@dataclass(frozen=True, slots=True)
class Drawn(BuyAndHold):
    """Holds, and draws what a test gives it."""

    shown: tuple[ChartPanel, ...] = ()

    def series(self) -> tuple[str, ...]:
        """One extra series."""
        return ("VIX",)

    def indicators(self) -> tuple[IndicatorSpec, ...]:
        """One by day, and one within the session."""
        return (MEAN, IndicatorSpec("hourly", "sma", (), timeframe=Timeframe.HOUR))

    def panels(self) -> tuple[ChartPanel, ...]:
        """What the test gives."""
        return self.shown


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_line_of_the_charts_of_a_strategy_can_be_drawn(name: str) -> None:
    assert panel_problems(example_of(name)) == ()


def test_a_line_is_an_indicator_a_column_a_series_or_an_indicator_that_is_only_drawn() -> None:
    history = FinalHistory(Drawn("SPY"), {"SPY": BARS}, {"VIX": {BARS.day(1): 14.5}})
    highest = IndicatorSpec("", "donchian", (("line", "high"), ("sessions", 3)))
    assert history.line("SPY", "mean").tolist()[1:] == [1.5, 2.5, 4.0]
    assert history.line("SPY", "close").tolist() == [1.0, 2.0, 3.0, 5.0]
    assert np.array_equal(history.line("SPY", "vix"), [np.nan, 14.5, np.nan, np.nan], equal_nan=True)
    expected = column_of(BARS, "donchian", {"line": "high", "sessions": 3})
    assert np.array_equal(history.line("SPY", highest), expected, equal_nan=True)
    with pytest.raises(ValueError, match='donchian has no line "upper"; it has '):
        history.line("SPY", IndicatorSpec("", "donchian", (("line", "upper"),)))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("meen", 'panels() of buy_and_hold names a line "meen"; there are mean, hourly, vix, open, high, low, close'),
        ("VIX", 'names a line "VIX"; there are'),
        ("hourly", 'draws "hourly", which is of 1h, by session'),
    ],
)
def test_a_line_that_cannot_be_drawn_is_refused_by_its_name(name: str, says: str) -> None:
    strategy = Drawn("SPY", shown=(ChartPanel("", ((name, "label"),)), ChartPanel("empty", ())))
    named, empty = panel_problems(strategy)
    assert says in named
    assert empty == 'panels() of buy_and_hold has a panel "empty" without a line'
    with pytest.raises(ValueError, match="panels"):
        FinalHistory(strategy, {"SPY": BARS}, {}).line("SPY", name)


def test_no_line_is_left_out_and_none_looks_like_another() -> None:
    names = [f"line {n}" for n in range(12)]
    columns: dict[str | IndicatorSpec, Column] = {name: BARS.close + n for n, name in enumerate(names)}
    every = tuple((name, name) for name in names)
    specified = (ChartPanel("", every), ChartPanel("below", every), ChartPanel("bars", every, bars=True))
    for panel in market_panels("SPY", Line("close", BARS.close), specified, columns, words={}):
        assert [line.name for line in panel.lines if line.name != "close"] == names
        looks = [(line.hue, line.dash, line.drawn) for line in panel.lines]
        assert len({*looks}) == len(looks)
        assert {"good", "bad"}.isdisjoint(line.hue for line in panel.lines) or panel.title == "below"


@pytest.mark.parametrize(
    ("lines", "title"),
    [
        ((), "SPY close, USD"),
        ((("mean", "m"),), "SPY close and its mean of two, USD"),
        (((MEAN, "m"),), "SPY close and its m, USD"),
        ((("mean", "m"), (MEAN, "n")), "SPY close and 2 lines, USD"),
    ],
)
def test_the_title_names_one_line_and_counts_several(
    lines: tuple[tuple[str | IndicatorSpec, str], ...], title: str
) -> None:
    columns = dict.fromkeys((name for name, _ in lines), BARS.close)
    shown = (ChartPanel("", lines),)
    price, *_ = market_panels("SPY", Line("close", BARS.close), shown, columns, words={"mean": "mean of two"})
    assert price.title == title
