"""A changed file of own strategies is checked and taken over, never while a session is at work."""

import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from mtum.app.service.run_due import RunContext, session_at_work
from mtum.app.strategies import versions
from mtum.config import Settings, renewed, use_strategies
from mtum.core.market.sessions import Session
from mtum.errors import ConfigError, ExitCode
from mtum.ports.messages import Message, Urgency

log = logging.getLogger(__name__)

JOB = "renew_strategies"
"""Its rows of the run ledger; the slot is the file."""
_AHEAD = timedelta(days=14)

type Check = Callable[[Settings, Path, bytes], str]
"""What is wrong with a version of a file, empty when nothing is."""


class Renewal(Struct, frozen=True):
    """What became of a file: "unchanged", "taken", "kept" (the old version stays) or "waits" for a session's end."""

    file: Path
    outcome: str
    digest: str
    text: str = ""


def renew(
    context: RunContext, settings: Settings, check: Check, lasting: timedelta, *, asked: bool = False
) -> tuple[Settings, tuple[Renewal, ...]]:
    """Return the settings with what is in force after a look at every file, and what became of each.

    Parameters
    ----------
    context : RunContext
        Everything the entry works with; built by wiring.
    settings : Settings
        Settings in force.
    check : Check
        What is wrong with a version of a file, empty when nothing is.
    lasting : timedelta
        Longest check; none is begun that could reach into a session's work.
    asked : bool
        By a person: a version that was refused before is checked again.
    """
    control = context.store.control
    settings = versions.in_force(control, settings)
    found = []
    for path, old in versions.files_now().items():
        new = _read(path)
        digest = versions.digest_of(new)
        if new == old:
            found.append(Renewal(path, "unchanged", digest))
            continue
        if not asked and versions.refused(control).get(str(path)) == digest:
            found.append(Renewal(path, "kept", digest, "it was not taken over before and has not changed since"))
            continue
        if busy := session_at_work(context, lasting):
            found.append(Renewal(path, "waits", digest, f"session {busy.day} is at work until its report is written"))
            continue
        wrong = "it cannot be read" if new is None else check(settings, path, new)
        if busy := session_at_work(context):
            found.append(Renewal(path, "waits", digest, f"session {busy.day} has begun its work meanwhile"))
            continue
        if not wrong and new is not None:
            settings, wrong = _taken(settings, path, new)
        if wrong or new is None:
            versions.refuse(control, path, new)
        else:
            versions.take(control, {path: new})
        found.append(Renewal(path, "kept" if wrong else "taken", digest, wrong))
        _record(context, found[-1])
    return settings, tuple(found)


def _taken(settings: Settings, path: Path, new: bytes) -> tuple[Settings, str]:
    before = versions.files_now()
    try:
        use_strategies(tuple(before), {**before, path: new})
        return renewed(settings), ""
    except ConfigError as error:
        use_strategies(tuple(before), before)
        return settings, str(error)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _record(context: RunContext, found: Renewal) -> None:
    """Write the row that the events tell of, and tell the owner."""
    now, name = context.clock.now(), found.file.name
    session = _next(context)
    day = session.day if session else now.date()
    wrong = found.outcome == "kept"
    text = f"{name} ({found.digest}) was not taken over, the version before stays: {found.text}" if wrong else ""
    event = "strategy_kept" if wrong else "strategy_taken"
    log.log(logging.WARNING if wrong else logging.INFO, event, extra={"file": name, "digest": found.digest})
    run_id = context.ledger.start_run(JOB, name, day, now)
    code = ExitCode.PERSON if wrong else ExitCode.DONE
    problems = [{"code": int(code), "text": text}] if wrong else []
    document = {"session": day.isoformat(), "file": str(found.file), "code_hash": found.digest, "problems": problems}
    context.ledger.finish_run(run_id, now, "failed" if wrong else "finished", code, document)
    key = f"strategy:{name}:{found.digest}:{found.outcome}"
    if wrong:
        lines = [f"{text}.", "`mtum strategy check` shows it whole. Correct the file, and it is looked at by itself."]
        context.outbox.post(Message(key, Urgency.ACT_NOW, f"ACTION: {name} was not taken over", "\n".join(lines)))
    else:
        told = f"{name} ({found.digest}) passed its check and decides from session {day} on."
        context.outbox.post(Message(key, Urgency.REPORT, f"{name} is taken over", told))


def _next(context: RunContext) -> Session | None:
    now = context.clock.now()
    near = context.calendar.sessions(now.date(), (now + _AHEAD).date())
    return next((one for one in near if one.close > now), None)
