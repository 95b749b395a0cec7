"""Partial bars: conditions that the final bar turned, and how well the volume was projected."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from mtum.core.reporting import figures, words
from mtum.core.reporting.layout import Block, Section, Sentence, table_of


class RegretLine(Struct, frozen=True):
    """A condition over the newest sessions with final bars: in how many of them the final bar turned it."""

    condition: str
    sessions: int
    turned: int


class Regret(Struct, frozen=True):
    """How often the final bars would have turned a condition, in the period and since the start."""

    condition: str
    sessions: int
    turned: int
    all_sessions: int
    all_turned: int


def turned_rows(turned: Sequence[str] | None, lately: Sequence[RegretLine]) -> Iterator[tuple[str, str, str]]:
    """Return what the final bar turned in this session, and in the newest ones."""
    if turned is not None:
        names = tuple(words.condition(name).words for name in turned)
        yield "Changed by the final bar", words.listed(names) or "nothing", ""
    if lately:
        count = max(line.sessions for line in lately)
        told = tuple(f"{words.condition(one.condition).words} in {one.turned}" for one in lately if one.turned)
        yield f"Changed, last {words.count(count, 'session')}", words.listed(told) or "nothing", ""


def section(lines: Sequence[Regret], error_frac: float | None, period: str, *, replayed: bool) -> Section:
    """Return how often final bars turned a condition that was decided on a partial one.

    Parameters
    ----------
    lines : sequence of Regret
        How often each condition turned.
    error_frac : float or None
        Mean error of the projected volume.
    period : str
        What the period is called.
    replayed : bool
        Whether the market was replayed.
    """
    if not lines:
        return Section("partial", "Partial bars")
    rows = (
        (
            words.condition(line.condition).words,
            f"{line.turned}/{line.sessions}",
            f"{line.all_turned}/{line.all_sessions}",
            figures.percent(line.all_turned / line.all_sessions if line.all_sessions else None, 1, sign=False),
        )
        for line in lines
    )
    blocks: list[Block] = [table_of(("Changed by the final bar", f"this {period}", "since start", "rate"), rows)]
    if error_frac is not None:
        error = figures.percent(error_frac, 1, sign=False)
        blocks.append(Sentence(f"Mean error of the projected volume: {error}."))
    if replayed:
        blocks.append(Sentence(figures.REPLAYED))
    return Section("partial", "Partial bars", tuple(blocks))
