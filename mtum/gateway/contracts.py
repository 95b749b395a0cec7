"""Contracts of the practice gateway: made-up ids, listing exchanges, opening hours."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from mtum.core.market.instruments import instrument
from mtum.core.market.sessions import Sessions

NEW_YORK = ZoneInfo("America/New_York")
NEW_YORK_WIRE = "US/Eastern"
VIX = "VIX"
_VIX_CON_ID = 13455763  # the broker's own number
_UNPINNED_LISTING = "ARCA"
HOURS_DAYS = 6


@dataclass(frozen=True, slots=True)
class Listing:
    """One contract as the gateway knows it."""

    con_id: int
    symbol: str
    sec_type: str
    exchange: str
    primary_exchange: str
    trading_class: str
    long_name: str
    currency: str = "USD"


def listing_of(symbol: str) -> Listing:
    """Contract of a symbol; VIX is the index, everything else a US share on SMART."""
    if symbol == VIX:
        return Listing(_VIX_CON_ID, VIX, "IND", "CBOE", "CBOE", VIX, "CBOE Volatility Index")
    # The same number in every process and on every machine, far from the broker's own small ones.
    number = 700_000_000 + int.from_bytes(hashlib.sha256(symbol.encode()).digest()[:4], "big") % 200_000_000
    primary = instrument(symbol).primary_exchange or _UNPINNED_LISTING
    return Listing(number, symbol, "STK", "SMART", primary, symbol, f"{symbol} (practice)")


def matching(listings: Mapping[str, Listing], asked: Mapping[str, str]) -> list[Listing]:
    """Contracts that fit the 12 contract fields of a request; an empty field fits anything."""
    return [listing for listing in listings.values() if _fits(listing, asked)]


def _fits(listing: Listing, asked: Mapping[str, str]) -> bool:
    con_id = asked.get("conId", "")
    if con_id not in ("", "0"):
        return con_id == str(listing.con_id)
    known = {
        "symbol": {listing.symbol},
        "localSymbol": {listing.symbol},
        "secType": {listing.sec_type},
        "currency": {listing.currency},
        "exchange": {listing.exchange, listing.primary_exchange},
        "primaryExchange": {listing.primary_exchange},
        "tradingClass": {listing.trading_class},
    }
    return all(asked.get(field, "") in {"", *allowed} for field, allowed in known.items())


def liquid_hours(sessions: Sessions, first: date, days: int = HOURS_DAYS) -> str:
    """Regular hours of some calendar days in New York time, closed ones marked."""
    return ";".join(_hours_of(sessions, first + timedelta(days=i)) for i in range(days))


def trading_hours(sessions: Sessions, first: date, days: int = HOURS_DAYS) -> str:
    """Hours with pre-market and after-hours trading, closed days marked."""
    texts = []
    for day in (first + timedelta(days=i) for i in range(days)):
        session = sessions.get(day)
        end = "1700" if session and session.half_day else "2000"
        texts.append(f"{day:%Y%m%d}:0400-{day:%Y%m%d}:{end}" if session else f"{day:%Y%m%d}:CLOSED")
    return ";".join(texts)


def _hours_of(sessions: Sessions, day: date) -> str:
    session = sessions.get(day)
    if session is None:
        return f"{day:%Y%m%d}:CLOSED"
    begin, end = (instant.astimezone(NEW_YORK) for instant in (session.open, session.close))
    return f"{begin:%Y%m%d}:{begin:%H%M}-{end:%Y%m%d}:{end:%H%M}"
