"""What closes option groups whatever their strategy says, and what of them is at risk while nothing may be sent."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from math import gcd

from mtum.core.market.instruments import Right
from mtum.core.options.asking import OptionGroup, OwnOptions, Proposal
from mtum.core.options.chain import ON_FUTURE, ReadChain
from mtum.core.options.contracts import OptionContract
from mtum.core.options.ladder import Envelope, NetPrice
from mtum.core.options.legs import OptionLeg, OptionPurpose
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.options.lots import closing_order, summed
from mtum.core.portfolio.options.orders import MOST_LEGS, ZERO, market_of
from mtum.core.portfolio.orders import Side
from mtum.core.view import MarketView

NEAR_DAYS = 5
"""Calendar days to the last one from which a short option is named while trading is halted altogether."""


def closings(group: OptionGroup, chain: ReadChain | None, spot: Decimal) -> Iterator[Proposal]:
    """Yield what closes a group: one order; of what is left of a broken one a leg each, the shorts first.

    Parameters
    ----------
    group : OptionGroup
        The open lots of one structure.
    chain : ReadChain or None
        A chain read: our numbers by contract, and why others have none; None for none.
    spot : Decimal
        Price of the underlying, USD.
    """
    held = summed(*({lot.contract: lot.quantity} for lot in group.lots))
    if not group.broken and 0 < len(held) <= MOST_LEGS:
        yield _closing(group.group, held, chain, spot)
        return
    for contract in dict.fromkeys(lot.contract for lot in closing_order(group.lots)):
        if contract in held:
            yield _closing(group.group, {contract: held[contract]}, chain, spot)


def _closing(name: str, held: Mapping[OptionContract, int], chain: ReadChain | None, spot: Decimal) -> Proposal:
    units = gcd(*held.values())
    legs = tuple(
        OptionLeg(one, Side.BUY if held[one] < 0 else Side.SELL, abs(held[one]) // units)
        for one in sorted(held, key=lambda one: (held[one] > 0, one.con_id))
    )
    quotes = {row.contract.con_id: row.quote for row in chain.chain.rows} if chain else {}
    market = market_of(legs, quotes, closes=True)
    # Without a quote it begins at what exercise would be worth; the ladder reckons with the quotes of its moment.
    inner = sum((leg.signed * inner_of(leg.contract, spot) for leg in legs), ZERO)
    start = NetPrice(inner) if market is None else market.mid
    return Proposal(OptionPurpose.CLOSE, name, legs, units, Envelope(start, None, to_far_side=True), ZERO)


def inner_of(contract: OptionContract, spot: Decimal) -> Decimal:
    """Return what exercise would bring at a price of the underlying, USD per share."""
    return max(ZERO, spot - contract.strike if contract.right is Right.CALL else contract.strike - spot)


def spot_of(underlying: str, chains: Mapping[str, ReadChain], view: MarketView) -> Decimal:
    """Return the price of an underlying that an order in its options is decided at.

    Parameters
    ----------
    underlying : str
        Ticker of the underlying.
    chains : mapping of str to ReadChain
        Chains by underlying.
    view : MarketView
        Everything a strategy may look at for one session.
    """
    # The last gate holds it against the broker's price of the underlying itself, which a future is not.
    chain, known = chains.get(underlying), view.prices.get(underlying) or view.series.get(underlying) or 0.0
    return exact(chain.chain.spot if chain and not (underlying in ON_FUTURE and known) else known)


def at_risk(own: OwnOptions, chains: Mapping[str, ReadChain], view: MarketView) -> Iterator[str]:
    """Yield short options that are near their end or in the money, in words.

    Parameters
    ----------
    own : OwnOptions
        What a strategy of options knows of its own sleeve.
    chains : mapping of str to ReadChain
        Chains by underlying.
    view : MarketView
        Everything a strategy may look at for one session.
    """
    for group in own.groups:
        spot = spot_of(group.underlying, chains, view)
        for contract, number in summed(*({lot.contract: lot.quantity} for lot in group.lots)).items():
            days, inner = contract.days_from(view.session), inner_of(contract, spot)
            if number >= 0 or (days > NEAR_DAYS and not inner):
                continue
            near = [f"{days} {'day' if days == 1 else 'days'} left"] if days <= NEAR_DAYS else []
            near += [f"{inner:.2f} USD in the money at {spot:.2f}"] if inner else []
            yield f"{-number} short {contract.words} ({group.group}): {', '.join(near)}"
