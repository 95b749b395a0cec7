"""Cached bars as a whole, for what is worked out from them."""

from datetime import date

from mtum.core.market.bars import Bar, Bars
from mtum.ports.reading import Reader
from mtum.ports.rows import BarRow


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
    rows = reader.rows(BarRow, symbol=symbol, source=source)
    return Bars.of(
        symbol,
        source,
        [
            Bar(
                date.fromisoformat(row.session),
                row.open,
                row.high,
                row.low,
                row.close,
                float("nan") if row.volume is None else row.volume,
                row.dividend,
                row.split,
            )
            for row in rows
        ],
    )
