"""Momentum burst: buy a sharp rise on high volume, and leave within days at a target, a stop or the clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan
from typing import TYPE_CHECKING, ClassVar

from mtum.core.indicators.smoothing import DECIMALS, Smoothing, ema_history, known, wilder_history
from mtum.core.market.timeframes import Timeframe
from mtum.core.strategies.contract import (
    Condition,
    Holding,
    Own,
    SymbolVerdict,
    above,
    at_least,
    at_most,
    below,
)
from mtum.core.strategies.description import ChartPanel, ConditionSpec, Example, IndicatorSpec, Role
from mtum.core.strategies.periods import month_end_history
from mtum.core.strategies.places import at_entry, atr_away, held_of, in_places, ruled, sessions_held
from mtum.core.strategies.several import TradeFilter, list_problems, range_problems

if TYPE_CHECKING:
    from mtum.core.strategies.columns import MarketColumns, Signals
    from mtum.core.view import MarketView

RSI_SESSIONS, ATR_SESSIONS, VOLUME_SESSIONS = 14, 14, 20
MACD = (("fast", 12), ("slow", 26), ("signal", 9))


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class MomentumBurst(TradeFilter):
    """Buy what has just risen far for its usual range, and hold it for days only.

    In a market without direction bursts fail and each costs its stop; a gap through the stop costs more than that.
    It trades much: with wide spreads or commissions nothing is left. It is meant for lists of liquid stocks.

    References
    ----------
    Bonde, "Momentum Burst" (Stockbee): a trader's method, tested by no paper; Wilder (1978), "New Concepts in Technical
    Trading Systems"; Appel (2005), "Technical Analysis: Power Tools for Active Investors".
    """

    name: ClassVar[str] = "momentum_burst"
    EACH_BY_ITSELF: ClassVar[bool] = True
    CALENDAR: ClassVar[bool] = True
    CONFIDENCE: ClassVar[bool] = True
    REMEMBERED: ClassVar[tuple[str, ...]] = ("atr",)
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = (
        ConditionSpec("burst_rise", Role.ENTRY, "risen far enough", "not risen far enough", "rise", "%", "close"),
        ConditionSpec(
            "burst_volume", Role.ENTRY, "volume far above its average", "volume not far above its average", "volume",
            "shares", "volume",
        ),
        ConditionSpec(
            "burst_strength", Role.ENTRY, "RSI strong, not overbought", "RSI weak or overbought", "RSI", "", "close"
        ),
        ConditionSpec(
            "macd_growing", Role.ENTRY, "MACD histogram above zero and growing",
            "MACD histogram below zero or shrinking", "MACD", "USD", "close",
        ),
        ConditionSpec(
            "above_ema", Role.ENTRY, "close above its exponential mean", "close not above its exponential mean",
            "above EMA", "USD", "close",
        ),
        *(
            ConditionSpec(
                f"confirmed_{frame}", Role.ENTRY, f"close above the exponential mean of its {frame} bars",
                f"close not above the exponential mean of its {frame} bars", frame, "USD", "close",
            )
            for frame in Timeframe
        ),
        ConditionSpec("target_atr", Role.EXIT, "profit target reached", "", "target", "USD", "close", of_position=True),
        ConditionSpec("stop_atr", Role.EXIT, "stop-loss reached", "", "stop", "USD", "close", of_position=True),
        ConditionSpec("rsi_low", Role.EXIT, "RSI too low", "", "RSI low", "", "close"),
        ConditionSpec("max_sessions", Role.EXIT, "held long enough", "", "time", "sessions", of_position=True),
    )  # fmt: skip
    REASONS: ClassVar[Mapping[str, str]] = {
        "burst": "it has risen far and fast on high volume",
        **dict.fromkeys(("no_place", "hold"), ""),
        **dict.fromkeys((spec.name for spec in CONDITIONS if spec.role is Role.EXIT), ""),
    }
    EXAMPLE: ClassVar[Example] = Example({"symbols": ["AAPL", "IBM", "MSFT"], "max_positions": 2}, "stocks")

    symbols: tuple[str, ...] = field(default=("SPY", "QQQ", "IWM"), metadata={"doc": "symbols it trades"})
    burst_sessions: int = field(default=5, metadata={"doc": "sessions over which a rise is measured"})
    burst_atr: float = field(default=1.5, metadata={"doc": "enter on a rise of at least this many ATR"})
    volume_multiple: float = field(default=1.5, metadata={"doc": "enter above this multiple of the average volume"})
    rsi_low: float = field(default=55.0, metadata={"doc": "enter only while the RSI is at least this"})
    rsi_high: float = field(default=80.0, metadata={"doc": "enter only while the RSI is at most this"})
    ema_sessions: int = field(default=20, metadata={"doc": "window of the exponential mean, bars of its timeframe"})
    risk_frac: float = field(default=0.005, metadata={"doc": "fraction of the sleeve that one ATR of a position is"})
    max_weight: float = field(default=0.33, metadata={"doc": "largest position, fraction of the sleeve's equity"})
    max_positions: int = field(default=3, metadata={"doc": "symbols held at most"})
    target_atr: float = field(default=1.5, metadata={"doc": "exit this many ATR of the entry above its price"})
    stop_atr: float = field(default=1.0, metadata={"doc": "exit this many ATR of the entry below its price"})
    max_sessions: int = field(default=5, metadata={"doc": "exit after this many sessions"})
    exit_rsi: float = field(default=45.0, metadata={"doc": "exit when the RSI is below this"})
    confirm_timeframes: tuple[Timeframe, ...] = field(
        default=(), metadata={"doc": 'timeframes that must confirm the rise, for instance ["1w"]'}
    )

    def universe(self) -> tuple[str, ...]:
        """Return the symbols it trades."""
        return self.symbols

    @property
    def bar_columns(self) -> tuple[str, ...]:
        """What the ATR and the volume condition look at."""
        return ("high", "low", "volume")

    @property
    def intraday_bars(self) -> Mapping[Timeframe, int]:
        """As many of each timeframe within the session that confirms as its mean has forgotten its seed after."""
        frames = (Timeframe(frame) for frame in self.confirm_timeframes)
        return {frame: ema_history(self.ema_sessions) for frame in frames if frame.minutes}

    @property
    def usual_weights(self) -> Mapping[str, float]:
        """Return the largest position; what moves more gets less."""
        return dict.fromkeys(self.symbols, self.max_weight)

    def history_sessions(self) -> int:
        """Return the bars after which the slowest mean no longer depends on where they begin."""
        fast, slow, signal = (sessions for _, sessions in MACD)
        macd = ema_history(max(fast, slow)) + ema_history(signal) + 1  # looked at a session back too
        confirming = ema_history(self.ema_sessions)
        framed = {
            Timeframe.DAY: confirming,
            Timeframe.WEEK: 5 * confirming + 1,
            Timeframe.MONTH: month_end_history(confirming),
        }
        frames = (Timeframe.DAY, *self.confirm_timeframes)
        longest = max(framed.get(frame, 0) for frame in frames)
        return max(macd, longest, wilder_history(max(RSI_SESSIONS, ATR_SESSIONS)), self.burst_sessions + 1)

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the parameters, one line each."""
        frames = [*self.confirm_timeframes]
        known_frames = ", ".join(f'"{frame}"' for frame in Timeframe)
        wrong = [f'confirm_timeframes holds "{one}"; use {known_frames}' for one in frames if one not in [*Timeframe]]
        twice = sorted({one for one in frames if frames.count(one) > 1})
        return (
            *list_problems(self.symbols),
            *self.filter_problems(),
            *range_problems(
                ("burst_sessions", self.burst_sessions, 1, 250),
                ("burst_atr", self.burst_atr, 0.0, 100.0),
                ("volume_multiple", self.volume_multiple, 0.0, 100.0),
                ("rsi_low", self.rsi_low, 0.0, 100.0),
                ("rsi_high", self.rsi_high, 0.0, 100.0),
                ("ema_sessions", self.ema_sessions, 2, 250),
                ("risk_frac", self.risk_frac, 0.0001, 1.0),
                ("max_weight", self.max_weight, 0.01, 1.0),
                ("max_positions", self.max_positions, 1, 500),
                ("target_atr", self.target_atr, 0.01, 100.0),
                ("stop_atr", self.stop_atr, 0.01, 100.0),
                ("max_sessions", self.max_sessions, 1, 250),
                ("exit_rsi", self.exit_rsi, 0.0, 100.0),
            ),
            *wrong,
            *(f'confirm_timeframes holds "{one}" twice; list it once' for one in twice),
        )

    def contradictions(self) -> tuple[str, ...]:
        """Return which levels of the RSI do not go together, one line each."""
        found = []
        if self.rsi_low > self.rsi_high:
            found.append(f"rsi_low: {self.rsi_low:g} is over rsi_high ({self.rsi_high:g}); it would never enter")
        if self.exit_rsi > self.rsi_low:
            found.append(
                f"exit_rsi: {self.exit_rsi:g} is over rsi_low ({self.rsi_low:g}); "
                "between them it would enter and exit by turns"
            )
        return tuple(found)

    def indicators(self) -> tuple[IndicatorSpec, ...]:
        """Return RSI, ATR, MACD and the means of close and volume, and that of the close on what confirms."""
        wilder, mean = ("smoothing", Smoothing.WILDER), (("of", "close"), ("sessions", self.ema_sessions))
        usual, words = (("of", "volume"), ("sessions", VOLUME_SESSIONS)), f"exponential mean of {self.ema_sessions}"
        return (
            IndicatorSpec("rsi", "rsi", (("sessions", RSI_SESSIONS), wilder), "", "RSI"),
            IndicatorSpec("atr", "atr", (("sessions", ATR_SESSIONS), wilder), "USD", "ATR"),
            IndicatorSpec("macd", "macd", (*MACD, ("line", "histogram")), "USD", "MACD histogram"),
            IndicatorSpec("ema", "ema", mean, "USD", f"{words} sessions"),
            IndicatorSpec("volume_average", "sma", usual, "shares", f"mean of {VOLUME_SESSIONS}"),
            *(
                IndicatorSpec(f"ema_{frame}", "ema", mean, "USD", f"{words} bars of {frame}", Timeframe(frame))
                for frame in self.confirm_timeframes
            ),
        )

    def panels(self) -> tuple[ChartPanel, ...]:
        """Return the mean over the price, then RSI, MACD and volume."""
        levels = ((self.rsi_low, Role.ENTRY), (self.rsi_high, Role.ENTRY), (self.exit_rsi, Role.EXIT))
        return (
            ChartPanel("", (("ema", f"EMA{self.ema_sessions}"),)),
            ChartPanel(f"RSI {RSI_SESSIONS}", (("rsi", "RSI"),), levels, bounds=(0.0, 100.0)),
            ChartPanel("MACD histogram, USD", (("macd", "MACD"),), ((0.0, Role.ENTRY),)),
            ChartPanel("Volume and its mean", (("volume", "volume"), ("volume_average", "mean")), bars=True),
        )

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """Return the exits, then the strongest bursts as far as there are places, then the rest."""
        fit = (symbol for symbol in self.symbols if symbol in view.bars)
        return in_places((self._judged(view, own, symbol) for symbol in fit), own, self.max_positions)

    def column_form(self, market: "MarketColumns") -> "Signals | None":
        """Return the bursts, and where the RSI says that one is over; None where other timeframes confirm."""
        return None if self.confirm_timeframes else _bursts(self, market)

    def _judged(self, view: "MarketView", own: Own, symbol: str) -> tuple[float, SymbolVerdict]:
        bars, holding = view.bars[symbol], held_of(own, symbol)
        specs = {spec.name: spec for spec in self.indicators()}
        now = {name: view.newest(symbol, spec) for name, spec in specs.items()}
        close, atr, volume = float(bars.close[-1]), now["atr"], float(bars.volume[-1])
        rise = close / float(bars.close[-1 - self.burst_sessions]) - 1.0
        seen = {
            "close": close,
            "rise": _percent(rise),
            "rise_asked": None if atr is None else _percent(self.burst_atr * atr / close),
            "rise_in_atr": known(rise * close / atr) if atr else None,
            "volume": None if isnan(volume) else volume,
            "macd_before": view.newest(symbol, specs["macd"], 1),
            **now,
        }
        confirmed = (self._confirmed(view, symbol, frame, now) for frame in self.confirm_timeframes)
        entry, leave = (*self._entry(seen), *confirmed), self._leave(seen, holding, sessions_held(view, holding))
        weight = known(min(self.max_weight, self.risk_frac * close / atr)) if atr else None
        verdict, reasons = ruled(entry, leave, weight, "burst", holding)
        said = SymbolVerdict(symbol, verdict, reasons, entry + leave, seen, at_entry(verdict, now, self.REMEMBERED))
        return -(seen["rise_in_atr"] or 0.0), said

    def _entry(self, seen: Mapping[str, float | None]) -> tuple[Condition, ...]:
        usual, before = seen["volume_average"], seen["macd_before"]
        strong = (
            at_least("burst_strength", seen["rsi"], self.rsi_low),
            at_most("burst_strength", seen["rsi"], self.rsi_high),
        )
        return (
            at_least("burst_rise", seen["rise"], seen["rise_asked"]),
            above("burst_volume", seen["volume"], None if usual is None else known(self.volume_multiple * usual)),
            # The nearer of the two levels tells how far it is from flipping.
            min(strong, key=lambda one: one.margin or 0.0),
            above("macd_growing", seen["macd"], None if before is None else max(0.0, before)),
            above("above_ema", seen["close"], seen["ema"]),
        )

    def _confirmed(
        self, view: "MarketView", symbol: str, frame: Timeframe, now: Mapping[str, float | None]
    ) -> Condition:
        bars = view.framed(symbol, Timeframe(frame))
        return above(f"confirmed_{frame}", float(bars.close[-1]) if len(bars) else None, now[f"ema_{frame}"])

    def _leave(self, seen: Mapping[str, float | None], holding: Holding, sessions: int | None) -> tuple[Condition, ...]:
        entered = holding.entry_price
        return (
            at_least("target_atr", seen["close"], atr_away(entered, self.target_atr, holding)),
            at_most("stop_atr", seen["close"], atr_away(entered, -self.stop_atr, holding)),
            below("rsi_low", seen["rsi"], self.exit_rsi),
            at_least("max_sessions", sessions, self.max_sessions),
        )


