"""Donchian breakout: buy a close above the highest high of weeks, sell below the lowest low, as the Turtles did."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct
from msgspec.structs import replace

from mtum.core.indicators.smoothing import DECIMALS, Smoothing, ema_history, wilder_history
from mtum.core.strategies.contract import (
    Condition,
    Keep,
    Own,
    Price,
    Remembered,
    SymbolVerdict,
    Target,
    above,
    at_least,
    at_most,
    below,
)
from mtum.core.strategies.description import ChartPanel, ConditionSpec, Example, IndicatorSpec, Role
from mtum.core.strategies.places import atr_away, held_of
from mtum.core.strategies.several import TradeFilter, list_problems, range_problems, weight_of

if TYPE_CHECKING:
    from mtum.core.market.bars import Column
    from mtum.core.strategies.columns import MarketColumns, Mask, Signals
    from mtum.core.view import MarketView

N_SESSIONS, BAND_SESSIONS, SQUEEZE_SESSIONS = 20, 20, 10
CHANNELS = {2: (55, 20), 1: (20, 10)}
"""By system: sessions of the channel to enter and of the one to leave."""
SURE_SESSIONS = 55
"""Sessions of the channel that enters whatever the filter of system 1 says."""


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class DonchianBreakout(TradeFilter):
    """Follow breakouts with positions sized by the true range.

    Most trades lose a little and few win much: without a trend, breakout after breakout fails, and years pass between
    the winners. Gaps go through the stop. Few symbols give few trends.

    References
    ----------
    Faith (2007), "Way of the Turtle"; Donchian (1960), "High Finance in Copper"; for the squeeze Carter (2012),
    "Mastering the Trade".
    """

    name: ClassVar[str] = "donchian_breakout"
    EACH_BY_ITSELF: ClassVar[bool] = True
    CONFIDENCE: ClassVar[bool] = True
    REMEMBERED: ClassVar[tuple[str, ...]] = ("atr",)
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = (
        ConditionSpec(
            "channel_high", Role.ENTRY, "close above its channel", "close not above its channel", "breakout", "USD",
            "close",
        ),
        ConditionSpec(
            "signal_free", Role.ENTRY, "no earlier signal running", "an earlier signal still running", "free",
            "signals", of_position=True,
        ),
        ConditionSpec(
            "signal_counts", Role.ENTRY, "signal not skipped", "signal skipped after a winner", "counts",
            "USD", "close", of_position=True,
        ),
        ConditionSpec(
            "squeezed", Role.ENTRY, "out of a squeeze", "not out of a squeeze", "squeeze", "sessions", "close"
        ),
        ConditionSpec(
            "unit_due", Role.ENTRY, "risen far enough for another unit", "not risen far enough for another unit",
            "unit", "USD", "close", of_position=True,
        ),
        ConditionSpec("channel_low", Role.EXIT, "close below its channel", "", "channel", "USD", "close"),
        ConditionSpec("stop_n", Role.EXIT, "stop-loss reached", "", "stop", "USD", "close", of_position=True),
    )  # fmt: skip
    REASONS: ClassVar[Mapping[str, str]] = {
        "breakout": "it has broken out of its channel",
        "breakout_filtered": "it has broken out, but its filter keeps the signal back",
        "unit_added": "it has risen far enough for another unit",
        "hold": "",
        **dict.fromkeys((spec.name for spec in CONDITIONS if spec.role is Role.EXIT), ""),
    }
    EXAMPLE: ClassVar[Example] = Example({"symbols": ["AAPL", "IBM", "MSFT"], "system": 1, "max_units": 2}, "stocks")

    symbols: tuple[str, ...] = field(default=("SPY", "GLD", "TLT"), metadata={"doc": "symbols it trades"})
    system: int = field(
        default=2,
        metadata={"doc": "2: in above 55 sessions, out below 20; 1: 20 and 10, the signal after a winner skipped"},
    )
    risk_frac: float = field(default=0.01, metadata={"doc": "fraction of the sleeve that one ATR of a unit is"})
    max_units: int = field(default=1, metadata={"doc": "most units held of one symbol"})
    step_n: float = field(default=0.5, metadata={"doc": "buy another unit this many ATR above the last purchase"})
    stop_n: float = field(default=2.0, metadata={"doc": "exit this many ATR below the last purchase"})
    squeeze_filter: bool = field(
        default=False, metadata={"doc": "enter only if the Bollinger bands were inside the Keltner channel lately"}
    )

    def universe(self) -> tuple[str, ...]:
        """Return the symbols it trades."""
        return self.symbols

    @property
    def bar_columns(self) -> tuple[str, ...]:
        """What the channels and the ATR look at."""
        return ("high", "low")

    @property
    def usual_weights(self) -> Mapping[str, float]:
        """Return the largest unit; what moves more gets less."""
        return dict.fromkeys(self.symbols, 1 / (self.max_units * len(self.symbols)))

    def history_sessions(self) -> int:
        """Return the bars after which no mean of the last squeeze depends on where they begin."""
        return max(wilder_history(N_SESSIONS), ema_history(BAND_SESSIONS), SURE_SESSIONS + 1) + SQUEEZE_SESSIONS - 1

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the parameters, one line each."""
        system = () if self.system in CHANNELS else (f"system is {self.system}; use 2 or 1",)
        return (
            *list_problems(self.symbols),
            *system,
            *self.filter_problems(),
            *range_problems(
                ("risk_frac", self.risk_frac, 0.0001, 1.0),
                ("max_units", self.max_units, 1, 100),
                ("step_n", self.step_n, 0.01, 100.0),
                ("stop_n", self.stop_n, 0.01, 100.0),
            ),
        )

    def indicators(self) -> tuple[IndicatorSpec, ...]:
        """Return the channels of the sessions before, the ATR and, where they are asked for, the bands of a squeeze."""
        enter, leave = CHANNELS.get(self.system, CHANNELS[2])
        atr = (("sessions", N_SESSIONS), ("smoothing", Smoothing.WILDER))
        found = [_channel("upper", enter, "high"), _channel("lower", leave, "low")]
        found.append(IndicatorSpec("atr", "atr", atr, "USD", "ATR"))
        if self.system == 1:
            found.append(_channel("sure_upper", SURE_SESSIONS, "high"))
        if self.squeeze_filter:
            bands = (("sessions", BAND_SESSIONS), ("deviations", 2.0))
            ranges = (("sessions", BAND_SESSIONS), ("ranges", 1.5), ("range_sessions", N_SESSIONS))
            found += [
                IndicatorSpec(f"{name}_{line}", name, (*asked, ("line", line)), "USD", f"{line} {words}")
                for name, asked, words in (("bollinger", bands, "band"), ("keltner", ranges, "Keltner line"))
                for line in ("upper", "lower")
            ]
        return tuple(found)

    def panels(self) -> tuple[ChartPanel, ...]:
        """Return the channels over the price, then the ATR."""
        lines = (("upper", "enter above"), ("lower", "leave below"))
        return (ChartPanel("", lines), ChartPanel("ATR, USD", (("atr", "ATR"),)))

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """Return the exits, then the purchases in the order of the list, then the rest."""
        given = [self._judged(view, own, symbol) for symbol in self.symbols if symbol in view.bars]
        return tuple(sorted(given, key=lambda one: 0 if one.sells_all else 1 if one.enters else 2))

    def column_form(self, market: "MarketColumns") -> "Signals":
        """Return the breakouts that no filter keeps back, and the closes below the channel."""
        return _breakouts(self, market)

    def _judged(self, view: "MarketView", own: Own, symbol: str) -> SymbolVerdict:
        close, holding = float(view.bars[symbol].close[-1]), held_of(own, symbol)
        now = {spec.name: view.newest(symbol, spec) for spec in self.indicators()}
        paper = _Paper.of(own, symbol) if self.system == 1 else None
        entry = (
            above("channel_high", close, now["upper"]),
            *(paper.conditions(close, now) if paper else ()),
            *((at_least("squeezed", self._squeezes(view, symbol), 1),) if self.squeeze_filter else ()),
        )
        further = atr_away(holding.last_price, self.step_n, holding) if holding.purchases < self.max_units else None
        more = (at_least("unit_due", close, further),) if holding.shares and self.max_units > 1 else ()
        leave = (
            below("channel_low", close, now["lower"]),
            at_most("stop_n", close, atr_away(holding.last_price, -self.stop_n, holding)),
        )
        said = SymbolVerdict(symbol, Keep(), ("hold",), entry + more + leave, {"close": close, **now})
        said = self._held(view, own, said, leave, more) if holding.shares else self._flat(said, entry)
        followed = paper.memory(symbol, close, now, self.stop_n) if paper else {}
        return replace(said, memory={**said.memory, **followed})

    def _flat(self, said: SymbolVerdict, entry: tuple[Condition, ...]) -> SymbolVerdict:
        close, atr, name = said.indicators["close"], said.indicators["atr"], f"unit:{said.symbol}"
        if close and atr and all(one.passed for one in entry):
            most = 1 / (self.max_units * len(self.symbols))
            unit = round(min(self.risk_frac * close / atr, most), DECIMALS)
            return replace(
                said, verdict=Target(unit), reasons=("breakout",), remember={"atr": atr}, memory={name: unit}
            )
        # A signal that a filter keeps back is told as one.
        reasons = ("breakout_filtered",) if entry[0].passed else said.reasons
        return replace(said, reasons=reasons)

    def _held(
        self,
        view: "MarketView",
        own: Own,
        said: SymbolVerdict,
        leave: tuple[Condition, ...],
        more: tuple[Condition, ...],
    ) -> SymbolVerdict:
        reasons = tuple(one.name for one in leave if one.passed)
        if reasons:
            return replace(said, verdict=Target(0.0), reasons=reasons)
        unit, weight = own.memory.get(f"unit:{said.symbol}"), weight_of(view, own, said.symbol)
        if isinstance(unit, int | float) and weight is not None and any(one.passed for one in more):
            grown = round(min(weight + unit, 1 / len(self.symbols)), DECIMALS)
            if grown > weight:
                return replace(said, verdict=Target(grown), reasons=("unit_added",))
        return said

    def _squeezes(self, view: "MarketView", symbol: str) -> int:
        lines = [spec for spec in self.indicators() if spec.indicator in ("bollinger", "keltner")]
        found = 0
        for ago in range(SQUEEZE_SESSIONS):
            upper, lower, far_upper, far_lower = (view.newest(symbol, spec, ago) for spec in lines)
            if upper is not None and lower is not None and far_upper is not None and far_lower is not None:
                found += upper < far_upper and lower > far_lower
        return found


