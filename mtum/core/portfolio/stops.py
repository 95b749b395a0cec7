"""Stops on the entry price: what they sell, and what they keep out of a sleeve afterwards."""

from collections.abc import Collection, Iterable, Mapping

from mtum.core.portfolio.decision import Book, StopRules
from mtum.core.strategies.contract import Abstain, Holding, SymbolVerdict

STOP_LOSS, TAKE_PROFIT = "stop_loss", "take_profit"
"""Reason words: the price has moved from the entry price by what the sleeve's limits say."""


def stopped_after(
    verdicts: Iterable[SymbolVerdict], book: Book, unfit: Collection[str], prices: Mapping[str, float], rules: StopRules
) -> dict[str, str]:
    """Return the symbols that are stopped, with the reason word.

    Those whose price has reached a stop, and those sold by one that the strategy, flat, has wanted or had no
    opinion on ever since.

    Parameters
    ----------
    verdicts : iterable of SymbolVerdict
        Verdicts on the symbols.
    book : Book
        What the sleeve holds and may spend at the decision.
    unfit : collection of str
        Symbols whose price is not known today; what was stopped stays so.
    prices : mapping of str to float
        Price by symbol, USD per share.
    rules : StopRules
        Gain and loss on the entry price at which a position is sold at the decision, as fractions; None = never.
    """
    found: dict[str, str] = {}
    if rules.stop_loss_frac is None and rules.take_profit_frac is None and not book.stopped:
        return found
    for verdict in verdicts:
        symbol = verdict.symbol
        own, before = book.holdings.get(symbol) or Holding(symbol), book.stopped.get(symbol)
        word = None if symbol in unfit or own.shares <= 0 else _reached(own, prices[symbol], rules)
        waits = own.shares > 0 or verdict.enters or isinstance(verdict.verdict, Abstain)
        if word is not None:
            found[symbol] = word
        elif before is not None and waits:
            found[symbol] = before
    return found


def _reached(own: Holding, price: float, rules: StopRules) -> str | None:
    if not own.entry_price:
        return None
    moved = round(price / own.entry_price - 1.0, 6)
    if rules.stop_loss_frac is not None and moved <= -rules.stop_loss_frac:
        return STOP_LOSS
    if rules.take_profit_frac is not None and moved >= rules.take_profit_frac:
        return TAKE_PROFIT
    return None
