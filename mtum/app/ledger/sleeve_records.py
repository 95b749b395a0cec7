"""What the sleeve holds and may spend, put together from our records and the broker's lists."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from mtum.core.coordination.transfers import spendable
from mtum.core.market.sessions import Sessions
from mtum.core.market.settlement import settlement_day
from mtum.core.plans import cut_for_cash, standing_after
from mtum.core.portfolio.carried import in_todays_shares, memory_of, standing_of
from mtum.core.portfolio.decision import STANDING_SESSIONS, Book, Standing
from mtum.core.portfolio.equity_points import OfficialEquity, loss_state
from mtum.core.portfolio.fills import Action, Fill, Split, carried, earlier_names, rebased
from mtum.core.portfolio.fund import FUND
from mtum.core.portfolio.lots import Lot, first_purchases, holding_of, lots_of, sessions_since_exit
from mtum.core.portfolio.money import AccountKind, exact
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.core.portfolio.sleeves import Sleeve
from mtum.core.strategies.contract import Memory
from mtum.ports.broker import BrokerAccount
from mtum.ports.records import FLOWS, CashMovement, IntentState
from mtum.ports.run_store import DecisionStore
from mtum.ports.store import Store

ZERO = Decimal(0)
BEGINS_AGAIN = "begins_again:"
"""Prefix of the key of cash that a sleeve is given when it trades after it was watched."""


class SleeveRecords(Struct, frozen=True):
    """A strategy's own records before a session, in today's shares.

    `remembered` maps intent id and symbol to what the strategy asked to keep with the entry, as the child of a spin-off
    is of its parent's intent; `movements` are those that are looked at one by one: capital, flows and what is not
    paid yet; `actions` are what became of any symbol, as today's shares follow from it.
    """

    fills: tuple[Fill, ...]
    lots: tuple[Lot, ...]
    remembered: Mapping[tuple[str, str], Mapping[str, float]]
    cash_usd: Decimal
    receivable_usd: Decimal
    movements: Sequence[CashMovement]
    points: tuple[OfficialEquity, ...]
    actions: Sequence[Action]


class Records(Struct, frozen=True):
    """What every strategy's open lots are made of, in today's shares: its last two round trips at least."""

    fills: tuple[Fill, ...]
    lots: tuple[Lot, ...]
    actions: Sequence[Action]

    @property
    def strategies(self) -> tuple[str, ...]:
        """Every strategy that ever traded, in the order of its first fill."""
        return tuple(dict.fromkeys(fill.strategy for fill in self.fills))

    def holders(self) -> dict[str, frozenset[str]]:
        """Return who holds each symbol."""
        symbols = {lot.symbol for lot in self.lots}
        return {symbol: frozenset(lot.strategy for lot in self.lots if lot.symbol == symbol) for symbol in symbols}


def read_records(store: Store, since: date | None = None, until: date | None = None) -> Records:
    """Return the lots of every strategy and their fills; enough of these for the lots from `since` on.

    Parameters
    ----------
    store : Store
        The program's records.
    since : date or None
        First session; None for all.
    until : date or None
        Session at whose close the symbols are wanted: what became of one later is left out; None for today's.
    """
    actions = [one for one in store.bars.actions() if until is None or isinstance(one, Split) or one.session <= until]
    fills = rebased(store.books.open_fills(since), actions)
    return Records(fills, lots_of(fills), actions)


def read_sleeve(
    store: Store, strategy: str, closes_before: date | None = None, records: Records | None = None
) -> SleeveRecords:
    """Return the records of the strategy of that name.

    Parameters
    ----------
    store : Store
        The program's records.
    strategy : str
        Name of the strategy, or of its sleeve.
    closes_before : date or None
        Equity of earlier sessions is read too, the capital's first and only as far as the loss limits look
        at it; None for none.
    records : Records or None
        Fills and lots where they have been read already.
    """
    records = read_records(store) if records is None else records
    lots = tuple(lot for lot in records.lots if lot.strategy == strategy)
    movements = store.ledger.movements(strategy, open_only=True)
    own = tuple(fill for fill in records.fills if fill.strategy == strategy)
    return SleeveRecords(
        fills=own,
        lots=lots,
        remembered=kept_with(store, lots, own, records.actions),
        cash_usd=store.books.cash(strategy),
        receivable_usd=sum((movement.amount_usd for movement in movements if not movement.paid), ZERO),
        movements=movements,
        points=() if closes_before is None else _closes(store, strategy, movements, closes_before),
        actions=records.actions,
    )


def read_sleeves(
    store: Store, sleeves: Iterable[Sleeve], closes_before: date, records: Records
) -> dict[str, SleeveRecords]:
    """Return the records of every sleeve by its name.

    Parameters
    ----------
    store : Store
        The program's records.
    sleeves : iterable of Sleeve
        Sleeves of the account.
    closes_before : date
        Only sessions that closed before this one.
    records : Records
        What every strategy's open lots are made of, in today's shares: its last two round trips at least.
    """
    return {sleeve.name: read_sleeve(store, sleeve.name, closes_before, records) for sleeve in sleeves}


def held_lots(store: Store) -> tuple[Lot, ...]:
    """Return the open lots of every strategy, in today's shares, whatever the settings trade now."""
    return read_records(store).lots