def _channel(name: str, sessions: int, line: str) -> IndicatorSpec:
    asked = (("sessions", sessions), ("previous", True), ("line", line))
    return IndicatorSpec(name, "donchian", asked, "USD", f"{line} of the {sessions} sessions before")


class _Paper(Struct, frozen=True):
    # The trade that system 1 follows whether it was made or not: close and ATR of its signal while it runs, and
    # whether the one before it won.
    running: tuple[float, float] | None
    won: bool

    @classmethod
    def of(cls, own: Own, symbol: str) -> "_Paper":
        price, atr = own.memory.get(f"paper_price:{symbol}"), own.memory.get(f"paper_n:{symbol}")
        running = (price.usd, atr.usd) if isinstance(price, Price) and isinstance(atr, Price) else None
        return cls(running, own.memory.get(f"paper_result:{symbol}") == "won")

    def conditions(self, close: float, now: Mapping[str, float | None]) -> tuple[Condition, ...]:
        # After a winner the signal is skipped, and only the longer channel enters, at once or while it runs.
        taken = self.running is not None and not self.won
        counts = above("signal_counts", close, now["sure_upper" if self.won else "upper"])
        return (below("signal_free", float(taken), 1.0), counts)

    def memory(
        self, symbol: str, close: float, now: Mapping[str, float | None], stop_n: float
    ) -> Mapping[str, Remembered | None]:
        price, atr = f"paper_price:{symbol}", f"paper_n:{symbol}"
        if self.running is None:
            signal = now["upper"] is not None and close > now["upper"]
            return {price: Price(symbol, close), atr: Price(symbol, now["atr"])} if signal and now["atr"] else {}
        opened, at_signal = self.running
        fallen = now["lower"] is not None and close < now["lower"]
        if not fallen and close > round(opened - stop_n * at_signal, DECIMALS):
            return {}
        return {price: None, atr: None, f"paper_result:{symbol}": "won" if close > opened else "lost"}


