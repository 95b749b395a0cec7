"""The model's volatilities and quotes: level, term structure, skew and width of the market, by class of option."""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import ArrayLike

from mtum.core.options.european import Floats

SESSIONS_PER_YEAR, DAYS_PER_YEAR = 252.0, 365.0
SHORT_DAYS = 10
"""Below so many days to expiry time runs by trading days: on a Friday the calendar counts a weekend of no trading."""
LEVEL_DAYS = 30.0
"""Days to expiry of the level that is given."""
TERM_POWER = 0.07
"""Growth of the level with time to expiry where a class has none of its own."""

# Volatility of a strike over that of the forward, fitted to closing chains of 2026-07-10 (SPX: 58 days of 2019), by
# standardised log-moneyness.
_MONEYNESS = (-4.0, -3.0, -2.5, -2.0, -1.5, -1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5)
# fmt: off
_SPY = (2.119, 1.837, 1.693, 1.556, 1.421, 1.277, 1.203, 1.130, 1.061, 1.0,
        0.942, 0.895, 0.860, 0.835, 0.823, 0.825, 0.879, 0.982)
_QQQ = (1.936, 1.678, 1.552, 1.431, 1.313, 1.201, 1.150, 1.098, 1.048, 1.0,
        0.953, 0.912, 0.880, 0.858, 0.850, 0.854, 0.903, 0.976)
_IWM = (1.890, 1.645, 1.507, 1.388, 1.286, 1.171, 1.130, 1.078, 1.037, 1.0,
        0.964, 0.933, 0.908, 0.892, 0.886, 0.890, 0.916, 0.972)
_SPX = (2.032, 1.785, 1.662, 1.540, 1.417, 1.288, 1.220, 1.150, 1.076, 1.0,
        0.924, 0.854, 0.799, 0.768, 0.767, 0.783, 0.866, 0.988)
# fmt: on


class OptionClass(Struct, frozen=True):
    """What a class of options looks like to the model.

    Parameters
    ----------
    rho, eta : float
        Slope and bend of the skew, see `curve`.
    table : tuple of float
        Volatility of a strike over that of the forward at fitted moneyness, see `table`; empty where none was fitted.
    term_power : float
        Growth of the level with time to expiry.
    index, ratio : str, float
        Volatility index whose level stands for the class's, and the part of it that is the volatility of the
        forward: an index holds the skew too. Empty where there is none.
    spread : (float, float, float) or None
        Intercept, weight of ln(mid) and weight of ln(days) of ln(spread), USD; None where no model fits.
    """

    rho: float
    eta: float
    table: tuple[float, ...] = ()
    term_power: float = TERM_POWER
    index: str = ""
    ratio: float = 0.0
    spread: tuple[float, float, float] | None = None


CLASSES: Mapping[str, OptionClass] = {
    "SPY": OptionClass(-0.543, 1.048, _SPY, 0.12, "VIX", 0.82, (-4.203, 0.409, 0.014)),
    "QQQ": OptionClass(-0.519, 0.805, _QQQ, 0.02, "VXN", 0.90, (-4.456, 0.256, 0.543)),
    "IWM": OptionClass(-0.452, 0.781, _IWM, 0.10, "RVX", 0.92, (-4.059, 0.319, 0.254)),
    "SPX": OptionClass(-0.611, 0.979, _SPX, 0.05, "VIX", 0.82, (-2.457, 0.377, 0.105)),
    "XSP": OptionClass(-0.611, 0.979, _SPX, 0.05, "VIX", 0.82),
}
"""Classes that were fitted, by symbol of the underlying."""
POOLED = OptionClass(-0.514, 0.989)
"""Skew of all fitted classes together, for any other; what is priced by it is to be told so."""


def class_of(symbol: str) -> OptionClass:
    """Return the model's class of an underlying, the pooled one where none was fitted for it."""
    return CLASSES.get(symbol, POOLED)


def years_to(days: int, sessions: int) -> float:
    """Return the time to expiry that volatility runs on; a later expiry never has less of it.

    Parameters
    ----------
    days, sessions : int
        Calendar days and sessions from the session being priced to the last one of the contract.
    """
    if days >= SHORT_DAYS:
        return days / DAYS_PER_YEAR
    return min(sessions / SESSIONS_PER_YEAR, SHORT_DAYS / DAYS_PER_YEAR)


