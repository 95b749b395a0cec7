"""Live figures beside the approved backtest's."""

import math

import pytest

from mtum.core.reporting.parts.expectation import Lived, expectations
from mtum.core.reporting.stated import UNKNOWN, final

METRICS: dict[str, float | None] = {
    "total_return_frac": 0.5,
    "volatility_frac": 0.16,
    "max_drawdown_frac": -0.3,
    "exposure_frac": 0.4,
    "win_rate_frac": 0.36,
}
LIVED = Lived(sessions=63, held=21, closed=9, won=2, return_frac=final(0.01), worst_drawdown_frac=final(-0.05))


def test_return_is_scaled_to_the_sessions_lived() -> None:
    line = expectations(LIVED, 252, METRICS)[0]
    # A quarter of the backtest's sessions: 1.5 ** 0.25; the spread of a year, 0.16, times the root of a quarter.
    assert line.expected_frac == pytest.approx(1.5**0.25 - 1, abs=1e-6)
    assert line.low_frac == pytest.approx(1.5**0.25 * math.exp(-1.959964 * 0.08) - 1, abs=1e-6)
    assert line.high_frac == pytest.approx(1.5**0.25 * math.exp(1.959964 * 0.08) - 1, abs=1e-6)
    assert (line.live_frac.amount, line.outside) == (0.01, False)


def test_a_return_beyond_the_range_is_outside() -> None:
    lived = Lived(63, 21, 0, 0, final(-0.2), final(-0.25))
    assert [line.figure for line in expectations(lived, 252, METRICS) if line.outside] == ["return"]


def test_trades_won_have_the_binomial_range() -> None:
    line = next(line for line in expectations(LIVED, 252, METRICS) if line.figure == "trades won")
    # sqrt(0.36 * 0.64 / 9) = 0.16
    assert line.live_frac.amount == pytest.approx(2 / 9, abs=1e-6)
    assert line.expected_frac == 0.36
    assert line.low_frac == pytest.approx(0.36 - 1.959964 * 0.16, abs=1e-6)
    assert line.high_frac == pytest.approx(0.36 + 1.959964 * 0.16, abs=1e-6)


def test_nothing_lived_is_nothing_to_compare() -> None:
    assert expectations(Lived(0, 0, 0, 0, UNKNOWN, UNKNOWN), 252, METRICS) == ()


def test_figures_that_the_backtest_lacks_are_left_out() -> None:
    bare = dict.fromkeys(METRICS) | {"exposure_frac": 0.4}
    assert [line.figure for line in expectations(LIVED, 252, bare)] == ["sessions held"]


def test_an_unknown_return_is_never_outside() -> None:
    lived = Lived(63, 21, 0, 0, UNKNOWN, UNKNOWN)
    assert not any(line.outside for line in expectations(lived, 252, METRICS))
