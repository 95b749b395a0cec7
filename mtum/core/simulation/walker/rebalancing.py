"""Verdicts of weights that are traded back: which trigger applies to what is held, and what it trades."""

from math import ceil, floor, sqrt

import numpy as np

from mtum.core.compiled import in_place
from mtum.core.simulation.walker.money import least_order_usd, rounded_at, summed
from mtum.core.simulation.walker.tables import (
    AFTER_FILL,
    CHOPPY,
    COUNTS,
    FILLED,
    GOAL,
    LEAST_OPEN,
    LEFT,
    MEASURE,
    OF_ALL,
    ONE_SIDED,
    OTHER,
    OWN,
    PART,
    REST,
    TARGETS,
    UNBOUNDED,
    Book,
    Desk,
    Market,
    Terms,
    Wishes,
)
from mtum.core.strategies.rebalancing import Choppy, Goal, Measure

# Machine code reads numbers alone.
POINTS, DRIFT, BELOW, ABOVE, EXCESS, NET = (int(one) for one in Measure)
WEIGHT, EDGE, HALF, GAP, SUM, SHARES = (int(one) for one in Goal)
NOT_ASKED, OUTFLOWS, ALL = (int(one) for one in Choppy)


@in_place
def excess(market: Market, wishes: Wishes, book: Book, at: tuple[int, int, float]) -> int:
    """Shares held above the weight wanted.

    Parameters
    ----------
    market : Market
        Prices and dividends by session and symbol, USD.
    wishes : Wishes
        The strategy's column form, as the loop reads it.
    book : Book
        What one session leaves to the next.
    at : (int, int, float)
        Session, position of the symbol, equity in USD.
    """
    t, i, equity = at
    return int(book.shares[i] - floor(rounded_at(wishes.value[wishes.row[t]][i] * equity / market.seen[t][i], 1e6)))


@in_place
def beyond(market: Market, wishes: Wishes, book: Book, desk: Desk, at: tuple[int, int, float]) -> bool:
    """Whether the own gap of any symbol opens a trigger; writes whose it is, and each one's reason.

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
    at : (int, int, float)
        Session, position of the trigger, equity in USD.
    """
    t, k, equity = at
    its, least, weights, fit = wishes.triggers[k], wishes.bands[k], wishes.value[wishes.row[t]], market.fit[t]
    found, measure = False, its[MEASURE]
    for i in range(len(book.shares)):
        desk.chosen[i] = 0
        if not fit[i]:
            continue
        wanted, now, opened, word = weights[i], desk.now[i], False, OWN
        if measure == POINTS:
            opened = (wanted > 0.0 or now > 0.0) and rounded_at(abs(now - wanted), 1e6) >= least[i]
            word = OWN if opened else OTHER
        elif measure == DRIFT:
            opened = wanted > 0.0 and rounded_at(abs(now / wanted - 1.0), 1e6) >= least[i]
            word = OWN if opened else OTHER
        elif measure == BELOW:
            desk.gap[i] = np.inf if now == 0.0 else rounded_at(wanted / now - 1.0, 1e6)
            opened = wanted > 0.0 and desk.gap[i] >= least[i]
            word = UNBOUNDED if now == 0.0 else OWN
        else:
            goes_on = book.opened[k][i] > 0
            opened = goes_on or wanted == 0.0 or rounded_at(now / wanted - 1.0, 1e6) >= least[i]
            opened = opened and excess(market, wishes, book, (t, i, equity)) > 0
            book.opened[k][i] = 1 if opened else 0
            word = UNBOUNDED if wanted == 0.0 else OTHER if goes_on else OWN
        desk.word[i] = its[word]
        if opened:
            desk.chosen[i], found = 1, True
    return found


@in_place
def opens_together(wishes: Wishes, book: Book, k: int, sums: tuple[float, float]) -> bool:
    """Whether all gaps together open a trigger; an open one stays open down to a lower value.

    Parameters
    ----------
    wishes : Wishes
        The strategy's column form, as the loop reads it.
    book : Book
        What one session leaves to the next.
    k : int
        Position of the trigger.
    sums : (float, float)
        Sum of the gaps, and of their sizes.
    """
    (net, sizes), numbers = sums, wishes.amounts[k]
    size = rounded_at(-net if wishes.triggers[k][MEASURE] == EXCESS else abs(net), 1e6)
    opened = size >= (numbers[LEAST_OPEN] if book.opened[k][0] > 0 else wishes.bands[k][0])
    book.opened[k][0] = 1 if opened else 0
    if wishes.triggers[k][MEASURE] == EXCESS:
        return opened and net < 0.0
    return opened and size > rounded_at(numbers[ONE_SIDED] * sizes, 1e6)


