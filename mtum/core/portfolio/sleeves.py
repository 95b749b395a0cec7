"""A sleeve: one strategy with its parameters, its share of the money and its own books."""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from mtum.core.portfolio.costs import to_cent
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.money import exact
from mtum.core.strategies.contract import Strategy

CLOSED = "sleeve_closed"
"""Reason word: the settings say that the sleeve sells all it holds."""


class SleeveState(StrEnum):
    """What a sleeve may do.

    ON trades. WATCH decides with virtual money and sends nothing. REDUCE_ONLY makes no entries. CLOSE sells all
    it holds. OFF decides nothing and is still reconciled, settled and reported.
    """

    ON = "on"
    WATCH = "watch"
    REDUCE_ONLY = "reduce_only"
    CLOSE = "close"
    OFF = "off"


class Sleeve(Struct, frozen=True):
    """A strategy as it runs in the account; without sleeves in the settings the account is one sleeve of weight 1.

    Parameters
    ----------
    name : str
        Stands in the column `strategy` of every table.
    weight : float
        Fraction of the account's capital it starts with.
    virtual_usd : float
        What it starts with while it is only watched.
    benchmark : str
        Symbol that its benchmark holds; empty for what its strategy is compared with.
    rules : PortfolioRules
        Its sizing and its limits.
    loss_pause_sessions : int
        Further sessions without entries after a daily loss.
    """

    name: str
    strategy: Strategy
    weight: float
    state: SleeveState
    virtual_usd: float
    benchmark: str
    rules: PortfolioRules
    loss_pause_sessions: int = 1

    @property
    def decides(self) -> bool:
        """Whether it is asked at all."""
        return self.state is not SleeveState.OFF

    @property
    def owns_money(self) -> bool:
        """Whether its cash and shares are real."""
        return self.state is not SleeveState.WATCH

    def part_of(self, capital_usd: Decimal) -> Decimal:
        """Return its part of the account's capital, USD."""
        return capital_usd if self.weight == 1 else to_cent(capital_usd * exact(self.weight))

    @property
    def symbols(self) -> tuple[str, ...]:
        """What it may hold, in the order of its strategy."""
        return self.strategy.universe()

    @property
    def compared_with(self) -> Mapping[str, float]:
        """Symbols that its benchmark buys and holds, and the fraction of the money in each."""
        weights = {self.benchmark: 1.0} if self.benchmark else self.strategy.benchmark
        whole = max(1.0, sum(weights.values()))
        return {symbol: weight / whole for symbol, weight in weights.items()}

    @property
    def looks_at(self) -> tuple[str, ...]:
        """Symbols whose bars its decision needs: what it may hold, and what it only reads."""
        return tuple(dict.fromkeys((*self.strategy.universe(), *self.strategy.reads())))

    @property
    def forced_exits(self) -> Mapping[str, str]:
        """Symbols that it sells whatever its strategy says, with the reason word."""
        return dict.fromkeys(self.symbols if self.state is SleeveState.CLOSE else (), CLOSED)

    def restricted(self, halted: Restriction) -> Restriction:
        """Return what it may do under a halt, or under none."""
        exits_only = self.state in (SleeveState.REDUCE_ONLY, SleeveState.CLOSE)
        return Restriction.REDUCE_ONLY if exits_only and halted is Restriction.NONE else halted

    def is_stuck(self, unfit: Collection[str]) -> bool:
        """Return whether nothing can be decided without these symbols: all, or one where each is weighed by all."""
        return not self.strategy.EACH_BY_ITSELF or {*self.symbols} <= {*unfit}


def symbols_of(sleeves: Iterable[Sleeve]) -> tuple[str, ...]:
    """Return every symbol that one of these sleeves may hold, in the order of the sleeves."""
    return tuple(dict.fromkeys(symbol for sleeve in sleeves for symbol in sleeve.symbols))


def series_of(sleeves: Iterable[Sleeve]) -> tuple[str, ...]:
    """Return every extra series that one of these sleeves asks for."""
    return tuple(dict.fromkeys(name for sleeve in sleeves for name in sleeve.strategy.series()))
