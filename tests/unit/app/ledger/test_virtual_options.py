"""Virtual options of a sleeve that is only watched: filled at the decision, ended by the official close."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, cast

import pytest

from mtum.app.ledger.virtual_options import virtual_options, virtual_trades
from mtum.core.canonical import plain
from mtum.core.market.bars import Bars
from mtum.core.options.contracts import OptionContract
from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.options.orders import OptionIntent
from support.bars import bars_of
from support.option_orders import ACCOUNT, DAY, SELL, STRATEGY, call, judged, put, quoted
from support.values import replace

EXPIRY = date(2026, 8, 21)


@dataclass
class Shelf:
    """What the virtual books ask of a store: kept decisions and closes."""

    rows: list[tuple[date, Mapping[str, Any]]]
    close: float

    def virtual_options(self, strategy: str, before: date) -> list[tuple[date, Mapping[str, Any]]]:
        return [row for row in self.rows if row[0] < before]

    def bars(self, symbol: str, source: str, since: date | None = None) -> Bars:
        return bars_of([self.close], first=EXPIRY, symbol=symbol, source=source)


@dataclass
class Stored:
    plans: Shelf
    bars: Shelf


def sold(one: OptionContract, start: str) -> OptionIntent:
    return judged(OptionPurpose.OPEN, ((SELL, one),), start, start, "-0.10").attempt.intent


def books(intent: OptionIntent, close: float, today: date) -> Any:
    contract = intent.legs[0].contract
    kept = plain(virtual_trades([intent], quoted(contract), {contract: Decimal("1.15")}))
    shelf = Shelf([(DAY, cast("Mapping[str, Any]", kept))], close)
    return virtual_options(cast(Any, Stored(shelf, shelf)), "test", ACCOUNT, STRATEGY, today)


def test_a_virtual_put_is_sold_half_way_to_the_far_side() -> None:
    found = books(sold(put(95), "-1.15"), 96.0, EXPIRY)
    (lot,) = found.book.lots
    # Quoted at 1.10 to 1.20: half of the way from 1.15 to 1.10.
    assert (lot.quantity, lot.premium) == (-1, Decimal("1.125"))
    assert found.worth_usd == {DAY: Decimal(-115)}
    assert sum(one.amount_usd for one in found.movements) == found.book.cash_usd
    assert found.shares == ()


@pytest.mark.parametrize(
    ("contract", "close", "shares"),
    [
        (put(95), 94.0, [("BUY", 100, Decimal(95))]),
        (put(95), 96.0, []),
        (call(105), 106.0, [("SELL", 100, Decimal(105))]),
    ],
)
def test_what_ends_in_the_money_changes_hands_at_the_strike(
    contract: OptionContract, close: float, shares: list[tuple[str, int, Decimal]]
) -> None:
    found = books(sold(contract, "-1.15" if contract.strike < 100 else "-0.95"), close, date(2026, 8, 24))
    assert found.book.lots == ()
    assert [(one.side.value, one.shares, one.price) for one in found.shares] == shares
    assert [one.session for one in found.shares] == [EXPIRY] * len(shares)


def test_an_order_that_its_limits_forbid_is_no_virtual_fill() -> None:
    intent = sold(put(95), "-1.15")
    tight = replace(intent, envelope=replace(intent.envelope, worst=intent.envelope.start))
    assert virtual_trades([tight], quoted(put(95)), {})["fills"] == []
