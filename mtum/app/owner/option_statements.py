"""What a person states of options: how contracts ended, what an order in doubt did, and what is the owner's own."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from mtum.app.desk import Desk
from mtum.app.ledger.equity import booked
from mtum.app.owner.statement import Statement, number_in
from mtum.app.session.differences import Difference
from mtum.core.market.instruments import Right
from mtum.core.options.contracts import Delivery, OptionContract
from mtum.core.portfolio.options.lots import EventKind, LedgerEvent, LegFill
from mtum.core.portfolio.orders import OrderStatus
from mtum.errors import UsageError
from mtum.ports.options import AttemptState, OptionBroker, OptionLists, OptionState
from mtum.ports.records import Observed

_FORMS: Mapping[str, tuple[EventKind, str]] = {
    "assigned": (EventKind.ASSIGNED, "assigned CONTRACT N [--from DATE]"),
    "exercised": (EventKind.EXERCISED, "exercised CONTRACT N [--from DATE]"),
    "expired": (EventKind.EXPIRED, "expired CONTRACT N"),
    "settled": (EventKind.CASH_SETTLED, "settled CONTRACT N PRICE"),
    "traded": (EventKind.STATED, "traded CONTRACT N PRICE [--from DATE]"),
}
MOST_OF_A_CALL = 9
"""Times its strike that a call may be worth: one of 15 on the VIX at 150."""
_PRICED = frozenset({EventKind.CASH_SETTLED, EventKind.STATED})


class Side(Struct, frozen=True):
    """A contract in our books and at the broker.

    Parameters
    ----------
    held, external, broker : int
        Contracts of our lots, of the owner's own, and listed; negative for those sold.
    """

    contract: OptionContract
    held: int
    external: int
    broker: int

    @property
    def missing(self) -> int:
        """Contracts that our records have beyond the broker's list, negative for those sold."""
        return self.held + self.external - self.broker

    @property
    def words(self) -> str:
        """Both sides for a person."""
        return (
            f"{self.contract.words}: the broker lists {self.broker}, we expect {self.held} of ours and "
            f"{self.external} external"
        )


def compared(desk: Desk) -> tuple[tuple[Difference, ...], tuple[str, ...]]:
    """Return the contracts of ours that the broker lists otherwise, and in words those that are not ours."""
    lists = option_lists(desk)
    if lists is None:
        return (), ()
    told = [Difference("option", "", f"{text}; look at the broker's own screen") for text in lists.unknown]
    for one in sides(desk, lists):
        if one.held and one.missing:
            name = one.contract.local_symbol.replace(" ", "")
            number = abs(one.missing)
            ways = tuple(f"mtum reconcile --accept {way.replace('CONTRACT', name)}" for way in _ways(one, number))
            told.append(Difference("option", name, one.words, ways))
    others = [f"{one.broker} {one.contract.words}" for one in sides(desk, lists) if not one.held and one.broker]
    return tuple(told), tuple(others)


def _ways(one: Side, number: int) -> tuple[str, ...]:
    external = f"external CONTRACT {one.broker - one.held}"
    if one.held * one.missing <= 0:
        return (external,)
    delivered = "assigned" if one.held < 0 else "exercised"
    in_shares = one.contract.delivery is Delivery.SHARES
    ended = (f"{delivered} CONTRACT {number}", f"expired CONTRACT {number}")
    settled = (f"settled CONTRACT {number} PRICE",)
    return (*(ended if in_shares else settled), f"traded CONTRACT {number} PRICE", external)


def option_lists(desk: Desk) -> OptionLists | None:
    """Return the broker's lists of options, freshly asked; None where it tells nothing of them."""
    if not isinstance(desk.broker, OptionBroker):
        return None
    desk.broker.connect()
    try:
        return desk.broker.option_lists(desk.store.options.contracts())
    finally:
        desk.broker.close()


def sides(desk: Desk, lists: OptionLists) -> tuple[Side, ...]:
    """Return every contract that our books or the broker's lists have."""
    held, external = desk.store.options.book().contracts(), desk.store.options.external()
    every = sorted({*held, *external, *lists.positions}, key=lambda one: (one.underlying, one.expiry, one.con_id))
    return tuple(Side(one, held.get(one, 0), external.get(one, 0), lists.positions.get(one, 0)) for one in every)


