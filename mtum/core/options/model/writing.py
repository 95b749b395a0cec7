"""What would an index that writes options have made on the model: puts on cash, and calls on the underlying?"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from math import exp

import numpy as np
from msgspec import Struct

from mtum.core.market.instruments import Right
from mtum.core.market.sessions import Sessions
from mtum.core.options.contracts import OptionContract
from mtum.core.options.european import Floats
from mtum.core.options.model.expiries import Expiry, expiries, third_friday
from mtum.core.options.model.levels import Level
from mtum.core.options.model.listing import listing
from mtum.core.options.model.quotes import ModelMarket, quoted
from mtum.core.options.surface import DAYS_PER_YEAR

PUT_LIKE, BXM_LIKE = "PUT-like", "BXM-like"
TOLD: Mapping[str, str] = {
    PUT_LIKE: (
        "sells each third Friday as many one-month puts at the money as its bills, grown to the expiry, pay for in full"
    ),
    BXM_LIKE: "holds the underlying and sells each third Friday one one-month call at the money on all of it",
}
"""What each index does; both are the model's: rolled at the close, at the middle, without costs."""


class WritingDay(Struct, frozen=True):
    """A session of the underlying.

    Parameters
    ----------
    close : float
        USD per share.
    at : datetime
        Instant of the close.
    dividend : float
        USD per share that went ex on it.
    known : Level or str
        The day's volatility, or why there is none: nothing is sold then until there is.
    """

    day: date
    close: float
    at: datetime
    dividend: float
    known: Level | str


class _Written(Struct):
    contract: OptionContract | None = None
    number: float = 0.0  # options sold per index
    bills: float = 0.0  # USD in bills
    shares: float = 0.0


def put_like(
    underlying: str, days: Sequence[WritingDay], sessions: Sessions, rate: float, points: float = 0.0
) -> Floats:
    """Return an index that sells puts at the money against bills, by the rules of Cboe's PUT.

    On the last session of a month's contracts they are settled, and those of the next month sold: the strike is the
    highest listed one that is not above the underlying, and their number is such that the bills and the premium, grown
    at the rate to the expiry, are worth the strikes of all of them.

    Parameters
    ----------
    underlying : str
        Whose options the model quotes.
    days : sequence of WritingDay
        Sessions, oldest first; the first one sells.
    sessions : Sessions
        The exchange's, from a week before the first to 270 days after the last.
    rate : float
        Continuous interest a year, as a fraction.
    points : float
        Volatility points above the level.

    Returns
    -------
    ndarray of float64, shape (n_sessions,)
        Its value at each close, 1 at the first.

    References
    ----------
    Cboe, "Methodology of the Cboe S&P 500 PutWrite Index (PUT)".
    """

    def sell(own: _Written, one: WritingDay) -> None:
        found = _sold(underlying, one, sessions, rate, points, Right.PUT)
        if found is not None:
            contract, premium = found
            strike = float(contract.strike)
            grown = exp(rate * contract.days_from(one.day) / DAYS_PER_YEAR)
            own.contract, own.number = contract, own.bills * grown / (strike - premium * grown)
            own.bills += own.number * premium

    return _played(days, _Written(bills=1.0), _Terms(underlying, sessions, rate, points), sell)


def bxm_like(
    underlying: str, days: Sequence[WritingDay], sessions: Sessions, rate: float, points: float = 0.0
) -> Floats:
    """Return an index that holds the underlying and sells calls at the money on it, by the rules of Cboe's BXM.

    The strike is the lowest listed one that is not below the underlying. What the call settles at is paid by selling
    some of the underlying; premium and dividends buy more of it on the session that brings them.

    Parameters
    ----------
    underlying, days, sessions, rate, points
        As for `put_like`.

    References
    ----------
    Whaley (2002), "Return and risk of CBOE buy write monthly index", Journal of Derivatives 10.
    """

    def sell(own: _Written, one: WritingDay) -> None:
        found = _sold(underlying, one, sessions, rate, points, Right.CALL)
        own.shares += own.bills / one.close
        own.bills = 0.0
        if found is not None:
            own.contract, premium = found
            # One call on each share, those that the premium buys included.
            own.number = own.shares * one.close / (one.close - premium)
            own.shares = own.number

    begun = _Written(shares=1.0 / days[0].close) if days else _Written()
    return _played(days, begun, _Terms(underlying, sessions, rate, points), sell)


class _Terms(Struct, frozen=True):
    underlying: str
    sessions: Sessions
    rate: float
    points: float


def _played(
    days: Sequence[WritingDay], own: _Written, terms: _Terms, sell: Callable[[_Written, WritingDay], None]
) -> Floats:
    found = np.empty(len(days))
    before: date | None = None
    owed = 0.0  # what buying the options back would cost
    for t, one in enumerate(days):
        if before is not None:
            own.bills *= exp(terms.rate * (one.day - before).days / DAYS_PER_YEAR)
        before = one.day
        if own.shares and one.dividend:
            # It is paid on the shares and put into all of the index, the calls sold included.
            net = own.shares * one.close - _owed(own, one, terms, owed)
            grown = 1.0 + own.shares * one.dividend / net
            own.shares, own.number = own.shares * grown, own.number * grown
        if own.contract is not None and one.day >= own.contract.expiry:
            own.bills -= own.number * _inner(own.contract, one.close)
            own.contract, own.number = None, 0.0
        if own.contract is None:
            sell(own, one)
        owed = _owed(own, one, terms, owed)
        found[t] = own.bills + own.shares * one.close - owed
    return found


def _owed(own: _Written, one: WritingDay, terms: _Terms, before: float) -> float:
    # On a session without a level what it was the session before.
    if own.contract is None:
        return 0.0
    if isinstance(one.known, str):
        return before
    return own.number * _mid(own.contract, one, terms.sessions, terms.rate, terms.points, one.known)


def _sold(
    underlying: str, one: WritingDay, sessions: Sessions, rate: float, points: float, right: Right
) -> tuple[OptionContract, float] | None:
    if isinstance(one.known, str):
        return None
    expiry = _next_month(underlying, one.day, sessions)
    if expiry is None:
        return None
    listed = [each for each in listing(underlying, one.day, one.close, [expiry]) if each.right is right]
    spot = Decimal(str(one.close))
    if right is Right.PUT:
        contract = max((each for each in listed if each.strike <= spot), key=lambda each: each.strike)
    else:
        contract = min((each for each in listed if each.strike >= spot), key=lambda each: each.strike)
    return contract, _mid(contract, one, sessions, rate, points, one.known)


def _next_month(underlying: str, day: date, sessions: Sessions) -> Expiry | None:
    # The month's class that expires next, on its third Friday or, where that is no session, the one before.
    for one in expiries(underlying, day, sessions):
        month = third_friday(one.settles.year, one.settles.month)
        after = sessions.after(one.settles)
        if one.day > day and one.settles <= month and (after is None or after.day > month):
            return one
    return None


def _mid(
    contract: OptionContract, one: WritingDay, sessions: Sessions, rate: float, points: float, known: Level
) -> float:
    market = ModelMarket(contract.underlying, one.day, one.at, one.close, rate)
    return quoted(market, [contract], known, sessions, points).mids[contract.con_id]


def _inner(contract: OptionContract, close: float) -> float:
    gain = close - float(contract.strike)
    return max(0.0, gain if contract.right is Right.CALL else -gain)
