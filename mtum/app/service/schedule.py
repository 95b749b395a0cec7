"""When each job of the trading day is due: the timetable as data, and what follows from it."""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum

from msgspec import Struct

from mtum.config import Schedule
from mtum.core.market.calendars import NEW_YORK
from mtum.core.market.sessions import Session, Sessions

REHEARSE_MINUTES = 90.0
REFRESH_MINUTES = 30.0

LONGEST_LEAD = timedelta(days=7)
"""No slot lies earlier before its session's close; the earliest is the Sunday login of a short week."""

Key = tuple[date, str, str]
"""Session, job and slot: what the run ledger is keyed by beside the account."""


class Anchor(Enum):
    """What the minutes of a slot count from; civil times are New York's."""

    CLOSE = "close"
    EVENING = "midnight of the session's day"
    SUNDAY = "midnight of the Sunday before the week's first session"
    MONDAY = "midnight of the Monday of the week's first session"


class Every(Enum):
    """Which sessions have the slot."""

    SESSION = "session"
    WEEK_BEGIN = "first session of the week"
    WEEK_END = "last session of the week"
    MONTH_END = "last session of the month"
    QUARTER_END = "last session of the quarter"


class Slot(Struct, frozen=True):
    """One line of the timetable.

    Parameters
    ----------
    offset_minutes : float
        Minutes after the anchor; negative before it.
    deadline_minutes : float or None
        Last moment the job may begin, in minutes after the same anchor; None: until the
        rehearsal of the next session.
    """

    job: str
    name: str
    anchor: Anchor
    offset_minutes: float
    deadline_minutes: float | None = None
    every: Every = Every.SESSION


class Wake(Struct, frozen=True, order=True):
    """One occurrence of a slot: begins at `at` and not later than `deadline` (UTC)."""

    at: datetime
    job: str
    slot: str
    session: date
    deadline: datetime

    @property
    def key(self) -> Key:
        """What the run ledger knows it by."""
        return (self.session, self.job, self.slot)


class DueWakes(Struct, frozen=True):
    """What a moment asks for: to run, to record as missed, to record as superseded."""

    ready: tuple[Wake, ...] = ()
    missed: tuple[Wake, ...] = ()
    superseded: tuple[Wake, ...] = ()


MAIN = ""
"""Slot of a job that has one per session."""
NIGHT = "night"
"""Slot of the copy that is made after everything else of a session's day."""


KEPT_FREE_MINUTES = (35.0, 5.0)
"""Minutes before and after the close between which nothing but the work of the session is to take time."""
OPTION_MINUTES = (17.0, 3.0)
"""Minutes before the close between which orders in options are managed."""


def timetable(schedule: Schedule, *, options: bool = False) -> tuple[Slot, ...]:
    """Return the slots of the trading day under these settings, in the order they work.

    Parameters
    ----------
    options : bool
        Whether a sleeve trades options: then what became of them overnight is asked, and their orders are managed.
    """
    close, opens, last = Anchor.CLOSE, schedule.window_opens_minutes, schedule.last_send_minutes
    refresh = max(REFRESH_MINUTES, opens + 8)
    rehearse = max(REHEARSE_MINUTES, refresh + 30)
    week, day = Every.WEEK_BEGIN, Anchor.EVENING
    begin, end = OPTION_MINUTES
    events = (
        Slot("option_events", "first", day, 9 * 60 + 45, 10 * 60 + 10),
        Slot("option_events", "second", day, 10 * 60 + 15, 12 * 60),
    )
    managed = (Slot("manage_options", MAIN, close, -begin, -end),)
    return (
        *(events if options else ()),
        Slot("rehearse", "login_sunday", Anchor.SUNDAY, 18 * 60, 32 * 60, week),
        Slot("rehearse", "login_monday", Anchor.MONDAY, 8 * 60, 11 * 60, week),
        Slot("rehearse", MAIN, close, -rehearse, -refresh),
        Slot("refresh_bars", MAIN, close, -refresh, -opens - 2),
        Slot("decide_and_order", MAIN, close, -opens, -last),
        *(managed if options else ()),
        Slot("watch_orders", "first", close, -13, -9),
        Slot("watch_orders", "second", close, -9, -4),
        Slot("watch_orders", "third", close, -4, 0),
        Slot("confirm_fills", "first", close, 15, 30),
        Slot("confirm_fills", "second", close, 30),
        Slot("backup", "settled", close, 40),
        Slot("daily_report", MAIN, close, 45),
        Slot("review", "week", close, 60, None, Every.WEEK_END),
        Slot("review", "month", close, 61, None, Every.MONTH_END),
        Slot("review", "quarter", close, 62, None, Every.QUARTER_END),
        Slot("backup", NIGHT, day, 23 * 60 + 30),
    )


def free_again(now: datetime, sessions: Sessions, schedule: Schedule) -> datetime | None:
    """Return when other work may begin again if `now` belongs to orders; None if it may begin now.

    That is from shortly before the bars are read, 35 minutes before the close or earlier, until 5 after it.

    Parameters
    ----------
    now : datetime
        The present instant, UTC.
    sessions : Sessions
        A gapless run of sessions, oldest first, with look-ups by date.
    schedule : Schedule
        Minutes before the close of each step of the trading day.
    """
    before, after = KEPT_FREE_MINUTES
    before = max(before, REFRESH_MINUTES + 5, schedule.window_opens_minutes + 13)
    for session in sessions:
        end = session.close + timedelta(minutes=after)
        if session.before_close(before) <= now < end:
            return end
    return None