def state_ended(desk: Desk, statement: Statement, today: date) -> str:
    """Book how contracts of ours ended, as a person states it, where the broker's positions do not contradict.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    statement : Statement
        A person's words: the kind, what follows it, and the options that some kinds take.
    today : date
        Today, by the market's clock.

    Raises
    ------
    UsageError
        If the statement is incomplete, does not fit the contract, or the lists contradict it.
    """
    kind, form = _FORMS[statement.kind]
    priced = kind in _PRICED
    if len(statement.words) != (3 if priced else 2):
        raise UsageError(f"write it as `mtum reconcile --accept {form}`")
    lists = _needed(desk)
    one = _side(desk, lists, statement.words[0])
    number, price = number_in(statement.words[1], form), Decimal(0)
    if priced:
        price = number_in(statement.words[2], form)
    contract = one.contract
    missing = abs(one.missing) if one.held * one.missing > 0 else 0
    if number != int(number) or not 1 <= number <= min(missing, abs(one.held)):
        most = min(missing, abs(one.held))
        raise UsageError(f"{one.words}; {most or 'none'} can have ended, not {number}")
    _check_fits(kind, contract, one.held, today)
    _check_price(contract, price)
    day = statement.first_session or min(contract.ends, today)
    if not day <= today:
        raise UsageError(f"--from {day} is not over yet")
    signed = int(number) if one.held > 0 else -int(number)
    event = LedgerEvent(
        kind=kind,
        account=desk.account,
        contract=contract,
        quantity=signed,
        price=contract.strike if kind in (EventKind.ASSIGNED, EventKind.EXERCISED) else price,
        effective=day,
        running=one.held,
        evidence=("stated by a person", one.words),
    )
    with booked(desk, day):
        desk.store.options.record_events([event], desk.clock.now())
    shares = f", {event.shares:+d} {contract.underlying} at {event.price.normalize():f}" if event.shares else ""
    cash = f", {event.cash_usd:+.2f} USD" if priced else ""
    if kind is EventKind.CASH_SETTLED and price:
        # So that the settlement itself, given for what it paid, is noticed.
        settled = contract.strike + (price if contract.right is Right.CALL else -price)
        cash += f", that is {contract.underlying} settled at {settled.normalize():f}"
    return f"{number} {contract.words} {statement.kind} on {day}{shares}{cash}"


def _check_fits(kind: EventKind, contract: OptionContract, held: int, today: date) -> None:
    in_shares = contract.delivery is Delivery.SHARES
    if kind is EventKind.ASSIGNED and (held > 0 or not in_shares):
        raise UsageError(f"{contract.words}: only what was sold, and delivers shares, is assigned")
    if kind is EventKind.EXERCISED and (held < 0 or not in_shares):
        raise UsageError(f"{contract.words}: only what was bought, and delivers shares, is exercised")
    if kind is EventKind.CASH_SETTLED and in_shares:
        raise UsageError(f"{contract.words} delivers shares: it is assigned, exercised or expires")
    if kind in (EventKind.EXPIRED, EventKind.CASH_SETTLED) and contract.ends > today:
        until = "settles on" if contract.delivery is Delivery.CASH_AM else "trades until"
        raise UsageError(f"{contract.words} {until} {contract.ends}: it has not ended by itself")


def _check_price(contract: OptionContract, price: Decimal) -> None:
    # A slip of the pen would stand in the books for good. A put is worth its strike at most; the calls that pay when
    # the VIX jumps are worth several times theirs.
    most = contract.strike if contract.right is Right.PUT else MOST_OF_A_CALL * contract.strike
    if not 0 <= price <= most:
        raise UsageError(f"{price} USD per share is no price of {contract.words}")


def state_external(desk: Desk, statement: Statement) -> str:
    """Record how many contracts are the owner's own; refused beyond what the broker lists besides ours."""
    form = "external CONTRACT N"
    if len(statement.words) != 2:
        raise UsageError(f"write it as `mtum reconcile --accept {form}`")
    one = _side(desk, _needed(desk), statement.words[0])
    number, free = number_in(statement.words[1], form), one.broker - one.held
    if number != int(number) or not min(0, free) <= number <= max(0, free):
        raise UsageError(f"{number} external {one.contract.words}: the broker lists {one.broker}, {one.held} are ours")
    desk.store.options.state_external(one.contract, int(number), desk.clock.now(), "stated by a person")
    return f"{int(number)} {one.contract.words} are the owner's own and never traded"


