"""What the indicators of volume share: a sum of signed volumes over a window, and its sign as the vote."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtum.core.indicators.smoothing import sums, whole_windows

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column

READS = ("volume went with the falls", "volume went neither way", "volume went with the rises")


def summed(values: "Column", sessions: int) -> "Column":
    """Return the sum of the last values, shape (n,); NaN while one of its window is."""
    return whole_windows(len(values), sums(values, sessions))


def money_flow(bars: "Bars") -> "Column":
    """Return ((close - low) - (high - close)) / (high - low) x volume of each session, 0 where it has no range."""
    import numpy as np

    reach = bars.high - bars.low
    with np.errstate(invalid="ignore", divide="ignore"):
        place = ((bars.close - bars.low) - (bars.high - bars.close)) / reach
    flow: Column = np.where(reach > 0.0, place, 0.0) * bars.volume
    return flow


def by_sign(_price: float, now: Mapping[str, float]) -> int:
    """Vote 1 above zero, -1 below."""
    (value,) = now.values()
    return (value > 0.0) - (value < 0.0)
