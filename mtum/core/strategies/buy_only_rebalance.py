"""Fixed weights, reached by purchases alone: cash goes to what is furthest below its weight."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, ClassVar

from mtum.core.indicators.smoothing import DECIMALS
from mtum.core.strategies.contract import Keep, Own, SymbolVerdict, Target, Verdict, at_least
from mtum.core.strategies.description import ConditionSpec, Example, Role
from mtum.core.strategies.several import TradeFilter, range_problems, weight_of, weights_problems

if TYPE_CHECKING:
    from mtum.core.strategies.columns import MarketColumns
    from mtum.core.strategies.rebalancing import Rebalancing
    from mtum.core.view import MarketView


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class BuyOnlyRebalance(TradeFilter):
    """Buy what is below its weight and never sell: for a sleeve that money is added to.

    No sale means no tax on gains, and no way down either: what has risen keeps its growing part, so
    without new money the weights drift as they would in a mix that is left alone.

    References
    ----------
    Jaconetti, Kinniry & Zilbering (2010), "Best practices for portfolio rebalancing", Vanguard Research: new money
    first.
    """

    name: ClassVar[str] = "buy_only_rebalance"
    EACH_BY_ITSELF: ClassVar[bool] = True
    NEVER_SELLS: ClassVar[bool] = True
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = (
        ConditionSpec(
            "below_weight", Role.CHANGE, "below its weight, as a part of what is held",
            "not far enough below its weight", "below weight", of_position=True,
        ),
    )  # fmt: skip
    REASONS: ClassVar[Mapping[str, str]] = {"flat": "nothing was held", "below_weight": "", "hold": ""}
    EXAMPLE: ClassVar[Example] = Example(
        {"weights": {"SP500": 0.5, "UST10": 0.3, "NDQ": 0.1}}, holdings={"SP500": 10, "UST10": 15}
    )

    weights: Mapping[str, float] = field(metadata={"doc": "symbols bought and their parts of the sleeve's equity"})
    gap: float = field(
        default=0.02, metadata={"doc": "buy when weight / current weight - 1 is this or more, as a fraction"}
    )

    def universe(self) -> tuple[str, ...]:
        """Return the symbols that have a weight."""
        return tuple(self.weights)

    @property
    def benchmark(self) -> Mapping[str, float]:
        """The same weights, bought and left alone."""
        return self.weights

    def history_sessions(self) -> int:
        """Return 1: only today's prices matter."""
        return 1

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the parameters, one line each."""
        ranges = range_problems(("gap", self.gap, 0.0, 10.0))
        return (*weights_problems(self.weights, zero=True), *ranges, *self.filter_problems())

    def column_form(self, market: "MarketColumns") -> "Rebalancing":
        """Return the weights, and the gap that is bought."""
        import numpy as np

        from mtum.core.strategies.rebalancing import Goal, Measure, Rebalancing, Trigger

        weights, every = np.array([[*self.weights.values()]]), np.zeros(len(market.days), dtype=np.int64)
        below = Trigger(Measure.BELOW, self.gap, Goal.WEIGHT, (0, 0, 1))
        return Rebalancing(every, weights, (below,), (("below_weight",), ("flat",)))

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """Return the purchases, the widest gap first, then what stays."""
        found = []
        for symbol in (one for one in self.weights if one in view.bars):
            wanted, part = self.weights[symbol], weight_of(view, own, symbol)
            below = at_least("below_weight", round(wanted / part - 1.0, DECIMALS) if part else None, self.gap)
            # Against nothing held the gap is beyond every number.
            reason = "flat" if wanted and part == 0 else below.name if below.passed else "hold"
            verdict: Verdict = Keep() if reason == "hold" else Target(round(wanted, DECIMALS))
            seen = {"weight": part, "weight_wanted": round(wanted, DECIMALS)}
            gap = inf if reason == "flat" else -inf if below.value is None else below.value
            found.append((gap, SymbolVerdict(symbol, verdict, (reason,), (below,), seen)))
        return tuple(said for _, said in sorted(found, key=lambda one: -one[0]))
