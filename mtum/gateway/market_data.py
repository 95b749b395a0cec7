"""Market data: contracts, quotes, and history with today's running bar."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from time import monotonic
from typing import NamedTuple

from msgspec.structs import replace

from mtum.core.market.bars import COLUMNS, PRICE_COLUMNS, Bar, Bars
from mtum.core.market.calendars import NEW_YORK
from mtum.core.market.merging import dividend_adjusted
from mtum.core.market.sessions import Session
from mtum.core.portfolio.money import exact
from mtum.gateway.behavior import BarOrder
from mtum.gateway.contracts import NEW_YORK_WIRE, Listing, liquid_hours, matching, trading_hours
from mtum.gateway.framing import Field, message
from mtum.gateway.market import Market
from mtum.gateway.messages import (
    WireBar,
    contract_data,
    historical_data,
    symbol_samples,
    tick_price,
    wire_time,
)
from mtum.gateway.options.details import concerns_options
from mtum.gateway.options.quotes import asked_quotes, wake_farm
from mtum.gateway.pacing import SMALL_BARS
from mtum.gateway.requests import Request
from mtum.gateway.shared import Client

_HALF_SPREAD = Decimal("0.01")
# Live tick numbers and their delayed twins.
BID, ASK, LAST, HIGH, LOW, VOLUME, CLOSE, OPEN, LAST_TIME = 1, 2, 4, 6, 7, 8, 9, 14, 45
_DELAYED = {BID: 66, ASK: 67, LAST: 68, HIGH: 72, LOW: 73, VOLUME: 74, CLOSE: 75, OPEN: 76, LAST_TIME: 88}
_LIVE_DATA, _DELAYED_DATA = 1, 3
_HALTED, _NO_PRICE = 49, Decimal(-1)
DIVIDENDS, DIVIDENDS_ASKED = 59, "456"
_VOLATILITIES = {"104": 23, "106": 24}
"""Tick of the volatility of the past and of the options, 30 days, by the number it is asked by."""
_IMPLIED, _HISTORICAL = "OPTION_IMPLIED_VOLATILITY", "HISTORICAL_VOLATILITY"
_DAY = "1 day"
_SECONDS = {**SMALL_BARS, "1 min": 60, "5 mins": 300, "15 mins": 900, "30 mins": 1800, "1 hour": 3600}
_PACED = "Historical Market Data Service error message:Historical data request pacing violation: "
_ANNOUNCED_SESSIONS = 15
"""How long before its ex-date a dividend is known."""
_CALENDAR_DAYS = {"W": 7, "M": 31, "Y": 365}
_EPOCH_FORMAT = 2
_FAR_BACK = 40_000  # sessions; more than any history holds


def contract_details(client: Client, request: Request) -> None:
    """Every contract that fits, or error 200."""
    request_id = request.whole("reqId")
    found = listings_for(client, request)
    if not found:
        return
    sessions, today = client.shared.market.source.sessions, client.shared.market.today
    hours = (trading_hours(sessions, today), liquid_hours(sessions, today))
    for listing in found:
        client.send(contract_data(request_id, listing, hours, client.version))
    client.send(message("contractDataEnd", 52, 1, request_id))


def listings_for(client: Client, request: Request) -> list[Listing]:
    """Contracts that fit a request; sends error 200 when there is none."""
    found = matching(client.shared.market.listings, request.values)
    if not found:
        client.error(request.whole("reqId"), 200, "No security definition has been found for the request")
    return found


class _Asked(NamedTuple):
    # What a request for market data names: whose permissions count, the step of its price, and what tells of it.
    symbol: str
    min_tick: float
    tell: Callable[[], None]
    tell_once: Callable[[list[str]], None]
    option: bool = False


def market_data(client: Client, request: Request) -> None:
    """A snapshot, or a quote that is sent again when it changes."""
    request_id, behavior = request.whole("reqId"), client.shared.behavior
    asked = _option(client, request) if concerns_options(client, request) else _share(client, request)
    if asked is None:
        return
    if asked.symbol in behavior.no_data or (asked.option and asked.symbol in behavior.no_option_data):
        client.error(request_id, 354, "Requested market data is not subscribed.")
        return
    once, generic = request.flag("snapshot"), request.text("genericTicks")
    if once and generic:
        client.error(request_id, 321, "Snapshot market data subscription is not applicable to generic ticks")
        return
    if sum(one.wants.lines for one in client.shared.clients) >= behavior.data_lines:
        client.error(request_id, 101, "Max number of tickers has been reached")
        return
    if asked.option:
        wake_farm(client)
    is_delayed = asked.symbol in behavior.delayed
    if is_delayed:
        client.error(request_id, 10167, "Requested market data is not subscribed. Displaying delayed market data.")
    client.send(message("marketDataType", 58, 1, request_id, _DELAYED_DATA if is_delayed else _LIVE_DATA))
    client.send(message("tickReqParams", 81, request_id, asked.min_tick, "9c0001", 3))
    if not once:
        client.wants.quotes[request_id] = asked.tell
    asked.tell()
    asked.tell_once(generic.split(","))
    if once and behavior.quote_seconds:
        client.wants.snapshots.add(request_id)
        asyncio.get_running_loop().call_later(behavior.quote_seconds, _end_snapshot, client, request_id)
    elif once:
        client.send(message("tickSnapshotEnd", 57, 1, request_id))


def _share(client: Client, request: Request) -> _Asked | None:
    found = listings_for(client, request)
    if not found:
        return None
    listing, request_id = found[0], request.whole("reqId")
    tell_once = partial(_tell_generic, client, request_id, listing.symbol)
    return _Asked(listing.symbol, 0.01, partial(send_quote, client, request_id, listing), tell_once)


def _option(client: Client, request: Request) -> _Asked | None:
    quotes = asked_quotes(client, request)
    if quotes is None:
        return None
    return _Asked(quotes.underlying, quotes.min_tick, quotes.tell, quotes.tell_once, option=True)


def _tell_generic(client: Client, request_id: int, symbol: str, asked: list[str]) -> None:
    # What is sent once, to whoever asks by number: dividends, and volatilities of options and of the past.
    shared = client.shared
    is_share = shared.market.listings[symbol].sec_type == "STK"
    if DIVIDENDS_ASKED in asked and symbol not in shared.behavior.no_dividends and is_share:
        told = _dividends(shared.market, symbol)
        client.send(message("tickString", 46, 6, request_id, DIVIDENDS, told))
    for number, tick in _VOLATILITIES.items():
        if number in asked:
            client.send(message("tickGeneric", 45, 6, request_id, tick, shared.options.volatility(symbol)))


def _end_snapshot(client: Client, request_id: int) -> None:
    if request_id in client.wants.snapshots:  # not canceled meanwhile
        client.wants.snapshots.discard(request_id)
        client.send(message("tickSnapshotEnd", 57, 1, request_id))


def _dividends(market: Market, symbol: str) -> str:
    """Return what is paid in a year, before and to come, and the next ex-date, today's included, with its amount."""
    today = market.session.day
    past = market.source.history(symbol, today - timedelta(days=365), today).dividend.sum()
    later = [one for one in market.source.sessions if one.day >= today][:_ANNOUNCED_SESSIONS]
    bars = (market.source.bar(symbol, one.day) for one in later)
    coming = next((bar for bar in bars if bar is not None and bar.dividend > 0), None)
    year = f"{past:g}" if past else ""
    return f"{year},{year},{coming.day:%Y%m%d},{coming.dividend:g}" if coming else f"{year},{year},,"


