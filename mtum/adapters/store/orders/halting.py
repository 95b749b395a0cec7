"""Which halt is in force; read inside the transaction that is about to send."""

import sqlite3

from mtum.core.portfolio.limits import Restriction

_STRENGTH = {restriction: place for place, restriction in enumerate(Restriction)}


def restriction_in_force(connection: sqlite3.Connection, sleeve: str | None = None) -> Restriction:
    """Return the strongest halt in force for the account and that sleeve, or Restriction.NONE."""
    sql = "SELECT restriction FROM halts WHERE lifted_at IS NULL AND (strategy IS NULL OR strategy = ?)"
    found = connection.execute(sql, (sleeve,)).fetchall()
    in_force = (Restriction(restriction) for (restriction,) in found)
    return max(in_force, key=_STRENGTH.__getitem__, default=Restriction.NONE)
