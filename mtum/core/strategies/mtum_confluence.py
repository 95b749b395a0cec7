"""MTUM multi-confluence: in when trend, calm, strength and volume agree, out when any fails hard."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan
from typing import TYPE_CHECKING, ClassVar

from mtum.core.indicators.smoothing import DECIMALS, Smoothing
from mtum.core.strategies.contract import (
    Abstain,
    Condition,
    Holding,
    Keep,
    SymbolVerdict,
    Target,
    Verdict,
    above,
    at_least,
    below,
)

if TYPE_CHECKING:
    from mtum.core.market.bars import Column
    from mtum.core.market.view import MarketView

ENTRY_CONDITIONS = ("close_above_ma", "vix_calm", "rsi_high", "volume_high")
EXIT_CONDITIONS = ("close_below_ma", "vix_fear", "rsi_low", "atr_target")

SIMPLE_HISTORY = 60
"""Bars below which a frame is not fit with plain means."""
WILDER_HISTORY = 400
"""The same with Wilder's: the seed then weighs less than 1e-12 for 14 sessions."""


@dataclass(frozen=True, slots=True)
class MtumConfluence:
    """Parameters of the strategy; defaults are the documented rules."""

    name: ClassVar[str] = "mtum_confluence"

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
    vix_exit_above: float = field(default=30.0, metadata={"doc": "leave when the VIX is above this, index points"})
    rsi_entry_above: float = field(default=50.0, metadata={"doc": "enter only while the RSI is above this"})
    rsi_exit_below: float = field(default=30.0, metadata={"doc": "leave when the RSI is below this"})
    atr_target_multiple: float = field(
        default=4.0, metadata={"doc": "leave at entry price plus this many ATR of the entry decision"}
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
                "between them it would enter and leave by turns"
            )
        if self.rsi_entry_above < self.rsi_exit_below:
            found.append(
                f"rsi_entry_above: {self.rsi_entry_above:g} is under rsi_exit_below ({self.rsi_exit_below:g}); "
                "between them it would enter and leave by turns"
            )
        return tuple(found)

    def verdicts(self, view: "MarketView", holdings: Mapping[str, Holding]) -> tuple[SymbolVerdict, ...]:
        """Return the verdict on the one symbol."""
        return (judged(self, self.indicators(view), holdings.get(self.symbol, Holding(self.symbol))),)

    def indicators(self, view: "MarketView") -> dict[str, float | None]:
        """Return the newest value of every indicator, rounded to 1e-6; None = undefined."""
        from mtum.core.indicators.atr import atr  # these load numpy and pandas-ta
        from mtum.core.indicators.rsi import rsi
        from mtum.core.indicators.sma import sma

        bars = view.bars[self.symbol]
        return {
            "close": _newest(bars.close),
            "ma": _newest(sma(bars.close, self.ma_sessions)),
            "rsi": _newest(rsi(bars.close, self.rsi_sessions, self.rsi_smoothing)),
            "atr": _newest(atr(bars, self.atr_sessions, self.atr_smoothing)),
            "volume": _newest(bars.volume),
            "volume_average": _newest(sma(bars.volume, self.volume_sessions)),
            "vix": _known(view.series.get("VIX")),
        }


def judged(rules: MtumConfluence, now: Mapping[str, float | None], holding: Holding) -> SymbolVerdict:
    """Return the verdict that follows from indicator values and the strategy's own shares.

    Parameters
    ----------
    now : mapping of str to float or None
        The values `MtumConfluence.indicators` gives; None = undefined.
    """
    entry, exit_ = _entry_conditions(rules, now), _exit_conditions(rules, now, holding)
    verdict, reasons = _long(exit_) if holding.shares > 0 else _flat(rules, entry, now, holding)
    atr_now = now["atr"]
    entering = isinstance(verdict, Target) and verdict.weight > 0
    remember = {"atr": atr_now} if entering and atr_now is not None else {}
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


def _newest(values: "Column") -> float | None:
    return _known(float(values[-1]))


def _known(value: float | None) -> float | None:
    return None if value is None or isnan(value) else round(value, DECIMALS)
