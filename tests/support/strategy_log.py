"""What a strategy decided over an embedded market, as a log that a person can read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np

from mtum import config
from mtum.adapters.calendar import ExchangeCalendar
from mtum.adapters.sources.embedded import sample_source
from mtum.adapters.sources.replay import ReplayedSource
from mtum.app.owner.settings_catalog import toml_text
from mtum.app.research.backtest_request import BacktestRequest
from mtum.config.validation import strategy_from
from mtum.core.market.bars import Bars
from mtum.core.portfolio.decision import Decision
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.played import Played
from mtum.core.simulation.session_path import play_sessions
from mtum.core.simulation.session_views import SessionHistory, first_session, looked_at
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.contract import Condition, Keep, Shares, SymbolVerdict, Target
from mtum.core.strategies.description import Example
from support.values import replace


@dataclass(frozen=True)
class Variant:
    """A further run of a strategy: other settings than its example's, or another market."""

    title: str
    settings: Mapping[str, object] = field(default_factory=dict)
    market: str = ""
    bars_missing: tuple[str, date, date] | None = None
    """A symbol, and the first and last day of a stretch whose bars are taken out."""


VARIANTS: dict[str, tuple[Variant, ...]] = {
    "mtum_confluence": (Variant("without a VIX", {"symbol": "AAPL"}, "stocks"),),
    "mean_reversion": (
        Variant(
            "by bands, and without a trend",
            {"symbols": ["AAPL", "IBM", "MSFT", "NDQ"], "variant": "bollinger_rsi", "trend_sessions": 0},
            "stocks",
        ),
    ),
    "ensemble": (
        Variant(
            "a majority, where one member needs a VIX that is not there",
            {
                "members": [
                    {"strategy": "mtum_confluence", "rules": {"symbol": "AAPL"}},
                    {"strategy": "pair_reversal", "rules": {"symbols": ["IBM", "MSFT"]}},
                ],
                "rule": "majority",
            },
            "stocks",
        ),
    ),
    "momentum_rotation": (
        Variant("a session of the trend symbol is missing", {}, "", ("SP500", date(2006, 3, 15), date(2006, 3, 15))),
        Variant("a session of one of three stocks is missing", {}, "", ("IBM", date(2002, 3, 15), date(2002, 3, 15))),
    ),
}
"""Runs that show what an example cannot; a strategy without an entry has its example only."""
SEEN_ELSEWHERE = {
    "mtum_confluence": {"volume_unproven"},
    "momentum_rotation": {"score_unknown", "volatility_unknown"},
    "multi_asset_allocation": {"volatility_unknown"},
}
"""Reasons that these bars cannot give, and why: only a provisional bar has a volume that cannot be projected; no
symbol stays still for months, and what is fit has its closes."""
HEAD = f"{'session':<11}{'symbol':<7}{'verdict':<16}{'order':<11}{'equity USD':>13}  reasons"


@cache
def source_of(market: str) -> ReplayedSource:
    """An embedded market; read once."""
    return sample_source(market)


def variants_of(name: str) -> tuple[Variant, ...]:
    """The example and what is played beside it."""
    return (Variant("the example"), *VARIANTS.get(name, ()))


@dataclass(frozen=True)
class Run:
    """A strategy played over an embedded market."""

    example: Example
    decisions: list[Decision]
    played: Played
    history: SessionHistory

    @property
    def weights(self) -> list[float]:
        """Part of the equity that was invested at each decision, before its orders."""
        held = dict(self.example.holdings)
        found = []
        for decision in self.decisions:
            t = int(self.history.days.searchsorted(np.datetime64(decision.session)))
            worth = sum(count * (self.history.close(symbol, t) or 0.0) for symbol, count in held.items())
            found.append(worth / decision.equity_usd)
            for order in decision.orders:
                held[order.symbol] = held.get(order.symbol, 0) + order.shares * (1 if order.side is Side.BUY else -1)
        return found


