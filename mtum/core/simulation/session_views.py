"""A history of several symbols, and what a strategy may see of it at each session."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from mtum.core.indicators import INDICATORS, column_of
from mtum.core.market.bars import Bars, Column, Days, total_return
from mtum.core.market.coverage import Dividends
from mtum.core.market.earlier_closes import EarlierCloses
from mtum.core.market.instruments import instrument
from mtum.core.market.timeframes import Timeframe
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.option_contract import own_series
from mtum.core.view import Asked, MarketView, calendar_around


class SessionHistory(Struct, frozen=True, dict=True):
    """Bars per symbol, and extra series by session.

    A session is a day on which one of the symbols has a bar. Symbols may begin later than others, end earlier,
    and lack sessions: where a symbol has not enough bars one behind the other, it is not decided on.
    `series` maps a name such as "VIX" to values by date; a missing date is a missing value. `calendar` is
    every session of the exchange from before the bars to after them, for strategies that ask for it. `unquoted` are
    sessions before whose close a symbol has no price: it has its bar and is not decided on.
    """

    bars: Mapping[str, Bars]
    series: Mapping[str, Mapping[date, float]]
    calendar: tuple[date, ...] = ()
    dividends: Mapping[str, Dividends] = field(default_factory=dict)
    unquoted: Mapping[str, frozenset[date]] = field(default_factory=dict)

    @cached_property
    def days(self) -> Days:
        """Every session, oldest first."""
        first, *others = (bars.days for bars in self.bars.values())
        if all(np.array_equal(days, first) for days in others):
            return first
        every: Days = np.unique(np.concatenate([first, *others]))
        return every

    @cached_property
    def calendar_days(self) -> Days:
        """The calendar as a column."""
        return np.array(self.calendar, dtype="datetime64[D]")

    def day(self, t: int) -> date:
        """Return the session at that position."""
        return self._dates[t]

    @cached_property
    def _dates(self) -> list[date]:
        found: list[date] = self.days.astype(object).tolist()
        return found

    @cached_property
    def _rows(self) -> Mapping[str, NDArray[np.int64]]:
        return {symbol: np.searchsorted(bars.days, self.days, "right") - 1 for symbol, bars in self.bars.items()}

    def row(self, symbol: str, t: int) -> int:
        """Return where a symbol's newest bar of a session or before it stands; -1 before its first."""
        return int(self._rows[symbol][t])

    def bar_row(self, symbol: str, t: int) -> int | None:
        """Return where a symbol's bar of a session stands; None where it has none."""
        row = self.row(symbol, t)
        return row if row >= 0 and self.bars[symbol].days[row] == self.days[t] else None

    def close(self, symbol: str, t: int) -> float | None:
        """Return a symbol's close of a session, or the newest one before it; None before its first."""
        row = self.row(symbol, t)
        return float(self.bars[symbol].close[row]) if row >= 0 else None

    def worth_of(self, symbol: str) -> Column:
        """Return what one share or contract was worth at each close, USD; NaN before its first."""
        rows, bars = self._rows[symbol], self.bars[symbol]
        found = np.full(len(rows), np.nan)
        found[rows >= 0] = bars.close[rows[rows >= 0]] * instrument(symbol).multiplier
        return found

    def close_before(self, symbol: str, t: int) -> float | None:
        """Return a symbol's newest close before a session; None where there is none."""
        return self.close(symbol, t - 1) if t else None

    def ended(self, symbol: str, t: int) -> bool:
        """Whether the last bar of a symbol lies before a session, which others still have."""
        own = self.bars[symbol].days
        return bool(len(own) and own[-1] < self.days[t])

    def fit(self, symbol: str, needed: int) -> NDArray[np.bool_]:
        """Return per session whether a symbol is quoted and has so many bars without a gap, shape (n_sessions,)."""
        fit = self._covered(symbol, needed)
        if symbol in self.unquoted:
            fit &= ~np.isin(self.days, np.array([*self.unquoted[symbol]], dtype="datetime64[D]"))
        return fit

    def _covered(self, symbol: str, needed: int) -> NDArray[np.bool_]:
        if len(self.bars[symbol]) == len(self.days):
            return np.asarray(np.arange(len(self.days)) >= needed - 1)
        own = np.searchsorted(self.days, self.bars[symbol].days)
        newest, oldest = own[needed - 1 :], own[: max(0, len(own) - needed + 1)]
        fit = np.zeros(len(self.days), dtype=bool)
        fit[newest[newest - oldest == needed - 1]] = True
        return fit


