"""The price ladder: the mid first, a third nearer the far side each time, never past what is allowed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtum.core.options.ladder import STEPS, Envelope, Market, NetPrice, offer, on_tick, tick_at

CENT = Decimal("0.01")


def net(price: str) -> NetPrice:
    return NetPrice(Decimal(price))


def offers(market: tuple[str, str, str], start: str, worst: str | None, *, risk: bool = False) -> list[str | None]:
    sides = Market(*map(net, market))
    bounds = Envelope(net(start), None if worst is None else net(worst), risk)
    found = [offer(sides, bounds, CENT, step) for step in range(STEPS)]
    return [None if one is None else str(one) for one in found]


def test_a_sale_starts_at_the_tick_above_the_mid_and_comes_down_by_thirds() -> None:
    # Mid 1.205 is sold at 1.21; a third of 0.205 further is 1.1367, two thirds 1.0683, which the last
    # offer rounds to the far side.
    assert offers(("-1.41", "-1.205", "-1.00"), "-1.20", "-0.90") == ["-1.21", "-1.14", "-1.06"]


def test_a_purchase_starts_at_the_tick_below_the_mid_and_goes_up_by_thirds() -> None:
    assert offers(("1.00", "1.205", "1.41"), "1.20", "1.50") == ["1.20", "1.27", "1.35"]


def test_in_a_market_one_tick_wide_the_last_offer_takes_the_other_side() -> None:
    assert offers(("-3.82", "-3.815", "-3.81"), "-3.81", "-0.05") == ["-3.82", "-3.82", "-3.81"]
    assert offers(("3.81", "3.815", "3.82"), "3.81", "4.00") == ["3.81", "3.81", "3.82"]


def test_nothing_is_offered_past_the_worst_price_of_the_decision() -> None:
    assert offers(("-1.41", "-1.205", "-1.00"), "-1.20", "-1.10") == ["-1.21", "-1.14", "-1.10"]
    assert offers(("1.00", "1.205", "1.41"), "1.20", "1.249") == ["1.20", "1.24", "1.24"]


def test_what_closes_for_risk_ends_at_the_far_side_and_not_beyond() -> None:
    assert offers(("1.00", "1.205", "1.41"), "1.20", None, risk=True) == ["1.20", "1.27", "1.41"]
    assert offers(("1.00", "1.2025", "1.405"), "1.20", None, risk=True)[-1] == "1.40"


def test_a_credit_stays_a_credit_and_a_debit_a_debit() -> None:
    assert offers(("-0.02", "0.01", "0.04"), "-0.30", "0.10") == ["-0.01", "-0.01", "-0.01"]
    assert offers(("-0.02", "0.00", "0.02"), "0.30", "0.40") == ["0.01", "0.01", "0.02"]
    assert offers(("-0.04", "-0.02", "0.00"), "0.30", "0.40") == [None, None, None]


def test_ticks_follow_the_market_rule_at_the_price() -> None:
    rule = ((Decimal(0), Decimal("0.05")), (Decimal(3), Decimal("0.10")))
    assert [tick_at(rule, Decimal(price)) for price in ("2.99", "3", "-3.05")] == list(
        map(Decimal, ("0.05", "0.10", "0.10"))
    )
    assert (on_tick(Decimal("-1.15"), Decimal("0.05")), on_tick(Decimal("1.12"), Decimal("0.05"))) == (True, False)


CENTS = st.integers(-2000, 2000)


@given(
    sides=st.tuples(CENTS, CENTS),
    start=CENTS,
    worst=st.none() | CENTS,
    tick=st.sampled_from(("0.01", "0.05", "0.10")),
    risk=st.booleans(),
)
def test_every_offer_is_on_the_tick_and_inside_its_bounds_and_none_goes_back(
    sides: tuple[int, int], start: int, worst: int | None, tick: str, risk: bool
) -> None:
    near, far = sorted(sides)
    market = Market(*(NetPrice(Decimal(one) / 200) for one in (2 * near, near + far, 2 * far)))
    bounds = Envelope(NetPrice(Decimal(start) / 100), None if worst is None else NetPrice(Decimal(worst) / 100), risk)
    found = [offer(market, bounds, Decimal(tick), step) for step in range(STEPS + 1)]
    made = [one for one in found if one is not None]
    assert made == sorted(made)
    for one in made:
        assert on_tick(one, Decimal(tick))
        assert one <= market.far
        assert bounds.worst is None or one <= bounds.worst
        assert start >= 0 or one < 0
        assert start <= 0 or one > 0
    assert found[-1] == found[-2]


@pytest.mark.parametrize("price", ["0", "0.004"])
def test_the_cheapest_price_is_one_tick(price: str) -> None:
    assert offer(Market(net("0"), net(price), net("0.05")), Envelope(net("0.02"), net("0.03")), CENT, 0) == CENT
