"""May today's unfinished bar and the VIX be believed? What the second source, the midpoint and a person say."""

from collections.abc import Mapping
from datetime import date, datetime

from msgspec import Struct
from msgspec.structs import replace

from mtum.app.bars.accept_bars import REBASED_SOURCES, REVISED
from mtum.app.desk import Desk
from mtum.core.market.bars import Bar, Bars, ProvisionalBar
from mtum.core.market.merging import NewSplit, rebased
from mtum.core.market.sessions import Session
from mtum.core.market.validation import (
    SPIKE_FRAC,
    BarProblem,
    Confirmation,
    Rule,
    disagreements,
    freshness_problems,
    moves,
    problems_in_history,
    provisional_problems,
    ranges_agree,
    session_days,
)
from mtum.core.market.vix import VixProblem, VixReading, VixValue, vix_reading
from mtum.errors import DataError
from mtum.ports.market_data import BarSource, Quote
from mtum.ports.records import QuarantinedBar

RESTATED = "restated"
"""Reason word: an accepted bar of the window was restated and nobody has decided which value is right."""
_HELD_FOR_A_PERSON = (Rule.UNCONFIRMED, Rule.LOOKS_LIKE_SPLIT)
_SPIKE_CONTEXT = 70


class Judged(Struct, frozen=True):
    """What was found about today's bar of one symbol.

    Parameters
    ----------
    blocking : tuple of BarProblem
        Nothing may be decided on it.
    entry_bar : str or None
        Reason word when only entries are barred.
    doubtful : bool
        Whether a sale must also hold at the midpoint.
    notes : tuple of str
        For the report.
    held : tuple of QuarantinedBar
        What a decision keeps for a person to release.
    """

    blocking: tuple[BarProblem, ...] = ()
    entry_bar: str | None = None
    doubtful: bool = False
    notes: tuple[str, ...] = ()
    held: tuple[QuarantinedBar, ...] = ()


def history_today(desk: Desk, history: Bars, quote: Quote) -> Bars:
    """Return the history in today's shares: a split effective today is not in the cache yet.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    history : Bars
        Bars of one symbol and one source, oldest first, one per session.
    quote : Quote
        Today's unfinished bar of a symbol as a source shows it now.
    """
    if quote.split in (0.0, 1.0) or desk.source.name in REBASED_SOURCES:
        return history
    return rebased(history, (NewSplit(quote.session, quote.split),))


def judge_today(desk: Desk, history: Bars, today: ProvisionalBar, quote: Quote, at: datetime) -> Judged:
    """Judge today's bar of one symbol behind a fit history.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    history : Bars
        Bars of one symbol and one source, oldest first, one per session.
    today : ProvisionalBar
        Today's unfinished bar as it was seen.
    quote : Quote
        Today's unfinished bar of a symbol as a source shows it now.
    at : datetime
        Instant up to which the market is seen, UTC.
    """
    symbol, source = quote.symbol, desk.source.name
    released = desk.store.quarantine.released_days(symbol, source)
    second, notes = _second_quote(desk, quote, at)
    confirmation = Confirmation(quote.midpoint, _price_now(second, at), quote.session in released)
    multiple = desk.settings.market.spike_multiple
    problems = [*provisional_problems(history, today, at, multiple, confirmation, delayed=quote.delayed)]
    problems += _spike_yesterday(history, today, released)
    problems += _range_problem(today.bar, second, symbol)
    # Checked at each decision: the bar may have been accepted days ago.
    apart, why_not = _close_problem(desk, history, released)
    problems += apart
    held = [problem for problem in problems if problem.rule in _HELD_FOR_A_PERSON]
    soft = [problem for problem in problems if not problem.blocks_exit]
    restated = _restated(desk, symbol, history)
    return Judged(
        blocking=tuple(problem for problem in problems if problem.blocks_exit),
        entry_bar=soft[0].rule.value if soft else RESTATED if restated else None,
        doubtful=any(problem.rule is Rule.UNCONFIRMED for problem in soft),
        notes=(*notes, *why_not, *(problem.text for problem in soft), *restated),
        held=tuple(QuarantinedBar(symbol, source, today.bar, one.rule.value, one.found, at) for one in held),
    )


