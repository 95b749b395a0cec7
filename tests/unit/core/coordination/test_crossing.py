"""Sleeves that want opposite things of one symbol, by numbers worked out by hand."""

import pytest

from mtum.core.coordination.account import AccountRules, SleeveWants
from mtum.core.coordination.coordinate import after_sales, coordinate, pro_rata
from mtum.core.portfolio.decision import PlannedOrder
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import Purpose, Side
from support.values import replace
from unit.core.coordination.test_limits import ACCOUNT, SIZING, buys, sells, wants

RULES = AccountRules()


def test_the_smaller_side_is_filled_inside_and_the_rest_of_the_larger_goes_out() -> None:
    plan = coordinate([wants("core", sells("AAA", 30), AAA=30), wants("timing", buys("AAA", 12))], ACCOUNT, RULES)

    assert [(one.sleeve, one.order.shares, one.crossed, one.sent) for one in plan.orders] == [
        ("core", 30, 12, 18),
        ("timing", 12, 12, 0),
    ]


def test_the_larger_side_shares_the_cross_in_proportion() -> None:
    plan = coordinate(
        [
            wants("a", sells("CCC", 5), CCC=5),
            wants("b", sells("CCC", 3), CCC=3),
            wants("c", sells("CCC", 3, Purpose.REDUCE), CCC=9),
            wants("d", buys("CCC", 7)),
        ],
        ACCOUNT,
        RULES,
    )

    # 7 of 11: 3.18, 1.91, 1.91; one each for the two largest fractions.
    assert [(one.sleeve, one.crossed, one.sent) for one in plan.orders] == [
        ("a", 3, 2),
        ("b", 2, 1),
        ("c", 2, 1),
        ("d", 7, 0),
    ]


def test_ties_of_the_remainder_go_to_the_sleeve_named_first() -> None:
    assert pro_rata(1, [4, 4]) == [1, 0]
    assert pro_rata(2, [1, 1, 1]) == [1, 1, 0]


def test_equal_sides_leave_nothing_for_the_broker() -> None:
    plan = coordinate([wants("a", sells("AAA", 4), AAA=4), wants("b", buys("AAA", 4))], ACCOUNT, RULES)

    assert [one.sent for one in plan.orders] == [0, 0]


def test_where_nothing_may_be_crossed_the_sale_goes_out_alone() -> None:
    doubtful = replace(ACCOUNT, uncrossable={"AAA": "unresolved"})
    plan = coordinate([wants("a", sells("AAA", 4), AAA=4), wants("b", buys("AAA", 4), buys("BBB", 1))], doubtful, RULES)

    assert [(one.sleeve, one.order.symbol, one.sent) for one in plan.orders] == [("a", "AAA", 4), ("b", "BBB", 1)]
    assert plan.held_back == (("b", "AAA", "other_side"),)


@pytest.mark.parametrize(
    ("approved", "sent", "held_back"),
    [
        # a sells 9, b buys 4, c buys 2 and needs nobody's word. Both sides free: 6 change sleeves, 3 go out.
        ({}, [("a", 6, 3), ("b", 4, 0), ("c", 2, 0)], []),
        ({"a": 9, "b": 4}, [("a", 6, 3), ("b", 4, 0), ("c", 2, 0)], []),
        # What waits gives way to the other side, never to its own.
        ({"a": 9, "b": 3}, [("a", 2, 7), ("c", 2, 0)], [("b", "not_approved")]),
        ({"a": 8, "b": 0}, [("b", 0, 4), ("c", 0, 2)], [("a", "not_approved")]),
        ({"a": 9, "b": 0, "c": 0}, [("a", 0, 9)], [("b", "not_approved"), ("c", "not_approved")]),
        # All of it waits: the sale goes on waiting, as where nothing may change sleeves.
        ({"a": 0, "b": 0, "c": 1}, [("a", 0, 9)], [("b", "other_side"), ("c", "other_side")]),
    ],
)
def test_shares_change_sleeves_where_both_sides_are_approved_and_one_side_alone_goes_out(
    approved: dict[str, int], sent: list[tuple[str, int, int]], held_back: list[tuple[str, str]]
) -> None:
    asked = replace(ACCOUNT, approved={sleeve: {"AAA": shares} for sleeve, shares in approved.items()})
    sleeves = [
        wants("a", sells("AAA", 9), AAA=9),
        wants("b", buys("AAA", 4), buys("BBB", 1)),
        wants("c", buys("AAA", 2)),
    ]
    plan = coordinate(sleeves, asked, RULES)

    assert [(one.sleeve, one.crossed, one.sent) for one in plan.orders if one.order.symbol == "AAA"] == sent
    assert [(sleeve, reason) for sleeve, _, reason in plan.held_back] == held_back
    assert [(one.sleeve, one.sent) for one in plan.orders if one.order.symbol == "BBB"] == [("b", 1)]


