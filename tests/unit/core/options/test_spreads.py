"""Condors and verticals: each filter at its tie, credit, width and largest loss by hand."""

from datetime import timedelta

import pytest

from mtum.core.options.selecting import Selection
from mtum.core.options.spreads import CondorRules, VerticalRules, credit_vertical, debit_vertical, iron_condor
from support.option_chains import DAY, Hand, by_hand
from support.values import replace

CONDOR: tuple[Hand, ...] = (
    ("P", 95.0, 45, 0.99, 1.01, -0.20, 100),
    ("P", 90.0, 45, 0.49, 0.51, -0.05, 100),
    ("C", 105.0, 45, 0.99, 1.01, 0.20, 100),
    ("C", 110.0, 45, 0.49, 0.51, 0.05, 100),
)
"""Brings 2 x (1.00 - 0.50) = 1.00, which is a fifth of its wings of 5; these are a twentieth of the spot."""


def numbers(found: Selection) -> list[int]:
    return [leg.contract.con_id for leg in found.chosen.legs] if found.chosen else []


def test_a_condor_is_taken_with_every_figure_at_its_bound() -> None:
    found = iron_condor(by_hand(*CONDOR), CondorRules())
    assert numbers(found) == [1, 2, 3, 4]
    assert found.chosen is not None
    assert [leg.bought for leg in found.chosen.legs] == [False, True, False, True]
    assert (found.chosen.credit, found.chosen.width, found.chosen.max_loss) == (1.0, 5.0, 4.0)
    assert found.tried == ((found.chosen, None),)


def changed(place: int, row: Hand) -> tuple[Hand, ...]:
    return tuple(row if at == place else one for at, one in enumerate(CONDOR))


@pytest.mark.parametrize(
    ("rows", "filter_name"),
    [
        (changed(0, ("P", 95.0, 45, 0.98, 1.01, -0.20, 100)), "min_credit_frac"),  # 0.995
        (changed(1, ("P", 89.9, 45, 0.49, 0.51, -0.05, 100)), "wing"),
        (changed(1, ("P", 90.0, 45, 0.49, 0.51, -0.05, 99)), "open_interest"),
        (changed(2, ("C", 105.0, 45, 0.99, 1.01, 0.20, 99)), "open_interest"),
        (changed(3, ("C", 110.0, 45, 0.0, 0.05, 0.05, 100)), "no bid"),
        ((*CONDOR[:2], ("C", 95.0, 45, 9.99, 10.01, 0.20, 100), ("C", 98.0, 45, 9.4, 9.6, 0.05, 100)), "shorts_apart"),
        ((*CONDOR[:2], ("C", 94.0, 45, 9.99, 10.01, 0.20, 100), ("C", 98.0, 45, 9.4, 9.6, 0.05, 100)), "shorts_apart"),
    ],
)
def test_a_condor_past_a_bound_is_not_taken(rows: tuple[Hand, ...], filter_name: str) -> None:
    found = iron_condor(by_hand(*rows), CondorRules())
    assert found.chosen is None
    assert found.refused is None
    assert found.emptied_by is not None
    assert found.emptied_by.name == filter_name


def test_quotes_by_which_a_condor_could_only_win_are_not_believed() -> None:
    rows = (*CONDOR[:2], ("C", 105.0, 45, 5.49, 5.51, 0.20, 100), CONDOR[3])
    found = iron_condor(by_hand(*rows), CondorRules())
    assert found.emptied_by is not None
    assert (found.emptied_by.name, found.emptied_by.value, found.emptied_by.threshold) == ("credit_below_width", 5.5, 5)


def test_a_credit_as_wide_as_the_wings_is_not_believed_either() -> None:
    rows = (*CONDOR[:2], ("C", 105.0, 45, 4.99, 5.01, 0.20, 100), CONDOR[3])
    assert iron_condor(by_hand(*rows), CondorRules()).chosen is None


def test_the_wider_wing_counts() -> None:
    rows: tuple[Hand, ...] = (*CONDOR[:3], ("C", 108.0, 45, 0.49, 0.51, 0.05, 100))
    chosen = iron_condor(by_hand(*rows), CondorRules()).chosen
    assert chosen is not None
    assert (chosen.width, chosen.max_loss) == (5.0, 4.0)


def test_the_leg_that_is_missing_is_said_where_most_legs_were_found() -> None:
    lone: Hand = ("P", 95.0, 40, 0.99, 1.01, -0.20, 1)  # nearer by no leg at all
    found = iron_condor(by_hand(lone, *CONDOR[:2], CONDOR[2]), CondorRules())
    assert found.emptied_by is not None
    assert found.emptied_by.name == "beyond"  # of 45 days the call's wing is missing


@pytest.mark.parametrize(("bid", "ask", "taken"), [(0.875, 1.125, True), (0.87, 1.13, False)])
def test_shorts_of_a_condor_may_be_quoted_a_quarter_wide(bid: float, ask: float, taken: bool) -> None:
    found = iron_condor(by_hand(*changed(0, ("P", 95.0, 45, bid, ask, -0.20, 100))), CondorRules())
    assert (found.chosen is not None) is taken


def test_a_cheap_wing_may_be_quoted_five_cents_wide() -> None:
    cheap = changed(1, ("P", 90.0, 45, 0.05, 0.10, -0.05, 100))
    assert numbers(iron_condor(by_hand(*cheap), CondorRules())) == [1, 2, 3, 4]
    wider = changed(1, ("P", 90.0, 45, 0.05, 0.11, -0.05, 100))
    assert numbers(iron_condor(by_hand(*wider), CondorRules())) == []


