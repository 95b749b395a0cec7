"""Our figures beside those that empyrical-reloaded and quantstats gave for the same curves (tests/golden/metrics).

Where they agree they are equal; where ours differ, as the tear sheet says, the test shows in what.
"""

import json
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtum.core.portfolio.returns import from_capital, returns
from mtum.core.research.metrics import SESSIONS_PER_YEAR, CurveMetrics, curve_metrics
from mtum.core.research.periods import Shape, months, rolling, shape, worst_periods, years

GIVEN: dict[str, Any] = json.loads((Path(__file__).parents[3] / "golden" / "metrics" / "peers.json").read_text())
EMPYRICAL, QUANTSTATS = GIVEN["of_empyrical"], GIVEN["of_quantstats"]
DAYS = np.array(GIVEN["days"], dtype="datetime64[D]")
EQUITY, HELD = np.array(GIVEN["equity_usd"]), np.array(GIVEN["benchmark_usd"])
CAPITAL: float = GIVEN["capital_usd"]
SAME = ("total_return_frac", "cagr_frac", "volatility_frac", "sharpe", "sortino", "calmar")


@pytest.fixture
def curve() -> CurveMetrics:
    return curve_metrics(EQUITY, DAYS, CAPITAL)


@pytest.fixture
def spread() -> Shape:
    return shape(DAYS, EQUITY, HELD, CAPITAL)


def test_return_risk_and_ratios_are_those_of_both(curve: CurveMetrics) -> None:
    for peer in (EMPYRICAL, QUANTSTATS):
        assert [getattr(curve, name) for name in SAME] == pytest.approx([peer[name] for name in SAME], rel=1e-9)
        assert curve.max_drawdown.frac == pytest.approx(peer["max_drawdown_frac"], rel=1e-9)


def test_var_and_cvar_are_those_of_empyrical_as_quantstats_takes_a_normal_distribution(curve: CurveMetrics) -> None:
    ours = (curve.var_95_frac, curve.cvar_95_frac)
    assert ours == pytest.approx((EMPYRICAL["var_95_frac"], EMPYRICAL["cvar_95_frac"]), rel=1e-9)
    assert curve.cvar_95_frac == pytest.approx(QUANTSTATS["cvar_95_historical_frac"], rel=1e-9)
    # 1.6449 deviations below the mean.
    moves = returns(from_capital(EQUITY, CAPITAL))
    normal = float(np.mean(moves) - 1.6448536269514722 * np.std(moves, ddof=1))
    assert QUANTSTATS["var_95_frac"] == pytest.approx(normal, rel=1e-9)
    assert abs(normal - curve.var_95_frac) > 1e-4


def test_months_and_years_are_those_of_empyrical(spread: Shape) -> None:
    assert [*months(DAYS, EQUITY, CAPITAL).values()] == pytest.approx(EMPYRICAL["months"], abs=1e-12)
    rows = years(DAYS, (EQUITY, HELD), CAPITAL, np.zeros(len(DAYS)), np.zeros(len(DAYS)))
    assert [row.return_frac for row in rows] == pytest.approx(EMPYRICAL["years"], abs=1e-12)
    names = ("best_session_frac", "worst_session_frac", "best_month_frac", "worst_month_frac")
    assert [getattr(spread, name) for name in names] == pytest.approx([QUANTSTATS[name] for name in names], abs=1e-12)


def test_shape_and_beta_are_those_of_quantstats(spread: Shape) -> None:
    names = ("skew", "kurtosis", "alpha_frac", "beta", "correlation")
    assert [getattr(spread, name) for name in names] == pytest.approx([QUANTSTATS[name] for name in names], rel=1e-9)


def test_where_ours_differ_is_what_the_page_says(spread: Shape) -> None:
    n, year = len(EQUITY), SESSIONS_PER_YEAR
    # Alpha: ours 252 times that of a session, empyrical's compounded.
    assert spread.alpha_frac is not None
    assert (1 + spread.alpha_frac / year) ** year - 1 == pytest.approx(EMPYRICAL["alpha_frac"], rel=1e-9)
    # Information ratio: ours a year, theirs of a session.
    for peer in (EMPYRICAL, QUANTSTATS):
        assert spread.information_ratio == pytest.approx(peer["information_ratio"] * sqrt(year), rel=1e-9)
    # Ulcer index: quantstats divides by one session fewer.
    assert spread.ulcer_frac == pytest.approx(QUANTSTATS["ulcer_frac"] * sqrt((n - 1) / n), rel=1e-9)
    # Invested: ours by shares at the close; quantstats counts sessions with a return, up to a whole per cent.
    moving = np.count_nonzero(returns(from_capital(EQUITY, CAPITAL))) / n
    assert QUANTSTATS["exposure_frac"] == np.ceil(100 * moving) / 100


def test_worst_periods_are_those_of_quantstats_from_the_session_before() -> None:
    found = worst_periods(DAYS, EQUITY, HELD, CAPITAL)
    assert [one.fall.frac for one in found] == pytest.approx(QUANTSTATS["worst_frac"], rel=1e-9)
    assert [str(one.fall.trough) for one in found] == QUANTSTATS["worst_lowest"]
    peaks = np.array([one.fall.peak for one in found], dtype="datetime64[D]")
    assert DAYS[np.searchsorted(DAYS, peaks) + 1].astype(str).tolist() == QUANTSTATS["worst_first_below"]


def test_rolling_figures_are_those_of_quantstats() -> None:
    found = rolling(EQUITY, HELD, CAPITAL)
    for name in ("sharpe", "volatility_frac", "beta"):
        assert found[name][-1] == pytest.approx(QUANTSTATS[f"rolling_{name}"], rel=1e-9)
    assert found["return_frac"][-1] == pytest.approx(EQUITY[-1] / EQUITY[-1 - SESSIONS_PER_YEAR] - 1, rel=1e-12)
