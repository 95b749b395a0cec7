"""Contracts, quotes, time and the small questions around them."""

from decimal import Decimal

from mtum.core.simulation.exchange_queries import next_order_id
from mtum.gateway.contracts import Listing, liquid_hours, matching, trading_hours
from mtum.gateway.session import ClientSession
from mtum.gateway.wire.data_messages import (
    MARKET_RULE,
    contract_data,
    symbol_samples,
    tick_price,
    tick_size,
    tick_string,
)
from mtum.gateway.wire.framing import message
from mtum.gateway.wire.requests import Request

_HALF_SPREAD = Decimal("0.01")
# Live tick numbers and their delayed twins.
BID, ASK, LAST, HIGH, LOW, VOLUME, CLOSE, OPEN, LAST_TIME = 1, 2, 4, 6, 7, 8, 9, 14, 45
_DELAYED = {BID: 66, ASK: 67, LAST: 68, HIGH: 72, LOW: 73, VOLUME: 74, CLOSE: 75, OPEN: 76, LAST_TIME: 88}
_LIVE_DATA, _DELAYED_DATA = 1, 3


def greet(client: ClientSession) -> None:
    """What a client hears after its login: accounts, next order id, farm notices."""
    managed_accounts(client)
    next_id(client)
    for code, farm in ((2104, "Market data farm"), (2106, "HMDS data farm"), (2158, "Sec-def data farm")):
        client.error(-1, code, f"{farm} connection is OK:{client.floor.behavior.farm}")


def managed_accounts(client: ClientSession, request: Request | None = None) -> None:
    """Name the accounts of the login."""
    del request
    codes = ",".join(account.code for account in client.floor.desk.state.accounts)
    client.send(message("managedAccts", 15, 1, codes))


def next_id(client: ClientSession, request: Request | None = None) -> None:
    """Announce the next free order id of this client."""
    del request
    announced = client.floor.behavior.next_order_id or next_order_id(client.floor.desk.state, client.client_id)
    client.send(message("nextValidId", 9, 1, announced))


def current_time(client: ClientSession, request: Request) -> None:
    """Market time in epoch seconds."""
    del request
    client.send(message("currentTime", 49, 1, int(client.floor.market.clock.now().timestamp())))


def contract_details(client: ClientSession, request: Request) -> None:
    """Every contract that fits, or error 200."""
    request_id = request.whole("reqId")
    found = listings_for(client, request)
    if not found:
        return
    sessions, today = client.floor.market.source.sessions, client.floor.market.today
    hours = (trading_hours(sessions, today), liquid_hours(sessions, today))
    for listing in found:
        client.send(contract_data(request_id, listing, hours, client.version))
    client.send(message("contractDataEnd", 52, 1, request_id))


def listings_for(client: ClientSession, request: Request) -> list[Listing]:
    """Contracts that fit a request; sends error 200 when there is none."""
    found = matching(client.floor.market.listings, request.values)
    if not found:
        client.error(request.whole("reqId"), 200, "No security definition has been found for the request")
    return found


def market_data_type(client: ClientSession, request: Request) -> None:
    """Remember whether the client accepts delayed quotes."""
    client.wants.data_type = request.whole("type")


def market_data(client: ClientSession, request: Request) -> None:
    """A snapshot, or a quote that is sent again when it changes."""
    request_id = request.whole("reqId")
    found = listings_for(client, request)
    if not found:
        return
    symbol, behavior = found[0].symbol, client.floor.behavior
    if symbol in behavior.no_data:
        client.error(request_id, 354, "Requested market data is not subscribed.")
        return
    if symbol in behavior.delayed:
        client.error(request_id, 10167, "Requested market data is not subscribed. Displaying delayed market data.")
    kind = _DELAYED_DATA if symbol in behavior.delayed else _LIVE_DATA
    client.send(message("marketDataType", 58, 1, request_id, kind))
    client.send(message("tickReqParams", 81, request_id, 0.01, "9c0001", 3))
    send_quote(client, request_id, found[0])
    if request.flag("snapshot"):
        client.send(message("tickSnapshotEnd", 57, 1, request_id))
    else:
        client.wants.quotes[request_id] = symbol


def send_quote(client: ClientSession, request_id: int, listing: Listing) -> None:
    """Send the ticks of a contract as it trades now; only the previous close before the opening."""
    market, behavior = client.floor.market, client.floor.behavior
    kinds = _DELAYED if listing.symbol in behavior.delayed else {}
    bar, price = market.running_bar(listing.symbol), market.price(listing.symbol)
    before = market.previous_close(listing.symbol)
    if before is not None:
        client.send(tick_price(request_id, kinds.get(CLOSE, CLOSE), before))
    if bar is None or price is None:
        return
    stock = listing.sec_type == "STK"
    if stock and market.minutes_to_close() > 0:
        client.send(tick_price(request_id, kinds.get(BID, BID), price - _HALF_SPREAD, 100))
        client.send(tick_price(request_id, kinds.get(ASK, ASK), price + _HALF_SPREAD, 100))
    prices = ((LAST, price), (HIGH, Decimal(repr(bar.high))), (LOW, Decimal(repr(bar.low))))
    for tick, shown in (*prices, (OPEN, Decimal(repr(bar.open)))):
        client.send(tick_price(request_id, kinds.get(tick, tick), shown, 100 if tick == LAST and stock else 0))
    if stock:
        client.send(tick_size(request_id, kinds.get(VOLUME, VOLUME), int(bar.volume)))
    last_trade = min(market.clock.now(), market.session.close)
    client.send(tick_string(request_id, kinds.get(LAST_TIME, LAST_TIME), str(int(last_trade.timestamp()))))


def matching_symbols(client: ClientSession, request: Request) -> None:
    """Contracts whose symbol begins with a pattern."""
    listings = client.floor.market.listings.values()
    found = [entry for entry in listings if entry.symbol.startswith(request.text("pattern").upper())]
    client.send(symbol_samples(request.whole("reqId"), found, client.version))


def market_rule(client: ClientSession, request: Request) -> None:
    """Price steps: one cent everywhere."""
    client.send(message("marketRule", 93, request.whole("ruleId") or MARKET_RULE, 1, 0.0, 0.01))


def option_parameters(client: ClientSession, request: Request) -> None:
    """No options are listed here."""
    client.send(message("secDefOptParamsEnd", 76, request.whole("reqId")))


def branding(client: ClientSession, request: Request) -> None:
    """White-branding id: none."""
    client.send(message("userInfo", 107, request.whole("reqId"), ""))
