"""What a person states about the account, because neither our records nor the broker can tell."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from mtum.app.desk import Desk
from mtum.app.ledger.book_problems import check_sound
from mtum.app.ledger.equity import booked
from mtum.app.ledger.sleeve_records import held_lots, held_shares
from mtum.app.owner.change_symbol import merged, renamed, spun_off, state_split, undone
from mtum.app.owner.reconcile import official_close, reconciled, settle_first
from mtum.app.owner.statement import Statement, number_in, words_in
from mtum.app.session.close_orders import STATED
from mtum.app.session.differences import balance_of, last_sending, unbooked, way_out_of_doubt
from mtum.app.session.match_orders import find_trace, what_of
from mtum.core.market.instruments import instrument
from mtum.core.portfolio.costs import IbFixedCosts
from mtum.core.portfolio.fills import Fill, Split, folded
from mtum.core.portfolio.orders import (
    Leg,
    OrderIntent,
    OrderStatus,
    OrderType,
    Purpose,
    Side,
    intent_id,
    intent_of,
    may_move,
)
from mtum.core.portfolio.reconcile import OUR_REF
from mtum.core.portfolio.sleeves import Sleeve
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.history import kept_with_entry
from mtum.core.view import MarketView
from mtum.errors import UsageError
from mtum.ports.broker import BrokerLists
from mtum.ports.records import IntentState, Observed

LONGEST_TICKER = 10
"""What is longer, and stands for a symbol, names an option contract."""
MOST_OF_A_CONTRACT = 10
"""USD that the commission and fees of a contract never come to."""
STATED_COMMISSION = "stated_commission:"
"""Prefix of the key of a stated commission, which can be corrected; one the broker reported cannot."""


def accept(desk: Desk, statement: Statement) -> dict[str, Any]:
    """Record what fresh lists explain, then a statement that they do not contradict; return what still differs.

    Raises
    ------
    UsageError
        If the statement is incomplete, or the lists contradict it.
    """
    if statement.kind not in KINDS:
        raise UsageError(f'--accept "{statement.kind}": one of {", ".join(KINDS)}')
    desk.broker.connect()
    try:
        lists = desk.broker.lists()
    finally:
        desk.broker.close()
    before = settle_first(desk, lists)
    said = KINDS[statement.kind](desk, statement, lists)
    desk.store.orders.record_event(None, desk.clock.now(), "stated", said)
    return {**reconciled(desk, lists, before), "accepted": said}


def _external(desk: Desk, statement: Statement, lists: BrokerLists) -> str:
    if statement.words and len(statement.words[0]) > LONGEST_TICKER:
        from mtum.app.owner.option_statements import state_external

        return state_external(desk, statement)
    symbol, shares = _symbol_and_number(desk, statement, "external SYMBOL SHARES")
    held = max(lists.positions.get(symbol, Decimal(0)), Decimal(0))
    ours = sum(lot.shares for lot in held_lots(desk.store) if lot.symbol == symbol)
    if shares != 0 and not 0 <= shares <= held - ours:
        whose = f", {ours} of which our own executions bought" if ours else ""
        raise UsageError(f"{shares} external shares of {symbol}: the broker holds {held}{whose}")
    desk.store.statements.state_external(symbol, shares, desk.clock.now(), "stated by a person")
    return f"{shares} shares of {symbol} are the owner's own and never traded"


def _foreign(desk: Desk, statement: Statement, lists: BrokerLists) -> str:
    (ref,) = words_in(statement, 1, "foreign REFERENCE")
    if not OUR_REF.match(ref):
        raise UsageError(f"{ref} is no reference of this program")
    desk.store.statements.acknowledge_foreign(ref, desk.clock.now(), "stated by a person")
    return f"order {ref} of another installation is known"


def _filled(desk: Desk, statement: Statement, lists: BrokerLists) -> str:
    """Book the fill of an order that no list shows any more, as far as the position tells it."""
    form = "filled REF PRICE [FEE]"
    if len(statement.words) < 2:
        raise UsageError(f"write it as `mtum reconcile --accept {form}`")
    wanted, *numbers = statement.words
    if _is_option_order(desk, wanted):
        from mtum.app.owner.option_statements import state_filled

        return state_filled(desk, statement)
    state = _known_order(desk, wanted)
    intent, listed, legs = state.intent, find_trace(lists, state), state.intent.legs
    if len(legs) > 1:
        form = f"filled REF {'PRICE ' * len(legs)}FEE` with the price of each leg in turn, `{intent.symbol}"
    if len(numbers) - len(legs) not in ((0, 1) if len(legs) == 1 else (1,)):
        raise UsageError(f"write it as `mtum reconcile --accept {form}`")
    prices, fee = [number_in(text, form) for text in numbers[: len(legs)]], numbers[len(legs) :]
    before = desk.store.books.executed(intent.id)
    if before >= intent.shares:
        raise UsageError(f"{what_of(state)} is filled already")
    if listed is not None and listed.may_fill:
        raise UsageError(f"{what_of(state)} still works at the broker: its lists show it")
    units = min(_units_explained(desk, lists, state, leg) for leg in legs)
    cost = number_in(fee[0], form) if fee else IbFixedCosts().commission(units, prices[0])
    _check_price(desk, state, prices, cost)
    number = sum(one.intent_id == intent.id and one.exec_id.startswith(STATED) for one in desk.store.orders.fills())
    fills = [
        _fill(desk, intent, f"{STATED}{intent.ref}.{number + place:02d}.01", leg, units * leg.ratio, price)
        for place, (leg, price) in enumerate(zip(legs, prices, strict=True))
    ]
    fills[0] = replace(fills[0], commission_usd=cost)
    check_sound(desk.store, fills=fills)
    filled = before + units
    status = OrderStatus.FILLED if filled >= intent.shares else OrderStatus.EXPIRED
    now, seen = desk.clock.now(), Observed(filled=filled, text="stated as filled by a person")
    with booked(desk, intent.session):
        desk.store.orders.add_fills(fills)
        if status not in (state.status, OrderStatus.FILLED) and not may_move(state.status, status):
            desk.store.orders.move_order(intent.id, OrderStatus.PARTIALLY_FILLED, now, seen)
        desk.store.orders.move_order(intent.id, status, now, seen)
    return f"{what_of(state)}: {units} filled at {' and '.join(map(str, prices))}, fee {cost} USD"


def _units_explained(desk: Desk, lists: BrokerLists, state: IntentState, leg: Leg) -> int:
    """Return how often the order was filled beyond our records, as the position in one of its legs tells."""
    intent, ratio = state.intent, leg.ratio
    alone = replace(intent, symbol=leg.instrument, side=leg.side, shares=intent.shares * ratio, combination=())
    balance = balance_of(desk, lists, leg.instrument)
    explained = unbooked(desk, lists, [replace(state, intent=alone)], balance)
    if explained is None or explained.shares < ratio:
        held = f"the broker holds {balance.broker}, we expect {balance.lots} of ours and {balance.external} external"
        whose = f" of {leg.instrument}" if intent.combination else ""
        raise UsageError(f"{what_of(state)}: {held}{whose}; the position does not tell that it was filled")
    return explained.shares // ratio


def _check_price(desk: Desk, state: IntentState, prices: Sequence[Decimal], fee: Decimal) -> None:
    # A slip of the pen would stand in the books for good. What a leg traded at nobody recorded.
    intent, worth = state.intent, max(prices)
    close = worth if intent.combination else official_close(desk, state) or intent.reference_price
    if not close / 2 <= worth <= close * 2 or min(prices) < 0:
        raise UsageError(f"{worth} USD is no price of {intent.symbol} on {intent.session}: it closed at {close}")
    units = intent.shares * max(leg.ratio * instrument(leg.instrument).multiplier for leg in intent.legs)
    if not 0 <= fee <= worth * units / 10:
        raise UsageError(f"{fee} USD is no fee of this order")


def _known_order(desk: Desk, wanted: str) -> IntentState:
    state = next((one for one in desk.store.orders.states() if wanted in (one.intent.id, one.intent.ref)), None)
    if state is None:
        raise UsageError(f"no order has the id {wanted}; `mtum reconcile` lists those in doubt")
    return state


def _not_sent(desk: Desk, statement: Statement, lists: BrokerLists) -> str:
    (wanted,) = words_in(statement, 1, "not-sent ID")
    if _is_option_order(desk, wanted):
        from mtum.app.owner.option_statements import state_not_sent

        return state_not_sent(desk, statement)
    state = _known_order(desk, wanted)
    if state.status not in (OrderStatus.UNKNOWN, OrderStatus.SUBMITTING):
        raise UsageError(f"{state.intent.ref} is {state.status.value}; there is no doubt about it")
    if find_trace(lists, state) is not None:
        raise UsageError(f"{state.intent.ref} is at the broker: its lists show it; `mtum run` adopts it")
    last = last_sending(desk, state.intent)
    if last is None or desk.clock.now() > last:
        words, _ = way_out_of_doubt(desk, state, lists)
        raise UsageError(f"{state.intent.ref}: its last moment has passed; {words}")
    desk.store.orders.move_order(
        state.intent.id, OrderStatus.PLANNED, desk.clock.now(), Observed(text="stated as never sent")
    )
    again = desk.store.orders.state_of(state.intent.id)
    return f"{state.intent.ref} was never sent; `mtum run` sends {again.intent.ref if again else 'the next attempt'}"


def _position(desk: Desk, statement: Statement, lists: BrokerLists) -> str:
    symbol, number = _symbol_and_number(desk, statement, "position SYMBOL SHARES")
    if statement.entry_session is None or statement.entry_price is None:
        raise UsageError("--accept position needs --entry-session DATE and --entry-price PRICE")
    sleeve = desk.sleeve_of(symbol, statement.strategy)
    if statement.entry_session > lists.at.date():
        raise UsageError(f"--entry-session {statement.entry_session} is not over yet")
    _check_nothing_open(desk, symbol, lists)
    held = lists.positions.get(symbol, Decimal(0))
    if number != int(number) or not 0 <= number <= max(held, Decimal(0)):
        raise UsageError(f"{number} shares of {symbol}: a whole number up to the broker's {held} is needed")
    ours = {whose: shares for (whose, of), shares in held_shares(desk.store).items() if of == symbol}
    change, own = int(number) - sum(ours.values()), ours.get(sleeve.name, 0)
    if change == 0:
        raise UsageError(f"our lots already hold {number} {symbol}")
    if change < 0 and own + change < min(own, 0):
        raise UsageError(
            f"{sleeve.name} has {own} {symbol}, {-change} fewer would leave it short: the shares of all sleeves are "
            "stated together, change one sleeve after the other with --strategy NAME"
        )
    _restate(desk, statement, symbol, change, sleeve)
    return f"our lots of {symbol} are {number} shares (reconstructed: {change:+d} at {statement.entry_price})"


def _corporate_action(desk: Desk, statement: Statement, lists: BrokerLists) -> str:
    symbol, ratio = _symbol_and_number(desk, statement, "corporate-action SYMBOL RATIO")
    if statement.entry_session is None or ratio <= 0:
        raise UsageError("--accept corporate-action needs a ratio above 0 and --entry-session DATE, its first session")
    return state_split(desk, Split(symbol, statement.entry_session, ratio), lists, statement.cash_in_lieu)


def _contract(desk: Desk, statement: Statement, lists: BrokerLists) -> str:
    """Pin the contract that the broker names now for a symbol or a series, if it is the one stated."""
    symbol, wanted = words_in(statement, 2, "contract SYMBOL CONTRACT")
    if symbol not in (*desk.symbols, *desk.series):
        raise UsageError(f"{symbol} is neither traded nor looked at here")
    before = desk.store.approvals.pinned_contract(symbol)
    # Without a pin it is looked for as on the first day, wherever it is listed now.
    desk.store.approvals.pin_contract(symbol, "", desk.clock.now())
    now = ""
    try:
        desk.broker.connect()
        now = desk.broker.contract(symbol)
    finally:
        desk.broker.close()
        desk.store.approvals.pin_contract(symbol, now if now == wanted else before, desk.clock.now())
    if now != wanted:
        raise UsageError(f"the broker names contract {now or 'none'} for {symbol}, not {wanted}")
    return f"{symbol} is contract {now} from now on; until now it was {before or 'none'}"


def _commission(desk: Desk, statement: Statement, lists: BrokerLists) -> str:
    """Record the commission of an execution that the broker never told; what it tells later counts instead."""
    form = "commission EXECUTION USD"
    wanted, text = words_in(statement, 2, form)
    amount, stated = number_in(text, form), desk.store.control.meta(f"{STATED_COMMISSION}{wanted}")
    leg = next((one for one in desk.store.options.fills() if one.exec_id == wanted), None)
    fill = next((one for one in folded(desk.store.orders.fills()) if one.exec_id == wanted), None)
    if leg is not None:
        what, session, told = f"{leg.quantity:+} {leg.contract.words}", leg.session, leg.fee_usd
        most = Decimal(MOST_OF_A_CONTRACT * abs(leg.quantity))
    elif fill is not None:
        what, session, told = f"{fill.side.value} {fill.shares} {fill.symbol}", fill.session, fill.commission_usd
        most = fill.value_usd / 10
    else:
        listed = "`mtum show fills` and `mtum show option-fills` list them"
        raise UsageError(f"no execution has the id {wanted}; {listed}")
    if told is not None and (stated is None or Decimal(stated) != told):
        raise UsageError(f"the broker told the commission of {wanted}: {told} USD")
    if not 0 <= amount <= most:
        raise UsageError(f"{amount} USD is no commission of {what}")
    with booked(desk, session):
        desk.store.control.set_meta(f"{STATED_COMMISSION}{wanted}", str(amount))
        if leg is not None:
            desk.store.options.record_fills([replace(leg, fee_usd=amount)])
        elif fill is not None:
            desk.store.orders.add_fills([replace(fill, commission_usd=amount)])
    return f"the commission of {wanted} ({what} of {session}) is {amount} USD, until the broker tells another"


def _ended(desk: Desk, statement: Statement, lists: BrokerLists) -> str:
    from mtum.app.owner.option_statements import state_ended

    return state_ended(desk, statement, lists.at.date())


def _is_option_order(desk: Desk, wanted: str) -> bool:
    if desk.store.orders.state_of(wanted) is not None or desk.store.orders.state_of(intent_of(wanted)) is not None:
        return False
    return any(
        wanted in (one.intent.id, *(two.attempt.ref for two in one.attempts)) for one in desk.store.options.states()
    )


KINDS: Mapping[str, Callable[[Desk, Statement, BrokerLists], str]] = {
    "external": _external,
    "position": _position,
    "filled": _filled,
    "commission": _commission,
    "not-sent": _not_sent,
    "foreign": _foreign,
    "corporate-action": _corporate_action,
    "renamed": renamed,
    "merged": merged,
    "spun-off": spun_off,
    "undone": undone,
    "contract": _contract,
    **dict.fromkeys(("assigned", "exercised", "expired", "settled", "traded"), _ended),
}
"""What a person may state."""


def _restate(desk: Desk, statement: Statement, symbol: str, change: int, sleeve: Sleeve) -> None:
    """Record the shares as a fill of an intent of their own, which never takes the place of a decision's."""
    assert statement.entry_session is not None
    assert statement.entry_price is not None
    purpose, side = (Purpose.STATED_IN, Side.BUY) if change > 0 else (Purpose.STATED_OUT, Side.SELL)
    number = sum(fill.exec_id.startswith("reconstructed") for fill in desk.store.orders.fills())
    key = intent_id(desk.account, statement.entry_session, sleeve.name, symbol, purpose)
    now = desk.clock.now()
    intent = OrderIntent(
        id=key,
        account=desk.account,
        session=statement.entry_session,
        strategy=sleeve.name,
        symbol=symbol,
        purpose=purpose,
        side=side,
        order_type=OrderType.MARKET_ON_CLOSE,
        shares=abs(change),
        reference_price=statement.entry_price,
        reasons=("reconstructed",),
    )
    fill = _fill(
        desk, intent, f"reconstructed.{key}.{number:02d}.01", intent.legs[0], abs(change), intent.reference_price
    )
    check_sound(desk.store, fills=[fill])
    kept = _remembered(desk, sleeve.strategy, symbol, statement.entry_session) if change > 0 else {}
    earlier = desk.store.orders.state_of(key)  # stated for the same session before: one more fill of it
    filled = abs(change) + (earlier.filled if earlier else 0)
    with booked(desk, intent.session):
        if change > 0:
            desk.store.statements.state_entry(key, kept, now)
        desk.store.orders.add_intent(intent, now)
        desk.store.orders.add_fills([fill])
        desk.store.orders.move_order(key, OrderStatus.FILLED, now, Observed(filled=filled, text="stated by a person"))