def run_of(name: str, variant: Variant, sessions: int | None = None) -> Run:
    """A run from the first session that can be decided, of its first sessions only where a number is given."""
    example = STRATEGIES[name].EXAMPLE
    example = replace(
        example, settings={**example.settings, **variant.settings}, market=variant.market or example.market
    )
    strategy = strategy_from(name, example.settings)
    history = _history(example, looked_at(strategy), strategy.series(), variant)
    first = first_session(history, strategy)
    assert first is not None, f"{name}: no session of {example.market} can be decided"
    first = max(first, 1)
    stop = len(history.days) if sessions is None else min(len(history.days), first + sessions)
    told: list[Decision] = []
    free = {"risk.max_daily_loss_usd": "none", "risk.max_position_usd": "none"}
    terms = BacktestRequest(config.load(None, {}, {**free, "portfolio.capital_usd": example.capital_usd})).terms()
    played = play_sessions(history, strategy, replace(terms, holdings=example.holdings), first, stop, told.append)
    return Run(example, told, played, history)


def log_of(name: str, variant: Variant, sessions: int | None = None) -> list[str]:
    """The log of one run, of its first sessions only where a number is given."""
    run = run_of(name, variant, sessions)
    example = run.example
    settings = ", ".join(f"{key} = {toml_text(value)}" for key, value in example.settings.items())
    held = "".join(f", {shares} {symbol}" for symbol, shares in example.holdings.items())
    lines = [
        f"== {name}, {variant.title}: {settings}",
        f"   market {example.market}, {example.capital_usd:,.0f} USD{held}; filled at the close it decides on",
        "   a line for every order and every wish to buy, and the first of each reason with all that was seen",
        HEAD,
    ]
    seen: set[tuple[str, ...]] = set()
    for decision in run.decisions:
        lines += _lines(decision, seen)
    if sessions is None:
        worth = f"{len(run.decisions)} sessions, {len(run.played.trades)} round trips"
        lines += [f"   {worth}, at the end {run.played.final_equity_usd:,.2f} USD", ""]
    return lines


def _history(example: Example, symbols: tuple[str, ...], series: tuple[str, ...], variant: Variant) -> SessionHistory:
    source = source_of(example.market)
    bars = {symbol: source.history(symbol, date.min, date.max) for symbol in symbols}
    if variant.bars_missing:
        symbol, lacks, until = variant.bars_missing
        bars[symbol] = _without(bars[symbol], lacks, until)
    days = [day for one in bars.values() for day in (one.day(0), one.last_day)]
    calendar = ExchangeCalendar().sessions(min(days) - timedelta(days=60), max(days) + timedelta(days=15))
    return SessionHistory(
        bars,
        {name: source.series_history(name, date(1990, 1, 1), date(2030, 1, 1)) for name in series},
        tuple(session.day for session in calendar),
        {symbol: source.coverage(symbol).dividends for symbol in symbols},
    )


def _without(bars: Bars, first: date, last: date) -> Bars:
    kept = [n for n, day in enumerate(bars.days.astype(object)) if not first <= day <= last]
    names = ("open", "high", "low", "close", "volume", "dividend", "split")
    return Bars.from_columns(
        bars.symbol, bars.source, bars.days[kept], {name: getattr(bars, name)[kept] for name in names}
    )


def _lines(decision: Decision, seen: set[tuple[str, ...]]) -> Iterator[str]:
    orders = {order.symbol: f"{order.side.value} {order.shares:,}" for order in decision.orders}
    for said in decision.verdicts:
        new, order = said.reasons not in seen, orders.get(said.symbol, "")
        if not new and not order and not said.enters:
            continue
        seen.add(said.reasons)
        row = f"{decision.session!s:<11}{said.symbol:<7}{_verdict(said):<16}{order:<11}"
        yield f"{row}{decision.equity_usd:>13,.2f}  {', '.join(said.reasons)}"
        if new:
            yield from (f"{'':<18}{line}" for line in _seen(said))


def _verdict(said: SymbolVerdict) -> str:
    match said.verdict:
        case Target(weight):
            return f"target {weight:.6g}"
        case Shares(count):
            return f"shares {count:,}"
        case Keep():
            return "keep"
        case _:
            return "abstain"


def _seen(said: SymbolVerdict) -> Iterator[str]:
    values = ", ".join(f"{name} {_number(value)}" for name, value in said.indicators.items())
    if values:
        yield values
    yield from (_condition(one) for one in said.conditions)
    notes: dict[str, Any] = {**said.remember, **said.memory}
    if notes:
        yield "remembers " + ", ".join(f"{name} = {value}" for name, value in notes.items())


def _condition(one: Condition) -> str:
    margin = "unknown" if one.margin is None else f"margin {_number(one.margin)}"
    return f"{'yes' if one.passed else 'no ':<4}{one.name}: {_number(one.value)} to {_number(one.threshold)}, {margin}"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
