"""How a session's option orders ended, in a person's words, with the exit code and what to do."""

from collections.abc import Mapping

from mtum.app.desk import Desk, Problem
from mtum.core.market.sessions import Session
from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.options.managing import ALARM_DAYS
from mtum.core.portfolio.options.orders import OptionIntent
from mtum.core.portfolio.orders import OrderStatus
from mtum.errors import ExitCode
from mtum.ports.options import OptionState

LOOK = "look at the broker's own screen, then `mtum reconcile`; nothing is sent in its place"


def option_problems(desk: Desk, session: Session, told: Mapping[str, Problem] | None = None) -> tuple[Problem, ...]:
    """Return what is wrong with a session's option orders as they stand, and which spreads should be closed by now.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    session : Session
        The session, with its open and close.
    told : mapping of str to Problem
        What the run that managed them saw last of each intent.
    """
    found = [_problem(state, (told or {}).get(state.intent.id)) for state in desk.store.options.states(session.day)]
    return (*(one for one in found if one is not None), *_overdue(desk, session))


def words_of(intent: OptionIntent) -> str:
    """Return an order in words: what it does, its legs, its id and its session."""
    legs = ", ".join(leg.words for leg in intent.legs)
    return f"{intent.purpose.value} {intent.quantity} x {legs} ({intent.id}, {intent.session})"


def _problem(state: OptionState, told: Problem | None) -> Problem | None:
    what, last = words_of(state.intent), state.attempts[-1] if state.attempts else None
    also = f": {told.text}" if told else ""
    if state.filled is None:
        return Problem(ExitCode.PERSON, f"{what}: its legs are filled unevenly{also}; {LOOK}")
    if state.live is not None and state.live.status.in_doubt:
        why = state.live.text or "no answer"
        return Problem(ExitCode.PERSON, f"{what}: {state.live.attempt.ref} is unknown at the broker: {why}; {LOOK}")
    if state.status is OrderStatus.FILLED:
        return told if told and told.exit_code is ExitCode.PERSON else None
    if state.live is not None or state.status is OrderStatus.PLANNED:
        return told
    if last is not None and last.status in (OrderStatus.REJECTED, OrderStatus.DENIED):
        by = "rejected by the broker" if last.status is OrderStatus.REJECTED else "denied by the last gate"
        reason = f"{last.code or ''} {last.text}".strip() or "no reason was given"
        return Problem(ExitCode.ORDER, f"{what} {by}: {reason}")
    next_time = "the next decision looks at it again"
    if state.intent.purpose is not OptionPurpose.OPEN:
        next_time = "what is open stays open until the next session"
    how = f"{state.filled} of {state.intent.quantity} filled" if last else "not sent"
    return Problem(told.exit_code if told else ExitCode.ORDER, f"{what}: {how}{also}; {next_time}")


def _overdue(desk: Desk, session: Session) -> tuple[Problem, ...]:
    # A spread must not reach its last days: assigned in one leg it is a position nobody decided.
    groups: dict[tuple[str, str], list[tuple[int, str, bool]]] = {}
    for lot in desk.store.options.book().lots:
        days = lot.contract.days_from(session.day)
        groups.setdefault((lot.strategy, lot.group), []).append((days, lot.contract.words, lot.quantity > 0))
    return tuple(
        Problem(
            ExitCode.ORDER,
            f"{strategy} {group}: {min(legs)[1]} has {min(legs)[0]} days left and the spread is still open; it is "
            "offered again each session, at the far side from 3 days on: close it by hand if it must be gone today",
        )
        for (strategy, group), legs in sorted(groups.items())
        if len({bought for _, _, bought in legs}) > 1 and 0 <= min(legs)[0] <= ALARM_DAYS
    )
