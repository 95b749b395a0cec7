"""What a strategy's options are worth at the end of a session: their marks, or the close on their last day."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from mtum.core.options.chain import Quote
from mtum.core.options.contracts import Delivery, OptionContract
from mtum.core.options.legs import OptionLot
from mtum.core.portfolio.money import exact
from mtum.ports.bar_store import BarStore
from mtum.ports.store import Store

ZERO = Decimal(0)


def options_at(store: Store, source: str, strategy: str, day: date) -> tuple[Decimal, bool]:
    """Return what a strategy's option lots were worth at the end of a session in USD, and whether that stands.

    A mark of that session counts, and the premium of what was opened in it. A contract past its last day is worth
    what the official close of that day makes it; where opening prices settle it, that only stands in for what nobody
    has told yet. Else its last mark or its premium stands in, and the figure is provisional.

    Parameters
    ----------
    store : Store
        The program's records.
    source : str
        Name of the source whose closes are meant.
    strategy : str
        Name of the strategy, or of its sleeve.
    day : date
        The session's date.
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
    in_morning = lot.contract.delivery is Delivery.CASH_AM
    if last < day or (last == day and not in_morning):
        close = close_of(store.bars, source, lot.contract.underlying, last)
        price = price if close is None else lot.contract.worth_at(close)
        known = (close is not None or known) and not in_morning
    return lot.quantity * price * lot.contract.multiplier, known


def close_of(bars: BarStore, source: str, underlying: str, day: date) -> Decimal | None:
    """Return the official close of a share, a fund or an index on a day, in USD or points; None if it is not known.

    Parameters
    ----------
    bars : BarStore
        Cached daily bars.
    source : str
        Name of the source.
    underlying : str
        Ticker of the underlying.
    day : date
        The session's date.
    """
    bar = bars.bars(underlying, source, day).find(day)
    close = bars.series(underlying, source, day).get(day) if bar is None else bar.close
    return None if close is None else exact(float(close))


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
