"""What became of options overnight: read from our lots and the account's positions, for no message tells it."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from itertools import product
from math import prod

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.core.market.instruments import Right
from mtum.core.options.contracts import UNITS, Delivery, OptionContract
from mtum.core.options.legs import OptionLot
from mtum.core.portfolio.options.lots import EventKind, LedgerEvent, per_contract, summed
from mtum.core.portfolio.options.orders import ZERO

NEAR_STRIKE = Decimal("0.005")
"""Fraction of the strike within which nobody can say at the close whether a holder exercises."""
CASH_AGREES_USD = Decimal(1)
"""Difference up to which the account's cash confirms what was worked out."""
MOST_WAYS = 20_000
"""Mixes of explanations that are looked at; an underlying with more of them is a person's."""


class Doubt(Enum):
    """Why nothing is booked and a person is asked."""

    TRADED = "traded"
    """gone before its last day while the shares stayed: somebody traded it, or the broker did"""
    ADJUSTED = "adjusted"
    """a contract that is not known stands on the underlying, or a known one changed: all of it halts"""
    UNDECIDED = "undecided"
    """too near the strike, or a price is missing: the broker is asked again later"""
    AMBIGUOUS = "ambiguous"
    """the numbers fit more than one explanation"""
    UNEXPLAINED = "unexplained"
    """the numbers fit none"""


class Question(Struct, frozen=True):
    """What a person has to state, with the numbers.

    Parameters
    ----------
    waits : bool
        Whether it may be answered by itself: the broker may not have told everything of the night yet.
    """

    underlying: str
    doubt: Doubt
    contracts: tuple[OptionContract, ...]
    text: str
    waits: bool = False


class Morning(Struct, frozen=True):
    """What was ours, and what the broker lists now.

    Parameters
    ----------
    day : date
        Today; a contract whose last day is before it is past its end, one that opening prices settle on their day.
    lots : tuple of OptionLot
        After all executions.
    foreign : mapping of contract to int
        Contracts beside our lots that were known yesterday, negative for those sold.
    positions : mapping of contract to int
        What the broker lists now, negative for those sold.
    shares_before, shares : mapping of str to int
        All shares of the account by symbol: after the last known execution, and now.
    unexplained : mapping of str to int
        Shares of executions that no order of ours explains, by symbol.
    unresolved : collection of str
        Underlyings with an order of an earlier session, in shares or options, of which nobody knows what filled.
    closes : mapping of (str, date) to Decimal
        Official close by underlying and day, USD per share.
    settlements : mapping of int to Decimal
        Settlement of a cash-settled contract's underlying, by the broker's number of the contract.
    cash_change_usd : Decimal or None
        Change of cash that no execution explains; None where it is not known.
    asked_again : bool
        Whether the broker was asked again, late enough for everything of the night to be booked.
    """

    account: str
    day: date
    lots: tuple[OptionLot, ...]
    positions: Mapping[OptionContract, int]
    shares_before: Mapping[str, int]
    shares: Mapping[str, int]
    foreign: Mapping[OptionContract, int] = field(default_factory=dict)
    unexplained: Mapping[str, int] = field(default_factory=dict)
    unresolved: Collection[str] = frozenset()
    closes: Mapping[tuple[str, date], Decimal] = field(default_factory=dict)
    settlements: Mapping[int, Decimal] = field(default_factory=dict)
    cash_change_usd: Decimal | None = None
    asked_again: bool = False


class Night(Struct, frozen=True):
    """What was found: events to book once, and questions for a person. An underlying has either.

    Parameters
    ----------
    awaiting : tuple of OptionContract
        Contracts of ours that have ended and whose settlement nobody has told: it bars nothing, for only cash can come.
    """

    events: tuple[LedgerEvent, ...] = ()
    questions: tuple[Question, ...] = ()
    awaiting: tuple[OptionContract, ...] = ()


class _Gone(Struct, frozen=True):
    # Contracts that left: `delivered` lists how many of them may have changed hands at the strike, `unusual` how many
    # if nothing else explains the shares, and `traded` whether the rest can only have been traded.
    contract: OptionContract
    lost: int
    delivered: range
    traded: bool = False
    near: bool = False
    unusual: range | None = None


def inferred(morning: Morning) -> Night:
    """Return what became of the options of an account.

    Only an explanation that alone fits positions and shares is believed. Run again with the events booked and the
    shares that came counted in, it finds nothing.

    Parameters
    ----------
    morning : Morning
        Of one account; positions and shares of one reading of the broker's lists.
    """
    known = {one.underlying for one in _expected(morning)}
    found = [_underlying(morning, name) for name in sorted(known)]
    events = tuple(event for night in found for event in night.events)
    questions = tuple(question for night in found for question in night.questions)
    awaiting = tuple(contract for night in found for contract in night.awaiting)
    return replace(_by_cash(Night(events, questions), morning), awaiting=awaiting)


