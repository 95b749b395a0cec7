"""What lots follow without a trade: splits that source and broker agreed upon, and changes of symbols as stated."""

import sqlite3

from mtum.adapters.store.texts import of_row
from mtum.core.portfolio.fills import Action, Split, SymbolChange
from mtum.ports.records import IN_LIEU

AGREED = "agreed"
"""Who told a split that lots follow."""


def _paid(symbol: str, session: str) -> str:
    # Each sleeve has its part; an older program wrote all of it to one, without a name.
    key = f"'{IN_LIEU}' || {symbol} || ':' || {session}"
    cents = "sum(CAST(round(amount_usd * 100) AS INTEGER)) / 100.0"
    return f"(SELECT {cents} FROM cash_movements WHERE key = {key} OR key BETWEEN {key} || ':' AND {key} || ';')"


_SPLITS = (
    f"SELECT a.symbol, a.session, a.amount AS ratio, {_paid('a.symbol', 'a.session')} AS in_lieu_usd "
    f"FROM corporate_actions AS a WHERE a.kind = 'split' AND a.source = '{AGREED}' ORDER BY a.session, a.symbol"
)
CHANGES = (
    f"SELECT c.*, {_paid('c.into_symbol', 'c.session')} AS in_lieu_usd FROM symbol_changes AS c "
    "WHERE undone_at IS NULL ORDER BY c.id"
)
"""Changes that were not taken back, in the order they were stated."""


def read_actions(connection: sqlite3.Connection) -> tuple[Action, ...]:
    """Return splits and changes as they stand in the tables."""
    splits = (of_row(Split, row, f"the split of {row['symbol']}") for row in connection.execute(_SPLITS))
    return (*splits, *(change_of(row) for row in connection.execute(CHANGES)))


def acted_on(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the symbols whose fills, as traded, do not add up to what is held."""
    sql = (
        f"SELECT symbol FROM corporate_actions WHERE source = '{AGREED}' "
        "UNION SELECT symbol FROM symbol_changes UNION SELECT into_symbol FROM symbol_changes"
    )
    return frozenset(symbol for (symbol,) in connection.execute(sql))


def change_of(row: sqlite3.Row) -> SymbolChange:
    """Return the change of a row of `CHANGES`."""
    return of_row(SymbolChange, row, f"the change of {row['symbol']}", into=row["into_symbol"])
