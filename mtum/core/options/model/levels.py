"""How volatile is an underlying on a session: from its own options, its own index, or an index of volatility."""

from collections.abc import Mapping, Sequence
from datetime import date
from statistics import median

import numpy as np
from msgspec import Struct, field

from mtum.core.options.surface import CLASSES, POOLED, SESSIONS_PER_YEAR, OptionClass, class_of

MODEL_PRICED, ILLUSTRATION = "model-priced", "illustration"
STANDS_FOR: Mapping[str, str] = {"SP500": "SPY"}
"""Price indexes of the embedded market, and the fund whose options are theirs in the model."""
WIDEST = max(one.spread for one in CLASSES.values() if one.spread is not None)
"""Width of the market of a class for which none was fitted: the widest that was."""
UNTRADABLE: Mapping[str, str] = {"MTUM": "its options are quoted 20 to 57 % of their middle apart"}
"""What has a level and yet no market that a model could stand for."""
MEDIAN_SESSIONS, SWING_SESSIONS = 252, 60
LEAST_SWING, MOST_SWING = 0.6, 1.5
_FLAT = OptionClass(0.0, 0.0, term_power=0.0)


class Level(Struct, frozen=True):
    """What the model knows of an underlying's volatility on a session.

    Parameters
    ----------
    at_30_days : float or None
        Volatility at the forward, 30 days to expiry; a year, as a fraction.
    shape : OptionClass
        Skew, term structure and width of the market.
    told : tuple of str
        What a reader must know of prices made from it.
    by_expiry : mapping of date to float
        Volatility at the forward where each expiry's is known; it goes before `at_30_days`.
    forward : float or None
        Price for delivery on every expiry, USD per share, where it does not follow from the spot.
    label : str
        What every figure made from it is called.
    """

    underlying: str
    at_30_days: float | None
    shape: OptionClass
    told: tuple[str, ...] = ()
    by_expiry: Mapping[date, float] = field(default_factory=dict)
    forward: float | None = None
    label: str = MODEL_PRICED


def level_of(
    underlying: str,
    indexes: Mapping[str, float],
    at_30_days: float | None = None,
    by_expiry: Mapping[date, float] | None = None,
) -> Level | str:
    """Return the best level that the day's knowledge gives, or why there is no honest one.

    Parameters
    ----------
    underlying : str
        Ticker of the underlying.
    indexes : mapping of str to float
        Level of each volatility index that is known, in points (16.5).
    at_30_days : float or None
        The underlying's own implied volatility, 30 days; a year, as a fraction.
    by_expiry : mapping of date to float or None
        Its own implied volatility at the forward of each expiry.
    """
    if underlying in UNTRADABLE:
        return f"{underlying} has no model prices: {UNTRADABLE[underlying]}"
    if underlying == "VIX":
        return "VIX has no model prices: its forwards are no function of the index; there is an illustration alone"
    name = STANDS_FOR.get(underlying, underlying)
    shape = class_of(name)
    told = [f"{underlying} is priced as {name} is"] if name != underlying else []
    if shape is POOLED:
        told.append(f"{underlying} has no skew of its own: the one of all fitted classes stands for it")
    if shape.spread is None:
        told.append(f"{underlying} has no width of the market of its own: the widest fitted one stands for it")
    if by_expiry:
        return Level(underlying, at_30_days, shape, tuple(told), by_expiry)
    if at_30_days is not None:
        return Level(underlying, at_30_days, shape, tuple(told))
    if not shape.index:
        return (
            f"{underlying} has no model prices: no volatility index and no implied volatility of its own stand for it"
        )
    points = indexes.get(shape.index)
    if points is None or not 0 < points < float("inf"):
        return f"{underlying} has no model prices on this session: {shape.index} is {points or 'missing'}"
    told.append(f"the level of {underlying} is {shape.ratio:.2f} of {shape.index}")
    return Level(underlying, shape.ratio * points / 100.0, shape, tuple(told))


def vix_illustration(closes: Sequence[float]) -> Level | str:
    """Return a level for calls on the VIX, or why there is none.

    No model of them is honest: their forwards are traded, and are no function of the index. This one takes half the
    index and half its median of a year as the forward of every expiry, and the index's own swings of 60 sessions as
    the volatility, between 0.6 and 1.5. Its figures stand in no table of results and approve nothing.

    Parameters
    ----------
    closes : sequence of float
        Of the VIX in points up to the session, the latest last.
    """
    used = np.asarray(closes[-MEDIAN_SESSIONS:], dtype=np.float64)
    if len(used) < MEDIAN_SESSIONS:
        return f"VIX has no illustration: {len(used)} closes are known, {MEDIAN_SESSIONS} are needed"
    if not (np.isfinite(used) & (used > 0)).all():
        return "VIX has no illustration: a close of the last year is missing or not above 0"
    forward = 0.5 * float(used[-1]) + 0.5 * float(median(used))
    moves = np.diff(np.log(used[-SWING_SESSIONS - 1 :]))
    swing = float(np.std(moves, ddof=1) * np.sqrt(SESSIONS_PER_YEAR))
    volatility = min(max(swing, LEAST_SWING), MOST_SWING)
    told = (
        "an illustration: no model of options on the VIX is honest",
        f"forward of every expiry {forward:.2f}, volatility {volatility:.2f}",
        "VIX has no width of the market of its own: the widest fitted one stands for it",
    )
    return Level("VIX", volatility, _FLAT, told, forward=forward, label=ILLUSTRATION)
