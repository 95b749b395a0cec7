"""Corrections: figures of earlier reports that have become known or have changed."""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from mtum.core.reporting import figures
from mtum.core.reporting.layout import Section, table_section
from mtum.core.reporting.stated import Stated


class CorrectionLine(Struct, frozen=True):
    """A number of an earlier report that has become known or has changed."""

    session: date
    subject: str
    before: Stated
    now: Stated
    unit: str


def section(lines: Sequence[CorrectionLine]) -> Section:
    """Return what has become known or has changed since earlier reports."""
    rows = (
        (
            figures.day(line.session),
            line.subject,
            *(figures.late(one, figures.in_unit(one.amount, line.unit)) for one in (line.before, line.now)),
            line.unit,
        )
        for line in lines
    )
    head = ("Session", "figure", "reported", "now", "unit")
    return table_section("corrections", "Corrections of earlier reports", head, rows, left=(0, 1, 4))
