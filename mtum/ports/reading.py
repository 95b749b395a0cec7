"""The read side: the port that gives rows as they are stored, and the records at a glance."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field

from mtum.core.portfolio.fills import Action
from mtum.ports.event_log import EventRow
from mtum.ports.rows import Closes, DecisionRow, EquityRow, HaltRow, OrderRow, PositionRow, RunRow, SessionRow

if TYPE_CHECKING:
    from mtum.ports.options import OptionRecords

PRACTICE_KEY = "practice_gateway"
"""Fact of a database: whether its gateway said that it is the practice gateway, "yes" or "no"."""


class DatabaseState(Struct, frozen=True):
    """The records at a glance; as it stands, of a database that does not exist yet.

    Parameters
    ----------
    halts : sequence of HaltRow
        Those in force.
    cash_usd : mapping of strategy to float
        Cash paid in and out so far.
    equity : sequence of EquityRow
        The newest point of each strategy.
    unsettled : sequence of str
        Decided sessions whose official close and fills are not in the books.
    undelivered : int
        Messages waiting.
    others : sequence of str
        What the broker last showed in the account besides shares, in words.
    needs : sequence of str
        What the last run said that only a person can see to.
    cash_settles_by : str or None
        Settlement day that the last decision waits for, where its cash had not settled.
    rehearsal : bool
        Whether the gateway of these records said that it is the practice gateway.
    """

    mode: str | None = None
    account: str | None = None
    positions: Sequence[PositionRow] = ()
    open_orders: Sequence[OrderRow] = ()
    halts: Sequence[HaltRow] = ()
    cash_usd: Mapping[str, float] = field(default_factory=dict)
    equity: Sequence[EquityRow] = ()
    unsettled: Sequence[str] = ()
    last_run: RunRow | None = None
    undelivered: int = 0
    sessions: Sequence[SessionRow] = ()
    others: Sequence[str] = ()
    rehearsal: bool = False
    needs: Sequence[str] = ()
    cash_settles_by: str | None = None


class Reader(Protocol):
    """The records of one database, for reading alone."""

    @property
    def option_records(self) -> "OptionRecords":
        """The book of all executions and events in options, and each contract's newest mark, USD, with its session."""
        ...

    def state(self) -> DatabaseState:
        """Return the records at a glance."""
        ...

    def rows[R](
        self, kind: type[R], /, since: date | None = None, limit: int | None = None, **equal: str | None
    ) -> Sequence[R]:
        """Return rows of a kind, oldest first.

        Parameters
        ----------
        kind : type
            One of the rows above that stand in a list: all but `PositionRow` and `DecisionRow`.
        since : date, optional
            Only sessions from that one on.
        limit : int, optional
            Only so many of the newest.
        equal : str or None
            Only rows with that value in the column of that name.
        """
        ...

    def rows_until[R](
        self, kind: type[R], last: date, /, since: date | None, limit: int | None, **equal: str | None
    ) -> Sequence[R]:
        """Return rows as `rows` does, of sessions up to the last one alone.

        Parameters
        ----------
        kind : type
            Kind of row.
        last : date
            Last day of the closed interval.
        since : date or None
            First session; None for all.
        limit : int or None
            How many of the newest; None for all.
        equal : str or None
            Column and value that the rows have.
        """
        ...

    @property
    def closes(self) -> Mapping[str, Closes]:
        """What the curve of each strategy needs, all in one pass: they are the most rows that a page looks at."""
        ...

    def events(self, after: int | None, limit: int, kind: str | None = None) -> Sequence[EventRow]:
        """Return the oldest events behind a number, at most so many; without a number the newest ones.

        Parameters
        ----------
        after : int or None
            Number of an event; None for the newest ones.
        limit : int
            How many at most.
        kind : str or None
            Kind of event; None for all.
        """
        ...

    def version(self) -> int:
        """Return a number that changes whenever another connection has changed anything; nothing is locked."""
        ...

    def actions(self) -> Sequence[Action]:
        """Return what lots follow: splits that source and broker agreed upon, and changes of symbols stated."""
        ...

    def unsound_fills(self) -> Sequence[str]:
        """Return fills that are missing though an event or their cash tells of them, or whose cash is another's."""
        ...

    def decision(self, day: date | None = None, strategy: str | None = None) -> DecisionRow | None:
        """Return one whole final decision (default: the newest), or None.

        Raises
        ------
        VerificationError
            If a stored document is no longer JSON.
        """
        ...

    def plan(self, day: date) -> Mapping[str, object] | None:
        """Return what the account did with the wishes of its sleeves in a session, or None."""
        ...

    def crosses(self, day: date) -> Mapping[tuple[str, str], Mapping[str, object]]:
        """Return `status` and `price_usd` of a session's crosses by sleeve and symbol.

        The price is the official close, before it is known that of the decision.
        """
        ...