def held_shares(store: Store) -> dict[tuple[str, str], int]:
    """Return the shares of every strategy by strategy and symbol, negative where they are short."""
    found: dict[tuple[str, str], int] = {}
    for lot in held_lots(store):
        found[lot.strategy, lot.symbol] = found.get((lot.strategy, lot.symbol), 0) + lot.shares
    return found


def write_lots(store: Store, records: Records | None = None) -> None:
    """Write the open lots of every strategy that ever traded, as its fills add up to them."""
    records = read_records(store) if records is None else records
    for strategy in records.strategies:
        lots = tuple(lot for lot in records.lots if lot.strategy == strategy)
        own = [fill for fill in records.fills if fill.strategy == strategy]
        store.ledger.write_lots(strategy, lots, kept_with(store, lots, own, records.actions))


def beginning(strategy: str, day: date, usd: Decimal, before: Sequence[CashMovement]) -> CashMovement:
    """Return the movement that gives a strategy its first cash, or cash once more after it was only watched.

    Parameters
    ----------
    strategy : str
        Name of the strategy, or of its sleeve.
    day : date
        The session's date.
    usd : Decimal
        Amount, USD.
    before : sequence of CashMovement
        Movements of the strategy so far.
    """
    if any(movement.kind == "capital" for movement in before):
        return CashMovement(f"{BEGINS_AGAIN}{strategy}:{day}", strategy, day, "deposit", usd, "trades again")
    return CashMovement(f"capital:{strategy}", strategy, day, "capital", usd)


def with_capital(sleeve: SleeveRecords, strategy: str, day: date, usd: Decimal) -> SleeveRecords:
    """Return the sleeve as it will be once it has the cash that it begins with.

    Parameters
    ----------
    sleeve : SleeveRecords
        A strategy's own records before a session, in today's shares.
    strategy : str
        Name of the strategy, or of its sleeve.
    day : date
        The session's date.
    usd : Decimal
        Amount, USD.
    """
    given = beginning(strategy, day, usd, sleeve.movements)
    first = given.kind == "capital"
    movements = (given, *sleeve.movements) if first else (*sleeve.movements, given)
    points = (*_beginning(movements), *sleeve.points) if first else sleeve.points
    return replace(sleeve, cash_usd=sleeve.cash_usd + usd, movements=movements, points=points)


def equity_before(sleeve: SleeveRecords) -> float | None:
    """Return what today's change is measured from: equity at the last official close and money moved since."""
    if not sleeve.points:
        return None
    last = sleeve.points[-1]
    return float(last.equity_usd + flows_since(sleeve.movements, last.session))


