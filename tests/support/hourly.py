"""A strategy that only the tests know: hold while the last hour closed above its mean."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from mtum.core.market.timeframes import Timeframe
from mtum.core.strategies.contract import Keep, Own, Strategy, SymbolVerdict, Target, above
from mtum.core.strategies.description import ConditionSpec, IndicatorSpec, Role
from mtum.core.view import MarketView


@dataclass(frozen=True, slots=True)
class Hourly(Strategy):
    """Hold each symbol whose newest bar of a timeframe closed above the mean of a few."""

    name: ClassVar[str] = "hourly"
    EACH_BY_ITSELF: ClassVar[bool] = True
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = (
        ConditionSpec("hour_above_mean", Role.ENTRY, "hour above its mean", "hour not above its mean", "hour", "USD"),
    )
    REASONS: ClassVar[Mapping[str, str]] = {"hour_above_mean": "", "flat": "the hour is not above its mean"}

    symbols: tuple[str, ...] = field(default=("AAA",), metadata={"doc": "symbols it trades"})
    timeframe: Timeframe = field(default=Timeframe.HOUR, metadata={"doc": "bars it looks at"})
    mean_bars: int = field(default=14, metadata={"doc": "bars of the mean"})

    def universe(self) -> tuple[str, ...]:
        """Every symbol of the list."""
        return self.symbols

    def history_sessions(self) -> int:
        """Today's price, and the bar before it."""
        return 2

    @property
    def intraday_bars(self) -> Mapping[Timeframe, int]:
        """As many as the mean takes."""
        return {self.timeframe: self.mean_bars}

    def indicators(self) -> tuple[IndicatorSpec, ...]:
        """The mean."""
        asked = (("sessions", self.mean_bars),)
        return (IndicatorSpec("hour_mean", "sma", asked, "USD", "mean", timeframe=self.timeframe),)

    def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
        """Hold where the condition holds, else nothing."""
        found = []
        for symbol in (one for one in self.symbols if one in view.bars):
            hours, mean = view.framed(symbol, self.timeframe), view.newest(symbol, self.indicators()[0])
            close = float(hours.close[-1]) if len(hours) else None
            condition = above("hour_above_mean", close, mean)
            held = own.of(symbol).shares > 0
            wish = Target(1.0 / len(self.symbols) if condition.passed else 0.0)
            reason = "hour_above_mean" if condition.passed else "flat"
            verdict = Keep() if held is condition.passed else wish
            found.append(SymbolVerdict(symbol, verdict, (reason,), (condition,), {"hour": close, "hour_mean": mean}))
        return tuple(found)
