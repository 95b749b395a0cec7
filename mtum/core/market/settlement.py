"""When the proceeds of a sale settle: the rule that backtest, practice exchange and ledger share."""

from datetime import date
from functools import cache

import numpy as np
from numpy.typing import NDArray

from mtum.core.market.bars import Days
from mtum.core.market.holiday_rules import closures, columbus_day, veterans_day

T_PLUS_2_SINCE = np.datetime64("2017-09-05", "D")
T_PLUS_1_SINCE = np.datetime64("2024-05-28", "D")
_YEARS = range(1950, 2101)


def settlement_days(trades: Days) -> NDArray[np.datetime64]:
    """Return the day each trade of these dates settles, shape (n_trades,).

    Columbus Day and Veterans Day are sessions, but the banks are shut and nothing settles.

    References
    ----------
    SEC rule 15c6-1: three settlement days after the trade, two from 2017-09-05, one from 2024-05-28.
    """
    lag = np.where(trades >= T_PLUS_1_SINCE, 1, np.where(trades >= T_PLUS_2_SINCE, 2, 3))
    # Counted from the settlement day before, where the trade itself fell on a day without settlement.
    return np.busday_offset(trades, lag, roll="backward", busdaycal=_calendar())


def settlement_day(trade: date) -> date:
    """Return the day a trade of that date settles.

    Examples
    --------
    >>> settlement_day(date(2025, 10, 10))  # a Friday; the Monday is Columbus Day
    datetime.date(2025, 10, 14)
    """
    found: date = settlement_days(np.array([trade], dtype="datetime64[D]"))[0].astype(object)
    return found


@cache
def _calendar() -> np.busdaycalendar:
    shut = {day for year in _YEARS for day in (*closures(year), columbus_day(year), veterans_day(year))}
    return np.busdaycalendar(holidays=np.array(sorted(shut), dtype="datetime64[D]"))
