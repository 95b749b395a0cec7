"""The market as it is known at the instant of a decision; the future is not in it."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import numpy as np

from mtum.core.indicators import column_of
from mtum.core.indicators.smoothing import known
from mtum.core.market.bars import Bars, Column, ProvisionalBar, in_timeframe, total_return
from mtum.core.market.coverage import Dividends
from mtum.core.market.earlier_closes import EarlierCloses
from mtum.core.market.instruments import unit_usd
from mtum.core.market.intraday import IntradayBars, nothing
from mtum.core.market.timeframes import CALENDAR_SESSIONS, Timeframe


class Asked(Protocol):
    """An indicator by its registry name and parameters, as a strategy asks for it."""

    @property
    def indicator(self) -> str:
        """Name in the registry of indicators."""
        ...

    @property
    def parameters(self) -> tuple[tuple[str, object], ...]:
        """Keyword arguments of that indicator."""
        ...

    @property
    def timeframe(self) -> Timeframe:
        """Of the bars it is computed over."""
        ...

    @property
    def total_return(self) -> bool:
        """Whether over total-return prices."""
        ...


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MarketView:
    """Everything a strategy may look at for one session.

    Parameters
    ----------
    session : date
        The session being decided.
    bars : mapping of symbol to Bars
        History that ends at `session`; its last bar is the provisional one.
    series : mapping of name to float or None
        Extra values at the decision, for instance ``{"VIX": 14.2}``; None = missing.
    provisional : mapping of symbol to ProvisionalBar
        How today's bar was seen; empty over final history.
    columns : mapping of (symbol, asked) to Column
        Indicators over the daily bars worked out beforehand, over a history that begins where the bars begin
        and may go further; what is not there is computed from the bars.
    unfit : mapping of symbol to float or None
        Symbols whose bars cannot be decided on, with the last accepted close in USD. It values what is held
        of them; the strategy abstains there.
    calendar : tuple of date
        Sessions of the exchange, oldest first, from before the first bar up to the one after `session`.
    dividends : mapping of symbol to Dividends
        What the source tells of them; known where a symbol is left out.
    series_history : mapping of name to mapping of date to float
        Earlier official closes of the extra series, for strategies that ask for more than the newest.
    intraday : mapping of (symbol, timeframe) to IntradayBars
        Bars within the sessions that had ended by the decision; those that are not fit, or that the source does
        not have, are left out.
    earlier : mapping of symbol to (Bars, EarlierCloses, int)
        The bars themselves, what was worked out over a history that they are part of, and where their newest
        stands in it; for other bars it is worked out anew.

    Raises
    ------
    ValueError
        If bars of a symbol do not end at the session.
    """

    session: date
    bars: Mapping[str, Bars]
    series: Mapping[str, float | None]
    provisional: Mapping[str, ProvisionalBar]
    columns: Mapping[tuple[str, Asked], Column] = field(default_factory=dict)
    unfit: Mapping[str, float | None] = field(default_factory=dict)
    calendar: tuple[date, ...] = ()
    dividends: Mapping[str, Dividends] = field(default_factory=dict)
    series_history: Mapping[str, Mapping[date, float]] = field(default_factory=dict)
    intraday: Mapping[tuple[str, Timeframe], IntradayBars] = field(default_factory=dict)
    earlier: Mapping[str, tuple[Bars, EarlierCloses, int]] = field(default_factory=dict)
    _worked_out: dict[tuple[str, Asked], Column] = field(init=False, default_factory=dict)
    _closes: dict[str, EarlierCloses] = field(init=False, default_factory=dict)
    _prices: dict[str, float] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        session = np.datetime64(self.session, "D")
        for symbol, bars in self.bars.items():
            if not len(bars) or bars.days[-1] != session:
                raise ValueError(f"{symbol}: bars must end at {self.session}")
        sources = {bars.source for bars in self.bars.values()}
        if len(sources) > 1:
            raise ValueError(f"bars of one decision must come from one source, found {sorted(sources)}")

    @property
    def prices(self) -> Mapping[str, float]:
        """What one share or contract is worth in USD now, of an unfit symbol at its last accepted close."""
        if not self._prices:
            known_before = {symbol: close for symbol, close in self.unfit.items() if close is not None}
            closes = known_before | {symbol: float(bars.close[-1]) for symbol, bars in self.bars.items()}
            self._prices.update({symbol: unit_usd(symbol, close) for symbol, close in closes.items()})
        return self._prices

    def newest(self, symbol: str, asked: Asked, ago: int = 0) -> float | None:
        """Return an indicator's value, rounded to 1e-6; None = undefined, as where there are no such bars.

        Parameters
        ----------
        symbol : str
            Ticker.
        asked : Asked
            Indicator, parameters, timeframe.
        ago : int
            Bars of its timeframe back from the session being decided.
        """
        key = symbol, asked
        column, count = self.columns.get(key), len(self.bars[symbol])
        if column is None:
            if key not in self._worked_out:
                bars = self.framed(symbol, asked.timeframe, total_returns=asked.total_return)
                found = column_of(bars, asked.indicator, dict(asked.parameters)) if len(bars) else np.empty(0)
                self._worked_out[key] = found
            column = self._worked_out[key]
            count = len(column)
        at = count - 1 - ago
        return known(float(column[at])) if at >= 0 else None

    def framed(self, symbol: str, timeframe: Timeframe, *, total_returns: bool = False) -> Bars:
        """Return the bars of a symbol by day, week or month, the running period with what there is.

        Of a timeframe within the session those that had ended by the decision; none where there are none to rest on.

        Parameters
        ----------
        symbol : str
            Ticker.
        timeframe : Timeframe
            What one bar stands for; weeks run from Monday to Sunday, months are calendar months.
        total_returns : bool
            Whether dividends are reinvested in the prices.
        """
        bars = self.bars[symbol]
        if timeframe.minutes:
            if total_returns:
                raise ValueError(f"{symbol}: bars of {timeframe} have no total returns")
            return self.intraday.get((symbol, timeframe)) or nothing(symbol, bars.source)
        if total_returns and self.dividends.get(symbol) is not Dividends.NONE:
            bars = total_return(bars)
        at = bisect_left(self.calendar, bars.day(0))
        return in_timeframe(bars, timeframe, self.calendar[at - 1] if at else None)

    def closes(
        self,
        symbol: str,
        timeframe: Timeframe,
        ago: tuple[int, ...],
        *,
        period: str | None = None,
        total_returns: bool = False,
    ) -> tuple[float | None, ...]:
        """Return the closes of the last sessions of earlier weeks or months; None before the history.

        Parameters
        ----------
        symbol : str
            Ticker.
        timeframe : Timeframe
            What one bar stands for; weeks run from Monday to Sunday, months are calendar months.
        ago : tuple of int
            Period ends back: 0 is the session being decided, 1 the last session of the period before.
        period : str or None
            Counted from this period, by its name, where it ended and is decided only now; None for the
            session's own.
        total_returns : bool
            Whether dividends are put back; such closes are rounded to 1e-6.
        """
        earlier, newest = self._earlier(symbol)
        last = timeframe.period(self.session) if period is None else timeframe.named(period)
        rows = newest - len(self.bars[symbol]) + 1, newest
        return earlier.at(rows, timeframe, last, ago, total_returns=total_returns)

    def _earlier(self, symbol: str) -> tuple[EarlierCloses, int]:
        bars = self.bars[symbol]
        found = self.earlier.get(symbol)
        if found is None or found[0] is not bars:
            if symbol not in self._closes:
                told = self.dividends.get(symbol) is not Dividends.NONE
                self._closes[symbol] = EarlierCloses(bars, total_returns=told)
            return self._closes[symbol], len(bars) - 1
        return found[1], found[2]

    def ends(self, timeframe: Timeframe) -> bool:
        """Whether this is the last session of its week or month by the exchange's calendar."""
        at = bisect_right(self.calendar, self.session)
        if at >= len(self.calendar) or self.session not in self.calendar[at - 1 : at]:
            raise ValueError(f"the session after {self.session} is not known to a strategy that asks for no CALENDAR")
        return timeframe.period(self.calendar[at]) != timeframe.period(self.session)

    def sessions_since(self, day: date) -> int:
        """Return how many sessions lie after a date up to this one; at least that many if it is long ago."""
        if not self.calendar:
            raise ValueError("sessions can be counted only by a strategy that asks for the CALENDAR")
        return bisect_right(self.calendar, self.session) - bisect_right(self.calendar, day)


def values_before(values: Mapping[date, float], day: date, count: int) -> dict[date, float]:
    """Return the last `count` values of a series before a session, oldest first.

    Parameters
    ----------
    values : mapping of date to float
        Values by session.
    day : date
        The session's date.
    count : int
        How many.
    """
    days = sorted(values)
    at = bisect_left(days, day)
    return {one: values[one] for one in days[max(0, at - count) : at]}


def calendar_around(days: tuple[date, ...], day: date, history_sessions: int) -> tuple[date, ...]:
    """Return the sessions a view of that session has: before its history, up to the next one.

    Parameters
    ----------
    days : tuple of date
        Sessions of the calendar, oldest first.
    day : date
        The session's date.
    history_sessions : int
        Sessions that the view has before its own.
    """
    at = bisect_right(days, day)
    return days[max(0, at - history_sessions - CALENDAR_SESSIONS) : at + 1]
