"""Audit: the checks of a quarter."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from mtum.core.reporting import words
from mtum.core.reporting.layout import Cell, Section, Sentence, Tone, table_section

OK, ATTENTION, UNKNOWN = "ok", "attention", "unknown"
_TONES = {OK: Tone.GOOD, ATTENTION: Tone.BAD, UNKNOWN: Tone.QUIET}


class AuditLine(Struct, frozen=True):
    """One check: `result` is ok, attention or unknown."""

    check: str
    result: str
    detail: str


def section(lines: Sequence[AuditLine]) -> Section:
    """Return every check with its result."""
    rows = ((line.check, Cell(line.result, _TONES[line.result]), line.detail) for line in lines)
    return table_section("audit", "Audit", ("Check", "result", "detail"), rows, left=(0, 1, 2))


def findings(lines: Sequence[AuditLine]) -> Iterator[Sentence]:
    """Say what needs attention and what could not be checked."""
    for line in lines:
        if line.result == ATTENTION:
            yield Sentence(f"{line.check}: {line.detail}.", Tone.BAD)
    unknown = tuple(line.check for line in lines if line.result == UNKNOWN)
    if unknown:
        yield Sentence(f"Could not be checked: {words.listed(unknown)}.")
    if lines and all(line.result == OK for line in lines):
        yield Sentence("Every check of the audit is in order.")
