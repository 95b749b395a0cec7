"""Contracts of the practice gateway: made-up ids, listing exchanges, opening hours."""

import hashlib
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from mtum.core.market.calendars import NEW_YORK
from mtum.core.market.instruments import Right, instrument
from mtum.core.market.sessions import Session, Sessions
from mtum.core.options.contracts import CLASSES, underlying_of
from mtum.core.options.model.listing import number_of

NEW_YORK_WIRE = "US/Eastern"
VIX = "VIX"
_VIX_CON_ID = 13455763  # the broker's own number
_UNPINNED_LISTING = "ARCA"
HOURS_DAYS = 6
_OPTION = re.compile(r"^(?P<root>.{6})(?P<expiry>\d{6})(?P<right>[CP])(?P<strike>\d{8})$")
_OTHER_KIND = re.compile(r"^(?P<root>[A-Z.]+) (?P<kind>[A-Z]{3,4})$")


class Listing(Struct, frozen=True):
    """One contract as the gateway knows it."""

    con_id: int
    symbol: str
    sec_type: str
    exchange: str
    primary_exchange: str
    trading_class: str
    long_name: str
    currency: str = "USD"
    local_symbol: str = ""
    expiry: str = ""
    strike: str = "0"
    right: str = ""
    multiplier: str = ""


def option_symbol(symbol: str, expiry: date, right: str, strike: Decimal) -> str:
    """Name of an option as the clearing house writes it, 21 characters such as ``MTUM  180119C00280000``.

    Parameters
    ----------
    symbol : str
        Ticker.
    expiry : date
        Last day on which the contract trades.
    right : str
        Right, as the wire writes it: C or P.
    strike : Decimal
        Strike, USD.
    """
    return f"{symbol:<6}{expiry:%y%m%d}{right}{int(strike * 1000):08d}"


def listing_of(symbol: str) -> Listing:
    """Contract of a symbol; what has classes of options of its own is an index, everything else a US share on SMART.

    Beside what is traded an account may hold an option, named as by `option_symbol`, or something of
    another kind, named by its underlying and the broker's word for the kind: ``MTUM CFD``.
    """
    if symbol == VIX:
        return Listing(_VIX_CON_ID, VIX, "IND", "CBOE", "CBOE", VIX, "CBOE Volatility Index")
    # The same number in every process and on every machine, far from the broker's own small ones.
    number = 700_000_000 + int.from_bytes(hashlib.sha256(symbol.encode()).digest()[:4], "big") % 200_000_000
    if symbol in CLASSES:
        return Listing(number, symbol, "IND", "CBOE", "CBOE", symbol, f"{symbol} index (practice)")
    option, other = _OPTION.match(symbol), _OTHER_KIND.match(symbol)
    if option:
        root, day = option["root"].strip(), date.fromisoformat(f"20{option['expiry']}")
        right, strike = Right(option["right"]), (Decimal(option["strike"]) / 1000).normalize()
        with suppress(ValueError):  # only an adjusted contract is none of the listed ones
            number = number_of(root, day, right, strike)
        words = f"{root} option (practice)"
        listing = Listing(number, stands_on(root), "OPT", "SMART", "", root, words, local_symbol=symbol)
        told = replace(listing, expiry=f"{day:%Y%m%d}", strike=f"{strike:f}", right=right.value)
        return replace(told, multiplier="100")
    if other:
        root, kind = other["root"], other["kind"]
        return Listing(number, root, kind, "SMART", "", root, f"{symbol} (practice)", local_symbol=symbol)
    primary = instrument(symbol).primary_exchange or _UNPINNED_LISTING
    return Listing(number, symbol, "STK", "SMART", primary, symbol, f"{symbol} (practice)", local_symbol=symbol)


def stands_on(trading_class: str) -> str:
    """Return the symbol whose options are of a class, one made to order (``2SPY``) or adjusted (``SPY1``) included."""
    if trading_class[:1].isdigit():
        return trading_class[1:]
    return underlying_of(trading_class.removesuffix("1"))


def matching(listings: Mapping[str, Listing], asked: Mapping[str, str]) -> list[Listing]:
    """Contracts that fit the 12 contract fields of a request; an empty field fits anything."""
    return [listing for listing in listings.values() if _fits(listing, asked)]


def _fits(listing: Listing, asked: Mapping[str, str]) -> bool:
    con_id = asked.get("conId", "")
    if con_id not in ("", "0"):
        return con_id == str(listing.con_id)
    known = {
        "symbol": {listing.symbol},
        "localSymbol": {listing.local_symbol or listing.symbol},
        "secType": {listing.sec_type},
        "currency": {listing.currency},
        "exchange": {listing.exchange, listing.primary_exchange},
        "primaryExchange": {listing.primary_exchange},
        "tradingClass": {listing.trading_class},
    }
    return all(asked.get(field, "") in {"", *allowed} for field, allowed in known.items())


def liquid_hours(sessions: Sessions, first: date, days: int = HOURS_DAYS, *, later: timedelta = timedelta(0)) -> str:
    """Regular hours of some calendar days in New York time, closed ones marked; `later` than the close of shares.

    Parameters
    ----------
    sessions : Sessions
        A gapless run of sessions, oldest first, with look-ups by date.
    first : date
        First day of the closed interval.
    days : int
        How many calendar days.
    later : timedelta
        How much later than the close of shares they end.
    """
    return _hours(sessions, first, days, lambda session: (_digits(session.open), _digits(session.close + later)))


def trading_hours(sessions: Sessions, first: date, days: int = HOURS_DAYS) -> str:
    """Hours with pre-market and after-hours trading, closed days marked.

    Parameters
    ----------
    sessions : Sessions
        A gapless run of sessions, oldest first, with look-ups by date.
    first : date
        First day of the closed interval.
    days : int
        How many calendar days.
    """
    return _hours(sessions, first, days, lambda session: ("0400", "1700" if session.half_day else "2000"))


def _hours(sessions: Sessions, first: date, days: int, hours: Callable[[Session], tuple[str, str]]) -> str:
    texts = []
    for day in (first + timedelta(days=i) for i in range(days)):
        session = sessions.get(day)
        begin, end = hours(session) if session else ("", "")
        texts.append(f"{day:%Y%m%d}:{begin}-{day:%Y%m%d}:{end}" if session else f"{day:%Y%m%d}:CLOSED")
    return ";".join(texts)


def _digits(instant: datetime) -> str:
    return f"{instant.astimezone(NEW_YORK):%H%M}"
