"""How many contracts: whole numbers from money, by the rules of each strategy; 0 is never an order."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from msgspec import Struct

from mtum.core.options.contracts import UNITS

_NONE = Decimal(0)


class Bucket(Struct, frozen=True):
    """Part of the account that a hedge may cost while the volatility index is in a range.

    Parameters
    ----------
    low, high : float, float or None
        From the one, which belongs to it, to the other, which does not; None has no end.
    weight : float
        Of the account's equity, from 0 to 1.
    """

    low: float
    high: float | None
    weight: float


BUCKETS = (Bucket(0.0, 15.0, 0.0), Bucket(15.0, 30.0, 0.01), Bucket(30.0, 50.0, 0.005), Bucket(50.0, None, 0.0))


def puts_wanted(weight: float, equity: Decimal, spot: Decimal, shares: int, short_puts: int) -> int:
    """Return how many puts are missing until exercise of all of them would bring the shares to their target.

    Parameters
    ----------
    weight : float
        Target of the symbol, as a fraction of the sleeve's equity.
    equity, spot : Decimal
        USD; USD per share.
    shares, short_puts : int
        Held already; contracts sold already.

    Returns
    -------
    int
        Contracts; below 0 where there are too many.
    """
    return (target_shares(weight, equity, spot) - shares - UNITS * short_puts) // UNITS


def target_shares(weight: float, equity: Decimal, spot: Decimal) -> int:
    """Return the whole shares that a weight of the sleeve's equity is worth.

    Parameters
    ----------
    weight : float
        Fraction of the sleeve's equity.
    equity : Decimal
        Equity of the sleeve, USD.
    spot : Decimal
        Price of the underlying, USD.
    """
    return _times(_exact(weight) * equity, spot)


def paced(wanted: int, equity: Decimal, spot: Decimal, max_new_frac: float) -> int:
    """Return how many of the contracts that are wanted may be opened in one session; one always may.

    Parameters
    ----------
    wanted : int
        Contracts that are wanted.
    equity, spot : Decimal
        USD; USD per share.
    max_new_frac : float
        Part of the sleeve's equity that the shares behind new contracts are worth.
    """
    return max(0, min(wanted, max(1, _times(_exact(max_new_frac) * equity, spot * UNITS))))


def secured(free_cash: Decimal, strike: Decimal) -> int:
    """Return how many puts of a strike free cash secures."""
    return _times(free_cash, strike * UNITS)


def calls_wanted(shares: int, short_calls: int, cap_factor: float = 1.0, target: int | None = None) -> int:
    """Return how many calls own shares cover beside those that are sold already.

    Parameters
    ----------
    shares, short_calls : int
        Held; contracts sold already.
    cap_factor : float
        Part of the shares that may be promised; above 1 it promises no more than there are.
    target : int or None
        Where only the excess is promised: the shares that are kept.

    Returns
    -------
    int
        Contracts; below 0 where there are too many.
    """
    own = shares if target is None else max(0, shares - target)
    return int(min(own * _exact(cap_factor), Decimal(own)) // UNITS) - short_calls


def defined_risk(
    equity: Decimal, max_loss: Decimal, open_loss: Decimal, max_loss_frac: float, total_loss_frac: float
) -> int:
    """Return how many structures keep to the loss that one position and all of them together may have.

    Parameters
    ----------
    equity : Decimal
        Of the sleeve, USD.
    max_loss : Decimal
        Of one structure, USD per share.
    open_loss : Decimal
        Most that the positions which are open can lose, USD.
    max_loss_frac, total_loss_frac : float
        Of the sleeve's equity: of this position, and of all.
    """
    left = min(_exact(max_loss_frac) * equity, _exact(total_loss_frac) * equity - open_loss)
    return _times(left, max_loss * UNITS)


def hedge_weight(index: float, buckets: Sequence[Bucket] = BUCKETS) -> float:
    """Return what part of the account's equity a hedge may cost at a level of the volatility index."""
    return next((one.weight for one in buckets if one.low <= index and (one.high is None or index < one.high)), 0.0)


def bucket_problems(buckets: Sequence[Bucket]) -> tuple[str, ...]:
    """Return what is wrong with the ranges of a hedge, one line each; they have to cover every level once."""
    if not buckets:
        return ("no range of the volatility index is given",)
    found = []
    if buckets[0].low != 0:
        found.append(f"the first range begins at {buckets[0].low:g}; it has to begin at 0")
    for one, following in pairwise(buckets):
        if one.high != following.low:
            end = "has no end" if one.high is None else f"ends at {one.high:g}"
            found.append(f"a range {end} and the next begins at {following.low:g}; they have to meet")
    if buckets[-1].high is not None:
        found.append(f"the last range ends at {buckets[-1].high:g}; it must have no end")
    found += [
        f"the range from {one.low:g} to {one.high:g} is empty"
        for one in buckets
        if one.high is not None and one.high <= one.low
    ]
    found += [f"the weight {one.weight:g} is not from 0 to 1" for one in buckets if not 0 <= one.weight <= 1]
    return tuple(found)


def hedge_calls(budget: Decimal, free_cash: Decimal, ask: Decimal, premium_left: Decimal) -> int:
    """Return how many calls a hedge buys.

    Parameters
    ----------
    budget : Decimal
        Equity of the account times `hedge_weight`, USD.
    free_cash : Decimal
        Of the sleeve, USD.
    ask : Decimal
        Most that is paid, USD per share.
    premium_left : Decimal
        What the year's premium may still be, see `premium_left`.
    """
    return _times(min(budget, free_cash, premium_left), ask * UNITS)


def premium_left(equity: Decimal, premium_of_year: Decimal, annual_premium_frac: float) -> Decimal:
    """Return what a hedge may still cost, USD.

    Parameters
    ----------
    equity : Decimal
        Of the account, USD.
    premium_of_year : Decimal
        Paid in the last 365 days, USD.
    annual_premium_frac : float
        Of the account's equity, in 365 days.
    """
    return max(_NONE, _exact(annual_premium_frac) * equity - premium_of_year)


def _times(amount: Decimal, unit: Decimal) -> int:
    # A unit without a price is bought no times: such a number is none to size by.
    return int(amount // unit) if unit > 0 < amount else 0


def _exact(number: float) -> Decimal:
    return Decimal(str(number))
