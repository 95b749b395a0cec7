"""The risk asset that did best over a year if it beat bills, else bonds: decided at month ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace

from mtum.core.indicators.smoothing import DECIMALS, known
from mtum.core.market.timeframes import Timeframe
from mtum.core.strategies.contract import (
    Condition,
    Keep,
    Own,
    SymbolVerdict,
    Target,
    above,
    at_least,
    at_most,
)
from mtum.core.strategies.description import ChartPanel, ConditionSpec, Example, IndicatorSpec, Role
from mtum.core.strategies.periods import due, month_end_history
from mtum.core.strategies.several import TradeFilter, list_problems, range_problems

if TYPE_CHECKING:
    from mtum.core.strategies.columns import Allocation, MarketColumns
    from mtum.core.view import MarketView


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DualMomentum(TradeFilter):
    """Hold one thing at a time: the best of the risk assets while it beats bills over the lookback, bonds otherwise.

    It looks once a month, so that a crash within one is borne in full, and it comes back late after a fall.

    References
    ----------
    Antonacci (2012), "Risk Premia Harvesting Through Dual Momentum": the winner is compared with bills.
    """

    name: ClassVar[str] = "dual_momentum"
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = (
        ConditionSpec(
            "dual_best", Role.ENTRY, "its return is the best of the risk assets", "another risk asset did better",
            "best", "%", "close",
        ),
        ConditionSpec(
            "dual_beats_bills", Role.ENTRY, "the best risk asset beat bills", "the best risk asset did not beat bills",
            "beats bills", "%",
        ),
        ConditionSpec("dual_overtaken", Role.EXIT, "another risk asset did better", "", "overtaken", "%", "close"),
        ConditionSpec(
            "dual_below_bills", Role.EXIT, "the best risk asset did not beat bills", "", "below bills", "%"
        ),
        ConditionSpec(
            "dual_bonds_in", Role.ENTRY, "no risk asset beat bills", "the best risk asset beat bills", "to bonds", "%"
        ),
        ConditionSpec("dual_bonds_out", Role.EXIT, "a risk asset beat bills again", "", "from bonds", "%"),
    )  # fmt: skip
    REASONS: ClassVar[Mapping[str, str]] = {
        "dual_best": "",
        "dual_beats_bills": "",
        "dual_overtaken": "",
        "dual_below_bills": "",
        "dual_bonds_in": "",
        "dual_bonds_out": "",
        "hold": "",
    }
    EXAMPLE: ClassVar[Example] = Example({"risk_assets": ["SP500", "NDQ"], "safe": "BILL", "bonds": "UST10"})
    CALENDAR: ClassVar[bool] = True
    TOTAL_RETURNS: ClassVar[bool] = True
    STANDING_PURCHASES: ClassVar[bool] = True
    STANDING_SALES: ClassVar[bool] = True

    risk_assets: tuple[str, ...] = field(
        default=("SPY", "EFA"), metadata={"doc": "symbols of which the one that did best is held"}
    )
    safe: str = field(default="BIL", metadata={"doc": "treasury bills; the best risk asset must beat them; only read"})
    bonds: str = field(default="AGG", metadata={"doc": "held while no risk asset beats bills"})
    lookback_months: int = field(default=12, metadata={"doc": "months over which returns are compared"})

    def universe(self) -> tuple[str, ...]:
        """Return the risk assets and the bonds."""
        return (*self.risk_assets, self.bonds)

    def reads(self) -> tuple[str, ...]:
        """Return the bills, which are compared with and not held."""
        return () if self.safe in self.universe() else (self.safe,)

    @property
    def usual_weights(self) -> Mapping[str, float]:
        """Return all of the sleeve for each: only one is held."""
        return dict.fromkeys(self.universe(), 1.0)

    def history_sessions(self) -> int:
        """Return the bars that reach back to the first close compared."""
        return month_end_history(self.lookback_months)

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the parameters, one line each."""
        found = list_problems(self.risk_assets, "risk_assets") + list_problems((self.safe,), "safe")
        found += list_problems((self.bonds,), "bonds")
        found += tuple(
            f"{name} is {symbol}, which is one of risk_assets; name another symbol"
            for name, symbol in (("safe", self.safe), ("bonds", self.bonds))
            if symbol in self.risk_assets
        )
        return found + range_problems(("lookback_months", self.lookback_months, 1, 120)) + self.filter_problems()

    def panels(self) -> tuple[ChartPanel, ...]:
        """Return the return over the lookback."""
        months = (("sessions", self.lookback_months),)
        shown = IndicatorSpec("dual_return", "roc", months, "%", timeframe=Timeframe.MONTH, total_return=True)
        return (ChartPanel(f"Return of {self.lookback_months} months, %", ((shown, "return"),), ((0.0, Role.EXIT),)),)

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """Return what is not to be held first, then what is."""
        now, month = due(view, Timeframe.MONTH, own.memory.get("month"))
        gains = {symbol: self._gain(view, symbol, month if now else None) for symbol in (*self.universe(), self.safe)}
        best = max(self.risk_assets, key=lambda symbol: gains[symbol] or 0.0)
        beats = above("dual_beats_bills", gains[best], gains[self.safe])
        chosen = best if beats.passed else self.bonds
        decides = now and None not in gains.values()
        found = []
        for symbol in self.universe():
            entry, leave = self._conditions(symbol, best, gains, beats)
            reasons = tuple(one.name for one in (entry if symbol == chosen else leave) if one.passed)
            found.append(
                SymbolVerdict(
                    symbol,
                    Target(float(symbol == chosen)) if decides else Keep(),
                    reasons if decides else ("hold",),
                    (*entry, *leave),
                    {"close": known(float(view.bars[symbol].close[-1])), "dual_return": gains[symbol]},
                    memory={"month": month},
                )
            )
        return tuple(sorted(found, key=lambda one: one.enters))

    def column_form(self, market: "MarketColumns") -> "Allocation":
        """Return all or nothing in each symbol at month ends."""
        import numpy as np

        from mtum.core.strategies.columns import Allocation, rows_of

        symbols, safe = self.universe(), (*self.universe(), self.safe).index(self.safe)
        read = symbols if safe < len(symbols) else (*symbols, self.safe)
        decided = market.decisions(Timeframe.MONTH, market.whole(read))
        new, old = (market.closes(read, Timeframe.MONTH, decided, ago) for ago in (0, self.lookback_months))
        gain = np.round(100.0 * np.round(new / old - 1.0, DECIMALS), DECIMALS)
        count = len(self.risk_assets)
        best = np.argmax(np.nan_to_num(gain[:, :count]), axis=1) if len(gain) else np.zeros(0, dtype=np.int64)
        leads = best[:, None] == np.arange(count)
        beats = (gain[np.arange(len(gain)), best] > gain[:, safe])[:, None]
        weights = np.where(np.hstack([leads & beats, ~beats]), 1.0, 0.0)
        weights[np.isnan(gain).any(axis=1)] = np.nan
        risk = np.where(leads, np.where(beats, 0, 2), np.where(beats, 1, 3))
        words = np.hstack([risk, np.where(beats, 5, 4)])
        reasons = (
            ("dual_best", "dual_beats_bills"),
            ("dual_overtaken",),
            ("dual_below_bills",),
            ("dual_overtaken", "dual_below_bills"),
            ("dual_bonds_in",),
            ("dual_bonds_out",),
        )
        return Allocation(
            rows_of(len(market.days), decided.at), weights, np.stack([words] * 3), reasons, targets_last=True
        )

    def _gain(self, view: "MarketView", symbol: str, month: str | None) -> float | None:
        # In percent of a fraction that is rounded first: a tie of the two is a tie of either.
        ago = (0, self.lookback_months)
        new, old = view.closes(symbol, Timeframe.MONTH, ago, period=month, total_returns=True)
        return round(100.0 * round(new / old - 1.0, DECIMALS), DECIMALS) if new and old else None

    def _conditions(
        self, symbol: str, best: str, gains: Mapping[str, float | None], beats: Condition
    ) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
        # Those of an entry and those of an exit.
        below = at_most("dual_below_bills", beats.value, beats.threshold)
        if symbol == self.bonds:
            return (replace(below, name="dual_bonds_in"),), (replace(beats, name="dual_bonds_out"),)
        gain, rivals = gains[symbol], [gains[one] or 0.0 for one in self.risk_assets if one != symbol]
        rival = max(rivals, default=gain)
        # Of equal ones the first of the list is the best.
        leads = replace(at_least("dual_best", gain, rival), passed=symbol == best)
        lags = replace(at_most("dual_overtaken", gain, rival), passed=symbol != best)
        return (leads, beats), (lags, below)
