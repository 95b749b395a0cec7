"""European options on the forward: price, greeks and implied volatility (Black 1976)."""

from math import erfc, pi, sqrt

import numpy as np
from msgspec import Struct
from numpy.typing import ArrayLike, NDArray

type Floats = NDArray[np.float64]

_MOST_DEVIATION = 16.0
"""Deviation of ln(price) at expiry beyond which an option is worth its upper bound in double precision."""
_HALVINGS = 64


class Terms(Struct, frozen=True, eq=False):
    """What contracts pay; everything is broadcast against everything else that is given with them.

    Parameters
    ----------
    is_call : array of bool
        True for a call, False for a put.
    strike : array of float
        USD per share, above 0.
    years : array of float
        Time to expiry, 365 days or 252 sessions a year.
    """

    is_call: ArrayLike
    strike: ArrayLike
    years: ArrayLike

    def beside(self, *numbers: ArrayLike) -> tuple[Floats, ...]:
        """Return 1 for a call and -1 for a put, strike, years and the given numbers as floats of one shape."""
        sign = np.where(np.asarray(self.is_call, dtype=bool), 1.0, -1.0)
        floats = (np.asarray(one, dtype=np.float64) for one in (self.strike, self.years, *numbers))
        return tuple(np.broadcast_arrays(sign, *floats))


class Greeks(Struct, frozen=True, eq=False):
    """What an option is worth and how that changes, one value per contract, per share of the underlying.

    Parameters
    ----------
    price : ndarray of float64
        USD.
    delta : ndarray of float64
        USD per USD of the spot; a put's is negative.
    gamma : ndarray of float64
        Delta per USD of the spot.
    vega : ndarray of float64
        USD per volatility point (0.01 a year).
    theta : ndarray of float64
        USD per calendar day that passes.
    """

    price: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats


def normal(values: ArrayLike) -> Floats:
    """Return the standard normal distribution function, exact in both tails."""
    scaled = -np.asarray(values, dtype=np.float64) / sqrt(2.0)
    # The C library's own, one number after the other: no function of numpy is, and scipy is no dependency.
    found = np.fromiter(map(erfc, scaled.ravel().tolist()), np.float64, scaled.size)
    return np.asarray(0.5 * found.reshape(scaled.shape), dtype=np.float64)


def price(terms: Terms, forward: ArrayLike, volatility: ArrayLike, discount: ArrayLike = 1.0) -> Floats:
    """Return the price of European options by Black (1976).

    Parameters
    ----------
    terms : Terms
        What contracts pay; everything is broadcast against everything else that is given with them.
    forward : array of float
        Price for delivery at expiry, USD per share, above 0.
    volatility : array of float
        A year, as a fraction; without volatility or time the price is what exercise of the forward pays.
    discount : array of float
        Worth today of 1 USD at expiry.

    Returns
    -------
    ndarray of float64
        USD per share, never below 0.

    References
    ----------
    Black (1976), "The pricing of commodity contracts", Journal of Financial Economics 3.
    """
    sign, k, t, f, s, df = terms.beside(forward, volatility, discount)
    out = _out_of_the_money(f, k, s * np.sqrt(t))
    return np.asarray(df * (out + np.maximum(sign * (f - k), 0.0)), dtype=np.float64)


def delta(
    terms: Terms, spot: ArrayLike, forward: ArrayLike, volatility: ArrayLike, discount: ArrayLike = 1.0
) -> Floats:
    """Return the delta alone, of all greeks the one that contracts are chosen by; see `greeks`.

    Parameters
    ----------
    terms : Terms
        What contracts pay; everything is broadcast against everything else that is given with them.
    spot : array_like of float
        Price of the underlying, USD.
    forward : array_like of float
        Forward price of the underlying at expiry, USD.
    volatility : array_like of float
        Volatility, fraction a year.
    discount : array_like of float
        Present value of 1 USD paid at expiry.
    """
    sign, k, t, spot, f, s, df = terms.beside(spot, forward, volatility, discount)
    if not ((t > 0) & (s > 0)).all():
        raise ValueError("a delta needs time and volatility above 0")
    deviation = s * np.sqrt(t)
    upper = np.log(f / k) / deviation + 0.5 * deviation
    return np.asarray(sign * normal(sign * upper) * (df * f) / spot, dtype=np.float64)


