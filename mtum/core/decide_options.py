"""The option part of a session's decision: what a strategy proposes, judged by the last gate's own clauses."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.core.coordination.coordinate import LIMITED
from mtum.core.market.sessions import Session
from mtum.core.option_closings import at_risk, closings, spot_of
from mtum.core.option_limits import ExposureLimits, added_usd, exposures
from mtum.core.options.asking import ChainRequest, OptionVerdict, OwnOptions, Proposal
from mtum.core.options.chain import ReadChain
from mtum.core.options.contracts import UNITS, Listing, OptionContract
from mtum.core.options.legs import OptionLot, OptionPurpose
from mtum.core.options.selecting import Window
from mtum.core.portfolio.decision import Action
from mtum.core.portfolio.gate import GateRefusal
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.options.gate import CLAUSES, first_refusal
from mtum.core.portfolio.options.gate_facts import Detail, Judged, OptionFacts, OptionRules
from mtum.core.portfolio.options.lots import summed
from mtum.core.portfolio.options.orders import ZERO, Attempt, OptionIntent, WorkingOrder, at_work
from mtum.core.portfolio.options.reservations import groups_of, pinning, reservations, uncovered_calls
from mtum.core.strategies.answers import UNFIT
from mtum.core.strategies.option_answers import chains_asked, option_verdicts_of
from mtum.core.strategies.option_contract import OptionStrategy
from mtum.core.view import MarketView

BROKEN = "broken_group"
"""Reason word: another leg was assigned, so what is left of the group is closed."""
ONE_OPENING = "one_opening"
"""Reason word: something is opened in the underlying already, in the same session by the same sleeve."""
SAME_ORDER = "same_order"
"""Reason word: another group trades the same legs in this session; one order is known by its legs, so it waits."""
MOST = "max_contracts"
"""Reason word: more are wanted than one order may have, so that many are opened."""
IN_FUND = "cash_in_fund"
"""Reason word: the cash that it needs is in the cash fund, which is sold for it; it waits until that has settled."""
NO_GROUP = "no_such_group"
"""Reason word: what it closes or rolls is no open group, or what it opens is one already."""
_ORDER_OF_WORK = (OptionPurpose.CLOSE, OptionPurpose.ROLL, OptionPurpose.OPEN)
_LATER = frozenset(
    {"account", "mode", "session", "window", "halt", "full_halt", "tick", "attempt"}
    | {"spot", "ex_date", "what_if", "changes", "orders"}
)
"""Clauses that only the moment of sending can judge."""
_LATER_CLOSING = _LATER | {"quotes", "market", "group"}
"""What closes is decided without a price: the ladder asks for one."""


class OptionSessionRules(Struct, frozen=True):
    """What a session allows a sleeve's options, beside what its strategy wants.

    Parameters
    ----------
    sleeve : str
        Name of it, which stands in every order and lot.
    deadline : datetime
        When an order is canceled at the latest.
    gate : OptionRules
        What the last gate will judge by.
    restriction : Restriction
        Halts in force.
    entry_bar : str
        Reason word why nothing is opened at all, "" where it may be.
    closed : mapping of str to str
        Underlyings of which every group is bought back, with the reason word.
    barred : mapping of str to str
        Underlyings in which nothing is opened, with the reason word.
    exits_barred : mapping of str to str
        Underlyings in which nothing is traded at all, with the reason word.
    lots : tuple of OptionLot
        Of the other sleeves.
    working : tuple of WorkingOrder
        What may still fill, of anybody, and what other sleeves decided in this session.
    there_usd : Decimal or None
        Settled cash of the account that is in no cash fund and that nothing pins; None without such a fund.
    limits : ExposureLimits or None
        Limits of the account on what it holds; None for virtual money.
    """

    account: str
    sleeve: str
    session: Session
    deadline: datetime
    gate: OptionRules
    restriction: Restriction = Restriction.NONE
    entry_bar: str = ""
    closed: Mapping[str, str] = field(default_factory=dict)
    barred: Mapping[str, str] = field(default_factory=dict)
    exits_barred: Mapping[str, str] = field(default_factory=dict)
    lots: tuple[OptionLot, ...] = ()
    working: tuple[WorkingOrder, ...] = ()
    there_usd: Decimal | None = None
    limits: ExposureLimits | None = None


class HeldBack(Struct, frozen=True):
    """A proposal that is not carried out: the reason word or the clause that refused it, and its words."""

    underlying: str
    group: str
    purpose: str
    reason: str
    text: str = ""


class OptionDecision(Struct, frozen=True):
    """What a sleeve does in options this session: closings first, then rolls, then openings.

    Parameters
    ----------
    verdicts : tuple of OptionVerdict
        The strategy's; closings that a limit, a person or an assignment forces stand in the place of its own.
    notes : tuple of HeldBack
        Proposals that are not carried out, or not whole.
    alarms : tuple of str
        Short options that nothing can be done about while trading is halted, and what is near.
    waiting_usd : Decimal
        Cash that proposals need which wait for the sale of the cash fund.
    """

    verdicts: tuple[OptionVerdict, ...] = ()
    intents: tuple[OptionIntent, ...] = ()
    notes: tuple[HeldBack, ...] = ()
    alarms: tuple[str, ...] = ()
    waiting_usd: Decimal = ZERO

    def action(self, own: OwnOptions) -> Action:
        """Return what it amounts to."""
        purposes = {one.purpose for one in self.intents}
        if purposes:
            return Action.EXIT if purposes == {OptionPurpose.CLOSE} else Action.ENTER
        return Action.HOLD if own.groups else Action.NONE

    @property
    def reasons(self) -> tuple[str, ...]:
        """Reason words, the deciding one first."""
        done = [word for one in self.intents for word in one.reasons[:1]]
        held = [one.reason for one in self.notes]
        said = [word for one in self.verdicts for word in one.reasons[:1]]
        return tuple(dict.fromkeys((*done, *held) or said))


def chains_wanted(view: MarketView, strategy: OptionStrategy, own: OwnOptions) -> tuple[ChainRequest, ...]:
    """Return the chains to gather: what the strategy wants, and every contract that is held.

    Parameters
    ----------
    view : MarketView
        Everything a strategy may look at for one session.
    strategy : OptionStrategy
        A strategy that trades options; what it holds in shares comes and goes by assignment alone.
    own : OwnOptions
        What a strategy of options knows of its own sleeve.

    Raises
    ------
    StrategyError
        If it ends in an error, or answers something else than chain requests.
    """
    asked = () if _unasked(view, strategy) else chains_asked(strategy, view, own)
    found = {one.underlying: one for one in asked}
    held: dict[str, tuple[OptionContract, ...]] = {}
    for group in own.groups:
        mine = (lot.contract for lot in group.lots)
        held[group.underlying] = tuple(dict.fromkeys((*held.get(group.underlying, ()), *mine)))
    for underlying, contracts in held.items():
        one = found.get(underlying) or ChainRequest(underlying, Window(0, 0, 0), frozenset(), (0.0, 0.0))
        found[underlying] = replace(one, held=tuple(dict.fromkeys((*one.held, *contracts))))
    return tuple(found.values())


def decide_options(
    view: MarketView,
    strategy: OptionStrategy,
    own: OwnOptions,
    chains: Mapping[str, ReadChain],
    rules: OptionSessionRules,
) -> OptionDecision:
    """Decide what one sleeve trades in options.

    Every proposal is judged in the order of work by those clauses of the last gate that do not depend on the moment
    of sending, with what was accepted before it already at work.

    Parameters
    ----------
    view : MarketView
        Everything a strategy may look at for one session.
    strategy : OptionStrategy
        A strategy that trades options; what it holds in shares comes and goes by assignment alone.
    own : OwnOptions
        Its free cash is what no open group and no live order pins; its shares are those that it keeps today.
    chains : mapping of str to ReadChain
        By underlying; where a chain could not be read it is missing.
    rules : OptionSessionRules
        What a session allows a sleeve's options, beside what its strategy wants.

    Raises
    ------
    StrategyError
        If the strategy ends in an error, or answers something else than verdicts.
    """
    said = () if _unasked(view, strategy) else option_verdicts_of(strategy, view, own, chains)
    forced = tuple(_forced(own, chains, view, rules))
    taken = {one.group for one in forced}
    verdicts = (*forced, *(one for one in said if not one.group or one.group not in taken))
    if rules.restriction is Restriction.FULL:
        return OptionDecision(
            verdicts=verdicts,
            notes=tuple(_note(one, one.proposal, "halted") for one in verdicts if one.proposal is not None),
            alarms=tuple(at_risk(own, chains, view)),
        )
    judge = _Judge(view, own, chains, rules)
    proposed = [(one, one.proposal) for one in verdicts if one.proposal is not None]
    for verdict, proposal in sorted(proposed, key=lambda pair: _ORDER_OF_WORK.index(pair[1].purpose)):
        judge.take(verdict, proposal)
    return OptionDecision(verdicts, tuple(judge.intents), tuple(judge.notes), waiting_usd=judge.waiting_usd)


def _unasked(view: MarketView, strategy: OptionStrategy) -> bool:
    return bool(view.unfit) and not strategy.EACH_BY_ITSELF


def _note(verdict: OptionVerdict, proposal: Proposal, reason: str, text: str = "") -> HeldBack:
    return HeldBack(verdict.underlying, verdict.group, proposal.purpose.value, reason, text)


def _forced(
    own: OwnOptions, chains: Mapping[str, ReadChain], view: MarketView, rules: OptionSessionRules
) -> Iterator[OptionVerdict]:
    for group in own.groups:
        reason = rules.closed.get(group.underlying) or (BROKEN if group.broken else "")
        if reason:
            for proposal in closings(group, chains.get(group.underlying), spot_of(group.underlying, chains, view)):
                yield OptionVerdict(group.underlying, group.group, proposal, (reason,), ())


class _Judge:
    """Takes proposals one after the other; what it accepted works beside what comes next."""

    def __init__(
        self, view: MarketView, own: OwnOptions, chains: Mapping[str, ReadChain], rules: OptionSessionRules
    ) -> None:
        self.view, self.own, self.chains, self.rules = view, own, chains, rules
        self.groups = {one.group: one for one in own.groups}
        self.intents, self.made, self.notes = list[OptionIntent](), set[str](), list[HeldBack]()
        self.lots = tuple(lot for group in own.groups for lot in group.lots)
        known = (*self.lots, *rules.lots)
        pinned = reservations(groups_of(known, _positions(known)), rules.working)
        # The gate takes off what is pinned; the sleeve's free cash has it off already.
        self.settled_usd = own.free_cash + sum((one.cash_usd for one in pinned), ZERO)
        self.there_usd, self.waiting_usd = rules.there_usd, ZERO

    def take(self, verdict: OptionVerdict, proposal: Proposal) -> None:
        """Make an intent of a proposal, or note why none; of what opens no more than one order may have."""
        most, wanted = self.rules.gate.max_quantity, proposal.quantity
        if proposal.purpose is OptionPurpose.OPEN and wanted > most >= 1:
            loss = proposal.most_loss_usd * most / wanted
            proposal = replace(proposal, quantity=most, most_loss_usd=loss)
            self.notes.append(_note(verdict, proposal, MOST, f"{wanted} are wanted, {most} are the most in one order"))
        intent = self._intent(verdict, proposal)
        if reason := self._bar(verdict, proposal) or (SAME_ORDER if intent.id in self.made else ""):
            self.notes.append(_note(verdict, proposal, reason))
            return
        refused = self._refusal(intent)
        if refused is None:
            intent, cut = self._within(intent)
            refused = None if intent.quantity else GateRefusal(LIMITED, cut)
            if cut and not refused:
                self.notes.append(_note(verdict, proposal, LIMITED, f"{cut}: {intent.quantity} are ordered"))
        refused = refused or self._in_fund(intent)
        if refused is not None:
            self.notes.append(_note(verdict, proposal, refused.check, refused.text))
            return
        self.intents.append(intent)
        self.made.add(intent.id)

    def _bar(self, verdict: OptionVerdict, proposal: Proposal) -> str:
        underlying, opens = verdict.underlying, proposal.purpose is OptionPurpose.OPEN
        if underlying in self.rules.exits_barred:
            return self.rules.exits_barred[underlying]
        group = self.groups.get(proposal.group)
        if opens is not (proposal.group == "") or verdict.group != proposal.group:
            return NO_GROUP
        if not opens and (group is None or group.underlying != underlying):
            return NO_GROUP
        if proposal.purpose is OptionPurpose.CLOSE:
            return ""
        if self.rules.restriction is not Restriction.NONE:
            return "halted"
        if opens and any(one.purpose is OptionPurpose.OPEN and one.underlying == underlying for one in self.intents):
            return ONE_OPENING
        unfit = UNFIT if underlying in self.view.unfit else ""
        return self.rules.entry_bar or self.rules.closed.get(underlying) or self.rules.barred.get(underlying) or unfit

    def _intent(self, verdict: OptionVerdict, proposal: Proposal) -> OptionIntent:
        rules = self.rules
        return OptionIntent(
            account=rules.account,
            session=rules.session.day,
            strategy=rules.sleeve,
            underlying=verdict.underlying,
            purpose=proposal.purpose,
            legs=proposal.legs,
            quantity=proposal.quantity,
            envelope=proposal.envelope,
            spot=spot_of(verdict.underlying, self.chains, self.view),
            # One opening per underlying, sleeve and session: that names it on every machine.
            group=proposal.group or f"{verdict.underlying}-{rules.session.day:%y%m%d}",
            most_loss_usd=proposal.most_loss_usd,
            deadline=rules.deadline,
            reasons=verdict.reasons,
        )

    def _refusal(self, intent: OptionIntent) -> GateRefusal | None:
        later = _LATER_CLOSING if intent.purpose is OptionPurpose.CLOSE else _LATER
        clauses = {name: clause for name, clause in CLAUSES[intent.purpose].items() if name not in later}
        # Whatever asks for no legs, or none of a contract, has nothing that the other clauses could look at.
        if not intent.legs or intent.quantity < 1:
            clauses = {name: clauses[name] for name in ("quantity", "legs")}
        return first_refusal(
            Judged(Attempt(intent, 1, intent.envelope.start), self._facts(intent), self.rules.gate), clauses
        )

    def _within(self, intent: OptionIntent) -> tuple[OptionIntent, str]:
        """Return an order with as many as the account's limits on what it holds leave, and what they took."""
        if self.rules.limits is None or intent.purpose is OptionPurpose.CLOSE:
            return intent, ""
        rows = (row for chain in self.chains.values() for row in chain.chain.rows)
        marks = {row.contract.con_id: exact(row.quote.mid) for row in rows if row.quote.mid}
        known = (*self.lots, *self.rules.lots)
        exposed = exposures(known, (*self.rules.working, *at_work(self.intents)), marks)
        name, left = self.rules.limits.room(intent.underlying, exposed)
        added = added_usd(intent, groups_of(known, _positions(known)), marks)
        if added <= max(ZERO, left):
            return intent, ""
        fits = int(max(ZERO, left) * intent.quantity / added) if intent.purpose is OptionPurpose.OPEN else 0
        loss = intent.most_loss_usd * fits / intent.quantity
        text = f"{intent.quantity} would count {added:.2f} USD, {name} leaves {max(ZERO, left):.2f}"
        return replace(intent, quantity=fits, most_loss_usd=loss), text

    def _in_fund(self, intent: OptionIntent) -> GateRefusal | None:
        """Refuse what only the sale of the cash fund can pay, and take off what is there for the rest."""
        if self.there_usd is None:
            return None
        (order,), (mine, _) = at_work([intent]), self._left_of(intent)
        known = (*mine, *self.rules.lots)
        asked = pinning(order, order.price, groups_of(known, _positions(known))).more_cash_usd
        fees = self.rules.gate.fee_usd * sum(map(abs, intent.changes.values()))
        # What needs no cash but its fees pays them out of its credit.
        need = asked + fees if asked or order.price is None or order.price >= 0 else ZERO
        if need > self.there_usd and intent.purpose is not OptionPurpose.CLOSE:
            self.waiting_usd += need
            text = f"{need:.2f} USD are needed and {max(ZERO, self.there_usd):.2f} are there beside the cash fund"
            return GateRefusal(IN_FUND, f"{text}, which is sold for it; it waits until that has settled")
        self.there_usd -= need
        return None

    def _facts(self, intent: OptionIntent) -> OptionFacts:
        rules, underlying = self.rules, intent.underlying
        chain = self.chains.get(underlying)
        rows = chain.chain.rows if chain else ()
        mine, working = self._left_of(intent)
        known = (*mine, *rules.lots)
        held = {lot.contract.con_id: _described(lot.contract) for lot in known}
        # Shares and longs of the other sleeves cover their own calls, and never one of this sleeve.
        theirs = {one: number for one, number in _positions(rules.lots).items() if one.underlying == underlying}
        beside = [one for one in rules.working if one.underlying == underlying and one.strategy != rules.sleeve]
        lent = UNITS * uncovered_calls(theirs, 0, [replace(one, shares=0) for one in beside])
        return OptionFacts(
            now=chain.chain.at if chain else rules.deadline,
            session=rules.session,
            account=rules.account,
            details=held | {row.contract.con_id: _described(row.contract) for row in rows},
            positions=_positions(known),
            shares={underlying: self.own.shares.get(underlying, 0) + lent},
            lots=known,
            working=working,
            settled_cash_usd=self.settled_usd,
            share_orders_usd=ZERO,
            quotes={row.contract.con_id: row.quote for row in rows},
            spot=intent.spot,
            tick=ZERO,
        )

    def _left_of(self, intent: OptionIntent) -> tuple[tuple[OptionLot, ...], tuple[WorkingOrder, ...]]:
        """Lots and orders beside an intent; of a broken group its legs are closed one after the other."""
        group = self.groups.get(intent.group)
        before = [one for one in self.intents if group is not None and group.broken and one.group == intent.group]
        gone = {contract for one in before for contract in one.changes}
        lots = tuple(lot for lot in self.lots if lot.group != intent.group or lot.contract not in gone)
        return lots, (*self.rules.working, *at_work([one for one in self.intents if one not in before]))


def _positions(lots: Iterable[OptionLot]) -> dict[OptionContract, int]:
    return summed(*({lot.contract: lot.quantity} for lot in lots))


def _described(contract: OptionContract) -> Detail:
    """Return a contract as the row of a chain lists it: what is adjusted or made to order shows in it."""
    facts = (contract.trading_class, str(contract.multiplier), contract.currency, contract.local_symbol)
    return Detail(contract, Listing(contract.underlying, "SMART", *facts))
