"""Buy on the first occasion and never sell: the benchmark as a strategy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from mtum.core.strategies.contract import Holding, Keep, Strategy, SymbolVerdict, Target

if TYPE_CHECKING:
    from mtum.core.view import MarketView


@dataclass(frozen=True, slots=True)
class BuyAndHold(Strategy):
    """Hold as much of one symbol as the sleeve can pay for."""

    name: ClassVar[str] = "buy_and_hold"

    symbol: str = field(default="MTUM", metadata={"doc": "symbol held"})

    def universe(self) -> tuple[str, ...]:
        """Return the one symbol held."""
        return (self.symbol,)

    def history_sessions(self) -> int:
        """Return 1: only today's price matters."""
        return 1

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the parameters, one line each."""
        if not self.symbol or self.symbol != self.symbol.strip().upper():
            return (f'symbol is "{self.symbol}"; use an upper-case ticker such as "MTUM"',)
        return ()

    def verdicts(self, view: "MarketView", holdings: Mapping[str, Holding]) -> tuple[SymbolVerdict, ...]:
        """Return target 1 while flat, keep afterwards."""
        close = float(view.bars[self.symbol].close[-1])
        flat = holdings.get(self.symbol, Holding(self.symbol)).shares == 0
        verdict, reasons = (Target(1.0), ("flat",)) if flat else (Keep(), ("hold",))
        return (SymbolVerdict(self.symbol, verdict, reasons, (), {"close": close}),)
