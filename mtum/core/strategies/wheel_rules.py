"""How a wheel decides: what becomes of each short that is open, and what is written."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.core.conditions import Condition, at_least
from mtum.core.market.instruments import Right
from mtum.core.options.asking import OptionGroup, OptionVerdict, OwnOptions, Proposal
from mtum.core.options.chain import ReadChain
from mtum.core.options.contracts import UNITS, OptionContract
from mtum.core.options.exits import Action, Ruling, Today, write_conditions
from mtum.core.options.legs import OptionPurpose
from mtum.core.options.quantities import calls_wanted, paced, puts_wanted, secured, target_shares
from mtum.core.options.selecting import Selection, Structure
from mtum.core.options.singles import HeldShort, ShortRules, rolled_call, rolled_put, short_call, short_put
from mtum.core.strategies import option_rules
from mtum.core.strategies.option_rules import ZERO, contracts_of, kept, paid_per_unit, ruled, spot_of

if TYPE_CHECKING:
    from mtum.core.view import MarketView


def _open_gate(view: "MarketView", symbol: str, right: Right) -> tuple[Condition, ...]:
    return ()


class Writing(Struct, frozen=True):
    """When a wheel writes, and how much.

    Parameters
    ----------
    symbols : mapping of str to float
        Weight of each, as a fraction of the sleeve's equity.
    max_new_frac : float
        Of the equity, in the shares behind the puts of one session.
    write_on, write_threshold : str, float
        See `write_conditions`.
    cap_factor : float
        Part of the shares that calls may promise.
    excess_only : bool
        Whether they promise only shares above the target.
    strike_limit : float or None
        Highest strike of a put and lowest of a call, USD per share.
    """

    symbols: Mapping[str, float]
    max_new_frac: float
    write_on: str
    write_threshold: float
    cap_factor: float
    excess_only: bool
    strike_limit: float | None


class WheelPlan(Struct, frozen=True):
    """A wheel's parameters as the rules want them.

    Parameters
    ----------
    writing : Writing
        When it writes, and how much.
    selling : ShortRules
        Which contracts it sells.
    ruling : callable
        View, short and its day in; what becomes of it out.
    gate : callable
        View, symbol and right in; what has to hold to sell beside the wheel's own conditions out.
    takes : mapping of str to float
        By the reason of a closing, the part of the credit that it leaves at least; others are bounded by the market.
    """

    writing: Writing
    selling: ShortRules
    ruling: "Callable[[MarketView, HeldShort, Today], Ruling]"
    gate: "Callable[[MarketView, str, Right], tuple[Condition, ...]]" = _open_gate
    takes: Mapping[str, float] = field(default_factory=dict)


def verdicts(
    plan: WheelPlan, view: "MarketView", own: OwnOptions, chains: Mapping[str, ReadChain]
) -> tuple[OptionVerdict, ...]:
    """Return what becomes of every short, closings first, then what is written.

    Parameters
    ----------
    plan : WheelPlan
        A wheel's parameters as the rules want them.
    view : MarketView
        The market at the decision.
    own : OwnOptions
        Open groups, cash and shares of the sleeve.
    chains : mapping of str to ReadChain
        By underlying.
    """
    fit = [symbol for symbol in plan.writing.symbols if symbol in view.bars]
    days = {symbol: _Day(plan, view, own, symbol, chains.get(symbol)) for symbol in fit}
    free, held = own.free_cash, list[OptionVerdict]()
    for symbol, day in days.items():
        for group in own.of(symbol):
            for contract, count, credit in _shorts(group):
                verdict = day.managed(group, HeldShort(contract, credit), count, free)
                free -= _more_cash(verdict.proposal)
                held.append(verdict)
    order = [OptionPurpose.CLOSE, OptionPurpose.ROLL]
    held.sort(key=lambda one: order.index(one.proposal.purpose) if one.proposal else len(order))
    written = list[OptionVerdict]()
    for day in days.values():
        for verdict in day.written(free):
            free -= _more_cash(verdict.proposal)
            written.append(verdict)
    return (*option_rules.unruled(own.groups), *held, *written)


def _shorts(group: OptionGroup) -> Iterator[tuple[OptionContract, int, float]]:
    # Every contract that was sold, how many of it, and what one brought; those of a broken group follow no rule.
    for contract, quantity in sorted(contracts_of(group.lots).items(), key=lambda pair: pair[0].con_id):
        if quantity < 0 and not group.broken:
            lots = [lot for lot in group.lots if lot.contract == contract]
            yield contract, -quantity, round(paid_per_unit(lots) * -1.0, 6)


def _more_cash(proposal: Proposal | None) -> Decimal:
    # Cash that puts need when it fills, beyond what those that it closes keep; a closing frees it only afterwards.
    if proposal is None or proposal.purpose is OptionPurpose.CLOSE:
        return ZERO
    puts = [leg for leg in proposal.legs if leg.contract.right is Right.PUT]
    pinned = sum((-leg.signed * leg.contract.strike * leg.contract.multiplier for leg in puts), ZERO)
    return max(ZERO, pinned * proposal.quantity)


def preceded(ruling: Ruling, name: str, action: Action, needed: tuple[Condition, ...]) -> Ruling:
    """Return a ruling before all of whose rules another one stands.

    Parameters
    ----------
    ruling : Ruling
        What happens to an open position.
    name : str
        Of that rule.
    action : Action
        What is done with an open position.
    needed : tuple of Condition
        What has to hold for it.
    """
    conditions, rules = (*needed, *ruling.conditions), ((name, action, needed), *ruling.rules)
    if all(one.passed for one in needed):
        return Ruling(action, name, conditions, needed, rules)
    return replace(ruling, conditions=conditions, rules=rules)


class _Day(Struct, frozen=True):
    # One symbol in one session.
    plan: WheelPlan
    view: "MarketView"
    own: OwnOptions
    symbol: str
    found: ReadChain | None

    @property
    def spot(self) -> Decimal:
        return Decimal(str(spot_of(self.view, self.symbol)))

    @property
    def lot_price(self) -> float:
        return float(self.own.lot_prices.get(self.symbol, ZERO))

    def managed(self, group: OptionGroup, held: HeldShort, count: int, free: Decimal) -> OptionVerdict:
        legs = {held.contract: -count}
        today = option_rules.today_of(self.view, self.found, legs, self.symbol, self.own)
        ruling = self.plan.ruling(self.view, held, today)
        if ruling.action is None:
            return ruled(group, ruling, None)
        if ruling.action is Action.CLOSE:
            left = self.plan.takes.get(ruling.reason)
            worst = None if left is None else round((1.0 - left) * held.credit, 6)
            return ruled(group, ruling, option_rules.closing(group, legs, today, ruling.reason, worst))
        would = OptionPurpose.ROLL
        if self.found is None:
            return ruled(group, ruling, None, reasons=("chain_missing", ruling.reason), would=would)
        chosen = self._rolled(self.found, held)
        if chosen.chosen is None:
            why, removed = option_rules.not_chosen(chosen)
            deciding = (*ruling.decided_by, *removed)
            reasons = (why, ruling.reason)
            return ruled(group, ruling, None, reasons=reasons, selection=chosen, decided_by=deciding, would=would)
        proposal = self._roll(group, chosen.chosen, count, free)
        if proposal is None:
            return ruled(group, ruling, None, reasons=("cash", ruling.reason), selection=chosen, would=would)
        return ruled(group, ruling, proposal, selection=chosen)

    def written(self, free: Decimal) -> Iterator[OptionVerdict]:
        opened = False
        for right in (Right.PUT, Right.CALL):
            word = f"write_{right.name.lower()}"
            wanted = self._wanted(right)
            conditions = (*self._writes(right, wanted), *self.plan.gate(self.view, self.symbol, right))
            failed = tuple(one for one in conditions if not one.passed)
            if failed:
                yield kept(self.symbol, "", (failed[0].name, word), conditions, decided_by=failed)
            elif opened or self.found is None:
                why = "already_opening" if opened else "chain_missing"
                yield kept(self.symbol, "", (why, word), conditions)
            else:
                verdict = self._opened(self.found, right, wanted, free, conditions)
                opened = verdict.proposal is not None
                yield verdict

    def _rolled(self, found: ReadChain, held: HeldShort) -> Selection:
        rules, limit = self.plan.selling, self.plan.writing.strike_limit
        if held.contract.right is Right.PUT:
            return rolled_put(found, rules, held, limit)
        return rolled_call(found, rules, held, self.lot_price, limit)

    def _roll(self, group: OptionGroup, structure: Structure, count: int, free: Decimal) -> Proposal | None:
        old, new = (leg.contract for leg in structure.legs)
        selling = self.plan.selling
        worst = -selling.min_credit if selling.credit_only else option_rules.far_side(structure)
        put, more = new.right is Right.PUT, (new.strike - old.strike) * UNITS
        if put and more > 0:
            # A higher strike needs more cash than the old one keeps.
            count = min(count, int(max(free, ZERO) // more))
        loss = float(new.strike) + worst if put else 0.0
        return option_rules.opening(structure, count, worst, loss, group.group) if count else None

    def _wanted(self, right: Right) -> int:
        rules, shares = self.plan.writing, self.own.shares.get(self.symbol, 0)
        lots = [lot for group in self.own.of(self.symbol) for lot in group.lots]
        sold = sum(-n for one, n in contracts_of(lots).items() if n < 0 and one.right is right)
        weight = rules.symbols[self.symbol]
        if right is Right.PUT:
            return puts_wanted(weight, self.own.equity, self.spot, shares, sold)
        target = target_shares(weight, self.own.equity, self.spot) if rules.excess_only else None
        return calls_wanted(shares, sold, rules.cap_factor, target)

    def _writes(self, right: Right, wanted: int) -> tuple[Condition, ...]:
        now, before = (float(self.view.bars[self.symbol].close[at]) for at in (-1, -2))
        first = at_least("puts_wanted" if right is Right.PUT else "calls_wanted", float(wanted), 1.0)
        rules = self.plan.writing
        return (first, *write_conditions(right, now, before, rules.write_on, rules.write_threshold))

    def _opened(
        self, found: ReadChain, right: Right, wanted: int, free: Decimal, conditions: tuple[Condition, ...]
    ) -> OptionVerdict:
        selling, limit, put = self.plan.selling, self.plan.writing.strike_limit, right is Right.PUT
        word, would = f"write_{right.name.lower()}", OptionPurpose.OPEN
        chosen = short_put(found, selling, limit) if put else short_call(found, selling, self.lot_price, limit)
        if chosen.chosen is None:
            why, removed = option_rules.not_chosen(chosen)
            return kept(self.symbol, "", (why, word), conditions, selection=chosen, decided_by=removed, would=would)
        count, loss, strike = wanted, 0.0, chosen.chosen.legs[0].contract.strike
        if put:
            count = min(
                paced(wanted, self.own.equity, self.spot, self.plan.writing.max_new_frac), secured(free, strike)
            )
            loss = float(strike) - selling.min_credit
        money = at_least("contracts", float(count), 1.0)
        conditions = (*conditions, money)
        if count < 1:
            return kept(
                self.symbol, "", ("contracts", word), conditions, selection=chosen, decided_by=(money,), would=would
            )
        proposal = option_rules.opening(chosen.chosen, count, -selling.min_credit, loss)
        return OptionVerdict(self.symbol, "", proposal, (word,), conditions, chosen, conditions)
