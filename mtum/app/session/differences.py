"""Every difference between our records and the broker's lists, in words, with its exit code and the legal ways out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from mtum.app.desk import Desk, Problem
from mtum.app.ledger.sleeve_records import held_lots, held_shares
from mtum.app.session.match_orders import find_trace, inactive, too_many, what_of
from mtum.app.session.our_books import Books
from mtum.core.market.sessions import Session
from mtum.core.portfolio.fills import folded
from mtum.core.portfolio.gate import last_instant
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import EXECUTIONS_COME_WITHIN, OrderIntent, OrderStatus, Side
from mtum.core.portfolio.reconcile import Balance, balances, foreign_refs
from mtum.errors import ExitCode
from mtum.ports.broker import BrokerLists, BrokerOrder
from mtum.ports.records import IntentState

RECORDED = ("contradiction", "ended", "executed", "another id")
"""Kinds that are told once: when the lists have been taken up, our records say the same as the broker."""

_ENDED = (OrderStatus.REJECTED, OrderStatus.CANCELED, OrderStatus.EXPIRED)
_NEVER_LEFT = (OrderStatus.PLANNED, OrderStatus.DENIED)


class Difference(Struct, frozen=True):
    """One difference: its kind, what it is about, both sides in words, and the commands that may settle it."""

    kind: str
    about: str
    text: str
    ways: tuple[str, ...] = ()
    exit_code: ExitCode = ExitCode.PERSON

    def problem(self) -> Problem:
        """Return it as a problem of a run, with the way out if there is only one; `mtum reconcile` shows them all."""
        if not self.ways or self.ways[0] in self.text:
            return Problem(self.exit_code, self.text)
        only = self.kind == "changed symbol" or (len(self.ways) == 1 and self.kind != "position")
        way = f"`{self.ways[0]}`" if only else "see `mtum reconcile`"
        return Problem(self.exit_code, f"{self.text}; {way}")


class Unbooked(Struct, frozen=True):
    """Shares that the broker has beyond our records, or lacks, and that an order of ours explains."""

    state: IntentState
    shares: int


def position_balances(desk: Desk, books: Books, lists: BrokerLists) -> tuple[Balance, ...]:
    """Compare the lots of every strategy and what is stated as external with the broker's positions.

    Symbols that are traded, held, or were ordered lately, whatever the settings trade now.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    books : Books
        What our records say beside the broker's lists.
    lists : BrokerLists
        What the broker says of the account, freshly asked.
    """
    today = lists.at.date()
    lately = {one.intent.symbol for one in books.states if today - one.intent.session <= EXECUTIONS_COME_WITHIN}
    symbols = {*desk.symbols, *lately}
    return balances(books.records.lots, books.external, lists.positions, symbols)


def balance_of(desk: Desk, lists: BrokerLists, symbol: str) -> Balance:
    """Compare the lots and what is stated as external with the broker's position in one symbol.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    lists : BrokerLists
        What the broker says of the account, freshly asked.
    symbol : str
        Ticker.
    """
    external = {symbol: desk.store.statements.external_shares().get(symbol, Decimal(0))}
    found = balances(held_lots(desk.store), external, lists.positions, (symbol,))
    return next(one for one in found if one.symbol == symbol)


def unbooked(desk: Desk, lists: BrokerLists, states: Iterable[IntentState], balance: Balance) -> Unbooked | None:
    """Return the newest order whose shares without an execution explain a position that differs, None if none does.

    The broker lists executions of the day only: what was filled while nobody looked, or could not be read
    that day, shows in the position alone.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    lists : BrokerLists
        What the broker says of the account, freshly asked.
    states : iterable of IntentState
        Intents with their status.
    balance : Balance
        Shares of one symbol: ours by lots, stated as not ours, and what the broker shows.
    """
    surplus = int(balance.surplus)
    side, today = Side.BUY if surplus > 0 else Side.SELL, lists.at.date()
    for state in reversed([one for one in states if one.intent.symbol == balance.symbol]):
        intent = state.intent
        if intent.purpose.internal or intent.side is not side or not surplus:
            continue
        fills = folded(desk.store.orders.fills(intents=[intent.id]))
        left = intent.shares - sum(one.shares for one in fills if one.symbol == balance.symbol)
        listed = find_trace(lists, state)
        if left <= 0:
            continue
        sent = state.status not in _NEVER_LEFT and (state.status is not OrderStatus.LAPSED or state.submitted_at)
        if sent and today - intent.session <= EXECUTIONS_COME_WITHIN and not (listed and listed.may_fill):
            return Unbooked(state, min(left, abs(surplus)))
    return None


def position_differences(
    desk: Desk, books: Books, lists: BrokerLists, closes: Mapping[str, Decimal] | None = None
) -> list[Difference]:
    """Return what differs between lots, external shares and the broker's positions.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    books : Books
        What our records say beside the broker's lists.
    lists : BrokerLists
        What the broker says of the account, freshly asked.
    closes : mapping of intent id to price
        Official closes, in USD, that a fill nobody saw may be stated at.
    """
    found = []
    today = lists.at.date()
    # An order of today may still change this position, so no statement about it is offered.
    resting = {one.intent.symbol for one in books.states if one.intent.session == today and one.status.working}
    for balance in position_balances(desk, books, lists):
        if balance.short:
            found.append(_short(balance))
        if balance.surplus == 0:
            continue
        more = "more" if balance.surplus > 0 else "fewer"
        text = f"{balance.text}, {abs(balance.surplus)} {more}"
        ways = _ways(balance, desk.owner_of(balance.symbol).name, resting=balance.symbol in resting)
        explained = unbooked(desk, lists, books.states, balance)
        if explained is not None:
            intent = explained.state.intent
            price = (closes or {}).get(intent.id)
            text += f": {explained.shares} of {what_of(explained.state)} were probably filled while nobody looked"
            ways = (
                f"mtum reconcile --accept filled {intent.ref} {price if price is not None else 'PRICE'}",
                *ways[::-1],
            )
        kind, change = "position", _change_like(desk, books, lists, balance)
        if change is not None and explained is None:
            kind, text, ways = "changed symbol", f"{text}: {change[0]}", (change[1], *ways)
        # An unread item of the broker may explain the difference; a statement would then count it twice.
        found.append(Difference(kind, balance.symbol, text, () if lists.unread else ways))
    return found


def _change_like(desk: Desk, books: Books, lists: BrokerLists, balance: Balance) -> tuple[str, str] | None:
    """Return in words what a position that is gone looks like, and the command that states it; None for nothing.

    Other shares that came when it went and that nobody accounts for, as many or in proportion, may be what it became.
    """
    gone = balance.lots + balance.external
    last = None if balance.broker or gone <= 0 else desk.store.changes.last_with(balance.symbol)
    if last is None:
        return None
    session, before = last
    known: dict[str, Decimal] = dict(books.external)
    for lot in books.records.lots:
        known[lot.symbol] = known.get(lot.symbol, Decimal(0)) + lot.shares
    came = {
        symbol: shares - max(before.get(symbol, Decimal(0)), known.get(symbol, Decimal(0)))
        for symbol, shares in lists.positions.items()
    }
    there = {symbol: shares for symbol, shares in came.items() if shares >= 1}
    alike = [symbol for symbol, shares in there.items() if shares == gone] or list(there)
    coming = desk.calendar.sessions(session + timedelta(days=1), session + timedelta(days=10)).known
    if len(alike) != 1 or not coming:
        return None
    (into,) = alike
    begin, since = "mtum reconcile --accept", f"--from {coming[0].day}"
    if there[into] == gone:
        text = f"{there[into]} {into} came when they went: it looks like a new name"
        return text, f"{begin} renamed {balance.symbol} {into} {since}"
    ratio = round(there[into] / gone, 6).normalize()
    text = f"{there[into]} {into} came when they went: it looks like a merger, {ratio} per share"
    return text, f"{begin} merged {balance.symbol} --cash 0 --into {into} --ratio {ratio} {since}"


class Beyond(Struct, frozen=True):
    """An order of which more was executed than ordered: the fact alone, and as a difference with its ways out."""

    state: IntentState
    fact: str
    difference: Difference


def beyond_ordered(desk: Desk) -> dict[str, Beyond]:
    """Return the intents of which more was executed than ordered and that no person has acknowledged.

    Settling stops entries for each; lifting that halt acknowledges it. By the halt's author.
    """
    lifted = {halt.by for halt in desk.store.control.halts() if halt.lifted_at is not None}
    found = {}
    for state, shares in desk.store.books.overfilled():
        intent = state.intent
        author = f"executions {intent.id} {shares}"
        if not intent.purpose.internal and author not in lifted:
            what = f"{intent.side.value} {intent.shares} {intent.symbol} ({intent.ref})"
            fact = f"{what}: {shares} shares were executed, {shares - intent.shares} more than ordered"
            ours = sum(shares for (_, held), shares in held_shares(desk.store).items() if held == intent.symbol)
            words, ways = _flattening(intent.symbol, ours)
            text = (
                f"{fact}; our books follow the broker, entries are stopped: look at the broker's own screen; "
                f"{words}`mtum resume` lets entries through again"
            )
            difference = Difference("executions", intent.id, text, (*ways, "mtum resume"))
            found[author] = Beyond(state, fact, difference)
    return found


def _flattening(symbol: str, ours: int) -> tuple[str, tuple[str, ...]]:
    """Return what `mtum flatten` would do with our shares of a symbol, in words, and the command; not where flat."""
    way = f"mtum flatten {symbol} --why TEXT"
    does = f"sells all {ours} of ours at the close" if ours > 0 else f"buys {-ours} back at the close"
    return (f"`{way}` {does}; ", (way,)) if ours else ("", ())


def foreign_differences(desk: Desk, books: Books, lists: BrokerLists) -> list[Difference]:
    """Return the orders and executions made by this program, but not by this database.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    books : Books
        What our records say beside the broker's lists.
    lists : BrokerLists
        What the broker says of the account, freshly asked.
    """
    known = {state.intent.id for state in books.states}
    listed = [order.ref for order in lists.orders] + [fill.ref for fill in lists.fills]
    return [
        Difference(
            "foreign",
            ref,
            f"the account has order {ref}, made by this program but not by this database: another installation "
            "trades it; stop one",
            (f"mtum reconcile --accept foreign {ref}",),
        )
        for ref in foreign_refs(listed, known)
        if not desk.store.statements.acknowledged_foreign(ref)
    ]


def order_differences(desk: Desk, lists: BrokerLists, states: Sequence[IntentState]) -> list[Difference]:
    """Return how orders stand otherwise at the broker than here, those included that we took for ended.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    lists : BrokerLists
        What the broker says of the account, freshly asked.
    states : sequence of IntentState
        Intents with their status.
    """
    return [one for state in states if not state.intent.purpose.internal for one in _order(desk, lists, state)]


def last_sending(desk: Desk, intent: OrderIntent) -> datetime | None:
    """Return the last instant at which an order may leave; None where its day is no session."""
    session = _session_of(desk, intent)
    return last_instant(session, intent.order_type, desk.settings.schedule.last_send_minutes) if session else None


def way_out_of_doubt(desk: Desk, state: IntentState, lists: BrokerLists | None) -> tuple[str, tuple[str, ...]]:
    """Return what is to be done about an order that may have been sent and that no list shows.

    In words, and as the command that would be accepted now; without one, there is only waiting.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    state : IntentState
        An intent with its present status and what the broker told of it.
    lists : BrokerLists or None
        None where the broker could not be asked: then its position tells nothing.
    """
    intent, last = state.intent, last_sending(desk, state.intent)
    balance = balance_of(desk, lists, intent.symbol) if lists else None
    if lists and balance and unbooked(desk, lists, [state], balance):
        way = f"mtum reconcile --accept filled {intent.ref} {stored_close(desk, intent) or 'PRICE'}"
        return f"the position is as if it was filled: if so, `{way}`", (way,)
    if last is not None and desk.clock.now() <= last:
        way = f"mtum reconcile --accept not-sent {intent.id}"
        return f"look at the broker's own screen, then `{way}` before {last:%H:%M:%S} UTC if it is not there", (way,)
    if balance and balance.surplus:
        return "it can be sent no more, and lapses once the position is explained", ()
    after = _settled_by(desk, intent)
    words = "`mtum settle` ends it unless the position shows that it was filled"
    return f"it can be sent no more: look at the broker's own screen; after the close {words}", after


def stored_close(desk: Desk, intent: OrderIntent) -> Decimal | None:
    """Return the official close of an order's session where it is stored."""
    bar = desk.store.bars.bars(intent.symbol, desk.source.name, intent.session).find(intent.session)
    return exact(bar.close) if bar is not None else None


