"""Many combinations of one strategy's settings over one history, in one compiled pass."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

import numpy as np

from mtum.core.indicators.smoothing import Smoothing
from mtum.core.research.overfitting import BLOCKS
from mtum.core.simulation.history import History
from mtum.core.simulation.kernel.columns import (
    PRICE_UNIT,
    VOLUME_UNIT,
    Column,
    Mask,
    Prices,
    Sums,
    bits_above,
    bits_beyond,
    in_millionths,
    mean_column,
    range_column,
    running_sums,
    strength_column,
)
from mtum.core.simulation.kernel.compiled import machine
from mtum.core.simulation.kernel.grid import Choices, GridResults, play_grid
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.kernel.walk import Slots, Terms
from mtum.core.simulation.played import PlayTerms
from mtum.core.strategies.mtum_confluence import MtumConfluence

RESULT_COLUMNS = (
    "trades",
    "wins",
    "final_equity_usd",
    "purchases_capped",
    "mean_return",
    "deviation",
    "skew",
    "kurtosis",
    "max_drawdown_frac",
)
"""What the numbers of `GridResults` are, column by column."""


@dataclass(frozen=True, slots=True)
class Combination:
    """One set of parameters and terms."""

    strategy: MtumConfluence
    terms: PlayTerms

    @property
    def capital_usd(self) -> float:
        """Cash at the start."""
        return float(self.terms.capital_usd)

    def compared_with(self, benchmark: str | None) -> tuple[tuple[Mapping[str, float], float], ...]:
        """Return what is bought and held instead, and with how many USD."""
        return (({benchmark: 1.0} if benchmark else self.strategy.benchmark, self.capital_usd),)

    @property
    def strategies(self) -> tuple[str, ...]:
        """Name of the strategy."""
        return (self.strategy.name,)

    @property
    def cautions(self) -> tuple[str, ...]:
        """What the strategy has to say of itself."""
        return self.strategy.CAUTIONS


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Combinations to play over the same sessions of one history."""

    history: History
    span: Span
    combinations: Sequence[Combination]


_TO_ENTER = attrgetter(
    "ma_sessions", "vix_entry_below", "rsi_sessions", "rsi_smoothing", "rsi_entry_above", "volume_sessions"
)
_TO_LEAVE = attrgetter("ma_sessions", "vix_exit_above", "rsi_sessions", "rsi_smoothing", "rsi_exit_below")
_TO_MEASURE = attrgetter("atr_sessions", "atr_smoothing")


@dataclass(slots=True)
class _Shelf:
    # Columns and conditions made so far, so that combinations share them.
    prices: Prices
    sums: Sums
    columns: dict[tuple[object, ...], Column] = field(default_factory=dict)
    masks: dict[tuple[object, ...], Mask] = field(default_factory=dict)

    def column(self, name: str, length: int = 0, wilder: bool = False) -> Column:
        key = (name, length, wilder)
        if key not in self.columns:
            self.columns[key] = self._computed(name, length, wilder)
        return self.columns[key]

    def entries(self, rules: MtumConfluence) -> Mask:
        rsi = (rules.rsi_sessions, rules.rsi_smoothing is Smoothing.WILDER)
        loud = self._mask("loud", self.column("volume"), self.column("volume_average", rules.volume_sessions))
        return (
            self._mask("above", self.column("close"), self.column("ma", rules.ma_sessions))
            & self._mask("calm", self.column("vix"), rules.vix_entry_below, -1)
            & self._mask("strong", self.column("rsi", *rsi), rules.rsi_entry_above, 1)
            & loud
        )

    def exits(self, rules: MtumConfluence) -> Mask:
        rsi = (rules.rsi_sessions, rules.rsi_smoothing is Smoothing.WILDER)
        return (
            self._mask("below", self.column("ma", rules.ma_sessions), self.column("close"))
            | self._mask("fear", self.column("vix"), rules.vix_exit_above, 1)
            | self._mask("weak", self.column("rsi", *rsi), rules.rsi_exit_below, -1)
        )

    def ranges(self, rules: MtumConfluence) -> Column:
        return self.column("atr", rules.atr_sessions, rules.atr_smoothing is Smoothing.WILDER)

    def _computed(self, name: str, length: int, wilder: bool) -> Column:
        match name:
            case "ma":
                return machine(mean_column)(self.sums.close, length, PRICE_UNIT, length - 1)
            case "volume_average":
                return machine(mean_column)(self.sums.volume, length, VOLUME_UNIT, length - 1)
            case "rsi":
                return machine(strength_column)(self.sums, length, wilder)
            case "atr":
                return machine(range_column)(self.sums, length, wilder)
            case _:
                return machine(in_millionths)(getattr(self.prices, name))

    def _mask(self, name: str, values: Column, against: Column | float, sign: int = 1) -> Mask:
        # A column lives as long as the shelf, so its place in memory names it.
        key = (name, id(values), id(against) if isinstance(against, np.ndarray) else against)
        if key not in self.masks:
            made = (
                machine(bits_above)(values, against)
                if isinstance(against, np.ndarray)
                else machine(bits_beyond)(values, float(against), sign)
            )
            self.masks[key] = made
        return self.masks[key]


