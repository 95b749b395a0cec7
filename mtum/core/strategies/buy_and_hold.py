"""Buy on the first occasion and never sell: the benchmark as a strategy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from mtum.core.indicators.smoothing import DECIMALS
from mtum.core.strategies.contract import Keep, Own, Strategy, SymbolVerdict, Target
from mtum.core.strategies.description import Example
from mtum.core.strategies.several import list_problems

if TYPE_CHECKING:
    from mtum.core.strategies.columns import Allocation, MarketColumns
    from mtum.core.view import MarketView


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BuyAndHold(Strategy):
    """Hold as much of each symbol as its equal part of the sleeve can pay for; dividends stay in cash."""

    name: ClassVar[str] = "buy_and_hold"
    EACH_BY_ITSELF: ClassVar[bool] = True
    REASONS: ClassVar[Mapping[str, str]] = {"flat": "nothing was held", "hold": ""}
    EXAMPLE: ClassVar[Example] = Example({"symbols": ["SP500", "UST10"]})

    symbol: str = field(default="MTUM", metadata={"doc": "the one symbol held, where `symbols` names none"})
    symbols: tuple[str, ...] = field(default=(), metadata={"doc": "symbols held, in equal parts"})

    def universe(self) -> tuple[str, ...]:
        """Return the symbols held."""
        return self.symbols or (self.symbol,)

    def history_sessions(self) -> int:
        """Return 1: only today's price matters."""
        return 1

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the parameters, one line each."""
        if not self.symbols and (not self.symbol or self.symbol != self.symbol.strip().upper()):
            return (f'symbol is "{self.symbol}"; use an upper-case ticker such as "MTUM"',)
        return list_problems(self.symbols, least=0)

    def column_form(self, market: "MarketColumns") -> "Allocation":
        """Return an equal weight of whatever is flat."""
        from math import inf

        import numpy as np

        from mtum.core.strategies.columns import Allocation

        count, always = len(self.universe()), np.zeros(len(market.days), dtype=np.int64)
        words = np.zeros((3, 1, count), dtype=np.int64)
        return Allocation(
            always, np.full((1, count), round(1 / count, DECIMALS)), words, (("flat",),), least_change=inf
        )

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """Return an equal target for what is flat, keep for the rest."""
        symbols = self.universe()
        part = Target(round(1 / len(symbols), DECIMALS))
        return tuple(
            SymbolVerdict(
                symbol,
                Keep() if own.of(symbol).shares else part,
                ("hold" if own.of(symbol).shares else "flat",),
                (),
                {"close": float(view.bars[symbol].close[-1])},
            )
            for symbol in symbols
            if symbol in view.bars
        )
