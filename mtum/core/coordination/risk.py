"""What the positions of an account could lose: measures for a person, limits stand elsewhere."""

from collections.abc import Mapping
from datetime import date
from math import ceil, exp, pi, sqrt
from statistics import NormalDist

import numpy as np
from msgspec import Struct

from mtum.core.coordination.account import Account, Matrix, total_returns
from mtum.core.coordination.limits import (
    VAR_LEAST_SESSIONS,
    VAR_SESSIONS,
    VAR_TAIL,
    correlation,
    daily_changes,
    portfolio_volatility,
    value_at_risk,
)
from mtum.core.market.bars import Bars

STRESSES: Mapping[str, tuple[date, date]] = {
    "2008": (date(2007, 10, 9), date(2009, 3, 9)),
    "2018 Q4": (date(2018, 9, 20), date(2018, 12, 24)),
    "2020": (date(2020, 2, 19), date(2020, 3, 23)),
    "2022": (date(2022, 1, 3), date(2022, 10, 12)),
}
"""From the close of the last high of the S&P 500 to that of the low, of four falls."""


class Risk(Struct, frozen=True):
    """Risk of the positions as they are; fractions of the account's equity unless said otherwise.

    Parameters
    ----------
    volatility : float or None
        A year, from 60 daily total returns; None as everywhere here: not enough history.
    var_historical, shortfall_historical : float or None
        One-day loss at 95 % over up to 500 sessions, and the mean of the losses from there on.
    var_parametric, shortfall_parametric : float or None
        The same of a normal distribution with the mean and deviation of these sessions.
    beta : float or None
        Against `beta_of`, over the same sessions.
    sessions : int
        Returns behind value at risk and beta.
    weights : mapping of symbol to float
        Largest first.
    concentration : float or None
        Sum of the squared parts of what is invested (Herfindahl): 1 = one position, 1/n = n equal ones.
    correlations : mapping of (symbol, symbol) to float or None
        Of 60 daily total returns.
    """

    volatility: float | None
    var_historical: float | None
    shortfall_historical: float | None
    var_parametric: float | None
    shortfall_parametric: float | None
    beta: float | None
    beta_of: str
    sessions: int
    weights: Mapping[str, float]
    concentration: float | None
    correlations: Mapping[tuple[str, str], float | None]


def risk_of(values: Mapping[str, float], account: Account, beta_of: str = "") -> Risk:
    """Return the risk of these positions, USD by symbol.

    Parameters
    ----------
    values : mapping of str to float
        Worth by symbol, USD.
    account : Account
        What all sleeves have in common at the decision.
    beta_of : str
        Symbol against which beta is measured.
    """
    held = {symbol: value for symbol, value in sorted(values.items(), key=lambda pair: (-pair[1], pair[0])) if value}
    daily = daily_changes(held, account, VAR_SESSIONS, VAR_LEAST_SESSIONS)
    daily = None if daily is not None and not len(daily) else daily
    normal = (None, None) if daily is None else _normal(float(np.mean(daily)), float(np.std(daily, ddof=1)))
    invested = sum(abs(value) for value in held.values())
    return Risk(
        volatility=portfolio_volatility(held, account),
        var_historical=value_at_risk(held, account),
        shortfall_historical=_shortfall(daily),
        var_parametric=normal[0],
        shortfall_parametric=normal[1],
        beta=_beta(held, account, beta_of),
        beta_of=beta_of,
        sessions=0 if daily is None else len(daily),
        weights={symbol: round(value / account.equity_usd, 6) for symbol, value in held.items()}
        if account.equity_usd > 0
        else {},
        concentration=round(sum((value / invested) ** 2 for value in held.values()), 6) if invested else None,
        correlations={
            (first, second): correlation(first, second, account)
            for place, first in enumerate(held)
            for second in list(held)[place + 1 :]
        },
    )


class Stress(Struct, frozen=True):
    """What today's positions would have done in an earlier fall, nothing traded.

    Parameters
    ----------
    change_frac, worst_frac : float or None
        Of the account's equity from the first to the last close, and at the lowest close between; None
        where no position has the history.
    unknown : tuple of str
        Positions whose history does not reach over the whole fall; left out of the figures.
    """

    name: str
    first: date
    last: date
    change_frac: float | None
    worst_frac: float | None
    unknown: tuple[str, ...] = ()


def stress_replays(values: Mapping[str, float], histories: Mapping[str, Bars], equity_usd: float) -> tuple[Stress, ...]:
    """Return what each of the `STRESSES` would have done to these positions, USD by symbol, dividends reinvested.

    Parameters
    ----------
    values : mapping of str to float
        Worth by symbol, USD.
    histories : mapping of str to Bars
        Daily bars by symbol; prices in USD.
    equity_usd : float
        Equity, USD.
    """
    return tuple(_replayed(name, span, values, histories, equity_usd) for name, span in STRESSES.items())


def _replayed(
    name: str, span: tuple[date, date], values: Mapping[str, float], histories: Mapping[str, Bars], equity_usd: float
) -> Stress:
    first, last = span
    paths: dict[str, dict[date, float]] = {}
    for symbol, value in values.items():
        bars = histories.get(symbol)
        if bars is None or not len(bars) or bars.find(first) is None or bars.find(last) is None:
            continue
        days, returns = total_returns(bars)
        grown = value
        paths[symbol] = {first: 0.0}
        inside = (days > np.datetime64(first)) & (days <= np.datetime64(last))
        for day, change in zip(days[inside].tolist(), returns[inside].tolist(), strict=True):
            grown *= 1.0 + change
            paths[symbol][day] = grown - value
    unknown = tuple(symbol for symbol, value in values.items() if value and symbol not in paths)
    if not paths or equity_usd <= 0:
        return Stress(name, first, last, None, None, unknown)
    every = sorted({day for path in paths.values() for day in path})
    gains = [sum(_at(path, day) for path in paths.values()) / equity_usd for day in every]
    return Stress(name, first, last, round(gains[-1], 6), round(min(gains), 6), unknown)


def _at(path: Mapping[date, float], day: date) -> float:
    # A symbol without a bar that session stands at its last close.
    return path[day] if day in path else path[max(earlier for earlier in path if earlier < day)]


def _shortfall(daily: Matrix | None) -> float | None:
    if daily is None:
        return None
    losses = np.sort(daily)
    return round(-float(np.mean(losses[: ceil(round(VAR_TAIL * len(losses), 9))])), 6)


def _normal(mean: float, deviation: float) -> tuple[float, float]:
    # Value at risk and expected shortfall of a normal distribution (McNeil, Frey, Embrechts 2015, 2.3).
    quantile = NormalDist().inv_cdf(1.0 - VAR_TAIL)
    density = exp(-quantile * quantile / 2.0) / sqrt(2.0 * pi)
    return round(deviation * quantile - mean, 6), round(deviation * density / VAR_TAIL - mean, 6)


def _beta(values: Mapping[str, float], account: Account, market: str) -> float | None:
    if not values or not market:
        return None
    together = account.returns.shared([*values, market], VAR_SESSIONS)
    if together is None or len(together) < VAR_LEAST_SESSIONS:
        return None
    against = together[:, -1] - together[:, -1].mean()
    ours = sum(together[:, place] * value for place, value in enumerate(values.values())) / account.equity_usd
    spread = float(np.sum(against * against))
    return round(float(np.sum(against * ours)) / spread, 6) if spread > 0 else None
