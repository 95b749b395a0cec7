"""What the simulated exchange asks of the market for options, and how it charges."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.core.options.chain import Quote
from mtum.core.options.contracts import OptionContract
from mtum.core.options.fees import OptionFees
from mtum.core.options.ladder import Market, tick_at
from mtum.core.options.legs import OptionLeg
from mtum.core.options.model.quotes import SHARE_TICKS, TICKS
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.options.orders import market_of
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.admission import LatePolicy
from mtum.core.simulation.option_books import OptionTicket

_CENT = Decimal("0.01")
_COMBINED: Mapping[str, Decimal] = {"SPX": Decimal("0.05")}
"""Step of the net price of a combination by underlying; one cent of any other."""


class OptionPrices(Protocol):
    """The market for options at the instant of an operation. No price of a contract is a fact: it does not trade."""

    rate: float

    def quotes(self, contracts: Iterable[OptionContract]) -> Mapping[int, Quote]:
        """Return quotes by number, without those that have none."""
        ...

    def close(self, underlying: str, day: date) -> Decimal | None:
        """Return the official close of a session that is over; None if it is not known."""
        ...

    def opposite(self, contract: OptionContract, day: date) -> float:
        """Return what the option of the other right at its strike and expiry was worth at the close, USD per share."""
        ...

    def dividends(self, underlying: str, day: date) -> Sequence[tuple[date, Decimal]]:
        """Return ex-dates and USD per share of what is to come after a session, in any order."""
        ...

    def spot(self, underlying: str) -> Decimal | None:
        """Return the last price of an underlying, USD per share."""
        ...


class OptionVenue(Struct, frozen=True):
    """Where options trade.

    Parameters
    ----------
    fees : OptionFees
        Of an order, split over its legs.
    level : int
        Permission of the accounts, 1 to 4.
    reach : Decimal
        Part of the way from the middle to the far side at which an order fills: at that net on the nearest step of
        the price, never worse than its limit. Of orders that begin at the middle and go a third of the way further
        twice, most fill before the far side: half of the way is what they pay.
    after_close : LatePolicy
        An order after the close.
    """

    prices: OptionPrices
    fees: OptionFees = field(default_factory=OptionFees)
    level: int = 3
    reach: Decimal = Decimal("0.5")
    after_close: LatePolicy = LatePolicy.NEXT_SESSION

    def worth(self, contract: OptionContract) -> Decimal:
        """Return the middle of a contract's quote, its ask where there is no bid, USD per share."""
        quote = self.prices.quotes([contract]).get(contract.con_id)
        if quote is None:
            return Decimal(0)
        return exact(quote.mid if quote.mid is not None else (quote.ask or 0.0) / 2)

    def spot(self, symbol: str) -> Decimal:
        """Return the last price of an underlying; 0 where there is none."""
        return self.prices.spot(symbol) or Decimal(0)

    def market(self, ticket: OptionTicket) -> Market | None:
        """Return the sides of an order; None where a leg has no quote. What nobody bids for is sold for nothing."""
        legs = turned(ticket)
        return market_of(legs, self.prices.quotes([leg.contract for leg in legs]), closes=True)


def turned(ticket: OptionTicket) -> tuple[OptionLeg, ...]:
    """Return the legs of an order as they trade: a sale turns every one of them round."""
    if ticket.side is Side.BUY:
        return ticket.legs
    return tuple(replace(leg, side=Side.SELL if leg.side is Side.BUY else Side.BUY) for leg in ticket.legs)


def steps_of(underlying: str) -> tuple[tuple[Decimal, Decimal], ...]:
    """Return from so many USD, the step of the price of a single contract."""
    starts = [Decimal(0)]
    steps = []
    for most, cents in TICKS.get(underlying, SHARE_TICKS):
        steps.append(Decimal(cents) / 100)
        starts.append(Decimal(str(most)))
    return tuple(zip(starts[:-1], steps, strict=True))


def step(legs: Sequence[OptionLeg], price: Decimal) -> Decimal:
    """Return the step of an order's price: by its contract's rule, or of the net of a combination."""
    underlying = legs[0].contract.underlying
    return _COMBINED.get(underlying, _CENT) if len(legs) > 1 else tick_at(steps_of(underlying), price)
