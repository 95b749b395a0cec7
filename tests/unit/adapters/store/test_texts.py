"""What goes into a column comes out of it."""

import sqlite3
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtum.adapters.store.texts import cells, instant, instant_text, money, of_row
from mtum.core.portfolio.orders import OrderStatus, Purpose, Side
from mtum.errors import StoreError
from mtum.ports.records import CashMovement, Cross


def test_an_instant_is_utc_text_whatever_its_zone() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert instant_text(datetime(2018, 12, 4, 5, 43, tzinfo=tokyo)) == "2018-12-03T20:43:00.000000Z"


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        instant_text(datetime(2018, 12, 3, 20, 43))  # noqa: DTZ001


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_instants_round_trip_and_sort_as_text(one: datetime, other: datetime) -> None:
    assert instant(instant_text(one)) == one
    assert (instant_text(one) < instant_text(other)) == (one < other)


@given(st.decimals(min_value=-10_000_000, max_value=10_000_000, places=6))
def test_money_round_trips_through_a_float(amount: Decimal) -> None:
    assert money(float(amount)) == amount


MOVED = CashMovement("dividend:1", "trend", date(2024, 1, 3), "dividend", Decimal("12.30"), "why", "MTUM", paid=False)
CROSS = Cross(
    *("c1", "U1", date(2024, 1, 3), "trend", "MTUM", Purpose.EXIT, Side.SELL, 3, Decimal("102.05"), ("one", "two")),
    status=OrderStatus.LAPSED,
)


def row_of(**columns: object) -> sqlite3.Row:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    selected = ", ".join(f"? AS {name}" for name in columns)
    row: sqlite3.Row = connection.execute(f"SELECT {selected}", tuple(columns.values())).fetchone()
    connection.close()
    return row


def test_a_value_stands_in_columns_of_its_fields_names_and_comes_back() -> None:
    columns = cells(MOVED)
    assert (columns["session"], columns["amount_usd"], columns["paid"]) == ("2024-01-03", 12.3, False)
    assert (cells(CROSS)["reasons"], cells(CROSS)["side"]) == ('["one","two"]', "SELL")
    assert of_row(CashMovement, row_of(**columns, of_a_later_version=1), "the cash movement") == MOVED
    assert of_row(Cross, row_of(**cells(CROSS)), "the cross") == CROSS


@pytest.mark.parametrize(
    ("column", "damage", "said"),
    [
        ("side", "HOLD", r"Invalid enum value 'HOLD' - at `\$\.side`"),
        ("shares", "three", r"Expected `int`, got `str` - at `\$\.shares`"),
        ("session", "2024-13-01", r"Invalid RFC3339 encoded date - at `\$\.session`"),
        ("reasons", '["one"', "Expecting ',' delimiter"),
        ("reasons", "{}", r"Expected `array`, got `object` - at `\$\.reasons`"),
    ],
)
def test_a_damaged_row_names_itself_the_field_and_what_was_found(column: str, damage: str, said: str) -> None:
    row = row_of(**{**cells(CROSS), column: damage})
    with pytest.raises(
        StoreError, match=f"^the cross c1 cannot be read: {said}.*; `mtum restore` brings a backup back$"
    ):
        of_row(Cross, row, "the cross c1")
