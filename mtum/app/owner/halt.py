"""A person stops trading; in force at once, also for a run that is already on its way."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mtum.app.session.account_limits import DRAWDOWN
from mtum.app.session.decide_and_order import JOB
from mtum.core.market.calendars import NEW_YORK
from mtum.core.portfolio.limits import Restriction
from mtum.ports.control_store import ControlStore
from mtum.ports.store import Store

PERSON = "person"
"""Who halted, beside the program's own limits."""


def halt(
    control: ControlStore, at: datetime, restriction: Restriction, why: str, sleeve: str | None = None
) -> dict[str, Any]:
    """Put a halt in force and return all that are.

    Parameters
    ----------
    control : ControlStore
        Halts, snapshots, upcoming sessions and facts about the database.
    at : datetime
        The market's time.
    restriction : Restriction
        FULL: nothing is sent, exits included; REDUCE_ONLY: no entries.
    why : str
        Why, in words.
    sleeve : str or None
        Whose orders; None for the whole account's.
    """
    control.halt(restriction, why, PERSON, at, sleeve)
    return in_force(control)


def in_force(control: ControlStore) -> dict[str, Any]:
    """Return the strongest halt in force and every one that is."""
    return {
        "halt": control.restriction(),
        "halts": [
            {"restriction": one.restriction, "why": one.why, "by": one.by, "since": one.since, "sleeve": one.sleeve}
            for one in control.halts(in_force=True)
        ],
    }


def resume(store: Store, at: datetime, sleeves: Sequence[str], sleeve: str | None = None) -> dict[str, Any]:
    """Lift every halt, or one sleeve's; return how many there were, what they said, and what is in force now.

    `at` is the market's time. `decided` is its session (New York) if that decision stands already: lifting changes
    the next one.

    Where one was the drawdown limit's, the fall behind it is accepted: the peak is counted anew from the
    close of the session decided last, or the next session would halt again for the same fall.

    Parameters
    ----------
    store : Store
        The program's records.
    at : datetime
        Instant of it, UTC.
    sleeves : sequence of str
        Names of the sleeves.
    sleeve : str or None
        Name of the sleeve; None for the whole account.
    """
    lifted = [one for one in in_force(store.control)["halts"] if sleeve in (None, one["sleeve"])]
    last = store.runs.latest_run(JOB)
    fallen = dict.fromkeys(one["sleeve"] for one in lifted if one["by"] == DRAWDOWN)
    since = last.session if last is not None and fallen else None
    if since is not None:
        # Recorded before the halts are lifted: if the program is killed in between, entries stay stopped.
        for whose in fallen:
            store.limits.count_peak_since(since, at, whose)
    day = at.astimezone(NEW_YORK).date()
    today = next((found for name in sleeves if (found := store.decisions.decision_of(day, name)) is not None), None)
    return {
        "decided": None if today is None else today.session,
        "decided_as": None if today is None else today.action,
        "lifted": store.control.resume(at, sleeve),
        "were": lifted,
        "peak_since": since,
        **in_force(store.control),
    }
