"""The tax file of an account with options: premiums in the shares, and index options marked at the year's end."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from mtum.adapters.store.opening import SqliteStore, open_store
from mtum.app.ledger.tax_records import tax_records
from mtum.app.records.export_tax import tax_csv
from mtum.core.portfolio.options.lots import EventKind, LedgerEvent
from mtum.core.portfolio.orders import Side
from support.option_orders import put
from support.option_store import P95, leg_fill, planned
from support.store import ACCOUNT

AT = datetime(2026, 7, 10, 20, 30, tzinfo=UTC)
INDEX = put(600, date(2027, 3, 19), underlying="XSP")


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return open_store(tmp_path / "mtum.db", "practice", ACCOUNT)


def test_an_account_without_options_has_its_executions_as_they_are(store: SqliteStore) -> None:
    assert tax_records(store) == ([], ())


def test_the_file_has_shares_with_their_premium_and_index_options_last(store: SqliteStore) -> None:
    one, other = planned(), planned((Side.SELL, INDEX), underlying="XSP", group="g2")
    store.options.commit_intents([one, other], AT)
    store.options.record_fills([leg_fill(one, "e.01", P95, -1, "1.20"), leg_fill(other, "f.01", INDEX, -1, "9.00")])
    store.options.record_events(
        [LedgerEvent(EventKind.ASSIGNED, ACCOUNT, P95, -1, P95.strike, date(2026, 7, 13), -1)], AT
    )
    store.options.record_marks(date(2026, 12, 31), {INDEX: Decimal("4.00")}, "quotes", AT)
    fills, index_options = tax_records(store)
    assert [(fill.symbol, fill.price, fill.commission_usd) for fill in fills] == [
        ("SPY", P95.strike, Decimal("-119.30"))
    ]
    text, count = tax_csv(fills, (), 2026, index_options)
    (row,) = csv.DictReader(io.StringIO(text))
    assert (count, row["term"], row["gain_usd"], row["date_sold"]) == (1, "60/40", "499.30", "2026-12-31")
    assert tax_records(store, date(2026, 12, 30))[1] == []
