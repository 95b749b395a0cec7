"""Chains by the model over the embedded market, and over a folder of bars."""

from datetime import date, datetime, timedelta
from functools import cache

import numpy as np
import pytest

from mtum.adapters.calendar import ExchangeCalendar
from mtum.adapters.sources.embedded import sample_source
from mtum.app.model_chains import ModelChains
from mtum.core.market.instruments import Right
from mtum.core.options.asking import ChainRequest
from mtum.core.options.chain import read
from mtum.core.options.model.levels import ILLUSTRATION, MODEL_PRICED
from mtum.core.options.selecting import Window
from mtum.errors import DataError

DAY = date(2018, 3, 5)
WINDOW = Window(30, 60, 45)


@cache
def chains(points: float = 0.0) -> ModelChains:
    return ModelChains(sample_source("multi"), ExchangeCalendar(), points=points)


def moment(day: date = DAY) -> datetime:
    session = ExchangeCalendar().sessions(day, day).get(day)
    assert session is not None
    return session.before_close(20)


def request(underlying: str) -> ChainRequest:
    return ChainRequest(underlying, WINDOW, frozenset(Right), (0.05, 0.55))


def test_it_is_a_source_of_chains_whose_prices_are_a_models() -> None:
    assert (chains().name, chains().model_priced) == ("model", True)


@pytest.mark.parametrize("underlying", ["SP500", "SPY"])
def test_the_index_is_priced_as_the_fund_at_a_part_of_the_vix(underlying: str) -> None:
    found = chains().quoted(request(underlying), 272.0, moment())
    vix = sample_source("multi").series_history("VIX", DAY, DAY)[DAY]
    month = [one for one in read(found.chain).readings.values() if one.days == 32]
    near = min(month, key=lambda one: abs(float(one.row.contract.strike) - 272.5))
    assert near.volatility == pytest.approx(0.82 * vix / 100.0, rel=0.02)
    assert found.label == MODEL_PRICED
    assert "the level of" in " ".join(found.told)


def test_what_has_no_market_of_its_own_is_refused_by_name() -> None:
    for underlying, why in (("NDQ", "no volatility index"), ("QQQ", "VXN is missing"), ("MTUM", "20 to 57 %")):
        with pytest.raises(DataError, match=why) as raised:
            chains().chain(request(underlying), 140.0, moment())
        assert str(raised.value).startswith(f"{underlying} has no model prices")
        assert "\n" not in str(raised.value)


def test_calls_on_the_vix_are_an_illustration_off_their_future() -> None:
    found = chains().quoted(request("VIX"), 18.73, moment())
    closes = sample_source("multi").series_history("VIX", DAY - timedelta(days=400), DAY)
    last = [closes[day] for day in sorted(closes)][-252:]
    assert found.label == ILLUSTRATION
    assert found.chain.spot == pytest.approx(0.5 * last[-1] + 0.5 * float(np.median(last)), abs=1e-9)


def test_the_first_year_has_no_illustration() -> None:
    with pytest.raises(DataError, match="252 are needed"):
        chains().chain(request("VIX"), 14.0, moment(date(2014, 6, 2)))


def test_the_band_is_a_volatility_point_to_either_side() -> None:
    low, base, high = (chains(points).quoted(request("SP500"), 272.0, moment()) for points in (-1.0, 0.0, 1.0))
    number = next(one for one in base.mids if one in low.mids and one in high.mids)
    moved = [one.volatilities[number] - base.volatilities[number] for one in (low, high)]
    assert moved == pytest.approx([-0.01, 0.01], rel=0.25)  # at the strike: the skew makes it a little more or less


def test_before_the_first_bell_nothing_is_quoted() -> None:
    with pytest.raises(DataError, match="no session has begun"):
        chains().chain(request("SP500"), 272.0, moment() - timedelta(hours=9))
