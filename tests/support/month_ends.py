"""Views for strategies that decide at month ends: a bar on each of a few sessions, and the calendar around them."""

from collections.abc import Mapping, Sequence
from datetime import date

from mtum.core.market.bars import Bar, Bars
from mtum.core.view import Asked, MarketView

MONTH_ENDS = (date(2023, 12, 29), date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 28))
"""Last sessions of four months; 29 March 2024 was Good Friday."""
APRIL = date(2024, 4, 1)
"""First session after them."""


def view_of(
    closes: Mapping[str, Sequence[float]],
    days: Sequence[date] = MONTH_ENDS,
    following: date = APRIL,
    *,
    dividends: Mapping[tuple[str, date], float] | None = None,
    values: Mapping[tuple[str, Asked], float] | None = None,
) -> MarketView:
    """Return the view of the last of these days.

    Parameters
    ----------
    closes : mapping of symbol to closes
        USD per share, one for each day.
    following : date
        The session after the last day.
    dividends : mapping of (symbol, ex-date) to float
        USD per share.
    values : mapping of (symbol, indicator) to float
        Newest values of indicators, in place of what the bars give.
    """
    import numpy as np

    paid = dividends or {}
    bars = {
        symbol: Bars.of(
            symbol,
            "test",
            [
                Bar(day, close, close, close, close, 1000.0, paid.get((symbol, day), 0.0))
                for day, close in zip(days, column, strict=True)
            ],
        )
        for symbol, column in closes.items()
    }
    columns = {key: np.full(len(days), value) for key, value in (values or {}).items()}
    return MarketView(days[-1], bars, {}, {}, columns, calendar=(*days, following))
