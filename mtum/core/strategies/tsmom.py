"""Each asset while its own return over a year is above zero, sized by how much it moves: decided at month ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING, ClassVar

from mtum.core.indicators.smoothing import DECIMALS, known
from mtum.core.indicators.volatility import SESSIONS_A_YEAR
from mtum.core.market.timeframes import Timeframe
from mtum.core.strategies.contract import Keep, Own, SymbolVerdict, Target, above, at_least, at_most
from mtum.core.strategies.description import ChartPanel, ConditionSpec, Example, IndicatorSpec, Role
from mtum.core.strategies.periods import due, month_end_history
from mtum.core.strategies.several import TradeFilter, list_problems, range_problems, weight_of

if TYPE_CHECKING:
    from mtum.core.strategies.columns import Allocation, MarketColumns
    from mtum.core.view import MarketView

RETURNS = 400
"""Daily returns in the deviation; older ones weigh next to nothing."""
LEAST_CHANGE = 0.02
"""Smallest change of a held weight worth an order, as a fraction of the sleeve."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Tsmom(TradeFilter):
    """Time-series momentum, long only: hold what has risen over the lookback, each with about the same risk.

    It looks once a month and turns late; where markets go up and down within a year it buys high and sells low.

    References
    ----------
    Moskowitz, Ooi, Pedersen (2012), "Time Series Momentum", Journal of Financial Economics 104(2), without its short
    sales.
    """

    name: ClassVar[str] = "tsmom"
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = (
        ConditionSpec("tsmom_up", Role.ENTRY, "return above zero", "return not above zero", "up", "%", "close"),
        ConditionSpec(
            "tsmom_far", Role.ENTRY, "weight far enough from the wanted one", "weight near the wanted one", "weight",
            of_position=True,
        ),
        ConditionSpec("tsmom_down", Role.EXIT, "return not above zero", "", "down", "%", "close"),
    )  # fmt: skip
    REASONS: ClassVar[Mapping[str, str]] = {"tsmom_up": "", "tsmom_far": "", "tsmom_down": "", "hold": ""}
    EXAMPLE: ClassVar[Example] = Example({"symbols": ["SP500", "NDQ", "UST10", "UST30"]})
    CALENDAR: ClassVar[bool] = True
    TOTAL_RETURNS: ClassVar[bool] = True
    STANDING_PURCHASES: ClassVar[bool] = True
    STANDING_SALES: ClassVar[bool] = True

    symbols: tuple[str, ...] = field(
        default=("SPY", "EFA", "EEM", "IEF", "TLT", "GLD", "DBC"),
        metadata={"doc": "assets, each with an equal part of the sleeve at most"},
    )
    lookback_months: int = field(default=12, metadata={"doc": "month ends back from which the return is measured"})
    skip_months: int = field(default=0, metadata={"doc": "month ends back up to which it is measured; 0 is today"})
    target_vol: float = field(
        default=0.10, metadata={"doc": "volatility a year that each asset's part is to have, as a fraction"}
    )
    max_weight: float = field(default=1.0, metadata={"doc": "largest fraction of an asset's part that is invested"})
    com_sessions: int = field(
        default=60, metadata={"doc": "center of mass of the weights of daily returns in the volatility, sessions"}
    )

    def universe(self) -> tuple[str, ...]:
        """Return the assets."""
        return self.symbols

    def history_sessions(self) -> int:
        """Return the bars of the volatility, or those that reach back to the first close compared."""
        return max(RETURNS + 1, month_end_history(self.lookback_months))

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the parameters, one line each."""
        ranges = range_problems(
            ("lookback_months", self.lookback_months, 1, 120),
            ("skip_months", self.skip_months, 0, 119),
            ("target_vol", self.target_vol, 0.001, 10.0),
            ("max_weight", self.max_weight, 0.01, 1.0),
            ("com_sessions", self.com_sessions, 1, 1000),
        )
        if self.skip_months >= self.lookback_months:
            ranges += (
                f"skip_months is {self.skip_months}; use a whole number below lookback_months, "
                f"which is {self.lookback_months}",
            )
        return list_problems(self.symbols) + ranges + self.filter_problems()

    def panels(self) -> tuple[ChartPanel, ...]:
        """Return the return over the lookback."""
        months = (("sessions", self.lookback_months),)
        shown = IndicatorSpec("tsmom_return", "roc", months, "%", timeframe=Timeframe.MONTH, total_return=True)
        return (ChartPanel(f"Return of {self.lookback_months} months, %", ((shown, "return"),), ((0.0, Role.ENTRY),)),)

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """Return one verdict per asset: sales and what stays first, then what is wanted."""
        found = [self._verdict(view, own, symbol) for symbol in self.symbols]
        return tuple(sorted(found, key=lambda one: one.enters))

    def column_form(self, market: "MarketColumns") -> "Allocation":
        """Return the weights of each month end."""
        import numpy as np

        from mtum.core.strategies.columns import Allocation, rows_of

        decided = market.decisions(Timeframe.MONTH, market.whole(self.symbols))
        months = self.skip_months, self.lookback_months
        new, old = (market.closes(self.symbols, Timeframe.MONTH, decided, ago) for ago in months)
        gain = np.round(100.0 * np.round(new / old - 1.0, DECIMALS), DECIMALS)
        factors = (self.com_sessions / (1.0 + self.com_sessions)) ** np.arange(RETURNS)
        squares = np.diff(np.log(market.total_return(self.symbols)), axis=0, prepend=np.nan) ** 2
        spread = [factors @ squares[t - RETURNS + 1 : t + 1][::-1] / factors.sum() for t in decided.at.tolist()]
        volatility = np.round(np.sqrt(SESSIONS_A_YEAR * np.array(spread).reshape(gain.shape)), DECIMALS)
        with np.errstate(divide="ignore"):
            part = np.round(np.minimum(self.max_weight, self.target_vol / volatility) / len(self.symbols), DECIMALS)
        weights = np.where(gain <= 0, 0.0, np.where((gain > 0) & (volatility > 0), part, np.nan))
        entered, changed = np.where(weights == 0, 2, 0), np.where(weights == 0, 2, 1)
        return Allocation(
            rows_of(len(market.days), decided.at), weights, np.stack([entered, changed, changed]),
            (("tsmom_up",), ("tsmom_far",), ("tsmom_down",)), least_change=LEAST_CHANGE, targets_last=True,
        )  # fmt: skip

    def _verdict(self, view: "MarketView", own: Own, symbol: str) -> SymbolVerdict:
        now, month = due(view, Timeframe.MONTH, own.memory.get("month"))
        ago = (self.skip_months, self.lookback_months)
        new, old = view.closes(symbol, Timeframe.MONTH, ago, period=month if now else None, total_returns=True)
        # In percent of a fraction that is rounded first, as the rule compares it.
        gain = round(100.0 * round(new / old - 1.0, DECIMALS), DECIMALS) if new and old else None
        up, down = above("tsmom_up", gain, 0.0), at_most("tsmom_down", gain, 0.0)
        volatility = self._volatility(view, symbol)
        weight = 0.0 if down.passed else None
        if up.passed and volatility:
            weight = round(min(self.max_weight, self.target_vol / volatility) / len(self.symbols), DECIMALS)
        held, current = own.of(symbol).shares > 0, weight_of(view, own, symbol)
        change = None if weight is None or current is None else round(abs(weight - current), DECIMALS)
        far = at_least("tsmom_far", change, LEAST_CHANGE)
        verdict: Target | Keep = Keep()
        reason = "hold"
        if now and weight is not None and (far.passed or weight == 0 or not held):
            verdict = Target(weight)
            reason = down.name if weight == 0 else far.name if held else up.name
        seen = {
            "close": known(float(view.bars[symbol].close[-1])),
            "tsmom_return": gain,
            "tsmom_volatility": volatility,
        }
        seen |= {"tsmom_weight": weight, "tsmom_weight_held": current}
        return SymbolVerdict(symbol, verdict, (reason,), (up, far, down), seen, memory={"month": month})

    def _volatility(self, view: "MarketView", symbol: str) -> float | None:
        import numpy as np

        closes = view.framed(symbol, Timeframe.DAY, total_returns=True).close[-1 - RETURNS :]
        newest_first = np.diff(np.log(closes))[::-1]
        weights = (self.com_sessions / (1.0 + self.com_sessions)) ** np.arange(len(newest_first))
        return known(sqrt(SESSIONS_A_YEAR * float(weights @ newest_first**2 / weights.sum())))
