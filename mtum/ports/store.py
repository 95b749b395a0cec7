"""The program's own database, one Protocol per subject."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Protocol

from mtum.core.market.bars import Bars
from mtum.core.market.intraday import IntradayBars, Rows
from mtum.core.market.sessions import Session
from mtum.core.portfolio.fills import Action, Fill, Split
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import OrderIntent, OrderStatus
from mtum.ports.books import BookStore, CrossStore, LedgerStore, PlanStore
from mtum.ports.messages import Message
from mtum.ports.owner_store import ApprovalStore, ChangeStore, LimitStore, StatementStore
from mtum.ports.records import (
    CashMovement,
    Cross,
    DecisionRecord,
    Halt,
    IntentState,
    Observed,
    PlanRecord,
    QuarantinedBar,
    Revision,
    RunRecord,
    VolumeSnapshot,
)

if TYPE_CHECKING:
    from mtum.ports.options import OptionStore


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


class OrderStore(Protocol):
    """Intents, orders, their events and fills."""

    def states(self, day: date | None = None, *, unresolved: bool = False) -> Sequence[IntentState]:
        """Return intents oldest first: of one session, and/or only those not terminal."""
        ...

    def state_of(self, intent_id: str) -> IntentState | None:
        """Return one intent."""
        ...

    def claim_order(self, intent_id: str, at: datetime) -> Restriction:
        """Move PLANNED to SUBMITTING unless a halt in force forbids it; durable when it returns.

        The halt is read in the transaction that writes. Returns the restriction that prevented
        it, or Restriction.NONE when the intent may be sent now.
        """
        ...

    def move_order(self, intent_id: str, status: OrderStatus, at: datetime, seen: Observed | None = None) -> None:
        """Record a status and the event behind it; the same status again only updates the facts.

        Parameters
        ----------
        intent_id : str
            Id of the intent.
        status : OrderStatus
            Life of an order intent.
        at : datetime
            Instant that is recorded, UTC.
        seen : Observed or None
            What the broker told of the order; None leaves what was known.

        Raises
        ------
        StoreError
            If the table of allowed moves forbids it.
        """
        ...

    def adopt_attempt(self, intent_id: str, attempt: int, at: datetime) -> None:
        """Make another attempt the one that counts: the broker has it, whatever was stated or restored.

        Parameters
        ----------
        intent_id : str
            Id of the intent.
        attempt : int
            Number of the attempt, from 1.
        at : datetime
            Instant that is recorded, UTC.
        """
        ...

    def record_event(self, intent_id: str | None, at: datetime, kind: str, text: str) -> None:
        """Append something observed about an order, or about none of ours.

        Parameters
        ----------
        intent_id : str or None
            Id of the intent; None for an order that is none of ours.
        at : datetime
            Instant that is recorded, UTC.
        kind : str
            Kind of the event.
        text : str
            What was observed, in words.
        """
        ...

    def add_intent(self, intent: OrderIntent, at: datetime) -> None:
        """Record a further intent (fallback, flatten) as PLANNED; the same id again changes nothing."""
        ...

    def add_fills(self, fills: Sequence[Fill]) -> int:
        """Record fills by execution id with their cash movements; known ones only gain a commission."""
        ...

    def altered_trades(self) -> Sequence[str]:
        """Return which round trips are stored otherwise than the fills make them, one line each."""
        ...

    def fills(self, strategy: str | None = None, intents: Collection[str] | None = None) -> Sequence[Fill]:
        """Return fills in time order, corrections included: of all, of one strategy, or of these intents."""
        ...


class BarStore(Protocol):
    """The cache of daily bars, per symbol and source."""

    def bars(self, symbol: str, source: str, since: date | None = None) -> Bars:
        """Return all accepted bars, or those from a date on; empty when nothing is cached.

        Parameters
        ----------
        symbol : str
            Ticker.
        source : str
            Name of the source.
        since : date or None
            First session; None for all.
        """
        ...

    def eventful(self, symbol: str, source: str, since: date, until: date, days: Sequence[date] = ()) -> Bars:
        """Return the first and the last bar of the closed interval, those with a dividend or a split, and `days`.

        Parameters
        ----------
        symbol : str
            Ticker.
        source : str
            Name of the source.
        since : date
            First session.
        until : date
            Last session.
        days : sequence of date
            Further sessions whose bars are wanted.
        """
        ...

    def as_of(self, symbol: str, source: str, instant: datetime) -> Bars:
        """Return the bars as they were accepted at that instant: later revisions and splits undone.

        Parameters
        ----------
        symbol : str
            Ticker.
        source : str
            Name of the source.
        instant : datetime
            Instant as of which they are wanted, UTC.
        """
        ...

    def last_final(self, symbol: str, source: str) -> date | None:
        """Return the newest session whose bar is final."""
        ...

    def read_times(self, symbol: str, source: str, first: date) -> Mapping[date, datetime]:
        """Return when the present value of each bar from that session on was read.

        Parameters
        ----------
        symbol : str
            Ticker.
        source : str
            Name of the source.
        first : date
            First session.
        """
        ...

    def accept(
        self, bars: Bars, read_at: datetime, final_until: date | None, revisions: Sequence[Revision] = ()
    ) -> None:
        """Insert or update bars in one transaction, final up to `final_until`; earlier values go to revisions.

        Parameters
        ----------
        bars : Bars
            Bars of one symbol and one source, oldest first, one per session.
        read_at : datetime
            Instant at which they were read, UTC.
        final_until : date or None
            Bars up to this session are final; None for none.
        revisions : sequence of Revision
            Earlier values of bars that changed.
        """
        ...

    def revisions(self, symbol: str | None = None) -> Sequence[Revision]:
        """Return recorded revisions, oldest first."""
        ...

    def actions(self) -> Sequence[Action]:
        """Return what lots follow: splits that source and broker agreed upon, and changes of symbols stated."""
        ...

    def agree_split(self, split: Split, at: datetime) -> None:
        """Record that the broker's position confirmed a split; the same again changes nothing."""
        ...

    def series(self, name: str, source: str, since: date | None = None) -> Mapping[date, float]:
        """Return cached official closes of an extra series by session, all or from a date on.

        Parameters
        ----------
        name : str
            Name of the series, such as VIX.
        source : str
            Name of the source.
        since : date or None
            First session; None for all.
        """
        ...


