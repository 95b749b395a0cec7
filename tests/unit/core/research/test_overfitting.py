"""Deflated Sharpe ratio and probability of overfitting."""

from math import sqrt
from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray

from mtum.core.research.overfitting import (
    block_sessions,
    deflated_sharpe,
    expected_best_sharpe,
    judge_tries,
    luck_of,
    overfitting_probability,
)


def test_expected_best_of_one_try_is_nothing() -> None:
    assert expected_best_sharpe(0.5, 1) == 0.0


@pytest.mark.parametrize(("tries", "expected"), [(10, 1.5388), (100, 2.5076), (1000, 3.2414)])
def test_expected_best_is_close_to_the_mean_maximum_of_normals(tries: int, expected: float) -> None:
    """Exact means of the largest of n standard normals (Harter 1961)."""
    assert expected_best_sharpe(1.0, tries) == pytest.approx(expected, rel=0.025)


def test_published_example() -> None:
    """Yearly ratio 2.5 over 1250 sessions, 100 tries of variance 1/2, skew -3, kurtosis 10.

    Bailey & Lopez de Prado (2014), "A numerical example": hurdle 0.1132 a session, probability 0.9004.
    """
    spread = sqrt(0.5 / 250)
    assert expected_best_sharpe(spread, 100) == pytest.approx(0.1132, abs=1e-4)
    assert deflated_sharpe(2.5 / sqrt(250), 1250, -3.0, 10.0, spread, 100) == pytest.approx(0.9004, abs=1e-4)


def test_one_try_with_normal_returns_is_the_plain_probability() -> None:
    expected = NormalDist().cdf(0.1 * sqrt(99) / sqrt(1 + 0.5 * 0.01))
    assert deflated_sharpe(0.1, 100, 0.0, 3.0, 0.2, 1) == pytest.approx(expected)


def blocks(moves: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> tuple[object, ...]:
    parts = moves.reshape(len(moves), 10, -1)
    return parts.sum(axis=2), (parts**2).sum(axis=2), np.full(10, float(parts.shape[2]))


def test_a_combination_better_in_every_block_is_no_overfitting() -> None:
    moves = np.random.default_rng(1).normal(0.0, 0.01, (20, 1000))
    moves[7] += 0.02
    assert overfitting_probability(*blocks(moves)) == 0.0  # type: ignore[arg-type]  # shapes are not typed


def test_worthless_combinations_are_overfitted_about_half_of_the_time() -> None:
    found = [
        overfitting_probability(*blocks(np.random.default_rng(seed).normal(0.0, 0.01, (40, 1000))))  # type: ignore[arg-type]  # as above
        for seed in range(12)
    ]
    assert np.mean([number for number in found if number is not None]) == pytest.approx(0.5, abs=0.12)


def test_one_combination_has_nothing_to_be_chosen_from() -> None:
    assert overfitting_probability(np.ones((1, 10)), np.ones((1, 10)), np.ones(10)) is None


def test_the_best_of_many_tries_is_judged_by_their_returns() -> None:
    moves = np.random.default_rng(1).normal(0.0, 0.01, (20, 1000))
    moves[7] += 0.02
    found = judge_tries(moves)
    assert (found.best, found.overfitting_probability) == (7, 0.0)
    assert found.deflated_sharpe_probability == pytest.approx(1.0)
    worthless = judge_tries(np.random.default_rng(2).normal(0.0, 0.01, (20, 1000)))
    assert worthless.deflated_sharpe_probability is not None
    assert worthless.deflated_sharpe_probability < 0.9


def test_tries_that_never_trade_and_short_histories_are_no_error() -> None:
    still = judge_tries(np.zeros((3, 40)))
    assert (still.best, still.deflated_sharpe_probability) == (0, None)
    assert judge_tries(np.random.default_rng(1).normal(0.0, 0.01, (3, 9))).overfitting_probability is None


def alternating(sessions: int) -> NDArray[np.float64]:
    """Returns of 2 % and -1 %: mean 0.5 %, no skew, kurtosis 1, so that the Sharpe ratio alone counts."""
    return np.tile([0.02, -0.01], sessions // 2)


def test_luck_of_one_result_by_hand() -> None:
    """Sample deviation 1.5 % x sqrt(100 / 99): Sharpe 0.331662 a session; variance 1 + (1 - 1) / 4 x Sharpe^2 = 1."""
    found = luck_of(alternating(100), np.zeros(100))
    sharpe = 0.005 / (0.015 * sqrt(100 / 99))
    normal = NormalDist()
    assert found.above_zero_probability == pytest.approx(normal.cdf(sharpe * sqrt(99)))
    assert found.ahead_probability == pytest.approx(found.above_zero_probability)
    assert found.sessions_needed == 26  # 1 + (1.644854 / 0.331662)^2 = 25.6
    assert [one.tries for one in found.best_of] == [10, 100, 1000]
    hurdle = expected_best_sharpe(1 / sqrt(99), 10)
    assert found.best_of[0].probability == pytest.approx(normal.cdf((sharpe - hurdle) * sqrt(99)))


def test_a_result_no_better_than_its_benchmark_is_ahead_by_chance_alone() -> None:
    found = luck_of(alternating(100), alternating(100))
    assert found.ahead_probability == pytest.approx(0.5)


def test_what_loses_or_never_moves_needs_no_more_sessions() -> None:
    lost = luck_of(-alternating(100), np.zeros(100))
    assert lost.sessions_needed is None
    assert lost.above_zero_probability is not None
    assert lost.above_zero_probability < 0.001
    still = luck_of(np.zeros(50), alternating(50))
    assert (still.above_zero_probability, still.sessions_needed, still.best_of) == (None, None, ())


def test_fewer_sessions_than_blocks_tell_no_probability() -> None:
    sizes = block_sessions(3)
    assert (sizes.sum(), (sizes == 0).any()) == (3, True)
    sums = np.full((2, len(sizes)), 0.01)
    assert overfitting_probability(sums, sums**2, sizes) is None
