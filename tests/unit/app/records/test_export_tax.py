"""The tax file: its columns, its years."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal

from mtum.app.records.export_tax import COLUMNS, tax_csv
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.orders import Side
from support.values import replace


def fill(
    number: int, side: Side, day: date, shares: int, price: str, *, cost: str | None = "0", symbol: str = "MTUM"
) -> Fill:
    instant = datetime.combine(day, time(21), UTC)
    paid = None if cost is None else Decimal(cost)
    return Fill(f"e{number}.01", f"i{number}", "DU1", "s", symbol, side, day, instant, shares, Decimal(price), paid)


FILLS = (
    fill(1, Side.BUY, date(2024, 1, 2), 10, "100"),
    fill(2, Side.SELL, date(2024, 12, 20), 5, "90"),
    fill(3, Side.BUY, date(2025, 1, 10), 5, "92"),
    fill(4, Side.SELL, date(2025, 6, 2), 5, "130"),
)


def test_a_lot_has_the_columns_of_the_form() -> None:
    text, rows = tax_csv(FILLS, (), 2024)
    (row,) = csv.DictReader(io.StringIO(text))
    assert rows == 1
    assert tuple(row) == COLUMNS
    assert row["description"] == "5 sh. MTUM"
    assert (row["date_acquired"], row["date_sold"]) == ("2024-01-02", "2024-12-20")
    # The purchase of January of the next year defers this year's loss.
    assert (row["code"], row["adjustment_usd"], row["gain_usd"]) == ("W", "50.00", "0.00")


def test_contracts_are_described_as_such_and_taxed_for_all_they_stand_for() -> None:
    call = "MTUM  250620C00100000"
    trades = [
        replace(fill(1, Side.BUY, date(2025, 1, 2), 2, "1.50"), symbol=call, multiplier=100),
        replace(fill(2, Side.SELL, date(2025, 3, 3), 2, "2.25"), symbol=call, multiplier=100),
    ]
    (row,) = csv.DictReader(io.StringIO(tax_csv(trades, ())[0]))
    assert (row["description"], row["symbol"], row["shares"]) == (f"2 contracts {call}", call, "2")
    assert (row["proceeds_usd"], row["cost_basis_usd"], row["gain_usd"]) == ("450.00", "300.00", "150.00")


def test_a_year_leaves_out_the_lots_of_others() -> None:
    text, rows = tax_csv(FILLS, (), 2025)
    assert rows == 1
    assert "2025-06-02" in text
    assert "long" in text
    assert tax_csv(FILLS, ())[1] == 2


def told(fills: Sequence[Fill]) -> list[tuple[str, ...]]:
    rows = csv.DictReader(io.StringIO(tax_csv(fills, ())[0]))
    return [
        tuple(row[name] for name in ("proceeds_usd", "cost_basis_usd", "adjustment_usd", "gain_usd")) for row in rows
    ]


def test_what_depends_on_a_commission_that_is_not_known_is_left_empty() -> None:
    """The sale of 2024 has none: its proceeds, and the loss deferred into the purchase of January, are open."""
    second = fill(2, Side.SELL, date(2024, 12, 20), 5, "90", cost=None)
    # The first half of the shares went in 2024; of the second the basis is 5 x 100.
    assert told([FILLS[0], second, *FILLS[2:]]) == [("", "500.00", "", "0.00"), ("650.00", "500.00", "0.00", "150.00")]
    assert told([FILLS[0], second]) == [("", "500.00", "0.00", "")]


def test_a_commission_that_is_not_known_leaves_other_symbols_alone() -> None:
    day = date(2024, 1, 2)
    other = [
        fill(5, Side.BUY, day, 1, "50", cost=None, symbol="SPY"),
        fill(6, Side.SELL, date(2025, 6, 3), 1, "60", cost="1", symbol="SPY"),
    ]
    rows = told([*FILLS, *other])
    assert rows[:2] == told(FILLS)
    assert rows[2] == ("59.00", "", "0.00", "")


def test_nothing_sold_is_a_head_alone() -> None:
    assert tax_csv((), ()) == (",".join(COLUMNS) + "\n", 0)
