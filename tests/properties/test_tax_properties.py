"""Tax lots reconcile with the fills to the cent, whatever was traded."""

import random
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest

from mtum.core.portfolio.fills import Fill, Split
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.tax import tax_record

CENT = Decimal("0.01")


def random_fills(seed: int, count: int) -> list[Fill]:
    draw = random.Random(seed)
    day, held, fills = date(2000, 1, 3), 0, []
    for number in range(count):
        day += timedelta(days=draw.choice([0, 0, 1, 1, 2, 9, 40]))
        selling = held > 0 and draw.random() < 0.5
        shares = draw.randint(1, held if selling else 300)
        held += -shares if selling else shares
        fills.append(
            Fill(
                exec_id=f"e{number:06d}.01",
                intent_id=f"i{number // 3}",  # several partial fills of one order
                account="DU1",
                strategy="s",
                symbol="MTUM",
                side=Side.SELL if selling else Side.BUY,
                session=day,
                instant=datetime.combine(day, time(21), UTC) + timedelta(seconds=number),
                shares=shares,
                price=Decimal(draw.randint(500, 30_000)) / 100,
                commission_usd=Decimal(draw.randint(0, 300)) / 100,
            )
        )
    return fills


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


@pytest.mark.parametrize("seed", range(5))
def test_every_cent_of_two_thousand_fills_is_in_one_lot(seed: int) -> None:
    fills = random_fills(seed, 2000)
    record = tax_record(fills)
    received = sum(
        cents(fill.shares * fill.price - (fill.commission_usd or 0)) for fill in fills if fill.side is Side.SELL
    )
    paid = sum(cents(fill.shares * fill.price + (fill.commission_usd or 0)) for fill in fills if fill.side is Side.BUY)
    deferred = sum(lot.adjustment_usd for lot in record.closed)
    assert sum(lot.proceeds_usd for lot in record.closed) == received
    held = sum(lot.basis_usd for lot in record.held)
    assert sum(lot.basis_usd for lot in record.closed) + held == paid + deferred
    assert any(lot.code for lot in record.closed)
    assert all(lot.adjustment_usd <= max(Decimal(0), lot.basis_usd - lot.proceeds_usd) for lot in record.closed)


def test_shares_reconcile_over_splits() -> None:
    fills = random_fills(77, 1000)
    middle = fills[500].session
    split = Split("MTUM", middle, Decimal(3))
    bought = sum(fill.signed_shares * (3 if fill.session < middle else 1) for fill in fills)
    try:
        record = tax_record(fills, [split])
    except ValueError:
        pytest.fail("a split made shares vanish")
    assert sum(lot.shares for lot in record.held) == bought
    raw = tax_record(random_fills(77, 1000)[:400])
    same = tax_record(random_fills(77, 1000)[:400], [split])
    assert [lot.gain_usd for lot in raw.closed] == [lot.gain_usd for lot in same.closed]


def test_dates_of_wash_sales_lie_within_the_window() -> None:
    fills = random_fills(3, 400)
    record = tax_record(fills)
    bought = [fill.session for fill in fills if fill.side is Side.BUY]
    for lot in record.closed:
        if lot.code:
            assert any(abs((day - lot.sold).days) <= 30 for day in bought)
        else:
            assert lot.gain_usd == lot.proceeds_usd - lot.basis_usd
