"""A history made ready for the fast path: bars, VIX and dividends as columns."""

from collections.abc import Mapping
from datetime import date

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from mtum.core.market.bars import Bars, Days
from mtum.core.market.settlement import settlement_days
from mtum.core.simulation.kernel.columns import Column, Prices
from mtum.core.simulation.kernel.walk import Tape

_NEVER = 1 << 60
MOST_UNKNOWN = 8
"""Unknown volumes that the running sums of the compiled path can hold beside the known ones."""


class History(Struct, frozen=True, eq=False):
    """Columns of one symbol, oldest first, shape (n_sessions,) each."""

    symbol: str
    days: Days
    prices: Prices
    tape: Tape

    def __len__(self) -> int:
        return len(self.days)

    def day(self, index: int) -> date:
        """Session at that position."""
        found: date = self.days[index].astype(object)
        return found

    def index(self, day: date) -> int:
        """Position of the first session on or after that date."""
        return int(np.searchsorted(self.days, np.datetime64(day, "D")))

    def copied(self) -> "History":
        """Return the history with arrays of its own."""
        prices, old = Prices(*(np.array(column) for column in self.prices)), self.tape
        tape = Tape(
            close=prices.close,
            seen=np.array(old.seen),
            open=prices.open,
            settled=np.array(old.settled),
            dividend_at=np.array(old.dividend_at),
            dividend=np.array(old.dividend),
        )
        return History(self.symbol, self.days, prices, tape)


def vix_column(days: Days, closes: Mapping[date, float] | Bars) -> Column:
    """VIX closes aligned to the sessions; NaN where missing."""
    if isinstance(closes, Bars):
        at = np.searchsorted(closes.days, days)
        inside = np.minimum(at, max(0, len(closes) - 1))
        found = closes.close[inside] if len(closes) else np.full(len(days), np.nan)
        known = closes.days[inside] == days if len(closes) else np.zeros(len(days), dtype=bool)
        return np.where(known, found, np.nan)
    return np.array([closes.get(day, np.nan) for day in days.astype(object)], dtype=np.float64)


def history(bars: Bars, vix: Mapping[date, float] | Bars, settlement: str = "none") -> History:
    """Make bars ready; `settlement` is "none" or "calendar".

    Parameters
    ----------
    bars : Bars
        Bars of one symbol and one source, oldest first, one per session.
    vix : mapping of date to float or Bars
        VIX closes by session, points.
    settlement : str
        "none", or "calendar" for the exchange's settlement days.

    Raises
    ------
    ValueError
        If the settlement is neither, a price is no finite number, or more than `MOST_UNKNOWN` volumes are unknown.
    """
    if not all(np.isfinite(getattr(bars, name)).all() for name in ("open", "high", "low", "close")):
        raise ValueError(f"{bars.symbol}: a price is not a finite number")
    if np.isinf(bars.volume).any() or np.isnan(bars.volume).sum() > MOST_UNKNOWN:
        raise ValueError(f"{bars.symbol}: a volume is infinite, or more than {MOST_UNKNOWN} are unknown")
    close = np.array(bars.close)
    paid = np.flatnonzero(bars.dividend)
    prices = Prices(
        open=np.array(bars.open),
        high=np.array(bars.high),
        low=np.array(bars.low),
        close=close,
        volume=np.array(bars.volume),
        vix=vix_column(bars.days, vix),
    )
    tape = Tape(
        close=close,
        seen=close,
        open=prices.open,
        # An empty column says "at once" without being read; a wrong word is refused all the same.
        settled=settled_at(bars.days[:0] if settlement == "none" else bars.days, settlement),
        dividend_at=np.append(paid, _NEVER).astype(np.int64),
        dividend=np.append(bars.dividend[paid], 0.0),
    )
    return History(bars.symbol, bars.days, prices, tape)


def settled_at(days: Days, settlement: str) -> NDArray[np.int64]:
    """Position of the session in which the proceeds of a sale can be spent, per session of the sale.

    Proceeds that settle after the last session get the position behind it.

    Raises
    ------
    ValueError
        If the settlement is neither "none" nor "calendar".
    """
    if settlement == "none":
        return np.arange(len(days), dtype=np.int64)
    if settlement != "calendar":
        raise ValueError(f'settlement is "{settlement}"; use "none" or "calendar"')
    return np.searchsorted(days, settlement_days(days)).astype(np.int64)
