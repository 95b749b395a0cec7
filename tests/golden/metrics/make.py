"""Writes what empyrical-reloaded and quantstats say of two made-up equity curves, to hold our figures against.

They need an environment of their own:

    uv run --no-project --with "empyrical-reloaded==0.7.1" --with "quantstats==0.0.86" tests/golden/metrics/make.py
"""

import json
import warnings
from importlib.metadata import version
from math import sin
from pathlib import Path
from typing import Any

import empyrical
import numpy as np
import pandas as pd
from quantstats import stats

CAPITAL_USD = 10_000.0
SESSIONS = 560
"""Two years and some days, of which the rules are out of the market now and then."""


def curves() -> "tuple[pd.Series[float], pd.Series[float]]":
    """Return equity of rules and of holding in whole cents, on weekdays."""
    days = pd.bdate_range("2019-03-04", periods=SESSIONS)
    market = [
        0.0004 + 0.009 * sin(1.7 * t) + 0.006 * sin(0.31 * t * t) - 0.02 * (t % 97 == 60) for t in range(SESSIONS)
    ]
    rules = [0.0 if t % 40 > 30 else 0.8 * move + 0.003 * sin(2.9 * t) for t, move in enumerate(market)]
    own, held = (pd.Series(CAPITAL_USD * np.cumprod(1 + np.array(line)), days).round(2) for line in (rules, market))
    return own, held


def of_empyrical(own: "pd.Series[float]", held: "pd.Series[float]") -> dict[str, Any]:
    alpha, beta = empyrical.alpha_beta(own, held)
    return {
        "total_return_frac": empyrical.cum_returns_final(own),
        "cagr_frac": empyrical.annual_return(own),
        "volatility_frac": empyrical.annual_volatility(own),
        "sharpe": empyrical.sharpe_ratio(own),
        "sortino": empyrical.sortino_ratio(own),
        "calmar": empyrical.calmar_ratio(own),
        "max_drawdown_frac": empyrical.max_drawdown(own),
        "var_95_frac": empyrical.value_at_risk(own, 0.05),
        "cvar_95_frac": empyrical.conditional_value_at_risk(own, 0.05),
        "alpha_frac": alpha,
        "beta": beta,
        "information_ratio": empyrical.excess_sharpe(own, held),
        "months": empyrical.aggregate_returns(own, "monthly").tolist(),
        "years": empyrical.aggregate_returns(own, "yearly").tolist(),
    }


def of_quantstats(own: "pd.Series[float]", held: "pd.Series[float]") -> dict[str, Any]:
    greeks, falls = stats.greeks(own, held), stats.to_drawdown_series(own)
    worst = stats.drawdown_details(falls).sort_values("max drawdown").head(5)
    return {
        "total_return_frac": stats.comp(own),
        "cagr_frac": stats.cagr(own),
        "volatility_frac": stats.volatility(own),
        "sharpe": stats.sharpe(own),
        "sortino": stats.sortino(own),
        "calmar": stats.calmar(own),
        "max_drawdown_frac": stats.max_drawdown(own),
        "var_95_frac": stats.value_at_risk(own),
        "cvar_95_frac": stats.cvar(own),
        "cvar_95_historical_frac": stats.cvar(own, method="historical"),
        "skew": stats.skew(own),
        "kurtosis": stats.kurtosis(own),
        "ulcer_frac": stats.ulcer_index(own),
        "alpha_frac": greeks["alpha"],
        "beta": greeks["beta"],
        "correlation": float(own.corr(held)),
        "information_ratio": stats.information_ratio(own, held),
        "exposure_frac": stats.exposure(own),
        "best_session_frac": stats.best(own),
        "worst_session_frac": stats.worst(own),
        "best_month_frac": stats.best(own, aggregate="ME"),
        "worst_month_frac": stats.worst(own, aggregate="ME"),
        "rolling_sharpe": float(stats.rolling_sharpe(own, rolling_period=252).iloc[-1]),
        "rolling_volatility_frac": float(stats.rolling_volatility(own, rolling_period=126).iloc[-1]),
        "rolling_beta": float(stats.rolling_greeks(own, held, periods=252)["beta"].iloc[-1]),
        "worst_frac": (worst["max drawdown"] / 100).tolist(),
        "worst_first_below": worst["start"].tolist(),
        "worst_lowest": worst["valley"].tolist(),
    }


def main() -> None:
    """Write peers.json beside this file."""
    warnings.simplefilter("ignore")
    equity, held = curves()
    returns, others = ((line / line.shift(fill_value=CAPITAL_USD) - 1).rename(None) for line in (equity, held))
    document = {
        "empyrical-reloaded": version("empyrical-reloaded"),
        "quantstats": version("quantstats"),
        "capital_usd": CAPITAL_USD,
        "days": [str(day)[:10] for day in equity.index],
        "equity_usd": equity.tolist(),
        "benchmark_usd": held.tolist(),
        "of_empyrical": of_empyrical(returns, others),
        "of_quantstats": of_quantstats(returns, others),
    }
    text = json.dumps(document, default=float, allow_nan=False) + "\n"
    (Path(__file__).parent / "peers.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