def level(volatility: float, days: ArrayLike, power: float = TERM_POWER) -> Floats:
    """Return the volatility at the forward of each expiry.

    Parameters
    ----------
    volatility : float
        At the forward, 30 days to expiry; a year, as a fraction.
    days : array of float
        Calendar days to each expiry, at least 1.
    power : float
        Growth with time, a number; see `OptionClass`.
    """
    found: Floats = volatility * (np.maximum(np.asarray(days, dtype=np.float64), 1.0) / LEVEL_DAYS) ** power
    return found


def moneyness(forward: ArrayLike, strike: ArrayLike, years: ArrayLike, at_forward: ArrayLike) -> Floats:
    """Return ln(strike / forward) in deviations of ln(price) at expiry.

    Parameters
    ----------
    forward : array_like of float
        Forward price of the underlying at expiry, USD.
    strike : array_like of float
        Strikes, USD.
    years : array_like of float
        Time to expiry, years.
    at_forward : array_like of float
        Volatility at the forward, fraction a year.
    """
    f, k, t, s = (np.asarray(one, dtype=np.float64) for one in (forward, strike, years, at_forward))
    return np.asarray(np.log(k / f) / (s * np.sqrt(t)), dtype=np.float64)


def curve(at: ArrayLike, rho: float, eta: float) -> Floats:
    """Return the volatility of a strike over that of the forward, by two numbers.

    It is free of butterfly arbitrage while eta (1 + |rho|) is at most 2.

    Parameters
    ----------
    at : array of float
        Standardised log-moneyness, see `moneyness`.
    rho : float
        Slope, a number from -1 to 1; below 0 low strikes are dearer.
    eta : float
        Bend, a number of at least 0; at 0 every strike has the volatility of the forward.

    References
    ----------
    Gatheral and Jacquier (2014), "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14.
    """
    scaled = eta * np.asarray(at, dtype=np.float64)
    found: Floats = np.sqrt(0.5 * (1.0 + rho * scaled + np.sqrt((scaled + rho) ** 2 + 1.0 - rho**2)))
    return found


def table(at: ArrayLike, ratios: tuple[float, ...]) -> Floats:
    """Return the volatility of a strike over that of the forward, by a natural cubic spline through fitted ratios.

    A straight line between them has kinks, at which a butterfly would have a price below 0. Outside it is flat.

    Parameters
    ----------
    at : array of float
        Standardised log-moneyness.
    ratios : tuple of float
        Of an `OptionClass`.
    """
    x, y = np.array(_MONEYNESS), np.array(ratios)
    width, slope = np.diff(x), np.diff(y) / np.diff(x)
    bend = np.zeros(len(x))
    system = np.diag(2.0 * (width[:-1] + width[1:])) + np.diag(width[1:-1], 1) + np.diag(width[1:-1], -1)
    bend[1:-1] = np.linalg.solve(system, 6.0 * np.diff(slope))
    inside = np.clip(np.asarray(at, dtype=np.float64), x[0], x[-1])
    left = np.clip(np.searchsorted(x, inside, "right") - 1, 0, len(width) - 1)
    near, far = inside - x[left], x[left + 1] - inside
    h = width[left]
    found: Floats = (
        (bend[left] * far**3 + bend[left + 1] * near**3) / (6.0 * h)
        + (y[left] / h - bend[left] * h / 6.0) * far
        + (y[left + 1] / h - bend[left + 1] * h / 6.0) * near
    )
    return found


def half_spread(
    mid: ArrayLike, days: ArrayLike, weights: tuple[float, float, float], tick: float, part: float = 0.5
) -> Floats:
    """Return what one leg gives away beside the middle, USD per share.

    Parameters
    ----------
    mid : array of float
        Middle of bid and ask, USD per share.
    days : array of float
        Calendar days to expiry.
    weights : (float, float, float)
        Of an `OptionClass`.
    tick : float
        Smallest step of the price, USD; no market is narrower.
    part : float
        Of half the spread: 0.5 where a price is improved from the middle in steps, 1 at the far side.
    """
    a, b, c = weights
    m, d = (np.maximum(np.asarray(one, dtype=np.float64), least) for one, least in ((mid, tick), (days, 1.0)))
    return np.asarray(0.5 * part * np.maximum(np.exp(a + b * np.log(m) + c * np.log(d)), tick), dtype=np.float64)
