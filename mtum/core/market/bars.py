"""Daily bars of one symbol from one source, checked once and read-only after."""

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from mtum.core.market.timeframes import Timeframe

if TYPE_CHECKING:
    import pandas as pd

Column = NDArray[np.float64]
Days = NDArray[np.datetime64]

PRICE_COLUMNS = ("open", "high", "low", "close")
COLUMNS = (*PRICE_COLUMNS, "volume", "dividend", "split")
_DAY = np.dtype("datetime64[D]")


class Bar(Struct, frozen=True):
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

    @property
    def whole(self) -> bool:
        """Whether no price and no volume is missing."""
        return not any(math.isnan(number) for number in (self.open, self.high, self.low, self.close, self.volume))


class ProvisionalBar(Struct, frozen=True):
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


class Bars(Struct, frozen=True, eq=False):
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

        Parameters
        ----------
        symbol : str
            Ticker.
        source : str
            Name of the source.
        days : object
            Sessions of the bars, oldest first, shape (n_bars,).
        columns : mapping of str to object
            Values by column, each of shape (n_bars,); prices in USD.

        Raises
        ------
        ValueError
            If a column is missing or of another length, or days do not rise.
        """
        index = np.array(days, dtype=_DAY)
        if len(index) > 1 and not bool((index[1:] > index[:-1]).all()):
            raise ValueError(f"{symbol}: sessions are not in strictly rising order")
        index.setflags(write=False)
        arrays: dict[str, Column] = {}
        for name in COLUMNS:
            source_column = columns.get(name)
            if source_column is None and name not in ("dividend", "split"):
                raise ValueError(f"{symbol}: column {name} is missing")
            array = np.zeros(len(index)) if source_column is None else np.array(source_column, dtype=np.float64)
            if array.shape != index.shape:
                raise ValueError(f"{symbol}: column {name} has {array.shape}, expected {index.shape}")
            array.setflags(write=False)
            arrays[name] = array
        return cls(symbol=symbol, source=source, days=index, **arrays)

    @classmethod
    def of(cls, symbol: str, source: str, bars: Iterable[Bar]) -> Self:
        """Build from single bars, oldest first.

        Parameters
        ----------
        symbol : str
            Ticker.
        source : str
            Name of the source.
        bars : iterable of Bar
            The bars, oldest first; prices in USD.
        """
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
        return cast("date", self.days.item(index))

    def bar(self, index: int) -> Bar:
        """Return the bar at that position."""
        return Bar(self.day(index), *(getattr(self, name).item(index) for name in COLUMNS))

    def find(self, day: date) -> Bar | None:
        """Return the bar of that session, or None."""
        index = int(self.days.searchsorted(_counted(day)))
        return self.bar(index) if index < len(self) and self.day(index) == day else None

    def __getitem__(self, part: slice) -> Self:
        """Return a part of the bars by their positions, without a copy."""
        return type(self)(
            self.symbol,
            self.source,
            self.days[part],
            self.open[part],
            self.high[part],
            self.low[part],
            self.close[part],
            self.volume[part],
            self.dividend[part],
            self.split[part],
        )

    def until(self, day: date) -> Self:
        """Return the bars up to and including that date; nothing later."""
        return self[: int(self.days.searchsorted(_counted(day), side="right"))]

    def since(self, day: date) -> Self:
        """Return the bars from that date on."""
        return self[int(self.days.searchsorted(_counted(day))) :]

    def tail(self, sessions: int) -> Self:
        """Return the newest `sessions` bars."""
        return self[max(0, len(self) - sessions) :]

    def extended(self, bar: Bar) -> "Bars":
        """Return these bars with one newer bar behind them.

        Raises
        ------
        ValueError
            If the bar is not later than the last one.
        """
        if len(self) and bar.day <= self.last_day:
            raise ValueError(f"{self.symbol}: sessions are not in strictly rising order")
        days = np.empty(len(self) + 1, dtype=_DAY)
        days[:-1], days[-1] = self.days, bar.day
        columns = np.empty((len(COLUMNS), len(days)))
        for column, name in zip(columns, COLUMNS, strict=True):
            column[:-1], column[-1] = getattr(self, name), getattr(bar, name)
        for array in (days, columns):
            array.setflags(write=False)
        return Bars(self.symbol, self.source, days, *columns)

    def frame(self) -> "pd.DataFrame":
        """Return the bars as a frame indexed by session, columns as in `COLUMNS`."""
        import pandas as pd  # heavy; only where a frame is really needed

        return pd.DataFrame(
            {name: getattr(self, name) for name in COLUMNS}, index=pd.DatetimeIndex(self.days, name="session")
        )


@lru_cache(maxsize=4096)
def _counted(day: date) -> np.datetime64:
    # Made once: numpy takes longer to make it than to find it among the days.
    return np.datetime64(day, "D")


def followed(bars: Bars, later: Bars) -> Bars:
    """Return bars with others behind them, all of later sessions."""
    return _made(bars, lambda name: np.concatenate((getattr(bars, name), getattr(later, name))))


def selected(bars: Bars, wanted: NDArray[np.bool_]) -> Bars:
    """Return the bars where `wanted` is true; where they lie side by side they share the memory of all."""
    count = np.count_nonzero(wanted)
    if count == len(bars):
        return bars
    first = int(wanted.argmax())
    if np.count_nonzero(wanted[first : first + count]) == count:
        return bars[first : first + count]  # without a copy, as nearly always
    return _made(bars, lambda name: getattr(bars, name)[wanted])


def _made(of: Bars, column: Callable[[str], NDArray[Any]]) -> Bars:
    # New arrays whose order and shape follow from those that were checked.
    arrays = [column(name) for name in ("days", *COLUMNS)]
    for array in arrays:
        array.setflags(write=False)
    return Bars(of.symbol, of.source, *arrays)


def among(days: Days, known: Days) -> NDArray[np.bool_]:
    """Return which days are among those known, shape of the days; `known` oldest first."""
    if not len(known):
        return np.zeros(len(days), dtype=bool)
    return np.asarray(known[np.minimum(np.searchsorted(known, days), len(known) - 1)] == days)


def median(values: Column) -> float:
    """Return the median of one value or more, NaN where one is missing; numpy's own loads its masked arrays first."""
    ordered = np.sort(values)
    if np.isnan(ordered[-1]):
        return float("nan")
    half = len(ordered) // 2
    return float(ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2)


