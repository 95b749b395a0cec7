"""A person stops trading; in force at once, also for a run that is already on its way."""

from datetime import datetime
from typing import Any

from mtum.core.portfolio.limits import Restriction
from mtum.ports.store import ControlStore

PERSON = "person"
"""Who halted, beside the program's own limits."""


def halt(
    control: ControlStore, at: datetime, restriction: Restriction, why: str, sleeve: str | None = None
) -> dict[str, Any]:
    """Put a halt in force and return all that are.

    Parameters
    ----------
    at : datetime
        The market's time.
    restriction : Restriction
        FULL: nothing is sent, exits included; REDUCE_ONLY: no entries.
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
