"""Which listed contracts to ask quotes of: the neighbors of those that a strategy seeks, by the model's deltas."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise

import numpy as np
from msgspec import Struct

from mtum.core.market.instruments import Right
from mtum.core.options.contracts import OptionContract
from mtum.core.options.european import Floats, Terms, greeks
from mtum.core.options.surface import DAYS_PER_YEAR, class_of, curve, moneyness

BESIDE = 4
"""Contracts on either side of a sought delta: by a level off by a volatility point the model misses by one or two."""
BETWEEN = 12
"""Contracts between two sought deltas, evenly spaced, at most."""
PAIRS = 2
"""Strikes nearest the spot of which call and put are quoted: they tell the forward and its volatility."""
WIDENED = 5
"""Further contracts on the side on which a sought delta may lie."""


class Expected(Struct, frozen=True):
    """What is known of an expiry before its quotes.

    Parameters
    ----------
    spot, forward : float
        USD per share: what deltas refer to, and the price for delivery at expiry.
    volatility : float
        At the forward; a year, as a fraction.
    days : int
        Calendar days to the last one.
    """

    spot: float
    forward: float
    volatility: float
    days: int


def pairs_near(listed: Iterable[OptionContract], spot: float, number: int = PAIRS) -> tuple[OptionContract, ...]:
    """Return call and put of the strikes nearest the spot that have both, of contracts of one expiry and class.

    Parameters
    ----------
    listed : iterable of OptionContract
        Contracts of one expiry and class.
    spot : float
        Price of the underlying, USD.
    number : int
        How many strikes.
    """
    by_strike: dict[Decimal, dict[Right, OptionContract]] = {}
    for one in listed:
        by_strike.setdefault(one.strike, {})[one.right] = one
    both = sorted(
        (strike for strike, found in by_strike.items() if len(found) == len(Right)),
        key=lambda strike: (abs(float(strike) - spot), strike),
    )
    return tuple(by_strike[strike][right] for strike in sorted(both[:number]) for right in Right)


def neighbors(
    listed: Sequence[OptionContract], deltas: Sequence[float], expected: Expected, beside: int = BESIDE
) -> tuple[OptionContract, ...]:
    """Return the contracts around some absolute deltas, and a part of those between them, by strike.

    Parameters
    ----------
    listed : sequence of OptionContract
        Of one underlying, class, expiry and right.
    deltas : sequence of float
        Absolute deltas that are sought.
    expected : Expected
        What is known of an expiry before its quotes.
    beside : int
        How many contracts to each side of the nearest.
    """
    ordered = sorted(listed, key=lambda one: one.strike)
    if not ordered:
        return ()
    sizes = np.abs(_deltas(ordered, expected))
    taken: set[int] = set()
    places = sorted(int(np.argmin(np.abs(sizes - sought))) for sought in deltas)
    for nearest in places:
        taken.update(range(max(0, nearest - beside), min(len(ordered), nearest + beside + 1)))
    for low, high in pairwise(places):
        # A wing that may not lie as far out as its delta is found here.
        taken.update(range(low, high, max(1, -(-(high - low) // BETWEEN))))
    return tuple(ordered[place] for place in sorted(taken))


def wider(
    listed: Sequence[OptionContract],
    asked: Iterable[OptionContract],
    found: Iterable[tuple[OptionContract, float]],
    deltas: Sequence[float],
) -> tuple[OptionContract, ...]:
    """Return what has to be asked as well because a sought delta lies beyond what was quoted.

    Parameters
    ----------
    listed : sequence of OptionContract
        Of one underlying, class, expiry and right.
    asked : iterable of OptionContract
        Those of them that were asked.
    found : iterable of (OptionContract, float)
        Those that have a quote, with their absolute delta.
    deltas : sequence of float
        Absolute deltas that are sought, 0 to 1.
    """
    ordered = sorted(listed, key=lambda one: one.strike)
    known = set(asked)
    places = [place for place, one in enumerate(ordered) if one in known]
    sizes = [size for _, size in found]
    if not places or not sizes:
        return ()
    # A put's delta grows with the strike, a call's falls.
    rising = ordered[0].right is Right.PUT
    more: set[int] = set()
    if min(sizes) > min(deltas):
        more.update(_beyond(places, len(ordered), up=not rising))
    if max(sizes) < max(deltas):
        more.update(_beyond(places, len(ordered), up=rising))
    return tuple(ordered[place] for place in sorted(more))


def nearest_expiries(days: Iterable[date], of: date, window: tuple[int, int, int], most: int) -> tuple[date, ...]:
    """Return the expiries of a window nearest to the days that are sought, of two as near the earlier first.

    Parameters
    ----------
    days : iterable of date
        Last days of the expiries.
    of : date
        Session from which days are counted.
    window : (int, int, int)
        Fewest, most and sought calendar days.
    most : int
        How many at most.
    """
    first, last, sought = window
    inside = [day for day in set(days) if first <= (day - of).days <= last]
    return tuple(sorted(inside, key=lambda day: (abs((day - of).days - sought), day))[:most])


def _beyond(places: Sequence[int], count: int, *, up: bool) -> range:
    if up:
        return range(places[-1] + 1, min(count, places[-1] + 1 + WIDENED))
    return range(max(0, places[0] - WIDENED), places[0])


def _deltas(ordered: Sequence[OptionContract], expected: Expected) -> Floats:
    known = class_of(ordered[0].underlying)
    strikes = np.array([float(one.strike) for one in ordered], dtype=np.float64)
    years = max(expected.days, 1) / DAYS_PER_YEAR
    at = moneyness(expected.forward, strikes, years, expected.volatility)
    terms = Terms(ordered[0].right is Right.CALL, strikes, years)
    found = greeks(terms, expected.spot, expected.forward, expected.volatility * curve(at, known.rho, known.eta))
    return found.delta
