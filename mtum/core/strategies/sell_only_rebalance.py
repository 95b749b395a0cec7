"""Fixed weights, reached by sales alone: what is far above its weight is sold a part a day."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from math import ceil, floor
from typing import TYPE_CHECKING, ClassVar

from mtum.core.indicators.smoothing import DECIMALS
from mtum.core.strategies.contract import Condition, Keep, Own, Shares, SymbolVerdict, at_least
from mtum.core.strategies.description import ConditionSpec, Example, Role
from mtum.core.strategies.several import TradeFilter, range_problems, weight_of, weights_problems

if TYPE_CHECKING:
    from mtum.core.strategies.columns import MarketColumns
    from mtum.core.strategies.rebalancing import Rebalancing
    from mtum.core.view import MarketView


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class SellOnlyRebalance(TradeFilter):
    """Sell what has grown far above its weight, a part of the excess a day, and never buy.

    It takes a position down that has grown too large, and leaves the cash idle. Days of selling spread
    the price, they do not better it; each sale of a gain may be taxed.

    References
    ----------
    Almgren & Chriss (2001), "Optimal Execution of Portfolio Transactions", Journal of Risk 3(2): a fixed part of
    what is left at each step is the optimal schedule when cost grows with the size and risk with what is left.
    """

    name: ClassVar[str] = "sell_only_rebalance"
    EACH_BY_ITSELF: ClassVar[bool] = True
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = (
        ConditionSpec(
            "far_above_weight", Role.CHANGE, "far above its weight, as a part of it", "not far above its weight",
            "above weight", of_position=True,
        ),
        ConditionSpec(
            "excess_left", Role.CHANGE, "shares above its weight left to sell", "no shares above its weight",
            "excess", "shares", of_position=True,
        ),
    )  # fmt: skip
    REASONS: ClassVar[Mapping[str, str]] = {
        "far_above_weight": "",
        "not_wanted": "its weight is 0, so all of it is sold",
        "excess_left": "the sale of what is above its weight goes on",
        "hold": "",
    }
    EXAMPLE: ClassVar[Example] = Example(
        {"weights": {"SP500": 0.2, "UST10": 0.3, "NDQ": 0.0}},
        capital_usd=2_000.0,
        holdings={"SP500": 30, "UST10": 10, "NDQ": 4},
    )

    weights: Mapping[str, float] = field(metadata={"doc": "symbols sold and their parts of the sleeve's equity"})
    gap: float = field(
        default=0.20, metadata={"doc": "begin to sell when current weight / weight - 1 is this or more, as a fraction"}
    )
    max_daily_frac: float = field(default=0.25, metadata={"doc": "part of the excess that is sold in one session"})

    def universe(self) -> tuple[str, ...]:
        """Return the symbols that have a weight."""
        return tuple(self.weights)

    @property
    def benchmark(self) -> Mapping[str, float]:
        """The same weights, bought and left alone."""
        return self.weights

    @property
    def usual_weights(self) -> Mapping[str, float]:
        """Return nothing: it never buys."""
        return {}

    def history_sessions(self) -> int:
        """Return 1: only today's prices matter."""
        return 1

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the parameters, one line each."""
        ranges = range_problems(("gap", self.gap, 0.0, 10.0), ("max_daily_frac", self.max_daily_frac, 0.01, 1.0))
        return (*weights_problems(self.weights, zero=True), *ranges, *self.filter_problems())

    def column_form(self, market: "MarketColumns") -> "Rebalancing":
        """Return the weights, and the gap from which what is above them is sold."""
        import numpy as np

        from mtum.core.strategies.rebalancing import Goal, Measure, Rebalancing, Trigger

        weights, every = np.array([[*self.weights.values()]]), np.zeros(len(market.days), dtype=np.int64)
        above = Trigger(Measure.ABOVE, self.gap, Goal.SHARES, (0, 1, 2), part=self.max_daily_frac)
        return Rebalancing(every, weights, (above,), (("far_above_weight",), ("excess_left",), ("not_wanted",)))

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """Return the sales, then what stays, each in the order of the weights."""
        found = [self._verdict(symbol, view, own) for symbol in self.weights if symbol in view.bars]
        return tuple(sorted(found, key=lambda one: isinstance(one.verdict, Keep)))

    def _verdict(self, symbol: str, view: "MarketView", own: Own) -> SymbolVerdict:
        wanted, held, part = self.weights[symbol], own.of(symbol).shares, weight_of(view, own, symbol)
        price = float(view.bars[symbol].close[-1])
        excess = held - floor(round(wanted * own.equity_usd / price, DECIMALS))
        above = at_least(
            "far_above_weight", round(part / wanted - 1.0, DECIMALS) if wanted and part is not None else None, self.gap
        )
        left = Condition("excess_left", excess, 1, excess - 1, passed=excess > 0)
        seen = {"weight": part, "weight_wanted": round(wanted, DECIMALS)}
        since = f"selling:{symbol}"
        going_on = since in own.memory
        if excess <= 0 or not (going_on or above.passed or not wanted):
            forget = {since: None} if going_on else {}
            return SymbolVerdict(symbol, Keep(), ("hold",), (above, left), seen, memory=forget)
        reason = "not_wanted" if not wanted else left.name if going_on else above.name
        verdict = Shares(held - self._sold(excess, price, self.least_trade_usd(own.equity_usd)))
        memory = {} if going_on else {since: view.session.isoformat()}
        return SymbolVerdict(symbol, verdict, (reason,), (above, left), seen, memory=memory)

    def _sold(self, excess: int, price: float, least_usd: float) -> int:
        # A day's part, or the fewest shares that are worth an order; never a rest that would not be worth one.
        worth_it = next(shares for shares in count(floor(least_usd / price)) if shares * price >= least_usd)
        sold = max(ceil(round(self.max_daily_frac * excess, DECIMALS)), worth_it)
        return excess if (excess - sold) * price <= least_usd else sold
