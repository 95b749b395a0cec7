"""The lines of the charts, read from the same facts as the numbers."""

from collections.abc import Sequence
from datetime import date

import numpy as np

from mtum.app.reporting.facts import CHART_SESSIONS, SessionFacts
from mtum.app.reporting.money import curves
from mtum.core.market.bars import COLUMNS, Column
from mtum.core.portfolio import returns
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.lots import lots_of
from mtum.core.portfolio.orders import Side
from mtum.core.reporting import words
from mtum.core.reporting.history import ChartHistory, EquityHistory, Mark, MarketHistory
from mtum.ports.store import Store

MOST_CHARTS = 6


def chart_history(store: Store, facts: SessionFacts, sessions: int | None = CHART_SESSIONS) -> ChartHistory:
    """Return the chart lines that end at the session; `sessions` None draws everything there is."""
    most = max(1, MOST_CHARTS // len(facts.own))
    drawn = {part.setup.strategy: _drawn_of(store, part, sessions, most) for part in facts.own}
    return ChartHistory((), equity_history(facts), drawn) if facts.parts else drawn[facts.setup.strategy]


def _drawn_of(store: Store, facts: SessionFacts, sessions: int | None, most: int) -> ChartHistory:
    markets = (_market(store, facts, symbol, sessions) for symbol in _drawn(facts)[:most])
    return ChartHistory(tuple(market for market in markets if market is not None), equity_history(facts))


def _drawn(facts: SessionFacts) -> tuple[str, ...]:
    # What is held or was traded in this session comes first; more charts than a reader looks at are left out.
    busy = {lot.symbol for lot in lots_of(facts.fills)} | {state.intent.symbol for state in facts.states}
    return tuple(sorted(facts.universe, key=lambda symbol: symbol not in busy))


def _market(store: Store, facts: SessionFacts, symbol: str, sessions: int | None) -> MarketHistory | None:
    bars = facts.bars_of(symbol)
    if len(bars) < 2:
        return None
    shown = slice(-min(sessions or _sessions_run(facts), len(bars)), None)
    days = bars.days[shown]
    first: date = days[0].astype(object)
    panels = facts.strategy.panels()
    columns = {name: _column(facts, symbol, name)[shown] for panel in panels for name, _ in panel.lines}
    decided = facts.decision.document.get("symbols", {}).get(symbol, {}) if facts.decision else {}
    return MarketHistory(
        symbol=symbol,
        days=days,
        close=bars.close[shown],
        columns=columns,
        panels=panels,
        words={spec.name: spec.words for spec in facts.strategy.indicators()},
        projected_volume=decided.get("indicators", {}).get("volume") if bars.last_day == facts.day else None,
        marks=tuple(mark for mark in _marks(store, facts, symbol) if mark.session >= first),
    )


def _column(facts: SessionFacts, symbol: str, name: str) -> Column:
    # A line of a chart is an indicator of the strategy, a column of the bars, or an extra series.
    spec = next((spec for spec in facts.strategy.indicators() if spec.name == name), None)
    if spec is not None:
        return facts.history.column(symbol, spec)
    if name in COLUMNS:
        found: Column = getattr(facts.bars_of(symbol), name)
        return found
    series = next((facts.series(one) for one in facts.strategy.series() if one.lower() == name), {})
    return np.array([series.get(day, np.nan) for day in facts.bars_of(symbol).days.tolist()], dtype=np.float64)


def _sessions_run(facts: SessionFacts) -> int:
    first = facts.points[0].session if facts.points else facts.day
    return max(2, len(facts.bars.since(first)))


def _marks(store: Store, facts: SessionFacts, symbol: str) -> tuple[Mark, ...]:
    return tuple(_mark(store, fill) for fill in facts.fills if fill.symbol == symbol)


def _mark(store: Store, fill: Fill) -> Mark:
    bought = fill.side is Side.BUY
    state = None if bought else store.orders.state_of(fill.intent_id)
    reasons = state.intent.reasons if state else ()
    return Mark(
        fill.session, float(fill.price), bought, "" if bought else words.short(reasons[0] if reasons else "exit")
    )


def equity_history(facts: SessionFacts) -> EquityHistory | None:
    """Return equity and benchmark up to the session, of an account its sleeves' results too; None without a line."""
    if len(facts.points) < 2:
        return None
    sleeve, held = curves(facts)
    return EquityHistory(
        days=np.array(sleeve.days, dtype="datetime64[D]"),
        equity=sleeve.equity,
        benchmark=held.equity,
        drawdown=returns.drawdown(sleeve),
        benchmark_drawdown=returns.drawdown(held),
        sleeves={part.setup.strategy: _result(part, sleeve.days) for part in facts.parts if part.owns_money},
    )


def _result(facts: SessionFacts, days: Sequence[date]) -> Column:
    # What the sleeve has earned by each session; where it has no close of its own its last one counts.
    own, _ = curves(facts)
    earned = dict(zip(own.days, np.cumsum(returns.changes(own)).tolist(), strict=True))
    found, last = [], np.nan
    for day in days:
        last = earned.get(day, last)
        found.append(last)
    return np.array(found, dtype=np.float64)
