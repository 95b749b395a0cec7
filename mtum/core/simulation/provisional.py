"""What does a session's bar look like m minutes before the close?

The daily job, the practice gateway and the backtest all ask here, so that they see one market.
"""

import hashlib
from datetime import date

from mtum.core.market.sessions import Session
from mtum.core.market.volume import UsualShare

DECISION_MINUTES = 20.0
LOWEST_SHARE, MEDIAN_SHARE, HIGHEST_SHARE = 0.74, 0.87, 0.98
# Of the volume still missing 20 minutes before the close, about half trades in the closing auction itself.
_AUCTION_FRAC = 0.5
FULL_SESSION_MINUTES = 390.0


def drawn_share(
    symbol: str,
    day: date,
    seed: int,
    minutes_to_close: float = DECISION_MINUTES,
    session_minutes: float = FULL_SESSION_MINUTES,
) -> float:
    """Share of the session's volume already traded, drawn for this symbol and session.

    At 20 minutes the draws are bell-shaped on [0.74, 0.98] with median 0.87. The same arguments give
    the same share in every process: the draw is a digest of them, not a generator with a state.

    Parameters
    ----------
    symbol : str
        Ticker.
    day : date
        The session's date.
    seed : int
        Seed of the draws.
    minutes_to_close : float
        Minutes before the official close, full day or half day; 0 or less means the session is over.
    session_minutes : float
        Length of the session, minutes.

    Returns
    -------
    float
        Share in [0, 1]; grows as the close comes nearer, 1 from the close on.
    """
    if minutes_to_close <= 0:
        return 1.0  # whatever would be drawn
    centered = 2.0 * _bell_draw(f"{seed}|{symbol}|{day.isoformat()}") - 1.0
    width = MEDIAN_SHARE - LOWEST_SHARE if centered < 0 else HIGHEST_SHARE - MEDIAN_SHARE
    return share_at(MEDIAN_SHARE + width * centered, minutes_to_close, session_minutes)


def share_at(decision_share: float, minutes_to_close: float, session_minutes: float = FULL_SESSION_MINUTES) -> float:
    """Share traded so many minutes before the close, given the share at 20 minutes.

    Grows in a straight line from 0 at the opening to `decision_share` at 20 minutes, then on to the
    auction, where the rest (half of what was missing) trades at once.

    Parameters
    ----------
    decision_share : float
        Fraction of the volume traded 20 minutes before the close.
    minutes_to_close : float
        Minutes before the close.
    session_minutes : float
        Length of the session, minutes.

    Examples
    --------
    >>> [round(share_at(0.8, m), 2) for m in (390, 20, 10, 0)]
    [0.0, 0.8, 0.85, 1.0]
    """
    if minutes_to_close <= 0:
        return 1.0
    missing = 1.0 - decision_share
    if minutes_to_close <= DECISION_MINUTES:
        before_auction = (1.0 - _AUCTION_FRAC) * (1.0 - minutes_to_close / DECISION_MINUTES)
        return decision_share + missing * before_auction
    elapsed = (session_minutes - minutes_to_close) / (session_minutes - DECISION_MINUTES)
    return max(0.0, decision_share * elapsed)


def documented_share(prior: float | None, session: Session, minutes: float) -> UsualShare | None:
    """Return a documented share at 20 minutes as it is so many minutes before this session's close; None for none.

    Parameters
    ----------
    prior : float or None
        Documented share at 20 minutes, a fraction; None for none.
    session : Session
        The session, with its open and close.
    minutes : float
        Minutes before the close.
    """
    if prior is None:
        return None
    return UsualShare(share_at(prior, minutes, (session.close - session.open).total_seconds() / 60))


def volume_so_far(final_volume: float, share: float) -> float:
    """Shares traded so far: the final volume cut to `share`, in whole shares (as a feed reports it); NaN if unknown."""
    return float(round(final_volume * share)) if final_volume >= 0 else final_volume


def _bell_draw(key: str) -> float:
    # Mean of three uniforms: in (0, 1), symmetric, so its median is 0.5.
    digest = hashlib.sha256(key.encode()).digest()
    parts = (int.from_bytes(digest[i : i + 8], "big") for i in (0, 8, 16))
    return sum((part + 0.5) / 2.0**64 for part in parts) / 3.0