def _expected(morning: Morning) -> dict[OptionContract, int]:
    return summed(morning.foreign, *({lot.contract: lot.quantity} for lot in morning.lots))


def _underlying(morning: Morning, name: str) -> Night:
    expected = {one: number for one, number in _expected(morning).items() if one.underlying == name}
    positions = {one: number for one, number in summed(morning.positions).items() if one.underlying == name}
    moved = morning.shares.get(name, 0) - morning.shares_before.get(name, 0)
    ours = {lot.contract for lot in morning.lots}

    def ask(doubt: Doubt, contracts: Iterable[OptionContract], why: str, *, untold: bool = False) -> Night:
        concerned = tuple(sorted(contracts, key=lambda one: one.con_id))
        seen = "; ".join(_seen(expected, positions, moved, name))
        waits = untold and not morning.asked_again
        return Night(questions=(Question(name, doubt, concerned, f"{why}: {seen}", waits),))

    everything = sorted({*expected, *positions}, key=lambda one: one.con_id)
    changed = {one: expected.get(one, 0) - positions.get(one, 0) for one in everything}
    changed = {one: number for one, number in changed.items() if number}
    strange = [one for one in positions if one not in expected]
    if strange and ours & set(expected):
        return ask(Doubt.ADJUSTED, strange, "a contract that is not known")
    if not ours & set(changed):
        return Night()
    grown = [one for one, lost in changed.items() if lost * expected[one] < 0 or abs(lost) > abs(expected[one])]
    if grown:
        return ask(Doubt.TRADED, grown, "more contracts, or the other side of them, than our orders explain")
    whose = [one for one, lost in changed.items() if morning.foreign.get(one) and abs(lost) < abs(expected[one])]
    if whose:
        return ask(Doubt.AMBIGUOUS, whose, "ours and others' stood in one contract and a part of them left")
    if name in morning.unresolved:
        # What it filled would look like a delivery, or like a contract that ended by itself.
        return ask(Doubt.AMBIGUOUS, changed, f"nobody knows yet what an earlier order in {name} filled", untold=True)
    if morning.unexplained.get(name) or moved % UNITS:
        return ask(Doubt.AMBIGUOUS, changed, f"{morning.unexplained.get(name, 0)} shares were traded beside our orders")
    awaiting = tuple(
        one
        for one in changed
        if one not in positions and one.awaits_settlement(morning.day) and _price(morning, one) is None
    )
    gone = [_gone(morning, one, lost, one in positions) for one, lost in changed.items() if one not in awaiting]
    lacking = [
        one.contract for one in gone if _price(morning, one.contract) is None and one.contract.over_on(morning.day)
    ]
    if lacking:
        return ask(Doubt.UNDECIDED, lacking, "the price that decides is missing", untold=True)
    ways = list(_ways(gone, [one.delivered for one in gone], moved))
    if not ways:
        ways = list(_ways(gone, [one.unusual or one.delivered for one in gone], moved))
    if len(ways) != 1:
        early = [one.contract for one in gone if one.traded]
        doubt = Doubt.AMBIGUOUS if len(ways) > 1 else Doubt.UNEXPLAINED
        # An option may leave the list before the shares that it brought stand in it.
        return ask(doubt, early or changed, f"{len(ways) or 'no'} explanations fit", untold=not ways)
    (way,) = ways
    if (doubt_left := _doubt(morning, gone, way, moved)) is not None:
        return ask(*doubt_left, untold=doubt_left[0] is not Doubt.AMBIGUOUS)
    evidence = tuple(_seen(expected, positions, moved, name))
    return Night(tuple(_events(morning, gone, way, evidence)), awaiting=tuple(one for one in awaiting if one in ours))


def _doubt(
    morning: Morning, gone: Sequence[_Gone], way: Sequence[int], moved: int
) -> tuple[Doubt, list[OptionContract], str] | None:
    # What keeps the one explanation that fits from being believed.
    pairs = list(zip(gone, way, strict=True))
    if early := [one.contract for one, number in pairs if one.traded and number < abs(one.lost)]:
        return Doubt.TRADED, early, "gone before its last day without a trade of ours and without shares"
    shared = [one.contract for one, number in pairs if morning.foreign.get(one.contract) and 0 < number < abs(one.lost)]
    if shared:
        why = "ours and others' stood in one contract and a part of them was delivered"
        return Doubt.AMBIGUOUS, shared, why
    near = [one.contract for one in gone if one.near and not moved]
    if near and not morning.asked_again:
        return Doubt.UNDECIDED, near, "closed too near the strike to tell; ask the broker again"
    return None


