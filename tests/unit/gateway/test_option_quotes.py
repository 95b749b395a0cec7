"""Quotes and greeks of options, as an unchanged client library hears them."""

# mypy: disable-error-code="no-untyped-call"

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from math import isnan
from typing import Any

import ib_insync
import pytest
from ib_insync import ComboLeg, Contract, Option, Ticker

from support.gateway import Running
from support.ib_clients import Listener, client, until
from support.option_gateway import option_gateway, option_market


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with option_gateway() as gateway:
        yield gateway


@pytest.fixture
def ib(running: Running) -> Iterator[Listener]:
    with client(running) as library:
        yield library


@contextmanager
def behaving(running: Running, **switches: Any) -> Iterator[None]:
    running.tell("behavior", **switches)
    try:
        yield
    finally:
        plain = {name: type(value)() for name, value in switches.items()}
        running.tell("behavior", **plain)


def put(strike: float, expiry: str = "20150717", symbol: str = "SPY") -> Option:
    return Option(symbol, expiry, strike, "P", "SMART", "100", "USD")


@contextmanager
def followed(ib: Listener, contract: Contract, generic: str = "") -> Iterator[Ticker]:
    ticker = ib.reqMktData(contract, generic)
    assert until(ib, lambda: not isnan(ticker.ask) or ib.errors)
    ib.reqCurrentTime()  # answers come in their order: all ticks are there now
    yield ticker
    ib.cancelMktData(contract)


def number(ib: Listener, contract: Option) -> int:
    [details] = ib.reqContractDetails(contract)
    assert details.contract is not None
    return details.contract.conId


def test_a_quote_has_both_sides_and_all_greeks(ib: Listener) -> None:
    with followed(ib, put(195.0), "101") as ticker:
        assert 0 < ticker.bid < ticker.ask
        assert ticker.bidSize == ticker.askSize == 25
        assert (ticker.putOpenInterest, ticker.callOpenInterest, ticker.minTick) == (1000, 0, 0.01)
        greeks = ticker.modelGreeks
        assert greeks is not None
        # 37 days, 195 on 200, volatility about 0.82 x 15 points and the skew above it.
        assert greeks.delta is not None
        assert -0.35 < greeks.delta < -0.15
        assert 0.12 < (greeks.impliedVol or 0) < 0.17
        assert greeks.undPrice == 200.0
        assert ticker.bid <= (greeks.optPrice or 0) <= ticker.ask


def test_the_first_request_of_a_day_wakes_the_farm_of_options() -> None:
    with option_gateway() as fresh, client(fresh) as ib:
        before = len(ib.errors)
        for strike in (195.0, 196.0):
            with followed(ib, put(strike)):
                pass
        assert ib.errors[before:] == [(-1, 2119), (-1, 2104)]


def test_without_a_bid_the_price_is_minus_one_with_a_size_of_nothing(ib: Listener) -> None:
    with followed(ib, put(100.0)) as ticker:
        assert (ticker.bid, ticker.bidSize) == (-1, 0)
        assert ticker.ask > 0
        assert ticker.bidGreeks is not None
        greeks = ticker.bidGreeks
        # The library clears all sentinels but those of vega and theta.
        assert (greeks.impliedVol, greeks.delta, greeks.optPrice, greeks.undPrice) == (None, None, None, None)
        assert (greeks.vega, greeks.theta) == (-2.0, -2.0)


def test_greeks_come_late_or_never(running: Running, ib: Listener) -> None:
    with behaving(running, greeks_seconds=0.3), followed(ib, put(194.0)) as ticker:
        assert ticker.modelGreeks is not None
        assert ticker.modelGreeks.delta is None
        assert until(ib, lambda: ticker.modelGreeks and ticker.modelGreeks.delta is not None)
    with (
        behaving(running, greeks_seconds=0.05, no_greeks=["SPY"]),
        followed(ib, put(193.0)) as ticker,
    ):
        ib.sleep(0.3)
        assert ticker.modelGreeks is not None
        assert ticker.modelGreeks.delta is None


