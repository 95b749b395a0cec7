"""The sessions of one sleeve over columns: money, limits, wishes and orders as `decide` has them.

Sizing, commissions, loss limits and standing purchases are defined in `core.portfolio` and `core.decide`; what stands
here repeats them for speed, in the part of the language that can be compiled: `simulation.session_path` plays by the
definitions, and tests hold both paths equal order by order. Columns are arrays where the loop is compiled, and lists
of rows where it is not, which plain Python reads quicker.
"""

import numpy as np

from mtum.core.compiled import in_place
from mtum.core.simulation.walker.money import (
    available,
    commission,
    extra_frac,
    fallen_too_far,
    least_order_usd,
    lost_too_much,
    shares_for,
    to_cent,
    wanted_of,
    worth,
)
from mtum.core.simulation.walker.tables import (
    AT,
    CAPPED,
    CARRIED,
    CASH,
    CHANGE,
    COUNTS,
    DECIDED,
    DUE,
    ENDED,
    FILLED,
    HALTED,
    HELD,
    HIT_AT,
    KEEPS,
    LAST,
    ORDERS,
    PEAK,
    PENDING,
    SIGNED,
    STANDING,
    SYMBOL,
    TARGETS,
    WAITING,
    WORD,
    Book,
    Desk,
    Market,
    Room,
    Terms,
    Wishes,
)
from mtum.core.simulation.walker.trail import follow
from mtum.core.simulation.walker.verdicts import wish


@in_place
def take(market: Market, book: Book, fill: tuple[int, int, int], price: float) -> None:
    """Put a fill into what is held: how many shares, and what is remembered of an entry.

    Parameters
    ----------
    market : Market
        Prices and dividends by session and symbol, USD.
    book : Book
        What one session leaves to the next.
    fill : tuple of int
        Position of the session, position of the symbol, shares (below 0 for a sale).
    price : float
        Price, USD per share.
    """
    t, i, signed = fill
    if book.shares[i] == 0:
        book.units[i], book.bought[i], book.paid[i] = 0, 0, 0.0
        book.held[book.marks[HELD]] = i
        book.marks[HELD] += 1
    book.shares[i] += signed
    if signed > 0:
        book.units[i] += 1
        book.bought[i] += signed
        book.paid[i] += signed * price
        book.entry[i], book.last[i] = price if book.units[i] == 1 else book.paid[i] / book.bought[i], price
    book.marks[FILLED] = market.counted[t]


@in_place
def drop_sold(book: Book) -> None:
    """Forget what nothing is held of any more in the list of what is held."""
    kept = 0
    for k in range(book.marks[HELD]):
        if book.shares[book.held[k]] != 0:
            book.held[kept] = book.held[k]
            kept += 1
    book.marks[HELD] = kept


@in_place
def fill(market: Market, terms: Terms, book: Book, room: Room, order: tuple[int, int, int, int], price: float) -> None:
    """Book a fill: what it costs, what is held, when its proceeds settle.

    Parameters
    ----------
    market : Market
        Prices and dividends by session and symbol, USD.
    terms : Terms
        What is traded on; USD, fractions and sessions. Limits that are not set are infinite.
    book : Book
        What one session leaves to the next.
    room : Room
        What was played: equity per session, orders as filled with price and commission.
    order : tuple of int
        Position of the session, position of the symbol, shares (below 0 for a sale), reason.
    price : float
        Price, USD per share.
    """
    (t, i, signed, word), marks = order, book.marks
    fee = commission(terms, abs(signed), price)
    book.purse[CASH] -= signed * price + fee
    take(market, book, (t, i, signed), price)
    if signed < 0 and market.settled[t] > t:
        book.settles[marks[WAITING]], book.proceeds[marks[WAITING]] = market.settled[t], -signed * price - fee
        marks[WAITING] += 1
    n = marks[ORDERS]
    room.orders[n][AT], room.orders[n][SYMBOL], room.orders[n][SIGNED], room.orders[n][WORD] = t, i, signed, word
    room.fills[n][0], room.fills[n][1] = price, fee
    marks[ORDERS] = n + 1


