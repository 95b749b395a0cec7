"""Single contracts: the puts and calls of a wheel, what they are rolled into, and the calls of a hedge."""

from datetime import date

from msgspec import Struct

from mtum.core.conditions import Condition, above, at_least, at_most
from mtum.core.market.instruments import Right
from mtum.core.options.chain import BOUGHT, SOLD, ReadChain, Reading, WidthRule
from mtum.core.options.contracts import OptionContract
from mtum.core.options.selecting import ChosenLeg, Filter, Role, Selection, Structure, Window, choose, magnitude

MONTHLY_CLASS = "VIX"
"""Class of the volatility index that expires once a month; its weeklies are another decision."""
NO_LAST_DAYS = 36_500
"""Days to expiry that no listed contract has."""


class ShortRules(Struct, frozen=True):
    """Which contracts a wheel sells.

    Parameters
    ----------
    put_delta, call_delta : float
        Largest absolute delta; the contract nearest to it is sold.
    min_open_interest : int
        Fewest contracts open.
    min_credit : float
        The mid is above it, USD per share; a roll for a credit brings at least as much.
    credit_only : bool
        Whether a roll has to bring a credit.
    blackout : tuple of date
        Days that no short option may live through, its first and its last one included.
    """

    window: Window = Window(45, 180, 45)
    put_delta: float = 0.30
    call_delta: float = 0.30
    min_open_interest: int = 10
    min_credit: float = 0.05
    credit_only: bool = True
    blackout: tuple[date, ...] = ()
    width: WidthRule = SOLD


WHEEL = ShortRules()
ENHANCED_WHEEL = ShortRules(Window(30, 60, 45), put_delta=0.25)


class HeldShort(Struct, frozen=True):
    """An own contract that was sold.

    Parameters
    ----------
    credit : float
        USD per share that it brought.
    """

    contract: OptionContract
    credit: float


def short_put(found: ReadChain, rules: ShortRules, strike_limit: float | None = None) -> Selection:
    """Choose a put to sell.

    Parameters
    ----------
    found : ReadChain
        A chain read: our numbers by contract, and why others have none.
    rules : ShortRules
        Which contracts a wheel sells.
    strike_limit : float or None
        Highest strike, USD per share.
    """
    return _sell(found, rules, Right.PUT, _strikes_to(strike_limit))


def short_call(found: ReadChain, rules: ShortRules, lot_price: float, strike_limit: float | None = None) -> Selection:
    """Choose a call to sell against own shares.

    Parameters
    ----------
    found : ReadChain
        A chain read: our numbers by contract, and why others have none.
    rules : ShortRules
        Which contracts a wheel sells.
    lot_price : float
        What the shares cost, USD per share: they are never promised for less, nor for less than the spot.
    strike_limit : float or None
        Lowest strike, USD per share.
    """
    return _sell(found, rules, Right.CALL, _strikes_from(found, lot_price, strike_limit))


def rolled_put(found: ReadChain, rules: ShortRules, held: HeldShort, strike_limit: float | None = None) -> Selection:
    """Choose what a put is rolled into: the old leg, bought back, and the new one.

    The new strike is never above the old one by more than the old put has earned, nor above it at all while the old
    put is in the money.

    Parameters
    ----------
    found : ReadChain
        A chain read: our numbers by contract, and why others have none.
    rules : ShortRules
        Which contracts a wheel sells.
    held : HeldShort
        An own contract that was sold.
    strike_limit : float or None
        Highest strike, USD per share.
    """
    if isinstance(old := _old(found, held), str):
        return Selection(refused=old)
    strike = float(held.contract.strike)
    earned = strike if strike >= found.chain.spot else max(strike, strike + held.credit - old.mid)
    most = earned if strike_limit is None else min(strike_limit, earned)
    return _roll(found, rules, old, _strikes_to(most))


def rolled_call(
    found: ReadChain, rules: ShortRules, held: HeldShort, lot_price: float, strike_limit: float | None = None
) -> Selection:
    """Choose what a call is rolled into: the old leg, bought back, and the new one.

    Parameters
    ----------
    found : ReadChain
        A chain read: our numbers by contract, and why others have none.
    rules : ShortRules
        Which contracts a wheel sells.
    held : HeldShort
        An own contract that was sold.
    lot_price, strike_limit : float, float or None
        As for `short_call`.
    """
    if isinstance(old := _old(found, held), str):
        return Selection(refused=old)
    return _roll(found, rules, old, _strikes_from(found, lot_price, strike_limit))


