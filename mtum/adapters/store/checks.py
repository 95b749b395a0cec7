"""Is a database sound? What SQLite can tell, and what our own numbers must agree upon."""

import sqlite3

from mtum.adapters.store.actions import read_actions
from mtum.adapters.store.events import missing_events, option_problems, orphans
from mtum.adapters.store.frames import is_sound
from mtum.adapters.store.market.checksums import altered_bars
from mtum.adapters.store.orders.executions import fill_of, fill_problems
from mtum.adapters.store.orders.trades import trade_problems
from mtum.core.portfolio.fills import folded, rebased
from mtum.core.portfolio.lots import lots_of


def problems(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return everything wrong with a database, one line each; empty when sound."""
    damage = [str(row[0]) for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
    if damage:
        return tuple(damage)  # nothing further can be trusted
    return (
        *orphans(connection),
        *_frame_problems(connection),
        *(f"the bar {line}" for line in altered_bars(connection)),
        *_leg_problems(connection),
        *fill_problems(connection),
        *_lot_problems(connection),
        *trade_problems(connection),
        *option_problems(connection),
        *missing_events(connection),
    )


def _frame_problems(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT hash, frame FROM input_frames")
    altered = [key for key, stored in rows if not is_sound(connection, key, stored)]
    return [f"the input frame {key} is not what its hash says" for key in altered]


def _leg_problems(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT i.id FROM order_intents AS i LEFT JOIN order_legs AS leg ON leg.intent_id = i.id GROUP BY i.id HAVING "
        "count(leg.number) = 0 OR count(*) = 1 AND (leg.instrument, leg.side, leg.ratio) <> (i.symbol, i.side, 1)"
    )
    return [f"the legs of intent {identity} are not what it trades" for (identity,) in rows]


def _lot_problems(connection: sqlite3.Connection) -> list[str]:
    try:
        expected = _lots_of_fills(connection)
    except ValueError as error:
        return [str(error)]
    rows = connection.execute("SELECT intent_id, symbol, shares FROM lots")
    stored = {(row["intent_id"], row["symbol"]): row["shares"] for row in rows}
    differing = sorted(key for key in expected.keys() | stored.keys() if expected.get(key, 0) != stored.get(key, 0))
    return [
        f"lot {key[0]} holds {stored.get(key, 0)} shares, its fills make {expected.get(key, 0)}" for key in differing
    ]


def _lots_of_fills(connection: sqlite3.Connection) -> dict[tuple[str, str], int]:
    fills = [fill_of(row) for row in connection.execute("SELECT * FROM fills")]
    return {
        (lot.intent_id, lot.symbol): lot.shares for lot in lots_of(rebased(folded(fills), read_actions(connection)))
    }
