"""The virtual options of a sleeve that is only watched: its orders as if they had been filled when it decided."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from msgspec import Struct

from mtum.app.ledger.option_worth import close_of
from mtum.core.canonical import decode
from mtum.core.options.chain import Quote
from mtum.core.options.contracts import Delivery, OptionContract
from mtum.core.options.fees import OptionFees
from mtum.core.options.legs import Delivery as Delivered
from mtum.core.options.legs import OptionLot
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.options.lots import Book, EventKind, LedgerEvent, LegFill, filled, happened, summed
from mtum.core.portfolio.options.orders import OptionIntent
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.options.fills import Filled, filled_at
from mtum.ports.records import CashMovement
from mtum.ports.store import Store

ZERO = Decimal(0)
LADDER = 0.5
"""Part of the way from the middle to the far side at which a virtual order fills, as three offers do on average."""
WHAT = "the virtual options of a stored decision"


class VirtualOptions(Struct, frozen=True):
    """What a watched sleeve would have in options, and what they brought it.

    Parameters
    ----------
    shares : tuple of Fill
        Shares that an assignment or an exercise brought, or took.
    movements : tuple of CashMovement
        Premium and fees, and what settled in cash.
    worth_usd : mapping of date to Decimal
        What its options were worth at the end of each session it decided.
    """

    book: Book
    shares: tuple[Fill, ...]
    movements: tuple[CashMovement, ...]
    worth_usd: Mapping[date, Decimal]


def virtual_trades(
    intents: Sequence[OptionIntent], quotes: Mapping[int, Quote], marks: Mapping[OptionContract, Decimal]
) -> dict[str, Any]:
    """Return what a watched sleeve's decision keeps: the fills of its orders by the quotes of the decision, and marks.

    An order that no sound price within its limits fills is none.

    Parameters
    ----------
    intents : sequence of OptionIntent
        Orders that the decision would have made.
    quotes : mapping of int to Quote
        Quotes by contract number.
    marks : mapping of OptionContract to Decimal
        What contracts are worth, USD per share.
    """
    made = [filled_at(intent, quotes, LADDER, OptionFees()) for intent in intents]
    return {
        "fills": [one for order in made if isinstance(order, Filled) for one in order.fills],
        "marks": {str(contract.con_id): mark for contract, mark in marks.items()},
    }


def virtual_options(store: Store, source: str, account: str, strategy: str, today: date) -> VirtualOptions:
    """Return the virtual options of a watched sleeve before a session.

    A contract past its last day ends by the official close of that day; nobody exercises a virtual one earlier.

    Parameters
    ----------
    store : Store
        The program's records.
    source : str
        Where the closes come from.
    account : str
        Written into fills and events.
    strategy : str
        Name of the strategy, or of its sleeve.
    today : date
        The session being decided.
    """
    book = Book()
    shares: list[Fill] = []
    movements: list[CashMovement] = []
    worth: dict[date, Decimal] = {}
    marks: dict[int, Decimal] = {}
    rows = [*store.plans.virtual_options(strategy, today), (today, {})]
    for day, kept in rows:
        events = [
            found for one in _ended(book, day).items() if (found := _event(store, source, account, one)) is not None
        ]
        before, book = len(book.delivered), happened(book, events)
        shares += [_share_fill(account, one) for one in book.delivered[before:]]
        movements += [
            CashMovement(f"virtual:{one.key}", strategy, one.effective, "adjustment", one.cash_usd, one.kind.value)
            for one in events
            if one.kind is EventKind.CASH_SETTLED
        ]
        fills = decode(tuple[LegFill, ...], kept.get("fills", ()), WHAT)
        book = filled(book, fills)
        movements += [
            CashMovement(f"virtual:{one.exec_id}", strategy, one.session, "adjustment", one.net_usd) for one in fills
        ]
        marks |= {int(number): Decimal(mark) for number, mark in kept.get("marks", {}).items()}
        if day < today:
            worth[day] = sum((_worth(lot, marks) for lot in book.lots), ZERO)
    return VirtualOptions(book, tuple(shares), tuple(movements), worth)


def _worth(lot: OptionLot, marks: Mapping[int, Decimal]) -> Decimal:
    return lot.quantity * marks.get(lot.contract.con_id, lot.premium) * lot.contract.multiplier


def _ended(book: Book, day: date) -> dict[OptionContract, int]:
    held = summed(*({lot.contract: lot.quantity} for lot in book.lots))
    return {contract: number for contract, number in held.items() if contract.over_on(day)}


def _event(store: Store, source: str, account: str, ended: tuple[OptionContract, int]) -> LedgerEvent | None:
    contract, number = ended
    close = close_of(store.bars, source, contract.underlying, contract.expiry)
    if close is None:
        return None  # it stays until its close is known
    worth = contract.worth_at(close)
    if contract.delivery is not Delivery.SHARES:
        kind, price = EventKind.CASH_SETTLED, worth
    elif worth:
        kind, price = EventKind.EXERCISED if number > 0 else EventKind.ASSIGNED, contract.strike
    else:
        kind, price = EventKind.EXPIRED, ZERO
    return LedgerEvent(kind, account, contract, number, price, contract.ends, number)


def _share_fill(account: str, one: Delivered) -> Fill:
    day = date.fromisoformat(one.event.split(":")[3])
    side = Side.BUY if one.shares > 0 else Side.SELL
    at = datetime.combine(day, time(21), UTC)
    key = f"virtual:{one.event}"
    return Fill(key, key, account, one.strategy, one.underlying, side, day, at, abs(one.shares), one.price, ZERO)
