"""Bars and VIX of the asked span, checked as the daily job checks them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from mtum.app.bars.check_columns import check_columns
from mtum.app.bars.import_bars import mended_in_file
from mtum.app.research.backtest_request import BacktestRequest
from mtum.core.market.bars import Bars
from mtum.core.market.coverage import Dividends
from mtum.core.market.sifting import CONTEXT_SESSIONS
from mtum.core.market.validation import Rule, problems_in_history, session_days
from mtum.core.simulation.history import MOST_UNKNOWN
from mtum.core.strategies.contract import Strategy
from mtum.errors import BarsInvalidError, BarsMissingError, UsageError
from mtum.ports.market_data import BarSource, Releases
from mtum.ports.time import Calendar

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2200, 1, 1)
VIX_POSSIBLE = (5.0, 150.0)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Checked bars from the first warm-up session to the last decided one, and VIX closes by session.

    `first` is the position of the first decided session; `notes` is what a person has to know of the input.
    """

    bars: Bars
    vix: Mapping[date, float]
    first: int
    notes: tuple[str, ...] = ()
    dividends: Dividends = Dividends.KNOWN


def load(asked: BacktestRequest, strategy: Strategy, source: BarSource, calendar: Calendar) -> Loaded:
    """Read, cut and check the history.

    Raises
    ------
    UsageError
        If the span is empty.
    BarsMissingError, BarsInvalidError
        If the bars are too few or break a rule, naming the first session that does.
    """
    if asked.start and asked.end and asked.start > asked.end:
        raise UsageError(f"--start {asked.start} is later than --end {asked.end}")
    (symbol,) = _one_symbol(strategy)
    check_columns(strategy, source)
    bars = source.history(symbol, FIRST_DAY, asked.end or LAST_DAY)
    needed = strategy.history_sessions()
    if len(bars) < needed:
        until = f" up to {asked.end}" if asked.end else ""
        raise BarsMissingError(f"{symbol}: {len(bars)} bars from {source.name}{until}, {needed} needed")
    first = needed - 1
    if asked.start is not None:
        first = max(first, len(bars.until(asked.start)) - (bars.find(asked.start) is not None))
    if first >= len(bars):
        until = f" to {asked.end}" if asked.end else " on"
        raise BarsMissingError(
            f"{symbol}: no session from {asked.start}{until} in {source.name}; the last one before is {bars.last_day}"
        )
    used = bars.since(bars.day(first - needed + 1))
    unknown = np.flatnonzero(np.isnan(used.volume))
    if len(unknown) > MOST_UNKNOWN:
        first_unknown = used.day(int(unknown[0]))
        raise BarsInvalidError(
            f"{symbol}: {len(unknown)} volumes from {source.name} are not known, the first on {first_unknown}; "
            f"at most {MOST_UNKNOWN} may lack"
        )
    # The bars before are what the first moves are measured against.
    _refuse_unfit(bars.tail(len(used) + CONTEXT_SESSIONS), used.day(0), calendar, source)
    vix, notes = _vix(strategy, source, used, needed - 1)
    return Loaded(used, vix, needed - 1, notes, source.coverage(symbol).dividends)


def _one_symbol(strategy: Strategy) -> tuple[str]:
    universe = strategy.universe()
    if len(universe) != 1:
        raise UsageError(f"{strategy.name} trades {len(universe)} symbols; backtests of this command take one")
    return (universe[0],)


def _vix(strategy: Strategy, source: BarSource, bars: Bars, first: int) -> tuple[Mapping[date, float], tuple[str, ...]]:
    # A session without VIX bars entry; a history without any would be played to the end without a word.
    if not strategy.series():
        return {}, ()
    found = source.series_history("VIX", bars.day(0), bars.last_day)
    low, high = VIX_POSSIBLE
    closes = {day: close for day, close in found.items() if low <= close <= high}
    outside = [day for day in sorted(found) if day not in closes]
    said = [
        f"VIX: {len(outside)} of {len(found)} closes are outside {low:g} to {high:g} index points, the first "
        f"{found[day]:g} on {day}"
        for day in outside[:1]
    ]
    if said and source.name == "csv":
        raise BarsInvalidError(f"{said[0]}; correct VIX.csv")
    # An embedded market without a VIX is played: its cautions count the sessions in which nothing can be entered.
    if source.name != "sample" and not any(day in closes for day in map(bars.day, range(first, len(bars)))):
        where = "; VIX.csv beside the bars holds it" if source.name == "csv" else "".join(f" ({one})" for one in said)
        raise BarsMissingError(
            f"VIX: no close from {source.name} between {bars.day(first)} and {bars.last_day}{where}; "
            f"without one {strategy.name} never enters"
        )
    return closes, (*said,)


def _refuse_unfit(bars: Bars, start: date, calendar: Calendar, source: BarSource) -> None:
    sessions = calendar.sessions(start, bars.last_day)
    days = session_days([session.day for session in sessions])
    released = source.released(bars.symbol) if isinstance(source, Releases) else frozenset[date]()
    problems = problems_in_history(bars, days, released=released)
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        first = mended_in_file(problems[0], f"{bars.symbol}.csv") if source.name == "csv" else problems[0]
        kind = BarsMissingError if first.rule is Rule.MISSING_SESSION else BarsInvalidError
        raise kind(first.text + more)
