"""Accuracy of conditions against a slow count and known values."""

import numpy as np
import pytest

from mtum.core.reporting.parts.accuracy import accuracies


def test_accuracy_by_hand() -> None:
    # Next session: up, down, up. It held in the first two sessions with an outcome: right once of two.
    close = np.array([100.0, 110.0, 99.0, 108.9])
    (line,) = accuracies(close, {"rsi_high": [True, True, False, True]}, [1])
    assert (line.sessions, line.held, line.right) == (3, 2, 1)
    assert line.right_frac == 0.5
    assert line.base_frac == pytest.approx(2 / 3, abs=1e-6)
    assert line.mean_frac == pytest.approx((0.10 - 0.10) / 2, abs=1e-6)


def test_an_exit_condition_is_right_when_the_close_falls() -> None:
    close = np.array([100.0, 90.0, 95.0])
    (line,) = accuracies(close, {"vix_fear": [True, False, False]}, [1])
    assert (line.right, line.base_frac) == (1, 0.5)


def test_a_condition_that_never_held_has_no_accuracy() -> None:
    (line,) = accuracies(np.array([1.0, 2.0]), {"vix_fear": [False, False]}, [1])
    assert line.right_frac is None
    assert line.low_frac is None


def test_horizon_beyond_the_history_knows_nothing() -> None:
    (line,) = accuracies(np.array([1.0, 2.0]), {"rsi_high": [True, True]}, [20])
    assert (line.sessions, line.held, line.base_frac) == (0, 0, None)
