"""Do the books add up? Lots, cash and equity are worked out again from what they came from."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from msgspec.structs import replace

from mtum.core.market.instruments import InstrumentKind, instrument
from mtum.core.portfolio.fills import Action, Fill, folded, rebased
from mtum.core.portfolio.lots import Lot, lots_of, trades_of
from mtum.core.portfolio.orders import Side
from mtum.errors import UsageError
from mtum.ports.records import FLOWS, CashMovement, EquityPoint, IntentState
from mtum.ports.store import Store

ZERO = Decimal(0)
CENT = Decimal("0.01")
"""Stored amounts are more precise than this; a larger difference means that one was changed."""


def book_problems(store: Store, *, orders: bool = True) -> tuple[str, ...]:
    """Return what in the books of any strategy is not what its fills, orders and cash movements make.

    Fills against the cash they moved and against what their orders say was filled; open lots against
    the fills; each equity row against cash, shares and close.

    Parameters
    ----------
    orders : bool
        Whether orders of settled sessions with more shares filled than their fills have are told too.
    """
    states, actions = store.orders.states(), store.bars.actions()
    everything = folded(store.orders.fills())
    todays = rebased(everything, actions)
    found: list[str] = []
    with_options = store.events.option_strategies()
    traded = {*(state.intent.strategy for state in states), *(fill.strategy for fill in everything), *with_options}
    for strategy in sorted(traded):
        fills = _of(strategy, everything)
        movements, points = store.ledger.movements(strategy), store.ledger.equity(strategy)
        found += _fills_and_cash(fills, movements)
        settled = {point.session for point in points}
        own = [one for one in states if one.intent.strategy == strategy and one.intent.session in settled]
        found += _fills_and_orders(fills, own if orders else ())
        found += _lots(lots_of(_of(strategy, todays)), store.ledger.lots(strategy))
        options = _option_worth(store, strategy, points) if strategy in with_options else {}
        found += _points(points, movements, everything, actions, options)
    return (*found, *store.events.unsound_options())


def _option_worth(store: Store, strategy: str, points: Sequence[EquityPoint]) -> dict[date, Decimal]:
    """Return what the strategy's options were worth at each of its points, where nothing is stood in for, in USD."""
    from mtum.app.ledger.option_worth import options_at

    sources = {source for symbol, source in store.quarantine.checkable()}
    found = {}
    for point in points:
        told = [options_at(store, source, strategy, point.session) for source in sorted(sources)]
        found[point.session] = next((usd for usd, known in told if known), told[0][0] if told else ZERO)
    return found


def _of(strategy: str, fills: Iterable[Fill]) -> tuple[Fill, ...]:
    return tuple(fill for fill in fills if fill.strategy == strategy)


def check_sound(store: Store, fills: Sequence[Fill] = (), actions: Sequence[Action] = ()) -> None:
    """Refuse a statement with which our own records would no longer add up, before anything is written.

    Parameters
    ----------
    store : Store
        The program's records.
    fills : sequence of Fill
        Fills, in time order.
    actions : sequence of Action
        Splits and changes of symbols, oldest first.
    """
    known = store.orders.fills()
    try:
        trades = trades_of(rebased(folded([*known, *fills]), [*store.bars.actions(), *actions]))
    except ValueError as error:
        raise UsageError(f"our records would not add up: {error}") from error
    stated = {fill.intent_id for fill in fills}
    for trade in trades:
        sold = trade.shares < 0 and instrument(trade.symbol).kind is not InstrumentKind.OPTION
        if sold and trade.entry_intent_id in stated:
            text = f"{-trade.shares} {trade.symbol} would have left us on {trade.entry_session} that we did not hold"
            raise UsageError(f"our records would not add up: {text}")


def _fills_and_cash(fills: Sequence[Fill], movements: Sequence[CashMovement]) -> Iterator[str]:
    moved = {one.key: one for one in movements if one.key.startswith(("fill:", "commission:"))}
    for fill in fills:
        what = f"{fill.side.value} {fill.shares} {fill.symbol} at {fill.price} on {fill.session} (fill {fill.exec_id})"
        due = {("fill:", "buy" if fill.side is Side.BUY else "sell"): fill.cash_usd}
        if fill.commission_usd is not None:
            due["commission:", "commission"] = -fill.commission_usd
        for (prefix, kind), amount in due.items():
            one = moved.pop(prefix + fill.stem, None)
            if one is None:
                yield f"{what}: no cash movement {prefix}{fill.stem} of {amount:.2f} USD"
            elif abs(one.amount_usd - amount) >= CENT or (one.kind, one.session) != (kind, fill.session):
                yield (
                    f"{what}: {kind} of {amount:.2f} USD on {fill.session} is due, "
                    f"the cash movement says {one.kind} of {one.amount_usd:.2f} USD on {one.session}"
                )
    for one in moved.values():
        yield f"cash movement {one.key} ({one.kind} of {one.amount_usd:.2f} USD on {one.session}): there is no fill"