def _closes(store: Store, strategy: str, movements: Sequence[CashMovement], before: date) -> tuple[OfficialEquity, ...]:
    since = store.limits.peak_since(strategy)
    whole = store.books.outline([strategy], before)
    points = {
        point.session: point for point in (*whole, *(store.books.outline([strategy], before, since) if since else ()))
    }
    return (
        *_beginning(movements),
        *(OfficialEquity(day, points[day].equity_usd, points[day].flows_usd) for day in sorted(points)),
    )


def _beginning(movements: Sequence[CashMovement]) -> tuple[OfficialEquity, ...]:
    # Dated one day before its session, so that the first session's return counts from it.
    start = next((movement for movement in movements if movement.kind == "capital"), None)
    return (OfficialEquity(start.session - timedelta(days=1), start.amount_usd),) if start else ()


class SleeveCash(Struct, frozen=True):
    """What a sleeve may spend today, and what of its cash settles later, in USD; `in_fund` where it may be a fund's."""

    available_usd: Decimal
    unsettled_usd: Decimal
    in_fund: bool = False


def cash_of(
    sleeves: Iterable[Sleeve],
    records: Mapping[str, SleeveRecords],
    broker: BrokerAccount,
    prices: Mapping[str, float],
    today: date,
) -> dict[str, SleeveCash]:
    """Return what each sleeve may spend: its own settled cash, as far as the broker has that much for all of them.

    What has settled of a sleeve with all the money only the broker tells. What the cash fund is worth counts as cash.

    Parameters
    ----------
    sleeves : iterable of Sleeve
        Sleeves of the account.
    records : mapping of str to SleeveRecords
        Records by sleeve.
    broker : BrokerAccount
        The account as the broker shows it; amounts in USD, other currencies left out.
    prices : mapping of symbol to float
        The decision's prices, USD.
    today : date
        The session being decided.
    """
    lots = records[FUND].lots if FUND in records else ()
    fund = sum((lot.value_usd(exact(prices[lot.symbol])) for lot in lots if lot.symbol in prices), ZERO)
    cash = {one.name: records[one.name].cash_usd for one in sleeves}
    waits = broker.kind is AccountKind.CASH
    pending = {one.name: unsettled_usd(records[one.name].fills, today) for one in sleeves if waits and one.weight < 1}
    settled = spendable({name: usd - pending.get(name, ZERO) for name, usd in cash.items()}, settled_at(broker) + fund)
    there = spendable(cash, broker.cash_usd + fund)
    return {name: SleeveCash(usd, max(ZERO, there[name] - usd), FUND in records) for name, usd in settled.items()}


def settled_beside_fund(
    sleeves: Iterable[Sleeve], records: Mapping[str, SleeveRecords], broker: BrokerAccount, today: date
) -> tuple[Decimal, Decimal]:
    """Return the settled cash that all purchases together may cost, and the sleeves' cash that settles later, USD.

    What is in the cash fund is not there, and what the account has besides the sleeves' money is not theirs.

    Parameters
    ----------
    sleeves : iterable of Sleeve
        Sleeves of the account.
    records : mapping of str to SleeveRecords
        Records by sleeve.
    broker : BrokerAccount
        The account as the broker shows it; amounts in USD, other currencies left out.
    today : date
        The session being decided.
    """
    if FUND not in records:
        return settled_at(broker), ZERO
    mine = [records[one.name] for one in sleeves if one.owns_money]
    waits = broker.kind is AccountKind.CASH
    coming = sum((unsettled_usd(one.fills, today) for one in mine), ZERO) if waits else ZERO
    own = sum((one.cash_usd for one in mine), ZERO) - coming
    return min(settled_at(broker), own), coming


def settled_at(broker: BrokerAccount) -> Decimal:
    """Return what the broker lets be spent today, USD: of a cash account only what has settled."""
    return min(broker.cash_usd, broker.settled_usd) if broker.kind is AccountKind.CASH else broker.cash_usd


