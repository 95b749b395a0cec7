"""Trying the channels, and emptying the outbox outside a job."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct

from mtum.adapters.clock import SystemClock
from mtum.app.desk import RunResult
from mtum.app.service.notices import outcome_notices
from mtum.app.service.outbox import Flushed
from mtum.app.service.schedule import Wake
from mtum.app.session.decide_and_order import JOB
from mtum.config import Settings, current_environment
from mtum.core.market.sessions import Session
from mtum.errors import ExitCode, MtumError, StoreError
from mtum.ports.messages import Message, Urgency
from mtum.wiring import resources
from mtum.wiring.channels import channels_of, is_anybody_told
from mtum.wiring.installation import Installation, emergency, error_of

TOLD_ERRORS = (ExitCode.DATA, ExitCode.BROKER, ExitCode.ORDER, ExitCode.PERSON)
"""Errors of a run by hand that the owner is sent too; usage errors and a held lock go to the terminal alone."""


class Tried(Struct, frozen=True):
    """Each channel with its error, empty when the message was taken; and what left the outbox."""

    channels: tuple[tuple[str, str], ...]
    outbox_sent: int


def tried_channels(settings: Settings, data_dir: Path) -> Tried:
    """Send a test message by every channel, then what waits in the outbox."""
    at = SystemClock().now()
    text = f"This is a test of mtum ({settings.mode}), sent {at:%Y-%m-%d %H:%M:%S} UTC. Nothing needs to be done."
    message = Message(f"test:{at.isoformat()}", Urgency.REPORT, "mtum test message", text, at=at)
    channels = channels_of(settings, current_environment())
    results = tuple((channel.name, error_of(channel, message)) for channel in channels)
    sent = 0
    if (data_dir / resources.DATABASE_NAME).exists() and not any(error for _, error in results):
        sent = flush(settings, data_dir).sent
    return Tried(results, sent)


def flush(settings: Settings, data_dir: Path) -> Flushed:
    """Send what waits in the outbox."""
    with resources.opened_store(settings, data_dir) as store:
        return Installation(settings, data_dir).outbox(store).flush()


def post_and_flush(settings: Settings, data_dir: Path, message: Message) -> Flushed:
    """Put a message into the outbox and empty it; a key already there is not sent again.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    data_dir : Path
        Data folder.
    message : Message
        Something to tell the owner; `key` makes a repeated message the same one.
    """
    with resources.opened_store(settings, data_dir) as store:
        outbox = Installation(settings, data_dir).outbox(store)
        outbox.post(message)
        return outbox.flush()


def run_and_tell(
    settings: Settings, data_dir: Path, as_of: datetime | None, work: Callable[[], RunResult]
) -> tuple[RunResult, Flushed]:
    """Carry out a run that nobody may be watching, and tell what the scheduler would have told.

    The keys of the messages are the scheduler's, so that nothing is told by both. Where no channel is
    set up nothing is stored.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    data_dir : Path
        Data folder.
    as_of : datetime or None
        Instant to take for now, for a rehearsal; None is the clock's.
    work : callable
        The run.
    """
    try:
        result = work()
    except MtumError as error:
        if error.exit_code in TOLD_ERRORS:
            document = {"problems": [{"code": int(error.exit_code), "text": str(error)}]}
            _tell(settings, data_dir, as_of, document, int(error.exit_code))
        raise
    return result, _tell(settings, data_dir, as_of, result.document, int(result.exit_code))


def _tell(
    settings: Settings, data_dir: Path, as_of: datetime | None, document: Mapping[str, Any], exit_code: int
) -> Flushed:
    if not is_anybody_told(settings, current_environment()):
        return Flushed()
    at = as_of or SystemClock().now()
    session = _session_of(settings, data_dir, document, at)
    if session is None:
        return Flushed()
    wake = Wake(at, JOB, "", session.day, session.close)
    try:
        with resources.opened_store(settings, data_dir) as store:
            outbox = Installation(settings, data_dir, as_of).outbox(store)
            for message in outcome_notices(wake, session, document, exit_code):
                outbox.post(message)
            return outbox.flush()
    except StoreError as error:
        return emergency(settings, data_dir, str(error), at)


def _session_of(settings: Settings, data_dir: Path, document: Mapping[str, Any], at: datetime) -> Session | None:
    # An error names no session: it concerns today's.
    given = document.get("session")
    if "session" in document and given is None:
        return None
    day = date.fromisoformat(given) if given else (at - timedelta(hours=5)).date()
    return resources.calendar_of(settings, data_dir).sessions(day, day).get(day)