def send_quote(client: Client, request_id: int, listing: Listing) -> None:
    """Send the ticks of a contract as it trades now; only the previous close before the opening.

    Parameters
    ----------
    client : Client
        A client as those see it who answer it; `client_id` is -1 before the login, `since` when it connected.
    request_id : int
        Number of the request; -1 for none.
    listing : Listing
        One contract as the gateway knows it.
    """
    market, behavior = client.shared.market, client.shared.behavior
    kinds = _DELAYED if listing.symbol in behavior.delayed else {}
    bar, price = market.running_bar(listing.symbol), market.price(listing.symbol)
    before = market.previous_close(listing.symbol)
    if before is not None:
        client.send(tick_price(request_id, kinds.get(CLOSE, CLOSE), before))
    if bar is None or price is None:
        return
    stock = listing.sec_type == "STK"
    if listing.symbol in behavior.halted:
        client.send(message("tickGeneric", 45, 6, request_id, _HALTED, 1.0))
        for tick in (BID, ASK):
            client.send(tick_price(request_id, kinds.get(tick, tick), _NO_PRICE))
    elif stock and market.minutes_to_close() > 0:
        client.send(tick_price(request_id, kinds.get(BID, BID), price - _HALF_SPREAD, 100))
        client.send(tick_price(request_id, kinds.get(ASK, ASK), price + _HALF_SPREAD, 100))
    prices = ((LAST, price), (HIGH, exact(bar.high)), (LOW, exact(bar.low)))
    for tick, shown in (*prices, (OPEN, exact(bar.open))):
        client.send(tick_price(request_id, kinds.get(tick, tick), shown, 100 if tick == LAST and stock else 0))
    if stock and bar.volume >= 0:
        client.send(message("tickSize", 2, 6, request_id, kinds.get(VOLUME, VOLUME), int(bar.volume)))
    last_trade = min(market.clock.now(), market.session.close)
    stamp = str(int(last_trade.timestamp()))
    client.send(message("tickString", 46, 6, request_id, kinds.get(LAST_TIME, LAST_TIME), stamp))


