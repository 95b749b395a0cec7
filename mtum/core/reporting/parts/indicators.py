"""Indicators: each against its second implementation."""

from collections.abc import Iterator, Sequence
from datetime import date

from msgspec import Struct

from mtum.core.reporting import words
from mtum.core.reporting.layout import Section, Sentence, Tone, table_section

AGREE = {"shares": 1e-3}
AGREE_ELSE = 1e-6
"""Two implementations agree when they differ by no more than their rounding, in the indicator's unit."""


class IndicatorCheck(Struct, frozen=True):
    """One indicator against its second implementation on the live cache.

    `largest` is the largest difference over all sessions (None: one of them is undefined where
    the other is not), `warm_up` that between the newest value
    from the strategy's own history length and from everything (None: one of them is not known).
    """

    indicator: str
    unit: str
    sessions: int
    largest: float | None
    largest_session: date | None
    warm_up: float | None
    symbol: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the two differ by no more than their rounding."""
        limit = AGREE.get(self.unit, AGREE_ELSE)
        return all(apart is not None and apart <= limit for apart in (self.largest, self.warm_up))


def section(checks: Sequence[IndicatorCheck]) -> Section:
    """Return every indicator with its largest difference."""
    symbols = [check.symbol for check in checks]
    rows = (
        (
            *(words.whose(check.symbol, symbols) + check.indicator, str(check.sessions)),
            "undefined once" if check.largest is None else f"{check.largest:.1e}",
            "not known" if check.warm_up is None else f"{check.warm_up:.1e}",
            check.unit or "-",
        )
        for check in checks
    )
    note = (
        "Largest difference between two implementations over the cache, and of the newest value "
        "between the strategy's own history and all of it."
    )
    head = ("Indicator", "sessions", "difference", "warm-up", "unit")
    return table_section("validation", "Indicators", head, rows, note, left=(0, 4))


def findings(checks: Sequence[IndicatorCheck]) -> Iterator[Sentence]:
    """Say which indicators differ."""
    apart = tuple(check.indicator for check in checks if not check.agrees)
    if apart:
        yield Sentence(f"Indicators differ from their second implementation: {words.listed(apart)}.", Tone.BAD)
    elif checks:
        yield Sentence("Every indicator agrees with its second implementation.")
