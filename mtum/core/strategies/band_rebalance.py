"""Fixed weights, traded back only when a symbol has left the band around its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from mtum.core.indicators.smoothing import DECIMALS
from mtum.core.market.timeframes import CALENDAR_SESSIONS
from mtum.core.strategies.contract import Condition, Keep, Own, SymbolVerdict, Target, Verdict, at_least
from mtum.core.strategies.description import ConditionSpec, Example, Role
from mtum.core.strategies.several import TradeFilter, range_problems, sales_first, weight_of, weights_problems

if TYPE_CHECKING:
    from mtum.core.strategies.columns import MarketColumns
    from mtum.core.strategies.rebalancing import Rebalancing
    from mtum.core.view import MarketView


class BandMode(StrEnum):
    """How wide a band is."""

    FIVE_25 = "5_25"
    """Five points of the equity or a quarter of the weight, whichever is less."""
    RELATIVE = "relative"
    """A part of the weight."""
    ABSOLUTE = "absolute"
    """Points of the equity."""


class RebalanceTo(StrEnum):
    """Where a breach leads: every symbol to its weight, or those in breach to the edge or half-way back."""

    TARGET = "target"
    EDGE = "edge"
    HALF = "half"


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class BandRebalance(TradeFilter):
    """Hold a mix at its weights: trade when a symbol has left its band, and leave it alone before.

    It sells what has risen and buys what has fallen, so it lags a mix that is left alone while one
    symbol keeps rising, and it buys all the way down what does not recover.

    References
    ----------
    Swedroe & Grogan (2010), "The Only Guide You'll Ever Need for the Right Financial Plan": the 5/25 rule.
    Daryanani (2008), "Opportunistic Rebalancing", Journal of Financial Planning 21(1): bands relative to the weight.
    """

    name: ClassVar[str] = "band_rebalance"
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = (
        ConditionSpec(
            "outside_band", Role.CHANGE, "out of its band", "inside its band", "out of band", of_position=True
        ),
        ConditionSpec(
            "sessions_after_breach", Role.CHANGE, "long enough since the last breach was traded",
            "too soon after the last breach was traded", "rested", "sessions", of_position=True,
        ),
    )  # fmt: skip
    REASONS: ClassVar[Mapping[str, str]] = {
        "outside_band": "",
        "other_outside_band": "another symbol is out of its band, so all go back to their weights",
        "flat": "nothing was held",
        "breach_too_soon": "out of its band, but too soon after the last breach was traded",
        "hold": "",
    }
    EXAMPLE: ClassVar[Example] = Example(
        {"weights": {"SP500": 0.5, "NDQ": 0.1, "UST10": 0.3, "BILL": 0.1}, "band_mode": "absolute", "band": 0.02},
        capital_usd=100_000.0,
    )
    CALENDAR: ClassVar[bool] = True
    STANDING_PURCHASES: ClassVar[bool] = True
    STANDING_SALES: ClassVar[bool] = True

    weights: Mapping[str, float] = field(metadata={"doc": "symbols held and their parts of the sleeve's equity"})
    band_mode: BandMode = field(
        default=BandMode.FIVE_25,
        metadata={"doc": "width of a band: 5 points or a quarter of the weight, `band` of the weight, `band` of all"},
    )
    band: float = field(default=0.15, metadata={"doc": "width of a relative or absolute band, as a fraction"})
    rebalance_to: RebalanceTo = field(
        default=RebalanceTo.TARGET,
        metadata={"doc": "on a breach: all to their weights, or those in breach to their edge or half-way back"},
    )
    min_sessions_between: int = field(
        default=5, metadata={"doc": "fewest sessions from one breach that is traded to the next"}
    )

    def universe(self) -> tuple[str, ...]:
        """Return the symbols that have a weight."""
        return tuple(self.weights)

    @property
    def benchmark(self) -> Mapping[str, float]:
        """The same weights, bought and left alone."""
        return self.weights

    def history_sessions(self) -> int:
        """Return 1, as only today's prices matter, or what makes the calendar reach back to the last breach."""
        return max(1, self.min_sessions_between - CALENDAR_SESSIONS)

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the parameters, one line each."""
        choices = (("band_mode", self.band_mode, BandMode), ("rebalance_to", self.rebalance_to, RebalanceTo))
        return (
            *weights_problems(self.weights, zero=True),
            *(
                f'{name} is "{value}"; use {", ".join(allowed)}'
                for name, value, allowed in choices
                if value not in tuple(allowed)
            ),
            *range_problems(
                ("band", self.band, 0.001, 1.0), ("min_sessions_between", self.min_sessions_between, 0, 250)
            ),
            *self.filter_problems(),
        )

    def column_form(self, market: "MarketColumns") -> "Rebalancing":
        """Return the weights, and what opens their bands."""
        import numpy as np

        from mtum.core.strategies.rebalancing import Goal, Measure, Rebalancing, Trigger

        weights, widths = np.array([*self.weights.values()]), np.array([*map(self._width, self.weights.values())])
        relative, to_target = self.band_mode == BandMode.RELATIVE, self.rebalance_to == RebalanceTo.TARGET
        breach = Trigger(
            Measure.DRIFT if relative else Measure.POINTS,
            self.band if relative else np.array([round(width, DECIMALS) for width in widths.tolist()]),
            Goal.WEIGHT if to_target else Goal.HALF if self.rebalance_to == RebalanceTo.HALF else Goal.EDGE,
            (0, 1, 1),
            of_all=to_target,
            rest=self.min_sessions_between,
        )
        reasons = ("outside_band",), ("other_outside_band",), ("flat",)
        row = np.where(market.whole(self.universe()), 0, -1)
        return Rebalancing(row, weights[None], (breach,), reasons, flat_word=2, widths=widths)

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """Return sales, then purchases and what stays, each in the order of the weights."""
        now = {symbol: weight_of(view, own, symbol) or 0.0 for symbol in self.weights}
        last = own.memory.get("breach")
        since = view.sessions_since(date.fromisoformat(last)) if isinstance(last, str) else None
        rested = at_least("sessions_after_breach", since, self.min_sessions_between)
        breaches = {symbol: self._breach(symbol, part) for symbol, part in now.items()}
        flat = not any(own.of(symbol).shares for symbol in now)
        due = any(one.passed for one in breaches.values()) and (since is None or rested.passed)
        found = []
        for symbol, part in now.items():
            breach = breaches[symbol]
            verdict: Verdict = Keep()
            reason = "breach_too_soon" if breach.passed and not due else "hold"
            if flat or (due and self.rebalance_to == RebalanceTo.TARGET):
                verdict = Target(round(self.weights[symbol], DECIMALS))
                reason = "flat" if flat else breach.name if breach.passed else "other_outside_band"
            elif due and breach.passed:
                verdict, reason = Target(round(self._way_back(symbol, part), DECIMALS)), breach.name
            memory = {"breach": view.session.isoformat()} if breach.passed and isinstance(verdict, Target) else {}
            seen = {"weight": part, "weight_wanted": round(self.weights[symbol], DECIMALS)}
            found.append(SymbolVerdict(symbol, verdict, (reason,), (breach, rested), seen, memory=memory))
        return sales_first(found, now)

    def _width(self, wanted: float) -> float:
        if self.band_mode == BandMode.FIVE_25:
            return min(0.05, 0.25 * wanted)
        return self.band * wanted if self.band_mode == BandMode.RELATIVE else self.band

    def _breach(self, symbol: str, part: float) -> Condition:
        wanted = self.weights[symbol]
        if not wanted and (not part or self.band_mode == BandMode.RELATIVE):
            # Nothing wanted and nothing held is no breach, however narrow the band; parts of 0 are undefined.
            return at_least("outside_band", None, None)
        if self.band_mode == BandMode.RELATIVE:
            return at_least("outside_band", round(abs(part / wanted - 1.0), DECIMALS), self.band)
        return at_least("outside_band", round(abs(part - wanted), DECIMALS), round(self._width(wanted), DECIMALS))

    def _way_back(self, symbol: str, part: float) -> float:
        wanted = self.weights[symbol]
        if self.rebalance_to == RebalanceTo.HALF:
            return (part + wanted) / 2.0
        return wanted + self._width(wanted) if part > wanted else wanted - self._width(wanted)
