"""A member's form played on positions that nobody holds, as `strategies.virtual` moves them."""

from math import floor

import numpy as np

from mtum.core.compiled import compiled, in_place
from mtum.core.simulation.walker.money import rounded_at
from mtum.core.simulation.walker.tables import (
    DECIDED,
    TARGETS,
    Book,
    Desk,
    Market,
    Numbers,
    Terms,
    Wishes,
)
from mtum.core.simulation.walker.trail import follow
from mtum.core.simulation.walker.verdicts import wish
from mtum.core.strategies.virtual import VIRTUAL_USD


@in_place
def move(market: Market, book: Book, weights: Numbers, at: tuple[int, int], weight: float) -> None:
    """Enter, change or leave a virtual position at the decision's price.

    Parameters
    ----------
    market : Market
        Prices and dividends by session and symbol, USD.
    book : Book
        What one session leaves to the next.
    weights : ndarray, shape (n_symbols,)
        Weights of the virtual positions.
    at : (int, int)
        Session, and position of the symbol.
    weight : float
        Weight from now on.
    """
    t, i = at
    before, price = weights[i], market.seen[t][i]
    weights[i] = weight
    book.shares[i] = floor(weight * VIRTUAL_USD / price + 0.5)
    if weight <= before:
        return
    book.last[i] = price
    if before == 0.0:
        book.entry[i], book.units[i] = price, 1
        book.decided[i], book.high[i] = market.counted[t], price
    else:
        # The average of all purchases: what they cost together by the shares they bought.
        book.entry[i] = rounded_at(weight / (before / book.entry[i] + (weight - before) / price), 1e6)
        book.units[i] += 1


@compiled
def imagine(
    market: Market,
    wishes: Wishes,
    terms: Terms,
    desks: tuple[Book, Desk, Numbers],
    table: Numbers,
    span: tuple[int, int],
) -> None:
    """Write the weights that a form wants to hold after each session, whatever its symbols are worth since.

    Parameters
    ----------
    market : Market
        Prices and dividends by session and symbol, USD.
    wishes : Wishes
        The member's column form, as the loop reads it.
    terms : Terms
        What is traded on; USD, fractions and sessions. Limits that are not set are infinite.
    desks : (Book, Desk, ndarray)
        What is remembered, room for one session's work, and weights by symbol.
    table : ndarray, shape (n_sessions, n_symbols)
        Weights by session.
    span : (int, int)
        The first session, and the one to stop before.
    """
    (book, desk, weights), (first, stop) = desks, span
    for t in range(first, stop):
        fit, seen = market.fit[t], market.seen[t]
        stopped = wishes.trails and follow(market, wishes, book, t)
        drifts = book.marks[DECIDED] >= 0 and wishes.most_drift < np.inf
        if wishes.row[t] >= 0 or drifts or stopped:
            for i, weight in enumerate(weights):
                if weight > 0.0 and fit[i]:
                    book.shares[i] = floor(weight * VIRTUAL_USD / seen[i] + 0.5)
            wish(market, wishes, terms, book, desk, (t, VIRTUAL_USD, False))
            for i, verdict in enumerate(desk.verdict):
                # A number of shares is what is held already.
                if verdict == TARGETS and fit[i]:
                    move(market, book, weights, (t, i), max(0.0, rounded_at(desk.weight[i], 1e6)))
        table[t][:] = weights
