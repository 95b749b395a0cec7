"""How far a study of history is, told to the log: for whoever waits in front of a page or a terminal."""

import logging
from collections.abc import Callable
from datetime import date
from time import monotonic

from mtum.core.portfolio.decision import Decision

log = logging.getLogger(__name__)

EVERY_SECONDS = 0.5
"""Between two lines about sessions; telling each would take longer than playing it."""


def tell_step(step: str, done: int = 0, total: int = 0) -> None:
    """Tell what is done now, and how much of it is done already where that is known.

    Parameters
    ----------
    step : str
        What is being done.
    done : int
        How many are done already; 0 where that is not known.
    total : int
        How many there are; 0 where that is not known.
    """
    log.info("study_step", extra={"step": step, "done": done, "total": total})


def count_sessions(step: str, total: int) -> Callable[[Decision], None]:
    """Return what hears each decision and tells from time to time how many sessions of so many are played."""
    last: date | None = None
    done, told = 0, monotonic()

    def heard(decision: Decision) -> None:
        nonlocal last, done, told
        if decision.session == last:
            return  # another sleeve's
        last, done, now = decision.session, done + 1, monotonic()
        if now - told >= EVERY_SECONDS:
            told = now
            tell_step(step, done, total)

    return heard
