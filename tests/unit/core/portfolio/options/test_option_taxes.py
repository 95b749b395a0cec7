"""Options on a tax form, by hand: premiums in the shares, rows of their own, and index options at the year's end."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal

from mtum.core.options.contracts import OptionContract
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.options.lots import Book, EventKind, LedgerEvent, LegFill, filled, happened
from mtum.core.portfolio.options.taxes import YearEnd, index_lots, option_fills, with_premiums
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.tax import TaxLot, tax_record
from support.option_orders import ACCOUNT, DAY, GROUP, STRATEGY, call, put
from support.values import replace

MORNING = date(2026, 7, 13)
D = Decimal


def traded(exec_id: str, one: OptionContract, quantity: int, price: str, day: date = DAY) -> LegFill:
    return LegFill(exec_id, ACCOUNT, STRATEGY, GROUP, f"m-{exec_id}", one, day, quantity, D(price), D("0.70"))


def ended(
    kind: EventKind, one: OptionContract, quantity: int, price: Decimal | int, day: date = MORNING
) -> LedgerEvent:
    return LedgerEvent(kind, ACCOUNT, one, quantity, D(price), day, quantity)


def share_fill(event: LedgerEvent, number: int, side: Side, shares: int, price: Decimal) -> Fill:
    at = datetime.combine(event.effective, datetime.min.time(), UTC)
    key = f"option:{event.key}:{number}.01"
    return Fill(key, f"m-{side.value}", ACCOUNT, STRATEGY, "SPY", side, event.effective, at, shares, price, D(0))


def other(fill: Fill, side: Side, price: int, at: datetime) -> Fill:
    """An order in the same shares."""
    name = side.value
    return replace(
        fill, exec_id=f"{name}.01", intent_id=name.lower(), side=side, price=D(price), session=at.date(), instant=at
    )


def form(book: Book, shares: Iterable[Fill] = ()) -> list[tuple[str, Decimal, Decimal, bool]]:
    rows = tax_record([*with_premiums(shares, book.closed), *option_fills(book)]).closed
    return [(row.symbol.split()[0], row.proceeds_usd, row.basis_usd, row.long_term) for row in rows]


def test_the_premium_of_an_assigned_put_lowers_the_basis_of_its_shares() -> None:
    book = filled(Book(), [traded("1", put(95), -2, "1.20")])
    event = ended(EventKind.ASSIGNED, put(95), -1, 95)
    book = happened(book, [event])
    came = share_fill(event, 1, Side.BUY, 100, D(95))
    sold = replace(
        came, exec_id="9.01", intent_id="s", side=Side.SELL, price=D(97), instant=came.instant.replace(hour=9)
    )
    # 9,500 less 120 received, plus half of 0.70.
    assert form(book, [came, sold]) == [("SPY", D("9700.00"), D("9380.35"), False)]


def test_the_premium_of_an_assigned_call_raises_the_proceeds_of_its_shares() -> None:
    event = ended(EventKind.ASSIGNED, call(105), -1, 105)
    book = happened(filled(Book(), [traded("1", call(105), -1, "0.90")]), [event])
    gone = share_fill(event, 1, Side.SELL, 100, D(105))
    bought = other(gone, Side.BUY, 100, gone.instant.replace(day=10))
    # 10,500 and 90 received, less 0.70.
    assert form(book, [bought, gone]) == [("SPY", D("10589.30"), D("10000.00"), False)]


def test_two_groups_of_one_assignment_have_each_its_own_premium() -> None:
    fills = [traded("1", put(95), -1, "1.20"), replace(traded("2", put(95), -1, "2.00"), group="g2")]
    event = ended(EventKind.ASSIGNED, put(95), -2, 95)
    book = happened(filled(Book(), fills), [event])
    came = [share_fill(event, number, Side.BUY, 100, D(95)) for number in (1, 2)]
    assert [fill.commission_usd for fill in with_premiums(came, book.closed)] == [D("-119.30"), D("-199.30")]


def test_what_expired_or_was_traded_is_a_row_of_its_own() -> None:
    fills = [
        traded("1", put(95), -1, "1.20"),
        traded("2", put(90), 1, "0.60"),
        traded("3", put(95), 1, "0.40", MORNING),
    ]
    book = happened(filled(Book(), fills), [ended(EventKind.EXPIRED, put(90), 1, 0, date(2026, 8, 21))])
    # Bought back for 40.70 what had brought 119.30; 60.70 for nothing.
    assert form(book) == [("SPY", D("119.30"), D("40.70"), False), ("SPY", D("0.00"), D("60.70"), False)]


def test_an_option_held_for_more_than_a_year_is_long_term() -> None:
    leap = put(90, date(2028, 1, 21))
    fills = [traded("1", leap, 1, "5.00"), traded("2", leap, -1, "7.00", date(2027, 7, 12))]
    assert form(filled(Book(), fills)) == [("SPY", D("699.30"), D("500.70"), True)]


def test_a_fee_that_is_not_told_leaves_every_amount_open_that_it_is_a_part_of() -> None:
    untold = replace(traded("1", put(95), -2, "1.20"), fee_usd=None)
    event = ended(EventKind.ASSIGNED, put(95), -1, 95)
    book = happened(filled(Book(), [untold, traded("2", put(95), 1, "0.40", MORNING)]), [event])
    (came,) = with_premiums([share_fill(event, 1, Side.BUY, 100, D(95))], book.closed)
    assert came.commission_usd is None
    assert [fill.commission_usd for fill in option_fills(book)] == [None, D("0.70")]
    ends = [YearEnd(date(2026, 12, 31), {INDEX: D("4.00")})]
    settled = ended(EventKind.CASH_SETTLED, INDEX, -1, 2, date(2027, 3, 19))
    sold = filled(Book(), [replace(traded("3", INDEX, -1, "9.00"), fee_usd=None)])
    # The year after the mark needs no fee of the sale any more.
    rows = index_lots(happened(sold, [settled]), ends)
    assert [(row.unknown, row.sold.year) for row in rows] == [(True, 2026), (False, 2027)]


INDEX = put(600, date(2027, 3, 19), underlying="XSP")


def rows(found: list[TaxLot]) -> list[tuple[date, Decimal, bool]]:
    return [(row.sold, row.gain_usd, row.by_hand) for row in found]


def test_an_index_option_counts_as_sold_at_its_mark_at_the_end_of_the_year() -> None:
    event = ended(EventKind.CASH_SETTLED, INDEX, -1, 2, date(2027, 3, 19))
    book = happened(filled(Book(), [traded("1", INDEX, -1, "9.00")]), [event])
    end = YearEnd(date(2026, 12, 31), {INDEX: D("4.00")})
    # 900 less 0.70 and 400; then 400 less 200.
    assert rows(index_lots(book, [end])) == [
        (date(2026, 12, 31), D("499.30"), False),
        (date(2027, 3, 19), D("200.00"), False),
    ]
    assert list(option_fills(book)) == []
    assert rows(index_lots(book, [])) == [(date(2027, 3, 19), D("699.30"), False)]
    unmarked = rows(index_lots(book, [YearEnd(date(2026, 12, 31), {})]))
    assert [by_hand for _, _, by_hand in unmarked] == [True, True]


def test_an_open_index_option_has_a_row_for_every_year_that_ended() -> None:
    book = filled(Book(), [traded("1", INDEX, 2, "3.00")])
    # 2 x 100 x (5 - 3), less 0.70; bought for 600.70.
    (row,) = index_lots(book, [YearEnd(date(2026, 12, 31), {INDEX: D(5)})])
    assert (row.proceeds_usd, row.basis_usd, row.shares) == (D("1000.00"), D("600.70"), 2)


def test_an_index_option_has_no_row_of_a_year_before_it_was_opened() -> None:
    book = filled(Book(), [traded("1", INDEX, 1, "3.00")])
    assert index_lots(book, [YearEnd(date(2025, 12, 31), {INDEX: D(5)})]) == []
