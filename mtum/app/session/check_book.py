"""Do our records and the broker agree well enough to decide, and what must wait until they do?"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.app.desk import Desk, Problem
from mtum.app.ledger.unsound_books import unsound_books
from mtum.app.session.differences import (
    beyond_ordered,
    foreign_differences,
    order_differences,
    position_balances,
    position_differences,
)
from mtum.app.session.match_orders import find_order, unread_problems
from mtum.app.session.our_books import NOT_AGREED, Books
from mtum.core.market.calendars import calendars_agree
from mtum.core.market.sessions import Session
from mtum.core.portfolio.decision import Book
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.reconcile import OUR_REF, Balance
from mtum.core.strategies.contract import Holding
from mtum.errors import BookMismatchError, CalendarMismatchError, DataError, ExitCode, UnfitError
from mtum.ports.broker import BrokerLists
from mtum.ports.records import IntentState


class BookCheck(Struct, frozen=True):
    """What the comparison found: problems, symbols that must wait, and shares that are really there.

    `sellable` are shares of ours that may be sold, `short` those that a person may have bought back.
    `only_reconcile` means that nothing may be decided at all.
    """

    problems: tuple[Problem, ...] = ()
    entries_barred: Mapping[str, str] = field(default_factory=dict)
    exits_barred: Mapping[str, str] = field(default_factory=dict)
    sellable: Mapping[str, int] = field(default_factory=dict)
    short: Mapping[str, int] = field(default_factory=dict)
    only_reconcile: bool = False

    def capped(self, holding: Holding) -> Holding:
        """Return the holding with no more shares than the broker really has of ours, flat where it is short."""
        really = max(0, min(holding.shares, self.sellable.get(holding.symbol, holding.shares)))
        return holding if really == holding.shares else replace(holding, shares=really)

    def without(self, book: Book) -> "BookCheck":
        """Return the check for the next sleeve: what one may sell or buy back, the others may not."""
        sold = {symbol: holding.shares for symbol, holding in book.holdings.items()}
        sellable = {symbol: max(0, shares - sold.get(symbol, 0)) for symbol, shares in self.sellable.items()}
        short = {symbol: max(0, shares - book.buy_backs.get(symbol, 0)) for symbol, shares in self.short.items()}
        return replace(self, sellable=sellable, short=short)

    def beyond(self, holding: Holding) -> int:
        """Return how many shares of the holding are ours and cannot be sold, negative where it is short."""
        return holding.shares - self.capped(holding).shares

    def error(self) -> BookMismatchError:
        """Return the first problem as an error."""
        return BookMismatchError(self.problems[0].text if self.problems else "the broker's book is not ours")


def check_book(desk: Desk, books: Books, lists: BrokerLists, session: Session) -> BookCheck:
    """Compare lots and external shares with the broker's positions, and references with our intents.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    books : Books
        What our records say beside the broker's lists.
    lists : BrokerLists
        What the broker says of the account, freshly asked.
    session : Session
        The session, with its open and close.
    """
    states, splits = books.states, books.splits_alone
    changed = unsound_books(desk.store.events)
    if changed:
        return BookCheck(problems=(Problem(ExitCode.PERSON, changed),), only_reconcile=True)
    foreign = foreign_differences(desk, books, lists)
    universe = desk.symbols
    found = position_balances(desk, books, lists)
    unread = tuple(unread_problems(lists, states))
    if lists.unread:
        return BookCheck(problems=unread, only_reconcile=True)
    if not books.begun and (foreign or any(balance.surplus > 0 for balance in found)):
        return _fresh_store(found, [one.about for one in foreign])
    positions = [one for one in position_differences(desk, books, lists) if one.about not in splits]
    orders = order_differences(desk, lists, states)
    problems = [*unread, *(Problem(ExitCode.PERSON, text) for text in splits.values())]
    problems += [one.problem() for one in (*positions, *foreign, *orders)]
    beyond = beyond_ordered(desk)
    problems += [one.difference.problem() for one in beyond.values()]
    entries = {balance.symbol: "mismatch" for balance in found if balance.surplus != 0 or balance.short}
    entries |= {one.state.intent.symbol: "mismatch" for one in beyond.values()}
    entries |= dict.fromkeys(universe if foreign else (), "mismatch")
    if lists.account.doubt:
        problems.append(Problem(ExitCode.BROKER, f"{lists.account.doubt}: nothing is bought until it can be read"))
        entries |= dict.fromkeys(universe, "cash_unknown")
    problems += [problem for balance in found for problem in _sold_elsewhere(balance, lists)]
    promised = _promised(desk) if desk.settings.trades_options else {}
    for balance in found:
        text = _unknown_instruments(balance.symbol, lists)
        if text:
            problems.append(Problem(ExitCode.PERSON, text))
            entries[balance.symbol] = "other_instrument"
        problems += _pledged(balance, lists, promised.get(balance.symbol, 0))
    unresolved = {state.intent.symbol for state in states if _in_doubt(lists, state, session)}
    return BookCheck(
        problems=tuple(problems),
        entries_barred=entries | dict.fromkeys(splits, NOT_AGREED) | dict.fromkeys(unresolved, "unresolved"),
        exits_barred=dict.fromkeys(splits, NOT_AGREED) | dict.fromkeys(unresolved, "unresolved"),
        sellable={balance.symbol: _sellable(balance, lists) for balance in found},
        short={balance.symbol: short for balance in found if (short := _bought_back(balance, lists))},
    )


def _in_doubt(lists: BrokerLists, state: IntentState, session: Session) -> bool:
    """Whether an order of an earlier session may fill yet, or may have been filled unseen."""
    if state.intent.session >= session.day:
        return False
    listed = find_order(lists, state)
    return state.status.working or (listed is not None and listed.may_fill)


def check_hours(desk: Desk, session: Session) -> None:
    """Refuse a session whose hours the broker sees otherwise than our calendar, whichever symbol it is asked about.

    Raises
    ------
    CalendarMismatchError, BookMismatchError
        The first symbol's.
    """
    errors: list[UnfitError] = []
    for symbol in desk.symbols:
        found = hours_apart(desk, session, [symbol])
        if not found:
            return
        errors += found.values()
    if errors:
        raise errors[0]


def hours_apart(desk: Desk, session: Session, symbols: Iterable[str]) -> dict[str, UnfitError]:
    """Return the symbols whose hours the broker does not tell, or sees otherwise than our calendar, and why.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    session : Session
        The session, with its open and close.
    symbols : iterable of str
        Tickers.
    """
    found: dict[str, UnfitError] = {}
    for symbol in symbols:
        try:
            differs = calendars_agree(session.day, session, desk.broker.session_hours(symbol, session.day))
        except (DataError, BookMismatchError) as error:
            found[symbol] = error
        else:
            if differs:
                found[symbol] = CalendarMismatchError(f"{symbol}: {differs}")
    return found


def _fresh_store(found: tuple[Balance, ...], foreign: list[str]) -> BookCheck:
    held = ", ".join(f"{balance.surplus} {balance.symbol}" for balance in found if balance.surplus > 0)
    what = f"holds {held}" if held else f"lists {foreign[0]}, an order of this program"
    text = (
        f"this database has no orders yet, but the account {what}: restore the database from a backup, or state whose "
        "they are with `mtum reconcile --accept external SYMBOL N` or `--accept position SYMBOL N ...`"
    )
    return BookCheck(problems=(Problem(ExitCode.PERSON, text),), only_reconcile=True)


def _sold_elsewhere(balance: Balance, lists: BrokerLists) -> list[Problem]:
    """Return the problem that somebody else's orders sell shares that an exit of ours would need."""
    theirs = [
        order
        for order in lists.orders
        if order.symbol == balance.symbol
        and order.side is Side.SELL
        and order.may_fill
        and not OUR_REF.match(order.ref)
    ]
    shares = sum(order.left for order in theirs)
    left = max(Decimal(0), balance.broker - shares)
    if not theirs or left >= balance.lots or left >= balance.broker:
        return []
    named = ", ".join(order.ref or f"number {order.broker_id}" for order in theirs)
    text = (
        f"somebody else's order sells {shares} {balance.symbol} ({named}): an exit could sell {left} of our "
        f"{balance.lots}; cancel that order if the shares are to stay ours"
    )
    return [Problem(ExitCode.PERSON, text)]


