"""Chains and details of options, as an unchanged client library reads them."""

# mypy: disable-error-code="no-untyped-call"

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import ib_insync
import pytest

from mtum.core.options.contracts import Listing
from support.gateway import Running
from support.ib_clients import Listener, client
from support.option_gateway import option_gateway


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with option_gateway() as gateway:
        yield gateway


@pytest.fixture(scope="module")
def ib(running: Running) -> Iterator[Listener]:
    with client(running) as library:
        yield library


def spy_rows(ib: Listener, exchange: str = "") -> list[ib_insync.OptionChain]:
    [details] = ib.reqContractDetails(ib_insync.Stock("SPY", "SMART", "USD"))
    assert details.contract is not None
    return ib.reqSecDefOptParams("SPY", exchange, "STK", details.contract.conId)


def test_a_chain_has_one_row_by_venue_and_class_and_two_that_must_be_refused(ib: Listener) -> None:
    rows = spy_rows(ib)
    assert sorted((row.exchange, row.tradingClass) for row in rows) == [
        ("AMEX", "SPY"),
        ("BOX", "SPY"),
        ("CBOE", "SPY"),
        ("ISE", "SPY"),
        ("PHLX", "SPY"),
        ("SMART", "2SPY"),
        ("SMART", "SPY"),
        ("SMART", "SPY1"),
    ]
    assert rows[0].exchange != "SMART" or rows[0].tradingClass != "SPY"
    taken = [row for row in rows if Listing("SPY", row.exchange, row.tradingClass, row.multiplier).refused is None]
    assert [(row.exchange, row.tradingClass) for row in taken] == [("SMART", "SPY")]
    assert {"20150612", "20150619", "20150918"} <= set(taken[0].expirations)
    assert {150.0, 199.0, 200.0} <= set(taken[0].strikes)


def test_a_chain_asked_with_an_exchange_is_empty(ib: Listener) -> None:
    assert spy_rows(ib, "SMART") == []


def test_a_row_that_comes_twice_can_be_asked_for(running: Running, ib: Listener) -> None:
    running.tell("behavior", doubled_chains=["SPY"])
    try:
        taken = [row for row in spy_rows(ib) if (row.exchange, row.tradingClass) == ("SMART", "SPY")]
    finally:
        running.tell("behavior", doubled_chains=[])
    assert len(taken) == 2


def test_an_open_strike_brings_the_listed_contracts_and_a_missing_pair_brings_200(ib: Listener) -> None:
    near = ib.reqContractDetails(ib_insync.Option("SPY", "20150619", 0.0, "P", "SMART", "100", "USD"))
    far = ib.reqContractDetails(ib_insync.Option("SPY", "20150918", 0.0, "P", "SMART", "100", "USD"))
    strikes = [{details.contract.strike for details in found if details.contract is not None} for found in (near, far)]
    # By 1 USD near the spot of 200 for near expiries, by 5 for far ones.
    assert {198.0, 199.0, 200.0} <= strikes[0]
    assert {195.0, 200.0} <= strikes[1]
    assert 199.0 not in strikes[1]
    ib.errors.clear()
    assert ib.reqContractDetails(ib_insync.Option("SPY", "20150918", 199.0, "P", "SMART", "100", "USD")) == []
    assert [code for _, code in ib.errors] == [200]


def test_details_name_everything_that_pins_a_contract(ib: Listener) -> None:
    [found] = ib.reqContractDetails(ib_insync.Option("SPY", "20150619", 195.0, "P", "SMART", "100", "USD"))
    contract = found.contract
    assert contract is not None
    assert contract.localSymbol == "SPY   150619P00195000"
    assert (contract.lastTradeDateOrContractMonth, found.lastTradeTime) == ("20150619", "16:00:00")
    assert (contract.multiplier, contract.tradingClass, contract.exchange) == ("100", "SPY", "SMART")
    assert (found.realExpirationDate, found.underSymbol, found.underSecType) == ("20150619", "SPY", "STK")
    rules = dict(zip(found.validExchanges.split(","), found.marketRuleIds.split(","), strict=True))
    assert (rules["SMART"], rules["CBOE"]) == ("26", "109")
    assert found.liquidHours.startswith("20150610:0930-20150610:1615")
    again = ib.reqContractDetails(ib_insync.Contract(conId=contract.conId))
    assert [one.contract for one in again] == [contract]


def test_monthly_options_on_the_index_trade_until_tuesday_and_settle_on_wednesday(ib: Listener) -> None:
    found = ib.reqContractDetails(ib_insync.Option("VIX", "20150616", 0.0, "C", "SMART", "100", "USD"))
    assert {(one.realExpirationDate, one.underSecType, one.marketRuleIds[:3]) for one in found} == {
        ("20150617", "IND", "32,")
    }
    assert 15.5 not in {one.contract.strike for one in found if one.contract}
    assert len(found) > 10


def test_steps_of_a_price_are_those_of_its_rule(ib: Listener) -> None:
    found: dict[int, Any] = {rule: ib.reqMarketRule(rule) for rule in (26, 32, 109)}
    steps = {
        rule: [(Decimal(str(one.lowEdge)), Decimal(str(one.increment))) for one in rows] for rule, rows in found.items()
    }
    zero, three = Decimal("0.0"), Decimal("3.0")
    assert steps == {
        26: [(zero, Decimal("0.01"))],
        32: [(zero, Decimal("0.01")), (three, Decimal("0.05"))],
        109: [(zero, Decimal("0.05")), (three, Decimal("0.1"))],
    }


def test_a_number_with_another_expiry_conflicts_and_a_combination_has_no_details(ib: Listener) -> None:
    [found] = ib.reqContractDetails(ib_insync.Option("SPY", "20150619", 195.0, "P", "SMART", "100", "USD"))
    assert found.contract is not None
    ib.errors.clear()
    other = ib_insync.Contract(conId=found.contract.conId, lastTradeDateOrContractMonth="20150626", secType="OPT")
    assert ib.reqContractDetails(other) == []
    assert ib.reqContractDetails(ib_insync.Bag(symbol="SPY", exchange="SMART", currency="USD")) == []
    assert [code for _, code in ib.errors] == [478, 321]


def test_yesterday_is_not_listed(running: Running, ib: Listener) -> None:
    running.tell("clock", session=date(2015, 6, 15).isoformat(), minutes_to_close=22)
    try:
        assert ib.reqContractDetails(ib_insync.Option("SPY", "20150612", 200.0, "P", "SMART", "100", "USD")) == []
    finally:
        running.tell("clock", session=date(2015, 6, 10).isoformat(), minutes_to_close=22)
