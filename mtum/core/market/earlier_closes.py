"""Closes of one symbol at the ends of earlier weeks and months, looked up instead of searched for."""

import numpy as np

from mtum.core.market.bars import Bars, first_days, periods
from mtum.core.market.timeframes import Timeframe


class EarlierCloses:
    """Where the periods of a symbol's bars begin, and what each dividend takes from the closes before it.

    Worked out once over a history, it tells every session of it what bars that end there would tell.

    Parameters
    ----------
    total_returns : bool
        Whether its dividends are known, so that they can be put back.
    """

    def __init__(self, bars: Bars, *, total_returns: bool) -> None:
        self._close = bars.close
        self._days = bars.days
        paid = np.flatnonzero(bars.dividend[1:]) if total_returns else ()
        self._paid = [(int(at) + 1, float(1.0 - bars.dividend[at + 1] / bars.close[at])) for at in paid][::-1]
        self._starts: dict[Timeframe, tuple[int, list[int]]] = {}

    def at(
        self, rows: tuple[int, int], timeframe: Timeframe, last: int, ago: tuple[int, ...], *, total_returns: bool
    ) -> tuple[float | None, ...]:
        """Return the closes of the last sessions of earlier periods; None where the bars do not reach.

        Parameters
        ----------
        rows : (int, int)
            Positions of the oldest and the newest bar that may be looked at.
        last : int
            Number of the period from which is counted.
        ago : tuple of int
            Periods back; 0 is the newest bar.
        total_returns : bool
            Whether dividends between a close and the newest bar are put back.
        """
        oldest, newest = rows
        first, starts = self._starts.get(timeframe) or self._begin(timeframe)
        found: list[float | None] = []
        for back in ago:
            row, begin = newest, oldest
            if back:
                place = last - back - first
                known = 0 <= place < len(starts)
                row = min(newest, starts[place + 1] - 1) if known and place + 1 < len(starts) else newest
                begin = max(oldest, starts[place]) if known else newest + 1
            found.append(self._known(row, newest, total_returns=total_returns) if row >= begin else None)
        return tuple(found)

    def _begin(self, timeframe: Timeframe) -> tuple[int, list[int]]:
        numbers = periods(self._days[[0, -1]], timeframe)
        first, last = int(numbers[0]), int(numbers[1])
        starts = self._days.searchsorted(first_days(np.arange(first, last + 1), timeframe)).tolist()
        self._starts[timeframe] = first, starts
        return first, starts

    def _known(self, row: int, newest: int, *, total_returns: bool) -> float:
        close = float(self._close[row])
        if not total_returns or not self._paid:
            return close
        # From the newest to the oldest, as the whole column of total returns is multiplied.
        kept = 1.0
        for paid, left in self._paid:
            if paid <= row:
                break
            if paid <= newest:
                kept *= left
        return close * kept