def hedge_call(found: ReadChain, most_delta: float = 0.30, least_days: int = 30) -> Selection:
    """Choose a call on the volatility index to buy.

    Parameters
    ----------
    found : ReadChain
        A chain read: our numbers by contract, and why others have none.
    most_delta : float
        Largest delta on the future of the expiry; the contract nearest to it is bought.
    least_days : int
        Fewest calendar days to expiry.
    """

    def monthly(one: Reading) -> Condition:
        right_one = one.row.contract.trading_class == MONTHLY_CLASS
        return Condition("monthly_class", float(right_one), 1.0, float(right_one) - 1.0, passed=right_one)

    role = Role(Right.CALL, True, most_delta, BOUGHT, filters=(monthly, _delta_to(most_delta)))
    return choose(found, Window(least_days, NO_LAST_DAYS, least_days), (role,))


def blackout_within(blackout: tuple[date, ...], first: date, last: date) -> date | None:
    """Return the first day, of those that no short option may live through, from one day to another; None if none.

    Parameters
    ----------
    blackout : tuple of date
        Days that no short option may live through.
    first : date
        First day of the closed interval.
    last : date
        Last day of the closed interval.
    """
    return min((day for day in blackout if first <= day <= last), default=None)


def _sell(found: ReadChain, rules: ShortRules, right: Right, filters: tuple[Filter, ...]) -> Selection:
    return choose(found, rules.window, (_short(found, rules, right, filters),))


def _short(found: ReadChain, rules: ShortRules, right: Right, filters: tuple[Filter, ...]) -> Role:
    delta = rules.put_delta if right is Right.PUT else rules.call_delta

    def lives(one: Reading) -> Condition:
        expiry = one.row.contract.expiry
        day = blackout_within(rules.blackout, found.chain.session, expiry)
        if day is None:
            return Condition("blackout", None, None, None, passed=True)
        return above("blackout", float((day - expiry).days), 0.0)

    return Role(
        right,
        False,
        delta,
        rules.width,
        rules.min_open_interest,
        (
            _delta_to(delta),
            lambda one: above("min_credit", round(one.mid, 6), rules.min_credit),
            *((lives,) if rules.blackout else ()),
            *filters,
        ),
    )


def _roll(found: ReadChain, rules: ShortRules, old: Reading, filters: tuple[Filter, ...]) -> Selection:
    def other(one: Reading) -> Condition:
        same = one.row.contract.con_id == old.row.contract.con_id
        return Condition("another_contract", float(not same), 1.0, -float(same), passed=not same)

    def credit(one: Reading) -> Condition:
        return at_least("roll_credit", round(one.mid - old.mid, 6), rules.min_credit)

    added: tuple[Filter, ...] = (other, lambda one: at_least("old_expiry", one.days, old.days), *filters)
    sold = _sell(found, rules, old.row.contract.right, (*added, credit) if rules.credit_only else added)
    if sold.chosen is None:
        return sold
    both = Structure((ChosenLeg(old, bought=True), *sold.chosen.legs))
    return Selection(both, sold.considered, ((both, None), *sold.tried[1:]))


def _old(found: ReadChain, held: HeldShort) -> Reading | str:
    number = held.contract.con_id
    if number not in found.readings:
        return f"{held.contract.words}: {found.without.get(number, 'not in the chain')}"
    reading = found.readings[number]
    wide = BOUGHT.allows(reading.row.quote)
    if not wide.passed:
        return f"{held.contract.words}: its quote is {wide.value} of the middle wide, {wide.threshold} at most"
    return reading


def _delta_to(most: float) -> Filter:
    return lambda one: at_most("max_delta", magnitude(one), most)


def _strikes_to(most: float | None) -> tuple[Filter, ...]:
    if most is None:
        return ()
    return (lambda one: at_most("max_strike", float(one.row.contract.strike), round(most, 6)),)


def _strikes_from(found: ReadChain, lot_price: float, strike_limit: float | None) -> tuple[Filter, ...]:
    least = round(max(lot_price, found.chain.spot, strike_limit or 0.0), 6)
    return (lambda one: at_least("min_strike", float(one.row.contract.strike), least),)
