"""Daily bars of one symbol from one source, checked once and read-only after."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Column = NDArray[np.float64]
Days = NDArray[np.datetime64]

PRICE_COLUMNS = ("open", "high", "low", "close")
COLUMNS = (*PRICE_COLUMNS, "volume", "dividend", "split")


@dataclass(frozen=True, slots=True)
class Bar:
    """Open, high, low, close and volume of one session; prices in USD, split-adjusted.

    `dividend` is USD per share on the ex-date; `split` is new shares per old on
    the effective date; both 0 otherwise.
    """

    day: date
    open: float
    high: float
    low: float
    close: float
    volume: float
    dividend: float = 0.0
    split: float = 0.0


@dataclass(frozen=True, slots=True)
class ProvisionalBar:
    """Today's unfinished bar as it was seen.

    Parameters
    ----------
    bar : Bar
        Prices so far; `bar.volume` is the volume the rules use (projected to the
        whole session, as seen, or of the prior session; NaN when unproven).
    volume_so_far : float
        Shares traded until `seen_at`.
    volume_share : float or None
        Share of a session's volume usually traded by then; None when unproven.
    seen_at : datetime
        Aware UTC instant of the last trade or newest minute in the bar.
    midpoint : float or None
        Live bid/ask midpoint in USD where the source has one.
    """

    bar: Bar
    volume_so_far: float
    volume_share: float | None
    seen_at: datetime
    midpoint: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Bars of one symbol and one source, oldest first, one per session.

    Build with `Bars.of` or `Bars.from_columns`, which check order and shape and
    make every array read-only.
    """

    symbol: str
    source: str
    days: Days
    open: Column
    high: Column
    low: Column
    close: Column
    volume: Column
    dividend: Column
    split: Column

    @classmethod
    def from_columns(cls, symbol: str, source: str, days: object, columns: Mapping[str, object]) -> Self:
        """Build from one array per column; dividend and split default to 0.

        Raises
        ------
        ValueError
            If a column is missing or of another length, or days do not rise.
        """
        index = np.array(days, dtype="datetime64[D]")
        if len(index) > 1 and not bool((index[1:] > index[:-1]).all()):
            raise ValueError(f"{symbol}: sessions are not in strictly rising order")
        index.flags.writeable = False
        arrays: dict[str, Column] = {}
        for name in COLUMNS:
            source_column = columns.get(name)
            if source_column is None and name not in ("dividend", "split"):
                raise ValueError(f"{symbol}: column {name} is missing")
            array = np.zeros(len(index)) if source_column is None else np.array(source_column, dtype=np.float64)
            if array.shape != index.shape:
                raise ValueError(f"{symbol}: column {name} has {array.shape}, expected {index.shape}")
            array.flags.writeable = False
            arrays[name] = array
        return cls(symbol=symbol, source=source, days=index, **arrays)

    @classmethod
    def of(cls, symbol: str, source: str, bars: Iterable[Bar]) -> Self:
        """Build from single bars, oldest first."""
        rows = list(bars)
        return cls.from_columns(
            symbol, source, [bar.day for bar in rows], {name: [getattr(bar, name) for bar in rows] for name in COLUMNS}
        )

    def __len__(self) -> int:
        return len(self.days)

    @property
    def last_day(self) -> date:
        """Session of the newest bar; raises IndexError when empty."""
        return self.day(-1)

    def day(self, index: int) -> date:
        """Session of the bar at that position."""
        found: date = self.days[index].astype(object)
        return found

    def bar(self, index: int) -> Bar:
        """Return the bar at that position."""
        return Bar(self.day(index), *(float(getattr(self, name)[index]) for name in COLUMNS))

    def find(self, day: date) -> Bar | None:
        """Return the bar of that session, or None."""
        index = int(np.searchsorted(self.days, np.datetime64(day, "D")))
        return self.bar(index) if index < len(self) and self.day(index) == day else None

    def _cut(self, part: slice) -> Self:
        return replace(self, days=self.days[part], **{name: getattr(self, name)[part] for name in COLUMNS})

    def until(self, day: date) -> Self:
        """Return the bars up to and including that date; nothing later."""
        return self._cut(slice(0, int(np.searchsorted(self.days, np.datetime64(day, "D"), side="right"))))

    def since(self, day: date) -> Self:
        """Return the bars from that date on."""
        return self._cut(slice(int(np.searchsorted(self.days, np.datetime64(day, "D"))), None))

    def tail(self, sessions: int) -> Self:
        """Return the newest `sessions` bars."""
        return self._cut(slice(max(0, len(self) - sessions), None))

    def extended(self, bar: Bar) -> "Bars":
        """Return these bars with one newer bar behind them.

        Raises
        ------
        ValueError
            If the bar is not later than the last one.
        """
        columns = {name: np.append(getattr(self, name), getattr(bar, name)) for name in COLUMNS}
        return Bars.from_columns(self.symbol, self.source, np.append(self.days, np.datetime64(bar.day, "D")), columns)

    def frame(self) -> "pd.DataFrame":
        """Return the bars as a frame indexed by session, columns as in `COLUMNS`."""
        import pandas as pd  # heavy; only where a frame is really needed

        return pd.DataFrame(
            {name: getattr(self, name) for name in COLUMNS}, index=pd.DatetimeIndex(self.days, name="session")
        )


def bars_of_closes(name: str, source: str, closes: Mapping[date, float]) -> Bars:
    """Return an extra series (the VIX) as bars whose prices are all its close, oldest first, without volume."""
    days = sorted(closes)
    column = [closes[day] for day in days]
    return Bars.from_columns(
        name, source, days, {**dict.fromkeys(PRICE_COLUMNS, column), "volume": np.zeros(len(days))}
    )


def weekly(bars: Bars) -> Bars:
    """Return one bar per ISO week, named by its last session; the last may be unfinished."""
    monday_based = (bars.days.astype("datetime64[D]").astype(np.int64) + 3) // 7
    return _grouped(bars, monday_based)


def monthly(bars: Bars) -> Bars:
    """Return one bar per calendar month, named by its last session; the last may be unfinished."""
    return _grouped(bars, bars.days.astype("datetime64[M]").astype(np.int64))


def _grouped(bars: Bars, period: NDArray[np.int64]) -> Bars:
    if not len(bars):
        return bars
    starts = np.flatnonzero(np.r_[True, period[1:] != period[:-1]])
    ends = np.r_[starts[1:] - 1, len(bars) - 1]
    columns = {
        "open": bars.open[starts],
        "high": np.maximum.reduceat(bars.high, starts),
        "low": np.minimum.reduceat(bars.low, starts),
        "close": bars.close[ends],
        "volume": np.add.reduceat(bars.volume, starts),
        "dividend": np.add.reduceat(bars.dividend, starts),
    }
    return Bars.from_columns(bars.symbol, bars.source, bars.days[ends], columns)
