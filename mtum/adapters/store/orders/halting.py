"""Which halt is in force; read inside the transaction that is about to send."""

import sqlite3

from mtum.core.portfolio.limits import Restriction

_STRENGTH = {restriction: place for place, restriction in enumerate(Restriction)}


def restriction_in_force(connection: sqlite3.Connection) -> Restriction:
    """Return the strongest halt in force, or Restriction.NONE."""
    found = connection.execute("SELECT restriction FROM halts WHERE lifted_at IS NULL").fetchall()
    in_force = (Restriction(restriction) for (restriction,) in found)
    return max(in_force, key=_STRENGTH.__getitem__, default=Restriction.NONE)
