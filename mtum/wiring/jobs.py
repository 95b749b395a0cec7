"""Each job of the trading day and the use case that carries it out, on a real or a replayed market."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path

from mtum.app.desk import Desk, RunResult
from mtum.app.service.run_due import Job
from mtum.app.session.confirm_fills import confirm_fills
from mtum.app.session.decide_and_order import decide_and_order, sessions_around
from mtum.app.session.gather import refresh_universe
from mtum.app.session.likely_order import likely_order
from mtum.app.session.play_session import Replay, play_session
from mtum.app.session.watch_orders import watch_orders
from mtum.config import Settings, current_environment
from mtum.core.market.sessions import Session
from mtum.errors import ExitCode, worst
from mtum.ports.time import Clock
from mtum.wiring import desks, resources

PLAYED_ON = "played_on"
"""Fact of the database: the last day on which the clock played a session of a replayed market, and which."""


def jobs_of(settings: Settings, data_dir: Path, clock: Clock, as_of: datetime | None = None) -> Mapping[str, Job]:
    """Return every job under these settings; each opens what it needs and lets go of it."""
    day = _Day(settings, data_dir, clock, as_of)
    either: dict[str, Job] = {"backup": day.backup, "review": day.review, "rehearse": day.rehearse}
    if resources.is_replay(settings):
        return {**either, "decide_and_order": day.play, "daily_report": day.report_played}
    return {
        **either,
        "refresh_bars": day.at_desk(_refreshed),
        "decide_and_order": day.at_desk(lambda desk, session, _: decide_and_order(desk, session)),
        "watch_orders": day.at_desk(lambda desk, session, _: watch_orders(desk, session)),
        "confirm_fills": day.at_desk(confirm_fills),
        "daily_report": lambda session, _: day.reported(session),
    }


class _Day:
    """The jobs share settings, folder and clock; nothing stays open between two of them."""

    def __init__(self, settings: Settings, data_dir: Path, clock: Clock, as_of: datetime | None) -> None:
        self._settings = settings
        self._data_dir = data_dir
        self._clock = clock
        self._as_of = as_of

    def at_desk(self, work: Callable[[Desk, Session, str], RunResult]) -> Job:
        def job(session: Session, slot: str) -> RunResult:
            with desks.live_desk(self._settings, self._data_dir, self._as_of) as desk:
                return work(desk, session, slot)

        return job

    def rehearse(self, session: Session, slot: str) -> RunResult:
        from mtum.wiring.rehearsals import rehearsed

        found = rehearsed(self._settings, self._data_dir, self._clock, session, self._as_of)
        return RunResult(found.document, found.exit_code)

    def play(self, session: Session, slot: str) -> RunResult:
        with desks.replay_desk(self._settings, self._data_dir) as replay:
            played = _begun_on(replay, session.day) or replay.upcoming()
            if played is None:
                return RunResult({"note": "the replayed market is over"})
            replay.desk.store.control.set_meta(PLAYED_ON, f"{session.day} {played.day}")
            return play_session(replay.desk, played)

    def report_played(self, session: Session, slot: str) -> RunResult:
        with resources.opened_store(self._settings, self._data_dir) as store:
            last = store.runs.latest_run("decide_and_order")
        if last is None or last.session is None:
            return RunResult({"note": "nothing has been played"})
        calendar = resources.calendar_of(self._settings, self._data_dir)
        played = calendar.sessions(last.session, last.session).get(last.session)
        return self.reported(played) if played else RunResult()

    def reported(self, session: Session) -> RunResult:
        from mtum.app.reporting.daily_report import daily_report, report_message
        from mtum.wiring.reports import writer_of

        calendar = resources.calendar_of(self._settings, self._data_dir)
        with resources.opened_store(self._settings, self._data_dir) as store:
            writer = writer_of(self._settings, self._data_dir, store, calendar, html=True)
            at = resources.market_now(self._settings, store, session.day, self._clock)
            report = daily_report(writer, session.day, at)
            problems = [{"code": line.code, "text": line.text} for line in report.broken]
            code = ExitCode.BUG if problems else ExitCode.DONE
            return RunResult({"problems": problems}, code, (report_message(writer, report),))

    def backup(self, session: Session, slot: str) -> RunResult:
        from mtum.wiring.backups import made_copy

        made = made_copy(self._settings, self._data_dir, self._clock)
        return RunResult({"path": str(made.path), "kept": made.kept, "removed": list(made.removed)})

    def review(self, session: Session, slot: str) -> RunResult:
        from mtum.app.reporting.period import Kind
        from mtum.app.reporting.review import review_message, write_review
        from mtum.wiring.reports import outside_of, writer_of

        calendar = resources.calendar_of(self._settings, self._data_dir)
        kind = Kind(slot)
        outside = outside_of(kind, self._data_dir, current_environment())
        with resources.opened_store(self._settings, self._data_dir) as store:
            writer = writer_of(self._settings, self._data_dir, store, calendar, html=True)
            # A replayed market's last session is not today's.
            last = store.runs.latest_run("decide_and_order") if resources.is_replay(self._settings) else None
            end = last.session if last and last.session else session.day
            at = resources.market_now(self._settings, store, end, self._clock)
            found = write_review(writer, kind, end, at, outside)
            return RunResult({**found.document}, messages=(review_message(writer, found),))


def _begun_on(replay: Replay, day: date) -> Session | None:
    # A start that was cut short after its last step must not lead to a second session on the same day.
    on, _, played = (replay.desk.store.control.meta(PLAYED_ON) or "").partition(" ")
    return next((one for one in replay.market if (on, played) == (day.isoformat(), one.day.isoformat())), None)


def _refreshed(desk: Desk, session: Session, _: str) -> RunResult:
    refused = refresh_universe(desk, session, sessions_around(desk, session))
    likely = likely_order(desk, session)
    problems = [{"code": int(error.exit_code), "text": str(error)} for error in refused.values()]
    document = {"session": session.day.isoformat(), "problems": problems}
    code = worst(ExitCode(error.exit_code) for error in refused.values())
    return RunResult(document, code, (likely,) if likely else ())