@in_place
def fill_orders(market: Market, terms: Terms, book: Book, room: Room, t: int) -> None:
    """Fill what is pending; where a symbol has no bar its order has lapsed.

    Parameters
    ----------
    market : Market
        Prices and dividends by session and symbol, USD.
    terms : Terms
        What is traded on; USD, fractions and sessions. Limits that are not set are infinite.
    book : Book
        What one session leaves to the next.
    room : Room
        What was played: equity per session, orders as filled with price and commission.
    t : int
        Position of the session.
    """
    for k in range(book.marks[PENDING]):
        i, signed, word = book.pending[k][0], book.pending[k][1], book.pending[k][2]
        price = market.fill[t][i]
        if price > 0.0:
            price *= 1.0 + terms.slippage_frac if signed > 0 else 1.0 - terms.slippage_frac
            fill(market, terms, book, room, (t, i, signed, word), price)
    book.marks[PENDING] = 0
    drop_sold(book)


def end(market: Market, terms: Terms, book: Book, room: Room, at: tuple[int, int]) -> int:
    """Sell what is held of a symbol whose bars have ended, at its last close; how many shares.

    Parameters
    ----------
    market : Market
        Prices and dividends by session and symbol, USD.
    terms : Terms
        What is traded on; USD, fractions and sessions. Limits that are not set are infinite.
    book : Book
        What one session leaves to the next.
    room : Room
        What was played: equity per session, orders as filled with price and commission.
    at : tuple of int
        Position of the session after its last bar, position of the symbol.
    """
    t, i = at
    shares = int(book.shares[i])
    if shares:
        fill(market, terms, book, room, (t, i, -shares, ENDED), market.closing[t][i])
        drop_sold(book)
    return shares


@in_place
def size(market: Market, terms: Terms, book: Book, desk: Desk, money: tuple[int, float, float, float, bool]) -> None:
    """Turn wishes into orders, `desk.signed` by symbol; money: session, equity, cash to spend, most in USD, barred.

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
    money : (int, float, float, float, bool)
        Session, equity, cash to spend and largest position in USD, and whether purchases are barred.
    """
    t, equity, cash, most_usd, barred = money
    least, seen, frac = least_order_usd(terms, equity), market.seen[t], terms.max_position_frac
    for i in desk.sequence:
        desk.signed[i], desk.wanted[i] = 0, -1
        if desk.verdict[i] <= KEEPS:
            continue
        held, price = int(book.shares[i]), seen[i]
        wanted = wanted_of(terms, desk, held, (i, price, equity, frac, most_usd))
        whole = desk.weight[i] <= 0.0 if desk.verdict[i] == TARGETS else desk.number[i] <= 0
        if (
            0 <= wanted < held
            and (whole or not terms.never_sells)
            and (wanted == 0 or (held - wanted) * price >= least)
        ):
            desk.signed[i] = wanted - held
        if wanted <= held or (held > 0 and (wanted - held) * price < least):
            continue
        desk.wanted[i] = wanted
        shares = 0 if barred else min(wanted - held, shares_for(terms, cash, price))
        if shares < 1:
            continue
        if shares * price < least and shares < wanted_of(terms, desk, held, (i, price, equity, 1.0, np.inf)) - held:
            continue
        cash -= shares * price * (1.0 + extra_frac(terms, shares * price, price))
        desk.signed[i] = shares


@in_place
def place(market: Market, book: Book, desk: Desk, t: int) -> bool:
    """Make pending what was decided: exits, reductions, entries, increases; whether something is bought.

    Parameters
    ----------
    market : Market
        Prices and dividends by session and symbol, USD.
    book : Book
        What one session leaves to the next.
    desk : Desk
        Room for the work of one session, by symbol.
    t : int
        Position of the session.
    """
    marks, found = book.marks, 0
    for i in desk.sequence:
        if desk.signed[i] != 0:
            desk.orders[found] = i
            found += 1
    for purpose in range(4):
        for k in range(found):
            i = desk.orders[k]
            signed, held = desk.signed[i], book.shares[i]
            its = (0 if held + signed == 0 else 1) if signed < 0 else 2 if held == 0 else 3
            if its == purpose:
                n = marks[PENDING]
                book.pending[n][0], book.pending[n][1], book.pending[n][2] = i, signed, desk.word[i]
                marks[PENDING] = n + 1
                if held == 0:
                    book.decided[i], book.high[i] = market.counted[t], market.seen[t][i]
    return bool(marks[PENDING] > 0 and book.pending[marks[PENDING] - 1][1] > 0)