def greeks(
    terms: Terms, spot: ArrayLike, forward: ArrayLike, volatility: ArrayLike, discount: ArrayLike = 1.0
) -> Greeks:
    """Return price and greeks with respect to the spot (Black-Scholes-Merton with the forward's carry).

    Parameters
    ----------
    terms : Terms
        What contracts pay; everything is broadcast against everything else that is given with them.
    spot : array of float
        USD per share; the carry is what leads from it to the forward.
    forward : array_like of float
        Forward price of the underlying at expiry, USD.
    volatility : array_like of float
        Volatility, fraction a year.
    discount : array_like of float
        Present value of 1 USD paid at expiry.

    Raises
    ------
    ValueError
        If a contract has no time or no volatility left: its greeks are not defined.
    """
    sign, k, t, spot, f, s, df = terms.beside(spot, forward, volatility, discount)
    if not ((t > 0) & (s > 0)).all():
        raise ValueError("greeks need time and volatility above 0")
    deviation = s * np.sqrt(t)
    upper = np.log(f / k) / deviation + 0.5 * deviation
    lower = upper - deviation
    density = np.exp(-0.5 * upper**2) / sqrt(2.0 * pi)
    share, bond = df * f, df * k  # worth today of one share and of the strike at expiry
    rate, carried = -np.log(df) / t, -np.log(share / spot) / t
    hits, pays = normal(sign * upper), normal(sign * lower)
    delta = sign * hits * share / spot
    theta = -0.5 * share * density * s / np.sqrt(t) - sign * (rate * bond * pays - carried * share * hits)
    return Greeks(
        price=price(terms, f, s, df),
        delta=delta,
        gamma=density * share / (spot**2 * deviation),
        vega=0.01 * share * density * np.sqrt(t),
        theta=theta / 365.0,
    )


def implied_volatility(terms: Terms, value: ArrayLike, forward: ArrayLike, discount: ArrayLike = 1.0) -> Floats:
    """Return the volatility at which Black's price is the given one; NaN where none is.

    The interval is halved until it cannot be: Newton's method leaves it for far strikes.

    Parameters
    ----------
    terms : Terms
        What contracts pay; everything is broadcast against everything else that is given with them.
    value : array of float
        Price in USD per share, such as the middle of bid and ask; NaN where there is none.
    forward : array_like of float
        Forward price of the underlying at expiry, USD.
    discount : array_like of float
        Present value of 1 USD paid at expiry.

    Returns
    -------
    ndarray of float64
        A year, as a fraction. NaN for a price at or below what exercise of the forward pays, at or above the
        most the option can be worth, or without time left: no volatility explains it.
    """
    sign, k, t, value, f, df = terms.beside(value, forward, discount)
    wanted = value / df - np.maximum(sign * (f - k), 0.0)
    most = np.minimum(f, k)
    with np.errstate(invalid="ignore"):
        known = (wanted > 0) & (wanted < most) & (t > 0)
    low, high = np.zeros(f.shape), np.full(f.shape, _MOST_DEVIATION)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        below = _out_of_the_money(f, k, middle) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known & (high < _MOST_DEVIATION), 0.5 * (low + high) / np.sqrt(t), np.nan)


def _out_of_the_money(forward: Floats, strike: Floats, deviation: Floats) -> Floats:
    # Undiscounted price of the side that exercise of the forward pays nothing for; by parity both have it beyond that.
    sign = np.where(strike >= forward, 1.0, -1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        upper = np.log(forward / strike) / deviation + 0.5 * deviation
        found = sign * (forward * normal(sign * upper) - strike * normal(sign * (upper - deviation)))
    return np.where(deviation > 0, np.maximum(found, 0.0), 0.0)
