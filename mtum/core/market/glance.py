"""What can be seen of nearly all bars at a glance, so that no rule need look at them one by one?"""

import numpy as np

from mtum.core.market.bars import Bars, Column


def whole(bars: Bars) -> bool:
    """Return whether every price is there and in order, and every volume possible where it is known."""
    if not len(bars):
        return True
    # No comparison with a missing number holds.
    if not (_least(bars.low) > 0 and _most(bars.high) < np.inf):
        return False
    ordered = (bars.low <= np.minimum(bars.open, bars.close)) & (bars.high >= np.maximum(bars.open, bars.close))
    if np.count_nonzero(ordered) != len(bars):
        return False
    known = _least(bars.volume) >= 0 and _most(bars.volume) < np.inf
    return known or not ((bars.volume < 0) | (bars.volume == np.inf)).any()


def calm(bars: Bars, frac: float) -> bool:
    """Return whether whole bars record no split and each total move is smaller than a fraction."""
    if np.count_nonzero(bars.split):
        return False
    if len(bars) < 2:
        return True
    ratios = (bars.close[1:] + bars.dividend[1:]) / bars.close[:-1]
    return _least(ratios) > 1.0 - frac and _most(ratios) < 1.0 + frac


def _least(column: Column) -> float:
    # NaN where one is. Of few numbers the place is found several times as fast as by numpy's own `min`.
    return float(column.item(column.argmin()))


def _most(column: Column) -> float:
    return float(column.item(column.argmax()))