def _session_of(desk: Desk, intent: OrderIntent) -> Session | None:
    return desk.calendar.sessions(intent.session, intent.session).get(intent.session)


def _settled_by(desk: Desk, intent: OrderIntent) -> tuple[str, ...]:
    """Return the command that settles an order's session, which is refused before its close."""
    session = _session_of(desk, intent)
    closed = session is not None and desk.clock.now() >= session.close
    return (f"mtum settle --session {intent.session}",) if closed else ()


def _order(desk: Desk, lists: BrokerLists, state: IntentState) -> Iterator[Difference]:
    listed = find_trace(lists, state)
    for problem in too_many(lists, state):
        yield Difference("double", state.intent.id, problem.text)
    for problem in inactive(listed) if listed else ():
        yield Difference("inactive", state.intent.id, problem.text)
    if listed is None:
        yield from _unlisted(desk, lists, state)
        return
    key, what = state.intent.id, what_of(state)
    if listed.may_fill and state.intent.session < lists.at.date():
        text = f"{what} still works at the broker though {state.intent.session} has closed: cancel it by hand NOW"
        yield Difference("left over", key, text, _settled_by(desk, state.intent))
    elif listed.status.in_doubt:
        if state.status.in_doubt:
            word = listed.text or "the broker lists it and does not say what became of it"
            yield Difference("unknown", key, f"{what}: {word}")
    elif state.status.in_doubt:
        way = _settled_by(desk, state.intent) or ("mtum run",)
        yield Difference("not adopted", key, f"{what}: the broker has it; the next look at it adopts it", way)
    elif not state.status.working:
        yield from _taken_for_ended(desk, state, listed)
    elif listed.status in _ENDED and state.status.working:
        word = "rejected" if listed.status is OrderStatus.REJECTED else "canceled"
        filled = f", {listed.filled} filled" if listed.filled else ""
        text = f"{what} was {word} by the broker before it was filled: {listed.code or ''} {listed.text}{filled}"
        yield Difference("ended", key, text.rstrip(": "), exit_code=ExitCode.ORDER)
    if listed.status.working and not listed.status.in_doubt:
        yield from _working(state, listed)


