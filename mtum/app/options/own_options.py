"""What a sleeve of options has of its own: lots, what they are worth, and what is traded back."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from mtum.core.options.chain import ReadChain
from mtum.core.options.contracts import OptionContract
from mtum.core.options.legs import OptionLot
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.options.lots import Book
from mtum.core.portfolio.options.orders import ZERO


def to_trade_back(book: Book) -> frozenset[str]:
    """Return the underlyings whose shares came or went by a broken group: no plan of the strategy holds them."""
    return frozenset(one.underlying for one in book.delivered if one.broken)


def worth_usd(
    lots: Iterable[OptionLot],
    chains: Mapping[str, ReadChain],
    marks: Mapping[OptionContract, tuple[Decimal, date]],
) -> Decimal:
    """Return what option lots are worth, USD; negative for what it would cost to close them.

    By the middle of a quote that counts; else by the last mark that was recorded, else by what was paid.

    Parameters
    ----------
    lots : iterable of OptionLot
        Open lots of options.
    chains : mapping of str to ReadChain
        Chains by underlying.
    marks : mapping of OptionContract to (Decimal, date)
        What contracts were worth last, USD per share, and the session of it.
    """
    total = ZERO
    for lot in lots:
        chain = chains.get(lot.contract.underlying)
        reading = chain.readings.get(lot.contract.con_id) if chain else None
        before = marks.get(lot.contract)
        price = exact(reading.mid) if reading else before[0] if before else lot.premium
        total += lot.quantity * price * lot.contract.multiplier
    return total
