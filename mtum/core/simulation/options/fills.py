"""At what price does an order in options fill by the model, and what does it cost?"""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from mtum.core.options.chain import Quote
from mtum.core.options.fees import OptionFees
from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.costs import to_cent
from mtum.core.portfolio.options.lots import LegFill
from mtum.core.portfolio.options.orders import ZERO, OptionIntent, market_of

_STEP = Decimal("0.000001")


class Filled(Struct, frozen=True):
    """An order that filled.

    Parameters
    ----------
    net, mid : Decimal
        What it was filled at and the middle, net, USD per share of a unit; a credit is below 0.
    """

    fills: tuple[LegFill, ...]
    net: Decimal
    mid: Decimal
    fees_usd: Decimal


def filled_at(intent: OptionIntent, quotes: Mapping[int, Quote], part: float, fees: OptionFees) -> Filled | str:
    """Return how an order fills over its ladder, or why it does not.

    It fills as a whole, a part of the way from the middle to the far side; where that is beyond the worst net that
    is taken, or a credit would become a debit, nothing is filled.

    Parameters
    ----------
    intent : OptionIntent
        What we want to trade in options, recorded before it is sent.
    quotes : mapping of int to Quote
        By number of the contract, at the close.
    part : float
        From 0 for the middle to 1 for the far side.
    fees : OptionFees
        Interactive Brokers' fees for US options with those of exchanges, clearing and regulators, rounded up.
    """
    closes = intent.purpose is OptionPurpose.CLOSE
    made, net, mid = [], ZERO, ZERO
    for leg in intent.legs:
        sides = market_of((leg,), quotes, closes=closes)
        if sides is None:
            return f"{leg.contract.words} is not quoted"
        price = (sides.mid + Decimal(str(part)) * (sides.far - sides.mid)).quantize(_STEP)
        net, mid = net + price, mid + sides.mid
        made.append((leg, abs(price) / leg.ratio))
    worst = intent.envelope.worst
    if worst is not None and net > worst:
        return f"net {net.normalize():f} is beyond {worst.normalize():f}, the worst that is taken"
    if intent.envelope.start < 0 <= net:
        return f"net {net.normalize():f} is no credit any more"
    fee = fees.of_order(intent.underlying, intent.quantity, len(intent.legs))
    each = to_cent(fee / len(made))
    shares = [fee - each * (len(made) - 1), *[each] * (len(made) - 1)]
    fills = tuple(
        LegFill(
            exec_id=f"{intent.id}-{at}",
            account=intent.account,
            strategy=intent.strategy,
            group=intent.group,
            intent_id=intent.id,
            contract=leg.contract,
            session=intent.session,
            quantity=leg.signed * intent.quantity,
            price=price,
            fee_usd=own,
        )
        for at, ((leg, price), own) in enumerate(zip(made, shares, strict=True))
    )
    return Filled(fills, net, mid, fee)
