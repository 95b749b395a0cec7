"""One session of a replayed market from beginning to end: decide, close, settle."""

from datetime import date, timedelta
from functools import cache
from typing import Any

from msgspec import Struct

from mtum.app.bars.check_columns import check_columns
from mtum.app.desk import Desk, Problem, RunResult
from mtum.app.session.confirm_fills import JOB as SETTLE_JOB
from mtum.app.session.confirm_fills import confirm_fills
from mtum.app.session.decide_and_order import JOB, current_document, decide_and_order
from mtum.config import Settings
from mtum.core.market.sessions import Session
from mtum.core.portfolio.sleeves import Sleeve
from mtum.errors import BarsMissingError, DataError, ExitCode, UsageError, worst
from mtum.ports.market_data import BarSource
from mtum.ports.time import Calendar

SETTLED_AFTER = timedelta(hours=2, minutes=5)
"""A bar read two hours after the close is final."""
FIRST_SESSIONS = 250
"""A new replay begins this many sessions before the end of its market."""


class Replay(Struct, frozen=True):
    """A replayed market beside its desk: every session it holds, oldest first."""

    desk: Desk
    market: tuple[Session, ...]

    def upcoming(self) -> Session | None:
        """Return the session to play next, None when the market is over."""
        return next_session(self.desk, self.market)

    def session(self, day: date) -> Session:
        """Return the session of that date.

        Raises
        ------
        UsageError
            If the market has none.
        """
        for session in self.market:
            if session.day == day:
                return session
        first, last = (self.market[0].day, self.market[-1].day) if self.market else (None, None)
        raise UsageError(
            f"{day} is not a session of the {self.desk.source.name} market, which runs from {first} to {last}"
        )


def market_sessions(source: BarSource, calendar: Calendar, settings: Settings) -> tuple[Session, ...]:
    """Return the sessions between the first and the last bar of the replayed market that can be decided.

    A symbol listed late counts from the session at which it has the bars that the strategy needs; where each symbol
    is judged by itself the others do not wait for it.

    Parameters
    ----------
    source : BarSource
        Daily bars, today's unfinished bar and the VIX from one vendor.
    calendar : Calendar
        The exchange's trading sessions.
    settings : Settings
        Settings in force.

    Raises
    ------
    BarsMissingError
        If there is none, as the strategy needs a longer history.
    UsageError
        If the strategy looks at more than the closes that a symbol has.
    """
    begins: list[date] = []
    spans: list[tuple[Session, ...]] = []
    stuck: list[DataError] = []
    for sleeve in settings.sleeves():
        check_columns(sleeve.strategy, source)
        found, short = _spans(sleeve, source, calendar)
        if short and (not sleeve.strategy.EACH_BY_ITSELF or not found):
            stuck.append(short[0])
            continue
        first = min if sleeve.strategy.EACH_BY_ITSELF else max
        begins.append(first(sessions[0].day for sessions in found))
        spans += found
    if not spans:
        raise stuck[0]
    longest = max(spans, key=lambda sessions: (sessions[-1].day, len(sessions)))
    return tuple(session for session in longest if session.day >= max(begins))


def _spans(sleeve: Sleeve, source: BarSource, calendar: Calendar) -> tuple[list[tuple[Session, ...]], list[DataError]]:
    """Return the sessions at which each symbol of a sleeve has the bars it needs, and what is wrong with others."""
    needed, found, short = sleeve.strategy.history_sessions(), list[tuple[Session, ...]](), list[DataError]()
    between = cache(calendar.sessions)  # most symbols have the same first and last day
    for symbol in sleeve.looks_at:
        try:
            bars = source.history(symbol, date(1990, 1, 1), date(2200, 1, 1))
            sessions = between(bars.day(0), bars.last_day).known if len(bars) else ()
            if len(sessions) < needed:
                said = f"{symbol}: the {source.name} market has {len(sessions)} sessions, {needed} needed"
                raise BarsMissingError(said)
            found.append(sessions[needed - 1 :])
        except DataError as error:
            short.append(error)
    return found, short


def next_session(desk: Desk, market: tuple[Session, ...]) -> Session | None:
    """Return the session to play: an unfinished one, else the one after the last; None at the end.

    Parameters
    ----------
    market : tuple of Session
        Every session the replayed market holds, oldest first.
    """
    open_run = desk.store.runs.unfinished_run(JOB) or desk.store.runs.unfinished_run(SETTLE_JOB)
    by_day = {session.day: session for session in market}
    if open_run is not None and open_run.session in by_day:
        return by_day[open_run.session]
    last = desk.store.runs.latest_run(JOB)
    if last is None or last.session is None:
        return market[max(0, len(market) - FIRST_SESSIONS)] if market else None
    settled = desk.store.runs.run_of(SETTLE_JOB, "", last.session)
    if settled is None and last.session in by_day:
        return by_day[last.session]
    return next((session for session in market if session.day > last.session), None)


def play_session(desk: Desk, session: Session) -> RunResult:
    """Decide the session, let the market close, settle; resumes wherever an earlier start ended."""
    known = desk.store.runs.run_of(SETTLE_JOB, "", session.day)
    # A replayed market has no night: its clock jumps to the start of the session's trading window.
    desk.clock.wait_until(session.before_close(desk.settings.schedule.window_opens_minutes))
    decided = decide_and_order(desk, session)
    if decided.document.get("rerun") and known is not None and known.finished_at is not None:
        return decided
    if decided.exit_code and not desk.decided(session.day):
        return decided  # nothing was decided: the replay stays at this session until the cause is fixed
    desk.clock.wait_until(session.close + SETTLED_AFTER)
    confirm_fills(desk, session, before_end=lambda settled: _complete(desk, session, decided, settled))
    run = desk.store.runs.run_of(JOB, "", session.day)
    assert run is not None
    assert run.document is not None
    return RunResult(dict(run.document), ExitCode(run.exit_code or 0))


def _complete(desk: Desk, session: Session, decided: RunResult, settled: RunResult) -> None:
    # The run's own document is completed by what the close brought.
    code = worst((decided.exit_code, settled.exit_code))
    problems = list(dict.fromkeys(_texts(decided.document) + _texts(settled.document)))
    document: dict[str, Any] = {
        **current_document(desk, session, tuple(Problem(ExitCode(number), text) for number, text in problems)),
        "exit_code": int(code),
        "fills": settled.document["fills"],
        "equity_usd": settled.document["equity_usd"],
        "benchmark_usd": settled.document["benchmark_usd"],
    }
    run = desk.store.runs.run_of(JOB, "", session.day)
    if run is not None:
        desk.store.runs.complete_run(run.id, int(code), document)


def _texts(document: dict[str, Any]) -> list[tuple[int, str]]:
    return [(int(problem["code"]), str(problem["text"])) for problem in document["problems"]]
