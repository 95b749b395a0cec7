"""The market as it is known at the decision: history from the cache, today's bar, the VIX, all checked."""

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from mtum.app.bars.judge_today import Judged, history_today, judge_today, judge_vix, vix_degraded
from mtum.app.bars.kept_out import explained, kept_out, why
from mtum.app.bars.refresh_bars import refresh_bars, refresh_series
from mtum.app.desk import Desk, Problem
from mtum.app.ledger.equity import LAST_CLOSE_WITHIN
from mtum.core.market.bars import Bar, Bars, ProvisionalBar
from mtum.core.market.sessions import Session, Sessions
from mtum.core.market.sifting import CONTEXT_SESSIONS
from mtum.core.market.validation import BarProblem, problems_in_history, session_days
from mtum.core.market.vix import VixReading
from mtum.core.market.volume import (
    LEARNING_DAYS,
    ObservedShare,
    VolumeMode,
    band,
    projected,
    rule_volume,
    usual_share,
)
from mtum.core.strategies.contract import Strategy
from mtum.core.view import MarketView, calendar_around, values_before
from mtum.errors import BarsInvalidError, BarsMissingError, DataError, SourceUnavailableError
from mtum.ports.market_data import Quote
from mtum.ports.records import VolumeSnapshot

FILES_TOLD = "files_told"
"""Fact of a database: what its last decisions were told of the files that were read."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was gathered: the view, what is missing in it, what bars entries, whose price is in doubt.

    `problems` are held symbols that could not be decided.
    """

    view: MarketView
    degraded: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    entries_barred: dict[str, str] = field(default_factory=dict)
    snapshots: tuple[VolumeSnapshot, ...] = ()
    doubtful: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()


def gather(
    desk: Desk,
    session: Session,
    sessions: Sessions,
    at: datetime,
    held: Collection[str] = (),
    unfit: Mapping[str, DataError] | None = None,
) -> Gathered:
    """Return the market view of a session at an instant.

    Parameters
    ----------
    held : collection of str
        Symbols in which the strategy has shares.
    unfit : mapping of symbol to DataError, optional
        Symbols known before not to be fit, and why.

    Raises
    ------
    DataError
        If history or today's bar is not fit to decide: of every symbol, or of one where the strategy needs all.
    """
    strategy = desk.strategy
    refused = dict(unfit or {})
    seen: list[Seen] = []
    symbols = (*strategy.universe(), *strategy.reads())
    for symbol in symbols:
        if symbol in refused:
            continue
        try:
            seen.append(_fit(desk, symbol, session, sessions, at))
        except DataError as error:
            refused[symbol] = error
            _go_on(desk, refused)
    readings = {name: judge_vix(desk, name, session, at) for name in strategy.series()}
    degraded, found = vix_degraded(readings)
    ordered = {symbol: refused[symbol] for symbol in symbols if symbol in refused}
    view = MarketView(
        session.day,
        {one.history.symbol: one.history for one in seen},
        _series(readings, held=bool(held)),
        {one.history.symbol: one.today for one in seen},
        unfit={symbol: _last_close(desk, symbol, session, error, held) for symbol, error in ordered.items()},
        calendar=_calendar(strategy, sessions, session),
        dividends={one.history.symbol: desk.source.coverage(one.history.symbol).dividends for one in seen}
        if strategy.TOTAL_RETURNS
        else {},
        series_history=_series_history(desk, strategy, session.day),
    )
    return Gathered(
        view=view,
        degraded=(*degraded, *ordered),
        notes=(
            *(note for one in seen for note in one.judged.notes),
            *found,
            *news_of_files(desk),
            *(f"{symbol} not decided: {error}" for symbol, error in ordered.items()),
        ),
        entries_barred={one.history.symbol: one.judged.entry_bar for one in seen if one.judged.entry_bar},
        snapshots=tuple(one.snapshot for one in seen if one.snapshot.volume_so_far >= 0),  # not of an unknown volume
        doubtful=frozenset(one.history.symbol for one in seen if one.judged.doubtful),
        problems=tuple(
            Problem(error.exit_code, f"{symbol} is held and was not decided, nothing was ordered in it: {error}")
            for symbol, error in ordered.items()
            if symbol in held
        ),
    )


