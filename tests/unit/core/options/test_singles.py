"""Puts and calls of a wheel, rolls and hedges: each filter at its tie, and what a record says of the others."""

from datetime import timedelta

import pytest

from mtum.core.options.chain import ReadChain
from mtum.core.options.selecting import Selection, Window
from mtum.core.options.singles import (
    ENHANCED_WHEEL,
    WHEEL,
    HeldShort,
    blackout_within,
    hedge_call,
    rolled_call,
    rolled_put,
    short_call,
    short_put,
)
from support.option_chains import DAY, Hand, by_hand
from support.values import replace

PUT: Hand = ("P", 95.0, 45, 0.99, 1.01, -0.30, 10)
CALL: Hand = ("C", 105.0, 45, 0.99, 1.01, 0.30, 10)


def numbers(found: Selection) -> list[int]:
    return [leg.contract.con_id for leg in found.chosen.legs] if found.chosen else []


def removed(found: Selection, number: int = 1) -> str | None:
    condition = next(one.removed_by for one in found.considered if one.contract.con_id == number)
    return condition.name if condition else None


def put(**changes: float | None) -> Hand:
    names = ("right", "strike", "days", "bid", "ask", "delta", "interest")
    return tuple(changes.get(name, usual) for name, usual in zip(names, PUT, strict=True))  # type: ignore[return-value]


JUDGED: tuple[Hand, ...] = tuple(("C", 101.0 + one, 40, 9.99, 10.01, 0.2, None) for one in range(3))
"""Calls that show a liquid market and are never chosen: their open interest is unknown."""


@pytest.mark.parametrize(
    ("row", "filter_name"),
    [
        (put(), None),  # at every tie: 45 days, delta 0.30, open interest 10
        (put(days=44), "first_days"),
        (put(days=180), None),
        (put(days=181), "last_days"),
        (put(delta=-0.3000004), None),  # deltas are rounded to 1e-6
        (put(delta=-0.300001), "max_delta"),
        (put(delta=None), "delta_known"),
        (put(delta=0.0), None),  # so far out of the money that it rounds to nothing: it is known
        (put(interest=9), "open_interest"),
        (put(interest=None), "open_interest"),
        (put(bid=0.049, ask=0.051), "min_credit"),  # a middle of 0.05 is not above 0.05
        (put(bid=0.049, ask=0.053), None),
        (put(bid=0.95, ask=1.05), None),  # a spread of 0.10 of the middle
        (put(bid=0.95, ask=1.06), "width_frac"),
        (put(bid=0.0, ask=0.05), "no bid"),
    ],
)
def test_a_put_is_taken_at_the_bound_and_not_past_it(row: Hand, filter_name: str | None) -> None:
    found = short_put(by_hand(row, *JUDGED), WHEEL)
    assert numbers(found) == ([] if filter_name else [1])
    assert removed(found) == filter_name
    assert (found.emptied_by and found.emptied_by.name) == filter_name


def test_a_record_names_the_filter_its_figure_and_its_bound() -> None:
    found = short_put(by_hand(put(interest=7), *JUDGED), WHEEL)
    condition = found.considered[0].removed_by
    assert condition is not None
    assert (condition.value, condition.threshold, condition.margin) == (7, 10, -3)
    assert [one.contract.con_id for one in found.considered] == [1]  # calls were not looked at


def test_the_nearest_expiry_that_has_one_is_taken_and_there_the_largest_delta() -> None:
    rows = (put(days=50, delta=-0.31), put(days=57, delta=-0.10), put(days=57, delta=-0.12), put(days=64, delta=-0.3))
    found = short_put(by_hand(*rows, *JUDGED), WHEEL)
    assert numbers(found) == [3]
    assert [removed(found, one) for one in (1, 2, 3, 4)] == ["max_delta", "nearest_delta", None, "nearest_expiry"]


def test_of_two_with_one_delta_the_farther_out_of_the_money_is_sold() -> None:
    assert numbers(short_put(by_hand(put(strike=95.0), put(strike=94.0), *JUDGED), WHEEL)) == [2]
    calls = (("C", 105.0, 45, 0.99, 1.01, 0.3, 10), ("C", 106.0, 45, 0.99, 1.01, 0.3, 10))
    assert numbers(short_call(by_hand(*calls), WHEEL, 90.0)) == [2]


