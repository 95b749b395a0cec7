"""Structures of defined risk: iron condors and vertical spreads."""

from collections.abc import Set as AbstractSet
from datetime import date
from math import inf

from msgspec import Struct

from mtum.core.conditions import Condition, above, at_least, at_most, below
from mtum.core.market.instruments import Right
from mtum.core.options.chain import BOUGHT, SOLD, SOLD_IN_CONDOR, ReadChain, Reading, WidthRule
from mtum.core.options.selecting import Check, Role, Selection, Structure, Window, choose

ABOUT_45_DAYS = Window(30, 60, 45)


class CondorRules(Struct, frozen=True):
    """Which iron condors are opened.

    Parameters
    ----------
    short_delta, wing_delta : float
        Absolute deltas of the legs that are sold and bought.
    max_wing_frac : float
        Most that a wing lies away from its short leg, as a fraction of the spot.
    min_credit_frac : float
        Least credit, as a fraction of the wider wing.
    min_open_interest : int
        Fewest contracts open, in each leg.
    """

    window: Window = ABOUT_45_DAYS
    short_delta: float = 0.20
    wing_delta: float = 0.05
    max_wing_frac: float = 0.05
    min_credit_frac: float = 0.20
    min_open_interest: int = 100
    width: WidthRule = SOLD_IN_CONDOR


class VerticalRules(Struct, frozen=True):
    """Which vertical spreads are opened.

    Parameters
    ----------
    short_delta, long_delta : float
        Absolute deltas of the legs that are sold and bought for a credit.
    min_credit_frac : float
        Least credit, as a fraction of the width.
    debit_long_delta, debit_short_delta : float
        Absolute deltas of the legs that are bought and sold for a debit.
    max_debit_frac : float
        Most debit, as a fraction of the width.
    min_open_interest : int
        Fewest contracts open, in each leg; it has to be known even where it is 0.
    """

    window: Window = ABOUT_45_DAYS
    short_delta: float = 0.30
    long_delta: float = 0.15
    min_credit_frac: float = 0.25
    debit_long_delta: float = 0.60
    debit_short_delta: float = 0.30
    max_debit_frac: float = 0.60
    min_open_interest: int = 0
    width: WidthRule = SOLD


def iron_condor(found: ReadChain, rules: CondorRules, used: AbstractSet[date] = frozenset()) -> Selection:
    """Choose a put spread and a call spread that are sold together.

    Parameters
    ----------
    found : ReadChain
        A chain read: our numbers by contract, and why others have none.
    rules : CondorRules
        Which iron condors are opened.
    used : set of date
        Expiries that have a condor already.
    """

    def unused(one: Reading) -> Condition:
        taken = one.row.contract.expiry in used
        return Condition("unused_expiry", float(not taken), 1.0, -float(taken), passed=not taken)

    most, least, new = rules.max_wing_frac * found.chain.spot, rules.min_open_interest, (unused,)
    legs = [
        leg
        for place, right in ((0, Right.PUT), (2, Right.CALL))
        for leg in (
            Role(right, False, rules.short_delta, rules.width, least, new),
            Role(right, True, rules.wing_delta, BOUGHT, least, new, beyond=(place, most)),
        )
    ]
    return choose(found, rules.window, legs, (_shorts_apart, *_credit_checks(rules.min_credit_frac)))


def credit_vertical(found: ReadChain, rules: VerticalRules, bullish: bool) -> Selection:
    """Choose a spread that earns if the spot stays on its side: puts for a bullish bias, calls for a bearish one.

    Parameters
    ----------
    found : ReadChain
        A chain read: our numbers by contract, and why others have none.
    rules : VerticalRules
        Which vertical spreads are opened.
    bullish : bool
        Whether it earns in a rising market; else in a falling one.
    """
    right = Right.PUT if bullish else Right.CALL
    legs = (
        Role(right, False, rules.short_delta, rules.width, rules.min_open_interest),
        Role(right, True, rules.long_delta, BOUGHT, rules.min_open_interest, beyond=(0, inf)),
    )
    return choose(found, rules.window, legs, _credit_checks(rules.min_credit_frac))


def debit_vertical(found: ReadChain, rules: VerticalRules, bullish: bool) -> Selection:
    """Choose a spread that is paid for and earns if the spot moves: calls for a bullish bias, else puts.

    Parameters
    ----------
    found : ReadChain
        A chain read: our numbers by contract, and why others have none.
    rules : VerticalRules
        Which vertical spreads are opened.
    bullish : bool
        Whether it earns in a rising market; else in a falling one.
    """
    right = Right.CALL if bullish else Right.PUT
    legs = (
        Role(right, True, rules.debit_long_delta, BOUGHT, rules.min_open_interest),
        Role(right, False, rules.debit_short_delta, rules.width, rules.min_open_interest, beyond=(0, inf)),
    )
    checks: tuple[Check, ...] = (
        lambda one: above("debit", one.net, 0.0),
        lambda one: at_most("max_debit_frac", round(one.net / one.width, 6), rules.max_debit_frac),
    )
    return choose(found, rules.window, legs, checks)


def _credit_checks(least: float) -> tuple[Check, ...]:
    # A credit as wide as the strikes could only win: such quotes are wrong.
    return (
        lambda one: at_least("min_credit_frac", round(one.credit / one.width, 6), least),
        lambda one: below("credit_below_width", one.credit, one.width),
    )


def _shorts_apart(one: Structure) -> Condition:
    put, call = (
        next(leg for leg in one.legs if leg.contract.right is right and not leg.bought)
        for right in (Right.PUT, Right.CALL)
    )
    return above("shorts_apart", call.strike, put.strike)