def _check_nothing_open(desk: Desk, symbol: str, lists: BrokerLists) -> None:
    """Refuse to state a position that an order of today may change at any moment."""
    for state in desk.store.orders.states(lists.at.date()):
        if state.intent.symbol == symbol and state.status.working:
            raise UsageError(f"{what_of(state)} is {state.status.value}: state the position once it has ended")
    for one in desk.store.crosses.planned_crosses():
        if one.symbol == symbol:
            raise UsageError(
                f"{one.shares} {symbol} change sleeves at the close of {one.session}: state the position once that is "
                "settled"
            )


def _close_of(desk: Desk, day: date) -> datetime:
    session = desk.calendar.sessions(day, day).get(day)
    if session is None:
        raise UsageError(f"{day} is no session")
    return session.close


def _fill(desk: Desk, intent: OrderIntent, exec_id: str, leg: Leg, shares: int, price: Decimal) -> Fill:
    return Fill(
        exec_id=exec_id,
        intent_id=intent.id,
        account=intent.account,
        strategy=intent.strategy,
        symbol=leg.instrument,
        side=leg.side,
        session=intent.session,
        instant=_close_of(desk, intent.session),
        shares=shares,
        price=price,
        commission_usd=Decimal(0),
        multiplier=instrument(leg.instrument).multiplier,
    )