@pytest.mark.parametrize(("limit", "taken"), [(95.0, [1]), (94.99, [])])
def test_a_put_keeps_to_its_highest_strike(limit: float, taken: list[int]) -> None:
    assert numbers(short_put(by_hand(PUT, *JUDGED), WHEEL, limit)) == taken


@pytest.mark.parametrize(
    ("lot_price", "spot", "limit", "taken"),
    [
        (105.0, 100.0, None, [1]),
        (105.01, 100.0, None, []),
        (90.0, 105.0, None, [1]),
        (90.0, 105.01, None, []),
        (90.0, 100.0, 105.0, [1]),
        (90.0, 100.0, 105.01, []),
    ],
)
def test_shares_are_promised_for_no_less_than_they_cost_the_spot_and_the_limit(
    lot_price: float, spot: float, limit: float | None, taken: list[int]
) -> None:
    found = short_call(by_hand(CALL, spot=spot), WHEEL, lot_price, limit)
    assert numbers(found) == taken
    assert removed(found) == (None if taken else "min_strike")


def test_the_enhanced_wheel_takes_the_expiry_nearest_to_45_days_of_two_the_earlier() -> None:
    small = {"delta": -0.25}
    found = short_put(by_hand(put(days=30, **small), put(days=60, **small), *JUDGED), ENHANCED_WHEEL)
    assert numbers(found) == [1]
    assert numbers(short_put(by_hand(put(days=29, **small), put(days=59, **small), *JUDGED), ENHANCED_WHEEL)) == [2]
    assert numbers(short_put(by_hand(put(days=61, **small), *JUDGED), ENHANCED_WHEEL)) == []
    assert numbers(short_put(by_hand(put(delta=-0.26), *JUDGED), ENHANCED_WHEEL)) == []


@pytest.mark.parametrize(("days", "taken"), [(-1, [1]), (0, []), (44, []), (45, []), (46, [1])])
def test_no_short_lives_through_a_blackout(days: int, taken: list[int]) -> None:
    rules = replace(WHEEL, blackout=(DAY + timedelta(days),))
    found = short_put(by_hand(PUT, *JUDGED), rules)
    assert numbers(found) == taken
    assert removed(found) == (None if taken else "blackout")
    shut = tuple(DAY + timedelta(one) for one in (0, 3, 2))
    assert blackout_within(shut, shut[0] + timedelta(1), shut[1]) == shut[2]  # the first of them


def test_nothing_is_opened_in_a_market_that_is_too_wide() -> None:
    wide: tuple[Hand, ...] = tuple(("C", 101.0 + one, 40, 8.0, 12.0, 0.2, 10) for one in range(2))
    found = short_put(by_hand(PUT, *wide), WHEEL)
    assert found == Selection(refused="1 of 3 contracts are quoted within 10% of their middle; half must be")
    assert numbers(short_put(by_hand(PUT, *wide[:1]), WHEEL)) == [1]  # half of two is enough


def rolled(*rows: Hand, credit: float = 2.0, spot: float = 100.0, limit: float | None = None) -> Selection:
    found: ReadChain = by_hand(*rows, *JUDGED, spot=spot)
    return rolled_put(found, WHEEL, HeldShort(found.readings[1].row.contract, credit), limit)


OLD: Hand = ("P", 95.0, 45, 0.49, 0.51, -0.15, 50)


@pytest.mark.parametrize(
    ("new", "filter_name"),
    [
        (put(strike=96.5), None),  # 95 + 2.00 - 0.50: as far up as the old one has earned
        (put(strike=96.51), "max_strike"),
        (put(days=52), None),
        (put(bid=0.54, ask=0.56), None),  # a net credit of 0.05
        (put(bid=0.53, ask=0.56), "roll_credit"),
        (put(days=44), "first_days"),
        (put(interest=9), "open_interest"),
        (put(delta=-0.31), "max_delta"),
    ],
)
def test_a_put_is_rolled_by_the_same_rules_and_for_a_credit(new: Hand, filter_name: str | None) -> None:
    found = rolled(OLD, new)
    assert numbers(found) == ([] if filter_name else [1, 2])
    assert removed(found, 2) == filter_name
    assert found.chosen is None or [leg.bought for leg in found.chosen.legs] == [True, False]