def test_options_without_permission_are_refused_while_their_shares_are_quoted(running: Running, ib: Listener) -> None:
    with behaving(running, no_option_data=["SPY"]):
        ib.errors.clear()
        ib.reqMktData(put(192.0))
        assert until(ib, lambda: ib.errors)
        assert ib.errors[0][1] == 354
        with followed(ib, ib_insync.Stock("SPY", "SMART", "USD"), "106") as ticker:
            assert ticker.bid == 199.99
            assert ticker.impliedVolatility == pytest.approx(0.123)


def test_delayed_quotes_come_under_their_own_numbers(running: Running, ib: Listener) -> None:
    with behaving(running, delayed=["SPY"]):
        ib.errors.clear()
        with followed(ib, put(191.0)) as ticker:
            assert ticker.marketDataType == 3
            assert ticker.modelGreeks is not None
            assert 10167 in [code for _, code in ib.errors]


def test_a_combination_is_quoted_as_the_sum_of_its_legs(ib: Listener) -> None:
    short, long = put(195.0), put(190.0)
    legs = [
        ComboLeg(conId=number(ib, short), ratio=1, action="SELL", exchange="SMART"),
        ComboLeg(conId=number(ib, long), ratio=1, action="BUY", exchange="SMART"),
    ]
    spread = Contract(symbol="SPY", secType="BAG", exchange="SMART", currency="USD", comboLegs=legs)
    with followed(ib, short) as sold, followed(ib, long) as bought, followed(ib, spread) as ticker:
        # Bought at the sum of the far sides, a credit below 0.
        assert ticker.ask == pytest.approx(bought.ask - sold.bid)
        assert ticker.bid == pytest.approx(bought.bid - sold.ask)
        assert ticker.ask < 0
        assert ticker.minTick == 0.01


def test_stale_quotes_come_without_a_word(running: Running) -> None:
    """The share has moved from 200 to 190 since the last close; its options are shown as they were."""
    moved = option_market({date(2015, 6, 10): 190.0})
    with option_gateway(source=moved) as other, client(other) as ib:
        with followed(ib, put(195.0)) as ticker:
            true = ticker.bid
        other.tell("behavior", stale_options=["SPY"])
        ib.errors.clear()
        with followed(ib, put(195.0)) as ticker:
            assert ticker.bid < true - 2
            assert ib.errors == []


def test_the_share_has_bars_of_its_implied_volatility_and_the_option_none(ib: Listener) -> None:
    share = ib_insync.Stock("SPY", "SMART", "USD")
    bars = ib.reqHistoricalData(share, "", "5 D", "1 day", "OPTION_IMPLIED_VOLATILITY", useRTH=True)
    assert [(bar.close, bar.volume, bar.barCount) for bar in bars][-2:] == [(0.123, -1, -1)] * 2
    ib.errors.clear()
    assert not ib.reqHistoricalData(put(195.0), "", "5 D", "1 day", "TRADES", useRTH=True)
    assert [code for _, code in ib.errors] == [162]


def test_a_calculation_gives_back_what_went_in_and_exercise_is_refused(ib: Listener) -> None:
    one = put(195.0)
    worth = ib.calculateOptionPrice(one, 0.20, 200.0)
    assert (worth.impliedVol, worth.pvDividend) == (0.20, None)
    assert -0.5 < (worth.delta or 0) < 0
    implied = ib.calculateImpliedVolatility(one, worth.optPrice or 0.0, 200.0)
    assert implied.impliedVol == pytest.approx(0.20, abs=1e-6)
    assert implied.delta is None
    ib.errors.clear()
    [details] = ib.reqContractDetails(one)
    assert details.contract is not None
    ib.exerciseOptions(details.contract, 1, 1, "DUP100001", 0)
    assert until(ib, lambda: ib.errors)
    assert ib.errors[0][1] == 322
