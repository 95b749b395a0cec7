"""Tax: closed tax lots by calendar year."""

from collections.abc import Sequence

from msgspec import Struct

from mtum.core.reporting import figures
from mtum.core.reporting.layout import Cell, Section, signed, table_section


class TaxLine(Struct, frozen=True):
    """Closed tax lots of a calendar year; USD, None while a commission in them is not known."""

    year: int
    lots: int
    short_usd: float | None
    long_usd: float | None
    wash_lots: int
    deferred_usd: float | None


def section(lines: Sequence[TaxLine]) -> Section:
    """Return closed tax lots by year."""
    head = ("Year", "lots", "wash sales", "short, USD", "long, USD", "deferred, USD")
    note = "Lot by lot: mtum export tax --year Y. A record to start from, not tax advice."
    return table_section("tax", "Tax lots", head, map(_row, lines), note)


def _row(line: TaxLine) -> tuple[Cell | str, ...]:
    amounts = (signed(figures.paid(one, sign=True)) for one in (line.short_usd, line.long_usd, line.deferred_usd))
    return (str(line.year), str(line.lots), str(line.wash_lots), *amounts)