def wakes(session: Session, sessions: Sessions, slots: Sequence[Slot]) -> tuple[Wake, ...]:
    """Return every wake of one session, earliest first.

    `sessions` must reach a week to both sides; at its very ends weekly and monthly slots are left out.

    Parameters
    ----------
    session : Session
        The session, with its open and close.
    sessions : Sessions
        A gapless run of sessions, oldest first, with look-ups by date.
    slots : sequence of Slot
        The timetable.
    """
    earlier, later = sessions.before(session.day), sessions.after(session.day)
    latest = _next_rehearsal(session, later, slots)
    found = [_wake(slot, session, latest) for slot in slots if _has(slot.every, session.day, earlier, later)]
    return tuple(sorted(found, key=lambda wake: wake.at))


def upcoming(now: datetime, sessions: Sessions, count: int, slots: Sequence[Slot]) -> tuple[Wake, ...]:
    """Return the wakes after `now` of the next `count` sessions that still have one.

    Parameters
    ----------
    now : datetime
        The present instant, UTC.
    sessions : Sessions
        A gapless run of sessions, oldest first, with look-ups by date.
    count : int
        How many.
    slots : sequence of Slot
        The timetable.
    """
    found: list[Wake] = []
    met = 0
    begin = (now - timedelta(days=2)).date()
    for session in sessions:
        if session.day < begin:
            continue
        later = [wake for wake in wakes(session, sessions, slots) if wake.at > now]
        met += bool(later)
        found += later
        if met == count:
            break
    return tuple(sorted(found))


def due(
    now: datetime, sessions: Sessions, ledger: Collection[Key], slots: Sequence[Slot], since: datetime | None = None
) -> DueWakes:
    """Return what is due at `now` and not in the ledger, in the order to work through.

    Parameters
    ----------
    now : datetime
        The present instant, UTC.
    sessions : Sessions
        A gapless run of sessions, oldest first, with look-ups by date.
    ledger : collection of Key
        Runs with an outcome; one that was started and not finished is not among them.
    slots : sequence of Slot
        The timetable.
    since : datetime, optional
        When this installation began; sessions of earlier days, and wakes whose deadline had
        passed by then, do not count as missed.

    Notes
    -----
    A wake whose deadline has passed is missed, never ready. A wake is superseded when a later
    slot of the same job and session is ready or done: the later one does its work.
    """
    begun = [session for session in sessions if session.close - LONGEST_LEAD <= now]
    reached = [wake for session in begun for wake in wakes(session, sessions, slots) if wake.at <= now]
    counted = [wake for wake in reached if since is None or _counts(wake, since)]
    opened = [wake for wake in counted if wake.key not in ledger]
    taken = [wake for wake in counted if wake.key in ledger or wake.deadline >= now]
    superseded = tuple(wake for wake in opened if _followed(wake, taken))
    rest = [wake for wake in opened if wake not in superseded]
    return DueWakes(
        ready=tuple(sorted(wake for wake in rest if wake.deadline >= now)),
        missed=tuple(sorted(wake for wake in rest if wake.deadline < now)),
        superseded=superseded,
    )


def _counts(wake: Wake, since: datetime) -> bool:
    return wake.deadline >= since and wake.session >= since.astimezone(NEW_YORK).date()


def _followed(wake: Wake, taken: Sequence[Wake]) -> bool:
    # Backups and reviews of different slots do different work; only repeated looks replace one another.
    if wake.job not in ("rehearse", "watch_orders", "confirm_fills", "option_events"):
        return False
    return any(other.job == wake.job and other.session == wake.session and other.at > wake.at for other in taken)


def _wake(slot: Slot, session: Session, latest: datetime) -> Wake:
    anchor = _anchor(slot.anchor, session)
    deadline = latest if slot.deadline_minutes is None else _after(anchor, slot.deadline_minutes)
    return Wake(_after(anchor, slot.offset_minutes), slot.job, slot.name, session.day, deadline)


def _after(anchor: datetime, minutes: float) -> datetime:
    # Civil anchors count wall-clock minutes: 18:00 is 18:00 on a day of 23 hours too.
    return (anchor + timedelta(minutes=minutes)).astimezone(UTC)


def _anchor(anchor: Anchor, session: Session) -> datetime:
    if anchor is Anchor.CLOSE:
        return session.close
    back = {Anchor.EVENING: 0, Anchor.SUNDAY: session.day.weekday() + 1, Anchor.MONDAY: session.day.weekday()}
    return datetime.combine(session.day - timedelta(days=back[anchor]), time(), NEW_YORK)


def _next_rehearsal(session: Session, later: Session | None, slots: Sequence[Slot]) -> datetime:
    if later is None:
        return session.close + timedelta(days=1)
    before = next((slot.offset_minutes for slot in slots if slot.job == "rehearse" and slot.name == MAIN), 0.0)
    return _after(later.close, before)


def _has(every: Every, day: date, earlier: Session | None, later: Session | None) -> bool:
    match every:
        case Every.SESSION:
            return True
        case Every.WEEK_BEGIN:
            return earlier is not None and _week(earlier.day) != _week(day)
        case Every.WEEK_END:
            return later is not None and _week(later.day) != _week(day)
        case Every.MONTH_END:
            return later is not None and later.day.month != day.month
        case Every.QUARTER_END:
            return later is not None and (later.day.month - 1) // 3 != (day.month - 1) // 3


def _week(day: date) -> tuple[int, int]:
    return day.isocalendar()[:2]