def _unlisted(desk: Desk, lists: BrokerLists, state: IntentState) -> Iterator[Difference]:
    key, what = state.intent.id, what_of(state)
    if state.status.in_doubt:
        words, ways = way_out_of_doubt(desk, state, lists)
        text = f"{what}: we do not know whether it was sent; no list shows it; {words}"
        yield Difference("unknown", key, text, ways)
    elif state.status.working:
        text = f"{what} is {state.status.value} here, and no list of the broker shows it: look at its own screen"
        yield Difference("vanished", key, text, _settled_by(desk, state.intent))


def _taken_for_ended(desk: Desk, state: IntentState, listed: BrokerOrder) -> Iterator[Difference]:
    key, before = state.intent.id, state.status
    here = f"{what_of(state)} is {before.value} here"
    if listed.status.working and before is not OrderStatus.EXPIRED:
        run = ("mtum run",) if before is OrderStatus.PLANNED else ()
        text = f"{here}, but works at the broker as {listed.ref or listed.broker_id}: expect it to fill"
        yield Difference("contradiction", key, text, _settled_by(desk, state.intent) or run)
    elif listed.filled > state.filled and before not in (OrderStatus.PLANNED, OrderStatus.EXPIRED):
        yield Difference("executed", key, f"{here}, but the broker filled {listed.filled} of it")


