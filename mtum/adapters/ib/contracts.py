"""Which contract is traded for a symbol, pinned at first sight, and when it trades."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from mtum.adapters.ib.connector import Connector
from mtum.adapters.ib.messages import Contract, Details
from mtum.adapters.ib.requests import RequestChain, RequestRefusedError, SilenceError, contract_details
from mtum.core.market.instruments import InstrumentKind, instrument
from mtum.core.market.sessions import Session
from mtum.errors import BookMismatchError, CalendarMismatchError, SourceUnavailableError

UNKNOWN_CONTRACT = 200
_HOURS = re.compile(r"^(\d{8}):(?:CLOSED|(\d{4})-(\d{8}):(\d{4}))$")
_ZONES = {"EST": "America/New_York", "EST5EDT": "America/New_York", "US/Eastern": "America/New_York"}
"""Names older gateways use; some machines' zone tables lack them."""


class ContractPins(Struct, frozen=True):
    """Where the contract of a symbol is remembered: `read` returns "" for none yet."""

    read: Callable[[str], str]
    write: Callable[[str, str], None]


class Contracts:
    """Contracts as the broker describes them over the run's connection."""

    def __init__(self, connector: Connector, pins: ContractPins) -> None:
        self.connector = connector
        self._pins = pins
        self._known: dict[str, tuple[int, Details | None]] = {}

    def identity(self, symbol: str) -> str:
        """Return contract number and listing market, asked afresh; the first ones seen are pinned."""
        return identity_of(self.details(symbol).contract)

    def contract(self, symbol: str) -> Contract:
        """Return the contract to trade: the pinned one, routed by the broker.

        Raises
        ------
        BookMismatchError
            If the broker names another contract than the pinned one.
        """
        return self.connector.run(self.asking(symbol))

    def asking(self, symbol: str) -> RequestChain[Contract]:
        """Find the contract to trade, as `contract` does."""
        found = (yield from self._described(symbol)).contract
        pinned, now = self._pins.read(symbol), identity_of(found)
        if pinned and pinned != now:
            raise BookMismatchError(
                f"{symbol}: the broker names contract {now}, until now it was {pinned}: a listing has changed; "
                f"look at it, then `mtum reconcile --accept contract {symbol} {now}`"
            )
        return self.connector.library.contract(
            conId=found.conId,
            symbol=symbol,
            secType=found.secType,
            exchange=_route(symbol),
            primaryExchange=found.primaryExchange,
            currency=found.currency,
        )

    def details(self, symbol: str) -> Details:
        """Return the broker's description of the one contract of a symbol.

        Raises
        ------
        SourceUnavailableError
            If there is none, or more than one.
        BookMismatchError
            If there is none where one was pinned.
        """
        return self.connector.run(self._describing(symbol))

    def _described(self, symbol: str) -> RequestChain[Details]:
        # Asked once per connection; the last gate asks afresh by `identity`.
        connection, known = self._known.get(symbol, (0, None))
        if known is not None and connection == self.connector.connections:
            return known
        return (yield from self._describing(symbol))

    def _describing(self, symbol: str) -> RequestChain[Details]:
        pinned = self._pins.read(symbol)
        wanted = self._description(symbol, pinned)
        try:
            found: list[Details] = [told.details for told in (yield contract_details(wanted))]
        except RequestRefusedError as refused:
            if refused.code != UNKNOWN_CONTRACT:
                raise SourceUnavailableError(str(refused)) from refused
            found = []
        except SilenceError as silence:
            # A connection that is gone says so itself; this contract's service may answer for the others.
            raise SourceUnavailableError(str(silence)) from silence
        if len(found) == 1:
            if not pinned:
                self._pins.write(symbol, identity_of(found[0].contract))
            self._known[symbol] = (self.connector.connections, found[0])
            return found[0]
        text = f"{symbol}: the broker knows {len(found)} contracts listed at {wanted.primaryExchange or 'any exchange'}"
        if pinned:
            raise BookMismatchError(f"{text}, until now it was {pinned}: nothing is traded until a person has looked")
        raise SourceUnavailableError(f"{text}; one is needed")

    def hours(self, symbol: str, day: date) -> Session | None:
        """Return the regular hours of the symbol that day, as told over this connection; None when closed.

        Raises
        ------
        CalendarMismatchError
            If the broker's hours do not tell about that day.
        """
        details = self.connector.run(self._described(symbol))
        return hours_on(str(details.liquidHours), str(details.timeZoneId), day)

    def _description(self, symbol: str, pinned: str) -> Contract:
        known = instrument(symbol)
        index = known.kind is InstrumentKind.INDEX
        listed = pinned.partition("@")[2] or known.primary_exchange or ""
        return self.connector.library.contract(
            symbol=symbol,
            secType="IND" if index else "STK",
            exchange=_route(symbol),
            primaryExchange="" if index else listed,
            currency=known.currency,
        )


def identity_of(contract: Contract) -> str:
    """Return what is pinned of a contract: its number and listing market."""
    return f"{contract.conId}@{contract.primaryExchange}"


def hours_on(hours: str, zone: str, day: date) -> Session | None:
    """Return one day of the broker's hours, such as ``20150610:0930-20150610:1600;20150611:CLOSED``.

    Several spans of a day are joined. Raises CalendarMismatchError when the day or the zone is not there.

    Parameters
    ----------
    hours : str
        The broker's words for its hours.
    zone : str
        Time zone of the exchange.
    day : date
        Day that is asked for.
    """
    found = [
        match for part in hours.split(";") if (match := _HOURS.match(part.strip())) and match[1] == f"{day:%Y%m%d}"
    ]
    if not found:
        raise CalendarMismatchError(f"the broker's hours do not tell about {day}: {hours[:80]!r}")
    spans = [match for match in found if match[2]]
    if not spans:
        return None
    try:
        local = ZoneInfo(_ZONES.get(zone, zone))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise CalendarMismatchError(f"the broker's hours are in the unknown time zone {zone!r}") from error
    first, last = spans[0], spans[-1]
    try:
        return Session(day, _instant(first[1] + first[2], local), _instant(last[3] + last[4], local))
    except ValueError as error:
        raise CalendarMismatchError(f"the broker's hours of {day} cannot be read: {hours[:80]!r}") from error


def _instant(digits: str, zone: ZoneInfo) -> datetime:
    return datetime.strptime(digits, "%Y%m%d%H%M").replace(tzinfo=zone).astimezone(UTC)


def _route(symbol: str) -> str:
    known = instrument(symbol)
    return known.primary_exchange or "CBOE" if known.kind is InstrumentKind.INDEX else "SMART"
