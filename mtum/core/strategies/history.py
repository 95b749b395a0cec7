"""A strategy over final bars: what each of its conditions was, session by session, by the rule that decides."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from datetime import date

import numpy as np

from mtum.core.indicators import column_of
from mtum.core.market.bars import COLUMNS, Bars, Column
from mtum.core.strategies.answers import verdicts_of
from mtum.core.strategies.by_session import by_session
from mtum.core.strategies.contract import Holding, Own, Strategy, SymbolVerdict
from mtum.core.strategies.description import IndicatorSpec
from mtum.core.view import Asked, MarketView, calendar_around, values_before


class FinalHistory:
    """Final bars that a strategy can be asked about again; indicators are computed once per column.

    Parameters
    ----------
    bars : mapping of symbol to Bars
        Every symbol it trades or reads that has bars, from one source.
    series : mapping of name to values by session
        Official closes of the extra series, for instance ``{"VIX": {day: 14.2}}``.
    calendar : tuple of date
        Sessions of the exchange from before the bars to after them, for strategies that ask for it.
    """

    def __init__(
        self,
        strategy: Strategy,
        bars: Mapping[str, Bars],
        series: Mapping[str, Mapping[date, float]],
        calendar: tuple[date, ...] = (),
    ) -> None:
        self.strategy = strategy
        self.bars = bars
        self.series = series
        self._calendar = calendar
        self._columns: dict[tuple[str, Asked], Column] = {}
        self._verdicts: dict[date, tuple[SymbolVerdict, ...]] = {}

    def column(self, symbol: str, spec: IndicatorSpec) -> Column:
        """Return an indicator of the strategy over the whole history of a symbol, shape (n_sessions,).

        Of weeks, months and total returns it is what each session knew of it.
        """
        bars = self.bars[symbol]
        if (symbol, spec) not in self._columns and spec.by_day:
            self._columns[symbol, spec] = column_of(bars, spec.indicator, dict(spec.parameters))
        elif (symbol, spec) not in self._columns:
            at = bisect_left(self._calendar, bars.day(0)) if len(bars) else 0
            before = self._calendar[at - 1] if at else None
            whole = before is not None and spec.timeframe.period(before) < spec.timeframe.period(bars.day(0))
            once = by_session(bars, spec, first_is_whole=whole)
            if once is not None:
                self._columns[symbol, spec] = once
                return once
            views = (
                MarketView(bars.day(n), {symbol: bars.until(bars.day(n))}, {}, {}, calendar=self._calendar)
                for n in range(len(bars))
            )
            found = [view.newest(symbol, spec) for view in views]
            self._columns[symbol, spec] = np.array([np.nan if one is None else one for one in found])
        return self._columns[symbol, spec]

    def line(self, symbol: str, name: str | IndicatorSpec) -> Column:
        """Return what a line of the strategy's charts shows of a symbol, shape (n_sessions,).

        Raises
        ------
        ValueError
            If the line is none that can be drawn.
        """
        shown = line_of(self.strategy, name)
        bars = self.bars[symbol]
        if isinstance(shown, IndicatorSpec):
            return self.column(symbol, shown)
        if shown in COLUMNS:
            column: Column = getattr(bars, shown)
            return column
        values = self.series.get(shown, {})
        return np.array([values.get(day, np.nan) for day in bars.days.tolist()], dtype=np.float64)

    def view(self, day: date) -> MarketView | None:
        """Return the market as it ended on that day; None where a symbol lacks the bar or the history."""
        symbols = (*self.strategy.universe(), *self.strategy.reads())
        if any(symbol not in self.bars for symbol in symbols):
            return None
        cut = {symbol: self.bars[symbol].until(day) for symbol in symbols}
        needed = self.strategy.history_sessions()
        calendar = calendar_around(self._calendar, day, needed) if self.strategy.CALENDAR else ()
        if self.strategy.CALENDAR and (not calendar or calendar[-1] <= day):
            return None
        if any(len(bars) < needed or bars.last_day != day for bars in cut.values()):
            return None
        daily = [spec for spec in self.strategy.indicators() if spec.by_day]
        columns: dict[tuple[str, Asked], Column] = {
            (symbol, spec): self.column(symbol, spec) for symbol in symbols for spec in daily
        }
        values = {name: self.series.get(name, {}).get(day) for name in self.strategy.series()}
        count = self.strategy.SERIES_SESSIONS - 1
        earlier = {name: values_before(self.series.get(name, {}), day, count) for name in values if count}
        return MarketView(day, cut, values, {}, columns, calendar=calendar, series_history=earlier)

    def verdicts(self, day: date, holdings: Mapping[str, Holding] | None = None) -> tuple[SymbolVerdict, ...]:
        """Return the verdicts of that day on final values; empty where it cannot be asked."""
        if holdings is None and day in self._verdicts:
            return self._verdicts[day]
        view = self.view(day)
        found = verdicts_of(self.strategy, view, Own(holdings or {})) if view is not None else ()
        if holdings is None:
            self._verdicts[day] = found
        return found

    def conditions(self, day: date, symbol: str) -> Mapping[str, bool]:
        """Return which conditions of a symbol held on final values; those of a position are left out.

        A condition whose input has no value that day is left out too, and one that may rest on bars within the
        session, which are not here: nothing is known of it.
        """
        specs = {spec.name: spec for spec in self.strategy.CONDITIONS}
        within = bool(self.strategy.intraday_bars)
        return {
            one.name: one.passed
            for verdict in self.verdicts(day)
            if verdict.symbol == symbol
            for one in verdict.conditions
            if one.name in specs and not specs[one.name].of_position and self._known(specs[one.name].input, day)
            if not (within and one.margin is None)
        }

    def _known(self, name: str, day: date) -> bool:
        series = {one.lower(): one for one in self.strategy.series()}
        return name not in series or day in self.series.get(series[name], {})


def line_of(strategy: Strategy, name: str | IndicatorSpec) -> IndicatorSpec | str:
    """Return what a line of a chart shows: an indicator, or the name of a column of the bars or of an extra series.

    Raises
    ------
    ValueError
        If the strategy has none of that name, or it is one within the session, which has no value per session.
    """
    named = {spec.name: spec for spec in strategy.indicators()}
    series = {one.lower(): one for one in strategy.series()}
    found = name if isinstance(name, IndicatorSpec) else named.get(name)
    if found is None and name not in COLUMNS and name not in series:
        known = ", ".join((*named, *series, *COLUMNS))
        raise ValueError(f'panels() of {strategy.name} names a line "{name}"; there are {known}')
    if found is not None and found.timeframe.minutes:
        raise ValueError(f'panels() of {strategy.name} draws "{found.name}", which is of {found.timeframe}, by session')
    return found or series.get(str(name), str(name))


def panel_problems(strategy: Strategy) -> tuple[str, ...]:
    """Return what is wrong with the charts of a strategy, one line each; empty where all can be drawn."""
    problems = []
    for panel in strategy.panels():
        if not panel.lines:
            problems.append(f'panels() of {strategy.name} has a panel "{panel.title}" without a line')
        for name, _ in panel.lines:
            try:
                line_of(strategy, name)
            except ValueError as error:
                problems.append(str(error))
    return tuple(problems)


def flags(history: FinalHistory, symbol: str, days: Iterable[date]) -> dict[str, list[bool]]:
    """Return each condition's flags over these days, one list per name; an unknown one does not hold.

    Parameters
    ----------
    history : FinalHistory
        Final bars that a strategy can be asked about again; indicators are computed once per column.
    symbol : str
        Ticker.
    days : iterable of date
        The days to look at.
    """
    names = [spec.name for spec in history.strategy.CONDITIONS if not spec.of_position]
    found: dict[str, list[bool]] = {name: [] for name in names}
    for day in days:
        held = history.conditions(day, symbol)
        for name in names:
            found[name].append(held.get(name, False))
    return found


def kept_with_entry(strategy: Strategy, view: MarketView, symbol: str) -> Mapping[str, float]:
    """Return what the strategy would have kept with an entry in a symbol at that view, whether it wanted one or not.

    Parameters
    ----------
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    view : MarketView
        Everything a strategy may look at for one session.
    symbol : str
        Ticker.
    """
    said = next((one for one in verdicts_of(strategy, view, Own()) if one.symbol == symbol), None)
    if said is None:
        return {}
    return said.remember or {name: now for name in strategy.REMEMBERED if (now := said.indicators.get(name))}
