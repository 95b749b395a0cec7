"""Option lots by hand: executions, assignments, expiry, broken groups, and nothing booked twice."""

from datetime import date
from decimal import Decimal

import pytest

from mtum.core.options.contracts import OptionContract
from mtum.core.options.legs import OptionLot
from mtum.core.portfolio.options.lots import (
    Book,
    EventKind,
    LedgerEvent,
    LegFill,
    closing_order,
    filled,
    happened,
    whole_units,
)
from support.option_orders import ACCOUNT, DAY, GROUP, STRATEGY, call, lot, put
from support.values import replace

MORNING = date(2026, 7, 13)
CONDOR = (lot(put(90), 3, "0.45"), lot(put(95), -3, "1.15"), lot(call(105), -3, "0.95"), lot(call(110), 3, "0.45"))


def fill(exec_id: str, one: OptionContract, quantity: int, price: str, fee: str = "0.70") -> LegFill:
    return LegFill(exec_id, ACCOUNT, STRATEGY, GROUP, f"m-{exec_id}", one, DAY, quantity, Decimal(price), Decimal(fee))


def event(kind: EventKind, one: OptionContract, quantity: int, price: Decimal | str | int, running: int) -> LedgerEvent:
    return LedgerEvent(kind, ACCOUNT, one, quantity, Decimal(price), MORNING, running)


def held(book: Book) -> list[tuple[str, str, int, bool]]:
    return [(one.group, one.contract.words[15:], one.quantity, one.broken) for one in book.lots]


def test_an_execution_closes_the_oldest_contracts_and_opens_what_is_beyond() -> None:
    sold = filled(Book(), [fill("1", put(95), -2, "1.20", "1.40"), fill("2", put(95), -1, "1.00")])
    assert [(one.quantity, one.premium, one.fees_usd) for one in sold.lots] == [
        (-2, Decimal("1.20"), Decimal("1.40")),
        (-1, Decimal("1.00"), Decimal("0.70")),
    ]
    assert sold.cash_usd == Decimal("240") - Decimal("1.40") + 100 - Decimal("0.70")
    bought = filled(sold, [fill("3", put(95), 4, "0.50", "2.80")])
    assert [(one.quantity, one.premium, one.fees_usd) for one in bought.lots] == [(1, Decimal("0.50"), Decimal("0.70"))]
    assert bought.cash_usd == sold.cash_usd - 200 - Decimal("2.80")
    part = filled(sold, [fill("4", put(95), 1, "0.50")])
    assert [(one.quantity, one.fees_usd) for one in part.lots] == [(-1, Decimal("0.70")), (-1, Decimal("0.70"))]


def test_an_execution_counts_once_and_only_in_its_own_group() -> None:
    one = fill("1", put(95), -1, "1.20")
    book = filled(filled(Book(), [one, one]), [one])
    assert (book.cash_usd, len(book.lots)) == (Decimal("119.30"), 1)
    other = filled(book, [replace(fill("2", put(95), 1, "1.00"), group="g2")])
    assert sorted(lot.quantity for lot in other.lots) == [-1, 1]
    assert other.contracts() == {}


def test_an_assigned_put_brings_shares_at_the_strike_and_the_premium_stands_beside() -> None:
    book = Book((lot(put(95), -2, "1.15", fees_usd=Decimal("1.40")),))
    after = happened(book, [event(EventKind.ASSIGNED, put(95), -1, 95, -2)])
    (came,) = after.delivered
    assert (came.shares, came.price, came.net_entry, came.broken) == (100, Decimal(95), Decimal("93.85"), False)
    assert after.cash_usd == Decimal(-9500)
    assert [(one.quantity, one.fees_usd, one.broken) for one in after.lots] == [(-1, Decimal("0.70"), False)]


@pytest.mark.parametrize(
    ("kind", "one", "quantity", "shares", "net_entry"),
    [
        (EventKind.ASSIGNED, call(105), -1, -100, "106"),
        (EventKind.EXERCISED, call(105), 1, 100, "106"),
        (EventKind.EXERCISED, put(95), 1, -100, "94"),
    ],
)
def test_shares_go_the_way_of_the_contract(
    kind: EventKind, one: OptionContract, quantity: int, shares: int, net_entry: str
) -> None:
    after = happened(Book((lot(one, quantity),)), [event(kind, one, quantity, one.strike, quantity)])
    assert [(came.shares, came.net_entry) for came in after.delivered] == [(shares, Decimal(net_entry))]
    assert after.cash_usd == -shares * one.strike
    assert after.lots == ()


def test_expiry_moves_nothing_and_settlement_in_cash_only_cash() -> None:
    expired = happened(Book((lot(put(95), -1),)), [event(EventKind.EXPIRED, put(95), -1, 0, -1)])
    assert (expired.lots, expired.cash_usd, expired.delivered) == ((), Decimal(0), ())
    index = put(95, underlying="XSP")
    settled = happened(Book((lot(index, -2),)), [event(EventKind.CASH_SETTLED, index, -2, "1.50", -2)])
    assert (settled.lots, settled.cash_usd, settled.delivered) == ((), Decimal(-300), ())


def test_an_event_is_booked_once() -> None:
    one = event(EventKind.ASSIGNED, put(95), -1, 95, -2)
    once = happened(Book((lot(put(95), -2),)), [one, one])
    assert happened(once, [one]) == once
    second = happened(once, [replace(one, running=-1)])
    assert (second.lots, second.cash_usd) == ((), Decimal(-19_000))


