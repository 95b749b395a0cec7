"""Verdicts of a column form at one session, and the wishes that follow, as `core.decide` has them."""

from math import isnan

import numpy as np

from mtum.core.compiled import compiled, in_place
from mtum.core.portfolio.decision import STANDING_SESSIONS
from mtum.core.simulation.walker.money import rounded_at
from mtum.core.simulation.walker.rebalancing import rebalance
from mtum.core.simulation.walker.tables import (
    ALLOCATES,
    CARRIED,
    COUNTS,
    DAILY_LOSS,
    DECIDED,
    KEEPS,
    RANKS,
    REBALANCES,
    STANDING,
    TARGETS,
    Book,
    Desk,
    Market,
    Terms,
    Wishes,
)
from mtum.core.simulation.walker.trail import stop_out

_SCALE_DUST = 1e-9


@in_place
def allocate(market: Market, wishes: Wishes, book: Book, desk: Desk, at: tuple[int, float]) -> bool:
    """Write the verdicts of a table of weights; whether there is any.

    Parameters
    ----------
    market : Market
        Prices and dividends by session and symbol, USD.
    wishes : Wishes
        The strategy's column form, as the loop reads it.
    book : Book
        What one session leaves to the next.
    desk : Desk
        Room for the work of one session, by symbol.
    at : (int, float)
        Session, and equity in USD.
    """
    t, equity = at
    row, decided, found = wishes.row[t], book.marks[DECIDED], False
    if row < 0 and (row < -1 or decided < 0 or wishes.most_drift == np.inf):
        return False
    fit, seen, weights = market.fit[t], market.seen[t], wishes.value[decided if row < 0 else row]
    for i, held in enumerate(book.shares):
        weight = weights[i]
        # Of many symbols to choose from, most are neither held nor wanted.
        if weight == 0.0 and held == 0 and book.stands[i] < 0:
            continue
        if not fit[i] or isnan(weight):
            continue
        current = rounded_at(held * seen[i] / equity, 1e6) if equity > 0.0 else 0.0
        if row < 0:
            off = abs(rounded_at(current / weight - 1.0, 1e6)) if weight > 0.0 else 0.0
            if off > wishes.most_drift:
                desk.verdict[i], desk.weight[i], desk.word[i], found = TARGETS, weight, wishes.drift_word, True
            continue
        free = wishes.entries_always and (weight == 0.0 or held == 0)
        if free or rounded_at(abs(weight - current), 1e6) >= wishes.least_change:
            desk.verdict[i], desk.weight[i], found = TARGETS, weight, True
            kind = 0 if held == 0 else 1 if weight >= current else 2
            desk.word[i] = wishes.words[kind][row][i]
    if row >= 0:
        book.marks[DECIDED] = row
    return found


@in_place
def last_targets(desk: Desk) -> None:
    """Put what is wanted behind all others, both in the order of the list."""
    n = 0
    for wanted in range(2):
        for i in range(len(desk.sequence)):
            if (desk.verdict[i] == TARGETS and desk.weight[i] > 0.0) == (wanted == 1):
                desk.sequence[n] = i
                n += 1


@in_place
def choose(wishes: Wishes, book: Book, desk: Desk, row: int) -> int:
    """Write who is chosen, those that stay first, and each one's weight; how many there are.

    Parameters
    ----------
    wishes : Wishes
        The strategy's column form, as the loop reads it.
    book : Book
        What one session leaves to the next.
    desk : Desk
        Room for the work of one session, by symbol.
    row : int
        Row of the form.
    """
    ranks, sequence, places, n = wishes.value[row], wishes.sequence[row], wishes.top, 0
    for i in range(len(book.shares)):
        desk.weight[i] = 0.0
        places -= 1 if isnan(ranks[i]) and book.shares[i] > 0 else 0
    for i in sequence:
        if not isnan(ranks[i]) and ranks[i] <= wishes.stay_rank and book.shares[i] > 0:
            desk.chosen[n] = i
            desk.weight[i] = 1.0
            n += 1
    for i in sequence:
        if n < places and not isnan(ranks[i]) and desk.weight[i] == 0.0:
            desk.chosen[n] = i
            desk.weight[i] = 1.0
            n += 1
    whole = 0.0
    for k in range(n):
        whole += wishes.part[row][desk.chosen[k]] if len(wishes.part) > 0 else 1.0
    for k in range(n):
        i = desk.chosen[k]
        part = wishes.part[row][i] / whole * (n / wishes.top) if len(wishes.part) > 0 else 1.0 / wishes.top
        desk.weight[i] = rounded_at(part, 1e6)
    return n