def first_session(history: SessionHistory, strategy: Strategy, start: int = 0) -> int | None:
    """Return the position of the first session from `start` on that a backtest can decide; None = there is none.

    What it only reads must be fit too. With a start, a strategy that judges each symbol by itself begins with
    whatever is fit then.

    Parameters
    ----------
    history : SessionHistory
        Bars per symbol, and extra series by session.
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    start : int
        Position of the first session that may be decided.
    """
    needed, universe = strategy.history_sessions(), strategy.universe()
    fit = {symbol: history.fit(symbol, needed) for symbol in looked_at(strategy)}
    held = np.sum([fit[symbol] for symbol in universe], axis=0)
    able = held >= (1 if start and strategy.EACH_BY_ITSELF else strategy.least_fit)
    for symbol in set(strategy.reads()) - set(universe):
        able &= fit[symbol]
    found = np.flatnonzero(able[start:])
    return start + int(found[0]) if len(found) else None


def looked_at(strategy: Strategy) -> tuple[str, ...]:
    """Return the symbols whose bars a strategy needs: what it may hold, and what it only reads."""
    return tuple(dict.fromkeys((*strategy.universe(), *strategy.reads())))


class SessionViews:
    """The views of a strategy, session by session; an indicator over days is worked out once."""

    def __init__(self, history: SessionHistory, strategy: Strategy) -> None:
        self._history = history
        self._strategy = strategy
        self._needed = strategy.history_sessions()
        self._symbols = looked_at(strategy)
        self._fit = {symbol: history.fit(symbol, self._needed) for symbol in self._symbols}
        self._columns = {symbol: [*self._worked_out(symbol)] for symbol in self._symbols if self._fit[symbol].any()}
        self._earlier = {
            symbol: EarlierCloses(
                history.bars[symbol], total_returns=history.dividends.get(symbol) is not Dividends.NONE
            )
            for symbol in self._columns
        }
        self._own = tuple(name for name in own_series(strategy) if name in history.series)
        names = (*self._own, *strategy.series()) if strategy.SERIES_SESSIONS > 1 else ()
        self._series_days = {name: sorted(history.series.get(name, {})) for name in names}

    def _worked_out(self, symbol: str) -> Iterator[tuple[Asked, Column]]:
        # One column tells an indicator of every session if it is over the daily bars as they are. Total returns are
        # based on each session's own close: over them a column tells what does not depend on the level of prices.
        bars = self._history.bars[symbol]
        paying = self._history.dividends.get(symbol) is not Dividends.NONE and bool(bars.dividend.any())
        for one in self._strategy.indicators():
            returns = one.total_return and paying
            if one.timeframe is Timeframe.DAY and not (returns and INDICATORS[one.indicator].unit == "USD"):
                priced = total_return(bars) if returns else bars
                yield one, column_of(priced, one.indicator, dict(one.parameters))

    def fit_at(self, t: int) -> Iterator[str]:
        """Return the symbols that can be decided on at a session."""
        return (symbol for symbol in self._symbols if self._fit[symbol][t])

    def at(self, t: int) -> MarketView:
        """Return what is known at a session, its own bar included."""
        history, day, needed = self._history, self._history.day(t), self._needed
        bars: dict[str, Bars] = {}
        columns: dict[tuple[str, Asked], Column] = {}
        earlier: dict[str, tuple[Bars, EarlierCloses, int]] = {}
        unfit: dict[str, float | None] = {}
        for symbol in self._symbols:
            if not self._fit[symbol][t]:
                # Nothing of the session is accepted of it: it is worth what it was before, as in the daily job.
                unfit[symbol] = history.close_before(symbol, t)
                continue
            stop = history.row(symbol, t) + 1
            bars[symbol] = history.bars[symbol][stop - needed : stop]
            earlier[symbol] = bars[symbol], self._earlier[symbol], stop - 1
            for asked, column in self._columns[symbol]:
                columns[symbol, asked] = column[stop - needed : stop]
        own = self._told(day)
        return MarketView(
            session=day,
            bars=bars,
            series={name: history.series.get(name, {}).get(day) for name in (*own, *self._strategy.series())},
            provisional={},
            columns=columns,
            earlier=earlier,
            unfit=unfit,
            calendar=calendar_around(history.calendar, day, needed) if self._strategy.CALENDAR else (),
            dividends=history.dividends,
            series_history={
                name: self._values_before(name, day)
                for name in self._series_days
                if name in own or name not in self._own
            },
        )

    def _told(self, day: date) -> tuple[str, ...]:
        # As in the daily job one that is not told whole is none.
        return tuple(
            name
            for name in self._own
            if day in self._history.series[name]
            and len(self._values_before(name, day)) == self._strategy.SERIES_SESSIONS - 1
        )

    def _values_before(self, name: str, day: date) -> dict[date, float]:
        days, values = self._series_days[name], self._history.series[name]
        at = bisect_left(days, day)
        return {one: values[one] for one in days[max(0, at - self._strategy.SERIES_SESSIONS + 1) : at]}
