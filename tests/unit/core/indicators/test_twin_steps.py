"""The loops of the twins do the operations of the numpy forms in the same order: equal to the last bit, unrounded."""

import os
import subprocess
import sys

import numpy as np
import pytest

from mtum.core.compiled import machine
from mtum.core.indicators.smoothing import Smoothing, ema_of, mean_of, over_windows, rounded, sums
from mtum.core.indicators.twins.recursive import recursive
from mtum.core.indicators.twins.steps import mean_into, round_off, sum_into
from mtum.core.indicators.twins.terms import deviation_into, terms_into
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
    terms_into(wild, None, sessions, whole)
    weighted = over_windows(wild, sessions, lambda rows: (rows * weights).sum(axis=1))
    assert whole.tobytes() == weighted[sessions - 1 :].tobytes()
    mean_into(wild, sessions, found[1])
    deviation_into(wild, found[1], sessions, 0, found[0])
    deviations = over_windows(wild, sessions, lambda rows: rows.std(axis=1))
    np.testing.assert_array_equal(found[0], deviations)


@pytest.mark.parametrize("sessions", LENGTHS)
def test_recursive_means_are_the_numpy_forms_to_the_last_bit(wild: Column, sessions: int) -> None:
    late = np.where(np.arange(len(wild)) < 30, np.nan, wild)
    broken = np.where(np.arange(len(wild)) == len(wild) // 3, np.nan, wild)
    begun = np.where(np.arange(len(wild)) < len(wild) - 3, np.nan, wild)
    values = [wild, late, broken, wild[::-1], begun, late, wild, broken[::-1], late]
    for count in (1, 2, 7, 8, 9):
        exponential, wilders = np.empty((count, len(wild))), np.array(values[:count])
        recursive(tuple(values), sessions, False, exponential)
        recursive(wilders, sessions, True, wilders)
        for row, value in enumerate(values[:count]):
            np.testing.assert_array_equal(exponential[row], ema_of(value, sessions))
            np.testing.assert_array_equal(wilders[row], mean_of(value, sessions, Smoothing.WILDER))


def assert_rounds_as_numpy_does() -> None:
    chance = np.random.default_rng(11)
    kinds = [
        np.array([0.0, -0.0, 1e-7, -3e-7, 5e-324, 1.7e302, 1.8e302, -1.8e302, np.inf, -np.inf, np.nan]),
        chance.integers(-(2**62), 2**62, 200_000).view(np.float64),
        chance.normal(0.0, 1.0, 200_000) * 10.0 ** chance.integers(-12, 16, 200_000),
        chance.integers(-(2**53), 2**53, 200_000) / 1e6,
        (chance.integers(-(2**40), 2**40, 200_000) + 0.5) / 1e6,
    ]
    with np.errstate(all="ignore"):
        for values in kinds:
            found, wanted = values.copy(), rounded(values)
            machine(round_off)(found)
            np.testing.assert_array_equal(found, wanted)
            assert ((np.signbit(found) == np.signbit(wanted)) | np.isnan(wanted)).all()


def test_a_product_with_the_inverse_rounds_to_the_bit_to_which_numpy_divides() -> None:
    assert_rounds_as_numpy_does()


@pytest.mark.full
def test_a_processor_that_multiplies_and_adds_in_two_steps_divides() -> None:
    plain = {**os.environ, "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    code = f"import runpy; runpy.run_path({__file__!r})['assert_rounds_as_numpy_does']()"
    subprocess.run([sys.executable, "-c", code], env=plain, check=True, timeout=120)