def _percent(fraction: float) -> float:
    # Rounded as a fraction, so that it ties as one.
    return round(100.0 * round(fraction, DECIMALS), DECIMALS - 2)


def _bursts(rules: MomentumBurst, market: "MarketColumns") -> "Signals":
    import numpy as np

    from mtum.core.strategies.columns import Signals, reasons_by_bits

    now = {one.name: market.values(rules.symbols, one) for one in rules.indicators()}
    close, volume, atr = market.close(rules.symbols), market.volume(rules.symbols), now["atr"]
    lead = np.full((min(rules.burst_sessions, len(close)), len(rules.symbols)), np.nan)
    rise = close / np.vstack([lead, close[: -rules.burst_sessions]]) - 1.0
    before = np.vstack([np.full((1, len(rules.symbols)), np.nan), now["macd"][:-1]])
    with np.errstate(divide="ignore", invalid="ignore"):
        asked, share = rules.burst_atr * atr / close, rules.risk_frac * close / atr
        ranks = -np.nan_to_num(np.round(rise * close / atr, DECIMALS), posinf=0.0, neginf=0.0)
    percent, percent_asked = (np.round(100.0 * np.round(one, DECIMALS), DECIMALS - 2) for one in (rise, asked))
    enters = (percent >= percent_asked) & (volume > np.round(rules.volume_multiple * now["volume_average"], DECIMALS))
    enters &= (now["rsi"] >= rules.rsi_low) & (now["rsi"] <= rules.rsi_high)
    enters &= (now["macd"] > np.maximum(0.0, before)) & (close > now["ema"]) & (atr > 0)
    weights = np.where(enters, np.round(np.minimum(rules.max_weight, share), DECIMALS), np.nan)
    return Signals(
        np.arange(len(close)), weights, ranks, 4 * (now["rsi"] < rules.exit_rsi).astype(np.int64), atr,
        rules.target_atr, rules.stop_atr, rules.max_sessions, rules.max_positions, (1, 2, 8),
        reasons_by_bits("burst", ("target_atr", "stop_atr", "rsi_low", "max_sessions")),
    )  # fmt: skip
