"""Accuracy: how often was a condition right? Every session counts, whether anything was traded or not."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from mtum.core.market.bars import Column
from mtum.core.portfolio.returns import wilson
from mtum.core.reporting import figures, words
from mtum.core.reporting.layout import Section, Sentence, Tone, signed, table_of
from mtum.core.reporting.stated import rounded
from mtum.core.strategies.description import Role

HORIZONS = (1, 5, 20)


class Accuracy(Struct, frozen=True):
    """A condition over one horizon.

    Parameters
    ----------
    sessions, held : int
        Sessions with a known outcome, and those of them in which the condition held.
    right : int
        Of the sessions in which it held, those after which the close was higher (entry) or lower (exit).
    right_frac, low_frac, high_frac : float or None
        `right` over `held` with its 95 % Wilson interval; None if it never held.
    base_frac : float or None
        The same outcome over all sessions.
    mean_frac, base_mean_frac : float or None
        Mean return over the horizon when it held, and over all sessions.
    """

    condition: str
    role: str
    horizon_sessions: int
    sessions: int
    held: int
    right: int
    right_frac: float | None
    low_frac: float | None
    high_frac: float | None
    base_frac: float | None
    mean_frac: float | None
    base_mean_frac: float | None
    symbol: str = ""


def accuracies(
    close: Column, held: Mapping[str, Sequence[bool]], horizons: Sequence[int] = HORIZONS, *, symbol: str = ""
) -> tuple[Accuracy, ...]:
    """Return the accuracy of each condition at each horizon.

    Parameters
    ----------
    close : ndarray of float64, shape (n,)
        Official closes of consecutive sessions, oldest first.
    held : mapping of condition name to n flags
        Whether the condition held in each of these sessions.
    horizons : sequence of int
        After how many sessions it is judged.
    symbol : str
        Whose; written into every line.
    """
    return tuple(
        replace(_accuracy(name, close, np.asarray(flags, dtype=bool), horizon), symbol=symbol)
        for name, flags in held.items()
        for horizon in horizons
    )


def _accuracy(name: str, close: Column, flags: NDArray[np.bool_], horizon: int) -> Accuracy:
    count = max(0, len(close) - horizon)
    later = close[horizon:] / close[:count] - 1.0 if count else np.empty(0)
    known = flags[:count]
    role = words.condition(name).role
    hits = later > 0 if role is Role.ENTRY else later < 0
    right, times = int((hits & known).sum()), int(known.sum())
    low, high = wilson(right, times)
    return Accuracy(
        condition=name,
        role=role.value,
        horizon_sessions=horizon,
        sessions=count,
        held=times,
        right=right,
        right_frac=_mean(hits[known]),
        low_frac=rounded(low),
        high_frac=rounded(high),
        base_frac=_mean(hits),
        mean_frac=_mean(later[known]),
        base_mean_frac=_mean(later),
    )


def _mean(values: NDArray[np.float64] | NDArray[np.bool_]) -> float | None:
    return round(float(values.mean()), 6) if len(values) else None


def section(accuracy: Sequence[Accuracy]) -> Section:
    """Return how often each condition held and was right, against the base rate, at each horizon."""
    if not accuracy:
        return Section("accuracy", "Signal accuracy")
    tables = []
    for horizon in sorted({line.horizon_sessions for line in accuracy}):
        lines = [line for line in accuracy if line.horizon_sessions == horizon]
        symbols = [line.symbol for line in lines]
        rows = (
            (
                words.whose(line.symbol, symbols) + words.condition(line.condition).words,
                *(f"{line.held}/{line.sessions}", figures.whole(line.right_frac)),
                "-" if line.low_frac is None else f"{figures.whole(line.low_frac)}-{figures.whole(line.high_frac)}",
                *(figures.whole(line.base_frac), signed(figures.percent(line.mean_frac))),
            )
            for line in lines
        )
        head = (f"After {words.count(horizon, 'session')}", "held", "right", "interval", "base", "mean")
        tables.append(table_of(head, rows))
    note = (
        "On final bars, all sessions since the start. Right: the close was higher (entry) or lower (exit) "
        "after the horizon; base: the same over all sessions. Outcomes after 5 and 20 sessions overlap: "
        "their intervals are narrower than what is known."
    )
    return Section("accuracy", "Signal accuracy", (*tables, Sentence(note, Tone.QUIET)))


def findings(accuracy: Sequence[Accuracy]) -> Iterator[Sentence]:
    """Say which conditions were right more or less often than the base rate, beyond chance."""
    # Over longer horizons the outcomes overlap, and their intervals claim more than is known.
    lines = [line for line in accuracy if line.horizon_sessions == 1]
    if not lines:
        return
    told = [line for line in lines if _beyond_chance(line)]
    if not told:
        yield Sentence("Over one session no condition was right more or less often than the base rate, beyond chance.")
        return
    symbols = [line.symbol for line in lines]
    named = tuple(
        f"{words.whose(line.symbol, symbols)}{words.condition(line.condition).words} ({figures.whole(line.right_frac)} "
        f"right after {words.count(line.horizon_sessions, 'session')}, base {figures.whole(line.base_frac)})"
        for line in told
    )
    tried = sum(1 for line in lines if line.right_frac is not None)
    yield Sentence(f"Beyond chance: {words.listed(named)}. Of {tried} rates, one in twenty is so by chance.")


def _beyond_chance(line: Accuracy) -> bool:
    if line.low_frac is None or line.high_frac is None or line.base_frac is None:
        return False
    return not line.low_frac <= line.base_frac <= line.high_frac
