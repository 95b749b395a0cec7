"""Tax lots by hand: order, holding period, wash sales before and after the sale."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from mtum.core.portfolio.fills import Fill, Split
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.tax import tax_record


def fill(number: int, side: str, day: date, shares: int, price: str, commission: str = "0") -> Fill:
    instant = datetime.combine(day, time(21), UTC)
    name = f"e{number:05d}.01"
    return Fill(
        name, f"i{number}", "DU1", "s", "MTUM", Side(side), day, instant, shares, Decimal(price), Decimal(commission)
    )


def test_oldest_shares_are_sold_first_with_commissions_in_basis_and_proceeds() -> None:
    record = tax_record(
        [
            fill(1, "BUY", date(2025, 1, 2), 10, "100", "1.00"),
            fill(2, "BUY", date(2025, 3, 3), 10, "110", "1.00"),
            fill(3, "SELL", date(2025, 6, 2), 15, "120", "1.50"),
        ]
    )
    first, second = record.closed
    # 1800 - 1.50 = 1798.50, two thirds of it 1199.00; the second lot is half of 1101.
    assert (first.shares, first.proceeds_usd, first.basis_usd) == (10, Decimal("1199.00"), Decimal("1001.00"))
    assert (second.shares, second.proceeds_usd, second.basis_usd) == (5, Decimal("599.50"), Decimal("550.50"))
    assert first.gain_usd == Decimal("198.00")
    assert [lot.shares for lot in record.held] == [5]


def test_more_than_a_year_is_long_term() -> None:
    buy = fill(1, "BUY", date(2024, 3, 1), 2, "100")
    on_the_day = fill(2, "SELL", date(2025, 3, 1), 1, "120")
    a_day_later = fill(3, "SELL", date(2025, 3, 2), 1, "120")
    record = tax_record([buy, on_the_day, a_day_later])
    assert [lot.long_term for lot in record.closed] == [False, True]


def test_shares_of_a_leap_day_are_long_term_from_the_first_of_march() -> None:
    record = tax_record([fill(1, "BUY", date(2024, 2, 29), 1, "100"), fill(2, "SELL", date(2025, 3, 1), 1, "120")])
    assert record.closed[0].long_term


def test_loss_is_deferred_into_shares_bought_within_thirty_days_after() -> None:
    record = tax_record(
        [
            fill(1, "BUY", date(2025, 1, 2), 10, "100"),
            fill(2, "SELL", date(2025, 2, 3), 10, "90"),
            fill(3, "BUY", date(2025, 3, 5), 10, "95"),  # 30 days later: still inside
        ]
    )
    (lot,) = record.closed
    assert (lot.code, lot.adjustment_usd, lot.gain_usd) == ("W", Decimal("100.00"), Decimal("0.00"))
    (held,) = record.held
    assert (held.basis_usd, held.deferred_usd) == (Decimal("1050.00"), Decimal("100.00"))
    assert held.term_from == date(2025, 3, 5) - (date(2025, 2, 3) - date(2025, 1, 2))


def test_a_purchase_on_the_thirty_first_day_is_no_wash_sale() -> None:
    record = tax_record(
        [
            fill(1, "BUY", date(2025, 1, 2), 10, "100"),
            fill(2, "SELL", date(2025, 2, 3), 10, "90"),
            fill(3, "BUY", date(2025, 3, 6), 10, "95"),
        ]
    )
    assert record.closed[0].code == ""
    assert record.closed[0].gain_usd == Decimal("-100.00")


def test_shares_bought_before_the_sale_and_still_held_take_the_loss() -> None:
    record = tax_record(
        [
            fill(1, "BUY", date(2025, 1, 2), 10, "100"),
            fill(2, "BUY", date(2025, 1, 20), 4, "95"),
            fill(3, "SELL", date(2025, 2, 3), 10, "90"),
        ]
    )
    # Four of ten shares are replaced: 40 of the loss of 100 are disallowed.
    assert record.closed[0].adjustment_usd == Decimal("40.00")
    assert record.closed[0].gain_usd == Decimal("-60.00")
    assert record.held[0].basis_usd == Decimal("420.00")


def test_replacement_shares_serve_once() -> None:
    record = tax_record(
        [
            fill(1, "BUY", date(2025, 1, 2), 20, "100"),
            fill(2, "SELL", date(2025, 2, 3), 10, "90"),
            fill(3, "SELL", date(2025, 2, 4), 10, "90"),
            fill(4, "BUY", date(2025, 2, 10), 10, "95"),
        ]
    )
    assert [lot.adjustment_usd for lot in record.closed] == [Decimal("100.00"), Decimal(0)]


def test_shares_sold_in_the_same_sale_replace_nothing() -> None:
    record = tax_record(
        [
            fill(1, "BUY", date(2025, 1, 2), 10, "100"),
            fill(2, "BUY", date(2025, 1, 20), 10, "95"),
            fill(3, "SELL", date(2025, 2, 3), 20, "90"),
        ]
    )
    assert [lot.code for lot in record.closed] == ["", ""]


def test_a_split_keeps_the_basis() -> None:
    record = tax_record(
        [fill(1, "BUY", date(2025, 1, 2), 10, "100"), fill(2, "SELL", date(2025, 6, 2), 20, "55")],
        [Split("MTUM", date(2025, 3, 3), Decimal(2))],
    )
    assert (record.closed[0].shares, record.closed[0].gain_usd) == (20, Decimal("100.00"))


def test_selling_more_than_bought_is_refused() -> None:
    with pytest.raises(ValueError, match="sells 1 shares more"):
        tax_record([fill(1, "BUY", date(2025, 1, 2), 1, "100"), fill(2, "SELL", date(2025, 1, 3), 2, "100")])