def play_combinations(
    history: History, combinations: Sequence[Combination], span: Span, *, with_returns: bool = True
) -> GridResults:
    """Play every combination over the span; one row of results each, in their order.

    Indicators are computed once per distinct length, conditions once per distinct threshold,
    what to enter and leave on once per distinct set of them. `with_returns` also measures
    the session returns of each.
    """
    shelf = _Shelf(history.prices, machine(running_sums)(history.prices))
    strategies = [one.strategy for one in combinations]
    enter, entries = _shared(strategies, _TO_ENTER, shelf.entries)
    leave, exits = _shared(strategies, _TO_LEAVE, shelf.exits)
    atr, ranges = _shared(strategies, _TO_MEASURE, shelf.ranges)
    multiple = np.array([one.atr_target_multiple for one in strategies], dtype=np.float64)
    results = empty_results(len(combinations))
    for terms, members in _by_terms(combinations).items():
        rows = np.array(members)
        # Those that leave alike stand together, so that each can go by what the one before found.
        rows = rows[np.lexsort((multiple[rows], atr[rows], leave[rows]))]
        part = empty_results(len(rows))
        choices = Choices(entries, exits, ranges, enter[rows], leave[rows], atr[rows], multiple[rows])
        machine(play_grid)(choices, history.tape, terms, span, part, with_returns)
        for whole, piece in zip(results, part, strict=True):
            whole[rows] = piece
    return results


def _shared[T: (Mask, Column)](
    strategies: Sequence[MtumConfluence],
    key_of: Callable[[MtumConfluence], tuple[object, ...]],
    make: Callable[[MtumConfluence], T],
) -> tuple[Slots, T]:
    # Row of each strategy, and the rows: one for all that have the same key.
    rows: dict[tuple[object, ...], int] = {}
    made: list[T] = []
    found = []
    for strategy in strategies:
        key = key_of(strategy)
        row = rows.get(key)
        if row is None:
            row = rows[key] = len(made)
            made.append(make(strategy))
        found.append(row)
    return np.array(found, dtype=np.int64), np.array(made)


def empty_results(rows: int) -> GridResults:
    """Results of so many combinations, all zero."""
    return GridResults(np.zeros((rows, 9)), np.zeros((rows, BLOCKS)), np.zeros((rows, BLOCKS)))


def _by_terms(combinations: Sequence[Combination]) -> dict[Terms, list[int]]:
    groups: dict[Terms, list[int]] = {}
    made: dict[tuple[int, int], Terms] = {}
    for row, one in enumerate(combinations):
        key = (id(one.terms), one.strategy.reentry_cooldown_sessions)
        if key not in made:
            made[key] = one.terms.compiled(one.strategy.reentry_cooldown_sessions)
        groups.setdefault(made[key], []).append(row)
    return groups
