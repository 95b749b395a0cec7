"""The sleeve and buy-and-hold, risk-adjusted."""

import numpy as np

from mtum.app.reporting.money import curves
from mtum.app.reporting.period import Period
from mtum.core.portfolio import returns
from mtum.core.reporting.parts.standing import Standing
from mtum.core.reporting.stated import rounded
from mtum.core.research.metrics import curve_metrics


def standings(period: Period) -> tuple[Standing, ...]:
    """Return the sleeve (or the account) and buy-and-hold over the period and, risk-adjusted, since the start."""
    sleeve, held = curves(period.facts)
    named = (("account" if period.parts else "strategy", sleeve), ("buy and hold", held))
    return tuple(_standing(period, name, curve) for name, curve in named if len(curve) and not period.facts.is_fund)


def _standing(period: Period, name: str, curve: returns.Curve) -> Standing:
    grown = returns.growth(curve)
    if np.isnan(grown).any():
        return Standing(name, len(curve), None, None, None, None, None, None, None)
    metrics = curve_metrics(grown, np.array(curve.days, dtype="datetime64[D]"), 1.0)
    return Standing(
        name=name,
        sessions=len(curve),
        period_frac=round(returns.since(curve, period.first)[1], 6),
        start_frac=round(metrics.total_return_frac, 6),
        volatility_frac=round(metrics.volatility_frac, 6),
        sharpe=rounded(metrics.sharpe),
        sharpe_low=rounded(metrics.sharpe_low),
        sharpe_high=rounded(metrics.sharpe_high),
        worst_drawdown_frac=round(metrics.max_drawdown.frac, 6),
    )
