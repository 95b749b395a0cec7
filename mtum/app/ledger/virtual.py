"""The virtual records of a sleeve that is only watched: its orders as if they had been filled at the official close."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING

from mtum.app.bars.accept_bars import REBASED_SOURCES
from mtum.app.ledger.sleeve_records import SleeveRecords, kept_with
from mtum.core.market.bars import Bars
from mtum.core.portfolio.costs import to_cent
from mtum.core.portfolio.equity_points import OfficialEquity
from mtum.core.portfolio.fills import Action, ChangeKind, Fill, Split, SymbolChange, carried, rebased
from mtum.core.portfolio.lots import lots_of
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.sleeves import Sleeve
from mtum.ports.records import CashMovement, EquityPoint
from mtum.ports.store import Store

if TYPE_CHECKING:
    from mtum.app.ledger.virtual_options import VirtualOptions

ZERO = Decimal(0)


def virtual_records(store: Store, source: str, account: str, sleeve: Sleeve, today: date) -> SleeveRecords:
    """Return what a watched sleeve would own before a session had its decisions been carried out.

    They are worked out from its stored decisions and the cached bars each time: nothing virtual stands in the
    tables of cash, fills and equity.

    Parameters
    ----------
    store : Store
        The program's records.
    source : str
        Where its bars come from.
    account : str
        Written into the fills.
    sleeve : Sleeve
        A strategy as it runs in the account; without sleeves in the settings the account is one sleeve of weight 1.
    today : date
        The session being decided.
    """
    orders = store.plans.virtual_orders(sleeve.name, today)
    options = _options(store, source, account, sleeve, today) if sleeve.strategy.OPTIONS else None
    since = orders[0][0] if orders else today
    # Virtual shares follow a rename; a merger or spin-off pays nothing for them.
    actions = store.bars.actions()
    changes = [one for one in actions if isinstance(one, SymbolChange)]
    renamed = [one for one in changes if one.kind is ChangeKind.RENAMED]
    traded = {carried(str(order["symbol"]), day, renamed).symbol for day, planned in orders for order in planned}
    delivered = options.shares if options else ()
    traded |= {fill.symbol for fill in delivered}
    bars = {symbol: store.bars.bars(symbol, source, since).until(today) for symbol in sorted(traded)}
    splits = () if source in REBASED_SOURCES else tuple(_splits(bars.values()))
    made = [*_fills(account, sleeve, orders, bars, (*splits, *renamed)), *delivered]
    fills = rebased(sorted(made, key=lambda fill: fill.instant) if delivered else made, splits)
    start = CashMovement(f"virtual:{sleeve.name}", sleeve.name, since, "capital", exact(sleeve.virtual_usd))
    movements = (start, *_movements(sleeve.name, fills, bars, today), *(options.movements if options else ()))
    lots = lots_of(fills)
    return SleeveRecords(
        fills=fills,
        lots=lots,
        remembered=kept_with(store, lots, fills, (*splits, *renamed)),
        cash_usd=sum((one.amount_usd for one in movements), ZERO),
        receivable_usd=ZERO,
        movements=movements,
        points=tuple(_points(fills, movements, bars, today, options.worth_usd if options else {})),
        actions=actions,
    )


def virtual_key(sleeve: str, day: date, order: Mapping[str, object]) -> str:
    """Return the name of a virtual order and of its fill.

    Parameters
    ----------
    sleeve : str
        Name of the sleeve.
    day : date
        The session's date.
    order : mapping of str to object
        The order, as the decision's document has it.
    """
    return f"virtual:{sleeve}:{day}:{order['symbol']}:{order['purpose']}"


def _fills(
    account: str,
    sleeve: Sleeve,
    orders: Iterable[tuple[date, Iterable[Mapping[str, object]]]],
    bars: Mapping[str, Bars],
    actions: Sequence[Action],
) -> list[Fill]:
    """Return the orders as filled at the official close, in the shares of their day."""
    found = []
    for session, planned in orders:
        for order in planned:
            shares, side = int(str(order["shares"])), Side(order["side"])
            symbol = carried(str(order["symbol"]), session, actions).symbol
            bar = bars[symbol].find(session)
            if bar is None:
                continue  # no official close, no fill
            price = exact(bar.close) * carried(symbol, session, actions).shares
            key = virtual_key(sleeve.name, session, order)
            at = datetime.combine(session, time(21), UTC)
            cost = sleeve.rules.sizing.costs.commission(shares, price, sale=side is Side.SELL)
            found.append(Fill(key, key, account, sleeve.name, symbol, side, session, at, shares, price, cost))
    return found


def _splits(bars: Iterable[Bars]) -> Iterable[Split]:
    for one in bars:
        for index in range(len(one)):
            if float(one.split[index]) not in (0.0, 1.0):
                yield Split(one.symbol, one.day(index), exact(float(one.split[index])))


def _movements(name: str, fills: Iterable[Fill], bars: Mapping[str, Bars], today: date) -> list[CashMovement]:
    found = []
    for fill in fills:
        cash = fill.cash_usd - (fill.commission_usd or ZERO)
        found.append(CashMovement(fill.exec_id, name, fill.session, fill.side.value.lower(), cash, symbol=fill.symbol))
    for symbol, one in bars.items():
        for index in range(len(one)):
            day, paid = one.day(index), float(one.dividend[index])
            held = sum(fill.signed_shares for fill in fills if fill.symbol == symbol and fill.session < day)
            if paid > 0 and held > 0 and day < today:
                key = f"virtual:dividend:{symbol}:{day}"
                found.append(CashMovement(key, name, day, "dividend", to_cent(held * exact(paid)), symbol=symbol))
    return found


def _options(store: Store, source: str, account: str, sleeve: Sleeve, today: date) -> "VirtualOptions":
    from mtum.app.ledger.virtual_options import virtual_options  # a sleeve of shares loads none of it

    return virtual_options(store, source, account, sleeve.name, today)


def _points(
    fills: Iterable[Fill],
    movements: Iterable[CashMovement],
    bars: Mapping[str, Bars],
    today: date,
    options_usd: Mapping[date, Decimal],
) -> Iterable[OfficialEquity]:
    days = sorted({one.day(index) for one in bars.values() for index in range(len(one))} | options_usd.keys())
    for day in (day for day in days if day < today):
        equity = sum((one.amount_usd for one in movements if one.session <= day), options_usd.get(day, ZERO))
        for symbol, one in bars.items():
            held = sum(fill.signed_shares for fill in fills if fill.symbol == symbol and fill.session <= day)
            known = one.until(day)
            if held and len(known):
                equity += held * exact(float(known.close[-1]))
        yield OfficialEquity(day, equity)


def virtual_points(sleeve: Sleeve, records: SleeveRecords) -> tuple[EquityPoint, ...]:
    """Return the virtual equity at every official close so far, as the real one of a sleeve is kept."""
    found = []
    for point in records.points:
        cash = sum((one.amount_usd for one in records.movements if one.session <= point.session), ZERO)
        shares = sum(fill.signed_shares for fill in records.fills if fill.session <= point.session)
        market = point.equity_usd - cash
        found.append(
            EquityPoint(point.session, sleeve.name, cash, ZERO, market, point.equity_usd, ZERO, None, None, shares)
        )
    return tuple(found)
