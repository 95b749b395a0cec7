"""What the broker's lists say of our option orders is recorded: executions by leg, then how each offer stands."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from mtum.app.desk import Desk
from mtum.core.options.contracts import OptionContract
from mtum.core.portfolio.options.lots import LegFill, summed, whole_units
from mtum.core.portfolio.options.orders import OptionIntent
from mtum.core.portfolio.orders import OrderStatus, intent_of, may_move
from mtum.ports.options import AttemptState, LegExecution, OptionLists, OptionState
from mtum.ports.records import Observed


def take_up(desk: Desk, lists: OptionLists, day: date) -> None:
    """Record what the lists say of a session's orders: our legs' executions, once, and the status of each offer.

    Books change by executions alone: an offer that the broker calls filled lives on until its legs are listed.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    lists : OptionLists
        What the broker says of an account's options, freshly asked, with the shares of the same reading.
    day : date
        The session's date.
    """
    store, now = desk.store.options, desk.clock.now()
    states = store.states(day)
    record_legs(desk, lists, states)
    working = {order.ref for order in lists.working}
    for state in states:
        for offer in state.attempts:
            done = units_of(lists, offer.attempt.ref, state.intent)
            status = _status(offer, done, lists.completed.get(offer.attempt.ref), working=offer.attempt.ref in working)
            if status is None or (status, done) == (offer.status, offer.filled):
                continue
            if may_move(offer.status, status):
                store.move_attempt(offer.attempt.ref, status, now, Observed(filled=done))


def record_legs(desk: Desk, lists: OptionLists, states: Iterable[OptionState]) -> None:
    """Book the executions of legs of these intents; a combination as a whole is no execution.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    lists : OptionLists
        What the broker says of an account's options, freshly asked, with the shares of the same reading.
    states : iterable of OptionState
        Intents in options with their status.
    """
    intents = {state.intent.id: state.intent for state in states}
    found = [
        _leg_fill(fill, fill.contract, intents[intent_of(fill.ref)])
        for fill in lists.fills
        if fill.contract is not None and not fill.combo and intent_of(fill.ref) in intents
    ]
    if found:
        desk.store.options.record_fills(found)


def units_of(lists: OptionLists, ref: str, intent: OptionIntent) -> int | None:
    """Return the whole units that the listed executions of an offer make; None where its legs make none.

    Parameters
    ----------
    lists : OptionLists
        What the broker says of an account's options, freshly asked, with the shares of the same reading.
    ref : str
        Our reference of the order.
    intent : OptionIntent
        What we want to trade in options, recorded before it is sent.
    """
    fills = [
        _leg_fill(fill, fill.contract, intent)
        for fill in lists.fills
        if fill.contract is not None and not fill.combo and fill.ref == ref
    ]
    return whole_units({leg.contract: leg.signed for leg in intent.legs}, fills)


def beyond_books(
    lists: OptionLists, held: Mapping[OptionContract, int], of: Iterable[OptionContract]
) -> Mapping[OptionContract, int]:
    """Return the contracts that the broker lists beyond our books, negative where it lists fewer.

    Parameters
    ----------
    lists : OptionLists
        What the broker says of an account's options, freshly asked, with the shares of the same reading.
    held : mapping of OptionContract to int
        Contracts held, negative for those sold.
    of : iterable of OptionContract
        Contracts to compare.
    """
    beyond = summed(lists.positions, {contract: -number for contract, number in held.items()})
    return {contract: beyond.get(contract, 0) for contract in of}


def twice(lists: OptionLists, states: Sequence[OptionState]) -> Mapping[str, tuple[str, ...]]:
    """Return the intents of which the broker works on more than one offer, with their references, oldest first."""
    known = {state.intent.id for state in states}
    refs = sorted({order.ref for order in lists.working if order.legs and order.intent in known})
    counted = Counter(map(intent_of, refs))
    return {one: tuple(ref for ref in refs if intent_of(ref) == one) for one, number in counted.items() if number > 1}


def _status(offer: AttemptState, done: int | None, ended: OrderStatus | None, *, working: bool) -> OrderStatus | None:
    wanted = offer.attempt.intent.quantity
    if done is not None and done >= wanted:
        return OrderStatus.FILLED
    if working:
        return OrderStatus.PARTIALLY_FILLED if done else OrderStatus.ACCEPTED
    return None if ended is OrderStatus.FILLED else ended


def _leg_fill(fill: LegExecution, contract: OptionContract, intent: OptionIntent) -> LegFill:
    return LegFill(
        exec_id=fill.exec_id,
        account=fill.account,
        strategy=intent.strategy,
        group=intent.group,
        intent_id=intent.id,
        contract=contract,
        session=intent.session,
        quantity=fill.quantity,
        price=fill.price,
        fee_usd=fill.fee_usd,
    )