class IntradayStore(Protocol):
    """The cache of bars within the sessions, per symbol, source and length; what was read is never changed."""

    def rows(self, symbol: str, source: str, minutes: int, since: date) -> Rows:
        """Return the cached bars from a session on, oldest first; of each its newest values.

        Parameters
        ----------
        symbol : str
            Ticker.
        source : str
            Name of the source.
        minutes : int
            Length of a bar, minutes.
        since : date
            First session.
        """
        ...

    def read_times(self, symbol: str, source: str, minutes: int, since: date) -> Mapping[date, datetime]:
        """Return when each session that was over was last read, from one on.

        Parameters
        ----------
        symbol : str
            Ticker.
        source : str
            Name of the source.
        minutes : int
            Length of a bar, minutes.
        since : date
            First session.
        """
        ...

    def accept(self, bars: IntradayBars, minutes: int, read_at: datetime, over: Sequence[date]) -> None:
        """Add the bars that are new or have other values than before, and note which sessions were over.

        Parameters
        ----------
        bars : IntradayBars
            Bars of regular hours, oldest first; `days` names the session of each.
        minutes : int
            Length of a bar, minutes.
        read_at : datetime
            Instant at which they were read, UTC.
        over : sequence of date
            Sessions that were over when they were read.
        """
        ...


class QuarantineStore(Protocol):
    """What can be checked, and bars that broke a rule and were kept out."""

    def checkable(self) -> Sequence[tuple[str, str]]:
        """Return symbol (or series) and source of everything cached, in that order."""
        ...

    def altered_bars(self) -> Sequence[str]:
        """Return the accepted bars whose values are no longer those that were accepted, by symbol and session."""
        ...

    def cached_days(self, symbol: str, source: str, since: date | None = None) -> Sequence[date]:
        """Return the cached sessions alone, oldest first.

        Parameters
        ----------
        symbol : str
            Ticker.
        source : str
            Name of the source.
        since : date or None
            First session; None for all.
        """
        ...

    def keep_out(self, bars: Sequence[QuarantinedBar]) -> None:
        """Record bars kept out; one seen again keeps its release only while its numbers are the same."""
        ...

    def kept_out(self, symbol: str | None = None, *, held: bool = False) -> Sequence[QuarantinedBar]:
        """Return bars kept out, oldest first; with `held` only those not released."""
        ...

    def release_bar(self, bar_id: int, by: str, at: datetime) -> bool:
        """Declare a bar kept out to be real; False if there is none of that id, or it already is.

        Parameters
        ----------
        bar_id : int
            Number of the bar that is kept out.
        by : str
            Who declares it real.
        at : datetime
            Instant that is recorded, UTC.
        """
        ...

    def released_days(self, symbol: str, source: str) -> frozenset[date]:
        """Return sessions whose bar a person has declared real despite a rule."""
        ...


