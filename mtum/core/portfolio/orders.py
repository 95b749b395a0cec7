"""Orders: what we want to trade, its identity, and the states it may move through."""

import base64
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from hashlib import sha256
from math import ceil, floor

from msgspec import Struct

from mtum.core.market.instruments import InstrumentId, InstrumentKind, instrument
from mtum.core.market.side import Side as Side  # noqa: PLC0414  # where orders are, its name is looked for

EXECUTIONS_COME_WITHIN = timedelta(days=7)
"""Shares that turn up later than this after an order are not explained by it."""


class OrderType(Enum):
    """Order types: market, limit, and both on close."""

    MARKET = "MKT"
    LIMIT = "LMT"
    MARKET_ON_CLOSE = "MOC"
    LIMIT_ON_CLOSE = "LOC"

    @property
    def on_close(self) -> bool:
        """Whether the order waits for the closing auction."""
        return self in (OrderType.MARKET_ON_CLOSE, OrderType.LIMIT_ON_CLOSE)


class Purpose(Enum):
    """Why an order exists; part of its identity."""

    ENTER = "enter"
    INCREASE = "increase"
    REDUCE = "reduce"
    EXIT = "exit"
    FALLBACK = "fallback"
    """A market order after a finally rejected exit."""
    COVER = "cover"
    """Buys back shares that are short."""
    STATED_IN = "stated_in"
    """No order: shares that a person states to be ours."""
    STATED_OUT = "stated_out"
    """No order: shares that a person states to be ours no more."""
    CROSSED_IN = "crossed_in"
    """No order: shares that another sleeve sold to this one."""
    CROSSED_OUT = "crossed_out"
    """No order: shares that another sleeve bought of this one."""
    DELIVERED_IN = "delivered_in"
    """No order: shares that came by an option at its strike."""
    DELIVERED_OUT = "delivered_out"
    """No order: shares that went by an option at its strike."""

    @property
    def internal(self) -> bool:
        """Whether nothing of it ever goes to a broker: stated by a person, changed sleeves, or came by an option."""
        return self.value.startswith(("stated", "crossed", "delivered"))

    @property
    def opens(self) -> bool:
        """Whether it adds to a position; everything else makes one smaller and passes a reduce-only halt."""
        return self in (Purpose.ENTER, Purpose.INCREASE)


class OrderStatus(Enum):
    """Life of an order intent."""

    PLANNED = "PLANNED"
    """recorded, nothing sent"""
    SUBMITTING = "SUBMITTING"
    """claimed for sending; no answer recorded yet"""
    ACCEPTED = "ACCEPTED"
    """the broker has it and gave it a permanent id"""
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    """some shares are filled, the rest is working"""
    FILLED = "FILLED"
    """every share is filled"""
    CANCELED = "CANCELED"
    """canceled; what was filled stays filled"""
    EXPIRED = "EXPIRED"
    """ended at the close; what was filled stays filled"""
    REJECTED = "REJECTED"
    """refused by the broker or the exchange"""
    DENIED = "DENIED"
    """refused by our own last gate; nothing was sent"""
    UNKNOWN = "UNKNOWN"
    """sent or perhaps sent, and no list shows it; never sent again by the program"""
    LAPSED = "LAPSED"
    """its session is over and it was never at the broker"""

    @property
    def terminal(self) -> bool:
        """Whether nothing more is expected to happen to the order."""
        return self in _TERMINAL

    @property
    def working(self) -> bool:
        """Whether the order may still be filled at the broker."""
        return self in _WORKING

    @property
    def sent(self) -> bool:
        """Whether the order was handed to the broker, or may have been."""
        return self not in (OrderStatus.PLANNED, OrderStatus.DENIED, OrderStatus.LAPSED)

    @property
    def in_doubt(self) -> bool:
        """Whether the order was sent, or perhaps was, and is not known to be at the broker or not."""
        return self in (OrderStatus.SUBMITTING, OrderStatus.UNKNOWN)


_WORKING = frozenset({OrderStatus.SUBMITTING, OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED, OrderStatus.UNKNOWN})

