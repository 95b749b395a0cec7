"""A two-symbol strategy for tests: it shows that the contract is not about one symbol."""

from dataclasses import dataclass
from typing import ClassVar

from mtum.core.strategies.contract import Keep, Own, Strategy, SymbolVerdict, Target
from mtum.core.view import MarketView


@dataclass(frozen=True, slots=True)
class SixtyForty(Strategy):
    """60 % in one symbol and 40 % in another, restored whenever a weight is off by more than a tenth."""

    name: ClassVar[str] = "sixty_forty"

    stocks: str = "AAA"
    bonds: str = "BBB"

    def universe(self) -> tuple[str, ...]:
        """Both symbols."""
        return (self.stocks, self.bonds)

    def history_sessions(self) -> int:
        """Today's price is enough."""
        return 1

    def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
        """Give both targets when either weight is off, else keep both."""
        weights = {self.stocks: 0.6, self.bonds: 0.4}
        worth = {symbol: own.of(symbol).shares * float(view.bars[symbol].close[-1]) for symbol in weights}
        total = sum(worth.values())
        off = total == 0 or any(abs(worth[symbol] / total - weight) > 0.1 for symbol, weight in weights.items())
        return tuple(
            SymbolVerdict(symbol, Target(weight) if off else Keep(), ("rebalance" if off else "hold",), (), {})
            for symbol, weight in weights.items()
        )
