"""A strategy that only the tests know: hold the strongest of a list of symbols."""

from dataclasses import dataclass, field
from typing import ClassVar

from mtum.core.indicators.smoothing import known
from mtum.core.strategies.contract import Keep, Own, Strategy, SymbolVerdict, Target, above, below
from mtum.core.strategies.description import ChartPanel, ConditionSpec, IndicatorSpec, Role
from mtum.core.view import MarketView


@dataclass(frozen=True, slots=True)
class Rotation(Strategy):
    """Hold the symbol whose close is highest above its own mean."""

    name: ClassVar[str] = "rotation"
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = (
        ConditionSpec("strongest", Role.ENTRY, "strongest of the list", "not the strongest of the list", "strong", ""),
        ConditionSpec("weaker", Role.EXIT, "weaker than the strongest", "", "weak", ""),
    )

    symbols: tuple[str, ...] = field(default=("AAA", "BBB"), metadata={"doc": "symbols to choose from"})
    mean_sessions: int = field(default=5, metadata={"doc": "window of the mean, sessions"})

    def universe(self) -> tuple[str, ...]:
        """Every symbol of the list."""
        return self.symbols

    def history_sessions(self) -> int:
        """One mean."""
        return self.mean_sessions

    def indicators(self) -> tuple[IndicatorSpec, ...]:
        """The mean."""
        asked = (("of", "close"), ("sessions", self.mean_sessions))
        return (IndicatorSpec("average", "sma", asked, "USD", f"mean of {self.mean_sessions}"),)

    def panels(self) -> tuple[ChartPanel, ...]:
        """The mean over the price."""
        return (ChartPanel("", (("average", f"mean {self.mean_sessions}"),)),)

    def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
        """Target 1 for the strongest, 0 for what is held beside it."""
        close = {symbol: float(view.bars[symbol].close[-1]) for symbol in self.symbols}
        average = {symbol: view.newest(symbol, self.indicators()[0]) for symbol in self.symbols}
        strength = {symbol: known(close[symbol] / (average[symbol] or 1.0)) or 0.0 for symbol in self.symbols}
        found = []
        for symbol in self.symbols:
            best = max(strength[other] for other in self.symbols if other != symbol)
            conditions = (above("strongest", strength[symbol], best), below("weaker", strength[symbol], best))
            held = own.of(symbol).shares > 0
            acting = conditions[1].passed if held else conditions[0].passed
            verdict = Keep() if not acting else Target(0.0 if held else 1.0)
            reasons = (conditions[1 if held else 0].name,) if acting else ("hold",)
            seen = {"close": close[symbol], "average": average[symbol], "strength": strength[symbol]}
            found.append(SymbolVerdict(symbol, verdict, reasons, conditions, seen))
        return tuple(found)
