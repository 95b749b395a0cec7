"""What our own records say to the last gate for options when it judges an order."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from msgspec.structs import replace

from mtum.app.ledger.sleeve_records import read_sleeve
from mtum.config import Settings, option_rules
from mtum.core.market.instruments import Right
from mtum.core.options.contracts import Style
from mtum.core.options.legs import OptionLot, OptionPurpose
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.options.gate_facts import ExDividend, OwnRecords
from mtum.core.portfolio.options.lots import summed
from mtum.core.portfolio.options.orders import Attempt, OptionIntent, WorkingOrder
from mtum.core.portfolio.options.own import covered_shares, still_held
from mtum.core.portfolio.options.reservations import groups_of, pinning
from mtum.core.portfolio.orders import OrderStatus, Side, intent_of
from mtum.core.portfolio.reconcile import OUR_REF
from mtum.ports.broker import BrokerLists, OtherInstrument
from mtum.ports.option_store import OptionStore
from mtum.ports.options import AttemptState, OptionLists, OptionState
from mtum.ports.order_store import OrderStore
from mtum.ports.store import Store

type NextExDividend = Callable[[str, date], ExDividend | None]

NEVER_SENT = (OrderStatus.PLANNED, OrderStatus.DENIED, OrderStatus.LAPSED)


def gate_records(
    store: Store, settings: Settings, attempt: Attempt, lists: OptionLists, ex_dividend: NextExDividend
) -> OwnRecords:
    """Return what our records say of the order that is about to leave, and of everything beside it.

    Parameters
    ----------
    store : Store
        The program's records.
    settings : Settings
        Settings in force.
    attempt : Attempt
        What is about to be sent; it has been recorded already, and does not count against itself.
    lists : OptionLists
        The broker's, of this moment.
    ex_dividend : callable
        Returns what is known of the next dividend of an underlying from a session on; asked only where calls are sold.
    """
    intent = attempt.intent
    today = store.options.states(intent.session)
    open_ones = [one for one in store.options.states(unresolved=True) if one.intent.session != intent.session]
    states = [*today, *open_ones]
    lots = still_held(store.options.book().lots, lists.positions, intent.session)
    restriction = store.control.restriction(intent.strategy)
    in_doubt = (one for one in orders_at_work(states) if one.unresolved and one.ref != attempt.ref)
    halt = "" if restriction is Restriction.NONE else f"halted ({restriction.value}); `mtum resume` lifts it"
    return OwnRecords(
        rules=option_rules(settings, lists.account.code, _equity(store, intent), lists.account.net_liquidation_usd),
        lots=lots,
        intents={one.intent.id: one.intent for one in states},
        unresolved=(*in_doubt, *_shares_in_doubt(store.orders)),
        halt=halt,
        full_halt=halt if restriction is Restriction.FULL else "",
        changes=_changes(today, attempt),
        orders=_orders(today, attempt),
        ex_dividend=ex_dividend(intent.underlying, intent.session) if _sells_calls(intent, lots) else None,
    )


def _sells_calls(intent: OptionIntent, lots: Sequence[OptionLot]) -> bool:
    # Of nothing else is a dividend worth the seconds that it takes to ask.
    mine = [lot.contract for lot in lots if lot.quantity < 0 and lot.group == intent.group]
    sold = [*mine, *(leg.contract for leg in intent.legs if leg.side is Side.SELL)]
    opens = intent.purpose is not OptionPurpose.CLOSE
    return opens and any(one.right is Right.CALL and one.style is Style.AMERICAN for one in sold)


def intent_named(options: OptionStore, ref: str) -> OptionIntent | None:
    """Return the intent in options that a reference of ours belongs to; None if our books know none."""
    state = _state_named(options, ref)
    return None if state is None else state.intent


def _state_named(options: OptionStore, ref: str) -> OptionState | None:
    try:
        session = date(2000 + int(ref[1:3]), int(ref[3:5]), int(ref[5:7]))
    except ValueError:
        return None
    wanted = intent_of(ref)
    return next((one for one in options.states(session) if one.intent.id == wanted), None)


def orders_at_work(states: Iterable[OptionState]) -> tuple[WorkingOrder, ...]:
    """Return our orders in options that are not proven to have ended."""
    return tuple(
        _working(state.intent, live, max(1, state.left)) for state in states if (live := state.live) is not None
    )


def _working(intent: OptionIntent, offer: AttemptState, left: int) -> WorkingOrder:
    return WorkingOrder(
        offer.attempt.ref, intent.underlying, left, intent.legs, offer.attempt.price, intent.strategy, intent.group,
        unresolved=offer.status.in_doubt,
    )  # fmt: skip


def with_own_orders(store: Store, lists: BrokerLists) -> BrokerLists:
    """Return the broker's lists with what our own options and orders in them pin, told by our own records.

    An order counts beside its group, as `reservations` does. One that may work though no list shows it is added.
    Short calls that longs of their own spread cover call for no shares, as long as the broker lists those longs.
    """
    lots = store.options.book().lots
    lists = _without_spreads(lists, covered_shares(lots))
    live = {one.ref: one for one in orders_at_work(store.options.states(unresolved=True))}
    listed = {one.ref: one for one in lists.others if one.working and OUR_REF.match(one.ref)}
    if not live and not listed:
        return lists
    ours = {ref: _as_listed(store.options, ref, int(abs(one.quantity))) for ref, one in listed.items()}
    groups = groups_of(lots, summed(*({lot.contract: lot.quantity} for lot in lots)))

    def explained(one: OtherInstrument, order: WorkingOrder | None) -> OtherInstrument:
        if order is None:
            return one
        more = pinning(order, order.price, groups)
        return replace(one, pins=(more.more_cash_usd, more.more_shares))

    unlisted = [
        explained(OtherInstrument(one.underlying, one.ref, "OPT", Decimal(one.quantity), working=True, ref=ref), one)
        for ref, one in live.items()
        if ref not in listed
    ]
    return replace(lists, others=(*(explained(one, ours.get(one.ref)) for one in lists.others), *unlisted))


def _without_spreads(lists: BrokerLists, covered: Mapping[str, int]) -> BrokerLists:
    longs: dict[str, int] = {}
    for one in lists.others:
        if one.call and not one.working and one.quantity > 0:
            longs[one.symbol] = longs.get(one.symbol, 0) + int(one.quantity * one.multiplier)
    left = {symbol: min(shares, longs.get(symbol, 0)) for symbol, shares in covered.items()}
    found = []
    for one in lists.others:
        taken = 0 if one.working else min(one.pledged, left.get(one.symbol, 0))
        if taken:
            left[one.symbol] -= taken
        found.append(replace(one, pins=(Decimal(0), one.pledged - taken)) if taken else one)
    return replace(lists, others=tuple(found)) if covered else lists


def _as_listed(options: OptionStore, ref: str, left: int) -> WorkingOrder | None:
    # None for an offer that our books do not know: nothing tells what it does.
    state = _state_named(options, ref)
    offers = () if state is None else state.attempts
    return next((_working(one.attempt.intent, one, left) for one in offers if one.attempt.ref == ref), None)


def _equity(store: Store, intent: OptionIntent) -> Decimal:
    # At the last official close before the session; of a sleeve that has none yet, its cash.
    records = read_sleeve(store, intent.strategy, closes_before=intent.session)
    return records.points[-1].equity_usd if records.points else records.cash_usd


def _shares_in_doubt(orders: OrderStore) -> list[WorkingOrder]:
    return [
        WorkingOrder(
            one.intent.ref,
            one.intent.symbol,
            shares=one.intent.shares if one.intent.side is Side.BUY else -one.intent.shares,
            unresolved=True,
        )
        for one in orders.states(unresolved=True)
        if one.status.in_doubt
    ]


def _sent(state: OptionState, attempt: Attempt) -> list[AttemptState]:
    """Offers of an intent that left before this one."""
    return [
        one
        for one in state.attempts
        if one.status not in NEVER_SENT and (attempt.in_place or one.attempt.ref != attempt.ref)
    ]


def _changes(states: Sequence[OptionState], attempt: Attempt) -> int:
    # Every price after the first is a change, whether it was put in place or took another order.
    mine = next((one for one in states if one.intent.id == attempt.intent.id), None)
    prices = sum(len(one.prices) for one in _sent(mine, attempt)) if mine is not None else 0
    return max(0, prices - 1 - attempt.in_place)


def _orders(states: Sequence[OptionState], attempt: Attempt) -> int:
    return sum(
        len(_sent(one, attempt))
        for one in states
        if one.intent.underlying == attempt.intent.underlying and one.intent.purpose is not OptionPurpose.CLOSE
    )
