"""When an own short, a spread or a hedge is closed, rolled or kept: conditions, and the first rule that is true."""

from collections.abc import Mapping, Sequence
from enum import Enum

from msgspec import Struct

from mtum.core.conditions import Condition, above, at_least, at_most, below
from mtum.core.market.instruments import Right
from mtum.core.options.chain import ReadChain
from mtum.core.options.singles import HeldShort

EX_DATE_SESSIONS = 2
"""Sessions to the ex-date from which a short call in the money is likely to be exercised."""


class Action(Enum):
    """What is done with an open position."""

    CLOSE = "close"
    ROLL = "roll"


type Rule = tuple[str, Action, tuple[Condition, ...]]


class Ruling(Struct, frozen=True):
    """What happens to an open position.

    Parameters
    ----------
    action : Action or None
        None keeps it.
    reason : str
        Name of the first rule all of whose conditions hold; ``hold`` if there is none.
    conditions : tuple of Condition
        Those of every rule, in their order.
    decided_by : tuple of Condition
        Those of the rule that decided; empty if there is none.
    rules : tuple of (str, Action, tuple of Condition)
        All of them, the first that holds deciding.
    """

    action: Action | None
    reason: str
    conditions: tuple[Condition, ...]
    decided_by: tuple[Condition, ...] = ()
    rules: tuple[Rule, ...] = ()


class RollRules(Struct, frozen=True):
    """When a wheel rolls or closes a short.

    Parameters
    ----------
    roll_dte : int
        Days to expiry from which it is rolled.
    roll_pnl : float
        Part of the credit from which it is rolled on any day.
    min_pnl : float
        Part of the credit below which it is not rolled because of its days.
    itm_puts, itm_calls : bool
        Whether those in the money are rolled.
    close_at_pnl : float or None
        Part of the credit from which it is closed.
    """

    roll_dte: int = 15
    roll_pnl: float = 0.90
    min_pnl: float = 0.0
    itm_puts: bool = False
    itm_calls: bool = True
    close_at_pnl: float | None = None


class EnhancedRules(Struct, frozen=True):
    """When an enhanced wheel closes or rolls a short.

    Parameters
    ----------
    take : float
        Part of the credit from which it is bought back.
    exit_dte : int
        Days to expiry from which it is rolled or closed.
    stop_multiple : float or None
        Of the credit, from which it is closed.
    """

    take: float = 0.50
    exit_dte: int = 21
    stop_multiple: float | None = None
    wheel: RollRules = RollRules()


class SpreadExit(Struct, frozen=True):
    """When a condor or a vertical spread is closed.

    Parameters
    ----------
    take : float
        Part of the maximum profit.
    stop_multiple : float
        Of the credit; a debit spread is closed at what is left of the debit divided by it.
    exit_dte : int
        Days to expiry.
    """

    take: float = 0.50
    stop_multiple: float = 2.0
    exit_dte: int = 21


class OpenSpread(Struct, frozen=True):
    """An open structure of defined risk, USD per share.

    Parameters
    ----------
    net : float
        What it cost when it was opened; a credit is below 0.
    width : float
        Of the wider wing.
    short_put, short_call : float or None
        Strikes that were sold.
    """

    net: float
    width: float
    short_put: float | None = None
    short_call: float | None = None


class Today(Struct, frozen=True):
    """What an open position is judged by.

    Parameters
    ----------
    spot : float
        USD per share.
    days : int
        Calendar days to the last trading date.
    mark : float or None
        What closing costs at the middle, see `mark`; None where a leg has no quote that counts.
    ex_date : int or None
        Sessions to the next ex-date, 0 on the day itself; None if there is none before the expiry.
    """

    spot: float
    days: int
    mark: float | None
    ex_date: int | None = None


def mark(found: ReadChain, held: Mapping[int, int]) -> float | None:
    """Return what closing one unit costs at the middle, USD per share; what it brings is below 0.

    Parameters
    ----------
    held : mapping of int to int
        The broker's number of each leg, and how often one unit holds it; below 0 where it was sold.

    Returns
    -------
    float or None
        Rounded to 1e-6; None if a leg has no quote that counts.
    """
    mids = {number: found.mid_of(number) for number in held}
    known = {number: mid for number, mid in mids.items() if mid is not None}
    if not held or len(known) < len(held):
        return None
    return round(sum(-times * known[number] for number, times in held.items()), 6)


