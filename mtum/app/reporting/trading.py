"""Conditions, orders and fills of a session."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from mtum.app.reporting.facts import SessionFacts
from mtum.app.reporting.money import official_close
from mtum.core.portfolio.costs import cost_model
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.orders import Side
from mtum.core.reporting import words
from mtum.core.reporting.summary import NOT_SIMULATED, UNKNOWN, ConditionLine, FillLine, OrderLine, Stated, stated


def condition_lines(facts: SessionFacts) -> tuple[ConditionLine, ...]:
    """Return every condition as it was decided, symbol by symbol."""
    symbols = facts.decision.document.get("symbols", {}) if facts.decision else {}
    return tuple(
        ConditionLine(
            name=condition["name"],
            role=words.condition(condition["name"]).role.value,
            value=condition["value"],
            threshold=condition["threshold"],
            margin=condition["margin"],
            passed=condition["passed"],
            unit=words.condition(condition["name"]).unit,
            symbol=symbol,
        )
        for symbol, part in symbols.items()
        for condition in part.get("conditions", [])
    )


def order_lines(facts: SessionFacts) -> tuple[OrderLine, ...]:
    """Return the session's orders as the store knows them now."""
    return tuple(
        OrderLine(
            id=state.intent.id,
            ref=state.intent.ref,
            symbol=state.intent.symbol,
            side=state.intent.side.value,
            purpose=state.intent.purpose.value,
            type=state.intent.order_type.value,
            shares=state.intent.shares,
            filled_shares=state.filled,
            status=state.status.value,
            broker_id=state.broker_id,
            reference_price=float(state.intent.reference_price),
            text=state.text,
        )
        for state in facts.states
    )


def fill_lines(facts: SessionFacts) -> tuple[FillLine, ...]:
    """Return the session's fills with decision price, official close and fill price."""
    prices = {state.intent.id: state.intent.reference_price for state in facts.states}
    settings = facts.decision.settings if facts.decision else facts.setup.settings.document()
    return tuple(
        _simulated_only(
            facts,
            _fill_line(fill, prices.get(fill.intent_id), official_close(facts, fill.symbol), settings["portfolio"]),
        )
        for fill in facts.fills
        if fill.session == facts.day
    )


def _simulated_only(facts: SessionFacts, line: FillLine) -> FillLine:
    # A replay decides on the close and fills at it: gaps that cannot be anything but zero were not measured.
    close = line.official_close.amount
    if not facts.replayed or close is None:
        return line
    if line.fill_price == close:
        line = replace(line, auction_bps=NOT_SIMULATED)
    if line.decision_price == close:
        line = replace(line, wait_bps=NOT_SIMULATED)
    return replace(line, slippage_usd=NOT_SIMULATED) if line.fill_price == line.decision_price == close else line


def _fill_line(fill: Fill, decided: Decimal | None, close: Stated, portfolio: Mapping[str, Any]) -> FillLine:
    sign = 1 if fill.side is Side.BUY else -1
    price = float(fill.price)
    before = None if decided is None else float(decided)
    costs = cost_model(portfolio["cost_model"], Decimal(repr(portfolio["cost_frac"])))
    commission = None if fill.commission_usd is None else float(fill.commission_usd)
    slipped = None if before is None else round(sign * (price - before) * fill.shares * fill.multiplier, 6)
    return FillLine(
        exec_id=fill.exec_id,
        order_id=fill.intent_id,
        symbol=fill.symbol,
        side=fill.side.value,
        shares=fill.shares,
        at=fill.instant,
        decision_price=before,
        official_close=close,
        fill_price=price,
        wait_bps=_gap(before, close, sign),
        auction_bps=_gap_from(close, price, sign),
        slippage_usd=stated(slipped, is_final=True),
        commission_usd=stated(commission, is_final=True),
        assumed_commission_usd=float(costs.commission(fill.shares, fill.price)),
    )


def _gap(before: float | None, close: Stated, sign: int) -> Stated:
    if before is None or close.amount is None:
        return UNKNOWN
    return Stated(round(sign * (close.amount / before - 1.0) * 1e4, 6), close.state)


def _gap_from(close: Stated, price: float, sign: int) -> Stated:
    if close.amount is None:
        return UNKNOWN
    return Stated(round(sign * (price / close.amount - 1.0) * 1e4, 6), close.state)
