"""The trailing stop of a column form: what it sells at a session, and what it keeps out until a trend begins anew."""

from math import isnan

from mtum.core.compiled import in_place
from mtum.core.simulation.walker.money import rounded_at
from mtum.core.simulation.walker.tables import (
    FREE,
    KEEPS,
    STOPPED,
    TARGETS,
    UNTIL_DOWN,
    UNTIL_UP,
    Book,
    Desk,
    Market,
    Mask,
    Wishes,
)


@in_place
def follow(market: Market, wishes: Wishes, book: Book, t: int) -> bool:
    """Let the stop trail the highest close since each entry; whether it sells anything.

    Parameters
    ----------
    market : Market
        Prices and dividends by session and symbol, USD.
    wishes : Wishes
        The strategy's column form, as the loop reads it.
    book : Book
        What one session leaves to the next.
    t : int
        Position of the session.
    """
    fit, closing, sells = market.fit[t], market.closing[t], False
    for i in range(len(book.shares)):
        held, out = book.shares[i] > 0, book.out[i]
        if held:
            book.high[i] = max(book.high[i], closing[i])
        if not fit[i] or not (held or out > FREE):
            continue
        anew, distance = wishes.anew[t][i], wishes.distance[t][i]
        if out == UNTIL_UP and anew:
            out = FREE
        if held and not isnan(distance):
            stop = rounded_at(min(book.high[i], wishes.highest[t][i]) - distance, 1e6)
            out = UNTIL_DOWN if rounded_at(closing[i], 1e6) < stop else out
        if out > FREE:
            out = UNTIL_DOWN if anew else UNTIL_UP
            sells = sells or held
        book.out[i] = out
    return sells


@in_place
def stop_out(wishes: Wishes, fit: Mask, book: Book, desk: Desk, row: int) -> bool:
    """Write the verdicts of what a trailing stop sells or keeps out; whether it sells anything.

    Parameters
    ----------
    wishes : Wishes
        The strategy's column form, as the loop reads it.
    fit : ndarray of bool, shape (n_symbols,)
        What can be decided on.
    book : Book
        What one session leaves to the next.
    desk : Desk
        Room for the work of one session, by symbol.
    row : int
        Row of the form; below 0 for none.
    """
    found = False
    for i in range(len(book.shares)):
        if book.out[i] > FREE and fit[i]:
            sells = book.shares[i] > 0
            desk.verdict[i], desk.weight[i], found = TARGETS if sells else KEEPS, 0.0, found or sells
            desk.word[i] = wishes.words[STOPPED][row][i] if row >= 0 else wishes.stop_word
    return found
