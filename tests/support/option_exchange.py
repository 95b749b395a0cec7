"""Builders for tests of options at the simulated exchange: AAA at a price, options at intrinsic value and 1.00 more."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from mtum.core.market.instruments import Right
from mtum.core.options.chain import Quote
from mtum.core.options.contracts import OptionContract
from mtum.core.options.legs import OptionLeg
from mtum.core.options.model.listing import number_of
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.admission import Moment
from mtum.core.simulation.exchange import advance
from mtum.core.simulation.exchange_state import ExchangeState
from mtum.core.simulation.option_books import OptionTicket
from mtum.core.simulation.options.trading import advance_options
from mtum.core.simulation.options.venue import OptionVenue
from support.exchange import ACCOUNT, FREE, WEDNESDAY

D = Decimal


@dataclass(slots=True)
class Prices:
    """AAA at one price: a bid 0.10 below worth, an ask 0.10 above; worth is intrinsic value and 1.00 of time."""

    now: Decimal = D(100)
    closes: Mapping[date, Decimal] = field(default_factory=dict)
    paid: Sequence[tuple[date, Decimal]] = ()
    rate: float = 0.02

    def quotes(self, contracts: Iterable[OptionContract]) -> Mapping[int, Quote]:
        found = {}
        for one in contracts:
            gain = self.now - one.strike if one.right is Right.CALL else one.strike - self.now
            worth = float(max(gain, D(0))) + 1.0
            found[one.con_id] = Quote(round(worth - 0.1, 2), round(worth + 0.1, 2))
        return found

    def close(self, underlying: str, day: date) -> Decimal | None:
        return self.closes.get(day, self.now)

    def opposite(self, contract: OptionContract, day: date) -> float:
        return 1.0

    def dividends(self, underlying: str, day: date) -> Sequence[tuple[date, Decimal]]:
        return self.paid

    def spot(self, underlying: str) -> Decimal | None:
        return self.now


def option(right: Right, strike: int, expiry: date = WEDNESDAY, underlying: str = "AAA") -> OptionContract:
    number = number_of(underlying, expiry, right, D(strike))
    return OptionContract(number, underlying, right, D(strike), expiry, expiry, underlying)


def put(strike: int) -> OptionContract:
    return option(Right.PUT, strike)


def call(strike: int) -> OptionContract:
    return option(Right.CALL, strike)


def single(side: Side, one: OptionContract, limit: str, quantity: int = 1) -> OptionTicket:
    return OptionTicket(ACCOUNT, side, (OptionLeg(one, Side.BUY),), quantity, D(limit), "o-1")


def combined(*legs: tuple[Side, OptionContract], limit: str, quantity: int = 1) -> OptionTicket:
    made = tuple(OptionLeg(one, side) for side, one in legs)
    return OptionTicket(ACCOUNT, Side.BUY, made, quantity, D(limit), "o-1")


def venue(prices: Prices | None = None, level: int = 3) -> OptionVenue:
    return OptionVenue(prices or Prices(), level=level)


def visited(state: ExchangeState, at: Moment, where: OptionVenue) -> ExchangeState:
    """Bring options, then shares, to a moment."""
    state, _ = advance_options(state, at, where)
    return advance(state, at, FREE)[0]
