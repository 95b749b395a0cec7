"""Enhanced wheel: the wheel with gates on what is sold, gains taken at half, and rolls three weeks before expiry."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, ClassVar

from mtum.core.indicators.smoothing import Smoothing, wilder_history
from mtum.core.strategies.contract import Condition, at_least, at_most, below
from mtum.core.strategies.description import ChartPanel, ConditionSpec, Example, IndicatorSpec, Role
from mtum.core.strategies.option_words import IV_SESSIONS, REASONS_OF_ALL, iv_series, specs
from mtum.core.strategies.several import range_problems
from mtum.core.strategies.wheel import Wheel

if TYPE_CHECKING:
    from mtum.core.market.instruments import Right
    from mtum.core.options.exits import EnhancedRules, Ruling, Today
    from mtum.core.options.singles import HeldShort
    from mtum.core.strategies.wheel_rules import WheelPlan
    from mtum.core.view import MarketView

RSI_SESSIONS, MEAN_SESSIONS, BAND_SESSIONS, BAND_DEVIATIONS = 14, 200, 20, 2.0
WIDTH_SESSIONS, WIDTH_PERCENT = 126, 20
"""Sessions whose bandwidths today's is compared with, and the percentile that it must reach."""
_RSI = IndicatorSpec("rsi", "rsi", (("sessions", RSI_SESSIONS), ("smoothing", Smoothing.WILDER)), "", "RSI")
_MEAN = IndicatorSpec("mean", "sma", (("of", "close"), ("sessions", MEAN_SESSIONS)), "USD", "mean of 200 sessions")
_WIDTH = IndicatorSpec(
    "band_width",
    "bollinger",
    (("sessions", BAND_SESSIONS), ("deviations", BAND_DEVIATIONS), ("line", "bandwidth")),
    "",
    "bandwidth",
)


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class EnhancedWheel(Wheel):
    """A wheel that sells when premium is dear and no trend is broken, and takes half of it.

    It is out of the market for long where volatility is low. Its gates do not foresee a crash; what they spare of
    one they also cost of the recovery.

    References
    ----------
    Israelov and Nielsen (2015), "Covered Calls Uncovered", Financial Analysts Journal 71(6); Bollinger (2001),
    "Bollinger on Bollinger Bands".
    """

    name: ClassVar[str] = "enhanced_wheel"
    SERIES_SESSIONS: ClassVar[int] = IV_SESSIONS
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = specs(
        "puts_wanted", "calls_wanted", "red", "green", "write_threshold", "rsi_put", "above_long_mean", "bandwidth",
        "rsi_call", "iv_rank", "contracts", "blackout", "take", "stop", "exit_dte", "pnl", "close_at_pnl",
        "out_of_the_money", "roll_dte", "min_pnl", "roll_pnl",
    )  # fmt: skip
    REASONS: ClassVar[Mapping[str, str]] = {
        "write_put": "shares are wanted: a put is sold",
        "write_call": "shares are held: a call is sold on them",
        "roll_gate": "few days are left and a new one may be sold: it is rolled",
        **REASONS_OF_ALL,
        **dict.fromkeys((spec.name for spec in CONDITIONS), ""),
    }
    EXAMPLE: ClassVar[Example] = Example({"symbols": {"SP500": 1.0}}, capital_usd=100_000.0)

    dte: int = field(default=45, metadata={"doc": "calendar days to expiry that are sought"})
    min_dte: int = field(default=30, metadata={"doc": "fewest calendar days to expiry of what is sold"})
    max_dte: int = field(default=60, metadata={"doc": "most calendar days to expiry of what is sold"})
    put_delta: float = field(default=0.25, metadata={"doc": "largest absolute delta of a put that is sold"})
    rsi_max: float = field(default=70.0, metadata={"doc": "RSI below which puts are sold"})
    rsi_min: float = field(default=50.0, metadata={"doc": "RSI from which calls are sold"})
    iv_rank_min: float = field(default=0.30, metadata={"doc": "IV rank from which options are sold"})
    take: float = field(default=0.50, metadata={"doc": "profit target: part of the largest gain at which it is closed"})
    exit_dte: int = field(default=21, metadata={"doc": "calendar days to expiry at which it is closed or rolled"})
    stop_multiple: float = field(
        default=0.0, metadata={"doc": "stop: close at a price of this many times the credit; 0 = never"}
    )
    blackout: tuple[date, ...] = field(
        default=(), metadata={"doc": "days that no short option may live through, as 2026-01-28"}
    )

    def ranked(self) -> tuple[str, ...]:
        """Return its symbols."""
        return tuple(self.symbols)

    def series(self) -> tuple[str, ...]:
        """Return what tells implied volatility."""
        return tuple(dict.fromkeys(name for symbol in self.symbols for name in iv_series(symbol)))

    def history_sessions(self) -> int:
        """Return what the long mean, the RSI and a half year of bandwidths take."""
        return max(MEAN_SESSIONS, wilder_history(RSI_SESSIONS), WIDTH_SESSIONS + BAND_SESSIONS - 1)

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the parameters, one line each."""
        found = Wheel.problems(self) + range_problems(
            ("min_dte", self.min_dte, 1, 730),
            ("rsi_max", self.rsi_max, 0.0, 100.0),
            ("rsi_min", self.rsi_min, 0.0, 100.0),
            ("iv_rank_min", self.iv_rank_min, 0.0, 1.0),
            ("take", self.take, 0.01, 1.0),
            ("exit_dte", self.exit_dte, 0, 365),
            ("stop_multiple", self.stop_multiple, 0.0, 100.0),
        )
        if 0 < self.stop_multiple <= 1:
            found += (f"stop_multiple is {self.stop_multiple:g}; use a number above 1, or 0 for no stop",)
        return found

    def contradictions(self) -> tuple[str, ...]:
        """Return which parameters do not go together."""
        found = Wheel.contradictions(self)
        if self.min_dte > self.dte:
            found += (f"min_dte is {self.min_dte} and dte is {self.dte}: what is sought is not allowed",)
        if self.exit_dte >= self.min_dte:
            found += (f"exit_dte is {self.exit_dte} and min_dte is {self.min_dte}: it would be closed at once",)
        return found

    def indicators(self) -> tuple[IndicatorSpec, ...]:
        """Return the RSI, the long mean and the bandwidth."""
        return (_RSI, _MEAN, _WIDTH)

    def panels(self) -> tuple[ChartPanel, ...]:
        """Return the mean over the price, then the RSI and the bandwidth."""
        levels = ((self.rsi_max, Role.ENTRY), (self.rsi_min, Role.ENTRY))
        return (
            ChartPanel("", (("mean", _MEAN.words),)),
            ChartPanel("RSI", (("rsi", "RSI"),), levels, bounds=(0.0, 100.0)),
            ChartPanel("Bandwidth", (("band_width", "bandwidth"),)),
        )

    def _plan(self) -> "WheelPlan":
        from msgspec.structs import replace

        from mtum.core.options.exits import EnhancedRules
        from mtum.core.options.selecting import Window

        plan = super(EnhancedWheel, self)._plan()
        window = Window(self.min_dte, self.max_dte, self.dte)
        managing = EnhancedRules(self.take, self.exit_dte, self.stop_multiple or None, self._rolling())
        return replace(
            plan,
            selling=replace(plan.selling, window=window, blackout=self.blackout),
            ruling=lambda view, held, today: self._ruled(view, held, today, managing),
            gate=self._gate,
            takes={"take": self.take, **plan.takes},
        )

    def _ruled(self, view: "MarketView", held: "HeldShort", today: "Today", managing: "EnhancedRules") -> "Ruling":
        from mtum.core.options.exits import Action, enhanced_ruling
        from mtum.core.options.singles import blackout_within
        from mtum.core.strategies.wheel_rules import preceded

        contract = held.contract
        gate = self._gate(view, contract.underlying, contract.right)
        ruling = enhanced_ruling(held, today, managing, gate)
        if not self.blackout:
            return ruling
        day = blackout_within(self.blackout, view.session, contract.expiry)
        near = at_most("blackout", None if day is None else float((day - view.session).days), float(today.days))
        return preceded(ruling, "blackout", Action.CLOSE, (near,))

    def _gate(self, view: "MarketView", symbol: str, right: "Right") -> tuple[Condition, ...]:
        from mtum.core.strategies.option_rules import iv_rank_of, spot_of

        rsi = view.newest(symbol, _RSI)
        rank = at_least("iv_rank", iv_rank_of(view, symbol), self.iv_rank_min)
        if right.name == "CALL":
            return (at_least("rsi_call", rsi, self.rsi_min), rank)
        return (
            below("rsi_put", rsi, self.rsi_max),
            at_least("above_long_mean", spot_of(view, symbol), view.newest(symbol, _MEAN)),
            at_least("bandwidth", view.newest(symbol, _WIDTH), _narrow(view, symbol)),
            rank,
        )


def _narrow(view: "MarketView", symbol: str) -> float | None:
    # The percentile of the last bandwidths, today's included, between the two nearest of them.
    widths = [view.newest(symbol, _WIDTH, ago) for ago in range(WIDTH_SESSIONS)]
    known = sorted(one for one in widths if one is not None)
    if len(known) < WIDTH_SESSIONS:
        return None
    place = (WIDTH_SESSIONS - 1) * WIDTH_PERCENT / 100
    at = int(place)
    return round(known[at] + (place - at) * (known[min(at + 1, WIDTH_SESSIONS - 1)] - known[at]), 6)
