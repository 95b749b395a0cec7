"""Where an option intent stands: its executions, its newest attempt, or how it ended."""

import sqlite3
from collections.abc import Iterable

from mtum.adapters.store.options.rows import contracts_of, fill_of
from mtum.core.options.contracts import OptionContract
from mtum.core.portfolio.options.lots import LegFill, whole_units
from mtum.core.portfolio.orders import OrderStatus


def settle_intent(connection: sqlite3.Connection, intent_id: str) -> None:
    """Write where an intent stands after something of it changed.

    FILLED once every unit is; else how it ended, or the status of its newest attempt.
    """
    row = connection.execute("SELECT quantity, status, ended_at FROM option_intents WHERE id = ?", (intent_id,))
    quantity, status, ended_at = row.fetchone()
    units = filled_units(connection, intent_id)
    newest = connection.execute(
        "SELECT status FROM option_attempts WHERE intent_id = ? ORDER BY number DESC LIMIT 1", (intent_id,)
    ).fetchone()
    if units is not None and units >= quantity:
        now = OrderStatus.FILLED.value
    elif ended_at is not None or newest is None:
        now = status
    elif newest["status"] == OrderStatus.FILLED.value:
        # The broker's word; the executions are still awaited.
        now = OrderStatus.PARTIALLY_FILLED.value
    else:
        now = newest["status"]
    if now != status:
        connection.execute("UPDATE option_intents SET status = ? WHERE id = ?", (now, intent_id))


def filled_units(connection: sqlite3.Connection, intent_id: str) -> int | None:
    """Return how many units of an intent its executions make; None where its legs make no whole number of them."""
    contracts = contracts_of(connection)
    ratios = {
        contracts[con_id]: ratio if side == "BUY" else -ratio
        for con_id, side, ratio in connection.execute(
            "SELECT con_id, side, ratio FROM option_legs WHERE intent_id = ?", (intent_id,)
        )
    }
    sql = "SELECT * FROM option_fills WHERE intent_id = ? AND current = 1"
    return units_of(ratios, [fill_of(row, contracts) for row in connection.execute(sql, (intent_id,))])


def units_of(ratios: dict[OptionContract, int], fills: Iterable[LegFill]) -> int | None:
    """Return the whole units that executions of these legs make, 0 without any."""
    found = [*fills]
    return whole_units(ratios, found) if found else 0
