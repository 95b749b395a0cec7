"""Which contracts of an underlying are listed on a session of a model market?"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise, product
from math import ceil, floor

from msgspec import Struct

from mtum.core.market.instruments import Right
from mtum.core.options.contracts import OptionContract
from mtum.core.options.model.expiries import WEEKLY_DAYS, Expiry

NEAR_FRAC = 0.12
"""Distance from the spot up to which the strikes of near expiries are dense."""
COARSE = 5
"""Width of the grid elsewhere, in dense steps: SPY lists its far strikes and its far expiries by 5 USD."""
_FIRST_DAY = date(2000, 1, 1)
_LETTERS = " ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_LONGEST_CLASS, _DAYS, _STRIKES = 6, 2**15, 2**15
_STRIKE_UNIT = Decimal("0.5")
_KEPT = 16_384
"""Contracts kept, about 5 MB: those of some months of one underlying."""


class Grid(Struct, frozen=True):
    """Strikes of a class.

    Parameters
    ----------
    steps : tuple of (float, Decimal)
        Up to so many USD, the dense step in USD; the last one holds without an end.
    lowest, highest : float
        Of the spot: outside nothing is listed.
    widens : bool
        Whether far strikes and far expiries are listed by a wider step.
    """

    steps: tuple[tuple[float, Decimal], ...]
    lowest: float = 0.5
    highest: float = 1.5
    widens: bool = True


_BEYOND = float("inf")
_ONE = Grid(((_BEYOND, Decimal(1)),))
GRIDS: Mapping[str, Grid] = {
    **dict.fromkeys(("SPY", "QQQ", "IWM", "XSP", "SP500"), _ONE),
    "SPX": Grid(((_BEYOND, Decimal(5)),)),
    "VIX": Grid(((15.0, Decimal("0.5")), (200.0, Decimal(1)), (_BEYOND, Decimal(5))), 0.4, 4.0, widens=False),
}
"""By underlying, from the listings of their exchange."""
SHARES = Grid(((25.0, Decimal("2.5")), (200.0, Decimal(5)), (_BEYOND, Decimal(10))), widens=False)
"""Any other: the exchanges' standard intervals."""


def listing(underlying: str, day: date, spot: float, expiries: Sequence[Expiry]) -> tuple[OptionContract, ...]:
    """Return the contracts of an underlying, by expiry, strike and right.

    The strikes follow the spot from session to session. A contract that is held and has left the grid is still a
    contract, and is priced like any other.

    Parameters
    ----------
    underlying : str
        Ticker of the underlying.
    day : date
        Session on which it is listed or quoted.
    spot : float
        USD per share at the session before, or at the decision.
    expiries : sequence of Expiry
        Of the session, see `model.expiries.expiries`.

    Raises
    ------
    ValueError
        If the spot is no price.
    """
    return tuple(
        contract_of(underlying, expiry, right, strike)
        for expiry, strikes in listed_strikes(underlying, day, spot, expiries)
        for strike, right in product(strikes, Right)
    )


def listed_strikes(
    underlying: str, day: date, spot: float, expiries: Sequence[Expiry]
) -> tuple[tuple[Expiry, tuple[Decimal, ...]], ...]:
    """Return the strikes of each expiry, the lowest first: both rights are listed at each; see `listing`.

    Parameters
    ----------
    underlying : str
        Ticker of the underlying.
    day : date
        Session on which it is listed or quoted.
    spot : float
        Price of the underlying, USD.
    expiries : sequence of Expiry
        Expiries to list.
    """
    if not 0 < spot < _BEYOND:
        raise ValueError(f"{underlying}: spot {spot}: strikes need a price above 0")
    grid = GRIDS.get(underlying, SHARES)
    dense, wide = (_strikes(grid, spot, is_dense=is_dense) for is_dense in (True, False))
    return tuple((one, dense if (one.day - day).days <= WEEKLY_DAYS else wide) for one in expiries)


@lru_cache(maxsize=_KEPT)
def contract_of(underlying: str, expiry: Expiry, right: Right, strike: Decimal) -> OptionContract:
    """Return the contract of an expiry; it is the same on every session that lists it, so it is made once.

    Parameters
    ----------
    underlying : str
        Ticker of the underlying.
    expiry : Expiry
        The last session of some contracts.
    right : Right
        What the holder may do.
    strike : Decimal
        Strike, USD.
    """
    return OptionContract(
        number_of(expiry.trading_class, expiry.day, right, strike),
        underlying,
        right,
        strike,
        expiry.day,
        expiry.settles,
        expiry.trading_class,
        expiry.style,
        expiry.delivery,
    )


def number_of(trading_class: str, day: date, right: Right, strike: Decimal) -> int:
    """Return the model's number of a contract: the same in every session, another for every other contract.

    It is counted from what the contract is, so nothing is drawn and nothing is kept. It fits in 63 bits.

    Parameters
    ----------
    trading_class : str
        Class of the contract, such as SPXW.
    day : date
        Last one on which it trades.
    right : Right
        What the holder may do.
    strike : Decimal
        Strike, USD.

    Raises
    ------
    ValueError
        If the class, the day or the strike cannot be of this market.
    """
    letters = [_LETTERS.find(one) for one in trading_class]
    days = (day - _FIRST_DAY).days
    units, rest = divmod(strike, _STRIKE_UNIT)
    sound = 0 < len(letters) <= _LONGEST_CLASS and min(letters) > 0 and 0 <= days < _DAYS
    if not sound or rest or not 0 < units < _STRIKES:
        raise ValueError(f"{trading_class} {day} {strike} {right.name.lower()}: no contract of the model market")
    number = 0
    for letter in letters:
        number = number * len(_LETTERS) + letter
    return ((number * _DAYS + days) * _STRIKES + int(units)) * 2 + (right is Right.PUT)


def named_by(number: int) -> tuple[str, date, Right, Decimal] | None:
    """Return class, last day, right and strike that `number_of` made a number from; None if it is no such number."""
    rest, is_put = divmod(number, 2)
    rest, units = divmod(rest, _STRIKES)
    rest, days = divmod(rest, _DAYS)
    letters = []
    while rest > 0:
        rest, place = divmod(rest, len(_LETTERS))
        letters.append(_LETTERS[place])
    trading_class = "".join(reversed(letters))
    if not units or not 0 < len(letters) <= _LONGEST_CLASS or " " in trading_class:
        return None
    day = _FIRST_DAY + timedelta(days=days)
    return trading_class, day, Right.PUT if is_put else Right.CALL, units * _STRIKE_UNIT


def _strikes(grid: Grid, spot: float, *, is_dense: bool) -> tuple[Decimal, ...]:
    found: set[Decimal] = set()
    bounds = (0.0, *(most for most, _ in grid.steps))
    near = (1.0 - NEAR_FRAC) * spot, (1.0 + NEAR_FRAC) * spot
    for (above, most), (_, step) in zip(pairwise(bounds), grid.steps, strict=True):
        ranges = [(grid.lowest * spot, grid.highest * spot, step * COARSE if grid.widens else step)]
        if is_dense and grid.widens:
            ranges.append((*near, step))
        for low, high, width in ranges:
            first, last = ceil(max(low, above) / float(width)), floor(min(high, most) / float(width))
            found.update(width * count for count in range(max(first, 1), last + 1))
    return tuple(sorted(found))
