"""Many combinations of one strategy's settings over one history, in one compiled pass."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mtum.core.simulation.backtest import fast_rules
from mtum.core.simulation.history import History
from mtum.core.simulation.kernel.columns import (
    PRICE_UNIT,
    VOLUME_UNIT,
    WORD,
    Column,
    Mask,
    Sums,
    bits_above,
    bits_beyond,
    in_millionths,
    mean_column,
    range_column,
    running_sums,
    strength_column,
)
from mtum.core.simulation.kernel.conditions import Rules
from mtum.core.simulation.kernel.grid import Choices, GridResults, play_grid
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.kernel.walk import Terms
from mtum.core.simulation.played import PlayTerms
from mtum.core.strategies.mtum_confluence import MtumConfluence

BLOCKS = 10
"""Blocks of history whose returns are summed up per combination, for the probability of overfitting."""


@dataclass(frozen=True, slots=True)
class Combination:
    """One set of parameters and terms."""

    strategy: MtumConfluence
    terms: PlayTerms


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Combinations to play over the same sessions of one history."""

    history: History
    span: Span
    combinations: Sequence[Combination]


@dataclass(slots=True)
class _Shelf:
    # Columns and conditions made so far, so that combinations share them.
    history: History
    sums: Sums
    columns: dict[tuple[object, ...], Column] = field(default_factory=dict)
    atrs: dict[tuple[object, ...], int] = field(default_factory=dict)
    rows: dict[tuple[object, ...], int] = field(default_factory=dict)
    masks: list[Mask] = field(default_factory=list)
    ranges: list[Column] = field(default_factory=list)

    def column(self, name: str, length: int, wilder: bool = False) -> Column:
        key = (name, length, wilder)
        if key not in self.columns:
            prices, sums = self.history.prices, self.sums
            match name:
                case "ma":
                    self.columns[key] = mean_column(sums.close, length, PRICE_UNIT, length - 1)
                case "volume_average":
                    self.columns[key] = mean_column(sums.volume, length, VOLUME_UNIT, length - 1)
                case "rsi":
                    self.columns[key] = strength_column(sums, length, wilder)
                case "atr":
                    self.columns[key] = range_column(sums, length, wilder)
                case _:
                    self.columns[key] = in_millionths(getattr(prices, name))
        return self.columns[key]

    def atr(self, length: int, wilder: bool) -> int:
        key = (length, wilder)
        if key not in self.atrs:
            self.atrs[key] = len(self.ranges)
            self.ranges.append(self.column("atr", length, wilder))
        return self.atrs[key]

    def enter(self, rules: Rules) -> tuple[int, int, int, int]:
        rsi = ("rsi", rules.rsi_sessions, rules.rsi_wilder)
        return (
            self._mask(("above_ma", rules.ma_sessions), rules),
            self._mask(("calm", rules.vix_entry_below), rules),
            self._mask(("strong", rules.rsi_entry_above, *rsi), rules),
            self._mask(("volume", rules.volume_sessions), rules),
        )

    def leave(self, rules: Rules) -> tuple[int, int, int]:
        rsi = ("rsi", rules.rsi_sessions, rules.rsi_wilder)
        return (
            self._mask(("below_ma", rules.ma_sessions), rules),
            self._mask(("fear", rules.vix_exit_above), rules),
            self._mask(("weak", rules.rsi_exit_below, *rsi), rules),
        )

    def _mask(self, key: tuple[object, ...], rules: Rules) -> int:
        if key not in self.rows:
            self.rows[key] = len(self.masks)
            self.masks.append(self._compare(str(key[0]), rules))
        return self.rows[key]

    def _compare(self, name: str, rules: Rules) -> Mask:
        level = self.column("close", 0)
        match name:
            case "above_ma":
                return bits_above(level, self.column("ma", rules.ma_sessions))
            case "below_ma":
                return bits_above(self.column("ma", rules.ma_sessions), level)
            case "calm":
                return bits_beyond(self.column("vix", 0), rules.vix_entry_below, -1)
            case "fear":
                return bits_beyond(self.column("vix", 0), rules.vix_exit_above, 1)
            case "volume":
                return bits_above(self.column("volume", 0), self.column("volume_average", rules.volume_sessions))
            case "strong":
                return bits_beyond(self.column("rsi", rules.rsi_sessions, rules.rsi_wilder), rules.rsi_entry_above, 1)
            case _:
                return bits_beyond(self.column("rsi", rules.rsi_sessions, rules.rsi_wilder), rules.rsi_exit_below, -1)


def play_combinations(
    history: History, combinations: Sequence[Combination], span: Span, *, with_returns: bool = True
) -> GridResults:
    """Play every combination over the span; one row of results each, in their order.

    Indicators are computed once per distinct length, conditions once per distinct
    threshold. `with_returns` also measures the session returns of each.
    """
    shelf = _Shelf(history, running_sums(history.prices))
    rules = [fast_rules(one.strategy) for one in combinations]
    enter = np.array([shelf.enter(rule) for rule in rules], dtype=np.int64).reshape(-1, 4)
    leave = np.array([shelf.leave(rule) for rule in rules], dtype=np.int64).reshape(-1, 3)
    atr = np.array([shelf.atr(rule.atr_sessions, rule.atr_wilder) for rule in rules], dtype=np.int64)
    multiple = np.array([rule.atr_target_multiple for rule in rules])
    words = (len(history) + WORD - 1) // WORD
    masks = np.array(shelf.masks, dtype=np.uint64).reshape(-1, words)
    ranges = np.array(shelf.ranges).reshape(-1, len(history))
    results = empty_results(len(combinations))
    for terms, rows in _by_terms(combinations).items():
        part = empty_results(len(rows))
        choices = Choices(masks, ranges, enter[rows], leave[rows], atr[rows], multiple[rows])
        play_grid(choices, history.tape, terms, span, part, with_returns)
        for whole, piece in zip(results, part, strict=True):
            whole[rows] = piece
    return results


def empty_results(rows: int) -> GridResults:
    """Results of so many combinations, all zero."""
    return GridResults(np.zeros((rows, 8)), np.zeros((rows, BLOCKS)), np.zeros((rows, BLOCKS)))


def block_sessions(sessions: int) -> Column:
    """Sessions in each block of so many."""
    n = sessions
    found: Column = np.bincount(np.arange(n) * BLOCKS // n, minlength=BLOCKS).astype(np.float64)
    return found


def _by_terms(combinations: Sequence[Combination]) -> dict[Terms, list[int]]:
    groups: dict[Terms, list[int]] = {}
    made: dict[tuple[int, int], Terms] = {}
    for row, one in enumerate(combinations):
        key = (id(one.terms), one.strategy.reentry_cooldown_sessions)
        if key not in made:
            made[key] = one.terms.compiled(one.strategy.reentry_cooldown_sessions)
        groups.setdefault(made[key], []).append(row)
    return groups
