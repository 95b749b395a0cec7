"""What clients ask: every request's name and field list, and how one is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from mtum.gateway.wire.framing import Cursor, WireError, names_at
from mtum.gateway.wire.order_request import read_order

CONTRACT_12 = (
    "conId symbol secType expiry strike right multiplier exchange primaryExchange currency localSymbol tradingClass"
)
_HISTORY_HEAD = f"reqId {CONTRACT_12} includeExpired endDateTime barSize duration useRTH whatToShow formatDate"

LAYOUTS: Mapping[int, tuple[str, str]] = {
    1: ("reqMktData", ""),
    2: ("cancelMktData", "version reqId"),
    3: ("placeOrder", ""),
    4: ("cancelOrder", "version orderId manualCancelTime@169"),
    5: ("reqOpenOrders", "version"),
    6: ("reqAccountUpdates", "version subscribe account"),
    7: ("reqExecutions", "version reqId clientId account time symbol secType exchange side"),
    8: ("reqIds", "version count"),
    9: (
        "reqContractDetails",
        f"version reqId {CONTRACT_12} includeExpired secIdType secId issuerId@176",
    ),
    15: ("reqAutoOpenOrders", "version bind"),
    16: ("reqAllOpenOrders", "version"),
    17: ("reqManagedAccts", "version"),
    20: ("reqHistoricalData", ""),
    25: ("cancelHistoricalData", "version reqId"),
    49: ("reqCurrentTime", "version"),
    58: ("reqGlobalCancel", "version"),
    59: ("reqMarketDataType", "version type"),
    61: ("reqPositions", "version"),
    62: ("reqAccountSummary", "version reqId group tags"),
    63: ("cancelAccountSummary", "version reqId"),
    64: ("cancelPositions", "version"),
    71: ("startApi", "version clientId capabilities"),
    76: ("reqAccountUpdatesMulti", "version reqId account model ledgerAndNLV"),
    77: ("cancelAccountUpdatesMulti", "version reqId"),
    78: ("reqSecDefOptParams", "reqId symbol exchange secType conId"),
    81: ("reqMatchingSymbols", "reqId pattern"),
    87: ("reqHeadTimestamp", f"reqId {CONTRACT_12} includeExpired useRTH whatToShow formatDate"),
    90: ("cancelHeadTimestamp", "reqId"),
    91: ("reqMarketRule", "ruleId"),
    92: ("reqPnL", "reqId account model"),
    93: ("cancelPnL", "reqId"),
    94: ("reqPnLSingle", "reqId account model conId"),
    95: ("cancelPnLSingle", "reqId"),
    99: ("reqCompletedOrders", "apiOnly"),
    104: ("reqUserInfo", "reqId"),
}
"""Message id: name and fields after the id; an empty list is read by a function of its own."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: its name and its fields as sent, by name."""

    name: str
    values: Mapping[str, str]

    def text(self, field: str) -> str:
        """Return a field's text; empty if the request has no such field."""
        return self.values.get(field, "")

    def whole(self, field: str) -> int:
        """Return a field as an int, 0 when empty.

        Raises
        ------
        WireError
            If it is not a whole number.
        """
        try:
            return int(self.text(field) or 0)
        except ValueError as wrong:
            raise WireError(f"{self.name}: {field} is {self.text(field)!r}, a whole number was expected") from wrong

    def flag(self, field: str) -> bool:
        """Return a field as a yes or no."""
        return self.text(field) in ("1", "true")

    def decimal(self, field: str) -> Decimal | None:
        """Return a field as a Decimal; None when empty or "not set"."""
        field_text = self.text(field)
        if not field_text or field_text.upper().startswith("1.797693134862315"):
            return None
        try:
            return Decimal(field_text)
        except InvalidOperation as wrong:
            raise WireError(f"{self.name}: {field} is {field_text!r}, a number was expected") from wrong


def read_request(fields: list[str], version: int) -> Request:
    """Read one request.

    Raises
    ------
    WireError
        If the id is unknown, or fields are missing, left over or of the wrong kind.
    """
    cursor = Cursor(fields)
    number = cursor.whole()
    if number not in LAYOUTS:
        raise WireError(f"message id {number} is not known")
    name, layout = LAYOUTS[number]
    request = Request(name, _read_values(name, layout, cursor, version))
    if cursor.left:
        raise WireError(f"{name}: {cursor.left} fields left over")
    return request


def request_name(fields: list[str]) -> str:
    """Name of a request from its first field; "unknown" for an id that is not in the list."""
    number = int(fields[0]) if fields and fields[0].isdigit() else -1
    return LAYOUTS[number][0] if number in LAYOUTS else "unknown"


def _read_values(name: str, layout: str, cursor: Cursor, version: int) -> dict[str, str]:
    if name == "placeOrder":
        return read_order(cursor, version)
    if name == "reqMktData":
        return _read_market_data(cursor)
    if name == "reqHistoricalData":
        return _read_history(cursor)
    return cursor.named(*names_at(layout, version))


def _read_market_data(cursor: Cursor) -> dict[str, str]:
    values = cursor.named("version", "reqId", *CONTRACT_12.split())
    _skip_legs(values, cursor)
    values |= cursor.named("deltaNeutral")
    if values["deltaNeutral"] == "1":
        cursor.named("dnConId", "dnDelta", "dnPrice")
    return values | cursor.named("genericTicks", "snapshot", "regulatorySnapshot", "options")


def _read_history(cursor: Cursor) -> dict[str, str]:
    values = cursor.named(*_HISTORY_HEAD.split())
    _skip_legs(values, cursor)
    return values | cursor.named("keepUpToDate", "options")


def _skip_legs(values: dict[str, str], cursor: Cursor) -> None:
    if values["secType"] == "BAG":
        for _ in range(cursor.whole()):
            cursor.named("conId", "ratio", "action", "exchange")