def matching_symbols(client: Client, request: Request) -> None:
    """Contracts whose symbol begins with a pattern."""
    listings = client.shared.market.listings.values()
    found = [entry for entry in listings if entry.symbol.startswith(request.text("pattern").upper())]
    client.send(symbol_samples(request.whole("reqId"), found, client.version))


def historical_bars(client: Client, request: Request) -> None:
    """Bars of one contract, or the error that a real gateway gives."""
    request_id = request.whole("reqId")
    if concerns_options(client, request):
        client.error(request_id, 162, "Historical Market Data Service error message:No market data permissions for OPT")
        return
    found = listings_for(client, request)
    if not found:
        return
    problem = _problem(client, request, found[0])
    if problem:
        client.error(request_id, *problem)
        return
    answer = partial(_send_history, client, request, found[0])
    key = (client.client_id, request_id)
    client.shared.history.answer(key, client.shared.behavior.history_seconds, monotonic(), answer)


def cancel_history(client: Client, request: Request) -> None:
    """Leave a history request unanswered."""
    client.shared.history.cancel((client.client_id, request.whole("reqId")))


def _send_history(client: Client, request: Request, listing: Listing) -> None:
    request_id, market = request.whole("reqId"), client.shared.market
    end = _end(request.text("endDateTime"), market)
    first = _first_day(market, end.astimezone(NEW_YORK).date(), request.text("duration"))
    if request.text("whatToShow") == "SCHEDULE":
        _send_schedule(client, request_id, first, end)
        return
    daily = request.text("barSize").replace("1D", _DAY) == _DAY
    make = _daily_bars if daily else _intraday_bars
    bars = list(make(market, listing, request, (first, end)))
    if request.text("whatToShow") in (_IMPLIED, _HISTORICAL):
        bars = [_volatility_bar(client, listing.symbol, one) for one in bars]
    bars = _ordered(bars, client.shared.behavior.bar_order) if daily else bars
    zone = NEW_YORK_WIRE
    begin = datetime.combine(first, datetime.min.time(), NEW_YORK)
    span = (wire_time(begin, zone=zone), wire_time(end.astimezone(NEW_YORK), zone=zone))
    client.send(historical_data(request_id, span, bars))


def head_timestamp(client: Client, request: Request) -> None:
    """First instant of a contract's history."""
    market = client.shared.market
    for listing in listings_for(client, request)[:1]:
        known = (s for s in market.source.sessions if market.source.bar(listing.symbol, s.day))
        first = next(known, None)
        if first is None:
            client.error(request.whole("reqId"), 162, "Historical Market Data Service error message:No head time stamp")
            return
        epoch = request.whole("formatDate") == _EPOCH_FORMAT
        stamp = str(int(first.open.timestamp())) if epoch else f"{first.open:%Y%m%d-%H:%M:%S}"
        client.send(message("headTimestamp", 88, request.whole("reqId"), stamp))


def _problem(client: Client, request: Request, listing: Listing) -> tuple[int, str] | None:
    service = "Historical Market Data Service error message:"
    if listing.symbol in client.shared.behavior.no_data:
        return 162, f"{service}No market data permissions for {listing.exchange} {listing.sec_type}"
    if request.text("whatToShow") == "ADJUSTED_LAST" and request.text("endDateTime"):
        return 321, "Error validating request.-'bU' : cause - End date not supported with adjusted last"
    size = request.text("barSize").replace("1D", _DAY)
    if size != _DAY and size not in _SECONDS:
        return 321, f"Error validating request.-'bU' : cause - bar size {size!r} is not served here"
    count, _, unit = request.text("duration").partition(" ")
    if not count.isdigit() or unit not in ("S", "D", *_CALENDAR_DAYS):
        return 321, "Error validating request.-'bU' : cause - Historical data request for this duration"
    paced = client.shared.history.refusal(request, monotonic())
    return (162, _PACED + paced) if paced else None


def _end(asked: str, market: Market) -> datetime:
    if not asked:
        return market.clock.now()
    digits = asked.replace("-", " ")
    stamp = datetime.strptime(" ".join(digits.split(" ")[:2]), "%Y%m%d %H:%M:%S").replace(
        tzinfo=UTC if "-" in asked or asked.endswith("UTC") else NEW_YORK
    )
    return min(stamp.astimezone(UTC), market.clock.now())


def _first_day(market: Market, last: date, duration: str) -> date:
    count, _, unit = duration.partition(" ")
    if unit in _CALENDAR_DAYS:
        return last - timedelta(days=int(count) * _CALENDAR_DAYS[unit])
    if unit == "S":
        return last
    sessions = market.source.sessions
    back = min(int(count) - (1 if sessions.get(last) else 0), _FAR_BACK)
    first = sessions.before(last, back) if back > 0 else sessions.get(last)
    return first.day if first else sessions.known[0].day


