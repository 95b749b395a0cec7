"""Another library agrees with the indicators that decide."""

import numpy as np
import pytest

from mtum.core.indicators import column_of
from mtum.core.indicators.second_opinion import second_opinion
from mtum.core.indicators.smoothing import Smoothing
from support.markets import made_up_bars


@pytest.mark.parametrize("smoothing", list(Smoothing))
@pytest.mark.parametrize("sessions", [2, 14, 50])
@pytest.mark.parametrize("indicator", ["rsi", "atr"])
def test_another_library_agrees(indicator: str, sessions: int, smoothing: Smoothing) -> None:
    bars, asked = made_up_bars(300, 7), {"sessions": sessions, "smoothing": smoothing}
    other = second_opinion(bars, indicator, asked)
    assert other is not None
    np.testing.assert_allclose(other, column_of(bars, indicator, asked), atol=2e-6)


@pytest.mark.parametrize("of", ["close", "volume"])
def test_another_library_agrees_on_a_mean(of: str) -> None:
    bars, asked = made_up_bars(300, 7), {"of": of, "sessions": 20}
    other = second_opinion(bars, "sma", asked)
    assert other is not None
    np.testing.assert_allclose(other, column_of(bars, "sma", asked), atol=2e-6)


def test_what_the_library_is_not_asked_for_has_no_second_opinion() -> None:
    assert second_opinion(made_up_bars(60, 7), "an indicator of our own", {"sessions": 14}) is None