@in_place
def is_choppy(market: Market, wishes: Wishes, desk: Desk, t: int) -> bool:
    """Whether the mix moved without getting anywhere, over the completed returns before a session.

    Parameters
    ----------
    market : Market
        Prices and dividends by session and symbol, USD.
    wishes : Wishes
        The strategy's column form, as the loop reads it.
    desk : Desk
        Room for the work of one session, by symbol.
    t : int
        Position of the session.
    """
    invested = summed(desk.now)
    parts = desk.now if invested > 0.0 else wishes.value[wishes.row[t]]
    invested = invested if invested > 0.0 else summed(wishes.value[wishes.row[t]])
    total, squares = 0.0, 0.0
    for s in range(t - wishes.lookback, t):
        new, old, moved = market.closing[s], market.closing[s - 1], 0.0
        for i in range(len(parts)):
            moved += parts[i] / invested * (new[i] / old[i] - 1.0)
        total += moved
        squares += moved * moved
    if squares == 0.0:
        return False
    bound = wishes.choppiness + 1.0  # what moved and came back has none
    choppiness = min(sqrt(squares) / abs(total), bound) if total != 0.0 else bound
    return bool(rounded_at(choppiness, 1e6) >= wishes.choppiness)


@in_place
def trigger(market: Market, wishes: Wishes, book: Book, desk: Desk, at: tuple[int, float, bool]) -> int:
    """Position of the first trigger that applies; -1 for none.

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
    at : (int, float, bool)
        Session, equity in USD, and whether no trigger waits.
    """
    t, equity, at_once = at
    net, found, choppy = summed(desk.gap), -1, -1
    for i in range(len(book.shares)):
        desk.weight[i] = abs(desk.gap[i])
    sizes, now = summed(desk.weight), market.counted[t]
    for k in range(len(wishes.triggers)):
        its = wishes.triggers[k]
        if its[MEASURE] >= EXCESS:
            opened = opens_together(wishes, book, k, (net, sizes))
        else:
            opened = found < 0 and beyond(market, wishes, book, desk, (t, k, equity))
        if found >= 0 or not opened:
            continue
        before = book.marks[FILLED] if its[AFTER_FILL] > 0 else book.traded[k]
        if not at_once and now - before < its[REST]:
            continue
        if its[CHOPPY] == ALL or (its[CHOPPY] == OUTFLOWS and net <= 0.0):
            choppy = choppy if choppy >= 0 else 1 if is_choppy(market, wishes, desk, t) else 0
            if choppy == 0:
                continue
        found = k
        book.traded[k] = now
    if found >= 0 and wishes.triggers[found][MEASURE] >= EXCESS:
        for i in range(len(book.shares)):
            desk.word[i] = wishes.triggers[found][OWN if net > 0.0 else OTHER]
    return found


@in_place
def goal(wishes: Wishes, desk: Desk, at: tuple[int, int, int], share: float) -> float:
    """Weight that a trigger leads a symbol to.

    Parameters
    ----------
    wishes : Wishes
        The strategy's column form, as the loop reads it.
    desk : Desk
        Room for the work of one session, by symbol.
    at : (int, int, int)
        Session, position of the trigger, position of the symbol.
    share : float
        Part of its gap that a symbol trades where the sum of all gaps is traded.
    """
    t, k, i = at
    wanted, now, aim = wishes.value[wishes.row[t]][i], desk.now[i], wishes.triggers[k][GOAL]
    if aim == EDGE:
        wanted = wanted + wishes.widths[i] if now > wanted else wanted - wishes.widths[i]
    elif aim == HALF:
        wanted = (now + wanted) / 2.0
    elif aim == GAP:
        wanted = now + wishes.amounts[k][PART] * desk.gap[i]
    elif aim == SUM:
        wanted = now + desk.gap[i] * share
    return rounded_at(wanted, 1e6)