def _series_history(desk: Desk, strategy: Strategy, day: date) -> dict[str, dict[date, float]]:
    count = strategy.SERIES_SESSIONS - 1
    if not count:
        return {}
    since = day - timedelta(days=round(count * 1.5) + 15)
    closes = {name: desk.store.bars.series(name, desk.source.name, since) for name in strategy.series()}
    return {name: values_before(values, day, count) for name, values in closes.items()}


def _calendar(strategy: Strategy, sessions: Sessions, session: Session) -> tuple[date, ...]:
    if not strategy.CALENDAR:
        return ()
    return calendar_around(tuple(one.day for one in sessions), session.day, strategy.history_sessions())


def news_of_files(desk: Desk) -> tuple[str, ...]:
    """Return what the files gave to know that no decision has been told yet."""
    known = json.loads(desk.store.control.meta(FILES_TOLD) or "[]")
    return tuple(text for text in dict.fromkeys(desk.told) if text not in known)


def note_files(desk: Desk) -> None:
    """Remember that a decision has been told what the files gave to know; what changes in them is told again."""
    if news_of_files(desk):
        desk.store.control.set_meta(FILES_TOLD, json.dumps(list(dict.fromkeys(desk.told)), allow_nan=False))


def refresh_universe(desk: Desk, session: Session, sessions: Sessions) -> dict[str, DataError]:
    """Bring the bars of every symbol up to date; return the symbols that could not be, and why.

    Raises
    ------
    DataError
        If nothing can be decided without the symbol.
    """
    refused: dict[str, DataError] = {}
    for symbol in (*desk.strategy.universe(), *desk.strategy.reads()):
        try:
            refresh_bars(desk, symbol, session, sessions)
        except DataError as error:
            refused[symbol] = error
            _go_on(desk, refused)
    for name in desk.strategy.series() if desk.strategy.SERIES_SESSIONS > 1 else ():
        with suppress(SourceUnavailableError):  # fewer values are seen as fewer
            refresh_series(desk, name, session, sessions)
    return refused


def _go_on(desk: Desk, refused: Mapping[str, DataError]) -> None:
    # Without any symbol, or for a strategy that weighs its symbols against each other, there is no decision.
    if not desk.strategy.EACH_BY_ITSELF or refused.keys() >= {*desk.strategy.universe()}:
        raise next(iter(refused.values()))


def _last_close(desk: Desk, symbol: str, session: Session, error: DataError, held: Collection[str]) -> float | None:
    before = desk.store.bars.bars(symbol, desk.source.name, session.day - LAST_CLOSE_WITHIN).until(session.day)
    if symbol in held and not len(before):
        raise error  # what is held cannot be valued at all
    return float(before.close[-1]) if len(before) else None


@dataclass(frozen=True, slots=True)
class Seen:
    """Today's bar of one symbol: the history up to it, how it was seen, and how it was judged."""

    history: Bars
    today: ProvisionalBar
    snapshot: VolumeSnapshot
    judged: Judged


def _fit(desk: Desk, symbol: str, session: Session, sessions: Sessions, at: datetime) -> Seen:
    needed = desk.strategy.history_sessions()
    found = seen_today(desk, fit_history(desk, symbol, session, sessions, needed), session, at)
    desk.store.quarantine.keep(found.judged.held)
    _refuse(found.judged.blocking)
    return replace(found, history=found.history.tail(needed))


def seen_today(desk: Desk, history: Bars, session: Session, at: datetime) -> Seen:
    """Ask for today's bar and judge it; nothing is kept.

    Parameters
    ----------
    history : Bars
        Finished bars up to the session before; none where they are not at hand: the bar is judged by itself.

    Raises
    ------
    DataError
        If the source has no such bar.
    """
    quote = desk.source.quote(history.symbol, session, at)
    history = history_today(desk, history, quote)
    minutes = (session.close - at).total_seconds() / 60
    snapshot, today = _today(desk, session, quote, minutes, history)
    judged = judge_today(desk, history, today, quote, at)
    return Seen(history.extended(today.bar), today, snapshot, judged)


