"""What a strategy wants of whole histories at once: the market as columns, and the forms its wishes take.

A column form says what a strategy wants at each session apart from what it holds; the walker of
`simulation.walker` adds what `decide` adds: holdings, money, limits. Rows are sessions, columns symbols.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from math import inf
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from mtum.core.indicators import INDICATORS, columns_of
from mtum.core.indicators.smoothing import rounded
from mtum.core.market.bars import Bars, Column, Days, first_days, kept_of_dividends, periods, total_return
from mtum.core.market.coverage import Dividends
from mtum.core.market.timeframes import Timeframe
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.rebalancing import Rebalancing
from mtum.core.view import Asked

type Positions = NDArray[np.int64]
type Mask = NDArray[np.bool_]


class Decisions(NamedTuple):
    """Sessions at which a strategy of weeks or months decides: their positions, and the period each one decides."""

    at: Positions
    period: Positions
    barred: Positions = np.empty(0, dtype=np.int64)
    """Sessions at which one was due and could not be made."""


class MarketColumns(Struct, frozen=True, eq=False, dict=True):
    """The bars of several symbols over the sessions that one of them has.

    Parameters
    ----------
    days : ndarray, shape (n_sessions,)
        Sessions, oldest first.
    bars : mapping of symbol to Bars
        In the order of the columns.
    fit : mapping of symbol to ndarray, shape (n_sessions,)
        Where a symbol can be decided on.
    first : int
        Position of the first session decided.
    calendar : ndarray
        Sessions of the exchange from before the bars to after them.
    needed : int
        Bars that the strategy asks for: a view reaches back no further.
    compiled : bool
        Whether indicators are worked out as machine code, which pays where much is.
    played : tuple of int or None
        Positions of the first session with this list of symbols, and of the one to stop before, where the list is
        longer before or shorter after them; None: it is the same throughout.
    decided : dict
        Periods that `decisions` left as decided at the session before.
    """

    days: Days
    bars: Mapping[str, Bars]
    fit: Mapping[str, Mask]
    first: int
    calendar: Days
    needed: int
    dividends: Mapping[str, Dividends] = field(default_factory=dict)
    compiled: bool = False
    played: tuple[int, int] | None = None
    decided: dict[tuple[str, int], int | None] = field(default_factory=dict)

    def matrix(self, symbols: Sequence[str], columns: Iterable[Column]) -> Column:
        """Return columns over each symbol's bars by session, NaN where it has no bar, shape (n_sessions, n_symbols)."""
        found = np.full((len(symbols), len(self.days)), np.nan)
        for row, symbol, column in zip(found, symbols, columns, strict=True):
            row[self._rows[symbol] if len(column) < len(row) else slice(None)] = column
        return np.ascontiguousarray(found.T)

    def able(self, symbols: Sequence[str]) -> Mask:
        """Return where each symbol can be decided on, shape (n_sessions, n_symbols)."""
        return np.column_stack([self.fit[symbol] for symbol in symbols])

    def whole(self, symbols: Sequence[str]) -> Mask:
        """Return where all of the symbols can be decided on, shape (n_sessions,)."""
        return np.asarray(self.able(symbols).all(axis=1))

    def close(self, symbols: Sequence[str]) -> Column:
        """Return closes in USD, NaN where there is no bar."""
        return self.matrix(symbols, [self.bars[symbol].close for symbol in symbols])

    def volume(self, symbols: Sequence[str]) -> Column:
        """Return volumes in shares, NaN where there is no bar or it is not known."""
        return self.matrix(symbols, [self.bars[symbol].volume for symbol in symbols])

    def total_return(self, symbols: Sequence[str]) -> Column:
        """Return closes with dividends put back, as seen from the last session."""
        return self._closes(tuple(symbols)) * self._levels(tuple(symbols))

    def values(self, symbols: Sequence[str], asked: Asked) -> Column:
        """Return an indicator of days as a view of each session has it, NaN where it is undefined.

        Raises
        ------
        ValueError
            If one column cannot tell it of every session.
        """
        if asked.timeframe is not Timeframe.DAY or (asked.total_return and INDICATORS[asked.indicator].unit == "USD"):
            raise ValueError(f"{asked.indicator} of {asked.timeframe} is no column of days")
        priced = [self._priced[symbol] if asked.total_return else self.bars[symbol] for symbol in symbols]
        return self.matrix(symbols, columns_of(priced, asked.indicator, dict(asked.parameters), compiled=self.compiled))

    def decisions(self, timeframe: Timeframe, able: Mask, settled: Mask | None = None, *, of: str = "") -> Decisions:
        """Return where the end of a week or month is decided: at its last session, or at the first one that can be.

        Parameters
        ----------
        timeframe : Timeframe
            What one bar stands for; weeks run from Monday to Sunday, months are calendar months.
        able : ndarray of bool, shape (n_sessions,)
            Sessions at which the strategy can decide.
        settled : ndarray of bool or None, shape (n_sessions,)
            Where a decision, once due, would be made; elsewhere it stays due.
        of : str
            Symbol that it is asked of, where each has periods of its own.
        """
        first, stop = self.played or (self.first, len(self.days))
        ends, ended = self._ended(timeframe)
        asked = np.flatnonzero(able[first:stop]) + first
        # As often as members ask, always in their order; a list gets shorter, and they remain.
        kept = of, self._asked[of]
        self._asked[of] += 1
        decided = self.decided.get(kept)
        found, barred = [], []
        for t, last, is_end in zip(asked.tolist(), ended[asked].tolist(), ends[asked].tolist(), strict=True):
            due = decided != last if is_end else decided is not None and decided < last
            if due and settled is not None and not settled[t]:
                barred.append(t)
                continue
            if due:
                found.append(t)
            decided = last
        self.decided[kept] = decided
        at = np.array(found, dtype=np.int64)
        return Decisions(at, ended[at], np.array(barred, dtype=np.int64))

    def every_session(self, timeframe: Timeframe) -> Decisions:
        """Return each session from the first on as if the end of a week or month were decided at it."""
        at = np.arange(self.first, len(self.days))
        return Decisions(at, self._ended(timeframe)[1][at])

    def _ended(self, timeframe: Timeframe) -> tuple[Mask, Positions]:
        # Which sessions are the last of their period, and the newest period that has ended at each.
        period = periods(self.days, timeframe)
        following = self.calendar[np.searchsorted(self.calendar, self.days, "right")]
        ends = periods(following, timeframe) != period
        return ends, np.where(ends, period, period - 1)

    def closes(self, symbols: Sequence[str], timeframe: Timeframe, decided: Decisions, ago: int) -> Column:
        """Return total-return closes of the last sessions of earlier periods, shape (n_decisions, n_symbols).

        Rounded to 1e-6, in USD as of each decision; NaN where the view of that session has none. `ago` 0 is
        the session itself, 1 the last session of the period before the one decided.

        Parameters
        ----------
        symbols : sequence of str
            Tickers.
        timeframe : Timeframe
            What one bar stands for; weeks run from Monday to Sunday, months are calendar months.
        decided : Decisions
            Sessions at which a strategy of weeks or months decides: their positions, and the period each one decides.
        ago : int
            How many periods back; 0 is the session itself.
        """
        level = self._levels(tuple(symbols))
        now = decided.at
        if not ago:
            return np.asarray(rounded(self._closes(tuple(symbols))[now]))
        before = np.searchsorted(self.days, first_days(decided.period - ago + 1, timeframe)) - 1
        there = (before >= 0) & (before > now - self.needed)
        there &= self.days[before] >= first_days(decided.period - ago, timeframe)
        close = self._closes(tuple(symbols))[before]
        found = np.where(there[:, None], close * (level[before] / level[now]), np.nan)
        return np.asarray(rounded(found))

    def _levels(self, symbols: tuple[str, ...]) -> Column:
        # What total returns take off each close, as seen from the last one: its ratios are those of any session.
        if symbols not in self._kept:
            paying = [
                self.bars[one].dividend.any() and self.dividends.get(one) is not Dividends.NONE for one in symbols
            ]
            kept = [
                kept_of_dividends(self.bars[one]) if pays else np.ones(len(self.bars[one]))
                for one, pays in zip(symbols, paying, strict=True)
            ]
            self._kept[symbols] = self.matrix(symbols, kept), self.close(symbols)
        return self._kept[symbols][0]

    def _closes(self, symbols: tuple[str, ...]) -> Column:
        self._levels(symbols)
        return self._kept[symbols][1]

    @cached_property
    def _asked(self) -> Counter[str]:
        return Counter()

    @cached_property
    def _kept(self) -> dict[tuple[str, ...], tuple[Column, Column]]:
        return {}

    @cached_property
    def _rows(self) -> Mapping[str, Positions]:
        return {symbol: np.searchsorted(self.days, bars.days) for symbol, bars in self.bars.items()}

    @cached_property
    def _priced(self) -> Mapping[str, Bars]:
        return {
            symbol: bars if self.dividends.get(symbol) is Dividends.NONE else total_return(bars)
            for symbol, bars in self.bars.items()
        }


