"""What strategies of weeks and months share: when a decision is due, and how long a history it takes."""

from math import ceil, fsum
from typing import TYPE_CHECKING, NamedTuple

from mtum.core.indicators.smoothing import DECIMALS
from mtum.core.market.timeframes import Timeframe
from mtum.core.strategies.contract import Remembered

if TYPE_CHECKING:
    from mtum.core.view import MarketView


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
    view : MarketView
        Everything a strategy may look at for one session.
    timeframe : Timeframe
        What one bar stands for; weeks run from Monday to Sunday, months are calendar months.
    decided : str or None
        The last period decided, as remembered; None for a new sleeve. Where nothing is due, `period` is to
        be remembered too.
    """
    present = timeframe.name_of(view.session)
    if view.ends(timeframe):
        return Due(decided != present, present)
    missed = timeframe.name_of(timeframe.before(view.session))
    return Due(isinstance(decided, str) and decided < missed, missed)


def mean_of_closes(
    view: "MarketView", symbol: str, timeframe: Timeframe, count: int, period: str | None = None
) -> float | None:
    """Return the mean of the last weekly or monthly total-return closes, rounded to 1e-6; None before there are enough.

    Parameters
    ----------
    view : MarketView
        Everything a strategy may look at for one session.
    symbol : str
        Ticker.
    timeframe : Timeframe
        What one bar stands for; weeks run from Monday to Sunday, months are calendar months.
    count : int
        Closes, that of the session being decided included.
    period : str or None
        As in `MarketView.closes`.
    """
    found = view.closes(symbol, timeframe, tuple(range(count)), period=period, total_returns=True)
    closes = [close for close in found if close is not None]
    return round(fsum(closes) / count, DECIMALS) if len(closes) == count else None


def month_end_history(months: int) -> int:
    """Return the sessions that reach back that many month ends."""
    return ceil(round(21.2 * (months + 1), 6)) + 4


def week_end_history(weeks: int) -> int:
    """Return the sessions that reach back that many week ends."""
    return 5 * (weeks + 2)