_TERMINAL = frozenset(
    {
        OrderStatus.FILLED,
        OrderStatus.CANCELED,
        OrderStatus.EXPIRED,
        OrderStatus.REJECTED,
        OrderStatus.DENIED,
        OrderStatus.LAPSED,
    }
)

_BROKER_ENDS = frozenset(
    {OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED, OrderStatus.PARTIALLY_FILLED}
)

ALLOWED_MOVES: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    OrderStatus.PLANNED: _BROKER_ENDS
    | {OrderStatus.SUBMITTING, OrderStatus.DENIED, OrderStatus.LAPSED, OrderStatus.ACCEPTED},
    OrderStatus.SUBMITTING: _BROKER_ENDS
    | {OrderStatus.ACCEPTED, OrderStatus.UNKNOWN, OrderStatus.DENIED, OrderStatus.PLANNED},
    OrderStatus.ACCEPTED: _BROKER_ENDS | {OrderStatus.UNKNOWN},
    OrderStatus.PARTIALLY_FILLED: _BROKER_ENDS | {OrderStatus.UNKNOWN},
    OrderStatus.UNKNOWN: _BROKER_ENDS | {OrderStatus.ACCEPTED, OrderStatus.LAPSED, OrderStatus.PLANNED},
    # A cancel is not believed for ever: the broker may list the order, or a fill, after it.
    OrderStatus.CANCELED: _BROKER_ENDS | {OrderStatus.ACCEPTED},
    OrderStatus.FILLED: frozenset(),
    # Nor is it proof of no fill that no list shows the order at the close: executions may come late.
    OrderStatus.EXPIRED: frozenset({OrderStatus.FILLED}),
    # What was shown as rejected has been seen to work and fill; executions outweigh every word.
    OrderStatus.REJECTED: _BROKER_ENDS | {OrderStatus.ACCEPTED},
    OrderStatus.DENIED: frozenset(),
    OrderStatus.LAPSED: frozenset({OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED, OrderStatus.EXPIRED}),
}
"""The one table of allowed moves.

``SUBMITTING -> DENIED`` is our last gate, which looks after the claim and before the wire;
``PLANNED -> ACCEPTED`` (or how it ended) is an order found at the broker under our reference and adopted;
``ACCEPTED -> UNKNOWN`` is an order that no list shows after its close while the position moved as if it was filled;
``UNKNOWN -> PLANNED`` needs a person who states that nothing was sent; ``SUBMITTING -> PLANNED`` is the
running process that knows it: no byte of the order was written, or the interface takes no orders.
"""


def may_move(before: OrderStatus, after: OrderStatus) -> bool:
    """Return whether a status may follow another; staying is always allowed."""
    return before is after or after in ALLOWED_MOVES[before]


class Leg(Struct, frozen=True):
    """One instrument of an order: which way it goes, and how many of it one unit of the order trades."""

    instrument: InstrumentId
    side: Side
    ratio: int = 1


class OrderIntent(Struct, frozen=True):
    """What we want to trade, recorded before it is sent.

    Parameters
    ----------
    id : str
        `intent_id` of the identifying fields.
    symbol : str
        Id of the instrument, the ticker for shares; of several legs their `combination_id`.
    attempt : int
        1 unless a person stated that the earlier attempt was never sent.
    shares : int
        Whole shares, contracts or units of a combination, above zero.
    reference_price : Decimal
        Decision price in USD that sizing used.
    reasons : tuple of str
        Why, the deciding one first.
    combination : tuple of Leg
        Legs of an order that trades several instruments at one price; empty for one instrument.
    """

    id: str
    account: str
    session: date
    strategy: str
    symbol: str
    purpose: Purpose
    side: Side
    order_type: OrderType
    shares: int
    reference_price: Decimal
    reasons: tuple[str, ...]
    attempt: int = 1
    combination: tuple[Leg, ...] = ()

    @property
    def legs(self) -> tuple[Leg, ...]:
        """What it trades; shares are one leg."""
        return self.combination or (Leg(InstrumentId(self.symbol), self.side),)

    def executed(self, parts: Iterable[tuple[str, Side, Decimal | int]]) -> tuple[int, int]:
        """Return how often it was executed, by the leg that lags behind and by the one that is ahead.

        Parameters
        ----------
        parts : iterable of (str, Side, number)
            Instrument, side and shares or contracts of each execution. What came back for an order in one
            instrument is that instrument's, whatever it is called.
        """
        done = dict.fromkeys(((leg.instrument, leg.side) for leg in self.legs), Decimal(0))
        (only, *rest) = done
        for symbol, side, shares in parts:
            key = only if not rest else (InstrumentId(symbol), side)
            if key in done:
                done[key] += shares
        units = [done[leg.instrument, leg.side] / leg.ratio for leg in self.legs]
        return floor(min(units)), ceil(max(units))

    @property
    def ref(self) -> str:
        """Order reference that travels to the broker: intent id and attempt."""
        return f"{self.id}-{self.attempt}"