def _remembered(desk: Desk, strategy: Strategy, symbol: str, day: date) -> Mapping[str, float]:
    """Return what the strategy would have kept with an entry of that session, from final bars."""
    needed = strategy.history_sessions()
    symbols = (*strategy.universe(), *strategy.reads())
    cached = [desk.store.bars.bars(one, desk.source.name).until(day) for one in symbols]
    bars = {one.symbol: one.tail(needed) for one in cached if len(one) and one.last_day == day}
    if symbol not in bars:
        raise UsageError(f"{symbol}: no bar of {day} in the cache; `mtum bars sync` first, or correct the date")
    around = desk.calendar.sessions(bars[symbol].day(0) - timedelta(days=60), day + timedelta(days=10))
    view = MarketView(day, bars, {}, {}, calendar=tuple(one.day for one in around) if strategy.CALENDAR else ())
    return kept_with_entry(strategy, view, symbol) if len(bars) == len(cached) or strategy.EACH_BY_ITSELF else {}


def _symbol_and_number(desk: Desk, statement: Statement, form: str) -> tuple[str, Decimal]:
    symbol, text = words_in(statement, 2, form)
    if symbol not in {*desk.symbols, *(lot.symbol for lot in held_lots(desk.store))}:
        raise UsageError(f"{symbol} is not traded here; the universe is {', '.join(desk.symbols)}")
    return symbol, number_in(text, form)