@in_place
def rotate(market: Market, wishes: Wishes, book: Book, desk: Desk, at: tuple[int, float]) -> bool:
    """Write the verdicts of a ranking; whether there is any.

    Parameters
    ----------
    market : Market
        Prices and dividends by session and symbol, USD.
    wishes : Wishes
        The strategy's column form, as the loop reads it.
    book : Book
        What one session leaves to the next.
    desk : Desk
        Room for the work of one session, by symbol.
    at : (int, float)
        Session, and equity in USD.
    """
    t, equity = at
    row = wishes.row[t]
    if row < -1:
        # What a loss sells, and what stands.
        for n, i in enumerate(wishes.sequence[-2 - row]):
            desk.sequence[n] = i
    if row < 0:
        return False
    choose(wishes, book, desk, row)
    fit, seen, ranks = market.fit[t], market.seen[t], wishes.value[row]
    for i in range(len(book.shares)):
        if not fit[i] or isnan(ranks[i]):
            continue
        held = book.shares[i]
        current = rounded_at(held * seen[i] / equity, 1e6) if equity > 0.0 else 0.0
        desk.word[i] = 2 if desk.weight[i] == 0.0 else 1 if held > 0 else 0
        desk.verdict[i] = TARGETS
        if desk.weight[i] > 0.0 and not wishes.may_buy[row] and current <= desk.weight[i]:
            # As it is: a purchase that still stands ends too.
            desk.verdict[i], desk.number[i] = COUNTS, held
    n = 0
    for kept in range(2):
        # What is sold whole comes first.
        for i in wishes.sequence[row]:
            sold = desk.verdict[i] == TARGETS and desk.weight[i] == 0.0 and book.shares[i] > 0
            if sold == (kept == 0):
                desk.sequence[n] = i
                n += 1
    return True


@in_place
def leaves(market: Market, wishes: Wishes, book: Book, t: int, i: int) -> int:
    """Reasons to leave what is held, a bit for each; 0 for none.

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
    i : int
        Position of the symbol.
    """
    found, close, kept = int(wishes.words[0][wishes.row[t]][i]), market.seen[t][i], book.kept[i]
    if not isnan(kept) and wishes.target < np.inf and close >= rounded_at(book.entry[i] + wishes.target * kept, 1e6):
        found |= int(wishes.bits[0])
    if not isnan(kept) and wishes.stop < np.inf and close <= rounded_at(book.last[i] - wishes.stop * kept, 1e6):
        found |= int(wishes.bits[1])
    if market.counted[t] - book.decided[i] >= wishes.most_sessions:
        found |= int(wishes.bits[2])
    return found


@in_place
def grown(wishes: Wishes, book: Book, i: int, close: float, equity: float) -> float:
    """Weight with another unit, where the price has risen far enough for one; 0 where it has not.

    Parameters
    ----------
    wishes : Wishes
        The strategy's column form, as the loop reads it.
    book : Book
        What one session leaves to the next.
    i : int
        Position of the symbol.
    close : float
        Price, USD per share.
    equity : float
        Equity, USD.
    """
    kept = book.kept[i]
    if book.units[i] >= wishes.most_units or isnan(kept) or equity <= 0.0:
        return 0.0
    if close < rounded_at(book.last[i] + wishes.step * kept, 1e6):
        return 0.0
    current = rounded_at(book.shares[i] * close / equity, 1e6)
    weight = rounded_at(min(current + book.unit[i], wishes.most_weight), 1e6)
    return weight if weight > current else 0.0


@in_place
def enter_and_leave(market: Market, wishes: Wishes, book: Book, desk: Desk, at: tuple[int, float]) -> bool:
    """Write the verdicts of signals: exits, then purchases as far as there are places; whether there is any.

    Parameters
    ----------
    market : Market
        Prices and dividends by session and symbol, USD.
    wishes : Wishes
        The strategy's column form, as the loop reads it.
    book : Book
        What one session leaves to the next.
    desk : Desk
        Room for the work of one session, by symbol.
    at : (int, float)
        Session, and equity in USD.
    """
    t, equity = at
    row, fit, places, n = wishes.row[t], market.fit[t], wishes.top, 0
    if row < 0:
        return False
    for i in range(len(book.shares)):
        places -= 1 if book.shares[i] > 0 else 0
        if fit[i] and book.shares[i] > 0:
            desk.word[i] = leaves(market, wishes, book, t, i)
            if desk.word[i] > 0:
                desk.verdict[i] = TARGETS
                desk.sequence[n] = i
                n += 1
                places += 1
    for i in wishes.sequence[row]:
        if not fit[i] or desk.verdict[i] != KEEPS:
            continue
        if book.shares[i] > 0:
            desk.weight[i] = grown(wishes, book, i, market.seen[t][i], equity)
            desk.word[i] = wishes.step_word
        elif places > 0 and wishes.value[row][i] > 0.0:
            desk.weight[i] = book.unit[i] = wishes.value[row][i]
            book.kept[i] = wishes.kept[row][i]
            places -= 1
        if desk.weight[i] > 0.0:
            desk.verdict[i], desk.sequence[n] = TARGETS, i
            n += 1
    found = n > 0
    for i in range(len(book.shares)):
        if desk.verdict[i] == KEEPS:
            desk.sequence[n] = i
            n += 1
    return found


