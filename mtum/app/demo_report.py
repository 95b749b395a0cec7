"""The report of everything a database holds up to a session: result, trades, conditions, settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from mtum.app.reporting.chart_history import chart_history
from mtum.app.reporting.daily_report import ReportWriter, json_text
from mtum.app.reporting.facts import SessionFacts, session_facts
from mtum.app.reporting.money import PAID_IN, curves
from mtum.app.reporting.quality import embedded, stands_in
from mtum.core.portfolio import returns
from mtum.core.portfolio.lots import Trade
from mtum.core.reporting.accuracy import Accuracy, accuracies
from mtum.core.reporting.codec import document
from mtum.core.reporting.periods.run_sections import run_page
from mtum.core.reporting.periods.run_summary import RunSummary, TradeLine
from mtum.core.reporting.text import text
from mtum.ports.records import DecisionRecord
from mtum.ports.store import Store

SHOWN_SETTINGS = ("strategy", "portfolio", "risk")


@dataclass(frozen=True, slots=True)
class RunReport:
    """The report of a whole run; `html` is None without a renderer."""

    summary: RunSummary
    document: Mapping[str, Any]
    text: str
    html: Path | None


def demo_report(writer: ReportWriter, last: date) -> RunReport:
    """Write a sleeve's report of all sessions up to `last` as text, JSON and (with a renderer) HTML.

    Raises
    ------
    ValueError
        If no session has been settled yet.
    """
    facts = session_facts(writer.store, writer.calendar, writer.setup, last, whole=True)
    if not facts.points:
        raise ValueError(f"no session up to {last} has an equity yet")
    summary = run_summary(writer.store, facts)
    laid_out = run_page(summary)
    written, found = text(laid_out), document(summary)
    name = f"demo-{facts.setup.strategy}" if facts.setup.settings.sleeve else "demo"
    writer.files.put_report(f"{name}.txt", written)
    writer.files.put_report(f"{name}.json", json_text(found))
    html = None
    if writer.renderer is not None:
        history = chart_history(writer.store, facts, sessions=None)
        html = writer.files.put_report(f"{name}.html", writer.renderer.page(laid_out, history))
    return RunReport(summary, found, written, html)


def run_summary(store: Store, facts: SessionFacts) -> RunSummary:
    """Return what all sessions with an equity came to."""
    sleeve = facts.setup.strategy
    decisions = [
        one for one in store.decisions.final_decisions() if one.session <= facts.day and one.strategy == sleeve
    ]
    states = [one for one in store.orders.states() if one.intent.session <= facts.day and one.intent.strategy == sleeve]
    curve, held = curves(facts)
    trades = trade_lines(store, facts)
    closed = [trade for trade in trades if trade.exit_session is not None]
    paid = [trade.commission_usd for trade in trades if trade.commission_usd is not None]
    last = facts.points[-1]
    known = last.benchmark_usd is not None
    return RunSummary(
        first=curve.days[0],
        last=curve.days[-1],
        mode=facts.setup.settings.mode,
        account=facts.setup.account,
        strategy=sleeve,
        symbol=facts.symbol,
        symbols=facts.universe,
        stands_in=stands_in(facts),
        embedded=embedded(facts),
        sessions=len(curve),
        decisions=len(decisions),
        orders=len(states),
        fills=len(facts.fills),
        paid_in_usd=float(sum(move.amount_usd for move in facts.movements if move.kind in PAID_IN)),
        equity_end_usd=float(last.equity_usd),
        benchmark_end_usd=float(last.benchmark_usd) if last.benchmark_usd is not None else None,
        return_frac=round(float(returns.growth(curve)[-1]) - 1.0, 6),
        benchmark_return_frac=round(float(returns.growth(held)[-1]) - 1.0, 6) if known else None,
        worst_drawdown_frac=round(float(returns.drawdown(curve).min()), 6),
        benchmark_worst_drawdown_frac=round(float(np.nanmin(returns.drawdown(held))), 6) if known else None,
        sessions_held=sum(1 for point in facts.points if point.shares),
        commission_usd=round(sum(paid), 6) if len(paid) == len(trades) else None,
        wins=sum(1 for trade in closed if (trade.pnl_usd or 0.0) > 0),
        closed_trades=len(closed),
        trades=trades,
        accuracy=condition_accuracy(facts, decisions),
        settings=_settings(facts),
    )


def trade_lines(store: Store, facts: SessionFacts) -> tuple[TradeLine, ...]:
    """Return every round trip with the reason of its exit; one carried over keeps the first."""
    return tuple(_trade_line(store, facts, trade) for trade in facts.trades())


def _trade_line(store: Store, facts: SessionFacts, trade: Trade) -> TradeLine:
    state = store.orders.state_of(trade.exit_intent_id) if trade.exit_intent_id else None
    reasons = state.intent.reasons if state else ()
    last = trade.exit_session or facts.day
    return TradeLine(
        symbol=trade.symbol,
        entry_session=trade.entry_session,
        entry_price=round(float(trade.entry_price), 6),
        exit_session=trade.exit_session,
        exit_price=round(float(trade.exit_price), 6) if trade.exit_price is not None else None,
        shares=trade.shares,
        pnl_usd=round(float(trade.pnl_usd), 6) if trade.pnl_usd is not None else None,
        return_frac=round(trade.return_frac, 6) if trade.return_frac is not None else None,
        reason=next((word for word in reasons if word != "exit_carried"), None),
        sessions_held=len(facts.calendar.sessions(trade.entry_session, last)) - 1,
        commission_usd=round(float(trade.commission_usd), 6) if trade.commission_usd is not None else None,
    )


def condition_accuracy(facts: SessionFacts, decisions: Sequence[DecisionRecord]) -> tuple[Accuracy, ...]:
    """Return the accuracy of every condition over the decided sessions, on official closes, symbol by symbol."""
    # A condition of the position is unknown while flat: its sessions are not all sessions.
    positions = {spec.name for spec in facts.strategy.CONDITIONS if spec.of_position}
    lines: list[Accuracy] = []
    for symbol in facts.universe:
        bars = facts.bars_of(symbol)
        closes = dict(zip(bars.days.tolist(), bars.close.tolist(), strict=True))
        decided = [record for record in decisions if record.session in closes]
        held: dict[str, list[bool]] = {}
        for record in decided:
            for condition in record.document["symbols"].get(symbol, {}).get("conditions", []):
                held.setdefault(condition["name"], []).append(bool(condition["passed"]))
        whole = {name: flags for name, flags in held.items() if name not in positions and len(flags) == len(decided)}
        lines += accuracies(np.array([closes[record.session] for record in decided]), whole, symbol=symbol)
    return tuple(lines)


def _settings(facts: SessionFacts) -> tuple[tuple[str, str], ...]:
    stored = facts.decision.settings if facts.decision else facts.setup.settings.document()
    rows = [("mode", str(stored["mode"])), ("market.source", str(stored["market"]["source"]))]
    for section in SHOWN_SETTINGS:
        prefix, table = section, stored[section]
        if section == "strategy":
            own = stored.get("sleeve", {}).get(facts.setup.strategy)
            prefix = f"sleeve.{facts.setup.strategy}.rules" if own else f"strategy.{facts.setup.strategy}"
            table = own["rules"] if own else table[facts.setup.strategy]
        rows += [(f"{prefix}.{name}", _shown(given)) for name, given in table.items()]
    return tuple(rows)


def _shown(given: object) -> str:
    # As the settings file writes it.
    return str(given).lower() if given is None or isinstance(given, bool) else str(given)
