"""Yahoo's tables as bars."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mtum.core.market.bars import Bars

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = {
    "open": "Open",
    "high": "High",
    "low": "Low",
    "close": "Close",
    "volume": "Volume",
    "dividend": "Dividends",
    "split": "Stock Splits",
}
_PRICES = ("open", "high", "low", "close")
_DIGITS = 7


def bars_of(frame: "pd.DataFrame", symbol: str, source: str) -> Bars:
    """Return a daily table as bars, each named by its date at the exchange.

    Rows without any price are left out, so that their session is missing; a row with some prices
    missing stays, with NaN in their place. Prices are split-adjusted, not dividend-adjusted.
    """
    columns = {name: _column(frame, title) for name, title in _COLUMNS.items()}
    for name in _PRICES:
        columns[name] = as_printed(columns[name])
    some = ~np.isnan(np.vstack([columns[name] for name in _PRICES])).all(axis=0)
    days = np.array([stamp.date() for stamp in frame.index], dtype="datetime64[D]")
    return Bars.from_columns(symbol, source, days[some], {name: column[some] for name, column in columns.items()})


def as_printed(prices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return prices as the exchange printed them: Yahoo sends single-precision floats.

    Examples
    --------
    >>> as_printed(np.array([50.91999816894531, 213.97999572753906, 0.12834799289703])).tolist()
    [50.92, 213.98, 0.128348]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        decimals = _DIGITS - 1 - np.floor(np.log10(np.abs(prices)))
        scale = 10.0**decimals
        rounded = np.rint(prices * scale) / scale
    return np.where(np.isfinite(rounded), rounded, prices)


def starts_of(index: Iterable[Any]) -> NDArray[np.datetime64]:
    """Return the aware instants of a table as UTC seconds."""
    return np.array([stamp.astimezone(UTC).replace(tzinfo=None) for stamp in index], dtype="datetime64[s]")


def instant_of(found: Any) -> datetime | None:
    """Return an instant that Yahoo tells as epoch seconds or the client as a stamp; None when there is none."""
    if found is None:
        return None
    if isinstance(found, int | float):
        return datetime.fromtimestamp(found, UTC)
    instant: datetime = found.to_pydatetime()
    return instant.astimezone(UTC)


def _column(frame: "pd.DataFrame", title: str) -> NDArray[np.float64]:
    if title not in frame.columns:
        return np.zeros(len(frame))
    return frame[title].to_numpy(dtype=np.float64)
