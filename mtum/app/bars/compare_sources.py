"""Where do two sources that are both cached disagree about a close?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations, groupby

import numpy as np

from mtum.core.market.bars import Bars
from mtum.core.market.instruments import Kind, instrument
from mtum.core.market.validation import AGREE_FRAC
from mtum.ports.store import Store

INDEX_POINTS = 0.02
"""Official closes of an index that differ by more are no other rounding of the same value."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One session's close by two sources."""

    symbol: str
    session: date
    source: str
    close: float
    other_source: str
    other_close: float


def disagreeing_closes(store: Store, symbols: Sequence[str] = ()) -> tuple[Disagreement, ...]:
    """Return the cached closes that differ by more than 0.5 %, of an index by more than 0.02 points.

    Parameters
    ----------
    symbols : sequence of str
        What to compare; by default everything that is cached from more than one source.
    """
    keys = [key for key in store.quarantine.checkable() if not symbols or key[0] in symbols]
    found: list[Disagreement] = []
    for symbol, same in groupby(keys, key=lambda key: key[0]):
        index = instrument(symbol).kind is Kind.INDEX
        for (_, first), (_, second) in combinations(tuple(same), 2):
            found += _apart(store.bars.bars(symbol, first), store.bars.bars(symbol, second), index=index)
    return tuple(found)


def _apart(first: Bars, second: Bars, *, index: bool) -> Iterator[Disagreement]:
    days, left, right = np.intersect1d(first.days, second.days, assume_unique=True, return_indices=True)
    ours, theirs = first.close[left], second.close[right]
    limit = INDEX_POINTS + 1e-9 if index else AGREE_FRAC * ours
    for place in np.flatnonzero(np.abs(theirs - ours) > limit):
        day: date = days[place].astype(object)
        yield Disagreement(first.symbol, day, first.source, float(ours[place]), second.source, float(theirs[place]))
