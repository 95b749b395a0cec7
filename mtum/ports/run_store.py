"""The runs of the jobs, and what a session decided, as the database keeps them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol

from mtum.core.portfolio.orders import OrderIntent
from mtum.ports.records import CashMovement, Cross, DecisionRecord, PlanRecord, RunRecord


class RunStore(Protocol):
    """The run ledger."""

    def start_run(self, job: str, slot: str, day: date | None, at: datetime) -> int:
        """Record a start, or reopen an unfinished run of the same job, slot and session; return its id.

        Parameters
        ----------
        job : str
            Name of the job.
        slot : str
            Slot of the job.
        day : date or None
            Session of the run; None where it has none.
        at : datetime
            Instant that is recorded, UTC.
        """
        ...

    def record_step(self, run_id: int, name: str, at: datetime) -> None:
        """Record that a step was reached; a repeated one keeps its first instant.

        Parameters
        ----------
        run_id : int
            Number of the run.
        name : str
            Name of the step.
        at : datetime
            Instant that is recorded, UTC.
        """
        ...

    def finish_run(
        self, run_id: int, at: datetime, outcome: str, exit_code: int, document: Mapping[str, Any] | None = None
    ) -> None:
        """Record how the run ended (finished, failed, skipped, missed, superseded).

        Parameters
        ----------
        run_id : int
            Number of the run.
        at : datetime
            Instant that is recorded, UTC.
        outcome : str
            How it ended: finished, failed, skipped, missed or superseded.
        exit_code : int
            Exit code that the run ended with.
        document : mapping of str to any or None
            What the run answered; None where it answered nothing.
        """
        ...

    def complete_run(self, run_id: int, exit_code: int, document: Mapping[str, Any]) -> None:
        """Add to an ended run what came of it later; when and how it ended stays.

        Parameters
        ----------
        run_id : int
            Number of the run.
        exit_code : int
            Exit code that the run ended with.
        document : mapping of str to any
            The document, as plain JSON values.
        """
        ...

    def run_of(self, job: str, slot: str, day: date) -> RunRecord | None:
        """Return the run of that job, slot and session.

        Parameters
        ----------
        job : str
            Name of the job.
        slot : str
            Slot of the job.
        day : date
            The session's date.
        """
        ...

    def latest_run(self, job: str | None = None) -> RunRecord | None:
        """Return the run with the newest session (then start), optionally of one job."""
        ...

    def unfinished_run(self, job: str) -> RunRecord | None:
        """Return the oldest run of the job that was started and not finished."""
        ...

    def runs_between(self, first: date, last: date) -> Sequence[RunRecord]:
        """Return every run of the sessions in the closed interval, in the order they were started."""
        ...


class DecisionStore(Protocol):
    """Decisions and their input frames."""

    def altered_decisions(self) -> Sequence[date]:
        """Return sessions whose stored frame is no longer what its hash says, oldest first."""
        ...

    def commit_decisions(
        self,
        records: Sequence[DecisionRecord],
        intents: Sequence[OrderIntent],
        crosses: Sequence[Cross] = (),
        plan: PlanRecord | None = None,
        movements: Sequence[CashMovement] = (),
    ) -> None:
        """Store a session's decision in one durable transaction: frames, intents (PLANNED), crosses, plan, transfers.

        The first final decision of a strategy stands: another one of the session is a StoreError.

        Parameters
        ----------
        records : sequence of DecisionRecord
            Decisions of the session.
        intents : sequence of OrderIntent
            Orders of the decisions.
        crosses : sequence of Cross
            Crosses of the session.
        plan : PlanRecord or None
            What the account planned in a session, with every input it saw; documents are plain JSON values; None for
            none.
        movements : sequence of CashMovement
            Transfers between the sleeves.
        """
        ...

    def write_preview(self, record: DecisionRecord) -> None:
        """Store a dry run's decision; replaces an earlier preview of the session."""
        ...

    def decision_of(self, day: date, strategy: str, *, bars: bool = True) -> DecisionRecord | None:
        """Return the final decision, or None; a large frame without its bars where they are not asked for.

        Parameters
        ----------
        day : date
            The session's date.
        strategy : str
            Name of the strategy, or of its sleeve.
        bars : bool
            Whether the bars of a large frame are read too.
        """
        ...

    def decided(self, day: date, strategy: str) -> bool:
        """Return whether a decision is final, without reading it."""
        ...

    def remembered(self, day: date, strategy: str) -> Mapping[str, Mapping[str, float]]:
        """Return what the final decision keeps by symbol, without its frame; empty without a decision."""
        ...

    def memory_before(self, strategy: str, day: date) -> tuple[date, Mapping[str, Any]] | None:
        """Return session and document, with `memory`, `standing` and `kind`, of the last final decision before one."""
        ...

    def lost_too_much(self, strategy: str, sessions: Sequence[date], *, virtual: bool = False) -> bool:
        """Return whether a final decision of one of these sessions reached the daily-loss limit.

        Parameters
        ----------
        strategy : str
            Name of the strategy, or of its sleeve.
        sessions : sequence of date
            Sessions to look at.
        virtual : bool
            Whether decisions with virtual money are meant.
        """
        ...

    def final_decisions(self, since: date | None = None) -> Sequence[DecisionRecord]:
        """Return final decisions, oldest first."""
        ...