class Trail(Struct, frozen=True, eq=False):
    """A stop that trails the highest close since an entry was decided; what it sold stays out until it begins anew.

    Parameters
    ----------
    distance : ndarray, shape (n_sessions, n_symbols)
        USD from the highest close down to the stop; what closes below it is sold. NaN for no stop.
    highest : ndarray, shape (n_sessions, n_symbols)
        Highest close of so many sessions, USD: older ones raise the stop no more.
    anew : ndarray of bool, shape (n_sessions, n_symbols)
        What was false and is true again lets a symbol in that a stop has sold.
    words : ndarray of int, shape (n_rows, n_symbols)
        Reason of a sale by the stop at a session with a row: position in `reasons`.
    word : int
        Reason of one at any other session.
    """

    distance: Column
    highest: Column
    anew: Mask
    words: NDArray[np.int64]
    word: int


class Allocation(Struct, frozen=True, eq=False):
    """Weights decided apart from what is held.

    Parameters
    ----------
    row : ndarray of int, shape (n_sessions,)
        Which row of the weights is decided at each session; -1: nothing is, -2: nor may a drift be corrected.
    weights : ndarray, shape (n_rows, n_symbols)
        Fractions of the sleeve's equity; NaN leaves a symbol as it is.
    words : ndarray of int, shape (3, n_rows, n_symbols)
        Reason of an order of what is not held, of one that adds and of one that takes off: position in `reasons`.
    reasons : tuple of tuple of str
        Reasons of an order, the deciding one first.
    least_change : float
        Weights off by less are left as they are.
    entries_always : bool
        Whether what is not held is bought, and what is to be 0 sold, whatever the change.
    most_drift : float
        Between decisions a weight off by a larger fraction of the one decided is decided again.
    drift_word : int
        Reason of that.
    targets_last : bool
        Whether what is wanted stands behind all others in the order of the verdicts.
    trail : Trail or None
        A stop that sells at any session, with a row or without.
    """

    row: Positions
    weights: Column
    words: NDArray[np.int64]
    reasons: tuple[tuple[str, ...], ...]
    least_change: float = 0.0
    entries_always: bool = True
    most_drift: float = inf
    drift_word: int = 0
    targets_last: bool = False
    trail: Trail | None = None


