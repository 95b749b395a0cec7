"""How much of a result is luck: resampled histories that keep runs of sessions together."""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from mtum.core.portfolio.returns import below_peak
from mtum.core.research.metrics import SESSIONS_PER_YEAR
from mtum.core.simulation.kernel.columns import Column

PATHS = 1000


class Spread(Struct, frozen=True):
    """5th, 50th and 95th percentile of a figure over resampled histories."""

    low: float
    middle: float
    high: float


class PartSpread(Struct, frozen=True):
    """What a sleeve added to the growth of the whole over resampled histories, as a fraction of the capital."""

    name: str
    gain_frac: Spread
    loss_probability: float


class BootstrapResult(Struct, frozen=True):
    """Yearly growth and max drawdown over resampled histories; against the benchmark where one is given."""

    paths: int
    mean_block_sessions: float
    cagr_frac: Spread
    max_drawdown_frac: Spread
    loss_probability: float
    excess_cagr_frac: Spread | None
    behind_probability: float | None
    parts: tuple[PartSpread, ...] = ()


def mean_block(sessions: int) -> float:
    """Mean length of a block for so many sessions: their cube root, at least 5.

    References
    ----------
    Politis & Romano (1994): blocks of the order of n^(1/3) are best for variances.
    """
    return max(5.0, float(np.cbrt(sessions)))


def stationary_indices(sessions: int, paths: int, block: float, seed: int) -> NDArray[np.int64]:
    """Positions of resampled sessions, shape (paths, sessions): blocks of geometric length, joined in a circle.

    Parameters
    ----------
    sessions : int
        How many sessions.
    paths : int
        How many resampled histories.
    block : float
        Mean length of a block, sessions.
    seed : int
        Seed of the draws.

    References
    ----------
    Politis & Romano (1994), "The Stationary Bootstrap", JASA 89(428).
    """
    draw = np.random.default_rng(seed)
    fresh = draw.random((paths, sessions)) < 1.0 / block
    fresh[:, 0] = True
    start = draw.integers(0, sessions, (paths, sessions))
    own = np.arange(sessions)
    began = np.maximum.accumulate(np.where(fresh, own, 0), axis=1)
    found: NDArray[np.int64] = (np.take_along_axis(start, began, axis=1) + own - began) % sessions
    return found


def bootstrap(
    moves: Column,
    benchmark: Column | None = None,
    paths: int = PATHS,
    seed: int = 1,
    parts: Mapping[str, Column] | None = None,
) -> BootstrapResult:
    """Resample session returns and measure each history.

    Parameters
    ----------
    moves, benchmark : ndarray, shape (n_sessions,)
        Session returns; all are resampled with the same sessions, so that what moved together stays together.
    paths : int
        How many resampled histories.
    seed : int
        Seed of the draws.
    parts : mapping of str to ndarray, shape (n_sessions,)
        What each sleeve adds to the session returns; together they are `moves`.
    """
    block = mean_block(len(moves))
    picked = stationary_indices(len(moves), paths, block, seed)
    growth = np.cumprod(1.0 + moves[picked], axis=1)
    years = len(moves) / SESSIONS_PER_YEAR
    cagr = np.power(growth[:, -1], 1.0 / years) - 1.0
    falls: Column = below_peak(growth).min(axis=1)
    excess: Column | None = None
    if benchmark is not None:
        excess = cagr - (np.prod(1.0 + benchmark[picked], axis=1) ** (1.0 / years) - 1.0)
    return BootstrapResult(
        paths=paths,
        mean_block_sessions=block,
        cagr_frac=_spread(cagr),
        max_drawdown_frac=_spread(falls),
        loss_probability=float(np.mean(cagr < 0)),
        excess_cagr_frac=None if excess is None else _spread(excess),
        behind_probability=None if excess is None else float(np.mean(excess < 0)),
        parts=tuple(_part(name, column[picked], growth) for name, column in (parts or {}).items()),
    )


def _part(name: str, added: NDArray[np.float64], growth: NDArray[np.floating]) -> PartSpread:
    # A session adds its part of the return to what the whole had become by then: the parts add up to its growth.
    gained: Column = added[:, 0] + np.einsum("ij,ij->i", added[:, 1:], growth[:, :-1])
    return PartSpread(name, _spread(gained), float(np.mean(gained < 0)))


def _spread(numbers: Column) -> Spread:
    low, middle, high = np.quantile(numbers, [0.05, 0.5, 0.95])
    return Spread(float(low), float(middle), float(high))
