"""Our own records as one run works with them: read once, after the broker's lists, and handed on."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from mtum.app.bars.accept_bars import REBASED_SOURCES
from mtum.app.desk import Desk
from mtum.app.ledger.sleeve_records import Records, held_lots, read_records, write_lots
from mtum.core.market.sessions import Session
from mtum.core.portfolio.fills import Action, Fill, Split, SymbolChange, folded, rebased
from mtum.core.portfolio.lots import Lot
from mtum.core.portfolio.money import exact
from mtum.errors import DataError
from mtum.ports.broker import BrokerLists
from mtum.ports.records import IntentState


class Books(Struct, frozen=True):
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
    """Return the books as they stand; their fills are enough for the lots from that session on.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    lists : BrokerLists
        What the broker says of the account, freshly asked.
    since : date or None
        First session; None for all.
    """
    records = read_records(desk.store, since)
    states = tuple(desk.store.books.concerned(lists))
    begun = bool(states) or desk.store.books.ordered()
    return Books(records, states, begun, desk.store.statements.external_shares())


def open_books(desk: Desk, lists: BrokerLists, session: Session) -> Books:
    """Return the books of a session; lots have followed the splits that vendor and broker tell alike.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    lists : BrokerLists
        What the broker says of the account, freshly asked.
    session : Session
        The session, with its open and close.
    """
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
    known = books.records.actions
    alone, followed = agree_splits(desk, session, tuple(ours), known, lambda: _whole_history(desk, known), expected)
    return replace(read_books(desk, lists, session.day) if followed else books, splits_alone=alone)


def _whole_history(desk: Desk, actions: Sequence[Action]) -> tuple[Fill, ...]:
    fills = (fill for sleeve in desk.sleeves for fill in folded(desk.store.orders.fills(sleeve.name)))
    return rebased(fills, actions)


NOT_AGREED = "split_not_agreed"
"""Reason word: nothing is ordered in a symbol whose split only one side tells."""
_SHARE = Decimal(1)


def agree_splits(
    desk: Desk,
    session: Session,
    lots: tuple[Lot, ...],
    actions: Sequence[Action],
    fills: Callable[[], Sequence[Fill]],
    expected: Mapping[str, tuple[Decimal, Decimal]],
) -> tuple[dict[str, str], bool]:
    """Record the splits of held symbols that vendor and broker tell alike.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    session : Session
        The session, with its open and close.
    lots : tuple of Lot
        Open lots.
    actions : sequence of Split and SymbolChange
        Those recorded so far.
    fills : callable
        Gives all fills of the strategy; a split that leaves a fraction of one is for a person.
    expected : mapping of symbol to (our and external shares, the broker's shares)
        As they stand before the split is taken into account on our side.

    Returns
    -------
    dict of symbol to text
        Symbols whose split only the vendor tells, and what to do.
    bool
        Whether lots have followed a split.
    """
    if desk.source.name in REBASED_SOURCES or not lots:
        return {}, False
    agreed = {(one.symbol, one.session) for one in actions if isinstance(one, Split)}
    # Splits of a new symbol before the shares were renamed to it never touched these shares.
    came = {one.into: one.session for one in actions if isinstance(one, SymbolChange)}
    alone: dict[str, str] = {}
    followed = False
    for symbol in dict.fromkeys(lot.symbol for lot in lots):
        told = [one for one in _told(desk, symbol, session, lots) if (symbol, one.session) not in agreed]
        told = [one for one in told if symbol not in came or one.session >= came[symbol]]
        if not told or symbol not in expected:
            continue
        ratio = Decimal(1)
        for one in told:
            ratio *= one.ratio
        ours, held = expected[symbol]
        whole = all((fill.shares * ratio) % 1 == 0 for fill in fills() if fill.symbol == symbol)
        if whole and abs(ours * ratio - held) <= _SHARE:
            with desk.store.together():
                follow_splits(desk, told, held)
                write_lots(desk.store)
            followed = True
        else:
            alone[symbol] = _text(symbol, told, desk.source.name, ours * ratio, held)
    return alone, followed


def follow_splits(desk: Desk, splits: Sequence[Split], held: Decimal) -> None:
    """Record splits of a symbol; of the broker's new shares those beyond our lots are the owner's own, as before.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    splits : sequence of Split
        Splits of the symbol.
    held : Decimal
        Shares that the broker holds.
    """
    now, statements, symbol = desk.clock.now(), desk.store.statements, splits[0].symbol
    for split in splits:
        desk.store.bars.agree_split(split, now)
    if statements.external_shares().get(symbol):
        ours = sum(lot.shares for lot in held_lots(desk.store) if lot.symbol == symbol)
        statements.state_external(symbol, held - ours, now, f"split of {splits[-1].session}")


def _told(desk: Desk, symbol: str, session: Session, lots: tuple[Lot, ...]) -> list[Split]:
    # Splits since the oldest lot, as the cached bars and today's quote list them.
    since = min(lot.session for lot in lots if lot.symbol == symbol)
    bars = desk.store.bars.eventful(symbol, desk.source.name, since, session.day)
    listed = np.flatnonzero((bars.split > 0) & (bars.split != 1) & (bars.days > np.datetime64(since, "D")))
    found = [Split(symbol, bars.day(int(index)), exact(float(bars.split[index]))) for index in listed]
    try:
        today = desk.source.quote(symbol, session, desk.clock.now()).split
    except DataError:
        today = 0.0  # the missing quote is reported when today's bar is needed
    if today not in (0.0, 1.0) and all(one.session != session.day for one in found):
        found.append(Split(symbol, session.day, exact(today)))
    return found


def _text(symbol: str, told: list[Split], source: str, wanted: Decimal, held: Decimal) -> str:
    said = ", ".join(f"{one.ratio}:1 on {one.session}" for one in told)
    return (
        f"{symbol}: {source} tells a split {said}, after which the broker should hold {wanted} and holds {held}; "
        "nothing is ordered until both agree, or see `mtum reconcile --accept corporate-action`"
    )
