"""MTUM multi-confluence: in when trend, calm, strength and volume agree, out when any fails hard."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from mtum.core.indicators.smoothing import DECIMALS, Smoothing, known
from mtum.core.strategies.contract import (
    Abstain,
    Condition,
    Holding,
    Keep,
    Own,
    Strategy,
    SymbolVerdict,
    Target,
    Verdict,
    above,
    at_least,
    below,
)
from mtum.core.strategies.description import ChartPanel, ConditionSpec, Example, IndicatorSpec, Role

if TYPE_CHECKING:
    from mtum.core.view import MarketView

SIMPLE_HISTORY = 60
"""Bars below which a frame is not fit with plain means."""
WILDER_HISTORY = 400
"""The same with Wilder's: the seed then weighs less than 1e-12 for 14 sessions."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MtumConfluence(Strategy):
    """Parameters of the strategy; defaults are the documented rules."""

    name: ClassVar[str] = "mtum_confluence"
    CONFIDENCE: ClassVar[bool] = True
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = (
        ConditionSpec(
            "close_above_ma", Role.ENTRY, "close above its moving average", "close not above its moving average",
            "above MA", "USD", "close",
        ),
        ConditionSpec("vix_calm", Role.ENTRY, "VIX calm", "VIX not calm", "VIX calm", "points", "vix"),
        ConditionSpec("rsi_high", Role.ENTRY, "RSI high enough", "RSI not high enough", "RSI high", "", "close"),
        ConditionSpec(
            "volume_high", Role.ENTRY, "volume above its average", "volume not above its average", "volume",
            "shares", "volume",
        ),
        ConditionSpec("close_below_ma", Role.EXIT, "close below its moving average", "", "below MA", "USD", "close"),
        ConditionSpec("vix_fear", Role.EXIT, "VIX too high", "", "VIX", "points", "vix"),
        ConditionSpec("rsi_low", Role.EXIT, "RSI too low", "", "RSI low", "", "close"),
        ConditionSpec(
            "atr_target", Role.EXIT, "profit target reached", "", "target", "USD", "close", of_position=True
        ),
    )  # fmt: skip

    REMEMBERED: ClassVar[tuple[str, ...]] = ("atr",)
    REASONS: ClassVar[Mapping[str, str]] = {
        "hold": "",
        "vix_missing": "the VIX is missing, so nothing may be bought",
        "volume_unproven": "today's volume cannot be projected, so nothing may be bought",
        "cooldown": "too soon after the last exit",
        **dict.fromkeys((spec.name for spec in CONDITIONS), ""),
    }
    EXAMPLE: ClassVar[Example] = Example({"symbol": "SP500", "reentry_cooldown_sessions": 2})

    symbol: str = field(default="MTUM", metadata={"doc": "symbol traded"})
    ma_sessions: int = field(default=50, metadata={"doc": "window of the moving average, sessions"})
    rsi_sessions: int = field(default=14, metadata={"doc": "moves averaged by the RSI, sessions"})
    atr_sessions: int = field(default=14, metadata={"doc": "true ranges averaged by the ATR, sessions"})
    volume_sessions: int = field(default=20, metadata={"doc": "window of the volume average, sessions"})
    rsi_smoothing: Smoothing = field(
        default=Smoothing.SIMPLE, metadata={"doc": 'mean used by the RSI: "simple" or "wilder"'}
    )
    atr_smoothing: Smoothing = field(
        default=Smoothing.SIMPLE, metadata={"doc": 'mean used by the ATR: "simple" or "wilder"'}
    )
    vix_entry_below: float = field(
        default=25.0, metadata={"doc": "enter only while the VIX is below this, index points"}
    )
    vix_exit_above: float = field(default=30.0, metadata={"doc": "exit when the VIX is above this, index points"})
    rsi_entry_above: float = field(default=50.0, metadata={"doc": "enter only while the RSI is above this"})
    rsi_exit_below: float = field(default=30.0, metadata={"doc": "exit when the RSI is below this"})
    atr_target_multiple: float = field(
        default=4.0, metadata={"doc": "exit at the entry price plus this many ATR of the entry decision"}
    )
    reentry_cooldown_sessions: int = field(
        default=0, metadata={"doc": "sessions after an exit in which no entry is made"}
    )

    def universe(self) -> tuple[str, ...]:
        """Return the one symbol traded."""
        return (self.symbol,)

    def series(self) -> tuple[str, ...]:
        """Return the VIX, needed by one entry and one exit condition."""
        return ("VIX",)

    def history_sessions(self) -> int:
        """Return the bars needed, the warm-up of the longest window included."""
        plain = max(
            SIMPLE_HISTORY, self.ma_sessions, self.rsi_sessions + 1, self.atr_sessions + 1, self.volume_sessions
        )
        wilder = [
            max(WILDER_HISTORY, 28 * sessions)  # ((n-1)/n)^(28n) < 1e-12: the seed is forgotten
            for sessions, smoothing in (
                (self.rsi_sessions, self.rsi_smoothing),
                (self.atr_sessions, self.atr_smoothing),
            )
            if smoothing is Smoothing.WILDER
        ]
        return max(plain, *wilder) if wilder else plain

    @property
    def bar_columns(self) -> tuple[str, ...]:
        """What the ATR and the volume condition look at."""
        return ("high", "low", "volume")

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the parameters, one line each."""
        found = [
            f"{name} is {count}; use a whole number from {least} to 1000"
            for name, count, least in (
                ("ma_sessions", self.ma_sessions, 2),
                ("rsi_sessions", self.rsi_sessions, 2),
                ("atr_sessions", self.atr_sessions, 2),
                ("volume_sessions", self.volume_sessions, 2),
                ("reentry_cooldown_sessions", self.reentry_cooldown_sessions, 0),
            )
            if not least <= count <= 1000
        ]
        found += [
            f"{name} is {level}; use a number from {least} to {most}"
            for name, level, least, most in (
                ("vix_entry_below", self.vix_entry_below, 5, 150),
                ("vix_exit_above", self.vix_exit_above, 5, 150),
                ("rsi_entry_above", self.rsi_entry_above, 0, 100),
                ("rsi_exit_below", self.rsi_exit_below, 0, 100),
                ("atr_target_multiple", self.atr_target_multiple, 0.01, 1e12),
            )
            if not least <= level <= most
        ]
        if not self.symbol or self.symbol != self.symbol.strip().upper():
            found.append(f'symbol is "{self.symbol}"; use an upper-case ticker such as "MTUM"')
        return tuple(found)

    def contradictions(self) -> tuple[str, ...]:
        """Return which thresholds would enter where they exit at once, one line each."""
        found = []
        if self.vix_entry_below > self.vix_exit_above:
            found.append(
                f"vix_entry_below: {self.vix_entry_below:g} is over vix_exit_above ({self.vix_exit_above:g}); "
                "between them it would enter and exit by turns"
            )
        if self.rsi_entry_above < self.rsi_exit_below:
            found.append(
                f"rsi_entry_above: {self.rsi_entry_above:g} is under rsi_exit_below ({self.rsi_exit_below:g}); "
                "between them it would enter and exit by turns"
            )
        return tuple(found)

    def indicators(self) -> tuple[IndicatorSpec, ...]:
        """Return the two means, the RSI and the ATR."""
        average, usual = f"mean of {self.ma_sessions} sessions", f"mean of {self.volume_sessions}"
        rsi = (("sessions", self.rsi_sessions), ("smoothing", self.rsi_smoothing))
        atr = (("sessions", self.atr_sessions), ("smoothing", self.atr_smoothing))
        return (
            IndicatorSpec("ma", "sma", (("of", "close"), ("sessions", self.ma_sessions)), "USD", average),
            IndicatorSpec("rsi", "rsi", rsi, "", "RSI"),
            IndicatorSpec("atr", "atr", atr, "USD", "ATR"),
            IndicatorSpec(
                "volume_average", "sma", (("of", "volume"), ("sessions", self.volume_sessions)), "shares", usual
            ),
        )

    def panels(self) -> tuple[ChartPanel, ...]:
        """Return the mean over the price, then RSI, volume and VIX."""
        strength = ((self.rsi_entry_above, Role.ENTRY), (self.rsi_exit_below, Role.EXIT))
        fear = ((self.vix_entry_below, Role.ENTRY), (self.vix_exit_above, Role.EXIT))
        return (
            ChartPanel("", (("ma", f"MA{self.ma_sessions}"),)),
            ChartPanel(
                f"RSI {self.rsi_sessions}, {self.rsi_smoothing.value} means",
                (("rsi", "RSI"),),
                strength,
                bounds=(0.0, 100.0),
            ),
            ChartPanel(
                f"Volume and its mean of {self.volume_sessions}",
                (("volume", "volume"), ("volume_average", "mean")),
                bars=True,
            ),
            ChartPanel("VIX, points", (("vix", "VIX"),), fear),
        )

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """Return the verdict on the one symbol."""
        return (judged(self, self.readings(view), own.of(self.symbol)),)

    def readings(self, view: "MarketView") -> dict[str, float | None]:
        """Return the newest value of everything looked at, rounded to 1e-6; None = undefined."""
        now = {spec.name: view.newest(self.symbol, spec) for spec in self.indicators()}
        bars = view.bars[self.symbol]
        return {
            "close": known(float(bars.close[-1])),
            "ma": now["ma"],
            "rsi": now["rsi"],
            "atr": now["atr"],
            "volume": known(float(bars.volume[-1])),
            "volume_average": now["volume_average"],
            "vix": known(view.series.get("VIX")),
        }


ENTRY_CONDITIONS, EXIT_CONDITIONS = (
    tuple(spec.name for spec in MtumConfluence.CONDITIONS if spec.role is role) for role in (Role.ENTRY, Role.EXIT)
)
"""Names in the order in which they are asked; the compiled backtest numbers them so."""


def judged(rules: MtumConfluence, now: Mapping[str, float | None], holding: Holding) -> SymbolVerdict:
    """Return the verdict that follows from indicator values and the strategy's own shares.

    Parameters
    ----------
    rules : MtumConfluence
        Parameters of the strategy; defaults are the documented rules.
    now : mapping of str to float or None
        The values `MtumConfluence.readings` gives; None = undefined.
    holding : Holding
        What a strategy knows of its own shares in one symbol; changed by fills only.
    """
    entry, exit_ = _entry_conditions(rules, now), _exit_conditions(rules, now, holding)
    verdict, reasons = _long(exit_) if holding.shares > 0 else _flat(rules, entry, now, holding)
    entering = isinstance(verdict, Target) and verdict.weight > 0
    remember = {name: value for name in rules.REMEMBERED if entering and (value := now[name]) is not None}
    return SymbolVerdict(rules.symbol, verdict, reasons, entry + exit_, now, remember)


def _entry_conditions(rules: MtumConfluence, now: Mapping[str, float | None]) -> tuple[Condition, ...]:
    return (
        above("close_above_ma", now["close"], now["ma"]),
        below("vix_calm", now["vix"], rules.vix_entry_below),
        above("rsi_high", now["rsi"], rules.rsi_entry_above),
        above("volume_high", now["volume"], now["volume_average"]),
    )


def _exit_conditions(rules: MtumConfluence, now: Mapping[str, float | None], holding: Holding) -> tuple[Condition, ...]:
    return (
        below("close_below_ma", now["close"], now["ma"]),
        above("vix_fear", now["vix"], rules.vix_exit_above),
        below("rsi_low", now["rsi"], rules.rsi_exit_below),
        at_least("atr_target", now["close"], _profit_target(rules, holding)),
    )


def _profit_target(rules: MtumConfluence, holding: Holding) -> float | None:
    atr_at_entry = holding.remembered.get("atr")
    if holding.shares <= 0 or holding.entry_price is None or atr_at_entry is None:
        return None
    return round(holding.entry_price + rules.atr_target_multiple * atr_at_entry, DECIMALS)


def _long(conditions: tuple[Condition, ...]) -> tuple[Verdict, tuple[str, ...]]:
    reasons = tuple(condition.name for condition in conditions if condition.passed)
    return (Target(0.0), reasons) if reasons else (Keep(), ("hold",))


def _flat(
    rules: MtumConfluence, conditions: tuple[Condition, ...], now: Mapping[str, float | None], holding: Holding
) -> tuple[Verdict, tuple[str, ...]]:
    barred = tuple(
        reason
        for reason, missing in (("vix_missing", now["vix"] is None), ("volume_unproven", now["volume"] is None))
        if missing
    )
    if barred:
        return Abstain(), barred
    since = holding.sessions_since_exit
    if not all(condition.passed for condition in conditions):
        return Keep(), ("hold",)
    if since is not None and since <= rules.reentry_cooldown_sessions:
        return Keep(), ("cooldown",)
    return Target(1.0), tuple(condition.name for condition in conditions)
