"""What open option groups of a sleeve pin and pledge."""

from decimal import Decimal

from mtum.core.portfolio.options.lots import Book
from mtum.core.portfolio.options.own import all_pinned_usd, groups_in, last_opened, pinned_usd, pledged_shares
from support.option_orders import DAY, call, lot, put

LOTS = (
    lot(put(95), -1),
    lot(put(90), 1),
    lot(put(80), -2, group="g2"),
    lot(call(105), -1, group="g3"),
    lot(put(70), -1, strategy="other"),
)


def test_each_sleeve_pins_what_its_own_groups_may_call_for() -> None:
    # The spread its width of 5, two puts at 80, and the other sleeve's put at 70.
    assert pinned_usd(LOTS, (), "wheel") == Decimal(500 + 16_000)
    assert pinned_usd(LOTS, (), "other") == Decimal(7_000)
    assert all_pinned_usd(LOTS) == Decimal(23_500)


def test_a_call_without_a_long_one_pledges_a_hundred_shares() -> None:
    assert pledged_shares(LOTS) == {"SPY": 100}
    assert pledged_shares((*LOTS, lot(call(110), 1, group="g3"))) == {}
    # A long of another group covers nothing in it.
    assert pledged_shares((*LOTS, lot(call(110), 1, group="g4"))) == {"SPY": 100}


def test_lots_of_one_structure_are_one_group() -> None:
    book = Book(lots=LOTS[:4])
    assert [(one.group, len(one.lots)) for one in groups_in(book)] == [("g1", 2), ("g2", 1), ("g3", 1)]
    assert last_opened(book) == {"SPY": DAY}