def test_an_event_beyond_the_lots_is_an_error() -> None:
    with pytest.raises(ValueError, match="-2 assigned, the lots have 1"):
        happened(Book((lot(put(95), -1),)), [event(EventKind.ASSIGNED, put(95), -2, 95, -1)])


def test_one_assigned_put_of_three_condors_breaks_one_and_leaves_two() -> None:
    after = happened(Book(CONDOR), [event(EventKind.ASSIGNED, put(95), -1, 95, -3)])
    assert held(after) == [
        ("g1", "90 put", 2, False),
        ("g1", "95 put", -2, False),
        ("g1", "105 call", -2, False),
        ("g1", "110 call", 2, False),
        ("g1!260713", "90 put", 1, True),
        ("g1!260713", "105 call", -1, True),
        ("g1!260713", "110 call", 1, True),
    ]
    assert [(came.group, came.shares, came.broken) for came in after.delivered] == [("g1!260713", 100, True)]
    broken = [one for one in after.lots if one.broken]
    assert [one.quantity for one in closing_order(broken)] == [-1, 1, 1]


def test_a_spread_of_which_both_legs_changed_hands_is_not_broken() -> None:
    spread = Book((lot(put(95), -1), lot(put(90), 1)))
    both = [event(EventKind.ASSIGNED, put(95), -1, 95, -1), event(EventKind.EXERCISED, put(90), 1, 90, 1)]
    after = happened(spread, both)
    assert (after.lots, after.cash_usd) == ((), Decimal(-500))
    assert [came.broken for came in after.delivered] == [False, False]


def test_a_spread_whose_long_expired_while_its_short_was_assigned_leaves_broken_shares() -> None:
    spread = Book((lot(put(95), -1), lot(put(90), 1)))
    after = happened(
        spread, [event(EventKind.ASSIGNED, put(95), -1, 95, -1), event(EventKind.EXPIRED, put(90), 1, 0, 1)]
    )
    assert (after.lots, [came.broken for came in after.delivered]) == ((), [True])


def test_an_assignment_takes_the_oldest_contracts_whatever_their_strategy() -> None:
    older = lot(put(95), -1, strategy="vertical_spread", group="v", session=date(2026, 7, 1))
    after = happened(Book((lot(put(95), -1), older)), [event(EventKind.ASSIGNED, put(95), -1, 95, -2)])
    assert [one.strategy for one in after.lots] == [STRATEGY]
    assert [came.strategy for came in after.delivered] == ["vertical_spread"]


def test_legs_that_are_no_whole_number_of_combinations_are_told() -> None:
    ratios = {put(95): -1, put(90): 1}
    short, long = fill("1", put(95), -2, "1.20"), fill("2", put(90), 2, "0.40")
    assert whole_units(ratios, [short, long, long]) == 2
    assert whole_units(ratios, []) == 0
    assert whole_units(ratios, [short, replace(long, quantity=1)]) is None
    assert whole_units(ratios, [replace(short, quantity=2), replace(long, quantity=-2)]) is None
    assert whole_units(ratios, [short, long, fill("3", call(105), 1, "1")]) is None
    assert whole_units({put(95): -2}, [fill("4", put(95), -3, "1")]) is None


def test_a_lot_tells_what_it_cost() -> None:
    assert OptionLot(ACCOUNT, "", "", put(95), -2, Decimal("1.15"), Decimal(0), "", DAY).paid_usd == Decimal(-230)


def test_what_ended_tells_its_profit_with_the_fees_of_both_ends() -> None:
    sold = filled(Book(), [fill("1", put(95), -2, "1.20", "1.40"), fill("2", put(95), -1, "1.00")])
    bought = filled(sold, [fill("3", put(95), 1, "0.50", "0.65")])
    (one,) = bought.closed
    # (1.20 - 0.50) x 100 less 0.70 for its half of the sale and 0.65 for the purchase.
    assert (one.lot.quantity, one.kind, one.by, one.pnl_usd) == (-1, "traded", "3", Decimal("68.65"))
    after = happened(bought, [event(EventKind.ASSIGNED, put(95), -2, 95, -2)])
    # Assigned: 120 less 0.70, and 100 less 0.70; the shares cost the strike.
    assert [(end.kind, end.price, end.pnl_usd) for end in after.closed[1:]] == [
        ("assigned", Decimal(0), Decimal("119.30")),
        ("assigned", Decimal(0), Decimal("99.30")),
    ]
    # All that was earned, less the shares that are there for it: 220 + 120 - 2.10 - 50 - 0.65 - 19,000.
    assert sum(end.pnl_usd or 0 for end in after.closed) == after.cash_usd + 200 * 95


def test_a_strategy_has_its_own_part_of_the_cash_of_an_event() -> None:
    fills = [fill("1", put(95), -1, "1.20"), replace(fill("2", put(95), -1, "1.00"), strategy="other")]
    after = happened(filled(Book(), fills), [event(EventKind.STATED, put(95), -2, "3.00", -2)])
    assert after.of("other", fills).cash_usd == Decimal("100") - Decimal("0.70") - 300
    parts = [after.of(name, fills) for name in (STRATEGY, "other")]
    assert sum(part.cash_usd for part in parts) == after.cash_usd
