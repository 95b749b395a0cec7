"""Each job of the trading day and the use case that carries it out, on a real or a replayed market."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from mtum.app.desk import Desk, RunResult, exit_code_of
from mtum.app.service.run_due import Job
from mtum.app.session.confirm_fills import confirm_fills
from mtum.app.session.decide_and_order import decide_and_order, manage_orders
from mtum.app.session.likely_order import refresh_and_announce
from mtum.app.session.play_session import play_session
from mtum.app.session.watch_orders import watch_orders
from mtum.config import Settings, current_environment
from mtum.core.market.sessions import Session
from mtum.errors import ExitCode
from mtum.ports.time import Clock
from mtum.wiring import desks, resources

PLAYED_ON = "played_on"
"""Fact of the database: the last day on which the clock played a session of a replayed market, and which."""


def jobs_of(settings: Settings, data_dir: Path, clock: Clock, as_of: datetime | None = None) -> Mapping[str, Job]:
    """Return every job under these settings; each opens what it needs and lets go of it.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    data_dir : Path
        Data folder.
    clock : Clock
        Tells the time and waits; the only source of "now".
    as_of : datetime or None
        Instant to take for now, for a rehearsal; None is the clock's.
    """
    jobs = _Jobs(settings, data_dir, clock, as_of)
    either: dict[str, Job] = {
        "backup": jobs.backup,
        "daily_report": jobs.report,
        "review": jobs.review,
        "rehearse": jobs.rehearse,
    }
    if resources.is_replay(settings):
        return {**either, "decide_and_order": jobs.play}
    options = settings.trades_options
    return {
        **either,
        "refresh_bars": jobs.at_desk(lambda desk, session, _: refresh_and_announce(desk, session)),
        # Orders in options are the next job's, so that what is told of those in shares leaves before.
        "decide_and_order": jobs.at_desk(lambda desk, session, _: decide_and_order(desk, session, manages=False)),
        **({"option_events": jobs.at_desk(_events), "manage_options": jobs.at_desk(_manage)} if options else {}),
        "watch_orders": jobs.at_desk(lambda desk, session, _: watch_orders(desk, session)),
        "confirm_fills": jobs.at_desk(confirm_fills),
    }


def _events(desk: Desk, session: Session, slot: str) -> RunResult:
    from mtum.app.options.option_events import option_events

    return option_events(desk, session, slot)


def _manage(desk: Desk, session: Session, _: str) -> RunResult:
    desk.broker.connect()
    try:
        problems = manage_orders(desk, session)
    finally:
        desk.broker.close()
    told = [one.document() for one in problems]
    return RunResult({"session": session.day.isoformat(), "problems": told}, exit_code_of(problems))


class _Jobs(Struct, frozen=True):
    # They share settings, folder and clock; nothing stays open between two of them.
    settings: Settings
    data_dir: Path
    clock: Clock
    as_of: datetime | None

    def at_desk(self, work: Callable[[Desk, Session, str], RunResult]) -> Job:
        def job(session: Session, slot: str) -> RunResult:
            with desks.live_desk(self.settings, self.data_dir, self.as_of) as desk:
                return work(desk, session, slot)

        return job

    def rehearse(self, session: Session, slot: str) -> RunResult:
        from mtum.wiring.rehearsals import rehearsed

        found = rehearsed(self.settings, self.data_dir, self.clock, session, self.as_of)
        return RunResult(found.document, found.exit_code)

    def play(self, session: Session, slot: str) -> RunResult:
        with desks.replay_desk(self.settings, self.data_dir) as replay:
            control, today = replay.desk.store.control, session.day.isoformat()
            # A start that was cut short after its last step must not lead to a second session on the same day.
            on, _, begun = (control.meta(PLAYED_ON) or "").partition(" ")
            known = (one for one in replay.market if (on, begun) == (today, one.day.isoformat()))
            played = next(known, None) or replay.upcoming()
            if played is None:
                return RunResult({"note": "the replayed market is over"})
            control.set_meta(PLAYED_ON, f"{today} {played.day}")
            return play_session(replay.desk, played)

    def report(self, session: Session, slot: str) -> RunResult:
        from mtum.app.reporting.daily_report import daily_report, report_message
        from mtum.wiring.reports import writer_of

        calendar, day = resources.calendar_of(self.settings, self.data_dir), session.day
        with resources.opened_store(self.settings, self.data_dir) as store:
            if resources.is_replay(self.settings):
                last = store.runs.latest_run("decide_and_order")
                if last is None or last.session is None:
                    return RunResult({"note": "nothing has been played"})
                day = last.session
            writer = writer_of(self.settings, self.data_dir, store, calendar, html=True)
            at = resources.market_now(self.settings, store, day, self.clock)
            report = daily_report(writer, day, at)
            problems = [{"code": line.code, "text": line.text} for line in report.broken]
            code = ExitCode.BUG if problems else ExitCode.DONE
            return RunResult({"problems": problems}, code, (report_message(writer, report),))

    def backup(self, session: Session, slot: str) -> RunResult:
        from mtum.wiring.backups import made_copy

        made = made_copy(self.settings, self.data_dir, self.clock)
        return RunResult({"path": str(made.path), "kept": made.kept, "removed": list(made.removed)})

    def review(self, session: Session, slot: str) -> RunResult:
        from mtum.app.reporting.period import Kind
        from mtum.app.reporting.review import review_message, write_review
        from mtum.wiring.reports import outside_of, writer_of

        calendar = resources.calendar_of(self.settings, self.data_dir)
        kind = Kind(slot)
        outside = outside_of(kind, self.data_dir, current_environment())
        with resources.opened_store(self.settings, self.data_dir) as store:
            writer = writer_of(self.settings, self.data_dir, store, calendar, html=True)
            # A replayed market's last session is not today's.
            last = store.runs.latest_run("decide_and_order") if resources.is_replay(self.settings) else None
            end = last.session if last and last.session else session.day
            at = resources.market_now(self.settings, store, end, self.clock)
            found = write_review(writer, kind, end, at, outside)
            return RunResult({**found.document}, messages=(review_message(writer, found),))
