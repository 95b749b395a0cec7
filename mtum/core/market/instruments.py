"""What can be traded: instruments and where they are listed."""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """Kinds of instrument known to the program."""

    STOCK = "stock"
    INDEX = "index"


@dataclass(frozen=True, slots=True)
class Instrument:
    """One tradable symbol or index.

    `primary_exchange` is the broker's code of the listing market; None means
    that it has to be pinned from the broker's answer before anything is traded.
    """

    symbol: str
    kind: Kind = Kind.STOCK
    currency: str = "USD"
    primary_exchange: str | None = None


LISTINGS = {
    "MTUM": Instrument("MTUM", primary_exchange="BATS"),
    "VIX": Instrument("VIX", Kind.INDEX, primary_exchange="CBOE"),
}
"""Instruments whose listing market is known beforehand (iShares MTUM: Cboe BZX)."""


def instrument(symbol: str) -> Instrument:
    """Return what is known of a symbol; an unknown one is taken as a US stock."""
    return LISTINGS.get(symbol, Instrument(symbol))
