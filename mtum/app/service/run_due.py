"""The one entry of scheduler, timer and person: run what is due, record what was missed, tell both."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import date, datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.app.desk import RunResult
from mtum.app.service.notices import bug_notice, missed_notice, outcome_notices
from mtum.app.service.outbox import Flushed, Outbox
from mtum.app.service.schedule import DueWakes, Key, Slot, Wake, due, wakes
from mtum.core.market.calendars import NEW_YORK
from mtum.core.market.sessions import Session, Sessions
from mtum.errors import ExitCode, MtumError, RunLockedError, worst
from mtum.ports.messages import DeadMan
from mtum.ports.records import RunRecord
from mtum.ports.run_store import RunStore
from mtum.ports.store import Store
from mtum.ports.time import Calendar, Clock

log = logging.getLogger(__name__)

SINCE, ACCOUNTED = "scheduled_since", "accounted_until"
RETRY = timedelta(seconds=60)
"""Pause before a job that could not begin (nothing sent) is tried again, deadline permitting."""
RETRIED = (
    "option_events",
    "refresh_bars",
    "decide_and_order",
    "manage_options",
    "confirm_fills",
    "daily_report",
    "backup",
    "review",
)
WATCHED = "decide_and_order"
"""The job whose start and end the dead-man service is told."""
WORK = ("refresh_bars", "decide_and_order", "manage_options", "watch_orders", "confirm_fills", "daily_report")
"""Jobs of a session during which nothing changes that decides."""
WORK_MINUTES = 30.0
WORK_ENDS = timedelta(minutes=45)
"""From its close until a session's report, where nobody keeps a record of it."""
_NOT_CARRIED_OUT = ("skipped", "waiting", "superseded")
_BACK, _AHEAD = timedelta(days=10), timedelta(days=12)


Job = Callable[[Session, str], RunResult]
"""A job of the trading day: session and slot in; may record its own row of the run ledger."""
Scope = Callable[[int | None, date | None], AbstractContextManager[None]]


class RunContext(Struct, frozen=True):
    """Everything the entry works with; built by wiring.

    Parameters
    ----------
    ledger : RunStore
        Where it stands which wake was worked through.
    jobs : mapping of job name to Job
        Each takes the run lock itself; one that is not there is recorded and does nothing.
    claim : callable
        Keeps two processes from starting the same job; raises RunLockedError.
    scope : callable
        Puts run id and session on every log line.
    stopping : callable
        Whether the process was asked to end: the job at work ends first, and no further one is begun.
    """

    store: Store
    ledger: RunStore
    clock: Clock
    calendar: Calendar
    slots: tuple[Slot, ...]
    jobs: Mapping[str, Job]
    outbox: Outbox
    dead_man: DeadMan | None = None
    claim: Callable[[str], AbstractContextManager[object]] = field(default=lambda _job: nullcontext())
    scope: Scope = field(default=lambda _run, _session: nullcontext())
    stopping: Callable[[], bool] = field(default=lambda: False)


class JobRun(Struct, frozen=True):
    """One line of what the entry did."""

    wake: Wake
    outcome: str
    exit_code: int
    text: str = ""
    run_id: int | None = None


class DueRun(Struct, frozen=True):
    """Everything the entry did, and the exit code that wins; `text` says why it could not begin."""

    at: datetime
    runs: tuple[JobRun, ...]
    flushed: Flushed
    exit_code: ExitCode
    text: str = ""


def run_due(context: RunContext) -> DueRun:
    """Run every job that is due and not in the run ledger; safe to call at any time, by anyone.

    A job whose deadline has passed is recorded as missed with its cause and reported, never
    executed. A job held by another process is left to it. One job's failure stops no other.
    """
    runs: list[JobRun] = []
    flushed: list[Flushed] = []
    # A run past its deadline that still holds the lock is at work, not missed: its turn comes at the next call.
    with suppress(RunLockedError), context.store.lock():
        runs += _record_missed(context)
    tried: set[Key] = set()
    while not context.stopping():
        wake = next((one for one in _due(context).ready if one.key not in tried), None)
        if wake is None:
            break
        if runs and not tried and wake.job != "decide_and_order":
            flushed.append(context.outbox.flush())  # missed jobs first, unless an order is due
        tried.add(wake.key)
        run = _run_one(context, wake)
        runs.append(run)
        with context.scope(run.run_id, wake.session):
            flushed.append(context.outbox.flush())
            # After the messages: a service that does not answer must not hold up what a person has to know.
            if context.dead_man is not None and wake.job == WATCHED and run.outcome not in _NOT_CARRIED_OUT:
                context.dead_man.ended(_run_name(wake), run.exit_code, run.text or run.outcome)
    _closed_day(context)
    # Right after a job there is nothing new to send, and a channel that fails was tried a moment ago.
    if not tried:
        flushed.append(context.outbox.flush())
    failed = flushed[-1].failed
    codes = [*(run.exit_code for run in runs), *([ExitCode.NOTIFY] if failed else [])]
    return DueRun(context.clock.now(), tuple(runs), Flushed(sum(one.sent for one in flushed), failed), worst(codes))


