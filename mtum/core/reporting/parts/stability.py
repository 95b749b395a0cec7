"""Stability: how many sessions and orders of a period reached each step."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from mtum.core.reporting import figures, words
from mtum.core.reporting.layout import Cell, Section, Sentence, Tone, table_section


class Stability(Struct, frozen=True):
    """How many sessions of the period reached a step."""

    step: str
    expected: int
    reached: int


def section(lines: Sequence[Stability]) -> Section:
    """Return how many sessions and orders reached each step."""
    rows = (
        (
            *(line.step, str(line.expected)),
            Cell(str(line.reached), Tone.PLAIN if line.reached == line.expected else Tone.BAD),
            figures.whole(line.reached / line.expected if line.expected else None),
        )
        for line in lines
    )
    return table_section("stability", "System stability", ("Step", "expected", "reached", "share"), rows)


def findings(lines: Sequence[Stability]) -> Iterator[Sentence]:
    """Say which steps were not reached every time."""
    short = tuple(f"{line.step} {line.reached} of {line.expected}" for line in lines if line.reached < line.expected)
    if short:
        yield Sentence(f"Not every step was reached: {words.listed(short)}.", Tone.BAD)
    elif lines:
        yield Sentence("Every session and every order reached every step.")