def earned(credit: float, mark_usd: float | None) -> float | None:
    """Return the part of a credit that closing at a mark would leave; None where it is unknown."""
    return None if mark_usd is None or credit <= 0 else round((credit - mark_usd) / credit, 6)


def wheel_ruling(held: HeldShort, today: Today, rules: RollRules) -> Ruling:
    """Return whether a wheel rolls or closes a short: closing goes first.

    Parameters
    ----------
    held : HeldShort
        An own contract that was sold.
    today : Today
        What an open position is judged by.
    rules : RollRules
        When a wheel rolls or closes a short.
    """
    return _first((*_close_at(held, today, rules.close_at_pnl), *_rolls(held, today, rules)))


def enhanced_ruling(held: HeldShort, today: Today, rules: EnhancedRules, gate: Sequence[Condition]) -> Ruling:
    """Return whether an enhanced wheel closes or rolls a short.

    Parameters
    ----------
    held : HeldShort
        An own contract that was sold.
    today : Today
        What an open position is judged by.
    rules : EnhancedRules
        When an enhanced wheel closes or rolls a short.
    gate : sequence of Condition
        What has to hold for a new short of its right. From `EnhancedRules.exit_dte` on it is rolled if they all do;
        else it is closed if it has earned anything, else the wheel's own rules are asked.
    """
    pnl = earned(held.credit, today.mark)
    late = at_most("exit_dte", today.days, rules.exit_dte)
    rolls: tuple[Rule, ...] = _rolls(held, today, rules.wheel) if late.passed else ()
    return _first(
        (
            ("take", Action.CLOSE, (at_least("take", pnl, rules.take),)),
            *_stop_at(held.credit, today, rules.stop_multiple),
            ("roll_gate", Action.ROLL, (late, *gate)),
            ("exit_dte", Action.CLOSE, (late, above("pnl", pnl, 0.0))),
            *_close_at(held, today, rules.wheel.close_at_pnl),
            *rolls,
        )
    )


def condor_ruling(spread: OpenSpread, today: Today, rules: SpreadExit) -> Ruling:
    """Return whether an iron condor is closed, and by which rule first.

    Parameters
    ----------
    spread : OpenSpread
        An open structure of defined risk, USD per share.
    today : Today
        What an open position is judged by.
    rules : SpreadExit
        When a condor or a vertical spread is closed.
    """
    puts = (("beyond_put", Action.CLOSE, (below("short_put", today.spot, spread.short_put),)),)
    calls = (("beyond_call", Action.CLOSE, (above("short_call", today.spot, spread.short_call),)),)
    ex_date = ("ex_date", Action.CLOSE, _exercised_early(spread, today))
    return _first((*_of_credit(-spread.net, today, rules), *puts, *calls, ex_date))


def vertical_ruling(
    spread: OpenSpread, today: Today, rules: SpreadExit, bullish: bool, average: float | None
) -> Ruling:
    """Return whether a vertical spread is closed, and by which rule first.

    Parameters
    ----------
    spread : OpenSpread
        An open structure of defined risk, USD per share.
    today : Today
        What an open position is judged by.
    rules : SpreadExit
        When a condor or a vertical spread is closed.
    bullish : bool
        Whether it earns in a rising market; else in a falling one.
    average : float or None
        Mean of the last 50 closes, USD; a close on its other side ends the bias.
    """
    lost = (below if bullish else above)("bias_lost", today.spot, average)
    last: tuple[Rule, ...] = (
        ("bias_lost", Action.CLOSE, (lost,)),
        ("ex_date", Action.CLOSE, _exercised_early(spread, today)),
    )
    if spread.net < 0:
        return _first((*_of_credit(-spread.net, today, rules), *last))
    worth = None if today.mark is None else round(-today.mark, 6)
    taken = round(spread.net + rules.take * (spread.width - spread.net), 6)
    return _first(
        (
            ("take", Action.CLOSE, (at_least("take", worth, taken),)),
            ("stop", Action.CLOSE, (at_most("stop", worth, round(spread.net / rules.stop_multiple, 6)),)),
            ("exit_dte", Action.CLOSE, (at_most("exit_dte", today.days, rules.exit_dte),)),
            *last,
        )
    )


