"""Do our records and the broker agree well enough to decide, and what must wait until they do?"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from mtum.app.bars.agree_splits import NOT_AGREED, agree_splits
from mtum.app.desk import Desk, Problem
from mtum.app.ledger.book import read_sleeve
from mtum.app.session.match_orders import unread_problems
from mtum.core.market.calendars import calendars_agree
from mtum.core.market.sessions import Session
from mtum.core.portfolio.fills import folded
from mtum.core.portfolio.orders import OrderStatus, Side, intent_of
from mtum.core.portfolio.reconcile import OUR_REF, Balance, balances, foreign_refs
from mtum.core.strategies.contract import Holding
from mtum.errors import BookMismatchError, CalendarMismatchError, ExitCode
from mtum.ports.broker import BrokerLists
from mtum.ports.records import IntentState

EXTERNAL_KEY = "external:"
FOREIGN_KEY = "foreign_acknowledged:"


@dataclass(frozen=True, slots=True)
class BookCheck:
    """What the comparison found: problems, symbols that must wait, and shares that are really there.

    `only_reconcile` means that nothing may be decided at all.
    """

    problems: tuple[Problem, ...] = ()
    entries_barred: Mapping[str, str] = field(default_factory=dict)
    exits_barred: Mapping[str, str] = field(default_factory=dict)
    sellable: Mapping[str, int] = field(default_factory=dict)
    only_reconcile: bool = False

    def capped(self, holding: Holding) -> Holding:
        """Return the holding with no more shares than the broker really has of ours, flat where it is short."""
        really = max(0, min(holding.shares, self.sellable.get(holding.symbol, holding.shares)))
        return holding if really == holding.shares else replace(holding, shares=really)

    def beyond(self, holding: Holding) -> int:
        """Return how many shares of the holding are ours and cannot be sold, negative where it is short."""
        return holding.shares - self.capped(holding).shares

    def error(self) -> BookMismatchError:
        """Return the first problem as an error."""
        return BookMismatchError(self.problems[0].text if self.problems else "the broker's book is not ours")


def check_book(desk: Desk, lists: BrokerLists, session: Session) -> BookCheck:
    """Compare lots and external shares with the broker's positions, and references with our intents."""
    states = desk.store.orders.states()
    known = {state.intent.id: state for state in states}
    foreign = [
        ref
        for ref in foreign_refs([order.ref for order in lists.orders] + [fill.ref for fill in lists.fills], known)
        if desk.store.control.meta(FOREIGN_KEY + ref) is None
    ]
    universe = desk.strategy.universe()
    splits = _splits(desk, lists, session)
    sleeve = read_sleeve(desk.store, desk.strategy)
    found = balances(sleeve.lots, external_shares(desk), lists.positions, universe)
    unread = tuple(unread_problems(lists, states))
    if lists.unread:
        return BookCheck(problems=unread, only_reconcile=True)
    if not states and (foreign or any(balance.surplus > 0 for balance in found)):
        return _fresh_store(found, foreign)
    problems = [*unread, *(Problem(ExitCode.PERSON, text) for text in splits.values())]
    problems += [problem for balance in found if balance.symbol not in splits for problem in position_problems(balance)]
    entries = {balance.symbol: "mismatch" for balance in found if balance.surplus != 0 or balance.short}
    beyond = beyond_ordered(desk)
    problems += [Problem(ExitCode.PERSON, text) for _, text in beyond.values()]
    entries |= {state.intent.symbol: "mismatch" for state, _ in beyond.values()}
    if foreign:
        problems.append(Problem(ExitCode.PERSON, _foreign_text(foreign)))
        entries |= dict.fromkeys(universe, "mismatch")
    if lists.account.doubt:
        problems.append(Problem(ExitCode.BROKER, f"{lists.account.doubt}: nothing is bought until it can be read"))
        entries |= dict.fromkeys(universe, "cash_unknown")
    problems += [problem for balance in found for problem in _sold_elsewhere(balance, lists)]
    left_over = _left_over(lists, known, session)
    problems += [Problem(ExitCode.PERSON, text) for text in left_over.values()]
    unresolved = set(left_over) | {
        state.intent.symbol
        for state in states
        if state.intent.session < session.day and state.status in (OrderStatus.UNKNOWN, OrderStatus.SUBMITTING)
    }
    return BookCheck(
        problems=tuple(problems),
        entries_barred=entries | dict.fromkeys(splits, NOT_AGREED) | dict.fromkeys(unresolved, "unresolved"),
        exits_barred=dict.fromkeys(splits, NOT_AGREED) | dict.fromkeys(unresolved, "unresolved"),
        sellable={balance.symbol: _sellable(balance, lists) for balance in found},
    )


def _left_over(lists: BrokerLists, known: Mapping[str, IntentState], session: Session) -> dict[str, str]:
    """Return, by symbol, what is wrong where an order of an earlier session would fill in this one."""
    working = [(known.get(intent_of(order.ref)), order) for order in lists.orders if order.status.working]
    return {
        order.symbol: f"{order.ref} of {state.intent.session} still works at the broker: cancel it by hand NOW"
        for state, order in working
        if state is not None and state.intent.session < session.day
    }


