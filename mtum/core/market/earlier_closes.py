"""Closes of one symbol at the ends of earlier weeks and months, looked up instead of searched for."""

from bisect import bisect_right
from math import isnan
from typing import NamedTuple

import numpy as np

from mtum.core.market.bars import Bars, first_days, periods
from mtum.core.market.timeframes import Timeframe

_DECIMALS = 6
"""Of a close with dividends put back, as of an indicator."""


class _Looked(NamedTuple):
    # Closes that stay the same until the period, or what has been paid since them, is another; and their oldest row.
    last: int
    paid: int
    newest: int
    oldest: int
    closes: tuple[float | None, ...]


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
        paid = (np.flatnonzero(bars.dividend[1:]) + 1).tolist() if total_returns else []
        self._paid: list[int] = paid
        self._left = [float(1.0 - bars.dividend[row] / bars.close[row - 1]) for row in paid]
        self._starts: dict[Timeframe, tuple[int, list[int]]] = {}
        self._looked: dict[tuple[Timeframe, tuple[int, ...], bool], _Looked] = {}

    def at(
        self, rows: tuple[int, int], timeframe: Timeframe, last: int, ago: tuple[int, ...], *, total_returns: bool
    ) -> tuple[float | None, ...]:
        """Return the closes of the last sessions of earlier periods; None where the bars do not reach.

        Parameters
        ----------
        rows : (int, int)
            Positions of the oldest and the newest bar that may be looked at.
        timeframe : Timeframe
            What one bar stands for; weeks run from Monday to Sunday, months are calendar months.
        last : int
            Number of the period from which is counted.
        ago : tuple of int
            Periods back; 0 is the newest bar.
        total_returns : bool
            Whether dividends between a close and the newest bar are put back; such closes are rounded to 1e-6.
        """
        oldest, newest = rows
        key = timeframe, ago, total_returns
        paid = bisect_right(self._paid, newest) if total_returns else 0
        found = self._looked.get(key)
        if found is None or found[:2] != (last, paid) or newest < found.newest or oldest > found.oldest:
            found = self._looked[key] = self._look(rows, key, last, paid)
        if 0 not in ago:
            return found.closes
        now = _told(float(self._close[newest])) if total_returns else float(self._close[newest])
        if ago[0] == 0 and 0 not in ago[1:]:
            return (now, *found.closes[1:])
        return tuple(close if back else now for back, close in zip(ago, found.closes, strict=True))

    def _look(
        self, rows: tuple[int, int], key: tuple[Timeframe, tuple[int, ...], bool], last: int, paid: int
    ) -> _Looked:
        (oldest, newest), (timeframe, ago, total_returns) = rows, key
        first, starts = self._starts.get(timeframe) or self._begin(timeframe)
        closes: list[float | None] = []
        used = [newest]
        for back in ago:
            place = last - back - first
            close: float | None = None
            if back and 0 <= place < len(starts):
                row = min(newest, starts[place + 1] - 1) if place + 1 < len(starts) else newest
                if row >= max(oldest, starts[place]):
                    close = float(self._close[row])
                    close = _told(close * self._kept(row, paid)) if total_returns else close
                    used.append(row)
            closes.append(close)
        # A period that is not over yet is looked for anew in the next session.
        changes = newest in used[1:]
        return _Looked(last, -1 if changes else paid, newest, min(used), tuple(closes))

    def _begin(self, timeframe: Timeframe) -> tuple[int, list[int]]:
        numbers = periods(self._days[[0, -1]], timeframe)
        first, last = int(numbers[0]), int(numbers[1])
        starts = self._days.searchsorted(first_days(np.arange(first, last + 1), timeframe)).tolist()
        self._starts[timeframe] = first, starts
        return first, starts

    def _kept(self, row: int, paid: int) -> float:
        # From the newest to the oldest, as the whole column of total returns is multiplied.
        kept = 1.0
        for at in range(paid - 1, bisect_right(self._paid, row) - 1, -1):
            kept *= self._left[at]
        return kept


def _told(close: float) -> float | None:
    return None if isnan(close) else round(close, _DECIMALS)
