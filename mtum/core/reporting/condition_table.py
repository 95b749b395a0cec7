"""Conditions as a table of plain text, and numbers as such text has them."""

from collections.abc import Iterator, Sequence
from textwrap import wrap

from mtum.core.reporting.figures import decimals
from mtum.core.reporting.parts.conditions import ConditionLine
from mtum.core.reporting.words import condition

TABLE_COLUMNS = 80


def condition_table(rows: Sequence[ConditionLine]) -> Iterator[str]:
    """Return the lines of a table of conditions, at most TABLE_COLUMNS wide."""
    several = len({row.symbol for row in rows}) > 1
    lines: list[tuple[str, ...]] = [("Condition", "value", "threshold", "margin", "met")]
    for row in rows:
        values = (number_text(value) for value in (row.value, row.threshold, row.margin))
        label = f"{row.symbol + ' ' if several else ''}{row.role}: {condition(row.name).words}"
        lines.append((f"{label}{f', {row.unit}' if row.unit else ''}", *values, "yes" if row.passed else "no"))
    # Numbers are as wide as what is in them; what a terminal of 80 columns has no room for, the words give way.
    longest, *widths = (max(len(line[column]) for line in lines) for column in range(4))
    first_width = min(longest, TABLE_COLUMNS - sum(width + 2 for width in widths) - len("  met"))
    for label, *numbers, last in lines:
        told = "  ".join(f"{text:>{width}}" for text, width in zip(numbers, widths, strict=True))
        first, *rest = wrap(label, first_width, subsequent_indent="  ")
        yield f"{first:<{first_width}}  {told}  {last}"
        yield from rest


def number_text(value: object) -> str:
    """Return a number with separators: two decimals or up to six, none from 100,000 on; a dash for an unknown one."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return decimals(value, full=True)
    return f"{value:,}" if isinstance(value, int) else str(value)
