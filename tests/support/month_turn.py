"""A strategy for tests that asks for everything the contract offers: months, weeks, total returns, memory."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from mtum.core.market.timeframes import Timeframe
from mtum.core.strategies.contract import Keep, Own, Price, Shares, SymbolVerdict, Target, Verdict, below
from mtum.core.strategies.description import ConditionSpec, IndicatorSpec, Role
from mtum.core.strategies.periods import due, month_end_history
from mtum.core.strategies.several import TradeFilter

if TYPE_CHECKING:
    from mtum.core.view import MarketView

WEEKS = IndicatorSpec("weeks", "sma", (("of", "close"), ("sessions", 4)), timeframe=Timeframe.WEEK, total_return=True)


@dataclass(frozen=True, slots=True)
class MonthTurn(TradeFilter):
    """Half in each symbol that beat the yardstick over a month, decided at month ends, half of it sold at a stop."""

    name: ClassVar[str] = "month_turn"
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = (
        ConditionSpec("month_stop", Role.EXIT, "below its stop", unit="USD", input="close", of_position=True),
    )
    CALENDAR: ClassVar[bool] = True
    TOTAL_RETURNS: ClassVar[bool] = True
    STANDING_PURCHASES: ClassVar[bool] = True
    SERIES_SESSIONS: ClassVar[int] = 3

    symbols: tuple[str, ...] = field(default=("AAA", "BBB"), metadata={"doc": "symbols traded"})
    yardstick: str = field(default="CCC", metadata={"doc": "symbol only read"})

    def universe(self) -> tuple[str, ...]:
        """The list."""
        return self.symbols

    def reads(self) -> tuple[str, ...]:
        """The yardstick."""
        return (self.yardstick,)

    def series(self) -> tuple[str, ...]:
        """The VIX, only shown."""
        return ("VIX",)

    def history_sessions(self) -> int:
        """One month end back."""
        return month_end_history(1)

    def indicators(self) -> tuple[IndicatorSpec, ...]:
        """A mean of weekly closes."""
        return (WEEKS,)

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """Best first at month ends; a tenth below the last purchase, half of it goes."""
        now, month = due(view, Timeframe.MONTH, own.memory.get("month"))
        gains = {symbol: self.gain(view, symbol, month) for symbol in (*self.symbols, self.yardstick)}
        found = []
        for symbol in sorted(self.symbols, key=lambda one: -gains[one]):
            held, close = own.of(symbol), float(view.bars[symbol].close[-1])
            stop = own.memory.get(f"stop:{symbol}")
            below_stop = below("month_stop", close, stop.usd if isinstance(stop, Price) else None)
            verdict: Verdict = Keep()
            reason, memory = "hold", {}
            if now:
                verdict, reason = Target(0.5 if gains[symbol] > gains[self.yardstick] else 0.0), "month"
                memory[f"stop:{symbol}"] = Price(symbol, round(close * 0.9, 6)) if verdict.weight else None
            elif held.shares > 1 and isinstance(stop, Price) and close < stop.usd:
                verdict, reason, memory[f"stop:{symbol}"] = Shares(held.shares // 2), "stop", None
            fear = sum(view.series_history["VIX"].values()) if "VIX" in view.series_history else None
            seen = {"fear": fear, "close": close, "gain": gains[symbol], "weeks": view.newest(symbol, WEEKS)}
            found.append(
                SymbolVerdict(symbol, verdict, (reason,), (below_stop,), seen, memory={"month": month, **memory})
            )
        return tuple(sorted(found, key=lambda one: one.verdict != Target(0.0)))

    def gain(self, view: "MarketView", symbol: str, month: str) -> float:
        """Total return since a month end before."""
        new, old = view.closes(symbol, Timeframe.MONTH, (0, 1), period=month, total_returns=True)
        return round(new / old - 1, 6) if new and old else 0.0