def _fills_and_orders(fills: Sequence[Fill], states: Iterable[IntentState]) -> Iterator[str]:
    for state in states:
        made = sum(fill.shares for fill in fills if fill.intent_id == state.intent.id)
        if made < state.filled:
            yield (
                f"order {state.intent.ref} of {state.intent.session}: the broker filled {state.filled} shares, "
                f"its stored fills are {made}"
            )


def _lots(rebuilt: Sequence[Lot], stored: Sequence[Lot]) -> Iterator[str]:
    left = {(lot.intent_id, lot.symbol): lot for lot in stored}
    for lot in rebuilt:
        found = left.pop((lot.intent_id, lot.symbol), None)
        if found is None or not _alike(lot, found):
            yield f"lot {lot.intent_id}: the fills make {_words(lot)}, stored is {_words(found)}"
    for lot in left.values():
        yield f"lot {lot.intent_id}: the fills leave nothing open, stored is {_words(lot)}"


def _alike(lot: Lot, other: Lot) -> bool:
    near = abs(lot.entry_price - other.entry_price) < CENT and abs(lot.cost_usd - other.cost_usd) < CENT
    return near and replace(other, entry_price=lot.entry_price, cost_usd=lot.cost_usd) == lot


def _words(lot: Lot | None) -> str:
    return f"{lot.shares} {lot.symbol} at {lot.entry_price:.4f} of {lot.session}" if lot else "nothing"


def _points(
    points: Sequence[EquityPoint],
    movements: Sequence[CashMovement],
    fills: Sequence[Fill],
    actions: Sequence[Action],
    options: Mapping[date, Decimal],
) -> Iterator[str]:
    """Compare each equity row of a strategy with what its cash movements and fills up to its session make.

    Of the fills of all strategies: what a split left of each is known from those of all.
    """
    if not points:
        return
    strategy = points[0].strategy
    todays = _of(strategy, rebased(fills, actions))
    symbols = {fill.symbol for fill in todays}
    start = next((one.session for one in movements if one.kind == "capital"), None)
    before = start - timedelta(days=1) if start else date.min
    moved, traded = deque(movements), deque(todays)  # each is looked at once: both are in the order of their sessions
    cash, held = ZERO, 0
    for point in points:
        day, flows = point.session, ZERO
        while moved and moved[0].session <= day:
            one = moved.popleft()
            cash += one.amount_usd
            flows += one.amount_usd if one.kind in FLOWS and one.session > before else ZERO
        while traded and traded[0].session <= day:
            held += traded.popleft().signed_shares
        due = {
            "equity": (point.equity_usd, point.cash_usd + point.receivable_usd + point.market_usd),
            "cash with dividends due": (point.cash_usd + point.receivable_usd, cash),
            "deposits less withdrawals": (point.flows_usd, flows),
        }
        if len(symbols) <= 1:  # equity rows of several symbols carry no shares and no close
            shares = held
            if point.shares != shares:
                # A row that was written before a later split or merger is in the shares of its day.
                then = rebased(
                    [one for one in fills if one.session <= day], [one for one in actions if one.session <= day]
                )
                shares = sum(fill.signed_shares for fill in _of(strategy, then))
            of_another = point.shares == 0 and shares != 0  # bought before the settings named another symbol
            if not of_another:
                due["shares"] = (Decimal(point.shares), Decimal(shares))
            if not of_another and point.close is not None:
                units = point.shares * next((fill.multiplier for fill in todays), 1)
                worth = units * point.close + options.get(day, ZERO)
                due["market value"] = (point.market_usd, worth)
        for name, (stored, made) in due.items():
            if abs(stored - made) >= CENT:
                yield f"equity of {day}: {name} is stored as {stored:.2f}, the books make {made:.2f}"
        before = day