def _seen(
    expected: Mapping[OptionContract, int], positions: Mapping[OptionContract, int], moved: int, name: str
) -> Iterator[str]:
    for one in sorted({*expected, *positions}, key=lambda one: one.con_id):
        yield f"{one.words} was {expected.get(one, 0)}, is {positions.get(one, 0)}"
    yield f"shares of {name} {moved:+d}"


def _price(morning: Morning, contract: OptionContract) -> Decimal | None:
    # The morning's settlement is a price of its own; the close of the last day stands for it nowhere else.
    close = morning.closes.get((contract.underlying, contract.expiry))
    if contract.delivery is Delivery.SHARES:
        return close
    settled = morning.settlements.get(contract.con_id)
    return close if settled is None and contract.delivery is Delivery.CASH_PM else settled


def _inner(contract: OptionContract, price: Decimal) -> Decimal:
    return price - contract.strike if contract.right is Right.CALL else contract.strike - price


def _gone(morning: Morning, contract: OptionContract, lost: int, remains: bool) -> _Gone:
    number = abs(lost)
    if not contract.over_on(morning.day) or remains:
        # Nobody exercises a European contract early, and an index has no shares.
        shares = contract.delivery is Delivery.SHARES
        return _Gone(contract, lost, range(number + 1) if shares else range(1), traded=True)
    price = _price(morning, contract)
    if contract.delivery is not Delivery.SHARES or price is None:
        return _Gone(contract, lost, range(1))
    inner = _inner(contract, price)
    if abs(inner) <= NEAR_STRIKE * contract.strike:
        return _Gone(contract, lost, range(number + 1), near=True)
    if inner > 0:
        return _Gone(contract, lost, range(number, number + 1))
    # Out of the money a holder may still exercise on the news of the evening; we never do.
    return _Gone(contract, lost, range(1), unusual=range(number + 1) if lost < 0 else None)


def _ways(gone: Sequence[_Gone], delivered: Sequence[range], moved: int) -> Iterator[tuple[int, ...]]:
    if prod(map(len, delivered)) > MOST_WAYS:
        return
    for way in product(*delivered):
        shares = sum(
            (number if one.lost > 0 else -number) * per_contract(one.contract)
            for one, number in zip(gone, way, strict=True)
        )
        if shares == moved:
            yield way


def _events(
    morning: Morning, gone: Sequence[_Gone], way: Sequence[int], evidence: tuple[str, ...]
) -> Iterator[LedgerEvent]:
    for one, number in zip(gone, way, strict=True):
        contract, sign = one.contract, 1 if one.lost > 0 else -1
        held = sum(lot.quantity for lot in morning.lots if lot.contract == contract)
        effective = contract.ends if contract.over_on(morning.day) else morning.day
        whole = abs(held) if morning.foreign.get(contract) else abs(one.lost)
        parts: list[tuple[EventKind, int, Decimal]] = []
        if contract.delivery is not Delivery.SHARES:
            price = _price(morning, contract) or ZERO
            parts.append((EventKind.CASH_SETTLED, whole, contract.worth_at(price)))
        else:
            delivered = min(number, whole)
            kind = EventKind.EXERCISED if sign > 0 else EventKind.ASSIGNED
            parts += [(kind, delivered, contract.strike), (EventKind.EXPIRED, whole - delivered, ZERO)]
        running = held
        for kind, count, price in parts:
            if count:
                yield LedgerEvent(
                    kind=kind,
                    account=morning.account,
                    contract=contract,
                    quantity=sign * count,
                    price=price,
                    effective=effective,
                    running=running,
                    evidence=evidence,
                    provisional=kind is EventKind.CASH_SETTLED,
                )
                running -= sign * count


def _by_cash(night: Night, morning: Morning) -> Night:
    """Confirm by cash what positions alone do not show: settlements, and spreads of which no share is left."""
    change_usd = morning.cash_change_usd
    worked_out = sum((event.cash_usd for event in night.events), ZERO)
    agrees = change_usd is not None and abs(change_usd - worked_out) <= CASH_AGREES_USD
    if agrees:
        return replace(night, events=tuple(replace(event, provisional=False) for event in night.events))
    unseen = {
        name
        for name in {event.contract.underlying for event in night.events}
        if any(event.shares for event in night.events if event.contract.underlying == name)
        and not sum(event.shares for event in night.events if event.contract.underlying == name)
    }
    questions = [
        Question(
            name,
            Doubt.UNEXPLAINED,
            tuple(event.contract for event in night.events if event.contract.underlying == name),
            f"a spread of {name} ended in the money: cash should change by {worked_out:.2f} USD, "
            f"it did by {'an unknown amount' if change_usd is None else f'{change_usd:.2f}'}",
            waits=not morning.asked_again,
        )
        for name in sorted(unseen)
    ]
    kept = tuple(event for event in night.events if event.contract.underlying not in unseen)
    return replace(night, events=kept, questions=(*night.questions, *questions))
