"""What will today's volume be at the close, and how sure is that?

Half days use the usual share too, and are never learned from: MTUM trades about 0.40 of its average on
them, so a rule that asks for more than the average nearly bans entries there.
"""

from collections.abc import Sequence
from datetime import date, datetime
from enum import Enum
from math import floor

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from mtum.core.market.bars import median

LEARNING_SESSIONS = 20
"""Full sessions whose median share is used."""
LEARNING_DAYS = 365
"""Days back from which shares are learned; what was seen earlier says nothing about today."""
LEAST_SESSIONS = 5
"""Full sessions that suffice where no prior is documented."""
NEAR_MINUTES = 5.0
"""A share observed further than this from the wanted moment says nothing about it."""
_AUCTION_FRAC = 0.5


class VolumeMode(Enum):
    """Which volume of today the rules use."""

    PROJECTED = "projected"
    RAW = "raw"
    PRIOR_SESSION = "prior_session"


class ObservedShare(Struct, frozen=True):
    """Share of one session's final volume that had traded `minutes` before its close."""

    session: date
    minutes: float
    share: float
    half_day: bool = False


class UsualShare(Struct, frozen=True):
    """Share used to project, with the band that holds four sessions in five.

    `learned_sessions` is 0 for a documented prior, whose band is not known.
    """

    share: float
    learned_sessions: int = 0
    low: float | None = None
    high: float | None = None


def rule_volume(mode: VolumeMode, volume_so_far: float, share: float | None, prior_volume: float) -> float:
    """Return the volume that the rules compare with the average; NaN when it is unproven.

    Parameters
    ----------
    mode : VolumeMode
        Which volume of today the rules use.
    volume_so_far : float
        Shares traded today until the bar was seen.
    share : float or None
        Usual share of a session's volume traded by then; None bars entry in mode `projected`.
    prior_volume : float
        Final volume of the session before.

    Examples
    --------
    >>> rule_volume(VolumeMode.PROJECTED, 870.0, 0.87, 500.0)
    1000.0
    >>> rule_volume(VolumeMode.PROJECTED, 870.0, None, 500.0)
    nan
    """
    match mode:
        case VolumeMode.PROJECTED:
            return projected(volume_so_far, share) if share is not None else float("nan")
        case VolumeMode.RAW:
            return volume_so_far
        case VolumeMode.PRIOR_SESSION:
            return prior_volume


def auction_shares(volume: float, frac: float) -> int:
    """Return how many shares of a symbol a closing auction fills that is this part of its session's volume."""
    return floor(volume * frac)


def projected(volume_so_far: float, share: float) -> float:
    """Return the volume expected for the whole session, in shares.

    Raises
    ------
    ValueError
        If the share is not in (0, 1.2]; a running total may slightly pass the final figure.
    """
    if not 0.0 < share <= 1.2:
        raise ValueError(f"a volume share of {share:g} is not possible; expected a fraction of a session")
    return volume_so_far / share


def usual_share(observed: Sequence[ObservedShare], minutes: float, told: UsualShare | None) -> UsualShare | None:
    """Return the share usually traded `minutes` before the close, or None when nothing proves one.

    Parameters
    ----------
    observed : sequence of ObservedShare
        Our own snapshots: what the running bar showed, over the final volume of the same source. Once
        there are 20 full sessions within 5 minutes of that moment, theirs is the share.
    minutes : float
        Minutes before the close.
    told : UsualShare or None
        What the source knows until then: its own 5-minute bars, else a documented prior. Without it
        at least 5 snapshots prove a share. Half days are never learned from.
    """
    near = [one for one in observed if not one.half_day and abs(one.minutes - minutes) <= NEAR_MINUTES]
    newest = sorted(near, key=lambda one: one.session)
    own = learned_share([moved_share(one.share, one.minutes, minutes) for one in newest])
    return own if told is None or (own is not None and own.learned_sessions == LEARNING_SESSIONS) else told


def learned_share(shares: Sequence[float]) -> UsualShare | None:
    """Return the median of the last 20 full sessions' shares, oldest first; None for fewer than 5."""
    newest = shares[-LEARNING_SESSIONS:]
    if len(newest) < LEAST_SESSIONS:
        return None
    rising = sorted(newest)
    low, middle, high = (_quantile(rising, at) for at in (0.1, 0.5, 0.9))
    return UsualShare(middle, len(newest), low, high)


def _quantile(rising: Sequence[float], at: float) -> float:
    # As `np.quantile` to the last bit, without its cost for twenty values: from the nearer of two, linearly.
    place = at * (len(rising) - 1)
    index = min(int(place), len(rising) - 2)
    below, above, part = rising[index], rising[index + 1], place - index
    return above - (above - below) * (1 - part) if part >= 0.5 else below + (above - below) * part


def moved_share(share: float, seen_minutes: float, minutes: float) -> float:
    """Return a share seen at one moment as it would have been at a near one.

    Of the volume still missing, half trades in the closing auction and the rest evenly until then.

    Parameters
    ----------
    share : float
        Fraction of the session's volume.
    seen_minutes : float
        Minutes before the close at which the share was seen.
    minutes : float
        Minutes before the close.

    Examples
    --------
    >>> round(moved_share(0.80, 20.0, 15.0), 4)  # a quarter of half of the missing 0.20
    0.825
    """
    if minutes == seen_minutes or seen_minutes <= 0 or share >= 1.0:
        return share
    missing_now = 1.0 - share
    per_minute = _AUCTION_FRAC * missing_now / seen_minutes
    return min(1.0, share + per_minute * (seen_minutes - minutes))


def band(volume_so_far: float, usual: UsualShare) -> tuple[float, float] | None:
    """Return the volumes between which four sessions in five would end; None for a prior."""
    if usual.low is None or usual.high is None or usual.low <= 0:
        return None
    return volume_so_far / usual.high, volume_so_far / usual.low


def projection_error(projected_volume: float, final_volume: float) -> float | None:
    """Return how far a projection was off as a fraction of the final volume; positive = too high."""
    return projected_volume / final_volume - 1.0 if final_volume > 0 else None


def intraday_share(
    starts: NDArray[np.datetime64], volumes: NDArray[np.float64], close: datetime, minutes: float, final_volume: float
) -> float | None:
    """Return the share of a session's volume traded `minutes` before its close, from its 5-minute bars.

    Parameters
    ----------
    starts : ndarray of datetime64, shape (n_bars,), UTC, rising
        Start of each bar of that one session.
    volumes : array of float64, same shape
        Shares per bar; the bar around the moment counts in proportion.
    close : datetime
        Close of the session, UTC.
    minutes : float
        Minutes before the close.
    final_volume : float
        The session's volume as its daily bar shows it, which is what a projection is compared with.

    Returns
    -------
    float or None
        None when the bars do not reach the moment, or nothing was traded.
    """
    if not len(starts) or final_volume <= 0:
        return None
    moment = np.datetime64(close.replace(tzinfo=None), "s") - np.timedelta64(round(minutes * 60), "s")
    begins = starts.astype("datetime64[s]")
    # Thin symbols lack the bars in which nothing traded; a longer hole at the moment is a feed that stopped.
    if begins[0] > moment or begins[-1] < moment - np.timedelta64(600, "s"):
        return None
    bar_seconds = median(np.diff(begins).astype(np.float64)) if len(begins) > 1 else 300.0
    into = (moment - begins).astype(np.float64) / bar_seconds
    traded = float((volumes * np.clip(into, 0.0, 1.0)).sum())
    return traded / final_volume if 0 < traded <= 1.2 * final_volume else None
