"""The books: what a run needs of all that was ever recorded, at a cost that does not grow with it, and the ledger."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.lots import Lot
from mtum.ports.broker import BrokerLists
from mtum.ports.records import CashMovement, Cross, EquityPoint, IntentState, PlanRecord


class BookStore(Protocol):
    """The part of orders, fills, cash and equity that bears on the session at hand."""

    def concerned(self, lists: BrokerLists) -> Sequence[IntentState]:
        """Return the intents that these lists can say something of, oldest first.

        Those not terminal, those listed by reference or by the broker's permanent id, and all of the week
        before the oldest thing listed: further back nothing is explained by an order.
        """
        ...

    def ordered(self) -> bool:
        """Return whether any order was ever planned."""
        ...

    def executed(self, intent_id: str) -> int:
        """Return how often an intent was executed in all of its legs, as its stored executions tell."""
        ...

    def overfilled(self) -> Sequence[tuple[IntentState, int]]:
        """Return the intents of which more was executed than they asked for in any leg, and how often it was."""
        ...

    def last_exit(self, strategy: str, symbol: str, before: date) -> IntentState | None:
        """Return the strategy's newest exit in the symbol of a session earlier than `before`.

        Parameters
        ----------
        strategy : str
            Name of the strategy, or of its sleeve.
        symbol : str
            Ticker.
        before : date
            First session that is not looked at.
        """
        ...

    def open_fills(self, since: date | None = None) -> Sequence[Fill]:
        """Return the fills of every strategy that its lots are made of, last corrections only, in time order.

        Of each symbol those after it was last flat, and the round trip before that, so that its last exit is
        among them.

        Parameters
        ----------
        since : date or None
            First session whose lots are wanted; None for those of now.
        """
        ...

    def cash(self, strategy: str, until: date | None = None) -> Decimal:
        """Return the cash in USD that the strategy owns: everything paid, or what was by the close of a session."""
        ...

    def recorded(self, keys: Collection[str]) -> Collection[str]:
        """Return those of these keys that are those of cash movements."""
        ...

    def outline(self, strategies: Collection[str], before: date, since: date | None = None) -> Sequence[EquityPoint]:
        """Return the points that the peak and the last change of these together depend on, oldest first.

        Between two flows growth is proportional to equity, so the first point, each with a flow and the one
        before it, the highest between flows, and the last two tell what the whole curve tells.

        Parameters
        ----------
        strategies : collection of str
            Names of the strategies.
        before, since : date
            Points of sessions earlier than `before` are looked at, from `since` on where it is given.
        """
        ...

    def last_before(self, strategy: str, day: date) -> EquityPoint | None:
        """Return the newest point of a session earlier than that."""
        ...


class LedgerStore(Protocol):
    """Cash, lots and equity of each strategy, and the account as the broker showed it."""

    def move_cash(self, movements: Sequence[CashMovement]) -> None:
        """Record movements; a known key is left alone, except that a receivable may become paid."""
        ...

    def cash_of_others(self, strategies: Collection[str]) -> Mapping[str, Decimal]:
        """Return the cash in USD that each strategy but these still owns; empty if none has any."""
        ...

    def allotted_since(self, day: date) -> Decimal:
        """Return the cash in USD that strategies were given of what no strategy owned, less what they gave back."""
        ...

    def movements(
        self, strategy: str | None, *, open_only: bool = False, since: date | None = None
    ) -> Sequence[CashMovement]:
        """Return movements in the order of their sessions; or those of capital, flows and what is owed.

        Parameters
        ----------
        strategy : str or None
            Whose; None for everybody's.
        open_only : bool
            Only capital, flows and what is owed.
        since : date or None
            Only those of sessions from that one on.
        """
        ...

    def write_lots(
        self, strategy: str, lots: Sequence[Lot], remembered: Mapping[tuple[str, str], Mapping[str, float]]
    ) -> None:
        """Replace the strategy's open lots (they are derived from fills).

        Parameters
        ----------
        strategy : str
            Name of the strategy, or of its sleeve.
        lots : sequence of Lot
            Open lots.
        remembered : mapping of (str, str) to mapping of str to float
            What the strategy keeps, by intent id and symbol.
        """
        ...

    def lots(self, strategy: str) -> Sequence[Lot]:
        """Return the open lots as they were last written."""
        ...

    def write_equity(self, point: EquityPoint) -> None:
        """Insert or update the point of its session."""
        ...

    def equity(self, strategy: str, since: date | None = None) -> Sequence[EquityPoint]:
        """Return points, oldest first; all, or those from a session on."""
        ...

    def write_account(self, day: date, at: datetime, lists: BrokerLists) -> None:
        """Record account values and positions as the broker showed them.

        Parameters
        ----------
        day : date
            The session's date.
        at : datetime
            Instant that is recorded, UTC.
        lists : BrokerLists
            What the broker says of the account, freshly asked.
        """
        ...

    def others(self, day: date) -> Sequence[str]:
        """Return what the broker last showed in that session besides shares, in words."""
        ...


class CrossStore(Protocol):
    """Shares that change sleeves; planned by `DecisionStore.commit_decisions`."""

    def planned_crosses(self) -> Sequence[Cross]:
        """Return those whose official close is still awaited, oldest first."""
        ...

    def crosses_of(self, day: date) -> Sequence[Cross]:
        """Return those of one session, in the order they were planned."""
        ...

    def ended_crosses(self, day: date) -> Mapping[tuple[str, str], Mapping[str, object]]:
        """Return `status` and `price_usd` of a session's crosses by sleeve and symbol.

        The price is the official close, before it is known that of the decision.
        """
        ...

    def fill_crosses(self, crosses: Sequence[Cross], price: Decimal, at: datetime, now: datetime) -> None:
        """Fill both sides of a symbol at a price, commission 0, in one durable transaction.

        Parameters
        ----------
        crosses : sequence of Cross
            Crosses of the session.
        price : Decimal
            Official close as it was traded, USD.
        at, now : datetime
            The session's close, and the instant of recording.

        Raises
        ------
        StoreError
            If one of them has ended already, or the two sides are not equal.
        """
        ...

    def lapse_crosses(self, crosses: Sequence[Cross], now: datetime) -> None:
        """Record that there was no official close."""
        ...


class PlanStore(Protocol):
    """What the account planned session by session; written by `DecisionStore.commit_decisions`."""

    def virtual_options(self, strategy: str, before: date) -> Sequence[tuple[date, Mapping[str, Any]]]:
        """Return what a strategy of options traded with virtual money in each session before that, oldest first."""
        ...

    def virtual_orders(self, strategy: str, before: date) -> Sequence[tuple[date, Sequence[Mapping[str, Any]]]]:
        """Return what a strategy planned with virtual money in each session before that, oldest first.

        Since it last decided with money of its own.
        """
        ...

    def plan_of(self, day: date) -> PlanRecord | None:
        """Return the plan of a session, or None."""
        ...

    def planned_days(self) -> Sequence[str]:
        """Return the sessions that have a plan, as they are stored, oldest first."""
        ...

    def transfers(self) -> Mapping[date, Mapping[str, Decimal]]:
        """Return what was moved between strategies, USD by session and strategy."""
        ...

    def altered_plans(self) -> Sequence[date]:
        """Return the sessions whose stored frame is no longer what its hash says, oldest first."""
        ...
