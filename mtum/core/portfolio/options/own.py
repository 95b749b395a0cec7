"""What a sleeve of options has of its own: open groups, what they pin and pledge, and when it opened last."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from msgspec.structs import replace

from mtum.core.market.coverage import Dividends
from mtum.core.market.instruments import Right
from mtum.core.market.sessions import Sessions
from mtum.core.options.asking import OptionGroup, OwnOptions
from mtum.core.options.contracts import OptionContract, Style
from mtum.core.options.legs import OptionLot
from mtum.core.options.model.dividends import next_ex_date
from mtum.core.portfolio.options.lots import Book, summed
from mtum.core.portfolio.options.orders import ZERO, WorkingOrder
from mtum.core.portfolio.options.reservations import Held, groups_of, pinned_by, reservations

YEAR = timedelta(days=365)

type Told = tuple[Dividends, Sequence[tuple[date, float]]]
"""What is told of an underlying's dividends; its sessions with what went ex on each, USD per share."""


def groups_in(book: Book) -> tuple[OptionGroup, ...]:
    """Return the open groups of a sleeve's book, the oldest first."""
    lots: dict[tuple[str, str], list[OptionLot]] = {}
    for lot in book.lots:
        lots.setdefault((lot.group, lot.contract.underlying), []).append(lot)
    found = [
        OptionGroup(
            group,
            underlying,
            tuple(mine),
            min(lot.session for lot in mine),
            any(lot.broken for lot in mine),
            tuple(one for one in book.delivered if (one.group, one.underlying) == (group, underlying)),
        )
        for (group, underlying), mine in lots.items()
    ]
    return tuple(sorted(found, key=lambda one: (one.opened, one.group)))


def still_held(lots: Iterable[OptionLot], positions: Mapping[OptionContract, int], day: date) -> tuple[OptionLot, ...]:
    """Return lots without those that await their settlement: ended, and listed no more, they pin and cover nothing.

    Parameters
    ----------
    lots : iterable of OptionLot
        Open lots of options.
    positions : mapping of OptionContract to int
        What the broker lists.
    day : date
        Today.
    """
    return tuple(lot for lot in lots if lot.contract in positions or not lot.contract.awaits_settlement(day))


def with_ex_dates(own: OwnOptions, day: date, ahead: Sessions, told: Callable[[str], Told]) -> OwnOptions:
    """Return what a sleeve has with the sessions to the next ex-date of everything that it has options on.

    Where nobody tells the dividends, and calls are sold that may be exercised for one, it is the first session on
    which one is possible.

    Parameters
    ----------
    own : OwnOptions
        What a strategy of options knows of its own sleeve.
    day : date
        The session's date.
    ahead : Sessions
        Those after the day that count as near.
    told : callable
        Returns what is told of an underlying's dividends, and its history.
    """
    sold = {one.underlying for one in own.groups if any(map(_may_be_called, one.lots))}
    coming = {name: next_ex_date(*told(name), day, ahead) for name in sorted({one.underlying for one in own.groups})}
    coming = {name: one for name, one in coming.items() if one.told or name in sold}
    near = {name: one.sessions for name, one in coming.items() if one.sessions is not None}
    return replace(own, ex_dates=near, untold=tuple(name for name, one in coming.items() if not one.told))


def _may_be_called(lot: OptionLot) -> bool:
    return lot.quantity < 0 and lot.contract.right is Right.CALL and lot.contract.style is Style.AMERICAN


def last_opened(book: Book) -> dict[str, date]:
    """Return the session of a sleeve's last opening in each underlying."""
    found: dict[str, date] = {}
    for lot in (*book.lots, *(one.lot for one in book.closed)):
        found[lot.contract.underlying] = max(found.get(lot.contract.underlying, date.min), lot.session)
    return found


def premium_of_year(book: Book, day: date) -> Decimal:
    """Return what was paid for long options in the 365 days to a session, USD."""
    bought = (lot for lot in (*book.lots, *(one.lot for one in book.closed)) if lot.quantity > 0)
    return sum((lot.paid_usd for lot in bought if lot.session > day - YEAR), ZERO)


def pinned_usd(lots: Sequence[OptionLot], working: Iterable[WorkingOrder], sleeve: str) -> Decimal:
    """Return the cash that a sleeve's open groups and live orders pin, USD.

    Parameters
    ----------
    lots : sequence of OptionLot
        Open lots of options.
    working : iterable of WorkingOrder
        Orders that work.
    sleeve : str
        Name of the sleeve.
    """
    held = groups_of(lots, summed(*({lot.contract: lot.quantity} for lot in lots)))
    found = reservations(held, tuple(one for one in working if one.strategy == sleeve))
    return sum((one.cash_usd for one in found if one.strategy == sleeve), ZERO)


def all_pinned_usd(lots: Sequence[OptionLot], working: Sequence[WorkingOrder] = ()) -> Decimal:
    """Return the cash that the open groups and live orders of all sleeves pin, USD."""
    names = dict.fromkeys((*(lot.strategy for lot in lots), *(one.strategy for one in working)))
    return sum((pinned_usd(lots, working, name) for name in names), ZERO)


def pledged_shares(lots: Iterable[OptionLot]) -> dict[str, int]:
    """Return the shares of each underlying that short calls may call for: those that no long of their group covers."""
    return _summed((one.underlying, pinned_by(one).shares) for one in _own_groups(lots))


def covered_shares(lots: Iterable[OptionLot]) -> dict[str, int]:
    """Return the shares of each underlying that short calls may call for and longs of their group bring."""
    return _summed((one.underlying, _called_for(one) - pinned_by(one).shares) for one in _own_groups(lots))


def _own_groups(lots: Iterable[OptionLot]) -> tuple[Held, ...]:
    known = tuple(lots)
    return groups_of(known, summed(*({lot.contract: lot.quantity} for lot in known)))


def _called_for(group: Held) -> int:
    calls = ((one, number) for one, number in group.contracts.items() if one.right is Right.CALL)
    return sum(-number * one.multiplier for one, number in calls if number < 0)


def _summed(parts: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for underlying, shares in parts:
        if shares:
            found[underlying] = found.get(underlying, 0) + shares
    return found
