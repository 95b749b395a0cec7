"""Finished bars that a decision may stand on, or why there are none."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date

from mtum.app.bars.kept_out import explained, kept_out, why
from mtum.app.desk import Desk
from mtum.core.market.bars import Bars
from mtum.core.market.sessions import Session, Sessions
from mtum.core.market.sifting import CONTEXT_SESSIONS
from mtum.core.market.validation import BarProblem, problems_in_history, session_days
from mtum.errors import BarsInvalidError, BarsMissingError


def fit_history(desk: Desk, symbol: str, session: Session, sessions: Sessions, needed: int) -> Bars:
    """Return the cached bars before the session, at least `needed` with today's.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    symbol : str
        Ticker.
    session : Session
        The session, with its open and close.
    sessions : Sessions
        A gapless run of sessions, oldest first, with look-ups by date.
    needed : int
        How many bars are needed.

    Raises
    ------
    BarsMissingError, BarsInvalidError
        Naming the first session that is missing or breaks a rule.
    """
    cached = desk.store.bars.bars(symbol, desk.source.name, sessions.known[0].day)
    before = sessions.before(session.day)
    history = cached.until(before.day) if before else cached.until(session.day).tail(0)
    finished = sessions.days[: bisect_left(sessions.days, session.day)]
    if len(history) + 1 < needed:
        expected = finished[1 - needed :]
        raise BarsMissingError(_why_short(desk, history, expected) or _too_short(history, session, needed))
    first = history.day(len(history) - needed + 1) if needed > 1 else session.day
    expected = finished[bisect_left(finished, first) :]
    # The bars before the window are what its first moves are measured against.
    judged = history.tail(len(expected) + CONTEXT_SESSIONS) if expected else history.tail(0)
    days = session_days(expected)
    if problems_in_history(judged, days):  # else a person's word changes nothing
        released = desk.store.quarantine.released_days(symbol, desk.source.name)
        problems = problems_in_history(judged, days, released=released)
        refuse(explained(problems, kept_out(desk.store.quarantine, symbol, desk.source.name)))
    return history


def _why_short(desk: Desk, history: Bars, expected: Sequence[date]) -> str | None:
    """Name the first session missing between bars that are there, and why its bar was kept out."""
    gaps = [day for day in expected if len(history) and day > history.day(0) and history.find(day) is None]
    if not gaps:
        return None
    more = f" (and {len(gaps) - 1} more)" if len(gaps) > 1 else ""
    known = kept_out(desk.store.quarantine, history.symbol, history.source).get(gaps[0])
    reason = why(known) if known else f"{history.source} has no bar"
    return f"{history.symbol} {gaps[0]} is missing, {reason}{more}"


def _too_short(history: Bars, session: Session, needed: int) -> str:
    name = history.source
    return f"{history.symbol}: {len(history)} finished bars from {name} before {session.day}, {needed - 1} needed"


def refuse(problems: tuple[BarProblem, ...] | list[BarProblem]) -> None:
    """Raise the first problem, saying how many more there are; nothing without any."""
    if not problems:
        return
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    kind = BarsMissingError if first.rule.value == "missing_session" else BarsInvalidError
    raise kind(first.text + more)
