"""Cached bars as a whole, for what is worked out from them."""

from collections.abc import Sequence
from math import nan
from typing import Any

from mtum.core.market.bars import Bars
from mtum.ports.reading import Reader
from mtum.ports.rows import BarValues


def cached_bars(reader: Reader, symbol: str, source: str) -> Bars:
    """Return the cached bars of a symbol from one source, oldest first; a volume that is missing is NaN.

    Parameters
    ----------
    reader : Reader
        The records of one database, for reading alone.
    symbol : str
        Ticker.
    source : str
        Name of the source.
    """
    rows = reader.rows(BarValues, symbol=symbol, source=source)
    columns: dict[str, Sequence[Any]] = dict.fromkeys(BarValues._fields, ())
    columns |= zip(BarValues._fields, zip(*rows, strict=True), strict=False)  # nothing where there are no rows
    columns["volume"] = [nan if one is None else one for one in columns["volume"]]
    return Bars.from_columns(symbol, source, columns["session"], columns)