def bars_of_closes(name: str, source: str, closes: Mapping[date, float]) -> Bars:
    """Return an extra series (the VIX) as bars whose prices are all its close, oldest first, without volume.

    Parameters
    ----------
    name : str
        Name of the series.
    source : str
        Name of the source.
    closes : mapping of date to float
        Official closes by session, index points.
    """
    days = sorted(closes)
    column = [closes[day] for day in days]
    return Bars.from_columns(
        name, source, days, {**dict.fromkeys(PRICE_COLUMNS, column), "volume": np.zeros(len(days))}
    )


def in_timeframe(bars: Bars, timeframe: Timeframe, before: date | None = None) -> Bars:
    """Return one bar per week or month, named by its last session; the last one may be unfinished.

    Parameters
    ----------
    bars : Bars
        Bars of one symbol and one source, oldest first, one per session.
    timeframe : Timeframe
        Days are the bars themselves.
    before : date or None
        The session before the first bar, where it is known. The first period is left out unless that session
        shows it to be whole.
    """
    if timeframe is Timeframe.DAY or not len(bars):
        return bars
    period = periods(bars.days, timeframe)
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
    whole = Bars.from_columns(bars.symbol, bars.source, bars.days[ends], columns)
    return whole if before is not None and timeframe.period(before) < period[0] else whole.tail(len(whole) - 1)


def periods(days: Days, timeframe: Timeframe) -> NDArray[np.int64]:
    """Return the number of each day's period, as `Timeframe.period` counts, shape (n_sessions,)."""
    if timeframe is Timeframe.MONTH:
        return days.astype("datetime64[M]").astype(np.int64) + 1970 * 12
    number = days.astype("datetime64[D]").astype(np.int64)
    return (number + 3) // 7 - 1 if timeframe is Timeframe.WEEK else number + date(1970, 1, 1).toordinal()


def first_days(numbers: NDArray[np.int64], timeframe: Timeframe) -> Days:
    """Return the first date of each period, the inverse of `periods`."""
    if timeframe is Timeframe.MONTH:
        months: Days = (numbers - 1970 * 12).astype("datetime64[M]").astype("datetime64[D]")
        return months
    number = numbers * 7 + 4 if timeframe is Timeframe.WEEK else numbers - date(1970, 1, 1).toordinal()
    days: Days = number.astype("datetime64[D]")
    return days


def total_return(bars: Bars) -> Bars:
    """Return the bars with dividends put back: prices before an ex-date are lower by what it paid.

    Each is close[i] / close[i+1] x (1 - dividend[i+1] / close[i]) of the next, the newest its own close.
    """
    if len(bars) < 2 or not bars.dividend[1:].any():
        return bars
    kept = kept_of_dividends(bars)
    return replace(bars, **{name: getattr(bars, name) * kept for name in PRICE_COLUMNS})


def kept_of_dividends(bars: Bars) -> Column:
    """Return what is left of each bar's prices once later dividends are taken off, as a fraction, the newest 1."""
    if not len(bars):
        return bars.close
    return np.append(np.cumprod((1.0 - bars.dividend[1:] / bars.close[:-1])[::-1])[::-1], 1.0)
