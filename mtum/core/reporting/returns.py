"""How did the sleeve do? Changes, returns and falls of an equity curve with deposits taken out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

type Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """An equity curve, oldest first.

    Parameters
    ----------
    days : tuple of date
        Sessions with a known equity.
    equity : ndarray of float64, shape (n,)
        USD at each official close; NaN = unknown.
    flows : ndarray of float64, shape (n,)
        Deposits less withdrawals since the previous point, the first capital included, in USD.
    """

    days: tuple[date, ...]
    equity: Column
    flows: Column

    def __len__(self) -> int:
        return len(self.days)


def curve(days: Sequence[date], equity: Sequence[float], flows: Sequence[float]) -> Curve:
    """Return a curve from plain sequences of equal length."""
    return Curve(tuple(days), np.asarray(equity, dtype=np.float64), np.asarray(flows, dtype=np.float64))


def changes(given: Curve) -> Column:
    """Return each session's profit or loss in USD; a deposit is none."""
    before = np.concatenate((np.zeros(1), given.equity[:-1]))
    return given.equity - before - given.flows


def returns(given: Curve) -> Column:
    """Return each session's simple return; a deposit counts as there from the session's start."""
    before = np.concatenate((np.zeros(1), given.equity[:-1])) + given.flows
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Column = np.where(before > 0, given.equity / before - 1.0, 0.0)
    return found


def growth(given: Curve) -> Column:
    """Return what one dollar became at each session's close, deposits taken out."""
    grown: Column = np.asarray(np.cumprod(1.0 + returns(given)), dtype=np.float64)
    return grown


def drawdown(given: Curve) -> Column:
    """Fall from the running peak of `growth`, the start included, as fractions in (-1, 0]."""
    grown = growth(given)
    peak = np.asarray(np.maximum.accumulate(np.concatenate((np.ones(1), grown)))[1:], dtype=np.float64)
    fallen: Column = grown / peak - 1.0
    return fallen


def since(given: Curve, first: date) -> tuple[float, float]:
    """Return the change in USD and the chained return of the sessions on or after a date."""
    inside = np.array([session >= first for session in given.days], dtype=bool)
    usd = float(changes(given)[inside].sum())
    return usd, float(np.prod(1.0 + returns(given)[inside]) - 1.0)