@in_place
def force(market: Market, terms: Terms, book: Book, desk: Desk, at: tuple[int, bool]) -> bool:
    """Turn verdicts into wishes: what a loss sells, weights of 1 together at most, purchases that stand.

    Parameters
    ----------
    market : Market
        Prices and dividends by session and symbol, USD.
    terms : Terms
        What is traded on; USD, fractions and sessions. Limits that are not set are infinite.
    book : Book
        What one session leaves to the next.
    desk : Desk
        Room for the work of one session, by symbol.
    at : (int, bool)
        Session, and whether a daily loss sells everything.
    """
    t, flatten = at
    fit, found, total = market.fit[t], False, 0.0
    if flatten:
        for i in range(len(book.shares)):
            if fit[i] and book.shares[i] > 0 and not (desk.verdict[i] == TARGETS and desk.weight[i] <= 0.0):
                desk.verdict[i], desk.weight[i], desk.word[i], found = TARGETS, 0.0, DAILY_LOSS, True
    for i, verdict in enumerate(desk.verdict):
        if verdict == TARGETS:
            total += desk.weight[i]
    if total > 1.0 + _SCALE_DUST:
        for i, verdict in enumerate(desk.verdict):
            if verdict == TARGETS:
                desk.weight[i] = rounded_at(desk.weight[i] / total, 1e9)
    return (book.marks[STANDING] > 0 and carry(market, terms, book, desk, t)) or found


@in_place
def carry(market: Market, terms: Terms, book: Book, desk: Desk, t: int) -> bool:
    """Wish purchases that stand again; whether there is any.

    Parameters
    ----------
    market : Market
        Prices and dividends by session and symbol, USD.
    terms : Terms
        What is traded on; USD, fractions and sessions. Limits that are not set are infinite.
    book : Book
        What one session leaves to the next.
    desk : Desk
        Room for the work of one session, by symbol.
    t : int
        Position of the session.
    """
    fit, found = market.fit[t], False
    for i in range(len(book.shares)):
        late = market.counted[t] - book.since[i] > STANDING_SESSIONS
        if terms.stands and book.stands[i] >= 0 and (book.shares[i] >= book.stands[i] or late):
            book.stands[i] = -1
        if book.stands[i] >= 0 and fit[i] and desk.verdict[i] <= KEEPS:
            desk.verdict[i], desk.number[i], desk.word[i] = COUNTS, book.stands[i], book.stood_for[i] + CARRIED
            found = True
    return found


@compiled
def clear(desk: Desk) -> None:
    """Begin a session: no verdicts, in the order of the list."""
    desk.verdict[:], desk.weight[:], desk.sequence[:] = desk.no_verdict, desk.no_weight, desk.in_turn
    desk.word[:], desk.number[:] = desk.nothing, desk.nothing


@in_place
def say(market: Market, wishes: Wishes, terms: Terms, book: Book, desk: Desk, at: tuple[int, float]) -> bool:
    """Write what a form says at a session; whether there is anything to order.

    Parameters
    ----------
    market : Market
        Prices and dividends by session and symbol, USD.
    wishes : Wishes
        The strategy's column form, as the loop reads it.
    terms : Terms
        What is traded on; USD, fractions and sessions. Limits that are not set are infinite.
    book : Book
        What one session leaves to the next.
    desk : Desk
        Room for the work of one session, by symbol.
    at : (int, float)
        Session, and equity in USD.
    """
    t, equity = at
    clear(desk)
    if wishes.kind == ALLOCATES:
        asked = allocate(market, wishes, book, desk, (t, equity))
        if wishes.trails and stop_out(wishes, market.fit[t], book, desk, wishes.row[t]):
            asked = True
        if wishes.targets_last and wishes.row[t] >= 0:
            last_targets(desk)
    elif wishes.kind == RANKS:
        asked = rotate(market, wishes, book, desk, (t, equity))
    elif wishes.kind == REBALANCES:
        asked = rebalance(market, wishes, terms, book, desk, (t, equity))
    else:
        asked = enter_and_leave(market, wishes, book, desk, (t, equity))
    return asked


@in_place
def wish(market: Market, wishes: Wishes, terms: Terms, book: Book, desk: Desk, at: tuple[int, float, bool]) -> bool:
    """Write what is wished at a session: verdicts, and what money and limits make of them; whether there is any.

    Parameters
    ----------
    market : Market
        Prices and dividends by session and symbol, USD.
    wishes : Wishes
        The strategy's column form, as the loop reads it.
    terms : Terms
        What is traded on; USD, fractions and sessions. Limits that are not set are infinite.
    book : Book
        What one session leaves to the next.
    desk : Desk
        Room for the work of one session, by symbol.
    at : (int, float, bool)
        Session, equity in USD, and whether a daily loss sells everything.
    """
    t, equity, flatten = at
    asked = say(market, wishes, terms, book, desk, (t, equity))
    return force(market, terms, book, desk, (t, flatten)) or asked
