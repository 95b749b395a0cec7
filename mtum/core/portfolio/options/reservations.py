"""What open option groups and live orders pin: cash, shares and the loss that caps count."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import product

from msgspec import Struct

from mtum.core.market.instruments import Right
from mtum.core.options.contracts import UNITS, OptionContract
from mtum.core.options.ladder import NetPrice
from mtum.core.options.legs import OptionLot
from mtum.core.portfolio.options.lots import summed
from mtum.core.portfolio.options.orders import ZERO, OptionIntent, WorkingOrder

MOST_WORKING = 8
"""Working option orders of one underlying up to which every mix of fills is looked at; beyond, nothing is covered."""
FOREIGN = ""
"""Strategy and group of what the account holds and no lot of ours explains."""


class Reservation(Struct, frozen=True):
    """What one group, or one live order beyond its group, pins.

    Parameters
    ----------
    cash_usd : Decimal
        Cash that it may call for.
    shares : int
        Shares of the underlying that it may call for.
    loss_usd : Decimal
        The most that it may lose.
    """

    strategy: str
    group: str
    underlying: str
    cash_usd: Decimal = ZERO
    shares: int = 0
    loss_usd: Decimal = ZERO


class Held(Struct, frozen=True):
    """Contracts of one group, negative for those sold, and what they cost: USD, negative for a credit."""

    strategy: str
    group: str
    underlying: str
    contracts: Mapping[OptionContract, int]
    paid_usd: Decimal


def pinned_by(held: Held, *, one_side: bool = False) -> Reservation:
    """Return what a group pins.

    A short put pins its strike, less that of a long put of its class that lives as long; a short call the difference
    to such a long call, or 100 shares. Of a condor both wings count, unless they are equally wide or the broker said
    today that one side is enough.

    Parameters
    ----------
    held : Held
        One group; contracts of other groups cover nothing in it.
    one_side : bool
        Whether the broker's answer of today asks for one side of a condor only.
    """
    puts, puts_uncovered = _paired(held.contracts, Right.PUT)
    calls, calls_uncovered = _paired(held.contracts, Right.CALL)
    bare = sum((contract.strike * contract.multiplier * number for contract, number in puts_uncovered), ZERO)
    shares = sum(contract.multiplier * number for contract, number in calls_uncovered)
    condor = puts > 0 and calls > 0 and not puts_uncovered and not calls_uncovered and _one_expiry(held.contracts)
    wider = max(puts, calls)
    cash = wider if condor and (puts == calls or one_side) else puts + calls
    # At one price of the underlying only one side of a condor can lose, whatever the broker asks for.
    risk = (wider if condor else puts + calls) + bare
    return Reservation(held.strategy, held.group, held.underlying, cash + bare, shares, max(ZERO, risk + held.paid_usd))


def _one_expiry(contracts: Mapping[OptionContract, int]) -> bool:
    return len({contract.expiry for contract in contracts}) == 1


def _paired(contracts: Mapping[OptionContract, int], right: Right) -> tuple[Decimal, list[tuple[OptionContract, int]]]:
    # What the pairs of a right may lose by their strikes, and the shorts that no long covers.
    sign = 1 if right is Right.CALL else -1
    longs = {one: quantity for one, quantity in contracts.items() if one.right is right and quantity > 0}
    shorts = [(one, -quantity) for one, quantity in contracts.items() if one.right is right and quantity < 0]
    width, bare = ZERO, []
    for short, sold in sorted(shorts, key=lambda pair: (pair[0].expiry, pair[0].strike), reverse=True):
        wanted = sold

        def loss(long: OptionContract, short: OptionContract = short) -> Decimal:
            return max(ZERO, sign * (long.strike - short.strike)) * short.multiplier

        for long in sorted(longs, key=lambda one: (loss(one), one.expiry, sign * one.strike)):
            if covers(long, short):
                number = min(wanted, longs[long])
                width += loss(long) * number
                longs[long] -= number
                wanted -= number
        if wanted:
            bare.append((short, wanted))
    return width, bare


def uncovered(contracts: Mapping[OptionContract, int], right: Right) -> list[tuple[OptionContract, int]]:
    """Return the short contracts of a right that no long one among these covers, with their number."""
    return _paired(contracts, right)[1]


def covers(long: OptionContract, short: OptionContract) -> bool:
    """Return whether a long contract can stand for a short one: its class and right, and it lives as long."""
    same = (long.underlying, long.trading_class, long.right) == (short.underlying, short.trading_class, short.right)
    return same and long.expiry >= short.expiry


def groups_of(lots: Iterable[OptionLot], positions: Mapping[OptionContract, int]) -> tuple[Held, ...]:
    """Return the account's contracts by group; what no lot explains is a group by itself in each underlying.

    Parameters
    ----------
    positions : mapping of contract to int
        What the broker lists, negative for those sold.
    """
    known = tuple(lots)
    found: dict[tuple[str, str, str], list[OptionLot]] = defaultdict(list)
    for lot in known:
        found[lot.strategy, lot.group, lot.contract.underlying].append(lot)
    held = [
        Held(*key, summed(*({lot.contract: lot.quantity} for lot in mine)), sum((lot.paid_usd for lot in mine), ZERO))
        for key, mine in found.items()
    ]
    foreign = summed(positions, *({lot.contract: -lot.quantity} for lot in known))
    for underlying in sorted({contract.underlying for contract in foreign}):
        rest = {one: quantity for one, quantity in foreign.items() if one.underlying == underlying}
        held.append(Held(FOREIGN, FOREIGN, underlying, rest, ZERO))
    return tuple(held)


class Pinning(Struct, frozen=True):
    """What may become of a group: what it pins as it is, and with an order of its own filled.

    Parameters
    ----------
    now, after : Reservation
        Before and after the order.
    debit_usd : Decimal
        What the order pays when it fills, 0 for a credit.
    """

    now: Reservation
    after: Reservation
    debit_usd: Decimal

    @property
    def more_cash_usd(self) -> Decimal:
        """Cash that the order pins beyond its group: a roll the larger of the two, a closing order nothing."""
        return max(ZERO, self.after.cash_usd - self.now.cash_usd) + self.debit_usd

    @property
    def more_shares(self) -> int:
        """Shares that the order pins beyond its group."""
        return max(0, self.after.shares - self.now.shares)

    @property
    def more_loss_usd(self) -> Decimal:
        """Loss that the order adds to that of its group."""
        return max(ZERO, self.after.loss_usd - self.now.loss_usd)


def pinning(
    order: OptionIntent | WorkingOrder, price: NetPrice | None, groups: Sequence[Held], *, one_side: bool = False
) -> Pinning:
    """Return what an order does to its group.

    Parameters
    ----------
    order : OptionIntent or WorkingOrder
        The order.
    price : NetPrice or None
        Net at which it fills; None counts as 0, for nobody knows it.
    groups : sequence of Held
        The account's, by `groups_of`.
    one_side : bool
        Whether the broker asks margin for one side of a condor only.
    """
    key = (order.strategy, order.group, order.underlying)
    empty = Held(*key, {}, ZERO)
    mine = next((one for one in groups if (one.strategy, one.group, one.underlying) == key), empty)
    multiplier = max((leg.contract.multiplier for leg in order.legs), default=0)
    net = ZERO if price is None else price * order.quantity * multiplier
    changed = Held(*key, summed(mine.contracts, order.changes), mine.paid_usd + net)
    return Pinning(pinned_by(mine, one_side=one_side), pinned_by(changed, one_side=one_side), max(ZERO, net))


def reservations(groups: Sequence[Held], working: Iterable[WorkingOrder]) -> tuple[Reservation, ...]:
    """Return what every open group pins, and what every live order in options pins beyond its own.

    Parameters
    ----------
    groups : sequence of Held
        The account's, by `groups_of`.
    working : iterable of WorkingOrder
        Of anybody, those whose fate is unknown included.
    """
    found = [pinned_by(group) for group in groups]
    for order in working:
        if order.legs:
            more = pinning(order, order.price, groups)
            found.append(
                Reservation(
                    order.strategy,
                    order.group,
                    order.underlying,
                    more.more_cash_usd,
                    more.more_shares,
                    more.more_loss_usd,
                )
            )
    return tuple(found)


def uncovered_calls(positions: Mapping[OptionContract, int], shares: int, working: Sequence[WorkingOrder]) -> int:
    """Return the short calls of one underlying that nothing covers, by the worst mix of fills of what works.

    A call is covered by a long call of its class that lives as long, or by 100 shares that no order sells. Any order
    may fill or not, and a combination fills as a whole: so a long that is being sold covers nothing, nor does one
    that is only being bought, but for the legs of its own order.

    Parameters
    ----------
    positions : mapping of contract to int
        Contracts of the underlying, negative for those sold, with the order that is judged in it.
    shares : int
        Shares held.
    working : sequence of WorkingOrder
        Orders in the underlying, in options and in shares.
    """
    free = max(0, shares + sum(min(0, order.shares) for order in working))
    bare = [sum(number for _, number in uncovered(mix, Right.CALL)) for mix in _mixes(positions, working)]
    return max(0, max(bare) - free // UNITS)


def _mixes(
    positions: Mapping[OptionContract, int], working: Sequence[WorkingOrder]
) -> Iterator[dict[OptionContract, int]]:
    options = [order for order in working if order.legs]
    if len(options) > MOST_WORKING:
        # Too many to look at: each only takes, none gives.
        takes = [{one: min(0, quantity) for one, quantity in order.changes.items()} for order in options]
        yield summed(positions, *takes)
        return
    for mix in product((False, True), repeat=len(options)):
        yield summed(positions, *(order.changes for order, fills in zip(options, mix, strict=True) if fills))
