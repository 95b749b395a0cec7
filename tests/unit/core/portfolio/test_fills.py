"""Corrections folded into fills, and fills re-based by splits."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest

from mtum.core.portfolio.fills import Fill, Split, carried, fifo, folded, rebased
from mtum.core.portfolio.orders import Side
from support.values import replace

DAY = date(2018, 12, 3)
CLOSE = datetime(2018, 12, 3, 21, tzinfo=UTC)


def fill(exec_id: str, shares: int = 10, price: str = "100", side: Side = Side.BUY, day: date = DAY) -> Fill:
    instant = CLOSE + timedelta(days=(day - DAY).days)
    return Fill(exec_id, "i", "A", "s", "MTUM", side, day, instant, shares, Decimal(price))


def test_a_purchase_takes_cash_and_a_sale_brings_it() -> None:
    bought, sold = fill("1.01", 10, "100.5"), fill("2.01", 10, "100.5", Side.SELL)
    assert (bought.signed_shares, bought.cash_usd) == (10, Decimal("-1005.0"))
    assert (sold.signed_shares, sold.cash_usd) == (-10, Decimal("1005.0"))


def test_what_changed_sleeves_inside_the_account_says_so() -> None:
    assert [fill(exec_id).crossed for exec_id in ("cross:1.01", "1.01")] == [True, False]


def test_two_contracts_at_a_dollar_fifty_are_three_hundred_dollars() -> None:
    bought = replace(fill("1.01", 2, "1.50"), symbol="MTUM  190118P00100000", multiplier=100)
    sold = replace(bought, side=Side.SELL)
    assert (bought.cash_usd, bought.value_usd) == (Decimal(-300), Decimal(300))
    assert (sold.cash_usd, sold.value_usd, sold.signed_shares) == (Decimal(300), Decimal(300), -2)


def test_the_stem_is_the_id_without_its_last_part() -> None:
    assert fill("0000e0d5.5bf1b4a3.01.02").stem == "0000e0d5.5bf1b4a3.01"
    assert fill("alone").stem == "alone"


@pytest.mark.parametrize("arrival", list(permutations(("7.01", "7.02", "7.10"))))
def test_the_last_correction_counts_whatever_the_order_of_arrival(arrival: tuple[str, ...]) -> None:
    prices = {"7.01": "100", "7.02": "101", "7.10": "102"}
    (left,) = folded(fill(exec_id, price=prices[exec_id]) for exec_id in arrival)
    assert (left.exec_id, left.price) == ("7.10", Decimal(102))


def test_the_tenth_correction_follows_the_ninth() -> None:
    (left,) = folded([fill("7.9", price="101"), fill("7.10", price="102")])
    assert left.price == 102


def test_a_correction_that_is_a_word_follows_the_one_before_it_and_a_number_follows_every_word() -> None:
    for arrival in permutations(("7.a", "7.b")):
        assert [one.exec_id for one in folded(map(fill, arrival))] == ["7.b"]
    for arrival in permutations(("7.a", "7.1")):
        assert [one.exec_id for one in folded(map(fill, arrival))] == ["7.1"]


def test_a_fill_told_twice_counts_once() -> None:
    assert folded([fill("1.01"), fill("1.01")]) == (fill("1.01"),)


@pytest.mark.parametrize("told_first", [True, False])
def test_of_two_tellings_the_one_with_its_commission_counts(told_first: bool) -> None:
    told = replace(fill("1.01"), commission_usd=Decimal("1.00"))
    both = [told, fill("1.01")] if told_first else [fill("1.01"), told]
    assert folded(both) == (told,)


def test_folded_fills_come_in_time_order() -> None:
    late, early, other = fill("2.01", day=date(2018, 12, 4)), fill("1.02"), fill("1.01.01")
    assert [one.exec_id for one in folded([late, early, other])] == ["1.01.01", "1.02", "2.01"]


LATER = date(2018, 12, 10)
SPLITS = (
    Split("MTUM", date(2018, 12, 4), Decimal(2)),
    Split("MTUM", LATER, Decimal("1.5")),
    Split("SPY", date(2018, 12, 5), Decimal(10)),
)


@pytest.mark.parametrize(
    ("since", "ratio"),
    [
        (date(2018, 12, 3), "3"),  # before both: 2 * 1.5
        (date(2018, 12, 4), "1.5"),  # bought in the session the split took effect: already new shares
        (date(2018, 12, 9), "1.5"),
        (date(2018, 12, 10), "1"),
    ],
)
def test_only_later_splits_of_the_symbol_count(since: date, ratio: str) -> None:
    assert carried("MTUM", since, SPLITS) == ("MTUM", Decimal(ratio), Decimal(ratio))


def test_a_split_changes_shares_and_price_and_keeps_the_money() -> None:
    (left,) = rebased([fill("1.01", 10, "100")], SPLITS)
    assert left.shares == 30
    assert left.price == Decimal(100) / 3
    assert round(left.cash_usd, 10) == Decimal(-1000)


@pytest.mark.parametrize(("ratio", "shares", "price"), [("2", 20, 50), ("0.1", 1, 1000)])
def test_a_split_makes_more_shares_and_a_reverse_split_fewer(ratio: str, shares: int, price: int) -> None:
    (left,) = rebased([fill("1.01", 10, "100")], [Split("MTUM", date(2018, 12, 4), Decimal(ratio))])
    assert (left.shares, left.price) == (shares, Decimal(price))


def test_a_fraction_that_a_split_leaves_is_in_no_fill() -> None:
    # 5 x 1.5 = 7.5: seven shares at two thirds of the price; with two fills of five it is 15, and none is lost.
    split = Split("MTUM", date(2018, 12, 4), Decimal("1.5"))
    (left,) = rebased([fill("1.01", 5, "90")], [split])
    assert (left.shares, left.price) == (7, Decimal(60))
    assert [one.shares for one in rebased([fill("1.01", 5), fill("2.01", 5)], [split])] == [7, 8]
    assert rebased([fill("1.01", 5)], [replace(split, ratio=Decimal("0.1"))]) == ()


def test_a_fraction_changes_no_fill_of_another_symbol_or_of_the_split_s_own_session_and_later() -> None:
    split = Split("MTUM", date(2018, 12, 4), Decimal("1.5"))
    others = [replace(fill("1.01", 3), symbol="SPY"), fill("3.01", 3, day=split.session), fill("4.01", 3, day=LATER)]
    assert rebased([others[0], fill("2.01", 5, "90"), *others[1:]], [split]) == (
        others[0],
        fill("2.01", 7, "60"),
        *others[1:],
    )


def test_two_splits_that_leave_fractions_are_taken_in_the_order_of_their_sessions() -> None:
    # 7 x 1.5 = 10.5, ten shares; a quarter of them 2.5, two. The other way round one would be left.
    splits = [Split("MTUM", LATER, Decimal("0.25")), Split("MTUM", date(2018, 12, 4), Decimal("1.5"))]
    assert [one.shares for one in rebased([fill("1.01", 7)], splits)] == [2]
    # 5 x 1.5 = 7.5, and twice the seven that were left: three times five would be one too many.
    splits = [Split("MTUM", LATER, Decimal(2)), Split("MTUM", date(2018, 12, 4), Decimal("1.5"))]
    assert [one.shares for one in rebased([fill("1.01", 5)], splits)] == [14]


def test_a_round_trip_that_ended_before_a_split_with_a_fraction_stays_as_traded() -> None:
    split = Split("MTUM", date(2018, 12, 4), Decimal("1.5"))
    ended = [fill("1.01", 5), replace(fill("2.01", 5), side=Side.SELL)]
    assert list(rebased(ended, [split])) == ended
    # One of two shares comes to three, though the five bought after it come to seven and a half.
    whole = [fill("3.01", 2, "90"), replace(fill("4.01", 2, "90"), side=Side.SELL)]
    assert [(one.shares, one.price) for one in rebased([*whole, fill("5.01", 5, "90")], [split])] == [
        (3, Decimal(60)),
        (3, Decimal(60)),
        (7, Decimal(60)),
    ]


@pytest.mark.parametrize(("leaving", "taken"), [(0, []), (7, [7]), (10, [10]), (12, [10, 2]), (40, [10, 5, 20])])
def test_what_was_bought_first_leaves_first(leaving: int, taken: list[int]) -> None:
    assert fifo([10, 5, 20], leaving) == taken
