"""The loops of the twins do the operations of the numpy forms in the same order: equal to the last bit, unrounded."""

import numpy as np
import pytest

from mtum.core.indicators.smoothing import Smoothing, ema_of, mean_of, over_windows, sums
from mtum.core.indicators.twins.recursive import (
    ema_into,
    ema_of_difference_into,
    ema_thrice_into,
    ema_twice_into,
    two_emas_into,
    two_wilders_into,
    wilder_beside_ema_into,
    wilder_into,
)
from mtum.core.indicators.twins.steps import deviation_into, mean_into, sum_into, weighted_into
from mtum.core.market.bars import Column

LENGTHS = (1, 2, 7, 8, 9, 16, 17, 24, 31, 128, 129, 200, 257)


@pytest.fixture(scope="module")
def wild() -> Column:
    """Values of very different size and either sign, so that another order of adding up shows."""
    chance = np.random.default_rng(7)
    found: Column = chance.normal(0.0, 1.0, 330) * 10.0 ** chance.integers(-6, 7, 330)
    return found


@pytest.mark.parametrize("sessions", LENGTHS)
def test_figures_of_windows_are_numpys_to_the_last_bit(wild: Column, sessions: int) -> None:
    found, whole = np.empty((2, len(wild))), np.empty(len(wild) - sessions + 1)
    sum_into(wild, sessions, whole)
    assert whole.tobytes() == sums(wild, sessions).tobytes()
    weights = np.arange(1.0, sessions + 1)
    weighted_into(wild, sessions, whole)
    weighted = over_windows(wild, sessions, lambda rows: (rows * weights).sum(axis=1))
    assert whole.tobytes() == weighted[sessions - 1 :].tobytes()
    mean_into(wild, sessions, found[1])
    deviation_into(wild, found[1], sessions, 0, found[0])
    deviations = over_windows(wild, sessions, lambda rows: rows.std(axis=1))
    np.testing.assert_array_equal(found[0], deviations)


@pytest.mark.parametrize("sessions", LENGTHS)
def test_recursive_means_are_the_numpy_forms_to_the_last_bit(wild: Column, sessions: int) -> None:
    late = np.where(np.arange(len(wild)) < 30, np.nan, wild)
    found, other, third = np.empty((3, len(wild)))
    broken = np.where(np.arange(len(wild)) == len(wild) // 3, np.nan, wild)
    for values, others in ((wild, late), (late, wild), (broken, wild)):
        once, wilders = ema_of(values, sessions), mean_of(values, sessions, Smoothing.WILDER)
        ema_into(values, sessions, found)
        np.testing.assert_array_equal(found, once)
        ema_twice_into(values, sessions, len(values), found, other)
        np.testing.assert_array_equal(found, once)
        np.testing.assert_array_equal(other, ema_of(once, sessions))
        ema_thrice_into(values, sessions, found, other, third)
        np.testing.assert_array_equal(found, once)
        np.testing.assert_array_equal(other, ema_of(once, sessions))
        np.testing.assert_array_equal(third, ema_of(ema_of(once, sessions), sessions))
        two_emas_into(values, 12, sessions, len(values), found, other)
        np.testing.assert_array_equal(found, ema_of(values, 12))
        np.testing.assert_array_equal(other, once)
        ema_of_difference_into(values, 12, sessions, 9, found, other)
        np.testing.assert_array_equal(found, ema_of(values, 12) - once)
        np.testing.assert_array_equal(other, ema_of(ema_of(values, 12) - once, 9))
        wilder_into(values, sessions, found)
        np.testing.assert_array_equal(found, wilders)
        wilder_beside_ema_into(values, sessions, found, others, 12, other)
        np.testing.assert_array_equal(found, wilders)
        np.testing.assert_array_equal(other, ema_of(others, 12))
        two_wilders_into(values, others, sessions, found, other)
        np.testing.assert_array_equal(found, wilders)
        np.testing.assert_array_equal(other, mean_of(others, sessions, Smoothing.WILDER))
