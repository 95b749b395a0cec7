"""The cash that executions and events of options moved, as movements of the strategy's cash."""

import sqlite3
from collections.abc import Iterable
from decimal import Decimal

from mtum.adapters.store.texts import cells, insert, or_update
from mtum.core.options.legs import TRADED, ClosedLot
from mtum.core.portfolio.fills import stem_of
from mtum.core.portfolio.options.lots import LegFill
from mtum.ports.records import CashMovement

PREFIXES = "option_fill:", "option_fee:", "option_event:"
"""What the key of a movement begins with."""


def write_cash(connection: sqlite3.Connection, movements: Iterable[CashMovement]) -> None:
    """Record movements; one of a known key takes its place, as a correction does."""
    for movement in movements:
        values = cells(movement)
        insert(connection, "cash_movements", values, or_update(values, "key"))


def fill_cash(fill: LegFill) -> list[CashMovement]:
    """Return what an execution and its fee, once it is told, move."""
    stem, symbol = stem_of(fill.exec_id), fill.contract.local_symbol
    kind = "buy" if fill.quantity > 0 else "sell"
    key = f"{PREFIXES[0]}{stem}"
    moved = [CashMovement(key, fill.strategy, fill.session, kind, fill.cash_usd, symbol=symbol)]
    if fill.fee_usd is not None:
        key = f"{PREFIXES[1]}{stem}"
        moved.append(CashMovement(key, fill.strategy, fill.session, "commission", -fill.fee_usd, symbol=symbol))
    return moved


def event_cash(ended: Iterable[ClosedLot]) -> list[CashMovement]:
    """Return what events move by themselves: a settlement, or a price that a person stated."""
    moved: dict[str, tuple[ClosedLot, Decimal]] = {}
    for one in ended:
        if one.kind != TRADED and one.settled_usd:
            key = f"{PREFIXES[2]}{one.by}:{one.lot.strategy}"
            moved[key] = one, moved.get(key, (one, Decimal(0)))[1] + one.settled_usd
    return [
        CashMovement(
            key,
            one.lot.strategy,
            one.session,
            "sell" if usd > 0 else "buy",
            usd,
            f"{one.lot.contract.words} {one.kind}",
            one.lot.contract.local_symbol,
        )
        for key, (one, usd) in moved.items()
    ]
