"""What a split of several strategies' shares, a new name, a merger or a spin-off leaves in each single fill."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest

from mtum.core.portfolio.fills import (
    ChangeKind,
    Fill,
    Split,
    SymbolChange,
    carried,
    earlier_names,
    ended_symbols,
    later_symbols,
    rebased,
)
from mtum.core.portfolio.orders import Side
from support.values import replace
from unit.core.portfolio.test_symbol_changes import BOUGHT, DAY, LATER, RENAMED, SOLD, fill, merged, spun_off

D = Decimal
type Line = tuple[str, str, str, int, Decimal, Decimal | None]


def lines(fills: list[Fill], *actions: Split | SymbolChange) -> list[Line]:
    """Return intent, symbol, side, shares, price and commission of what is left."""
    return [
        (one.intent_id, one.symbol, one.side.value, one.shares, one.price, one.commission_usd)
        for one in rebased(fills, actions)
    ]


def shares(ratio: str, **bought: tuple[int, ...]) -> dict[str, int]:
    """Return the shares that each sleeve is left with by a split."""
    fills = [
        fill(f"{sleeve}{place}", "BUY" if count > 0 else "SELL", abs(count), "60", BOUGHT, sleeve=sleeve)
        for sleeve, counts in bought.items()
        for place, count in enumerate(counts)
    ]
    left = dict.fromkeys(bought, 0)
    for one in rebased(fills, [Split("OLD", DAY, D(ratio))]):
        left[one.strategy] += one.signed_shares
    return left


@pytest.mark.parametrize(
    ("ratio", "bought", "left"),
    [
        # 3.75 + 2.5 + 3.75: the two largest fractions become the two shares that fractions come to.
        ("1.25", {"a": (3,), "b": (2,), "c": (3,)}, {"a": 4, "b": 2, "c": 4}),
        ("1.25", {"a": (2,), "b": (1, 2), "c": (3,)}, {"a": 2, "b": 4, "c": 4}),
        # 4.5 three times is 13.5: one share, for the first by name.
        ("1.5", {"c": (3,), "b": (3,), "a": (3,)}, {"a": 5, "b": 4, "c": 4}),
        # What was sold whole before has no fraction and takes none from the others.
        ("1.5", {"a": (3,), "b": (3,), "c": (4, -4)}, {"a": 5, "b": 4, "c": 0}),
        # Beside a short sleeve each keeps its own whole shares.
        ("1.5", {"a": (-1,), "b": (5,), "c": (5,), "d": (5,)}, {"a": -1, "b": 7, "c": 7, "d": 7}),
    ],
)
def test_a_split_gives_the_account_its_whole_shares(
    ratio: str, bought: dict[str, tuple[int, ...]], left: dict[str, int]
) -> None:
    assert shares(ratio, **bought) == left


def test_an_ended_round_trip_of_which_one_part_would_come_to_a_fraction_stays_as_traded() -> None:
    fills = [
        fill("i1", "BUY", 6, "60", BOUGHT),
        fill("i2", "SELL", 3, "60", SOLD),
        fill("i3", "SELL", 3, "60", SOLD + timedelta(1)),
    ]
    assert rebased(fills, [Split("OLD", DAY, D("1.5"))]) == tuple(fills)


def test_what_is_traded_on_the_day_itself_has_its_own_name_and_is_there_once() -> None:
    fills = [fill("i1", "BUY", 10, "100", BOUGHT), fill("i2", "BUY", 5, "50", DAY), fill("i3", "BUY", 1, "5", LATER)]
    assert [(line[0], line[1]) for line in lines(fills, RENAMED)] == [("i1", "NEW"), ("i2", "OLD"), ("i3", "OLD")]


def test_a_round_trip_that_had_ended_is_not_touched_by_what_becomes_of_the_symbol() -> None:
    """Its two executions of one intent stay two, and the sleeve that had sold everything gets nothing."""
    ended = [
        replace(fill("i1", "BUY", 4, "100", BOUGHT), exec_id="x.01"),
        replace(fill("i1", "BUY", 6, "110", BOUGHT), exec_id="y.01"),
        fill("i2", "SELL", 10, "120", SOLD),
    ]
    held = fill("i3", "BUY", 4, "50", SOLD + timedelta(1))
    other = [fill("o1", "BUY", 2, "9", BOUGHT, sleeve="b"), fill("o2", "SELL", 2, "9", SOLD, sleeve="b")]
    found = lines([*ended, *other, held], merged("NEW", a=4))
    assert found == [*lines([*ended, *other]), ("i3", "NEW", "BUY", 4, D(50), D(0))]
    paid = rebased([*ended, *other, held], [merged(cash="70")])
    assert paid[:-1] == (*ended, *other, held)
    assert paid[-1] == Fill(
        exec_id=f"merged:OLD:{DAY}:a.01",
        intent_id=f"merged:OLD:{DAY}",
        account="DU1",
        strategy="a",
        symbol="OLD",
        side=Side.SELL,
        session=DAY,
        instant=datetime.combine(DAY, time(), UTC),
        shares=4,
        price=D(70),
        commission_usd=D(0),
    )


@pytest.mark.parametrize(("side", "count", "closing"), [("BUY", 1, "SELL"), ("SELL", 3, "BUY")])
def test_a_single_share_is_sold_by_a_merger_for_cash_and_a_short_one_bought_back(
    side: str, count: int, closing: str
) -> None:
    assert lines([fill("i1", side, count, "50", BOUGHT)], merged(cash="70"))[-1][2:] == (closing, count, D(70), D(0))


def test_a_sleeve_that_was_given_nothing_of_a_merger_has_nothing() -> None:
    fills = [fill("i1", "BUY", 4, "50", BOUGHT), fill("o1", "BUY", 1, "50", BOUGHT, sleeve="b")]
    assert lines(fills, merged("NEW", "0.5", a=2)) == [("i1", "NEW", "BUY", 2, D(100), D(0))]


PARTLY_SOLD = [
    replace(fill("i1", "BUY", 4, "100", BOUGHT, fee="1"), exec_id="x.01"),
    replace(fill("i1", "BUY", 6, "110", BOUGHT, fee="2"), exec_id="y.01"),
    fill("i2", "SELL", 4, "120", SOLD, fee="0.5"),
]


def test_commissions_go_with_the_shares_they_were_paid_for() -> None:
    """3 USD for 10 shares at 106: 1.20 for the four sold, 1.80 for the six that became others."""
    sold = [("i1", "OLD", "BUY", 4, D(106), D("1.2")), ("i2", "OLD", "SELL", 4, D(120), D("0.5"))]
    assert lines(PARTLY_SOLD, merged("NEW", a=6)) == [*sold, ("i1", "NEW", "BUY", 6, D(106), D("1.8"))]
    # Of a spin-off the parent keeps the commission, the child has two fifths of the price.
    assert lines(PARTLY_SOLD, spun_off("1", "0.4", a=6)) == [
        *sold,
        ("i1", "OLD", "BUY", 6, D("63.6"), D("1.8")),
        ("i1", "NEW", "BUY", 6, D("42.4"), D(0)),
    ]


@pytest.mark.parametrize("unknown", [0, 1])
def test_a_commission_that_is_not_known_yet_is_not_known_of_its_parts(unknown: int) -> None:
    fills = [replace(one, commission_usd=None) if at == unknown else one for at, one in enumerate(PARTLY_SOLD)]
    assert [line[5] for line in lines(fills, merged("NEW", a=6))] == [None, D("0.5"), None]


def test_a_sale_takes_the_oldest_purchases_and_those_after_it_stay_whole() -> None:
    """4 + 6 bought, 5 sold, 3 bought: 5 of the second and 3 of the last are left, and 8 children for them."""
    fills = [
        fill("i1", "BUY", 4, "100", BOUGHT),
        fill("i2", "BUY", 6, "90", BOUGHT + timedelta(1)),
        fill("i3", "SELL", 5, "80", SOLD),
        fill("i4", "BUY", 3, "70", SOLD + timedelta(1)),
    ]
    assert sorted(lines(fills, spun_off("1", "0.5", a=8))) == [
        ("i1", "OLD", "BUY", 4, D(100), D(0)),
        ("i2", "NEW", "BUY", 5, D(45), D(0)),
        ("i2", "OLD", "BUY", 1, D(90), D(0)),
        ("i2", "OLD", "BUY", 5, D(45), D(0)),
        ("i3", "OLD", "SELL", 5, D(80), D(0)),
        ("i4", "NEW", "BUY", 3, D(35), D(0)),
        ("i4", "OLD", "BUY", 3, D(35), D(0)),
    ]


def test_whole_shares_are_given_out_as_they_add_up_and_the_cost_goes_with_them() -> None:
    lots = [fill("i1", "BUY", 3, "10", BOUGHT), fill("i2", "BUY", 3, "20", SOLD)]
    # One for each two: 1 of the first three, 2 of all six less that one.
    assert lines(lots, merged("NEW", "0.5", a=3)) == [
        ("i1", "NEW", "BUY", 1, D(30), D(0)),
        ("i2", "NEW", "BUY", 2, D(30), D(0)),
    ]
    assert [one.exec_id for one in rebased(lots, [merged("NEW", "0.5", a=3)])] == [
        f"merged:NEW:{DAY}:i1.01",
        f"merged:NEW:{DAY}:i2.01",
    ]
    # One for all: what the first cost goes into it as well.
    assert lines(lots, merged("NEW", "0.2", a=1)) == [("i2", "NEW", "BUY", 1, D(90), D(0))]


def test_a_share_held_since_is_followed_through_a_merger_and_ends_with_one_for_cash() -> None:
    assert carried("OLD", BOUGHT, [merged("NEW", "4")]) == ("NEW", D(4), D(4))
    assert carried("OLD", BOUGHT, [merged(cash="9")]) == ("OLD", D(1), D(1))
    assert (RENAMED.cash_usd, RENAMED.basis_frac) == (D(0), D(0))


def test_a_purchase_may_be_sold_under_its_name_a_later_one_and_a_childs() -> None:
    bought = fill("i1", "BUY", 1, "5", BOUGHT)
    newer = SymbolChange(ChangeKind.RENAMED, "NEW", LATER, "NEWER")
    child = SymbolChange(ChangeKind.SPUN_OFF, "OLD", SOLD, "CHILD", basis_frac=D("0.1"))
    foreign = SymbolChange(ChangeKind.RENAMED, "OTHER", DAY, "ELSE")
    assert later_symbols(bought, [newer, foreign, RENAMED, Split("OLD", DAY, D(2)), child]) == {
        "OLD",
        "NEW",
        "NEWER",
        "CHILD",
    }
    assert later_symbols(bought, [merged(cash="9")]) == {"OLD"}
    for known in (DAY, LATER):
        assert later_symbols(replace(bought, session=known), [RENAMED]) == {"OLD"}, "that is another company's"


def test_the_earlier_names_of_a_symbol_are_those_its_shares_were_bought_under() -> None:
    split, child = Split("OLD", SOLD, D(2)), spun_off("1", "0.1")
    assert earlier_names("NEW", [split, child, RENAMED]) == ["OLD"]
    assert earlier_names("OLD", [split, child, RENAMED]) == []
    # The name was given up the day before by one company, and another has it for a day.
    before = SymbolChange(ChangeKind.RENAMED, "OLD", DAY - timedelta(1), "GONE")
    assert (earlier_names("NEW", [before, RENAMED]), earlier_names("GONE", [before, RENAMED])) == (["OLD"], ["OLD"])
    assert list(ended_symbols([split, child, RENAMED])) == ["OLD"]


def test_a_sale_of_less_than_the_oldest_purchase_leaves_the_next_one_whole() -> None:
    """4 + 6 bought, 3 sold: 1 and 6 are left and become others."""
    fills = [
        fill("i1", "BUY", 4, "100", BOUGHT),
        fill("i2", "BUY", 6, "90", BOUGHT + timedelta(1)),
        fill("i3", "SELL", 3, "80", SOLD),
    ]
    assert lines(fills, merged("NEW", a=7)) == [
        ("i1", "OLD", "BUY", 3, D(100), D(0)),
        ("i3", "OLD", "SELL", 3, D(80), D(0)),
        ("i1", "NEW", "BUY", 1, D(100), D(0)),
        ("i2", "NEW", "BUY", 6, D(90), D(0)),
    ]
