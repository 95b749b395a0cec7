"""Of a list of stocks hold those that have risen most over the last year, chosen anew every month."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil, inf
from typing import TYPE_CHECKING, ClassVar

from mtum.core.indicators.smoothing import DECIMALS, known
from mtum.core.market.timeframes import Timeframe
from mtum.core.strategies.contract import (
    Abstain,
    Condition,
    Keep,
    Own,
    Remembered,
    Shares,
    SymbolVerdict,
    Target,
    Verdict,
    above,
    at_most,
)
from mtum.core.strategies.description import ChartPanel, ConditionSpec, Example, IndicatorSpec, Role
from mtum.core.strategies.periods import due, month_end_history
from mtum.core.strategies.several import (
    VOLATILITY,
    VOLATILITY_SESSIONS,
    TradeFilter,
    inverse_parts,
    list_problems,
    range_problems,
    weight_of,
)

if TYPE_CHECKING:
    from mtum.core.market.bars import Column
    from mtum.core.strategies.columns import MarketColumns, Ranking
    from mtum.core.view import MarketView

MOST_SYMBOLS = 500


class Weighting(StrEnum):
    """How the money is shared among the chosen: alike, or by 1 / volatility."""

    EQUAL = "equal"
    INVERSE_VOL = "inverse_vol"


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class MomentumRotation(TradeFilter):
    """At month ends hold the `top` of a list by the return of the last year, the newest month left out.

    What is held stays until its rank is below exit_rank. While the trend symbol is not above its average nothing
    is bought. It falls hard when the trend turns, because the strongest then fall most, trades every month, and
    a backtest over a list of today's stocks is too good: those that failed are not on it.

    References
    ----------
    Jegadeesh & Titman (1993), "Returns to Buying Winners and Selling Losers", Journal of Finance 48(1);
    Daniel & Moskowitz (2016), "Momentum Crashes", Journal of Financial Economics 122(2).
    """

    name: ClassVar[str] = "momentum_rotation"
    EACH_BY_ITSELF: ClassVar[bool] = True
    CALENDAR: ClassVar[bool] = True
    TOTAL_RETURNS: ClassVar[bool] = True
    STANDING_PURCHASES: ClassVar[bool] = True
    STANDING_SALES: ClassVar[bool] = True
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = (
        ConditionSpec("rank_in_top", Role.ENTRY, "among the best of the list", "not among the best of the list", "top"),
        ConditionSpec(
            "trend_symbol_high", Role.ENTRY, "the trend symbol above its average",
            "the trend symbol not above its average", "trend", "USD",
        ),
        ConditionSpec("rank_lost", Role.EXIT, "no longer among the best of the list", "", "rank lost"),
    )  # fmt: skip
    REASONS: ClassVar[Mapping[str, str]] = {
        "rank_in_top": "",
        "rank_kept": "still good enough in the list, so it stays and gets its weight",
        "rank_lost": "",
        "places_taken": "it is among the best, but every place is taken by what is held",
        "trend_symbol_low": "the trend symbol is not above its average, so nothing more is bought",
        "trend_symbol_unfit": "the trend symbol cannot be looked at, so nothing is changed",
        "too_few_fit": "too few symbols of the list can be looked at, so nothing is changed",
        "score_unknown": "its closes do not reach back to the first one compared",
        "volatility_unknown": "a symbol has not moved at all, so nothing can be weighed by volatility",
        "hold": "",
    }
    CAUTIONS: ClassVar[tuple[str, ...]] = (
        "a list of today's stocks is a list of survivors: those that failed are not on it, so results over the past "
        "are too good",
    )
    EXAMPLE: ClassVar[Example] = Example(
        {
            "symbols": ["AAPL", "IBM", "MSFT", "GOOG", "FB"],
            "top": 2,
            "exit_rank": 3,
            "trend_symbol": "SP500",
        },
        market="stocks",
    )

    symbols: tuple[str, ...] = field(metadata={"doc": "symbols to choose from, 5 to 500"})
    lookback_months: int = field(default=12, metadata={"doc": "month ends back to the first close compared"})
    skip_months: int = field(default=1, metadata={"doc": "month ends back to the last close compared"})
    top: int = field(default=10, metadata={"doc": "symbols held"})
    exit_rank: int = field(default=20, metadata={"doc": "what is held is sold when its rank is below this"})
    trend_symbol: str = field(default="SPY", metadata={"doc": "symbol above whose average purchases are made"})
    trend_sessions: int = field(default=200, metadata={"doc": "window of that average, sessions"})
    weighting: Weighting = field(
        default=Weighting.EQUAL, metadata={"doc": '"equal", or "inverse_vol": shared by 1 / volatility of 60 sessions'}
    )

    def universe(self) -> tuple[str, ...]:
        """Return the list."""
        return self.symbols

    def reads(self) -> tuple[str, ...]:
        """Return the trend symbol where it is not on the list."""
        return () if self.trend_symbol in self.symbols else (self.trend_symbol,)

    @property
    def least_fit(self) -> int:
        """Return half of the list, or all places."""
        return max(self.top, ceil(len(self.symbols) / 2))

    @property
    def usual_weights(self) -> Mapping[str, float]:
        """Return an equal part of those held."""
        return dict.fromkeys(self.symbols, 1 / self.top)

    def history_sessions(self) -> int:
        """Return the bars back to the first close compared, or the window of the trend."""
        volatility = VOLATILITY_SESSIONS if self.weighting is Weighting.INVERSE_VOL else 0
        return max(month_end_history(self.lookback_months), self.trend_sessions, volatility)

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the parameters, one line each."""
        found = list_problems(self.symbols, least=5) + list_problems((self.trend_symbol,), "trend_symbol")
        count = len(self.symbols)
        if count > MOST_SYMBOLS:
            found += (f"symbols holds {count} tickers; list {MOST_SYMBOLS} or fewer",)
        elif 5 <= count < self.top:
            found += (f"symbols holds {count} tickers and top is {self.top}; list more of them or hold fewer",)
        return (
            *found,
            *range_problems(
                ("lookback_months", self.lookback_months, 1, 60),
                ("skip_months", self.skip_months, 0, max(0, self.lookback_months - 1)),
                ("top", self.top, 1, MOST_SYMBOLS),
                ("exit_rank", self.exit_rank, max(1, self.top), MOST_SYMBOLS),
                ("trend_sessions", self.trend_sessions, 2, 1000),
            ),
            *self.filter_problems(),
        )

    def indicators(self) -> tuple[IndicatorSpec, ...]:
        """Return the average of the trend symbol, a return over as many months as are compared, and the volatility."""
        mean, months = (("of", "close"), ("sessions", self.trend_sessions)), self.lookback_months - self.skip_months
        trend = IndicatorSpec("trend_symbol_average", "sma", mean, "USD", f"mean of {self.trend_sessions} sessions")
        gain = IndicatorSpec(
            "return_of_months", "roc", (("sessions", months),), "%", f"return of {months} months",
            timeframe=Timeframe.MONTH, total_return=True,
        )  # fmt: skip
        return (trend, gain, VOLATILITY) if self.weighting is Weighting.INVERSE_VOL else (trend, gain)

    def panels(self) -> tuple[ChartPanel, ...]:
        """Return the return over as many months as are compared, up to today."""
        months = self.lookback_months - self.skip_months
        return (ChartPanel(f"Return of the last {months} months, %", (("return_of_months", "return"),)),)

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """Return exits and the weights of the chosen at month ends, the best first; between them all are kept."""
        now, month = due(view, Timeframe.MONTH, own.memory.get("month"))
        seen = {
            symbol: self._readings(view, own, symbol, month if now else None)
            for symbol in self.symbols
            if symbol in view.bars
        }
        # What has no score has no rank; ties stay in the order of the list.
        scores = {symbol: score for symbol, one in seen.items() if (score := one["score"]) is not None}
        ranked = sorted(scores, key=lambda symbol: -scores[symbol])
        ranks = {symbol: float(rank) for rank, symbol in enumerate(ranked, 1)}
        trend = self._trend(view)
        weights = self._weights(view, own, ranked) if now else {}
        barred = self._barred(ranked, trend, weights) if now else None
        memory: dict[str, Remembered | None] = {} if barred else {"month": month}
        found = []
        for symbol in sorted(seen, key=lambda one: ranks.get(one, inf)) if now else seen:
            one, rank = seen[symbol], ranks.get(symbol)
            conditions = at_most("rank_in_top", rank, self.top), trend, above("rank_lost", rank, self.exit_rank)
            verdict: Verdict = Keep()
            reason = "hold"
            if barred or (now and rank is None):
                verdict, reason = Abstain(), barred or "score_unknown"
            elif weights is not None and now:
                verdict, reason = _decided(conditions, own.of(symbol).shares, one["weight"], weights.get(symbol))
            found.append(SymbolVerdict(symbol, verdict, (reason,), conditions, {**one, "rank": rank}, memory=memory))
        return tuple(sorted(found, key=lambda one: not (one.sells_all and own.of(one.symbol).shares)))

    def column_form(self, market: "MarketColumns") -> "Ranking | None":
        """Return the ranks of each month end."""
        import numpy as np

        from mtum.core.strategies.columns import Ranking, rows_of

        trend = (self.trend_symbol,)
        mean = market.values(trend, self.indicators()[0])[:, 0]
        known_trend = market.able(trend)[:, 0] & ~np.isnan(mean)
        able, every = market.able(self.symbols), market.every_session(Timeframe.MONTH)
        new, old = (
            market.closes(self.symbols, Timeframe.MONTH, every, ago) for ago in (self.skip_months, self.lookback_months)
        )
        score = np.full(able.shape, np.nan)
        score[every.at] = np.round(new / old - 1, DECIMALS)
        score[~able] = np.nan
        enough = known_trend & (np.count_nonzero(~np.isnan(score), axis=1) >= self.least_fit)
        decided = market.decisions(Timeframe.MONTH, np.asarray(able.any(axis=1)), enough)
        at = np.union1d(decided.at, decided.barred)
        row = rows_of(len(market.days), at)
        row[decided.barred] = -2 - row[decided.barred]
        best = np.argsort(-score[at], axis=1, kind="stable")
        ranks: Column = np.argsort(best, axis=1, kind="stable").astype(np.float64) + 1
        ranks[np.isnan(score[at])] = np.nan
        parts: Column = np.empty((0, 0))
        if self.weighting is Weighting.INVERSE_VOL:
            parts = 1 / market.values(self.symbols, VOLATILITY)[at]
            weighed = row[decided.at]
            if not np.isfinite(parts[weighed][~np.isnan(ranks[weighed])]).all():
                return None
        may_buy = known_trend[at] & (market.close(trend)[at, 0] > mean[at])
        reasons = ("rank_in_top",), ("rank_kept",), ("rank_lost",)
        return Ranking(row, ranks, parts, may_buy, self.top, self.exit_rank, reasons)

    def _readings(self, view: "MarketView", own: Own, symbol: str, month: str | None) -> dict[str, float | None]:
        ago = (self.skip_months, self.lookback_months)
        new, old = view.closes(symbol, Timeframe.MONTH, ago, period=month, total_returns=True)
        return {
            "close": known(float(view.bars[symbol].close[-1])),
            "score": known(new / old - 1) if new and old else None,
            "weight": weight_of(view, own, symbol),
        }

    def _trend(self, view: "MarketView") -> Condition:
        if self.trend_symbol not in view.bars:
            return above("trend_symbol_high", None, None)
        close = float(view.bars[self.trend_symbol].close[-1])
        return above("trend_symbol_high", close, view.newest(self.trend_symbol, self.indicators()[0]))

    def _weights(self, view: "MarketView", own: Own, ranked: list[str]) -> dict[str, float] | None:
        # A symbol that is held and cannot be ranked keeps its place.
        places = self.top - sum(own.of(one).shares > 0 for one in self.symbols if one not in ranked)
        stay = [one for one in ranked[: self.exit_rank] if own.of(one).shares > 0]
        best = [one for one in ranked if one not in stay][: max(0, places - len(stay))]
        chosen = (*stay, *best)
        if self.weighting is Weighting.EQUAL:
            return dict.fromkeys(chosen, round(1 / self.top, DECIMALS))
        parts = inverse_parts({symbol: view.newest(symbol, VOLATILITY) for symbol in chosen})
        share = len(chosen) / self.top
        return None if parts is None else {symbol: round(share * part, DECIMALS) for symbol, part in parts.items()}

    def _barred(self, ranked: list[str], trend: Condition, weights: Mapping[str, float] | None) -> str | None:
        if trend.margin is None:
            return "trend_symbol_unfit"
        if len(ranked) < self.least_fit:
            return "too_few_fit"
        return "volatility_unknown" if weights is None else None


def _decided(
    conditions: tuple[Condition, ...], held: int, current: float | None, wanted: float | None
) -> tuple[Verdict, str]:
    in_top, trend, _ = conditions
    if wanted is None:
        # Zero, not keep: a purchase of it that still stands ends.
        return Target(0.0), "rank_lost" if held else "places_taken" if in_top.passed else "hold"
    if trend.passed or (current is not None and current > wanted):
        return Target(wanted), "rank_kept" if held else "rank_in_top"
    # Stay as it is: a purchase that still stands ends too.
    return Shares(held), "trend_symbol_low"