@in_place
def sold_today(shares: int, price: float, part: float, least_usd: float) -> int:
    """Part of some shares that is sold in a session: worth an order, and so is the rest.

    Parameters
    ----------
    shares : int
        Shares to sell in all.
    price : float
        Price, USD per share.
    part : float
        Part of them for one session.
    least_usd : float
        Smallest sale worth an order, USD.
    """
    worth_it = floor(least_usd / price)
    while worth_it * price < least_usd:
        worth_it += 1
    sold = max(ceil(rounded_at(part * shares, 1e6)), worth_it)
    return shares if (shares - sold) * price <= least_usd else sold


@in_place
def sales_first(desk: Desk) -> None:
    """Put what is sold before all others, both in the order of the list."""
    n = 0
    for rest in range(2):
        for i in range(len(desk.sequence)):
            sold = desk.verdict[i] == COUNTS or (desk.verdict[i] == TARGETS and desk.weight[i] < desk.now[i])
            if sold == (rest == 0):
                desk.sequence[n] = i
                n += 1


@in_place
def widest_first(book: Book, desk: Desk) -> None:
    """Put the widest gaps first, equal ones in the order of the list; the order of the session before is close."""
    order = book.ranked
    for n in range(1, len(order)):
        i, k = order[n], n
        while k > 0 and (
            desk.gap[order[k - 1]] < desk.gap[i] or (desk.gap[order[k - 1]] == desk.gap[i] and order[k - 1] > i)
        ):
            order[k] = order[k - 1]
            k -= 1
        order[k] = i
    for n in range(len(order)):
        desk.sequence[n] = order[n]


@in_place
def trade(market: Market, wishes: Wishes, terms: Terms, book: Book, desk: Desk, at: tuple[int, int, float]) -> None:
    """Write what a trigger trades.

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
    at : (int, int, float)
        Session, position of the trigger, equity in USD.
    """
    t, k, equity = at
    its, fit, net, share = wishes.triggers[k], market.fit[t], summed(desk.gap), 0.0
    by_sum, each = its[GOAL] == SUM, its[MEASURE] < EXCESS and its[OF_ALL] == 0
    for i in range(len(book.shares)):
        desk.weight[i] = desk.gap[i] if desk.gap[i] * net > 0.0 else 0.0
    if by_sum:
        share = min(1.0, (net + wishes.amounts[k][LEFT]) / summed(desk.weight))
    for i in range(len(book.shares)):
        left_alone = (each and desk.chosen[i] == 0) or (by_sum and desk.weight[i] == 0.0)
        desk.weight[i] = 0.0
        if not fit[i] or left_alone:
            continue
        if its[GOAL] == SHARES:
            price, least_usd = market.seen[t][i], least_order_usd(terms, equity)
            sold = sold_today(excess(market, wishes, book, (t, i, equity)), price, wishes.amounts[k][PART], least_usd)
            desk.verdict[i], desk.number[i] = COUNTS, book.shares[i] - sold
        else:
            desk.verdict[i], desk.weight[i] = TARGETS, goal(wishes, desk, (t, k, i), share)


@in_place
def rebalance(market: Market, wishes: Wishes, terms: Terms, book: Book, desk: Desk, at: tuple[int, float]) -> bool:
    """Write the verdicts of weights that are traded back; whether there is any.

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
    if wishes.row[t] < 0:
        return False
    fit, seen, weights, flat = market.fit[t], market.seen[t], wishes.value[wishes.row[t]], wishes.flat_word >= 0
    for i in range(len(book.shares)):
        desk.now[i], desk.gap[i] = 0.0, 0.0
        if fit[i]:
            desk.now[i] = rounded_at(book.shares[i] * seen[i] / equity, 1e6) if equity > 0.0 else 0.0
            desk.gap[i] = weights[i] - desk.now[i]
            flat = flat and book.shares[i] == 0
    k = trigger(market, wishes, book, desk, (t, equity, flat))
    if k < 0 and not flat:
        return False
    if flat:
        for i in range(len(book.shares)):
            if fit[i]:
                desk.verdict[i], desk.weight[i], desk.word[i] = TARGETS, rounded_at(weights[i], 1e6), wishes.flat_word
        return True
    trade(market, wishes, terms, book, desk, (t, k, equity))
    if wishes.triggers[k][MEASURE] == BELOW:
        widest_first(book, desk)
    else:
        sales_first(desk)
    return True
