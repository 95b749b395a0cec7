"""Mean reversion: buy what has fallen too far too fast, and sell it once it is back at its mean."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING, ClassVar

from mtum.core.indicators.smoothing import DECIMALS, Smoothing, known, wilder_history
from mtum.core.strategies.contract import (
    Condition,
    Holding,
    Own,
    SymbolVerdict,
    above,
    at_least,
    at_most,
    below,
)
from mtum.core.strategies.description import ChartPanel, ConditionSpec, Example, IndicatorSpec, Role
from mtum.core.strategies.places import (
    at_entry,
    atr_away,
    held_of,
    in_places,
    ruled,
    sessions_held,
)
from mtum.core.strategies.several import TradeFilter, list_problems, range_problems

if TYPE_CHECKING:
    from mtum.core.strategies.columns import MarketColumns, Signals
    from mtum.core.view import MarketView

MEAN_SESSIONS, BAND_SESSIONS, BAND_DEVIATIONS, ATR_SESSIONS = 5, 20, 2.0, 14
RECOVERED = 55.0
"""RSI above which the second variant leaves."""


class Variant(StrEnum):
    """How a fall is measured: by two sessions' RSI, or by the lower Bollinger band and the usual RSI."""

    RSI2 = "rsi2"
    BOLLINGER_RSI = "bollinger_rsi"


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class MeanReversion(TradeFilter):
    """Buy pullbacks in an uptrend, sell the recovery.

    Most trades win a little; the few that lose are the falls that go on: a crash that begins above the trend costs
    many wins, and the first variant has no stop. Trades are many, so costs take their part.

    References
    ----------
    Connors and Alvarez (2009), "Short Term Trading Strategies That Work"; Bollinger (2001), "Bollinger on Bollinger
    Bands".
    """

    name: ClassVar[str] = "mean_reversion"
    EACH_BY_ITSELF: ClassVar[bool] = True
    CALENDAR: ClassVar[bool] = True
    CONFIDENCE: ClassVar[bool] = True
    REMEMBERED: ClassVar[tuple[str, ...]] = ("atr",)
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = (
        ConditionSpec(
            "above_trend", Role.ENTRY, "close above its long mean", "close not above its long mean", "trend", "USD",
            "close",
        ),
        ConditionSpec(
            "below_band", Role.ENTRY, "close below its lower band", "close not below its lower band", "band", "USD",
            "close",
        ),
        ConditionSpec("rsi_oversold", Role.ENTRY, "RSI oversold", "RSI not oversold", "oversold", "", "close"),
        ConditionSpec("mean_reached", Role.EXIT, "back at its mean", "", "mean", "USD", "close"),
        ConditionSpec("rsi_recovered", Role.EXIT, "RSI recovered", "", "recovered", "", "close"),
        ConditionSpec("max_sessions", Role.EXIT, "held long enough", "", "time", "sessions", of_position=True),
        ConditionSpec("stop_atr", Role.EXIT, "stop-loss reached", "", "stop", "USD", "close", of_position=True),
    )  # fmt: skip
    REASONS: ClassVar[Mapping[str, str]] = {
        "oversold": "it has fallen too far too fast",
        **dict.fromkeys(("no_place", "hold"), ""),
        **dict.fromkeys((spec.name for spec in CONDITIONS if spec.role is Role.EXIT), ""),
    }
    EXAMPLE: ClassVar[Example] = Example({"symbols": ["SP500", "NDQ"], "max_positions": 1})

    symbols: tuple[str, ...] = field(default=("SPY", "QQQ", "IWM"), metadata={"doc": "symbols it trades"})
    variant: Variant = field(
        default=Variant.RSI2, metadata={"doc": 'how a pullback is measured: "rsi2" or "bollinger_rsi"'}
    )
    trend_sessions: int = field(
        default=200, metadata={"doc": "window of the mean that the close must be above to enter, sessions; 0 = off"}
    )
    max_positions: int = field(default=5, metadata={"doc": "symbols held at most; each gets an equal part"})
    max_sessions: int = field(default=10, metadata={"doc": "exit after this many sessions"})
    stop_atr: float = field(
        default=3.0, metadata={"doc": 'exit this many ATR of the entry below its price; "bollinger_rsi" only'}
    )

    def universe(self) -> tuple[str, ...]:
        """Return the symbols it trades."""
        return self.symbols

    @property
    def bar_columns(self) -> tuple[str, ...]:
        """What the ATR looks at."""
        return ("high", "low")

    @property
    def usual_weights(self) -> Mapping[str, float]:
        """Return the part of one of its places."""
        return dict.fromkeys(self.symbols, 1 / self.max_positions)

    def history_sessions(self) -> int:
        """Return the bars after which the slowest mean no longer depends on where they begin."""
        return max(self.trend_sessions, wilder_history(ATR_SESSIONS), BAND_SESSIONS)

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the parameters, one line each."""
        found = list_problems(self.symbols) + self.filter_problems()
        if self.variant not in tuple(Variant):
            found += (f'variant is "{self.variant}"; use "{Variant.RSI2}" or "{Variant.BOLLINGER_RSI}"',)
        if self.trend_sessions == 1:
            found += ("trend_sessions is 1; use a whole number from 2 to 1000, or 0 for none",)
        return found + range_problems(
            ("trend_sessions", self.trend_sessions, 0, 1000),
            ("max_positions", self.max_positions, 1, 500),
            ("max_sessions", self.max_sessions, 1, 250),
            ("stop_atr", self.stop_atr, 0.01, 100.0),
        )

    def indicators(self) -> tuple[IndicatorSpec, ...]:
        """Return the trend, the mean to come back to, the RSI and the ATR."""
        wilder, two = ("smoothing", Smoothing.WILDER), self.variant == Variant.RSI2
        band = (("sessions", BAND_SESSIONS), ("deviations", BAND_DEVIATIONS))
        found = [
            IndicatorSpec("rsi", "rsi", (("sessions", 2 if two else 14), wilder), "", "RSI"),
            IndicatorSpec("atr", "atr", (("sessions", ATR_SESSIONS), wilder), "USD", "ATR"),
        ]
        if two:
            mean = (("of", "close"), ("sessions", MEAN_SESSIONS))
            found.append(IndicatorSpec("mean", "sma", mean, "USD", f"mean of {MEAN_SESSIONS} sessions"))
        else:
            found += [
                IndicatorSpec("mean", "bollinger", (*band, ("line", "middle")), "USD", "middle band"),
                IndicatorSpec("lower_band", "bollinger", (*band, ("line", "lower")), "USD", "lower band"),
            ]
        if self.trend_sessions:
            trend = (("of", "close"), ("sessions", self.trend_sessions))
            found.append(IndicatorSpec("trend", "sma", trend, "USD", f"mean of {self.trend_sessions} sessions"))
        return tuple(found)

    def panels(self) -> tuple[ChartPanel, ...]:
        """Return the means and the band over the price, then the RSI."""
        lines = tuple((one.name, one.words) for one in self.indicators() if one.name not in ("rsi", "atr"))
        leave = () if self.variant == Variant.RSI2 else ((RECOVERED, Role.EXIT),)
        levels = ((self._oversold, Role.ENTRY), *leave)
        return (ChartPanel("", lines), ChartPanel("RSI", (("rsi", "RSI"),), levels, bounds=(0.0, 100.0)))

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """Return the exits, then the deepest falls as far as there are places, then the rest."""
        fit = (symbol for symbol in self.symbols if symbol in view.bars)
        return in_places((self._judged(view, own, symbol) for symbol in fit), own, self.max_positions)

    def column_form(self, market: "MarketColumns") -> "Signals":
        """Return where it has fallen too far, and where it is back."""
        import numpy as np

        from mtum.core.strategies.columns import Signals, reasons_by_bits

        now = {one.name: market.values(self.symbols, one) for one in self.indicators()}
        close, enters, two = market.close(self.symbols), now["rsi"] < self._oversold, self.variant == Variant.RSI2
        if self.trend_sessions:
            enters &= close > now["trend"]
        names: tuple[str, ...]
        if two:
            leaves, names, bits = close > now["mean"], ("mean_reached", "max_sessions"), (0, 0, 2)
        else:
            enters &= close < now["lower_band"]
            leaves = (close >= now["mean"]) + 2 * (now["rsi"] > RECOVERED)
            names, bits = ("mean_reached", "rsi_recovered", "max_sessions", "stop_atr"), (0, 8, 4)
        return Signals(
            np.arange(len(close)), np.where(enters, round(1 / self.max_positions, DECIMALS), np.nan), now["rsi"],
            leaves.astype(np.int64), now["atr"], inf, inf if two else self.stop_atr, self.max_sessions,
            self.max_positions, bits, reasons_by_bits("oversold", names),
        )  # fmt: skip

    def _judged(self, view: "MarketView", own: Own, symbol: str) -> tuple[float, SymbolVerdict]:
        now = {spec.name: view.newest(symbol, spec) for spec in self.indicators()}
        close, holding = float(view.bars[symbol].close[-1]), held_of(own, symbol)
        entry, leave = self._entry(close, now), self._leave(view, close, now, holding)
        verdict, reasons = ruled(entry, leave, round(1 / self.max_positions, DECIMALS), "oversold", holding)
        seen, rsi = {"close": known(close), **now}, now["rsi"]
        said = SymbolVerdict(symbol, verdict, reasons, entry + leave, seen, at_entry(verdict, now, self.REMEMBERED))
        return inf if rsi is None else rsi, said

    @property
    def _oversold(self) -> float:
        return 5.0 if self.variant == Variant.RSI2 else 30.0

    def _entry(self, close: float, now: Mapping[str, float | None]) -> tuple[Condition, ...]:
        trend = (above("above_trend", close, now["trend"]),) if self.trend_sessions else ()
        band = (below("below_band", close, now["lower_band"]),) if self.variant != Variant.RSI2 else ()
        return (*trend, *band, below("rsi_oversold", now["rsi"], self._oversold))

    def _leave(
        self, view: "MarketView", close: float, now: Mapping[str, float | None], holding: Holding
    ) -> tuple[Condition, ...]:
        held_long = at_least("max_sessions", sessions_held(view, holding), self.max_sessions)
        if self.variant == Variant.RSI2:
            return (above("mean_reached", close, now["mean"]), held_long)
        return (
            at_least("mean_reached", close, now["mean"]),
            above("rsi_recovered", now["rsi"], RECOVERED),
            held_long,
            at_most("stop_atr", close, atr_away(holding.entry_price, -self.stop_atr, holding)),
        )