class Ticket(Struct, frozen=True):
    """An order as it is handed to a broker: always for today's session, whole shares.

    `symbol`, `shares`, `combination` and `strategy`, the sleeve whose order it is, as in the intent that it carries
    out; an order of the paper check is no sleeve's. Nothing of the last goes to the broker.
    """

    account: str
    symbol: str
    side: Side
    order_type: OrderType
    shares: int
    ref: str
    combination: tuple[Leg, ...] = ()
    strategy: str = ""

    @property
    def untradable(self) -> str:
        """What keeps it from being sent in words, "" for an order in shares: nothing else can be sent yet."""
        if self.combination:
            return f"an order of {len(self.combination)} legs; only orders in one instrument are sent"
        kind = instrument(self.symbol).kind
        return "" if kind is InstrumentKind.STOCK else f"{self.symbol} is no share but of the kind {kind.value!r}"


def ticket_of(intent: OrderIntent) -> Ticket:
    """Return the order that carries out an intent."""
    return Ticket(
        account=intent.account,
        symbol=intent.symbol,
        side=intent.side,
        order_type=intent.order_type,
        shares=intent.shares,
        ref=intent.ref,
        combination=intent.combination,
        strategy=intent.strategy,
    )


def intent_of(ref: str) -> str:
    """Return the id of the intent that a reference of ours belongs to, whatever the attempt.

    Examples
    --------
    >>> intent_of("m180103-TE5RBXEAGWPM-2")
    'm180103-TE5RBXEAGWPM'
    """
    return ref.rpartition("-")[0]


def combination_id(legs: Iterable[Leg]) -> InstrumentId:
    """Return what a combination is kept by, whatever the order of its legs; never the id of one of its instruments.

    Examples
    --------
    >>> put = InstrumentId("MTUM  180119P00100000")
    >>> combination_id((Leg(InstrumentId("MTUM"), Side.SELL, 100), Leg(put, Side.BUY)))
    'BUY 1 MTUM  180119P00100000 + SELL 100 MTUM'
    """
    return InstrumentId(" + ".join(sorted(f"{leg.side.value} {leg.ratio} {leg.instrument}" for leg in legs)))


def intent_id(account: str, day: date, strategy: str, symbol: str, purpose: Purpose) -> str:
    """Identity of an intent: the same inputs give the same id on every machine.

    Parameters
    ----------
    account : str
        Code of the account.
    day : date
        The session's date.
    strategy : str
        Name of the strategy, or of its sleeve.
    symbol : str
        Ticker.
    purpose : Purpose
        Why an order exists; part of its identity.

    Returns
    -------
    str
        20 ASCII characters: ``m``, the session, a dash and 12 of base 32.
    """
    return identity(day, account, day.isoformat(), strategy, symbol, purpose.value)


def identity(day: date, *parts: str) -> str:
    """Return the id of an intent of a session that these parts tell from every other one."""
    letters = base64.b32encode(sha256("\x1f".join(parts).encode()).digest()).decode("ascii")[:12]
    return f"m{day:%y%m%d}-{letters}"