def test_a_roll_is_never_into_the_same_contract_nor_an_earlier_expiry() -> None:
    found = rolled(put(days=60), put(days=59))
    assert numbers(found) == []
    assert [removed(found, one) for one in (1, 2)] == ["another_contract", "old_expiry"]


@pytest.mark.parametrize(("spot", "taken"), [(95.01, [1, 2]), (95.0, [])])
def test_a_put_in_the_money_is_not_rolled_up(spot: float, taken: list[int]) -> None:
    assert numbers(rolled(OLD, put(strike=96.0), spot=spot)) == taken


def test_a_lower_limit_holds_for_a_roll_too() -> None:
    assert numbers(rolled(OLD, put(strike=96.0), limit=96.0)) == [1, 2]
    assert numbers(rolled(OLD, put(strike=96.0), limit=95.99)) == []


def test_a_roll_needs_a_quote_of_the_old_contract() -> None:
    found = by_hand(OLD, put(), ("P", 90.0, 45, 0.0, 0.05, -0.1, 5), ("P", 89.0, 45, 0.10, 0.20, -0.1, 5), *JUDGED)
    contracts = [row.contract for row in found.chain.rows]
    assert rolled_put(found, WHEEL, HeldShort(contracts[2], 1.0)).refused == "SPY 2026-08-24 90 put: no bid"
    assert "0.666667 of the middle wide" in str(rolled_put(found, WHEEL, HeldShort(contracts[3], 1.0)).refused)
    strange = replace(contracts[0], con_id=99)
    assert "not in the chain" in str(rolled_put(found, WHEEL, HeldShort(strange, 1.0)).refused)


def test_a_debit_is_paid_for_a_roll_only_where_that_is_allowed() -> None:
    found = by_hand(("P", 95.0, 20, 2.49, 2.51, -0.4, 50), put(), *JUDGED)
    held = HeldShort(found.chain.rows[0].contract, 3.0)
    assert numbers(rolled_put(found, WHEEL, held)) == []
    both = rolled_put(found, replace(WHEEL, credit_only=False), held).chosen
    assert both is not None
    assert both.net == 1.5  # 2.50 is paid and 1.00 received


@pytest.mark.parametrize(("lot_price", "taken"), [(105.0, [1, 2]), (105.01, [])])
def test_a_call_is_rolled_to_no_less_than_the_shares_cost(lot_price: float, taken: list[int]) -> None:
    found = by_hand(("C", 103.0, 10, 0.19, 0.21, 0.2, 50), CALL)
    assert numbers(rolled_call(found, WHEEL, HeldShort(found.chain.rows[0].contract, 1.0), lot_price)) == taken


@pytest.mark.parametrize(
    ("row", "trading_class", "filter_name"),
    [
        (("C", 30.0, 30, 0.95, 1.05, 0.30, 0), "VIX", None),
        (("C", 30.0, 29, 0.95, 1.05, 0.30, 0), "VIX", "first_days"),
        (("C", 30.0, 400, 0.95, 1.05, 0.30, 0), "VIX", None),
        (("C", 30.0, 30, 0.95, 1.05, 0.300001, 0), "VIX", "max_delta"),
        (("C", 30.0, 30, 0.95, 1.05, 0.30, None), "VIX", "open_interest"),
        (("C", 30.0, 30, 0.95, 1.05, 0.30, 0), "VIXW", "monthly_class"),
        (("C", 30.0, 30, 0.875, 1.125, 0.30, 0), "VIX", None),
        (("C", 30.0, 30, 0.87, 1.13, 0.30, 0), "VIX", "width_frac"),
        (("C", 30.0, 30, 0.05, 0.10, 0.30, 0), "VIX", None),
    ],
)
def test_a_hedge_buys_monthly_calls_alone(row: Hand, trading_class: str, filter_name: str | None) -> None:
    market: tuple[Hand, ...] = tuple(("P", 16.0, 40, 0.99, 1.01, -0.2, 1) for _ in range(2))
    found = hedge_call(by_hand(row, *market, spot=18.0, underlying="VIX", trading_class=trading_class))
    assert numbers(found) == ([] if filter_name else [1])
    assert removed(found) == filter_name


def test_windows_hold_both_of_their_ends() -> None:
    rules = replace(WHEEL, window=Window(45, 45, 45))
    assert numbers(short_put(by_hand(PUT, *JUDGED), rules)) == [1]
