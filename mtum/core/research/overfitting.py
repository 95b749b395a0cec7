"""How likely the best of many tries is only the luckiest."""

from itertools import combinations
from math import ceil, e, sqrt
from statistics import NormalDist

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from mtum.core.portfolio.returns import NEGLIGIBLE, ratio
from mtum.core.research.metrics import moments
from mtum.core.simulation.kernel.columns import Column

EULER = 0.5772156649015329
BLOCKS = 10
"""Blocks of history whose returns are summed up per try, for the probability of overfitting."""
TRIES = (10, 100, 1000)
SURE = 0.95


class BestOf(Struct, frozen=True):
    """How sure the result beats luck, were it the best of so many tries."""

    tries: int
    probability: float


class Luck(Struct, frozen=True):
    """How far one result may be luck, by its Sharpe ratio; None where returns do not differ.

    Parameters
    ----------
    above_zero_probability, ahead_probability : float or None
        That the true Sharpe ratio is above 0, and above that of the benchmark's returns.
    sessions_needed : int or None
        Sessions with such returns after which it would be above 0 with 95 %; None if it is not above 0 at all.
    best_of : tuple of BestOf
        The first of these probabilities, were the result chosen from more tries.
    """

    above_zero_probability: float | None
    ahead_probability: float | None
    sessions_needed: int | None
    best_of: tuple[BestOf, ...]


class Tried(Struct, frozen=True):
    """What many tries on the same sessions say of the best of them: its row, and how likely it is only luck."""

    best: int
    deflated_sharpe_probability: float | None
    overfitting_probability: float | None


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
    sessions : int
        Sessions of the returns.
    skew, kurtosis : float
        Of the best one's session returns; 0 and 3 for a normal.
    tries : int
        How many combinations were tried.
    """
    hurdle = expected_best_sharpe(spread, tries)
    variance = max(1e-12, 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2)
    return NormalDist().cdf((sharpe - hurdle) * sqrt(sessions - 1) / sqrt(variance))


def luck_of(moves: Column, benchmark: Column) -> Luck:
    """Return how far session returns may be luck.

    Worthless tries are taken to have Sharpe ratios that differ as those of so many sessions do by chance.

    Parameters
    ----------
    moves, benchmark : ndarray, shape (n_sessions,)
        Session returns of the result and of what it is compared with.

    References
    ----------
    Bailey & Lopez de Prado (2012), "The Sharpe Ratio Efficient Frontier", Journal of Risk 15(2): probabilistic Sharpe
    ratio and minimum track record length.
    """
    own = sharpe_of(moves)
    if own is None:
        return Luck(None, None, None, ())
    n, (skew, kurtosis) = len(moves), moments(moves)
    variance = max(1e-12, 1.0 - skew * own + (kurtosis - 1.0) / 4.0 * own**2)
    normal, chance = NormalDist(), 1.0 / sqrt(n - 1)
    other = sharpe_of(benchmark) or 0.0
    needed = 1.0 + variance * (normal.inv_cdf(SURE) / own) ** 2 if own > 0 else None
    return Luck(
        above_zero_probability=deflated_sharpe(own, n, skew, kurtosis, chance, 1),
        ahead_probability=normal.cdf((own - other) * sqrt(n - 1) / sqrt(variance)),
        sessions_needed=None if needed is None else ceil(needed),
        best_of=tuple(BestOf(tries, deflated_sharpe(own, n, skew, kurtosis, chance, tries)) for tries in TRIES),
    )


def judge_tries(moves: NDArray[np.float64]) -> Tried:
    """Return the best of many tries by Sharpe ratio, and how likely it is only the luckiest.

    Parameters
    ----------
    moves : ndarray, shape (n_tries, n_sessions)
        Session returns of each try over the same sessions.
    """
    sharpes = [sharpe_of(row) for row in moves]
    # A try that never trades gains and loses nothing, which is 0.
    ranked = np.array([one or 0.0 for one in sharpes])
    best = int(np.argmax(ranked))
    sharpe, spread = sharpes[best], float(np.std(ranked, ddof=1)) if len(ranked) > 1 else 0.0
    n = moves.shape[1]
    overfitted = None
    if n >= BLOCKS:
        sizes = block_sessions(n)
        starts = (np.cumsum(sizes) - sizes).astype(np.int64)
        sums, squares = (np.add.reduceat(column, starts, axis=1) for column in (moves, moves**2))
        overfitted = overfitting_probability(sums, squares, sizes)
    return Tried(
        best=best,
        deflated_sharpe_probability=None
        if sharpe is None
        else deflated_sharpe(sharpe, n, *moments(moves[best]), spread, len(moves)),
        overfitting_probability=overfitted,
    )


def block_sessions(sessions: int) -> Column:
    """Sessions in each block of so many."""
    n = sessions
    found: Column = np.bincount(np.arange(n) * BLOCKS // n, minlength=BLOCKS).astype(np.float64)
    return found


def sharpe_of(moves: Column) -> float | None:
    """Sharpe ratio per session; None where returns do not differ."""
    return ratio(float(np.mean(moves)), float(np.std(moves, ddof=1))) if len(moves) > 1 else None


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
        Over all ways to take half of the blocks; None for fewer than two combinations, or fewer sessions than blocks.

    References
    ----------
    Bailey, Borwein, Lopez de Prado & Zhu (2017), "The Probability of Backtest Overfitting",
    Journal of Computational Finance 20(4).
    """
    if len(sums) < 2 or not block_sessions.all():
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
