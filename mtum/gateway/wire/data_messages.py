"""Messages about contracts, prices and history, and the ends and notices around them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from mtum.gateway.contracts import NEW_YORK_WIRE, Listing
from mtum.gateway.wire.framing import Field, Message, laid_out, message

_CONTRACT_DATA = """
version@<164 reqId symbol secType expiry strike right exchange currency localSymbol marketName
tradingClass conId minTick sizeMultiplier@<164 multiplier orderTypes validExchanges priceMagnifier
underConId longName primaryExchange contractMonth industry category subcategory timeZoneId tradingHours
liquidHours evRule evMultiplier secIds aggGroup underSymbol underSecType marketRuleIds
realExpirationDate stockType minSize@164 sizeIncrement@164 suggestedSizeIncrement@164
"""
MARKET_RULE = 26


@dataclass(frozen=True, slots=True)
class WireBar:
    """One bar as sent: date text, prices, whole volume."""

    date: str
    open: float
    high: float
    low: float
    close: float
    volume: int


def error(request_id: int, code: int, text: str, version: int) -> Message:
    """Error, warning or notice; request id -1 when it belongs to nothing."""
    fields: list[Field] = [2, request_id, code, text if version >= 160 else text.replace("\n", "\\n")]
    return message("error", 4, *fields, *([""] if version >= 166 else []))


def contract_data(request_id: int, listing: Listing, hours: tuple[str, str], version: int) -> Message:
    """Contract details; `hours` are trading and liquid hours."""
    stock = listing.sec_type == "STK"
    values: dict[str, Field] = {
        "version": 8,
        "reqId": request_id,
        "symbol": listing.symbol,
        "secType": listing.sec_type,
        "strike": "0",
        "exchange": listing.exchange,
        "currency": listing.currency,
        "localSymbol": listing.symbol,
        "marketName": listing.trading_class,
        "tradingClass": listing.trading_class,
        "conId": listing.con_id,
        "minTick": "0.01",
        "sizeMultiplier": 100,
        "orderTypes": "LMT,LOC,MKT,MOC" if stock else "",
        "validExchanges": f"SMART,{listing.primary_exchange}" if stock else listing.exchange,
        "priceMagnifier": 1,
        "underConId": 0,
        "longName": listing.long_name,
        "primaryExchange": listing.primary_exchange if stock else "",
        "timeZoneId": NEW_YORK_WIRE,
        "tradingHours": hours[0],
        "liquidHours": hours[1],
        "evMultiplier": 0,
        "secIds": 0,
        "aggGroup": 1,
        "marketRuleIds": f"{MARKET_RULE},{MARKET_RULE}" if stock else str(MARKET_RULE),
        "stockType": "ETF" if stock else "",
        "minSize": 1,
        "sizeIncrement": 1,
        "suggestedSizeIncrement": 100,
    }
    fields = laid_out(_CONTRACT_DATA, version, values)
    if version == 163:
        fields.append(100)
    return message("contractData", 10, *fields)


def historical_data(request_id: int, span: tuple[str, str], bars: Sequence[WireBar]) -> Message:
    """All bars of a request in one message, which is also its end."""
    fields: list[Field] = [request_id, *span, len(bars)]
    for bar in bars:
        average = round((bar.high + bar.low + bar.close) / 3.0, 6)
        fields += [bar.date, bar.open, bar.high, bar.low, bar.close, bar.volume, average]
        fields.append(max(1, bar.volume // 100) if bar.volume > 0 else 0)
    return message("historicalData", 17, *fields)


def tick_price(request_id: int, tick: int, price: Decimal, size: int = 0) -> Message:
    """A price tick, with the size of bid, ask or last."""
    return message("tickPrice", 1, 6, request_id, tick, price, size, 0)


def tick_size(request_id: int, tick: int, size: int) -> Message:
    """A size tick (volume)."""
    return message("tickSize", 2, 6, request_id, tick, size)


def tick_string(request_id: int, tick: int, text: str) -> Message:
    """A text tick (last trade's time in epoch seconds)."""
    return message("tickString", 46, 6, request_id, tick, text)


def symbol_samples(request_id: int, listings: Sequence[Listing], version: int) -> Message:
    """Contracts that match a pattern."""
    fields: list[Field] = [request_id, len(listings)]
    for listing in listings:
        fields += [listing.con_id, listing.symbol, listing.sec_type, listing.primary_exchange]
        fields += [listing.currency, 0, *([listing.long_name, ""] if version >= 176 else [])]
    return message("symbolSamples", 79, *fields)
