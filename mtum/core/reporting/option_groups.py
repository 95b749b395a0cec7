"""Open groups of options as a person reads them: what each earns, what it risks, and what happens next."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct

from mtum.core.conditions import Condition
from mtum.core.options.asking import OptionGroup, OptionVerdict
from mtum.core.options.chain import ReadChain
from mtum.core.options.contracts import OptionContract
from mtum.core.portfolio.options.lots import summed
from mtum.core.portfolio.options.orders import ZERO
from mtum.core.portfolio.options.reservations import Held, pinned_by
from mtum.core.reporting.words import condition, listed, reason

_DONE = {"open": "opened", "close": "closed", "roll": "rolled"}
_FAR = 1e9
"""Distance of a rule that waits for what is not known."""


class LegLine(Struct, frozen=True):
    """One contract of a group.

    Parameters
    ----------
    quantity : int
        Contracts, negative for those sold.
    premium, mark : Decimal, Decimal or None
        USD per share: paid or received, and worth now.
    delta : float or None
        Of one contract held, USD per USD of the underlying; None where it is not known.
    """

    contract: str
    con_id: int
    quantity: int
    days: int
    premium: Decimal
    mark: Decimal | None
    delta: float | None


class NextRule(Struct, frozen=True):
    """The rule that is nearest to hold.

    Parameters
    ----------
    action : str
        What it does: close or roll; settle where only a person can.
    due : bool
        Whether it holds.
    value, threshold : float or None
        Of what it waits for.
    text : str
        All of it in words.
    """

    name: str
    action: str
    due: bool
    condition: str
    value: float | None
    threshold: float | None
    text: str


class GroupLine(Struct, frozen=True):
    """An open group.

    Parameters
    ----------
    days : int
        Calendar days to the first expiry of its legs.
    delta_shares : float or None
        Shares of the underlying that it moves like; None where a delta is not known.
    worth_usd, pnl_usd : Decimal or None
        What closing it at the middle brings, negative for what it costs; that less what it cost, fees included, None
        while one of them is not told.
    collateral_usd, pledged_shares, max_loss_usd : Decimal, int, Decimal
        Cash and shares that it pins, and the most that it may lose.
    next : NextRule or None
        None where no rule is known.
    """

    sleeve: str
    group: str
    underlying: str
    opened: date
    broken: bool
    legs: tuple[LegLine, ...]
    days: int
    delta_shares: float | None
    worth_usd: Decimal | None
    pnl_usd: Decimal | None
    credit_usd: Decimal
    collateral_usd: Decimal
    pledged_shares: int
    max_loss_usd: Decimal
    next: NextRule | None


def group_line(
    sleeve: str,
    group: OptionGroup,
    day: date,
    found: ReadChain | None,
    marks: Mapping[OptionContract, Decimal],
    verdicts: Sequence[OptionVerdict],
) -> GroupLine:
    """Return one open group.

    Parameters
    ----------
    sleeve : str
        Name of the sleeve.
    group : OptionGroup
        The open lots of one structure.
    day : date
        Session as of which days are counted.
    found : ReadChain or None
        Its chain, where one was read.
    marks : mapping of OptionContract to Decimal
        What contracts are worth where the chain does not tell, USD per share.
    verdicts : sequence of OptionVerdict
        Of its strategy on this group.
    """
    held = summed(*({lot.contract: lot.quantity} for lot in group.lots))
    legs = tuple(
        _leg(group, contract, quantity, day, found, marks)
        for contract, quantity in sorted(held.items(), key=lambda pair: (pair[0].expiry, pair[0].strike))
    )
    paid = sum((lot.paid_usd for lot in group.lots), ZERO)
    fees = [lot.fees_usd for lot in group.lots if lot.fees_usd is not None]
    values = [(one.quantity, one.mark) for one in legs]
    worth = None
    if all(mark is not None for _, mark in values):
        multiplier = next(iter(held)).multiplier if held else 0
        worth = sum((quantity * (mark or ZERO) * multiplier for quantity, mark in values), ZERO)
    deltas = [None if one.delta is None else one.delta * one.quantity * 100 for one in legs]
    known = [one for one in deltas if one is not None]
    pinned = pinned_by(Held(sleeve, group.group, group.underlying, held, paid))
    return GroupLine(
        sleeve=sleeve,
        group=group.group,
        underlying=group.underlying,
        opened=group.opened,
        broken=group.broken,
        legs=legs,
        days=min((one.days for one in legs), default=0),
        delta_shares=round(sum(known), 2) if len(known) == len(deltas) else None,
        worth_usd=worth,
        pnl_usd=None if worth is None or len(fees) < len(group.lots) else worth - paid - sum(fees, ZERO),
        credit_usd=-paid,
        collateral_usd=pinned.cash_usd,
        pledged_shares=pinned.shares,
        max_loss_usd=pinned.loss_usd,
        next=_awaited(held, day, marks) or _next(group, verdicts),
    )


def _leg(
    group: OptionGroup,
    contract: OptionContract,
    quantity: int,
    day: date,
    found: ReadChain | None,
    marks: Mapping[OptionContract, Decimal],
) -> LegLine:
    lots = [lot for lot in group.lots if lot.contract == contract]
    count = sum(abs(lot.quantity) for lot in lots)
    premium = sum((lot.premium * abs(lot.quantity) for lot in lots), ZERO) / count
    mid = None if found is None else found.mid_of(contract.con_id)
    reading = None if found is None else found.readings.get(contract.con_id)
    mark = marks.get(contract) if mid is None else Decimal(str(round(mid, 6)))
    delta = None if reading is None or reading.delta is None else round(reading.delta, 4)
    return LegLine(contract.words, contract.con_id, quantity, contract.days_from(day), round(premium, 6), mark, delta)


def _awaited(held: Mapping[OptionContract, int], day: date, marks: Mapping[OptionContract, Decimal]) -> NextRule | None:
    # Nobody decides on what has ended: a person states the prices that settled it.
    over = [one for one in held if one.awaits_settlement(day)]
    if not over:
        return None
    told = [
        f"{one.words} of {one.ends}, counted at "
        + (f"{marks[one].normalize():f} USD a share by the close before" if one in marks else "what it was opened at")
        for one in over
    ]
    ways = [f"`mtum reconcile --accept settled {_name(one)} {abs(held[one])} PRICE`" for one in over]
    text = f"awaiting the settlement of {listed(tuple(told))}; state what a share was paid: {' and '.join(ways)}"
    return NextRule("awaiting_settlement", "settle", False, "", None, None, text)


def _name(contract: OptionContract) -> str:
    return contract.local_symbol.replace(" ", "")


def _next(group: OptionGroup, verdicts: Sequence[OptionVerdict]) -> NextRule | None:
    if group.broken:
        return NextRule("broken", "close", True, "", None, None, f"it is closed: {reason('broken')}")
    rules = [(name, action, needed) for one in verdicts for name, action, needed in one.rules]
    if not rules:
        return None
    for verdict in verdicts:
        due = [one for one in verdict.rules if all(condition.passed for condition in one[2])]
        if due:
            name, action, needed = due[0]
            decides = needed[0] if needed else None
            text = _due(verdict, name, action, decides)
            return NextRule(
                name,
                action,
                True,
                decides.name if decides else "",
                decides.value if decides else None,
                decides.threshold if decides else None,
                text,
            )
    name, action, needed = min(rules, key=lambda one: _distance(one[2]))
    waits = max((one for one in needed if not one.passed), key=_away)
    text = f"it is {_DONE[action]} once this holds: {condition(waits.name).words} ({_numbers(waits)})"
    return NextRule(name, action, False, waits.name, waits.value, waits.threshold, text)


def _due(verdict: OptionVerdict, name: str, action: str, decides: Condition | None) -> str:
    why = reason(name) + (f" ({_numbers(decides)})" if decides is not None else "")
    if verdict.proposal is not None:
        return f"it is {_DONE[action]} now: {why}"
    return f"it would be {_DONE[action]}: {why}; but {listed(tuple(map(reason, verdict.reasons[:1])))}"


def _numbers(one: Condition) -> str:
    spec = condition(one.name)
    unit = f" {spec.unit}" if spec.unit else ""
    value, limit = (
        None if amount is None else f"{amount:.4g}{unit}" for amount in map(spec.in_unit, (one.value, one.threshold))
    )
    return f"now {value or 'unknown'}" + (f", limit {limit}" if limit else "")


def _away(one: Condition) -> float:
    # How far a condition that does not hold is from holding, as a part of its threshold.
    if one.passed:
        return 0.0
    if one.value is None or one.threshold is None:
        return _FAR
    return abs(one.value - one.threshold) / max(abs(one.threshold), 1e-6)


def _distance(needed: Sequence[Condition]) -> float:
    return max(map(_away, needed), default=_FAR)