def _daily_bars(market: Market, listing: Listing, request: Request, span: tuple[date, datetime]) -> Iterator[WireBar]:
    last = span[1].astimezone(NEW_YORK).date()
    bars = [bar for bar in market.history(listing.symbol, span[0]) if bar.day <= last]
    if request.text("whatToShow") == "ADJUSTED_LAST":
        # To the cent, like every price on the wire.
        adjusted = dividend_adjusted(Bars.of(listing.symbol, "", bars))
        columns = {name: getattr(adjusted, name).round(2) for name in PRICE_COLUMNS}
        plain = {name: getattr(adjusted, name) for name in COLUMNS}
        priced = Bars.from_columns(listing.symbol, "", adjusted.days, {**plain, **columns})
        bars = [priced.bar(at) for at in range(len(priced))]
    for bar in bars:
        yield WireBar(f"{bar.day:%Y%m%d}", bar, _shown_volume(listing, request, bar.volume))


def _volatility_bar(client: Client, symbol: str, one: WireBar) -> WireBar:
    level = client.shared.options.volatility(symbol, one.bar.day)
    return one._replace(bar=Bar(one.bar.day, level, level, level, level, -1.0), volume=-1)


def _ordered(bars: list[WireBar], order: BarOrder) -> list[WireBar]:
    if order is BarOrder.BACKWARD:
        return bars[::-1]
    if order is BarOrder.RISING or len(bars) < 2:
        return bars
    # A real history ends with today's running bar; the one before it is finished.
    twin = bars[-2] if order is BarOrder.TWICE else bars[-2]._replace(bar=replace(bars[-2].bar, close=bars[-2].bar.low))
    return [*bars[:-1], twin, bars[-1]]


def _intraday_bars(
    market: Market, listing: Listing, request: Request, span: tuple[date, datetime]
) -> Iterator[WireBar]:
    step = timedelta(seconds=_SECONDS[request.text("barSize")])
    for session in market.source.sessions.between(span[0], market.session.day):
        final = market.source.bar(listing.symbol, session.day)
        if final is None:
            continue
        for begin, volume in _slices(market, listing, session, step):
            if begin >= span[1]:
                return
            price = _price_at(final, session, begin)
            flat = Bar(final.day, price, price, price, price, volume * final.volume)
            epoch = request.whole("formatDate") == _EPOCH_FORMAT
            local = begin.astimezone(NEW_YORK)
            stamp = str(int(begin.timestamp())) if epoch else wire_time(local, zone=NEW_YORK_WIRE)
            yield WireBar(stamp, flat, _shown_volume(listing, request, flat.volume))


def _slices(market: Market, listing: Listing, session: Session, step: timedelta) -> Iterator[tuple[datetime, float]]:
    """Beginning of each slice and the share of the day's volume that trades in it.

    As the broker's they begin with the clock's: the first hour of a session that opens at half past has 30 minutes.
    """
    begin, now, traded = session.open, market.clock.now(), 0.0
    while begin < session.close:
        end = min(begin + step - timedelta(seconds=begin.timestamp() % step.total_seconds()), session.close)
        left = (session.close - min(end, now)).total_seconds() / 60.0
        share = market.source.traded_share(listing.symbol, session, left)
        yield begin, share - traded
        begin, traded = end, share


def _price_at(final: Bar, session: Session, at: datetime) -> float:
    # A straight line from the open; the final price from 20 minutes before the close on.
    whole = (session.close - session.open).total_seconds() - 1200.0
    done = min(1.0, (at - session.open).total_seconds() / whole)
    return round(final.open + (final.close - final.open) * done, 4)


def _shown_volume(listing: Listing, request: Request, volume: float) -> int:
    if request.text("whatToShow") not in ("TRADES", "ADJUSTED_LAST"):
        return -1
    if listing.sec_type != "STK":
        return 0
    return round(volume) if volume >= 0 else -1


def _send_schedule(client: Client, request_id: int, first: date, end: datetime) -> None:
    local = end.astimezone(NEW_YORK)
    found = client.shared.market.source.sessions.between(first, local.date())
    fields: list[Field] = [request_id, f"{first:%Y%m%d}-00:00:00", f"{local:%Y%m%d-%H:%M:%S}"]
    fields += [NEW_YORK_WIRE, len(found)]
    for session in found:
        hours = (instant.astimezone(NEW_YORK) for instant in (session.open, session.close))
        fields += [*(f"{instant:%Y%m%d-%H:%M:%S}" for instant in hours), f"{session.day:%Y%m%d}"]
    client.send(message("historicalSchedule", 106, *fields))
