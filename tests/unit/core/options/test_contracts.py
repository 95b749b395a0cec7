"""Contracts by name and number, and the listed rows that may not be traded."""

from datetime import date
from decimal import Decimal

import pytest

from mtum.core.market.instruments import Right
from mtum.core.options.contracts import Listing, OptionContract, root_of
from support.values import replace

PUT = OptionContract(700001, "SPY", Right.PUT, Decimal("740"), date(2026, 8, 21), date(2026, 8, 21), "SPY")


def test_a_contract_is_named_as_the_exchanges_name_it_and_as_a_person_does() -> None:
    assert PUT.local_symbol == "SPY   260821P00740000"
    assert replace(PUT, strike=Decimal("204.78"), right=Right.CALL).local_symbol == "SPY   260821C00204780"
    assert PUT.words == "SPY 2026-08-21 740 put"
    assert replace(PUT, strike=Decimal("737.50")).words == "SPY 2026-08-21 737.5 put"


def test_days_are_calendar_days_to_the_last_one_of_trading() -> None:
    morning = replace(PUT, expiry=date(2026, 8, 20), settles=date(2026, 8, 21))
    assert (PUT.days_from(date(2026, 7, 10)), morning.days_from(date(2026, 7, 10))) == (42, 41)


def test_another_description_of_one_contract_says_what_differs() -> None:
    assert PUT.differs_from(replace(PUT)) == ()
    split = replace(PUT, trading_class="SPY1", multiplier=50)
    assert PUT.differs_from(split) == ("trading_class was SPY, is SPY1", "multiplier was 100, is 50")


@pytest.mark.parametrize(
    "wrong",
    [
        {"con_id": 0},
        {"strike": Decimal("0")},
        {"strike": Decimal("NaN")},
        {"settles": date(2026, 8, 20)},
    ],
)
def test_what_cannot_be_is_no_contract(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no such contract"):
        replace(PUT, **wrong)


SOUND = Listing("SPY", "SMART", "SPY", "100", "USD", "SPY   260821P00740000")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (SOUND, None),
        (replace(SOUND, local_symbol=""), None),  # a row of the chain has no name yet
        (replace(SOUND, exchange="AMEX"), "exchange AMEX, not SMART"),
        (replace(SOUND, trading_class="2SPY"), "class 2SPY, not SPY"),
        (replace(SOUND, trading_class="SPY1"), "class SPY1, not SPY"),
        (replace(SOUND, multiplier="10"), "multiplier 10, not 100"),
        (replace(SOUND, multiplier=""), "multiplier missing, not 100"),
        (replace(SOUND, currency="EUR"), "currency EUR, not USD"),
        (replace(SOUND, local_symbol="SPY1  260821P00740000"), "named SPY1  260821P00740000, not of class SPY"),
        (replace(SOUND, local_symbol="SPY"), "named SPY, not of class SPY"),
        (Listing("SPX", "SMART", "SPXW", "100"), None),
        (Listing("VIX", "SMART", "VIX", "100"), None),
        (Listing("VIX", "SMART", "VIX3", "100"), "class VIX3, not VIX or VIXW"),
    ],
)
def test_a_row_that_may_not_be_traded_says_why(row: Listing, why: str | None) -> None:
    assert row.refused == why


def test_the_class_is_read_from_the_name_with_and_without_its_spaces() -> None:
    assert root_of("SPXW260821P05500000") == "SPXW"
    assert root_of("F     260821C00012500") == "F"
    assert root_of("F 26AUG C") is None
