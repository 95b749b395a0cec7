"""Quotes and greeks of options and combinations on the wire."""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from mtum.core.market.instruments import Right
from mtum.core.options.legs import OptionLeg
from mtum.core.options.model.quotes import OPEN_INTEREST
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.options.venue import steps_of
from mtum.gateway.framing import Field, Message, message
from mtum.gateway.messages import tick_price
from mtum.gateway.option_market import Shown
from mtum.gateway.options.details import listed
from mtum.gateway.requests import Request
from mtum.gateway.shared import Client, Shared

FARM = "usopt"
OPEN_INTEREST_ASKED = "101"
BID, ASK, LAST, CLOSE = 1, 2, 4, 9
_DELAYED = {BID: 66, ASK: 67, LAST: 68, CLOSE: 75}
_CALLS_OPEN, _PUTS_OPEN = 27, 28
_GREEKS, _GREEKS_DELAYED = (10, 11, 12, 13), (80, 81, 82, 83)
"""Of bid, ask, last and model."""
_NO_NUMBER, _NO_GREEK = -1.0, -2.0
_SIZE = 25
_NOTHING = "No security definition has been found for the request"


class OptionQuotes(Struct, frozen=True):
    """What a client wants to be told of an option or a combination."""

    client: Client
    request_id: int
    legs: tuple[OptionLeg, ...]
    combined: bool

    @property
    def underlying(self) -> str:
        """Symbol that its permissions depend on."""
        return self.legs[0].contract.underlying

    @property
    def min_tick(self) -> float:
        """Smallest step of its price."""
        return 0.01 if self.combined else float(steps_of(self.underlying)[0][1])

    def tell(self) -> None:
        """Send its quote as it is now; without a bid, or while the market is shut, -1 with a size of 0."""
        client, behavior = self.client, self.client.shared.behavior
        is_delayed = self.underlying in behavior.delayed
        kinds = _DELAYED if is_delayed else {}
        stale = self.underlying in behavior.stale_options
        shown = client.shared.options.shown([leg.contract for leg in self.legs], stale=stale)
        market = client.shared.market
        is_open = market.clock.now() >= market.session.open and market.minutes_to_close() > 0
        bid, ask = self._sides(shown) if is_open and len(shown) == len(self.legs) else (None, None)
        for tick, price in ((BID, bid), (ASK, ask)):
            told = (Decimal(-1), 0) if price is None else (price, _SIZE)
            client.send(tick_price(self.request_id, kinds.get(tick, tick), *told))
        if not self.combined:
            self._tell_greeks(shown.get(self.legs[0].contract.con_id), is_delayed=is_delayed)

    def tell_once(self, generic: list[str]) -> None:
        """Send how many contracts are open, if it is asked: yesterday's number, and 0 of the other right."""
        if OPEN_INTEREST_ASKED not in generic or self.combined:
            return
        right = self.legs[0].contract.right
        for tick, wanted in ((_CALLS_OPEN, Right.CALL), (_PUTS_OPEN, Right.PUT)):
            count = OPEN_INTEREST if right is wanted else 0
            self.client.send(message("tickSize", 2, 6, self.request_id, tick, count))

    def _sides(self, shown: Mapping[int, Shown]) -> tuple[Decimal | None, Decimal | None]:
        bid = ask = Decimal(0)
        for leg in self.legs:
            quote = shown[leg.contract.con_id].quote
            if not self.combined:
                return _price(quote.bid), _price(quote.ask)
            sides = exact(quote.bid or 0.0), exact(quote.ask or 0.0)
            near, far = sides if leg.side is Side.BUY else sides[::-1]
            bid, ask = bid + leg.signed * near, ask + leg.signed * far
        return bid, ask

    def _tell_greeks(self, shown: Shown | None, *, is_delayed: bool) -> None:
        behavior = self.client.shared.behavior
        kinds = _GREEKS_DELAYED if is_delayed else _GREEKS
        if shown is None:
            return
        spot = self.client.shared.options.spot(self.underlying)
        sides = (shown.quote.bid, shown.quote.ask, None, shown.worth)
        for kind, price in zip(kinds, sides, strict=True):
            told = _nothing() if price is None else _computed(shown, price, float(spot or 0))
            answer = message("tickOptionComputation", 21, self.request_id, kind, 1, *told)
            if not behavior.greeks_seconds or price is None:
                self.client.send(answer)
                continue
            self.client.send(message("tickOptionComputation", 21, self.request_id, kind, 1, *_nothing()))
            if self.underlying not in behavior.no_greeks:
                asyncio.get_running_loop().call_later(behavior.greeks_seconds, self._tell_later, answer)

    def _tell_later(self, answer: Message) -> None:
        if self.request_id in self.client.wants.quotes:  # not canceled meanwhile
            self.client.send(answer)


def asked_quotes(client: Client, request: Request) -> OptionQuotes | None:
    """What a request for market data wants; None if it names nothing, once the error is sent."""
    if request.text("secType") == "BAG":
        legs = legs_of(client.shared, request)
        if isinstance(legs, str):
            client.error(request.whole("reqId"), 200, legs)
            return None
        return OptionQuotes(client, request.whole("reqId"), legs, combined=True)
    found = listed(client, request)
    return (
        OptionQuotes(client, request.whole("reqId"), (OptionLeg(found[0], Side.BUY),), combined=False)
        if found
        else None
    )


def legs_of(shared: Shared, request: Request) -> tuple[OptionLeg, ...] | str:
    """Legs that a request names, of one underlying; text if there is no such combination."""
    legs = []
    for number, ratio, action, _ in request.legs():
        contract = shared.options.contract(number)
        if contract is None or ratio < 1 or action not in ("BUY", "SELL"):
            return _NOTHING
        legs.append(OptionLeg(contract, Side(action), ratio))
    strangers = {leg.contract.underlying for leg in legs} - {request.text("symbol")}
    return _NOTHING if strangers or not legs else tuple(legs)


def wake_farm(client: Client) -> None:
    """Say that the farm of option data connects, at the first request of a day: no error."""
    shared = client.shared
    if shared.option_farm != shared.market.today:
        shared.option_farm = shared.market.today
        client.error(-1, 2119, f"Market data farm is connecting:{FARM}")
        client.error(-1, 2104, f"Market data farm connection is OK:{FARM}")


def _price(side: float | None) -> Decimal | None:
    return None if side is None else exact(side)


def _nothing() -> Sequence[Field]:
    # IV, delta, price, dividends, gamma, vega, theta, price of the underlying: each has its own "not available".
    return (_NO_NUMBER, _NO_GREEK, _NO_NUMBER, _NO_NUMBER, _NO_GREEK, _NO_GREEK, _NO_GREEK, _NO_NUMBER)


def _computed(shown: Shown, price: float, spot: float) -> Sequence[Field]:
    greeks = (shown.gamma, shown.vega, shown.theta)
    return (shown.volatility, shown.delta, price, 0.0, *(round(one, 8) for one in greeks), spot)
