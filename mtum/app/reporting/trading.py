"""Orders and fills of a session, what is traded without an order, purchases that stand, and round trips."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from mtum.app.ledger.virtual import virtual_key
from mtum.app.reporting.facts import SessionFacts
from mtum.app.reporting.money import official_close
from mtum.config import Portfolio
from mtum.core.plans import standing_after
from mtum.core.portfolio.carried import standing_of
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.lots import Trade
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import OrderIntent, OrderStatus, Side
from mtum.core.reporting.parts.orders import FillLine, OrderLine, StandingLine
from mtum.core.reporting.parts.trades import TradeLine
from mtum.core.reporting.stated import NOT_SIMULATED, UNKNOWN, Stated, rounded, stated
from mtum.ports.records import Cross
from mtum.ports.store import Store


def order_lines(facts: SessionFacts) -> tuple[OrderLine, ...]:
    """Return the session's orders as the store knows them now; what changes sleeves or is stated is none."""
    return tuple(
        replace(
            _line(state.intent, state.intent.order_type.value, state.status, state.filled),
            ref=state.intent.ref,
            broker_id=state.broker_id,
            text=state.text,
        )
        for state in facts.states
        if not state.intent.purpose.internal
    )


def internal_lines(store: Store, facts: SessionFacts) -> tuple[OrderLine, ...]:
    """Return what a sleeve trades without an order: shares that change sleeves, and what it does with virtual money."""
    if not facts.owns_money:
        return _virtual_lines(facts)
    crosses = store.crosses.crosses_of(facts.day) if facts.setup.sleeve else ()
    own = (cross for cross in crosses if cross.strategy == facts.setup.sleeve)
    return tuple(_line(one, "cross", one.status, one.shares if one.status is OrderStatus.FILLED else 0) for one in own)


def _line(of: OrderIntent | Cross, type_: str, status: OrderStatus, filled: int) -> OrderLine:
    return OrderLine(
        id=of.id,
        ref="",
        symbol=of.symbol,
        side=of.side.value,
        purpose=of.purpose.value,
        type=type_,
        shares=of.shares,
        filled_shares=filled,
        status=status.value,
        broker_id=None,
        reference_price=float(of.reference_price),
    )


def _virtual_lines(facts: SessionFacts) -> tuple[OrderLine, ...]:
    if facts.decision is None:
        return ()
    filled, bars = {fill.intent_id for fill in facts.fills}, facts.decision.frame["bars"]
    keyed = ((virtual_key(facts.setup.strategy, facts.day, one), one) for one in facts.decision.document["planned"])
    return tuple(
        OrderLine(
            id=key,
            ref="",
            symbol=order["symbol"],
            side=order["side"],
            purpose=order["purpose"],
            type="virtual",
            shares=order["shares"],
            filled_shares=order["shares"] if key in filled else 0,
            status=(OrderStatus.FILLED if key in filled else OrderStatus.PLANNED).value,
            broker_id=None,
            reference_price=bars[order["symbol"]]["close"][-1],
        )
        for key, order in keyed
    )


def standing_lines(store: Store, facts: SessionFacts) -> tuple[StandingLine, ...]:
    """Return the purchases of a sleeve that are wanted again, after what the account's limits took of them.

    One whose order was filled is made.
    """
    stored = facts.decision.document.get("standing", []) if facts.decision else []
    wanted = standing_of(stored)
    plan = store.plans.plan_of(facts.day) if wanted else None
    left = wanted if plan is None else standing_after(plan.document, facts.setup.strategy, wanted)
    held = {one.symbol: sum(lot.shares for lot in facts.lots(one.symbol)) for one in left}
    return tuple(StandingLine(one.symbol, one.shares, one.since) for one in left if held[one.symbol] < one.shares)


def fill_lines(facts: SessionFacts) -> tuple[FillLine, ...]:
    """Return the session's fills with decision price, official close and fill price."""
    prices = {state.intent.id: state.intent.reference_price for state in facts.states}
    if not facts.owns_money:
        prices = {line.id: exact(line.reference_price) for line in _virtual_lines(facts)}
    settings = facts.decision.settings if facts.decision else facts.setup.settings.document()
    return tuple(
        _simulated_only(
            facts,
            _fill_line(fill, prices.get(fill.intent_id), official_close(facts, fill.symbol), settings["portfolio"]),
        )
        for fill in facts.fills
        if fill.session == facts.day and not (facts.parts and fill.crossed)
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
    costs = Portfolio(**{name: portfolio[name] for name in Portfolio.__struct_fields__ if name in portfolio}).costs()
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
        assumed_commission_usd=float(costs.commission(fill.shares, fill.price, sale=fill.side is Side.SELL)),
    )


def _gap(before: float | None, close: Stated, sign: int) -> Stated:
    if before is None or close.amount is None:
        return UNKNOWN
    return Stated(round(sign * (close.amount / before - 1.0) * 1e4, 6), close.state)


def _gap_from(close: Stated, price: float, sign: int) -> Stated:
    if close.amount is None:
        return UNKNOWN
    return Stated(round(sign * (price / close.amount - 1.0) * 1e4, 6), close.state)


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
        exit_price=rounded(trade.exit_price),
        shares=trade.shares,
        pnl_usd=rounded(trade.pnl_usd),
        return_frac=rounded(trade.return_frac),
        reason=next((word for word in reasons if word != "exit_carried"), None),
        sessions_held=len(facts.calendar.sessions(trade.entry_session, last)) - 1,
        commission_usd=rounded(trade.commission_usd),
    )
