"""Chains and quotes of our adapter on the practice gateway: lists, choices and refusals of a market that is a model's.

TEST_LIBRARY names the library; `test_ib_async_environment.py` runs this file with the other one.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from mtum.core.market.instruments import Right
from mtum.core.options.asking import ChainRequest
from mtum.core.options.chain import SOLD, illiquid, read
from mtum.core.options.legs import OptionLeg
from mtum.core.options.selecting import Role, Window, choose
from mtum.core.portfolio.orders import Side
from mtum.errors import DataError
from mtum.ports.market_data import TellsVolatility
from support.gateway import Running
from support.gateway_desk import gateway_desk
from support.ib_adapter import adapter
from support.option_gateway import option_gateway, option_market

AT = datetime(2015, 6, 10, 19, 38, tzinfo=UTC)
MONTH = Window(30, 60, 45)
PUTS = ChainRequest("SPY", MONTH, frozenset({Right.PUT}), (0.20, 0.30))


@pytest.fixture(scope="module")
def gateway() -> Iterator[Running]:
    with option_gateway() as running:
        yield running


def test_a_put_is_chosen_from_the_chain_that_was_quoted(gateway: Running) -> None:
    with gateway_desk(gateway) as desk:
        chain = desk.chains.chain(PUTS, 200.0, AT)
        chosen = choose(read(chain), MONTH, [Role(Right.PUT, False, 0.25, SOLD)]).chosen
        assert chosen is not None
        (leg,) = chosen.legs
        assert abs(abs(leg.reading.delta or 0) - 0.25) < 0.02
        assert 30 <= leg.reading.days <= 60
        details = desk.broker.details([leg.contract])
        assert details[leg.contract.con_id].contract == leg.contract
        assert details[leg.contract.con_id].listing.refused is None
        assert desk.broker.tick([OptionLeg(leg.contract, Side.SELL)], Decimal("-1")) == Decimal("0.01")
        assert set(desk.broker.quotes([leg.contract])) == {leg.contract.con_id}
        assert len(chain.rows) <= 2 * (4 + 18)


def test_the_implied_volatility_of_an_underlying_is_read_and_its_absence_is_no_error(
    gateway: Running,
) -> None:
    days = (date(2015, 6, 8), date(2015, 6, 10))
    with adapter(gateway) as ours:
        assert isinstance(ours.source, TellsVolatility)
        # The model has SPY at 0.82 of the VIX, which is 15.
        assert ours.source.volatility("SPY", *days) == {date(2015, 6, day): 12.3 for day in (8, 9, 10)}
        gateway.tell("behavior", no_data=["SPY"])
        try:
            assert ours.source.volatility("SPY", *days) == {}
        finally:
            gateway.tell("behavior", no_data=[])


@pytest.mark.full
def test_options_that_are_quoted_too_wide_are_no_market(gateway: Running) -> None:
    with gateway_desk(gateway) as desk:
        chain = desk.chains.chain(ChainRequest("MTUM", MONTH, frozenset({Right.PUT}), (0.20, 0.30)), 70.0, AT)
    assert "are quoted within 10% of their middle" in (illiquid(read(chain), SOLD) or "")


@pytest.mark.full
def test_calls_on_the_vix_are_of_the_monthly_class_and_priced_off_their_own_forward(gateway: Running) -> None:
    wanted = ChainRequest("VIX", Window(30, 90, 30), frozenset({Right.CALL}), (0.20, 0.30))
    with gateway_desk(gateway) as desk:
        chain = desk.chains.chain(wanted, 15.0, AT)
    assert {row.contract.trading_class for row in chain.rows} == {"VIX"}
    assert {row.contract.settles > row.contract.expiry for row in chain.rows} == {True}
    assert read(chain).forwards


@pytest.mark.full
def test_without_permission_for_its_options_an_underlying_is_refused_with_the_brokers_words(gateway: Running) -> None:
    gateway.tell("behavior", no_option_data=["SPY"])
    try:
        with gateway_desk(gateway) as desk, pytest.raises(DataError, match=r"^SPY: .*354"):
            desk.chains.chain(PUTS, 200.0, AT)
    finally:
        gateway.tell("behavior", no_option_data=[])


@pytest.mark.full
def test_options_that_still_show_the_last_close_are_refused_once_the_spot_has_moved() -> None:
    closes = {date(2015, 6, 10): 190.0}
    with option_gateway(source=option_market(closes)) as moved:
        moved.tell("behavior", stale_options=["SPY"])
        with gateway_desk(moved) as desk, pytest.raises(DataError, match=r"^SPY: .*old quotes"):
            desk.chains.chain(PUTS, 190.0, AT)
