"""Closed tax lots as a file in the columns of Form 8949."""

import csv
import io
from collections.abc import Sequence

from mtum.core.portfolio.fills import Fill, Split
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


def tax_csv(fills: Sequence[Fill], splits: Sequence[Split], year: int | None = None) -> tuple[str, int]:
    """Return closed lots as CSV and their number; with a year, those sold in it.

    Lots of other years are worked out as well: a loss may be deferred over the turn of the year.
    """
    closed = tax_record(fills, splits).closed
    wanted = [lot for lot in closed if year is None or lot.sold.year == year]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(lot) for lot in wanted)
    return file.getvalue(), len(wanted)


def _row(lot: TaxLot) -> tuple[object, ...]:
    return (
        f"{lot.shares} sh. {lot.symbol}",
        lot.symbol,
        lot.shares,
        lot.acquired,
        lot.sold,
        f"{lot.proceeds_usd:.2f}",
        f"{lot.basis_usd:.2f}",
        lot.code,
        f"{lot.adjustment_usd:.2f}",
        f"{lot.gain_usd:.2f}",
        "long" if lot.long_term else "short",
        (lot.sold - lot.term_from).days,
    )
