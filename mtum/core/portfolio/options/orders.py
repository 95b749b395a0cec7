"""Option orders: their legs, what one is known by, and what of it works at the broker."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from math import gcd

from msgspec import Struct

from mtum.core.options.chain import Quote
from mtum.core.options.contracts import OptionContract
from mtum.core.options.ladder import Envelope, Market, NetPrice
from mtum.core.options.legs import OptionLeg, OptionPurpose
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import Side, identity, intent_of

MOST_LEGS = 4
"""A broker takes no more legs at one net price."""
ZERO = Decimal(0)


class OptionIntent(Struct, frozen=True):
    """What we want to trade in options, recorded before it is sent.

    Parameters
    ----------
    session : date
        Session it is meant for.
    legs : tuple of OptionLeg
        One to four, each of another contract of one underlying.
    quantity : int
        Units: contracts of a single leg, combinations of several. No part of the identity.
    envelope : Envelope
        Net prices between which it may be offered.
    spot : Decimal
        USD per share of the underlying at the decision.
    group : str
        What ties its lots together, and to the lots that it closes.
    most_loss_usd : Decimal
        The most that the opened group may lose, as the decision reckoned it.
    deadline : datetime
        When it is canceled at the latest.
    """

    account: str
    session: date
    strategy: str
    underlying: str
    purpose: OptionPurpose
    legs: tuple[OptionLeg, ...]
    quantity: int
    envelope: Envelope
    spot: Decimal
    group: str
    most_loss_usd: Decimal
    deadline: datetime
    reasons: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """What it is known by: a second intent for the same legs in a session is the same one.

        Neither the order of the legs nor the quantity tells two intents apart.
        """
        legs = sorted(f"{leg.side.value} {leg.ratio} {leg.contract.con_id}" for leg in self.legs)
        parts = (self.account, self.session.isoformat(), self.strategy, self.purpose.value, *legs)
        return identity(self.session, *parts)

    @property
    def changes(self) -> dict[OptionContract, int]:
        """Contracts that change hands when it fills, negative for those sold."""
        return {leg.contract: leg.signed * self.quantity for leg in self.legs}

    @property
    def unsound(self) -> str:
        """Why its legs make no order, in words; "" if they do."""
        numbers = {leg.contract.con_id for leg in self.legs}
        strangers = sorted({leg.contract.underlying for leg in self.legs} - {self.underlying})
        ratios = [leg.ratio for leg in self.legs]
        if not 1 <= len(self.legs) <= MOST_LEGS:
            return f"{len(self.legs)} legs; one to {MOST_LEGS} make an order"
        if len(numbers) < len(self.legs):
            return "two legs in one contract"
        if strangers:
            return f"a leg on {', '.join(strangers)} in an order on {self.underlying}"
        if min(ratios) < 1 or gcd(*ratios) != 1:
            return f"ratios {', '.join(map(str, ratios))}; whole numbers from 1 in lowest terms"
        return ""


class Attempt(Struct, frozen=True):
    """One offer of an intent at the broker; one of them lives at a time.

    Parameters
    ----------
    number : int
        1 for the first.
    price : NetPrice
        Its limit, net.
    in_place : bool
        Whether it changes the price of the order that the broker has under the same reference.
    """

    intent: OptionIntent
    number: int
    price: NetPrice
    in_place: bool = False

    @property
    def ref(self) -> str:
        """What it is called at the broker."""
        return f"{self.intent.id}-{self.number}"


class WorkingOrder(Struct, frozen=True):
    """An order of anybody that may still fill, in options or in shares.

    Parameters
    ----------
    quantity : int
        Units left.
    legs : tuple of OptionLeg
        Empty for an order in shares.
    price : NetPrice or None
        Its limit, net; None if it has none.
    group, strategy : str
        Of our orders; "" for a stranger's.
    shares : int
        Shares left of an order in shares, negative for a sale.
    unresolved : bool
        Whether it was sent, or perhaps was, and no list shows what became of it.
    """

    ref: str
    underlying: str
    quantity: int = 0
    legs: tuple[OptionLeg, ...] = ()
    price: NetPrice | None = None
    strategy: str = ""
    group: str = ""
    shares: int = 0
    unresolved: bool = False

    @property
    def intent(self) -> str:
        """The intent it belongs to, whatever the attempt."""
        return intent_of(self.ref)

    @property
    def changes(self) -> dict[OptionContract, int]:
        """Contracts that change hands when it fills, negative for those sold."""
        return {leg.contract: leg.signed * self.quantity for leg in self.legs}


def market_of(legs: Iterable[OptionLeg], quotes: Mapping[int, Quote], *, closes: bool = False) -> Market | None:
    """Return the sides of an order by the quotes of its legs; None unless all of them are quoted.

    Parameters
    ----------
    legs : iterable of OptionLeg
        Legs of one unit of the order.
    quotes : mapping of int to Quote
        By the broker's number of the contract.
    closes : bool
        Whether it closes. Then a missing bid counts as 0, for what nobody bids for is sold for nothing, and what is
        sold needs no ask: the bid stands for it.
    """
    near = far = ZERO
    for leg in legs:
        sides = _sides(quotes.get(leg.contract.con_id), leg.side if closes else None)
        if sides is None:
            return None
        bid, ask = (leg.ratio * side for side in sides)
        near += bid if leg.side is Side.BUY else -ask
        far += ask if leg.side is Side.BUY else -bid
    return Market(NetPrice(near), NetPrice((near + far) / 2), NetPrice(far))


def _sides(quote: Quote | None, closed_by: Side | None) -> tuple[Decimal, Decimal] | None:
    if quote is None:
        return None
    if closed_by is None:
        sound = quote.two_sided and quote.bid is not None and quote.ask is not None
        return (exact(quote.bid or 0), exact(quote.ask or 0)) if sound else None
    bid = exact(max(quote.bid or 0.0, 0.0))
    if quote.ask is None or quote.ask <= 0:
        return (bid, bid) if closed_by is Side.SELL else None
    ask = exact(quote.ask)
    return (bid, ask) if ask >= bid else None


def at_work(intents: Sequence[OptionIntent]) -> tuple[WorkingOrder, ...]:
    """Return intents as the orders that they become."""
    prices = (one.envelope.start if one.envelope.worst is None else one.envelope.worst for one in intents)
    return tuple(
        WorkingOrder(f"{one.id}-1", one.underlying, one.quantity, one.legs, price, one.strategy, one.group)
        for one, price in zip(intents, prices, strict=True)
    )
