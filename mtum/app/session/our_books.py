"""Our own records as one run works with them: read once, after the broker's lists, and handed on."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from mtum.app.desk import Desk
from mtum.app.ledger.book import Records, read_records
from mtum.app.session.agree_splits import agree_splits
from mtum.core.market.sessions import Session
from mtum.core.portfolio.fills import Fill, folded, rebased
from mtum.ports.broker import BrokerLists
from mtum.ports.records import IntentState


@dataclass(frozen=True, slots=True)
class Books:
    """What our records say beside the broker's lists.

    Parameters
    ----------
    records : Records
        Fills and open lots of every strategy.
    states : tuple of IntentState
        Intents that the lists can say something of, oldest first.
    begun : bool
        Whether this database ever planned an order.
    external : mapping of symbol to shares
        Shares the owner stated as not the program's.
    splits_alone : mapping of symbol to str
        Symbols whose split only the vendor tells, and what to do.
    """

    records: Records
    states: tuple[IntentState, ...]
    begun: bool
    external: Mapping[str, Decimal]
    splits_alone: Mapping[str, str] = field(default_factory=dict)


def read_books(desk: Desk, lists: BrokerLists, since: date | None = None) -> Books:
    """Return the books as they stand; their fills are enough for the lots from that session on."""
    records = read_records(desk.store, since)
    states = tuple(desk.store.books.concerned(lists))
    begun = bool(states) or desk.store.books.ordered()
    return Books(records, states, begun, desk.store.statements.external_shares())


def open_books(desk: Desk, lists: BrokerLists, session: Session) -> Books:
    """Return the books of a session; lots have followed the splits that vendor and broker tell alike."""
    books = read_books(desk, lists, session.day)
    names = {sleeve.name for sleeve in desk.sleeves}
    ours = [lot for lot in books.records.lots if lot.strategy in names]
    expected = {
        symbol: (
            books.external.get(symbol, Decimal(0))
            + sum(lot.shares for lot in books.records.lots if lot.symbol == symbol),
            lists.positions.get(symbol, Decimal(0)),
        )
        for symbol in desk.symbols
    }
    alone, followed = agree_splits(desk, session, tuple(ours), lambda: _whole_history(desk), expected)
    return replace(read_books(desk, lists, session.day) if followed else books, splits_alone=alone)


def _whole_history(desk: Desk) -> tuple[Fill, ...]:
    fills = (fill for sleeve in desk.sleeves for fill in folded(desk.store.orders.fills(sleeve.name)))
    return rebased(fills, desk.store.bars.actions())