def test_one_side_alone_waits_at_the_broker_s_door_and_not_here() -> None:
    asked = replace(ACCOUNT, approved={"b": {"AAA": 0}})
    plan = coordinate([wants("b", buys("AAA", 4))], asked, RULES)

    assert [one.sent for one in plan.orders] == [4]


def test_a_full_halt_stops_crosses_and_sales_too() -> None:
    halted = replace(ACCOUNT, restriction=Restriction.FULL)
    plan = coordinate([wants("a", sells("AAA", 4), AAA=4), wants("b", buys("AAA", 4))], halted, RULES)

    assert not plan.orders
    assert plan.held_back == (("a", "AAA", "halted"), ("b", "AAA", "halted"))


def test_what_a_limit_cut_is_what_is_crossed() -> None:
    plan = coordinate(
        [wants("a", sells("AAA", 10), AAA=10), wants("b", buys("AAA", 50))], ACCOUNT, AccountRules(max_symbol_frac=0.2)
    )

    assert [(one.order.shares, one.crossed, one.sent) for one in plan.orders] == [(10, 10, 0), (20, 10, 10)]


@pytest.mark.parametrize("total", range(12))
def test_shares_of_a_cross_add_up_and_are_never_more_than_wanted(total: int) -> None:
    wanted = [5, 1, 0, 5]
    parts = pro_rata(total, wanted)

    assert sum(parts) == total
    assert all(part <= most for part, most in zip(parts, wanted, strict=True))


def test_one_side_alone_goes_out_whether_it_may_be_crossed_or_not_and_the_next_symbol_is_crossed() -> None:
    doubtful = replace(ACCOUNT, uncrossable={"BBB": "unresolved", "CCC": "unresolved"})
    plan = coordinate(
        [
            wants("a", buys("BBB", 1), sells("CCC", 2), sells("AAA", 4), CCC=2, AAA=4),
            wants("b", buys("CCC", 2), buys("AAA", 4)),
        ],
        doubtful,
        RULES,
    )

    assert [(one.sleeve, one.order.symbol, one.crossed, one.sent) for one in plan.orders] == [
        ("a", "BBB", 0, 1),
        ("a", "CCC", 0, 2),
        ("a", "AAA", 4, 0),
        ("b", "AAA", 4, 0),
    ]
    assert plan.held_back == (("b", "CCC", "other_side"),)


def test_what_is_sold_and_bought_back_is_gone_before_a_limit_looks() -> None:
    back = PlannedOrder("AAA", Side.BUY, Purpose.EXIT, 4, ("bought_back",))
    assert after_sales([wants("a", back, sells("BBB", 3), buys("CCC", 9), AAA=-10)]) == {"a": {"AAA": -6, "BBB": -3}}


def test_what_is_left_of_a_purchase_may_be_as_small_as_the_smallest_trade() -> None:
    plan = coordinate([wants("a", buys("BBB", 10), least_usd=250.0)], ACCOUNT, AccountRules(max_symbol_frac=0.025))
    assert [(one.order.shares, one.sent) for one in plan.orders] == [(5, 5)]
    penny = replace(ACCOUNT, prices={"BBB": 0.5})
    plan = coordinate([SleeveWants("a", {}, (buys("BBB", 10),), SIZING)], penny, AccountRules(max_symbol_frac=0.00005))
    assert [one.sent for one in plan.orders] == [1]


def test_a_symbol_in_which_one_side_waits_leaves_the_next_to_be_crossed() -> None:
    asked = replace(ACCOUNT, approved={"a": {"CCC": 0}})
    plan = coordinate(
        [wants("a", sells("CCC", 2), sells("AAA", 4), CCC=2, AAA=4), wants("b", buys("CCC", 2), buys("AAA", 4))],
        asked,
        RULES,
    )

    assert {(one.sleeve, one.order.symbol): one.crossed for one in plan.orders} == {
        ("a", "AAA"): 4,
        ("b", "CCC"): 0,
        ("b", "AAA"): 4,
    }
    assert plan.held_back == (("a", "CCC", "not_approved"),)
