"""Option lots: what executions and life-cycle events make of them, and which groups an assignment breaks."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from itertools import groupby
from math import gcd

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.core.market.instruments import Right
from mtum.core.options.contracts import OptionContract
from mtum.core.options.legs import TRADED, ClosedLot, Delivery, OptionLot, part_of
from mtum.core.portfolio.fills import fifo
from mtum.core.portfolio.options.orders import ZERO

BROKEN_MARK = "!"
"""Stands in the name of a broken group before the day that broke it, and in no other name."""


class LegFill(Struct, frozen=True):
    """One execution of one leg; the record of the combination as a whole is none.

    Parameters
    ----------
    quantity : int
        Contracts, negative for a sale.
    price : Decimal
        USD per share.
    fee_usd : Decimal or None
        Commission and fees; None until the broker tells them.
    """

    exec_id: str
    account: str
    strategy: str
    group: str
    intent_id: str
    contract: OptionContract
    session: date
    quantity: int
    price: Decimal
    fee_usd: Decimal | None = None

    @property
    def cash_usd(self) -> Decimal:
        """Change of cash by the trade itself, fee apart."""
        return -self.quantity * self.price * self.contract.multiplier

    @property
    def net_usd(self) -> Decimal:
        """Change of cash, fee included as far as it is told."""
        return self.cash_usd - (self.fee_usd or ZERO)


class EventKind(Enum):
    """What ends an option without a trade."""

    ASSIGNED = "assigned"
    """a holder exercised what was sold: shares change hands at the strike"""
    EXERCISED = "exercised"
    """what was bought was exercised: shares change hands at the strike"""
    EXPIRED = "expired"
    """worth nothing at the end"""
    CASH_SETTLED = "cash_settled"
    """paid out in cash"""
    STATED = "stated"
    """a person states that the contracts are gone, at a price per share"""


class LedgerEvent(Struct, frozen=True):
    """What ended contracts of ours without an order of ours.

    Parameters
    ----------
    quantity : int
        Contracts that ended, negative for those sold.
    price : Decimal
        USD per share: the strike, the settlement per share of the contract, or 0.
    running : int
        Contracts of ours before it, negative for those sold.
    evidence : tuple of str
        What was seen, in words.
    provisional : bool
        Whether the account's cash has not confirmed it yet.
    """

    kind: EventKind
    account: str
    contract: OptionContract
    quantity: int
    price: Decimal
    effective: date
    running: int
    evidence: tuple[str, ...] = ()
    provisional: bool = False

    @property
    def key(self) -> str:
        """What tells it from every other event: found a second time, it is the same one."""
        parts = (self.account, self.contract.con_id, self.kind.value, self.effective, self.running)
        return ":".join(map(str, parts))

    @property
    def shares(self) -> int:
        """Shares of the underlying that it brings, negative for those that go."""
        if self.kind not in (EventKind.ASSIGNED, EventKind.EXERCISED):
            return 0
        return self.quantity * per_contract(self.contract)

    @property
    def cash_usd(self) -> Decimal:
        """Change of cash."""
        if self.kind in (EventKind.ASSIGNED, EventKind.EXERCISED):
            return -self.shares * self.price
        return self.quantity * self.price * self.contract.multiplier


def per_contract(contract: OptionContract) -> int:
    """Return the shares that the holder of one contract gets by exercising it, negative for those he delivers."""
    return contract.multiplier if contract.right is Right.CALL else -contract.multiplier


class Book(Struct, frozen=True):
    """Lots with what was already booked of them.

    Parameters
    ----------
    cash_usd : Decimal
        What all of it did to cash, fees included as far as they are told.
    delivered : tuple of Delivery
        In the order of the events.
    closed : tuple of ClosedLot
        What ended, in the order in which it did.
    seen : frozenset of str
        Executions and events that are in it: none is booked a second time.
    """

    lots: tuple[OptionLot, ...] = ()
    cash_usd: Decimal = ZERO
    delivered: tuple[Delivery, ...] = ()
    closed: tuple[ClosedLot, ...] = ()
    seen: frozenset[str] = field(default_factory=frozenset)

    def contracts(self) -> dict[OptionContract, int]:
        """Return the contracts of all lots together, negative for those sold; none that come to 0."""
        return contracts_in(self.lots)

    def of(self, strategy: str, fills: Iterable[LegFill]) -> "Book":
        """Return the part of one strategy.

        Parameters
        ----------
        fills : iterable of LegFill
            All that are in the book: of its cash only they tell whose it was.
        """
        own = [fill for fill in fills if fill.strategy == strategy]
        delivered = tuple(one for one in self.delivered if one.strategy == strategy)
        closed = tuple(one for one in self.closed if one.lot.strategy == strategy)
        settled = sum((one.settled_usd for one in closed), ZERO)
        return Book(
            lots=tuple(lot for lot in self.lots if lot.strategy == strategy),
            cash_usd=sum((fill.net_usd for fill in own), settled) - sum(one.shares * one.price for one in delivered),
            delivered=delivered,
            closed=closed,
            seen=self.seen,
        )


def summed(*held: Mapping[OptionContract, int]) -> dict[OptionContract, int]:
    """Return contracts added up; none that come to 0."""
    total: dict[OptionContract, int] = defaultdict(int)
    for one in held:
        for contract, quantity in one.items():
            total[contract] += quantity
    return {contract: quantity for contract, quantity in total.items() if quantity}


def contracts_in(lots: Iterable[OptionLot]) -> dict[OptionContract, int]:
    """Return the contracts of lots together, negative for those sold; none that come to 0."""
    return summed(*({lot.contract: lot.quantity} for lot in lots))


def filled(book: Book, fills: Iterable[LegFill]) -> Book:
    """Return a book after executions: against lots of the same group the oldest go first, what is beyond opens one."""
    for fill in fills:
        if fill.exec_id in book.seen:
            continue
        against = [
            lot
            for lot in book.lots
            if (lot.strategy, lot.group, lot.contract) == (fill.strategy, fill.group, fill.contract)
            and lot.quantity * fill.quantity < 0
        ]
        taken = fifo([abs(lot.quantity) for lot in against], abs(fill.quantity))
        lots = _less(book.lots, dict(zip(map(id, against), taken, strict=False)))
        closed = tuple(
            ClosedLot(
                _part(lot, number),
                fill.session,
                fill.price,
                part_of(fill.fee_usd, number, fill.quantity),
                TRADED,
                fill.exec_id,
            )
            for lot, number in zip(against, taken, strict=False)
            if number
        )
        beyond = abs(fill.quantity) - sum(taken)
        if beyond:
            # A fee is shared by what closes and what opens, as their contracts are.
            opened = beyond if fill.quantity > 0 else -beyond
            lots = (*lots, _opened(fill, opened, part_of(fill.fee_usd, beyond, fill.quantity)))
        book = replace(
            book,
            lots=lots,
            cash_usd=book.cash_usd + fill.net_usd,
            closed=book.closed + closed,
            seen=book.seen | {fill.exec_id},
        )
    return book


def _opened(fill: LegFill, quantity: int, fee: Decimal | None) -> OptionLot:
    return OptionLot(
        account=fill.account,
        strategy=fill.strategy,
        group=fill.group,
        contract=fill.contract,
        quantity=quantity,
        premium=fill.price,
        fees_usd=fee,
        opened_by=fill.intent_id,
        session=fill.session,
    )


def _part(lot: OptionLot, contracts: int) -> OptionLot:
    """Return so many contracts of a lot, with their part of its fees."""
    number = contracts if lot.quantity > 0 else -contracts
    return replace(lot, quantity=number, fees_usd=part_of(lot.fees_usd, number, lot.quantity))


def _less(lots: Iterable[OptionLot], taken: Mapping[int, int]) -> tuple[OptionLot, ...]:
    # Lots without so many contracts each, by the lot's identity: two lots may be equal.
    found = []
    for lot in lots:
        left = _toward_zero(lot.quantity, taken.get(id(lot), 0))
        if left == lot.quantity:
            found.append(lot)
        elif left:
            found.append(_part(lot, abs(left)))
    return tuple(found)


def _toward_zero(quantity: int, contracts: int) -> int:
    return quantity - contracts if quantity > 0 else quantity + contracts


def happened(book: Book, events: Iterable[LedgerEvent]) -> Book:
    """Return a book after the events of one morning, those it knows already left out.

    The oldest lots of a contract end first, whatever their strategy: the clearing house does not know it. A group of
    several legs that got shares, or lost some, is broken as far as it did: that part of its other legs becomes a
    group of its own, the rest stays a normal one.

    Raises
    ------
    ValueError
        If an event ends more contracts than the lots have.
    """
    new = [event for event in {one.key: one for one in events}.values() if event.key not in book.seen]
    spreads = {key for key, lots in _groups(book.lots) if len({lot.quantity > 0 for lot in lots}) > 1}
    lots, came, closed = book.lots, [], []
    for event in new:
        lots, ended = _ended(lots, event)
        price = ZERO if event.shares else event.price
        for lot, quantity in ended:
            if quantity:
                closed.append(
                    ClosedLot(_part(lot, abs(quantity)), event.effective, price, ZERO, event.kind.value, event.key)
                )
                came += [_delivery(event, lot, quantity)] if event.shares else []
    net: dict[tuple[str, str], int] = defaultdict(int)
    for one in came:
        net[one.strategy, one.group] += one.shares
    broken = {key for key, shares in net.items() if shares and key in spreads}
    day = max((event.effective for event in new), default=date.min)
    for key in sorted(broken):
        lots = _broken(book.lots, lots, key, day)
    delivered = [
        replace(one, group=broken_name(one.group, day), broken=True) if (one.strategy, one.group) in broken else one
        for one in came
    ]
    return Book(
        lots=lots,
        cash_usd=book.cash_usd + sum((event.cash_usd for event in new), ZERO),
        delivered=(*book.delivered, *delivered),
        closed=(*book.closed, *closed),
        seen=book.seen | {event.key for event in new},
    )


def _groups(lots: Iterable[OptionLot]) -> list[tuple[tuple[str, str], list[OptionLot]]]:
    def of(lot: OptionLot) -> tuple[str, str]:
        return lot.strategy, lot.group

    return [(key, list(found)) for key, found in groupby(sorted(lots, key=of), key=of)]


def _ended(lots: Sequence[OptionLot], event: LedgerEvent) -> tuple[tuple[OptionLot, ...], list[tuple[OptionLot, int]]]:
    concerned = [lot for lot in lots if lot.contract == event.contract and lot.quantity * event.quantity > 0]
    concerned.sort(key=lambda lot: (lot.session, lot.opened_by, lot.group))
    taken = fifo([abs(lot.quantity) for lot in concerned], abs(event.quantity))
    if sum(taken) < abs(event.quantity):
        raise ValueError(f"{event.contract.words}: {event.quantity} {event.kind.value}, the lots have {sum(taken)}")
    pairs = list(zip(concerned, taken, strict=False))
    return _less(lots, {id(lot): one for lot, one in pairs}), [
        (lot, one if lot.quantity > 0 else -one) for lot, one in pairs
    ]


def _delivery(event: LedgerEvent, lot: OptionLot, quantity: int) -> Delivery:
    return Delivery(
        strategy=lot.strategy,
        group=lot.group,
        underlying=event.contract.underlying,
        shares=quantity * per_contract(event.contract),
        price=event.price,
        premium=lot.premium if quantity > 0 else -lot.premium,
        event=event.key,
    )


def broken_name(group: str, day: date) -> str:
    """Return what the broken part of a group is called; what is broken once keeps its name."""
    return group if BROKEN_MARK in group else f"{group}{BROKEN_MARK}{day:%y%m%d}"


def _broken(
    before: Sequence[OptionLot], lots: Sequence[OptionLot], key: tuple[str, str], day: date
) -> tuple[OptionLot, ...]:
    # Whole units of the structure that are left stay as they are; what a leg has beyond them goes.
    def of(known: Iterable[OptionLot]) -> dict[OptionContract, int]:
        return summed(*({lot.contract: abs(lot.quantity)} for lot in known if (lot.strategy, lot.group) == key))

    was, left = of(before), of(lots)
    ratios = {contract: quantity // gcd(*was.values()) for contract, quantity in was.items()}
    units = min(left.get(contract, 0) // ratio for contract, ratio in ratios.items())
    parted: dict[int, int] = {}
    for contract, quantity in left.items():
        mine = [lot for lot in lots if (lot.strategy, lot.group, lot.contract) == (*key, contract)]
        taken = fifo([abs(lot.quantity) for lot in mine], quantity - units * ratios[contract])
        parted |= dict(zip(map(id, mine), taken, strict=False))
    found = [
        replace(
            lot,
            group=broken_name(lot.group, day),
            quantity=lot.quantity // abs(lot.quantity) * parted[id(lot)],
            fees_usd=part_of(lot.fees_usd, parted[id(lot)], lot.quantity),
            broken=True,
        )
        for lot in lots
        if parted.get(id(lot))
    ]
    return (*_less(lots, parted), *found)


def closing_order(lots: Iterable[OptionLot]) -> tuple[OptionLot, ...]:
    """Return the lots of a broken group in the order in which they are closed: what was sold first, longs last."""
    return tuple(sorted(lots, key=lambda lot: (lot.quantity > 0, lot.contract.con_id)))


def whole_units(ratios: Mapping[OptionContract, int], fills: Collection[LegFill]) -> int | None:
    """Return how many units of a combination its executions make; None where the legs make no whole number of them.

    Parameters
    ----------
    ratios : mapping of contract to int
        Contracts in one unit, negative for those sold.
    """
    done = summed(*({fill.contract: fill.quantity} for fill in {one.exec_id: one for one in fills}.values()))
    units = {done.get(contract, 0) / ratio for contract, ratio in ratios.items()}
    if set(done) - set(ratios) or len(units) != 1:
        return None
    (found,) = units
    return int(found) if found >= 0 and found == int(found) else None
