"""Trend votes of days, weeks and months, weighed once a week, and a stop that trails the highest close."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from mtum.core.indicators.smoothing import DECIMALS, Smoothing, ema_history, known, wilder_history
from mtum.core.market.timeframes import Timeframe
from mtum.core.strategies.contract import (
    Holding,
    Keep,
    Own,
    Remembered,
    Strategy,
    SymbolVerdict,
    Target,
    above,
    at_least,
    below,
)
from mtum.core.strategies.description import ChartPanel, ConditionSpec, Example, IndicatorSpec, Role
from mtum.core.strategies.periods import due, mean_of_closes, month_end_history, week_end_history
from mtum.core.strategies.several import list_problems, range_problems, weight_of

if TYPE_CHECKING:
    from mtum.core.market.bars import Column
    from mtum.core.strategies.columns import Allocation, Decisions, MarketColumns
    from mtum.core.view import MarketView

ADX_SESSIONS = 14
STOP_MEMORY_SESSIONS = 250
"""A close longer ago than this raises the stop no more."""
FACTORS = {3: 1.0, 2: 0.5}
"""Part of a full position by the number of votes; fewer votes hold nothing."""
UNTIL_DOWN, UNTIL_UP = "until the day vote is no", "until the day vote is yes again"
"""What is remembered of a symbol that the stop has sold."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TrendFollowing(Strategy):
    """Hold what days, weeks and months agree is rising, less of it the more it moves, until a trailing stop.

    It loses a little again and again where prices go sideways, and gives back part of every trend before it leaves.

    References
    ----------
    Faber (2007), "A Quantitative Approach to Tactical Asset Allocation", Journal of Wealth Management 9(4);
    Hurst, Ooi, Pedersen (2017), "A Century of Evidence on Trend-Following Investing", Journal of Portfolio
    Management 44(1); the stop is Chuck LeBeau's chandelier.
    """

    name: ClassVar[str] = "trend_following"
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = (
        ConditionSpec(
            "trend_days_up", Role.ENTRY, "fast mean above slow mean", "fast mean not above slow mean", "days up",
            "USD", "close",
        ),
        ConditionSpec("trend_strong", Role.ENTRY, "ADX high enough", "ADX too low", "trend strong"),
        ConditionSpec(
            "trend_weeks_up", Role.ENTRY, "close above the mean of weekly closes",
            "close not above the mean of weekly closes", "weeks up", "USD", "close",
        ),
        ConditionSpec(
            "trend_months_up", Role.ENTRY, "close above the mean of monthly closes",
            "close not above the mean of monthly closes", "months up", "USD", "close",
        ),
        ConditionSpec(
            "trend_step", Role.ENTRY, "weight far enough from the wanted one", "weight near the wanted one", "step",
            of_position=True,
        ),
        ConditionSpec("trend_lost", Role.EXIT, "fewer than two of three votes", "", "few votes"),
        ConditionSpec(
            "chandelier", Role.EXIT, "close below the trailing stop", "", "trailing stop", "USD", "close",
            of_position=True,
        ),
    )  # fmt: skip
    REASONS: ClassVar[Mapping[str, str]] = {
        "trend_score_0": "days, weeks and months: none of them votes for it",
        "trend_score_1": "one of days, weeks and months votes for it",
        "trend_score_2": "two of days, weeks and months vote for it",
        "trend_score_3": "days, weeks and months vote for it",
        "chandelier": "",
        "trend_stopped": "the trailing stop sold it, and no new trend of days has begun since",
        "hold": "",
    }
    EXAMPLE: ClassVar[Example] = Example({"symbols": ["SP500", "NDQ"]})
    EACH_BY_ITSELF: ClassVar[bool] = True
    CALENDAR: ClassVar[bool] = True
    TOTAL_RETURNS: ClassVar[bool] = True
    STANDING_SALES: ClassVar[bool] = True

    symbols: tuple[str, ...] = field(
        default=("SPY", "EFA", "IEF", "GLD"),
        metadata={"doc": "symbols followed, each with an equal part"},
    )
    fast: int = field(default=20, metadata={"doc": "window of the fast exponential mean of closes, sessions"})
    slow: int = field(default=50, metadata={"doc": "window of the slow exponential mean of closes, sessions"})
    adx_min: float = field(default=20.0, metadata={"doc": "ADX of 14 sessions from which days may vote for a symbol"})
    weeks: int = field(default=30, metadata={"doc": "weekly closes in the mean that the week's vote looks at"})
    months: int = field(default=10, metadata={"doc": "monthly closes in the mean that the month's vote looks at"})
    target_vol: float = field(
        default=0.15, metadata={"doc": "volatility a year above which a position is made smaller, as a fraction"}
    )
    vol_sessions: int = field(default=60, metadata={"doc": "window of that volatility, sessions"})
    chandelier_atr: float = field(
        default=3.0, metadata={"doc": "distance of the trailing stop from the highest close since the entry, in ATR"}
    )
    chandelier_sessions: int = field(default=22, metadata={"doc": "window of that ATR, sessions"})
    step: float = field(
        default=0.10, metadata={"doc": "smallest change of a position, as a fraction of a symbol's equal part"}
    )

    @property
    def bar_columns(self) -> tuple[str, ...]:
        """What ADX and ATR look at."""
        return ("high", "low")

    def universe(self) -> tuple[str, ...]:
        """Return the symbols followed."""
        return self.symbols

    def history_sessions(self) -> int:
        """Return the bars after which every mean has forgotten where it began."""
        return max(
            ema_history(self.slow),
            2 * wilder_history(ADX_SESSIONS) - 1,
            wilder_history(self.chandelier_sessions),
            week_end_history(self.weeks - 1),
            month_end_history(self.months - 1),
            self.vol_sessions + 1,
            STOP_MEMORY_SESSIONS,
        )

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the parameters, one line each."""
        found = list_problems(self.symbols) + range_problems(
            ("fast", self.fast, 1, 999),
            ("slow", self.slow, 2, 1000),
            ("adx_min", self.adx_min, 0.0, 100.0),
            ("weeks", self.weeks, 2, 260),
            ("months", self.months, 2, 120),
            ("target_vol", self.target_vol, 0.001, 10.0),
            ("vol_sessions", self.vol_sessions, 2, 1000),
            ("chandelier_atr", self.chandelier_atr, 0.1, 100.0),
            ("chandelier_sessions", self.chandelier_sessions, 1, 250),
            ("step", self.step, 0.0, 1.0),
        )
        if self.fast >= self.slow:
            found += (f"fast is {self.fast}; use a whole number below slow, which is {self.slow}",)
        return found

    def indicators(self) -> tuple[IndicatorSpec, ...]:
        """Return the means of the day's vote, and what measures strength and movement."""
        adx, window = (("sessions", ADX_SESSIONS),), (("sessions", self.vol_sessions),)
        atr = (("sessions", self.chandelier_sessions), ("smoothing", Smoothing.WILDER))
        return (
            IndicatorSpec("trend_fast", "ema", _closes(self.fast), "USD", f"exponential mean of {self.fast} sessions"),
            IndicatorSpec("trend_slow", "ema", _closes(self.slow), "USD", f"exponential mean of {self.slow} sessions"),
            IndicatorSpec("trend_adx", "adx", adx, "", "ADX"),
            IndicatorSpec("trend_atr", "atr", atr, "USD", "ATR"),
            IndicatorSpec("trend_volatility", "volatility", window, "", "volatility", total_return=True),
        )

    def panels(self) -> tuple[ChartPanel, ...]:
        """Return the means of the three votes over the price, then ADX and volatility."""
        means = tuple(
            (IndicatorSpec(f"trend_{name}", "sma", _closes(count), "USD", "", frame, total_return=True), label)
            for frame, count, name, label in (
                (Timeframe.WEEK, self.weeks, "weeks", f"{self.weeks} weeks"),
                (Timeframe.MONTH, self.months, "months", f"{self.months} months"),
            )
        )
        return (
            ChartPanel("", (("trend_fast", f"{self.fast} sessions"), ("trend_slow", f"{self.slow} sessions"), *means)),
            ChartPanel("ADX", (("trend_adx", "ADX"),), ((self.adx_min, Role.ENTRY),), bounds=(0.0, 100.0)),
            ChartPanel("Volatility a year", (("trend_volatility", "volatility"),), ((self.target_vol, Role.EXIT),)),
        )

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """Return one verdict per fit symbol: sales and what stays first, then what is wanted."""
        found = [self._verdict(view, own, symbol) for symbol in self.symbols if symbol in view.bars]
        return tuple(sorted(found, key=lambda one: one.enters))

    def column_form(self, market: "MarketColumns") -> "Allocation":
        """Return the weights of each week's end, and the stop of every session."""
        return _trends(self, market)

    def _verdict(self, view: "MarketView", own: Own, symbol: str) -> SymbolVerdict:
        held, weekly = own.of(symbol), due(view, Timeframe.WEEK, own.memory.get(f"week:{symbol}"))
        now = self._readings(view, symbol, weekly.period if weekly.now else None)
        votes = (
            above("trend_days_up", now["trend_fast"], now["trend_slow"]),
            at_least("trend_strong", now["trend_adx"], self.adx_min),
            above("trend_weeks_up", now["close"], now["trend_weeks"]),
            above("trend_months_up", now["close"], now["trend_months"]),
        )
        days_up = votes[0].passed and votes[1].passed
        score = days_up + votes[2].passed + votes[3].passed
        lost = below("trend_lost", float(score), float(min(FACTORS)))
        chandelier = below("chandelier", now["close"], self._stop(view, held, now["trend_atr"]))
        stopped = _stopped(own.memory.get(f"stopped:{symbol}"), fallen=chandelier.passed, days_up=days_up)
        weight = 0.0 if stopped else self._weight(score, now["trend_volatility"])
        now |= {"trend_weight": weight, "trend_weight_held": (current := weight_of(view, own, symbol))}
        change = None if current is None else round(abs(weight - current), DECIMALS)
        step = at_least("trend_step", change, round(self.step / len(self.symbols), DECIMALS))
        if held.shares:
            acts = stopped is not None or (weekly.now and (step.passed or weight == 0))
        else:
            acts = weekly.now and weight > 0
        reasons = (
            *((f"trend_score_{score}",) if weekly.now and (lost.passed or not stopped) else ()),
            *(("chandelier" if held.shares else "trend_stopped",) if stopped and (held.shares or weekly.now) else ()),
        )
        return SymbolVerdict(
            symbol,
            Target(weight) if acts else Keep(),
            reasons or ("hold",),
            (*votes, step, lost, chandelier),
            now,
            memory={f"week:{symbol}": weekly.period, f"stopped:{symbol}": stopped},
            confidence=round(score / 3, DECIMALS),
        )

    def _readings(self, view: "MarketView", symbol: str, week: str | None) -> dict[str, float | None]:
        return {
            "close": known(float(view.bars[symbol].close[-1])),
            **{spec.name: view.newest(symbol, spec) for spec in self.indicators()},
            "trend_weeks": mean_of_closes(view, symbol, Timeframe.WEEK, self.weeks, week),
            "trend_months": mean_of_closes(view, symbol, Timeframe.MONTH, self.months),
        }

    def _weight(self, score: int, volatility: float | None) -> float:
        calm = min(1.0, self.target_vol / volatility) if volatility else 1.0
        return round(FACTORS.get(score, 0.0) * calm / len(self.symbols), DECIMALS)

    def _stop(self, view: "MarketView", held: Holding, atr: float | None) -> float | None:
        if not held.shares or held.entry_session is None or atr is None:
            return None
        since = view.bars[held.symbol].since(held.entry_session).tail(STOP_MEMORY_SESSIONS)
        return round(max(since.close.tolist()) - self.chandelier_atr * atr, DECIMALS) if len(since) else None


