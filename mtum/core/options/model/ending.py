"""How do the options of a model market end: assigned early, exercised, settled in cash, or worth nothing?"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from math import exp

from msgspec import Struct

from mtum.core.market.instruments import Right
from mtum.core.options.contracts import Delivery, End, OptionContract, Style
from mtum.core.options.surface import DAYS_PER_YEAR

LEAST_EXERCISED_USD = Decimal("0.01")
"""In the money by as much per share, an option is exercised at its expiry without being asked."""


class Ending(Struct, frozen=True):
    """Contracts that are no more.

    Parameters
    ----------
    quantity : int
        Contracts that ended, below 0 for those that were sold.
    shares : int
        Shares received, below 0 for those delivered.
    cash_usd : Decimal
        Received, below 0 where it was paid. There are no fees.
    told : str
        Why, and what the model could not know of it.
    """

    contract: OptionContract
    quantity: int
    kind: End
    shares: int
    cash_usd: Decimal
    told: str


def at_expiry(contract: OptionContract, quantity: int, close: Decimal) -> Ending:
    """Return how a position ends after the last session of its contract.

    Parameters
    ----------
    contract : OptionContract
        One listed contract, as the broker's details of the day name it.
    quantity : int
        Below 0 for contracts that were sold.
    close : Decimal
        Official close of the underlying on that session, USD per share.

    Raises
    ------
    ValueError
        If nothing is held, or the close is no price.
    """
    if quantity == 0 or not (close.is_finite() and close > 0):
        raise ValueError(f"{contract.words}: {quantity} contracts at a close of {close} cannot expire")
    worth = contract.worth_at(close)
    if worth < LEAST_EXERCISED_USD:
        return Ending(contract, quantity, End.EXPIRED, 0, Decimal(0), f"out of the money at {close}")
    if contract.delivery is Delivery.SHARES:
        return _delivered(contract, quantity, f"{worth} in the money at {close}")
    told = f"settled at {close}"
    if contract.delivery is Delivery.CASH_AM:
        told += ", the close: the opening prices that settle it are unknown to the model"
    return Ending(contract, quantity, End.CASH_SETTLED, 0, worth * contract.multiplier * quantity, told)


class Night(Struct, frozen=True):
    """What an assignment depends on between two sessions.

    Parameters
    ----------
    day, following : date
        The session that is over and the next one.
    close : Decimal
        Of the underlying on the session that is over, USD per share.
    rate : float
        Continuous interest a year, as a fraction.
    dividends : sequence of (date, Decimal)
        Ex-dates and USD per share, in any order.
    """

    day: date
    following: date
    close: Decimal
    rate: float
    dividends: Sequence[tuple[date, Decimal]] = ()


def early(contract: OptionContract, quantity: int, night: Night, opposite: float) -> Ending | None:
    """Return how contracts that were sold are assigned over a night before their expiry; None if they are not.

    A holder gives up the protection that an option of the other right at the same strike and expiry would cost. A
    call is exercised on the eve of an ex-date if the dividend is worth more than that, interest aside; a put whenever
    the interest on the strike up to expiry is worth more than that and the dividends until then. All contracts are
    assigned: more than a market would, where some holders forget.

    Parameters
    ----------
    contract : OptionContract
        One listed contract, as the broker's details of the day name it.
    quantity : int
        Below 0; what is held is never exercised early.
    night : Night
        What an assignment depends on between two sessions.
    opposite : float
        Worth of the option of the other right at the same strike and expiry, USD per share.

    Raises
    ------
    ValueError
        If the following session is not after the night's, or the worth is no number of at least 0.
    """
    if not night.day < night.following or not opposite >= 0:
        raise ValueError(f"{contract.words}: {night.day} to {night.following} with the other right worth {opposite}")
    worth = contract.worth_at(night.close)
    is_over = night.day >= contract.expiry
    if quantity >= 0 or contract.style is not Style.AMERICAN or is_over or worth < LEAST_EXERCISED_USD:
        return None
    if contract.right is Right.CALL:
        paid = sum((usd for ex_day, usd in night.dividends if night.day < ex_day <= night.following), Decimal(0))
        if float(paid) <= opposite:
            return None
        return _delivered(contract, quantity, f"a dividend of {paid} is worth more than waiting ({opposite:.2f})")
    missed = sum((usd for ex_day, usd in night.dividends if night.day < ex_day <= contract.expiry), Decimal(0))
    interest = float(contract.strike) * (1.0 - exp(-night.rate * contract.days_from(night.day) / DAYS_PER_YEAR))
    if interest <= opposite + float(missed):
        return None
    kept = opposite + float(missed)
    return _delivered(contract, quantity, f"interest of {interest:.2f} is worth more than waiting ({kept:.2f})")


def _delivered(contract: OptionContract, quantity: int, why: str) -> Ending:
    # A call brings its holder shares, a put takes them; who sold it has the other side.
    sign = 1 if contract.right is Right.CALL else -1
    shares = sign * quantity * contract.multiplier
    kind = End.EXERCISED if quantity > 0 else End.ASSIGNED
    return Ending(contract, quantity, kind, shares, -contract.strike * shares, why)