def unsettled_usd(fills: Iterable[Fill], today: date) -> Decimal:
    """Return the proceeds of sales that have not settled by a day, commission taken off; what crossed has, at once."""
    sold = [fill for fill in fills if fill.side is Side.SELL and settlement_day(fill.session) > today]
    return sum((fill.cash_usd - (fill.commission_usd or ZERO) for fill in sold if not fill.crossed), ZERO)


def build_book(
    records: SleeveRecords, sleeve: Sleeve, store: Store, cash: SleeveCash, sessions: Sessions, today: date
) -> Book:
    """Return the book of one sleeve for the session being decided.

    Parameters
    ----------
    records : SleeveRecords
        A strategy's own records before a session, in today's shares.
    sleeve : Sleeve
        A strategy as it runs in the account; without sleeves in the settings the account is one sleeve of weight 1.
    store : Store
        The program's records.
    cash : SleeveCash
        What a sleeve may spend today, and what of its cash settles later, in USD; `in_fund` where it may be a fund's.
    sessions : Sessions
        A gapless run of sessions, oldest first, with look-ups by date.
    today : date
        The session being decided.
    """
    holdings = {
        symbol: holding_of(
            symbol, records.fills, records.remembered, sessions_since_exit(symbol, records.fills, sessions, today)
        )
        for symbol in sleeve.symbols
    }
    last = records.points[-1].session if records.points else None
    memory, standing, stopped = _left(store, sleeve, sessions, today, records.actions, in_fund=cash.in_fund)
    return Book(
        holdings=holdings,
        cash_usd=float(records.cash_usd),
        available_usd=float(cash.available_usd),
        exit_pending=_exit_pending(store, records, today),
        unsettled_usd=float(cash.unsettled_usd),
        receivable_usd=float(records.receivable_usd),
        losses=loss_state(
            records.points,
            flows_since(records.movements, last),
            paused=False,
            peak_since=store.limits.peak_since(sleeve.name),
        ),
        restriction=store.control.restriction(sleeve.name),
        last_fill=max((fill.session for fill in records.fills), default=None),
        memory=memory,
        standing=standing,
        stopped=stopped,
        settles_by=_settles_by(records, today) if cash.unsettled_usd else None,
        in_fund=cash.in_fund,
    )


def _settles_by(records: SleeveRecords, today: date) -> date:
    """Return when the sleeve's sales have settled; where none is open, when the newest possible one has."""
    sold = [settlement_day(fill.session) for fill in records.fills if fill.side is Side.SELL and fill.session < today]
    waiting = [day for day in sold if day > today]
    return max(waiting, default=settlement_day(today))


def _left(
    store: Store, sleeve: Sleeve, sessions: Sessions, today: date, actions: Sequence[Action], *, in_fund: bool
) -> tuple[Memory, tuple[Standing, ...], dict[str, str]]:
    # What the last decision said to remember, purchases it made that may still be wanted, and what a stop sold.
    # Virtual and real money know nothing of each other: a sleeve that changes between them begins as a new one.
    found = store.decisions.memory_before(sleeve.name, today)
    if found is None or bool(found[1].get("virtual")) is sleeve.owns_money:
        return {}, (), {}
    decided, document = found
    if document["kind"] not in (None, sleeve.strategy.name):
        return {}, (), {}  # another strategy traded under this name: what it remembers means nothing to this one
    memory, standing = memory_of(document["memory"]), standing_of(document["standing"])
    plan = store.plans.plan_of(decided) if standing else None
    standing = standing if plan is None else standing_after(plan.document, sleeve.name, standing)
    if plan is not None and in_fund and not sleeve.strategy.STANDING_PURCHASES:
        # Only purchases that lacked cash because it was parked in the fund.
        lacked = cut_for_cash(plan.document, sleeve.name)
        young = (one for one in standing if sessions.count(one.since, today) <= STANDING_SESSIONS)
        standing = tuple(one for one in young if one.sells or one.symbol in lacked)
    return in_todays_shares(memory, standing, dict(document["stopped"]), decided, actions)