def hedge_ruling(index: float, own_days: Sequence[int], close_above: float, ignore_dte: int = 0) -> Ruling:
    """Return whether a hedge sells its calls.

    Parameters
    ----------
    index : float
        Level of the volatility index, points.
    own_days : sequence of int
        Calendar days to expiry of each long call that is held.
    close_above : float
        Level above which they are sold, points.
    ignore_dte : int
        Calls with as many days or fewer are left to expire and stand in nobody's way.
    """
    held = above("held_calls", float(sum(days > ignore_dte for days in own_days)), 0.0)
    return _first((("close_above", Action.CLOSE, (held, above("close_above", index, close_above))),))


def hedge_entry(
    index: float, own_days: Sequence[int], weight: float, close_above: float, ignore_dte: int = 0
) -> tuple[Condition, ...]:
    """Return what has to hold for a hedge to buy calls.

    Parameters
    ----------
    index, close_above : float
        Levels of the volatility index, points.
    own_days : sequence of int
        As for `hedge_ruling`.
    weight : float
        What the hedge may cost at this level, see `quantities.hedge_weight`.
    ignore_dte : int
        Calls with as many calendar days left or fewer are not counted.
    """
    held = float(sum(days > ignore_dte for days in own_days))
    return (
        at_most("own_calls", held, 0.0),
        at_most("vix_not_above_exit", index, close_above),
        above("budget_weight", weight, 0.0),
    )


def write_conditions(
    right: Right, spot: float, previous_close: float, write_on: str, threshold: float
) -> tuple[Condition, ...]:
    """Return what has to hold for a wheel to write.

    Parameters
    ----------
    right : Right
        What the holder may do.
    spot, previous_close : float
        USD per share.
    write_on : str
        ``red_green``: puts on a session that is not above the previous close, calls on one that is; ``any``.
    threshold : float
        Least move, as a fraction of the previous close.
    """
    moved = at_least("write_threshold", round(abs(spot - previous_close), 6), round(threshold * previous_close, 6))
    if write_on == "any":
        return (moved,)
    colored = at_most("red", spot, previous_close) if right is Right.PUT else above("green", spot, previous_close)
    return colored, moved


def _close_at(held: HeldShort, today: Today, close_at_pnl: float | None) -> tuple[Rule, ...]:
    if close_at_pnl is None:
        return ()
    return (("close_at_pnl", Action.CLOSE, (at_least("close_at_pnl", earned(held.credit, today.mark), close_at_pnl),)),)


def _rolls(held: HeldShort, today: Today, rules: RollRules) -> tuple[Rule, ...]:
    put = held.contract.right is Right.PUT
    strike = float(held.contract.strike)
    allowed = rules.itm_puts if put else rules.itm_calls
    outside = () if allowed else ((above if put else below)("out_of_the_money", today.spot, strike),)
    pnl = earned(held.credit, today.mark)
    near = (at_most("roll_dte", today.days, rules.roll_dte), at_least("min_pnl", pnl, rules.min_pnl))
    return (
        ("roll_dte", Action.ROLL, (*outside, *near)),
        ("roll_pnl", Action.ROLL, (*outside, at_least("roll_pnl", pnl, rules.roll_pnl))),
    )


def _stop_at(credit: float, today: Today, multiple: float | None) -> tuple[Rule, ...]:
    if multiple is None:
        return ()
    return (("stop", Action.CLOSE, (at_least("stop", today.mark, round(multiple * credit, 6)),)),)


def _of_credit(credit: float, today: Today, rules: SpreadExit) -> tuple[Rule, ...]:
    return (
        ("take", Action.CLOSE, (at_most("take", today.mark, round((1.0 - rules.take) * credit, 6)),)),
        *_stop_at(credit, today, rules.stop_multiple),
        ("exit_dte", Action.CLOSE, (at_most("exit_dte", today.days, rules.exit_dte),)),
    )


def _exercised_early(spread: OpenSpread, today: Today) -> tuple[Condition, ...]:
    return (
        at_least("call_in_the_money", today.spot, spread.short_call),
        at_most("ex_date", today.ex_date, EX_DATE_SESSIONS),
    )


def _first(rules: Sequence[Rule]) -> Ruling:
    conditions = tuple(dict.fromkeys(one for _, _, needed in rules for one in needed))
    for reason, action, needed in rules:
        if all(one.passed for one in needed):
            return Ruling(action, reason, conditions, needed, tuple(rules))
    return Ruling(None, "hold", conditions, (), tuple(rules))
