"""The lines of the charts, read from the same facts as the numbers."""

from dataclasses import replace
from datetime import date

import numpy as np

from mtum.app.reporting.facts import CHART_SESSIONS, SessionFacts
from mtum.app.reporting.money import curves
from mtum.core.portfolio import returns
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.orders import Side
from mtum.core.reporting import words
from mtum.core.reporting.flips import Rules
from mtum.core.reporting.history import ChartHistory, EquityHistory, Mark, MarketHistory, market_history
from mtum.ports.store import Store


def chart_history(store: Store, facts: SessionFacts, sessions: int | None = CHART_SESSIONS) -> ChartHistory:
    """Return the chart lines that end at the session; `sessions` None draws everything there is."""
    return ChartHistory(_market(store, facts, sessions), _equity(facts))


def _market(store: Store, facts: SessionFacts, sessions: int | None) -> MarketHistory | None:
    if len(facts.bars) < 2:
        return None
    rules = Rules.of(facts.parameters)
    warm_up = max(rules.ma_sessions, rules.volume_sessions, rules.rsi_sessions + 1)
    shown = sessions or _sessions_run(facts)
    bars = facts.bars.tail(shown + warm_up)
    vix = np.array([facts.vix.get(day, np.nan) for day in bars.days.tolist()], dtype=np.float64)
    whole = market_history(facts.symbol, bars.days, bars.close, bars.volume, vix, rules)
    projected = facts.verdict.get("indicators", {}).get("volume") if bars.last_day == facts.day else None
    return _cut(replace(whole, projected_volume=projected), min(shown, len(bars)), _marks(store, facts))


def _sessions_run(facts: SessionFacts) -> int:
    first = facts.points[0].session if facts.points else facts.day
    return max(2, len(facts.bars.since(first)))


def _cut(whole: MarketHistory, shown: int, marks: tuple[Mark, ...]) -> MarketHistory:
    part = slice(len(whole.days) - shown, None)
    first: date = whole.days[part][0].astype(object)
    return MarketHistory(
        symbol=whole.symbol,
        days=whole.days[part],
        close=whole.close[part],
        ma=whole.ma[part],
        rsi=whole.rsi[part],
        volume=whole.volume[part],
        volume_average=whole.volume_average[part],
        vix=whole.vix[part],
        rules=whole.rules,
        projected_volume=whole.projected_volume,
        marks=tuple(mark for mark in marks if mark.session >= first),
    )


def _marks(store: Store, facts: SessionFacts) -> tuple[Mark, ...]:
    return tuple(_mark(store, fill) for fill in facts.fills if fill.symbol == facts.symbol)


def _mark(store: Store, fill: Fill) -> Mark:
    bought = fill.side is Side.BUY
    state = None if bought else store.orders.find(fill.intent_id)
    reasons = state.intent.reasons if state else ()
    return Mark(
        fill.session, float(fill.price), bought, "" if bought else words.short(reasons[0] if reasons else "exit")
    )


def _equity(facts: SessionFacts) -> EquityHistory | None:
    if len(facts.points) < 2:
        return None
    sleeve, held = curves(facts)
    return EquityHistory(
        days=np.array(sleeve.days, dtype="datetime64[D]"),
        equity=sleeve.equity,
        benchmark=held.equity,
        drawdown=returns.drawdown(sleeve),
        benchmark_drawdown=returns.drawdown(held),
    )
