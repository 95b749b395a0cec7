"""What a person states about the account, because neither our records nor the broker can tell."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from mtum.app.desk import Desk
from mtum.app.ledger.book import RECONSTRUCTED_KEY, read_sleeve
from mtum.app.owner.reconcile import reconciled
from mtum.app.session.check_book import EXTERNAL_KEY, FOREIGN_KEY
from mtum.app.session.match_orders import find_trace
from mtum.core.portfolio.fills import Fill, Split, folded, rebased
from mtum.core.portfolio.lots import lots_of
from mtum.core.portfolio.orders import OrderIntent, OrderStatus, OrderType, Purpose, Side, intent_id
from mtum.core.portfolio.reconcile import OUR_REF
from mtum.core.view import MarketView
from mtum.errors import UsageError
from mtum.ports.broker import BrokerLists
from mtum.ports.records import IntentState, Observed

MOST = Decimal(1_000_000_000)
"""No number of shares is larger."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A person's words: the kind, what follows it, and the options of `position`."""

    kind: str
    words: Sequence[str]
    strategy: str | None = None
    entry_session: date | None = None
    entry_price: Decimal | None = None


def accept(desk: Desk, statement: Statement) -> dict[str, Any]:
    """Record a statement after looking at fresh lists; return what still differs.

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
    said = KINDS[statement.kind](desk, statement, lists)
    desk.store.orders.event(None, desk.clock.now(), "stated", said)
    return {**reconciled(desk, lists), "accepted": said}


def _external(desk: Desk, statement: Statement, lists: BrokerLists) -> str:
    symbol, shares = _symbol_and_number(desk, statement, "external SYMBOL SHARES")
    held = max(lists.positions.get(symbol, Decimal(0)), Decimal(0))
    if not 0 <= shares <= held:
        raise UsageError(f"{shares} external shares of {symbol}: 0 up to the broker's {held} can be")
    desk.store.control.set_meta(EXTERNAL_KEY + symbol, str(shares))
    return f"{shares} shares of {symbol} are the owner's own and never traded"


def _foreign(desk: Desk, statement: Statement, lists: BrokerLists) -> str:
    (ref,) = _words(statement, 1, "foreign REFERENCE")
    if not OUR_REF.match(ref):
        raise UsageError(f"{ref} is no reference of this program")
    desk.store.control.set_meta(FOREIGN_KEY + ref, desk.clock.now().isoformat())
    return f"order {ref} of another installation is known"


def _not_sent(desk: Desk, statement: Statement, lists: BrokerLists) -> str:
    (wanted,) = _words(statement, 1, "not-sent ID")
    state = next((one for one in desk.store.orders.states() if wanted in (one.intent.id, one.intent.ref)), None)
    if state is None:
        raise UsageError(f"no order has the id {wanted}; `mtum reconcile` lists those in doubt")
    if state.status not in (OrderStatus.UNKNOWN, OrderStatus.SUBMITTING):
        raise UsageError(f"{state.intent.ref} is {state.status.value}; there is no doubt about it")
    if find_trace(lists, state) is not None:
        raise UsageError(f"{state.intent.ref} is at the broker: its lists show it; `mtum run` adopts it")
    _check_deadline(desk, state)
    desk.store.orders.move(
        state.intent.id, OrderStatus.PLANNED, desk.clock.now(), Observed(text="stated as never sent")
    )
    again = desk.store.orders.find(state.intent.id)
    return f"{state.intent.ref} was never sent; `mtum run` sends {again.intent.ref if again else 'the next attempt'}"


def _position(desk: Desk, statement: Statement, lists: BrokerLists) -> str:
    symbol, number = _symbol_and_number(desk, statement, "position SYMBOL SHARES")
    if statement.entry_session is None or statement.entry_price is None:
        raise UsageError("--accept position needs --entry-session DATE and --entry-price PRICE")
    if statement.strategy not in (None, desk.strategy.name):
        raise UsageError(f"{statement.strategy} does not run here; the strategy is {desk.strategy.name}")
    if statement.entry_session > lists.at.date():
        raise UsageError(f"--entry-session {statement.entry_session} is not over yet")
    held = lists.positions.get(symbol, Decimal(0))
    if number != int(number) or not 0 <= number <= held:
        raise UsageError(f"{number} shares of {symbol}: a whole number up to the broker's {held} is needed")
    lots = read_sleeve(desk.store, desk.strategy).lots
    change = int(number) - sum(lot.shares for lot in lots if lot.symbol == symbol)
    if change == 0:
        raise UsageError(f"our lots already hold {number} {symbol}")
    _restate(desk, statement, symbol, change)
    return f"our lots of {symbol} are {number} shares (reconstructed: {change:+d} at {statement.entry_price})"


def _corporate_action(desk: Desk, statement: Statement, lists: BrokerLists) -> str:
    symbol, ratio = _symbol_and_number(desk, statement, "corporate-action SYMBOL RATIO")
    if statement.entry_session is None or ratio <= 0:
        raise UsageError("--accept corporate-action needs a ratio above 0 and --entry-session DATE, its first session")
    ours = sum(lot.shares for lot in read_sleeve(desk.store, desk.strategy).lots if lot.symbol == symbol)
    held = lists.positions.get(symbol, Decimal(0))
    external = Decimal(desk.store.control.meta(EXTERNAL_KEY + symbol) or 0)
    if abs((ours + external) * ratio - held) > 1:
        raise UsageError(f"{ours} of ours and {external} external times {ratio} is not the broker's {held} {symbol}")
    split = Split(symbol, statement.entry_session, ratio)
    _check_sound(desk, splits=[split])
    desk.store.bars.agree_split(split, desk.clock.now())
    return f"{symbol}: {ratio} new shares per old one from {statement.entry_session} on"


KINDS: Mapping[str, Callable[[Desk, Statement, BrokerLists], str]] = {
    "external": _external,
    "position": _position,
    "not-sent": _not_sent,
    "foreign": _foreign,
    "corporate-action": _corporate_action,
}
"""What a person may state."""


def _restate(desk: Desk, statement: Statement, symbol: str, change: int) -> None:
    """Record the shares as a fill of an intent of their own, which never takes the place of a decision's."""
    assert statement.entry_session is not None
    assert statement.entry_price is not None
    purpose, side = (Purpose.STATED_IN, Side.BUY) if change > 0 else (Purpose.STATED_OUT, Side.SELL)
    number = sum(fill.exec_id.startswith("reconstructed") for fill in desk.store.orders.fills())
    key = intent_id(desk.account, statement.entry_session, desk.strategy.name, symbol, purpose)
    now = desk.clock.now()
    intent = OrderIntent(
        id=key,
        account=desk.account,
        session=statement.entry_session,
        strategy=desk.strategy.name,
        symbol=symbol,
        purpose=purpose,
        side=side,
        order_type=OrderType.MARKET_ON_CLOSE,
        shares=abs(change),
        reference_price=statement.entry_price,
        reasons=("reconstructed",),
    )
    fill = _fill(desk, intent, number)
    _check_sound(desk, fills=[fill])
    if change > 0:
        desk.store.control.set_meta(
            RECONSTRUCTED_KEY + key, json.dumps(_remembered(desk, symbol, statement.entry_session))
        )
    earlier = desk.store.orders.find(key)  # stated for the same session before: one more fill of it
    desk.store.orders.add_intent(intent, now)
    desk.store.orders.add_fills([fill])
    filled = abs(change) + (earlier.filled if earlier else 0)
    desk.store.orders.move(key, OrderStatus.FILLED, now, Observed(filled=filled, text="stated by a person"))
    sleeve = read_sleeve(desk.store, desk.strategy)
    desk.store.ledger.write_lots(desk.strategy.name, sleeve.lots, sleeve.remembered)


