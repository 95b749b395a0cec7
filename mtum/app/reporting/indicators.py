"""The strategy's indicators against their second implementation."""

import numpy as np

from mtum.app.reporting.period import Period
from mtum.core.indicators import column_of
from mtum.core.market.bars import Bars, Column
from mtum.core.reporting.parts.indicators import IndicatorCheck
from mtum.core.strategies.description import IndicatorSpec


def indicator_checks(period: Period, history_sessions: int) -> tuple[IndicatorCheck, ...]:
    """Compare the strategy's indicators with their second implementation over the live cache."""
    from mtum.core.indicators.second_opinion import second_opinion  # loads pandas-ta

    checks = []
    for symbol in period.facts.universe:
        bars = period.facts.bars_of(symbol)
        # The second implementation knows daily bars.
        daily = [spec for spec in period.facts.strategy.indicators() if spec.by_day]
        for spec in daily if len(bars) >= history_sessions else ():
            asked = dict(spec.parameters)
            second = second_opinion(bars, spec.indicator, asked)
            if second is not None:
                short = column_of(bars.tail(history_sessions), spec.indicator, asked)
                first = period.facts.history.column(symbol, spec)
                checks.append(_check(spec, bars, first, second, short))
    return tuple(checks)


def _check(spec: IndicatorSpec, bars: Bars, first: Column, second: Column, short: Column) -> IndicatorCheck:
    apart = np.abs(first - second)
    known = ~np.isnan(apart)
    worst = int(np.nanargmax(apart)) if known.any() else None
    # One undefined where the other is not is no small difference.
    one_sided = bool((np.isnan(first) != np.isnan(second)).any())
    return IndicatorCheck(
        indicator=spec.name,
        symbol=bars.symbol,
        unit=spec.unit,
        sessions=int(known.sum()),
        largest=None if one_sided or worst is None else float(apart[worst]),
        largest_session=bars.day(worst) if worst is not None and apart[worst] > 0 else None,
        warm_up=None if np.isnan(short[-1]) or np.isnan(first[-1]) else round(abs(float(short[-1] - first[-1])), 9),
    )
