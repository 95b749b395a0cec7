"""Our records beside the broker's lists: what these explain is recorded, the rest is told with its ways out."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

from msgspec.structs import asdict

from mtum.app.bars.refresh_bars import refresh_bars
from mtum.app.desk import Desk
from mtum.app.ledger.book_problems import book_problems
from mtum.app.session.close_orders import close_earlier, record_from_lists
from mtum.app.session.decide_and_order import sessions_around
from mtum.app.session.differences import (
    RECORDED,
    Difference,
    beyond_ordered,
    foreign_differences,
    order_differences,
    position_balances,
    position_differences,
    stored_close,
    unbooked,
)
from mtum.app.session.match_orders import unread_problems
from mtum.app.session.our_books import Books, read_books
from mtum.errors import MtumError, worst
from mtum.ports.broker import BrokerLists
from mtum.ports.records import IntentState


def reconcile(desk: Desk) -> dict[str, Any]:
    """Record what the broker's lists explain, and compare the rest; the exit code says how bad it is."""
    desk.broker.connect()
    try:
        lists = desk.broker.lists()
    finally:
        desk.broker.close()
    return reconciled(desk, lists, settle_first(desk, lists))


def settle_first(desk: Desk, lists: BrokerLists) -> list[Difference]:
    """Record fills and ends of orders that the lists show, and end what earlier sessions left open."""
    found = record_from_lists(desk, lists)
    today = lists.at.date()
    session = desk.calendar.sessions(today, today + timedelta(days=10)).known[0]
    close_earlier(desk, lists, session)
    return found


def reconciled(desk: Desk, lists: BrokerLists, before: Sequence[Difference]) -> dict[str, Any]:
    """Return the differences between our records and these lists.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    lists : BrokerLists
        What the broker says of the account, freshly asked.
    before : sequence of Difference
        What `settle_first` found; what it has recorded since is told too.
    """
    books = read_books(desk, lists)
    states = books.states
    unread = [Difference("unread", "", problem.text) for problem in unread_problems(lists, states)]
    closes = _official_closes(desk, books, lists)
    orders = order_differences(desk, lists, states)
    told = [one for one in before if one.kind in RECORDED and one not in orders]
    positions = position_differences(desk, books, lists, closes)
    beyond = [one.difference for one in beyond_ordered(desk).values()]
    # Orders whose executions we lack are told by what the broker says of them.
    apart = book_problems(desk.store, orders=False)
    wrong = [Difference("books", "", text, ("mtum restore FILE",)) for text in apart]
    options, others = _options(desk, lists)
    foreign = foreign_differences(desk, books, lists)
    found = (*unread, *told, *positions, *options, *beyond, *foreign, *orders, *wrong)
    return {
        "account": desk.account,
        "mode": desk.settings.mode,
        "at": lists.at,
        "positions": {symbol: float(shares) for symbol, shares in sorted(lists.positions.items())},
        "others": others,
        "skipped": lists.skipped,
        "differences": [asdict(one) for one in found],
        "problems": [{"code": int(one.exit_code), "text": one.text} for one in found],
        "exit_code": int(worst(one.exit_code for one in found)),
    }


def _options(desk: Desk, lists: BrokerLists) -> tuple[Sequence[Difference], list[str]]:
    """Return what differs in options, and in words what else than shares and our own options there is."""
    if not desk.store.events.option_strategies():
        return (), [one.words for one in lists.others]
    from mtum.app.owner.option_statements import compared

    found, foreign = compared(desk)
    return found, [*(one.words for one in lists.others if one.kind != "OPT" and one.pins is None), *foreign]


def official_close(desk: Desk, state: IntentState) -> Decimal | None:
    """Return the official close of an order's session, read from the source where it is not stored yet."""
    intent = state.intent
    session = desk.calendar.sessions(intent.session, intent.session).get(intent.session)
    if stored_close(desk, intent) is None and session is not None and desk.clock.now() >= session.close:
        with suppress(MtumError):  # without it, the person looks the price up
            refresh_bars(desk, intent.symbol, session, sessions_around(desk, session), through_session=True)
    return stored_close(desk, intent)


def _official_closes(desk: Desk, books: Books, lists: BrokerLists) -> dict[str, Decimal]:
    explained = [unbooked(desk, lists, books.states, balance) for balance in position_balances(desk, books, lists)]
    closes = {one.state.intent.id: official_close(desk, one.state) for one in explained if one is not None}
    return {key: close for key, close in closes.items() if close is not None}