@in_place
def stand(market: Market, book: Book, desk: Desk, t: int) -> None:
    """Keep what was wanted and is not yet held for the next decisions.

    Parameters
    ----------
    market : Market
        Prices and dividends by session and symbol, USD.
    book : Book
        What one session leaves to the next.
    desk : Desk
        Room for the work of one session, by symbol.
    t : int
        Position of the session.
    """
    book.marks[STANDING] = 0
    for i in range(len(book.shares)):
        carried = desk.verdict[i] == COUNTS and desk.word[i] >= CARRIED
        if not carried and (book.stands[i] < 0 or market.fit[t][i]):
            book.stands[i] = desk.wanted[i]
            book.since[i], book.stood_for[i] = market.counted[t], desk.word[i]
        book.marks[STANDING] += 1 if book.stands[i] >= 0 else 0


@in_place
def decide(market: Market, wishes: Wishes, terms: Terms, book: Book, desk: Desk, t: int) -> None:
    """Decide one session: what is pending after it.

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
    t : int
        Position of the session.
    """
    equity = worth(market.seen[t], book)
    marks = book.marks
    lost = lost_too_much(terms, book, equity)
    fallen = fallen_too_far(terms, book, equity)
    paused = t - marks[HIT_AT] <= terms.loss_pause_sessions
    flatten = lost and terms.flatten
    drifts = marks[DECIDED] >= 0 and wishes.most_drift < np.inf
    stopped = wishes.trails and follow(market, wishes, book, t)
    if wishes.row[t] >= 0 or drifts or flatten or stopped or marks[STANDING] > 0:
        asked = wish(market, wishes, terms, book, desk, (t, equity, flatten))
    else:
        asked = False
    if asked:
        cash = available(book, t)
        barred = lost or paused or fallen or marks[HALTED] > 0
        size(market, terms, book, desk, (t, equity, cash, terms.max_position_usd, barred))
        if place(market, book, desk, t) and terms.max_position_usd < np.inf:
            for i in range(len(book.shares)):
                desk.orders[i], desk.chosen[i] = desk.signed[i], desk.wanted[i]
            size(market, terms, book, desk, (t, equity, cash, np.inf, barred))
            for i in range(len(book.shares)):
                marks[CAPPED] += 1 if desk.orders[i] != 0 and abs(desk.orders[i]) < abs(desk.signed[i]) else 0
                desk.wanted[i] = desk.chosen[i]
        if terms.stands:
            stand(market, book, desk, t)
    if lost:
        marks[HIT_AT] = t
    if fallen or flatten:
        # A halt lasts until a person resumes; nobody does in a backtest.
        marks[HALTED] = 1


@in_place
def walk(
    market: Market, wishes: Wishes, terms: Terms, desks: tuple[Book, Desk, Room], span: tuple[int, int, int]
) -> int:
    """Play sessions `t` to `stop` and return the one reached: an earlier one where the room for orders is full.

    Parameters
    ----------
    market : Market
        Prices and dividends by session and symbol, USD.
    wishes : Wishes
        The strategy's column form, as the loop reads it.
    terms : Terms
        What is traded on; USD, fractions and sessions. Limits that are not set are infinite.
    desks : (Book, Desk, Room)
        What is held, room for one session's work, and what was played.
    span : tuple of int
        The first session of all, the first to play now, the one to stop before.
    """
    (book, desk, room), (first, t, stop) = desks, span
    purse, marks, count = book.purse, book.marks, len(book.shares)
    while t < stop and marks[ORDERS] + 4 * count <= len(room.orders):
        if market.pays[t]:
            for k in range(marks[HELD]):
                i = book.held[k]
                paid = market.dividend[t][i]
                purse[DUE] += to_cent(book.shares[i] * paid) if paid != 0.0 else 0.0
        fill_orders(market, terms, book, room, t)
        decide(market, wishes, terms, book, desk, t)
        purse[CASH], purse[DUE] = purse[CASH] + purse[DUE], 0.0
        if not terms.next_open:
            fill_orders(market, terms, book, room, t)
        equity = worth(market.closing[t], book)
        room.equity[t - first], room.holds[t - first] = equity, marks[HELD] > 0
        purse[CHANGE] = equity - purse[LAST]
        purse[LAST], purse[PEAK] = equity, max(purse[PEAK], equity)
        t += 1
    return t
