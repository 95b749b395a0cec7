"""What strategies of weeks and months share: when a decision is due, and how long a history it takes."""

from math import ceil, log
from typing import TYPE_CHECKING, NamedTuple

from mtum.core.market.timeframes import Timeframe
from mtum.core.strategies.contract import Remembered

if TYPE_CHECKING:
    from mtum.core.view import MarketView

FORGOTTEN = 1e-9
"""What the seed of a recursive mean may still weigh."""


class Due(NamedTuple):
    """Whether a period is to be decided now, and the one to remember as the last decided once it is."""

    now: bool
    period: str


def due(view: "MarketView", timeframe: Timeframe, decided: Remembered | None) -> Due:
    """Return whether the end of a week or month is to be decided at this session.

    A period is decided at its last session or, where that was missed, at the first session of the next
    one that can. A new sleeve waits for its first period end.

    Parameters
    ----------
    decided : str or None
        The last period decided, as remembered; None for a new sleeve. Where nothing is due, `period` is to
        be remembered too.
    """
    present = timeframe.name_of(view.session)
    if view.ends(timeframe):
        return Due(decided != present, present)
    missed = timeframe.name_of(timeframe.before(view.session))
    return Due(isinstance(decided, str) and decided < missed, missed)


def ema_history(sessions: int) -> int:
    """Return the values after which an exponential mean has forgotten its seed."""
    return sessions + (ceil(log(FORGOTTEN) / log(1 - 2 / (sessions + 1))) if sessions > 1 else 0)


def wilder_history(sessions: int) -> int:
    """Return the closes after which one of Wilder's means of moves has forgotten its seed."""
    return sessions + 1 + (ceil(log(FORGOTTEN) / log(1 - 1 / sessions)) if sessions > 1 else 0)


def adx_history(sessions: int) -> int:
    """Return the same for an ADX, a mean of means."""
    return 2 * wilder_history(sessions) - 1


def macd_history(slow: int = 26, signal: int = 9) -> int:
    """Return the same for a MACD histogram and its value of the session before."""
    return ema_history(slow) + ema_history(signal) + 1


def month_end_history(months: int) -> int:
    """Return the sessions that reach back that many month ends."""
    return ceil(round(21.2 * (months + 1), 6)) + 4
