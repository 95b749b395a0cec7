"""`mtum run` against the clock: which session is it, and may it act now?"""

from contextlib import suppress
from datetime import date, datetime

from mtum.app.desk import Desk, RunResult
from mtum.app.session.decide_and_order import decide_and_order
from mtum.app.session.run_document import empty_document
from mtum.core.market.calendars import NEW_YORK, calendars_agree
from mtum.core.market.sessions import Session
from mtum.errors import BrokerError, CalendarMismatchError, DeadlineMissedError, ExitCode, UsageError

SATURDAY = 5


def run_today(desk: Desk, wanted: date | None, *, dry_run: bool = False) -> RunResult:
    """Carry out the daily job of today's session, if there is one and its window is open.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    wanted : date or None
        Session that was asked for; None for today's.
    dry_run : bool
        Whether it is only shown: nothing is ordered.

    Raises
    ------
    UsageError
        If another session is asked for, or the window has not opened yet.
    DeadlineMissedError
        If the window has closed and nothing was decided.
    CalendarMismatchError
        If the broker says that it is open on a working day our calendar calls shut.
    """
    session = todays_session(desk)
    if session is None:
        _shut_at_the_broker_too(desk)
        return not_a_session(desk)
    if wanted is not None and wanted != session.day:
        raise UsageError(f"today's session is {session.day}; another one ({wanted}) cannot be traded")
    if not dry_run:
        check_window(desk, session)
    return decide_and_order(desk, session, dry_run=dry_run)


def todays_session(desk: Desk) -> Session | None:
    """Return the session of the exchange's date now, None when it is shut today."""
    today = _today(desk)
    return desk.calendar.sessions(today, today).get(today)


def _today(desk: Desk) -> date:
    return desk.clock.now().astimezone(NEW_YORK).date()


def check_window(desk: Desk, session: Session) -> None:
    """Refuse to act before the window opens, or to decide after it has closed."""
    now, schedule = desk.clock.now(), desk.settings.schedule
    opens = session.before_close(schedule.window_opens_minutes)
    if now < opens:
        raise UsageError(f"{session.day}: window opens {_in_new_york(opens)}; use --wait or --dry-run")
    last = session.before_close(schedule.last_send_minutes)
    decided = desk.decided(session.day)
    if now > last and not decided:
        raise DeadlineMissedError(f"{session.day}: window closed {_in_new_york(last)}; nothing was sent")


def _in_new_york(instant: datetime) -> str:
    return f"{instant.astimezone(NEW_YORK):%H:%M} New York time"


def _shut_at_the_broker_too(desk: Desk) -> None:
    # A holiday entered by mistake would skip a session unnoticed, so the broker is asked too; if it cannot be, go on.
    today = _today(desk)
    if desk.settings.mode == "practice" or today.weekday() >= SATURDAY:
        return
    hours: dict[str, Session | None] = {}
    with suppress(BrokerError, CalendarMismatchError):
        desk.broker.connect()
        try:
            hours = {symbol: desk.broker.session_hours(symbol, today) for symbol in desk.symbols}
        finally:
            desk.broker.close()
    for symbol, open_there in hours.items():
        differs = calendars_agree(today, None, open_there)
        if differs:
            raise CalendarMismatchError(f"{symbol}: {differs}")


def not_a_session(desk: Desk) -> RunResult:
    """Return the result for a day on which the exchange is shut."""
    document = empty_document(None, desk.settings.mode, desk.account, desk.names, ())
    note = f"the exchange is shut on {_today(desk)}"
    return RunResult({**document, "note": note}, ExitCode.DONE)
