"""How likely the best of many tries is only the luckiest."""

from itertools import combinations
from math import e, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from mtum.core.portfolio.returns import NEGLIGIBLE
from mtum.core.simulation.kernel.columns import Column

EULER = 0.5772156649015329


def expected_best_sharpe(spread: float, tries: int) -> float:
    """Sharpe ratio that the best of so many worthless tries is expected to show.

    Parameters
    ----------
    spread : float
        Standard deviation of the tries' Sharpe ratios, per session.

    References
    ----------
    Bailey & Lopez de Prado (2014), "The Deflated Sharpe Ratio", Journal of Portfolio Management 40(5).
    """
    if tries < 2:
        return 0.0
    normal = NormalDist()
    return spread * ((1 - EULER) * normal.inv_cdf(1 - 1 / tries) + EULER * normal.inv_cdf(1 - 1 / (tries * e)))


def deflated_sharpe(sharpe: float, sessions: int, skew: float, kurtosis: float, spread: float, tries: int) -> float:
    """Probability that the true Sharpe ratio is above what the best of worthless tries would show.

    Parameters
    ----------
    sharpe, spread : float
        Best Sharpe ratio and standard deviation over all tries, per session (not yearly).
    skew, kurtosis : float
        Of the best one's session returns; 0 and 3 for a normal.
    """
    hurdle = expected_best_sharpe(spread, tries)
    variance = max(1e-12, 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2)
    return NormalDist().cdf((sharpe - hurdle) * sqrt(sessions - 1) / sqrt(variance))


def overfitting_probability(sums: Column, squares: Column, block_sessions: Column) -> float | None:
    """Probability that the best combination in one half of history is below the median in the other.

    Parameters
    ----------
    sums, squares : ndarray, shape (n_combinations, n_blocks)
        Sums of session returns and of their squares per block of history.
    block_sessions : ndarray, shape (n_blocks,)
        Sessions in each block.

    Returns
    -------
    float or None
        Over all ways to take half of the blocks; None for fewer than two combinations.

    References
    ----------
    Bailey, Borwein, Lopez de Prado & Zhu (2017), "The Probability of Backtest Overfitting",
    Journal of Computational Finance 20(4).
    """
    if len(sums) < 2:
        return None
    blocks = sums.shape[1]
    halves = list(combinations(range(blocks), blocks // 2))
    below = 0.0
    for half in halves:
        inside = np.isin(np.arange(blocks), half)
        fitted = _sharpe(sums, squares, block_sessions, inside)
        tested = _sharpe(sums, squares, block_sessions, ~inside)
        best = int(np.argmax(fitted))
        # Ties share their places, so that combinations that never trade do not count as beaten.
        rank = float(np.sum(tested < tested[best]) + 0.5 * (np.sum(tested == tested[best]) + 1)) / (len(tested) + 1)
        below += 1.0 if rank < 0.5 else 0.5 if rank == 0.5 else 0.0
    return below / len(halves)


def _sharpe(sums: Column, squares: Column, sessions: Column, chosen: NDArray[np.bool_]) -> Column:
    n = float(sessions[chosen].sum())
    mean = sums[:, chosen].sum(axis=1) / n
    spread = np.sqrt(np.maximum(0.0, squares[:, chosen].sum(axis=1) / n - mean**2))
    found: Column = np.divide(mean, spread, out=np.zeros_like(mean), where=spread > NEGLIGIBLE)
    return found
