"""What an option order offers at each step: the mid first, then a third of the way to the far side each time.

Every price is net, in USD per share of one unit of the order: what is paid is positive, what is received negative.
So a lower number is always the better one for us, and the far side is the highest.
"""

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NewType

from msgspec import Struct

NetPrice = NewType("NetPrice", Decimal)
"""USD per share of one unit of an order: a debit is positive, a credit negative."""
STEPS = 3
"""Offers of an order: at C - 17, C - 13 and C - 9."""


class Envelope(Struct, frozen=True):
    """Between which prices an order may move.

    Parameters
    ----------
    start : NetPrice
        Net that the decision reckoned with; below zero it is a credit, and stays one.
    worst : NetPrice or None
        Highest net that is taken; None only for what is closed, which the far side alone bounds.
    to_far_side : bool
        Whether the last offer is the far side: what is closed because it became a risk.
    """

    start: NetPrice
    worst: NetPrice | None
    to_far_side: bool = False


class Market(Struct, frozen=True):
    """Sides of an order as it is quoted, net: the best one to hope for, the middle, and what fills at once."""

    near: NetPrice
    mid: NetPrice
    far: NetPrice


def tick_at(rule: Sequence[tuple[Decimal, Decimal]], price: Decimal) -> Decimal:
    """Return the step of a price by a market rule.

    Parameters
    ----------
    rule : sequence of (from, step)
        USD from which each step counts, rising, the first from 0.
    price : Decimal
        USD per share; its sign does not matter.

    Examples
    --------
    >>> pennies = ((Decimal(0), Decimal("0.01")), (Decimal(3), Decimal("0.05")))
    >>> tick_at(pennies, Decimal("2.99")), tick_at(pennies, Decimal("-3.00"))
    (Decimal('0.01'), Decimal('0.05'))
    """
    return [step for start, step in rule if start <= abs(price)][-1]


def on_tick(price: Decimal, tick: Decimal) -> bool:
    """Return whether a price is a whole number of ticks."""
    return price % tick == 0


def offer(market: Market, envelope: Envelope, tick: Decimal, step: int) -> NetPrice | None:
    """Return what an order offers at a step; None where no sound price is left.

    Rounded in our favor: a purchase at the tick below, a sale at the tick above; the last offer the other way, or it
    would never leave the near side of a market that is one tick wide. Never past the far side nor the envelope's
    worst; a credit never becomes a debit, nor a debit a credit.

    Parameters
    ----------
    market : Market
        Of this moment: every offer is worked out anew.
    envelope : Envelope
        Between which prices an order may move.
    tick : Decimal
        Step of the net price, USD.
    step : int
        0 for the first offer, to `STEPS` - 1 for the last.

    Examples
    --------
    >>> put = Market(*(NetPrice(Decimal(one)) for one in ("-1.30", "-1.15", "-1.00")))
    >>> bounds = Envelope(put.mid, NetPrice(Decimal("-1.04")))
    >>> [str(offer(put, bounds, Decimal("0.01"), step)) for step in range(3)]
    ['-1.15', '-1.10', '-1.05']
    """
    last = step >= STEPS - 1
    part = Decimal(1) if last and envelope.to_far_side else Decimal(min(step, STEPS - 1)) / STEPS
    reached = market.mid + part * (market.far - market.mid)
    most: Decimal = market.far
    if envelope.worst is not None:
        most = min(most, envelope.worst)
    if envelope.start < 0:
        most = min(most, -tick)
    rounded = (reached / tick).to_integral_value(ROUND_CEILING if last else ROUND_FLOOR) * tick
    found = min(rounded, (most / tick).to_integral_value(ROUND_FLOOR) * tick)
    if envelope.start > 0 and found < tick:
        # The least that can be paid; where even that is too much there is nothing to offer.
        found = tick
        if found > most:
            return None
    return NetPrice(found)