def judge_vix(desk: Desk, name: str, session: Session, at: datetime) -> VixReading:
    """Return the VIX to decide with: from the source, the second source where one is set, else the fallback.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    name : str
        Name of the index.
    session : Session
        The session, with its open and close.
    at : datetime
        Instant up to which the market is seen, UTC.
    """
    first, why_first = _series_value(desk.source, name, session, at)
    second, why_second = _series_value(desk.second, name, session, at) if desk.second else (None, ())
    found = vix_reading(first, second, at)
    if found.for_entry is not None:
        return found
    if why_first or why_second:
        said = "; ".join((*why_first, *why_second))
        found = replace(found, problems=tuple((kind, said) for kind, _ in found.problems))
    if desk.vix_fallback is None:
        return found
    third, why_third = _series_value(desk.vix_fallback, name, session, at)
    last = vix_reading(third, None, at)
    if last.for_entry is not None:
        said = f"{name} {last.for_entry:g} from {desk.vix_fallback.name} stands in"
        return replace(last, problems=(*found.problems, (VixProblem.MISSING, said)))
    missing = tuple((VixProblem.MISSING, why) for why in why_third) or last.problems
    return replace(found, problems=(*found.problems, *missing))


def _series_value(
    source: BarSource, name: str, session: Session, at: datetime
) -> tuple[VixValue | None, tuple[str, ...]]:
    # A missing VIX only bars entries, so an error is reported, not raised.
    try:
        found = source.series(name, session, at)
    except DataError as error:
        return None, (str(error),)
    if found is None:
        return None, (f"{name}: {source.name} has no value",)
    return VixValue(found.source, found.value, found.seen_at, found.delayed), ()


def _price_now(second: Quote | None, at: datetime) -> float | None:
    # A stale price of the second source cannot confirm a move of this minute; its daily range still can.
    if second is None:
        return None
    old = freshness_problems(second.symbol, second.session, second.seen_at, at, delayed=second.delayed)
    return None if old else second.close


def _second_quote(desk: Desk, quote: Quote, at: datetime) -> tuple[Quote | None, tuple[str, ...]]:
    if desk.second is None:
        return None, ()
    session = next(iter(desk.calendar.sessions(quote.session, quote.session)), None)
    if session is None:
        return None, ()
    try:
        return desk.second.quote(quote.symbol, session, at), ()
    except DataError as error:
        return None, (f"the second source has no opinion: {error}",)


def _spike_yesterday(history: Bars, today: ProvisionalBar, released: frozenset[object]) -> list[BarProblem]:
    # Only today's price shows whether yesterday's jump was undone.
    if not len(history) or history.last_day in released or not abs(moves(history.tail(2))[-1]) > SPIKE_FRAC:
        return []
    joined = history.tail(_SPIKE_CONTEXT).extended(replace(today.bar, volume=today.volume_so_far))
    found = problems_in_history(joined, session_days(()))
    return [one for one in found if one.session == history.last_day and one.rule is Rule.SPIKE]


def _range_problem(bar: Bar, second: Quote | None, symbol: str) -> list[BarProblem]:
    if second is None:
        return []
    other = Bar(second.session, second.open, second.high, second.low, second.close, second.volume)
    if ranges_agree(bar, other):
        return []
    found = f"today's range {bar.low:g} to {bar.high:g}, by the second source {second.low:g} to {second.high:g}"
    advice = "entries wait until they agree"
    return [BarProblem(symbol, bar.day, Rule.SOURCES_DISAGREE, found, advice, blocks_exit=False)]


def _close_problem(
    desk: Desk, history: Bars, released: frozenset[date]
) -> tuple[tuple[BarProblem, ...], tuple[str, ...]]:
    # The second source's word on the last official close; without an answer there is no opinion.
    if desk.second is None or not len(history) or history.last_day in released:
        return (), ()
    try:
        seen = desk.second.history(history.symbol, history.last_day, history.last_day)
    except DataError as error:
        return (), (f"the second source has no opinion of the last close: {error}",)
    return disagreements(history, seen), ()


def _restated(desk: Desk, symbol: str, history: Bars) -> tuple[str, ...]:
    source = desk.source.name
    held = [
        one for one in desk.store.quarantine.kept_out(symbol, held=True) if one.rule == REVISED and one.source == source
    ]
    if not held or not len(history):
        return ()
    window = history.tail(desk.needed(symbol)).day(0)
    return tuple(
        f"{symbol} {one.bar.day}: restated by {source}: {one.found}; decide with `mtum bars release {one.id}`"
        for one in held
        if one.bar.day >= window
    )


def vix_degraded(readings: Mapping[str, VixReading]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of series without a value, and what was found about all of them."""
    missing = tuple(name.lower() for name, reading in readings.items() if reading.for_entry is None)
    notes = tuple(text for reading in readings.values() for _, text in reading.problems)
    return missing, notes