def flows_since(movements: Sequence[CashMovement], after: date | None) -> Decimal:
    """Return deposits less withdrawals recorded for sessions later than `after`; 0 without a date."""
    if after is None:
        return ZERO
    return sum((m.amount_usd for m in movements if m.kind in FLOWS and m.session > after), ZERO)


def loss_pause(decisions: DecisionStore, sleeve: Sleeve, sessions: Sessions, today: date) -> bool:
    """Return whether one of the decisions after which a sleeve still pauses reached the daily-loss limit.

    Parameters
    ----------
    decisions : DecisionStore
        Decisions of the sessions.
    sleeve : Sleeve
        A strategy as it runs in the account; without sleeves in the settings the account is one sleeve of weight 1.
    sessions : Sessions
        A gapless run of sessions, oldest first, with look-ups by date.
    today : date
        The session being decided.
    """
    earlier = [sessions.before(today, back) for back in range(1, sleeve.loss_pause_sessions + 1)]
    days = [session.day for session in earlier if session]
    return decisions.lost_too_much(sleeve.name, days, virtual=not sleeve.owns_money)


def kept_with(
    store: Store, lots: Iterable[Lot], fills: Iterable[Fill], actions: Sequence[Action]
) -> dict[tuple[str, str], Mapping[str, float]]:
    """Return what a strategy keeps with each of its lots.

    What it kept with the first purchase since flat stays with the oldest lot when that purchase has been sold.

    Parameters
    ----------
    store : Store
        The program's records.
    lots : iterable of Lot
        Open lots.
    fills : iterable of Fill
        Of the strategy.
    actions : sequence of Action
        Splits and changes of symbols, oldest first.
    """
    entries: dict[str, Lot | Fill] = {fill.symbol: fill for fill in first_purchases(fills)}
    return {(lot.intent_id, lot.symbol): remembered_with(store, entries.pop(lot.symbol, lot), actions) for lot in lots}


def remembered_with(store: Store, lot: Lot | Fill, actions: Sequence[Action]) -> Mapping[str, float]:
    """Return what the strategy keeps with an entry, in today's shares.

    Parameters
    ----------
    store : Store
        The program's records.
    lot : Lot or Fill
        The lot, or the fill that opens one.
    actions : sequence of Action
        Splits and changes of symbols, oldest first.
    """
    decided = store.decisions.remembered(lot.session, lot.strategy)
    intent = store.orders.state_of(lot.intent_id)
    # Several symbols may have become this one: the one it was bought under counts. What is virtual has no order.
    names = [intent.intent.symbol, *decided] if intent else [*decided, lot.symbol]
    became = {one: carried(one, lot.session, actions) for one in names}
    symbol = next((one for one in names if became[one].symbol == lot.symbol), None)
    if symbol is None:
        return {}
    values = decided.get(symbol) or store.statements.stated_entry(lot.intent_id)
    ratio = float(became[symbol].divisor)
    # Everything a strategy keeps with an entry is a price or a distance between prices.
    return {name: value / ratio for name, value in values.items()} if ratio != 1.0 else values


def _exit_pending(store: Store, records: SleeveRecords, today: date) -> dict[str, str]:
    """Symbols whose newest exit left shares behind, with the reason of the first exit."""
    pending: dict[str, str] = {}
    for lot in records.lots:
        names = (lot.symbol, *earlier_names(lot.symbol, records.actions))
        exits = [store.books.last_exit(lot.strategy, name, today) for name in names]
        last = max((one for one in exits if one), key=lambda one: one.intent.session, default=None)
        if last is not None and last.intent.session > lot.session and _left_shares(last):
            reasons = last.intent.reasons
            pending[lot.symbol] = reasons[1] if reasons[0] == "exit_carried" else reasons[0]
    return pending


def _left_shares(state: IntentState) -> bool:
    if state.status is OrderStatus.PLANNED:
        return False  # never sent
    return state.filled < state.intent.shares