def _working(state: IntentState, listed: BrokerOrder) -> Iterator[Difference]:
    intent, what = state.intent, what_of(state)
    if (listed.symbol, listed.side) != (intent.symbol, intent.side) or listed.shares > intent.shares:
        told = f"{listed.side.value} {listed.shares} {listed.symbol}"
        yield Difference("changed", intent.id, f"{what} works at the broker as {told}: cancel it by hand NOW")
    elif listed.shares < intent.shares:
        text = f"{what}: the broker reduced it to {listed.shares} shares {listed.text}"
        yield Difference("reduced", intent.id, text.rstrip(), exit_code=ExitCode.ORDER)


def _short(balance: Balance) -> Difference:
    ours = min(balance.short, max(0, -balance.lots))
    words, ways = _flattening(balance.symbol, -ours)
    text = f"{balance.symbol} is SHORT {balance.short} shares; entries are stopped; {words or 'none of it is ours'}"
    return Difference("short", balance.symbol, text.removesuffix("; "), ways)


def _ways(balance: Balance, strategy: str, *, resting: bool) -> tuple[str, ...]:
    symbol, begin = balance.symbol, "mtum reconcile --accept"
    ours = max(0, int(balance.broker - balance.external))
    rebuilt = f"{begin} position {symbol} {ours} --strategy {strategy} --entry-session DATE --entry-price PRICE"
    split = f"{begin} corporate-action {symbol} RATIO --entry-session DATE"
    ways = [*([rebuilt] if ours != balance.lots and not resting else []), *([split] if balance.lots else [])]
    if 0 < balance.surplus <= balance.broker - balance.external:
        ways.insert(0, f"{begin} external {symbol} {balance.external + balance.surplus}")
    elif balance.surplus < 0 < balance.external:
        ways.insert(0, f"{begin} external {symbol} {max(balance.external + balance.surplus, Decimal(0))}")
    return tuple(ways)
