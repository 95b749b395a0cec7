"""The program's own database: one part per subject, and each part a Protocol of its own."""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mtum.ports.bar_store import BarStore, IntradayStore, QuarantineStore, VolumeStore
    from mtum.ports.books import BookStore, CrossStore, LedgerStore, PlanStore
    from mtum.ports.control_store import ControlStore
    from mtum.ports.event_log import EventStore
    from mtum.ports.messages import MessageStore
    from mtum.ports.option_store import OptionStore
    from mtum.ports.order_store import OrderStore
    from mtum.ports.owner_store import ApprovalStore, ChangeStore, LimitStore, StatementStore
    from mtum.ports.run_store import DecisionStore, RunStore


class Store(Protocol):
    """The program's own database: what we intended and what we know."""

    runs: "RunStore"
    replayed_runs: "RunStore"
    decisions: "DecisionStore"
    orders: "OrderStore"
    crosses: "CrossStore"
    plans: "PlanStore"
    ledger: "LedgerStore"
    bars: "BarStore"
    quarantine: "QuarantineStore"
    volumes: "VolumeStore"
    control: "ControlStore"
    statements: "StatementStore"
    books: "BookStore"
    approvals: "ApprovalStore"
    limits: "LimitStore"
    events: "EventStore"

    @property
    def intraday(self) -> "IntradayStore":
        """Bars within sessions; who reads daily bars alone loads nothing of them."""
        ...

    @property
    def changes(self) -> "ChangeStore":
        """Symbols that changed; most sessions have none."""
        ...

    @property
    def options(self) -> "OptionStore":
        """Option orders and their books; who trades none loads nothing of them."""
        ...

    @property
    def messages(self) -> "MessageStore":
        """What is to be told; a run that tells nobody loads nothing of it."""
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
