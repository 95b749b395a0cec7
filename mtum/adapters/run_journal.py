"""The steps of a run: kept in the run ledger, so that every lag can be asked for, and logged."""

import logging

from mtum.ports.run_store import RunStore
from mtum.ports.time import Clock

log = logging.getLogger(__name__)


class RunJournal:
    """Writes each step of a run into the run ledger (ports.time.Journal)."""

    def __init__(self, runs: RunStore, clock: Clock) -> None:
        self._runs = runs
        self._clock = clock
        self._run_id: int | None = None

    def begin(self, run_id: int) -> None:
        """Say which run the steps from now on belong to."""
        self._run_id = run_id

    def reached(self, step: str) -> None:
        """Record the step; before a run has begun there is nothing to record it with."""
        now = self._clock.now()
        log.info("step", extra={"step": step, "market_time": now.isoformat(timespec="seconds")})
        if self._run_id is not None:
            self._runs.record_step(self._run_id, step, now)
