"""Every indicator equals its definition written a second time, on real prices and on bars made to be awkward."""

from datetime import date, timedelta

import numpy as np
import pytest

from mtum.adapters.sources.embedded import sample_source
from mtum.core.indicators import INDICATORS, NAMES, column_of, lines_of
from mtum.core.indicators.indicator import Group, Indicator
from mtum.core.indicators.smoothing import Smoothing
from mtum.core.market.bars import Bar, Bars
from mtum.core.market.timeframes import Timeframe
from support import plain_indicators

FIRST = date(2016, 1, 4)


def flat(count: int = 300) -> list[Bar]:
    """Bars without a range, without a move, the second half without volume."""
    return [Bar(FIRST + timedelta(n), 50.0, 50.0, 50.0, 50.0, 100.0 * (n < count / 2)) for n in range(count)]


def ties(count: int = 400) -> list[Bar]:
    """Bars whose highs and lows come again, up and down by the same steps."""
    steps = [100.0 + abs(n % 8 - 4) for n in range(count)]
    return [
        Bar(FIRST + timedelta(n), one, one + 1, one - 1, one + n % 3 - 1, 1000.0 + n % 5) for n, one in enumerate(steps)
    ]


def real() -> list[Bar]:
    bars = sample_source().history("SP500", FIRST, date(2018, 12, 31))
    return [bars.bar(n) for n in range(len(bars))]


MARKETS = {"real": real, "flat": flat, "ties": ties}


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("name", NAMES)
def test_every_line_equals_its_definition_written_in_plain_python(name: str, market: str) -> None:
    rows = MARKETS[market]()
    found = lines_of(Bars.of("X", "test", rows), name, {})
    written: plain_indicators.Lines = getattr(plain_indicators, name)(rows)
    assert list(found) == list(written)
    for line, column in found.items():
        expected = np.array([np.nan if value is None else value for value in written[line]])
        np.testing.assert_array_equal(np.isnan(column), np.isnan(expected), err_msg=line)
        np.testing.assert_allclose(column, expected, rtol=1e-12, atol=1.0000001e-6, err_msg=line)


@pytest.mark.parametrize("name", NAMES)
def test_an_indicator_tells_what_a_person_asks_of_it(name: str) -> None:
    one = INDICATORS[name]
    assert isinstance(one, Indicator)
    assert isinstance(one.group, Group)
    assert one.title.strip(".") == one.title
    assert len(one.reads) == 3
    assert one.vote.__doc__ is not None
    assert one.vote.__doc__.startswith("Vote ")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_known_of_no_bars_and_of_one(name: str) -> None:
    for count in (0, 1):
        for column in lines_of(Bars.of("X", "test", flat()[:count]), name, {}).values():
            assert len(column) == count
            assert np.isnan(column).all()


def test_a_line_is_asked_for_by_its_name_and_the_first_without() -> None:
    bars = Bars.of("X", "test", real())
    every = lines_of(bars, "macd", {"fast": 5})
    np.testing.assert_array_equal(column_of(bars, "macd", {"fast": 5}), every["line"])
    np.testing.assert_array_equal(column_of(bars, "macd", {"fast": 5, "line": "histogram"}), every["histogram"])
    with pytest.raises(KeyError):
        INDICATORS["nothing"]


def test_a_channel_of_earlier_sessions_can_be_broken() -> None:
    rows = [Bar(FIRST + timedelta(n), 10.0, 10.0 + n, 9.0 - n, 10.0 + n, 1.0) for n in range(4)]
    bars = Bars.of("X", "test", rows)
    found = lines_of(bars, "donchian", {"sessions": 2, "previous": True})
    assert found["high"].tolist()[2:] == [11.0, 12.0]
    assert found["low"].tolist()[2:] == [8.0, 7.0]
    assert np.isnan(found["high"][:2]).all()


def test_the_levels_of_a_week_are_those_of_the_week_before_and_of_the_first_none() -> None:
    """Monday 4 January 2016 on; of the first week it is not known whether it is whole."""
    rows = [Bar(FIRST + timedelta(n), 10.0, 20.0 + n, 5.0, 10.0 + n, 1.0) for n in range(17)]
    found = lines_of(Bars.of("X", "test", rows), "pivots", {"period": Timeframe.WEEK})
    # The week of 11 to 17 January: high 33, low 5, close 23: (33 + 5 + 23) / 3.
    assert found["p"][14:].tolist() == [round(61 / 3, 6)] * 3
    assert found["r3"][14] == round(33 + 2 * (61 / 3 - 5), 6)
    assert np.isnan(found["p"][:14]).all()


