"""What a person asks for from outside a run, at a terminal or in a browser: to halt, resume, approve, note."""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtum.errors import UsageError
from mtum.wiring.resources import calendar_of, market_now, opened_store, system_clock

if TYPE_CHECKING:
    from mtum.config import Settings
    from mtum.ports.records import Way


def halted(settings: "Settings", folder: Path, why: str, sleeve: str | None, *, reduce_only: bool) -> dict[str, Any]:
    """Put a halt in force at once, also for a run that is under way; return all that are.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    folder : Path
        The data folder.
    why : str
        Why, in words.
    sleeve : str or None
        Name of the sleeve; None for the whole account.
    reduce_only : bool
        Entries only; exits go on.
    """
    from mtum.app.owner.halt import halt
    from mtum.core.portfolio.limits import Restriction

    restriction = Restriction.REDUCE_ONLY if reduce_only else Restriction.FULL
    with opened_store(settings, folder) as store:
        at = market_now(settings, store, wall=system_clock())
        return halt(store.control, at, restriction, why, sleeve_named(settings, sleeve))


def resumed(settings: "Settings", folder: Path, sleeve: str | None) -> dict[str, Any]:
    """Lift every halt, or one sleeve's; return what was lifted.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    folder : Path
        The data folder.
    sleeve : str or None
        Name of the sleeve; None for the whole account.
    """
    from mtum.app.owner.halt import resume

    with opened_store(settings, folder) as store:
        at, one = market_now(settings, store, wall=system_clock()), sleeve_named(settings, sleeve)
        return resume(store, at, list(settings.configured()), one)


def approved(
    settings: "Settings", folder: Path, day: date, way: "Way", sleeve: str | None, symbol: str | None
) -> tuple[dict[str, Any], Any]:
    """Let a session's entries or exits through in advance; also return the orders that its notice listed, if any.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    folder : Path
        The data folder.
    day : date
        The session's date.
    way : Way
        Which order of a session a person approves.
    sleeve : str or None
        Name of the sleeve; None for the whole account.
    symbol : str or None
        Ticker; None for all.

    Raises
    ------
    UsageError
        If that is no session, or one that was run already.
    """
    from mtum.app.approvals.approve_orders import noticed
    from mtum.app.session.decide_and_order import JOB

    whose = sleeve_named(settings, sleeve)
    if calendar_of(settings, folder).sessions(day, day).get(day) is None:
        raise UsageError(f"{day} is no session of the exchange; `mtum status` names the next")
    with opened_store(settings, folder) as store:
        run = store.runs.run_of(JOB, "", day)
        if run is not None and run.outcome == "finished":
            raise UsageError(f"{day} has been run already; an approval is for a session to come")
        at: datetime = market_now(settings, store, wall=system_clock())
        new = store.approvals.approve(day, way, at, whose, symbol)
        listed = noticed(store.control, day)
    chosen = {name: word for name, word in (("sleeve", whose), ("symbol", symbol)) if word}
    return {"session": day, "way": way, **chosen, "approved": True, "new": new}, listed


def noted(settings: "Settings", folder: Path, words: str, day: date | None, symbol: str | None) -> dict[str, Any]:
    """Keep what a person wrote down, of today's session where none is named.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    folder : Path
        The data folder.
    words : str
        What was written down.
    day : date or None
        Session it is about; None for today's.
    symbol : str or None
        Ticker it is about; None for none.
    """
    from mtum.core.market.calendars import NEW_YORK

    with opened_store(settings, folder) as store:
        at = market_now(settings, store, wall=system_clock())
        about = day or at.astimezone(NEW_YORK).date()
        number = store.control.note(about, symbol, words, at)
    return {"id": number, "session": about, "symbol": symbol, "words": words}


def sleeve_named(settings: "Settings", name: str | None) -> str | None:
    """Return the name of a sleeve that the settings have, None where none is named.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    names = list(settings.configured())
    if name is not None and name not in names:
        raise UsageError(f'--sleeve "{name}" is not known; use {" or ".join(names)}')
    return name
