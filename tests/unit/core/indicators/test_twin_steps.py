"""The loops of the twins do the operations of the numpy forms in the same order: equal to the last bit, unrounded."""

import numpy as np
import pytest

from mtum.core.indicators.smoothing import Smoothing, ema_of, mean_of, over_windows, sums
from mtum.core.indicators.twins.recursive import ema_into, ema_twice_into, two_emas_into, two_wilders_into, wilder_into
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
    found, other = np.empty((2, len(wild)))
    for values, others in ((wild, late), (late, wild)):
        ema_into(values, sessions, found)
        np.testing.assert_array_equal(found, ema_of(values, sessions))
        ema_twice_into(values, sessions, found, other)
        np.testing.assert_array_equal(found, ema_of(values, sessions))
        np.testing.assert_array_equal(other, ema_of(ema_of(values, sessions), sessions))
        two_emas_into(values, 12, sessions, found, other)
        np.testing.assert_array_equal(found, ema_of(values, 12))
        np.testing.assert_array_equal(other, ema_of(values, sessions))
        wilder_into(values, sessions, found)
        np.testing.assert_array_equal(found, mean_of(values, sessions, Smoothing.WILDER))
        two_wilders_into(values, others, sessions, found, other)
        np.testing.assert_array_equal(found, mean_of(values, sessions, Smoothing.WILDER))
        np.testing.assert_array_equal(other, mean_of(others, sessions, Smoothing.WILDER))
