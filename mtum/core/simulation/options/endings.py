"""What became of options over the night between two sessions of a played history?"""

from collections.abc import Callable, Iterable
from decimal import Decimal

from msgspec import Struct

from mtum.core.options.contracts import Delivery, End, OptionContract
from mtum.core.options.model.ending import Ending, Night, at_expiry, early
from mtum.core.portfolio.options.lots import Book, EventKind, LedgerEvent

KINDS = {
    End.ASSIGNED: EventKind.ASSIGNED,
    End.EXERCISED: EventKind.EXERCISED,
    End.EXPIRED: EventKind.EXPIRED,
    End.CASH_SETTLED: EventKind.CASH_SETTLED,
}


class NightOf(Struct, frozen=True):
    """The night after a session, as each underlying saw it.

    Parameters
    ----------
    night : callable
        By underlying; None where its close is not known.
    opposite : callable
        What the contract of the other right at the same strike and expiry was worth at the close, USD per share; None
        where it is not known.
    """

    night: Callable[[str], Night | None]
    opposite: Callable[[OptionContract], float | None]


def ended_over(account: str, book: Book, of: NightOf) -> tuple[tuple[LedgerEvent, Ending], ...]:
    """Return what ended after a session: what expired on it, and what was assigned early; in order of the numbers.

    Parameters
    ----------
    account : str
        Code of the account.
    book : Book
        Lots with what was already booked of them.
    of : NightOf
        The night after a session, as each underlying saw it.
    """
    return tuple(_ended(account, sorted(book.contracts().items(), key=lambda pair: pair[0].con_id), of))


def _ended(
    account: str, held: Iterable[tuple[OptionContract, int]], of: NightOf
) -> Iterable[tuple[LedgerEvent, Ending]]:
    for contract, quantity in held:
        night = of.night(contract.underlying)
        if night is None:
            continue
        ending = None
        if contract.over_on(night.following):
            ending = at_expiry(contract, quantity, night.close)
        elif quantity < 0 and (opposite := of.opposite(contract)) is not None:
            ending = early(contract, quantity, night, opposite)
        if ending is not None:
            yield _event(account, ending, night), ending


def _event(account: str, ending: Ending, night: Night) -> LedgerEvent:
    contract, kind = ending.contract, KINDS[ending.kind]
    per_share = Decimal(0)
    if kind in (EventKind.ASSIGNED, EventKind.EXERCISED):
        per_share = contract.strike
    elif kind is EventKind.CASH_SETTLED:
        per_share = ending.cash_usd / (ending.quantity * contract.multiplier)
    # What opening prices settle ends on their day, everything else on the session before the night.
    effective = contract.ends if contract.delivery is Delivery.CASH_AM else night.day
    return LedgerEvent(kind, account, contract, ending.quantity, per_share, effective, ending.quantity, (ending.told,))