class Ranking(Struct, frozen=True, eq=False):
    """The best of a list, where what is held stays until its rank is lost.

    Parameters
    ----------
    row : ndarray of int, shape (n_sessions,)
        Which row is decided at each session; -1: nothing is, -2 - r: row r is due and nothing can be decided, and the
        verdicts are in its order.
    ranks : ndarray, shape (n_rows, n_symbols)
        1 is the best; NaN has no rank: it is left as it is, and keeps its place if it is held.
    parts : ndarray, shape (n_rows, n_symbols)
        What the weights of the chosen are in proportion to; empty for equal ones.
    may_buy : ndarray of bool, shape (n_rows,)
        Whether anything is entered or increased.
    top, stay_rank : int
        Symbols held, and the last rank at which what is held stays.
    reasons : tuple of tuple of str
        Of what is entered, what stays, what is sold.
    """

    row: Positions
    ranks: Column
    parts: Column
    may_buy: Mask
    top: int
    stay_rank: int
    reasons: tuple[tuple[str, ...], ...]


class Signals(Struct, frozen=True, eq=False):
    """Entries and exits by conditions, in a number of places.

    Parameters
    ----------
    row : ndarray of int, shape (n_sessions,)
        Which row is decided at each session; -1: nothing is.
    weights : ndarray, shape (n_rows, n_symbols)
        Of a purchase, as a fraction of the sleeve's equity; NaN where nothing is bought.
    ranks : ndarray, shape (n_rows, n_symbols)
        The lowest is bought first.
    leaves : ndarray of int, shape (n_rows, n_symbols)
        Reasons to leave that do not depend on the entry, a bit for each.
    kept : ndarray, shape (n_rows, n_symbols)
        Distance in USD that stays with an entry.
    target, stop : float
        How many of it above the entry price and below that of the last purchase a position is left; infinite for never.
    max_sessions : int
        Sessions after which it is left.
    bits : tuple of int
        Those of target, stop and max_sessions.
    reasons : tuple of tuple of str
        Of a purchase, then of every sum of bits (see `reasons_by_bits`).
    step : float
        How many of it above the last purchase as much is bought again as was wanted at the entry.
    most_units : int
        Purchases of a position at most.
    most_weight : float
        Weight that such a purchase makes at most.
    step_word : int
        Reason of it.
    """

    row: Positions
    weights: Column
    ranks: Column
    leaves: Positions
    kept: Column
    target: float
    stop: float
    max_sessions: int
    max_positions: int
    bits: tuple[int, int, int]
    reasons: tuple[tuple[str, ...], ...]
    step: float = inf
    most_units: int = 1
    most_weight: float = 1.0
    step_word: int = 0