def _splits(desk: Desk, lists: BrokerLists, session: Session) -> dict[str, str]:
    """Let lots follow splits that both sides tell; return those that only the vendor tells."""
    sleeve, external = read_sleeve(desk.store, desk.strategy), external_shares(desk)
    expected = {
        symbol: (
            external.get(symbol, Decimal(0)) + sum(lot.shares for lot in sleeve.lots if lot.symbol == symbol),
            lists.positions.get(symbol, Decimal(0)),
        )
        for symbol in desk.strategy.universe()
    }
    return agree_splits(desk, session, sleeve.lots, sleeve.fills, expected)


def check_hours(desk: Desk, session: Session) -> None:
    """Refuse a session whose hours the broker sees otherwise than our calendar.

    Raises
    ------
    CalendarMismatchError
        Saying what differs.
    """
    for symbol in desk.strategy.universe():
        differs = calendars_agree(session.day, session, desk.broker.session_hours(symbol, session.day))
        if differs:
            raise CalendarMismatchError(f"{symbol}: {differs}")


def external_shares(desk: Desk) -> dict[str, Decimal]:
    """Return the shares that the owner stated as not the program's, by symbol."""
    stated = {symbol: desk.store.control.meta(EXTERNAL_KEY + symbol) for symbol in desk.strategy.universe()}
    return {symbol: Decimal(shares) for symbol, shares in stated.items() if shares}


def _fresh_store(found: tuple[Balance, ...], foreign: list[str]) -> BookCheck:
    held = ", ".join(f"{balance.surplus} {balance.symbol}" for balance in found if balance.surplus > 0)
    what = f"holds {held}" if held else f"lists {foreign[0]}, an order of this program"
    text = (
        f"this database has no orders yet, but the account {what}: restore the database from a backup, or state whose "
        "they are with `mtum reconcile --accept external SYMBOL N` or `--accept position SYMBOL N ...`"
    )
    return BookCheck(problems=(Problem(ExitCode.PERSON, text),), only_reconcile=True)


def position_problems(balance: Balance) -> list[Problem]:
    """Return what is wrong with a position: not what our records say, or short."""
    problems = []
    if balance.surplus != 0:
        more = "more" if balance.surplus > 0 else "fewer"
        text = f"{balance.text}, {abs(balance.surplus)} {more}; see `mtum reconcile`"
        problems.append(Problem(ExitCode.PERSON, text))
    if balance.short:
        problems.append(Problem(ExitCode.PERSON, short_text(balance)))
    return problems


def short_text(balance: Balance) -> str:
    """Return the alarm of a short position."""
    ours = min(balance.short, max(0, -balance.lots))
    way = f"`mtum flatten {balance.symbol} --why TEXT` buys {ours} back at the close" if ours else "none of it is ours"
    return f"{balance.symbol} is SHORT {balance.short} shares; entries are stopped; {way}"


def beyond_ordered(desk: Desk) -> dict[str, tuple[IntentState, str]]:
    """Return the intents of which more was executed than ordered and that no person has acknowledged.

    Settling stops entries for each; lifting that halt acknowledges it. By the halt's author.
    """
    lifted = {halt.by for halt in desk.store.control.halts() if halt.lifted_at is not None}
    executed: dict[str, int] = {}
    for fill in folded(desk.store.orders.fills()):
        executed[fill.intent_id] = executed.get(fill.intent_id, 0) + fill.shares
    found = {}
    for state in desk.store.orders.states():
        intent, shares = state.intent, executed.get(state.intent.id, 0)
        author = f"executions {intent.id} {shares}"
        if shares > intent.shares and not intent.purpose.stated and author not in lifted:
            what = f"{intent.side.value} {intent.shares} {intent.symbol} ({intent.ref})"
            text = (
                f"{what}: {shares} shares were executed, {shares - intent.shares} more than ordered; our books follow "
                f"the broker, entries are stopped: look at the broker's own screen, sell what is too much with "
                f"`mtum flatten {intent.symbol} --why TEXT`, then `mtum resume`"
            )
            found[author] = (state, text)
    return found


def _foreign_text(foreign: list[str]) -> str:
    return (
        f"the account has order {foreign[0]}, made by this program but not by this database: another installation "
        f"trades it; stop one, then `mtum reconcile --accept foreign {foreign[0]}`"
    )


def _sold_elsewhere(balance: Balance, lists: BrokerLists) -> list[Problem]:
    """Return the problem that somebody else's orders sell shares that an exit of ours would need."""
    theirs = [
        order
        for order in lists.orders
        if order.symbol == balance.symbol
        and order.side is Side.SELL
        and order.status.working
        and not OUR_REF.match(order.ref)
    ]
    shares = sum(order.shares - order.filled for order in theirs)
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
    # A sale by hand takes shares that are not ours first; ours takes our own.
    sells = [order for order in lists.orders if order.symbol == balance.symbol and order.side is Side.SELL]
    left = [(order.ref, order.shares - order.filled) for order in sells if order.status.working]
    own = sum(shares for ref, shares in left if OUR_REF.match(ref))
    return max(0, min(balance.sellable - own, int(balance.broker) - sum(shares for _, shares in left)))
