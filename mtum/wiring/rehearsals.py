"""The rehearsal in its surroundings: disk, database file, channels."""

import shutil
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mtum.adapters.ib.wire_record import codes_in
from mtum.adapters.notifiers.apprise_channel import channels_named
from mtum.adapters.notifiers.smtp import greet
from mtum.adapters.store.checks import problems
from mtum.adapters.store.reading import open_read_only
from mtum.app.desk import Desk
from mtum.app.owner.paper_check import paper_check
from mtum.app.service.rehearse import Rehearsal, Surroundings, failed_rehearsal, over_rehearsal, rehearse
from mtum.config import Settings, current_environment, secret
from mtum.core.market.sessions import Session
from mtum.errors import MtumError, NotifyError, RunLockedError
from mtum.ports.time import Clock
from mtum.wiring import desks, resources
from mtum.wiring.channels import is_anybody_told, mail_servers_of


def rehearsed(
    settings: Settings,
    data_dir: Path,
    clock: Clock,
    session: Session | None = None,
    as_of: datetime | None = None,
) -> Rehearsal:
    """Return the rehearsal of a session (default: the next to be decided); no error leaves it.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    data_dir : Path
        Data folder.
    clock : Clock
        Tells the time and waits; the only source of "now".
    session : Session or None
        The session to rehearse; None for the next to be decided.
    as_of : datetime or None
        Instant to take for now, for a rehearsal; None is the clock's.

    Raises
    ------
    RunLockedError
        If a run is at work right now.
    """
    around = Surroundings(
        free_bytes=lambda: shutil.disk_usage(_existing(data_dir)).free,
        damage=lambda: _damage(data_dir / resources.DATABASE_NAME),
        unreachable=lambda: unreachable(settings),
        anybody_told=is_anybody_told(settings, current_environment()),
    )
    chosen = session or next_session(settings, data_dir, clock)
    try:
        if resources.is_replay(settings):
            with desks.replay_desk(settings, data_dir) as replay:
                played = replay.upcoming()
                if played is None:
                    return over_rehearsal(replay.desk, around)
                replay.desk.clock.wait_until(played.before_close(settings.schedule.snapshot_minutes))
                return rehearse(replay.desk, played, around)
        with desks.live_desk(settings, data_dir, as_of) as desk:
            # The desk's clock is the broker's where a practice gateway keeps market time.
            return rehearse(desk, session or next_session(settings, data_dir, desk.clock), around)
    except RunLockedError:
        raise
    except MtumError as error:
        return failed_rehearsal(chosen, error)


def checked_on_paper(desk: Desk, session: Session, tell: Callable[[str], None]) -> dict[str, Any]:
    """Carry out the check-list for a paper account with the codes that this folder's wire record holds.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    session : Session
        The session, with its open and close.
    tell : callable
        Told in words what a person may want to know.
    """
    return paper_check(desk, session, lambda: codes_in(desk.data_dir, session.day), tell)


def next_session(settings: Settings, data_dir: Path, clock: Clock) -> Session:
    """Return the session of today if it is not over, else the next one.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    data_dir : Path
        Data folder.
    clock : Clock
        Tells the time and waits; the only source of "now".

    Raises
    ------
    CalendarMismatchError
        If the calendar does not reach that far.
    """
    now = clock.now()
    near = resources.calendar_of(settings, data_dir).sessions(now.date(), (now + timedelta(days=14)).date())
    return next(session for session in near if session.close > now)


def unreachable(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Return the mail servers and services that would not take a message now; nothing is sent."""
    failed = []
    for channel in channels_named(secret("notify.urls", current_environment())):
        try:
            channel.prepared()
        except NotifyError as error:
            failed.append((channel.name, str(error)))
    for server in mail_servers_of(settings, current_environment()):
        try:
            greet(server)
        except NotifyError as error:
            failed.append((server.place, str(error)))
    return tuple(failed)


def _damage(database: Path) -> tuple[str, ...]:
    if not database.exists():
        return ()
    with closing(open_read_only(database)) as connection:
        return problems(connection)


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())