def _sellable(balance: Balance, lists: BrokerLists) -> int:
    # A sale by hand is taken from the owner's own shares first, our own sale from ours.
    sells = [order for order in lists.orders if order.symbol == balance.symbol and order.side is Side.SELL]
    left = [(order.ref, order.left) for order in sells if order.may_fill]
    own = sum(shares for ref, shares in left if OUR_REF.match(ref))
    free = int(balance.broker) - sum(shares for _, shares in left) - _pledged_shares(balance.symbol, lists)
    return max(0, min(balance.sellable - own, free))


def _pledged_shares(symbol: str, lists: BrokerLists) -> int:
    return sum(one.pledged for one in lists.others if one.symbol == symbol)


def _promised(desk: Desk) -> dict[str, int]:
    """Return the shares that calls sold by our own strategies may call for, by symbol: that is as it was meant."""
    from mtum.core.portfolio.options.own import pledged_shares  # an account without options loads none of it

    return pledged_shares(desk.store.options.book().lots)


def _pledged(balance: Balance, lists: BrokerLists, promised: int) -> list[Problem]:
    # What an order of our own may call for is counted where shares are sold; to a person it is no news.
    others = [one for one in lists.others if one.symbol == balance.symbol and one.pledged and one.pins is None]
    pledged = max(0, sum(one.pledged for one in others) - promised)
    free = int(balance.broker) - pledged
    if not pledged or balance.lots <= max(0, free):
        return []
    calls = ", ".join(one.words for one in others)
    text = (
        f"{balance.symbol}: {calls} may call for {pledged} of the broker's {balance.broker} shares; of our "
        f"{balance.lots} only {max(0, free)} can be sold until the calls are bought back"
    )
    return [Problem(ExitCode.PERSON, text)]


def _unknown_instruments(symbol: str, lists: BrokerLists) -> str:
    names = [one.words for one in lists.others if one.symbol == symbol and not one.known]
    if not names:
        return ""
    return (
        f"the account has {', '.join(names)}: what that does to its shares of {symbol} is not known here, and "
        f"nothing of {symbol} is bought while it is there"
    )


def _bought_back(balance: Balance, lists: BrokerLists) -> int:
    mine = [one for one in lists.orders if one.symbol == balance.symbol and one.side is Side.BUY]
    return max(0, min(-balance.lots, balance.short - sum(one.left for one in mine if one.may_fill)))
