"""Cached bars as a whole, for what is worked out from them."""

from math import nan

from mtum.core.market.bars import COLUMNS, Bars
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
    columns = {name: [getattr(row, name) for row in rows] for name in COLUMNS}
    columns["volume"] = [nan if one is None else one for one in columns["volume"]]
    return Bars.from_columns(symbol, source, [row.session for row in rows], columns)
