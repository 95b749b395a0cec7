"""Closed tax lots as a file, a line for each as a tax form has it."""

import csv
import io
from collections.abc import Sequence, Set
from datetime import date
from decimal import Decimal

from msgspec.structs import replace

from mtum.core.market.instruments import InstrumentKind, instrument
from mtum.core.portfolio.fills import Action, Fill, folded, later_symbols
from mtum.core.portfolio.tax import TaxLot, tax_record

COLUMNS = (
    "description",
    "symbol",
    "shares",
    "date_acquired",
    "date_sold",
    "proceeds_usd",
    "cost_basis_usd",
    "code",
    "adjustment_usd",
    "gain_usd",
    "term",
    "days_held",
)
_FIRST_AMOUNT = COLUMNS.index("proceeds_usd")
"""A commission has a part in this column and in all that follow."""

type Row = tuple[object, ...]


def tax_csv(
    fills: Sequence[Fill], actions: Sequence[Action], year: int | None = None, index_options: Sequence[TaxLot] = ()
) -> tuple[str, int]:
    """Return closed lots as CSV and their number; with a year, those sold in it.

    Lots of other years are worked out as well: a loss may be deferred over the turn of the year.
    Amounts that depend on a commission that is not known are left empty, and so is the basis of shares that
    a merger paid for in shares and in cash together.

    Parameters
    ----------
    fills : sequence of Fill
        Fills, in time order.
    actions : sequence of Action
        Splits and changes of symbols, oldest first.
    year : int or None
        Calendar year; None for all.
    index_options : sequence of TaxLot
        Contracts of section 1256, whose term is 60/40: they come after the others, for they go to Form 6781.
    """
    rows = [_row(lot) for lot in tax_record(fills, actions).closed]
    unknown = [fill for fill in folded(fills) if fill.commission_usd is None]
    if unknown:
        rows = _without_unknown(
            rows, fills, actions, {symbol for fill in unknown for symbol in later_symbols(fill, actions)}
        )
    rows += [_row(lot, "60/40") for lot in index_options]
    wanted = [row for row in rows if year is None or _sold(row).year == year]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(wanted)
    return file.getvalue(), len(wanted)


def _without_unknown(
    rows: Sequence[Row], fills: Sequence[Fill], actions: Sequence[Action], symbols: Set[str]
) -> list[Row]:
    # Tried with a commission of a dollar a share: every amount that changes depends on the missing one, be it the lot
    # or a loss deferred into it. Where it would split the lots differently, all amounts of the symbol stay empty.
    told = [replace(one, commission_usd=Decimal(one.shares)) if one.commission_usd is None else one for one in fills]
    others = [_row(lot) for lot in tax_record(told, actions).closed]
    alike = [row[:_FIRST_AMOUNT] for row in rows] == [row[:_FIRST_AMOUNT] for row in others]
    return [
        tuple(
            "" if place >= _FIRST_AMOUNT and row[1] in symbols and not (alike and cell == other[place]) else cell
            for place, cell in enumerate(row)
        )
        for row, other in zip(rows, others if alike else rows, strict=True)
    ]


def _sold(row: Row) -> date:
    found = row[COLUMNS.index("date_sold")]
    assert isinstance(found, date)  # as `_row` puts it there
    return found


def _row(lot: TaxLot, term: str = "") -> Row:
    known = (f"{lot.basis_usd:.2f}", lot.code, f"{lot.adjustment_usd:.2f}", f"{lot.gain_usd:.2f}")
    return (
        f"{lot.shares} {'sh.' if instrument(lot.symbol).kind is InstrumentKind.STOCK else 'contracts'} {lot.symbol}",
        lot.symbol,
        lot.shares,
        lot.acquired,
        lot.sold,
        "" if lot.unknown else f"{lot.proceeds_usd:.2f}",
        *(("",) * len(known) if lot.by_hand or lot.unknown else known),
        term or ("long" if lot.long_term else "short"),
        (lot.sold - lot.term_from).days,
    )
