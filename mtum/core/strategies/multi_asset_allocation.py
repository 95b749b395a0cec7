"""Fixed weights in several kinds of assets, each held only while it is above its average of months."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from mtum.core.indicators.smoothing import DECIMALS, known
from mtum.core.market.timeframes import Timeframe
from mtum.core.strategies.contract import (
    Abstain,
    Condition,
    Keep,
    Own,
    Remembered,
    SymbolVerdict,
    Target,
    Verdict,
    above,
    at_most,
)
from mtum.core.strategies.description import ChartPanel, ConditionSpec, Example, IndicatorSpec, Role
from mtum.core.strategies.periods import due, month_end_history
from mtum.core.strategies.several import (
    VOLATILITY,
    VOLATILITY_SESSIONS,
    TradeFilter,
    inverse_parts,
    list_problems,
    range_problems,
    weight_of,
    weights_problems,
)

if TYPE_CHECKING:
    from mtum.core.strategies.columns import Allocation, MarketColumns
    from mtum.core.view import MarketView


class Sizing(StrEnum):
    """Where the weight of a symbol above its average comes from: the table, or 1 / volatility."""

    BASE = "base"
    INVERSE_VOL = "inverse_vol"


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class MultiAssetAllocation(TradeFilter):
    """At month ends hold each symbol whose close is above the average of its last monthly closes, at its weight.

    It lags: it sells after the fall has begun and buys back after the rise has, and where prices cross their
    average to and fro it pays for every crossing. In long rises it holds less than the assets alone.

    References
    ----------
    Faber (2007), "A Quantitative Approach to Tactical Asset Allocation", Journal of Wealth Management 9(4).
    """

    name: ClassVar[str] = "multi_asset_allocation"
    CALENDAR: ClassVar[bool] = True
    TOTAL_RETURNS: ClassVar[bool] = True
    STANDING_PURCHASES: ClassVar[bool] = True
    STANDING_SALES: ClassVar[bool] = True
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = (
        ConditionSpec(
            "above_monthly_average", Role.ENTRY, "above the average of its monthly closes",
            "not above the average of its monthly closes", "above average", "USD", "close",
        ),
        ConditionSpec(
            "below_monthly_average", Role.EXIT, "not above the average of its monthly closes", "",
            "below average", "USD", "close",
        ),
        ConditionSpec(
            "weight_drifted", Role.EXIT, "its weight has drifted too far from the one decided", "",
            "drift", of_position=True,
        ),
    )  # fmt: skip
    REASONS: ClassVar[Mapping[str, str]] = {
        "above_monthly_average": "",
        "below_monthly_average": "",
        "weight_drifted": "",
        "cash_of_others": "it takes the part of the assets that are below their averages",
        "no_cash_of_others": "no asset is below its average",
        "volatility_unknown": "a symbol has not moved at all, so nothing can be weighed by volatility",
        "hold": "",
    }
    EXAMPLE: ClassVar[Example] = Example(
        {
            "weights": {"SP500": 0.2, "NDQ": 0.2, "UST10": 0.2, "UST30": 0.2, "UST2": 0.2},
            "cash_symbol": "BILL",
            "drift_band": 0.05,
        },
        capital_usd=100_000.0,
    )

    weights: Mapping[str, float] = field(
        default_factory=lambda: dict.fromkeys(("SPY", "EFA", "IEF", "DBC", "VNQ"), 0.2),
        metadata={"doc": "weight of each symbol while it is held, fraction of the sleeve's equity"},
    )
    months: int = field(default=10, metadata={"doc": "monthly closes averaged, the running month's included"})
    cash_symbol: str = field(
        default="", metadata={"doc": "fund that gets the weight of the symbols not held; empty for cash"}
    )
    sizing: Sizing = field(
        default=Sizing.BASE,
        metadata={"doc": '"base": the weights as given; "inverse_vol": their sum shared by 1 / volatility'},
    )
    drift_band: float = field(
        default=0.5, metadata={"doc": "drift of a weight, fraction of it, that is corrected between month ends"}
    )

    def universe(self) -> tuple[str, ...]:
        """Return the symbols of the table, and the fund for what they leave."""
        return (*self.weights, *filter(None, [self.cash_symbol]))

    @property
    def benchmark(self) -> Mapping[str, float]:
        """Return the weights as given, held whatever the averages say."""
        return self.weights

    def history_sessions(self) -> int:
        """Return the bars back to the oldest monthly close averaged."""
        volatility = VOLATILITY_SESSIONS if self.sizing is Sizing.INVERSE_VOL else 0
        return max(month_end_history(self.months - 1), volatility)

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the parameters, one line each."""
        fund = (self.cash_symbol,) if self.cash_symbol else ()
        found = weights_problems(self.weights) + list_problems(fund, "cash_symbol", least=0)
        if self.cash_symbol in self.weights:
            found += (f"cash_symbol is {self.cash_symbol}, which has a weight of its own; use another fund, or none",)
        return (
            found
            + range_problems(("months", self.months, 2, 120), ("drift_band", self.drift_band, 0.0, 10.0))
            + (self.filter_problems())
        )

    def indicators(self) -> tuple[IndicatorSpec, ...]:
        """Return the average of the monthly closes, and the volatility where it sizes positions."""
        asked, words = (("of", "close"), ("sessions", self.months)), f"average of {self.months} monthly closes"
        average = IndicatorSpec(
            "monthly_average", "sma", asked, "USD", words, timeframe=Timeframe.MONTH, total_return=True
        )
        return (average, VOLATILITY) if self.sizing is Sizing.INVERSE_VOL else (average,)

    def panels(self) -> tuple[ChartPanel, ...]:
        """Return the average over the price."""
        return (ChartPanel("", (("monthly_average", f"average of {self.months} months"),)),)

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """Return every weight anew at month ends, between them what has drifted too far; sales come first."""
        now, month = due(view, Timeframe.MONTH, own.memory.get("month"))
        seen = {symbol: self._readings(view, own, symbol, month if now else None) for symbol in self.universe()}
        asked = {symbol: self._conditions(symbol, one) for symbol, one in seen.items()}
        wanted = self._wanted(seen, {symbol for symbol in self.weights if asked[symbol][0].passed}) if now else {}
        found = []
        for symbol, conditions in asked.items():
            decided, drift = seen[symbol]["weight_decided"], conditions[-1]
            verdict: Verdict = Keep()
            reason = "hold"
            memory: dict[str, Remembered | None] = {"month": month}
            if wanted is None:
                verdict, reason, memory = Abstain(), "volatility_unknown", {}
            elif now:
                verdict, reason = Target(wanted[symbol]), self._reason(symbol, wanted[symbol])
                memory[f"w:{symbol}"] = wanted[symbol]
            elif drift.passed and decided is not None:
                verdict, reason = Target(decided), drift.name
            found.append(SymbolVerdict(symbol, verdict, (reason,), conditions, seen[symbol], memory=memory))
        return tuple(sorted(found, key=lambda one: not one.sells_all))

    def column_form(self, market: "MarketColumns") -> "Allocation | None":
        """Return the weights of each month end."""
        import numpy as np

        from mtum.core.strategies.columns import Allocation, rows_of

        listed, symbols = tuple(self.weights), self.universe()
        able = market.whole(symbols)
        decided = market.decisions(Timeframe.MONTH, able)
        whole = np.array([*self.weights.values()])
        base = np.tile(whole, (len(decided.at), 1))
        if self.sizing is Sizing.INVERSE_VOL:
            inverse = 1 / market.values(listed, VOLATILITY)[decided.at]
            if not np.isfinite(inverse).all():
                return None
            base = np.round(whole.sum() * inverse / inverse.sum(axis=1, keepdims=True), DECIMALS)
        closes = [market.closes(listed, Timeframe.MONTH, decided, ago) for ago in range(self.months)]
        risen = closes[0] > np.round(sum(closes) / self.months, DECIMALS)
        weights, words = np.where(risen, base, 0.0), np.where(risen, 0, 1)
        if self.cash_symbol:
            rest = np.round(base.sum(axis=1) - weights.sum(axis=1), DECIMALS)[:, None]
            weights, words = np.hstack([weights, rest]), np.hstack([words, np.where(rest != 0, 2, 3)])
        row = rows_of(len(market.days), decided.at)
        row[~able] = -2
        names = "above_monthly_average", "below_monthly_average", "cash_of_others", "no_cash_of_others"
        reasons = tuple((name,) for name in (*names, "weight_drifted"))
        return Allocation(
            row, weights, np.stack([words] * 3), reasons, most_drift=self.drift_band, drift_word=4, targets_last=True
        )

    def _readings(self, view: "MarketView", own: Own, symbol: str, month: str | None) -> dict[str, float | None]:
        closes = view.closes(symbol, Timeframe.MONTH, (*range(self.months),), period=month, total_returns=True)
        whole = [close for close in closes if close is not None]
        decided = own.memory.get(f"w:{symbol}")
        found = {
            "close": known(float(view.bars[symbol].close[-1])),
            "monthly_average": known(sum(whole) / self.months) if len(whole) == self.months else None,
            "weight": weight_of(view, own, symbol),
            "weight_decided": decided if isinstance(decided, float | int) else None,
        }
        sized = {VOLATILITY.name: view.newest(symbol, VOLATILITY)} if self.sizing is Sizing.INVERSE_VOL else {}
        return found | sized

    def _conditions(self, symbol: str, seen: Mapping[str, float | None]) -> tuple[Condition, ...]:
        current, decided = seen["weight"], seen["weight_decided"]
        off = None if current is None or not decided else abs(round(current / decided - 1, DECIMALS))
        drift = above("weight_drifted", off, self.drift_band)
        if symbol == self.cash_symbol:
            return (drift,)
        close, average = seen["close"], seen["monthly_average"]
        return above("above_monthly_average", close, average), at_most("below_monthly_average", close, average), drift

    def _wanted(self, seen: Mapping[str, Mapping[str, float | None]], risen: set[str]) -> dict[str, float] | None:
        base = self.weights
        if self.sizing is Sizing.INVERSE_VOL:
            parts = inverse_parts({symbol: seen[symbol][VOLATILITY.name] for symbol in base})
            if parts is None:
                return None
            whole = sum(base.values())
            base = {symbol: round(whole * part, DECIMALS) for symbol, part in parts.items()}
        wanted = {symbol: weight if symbol in risen else 0.0 for symbol, weight in base.items()}
        if self.cash_symbol:
            wanted[self.cash_symbol] = round(sum(base.values()) - sum(wanted.values()), DECIMALS)
        return wanted

    def _reason(self, symbol: str, weight: float) -> str:
        if symbol == self.cash_symbol:
            return "cash_of_others" if weight else "no_cash_of_others"
        return "above_monthly_average" if weight else "below_monthly_average"