def test_an_expiry_with_a_condor_is_left_for_the_next_nearest() -> None:
    later: tuple[Hand, ...] = tuple((*row[:2], 52, *row[3:]) for row in CONDOR)
    found = by_hand(*CONDOR, *later)
    assert numbers(iron_condor(found, CondorRules())) == [1, 2, 3, 4]
    used = iron_condor(found, CondorRules(), {DAY + timedelta(45)})
    assert numbers(used) == [5, 6, 7, 8]
    out = {one.removed_by.name for one in used.considered if one.removed_by and one.contract.con_id <= 4}
    assert out == {"unused_expiry"}
    assert numbers(iron_condor(found, CondorRules(), {DAY + timedelta(one) for one in (45, 52)})) == []


@pytest.mark.parametrize(("days", "taken"), [(29, False), (30, True), (60, True), (61, False)])
def test_a_condor_has_30_to_60_days(days: int, taken: bool) -> None:
    market: Hand = ("C", 120.0, 40, 0.99, 1.01, 0.2, 100)
    found = iron_condor(by_hand(*((*row[:2], days, *row[3:]) for row in CONDOR), market), CondorRules())
    assert (found.chosen is not None) is taken


def test_shorts_and_wings_are_those_nearest_to_their_delta_and_of_two_the_smaller() -> None:
    rows: tuple[Hand, ...] = (
        ("P", 96.0, 45, 1.19, 1.21, -0.22, 100),
        ("P", 95.0, 45, 0.99, 1.01, -0.18, 100),
        ("P", 92.0, 45, 0.29, 0.31, -0.07, 100),
        ("P", 91.0, 45, 0.19, 0.21, -0.03, 100),
        *CONDOR[2:],
    )
    assert numbers(iron_condor(by_hand(*rows), CondorRules())) == [2, 4, 5, 6]


SPREAD: tuple[Hand, ...] = (
    ("P", 95.0, 45, 1.74, 1.76, -0.30, 0),
    ("P", 90.0, 45, 0.49, 0.51, -0.15, 0),
    ("C", 105.0, 45, 1.74, 1.76, 0.30, 0),
    ("C", 110.0, 45, 0.49, 0.51, 0.15, 0),
)
"""1.75 - 0.50 = 1.25 is a quarter of the width."""


@pytest.mark.parametrize(("bullish", "legs"), [(True, [1, 2]), (False, [3, 4])])
def test_a_credit_spread_stands_on_the_side_of_its_bias(bullish: bool, legs: list[int]) -> None:
    found = credit_vertical(by_hand(*SPREAD), VerticalRules(), bullish)
    assert numbers(found) == legs
    assert found.chosen is not None
    assert (found.chosen.credit, found.chosen.width, found.chosen.max_loss) == (1.25, 5.0, 3.75)
    dearer = credit_vertical(by_hand(*SPREAD), replace(VerticalRules(), min_credit_frac=0.250001), bullish)
    assert dearer.emptied_by is not None
    assert (dearer.emptied_by.name, dearer.emptied_by.value) == ("min_credit_frac", 0.25)


@pytest.mark.parametrize(("bullish", "right", "far"), [(True, "C", 110.0), (False, "P", 90.0)])
def test_a_debit_spread_costs_at_most_six_tenths_of_its_width(bullish: bool, right: str, far: float) -> None:
    sign = 1 if bullish else -1
    rows: tuple[Hand, ...] = (
        (right, 100.0, 45, 6.99, 7.01, 0.60 * sign, 0),
        (right, far, 45, 0.99, 1.01, 0.30 * sign, 0),
    )
    found = debit_vertical(by_hand(*rows), VerticalRules(), bullish)
    assert numbers(found) == [1, 2]
    assert found.chosen is not None
    assert [leg.bought for leg in found.chosen.legs] == [True, False]
    assert (found.chosen.net, found.chosen.width, found.chosen.max_loss) == (6.0, 10.0, 6.0)
    dearer = debit_vertical(by_hand((*rows[0][:3], 6.99, 7.02, *rows[0][5:]), rows[1]), VerticalRules(), bullish)
    assert dearer.emptied_by is not None
    assert (dearer.emptied_by.name, dearer.emptied_by.value) == ("max_debit_frac", 0.6005)


def test_a_debit_spread_that_costs_nothing_is_not_believed() -> None:
    rows: tuple[Hand, ...] = (("C", 100.0, 45, 0.99, 1.01, 0.6, 0), ("C", 110.0, 45, 0.99, 1.01, 0.3, 0))
    found = debit_vertical(by_hand(*rows), VerticalRules(), bullish=True)
    assert found.emptied_by is not None
    assert (found.emptied_by.name, found.emptied_by.value) == ("debit", 0.0)


def test_the_long_leg_lies_beyond_the_short_one() -> None:
    rows = (SPREAD[0], ("P", 96.0, 45, 0.49, 0.51, -0.15, 0))
    found = credit_vertical(by_hand(*rows), VerticalRules(), bullish=True)
    assert found.emptied_by is not None
    assert (found.emptied_by.name, found.emptied_by.threshold) == ("beyond", 0.0)


def test_legs_are_of_one_class_and_a_missing_leg_is_said() -> None:
    found = by_hand(*SPREAD[:2])
    weekly = tuple(
        replace(row, contract=replace(row.contract, trading_class="SPYW")) if number else row
        for number, row in enumerate(found.chain.rows)
    )
    readings = {row.contract.con_id: replace(found.readings[row.contract.con_id], row=row) for row in weekly}
    apart = replace(found, chain=replace(found.chain, rows=weekly), readings=readings)
    assert numbers(credit_vertical(found, VerticalRules(), bullish=True)) == [1, 2]
    assert numbers(credit_vertical(apart, VerticalRules(), bullish=True)) == []