def test_the_newest_of_equal_extremes_begins_the_swing() -> None:
    prices = [(9.0, 5.0), (10.0, 6.0), (8.0, 4.0), (10.0, 6.0), (9.0, 5.0)]
    rows = [Bar(FIRST + timedelta(n), low, high, low, low, 1.0) for n, (high, low) in enumerate(prices)]
    found = lines_of(Bars.of("X", "test", rows), "fibonacci", {"sessions": 5})
    assert (found["up"][-1], found["0"][-1], found["50"][-1], found["100"][-1]) == (1.0, 10.0, 7.0, 4.0)
    assert lines_of(Bars.of("X", "test", rows[:3]), "fibonacci", {"sessions": 3})["up"][-1] == -1.0
    one_bar = [
        Bar(FIRST, 5, 6, 5, 5, 1),
        Bar(FIRST + timedelta(1), 5, 9, 1, 5, 1),
        Bar(FIRST + timedelta(2), 5, 6, 5, 5, 1),
    ]
    assert np.isnan(lines_of(Bars.of("X", "test", one_bar), "fibonacci", {"sessions": 3})["0"][-1])


@pytest.mark.parametrize(
    ("name", "now", "price", "vote"),
    [
        ("sma", {"sma": 10.0}, 10.01, 1),
        ("sma", {"sma": 10.0}, 10.0, 0),
        ("ema", {"ema": 10.0}, 9.99, -1),
        ("vwap", {"vwap": 10.0}, 11.0, 1),
        ("rsi", {"rsi": 29.9}, 1.0, 1),
        ("rsi", {"rsi": 30.0}, 1.0, 0),
        ("rsi", {"rsi": 70.1}, 1.0, -1),
        ("macd", {"line": 2.0, "signal": 1.0, "histogram": 1.0}, 1.0, 1),
        ("macd", {"line": 1.0, "signal": 2.0, "histogram": -1.0}, 1.0, -1),
        ("adx", {"adx": 25.0, "plus_di": 20.0, "minus_di": 10.0}, 1.0, 1),
        ("adx", {"adx": 25.0, "plus_di": 10.0, "minus_di": 20.0}, 1.0, -1),
        ("adx", {"adx": 24.9, "plus_di": 20.0, "minus_di": 10.0}, 1.0, 0),
        ("donchian", {"high": 12.0, "low": 8.0}, 10.5, 1),
        ("donchian", {"high": 12.0, "low": 8.0}, 9.5, -1),
        ("stochastic", {"k": 15.0, "d": 12.0}, 1.0, 1),
        ("stochastic", {"k": 15.0, "d": 18.0}, 1.0, 0),
        ("stochastic", {"k": 85.0, "d": 88.0}, 1.0, -1),
        ("williams_r", {"williams_r": -81.0}, 1.0, 1),
        ("williams_r", {"williams_r": -19.0}, 1.0, -1),
        ("roc", {"roc": -0.1}, 1.0, -1),
        ("bollinger", {"middle": 10.0, "upper": 12.0, "lower": 8.0, "percent_b": 0.0, "bandwidth": 0.4}, 7.9, 1),
        ("bollinger", {"middle": 10.0, "upper": 12.0, "lower": 8.0, "percent_b": 0.0, "bandwidth": 0.4}, 12.1, -1),
        ("keltner", {"middle": 10.0, "upper": 12.0, "lower": 8.0}, 12.1, 1),
        ("keltner", {"middle": 10.0, "upper": 12.0, "lower": 8.0}, 7.9, -1),
        ("obv", {"obv": 5.0}, 1.0, 1),
        ("cmf", {"cmf": -0.1}, 1.0, -1),
        ("pivots", {"p": 10.0, "r1": 11.0}, 10.5, 1),
        ("pivots", {"p": 10.0, "r1": 11.0}, 9.5, -1),
        ("fibonacci", {"61.8": 10.0, "up": 1.0}, 10.5, 1),
        ("fibonacci", {"61.8": 10.0, "up": 1.0}, 9.5, 0),
        ("fibonacci", {"61.8": 10.0, "up": -1.0}, 9.5, -1),
        ("fibonacci", {"61.8": 10.0, "up": -1.0}, 10.5, 0),
        ("atr", {"atr": 3.0}, 1.0, 0),
    ],
)
def test_a_vote_goes_by_the_rule_it_states(name: str, now: dict[str, float], price: float, vote: int) -> None:
    assert INDICATORS[name].vote(price, now) == vote


@pytest.mark.parametrize("name", NAMES)
def test_what_is_undefined_does_not_vote(name: str) -> None:
    lines = lines_of(Bars.of("X", "test", flat()[:1]), name, {})
    assert INDICATORS[name].vote(50.0, {line: float("nan") for line in lines}) == 0


def test_the_bars_it_takes_to_forget_a_seed_are_those_of_the_formula() -> None:
    assert INDICATORS["ema"].history_bars(sessions=26) == 296
    assert INDICATORS["adx"].history_bars() == 589
    assert INDICATORS["macd"].history_bars() == 296 + 102
    assert INDICATORS["rsi"].history_bars(smoothing=Smoothing.WILDER, sessions=20) == 426
    assert INDICATORS["rsi"].history_bars() == 15
