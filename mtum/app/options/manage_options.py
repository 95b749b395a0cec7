"""From decision to proof: option orders are offered, improved, canceled and proven, each exactly once."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.app.approvals.approve_orders import option_approved, option_way
from mtum.app.desk import Desk, Problem
from mtum.app.options.cancel_options import asked_to_cancel
from mtum.app.options.endings import option_problems
from mtum.app.options.take_up import beyond_books, take_up, twice
from mtum.core.market.sessions import Session
from mtum.core.options.ladder import NetPrice, offer
from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.options.managing import (
    LAST_CHANGE,
    LAST_START,
    OFFERS,
    Stage,
    bounds_of,
    forbids,
    next_moment,
    rank,
    stage_of,
    step_of,
    waits_for,
)
from mtum.core.portfolio.options.orders import Attempt, OptionIntent, market_of
from mtum.core.portfolio.orders import OrderStatus, may_move
from mtum.errors import BrokerError, BrokerUnavailableError, DataError, ExitCode
from mtum.ports.broker import Denied, NoAnswer, NotSent, Rejected
from mtum.ports.options import AttemptState, OptionBroker, OptionLists, OptionOutcome, OptionState, Working
from mtum.ports.records import Observed

LOOK_EVERY = timedelta(seconds=20)


def manage_options(
    desk: Desk, session: Session, beside: Callable[[], Sequence[Problem]] = tuple
) -> tuple[Problem, ...]:
    """Carry a session's option intents from PLANNED to their end; return what went wrong.

    Needs an open connection. An offer is recorded before it leaves, one of an intent lives at a time, and what
    becomes of it is read from fresh lists alone. A run that starts late sends nothing: it cancels and proves. A halt
    cancels what opens or rolls with the next look; what closes works on, at the price it has where nothing is sent.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    session : Session
        The session, with its open and close.
    beside : callable
        Looks after the session's orders in shares; called with every look at the lists.
    """
    store, broker = desk.store.options, desk.broker
    told: dict[str, Problem] = {}
    if not store.states(session.day, unresolved=True):
        return option_problems(desk, session)
    if not isinstance(broker, OptionBroker):
        text = f"{broker.name} trades no options: the orders of {session.day} in options cannot be managed"
        return (Problem(ExitCode.PERSON, f"{text}; look at the broker's own screen"),)
    run = _Run(desk, broker, session, may_send=desk.clock.now() <= session.before_close(LAST_START))
    desk.clock.wait_until(session.before_close(OFFERS[0]))
    while True:
        stage = stage_of(session, desk.clock.now())
        run.look(stage)
        with suppress(BrokerError):  # asked again at the next look
            told |= {one.text: one for one in beside()}
        if stage is Stage.OVER or not run.to_do(stage):
            break
        now = desk.clock.now()
        moment, soon = next_moment(session, now), now + LOOK_EVERY
        desk.clock.wait_until(soon if moment is None else moment if desk.replayed else min(soon, moment))
    run.look_back()
    return (*told.values(), *option_problems(desk, session, run.told))


class _Run(Struct):
    # What one start remembers: by intent the last step that it was offered at and what was told of it, by contract
    # how many the broker listed beyond our books at first, and does now. What must outlive it stands in the store.
    desk: Desk
    broker: OptionBroker
    session: Session
    may_send: bool
    offered: dict[str, int] = field(default_factory=dict)
    told: dict[str, Problem] = field(default_factory=dict)
    replaced: set[str] = field(default_factory=set)
    beyond_first: dict[int, int] = field(default_factory=dict)
    beyond: dict[int, int] = field(default_factory=dict)

    def look(self, stage: Stage) -> None:
        """Ask the lists and do what this moment asks for, closings first."""
        lists = self._listed()
        if lists is None and stage is not Stage.OVER:
            return
        canceled = asked_to_cancel(self.desk.store, self.session) if stage is not Stage.OVER else frozenset()
        for one in sorted(self.to_do(stage), key=lambda state: rank(state.intent)):
            # What was done for those before it counts.
            state, ends = self._state(one.intent.id), stage
            why = Problem(ExitCode.DONE, "canceled by a person") if one.intent.id in canceled else None
            if why is not None:
                ends = Stage.CANCEL
            elif stage is not Stage.OVER and state.live and one.intent.purpose is not OptionPurpose.CLOSE:
                why = self._halted(one.intent)
                ends = Stage.CANCEL if why else stage
            self._advance(state, lists, ends)
            if why is not None and self._state(one.intent.id).live is None:
                self.told[one.intent.id] = why

    def look_back(self) -> None:
        """Say where positions moved by contracts of which no execution was listed: something filled, or was traded."""
        for state in self.desk.store.options.states(self.session.day):
            if state.attempts and not self._explained(state.intent):
                words = "the broker's positions moved by contracts that no listed execution explains"
                self.told[state.intent.id] = Problem(ExitCode.PERSON, f"{words}; look at its own screen")

    def to_do(self, stage: Stage) -> list[OptionState]:
        """Return what has not ended, and what lost its offer to our own gate or for a better price."""
        states = self.desk.store.options.states(self.session.day)
        return [
            one
            for one in states
            if not one.status.terminal or (stage is Stage.OFFER and self.may_send and self._offered_again(one))
        ]

    def _offered_again(self, state: OptionState) -> bool:
        # What a person canceled, or the broker, is not.
        last = state.attempts[-1] if state.attempts else None
        if last is None or not state.left or state.live is not None:
            return False
        if state.intent.id in asked_to_cancel(self.desk.store, self.session):
            return False
        return last.status in (OrderStatus.DENIED, OrderStatus.LAPSED) or last.attempt.ref in self.replaced

    def _advance(self, state: OptionState, lists: OptionLists | None, stage: Stage) -> None:
        live, open_to_send = state.live, stage is Stage.OFFER and self.may_send
        if live is not None and lists is not None and self._never_taken(live, lists):
            live, state = None, self._state(state.intent.id)
        if live is not None and stage is Stage.OVER:
            if may_move(live.status, OrderStatus.UNKNOWN):
                seen = Observed(text="no list has proven what became of it")
                self._move(live.attempt.ref, OrderStatus.UNKNOWN, seen)
        elif live is not None and not live.status.in_doubt:
            if stage is Stage.CANCEL:
                self._cancel(state, live)
            elif open_to_send and self._step > self.offered.setdefault(state.intent.id, 0):
                self._improve(state, live)
        elif live is None and state.filled is not None:
            if open_to_send and (not state.attempts or self._offered_again(state)):
                self._offer(state)
            elif stage is not Stage.EARLY and not state.status.terminal:
                self._end(state)

    def _offer(self, state: OptionState) -> None:
        intent, last = state.intent, self.offered.get(state.intent.id, -1)
        if last >= self._step or not self._explained(intent):
            return
        held = self._held_back(intent)
        price = _price(self.broker, state, self._step) if held is None else None
        if price is None:
            unpriced = Problem(ExitCode.ORDER, "its legs are not quoted, or no price within its limits is left")
            self.told[intent.id] = held or unpriced
            return
        attempt = Attempt(replace(intent, quantity=state.left), state.next_number, price)
        if self._claimed(attempt):
            self.offered[intent.id] = self._step
            self._answered(attempt, self._sent(self.broker.place, attempt))

    def _improve(self, state: OptionState, live: AttemptState) -> None:
        price = _price(self.broker, state, self._step)
        if price is None or price == live.attempt.price:
            return
        if self._halted(state.intent):
            return  # a closing keeps the price it has: it would not be offered anew
        if len(state.intent.legs) > 1:
            # The broker changes no combination: the old offer must be gone before there is a new one.
            self.replaced.add(live.attempt.ref)
            self._cancel(state, live)
            after = self._state(state.intent.id)
            if after.live is None and after.left:
                self._offer(after)
            return
        attempt = Attempt(replace(state.intent, quantity=state.left), live.attempt.number, price, in_place=True)
        if self._claimed(attempt):
            self.offered[state.intent.id] = self._step
            self._answered(attempt, self._sent(self.broker.change, attempt))
            self._listed()

    def _cancel(self, state: OptionState, live: AttemptState) -> None:
        """Cancel an offer; it has ended only where fresh lists prove that it is gone and what of it filled."""
        ref = live.attempt.ref
        self.desk.journal.reached("option_canceling")
        try:
            gone = self.broker.cancel_option(ref)
        except BrokerError:
            gone = False
        self.desk.journal.reached("option_canceled")
        lists = self._listed()
        if lists is None or not gone or any(order.ref == ref for order in lists.working):
            self.told[state.intent.id] = Problem(ExitCode.PERSON, f"{ref} could not be canceled: cancel it by hand NOW")
            return
        self.told.pop(state.intent.id, None)
        now = self._state(state.intent.id)
        filled_unseen = lists.completed.get(ref) is OrderStatus.FILLED
        if now.live is not None and now.filled is not None and self._explained(now.intent) and not filled_unseen:
            self._move(ref, OrderStatus.CANCELED, Observed(text="canceled, as fresh lists agree"))

    def _sent(self, send: Callable[..., OptionOutcome], attempt: Attempt) -> OptionOutcome:
        try:
            outcome = send(attempt, self.session.before_close(LAST_CHANGE))
        except BrokerUnavailableError as error:
            # It may have come before or after the order left: only the broker's lists can tell.
            outcome = NoAnswer(str(error))
        self.desk.journal.reached("option_changed" if attempt.in_place else "option_sent")
        return outcome

    def _answered(self, attempt: Attempt, outcome: OptionOutcome) -> None:
        ref, of = attempt.ref, attempt.intent.id
        if isinstance(outcome, Working) and attempt.in_place:
            self.told.pop(of, None)
        elif isinstance(outcome, Working):
            status = OrderStatus.PARTIALLY_FILLED if outcome.filled else OrderStatus.ACCEPTED
            numbers = Observed(
                outcome.filled, outcome.broker_id, client_id=outcome.client_id, order_id=outcome.order_id
            )
            self._move(ref, status, numbers)
            self.told.pop(of, None)
            self.desk.journal.reached("option_acknowledged")
        elif attempt.in_place:
            # A refused change says nothing of the order itself: the lists do.
            text = f"its price could not be changed to {attempt.price}: {outcome.text or 'no answer'}"
            self.told[of] = Problem(ExitCode.ORDER, text)
        elif isinstance(outcome, Denied):
            self._move(ref, OrderStatus.DENIED, Observed(code=outcome.code, text=outcome.text))
        elif isinstance(outcome, NotSent):
            # Certainly no order: the next step offers it anew, under the next number.
            self._move(ref, OrderStatus.DENIED, Observed(code="not sent", text=outcome.text))
        elif isinstance(outcome, Rejected) and outcome.final:
            self._move(ref, OrderStatus.REJECTED, Observed(code=str(outcome.code), text=outcome.text))
        elif isinstance(outcome, NoAnswer):
            seen = Observed(text=outcome.text, client_id=outcome.client_id, order_id=outcome.order_id)
            self._move(ref, OrderStatus.SUBMITTING, seen)
        else:
            self._move(ref, OrderStatus.SUBMITTING, Observed(code=str(outcome.code), text=outcome.text))

    def _claimed(self, attempt: Attempt) -> bool:
        stopped = self.desk.store.options.claim_attempt(attempt, self.desk.clock.now())
        if stopped is not Restriction.NONE:
            self.told[attempt.intent.id] = _halt_words(stopped)
            return False
        self.desk.journal.reached("option_claimed")
        return True

    def _halted(self, intent: OptionIntent) -> Problem | None:
        found = self.desk.store.control.restriction(intent.strategy)
        return _halt_words(found) if forbids(found, intent.purpose) else None

    def _held_back(self, intent: OptionIntent) -> Problem | None:
        for other in sorted((one.intent for one in self.to_do(Stage.OFFER)), key=rank):
            if other.id == intent.id:
                break
            if waits_for(intent, other):
                return Problem(ExitCode.ORDER, f"{other.purpose.value} {other.id} did not end in time")
        if not option_approved(self.desk, intent):
            way = option_way(intent)
            return Problem(ExitCode.HALTED, f"not approved (`mtum approve --session {intent.session} --{way}`)")
        return None

    def _never_taken(self, live: AttemptState, lists: OptionLists) -> bool:
        """End an offer in doubt that a broker without a wire does not list; whether it is one."""
        ref = live.attempt.ref
        listed = {*lists.completed, *(one.ref for one in lists.working), *(one.ref for one in lists.fills)}
        if not live.status.in_doubt or not self.desk.broker.proves_absence or ref in listed:
            return False
        if live.status is not OrderStatus.UNKNOWN:
            self._move(ref, OrderStatus.UNKNOWN, Observed(text="begun, and no list shows it"))
        self._move(ref, OrderStatus.LAPSED, Observed(text="never taken"))
        return True

    def _end(self, state: OptionState) -> None:
        told = self.told.get(state.intent.id)
        if not told and not state.attempts:
            words = "the last moment to send had passed" if self.may_send else "the run began too late to send it"
            told = self.told[state.intent.id] = Problem(ExitCode.BROKER, words)
        ended = OrderStatus.CANCELED if state.filled else OrderStatus.LAPSED
        self.desk.store.options.end_intent(state.intent.id, ended, self.desk.clock.now(), told.text if told else "")

    def _listed(self) -> OptionLists | None:
        store = self.desk.store.options
        try:
            lists = self.broker.option_lists(store.contracts())
        except BrokerError:
            return None  # asked again until the time is up
        take_up(self.desk, lists, self.session.day)
        self.desk.journal.reached("option_listed")
        states = store.states(self.session.day)
        for intent, refs in twice(lists, states).items():
            for ref in refs[:-1]:
                self.broker.cancel_option(ref)
            text = f"the broker worked on {', '.join(refs)} at once: look at its own screen"
            self.told[intent] = Problem(ExitCode.PERSON, text)
        legs = {leg.contract for state in states for leg in state.intent.legs}
        found = beyond_books(lists, store.book().contracts(), legs)
        self.beyond = {contract.con_id: number for contract, number in found.items()}
        self.beyond_first = {**self.beyond, **self.beyond_first}
        return lists

    def _explained(self, intent: OptionIntent) -> bool:
        """Whether the positions moved by our executions alone: else what filled is not known yet."""
        numbers = [leg.contract.con_id for leg in intent.legs]
        return all(self.beyond.get(one) == self.beyond_first.get(one) for one in numbers)

    @property
    def _step(self) -> int:
        return step_of(self.session, self.desk.clock.now())

    def _state(self, intent_id: str) -> OptionState:
        return next(one for one in self.desk.store.options.states(self.session.day) if one.intent.id == intent_id)

    def _move(self, ref: str, status: OrderStatus, seen: Observed) -> None:
        self.desk.store.options.move_attempt(ref, status, self.desk.clock.now(), seen)


def _halt_words(found: Restriction) -> Problem:
    return Problem(ExitCode.HALTED, f"halted ({found.value}); `mtum resume` lifts it")


def _price(broker: OptionBroker, state: OptionState, step: int) -> NetPrice | None:
    # Of the next offer; None where its legs are not quoted, or no price within its limits is left.
    legs, closes = state.intent.legs, state.intent.purpose is OptionPurpose.CLOSE
    # What opens late begins at the mid all the same.
    never_there = (OrderStatus.DENIED, OrderStatus.LAPSED)
    offered = any(one.status not in never_there for one in state.attempts)
    envelope, step = bounds_of(state.intent, step if closes or offered else 0)
    try:
        market = market_of(legs, broker.quotes(leg.contract for leg in legs), closes=closes)
        if market is None:
            return None
        found = offer(market, envelope, broker.tick(legs, market.mid), step)
        # A step of the price may be another one where the offer comes to lie.
        return found and offer(market, envelope, broker.tick(legs, found), step)
    except (BrokerError, DataError):
        return None