def _due(context: RunContext) -> DueWakes:
    now = context.clock.now()
    since, accounted = _instant(context, SINCE), _instant(context, ACCOUNTED)
    if since is None:
        context.store.control.set_meta(SINCE, now.isoformat())
        since = now
    begin = min(now, accounted or since)
    sessions = context.calendar.sessions((begin - _BACK).date(), (now + _AHEAD).date())
    return due(now, sessions, _settled_keys(context, sessions, now), context.slots, since)


def session_at_work(context: RunContext, lasting: timedelta = timedelta()) -> Session | None:
    """Return the session whose work has begun and is not over: from 30 minutes before its close until its report.

    Parameters
    ----------
    lasting : timedelta
        Of what is to be done before: a session that begins its work by then counts.
    """
    now, since = context.clock.now(), _instant(context, SINCE)
    sessions = context.calendar.sessions((now - _BACK).date(), (now + _AHEAD).date())
    first = max([WORK_MINUTES, *(-slot.offset_minutes for slot in context.slots if slot.job in WORK)])
    begun = [one for one in sessions if one.before_close(first) <= now + lasting]
    if not begun:
        return None
    if since is None:
        # Nothing runs by the clock here: a person does it, in about this time.
        return begun[-1] if now < begun[-1].close + WORK_ENDS else None
    if begun[-1].day < since.astimezone(NEW_YORK).date():
        return None  # it was over before this installation began
    settled = _settled_keys(context, sessions, now)
    for wake in wakes(begun[-1], sessions, context.slots):
        if wake.job in WORK and wake.key not in settled and wake.deadline >= max(now, since):
            return begun[-1]
    return None


def _settled_keys(context: RunContext, sessions: Sessions, now: datetime) -> set[Key]:
    records = context.ledger.runs_between(sessions.known[0].day, sessions.known[-1].day)
    return {
        (record.session, record.job, record.slot)
        for record in records
        if record.session is not None and _settled(record, now)
    }


def _instant(context: RunContext, key: str) -> datetime | None:
    text = context.store.control.meta(key)
    return datetime.fromisoformat(text) if text else None


def _settled(record: RunRecord, now: datetime) -> bool:
    if record.finished_at is None:
        return False
    if record.outcome == "missed":
        # A row of the future was written while the clock ran ahead: the job is missed once its deadline has passed.
        return record.finished_at <= now
    again = record.outcome == "failed" and record.job in RETRIED
    codes, document = {record.exit_code}, record.document or {}
    if document.get("action") == "none":
        # A problem for a person may win the exit code; here counts the data or broker error behind it.
        codes |= {problem["code"] for problem in document["problems"]}
    nothing_sent = bool(codes & {ExitCode.DATA, ExitCode.BROKER})
    return not (again and nothing_sent and now - record.finished_at >= RETRY)


def _record_missed(context: RunContext) -> Sequence[JobRun]:
    now, accounted = context.clock.now(), _instant(context, ACCOUNTED)
    found = _due(context)
    for wake in found.superseded:
        _record(context, JobRun(wake, "superseded", ExitCode.DONE))
    absent = f"the program was not running between {_when(accounted)} and {_when(now)}"
    runs = []
    for wake in found.missed:
        record = context.ledger.run_of(wake.job, wake.slot, wake.session)
        if record is not None and record.outcome == "failed":
            continue  # it ran, failed and was reported already
        begun = record is not None and record.finished_at is None
        cause = "begun, and interrupted before it ended" if begun else absent
        runs.append(JobRun(wake, "missed", ExitCode.BROKER, cause))
    if runs:
        context.outbox.post(missed_notice([(run.wake, run.text) for run in runs]))
    # The message's key is the first wake's: written last, so that a kill in between tells nothing twice.
    for run in reversed(runs):
        _record(context, run)
    context.store.control.set_meta(ACCOUNTED, now.isoformat())
    return runs


def _when(instant: datetime | None) -> str:
    return f"{instant.astimezone(NEW_YORK):%Y-%m-%d %H:%M:%S}" if instant else "its installation"


