"""A sum over the values of a bar: whoever changes one of them by hand does not change it along."""

import sqlite3
from collections.abc import Sequence
from hashlib import sha256
from math import isnan
from struct import pack

COLUMNS = ("open", "high", "low", "close", "volume", "dividend", "split")


def checksum(values: Sequence[float | None], key: Sequence[str] = ()) -> int:
    """Return a number of 48 bits that stands for these values; no value and no number are the same.

    Parameters
    ----------
    key : sequence of str
        Symbol, source and session; bars accepted by earlier versions have a sum without them.
    """
    numbers = (float("nan") if value is None or isnan(value) else value + 0.0 for value in values)
    told = "\0".join(key).encode()
    return int.from_bytes(sha256(pack(f"<{len(values)}d", *numbers) + told).digest()[:6])


def altered_bars(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return the bars whose values are not those their checksum was made of, one line each."""
    sql = f"SELECT symbol, session, source, checksum, {', '.join(COLUMNS)} FROM bars WHERE checksum IS NOT NULL"
    return tuple(
        f"{symbol} {session} of {source} is not as it was accepted"
        for symbol, session, source, stored, *values in connection.execute(sql)
        if stored != checksum(values, (symbol, source, session)) and stored != checksum(values)
    )
