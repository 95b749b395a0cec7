"""Money of the walker's loop: commissions, shares for a budget, loss limits, as `core.portfolio` has them."""

from math import floor

from mtum.core.compiled import in_place
from mtum.core.simulation.walker.tables import (
    CASH,
    CHANGE,
    COUNTS,
    DUE,
    HELD,
    LAST,
    PEAK,
    TARGETS,
    WAITING,
    Book,
    Desk,
    Numbers,
    Terms,
)

_HAIR = 1e-9
_SPLIT, _HALF_WAY = 134_217_729.0, 1e-2
# 2 ** 27 + 1 halves the digits of a float; what a product is off a half by less than this is looked at closely.
# Money is a float here and a Decimal in the daily job: an exact half cent there may be slightly less here.


@in_place
def to_cent(amount_usd: float) -> float:
    """Round to the cent, halves up."""
    return float(floor(amount_usd * 100.0 + 0.5 + _HAIR) * 0.01)


@in_place
def rounded_at(value: float, scale: float) -> float:
    """Round to one part of a scale, 1e6 or 1e9, as `round` does: what lies half-way is told by its last bit."""
    scaled = value * scale
    whole = floor(scaled + 0.5)
    if abs(abs(scaled - whole) - 0.5) > _HALF_WAY:
        return float(whole / scale)
    # Either half of the value times the scale is exact, and so is what they leave beside a whole number.
    high = value * _SPLIT - (value * _SPLIT - value)
    off = (high * scale - whole) + (value - high) * scale
    if off > 0.5 or (off == 0.5 and whole % 2 == 1):
        whole += 1
    elif off < -0.5 or (off == -0.5 and whole % 2 == 1):
        whole -= 1
    return float(whole / scale)


@in_place
def summed(values: Numbers) -> float:
    """Sum of numbers as `sum` makes it: what each addition loses is added at the end."""
    total, lost = 0.0, 0.0
    for value in values:
        after = total + value
        lost += (total - after) + value if abs(total) >= abs(value) else (value - after) + total
        total = after
    return total + lost


@in_place
def least_order_usd(terms: Terms, equity: float) -> float:
    """Smallest change of a position in USD that is worth an order."""
    return max(terms.min_trade_usd, terms.min_trade_frac * equity)


@in_place
def commission(terms: Terms, shares: int, price: float) -> float:
    """Commission in USD of one order, to the cent.

    Parameters
    ----------
    terms : Terms
        What is traded on; USD, fractions and sessions. Limits that are not set are infinite.
    shares : int
        Number of shares.
    price : float
        Price, USD per share.
    """
    amount = terms.cost_frac * shares * price
    if terms.fixed_schedule:
        amount = min(max(terms.per_share_usd * shares, terms.minimum_usd), terms.cap_frac * shares * price)
    return to_cent(amount)


@in_place
def extra_frac(terms: Terms, budget_usd: float, price: float) -> float:
    """What a purchase takes beside its price, as a fraction: commission and buffer.

    Parameters
    ----------
    terms : Terms
        What is traded on; USD, fractions and sessions. Limits that are not set are infinite.
    budget_usd : float
        Money to spend, USD.
    price : float
        Price, USD per share.
    """
    extra = terms.cost_frac
    if terms.fixed_schedule:
        by_minimum = terms.minimum_usd / budget_usd if budget_usd > 0.0 else 0.0
        extra = min(max(terms.per_share_usd / price, by_minimum), terms.cap_frac)
    return extra + terms.buffer_frac


@in_place
def shares_for(terms: Terms, budget_usd: float, price: float) -> int:
    """Whole shares that a budget buys.

    Parameters
    ----------
    terms : Terms
        What is traded on; USD, fractions and sessions. Limits that are not set are infinite.
    budget_usd : float
        Money to spend, USD.
    price : float
        Price, USD per share.
    """
    if budget_usd <= 0.0 or price <= 0.0:
        return 0
    return floor(budget_usd / (price * (1.0 + extra_frac(terms, budget_usd, price))))


@in_place
def worth(prices: Numbers, book: Book) -> float:
    """Equity in USD at the prices of a session, shape (n_symbols,), dividends of the session included."""
    total = 0.0
    for k in range(book.marks[HELD]):
        i = book.held[k]
        total += book.shares[i] * prices[i]
    return float(book.purse[CASH] + book.purse[DUE] + total)


@in_place
def unsettled(book: Book, t: int) -> float:
    """Proceeds of sales in USD that cannot be spent yet; those that can are forgotten."""
    kept, total = 0, 0.0
    for k in range(book.marks[WAITING]):
        if book.settles[k] > t:
            book.settles[kept], book.proceeds[kept] = book.settles[k], book.proceeds[k]
            total += book.proceeds[k]
            kept += 1
    book.marks[WAITING] = kept
    return total


@in_place
def lost_too_much(terms: Terms, book: Book, equity: float) -> bool:
    """Whether the last session or this one brought the daily loss.

    Parameters
    ----------
    terms : Terms
        What is traded on; USD, fractions and sessions. Limits that are not set are infinite.
    book : Book
        What one session leaves to the next.
    equity : float
        Equity, USD.
    """
    since, last = rounded_at(equity - book.purse[LAST], 1e6), rounded_at(book.purse[CHANGE], 1e6)
    hit = min(last, since) <= -terms.max_daily_loss_usd
    before = equity - since
    hit = hit or (before > 0.0 and rounded_at(-since / before, 1e9) >= terms.max_daily_loss_frac)
    before -= last
    return bool(hit or (before > 0.0 and rounded_at(-last / before, 1e9) >= terms.max_daily_loss_frac))


@in_place
def fallen_too_far(terms: Terms, book: Book, equity: float) -> bool:
    """Whether the equity is below its highest close by the limit or more.

    Parameters
    ----------
    terms : Terms
        What is traded on; USD, fractions and sessions. Limits that are not set are infinite.
    book : Book
        What one session leaves to the next.
    equity : float
        Equity, USD.
    """
    highest = book.purse[PEAK]
    return bool(highest > 0.0 and rounded_at(1.0 - equity / highest, 1e9) >= terms.max_drawdown_frac)


@in_place
def available(book: Book, t: int) -> float:
    """Cash in USD that can be spent: what the sleeve has, where the broker has as much of it settled."""
    cash = max(0.0, book.purse[CASH])
    return float(min(cash, max(0.0, book.purse[CASH] + book.purse[DUE] - unsettled(book, t))))


@in_place
def wanted_of(terms: Terms, desk: Desk, held: int, at: tuple[int, float, float, float, float]) -> int:
    """Shares to end with under a largest position as a fraction and in USD; -1 leaves them alone.

    Parameters
    ----------
    terms : Terms
        What is traded on; USD, fractions and sessions. Limits that are not set are infinite.
    desk : Desk
        Room for the work of one session, by symbol.
    held : int
        Shares held.
    at : (int, float, float, float, float)
        Symbol's position, price in USD, equity in USD, largest position as a fraction and in USD.
    """
    i, price, equity, most_frac, most_usd = at
    if desk.verdict[i] == TARGETS and desk.weight[i] > 0.0:
        frac = min(desk.weight[i], most_frac)
        bought = shares_for(terms, min(frac * equity, most_usd), price)
        return int(max(bought, min(held, floor(frac * equity / price))))
    if desk.verdict[i] == COUNTS and desk.number[i] > 0:
        count = int(desk.number[i])
        if count <= held:
            return count
        return max(held, min(count, shares_for(terms, min(most_frac * equity, most_usd), price)))
    return 0 if desk.verdict[i] >= TARGETS and held > 0 else -1
