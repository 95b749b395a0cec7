"""The charts of the reports, read from the same facts as the numbers."""

from collections.abc import Sequence
from datetime import date

import numpy as np
from msgspec.structs import replace

from mtum.app.reporting.facts import CHART_SESSIONS, SessionFacts
from mtum.app.reporting.money import curves
from mtum.core.market.bars import Column
from mtum.core.portfolio import returns
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.lots import lots_of
from mtum.core.portfolio.orders import Side
from mtum.core.reporting import figures, words
from mtum.core.reporting.charts import (
    Chart,
    Line,
    Mark,
    Panel,
    equity_panels,
    equity_words,
    market_panels,
    market_words,
    told_apart,
)
from mtum.ports.store import Store

MOST_CHARTS = 6


def report_charts(store: Store, facts: SessionFacts, sessions: int | None = CHART_SESSIONS) -> tuple[Chart, ...]:
    """Return the charts of a report that ends at the session; `sessions` None draws everything there is.

    Parameters
    ----------
    store : Store
        The program's records.
    facts : SessionFacts
        One session as the store knows it now, of a sleeve or of the account; nothing later than the session is in it.
    sessions : int or None
        How many sessions are drawn; None for all.
    """
    most = max(1, MOST_CHARTS // len(facts.own))
    if not facts.parts:
        return _own(store, facts, sessions, most)
    drawn = [(part.setup.strategy, _own(store, part, sessions, most)) for part in facts.own]
    sleeves = (
        replace(chart, key=f"{name}.{chart.key}", section=f"sleeve-{name}") for name, own in drawn for chart in own
    )
    return (*equity_charts(facts), *sleeves)


def _own(store: Store, facts: SessionFacts, sessions: int | None, most: int) -> tuple[Chart, ...]:
    drawn = (_market(store, facts, symbol, sessions) for symbol in _drawn(facts)[:most])
    markets = [market for market in drawn if market is not None]
    numbered = (
        replace(market, key="market" if number == 1 else f"market{number}") for number, market in enumerate(markets, 1)
    )
    return (*numbered, *equity_charts(facts))


def _drawn(facts: SessionFacts) -> tuple[str, ...]:
    # What is held or was traded in this session comes first; more charts than a reader looks at are left out.
    busy = {lot.symbol for lot in lots_of(facts.fills)} | {state.intent.symbol for state in facts.states}
    return tuple(sorted(facts.universe, key=lambda symbol: symbol not in busy))


def _market(store: Store, facts: SessionFacts, symbol: str, sessions: int | None) -> Chart | None:
    bars = facts.bars_of(symbol)
    if len(bars) < 2:
        return None
    shown = slice(-min(sessions or _sessions_run(facts), len(bars)), None)
    days = bars.days[shown]
    first: date = days[0].astype(object)
    specified = facts.strategy.panels()
    panels = market_panels(
        symbol,
        Line("close", bars.close[shown]),
        specified,
        {name: facts.history.line(symbol, name)[shown] for panel in specified for name, _ in panel.lines},
        words={spec.name: spec.words for spec in facts.strategy.indicators()},
        marks=tuple(mark for mark in _marks(store, facts, symbol) if mark.session >= first),
    )
    return Chart("market", days, panels, market_words(symbol, days, panels))


def _sessions_run(facts: SessionFacts) -> int:
    first = facts.points[0].session if facts.points else facts.day
    return max(2, len(facts.bars.since(first)))


def _marks(store: Store, facts: SessionFacts, symbol: str) -> tuple[Mark, ...]:
    decided = facts.decision.document.get("symbols", {}).get(symbol, {}) if facts.decision else {}
    volume = decided.get("indicators", {}).get("volume") if facts.bars_of(symbol).last_day == facts.day else None
    told = f"projected volume {figures.number(volume, 0)}"
    projected = () if volume is None else (Mark(facts.day, volume, "projected", told=told),)
    return (*(_mark(store, fill) for fill in facts.fills if fill.symbol == symbol), *projected)


def _mark(store: Store, fill: Fill) -> Mark:
    price = float(fill.price)
    if fill.side is Side.BUY:
        return Mark(fill.session, price, "bought", told=f"bought at {figures.number(price)}")
    state = store.orders.state_of(fill.intent_id)
    reason = words.short(state.intent.reasons[0] if state and state.intent.reasons else "exit")
    return Mark(fill.session, price, "sold", reason, f"sold at {figures.number(price)}, {reason}")


def equity_charts(facts: SessionFacts) -> tuple[Chart, ...]:
    """Return the chart of equity and benchmark up to the session, of an account its sleeves' results too.

    There is none of a single session.
    """
    if len(facts.points) < 2:
        return ()
    own, held = curves(facts)
    days = np.array(own.days, dtype="datetime64[D]")
    panels: tuple[Panel, ...] = equity_panels(
        Line("account" if facts.parts else "strategy", own.equity),
        Line("holding", held.equity, "third"),
        (returns.drawdown(own), returns.drawdown(held)),
    )
    earned = {part.setup.strategy: _result(part, own.days) for part in facts.parts if part.owns_money}
    if earned:
        lines = told_apart(earned.items())
        panels = (*panels, Panel("Earned since each sleeve began, USD", lines, height=1.5))
    return (Chart("result", days, panels, equity_words(days, panels)),)


def _result(facts: SessionFacts, days: Sequence[date]) -> Column:
    # What the sleeve has earned by each session; where it has no close of its own its last one counts.
    own, _ = curves(facts)
    earned = dict(zip(own.days, np.cumsum(returns.changes(own)).tolist(), strict=True))
    found, last = [], np.nan
    for day in days:
        last = earned.get(day, last)
        found.append(last)
    return np.array(found, dtype=np.float64)
