"""Tax lots reconcile with the fills to the cent, whatever was traded."""

import csv
import io
import random
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest

from mtum.app.records.export_tax import tax_csv
from mtum.core.portfolio.fills import Fill, Split
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.tax import tax_record

CENT = Decimal("0.01")


def random_fills(seed: int, count: int) -> list[Fill]:
    return random_history(seed, count, splits_every=0)[0]


def random_history(seed: int, count: int, splits_every: int) -> tuple[list[Fill], list[Split]]:
    """Fills as they were made, in the shares of their day, with a split after every so many of them."""
    draw = random.Random(seed)
    day, held, fills, splits = date(2000, 1, 3), 0, [], []
    for number in range(count):
        day += timedelta(days=draw.choice([0, 0, 1, 1, 2, 9, 40]))
        if splits_every and number % splits_every == splits_every - 1:
            day += timedelta(days=1)
            splits.append(Split("MTUM", day, Decimal(draw.choice([2, 3, 5]))))
            held *= int(splits[-1].ratio)
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
    return fills, splits


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


@pytest.mark.parametrize("seed", range(5))
def test_every_cent_of_two_thousand_fills_is_in_one_lot(seed: int) -> None:
    fills, splits = random_history(seed, 2000, splits_every=300)
    text, rows = tax_csv(fills, splits)
    exported = list(csv.DictReader(io.StringIO(text)))
    held = tax_record(fills, splits).held

    def total(column: str) -> Decimal:
        return sum((Decimal(row[column]) for row in exported), Decimal(0))

    deals: dict[tuple[str, Side, date], Decimal] = defaultdict(Decimal)  # cash by order and day
    for fill in fills:
        deals[fill.intent_id, fill.side, fill.session] += fill.cash_usd - (fill.commission_usd or 0)
    received, paid = (
        sum(cents(abs(cash)) for (_, side, _), cash in deals.items() if side is wanted)
        for wanted in (Side.SELL, Side.BUY)
    )
    assert rows == len(exported) > 1000
    assert total("proceeds_usd") == received
    assert total("cost_basis_usd") + sum(lot.basis_usd for lot in held) == paid + total("adjustment_usd")
    assert total("gain_usd") == received - total("cost_basis_usd") + total("adjustment_usd")
    assert any(row["code"] == "W" for row in exported)
    for row in exported:
        loss = Decimal(row["cost_basis_usd"]) - Decimal(row["proceeds_usd"])
        assert Decimal(0) <= Decimal(row["adjustment_usd"]) <= max(Decimal(0), loss)


def test_exports_of_the_years_are_the_whole_export() -> None:
    fills, splits = random_history(9, 200, splits_every=40)
    years = sorted({fill.session.year for fill in fills})
    assert sum(tax_csv(fills, splits, year)[1] for year in years) == tax_csv(fills, splits)[1]


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
