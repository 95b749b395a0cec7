"""The market as it is known at the decision: history from the cache, today's bar, the VIX, all checked."""

from dataclasses import dataclass, field
from datetime import datetime

from mtum.app.desk import Desk
from mtum.core.market.bars import Bar, Bars
from mtum.core.market.sessions import Session, Sessions
from mtum.core.market.validation import (
    BarProblem,
    Confirmation,
    problems_in_history,
    provisional_problems,
    session_days,
)
from mtum.core.market.view import MarketView, ProvisionalBar
from mtum.core.market.volume import ObservedShare, VolumeMode, projected, rule_volume, usual_share
from mtum.errors import BarsInvalidError, BarsMissingError
from mtum.ports.market_data import Quote
from mtum.ports.records import VolumeSnapshot

VIX_RANGE = (5.0, 150.0)
VIX_MAX_AGE_MINUTES = 20.0


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was gathered: the view, what is missing in it, and what bars entries or exits per symbol."""

    view: MarketView
    degraded: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    entries_barred: dict[str, str] = field(default_factory=dict)
    snapshots: tuple[VolumeSnapshot, ...] = ()


def gather(desk: Desk, session: Session, sessions: Sessions, at: datetime) -> Gathered:
    """Return the market view of a session at an instant.

    Raises
    ------
    DataError
        If history or today's bar is not fit to decide.
    """
    strategy = desk.strategy
    minutes = (session.close - at).total_seconds() / 60
    bars: dict[str, Bars] = {}
    provisional: dict[str, ProvisionalBar] = {}
    snapshots: list[VolumeSnapshot] = []
    barred: dict[str, str] = {}
    for symbol in strategy.universe():
        history = fit_history(desk, symbol, session, sessions, strategy.history_sessions())
        quote = desk.source.quote(symbol, session, at)
        snapshot, today = _today(desk, session, quote, minutes, history)
        problems = provisional_problems(
            history, today, at, desk.settings.market.spike_multiple, Confirmation(quote.midpoint), delayed=quote.delayed
        )
        _refuse([problem for problem in problems if problem.blocks_exit])
        if problems:
            barred[symbol] = "unconfirmed"
        bars[symbol] = history.extended(today.bar).tail(strategy.history_sessions())
        provisional[symbol] = today
        snapshots.append(snapshot)
    series, degraded, notes = _series(desk, session, at)
    view = MarketView(session.day, bars, series, provisional)
    return Gathered(view, degraded, notes, barred, tuple(snapshots))


def fit_history(desk: Desk, symbol: str, session: Session, sessions: Sessions, needed: int) -> Bars:
    """Return the cached bars before the session, at least `needed` with today's.

    Raises
    ------
    BarsMissingError, BarsInvalidError
        Naming the first session that is missing or breaks a rule.
    """
    cached = desk.store.bars.bars(symbol, desk.source.name)
    before = sessions.before(session.day)
    history = cached.until(before.day) if before else cached.until(session.day).tail(0)
    if len(history) + 1 < needed:
        raise BarsMissingError(
            f"{symbol}: {len(history)} finished bars from {desk.source.name} before {session.day}, "
            f"{needed - 1} needed; run `mtum bars sync`"
        )
    window = sessions.between(history.day(len(history) - needed + 1) if needed > 1 else session.day, session.day)
    expected = [one.day for one in window if one.day < session.day]
    released = desk.store.quarantine.released(symbol, desk.source.name)
    _refuse(
        problems_in_history(
            history.since(expected[0]) if expected else history.tail(0),
            session_days(expected),
            split_explains_jump=desk.source.name == "csv",
            released=released,
        )
    )
    return history


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
        for one in desk.store.control.snapshots(quote.symbol, quote.source)
        if one.final_volume and one.session < session.day
    ]
    usual = usual_share(observed, minutes, desk.source.volume_share(quote.symbol, session, minutes))
    share = usual.share if usual else None
    volume = rule_volume(mode, quote.volume, share, float(history.volume[-1]) if len(history) else float("nan"))
    bar = Bar(
        quote.session, quote.open, quote.high, quote.low, quote.close, round(volume, 6), quote.dividend, quote.split
    )
    snapshot = VolumeSnapshot(
        symbol=quote.symbol,
        source=quote.source,
        session=session.day,
        minutes=minutes,
        volume_so_far=quote.volume,
        share=share,
        projected=projected(quote.volume, share) if share else None,
        half_day=session.half_day,
    )
    return snapshot, ProvisionalBar(bar, quote.volume, share, quote.seen_at, quote.midpoint)


def _series(
    desk: Desk, session: Session, at: datetime
) -> tuple[dict[str, float | None], tuple[str, ...], tuple[str, ...]]:
    values: dict[str, float | None] = {}
    degraded: list[str] = []
    notes: list[str] = []
    for name in desk.strategy.series():
        found = desk.source.series(name, session, at)
        why = None
        if found is None:
            why = f"{name}: {desk.source.name} has no value"
        elif found.delayed:
            why = f"{name}: the feed is delayed"
        elif not VIX_RANGE[0] <= found.value <= VIX_RANGE[1]:
            why = f"{name}: {found.value:g} is not possible (5 to 150)"
        elif (at - found.seen_at).total_seconds() > VIX_MAX_AGE_MINUTES * 60:
            why = f"{name}: last seen {found.seen_at:%Y-%m-%d %H:%M} UTC, older than {VIX_MAX_AGE_MINUTES:g} minutes"
        values[name] = found.value if found is not None and why is None else None
        if why is not None:
            degraded.append(name.lower())
            notes.append(why)
    return values, tuple(degraded), tuple(notes)
