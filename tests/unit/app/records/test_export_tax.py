"""The tax file: its columns, its years."""

import csv
import io
from datetime import UTC, date, datetime, time
from decimal import Decimal

from mtum.app.records.export_tax import COLUMNS, tax_csv
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.orders import Side


def fill(number: int, side: Side, day: date, shares: int, price: str) -> Fill:
    instant = datetime.combine(day, time(21), UTC)
    return Fill(f"e{number}.01", f"i{number}", "DU1", "s", "MTUM", side, day, instant, shares, Decimal(price))


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


def test_a_year_leaves_out_the_lots_of_others() -> None:
    text, rows = tax_csv(FILLS, (), 2025)
    assert rows == 1
    assert "2025-06-02" in text
    assert "long" in text
    assert tax_csv(FILLS, ())[1] == 2


def test_nothing_sold_is_a_head_alone() -> None:
    assert tax_csv((), ()) == (",".join(COLUMNS) + "\n", 0)
