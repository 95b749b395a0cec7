"""What option groups and live orders pin, by hand."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pytest

from mtum.core.options.contracts import OptionContract
from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.options.orders import WorkingOrder
from mtum.core.portfolio.options.reservations import (
    Held,
    groups_of,
    pinned_by,
    pinning,
    reservations,
    uncovered_calls,
)
from support.option_orders import BUY, GROUP, SELL, STRATEGY, call, judged, legs, lot, net, put, working

SOONER, LATER = date(2026, 7, 17), date(2026, 9, 18)


def pinned(contracts: Mapping[OptionContract, int], paid: str, *, one_side: bool = False) -> tuple[str, int, str]:
    found = pinned_by(Held("s", "g", "SPY", contracts, Decimal(paid)), one_side=one_side)
    return str(found.cash_usd), found.shares, str(found.loss_usd)


@pytest.mark.parametrize(
    ("contracts", "paid", "expected"),
    [
        ({put(95): -2}, "-230", ("19000", 0, "18770")),
        ({call(105): -2}, "-190", ("0", 200, "0")),
        ({put(95): -1, put(90): 1}, "-70", ("500", 0, "430")),
        ({call(105): -1, call(112): 1}, "-50", ("700", 0, "650")),
        ({put(95): 1, put(90): -1}, "70", ("0", 0, "70")),
        ({call(105): 3}, "285", ("0", 0, "285")),
        ({put(90): 1, put(95): -1, call(105): -1, call(110): 1}, "-120", ("500", 0, "380")),
        ({put(90): 2, put(95): -2, call(105): -2, call(108): 2}, "-220", ("1600", 0, "780")),
        ({put(90, LATER): 1, put(95): -1}, "-10", ("500", 0, "490")),
        ({put(90, SOONER): 1, put(95): -1}, "-90", ("9500", 0, "9410")),
        ({put(90): 1, put(95): -2}, "-185", ("10000", 0, "9815")),
        ({put(95): -1, call(105): -1}, "-210", ("9500", 100, "9290")),
    ],
    ids=[
        "puts",
        "covered calls",
        "put spread",
        "call spread",
        "debit spread",
        "long calls",
        "equal condor",
        "unequal condors",
        "long lives longer",
        "long dies before",
        "half covered",
        "put and covered call",
    ],
)
def test_a_group_pins_what_it_may_call_for(
    contracts: Mapping[OptionContract, int], paid: str, expected: tuple[str, int, str]
) -> None:
    assert pinned(contracts, paid) == expected


def test_the_broker_may_ask_for_one_side_of_an_unequal_condor_today() -> None:
    condor = {put(90): 1, put(95): -1, call(105): -1, call(108): 1}
    assert pinned(condor, "-110") == ("800", 0, "390")
    assert pinned(condor, "-110", one_side=True) == ("500", 0, "390")


def test_a_roll_pins_the_larger_of_the_two_and_a_closing_nothing() -> None:
    groups = groups_of([lot(put(90), -1)], {put(90): -1})
    up = judged(OptionPurpose.ROLL, ((BUY, put(90)), (SELL, put(95, LATER))), "-0.70", "-0.70", "-0.60").intent
    down = judged(OptionPurpose.ROLL, ((BUY, put(90)), (SELL, put(85, LATER))), "-0.10", "-0.10", "-0.05").intent
    shut = judged(OptionPurpose.CLOSE, ((BUY, put(90)),), "0.50", "0.50", None).intent
    assert pinning(up, net("-0.70"), groups).more_cash_usd == Decimal(500)
    assert pinning(down, net("-0.10"), groups).more_cash_usd == 0
    assert pinning(down, net("0.20"), groups).more_cash_usd == Decimal(20)
    closing = pinning(shut, net("0.50"), groups)
    assert (closing.more_cash_usd, closing.after.cash_usd) == (Decimal(50), Decimal(0))


def test_what_no_lot_explains_is_a_group_of_its_own() -> None:
    groups = groups_of([lot(put(95), -1, "1.15")], {put(95): -3, call(105): -1, put(80): 1})
    found = {(one.strategy, one.group): (one.cash_usd, one.shares) for one in reservations(groups, ())}
    # Two strikes of 95 of which one is covered down to 80, and a call.
    assert found == {(STRATEGY, GROUP): (Decimal(9500), 0), ("", ""): (Decimal(1500 + 9500), 100)}


def test_live_orders_pin_beside_the_groups() -> None:
    groups = groups_of([lot(put(95), -1, "1.15")], {put(95): -1})
    closing = WorkingOrder("m-1", "SPY", 1, legs((BUY, put(95))), net("0.50"), STRATEGY, GROUP)
    shares = WorkingOrder("m-2", "SPY", shares=-100)
    found = reservations(groups, (working((SELL, put(80)), quantity=2), closing, shares))
    assert [(one.cash_usd, one.loss_usd) for one in found] == [
        (Decimal(9500), Decimal(9385)),
        (Decimal(16_000), Decimal(15_800)),
        (Decimal(50), Decimal(0)),
    ]


def test_a_working_roll_needs_no_second_cover() -> None:
    roll = working((BUY, call(105, SOONER)), (SELL, call(106)))
    assert uncovered_calls({call(105, SOONER): -1}, 100, (roll,)) == 0
    both = (working((BUY, call(105, SOONER)), price="1"), working((SELL, call(106))))
    assert uncovered_calls({call(105, SOONER): -1}, 100, both) == 1


def test_the_longest_call_takes_the_cover_that_only_it_can_use_less_of() -> None:
    held = {call(105, SOONER): -1, call(106, LATER): -1, call(110, LATER): 1, call(111, SOONER): 1}
    assert uncovered_calls(held, 0, ()) == 0
    assert uncovered_calls({**held, call(111, SOONER): 0}, 99, ()) == 1