def _stopped(before: Remembered | None, *, fallen: bool, days_up: bool) -> str | None:
    # Out until the day vote has been no and is yes again; the vote of the stop's own session counts.
    if before == UNTIL_UP and days_up:
        before = None
    if before is not None or fallen:
        return UNTIL_DOWN if days_up else UNTIL_UP
    return None


def _closes(window: int) -> tuple[tuple[str, object], ...]:
    return (("of", "close"), ("sessions", window))


def _trends(rules: TrendFollowing, market: "MarketColumns") -> "Allocation":
    import numpy as np

    from mtum.core.indicators.smoothing import highest, rounded
    from mtum.core.market.bars import periods
    from mtum.core.strategies.columns import Allocation, Decisions, Trail, rows_of

    symbols, count = rules.symbols, len(rules.symbols)
    due = np.zeros((len(market.days), count), dtype=bool)
    for symbol, one, able in zip(symbols, due.T, market.able(symbols).T, strict=True):
        one[market.decisions(Timeframe.WEEK, able, of=symbol).at] = True
    at = np.flatnonzero(due.any(axis=1))
    now = {one.name: market.values(symbols, one) for one in rules.indicators()}
    days_up = (now["trend_fast"] > now["trend_slow"]) & (now["trend_adx"] >= rules.adx_min)
    close, now_due = rounded(market.close(symbols)[at]), due[at]
    weeks = Decisions(at, market.every_session(Timeframe.WEEK).period[at - market.first])
    months = Decisions(at, periods(market.days[at], Timeframe.MONTH))
    score = days_up[at].astype(np.int64)
    score += close > _means(market, symbols, Timeframe.WEEK, weeks, rules.weeks)
    score += close > _means(market, symbols, Timeframe.MONTH, months, rules.months)
    with np.errstate(divide="ignore", invalid="ignore"):
        calm = np.minimum(1.0, rules.target_vol / now["trend_volatility"][at])
    factors = np.array([FACTORS.get(votes, 0.0) for votes in range(4)])
    weights = np.round(factors[score] * np.where(np.isnan(calm), 1.0, calm) / count, DECIMALS)
    lost = min(FACTORS)
    votes = tuple(f"trend_score_{votes}" for votes in range(4))
    return Allocation(
        rows_of(len(market.days), at),
        np.where(now_due, weights, np.nan),
        np.stack([score] * 3),
        (*((one,) for one in votes), *((one, "chandelier") for one in votes[:lost]), ("chandelier",)),
        least_change=round(rules.step / count, DECIMALS),
        targets_last=True,
        trail=Trail(
            rules.chandelier_atr * now["trend_atr"],
            market.matrix(symbols, [highest(market.bars[one].close, STOP_MEMORY_SESSIONS) for one in symbols]),
            days_up,
            np.where(now_due & (score < lost), len(votes) + score, len(votes) + lost),
            len(votes) + lost,
        ),
    )


def _means(
    market: "MarketColumns", symbols: tuple[str, ...], timeframe: Timeframe, decided: "Decisions", count: int
) -> "Column":
    import numpy as np

    closes = [market.closes(symbols, timeframe, decided, ago) for ago in range(count)]
    return np.asarray(np.round(np.sum(closes, axis=0) / count, DECIMALS))
