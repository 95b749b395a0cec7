"""What Regulation T holds back, by hand."""

from datetime import date
from decimal import Decimal

import pytest

from mtum.core.market.instruments import Right
from mtum.core.options.contracts import OptionContract
from mtum.core.options.requirement import MarginLeg, requirement

EXPIRY, LATER = date(2026, 8, 21), date(2026, 9, 18)


def leg(words: str, quantity: int, premium: str = "1", expiry: date = EXPIRY) -> MarginLeg:
    """From `SPY 570 P`."""
    symbol, strike, right = words.split()
    contract = OptionContract(1, symbol, Right(right), Decimal(strike), expiry, expiry, symbol)
    return MarginLeg(contract, quantity, Decimal(premium))


@pytest.mark.parametrize(
    ("one", "spot", "usd"),
    [
        (leg("SPY 570 P", -1, "8"), "600", "9800"),  # 8 + (120 - 30)
        (leg("SPY 400 P", -1, "0.5"), "600", "4050"),  # 0.5 + 10 % of the strike
        (leg("SPY 630 C", -2, "5"), "600", "19000"),  # 5 + (120 - 30), twice
        (leg("SPY 700 C", -1, "0.1"), "600", "6010"),  # 0.1 + 10 % of the spot
        (leg("SPX 6300 C", -1, "50"), "6000", "65000"),  # 50 + (15 % = 900) - 300
        (leg("F 5 P", -1, "0.1"), "10", "260"),  # 0.1 + 2.50
        (leg("SPY 610 P", -1, "15"), "600", "13500"),  # in the money nothing is taken off
    ],
)
def test_an_uncovered_option(one: MarginLeg, spot: str, usd: str) -> None:
    assert requirement([one], Decimal(spot)) == Decimal(usd)


def test_what_is_long_needs_what_it_is_worth() -> None:
    assert requirement([leg("SPY 570 P", 3, "8.25")], Decimal(600)) == Decimal(2475)


def test_shares_cover_calls_as_far_as_they_go() -> None:
    calls = [leg("SPY 630 C", -2, "5")]
    assert requirement(calls, Decimal(600), 200) == 0
    assert requirement(calls, Decimal(600), 199) == Decimal(9500)
    assert requirement([leg("SPY 570 P", -1, "8")], Decimal(600), 200) == Decimal(9800)


def test_without_margin_a_put_needs_its_strike() -> None:
    assert requirement([leg("SPY 570 P", -2, "8")], Decimal(600), cash_secured=True) == Decimal(114_000)


PUTS, CALLS = (leg("SPY 570 P", -1, "8"), leg("SPY 560 P", 1, "6")), (leg("SPY 630 C", -1, "5"), leg("SPY 640 C", 1))


@pytest.mark.parametrize(
    ("legs", "usd"),
    [
        (PUTS, 1000),
        (CALLS, 1000),
        ((*PUTS, *CALLS), 1000),  # one side of a condor whose wings are equal
        ((*PUTS, CALLS[0], leg("SPY 645 C", 1)), 2500),  # otherwise both
        ((*PUTS, leg("SPY 630 C", -2, "5"), leg("SPY 640 C", 2)), 3000),
        ((leg("SPY 600 C", 1, "12"), leg("SPY 610 C", -1, "8")), 400),  # a debit
        ((leg("SPY 600 P", 2, "12"), leg("SPY 590 P", -2, "8")), 800),
        ((leg("VIX 20 C", -1, "2"), leg("VIX 21 C", 1, "1.6")), 150),
        ((leg("VIX 20 C", -2, "2"), leg("VIX 25 C", 2, "1")), 1000),
    ],
)
def test_spreads_need_what_they_can_lose(legs: tuple[MarginLeg, ...], usd: int) -> None:
    assert requirement(legs, Decimal(600)) == usd
    assert requirement(legs[::-1], Decimal(600)) == usd


def test_a_long_one_that_expires_before_covers_nothing() -> None:
    later = (leg("SPY 570 P", -1, "8", LATER), leg("SPY 560 P", 1, "6"))
    assert requirement(later, Decimal(600)) == Decimal(9800 + 600)
    earlier = (leg("SPY 570 P", -1, "8"), leg("SPY 560 P", 1, "6", LATER))
    assert requirement(earlier, Decimal(600)) == 1000


def test_what_goes_beyond_the_pairs_is_uncovered() -> None:
    legs = (leg("SPY 570 P", -3, "8"), leg("SPY 560 P", 2, "6"))
    assert requirement(legs, Decimal(600)) == Decimal(2 * 1000 + 9800)
    assert requirement(legs, Decimal(600), cash_secured=True) == Decimal(2 * 1000 + 57_000)


def test_a_requirement_is_that_of_one_underlying() -> None:
    with pytest.raises(ValueError, match="QQQ, SPY"):
        requirement([leg("SPY 570 P", -1), leg("QQQ 570 P", 1)], Decimal(600))
    assert requirement([], Decimal(600)) == 0
