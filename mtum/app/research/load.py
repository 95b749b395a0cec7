"""Bars and VIX of the asked span, checked as the daily job checks them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from mtum.app.research.asked import Asked
from mtum.core.market.bars import Bars
from mtum.core.market.validation import problems_in_history, session_days
from mtum.core.strategies.contract import Strategy
from mtum.errors import BarsInvalidError, BarsMissingError, UsageError
from mtum.ports.market_data import BarSource
from mtum.ports.time import Calendar

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2200, 1, 1)
VIX_POSSIBLE = (5.0, 150.0)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Checked bars from the first warm-up session to the last decided one, and VIX closes by session.

    `first` is the position of the first decided session.
    """

    bars: Bars
    vix: Mapping[date, float]
    first: int


def load(asked: Asked, strategy: Strategy, source: BarSource, calendar: Calendar) -> Loaded:
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
    bars = source.history(symbol, FIRST_DAY, asked.end or LAST_DAY)
    needed = strategy.history_sessions()
    if len(bars) < needed:
        until = f" up to {asked.end}" if asked.end else ""
        raise BarsMissingError(f"{symbol}: {len(bars)} bars from {source.name}{until}, {needed} needed")
    first = needed - 1
    if asked.start is not None:
        first = max(first, len(bars.until(asked.start)) - (bars.find(asked.start) is not None))
    if first >= len(bars):
        raise BarsMissingError(f"{symbol}: no bar from {asked.start} on; the last one is of {bars.last_day}")
    used = bars.since(bars.day(first - needed + 1))
    _refuse_unfit(used, calendar, in_files=source.name == "csv")
    closes = source.series_history("VIX", used.day(0), used.last_day) if strategy.series() else {}
    low, high = VIX_POSSIBLE
    return Loaded(used, {day: close for day, close in closes.items() if low <= close <= high}, needed - 1)


def _one_symbol(strategy: Strategy) -> tuple[str]:
    universe = strategy.universe()
    if len(universe) != 1:
        raise UsageError(f"{strategy.name} trades {len(universe)} symbols; backtests of this command take one")
    return (universe[0],)


def _refuse_unfit(bars: Bars, calendar: Calendar, *, in_files: bool) -> None:
    sessions = calendar.sessions(bars.day(0), bars.last_day)
    days = session_days([session.day for session in sessions])
    problems = problems_in_history(bars, days, split_explains_jump=in_files)
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        kind = BarsMissingError if problems[0].rule.value == "missing_session" else BarsInvalidError
        raise kind(problems[0].text + more)
