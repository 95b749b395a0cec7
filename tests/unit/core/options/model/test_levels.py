"""Levels of volatility: which knowledge counts, what has none, and the illustration for the VIX."""

from datetime import date
from math import log, nan, sqrt

import pytest

from mtum.core.options.model.levels import ILLUSTRATION, MODEL_PRICED, WIDEST, Level, level_of, vix_illustration
from mtum.core.options.surface import CLASSES, POOLED

INDEXES = {"VIX": 16.5, "VXN": 21.0}


def of(underlying: str, at_30_days: float | None = None) -> Level:
    found = level_of(underlying, INDEXES, at_30_days)
    assert isinstance(found, Level)
    return found


def test_an_index_gives_the_level_of_its_fund() -> None:
    assert of("SPY").at_30_days == pytest.approx(0.82 * 0.165)
    assert of("QQQ").at_30_days == pytest.approx(0.90 * 0.21)
    assert of("SPX").at_30_days == of("SPY").at_30_days
    assert of("SPY").told == ("the level of SPY is 0.82 of VIX",)
    assert of("SPY").label == MODEL_PRICED


def test_the_price_index_of_the_embedded_market_is_priced_as_the_fund() -> None:
    found = of("SP500")
    assert (found.at_30_days, found.shape) == (of("SPY").at_30_days, CLASSES["SPY"])
    assert found.told[0] == "SP500 is priced as SPY is"


def test_what_is_known_of_the_underlying_itself_goes_first() -> None:
    assert of("SPY", 0.15).at_30_days == 0.15
    assert of("AAPL", 0.25).shape is POOLED
    assert len(of("AAPL", 0.25).told) == 2
    both = level_of("SPY", INDEXES, 0.15, {date(2026, 8, 21): 0.16})
    assert isinstance(both, Level)
    assert both.by_expiry == {date(2026, 8, 21): 0.16}


def test_a_class_without_a_width_of_its_own_takes_the_widest() -> None:
    assert WIDEST == (-2.457, 0.377, 0.105)
    assert "the widest fitted one stands for it" in of("XSP").told[0]


@pytest.mark.parametrize(
    ("underlying", "why"),
    [
        ("NDQ", "NDQ has no model prices: no volatility index and no implied volatility of its own stand for it"),
        ("AAPL", "AAPL has no model prices: no volatility index and no implied volatility of its own stand for it"),
        ("IWM", "IWM has no model prices on this session: RVX is missing"),
        ("MTUM", "MTUM has no model prices: its options are quoted 20 to 57 % of their middle apart"),
        ("VIX", "VIX has no model prices: its forwards are no function of the index; there is an illustration alone"),
    ],
)
def test_what_has_no_honest_level_is_refused(underlying: str, why: str) -> None:
    assert level_of(underlying, INDEXES) == why


@pytest.mark.parametrize("points", [0.0, -1.0, nan, float("inf")])
def test_an_index_that_is_no_price_is_refused(points: float) -> None:
    found = level_of("SPY", {"VIX": points})
    assert isinstance(found, str)
    assert found.startswith("SPY has no model prices on this session: VIX is")


def test_no_knowledge_makes_a_market_of_mtum() -> None:
    assert isinstance(level_of("MTUM", INDEXES, 0.2), str)


def illustrated(closes: list[float]) -> Level:
    found = vix_illustration(closes)
    assert isinstance(found, Level)
    return found


def test_the_illustration_by_hand() -> None:
    # Median of a year 20, the last close 30: the forward is halfway. One move of ln(1.5) among 60, 59 of them 0:
    # mean m / 60, so the deviation is m / sqrt(60).
    found = illustrated([20.0] * 251 + [30.0])
    assert found.forward == 25.0
    assert found.at_30_days == pytest.approx(log(1.5) / sqrt(60) * sqrt(252))
    assert found.label == ILLUSTRATION
    assert found.told[0] == "an illustration: no model of options on the VIX is honest"


def test_swings_of_the_illustration_stay_within_their_bounds() -> None:
    assert illustrated([20.0] * 252).at_30_days == 0.6
    assert illustrated([20.0, 40.0] * 126).at_30_days == 1.5
    # What is older than a year, or 60 moves, counts for nothing.
    assert illustrated([90.0] * 9 + [20.0] * 252).forward == 20.0
    assert illustrated([40.0] * 191 + [20.0] * 61).at_30_days == 0.6
    assert illustrated([40.0] * 192 + [20.0] * 60).at_30_days == pytest.approx(log(2) / sqrt(60) * sqrt(252))


def test_without_a_year_of_closes_there_is_no_illustration() -> None:
    assert vix_illustration([20.0] * 251) == "VIX has no illustration: 251 closes are known, 252 are needed"
    for wrong in (nan, 0.0):
        found = vix_illustration([20.0] * 251 + [wrong])
        assert found == "VIX has no illustration: a close of the last year is missing or not above 0"
