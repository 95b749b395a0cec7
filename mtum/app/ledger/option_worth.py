"""What a strategy's options are worth at the end of a session: their marks, or the close on their last day."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from mtum.core.options.chain import Quote
from mtum.core.options.contracts import Delivery, OptionContract, Right
from mtum.core.options.legs import OptionLot
from mtum.core.portfolio.money import exact
from mtum.ports.store import Store

ZERO = Decimal(0)


def options_at(store: Store, source: str, strategy: str, day: date) -> tuple[Decimal, bool]:
    """Return what a strategy's option lots were worth at the end of a session in USD, and whether that stands.

    A mark of that session counts, and the premium of what was opened in it. A contract past its last day is worth
    what the official close of that day makes it. Else its last mark or its premium stands in, and the figure is
    provisional.

    Parameters
    ----------
    source : str
        Name of the source whose closes are meant.
    """
    lots = store.options.book(strategy, day).lots
    marks = store.options.marks(day) if lots else {}
    found = [_worth(store, source, lot, day, marks) for lot in lots]
    return sum((usd for usd, _ in found), ZERO), all(known for _, known in found)


def _worth(
    store: Store, source: str, lot: OptionLot, day: date, marks: Mapping[OptionContract, tuple[Decimal, date]]
) -> tuple[Decimal, bool]:
    # What was opened in the session is worth what it was opened at, minutes before the close.
    price, of = marks.get(lot.contract, (lot.premium, lot.session))
    known = of == day
    last = lot.contract.expiry
    if last <= day and lot.contract.delivery is not Delivery.CASH_AM:
        bar = store.bars.bars(lot.contract.underlying, source, last).find(last)
        if bar is not None:
            price, known = intrinsic(lot.contract, exact(bar.close)), True
    return lot.quantity * price * lot.contract.multiplier, known


def intrinsic(contract: OptionContract, price: Decimal) -> Decimal:
    """Return what a contract is worth on its last day at a price of its underlying, USD per share."""
    inner = price - contract.strike if contract.right is Right.CALL else contract.strike - price
    return max(ZERO, inner)


def marks_of(contracts: Iterable[OptionContract], quotes: Mapping[int, Quote]) -> dict[OptionContract, Decimal]:
    """Return the middle of each quote, USD per share; half the ask where nobody bids, nothing without an ask.

    Parameters
    ----------
    quotes : mapping of int to Quote
        By the broker's number of the contract.
    """
    found: dict[OptionContract, Decimal] = {}
    for one in contracts:
        quote = quotes.get(one.con_id)
        if quote is None or quote.ask is None or quote.ask <= 0:
            continue
        bid, ask = exact(max(quote.bid or 0.0, 0.0)), exact(quote.ask)
        if ask >= bid:
            found[one] = (bid + ask) / 2
    return found
