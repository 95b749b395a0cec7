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


def test_what_the_parts_add_is_what_the_whole_gains() -> None:
    """Over every history: sessions are drawn for all of them together."""
    calm, wild = np.random.default_rng(2).normal(0.0005, [[0.004], [0.012]], (2, 300))
    found = bootstrap(calm + wild, paths=400, seed=9, parts={"calm": calm, "wild": wild})
    one = bootstrap(calm + wild, paths=400, seed=9, parts={"both": calm + wild})
    assert [part.name for part in found.parts] == ["calm", "wild"]
    assert one.parts[0].loss_probability == one.loss_probability
    years = 300 / 252
    assert (1 + one.parts[0].gain_frac.middle) ** (1 / years) - 1 == pytest.approx(one.cagr_frac.middle, abs=1e-4)
    narrow, wide = (part.gain_frac.high - part.gain_frac.low for part in found.parts)
    assert wide > 2 * narrow


def test_parts_of_constant_returns_by_hand() -> None:
    """Two sessions of 1 % and 2 %: the second is earned on 1.03 of the capital."""
    found = bootstrap(np.full(2, 0.03), paths=10, parts={"a": np.full(2, 0.01), "b": np.full(2, 0.02)})
    assert [part.gain_frac.middle for part in found.parts] == pytest.approx([0.01 * 2.03, 0.02 * 2.03])