def _breakouts(rules: DonchianBreakout, market: "MarketColumns") -> "Signals":
    import numpy as np

    from mtum.core.strategies.columns import Signals, reasons_by_bits

    now = {one.name: market.values(rules.symbols, one) for one in rules.indicators()}
    close, atr, count = market.close(rules.symbols), now["atr"], len(rules.symbols)
    now |= {"close": close}
    enters = (close > now["upper"]) & (close > 0) & (atr > 0)
    if rules.squeeze_filter:
        inside = (now["bollinger_upper"] < now["keltner_upper"]) & (now["bollinger_lower"] > now["keltner_lower"])
        before = np.concatenate([np.zeros((SQUEEZE_SESSIONS, count)), np.cumsum(inside, axis=0)])
        enters &= before[SQUEEZE_SESSIONS:] > before[:-SQUEEZE_SESSIONS]
    if rules.system == 1:
        able = market.able(rules.symbols)
        able[: market.first] = False
        columns = ({name: column[:, at] for name, column in now.items()} for at in range(count))
        followed = [_followed(own, fit, rules.stop_n) for own, fit in zip(columns, able.T, strict=True)]
        enters &= np.column_stack(followed)
    with np.errstate(divide="ignore", invalid="ignore"):
        units = np.round(np.minimum(rules.risk_frac * close / atr, 1 / (rules.max_units * count)), DECIMALS)
    reasons = reasons_by_bits("breakout", ("channel_low", "stop_n"))
    return Signals(
        np.arange(len(close)), np.where(enters, units, np.nan), np.zeros(close.shape),
        (close < now["lower"]).astype(np.int64), atr, inf, rules.stop_n, 0, count, (0, 2, 0),
        (*reasons, ("unit_added",)), rules.step_n, rules.max_units, 1 / count, len(reasons),
    )  # fmt: skip


def _followed(now: Mapping[str, "Column"], fit: "Mask", stop_n: float) -> "Mask":
    # As `_Paper` says of each session by itself: where the signals of one symbol count.
    import numpy as np

    counts = np.zeros(len(fit), dtype=bool)
    signals = (now["close"] > now["upper"]) & (now["atr"] > 0)
    sure, fallen = now["close"] > now["sure_upper"], now["close"] < now["lower"]
    at = np.flatnonzero(fit)
    columns = (column[at].tolist() for column in (now["close"], now["atr"], signals, sure, fallen))
    running, won, opened, stop = False, False, 0.0, 0.0
    for t, close, atr, signal, surely, below_channel in zip(at.tolist(), *columns, strict=True):
        counts[t] = surely if won else not running
        if not running and signal:
            running, opened, stop = True, close, round(close - stop_n * atr, DECIMALS)
        elif running and (below_channel or close <= stop):
            running, won = False, close > opened
    return counts