def fit_history(desk: Desk, symbol: str, session: Session, sessions: Sessions, needed: int) -> Bars:
    """Return the cached bars before the session, at least `needed` with today's.

    Raises
    ------
    BarsMissingError, BarsInvalidError
        Naming the first session that is missing or breaks a rule.
    """
    cached = desk.store.bars.bars(symbol, desk.source.name, sessions.known[0].day)
    before = sessions.before(session.day)
    history = cached.until(before.day) if before else cached.until(session.day).tail(0)
    if len(history) + 1 < needed:
        expected = [one.day for one in sessions if one.day < session.day][1 - needed :]
        raise BarsMissingError(_why_short(desk, history, expected) or _too_short(history, session, needed))
    window = sessions.between(history.day(len(history) - needed + 1) if needed > 1 else session.day, session.day)
    expected = [one.day for one in window if one.day < session.day]
    released = desk.store.quarantine.released(symbol, desk.source.name)
    # The bars before the window are what its first moves are measured against.
    judged = history.tail(len(expected) + CONTEXT_SESSIONS) if expected else history.tail(0)
    problems = problems_in_history(judged, session_days(expected), released=released)
    _refuse(explained(problems, kept_out(desk.store, symbol, desk.source.name)))
    return history


def _why_short(desk: Desk, history: Bars, expected: Sequence[date]) -> str | None:
    """Name the first session missing between bars that are there, and why its bar was kept out."""
    gaps = [day for day in expected if len(history) and day > history.day(0) and history.find(day) is None]
    if not gaps:
        return None
    more = f" (and {len(gaps) - 1} more)" if len(gaps) > 1 else ""
    known = kept_out(desk.store, history.symbol, history.source).get(gaps[0])
    reason = why(known) if known else f"{history.source} has no bar"
    return f"{history.symbol} {gaps[0]} is missing, {reason}{more}"


def _too_short(history: Bars, session: Session, needed: int) -> str:
    name = history.source
    return f"{history.symbol}: {len(history)} finished bars from {name} before {session.day}, {needed - 1} needed"


def _refuse(problems: tuple[BarProblem, ...] | list[BarProblem]) -> None:
    if not problems:
        return
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    kind = BarsMissingError if first.rule.value == "missing_session" else BarsInvalidError
    raise kind(first.text + more)


def _today(
    desk: Desk, session: Session, quote: Quote, minutes: float, history: Bars
) -> tuple[VolumeSnapshot, ProvisionalBar]:
    mode = VolumeMode(desk.settings.market.volume_mode)
    observed = [
        ObservedShare(one.session, one.minutes, one.volume_so_far / one.final_volume, one.half_day)
        for one in desk.store.control.snapshots(quote.symbol, quote.source, session.day - timedelta(LEARNING_DAYS))
        if one.final_volume and one.session < session.day
    ]
    usual = usual_share(observed, minutes, desk.source.volume_share(quote.symbol, session, minutes))
    # Right after the opening nothing can be told yet.
    usual = usual if usual and usual.share > 0 else None
    share = usual.share if usual else None
    volume = rule_volume(mode, quote.volume, share, float(history.volume[-1]) if len(history) else float("nan"))
    bar = Bar(
        quote.session, quote.open, quote.high, quote.low, quote.close, round(volume, 6), quote.dividend, quote.split
    )
    low, high = (band(quote.volume, usual) if usual else None) or (None, None)
    snapshot = VolumeSnapshot(
        symbol=quote.symbol,
        source=quote.source,
        session=session.day,
        minutes=minutes,
        volume_so_far=quote.volume,
        share=share,
        projected=projected(quote.volume, share) if share else None,
        half_day=session.half_day,
        projected_low=low,
        projected_high=high,
        learned_sessions=usual.learned_sessions if usual else 0,
    )
    return snapshot, ProvisionalBar(bar, quote.volume, share, quote.seen_at, quote.midpoint)


def _series(readings: Mapping[str, VixReading], *, held: bool) -> dict[str, float | None]:
    # Two sources that disagree: entries see the higher value, exits the lower.
    return {name: reading.for_exit if held else reading.for_entry for name, reading in readings.items()}
