"""The decision, where a price is in doubt: a sale must also hold at the live midpoint."""

from dataclasses import replace

from mtum.app.session.gather import Gathered
from mtum.core.decide import decide
from mtum.core.market.validation import at_midpoint
from mtum.core.portfolio.decision import Book, Decision
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.sleeves import Sleeve
from mtum.core.view import MarketView
from mtum.errors import BarsInvalidError

WHATEVER_THE_PRICE = frozenset({"exit_carried", "flatten", "sleeve_closed"})
"""Reasons of sales that no condition on today's bar led to."""


def decide_believed(gathered: Gathered, sleeve: Sleeve, book: Book) -> Decision:
    """Decide on what was gathered for a sleeve.

    Raises
    ------
    BarsInvalidError
        If a sale rests on an unconfirmed price alone.
    """
    decision = decide(gathered.view, sleeve.strategy, book, sleeve.rules)
    in_doubt = {
        order.symbol
        for order in decision.orders
        if order.side is Side.SELL and order.symbol in gathered.doubtful and not WHATEVER_THE_PRICE & {*order.reasons}
    }
    if not in_doubt:
        return decision
    again = decide(_at_midpoints(gathered.view, in_doubt), sleeve.strategy, book, sleeve.rules)
    sold = {order.symbol for order in again.orders if order.side is Side.SELL}
    for symbol in sorted(in_doubt):
        midpoint = gathered.view.provisional[symbol].midpoint
        if midpoint is None or symbol not in sold:
            held = "there is no midpoint to check it at" if midpoint is None else f"it does not hold at {midpoint:g}"
            raise BarsInvalidError(
                f"{symbol} {gathered.view.session}: a sale at an unconfirmed price: {held}; "
                "look at the price, then `mtum bars release` it or `mtum flatten`"
            )
    return decision


def _at_midpoints(view: MarketView, symbols: set[str]) -> MarketView:
    bars, provisional = dict(view.bars), dict(view.provisional)
    for symbol in symbols:
        midpoint = provisional[symbol].midpoint
        if midpoint is not None:
            provisional[symbol] = at_midpoint(provisional[symbol], midpoint)
            bars[symbol] = bars[symbol].until(bars[symbol].day(-2)).extended(provisional[symbol].bar)
    return replace(view, bars=bars, provisional=provisional)
