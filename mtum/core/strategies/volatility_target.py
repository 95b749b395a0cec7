"""Hold as much of one symbol as keeps its expected swings at a set level."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from mtum.core.indicators.smoothing import DECIMALS, known
from mtum.core.strategies.contract import Keep, Own, Strategy, SymbolVerdict, Target, at_least
from mtum.core.strategies.description import ChartPanel, ConditionSpec, Example, IndicatorSpec, Role
from mtum.core.strategies.several import list_problems, range_problems, weight_of

if TYPE_CHECKING:
    from mtum.core.strategies.columns import Allocation, MarketColumns
    from mtum.core.view import MarketView


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class VolatilityTarget(Strategy):
    """Hold target_vol / volatility of one symbol, never more than max_weight; trade when that is off by a step.

    It trades often in nervous markets, sells after falls and buys back higher when they end quickly, and without
    leverage it holds less than the symbol in most years.

    References
    ----------
    Moreira & Muir (2017), "Volatility-Managed Portfolios", Journal of Finance 72(4).
    """

    name: ClassVar[str] = "volatility_target"
    TOTAL_RETURNS: ClassVar[bool] = True
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = (
        ConditionSpec(
            "weight_below_target", Role.ENTRY, "a step or more below the weight wanted",
            "less than a step below the weight wanted", "add", of_position=True,
        ),
        ConditionSpec(
            "weight_above_target", Role.EXIT, "a step or more above the weight wanted",
            "less than a step above the weight wanted", "cut", of_position=True,
        ),
    )  # fmt: skip
    REASONS: ClassVar[Mapping[str, str]] = {"weight_below_target": "", "weight_above_target": "", "hold": ""}
    EXAMPLE: ClassVar[Example] = Example({"symbol": "SP500"})

    symbol: str = field(default="SPY", metadata={"doc": "symbol held"})
    target_vol: float = field(default=0.12, metadata={"doc": "volatility wanted, fraction a year"})
    vol_sessions: int = field(default=20, metadata={"doc": "returns the volatility is measured over, sessions"})
    max_weight: float = field(default=1.0, metadata={"doc": "largest weight, fraction of the sleeve's equity"})
    step: float = field(default=0.10, metadata={"doc": "smallest change of the weight that is traded"})

    def universe(self) -> tuple[str, ...]:
        """Return the one symbol held."""
        return (self.symbol,)

    @property
    def usual_weights(self) -> Mapping[str, float]:
        """Return the largest weight; what moves more gets less."""
        return dict.fromkeys(self.universe(), self.max_weight)

    def history_sessions(self) -> int:
        """Return the closes between which the returns lie."""
        return self.vol_sessions + 1

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the parameters, one line each."""
        return list_problems((self.symbol,), "symbol") + range_problems(
            ("target_vol", self.target_vol, 0.001, 2.0),
            ("vol_sessions", self.vol_sessions, 2, 1000),
            ("max_weight", self.max_weight, 0.01, 1.0),
            ("step", self.step, 0.001, 1.0),
        )

    def indicators(self) -> tuple[IndicatorSpec, ...]:
        """Return the volatility of total returns."""
        asked, words = (("sessions", self.vol_sessions),), f"volatility of {self.vol_sessions} returns"
        return (IndicatorSpec("realized_volatility", "volatility", asked, "", words, total_return=True),)

    def panels(self) -> tuple[ChartPanel, ...]:
        """Return the volatility beside the one at which the weight begins to fall."""
        level = (self.target_vol / self.max_weight, Role.EXIT)
        title = f"Volatility of {self.vol_sessions} returns, a year"
        return (ChartPanel(title, (("realized_volatility", "volatility"),), (level,)),)

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """Return the weight wanted where it is a step away from the one held."""
        volatility = view.newest(self.symbol, self.indicators()[0])
        wanted, current = self._wanted(volatility), weight_of(view, own, self.symbol)
        conditions = (
            at_least("weight_below_target", _less(wanted, current), self.step),
            at_least("weight_above_target", _less(current, wanted), self.step),
        )
        reasons = tuple(one.name for one in conditions if one.passed)
        verdict = Target(wanted) if reasons and wanted is not None else Keep()
        seen = {
            "close": known(float(view.bars[self.symbol].close[-1])),
            "realized_volatility": volatility,
            "weight": current,
            "weight_wanted": wanted,
        }
        return (SymbolVerdict(self.symbol, verdict, reasons or ("hold",), conditions, seen),)

    def column_form(self, market: "MarketColumns") -> "Allocation":
        """Return the weight wanted at each session."""
        import numpy as np

        from mtum.core.strategies.columns import Allocation, rows_of

        (at,) = np.nonzero(market.whole(self.universe()))
        volatility = market.values(self.universe(), self.indicators()[0])[at]
        with np.errstate(divide="ignore"):
            weights = np.round(np.minimum(self.max_weight, self.target_vol / volatility), DECIMALS)
        below, over = np.zeros(weights.shape, dtype=np.int64), np.ones(weights.shape, dtype=np.int64)
        return Allocation(
            rows_of(len(market.days), at), weights, np.stack([below, below, over]),
            (("weight_below_target",), ("weight_above_target",)), least_change=self.step, entries_always=False,
        )  # fmt: skip

    def _wanted(self, volatility: float | None) -> float | None:
        if volatility is None:
            return None
        # Without any swing there is nothing to divide by, and no reason to hold less.
        return round(min(self.max_weight, self.target_vol / volatility) if volatility else self.max_weight, DECIMALS)


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else round(one - other, DECIMALS)
