"""Effects: what each condition does, the rules played without it and entries by one alone."""

from collections.abc import Sequence

from msgspec import Struct

from mtum.core.reporting import figures, words
from mtum.core.reporting.layout import Section, signed, table_section


class Effect(Struct, frozen=True):
    """The rules played over the cached bars with some conditions only."""

    variant: str
    trades: int
    return_frac: float
    worst_drawdown_frac: float
    difference_frac: float


def section(lines: Sequence[Effect]) -> Section:
    """Return what each condition does: the rules without it, and entries by one alone."""
    rows = (
        (
            *(variant_words(line.variant), str(line.trades), signed(figures.percent(line.return_frac, 1))),
            figures.percent(line.worst_drawdown_frac, 1),
            signed(figures.percent(line.difference_frac, 1)),
        )
        for line in lines
    )
    head = ("Rules over the cached bars", "trades", "return", "drawdown", "vs. all")
    note = "One history: differences of this size arise by chance as well."
    return table_section("effects", "What each condition does", head, rows, note)


def variant_words(variant: str) -> str:
    """Return what a person reads of "without NAME" and "only NAME to enter", which are words of the document."""
    kind, _, rest = variant.partition(" ")
    if variant == "all conditions":
        return "all conditions, on final bars"
    if kind not in ("without", "only"):
        return variant
    told = words.condition(rest.removesuffix(" to enter")).words
    return f"all but: {told}" if kind == "without" else f"entry alone: {told}"
