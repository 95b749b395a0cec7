"""How often was a condition right? Every session counts, whether anything was traded or not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mtum.core.market.bars import Column
from mtum.core.portfolio.returns import wilson
from mtum.core.reporting import words
from mtum.core.strategies.contract import Role

HORIZONS = (1, 5, 20)


@dataclass(frozen=True, slots=True)
class Accuracy:
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
        low_frac=None if low is None else round(low, 6),
        high_frac=None if high is None else round(high, 6),
        base_frac=_mean(hits),
        mean_frac=_mean(later[known]),
        base_mean_frac=_mean(later),
    )


def _mean(values: NDArray[np.float64] | NDArray[np.bool_]) -> float | None:
    return round(float(values.mean()), 6) if len(values) else None
