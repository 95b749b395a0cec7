"""Timings: the steps of the session's jobs, and how near they came to their deadlines."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from msgspec import Struct

from mtum.core.reporting import figures, words
from mtum.core.reporting.layout import Section, Sentence, Tone, table_section

SHOWN_STEPS = frozenset({"started", "connected", "decided", "sent", "acknowledged", "fills", "ended"})
"""Steps a person looks at; the document has all of them."""


class TimingLine(Struct, frozen=True):
    """A recorded step of a job; `to_close_minutes` is positive before the close."""

    job: str
    slot: str
    step: str
    at: datetime
    to_close_minutes: float | None
    outcome: str | None = None


class Slack(Struct, frozen=True):
    """Minutes between a step and its deadline over the period."""

    step: str
    sessions: int
    least_minutes: float
    least_session: date
    median_minutes: float


def section(lines: Sequence[TimingLine]) -> Section:
    """Return the steps of the session's jobs and how long before the close they came."""
    rows = (
        (
            f"{line.job} {line.slot}".rstrip(),
            line.step + (f" ({words.OUTCOMES.get(line.outcome, line.outcome)})" if line.outcome else ""),
            figures.clock(line.at).split(" ")[0],
            figures.number(line.to_close_minutes, 1),
        )
        for line in lines
        if line.step in SHOWN_STEPS
    )
    return table_section("timings", "Run", ("Job", "step", "New York", "min to close"), rows, left=(0, 1))


def deadlines(lines: Sequence[Slack]) -> Section:
    """Return how near the steps of a period came to their deadlines."""
    rows = (
        (
            *(line.step, str(line.sessions), figures.number(line.least_minutes, 1)),
            *(figures.day(line.least_session, year=False), figures.number(line.median_minutes, 1)),
        )
        for line in lines
    )
    head = ("Minutes to the deadline", "sessions", "least", "on", "median")
    return table_section("slack", "Deadlines", head, rows)


def findings(lines: Sequence[Slack]) -> Iterator[Sentence]:
    """Say which deadline was missed, or how near the nearest was."""
    for line in lines:
        if line.least_minutes < 0:
            late = figures.number(-line.least_minutes, 1)
            when = figures.day(line.least_session)
            yield Sentence(f"{line.step} came {late} minutes after its deadline on {when}.", Tone.BAD)
    least = min((line.least_minutes for line in lines), default=-1.0)
    if least >= 0:
        yield Sentence(f"No deadline was missed; the nearest was {figures.number(least, 1)} minutes away.")
