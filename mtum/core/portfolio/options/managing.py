"""What an option order needs next, by the clock and by what the broker lists of it."""

from datetime import datetime
from enum import Enum

from mtum.core.market.sessions import Session
from mtum.core.options.ladder import STEPS, Envelope
from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.options.orders import OptionIntent

OFFERS = (17.0, 13.0, 9.0)
"""Minutes before the close at which the offers of the ladder are made."""
LAST_START, LAST_CHANGE, LAST_CANCEL, LAST_PROOF = 15.0, 8.0, 5.0, 3.0
"""Minutes before the close: a run that starts later sends nothing; nothing is changed; all is canceled; proven."""
FIRST = (OptionPurpose.CLOSE, OptionPurpose.ROLL, OptionPurpose.OPEN)
"""Order in which a session's intents are sent."""


class Stage(Enum):
    """What a moment of the session is there for."""

    EARLY = "early"
    """before the first offer"""
    OFFER = "offer"
    """prices are offered and improved"""
    REST = "rest"
    """what works stays as it is"""
    CANCEL = "cancel"
    """what works is canceled, and lists prove it"""
    OVER = "over"
    """what nothing has proven is a person's"""


def stage_of(session: Session, now: datetime) -> Stage:
    """Return what a moment of a session is there for."""
    if now < session.before_close(OFFERS[0]):
        return Stage.EARLY
    if now <= session.before_close(LAST_CHANGE):
        return Stage.OFFER
    if now < session.before_close(LAST_CANCEL):
        return Stage.REST
    return Stage.CANCEL if now < session.before_close(LAST_PROOF) else Stage.OVER


def step_of(session: Session, now: datetime) -> int:
    """Return the step of the ladder that a moment has reached, 0 for the first."""
    return max(0, sum(now >= session.before_close(minutes) for minutes in OFFERS) - 1)


def next_moment(session: Session, now: datetime) -> datetime | None:
    """Return when something changes next by the clock alone; None after the last proof."""
    moments = (session.before_close(minutes) for minutes in (*OFFERS, LAST_CANCEL, LAST_PROOF))
    return min((moment for moment in moments if moment > now), default=None)


def rank(intent: OptionIntent) -> int:
    """Return the place of an intent in the order of sending."""
    return FIRST.index(intent.purpose)


def forbids(restriction: Restriction, purpose: OptionPurpose) -> bool:
    """Return whether a halt forbids to send an order: one in full every one, one on openings all but closings."""
    if restriction is Restriction.REDUCE_ONLY:
        return purpose is not OptionPurpose.CLOSE
    return restriction is Restriction.FULL


def waits_for(intent: OptionIntent, earlier: OptionIntent) -> bool:
    """Return whether an intent is sent only once an earlier one has ended.

    An opening waits for a closing in its underlying; of one group there is one order at a time, and what is left of a
    broken one is closed in the order of its intents: what was sold first, longs last.
    """
    opens, closes = intent.purpose is OptionPurpose.OPEN, earlier.purpose is OptionPurpose.CLOSE
    same_group = (intent.strategy, intent.group) == (earlier.strategy, earlier.group)
    return same_group or (opens and closes and intent.underlying == earlier.underlying)


ALARM_DAYS, PRESSING_DAYS = 7, 3
"""Calendar days to expiry from which a spread that is still open is an alarm, and is closed at the far side at once."""


def bounds_of(intent: OptionIntent, step: int) -> tuple[Envelope, int]:
    """Return within which prices an intent is offered, and at which step of the ladder it stands.

    What has to be closed in its last days takes the far side from the first offer on.
    """
    days = min(leg.contract.days_from(intent.session) for leg in intent.legs)
    if intent.purpose is OptionPurpose.CLOSE and days <= PRESSING_DAYS:
        return Envelope(intent.envelope.start, None, to_far_side=True), STEPS - 1
    return intent.envelope, step
