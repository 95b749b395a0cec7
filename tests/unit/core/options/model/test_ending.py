"""How options end in the model: by hand, and beside the tree."""

from datetime import date
from decimal import Decimal
from math import exp, inf, nan

import pytest

from mtum.core.market.instruments import Right
from mtum.core.options import american, european
from mtum.core.options.contracts import Delivery, End, OptionContract, Style
from mtum.core.options.european import Terms
from mtum.core.options.model.ending import Night, at_expiry, early

DAY, NEXT, EXPIRY = date(2026, 8, 19), date(2026, 8, 20), date(2026, 8, 21)
CALL, PUT = Right.CALL, Right.PUT


def contract(right: Right, strike: str = "740", expiry: date = EXPIRY) -> OptionContract:
    return OptionContract(1, "SPY", right, Decimal(strike), expiry, expiry, "SPY")


@pytest.mark.parametrize(
    ("right", "quantity", "close", "kind", "shares", "cash"),
    [
        (PUT, -2, "739.99", End.ASSIGNED, 200, -148_000),
        (PUT, -2, "740.00", End.EXPIRED, 0, 0),
        (PUT, -2, "739.995", End.EXPIRED, 0, 0),
        (PUT, 1, "700", End.EXERCISED, -100, 74_000),
        (CALL, -1, "740.01", End.ASSIGNED, -100, 74_000),
        (CALL, 3, "750", End.EXERCISED, 300, -222_000),
        (CALL, 3, "740", End.EXPIRED, 0, 0),
    ],
)
def test_a_cent_in_the_money_is_exercised(
    right: Right, quantity: int, close: str, kind: End, shares: int, cash: int
) -> None:
    found = at_expiry(contract(right), quantity, Decimal(close))
    assert (found.kind, found.quantity, found.shares, found.cash_usd) == (kind, quantity, shares, Decimal(cash))


@pytest.mark.parametrize("delivery", [Delivery.CASH_AM, Delivery.CASH_PM])
def test_an_index_pays_the_difference(delivery: Delivery) -> None:
    one = OptionContract(1, "VIX", CALL, Decimal(20), DAY, NEXT, "VIX", Style.EUROPEAN, delivery)
    for quantity, cash in ((2, 1046), (-1, -523)):
        found = at_expiry(one, quantity, Decimal("25.23"))
        assert (found.kind, found.shares, found.cash_usd) == (End.CASH_SETTLED, 0, Decimal(cash))
        assert ("unknown to the model" in found.told) is (delivery is Delivery.CASH_AM)
    assert at_expiry(one, 2, Decimal(20)).kind is End.EXPIRED


@pytest.mark.parametrize(("quantity", "close"), [(0, "740"), (1, "0"), (1, "NaN")])
def test_what_cannot_expire_is_refused(quantity: int, close: str) -> None:
    with pytest.raises(ValueError, match="cannot expire"):
        at_expiry(contract(CALL), quantity, Decimal(close))


def night(close: str, dividend: str = "1.90", ex_day: date = NEXT, rate: float = 0.043) -> Night:
    return Night(DAY, NEXT, Decimal(close), rate, ((ex_day, Decimal(dividend)),))


def test_a_call_is_assigned_on_the_eve_of_a_dividend_that_beats_its_put() -> None:
    found = early(contract(CALL), -2, night("750"), 1.89)
    assert found is not None
    assert (found.kind, found.shares, found.cash_usd) == (End.ASSIGNED, -200, Decimal(148_000))
    assert found.told == "a dividend of 1.90 is worth more than waiting (1.89)"


@pytest.mark.parametrize(
    ("quantity", "one", "opposite"),
    [
        (-1, night("750"), 1.90),  # waiting is worth as much
        (1, night("750"), 0.10),  # what is held is never exercised early
        (-1, night("740"), 0.10),  # not in the money
        (-1, night("750", ex_day=EXPIRY), 0.10),  # goes ex a session later
        (-1, night("750", ex_day=DAY), 0.10),  # went ex already
    ],
)
def test_a_call_that_is_not_assigned(quantity: int, one: Night, opposite: float) -> None:
    assert early(contract(CALL), quantity, one, opposite) is None


def test_a_deep_put_is_assigned_when_interest_beats_its_call() -> None:
    # 100 days at 4.3 %: 740 (1 - exp(-0.043 x 100 / 365)) = 8.67
    put = contract(PUT, expiry=date(2026, 11, 27))
    bare = Night(DAY, NEXT, Decimal(600), 0.043)
    found = early(put, -1, bare, 8.66)
    assert found is not None
    assert (found.kind, found.shares, found.cash_usd) == (End.ASSIGNED, 100, Decimal(-74_000))
    assert found.told == "interest of 8.67 is worth more than waiting (8.66)"
    assert early(put, -1, bare, 8.68) is None
    assert early(put, -1, night("600"), 6.78) is None  # 1.90 of dividends are missed
    assert early(put, -1, night("600"), 6.76) is not None
    assert early(put, -1, night("600", rate=0.0), 0.0) is None


def test_nothing_is_assigned_early_in_europe_or_after_its_last_session() -> None:
    index = OptionContract(1, "XSP", CALL, Decimal(740), EXPIRY, EXPIRY, "XSP", Style.EUROPEAN, Delivery.CASH_PM)
    assert early(index, -1, night("750"), 0.0) is None
    assert early(contract(CALL, expiry=DAY), -1, night("750"), 0.0) is None


@pytest.mark.parametrize(("following", "opposite"), [(DAY, 1.0), (NEXT, nan), (NEXT, -0.01)])
def test_a_night_that_cannot_be_is_refused(following: date, opposite: float) -> None:
    with pytest.raises(ValueError, match="with the other right worth"):
        early(contract(CALL), -1, Night(DAY, following, Decimal(750), 0.04), opposite)
    assert early(contract(CALL), -1, Night(DAY, NEXT, Decimal(750), 0.04), inf) is None


@pytest.mark.parametrize("right", Right)
def test_whoever_exercises_by_the_tree_is_met(right: Right) -> None:
    """A rational holder exercises where the option is worth no more than that: the rule must not be later."""
    rate, spot, exercised = 0.05, 750.0, 0  # goes ex as soon as the session is over
    for days, volatility in ((9, 0.1), (9, 0.2), (30, 0.15), (90, 0.12)):
        for strike in range(600, 901, 10):
            years = days / 365
            dividends = ((1e-6, 3.0),) if right is CALL else ()
            pays = max((1 if right is CALL else -1) * (spot - strike), 0.0)
            held = float(american.price(Terms(right is CALL, strike, years), spot, volatility, rate, dividends))
            if pays <= 0 or held > pays + 1e-9:
                continue
            exercised += 1
            bare = spot - sum(usd * exp(-rate * when) for when, usd in dividends)
            other = Terms(right is not CALL, strike, years)
            opposite = float(european.price(other, bare * exp(rate * years), volatility, exp(-rate * years)))
            one = contract(right, str(strike), date.fromordinal(DAY.toordinal() + days))
            told = tuple((NEXT, Decimal("3")) for _ in dividends)
            assert early(one, -1, Night(DAY, NEXT, Decimal("750"), rate, told), opposite) is not None
    assert exercised > 10