def reasons_by_bits(entry: str, leave: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return the reason of a purchase, then those of a sale for every sum of bits, the first name's bit being 1."""
    sums = range(1, 1 << len(leave))
    return (entry,), *(tuple(name for bit, name in enumerate(leave) if one >> bit & 1) for one in sums)


type SingleForm = Allocation | Ranking | Signals | Rebalancing
"""What a strategy that asks no other wants, as columns."""


class Voter(NamedTuple):
    """A member of several: its symbols, its form, and at which sessions it has an opinion, shape (n_sessions,)."""

    symbols: tuple[str, ...]
    form: SingleForm
    able: Mask


class Votes(Struct, frozen=True, eq=False):
    """What members want, each on a virtual position of its own, and what follows for what is held.

    Parameters
    ----------
    agreed : callable
        Given the weights that each member wants to hold after each session, shape (n_sessions, n_symbols), NaN where it
        has no opinion; returns the weights of all together.
    """

    voters: tuple[Voter, ...]
    agreed: Callable[[Sequence[Column]], Allocation]


type ColumnForm = SingleForm | Votes
"""What a strategy wants, as columns."""


@runtime_checkable
class ToldInColumns(Protocol):
    """A strategy that can say what it wants at all sessions at once: a backtest of it takes a fraction of the time."""

    def column_form(self, market: MarketColumns) -> ColumnForm | None:
        """Return what `verdicts` says at every session, order by order; None where it cannot be said as columns."""
        ...


def tells_its_own(strategy: Strategy) -> bool:
    """Whether the column form of a strategy is that of its own verdicts, not of those of a class that it extends."""

    def definer(method: str) -> type | None:
        return next((one for one in type(strategy).__mro__ if method in vars(one)), None)

    return isinstance(strategy, ToldInColumns) and definer("column_form") is definer("verdicts")


def rows_of(sessions: int, at: Positions) -> Positions:
    """Return which row each session has where only some sessions have one, in their order; -1 for none."""
    found = np.full(sessions, -1, dtype=np.int64)
    found[at] = np.arange(len(at))
    return found
