"""The column form of weights that are traded back to: what opens a trade, and how far it leads.

The walker asks the triggers of the weights that it carries, session by session.
"""

from enum import IntEnum
from math import inf

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from mtum.core.market.bars import Column


class Measure(IntEnum):
    """What opens a trigger: the gap of each symbol by itself, or the sum of all gaps; a gap is wanted - held."""

    POINTS = 0
    """The size of a gap."""
    DRIFT = 1
    """The size of a gap as a part of the weight wanted."""
    BELOW = 2
    """Wanted / held - 1; without bound where nothing is held."""
    ABOVE = 3
    """Held / wanted - 1, without bound where nothing is wanted; open until no share is above the weight."""
    EXCESS = 4
    """What is held above all weights together."""
    NET = 5
    """The size of the sum of all gaps."""


class Goal(IntEnum):
    """Where a trigger leads what it trades."""

    WEIGHT = 0
    EDGE = 1
    """The edge of the band around the weight, whose width the form has."""
    HALF = 2
    """Half-way to the weight."""
    GAP = 3
    """A part of the gap."""
    SUM = 4
    """Of the gaps on the side of their sum as much as leaves so much of that sum."""
    SHARES = 5
    """A part of the shares above the weight, worth an order."""


class Choppy(IntEnum):
    """Of which trades a trigger asks that the mix has moved without getting anywhere."""

    NOT_ASKED = 0
    OUTFLOWS = 1
    ALL = 2


class Trigger(Struct, frozen=True, eq=False):
    """When gaps between the weights wanted and held are traded, and which.

    Parameters
    ----------
    least : float or ndarray, shape (n_symbols,)
        What opens it, in the unit of its measure.
    words : tuple of int
        Reasons of the symbol's own gap; of another's, or of a sale that goes on; of a gap without bound. Of sums:
        of purchases, and of sales.
    of_all : bool
        Whether a symbol's gap has all of them traded.
    part : float
        For `Goal.GAP` and `Goal.SHARES`.
    least_open : float
        What keeps a sum open.
    one_sided : float
        Part of the sizes of all gaps that `Measure.NET` must be above.
    left : float
        For `Goal.SUM`.
    rest : int
        Sessions that must have passed since it last traded, or since the last fill.
    """

    measure: Measure
    least: float | Column
    goal: Goal
    words: tuple[int, int, int]
    of_all: bool = False
    part: float = 1.0
    least_open: float = inf
    one_sided: float = 0.0
    left: float = 0.0
    choppy: Choppy = Choppy.NOT_ASKED
    rest: int = 0
    after_fill: bool = False

    def numbers(self) -> tuple[int, ...]:
        """Return what of it is whole numbers, as the walker reads them."""
        return self.measure, self.goal, self.of_all, self.choppy, self.rest, self.after_fill, *self.words

    def amounts(self) -> tuple[float, ...]:
        """Return the other numbers, as the walker reads them."""
        return self.part, self.least_open, self.one_sided, self.left


class Rebalancing(Struct, frozen=True, eq=False):
    """Weights that what is held is traded back to, by the first trigger that applies.

    Parameters
    ----------
    row : ndarray of int, shape (n_sessions,)
        Which row of the weights is wanted at each session; -1: nothing is decided.
    weights : ndarray, shape (n_rows, n_symbols)
        Fractions of the sleeve's equity.
    flat_word : int
        Reason of a purchase of all while nothing is held, which no trigger has to open; -1: there is none.
    widths : float or ndarray, shape (n_symbols,)
        Of the bands of `Goal.EDGE`.
    lookback : int
        Completed daily returns that tell whether the mix is choppy.
    choppiness : float
        Root of their summed squares / size of their sum from which it is.
    """

    row: NDArray[np.int64]
    weights: Column
    triggers: tuple[Trigger, ...]
    reasons: tuple[tuple[str, ...], ...]
    flat_word: int = -1
    widths: float | Column = 0.0
    lookback: int = 0
    choppiness: float = inf
