"""A grid made ready to play: its combinations, and the histories that they share."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.app.research.backtest_request import BacktestRequest
from mtum.app.research.grid_file import Grid
from mtum.app.research.studies import hash_of_bars
from mtum.core.market.bars import Days
from mtum.core.research.grid import RESULT_COLUMNS, Combination, Part
from mtum.core.research.session_grid import AccountCombination, AccountPart
from mtum.core.simulation.history import History
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.strategies.columns import ToldInColumns

CHUNK = 500
"""Combinations of one compiled pass."""
MOST_NAMED = 8
"""Symbols that name a history."""
MUCH = 1_000_000
"""Sessions times symbols times combinations from which machine code is worth loading, or making, for a walk."""


class Ground(Struct, frozen=True, eq=False):
    """A history that combinations share.

    Parameters
    ----------
    symbols : tuple of str
        What they may hold.
    history : History or None
        Columns for the compiled grid; None where each combination is played by itself.
    span : Span
        Where the sessions lie that are decided.
    notes : tuple of str
        What a person has to know of the bars.
    left_out : mapping of symbol to str
        Symbols that are not fit, and why.
    """

    symbols: tuple[str, ...]
    market: SessionHistory
    history: History | None
    span: Span
    notes: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its symbols in a word, or how many there are."""
        return "+".join(self.symbols) if len(self.symbols) <= MOST_NAMED else f"{len(self.symbols)} symbols"

    def worth_usd(self, holdings: Mapping[str, int]) -> dict[str, float]:
        """Return what shares at the start are worth by symbol: they were there at the close before."""
        return {
            symbol: shares * self.market.worth_of(symbol)[self.span.first - 1] for symbol, shares in holdings.items()
        }

    def part(self, combinations: Sequence[Combination | AccountCombination], *, much: bool) -> Part | AccountPart:
        """Return these combinations as a part of a sweep, of one in which there is much to do."""
        if self.history is not None:
            return Part(self.history, self.span, [one for one in combinations if isinstance(one, Combination)])
        own = [one for one in combinations if isinstance(one, AccountCombination)]
        return AccountPart(self.market, self.span, own, much)


class PreparedSweep(Struct, frozen=True, eq=False):
    """A grid made ready: one combination per row, and the histories they share.

    All are decided on the same sessions, `days`, so that their rows compare.

    Parameters
    ----------
    at : tuple of int
        The ground of each combination.
    code : str
        Hash of the code that plays.
    """

    grid: Grid
    asked: BacktestRequest
    grounds: tuple[Ground, ...]
    at: tuple[int, ...]
    changes: tuple[Mapping[str, Any], ...]
    combinations: tuple[Combination | AccountCombination, ...]
    code: str

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols traded, in the order of the grid."""
        return tuple(dict.fromkeys(symbol for ground in self.grounds for symbol in ground.symbols))

    @property
    def strategies(self) -> tuple[str, ...]:
        """Names of the strategies played."""
        return tuple(dict.fromkeys(name for one in self.combinations for name in one.strategies))

    @property
    def cautions(self) -> tuple[str, ...]:
        """What a person has to know of the bars and of the strategies."""
        notes = (note for ground in self.grounds for note in ground.notes)
        return tuple(dict.fromkeys((*notes, *(line for one in self.combinations for line in one.cautions))))

    def capital_usd(self, row: int) -> float:
        """Return what a combination begins with, shares at the start included."""
        one = self.combinations[row]
        return one.capital_usd + sum(self.grounds[self.at[row]].worth_usd(one.terms.holdings).values())

    @property
    def is_compiled(self) -> bool:
        """Whether the combinations are played in one compiled pass."""
        return self.grounds[0].history is not None

    @property
    def is_walked(self) -> bool:
        """Whether there is so much to walk over columns that machine code is worth loading."""
        much = len(self.days) * len(self.symbols) * len(self.combinations) >= MUCH
        alone = (one.alone for one in self.combinations if isinstance(one, AccountCombination))
        return much and any(isinstance(one, ToldInColumns) for one in alone)

    @property
    def days(self) -> Days:
        """Sessions decided."""
        ground = self.grounds[0]
        return ground.market.days[ground.span.first : ground.span.stop]

    def parts(self, numbers: Sequence[int]) -> Iterator[tuple[list[int], Part | AccountPart]]:
        """Cut combinations into parts, each on one history: what is killed loses the parts that are not finished."""
        size = CHUNK if self.is_compiled else 1
        for place, ground in enumerate(self.grounds):
            own = [number for number in numbers if self.at[number] == place]
            for first in range(0, len(own), size):
                rows = own[first : first + size]
                yield rows, ground.part([self.combinations[row] for row in rows], much=self.is_walked)

    def within(self, window: Span) -> "PreparedSweep":
        """Return the same combinations over a window of the sessions, counted from the first decided."""

        def moved(span: Span) -> Span:
            return Span(span.first + window.first, span.first + window.stop)

        return replace(self, grounds=tuple(replace(one, span=moved(one.span)) for one in self.grounds))

    def fingerprint(self) -> str:
        """Return a short hash of grid, terms, code and data: equal only if the results would be."""
        found = sha256(repr([RESULT_COLUMNS, *(dict(change) for change in self.changes)]).encode())
        found.update(repr([self.combinations[0], *(one.span for one in self.grounds), self.code]).encode())
        found.update(hash_of_bars([one.market for one in self.grounds]).encode())
        return found.hexdigest()[:12]