def _fill(desk: Desk, intent: OrderIntent, number: int) -> Fill:
    session = desk.calendar.sessions(intent.session, intent.session).get(intent.session)
    if session is None:
        raise UsageError(f"{intent.session} is no session")
    return Fill(
        exec_id=f"reconstructed.{intent.id}.{number:02d}.01",
        intent_id=intent.id,
        account=intent.account,
        strategy=intent.strategy,
        symbol=intent.symbol,
        side=intent.side,
        session=intent.session,
        instant=session.close,
        shares=intent.shares,
        price=intent.reference_price,
        commission_usd=Decimal(0),
    )


def _check_sound(desk: Desk, fills: Sequence[Fill] = (), splits: Sequence[Split] = ()) -> None:
    """Refuse a statement with which our own records would no longer add up, before anything is written."""
    known = desk.store.orders.fills(desk.strategy.name)
    try:
        lots_of(rebased(folded([*known, *fills]), [*desk.store.bars.splits(), *splits]))
    except ValueError as error:
        raise UsageError(f"our records would not add up: {error}") from error


def _remembered(desk: Desk, symbol: str, session: date) -> Mapping[str, float]:
    """Return what the strategy would have kept with an entry of that session, from final bars."""
    bars = desk.store.bars.bars(symbol, desk.source.name).until(session)
    if not len(bars) or bars.last_day != session:
        raise UsageError(f"{symbol}: no bar of {session} in the cache; `mtum bars sync` first, or correct the date")
    view = MarketView(session, {symbol: bars.tail(desk.strategy.history_sessions())}, {}, {})
    for verdict in desk.strategy.verdicts(view, {}):
        if verdict.symbol == symbol:
            return verdict.remember or {name: now for name, now in verdict.indicators.items() if name == "atr" and now}
    return {}


def _check_deadline(desk: Desk, state: IntentState) -> None:
    session = desk.calendar.sessions(state.intent.session, state.intent.session).get(state.intent.session)
    last = session.before_close(desk.settings.schedule.last_send_minutes) if session else None
    if last is None or desk.clock.now() > last:
        raise UsageError(f"{state.intent.ref}: its last moment has passed; it lapses by itself at the next session")


def _symbol_and_number(desk: Desk, statement: Statement, form: str) -> tuple[str, Decimal]:
    symbol, text = _words(statement, 2, form)
    if symbol not in desk.strategy.universe():
        raise UsageError(f"{symbol} is not traded here; the universe is {', '.join(desk.strategy.universe())}")
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) > MOST:
        raise UsageError(f'"{text}" is no number: write `mtum reconcile --accept {form}`')
    return symbol, number


def _words(statement: Statement, count: int, form: str) -> Sequence[str]:
    if len(statement.words) != count:
        raise UsageError(f"write it as `mtum reconcile --accept {form}`")
    return statement.words
