"""Bars and VIX of the asked span, checked as the daily job checks them."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache

import numpy as np
from msgspec import Struct, field

from mtum.app.bars.check_columns import check_columns
from mtum.app.research.backtest_request import BacktestRequest
from mtum.core.market.bars import Bars, Days
from mtum.core.market.coverage import Dividends
from mtum.core.market.sifting import CONTEXT_SESSIONS
from mtum.core.market.timeframes import CALENDAR_SESSIONS
from mtum.core.market.validation import Rule, problems_in_history, session_days
from mtum.core.simulation.fill_costs import IMPACT_SESSIONS
from mtum.core.simulation.history import MOST_UNKNOWN
from mtum.core.simulation.session_views import SessionHistory, first_session, looked_at
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.several import without
from mtum.errors import BarsInvalidError, BarsMissingError, DataError, TooManyRequestsError, UsageError
from mtum.ports.market_data import BarSource, HidesPrices, Releases
from mtum.ports.time import Calendar

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2200, 1, 1)
VIX_POSSIBLE = (5.0, 150.0)


class Loaded(Struct, frozen=True):
    """Checked bars from the first warm-up session to the last decided one, and VIX closes by session.

    Parameters
    ----------
    strategy : Strategy
        Without the symbols that were left out.
    first : int
        Position of the first decided session.
    notes : tuple of str
        What a person has to know of the input.
    left_out : mapping of symbol to str
        Symbols that are not fit, and why; only where the request allows to leave them out.
    """

    market: SessionHistory
    strategy: Strategy
    first: int
    notes: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def bars(self) -> Bars:
        """Those of the only symbol, or of the first."""
        return next(iter(self.market.bars.values()))

    @property
    def vix(self) -> Mapping[date, float]:
        """Empty for a strategy that does not ask for it."""
        return self.market.series.get("VIX", {})


def load(
    asked: BacktestRequest,
    strategy: Strategy,
    source: BarSource,
    calendar: Calendar,
    read: dict[str, Bars] | None = None,
) -> Loaded:
    """Read, cut and check the history of every symbol that the strategy looks at or is compared with.

    Parameters
    ----------
    asked : BacktestRequest
        One question to history.
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    source : BarSource
        Daily bars, today's unfinished bar and the VIX from one vendor.
    calendar : Calendar
        The exchange's trading sessions.
    read : dict of symbol to Bars, optional
        Whole histories that have been read already; what is read here is added.

    Raises
    ------
    UsageError
        If the span is empty.
    BarsMissingError, BarsInvalidError
        If the bars are too few or break a rule, naming the first session that does.
    """
    check_columns(strategy, source)
    left_out: dict[str, str] = {}
    read = {} if read is None else read
    while True:
        unfit = _read(asked, strategy, source, read)
        if not unfit:
            symbols = looked_at(strategy)
            whole = _with_compared(asked, strategy, source, {symbol: read[symbol] for symbol in symbols})
            first = _first(asked, strategy, source, whole)
            used = _used(asked, strategy, whole, first)
            # Of other sleeves of the account too.
            known = whole if read.keys() == whole.bars.keys() else SessionHistory(dict(read), {})
            unfit = _unfit(strategy, {symbol: used[symbol] for symbol in symbols}, known, calendar, source)
        if not unfit:
            break
        strategy = doing_without(asked, strategy, unfit)
        left_out |= {symbol: str(error) for symbol, error in unfit.items()}
    bars, until = {symbol: read[symbol] for symbol in looked_at(strategy)}, f" up to {asked.end}" if asked.end else ""
    told = {symbol: source.coverage(symbol).dividends for symbol in used}
    untold = [symbol for symbol in bars if strategy.TOTAL_RETURNS and told[symbol] is Dividends.UNKNOWN]
    if untold:
        raise BarsMissingError(
            f"{', '.join(untold)}: {source.name} does not tell the dividends, and {strategy.name} needs total returns"
        )
    cut = SessionHistory(used, {}, dividends=told)
    begun = int(np.searchsorted(cut.days, whole.days[first]))
    series, notes = _series(strategy, source, cut, begun)
    notes += tuple(f"{symbol}: no bars from {source.name}{until}" for symbol, one in used.items() if not len(one))
    if strategy.intraday_bars:
        within = ", ".join(strategy.intraday_bars)
        notes += (f"a backtest has no bars of {within}: conditions of {strategy.name} on them never hold",)
    notes += tuple(_gaps(strategy, cut, known.days))
    notes += tuple(f"left out, because it is not fit: {error}" for error in left_out.values())
    sessions = sessions_of(calendar, cut) if strategy.CALENDAR else ()
    market = SessionHistory(used, series, sessions, told, _unquoted(source, used))
    return Loaded(market, strategy, begun, notes, left_out)


def first_day(asked: BacktestRequest, strategy: Strategy, source: BarSource, read: dict[str, Bars]) -> date:
    """Return the first session that a strategy can decide of what it is asked, whatever is wrong with its bars.

    Parameters
    ----------
    asked : BacktestRequest
        One question to history.
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    source : BarSource
        Daily bars, today's unfinished bar and the VIX from one vendor.
    read : dict of str to Bars
        Bars by symbol that have been read; more are added.
    """
    unfit = _read(asked, strategy, source, read)
    strategy = doing_without(asked, strategy, unfit) if unfit else strategy
    whole = SessionHistory({symbol: read[symbol] for symbol in looked_at(strategy)}, {})
    return whole.day(_first(asked, strategy, source, whole))


def _read(asked: BacktestRequest, strategy: Strategy, source: BarSource, read: dict[str, Bars]) -> dict[str, DataError]:
    # Reads what is not read yet; returns the symbols that cannot be read or have too few bars, and why.
    if asked.start and asked.end and asked.start > asked.end:
        raise UsageError(f"--start {asked.start} is later than --end {asked.end}")
    symbols, needed = looked_at(strategy), strategy.history_sessions()
    until = f" up to {asked.end}" if asked.end else ""
    some = len(symbols) > 1 and (strategy.least_fit < len(strategy.universe()) or asked.start is not None)
    unfit: dict[str, DataError] = {}
    for symbol in symbols:
        try:
            if symbol not in read:
                read[symbol] = source.history(symbol, FIRST_DAY, asked.end or LAST_DAY)
        except TooManyRequestsError:
            raise
        except DataError as error:
            unfit[symbol] = error
            continue
        if len(read[symbol]) < (int(symbol in asked.holdings) if some else needed):
            said = f"{symbol}: {len(read[symbol])} bars from {source.name}{until}, {needed} needed"
            unfit[symbol] = BarsMissingError(said)
    return unfit


def _with_compared(
    asked: BacktestRequest, strategy: Strategy, source: BarSource, bars: Mapping[str, Bars]
) -> SessionHistory:
    last = max((one.last_day for one in bars.values() if len(one)), default=asked.end or LAST_DAY)
    compared = [symbol for symbol in asked.compared_with(strategy) if symbol not in bars]
    return SessionHistory({**bars, **{symbol: source.history(symbol, FIRST_DAY, last) for symbol in compared}}, {})


def _used(asked: BacktestRequest, strategy: Strategy, whole: SessionHistory, first: int) -> dict[str, Bars]:
    # One bar more where shares are there at the start: they were bought at the close before.
    kept = max(strategy.history_sessions(), 2 if asked.holdings else 1)
    if asked.settings.portfolio.impact_coefficient:
        kept = max(kept, IMPACT_SESSIONS + 1)
    return {symbol: one[max(0, whole.row(symbol, first) + 1 - kept) :] for symbol, one in whole.bars.items()}


def _unfit(
    strategy: Strategy, used: Mapping[str, Bars], known: SessionHistory, calendar: Calendar, source: BarSource
) -> dict[str, DataError]:
    unfit: dict[str, DataError] = {}

    @cache
    def sessions(first: date, last: date) -> Days:
        return session_days(tuple(session.day for session in calendar.sessions(first, last)))

    for symbol, one in used.items():
        try:
            if len(one):
                _refuse_volumes(strategy, one, source)
                # The bars before are what the first moves are measured against.
                bars = known.bars[symbol].tail(len(one) + CONTEXT_SESSIONS)
                _refuse_unfit(bars, sessions(one.day(0), one.last_day), known if len(known.bars) > 1 else None, source)
        except DataError as error:
            unfit[symbol] = error
    return unfit


def doing_without(asked: BacktestRequest, strategy: Strategy, unfit: Mapping[str, DataError]) -> Strategy:
    """Return the strategy without the symbols that are not fit, where the request leaves them out.

    Parameters
    ----------
    asked : BacktestRequest
        One question to history.
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    unfit : mapping of symbol to DataError
        What is wrong with each.

    Raises
    ------
    DataError
        Of the first that is not left out, with how to go on without it where that is possible.
    """
    for symbol, error in unfit.items():
        rest, others = without(strategy, symbol), len(unfit) - 1
        held = symbol in asked.holdings
        if not asked.skip_unfit or rest is None or held:
            said = str(error) if symbol in str(error) else f"{symbol}: {error}"
            said += f"; {others} more of its symbols {'is' if others == 1 else 'are'} not fit" if others else ""
            if asked.skip_unfit:
                reason = "it is held at the start" if held else f"{strategy.name} cannot do without {symbol}"
                raise type(error)(f"{said}; {reason}") from error
            if asked.skip_unfit is not None and rest and not held:
                said += "; --skip-unfit leaves out what is not fit"
            raise type(error)(said) from error
        strategy = rest
    return strategy


def _first(asked: BacktestRequest, strategy: Strategy, source: BarSource, market: SessionHistory) -> int:
    start = 0 if asked.start is None else int(np.searchsorted(market.days, np.datetime64(asked.start)))
    first = first_session(market, strategy, start) if start < len(market.days) else None
    if first is not None and asked.holdings:
        later = max(int(market.days.searchsorted(market.bars[symbol].days[0])) + 1 for symbol in asked.holdings)
        first = max(first, later) if later < len(market.days) else None
    if first is not None:
        return first
    symbols, until = looked_at(strategy), f" to {asked.end}" if asked.end else " on"
    since = f" from {asked.start}{until}" if asked.start else ""
    if len(symbols) == 1:
        last = market.bars[symbols[0]].last_day
        raise BarsMissingError(f"{symbols[0]}: no session{since} in {source.name}; the last one before is {last}")
    known = {name: market.bars[name] for name in symbols if len(market.bars[name])}
    spans = ", ".join(f"{name} {bars.day(0)} to {bars.last_day}" for name, bars in known.items()) or "none has bars"
    raise BarsMissingError(
        f"no session{since} in {source.name} at which enough of the symbols of {strategy.name} have the "
        f"{strategy.history_sessions()} bars it needs; {spans}"
    )


def _refuse_volumes(strategy: Strategy, bars: Bars, source: BarSource) -> None:
    unknown = np.flatnonzero(np.isnan(bars.volume))
    if len(unknown) > MOST_UNKNOWN and "volume" in strategy.bar_columns:
        raise BarsInvalidError(
            f"{bars.symbol}: {len(unknown)} volumes from {source.name} are not known, the first on "
            f"{bars.day(int(unknown[0]))}; at most {MOST_UNKNOWN} may lack"
        )


def _unquoted(source: BarSource, used: Mapping[str, Bars]) -> dict[str, frozenset[date]]:
    # As in the daily job: a symbol without a price before the close is not decided on.
    if not isinstance(source, HidesPrices):
        return {}
    found = {name: source.unquoted_days(name, one.day(0), one.last_day) for name, one in used.items() if len(one)}
    return {name: days for name, days in found.items() if days}


def sessions_of(calendar: Calendar, market: SessionHistory) -> tuple[date, ...]:
    """Return the sessions of the exchange from before a history to after it."""
    before = max(FIRST_DAY, market.day(0) - timedelta(days=round(CALENDAR_SESSIONS * 365.25 / 250) + 30))
    return tuple(one.day for one in calendar.sessions(before, market.day(-1) + timedelta(days=15)))


def _series(
    strategy: Strategy, source: BarSource, market: SessionHistory, first: int
) -> tuple[Mapping[str, Mapping[date, float]], tuple[str, ...]]:
    # A session without VIX bars entry; a history without any would be played to the end without a word.
    closes: dict[str, Mapping[date, float]] = {}
    notes: list[str] = []
    for name in strategy.series():
        earlier = timedelta(days=round(strategy.SERIES_SESSIONS * 1.5) + 15 if strategy.SERIES_SESSIONS > 1 else 0)
        start = min(market.day(0), market.day(first) - earlier)
        found = source.series_history(name, start, market.day(-1))
        low, high = VIX_POSSIBLE
        closes[name] = {day: close for day, close in found.items() if low <= close <= high}
        outside = [day for day in sorted(found) if day not in closes[name]]
        said = [
            f"{name}: {len(outside)} of {len(found)} closes are outside {low:g} to {high:g} index points, the first "
            f"{found[day]:g} on {day}"
            for day in outside[:1]
        ]
        if said and source.name == "csv":
            raise BarsInvalidError(f"{said[0]}; correct {name}.csv")
        # An embedded market without a VIX is played: its cautions count the sessions in which nothing can be entered.
        decided = map(market.day, range(first, len(market.days)))
        if source.name != "sample" and not any(day in closes[name] for day in decided):
            where = "".join(f" ({one})" for one in said)
            where = f"; {name}.csv beside the bars holds it" if source.name == "csv" else where
            raise BarsMissingError(
                f"{name}: no close from {source.name} between {market.day(first)} and {market.day(-1)}{where}; "
                f"without one {strategy.name} never enters"
            )
        notes += said
    return closes, tuple(notes)


def _gaps(strategy: Strategy, market: SessionHistory, days: Days) -> Iterator[str]:
    needed = strategy.history_sessions()
    for symbol in looked_at(strategy):
        bars = market.bars[symbol]
        ends = np.searchsorted(days, bars.days[[0, -1]]) if len(bars) else (0, -1)
        lacking = np.setdiff1d(days[ends[0] : ends[1] + 1], bars.days)
        if len(lacking):
            sessions = "1 session" if len(lacking) == 1 else f"{len(lacking)} sessions, the first"
            after = "" if needed == 1 else f", nor before {needed} bars follow one another again"
            yield f"{symbol}: no bar on {sessions} {lacking[0]}: it is not decided on there{after}"


def _refuse_unfit(bars: Bars, days: Days, others: SessionHistory | None, source: BarSource) -> None:
    # A session that only others have is played: the symbol is not decided on there, as in the daily job.
    released = source.released(bars.symbol) if isinstance(source, Releases) else frozenset[date]()
    problems = problems_in_history(bars, days, released=released)
    if others is not None:
        had = {one.session for one in problems if np.datetime64(one.session) in others.days}
        problems = tuple(one for one in problems if one.rule is not Rule.MISSING_SESSION or one.session not in had)
    if problems:
        # It comes with all that writes bars, which a backtest loads for what is wrong only.
        from mtum.app.bars.import_bars import mended_in_file

        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        first = mended_in_file(problems[0], f"{bars.symbol}.csv") if source.name == "csv" else problems[0]
        kind = BarsMissingError if first.rule is Rule.MISSING_SESSION else BarsInvalidError
        raise kind(first.text + more)
