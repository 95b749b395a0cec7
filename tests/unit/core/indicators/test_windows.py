"""Figures of windows that share their work are, to the last bit, those of each window by itself."""

import numpy as np
import pytest

from mtum.core.indicators.smoothing import highest, lowest, sums
from mtum.core.market.bars import Column

EVERY_LENGTH = (*range(1, 40), 50, 127, 128, 129, 130, 136, 200, 255, 256, 257, 300, 512)


@pytest.fixture(scope="module")
def wild() -> Column:
    """Values of very different size and either sign, so that another order of adding up shows."""
    chance = np.random.default_rng(7)
    found: Column = chance.normal(0.0, 1.0, 600) * 10.0 ** chance.integers(-6, 7, 600)
    return found


@pytest.mark.parametrize("sessions", EVERY_LENGTH)
def test_a_sum_is_what_numpy_adds_up_of_that_window_alone(wild: Column, sessions: int) -> None:
    alone = [wild[start : start + sessions].sum() for start in range(len(wild) - sessions + 1)]
    assert sums(wild, sessions).tobytes() == np.array(alone).tobytes()


@pytest.mark.parametrize("sessions", EVERY_LENGTH)
def test_an_extreme_is_that_of_its_window_alone_and_an_unknown_value_makes_it_unknown(
    wild: Column, sessions: int
) -> None:
    holed = np.where(np.arange(len(wild)) == 400, np.nan, wild)
    rows = [holed[start : start + sessions] for start in range(len(holed) - sessions + 1)]
    for found, alone in ((highest(holed, sessions), np.max), (lowest(holed, sessions), np.min)):
        assert np.isnan(found[: sessions - 1]).all()
        np.testing.assert_array_equal(found[sessions - 1 :], [alone(row) for row in rows])
        assert np.isnan(found[sessions - 1 :]).sum() == min(sessions, 200, 401, len(rows))


def test_a_window_longer_than_the_history_has_no_figure(wild: Column) -> None:
    assert len(sums(wild, 601)) == 0
    assert np.isnan(highest(wild, 601)).all()
