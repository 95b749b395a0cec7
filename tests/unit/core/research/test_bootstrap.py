"""Resampled histories: blocks kept together, figures in order, the same seed the same answer."""

import numpy as np
import pytest

from mtum.core.research.bootstrap import bootstrap, mean_block, stationary_indices


def test_sessions_follow_each_other_inside_a_block_and_wrap_at_the_end() -> None:
    picked = stationary_indices(50, 200, 10.0, seed=3)
    follows = (picked[:, 1:] - picked[:, :-1]) % 50 == 1
    assert picked.min() == 0
    assert picked.max() == 49
    # A new block starts with probability 1/10 and happens to follow on in one of 50 cases.
    assert follows.mean() == pytest.approx(0.9 + 0.1 / 50, abs=0.01)


def test_every_session_is_as_likely_as_any_other() -> None:
    counts = np.bincount(stationary_indices(20, 5000, 4.0, seed=5).ravel(), minlength=20)
    assert counts / counts.sum() == pytest.approx(np.full(20, 0.05), abs=0.003)


def test_constant_returns_have_no_spread() -> None:
    found = bootstrap(np.full(252, 0.001), paths=1000)
    assert found.cagr_frac.low == pytest.approx(1.001**252 - 1)
    assert found.cagr_frac.high == pytest.approx(1.001**252 - 1)
    assert found.max_drawdown_frac.low == 0.0
    assert found.loss_probability == 0.0


def test_percentiles_are_in_order_and_repeatable() -> None:
    moves = np.random.default_rng(1).normal(0.0, 0.01, 500)
    found, again = bootstrap(moves, moves + 0.001, seed=7), bootstrap(moves, moves + 0.001, seed=7)
    assert found == again
    assert found.cagr_frac.low < found.cagr_frac.middle < found.cagr_frac.high
    assert found.behind_probability == 1.0
    assert 0.2 < found.loss_probability < 0.95


def test_blocks_grow_with_the_cube_root_of_the_history() -> None:
    assert mean_block(1000) == pytest.approx(10.0)
    assert mean_block(27) == 5.0
