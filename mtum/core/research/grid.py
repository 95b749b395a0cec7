"""Many combinations of one strategy's settings over one history, in one compiled pass."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct, field

from mtum.core.compiled import machine
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


class Combination(Struct, frozen=True):
    """One set of parameters and terms."""

    strategy: MtumConfluence
    terms: PlayTerms

    @property
    def capital_usd(self) -> float:
        """Cash at the start."""
        return float(self.terms.capital_usd)

    def compared_with(
        self, benchmark: str | None, held_usd: Mapping[str, float]
    ) -> tuple[tuple[Mapping[str, float], float], ...]:
        """Return what is bought and held instead, and with how many USD: cash and shares at the start."""
        weights = {benchmark: 1.0} if benchmark else self.strategy.benchmark
        return ((weights, self.capital_usd + sum(held_usd.values())),)

    @property
    def strategies(self) -> tuple[str, ...]:
        """Name of the strategy."""
        return (self.strategy.name,)

    @property
    def cautions(self) -> tuple[str, ...]:
        """What the strategy has to say of itself."""
        return self.strategy.CAUTIONS


class Part(Struct, frozen=True, eq=False):
    """Combinations to play over the same sessions of one history."""

    history: History
    span: Span
    combinations: Sequence[Combination]


_USED = attrgetter(
    "ma_sessions",
    "vix_entry_below",
    "vix_exit_above",
    "rsi_sessions",
    "rsi_smoothing._value_",  # members of an enumeration are slow keys
    "rsi_entry_above",
    "rsi_exit_below",
    "volume_sessions",
    "atr_sessions",
    "atr_smoothing._value_",
    "atr_target_multiple",
)


class _Shelf(Struct):
    # Columns and conditions made so far, so that combinations share them.
    prices: Prices
    sums: Sums
    columns: dict[tuple[object, ...], Column] = field(default_factory=dict)
    masks: list[Mask] = field(default_factory=list)

    def column(self, name: str, length: int = 0, smoothing: str = "") -> Column:
        key = (name, length, smoothing)
        if key not in self.columns:
            self.columns[key] = self._computed(name, length, smoothing == Smoothing.WILDER.value)
        return self.columns[key]

    def above_mean(self, of: str, length: int) -> Mask:
        return machine(bits_above)(self.column(of), self.column(f"mean {of}", length))

    def below_mean(self, of: str, length: int) -> Mask:
        return machine(bits_above)(self.column(f"mean {of}", length), self.column(of))

    def beyond(self, name: str, sign: int, level: float, length: int = 0, smoothing: str = "") -> Mask:
        return machine(bits_beyond)(self.column(name, length, smoothing), float(level), sign)

    def rows(self, coded: "_Coded", make: Callable[..., Mask]) -> Slots:
        """Return the row of the masks that each combination uses, made once for all with the same values."""
        first = len(self.masks)
        self.masks.extend(make(*key) for key in coded.keys)
        return coded.codes + first

    def _computed(self, name: str, length: int, wilder: bool) -> Column:
        match name:
            case "mean close":
                return machine(mean_column)(self.sums.close, length, PRICE_UNIT, length - 1)
            case "mean volume":
                return machine(mean_column)(self.sums.volume, length, VOLUME_UNIT, length - 1)
            case "rsi":
                return machine(strength_column)(self.sums, length, wilder)
            case "atr":
                return machine(range_column)(self.sums, length, wilder)
            case _:
                return machine(in_millionths)(getattr(self.prices, name))


class _Coded(NamedTuple):
    # Different values, and which of them each combination has.
    keys: list[tuple[Any, ...]]
    codes: Slots


def _coded(*values: Sequence[Any]) -> _Coded:
    # Column by column: to make and look up a thousand tuples takes longer than all else here.
    codes: Slots = np.zeros(len(values[0]), dtype=np.int64)
    for column in values:
        known = {value: code for code, value in enumerate(dict.fromkeys(column))}
        if len(known) > 1:
            codes = codes * len(known) + np.fromiter(map(known.__getitem__, column), np.int64, len(column))
    _, first, found = np.unique(codes, return_index=True, return_inverse=True)
    return _Coded([tuple(column[row] for column in values) for row in first.tolist()], found)


def play_combinations(
    history: History, combinations: Sequence[Combination], span: Span, *, with_returns: bool = True
) -> GridResults:
    """Play every combination over the span; one row of results each, in their order.

    Indicators are computed once per distinct length, conditions once per distinct threshold.
    `with_returns` also measures the session returns of each.

    Parameters
    ----------
    history : History
        Columns of one symbol, oldest first, shape (n_sessions,) each.
    combinations : sequence of Combination
        What varies in each combination.
    span : Span
        Sessions decided: ``first <= t < stop``.
    with_returns : bool
        Whether session returns are measured too.
    """
    results = empty_results(len(combinations))
    if not combinations:
        return results
    ma, calm, fear, rsi, smoothing, strong, weak, volume, ranged, range_smoothing, multiples = zip(
        *(_USED(one.strategy) for one in combinations), strict=True
    )
    shelf = _Shelf(history.prices, machine(running_sums)(history.prices))
    means, ranges = _coded(ma), _coded(ranged, range_smoothing)
    enter = (
        shelf.rows(means, partial(shelf.above_mean, "close")),
        shelf.rows(_coded(calm), partial(shelf.beyond, "vix", -1)),
        shelf.rows(_coded(strong, rsi, smoothing), partial(shelf.beyond, "rsi", 1)),
        shelf.rows(_coded(volume), partial(shelf.above_mean, "volume")),
    )
    leave = (
        shelf.rows(means, partial(shelf.below_mean, "close")),
        shelf.rows(_coded(fear), partial(shelf.beyond, "vix", 1)),
        shelf.rows(_coded(weak, rsi, smoothing), partial(shelf.beyond, "rsi", -1)),
    )
    atr, atrs = ranges.codes, [shelf.column("atr", *key) for key in ranges.keys]
    multiple = np.array(multiples, dtype=np.float64)
    for terms, members in _by_terms(combinations).items():
        rows = np.array(members)
        # Those that leave alike stand together, so that each can go by what the one before found.
        rows = rows[np.lexsort((multiple[rows], atr[rows], *(one[rows] for one in leave)))]
        part = empty_results(len(rows))
        chosen = (np.column_stack(enter)[rows], np.column_stack(leave)[rows], atr[rows], multiple[rows])
        choices = Choices(np.array(shelf.masks), np.array(atrs), *chosen)
        machine(play_grid)(choices, history.tape, terms, span, part, with_returns)
        for whole, piece in zip(results, part, strict=True):
            whole[rows] = piece
    return results


def empty_results(rows: int) -> GridResults:
    """Results of so many combinations, all zero."""
    return GridResults(np.zeros((rows, 9)), np.zeros((rows, BLOCKS)), np.zeros((rows, BLOCKS)))


def _by_terms(combinations: Sequence[Combination]) -> dict[Terms, list[int]]:
    groups: dict[Terms, list[int]] = {}
    known: dict[tuple[int, int], list[int]] = {}
    for row, one in enumerate(combinations):
        key = (id(one.terms), one.strategy.reentry_cooldown_sessions)
        if key not in known:
            known[key] = groups.setdefault(one.terms.compiled(one.strategy.reentry_cooldown_sessions), [])
        known[key].append(row)
    return groups