def state_filled(desk: Desk, statement: Statement) -> str:
    """Book the fill of an option order that no list shows any more, as far as its legs' positions tell it."""
    state, attempt = _attempt(desk, statement.words[0])
    legs = state.intent.legs
    form = f"filled REF {'PRICE ' * len(legs)}FEE"
    if len(statement.words) != 2 + len(legs):
        raise UsageError(f"write it as `mtum reconcile --accept {form}` with the price of each leg in turn")
    lists = _needed(desk)
    _check_no_trace(lists, attempt)
    found = {one.contract: one for one in sides(desk, lists)}
    gone = [_units(found.get(leg.contract), leg.signed) for leg in legs]
    units = min(gone, default=0)
    if not 1 <= units <= attempt.attempt.intent.quantity:
        told = "; ".join(found[leg.contract].words for leg in legs if leg.contract in found)
        raise UsageError(f"{attempt.attempt.ref}: its legs do not tell that it was filled: {told or 'none is listed'}")
    prices = [number_in(text, form) for text in statement.words[1 : 1 + len(legs)]]
    fee = number_in(statement.words[-1], form)
    for leg, price in zip(legs, prices, strict=True):
        _check_price(leg.contract, price)
    if not 0 <= fee <= 10 * units * sum(leg.ratio for leg in legs):
        raise UsageError(f"{fee} USD is no fee of this order")
    intent = state.intent
    fills = [
        LegFill(
            exec_id=f"stated:{attempt.attempt.ref}:{place}.01",
            account=desk.account,
            strategy=intent.strategy,
            group=intent.group,
            intent_id=intent.id,
            contract=leg.contract,
            session=intent.session,
            quantity=units * leg.signed,
            price=price,
            fee_usd=fee if place == 1 else Decimal(0),
        )
        for place, (leg, price) in enumerate(zip(legs, prices, strict=True), 1)
    ]
    whole = units == attempt.attempt.intent.quantity
    with booked(desk, intent.session):
        desk.store.options.record_fills(fills)
        seen = Observed(filled=units, text="stated as filled by a person")
        status = OrderStatus.FILLED if whole else OrderStatus.EXPIRED
        desk.store.options.move_attempt(attempt.attempt.ref, status, desk.clock.now(), seen)
    return f"{attempt.attempt.ref}: {units} filled at {' and '.join(map(str, prices))}, fee {fee} USD"


def _units(one: Side | None, signed: int) -> int:
    # How often the position has moved by the leg beyond our records.
    moved = 0 if one is None else -one.missing
    return moved // signed if moved * signed > 0 else 0


def state_not_sent(desk: Desk, statement: Statement) -> str:
    """Record that an option order in doubt never traded: no list shows it, and its legs' positions are as before."""
    if len(statement.words) != 1:
        raise UsageError("write it as `mtum reconcile --accept not-sent ID`")
    state, attempt = _attempt(desk, statement.words[0])
    lists = _needed(desk)
    _check_no_trace(lists, attempt)
    moved = [one for one in sides(desk, lists) if one.contract in state.intent.changes and one.missing]
    if moved:
        raise UsageError(f"{attempt.attempt.ref}: {moved[0].words}; it may have been filled")
    seen = Observed(text="stated as never sent")
    desk.store.options.move_attempt(attempt.attempt.ref, OrderStatus.LAPSED, desk.clock.now(), seen)
    return f"{attempt.attempt.ref} was never sent"


def _is(state: OptionState, wanted: str) -> bool:
    return wanted in (state.intent.id, *(one.attempt.ref for one in state.attempts))


def _attempt(desk: Desk, wanted: str) -> tuple[OptionState, AttemptState]:
    state = next(one for one in desk.store.options.states() if _is(one, wanted))
    doubtful = [one for one in state.attempts if one.status.in_doubt and wanted in (state.intent.id, one.attempt.ref)]
    if not doubtful:
        raise UsageError(f"{wanted} is {state.status.value}; there is no doubt about it")
    if doubtful[0].status is OrderStatus.SUBMITTING:
        desk.store.options.move_attempt(doubtful[0].attempt.ref, OrderStatus.UNKNOWN, desk.clock.now())
        return state, replace(doubtful[0], status=OrderStatus.UNKNOWN)
    return state, doubtful[0]


def _check_no_trace(lists: OptionLists, attempt: AttemptState) -> None:
    ref = attempt.attempt.ref
    listed = {*(one.ref for one in lists.working), *(one.ref for one in lists.fills), *lists.completed}
    if ref in listed:
        raise UsageError(f"{ref} is at the broker: its lists show it; `mtum reconcile` takes it up")


def _needed(desk: Desk) -> OptionLists:
    lists = option_lists(desk)
    if lists is None:
        raise UsageError(f"{desk.broker.name} tells nothing of options, so that no statement on them can be checked")
    return lists


def _side(desk: Desk, lists: OptionLists, wanted: str) -> Side:
    every = sides(desk, lists)
    plain = wanted.replace(" ", "").upper()
    found = [one for one in every if plain in (one.contract.local_symbol.replace(" ", ""), str(one.contract.con_id))]
    if len(found) != 1:
        known = ", ".join(one.contract.local_symbol.replace(" ", "") for one in every)
        raise UsageError(
            f"{wanted} is no contract that our books or the broker's lists have: {known or 'there is none'}"
        )
    return found[0]
