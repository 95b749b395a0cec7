"""Fixed weights, traded back by drift, by market regime, and by money that has come in or is owed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf, sqrt
from typing import TYPE_CHECKING, ClassVar

from mtum.core.indicators.smoothing import DECIMALS
from mtum.core.market.timeframes import CALENDAR_SESSIONS
from mtum.core.strategies.contract import Condition, Keep, Own, SymbolVerdict, Target, Verdict, above, at_least
from mtum.core.strategies.description import ConditionSpec, Example, Role
from mtum.core.strategies.several import TradeFilter, range_problems, sales_first, weight_of, weights_problems

if TYPE_CHECKING:
    from mtum.core.strategies.columns import MarketColumns
    from mtum.core.strategies.rebalancing import Rebalancing
    from mtum.core.view import MarketView
MOST_CHOPPY = 1e6
"""Stands for what moved and came back to where it was, as its choppiness has no bound."""


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class RegimeRebalance(TradeFilter):
    """Hold a mix at its weights: let it run in a trend, bring it back in a choppy market.

    Far drift is always brought back; less of it only while the mix has gone nowhere lately. Cash too
    much is put in, and what is held above all weights together is sold, before anything drifts far.
    A turn of the market is seen late: forty sessions of trend hold sales back well into the fall.

    References
    ----------
    Kaufman (1995), "Smarter Trading": how far prices got against how far they moved.
    Jaconetti, Kinniry & Zilbering (2010), "Best practices for portfolio rebalancing", Vanguard Research: bands, and
    flows of money used first.
    """

    name: ClassVar[str] = "regime_rebalance"
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = (
        ConditionSpec(
            "drift_hard", Role.CHANGE, "drift beyond the hard band", "no drift beyond the hard band", "hard band",
            of_position=True,
        ),
        ConditionSpec(
            "drift_soft", Role.CHANGE, "drift beyond the soft band", "no drift beyond the soft band", "soft band",
            of_position=True,
        ),
        ConditionSpec(
            "mix_choppy", Role.CHANGE, "the mix moved without getting anywhere", "the mix has a direction", "choppy",
            of_position=True,
        ),
        ConditionSpec(
            "sessions_after_fill", Role.CHANGE, "long enough since the last fill", "too soon after the last fill",
            "rested", "sessions", of_position=True,
        ),
        ConditionSpec(
            "deficit_open", Role.CHANGE, "more held than the weights allow, as a part of the equity",
            "not much more held than the weights allow", "deficit", of_position=True,
        ),
        ConditionSpec(
            "flow_open", Role.CHANGE, "cash above or below its part, as a part of the equity",
            "cash near its part", "flow", of_position=True,
        ),
        ConditionSpec(
            "flow_one_sided", Role.CHANGE, "most gaps on one side", "gaps on both sides", "one side", of_position=True
        ),
    )  # fmt: skip
    REASONS: ClassVar[Mapping[str, str]] = {
        "drift_hard": "a symbol is beyond the hard band",
        "drift_soft": "a symbol is beyond the soft band while the mix gets nowhere",
        "deficit_open": "more is held than the weights allow, so what is above its weight is sold",
        "flow_in": "cash waits, so what is below its weight is bought",
        "flow_out": "cash is short while the mix gets nowhere, so what is above its weight is sold",
        "hold": "",
    }
    EXAMPLE: ClassVar[Example] = Example({"weights": {"AAPL": 0.3, "SP500": 0.3}}, "stocks", capital_usd=100_000.0)
    CALENDAR: ClassVar[bool] = True
    STANDING_PURCHASES: ClassVar[bool] = True

    weights: Mapping[str, float] = field(metadata={"doc": "symbols held and their parts of the sleeve's equity"})
    lookback: int = field(default=40, metadata={"doc": "completed daily returns that tell the regime, sessions"})
    soft_band: float = field(
        default=0.25, metadata={"doc": "drift, as a fraction of the weight, that is traded back in a choppy market"}
    )
    hard_band: float = field(
        default=0.50, metadata={"doc": "drift, as a fraction of the weight, that is always traded back"}
    )
    hard_frac: float = field(default=1.0, metadata={"doc": "part of every gap that is traded beyond the hard band"})
    cooldown: int = field(default=5, metadata={"doc": "sessions after a fill in which only the hard band trades"})
    choppiness_min: float = field(
        default=3.0,
        metadata={"doc": "a market is choppy when root of summed squared returns / |summed returns| is this"},
    )
    flow_start: float = field(
        default=0.025, metadata={"doc": "sum of all gaps, fraction of the equity, at which money begins to flow"}
    )
    flow_stop: float = field(default=0.0125, metadata={"doc": "sum of all gaps below which it flows no more"})
    flow_tau: float = field(
        default=0.70, metadata={"doc": "money flows only where the sum of the gaps is above this part of their sizes"}
    )
    deficit_start: float = field(
        default=0.06, metadata={"doc": "holdings above all weights, fraction of the equity, at which sales begin"}
    )
    deficit_stop: float = field(default=0.03, metadata={"doc": "what these sales leave above all weights"})

    def universe(self) -> tuple[str, ...]:
        """Return the symbols that have a weight."""
        return tuple(self.weights)

    @property
    def benchmark(self) -> Mapping[str, float]:
        """The same weights, bought and left alone."""
        return self.weights

    def history_sessions(self) -> int:
        """Return the closes of the completed returns and today's, or what makes the calendar reach a fill."""
        return max(self.lookback + 2, self.cooldown - CALENDAR_SESSIONS)

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the parameters, one line each."""
        ranges = range_problems(
            ("lookback", self.lookback, 2, 500),
            ("soft_band", self.soft_band, 0.001, 10.0),
            ("hard_band", self.hard_band, 0.001, 10.0),
            ("hard_frac", self.hard_frac, 0.01, 1.0),
            ("cooldown", self.cooldown, 0, 250),
            ("choppiness_min", self.choppiness_min, 0.0, 1000.0),
            ("flow_start", self.flow_start, 0.0, 1.0),
            ("flow_stop", self.flow_stop, 0.0, 1.0),
            ("flow_tau", self.flow_tau, 0.0, 1.0),
            ("deficit_start", self.deficit_start, 0.0, 1.0),
            ("deficit_stop", self.deficit_stop, 0.0, 1.0),
        )
        return (*weights_problems(self.weights), *ranges, *self.filter_problems())

    def contradictions(self) -> tuple[str, ...]:
        """Return which thresholds stand in the wrong order, one line each."""
        return tuple(
            f"{low}: {value:g} is over {high} ({most:g}); {words}"
            for low, value, high, most, words in (
                ("soft_band", self.soft_band, "hard_band", self.hard_band, "the soft band would never be reached"),
                ("flow_stop", self.flow_stop, "flow_start", self.flow_start, "it would end before it begins"),
                ("deficit_stop", self.deficit_stop, "deficit_start", self.deficit_start, "it would buy what it sells"),
            )
            if value > most
        )

    def column_form(self, market: "MarketColumns") -> "Rebalancing":
        """Return the weights, and the rails in their order."""
        import numpy as np

        from mtum.core.strategies.rebalancing import Choppy, Goal, Measure, Rebalancing, Trigger

        rest, after_fill = self.cooldown, True
        rails = (
            Trigger(Measure.DRIFT, self.hard_band, Goal.GAP, (0, 0, 0), of_all=True, part=self.hard_frac),
            Trigger(
                Measure.DRIFT, self.soft_band, Goal.GAP, (1, 1, 1),
                of_all=True, choppy=Choppy.ALL, rest=rest, after_fill=after_fill,
            ),
            Trigger(
                Measure.EXCESS, self.deficit_start, Goal.SUM, (2, 2, 2),
                least_open=self.deficit_stop, left=self.deficit_stop, rest=rest, after_fill=after_fill,
            ),
            Trigger(
                Measure.NET, self.flow_start, Goal.SUM, (3, 4, 4), least_open=self.flow_stop,
                one_sided=self.flow_tau, choppy=Choppy.OUTFLOWS, rest=rest, after_fill=after_fill,
            ),
        )  # fmt: skip
        names = "drift_hard", "drift_soft", "deficit_open", "flow_in", "flow_out"
        row, weights = np.where(market.whole(self.universe()), 0, -1), np.array([[*self.weights.values()]])
        return Rebalancing(
            row, weights, rails, tuple((name,) for name in names), lookback=self.lookback,
            choppiness=self.choppiness_min,
        )  # fmt: skip

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """Return sales, then purchases and what stays, each in the order of the weights."""
        now = {symbol: weight_of(view, own, symbol) or 0.0 for symbol in self.weights}
        gaps = {symbol: weight - now[symbol] for symbol, weight in self.weights.items()}
        conditions = self._conditions(view, own, now, gaps)
        moves, reason = self._moves(gaps, conditions)
        flags = {name: conditions[f"{name}_open"].passed for name in ("deficit", "flow")}
        memory = {name: 1 if on else None for name, on in flags.items() if on != (name in own.memory)}
        found = []
        for symbol, part in now.items():
            moved = symbol in moves
            verdict: Verdict = Target(round(part + moves[symbol], DECIMALS)) if moved else Keep()
            seen = {"weight": part, "weight_wanted": self.weights[symbol], "drift": part / self.weights[symbol] - 1.0}
            values = {name: round(value, DECIMALS) for name, value in seen.items()}
            why = (reason if moved else "hold",)
            found.append(SymbolVerdict(symbol, verdict, why, tuple(conditions.values()), values, memory=memory))
        return sales_first(found, now)

    def _conditions(
        self, view: "MarketView", own: Own, now: Mapping[str, float], gaps: Mapping[str, float]
    ) -> dict[str, Condition]:
        drift = max(round(abs(now[symbol] / weight - 1.0), DECIMALS) for symbol, weight in self.weights.items())
        since = None if own.last_fill is None else view.sessions_since(own.last_fill)
        net, sizes = sum(gaps.values()), sum(map(abs, gaps.values()))
        owed, size = round(-net, DECIMALS), round(abs(net), DECIMALS)
        made = (
            at_least("drift_hard", drift, self.hard_band),
            at_least("drift_soft", drift, self.soft_band),
            at_least("mix_choppy", self._choppiness(view, now), self.choppiness_min),
            at_least("sessions_after_fill", since, self.cooldown),
            # Once open, a rail stays open down to a lower threshold.
            at_least("deficit_open", owed, self.deficit_stop if "deficit" in own.memory else self.deficit_start),
            at_least("flow_open", size, self.flow_stop if "flow" in own.memory else self.flow_start),
            above("flow_one_sided", size, round(self.flow_tau * sizes, DECIMALS)),
        )
        return {one.name: one for one in made}

    def _choppiness(self, view: "MarketView", now: Mapping[str, float]) -> float | None:
        # Over the completed returns of a mix with today's parts, of the weights where nothing is held.
        parts = now if any(now.values()) else self.weights
        invested = sum(parts.values())
        closes = {symbol: view.bars[symbol].close[-self.lookback - 2 : -1].tolist() for symbol in parts}
        moves = {symbol: [new / old - 1.0 for old, new in pairwise(column)] for symbol, column in closes.items()}
        returns = [
            sum(part / invested * moves[symbol][n] for symbol, part in parts.items()) for n in range(self.lookback)
        ]
        total, squares = sum(returns), sum(one * one for one in returns)
        if not squares:
            return None
        return round(min(sqrt(squares) / abs(total) if total else inf, MOST_CHOPPY), DECIMALS)

    def _moves(self, gaps: Mapping[str, float], conditions: Mapping[str, Condition]) -> tuple[Mapping[str, float], str]:
        # What is to move of each symbol, as a part of the equity, by the first rail that applies.
        holds = {name: one.passed for name, one in conditions.items()}
        rested = holds["sessions_after_fill"] or conditions["sessions_after_fill"].value is None
        net = sum(gaps.values())
        if holds["drift_hard"]:
            return {symbol: self.hard_frac * gap for symbol, gap in gaps.items()}, "drift_hard"
        if not rested:
            return {}, "hold"
        if holds["drift_soft"] and holds["mix_choppy"]:
            return gaps, "drift_soft"
        side = {symbol: gap for symbol, gap in gaps.items() if gap * net > 0}
        if holds["deficit_open"] and net < 0:
            part = (net + self.deficit_stop) / sum(side.values())
            return {symbol: gap * part for symbol, gap in side.items()}, "deficit_open"
        if holds["flow_open"] and holds["flow_one_sided"] and (net > 0 or holds["mix_choppy"]):
            part = min(1.0, net / sum(side.values()))
            return {symbol: gap * part for symbol, gap in side.items()}, "flow_in" if net > 0 else "flow_out"
        return {}, "hold"