def _record(context: RunContext, run: JobRun) -> None:
    """Write the row of a job that was not carried out."""
    wake, now = run.wake, context.clock.now()
    run_id = context.ledger.start_run(wake.job, wake.slot, wake.session, now)
    problems = [{"code": int(run.exit_code), "text": run.text}] if run.exit_code else []
    document = {"session": wake.session.isoformat(), "problems": problems, "cause": run.text}
    context.ledger.finish_run(run_id, now, run.outcome, run.exit_code, document)


def _run_one(context: RunContext, wake: Wake) -> JobRun:
    try:
        with context.claim(wake.job):
            with context.store.lock():
                pass  # wait until no other run is at work: the row of this job may be theirs
            if wake not in _due(context).ready:
                return JobRun(wake, "skipped", ExitCode.DONE, "another process did it meanwhile")
            return _carried_out(context, wake)
    except RunLockedError as error:
        if wake.job == "manage_options":
            # Never recorded: it is due again at once if that run ends before it has managed them.
            return JobRun(wake, "skipped", ExitCode.DONE, "decide_and_order is at work and manages them next")
        if wake.job != "watch_orders":
            return JobRun(wake, "waiting", ExitCode.LOCKED, str(error))
        run = JobRun(wake, "superseded", ExitCode.DONE, "decide_and_order was still at work")
        _record(context, run)
        return run


def _carried_out(context: RunContext, wake: Wake) -> JobRun:
    ledger = context.ledger
    run_id = ledger.start_run(wake.job, wake.slot, wake.session, context.clock.now())
    with context.scope(run_id, wake.session):
        log.info("job_started", extra={"job": wake.job, "slot": wake.slot})
        if context.dead_man is not None and wake.job == WATCHED:
            context.dead_man.started(_run_name(wake))
        done = _result_of(context, wake)
        for message in done.messages:
            # Messages refer to rows of the run ledger; the ledger of a replayed market has other row numbers.
            context.outbox.post(message, run_id if ledger is context.store.runs else None)
        record = ledger.run_of(wake.job, wake.slot, wake.session)
        if record is not None and record.finished_at is not None:
            outcome = record.outcome or "finished"  # the job has ended its row itself
        else:
            fine = done.exit_code in (ExitCode.DONE, ExitCode.ORDER, ExitCode.HALTED)
            outcome = "finished" if fine else "failed"
            ledger.finish_run(run_id, context.clock.now(), outcome, done.exit_code, done.document)
        log.info("job_ended", extra={"job": wake.job, "slot": wake.slot, "exit_code": int(done.exit_code)})
    problems = done.document.get("problems") or [{}]
    return JobRun(wake, outcome, done.exit_code, str(problems[0].get("text", "")), run_id)


def _run_name(wake: Wake) -> str:
    return f"{wake.job} {wake.slot} {wake.session}".replace("  ", " ")


def _result_of(context: RunContext, wake: Wake) -> RunResult:
    """Return what the job came to and what the owner is told of it; an error that is nobody's is told as a bug."""
    document = {"session": wake.session.isoformat()}
    work = context.jobs.get(wake.job)
    session = context.calendar.sessions(wake.session, wake.session).get(wake.session)
    if work is None or session is None:
        return RunResult({**document, "cause": "nothing to do in this mode"})
    try:
        done = work(session, wake.slot)
    except RunLockedError:
        raise
    except MtumError as error:
        problem = {"code": int(error.exit_code), "text": str(error)}
        done = RunResult({**document, "problems": [problem]}, ExitCode(error.exit_code))
    except Exception as error:  # a bug in one job must not stop the others, nor pass in silence
        log.exception("job_broke")
        text = f"{type(error).__name__}: {error}"
        problem = {"code": int(ExitCode.BUG), "text": text}
        return RunResult({**document, "problems": [problem]}, ExitCode.BUG, (bug_notice(wake, text),))
    told = done.document.get("session")
    if told and (day := date.fromisoformat(str(told))) != session.day:
        # On a replayed market a job of today's timetable plays a session of another day.
        session = context.calendar.sessions(day, day).get(day) or session
    return replace(done, messages=(*done.messages, *outcome_notices(wake, session, done.document, done.exit_code)))


def _closed_day(context: RunContext) -> None:
    """Tell the outside service once on a weekday without a session that silence is right today."""
    now = context.clock.now().astimezone(NEW_YORK)
    if context.dead_man is None or now.weekday() >= 5 or now.hour < 16:
        return
    today = now.date()
    told = context.store.control.meta("told_closed")
    if told != today.isoformat() and context.calendar.sessions(today, today).get(today) is None:
        context.store.control.set_meta("told_closed", today.isoformat())
        context.dead_man.ended(f"closed {today}", 0, "no session today")