class ControlStore(Protocol):
    """Halts, snapshots, upcoming sessions and facts about the database."""

    def restriction(self, sleeve: str | None = None) -> Restriction:
        """Return the strongest halt in force for the account, and for that sleeve where one is named."""
        ...

    def halt(self, restriction: Restriction, why: str, by: str, at: datetime, sleeve: str | None = None) -> int:
        """Put a halt in force, of one sleeve or of the account; an equal one in force is kept.

        Parameters
        ----------
        restriction : Restriction
            How far trading is stopped, weakest first.
        why : str
            Why, in words.
        by : str
            Who or what asked for it.
        at : datetime
            Instant that is recorded, UTC.
        sleeve : str or None
            Name of the sleeve; None for the whole account.
        """
        ...

    def resume(self, at: datetime, sleeve: str | None = None) -> int:
        """Lift every halt, or those of one sleeve alone; return how many were in force."""
        ...

    def halts(self, *, in_force: bool = False) -> Sequence[Halt]:
        """Return halts, oldest first."""
        ...

    def note(self, day: date, symbol: str | None, words: str, at: datetime) -> int:
        """Keep what a person wrote down of a day, perhaps of one symbol; return its number.

        Parameters
        ----------
        day : date
            The session's date.
        symbol : str or None
            Ticker it is about; None for none.
        words : str
            What was written down.
        at : datetime
            Instant that is recorded, UTC.
        """
        ...

    def write_snapshot(self, snapshot: VolumeSnapshot) -> None:
        """Insert or update the snapshot of its symbol, source and session."""
        ...

    def snapshots(
        self, symbol: str, source: str, since: date | None = None, *, waiting: bool = False
    ) -> Sequence[VolumeSnapshot]:
        """Return snapshots, oldest first; all, or those from a session on, or those still without a final volume.

        Parameters
        ----------
        symbol : str
            Ticker.
        source : str
            Name of the source.
        since : date or None
            First session; None for all.
        waiting : bool
            Only those still without a final volume.
        """
        ...

    def write_sessions(self, sessions: Sequence[Session]) -> None:
        """Replace the table of upcoming sessions."""
        ...

    def meta(self, key: str) -> str | None:
        """Return a fact about the database."""
        ...

    def set_meta(self, key: str, value: str) -> None:
        """Record a fact about the database."""
        ...


class MessageStore(Protocol):
    """The outbox of messages to the owner."""

    def queue_message(self, message: Message, at: datetime, run_id: int | None) -> bool:
        """Put a message into the outbox; False if its key is already there.

        Parameters
        ----------
        message : Message
            Something to tell the owner; `key` makes a repeated message the same one.
        at : datetime
            Instant that is recorded, UTC.
        run_id : int or None
            Number of the run it belongs to; None for none.
        """
        ...

    def undelivered(self) -> Sequence[tuple[int, Message]]:
        """Return outbox messages not delivered yet, with their ids."""
        ...

    def delivered(self, note_id: int, at: datetime, error: str | None = None) -> None:
        """Record a delivery, or a failed try with its error.

        Parameters
        ----------
        note_id : int
            Number of the message in the outbox.
        at : datetime
            Instant that is recorded, UTC.
        error : str or None
            Why the try failed; None for a delivery.
        """
        ...

    def deliveries(self, prefix: str) -> Mapping[str, datetime | None]:
        """Return when each message whose key begins so was delivered, None for not yet."""
        ...


class EventStore(Protocol):
    """The record of everything that happened, which the store writes by itself."""

    def missing(self) -> Sequence[str]:
        """Return events that are gone, and rows that are gone though an event tells of them, one line each."""
        ...

    def unsound_fills(self) -> Sequence[str]:
        """Return fills that are missing though an event or their cash tells of them, or whose cash is another's."""
        ...

    def option_strategies(self) -> Sequence[str]:
        """Return the strategies that ever traded options, so that without any nothing of them is loaded."""
        ...

    def unsound_options(self) -> Sequence[str]:
        """Return what in the books of options is not what their executions and events make, one line each."""
        ...


class Store(Protocol):
    """The program's own database: what we intended and what we know."""

    runs: RunStore
    replayed_runs: RunStore
    decisions: DecisionStore
    orders: OrderStore
    crosses: CrossStore
    plans: PlanStore
    ledger: LedgerStore
    bars: BarStore
    intraday: IntradayStore
    quarantine: QuarantineStore
    control: ControlStore
    statements: StatementStore
    changes: ChangeStore
    books: BookStore
    approvals: ApprovalStore
    limits: LimitStore
    events: EventStore
    messages: MessageStore

    @property
    def options(self) -> "OptionStore":
        """Option orders and their books; who trades none loads nothing of them."""
        ...

    def lock(self) -> AbstractContextManager[None]:
        """Hold the run lock; raises RunLockedError when another process has it."""
        ...

    def together(self, *, flushed: bool = True) -> AbstractContextManager[object]:
        """Record everything that a block records, or nothing of it: one durable transaction.

        Nothing is asked of broker or source inside: the database waits for its end. One that is not `flushed` may be
        undone as a whole by a power cut: for what a source can tell again.
        """
        ...

    def close(self) -> None:
        """Close the database."""
        ...
