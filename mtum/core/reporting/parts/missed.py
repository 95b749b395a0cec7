"""Missed signals: what the rules asked for and no full order came of, and what that cost."""

from collections.abc import Iterator, Sequence
from datetime import date

from msgspec import Struct

from mtum.core.reporting import figures, words
from mtum.core.reporting.layout import Section, Sentence, Tone, table_section


class MissedSignal(Struct, frozen=True):
    """A signal that was missed, wholly or in part, and what it cost until the next session's close.

    `cost_frac` is the return missed (entry) or suffered (exit), negative = luck; `cost_usd` the
    same for `shares`; None while the next close is unknown.
    """

    session: date
    signal: str
    cause: str
    shares: int
    close: float
    cost_frac: float | None
    cost_usd: float | None
    symbol: str = ""


def section(lines: Sequence[MissedSignal]) -> Section:
    """Return every signal that was missed."""
    if not lines:
        return Section("missed", "Missed signals", (Sentence("None."),))
    symbols = [line.symbol for line in lines]
    rows = (
        (
            *(figures.day(line.session, year=False), words.whose(line.symbol, symbols) + line.signal, line.cause),
            *(figures.percent(line.cost_frac), figures.number(line.cost_usd, sign=True)),
        )
        for line in lines
    )
    note = "Cost until the next session's close: gain missed or loss suffered; negative was luck."
    head = ("Session", "signal", "cause", "cost", "USD")
    return table_section("missed", "Missed signals", head, rows, note, left=(0, 1, 2))


def findings(lines: Sequence[MissedSignal]) -> Iterator[Sentence]:
    """Say how many signals were missed, and what that cost."""
    if lines:
        cost = sum(line.cost_usd or 0.0 for line in lines)
        word = "cost" if cost >= 0 else "by luck saved"
        until = f"that {word} {figures.number(abs(cost))} USD until the next close"
        verb = "was" if len(lines) == 1 else "were"
        yield Sentence(f"{words.count(len(lines), 'signal')} {verb} missed; {until}.", Tone.BAD)
