"""How did the money do? Changes, returns and falls of an equity curve with deposits taken out.

Every return, growth and drawdown that a report, a limit, a backtest or an export tells comes from here.
"""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from math import sqrt

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

type Column = NDArray[np.float64]

NEGLIGIBLE = 1e-9
"""Returns, spreads and falls below this are what float arithmetic leaves behind, not the market."""
Z_95 = 1.959963984540054


class Curve(Struct, frozen=True, eq=False):
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


def curve(days: Sequence[date], equity: Sequence[float] | Column, flows: Sequence[float] | Column) -> Curve:
    """Return a curve from plain sequences of equal length.

    Parameters
    ----------
    days : sequence of date
        Sessions, oldest first.
    equity : sequence of float or ndarray of float64
        Equity at each close, USD, shape (n_sessions,).
    flows : sequence of float or ndarray of float64
        Money put in, negative for money taken out, USD, shape (n_sessions,).
    """
    return Curve(tuple(days), np.asarray(equity, dtype=np.float64), np.asarray(flows, dtype=np.float64))


def from_capital(equity: Column, capital_usd: float) -> Curve:
    """Return the curve of a history that was given its capital once, before the first session."""
    flows = np.zeros(len(equity))
    flows[:1] = capital_usd
    return Curve((date.min,) * len(equity), equity, flows)


def together(curves: Sequence[Curve]) -> Curve:
    """Return several curves as one, at every close that one of them has; one without a close counts with its last.

    Sums are rounded to millionths of a dollar, so that equal closes are exactly equal.
    """
    # Most sleeves of an account have the same closes.
    ordinals = {days: np.array([day.toordinal() for day in days], np.int64) for days in {one.days for one in curves}}
    days = np.unique(np.concatenate([*ordinals.values()] or [np.empty(0, np.int64)]))
    equity, flows = np.zeros(len(days)), np.zeros(len(days))
    for one in curves:
        own = ordinals[one.days]
        last = np.searchsorted(own, days, side="right") - 1
        equity += np.where(last >= 0, one.equity[last], 0.0) if len(one) else 0.0
        flows[np.searchsorted(days, own)] += one.flows
    return curve([date.fromordinal(day) for day in days.tolist()], equity.round(6), flows.round(6))


def changes(given: Curve) -> Column:
    """Return each session's profit or loss in USD; a deposit is none."""
    found: Column = given.equity - _before(given) - given.flows
    return found


def returns(given: Curve) -> Column:
    """Return each session's simple return; money moves at the close, where it is first used.

    A session's profit is set against the equity at the close before, as the deposits and
    withdrawals of the session had no part in it. Two sessions are set against the money moved as
    well: the first one, which has nothing before it, and one that lost more than was there before.
    """
    gained, before = changes(given), _before(given)
    base = np.where((before > 0) & (gained > -before), before, before + given.flows)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Column = np.where(base > 0, gained / base, 0.0)
    return np.where(np.isnan(given.equity), np.nan, found)


def growth(given: Curve) -> Column:
    """Return what one dollar became at each session's close, deposits taken out.

    Between two flows it is proportional to equity, so that equal closes are exactly equal.
    """
    equity, grown, before = given.equity, np.ones(len(given)), 1.0
    moves = returns(given)
    starts = sorted({0, *np.flatnonzero(given.flows).tolist()} if len(given) else ())
    for start, stop in pairwise([*starts, len(given)]):
        before *= 1.0 + float(moves[start])
        with np.errstate(invalid="ignore", divide="ignore"):
            part = before * (equity[start:stop] / equity[start])
        grown[start:stop] = part if equity[start] > 0 else before
        before = float(grown[stop - 1])
    return grown


def drawdown(given: Curve) -> Column:
    """Fall from the running peak of `growth`, the start included, as fractions in (-1, 0].

    Examples
    --------
    >>> drawdown(from_capital(np.array([100.0, 120.0, 90.0]), 100.0)).tolist()
    [0.0, 0.0, -0.25]
    """
    return below_peak(growth(given))


def below_peak(grown: NDArray[np.floating]) -> Column:
    """Return the fall of each history from its running peak, the 1.0 it began with included; time is the last axis."""
    fallen: Column = grown / np.maximum(1.0, np.maximum.accumulate(grown, axis=-1)) - 1.0
    return fallen


def since(given: Curve, first: date) -> tuple[float, float]:
    """Return the change in USD and the chained return of the sessions on or after a date."""
    inside = np.array([session >= first for session in given.days], dtype=bool)
    usd = float(changes(given)[inside].sum())
    return usd, float(np.prod(1.0 + returns(given)[inside]) - 1.0)


def rounded(column: Column, digits: int) -> list[float]:
    """Return each number of a column as `round` gives it, which takes half a microsecond for each alone.

    Parameters
    ----------
    column : ndarray of float64, shape (n,)
        Numbers; NaN and infinite ones stay what they are.
    digits : int
        Places behind the point, 0 to 15.

    Examples
    --------
    >>> rounded(np.array([0.125, 0.375, 2.675]), 2)
    [0.12, 0.38, 2.67]
    """
    power = 10.0**digits
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = column * power
        whole = np.rint(scaled)
        # Near a half, or with few bits left for the fraction, the product does not tell what is nearer.
        clear = (np.abs(scaled) < 2.0**40) & (np.abs(scaled - whole) < 0.499)
    found: list[float] = (whole / power).tolist()
    for at in np.flatnonzero(~clear).tolist():
        found[at] = round(float(column[at]), digits)
    return found


def ratio(mean: float, spread: float) -> float | None:
    """Return mean over spread, None where there is no spread to speak of.

    Examples
    --------
    >>> ratio(0.01, 0.02), ratio(0.01, 1e-17)
    (0.5, None)
    """
    return mean / spread if spread > NEGLIGIBLE else None


def wilson(successes: int, trials: int) -> tuple[float, float] | tuple[None, None]:
    """Return the 95 % interval of a rate, which holds for few trials; (None, None) without one.

    References
    ----------
    Wilson (1927), "Probable Inference", JASA 22(158).

    Examples
    --------
    >>> low, high = wilson(5, 10)
    >>> round(low, 4), round(high, 4)
    (0.2366, 0.7634)
    """
    if not trials:
        return None, None
    rate, z2 = successes / trials, Z_95**2
    middle = (rate + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z_95 / (1 + z2 / trials) * sqrt(rate * (1 - rate) / trials + z2 / (4 * trials**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def _before(given: Curve) -> Column:
    return np.concatenate((np.zeros(1), given.equity))[:-1]
