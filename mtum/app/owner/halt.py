"""A person stops trading; in force at once, also for a run that is already on its way."""

from datetime import datetime
from typing import Any

from mtum.core.portfolio.limits import Restriction
from mtum.ports.store import ControlStore

PERSON = "person"
"""Who halted, beside the program's own limits."""


def halt(control: ControlStore, at: datetime, restriction: Restriction, why: str) -> dict[str, Any]:
    """Put a halt in force and return all that are.

    Parameters
    ----------
    at : datetime
        The market's time.
    restriction : Restriction
        FULL: nothing is sent, exits included; REDUCE_ONLY: no entries.
    """
    control.halt(restriction, why, PERSON, at)
    return in_force(control)


def in_force(control: ControlStore) -> dict[str, Any]:
    """Return the strongest halt in force and every one that is."""
    return {
        "halt": control.restriction(),
        "halts": [
            {"restriction": found.restriction, "why": found.why, "by": found.by, "since": found.since}
            for found in control.halts(in_force=True)
        ],
    }
