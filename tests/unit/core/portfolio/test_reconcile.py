"""Lots, external shares and dust against the broker's position."""

from datetime import date
from decimal import Decimal

import pytest

from mtum.core.portfolio.lots import Lot
from mtum.core.portfolio.reconcile import Balance, balances, foreign_refs


@pytest.mark.parametrize(
    ("lots", "external", "broker", "surplus", "sellable"),
    [
        (10, "0", "10", "0", 10),
        (10, "0", "13", "3", 10),  # more than ours: exits of our lots go on
        (10, "0", "7", "-3", 7),  # fewer: only what is there
        (10, "5", "15", "0", 10),
        (10, "5", "12", "-3", 7),
        (10, "5", "3", "-12", 0),  # less than what is not ours at all
        (10, "0", "10.75", "0", 10),  # dust of a reinvested dividend
        (10, "0", "11.75", "1", 10),
        (10, "0", "9.25", "0", 9),  # less than a share short is dust, yet only nine are whole
        (10, "2.5", "12.5", "0", 10),
        (0, "0", "-4", "-4", 0),  # a short position is never ours
    ],
)
def test_a_balance_says_what_is_too_much_and_what_may_be_sold(
    lots: int, external: str, broker: str, surplus: str, sellable: int
) -> None:
    balance = Balance("MTUM", lots, Decimal(external), Decimal(broker))
    assert (balance.surplus, balance.sellable) == (Decimal(surplus), sellable)


def test_every_symbol_of_universe_and_lots_has_a_balance_and_the_owners_others_none() -> None:
    lot = Lot("e", "s", "OLD", date(2018, 12, 3), 4, 4, Decimal(1), Decimal(0))
    found = balances([lot, lot], {"MTUM": Decimal(2)}, {"MTUM": Decimal(2), "GME": Decimal(99)}, ["MTUM"])
    assert found == (
        Balance("MTUM", 0, Decimal(2), Decimal(2)),
        Balance("OLD", 8, Decimal(0), Decimal(0)),
    )


def test_only_references_of_our_making_that_we_never_planned_are_foreign() -> None:
    ours, other = "m181203-AAAAAAAAAAAA-1", "m181203-BBBBBBBBBBBB-2"
    strange = ["", "by hand", "m181203-bbbbbbbbbbbb-2", "m181203-BBBBBBBBBBB1-1", other + "x"]
    listed = [ours, ours[:-1] + "2", other, other, *strange]
    assert foreign_refs(listed, ["m181203-AAAAAAAAAAAA"]) == (other,)
