"""American options: a binomial tree with dividends in dollars (Leisen and Reimer 1996)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from mtum.core.options import european
from mtum.core.options.european import Floats, Terms

STEPS = 151
_FARTHEST = 40.0
"""Deviations from the strike beyond which every path ends on one side of it."""


def price(
    terms: Terms,
    spot: ArrayLike,
    volatility: ArrayLike,
    rate: float,
    dividends: Sequence[tuple[float, float]] = (),
    steps: int = STEPS,
) -> Floats:
    """Return the price of American options, which may be exercised on any day.

    The tree carries the spot without the dividends still to come; where a node is judged, those are added again.

    Parameters
    ----------
    terms : Terms
        What contracts pay; everything is broadcast against everything else that is given with them.
    spot : array of float
        USD per share.
    volatility : array of float
        A year, as a fraction; without volatility or time the price is what exercise pays now.
    rate : float
        Continuous interest a year, as a fraction.
    dividends : sequence of (years, USD)
        When the share goes ex, counted from now, and how much a share.
    steps : int
        Steps of the tree, odd. With 151 of them a price is within 0.06 USD at a spot of 750, up to 200 days to expiry.

    Returns
    -------
    ndarray of float64
        USD per share, never below what exercise pays now and never below the European price.

    Raises
    ------
    ValueError
        If the steps are even, or the dividends are more than the share.

    References
    ----------
    Leisen and Reimer (1996), "Binomial models for option valuation: examining and improving convergence",
    Applied Mathematical Finance 3.
    """
    if steps % 2 == 0:
        raise ValueError(f"{steps} steps: the tree needs an odd number")
    arrays = terms.beside(spot, volatility)
    shape = arrays[0].shape
    sign, k, s, time, swing = (arrays[place].reshape(-1, 1) for place in (0, 1, 3, 2, 4))
    alive = (time > 0) & (swing > 0)
    t, v = np.where(alive, time, 1.0), np.where(alive, swing, 1.0)
    step = t / steps
    paid = np.zeros((len(s), steps + 1))  # worth, at each step, of what is still to be paid before expiry
    now = step * np.arange(steps + 1)
    for when, amount in dividends:
        paid += np.where(alive & (when > now) & (when <= t), amount * np.exp(-rate * (when - now)), 0.0)
    bare = s - paid[:, :1]
    if (bare <= 0).any():
        raise ValueError("the dividends to come are worth more than the share")
    deviation = v * np.sqrt(t)
    upper = np.log(bare / k) / deviation + (rate + 0.5 * v**2) * t / deviation
    above, up = (_chance(one, steps) for one in (upper, upper - deviation))
    growth = np.exp(rate * step)
    rise, fall = growth * above / up, growth * (1.0 - above) / (1.0 - up)
    places = np.arange(steps + 1)
    ends: Floats = bare * rise**places * fall ** (steps - places)
    values: Floats = np.maximum(sign * (ends - k), 0.0)
    held = np.exp(-rate * step)
    for back in range(steps - 1, -1, -1):
        ends = ends[:, 1:] / rise
        values = held * (up * values[:, 1:] + (1.0 - up) * values[:, :-1])
        values = np.maximum(values, sign * (ends + paid[:, back : back + 1] - k))
    least = np.maximum(sign * (s - k), 0.0)
    on_forward = european.price(Terms(sign > 0, k, t), bare * np.exp(rate * t), v, np.exp(-rate * t))
    found = np.where(alive, np.maximum(np.maximum(values, on_forward), least), least)
    return np.asarray(found.reshape(shape), dtype=np.float64)


def _chance(deviations: Floats, steps: int) -> Floats:
    # Peizer and Pratt's second inversion: the binomial chance that belongs to a normal one.
    near = np.clip(deviations, -_FARTHEST, _FARTHEST) / (steps + 1.0 / 3.0 + 0.1 / (steps + 1.0))
    found: Floats = 0.5 + np.sign(near) * 0.5 * np.sqrt(-np.expm1(-(near**2) * (steps + 1.0 / 6.0)))
    return found
