"""The market as it is known at the decision: history from the cache, today's bar, the VIX, all checked."""

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.app.bars.intraday import Within, asked_within, gathered_within
from mtum.app.bars.judge_today import Judged, history_today, judge_today, judge_vix, vix_degraded
from mtum.app.bars.own_volatility import own_volatilities
from mtum.app.bars.refresh_bars import refresh_each, refresh_series
from mtum.app.desk import Desk
from mtum.app.ledger.equity import LAST_CLOSE_WITHIN
from mtum.app.ledger.sleeve_records import held_lots
from mtum.app.session.ask_ahead import ask_histories, ask_quotes, own_share, read_all_within
from mtum.app.session.fit_history import fit_history, refuse
from mtum.core.market.bars import Bar, Bars, ProvisionalBar
from mtum.core.market.coverage import Dividends
from mtum.core.market.sessions import Session, Sessions
from mtum.core.market.vix import VixReading
from mtum.core.market.volume import VolumeMode, band, projected, rule_volume
from mtum.core.portfolio.sleeves import Sleeve, series_of
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.option_contract import own_series
from mtum.core.view import MarketView, calendar_around, values_before
from mtum.errors import BarsMissingError, BookMismatchError, DataError, MtumError, SourceUnavailableError, UnfitError
from mtum.ports.market_data import Quote
from mtum.ports.records import VolumeSnapshot

UNFIT = (DataError, BookMismatchError)  # the members of UnfitError, as `except` takes them
FILES_TOLD = "files_told"
"""Key in `meta` of the notes on bar files that the last decisions were given."""


class FitBars(Struct, frozen=True):
    """Today's bar of one symbol: the history up to it, how it was seen, and how it was judged."""

    history: Bars
    today: ProvisionalBar
    snapshot: VolumeSnapshot
    judged: Judged
    dividend_told: bool = True


type _Found = dict[tuple[str, int], "FitBars | UnfitError"]
"""By symbol and number of bars needed: bars may be fit for a short history and not for a long one."""
ALL = 0
"""Stands for all bars there are, from which the limits of the account are computed."""


class SleeveMarket(Struct, frozen=True):
    """The market for one sleeve: the view, what is missing in it, what bars entries, whose price is in doubt.

    Parameters
    ----------
    refused : mapping of symbol to UnfitError
        Its symbols that cannot be decided on, and why.
    """

    view: MarketView
    degraded: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    entries_barred: dict[str, str] = field(default_factory=dict)
    doubtful: frozenset[str] = frozenset()
    refused: Mapping[str, UnfitError] = field(default_factory=dict)


class GatheredMarket(Struct, frozen=True):
    """Everything that was gathered for a session, for all sleeves together.

    Parameters
    ----------
    last_closes : mapping of symbol to float or None
        Last accepted close of symbols that are not fit, or held by a sleeve that is off and not asked for, in USD.
    told : tuple of str
        What the files that were read gave to know.
    series_history : mapping of sleeve to series to session to value
        Earlier values of the extra series that a sleeve asks for.
    within : Within
        Bars within the sessions, of sleeves that ask for them.
    volatilities : mapping of series to session to value
        Implied volatility of underlyings that a sleeve ranks, where the source itself tells it.
    """

    session: Session
    sessions: Sessions
    found: Mapping[tuple[str, int], FitBars | UnfitError]
    readings: Mapping[str, VixReading]
    last_closes: Mapping[str, float | None]
    dividends: Mapping[str, Dividends]
    told: tuple[str, ...]
    series_history: Mapping[str, dict[str, dict[date, float]]]
    within: Within
    volatilities: Mapping[str, Mapping[date, float]]

    @property
    def snapshots(self) -> tuple[VolumeSnapshot, ...]:
        """The volume seen of each symbol."""
        seen = {symbol: one.snapshot for (symbol, _), one in self.found.items() if isinstance(one, FitBars)}
        return tuple(one for one in seen.values() if one.volume_so_far >= 0)  # not of an unknown volume

    @property
    def prices(self) -> dict[str, float]:
        """Today's price of each symbol in USD, of one that is not fit or not asked for the last accepted close."""
        known = {symbol: close for symbol, close in self.last_closes.items() if close is not None}
        return known | {symbol: float(bars.close[-1]) for symbol, bars in self.bars.items()}

    @property
    def bars(self) -> dict[str, Bars]:
        """The bars of each symbol that is fit, today's included, and as far back as they are cached."""
        # Several histories of a symbol may be here; the longest comes last and is the one kept.
        return {symbol: one.history for (symbol, _), one in self.found.items() if isinstance(one, FitBars)}

    def of(self, sleeve: Sleeve, held: Collection[str] = ()) -> SleeveMarket:
        """Return the market as one sleeve may look at it.

        Parameters
        ----------
        held : collection of str
            Symbols in which it has shares.

        Raises
        ------
        DataError
            If what it holds cannot be valued at all.
        """
        needed = sleeve.strategy.history_sessions()
        both = {symbol: self.found[symbol, needed] for symbol in sleeve.looks_at}
        seen = {symbol: one for symbol, one in both.items() if isinstance(one, FitBars)}
        refused = {symbol: one for symbol, one in both.items() if isinstance(one, UnfitError)}
        closes = dict(self.last_closes)
        for symbol in [*seen] if sleeve.strategy.TOTAL_RETURNS else ():
            if self.dividends[symbol] is Dividends.UNKNOWN:
                untold = "its dividends" if seen[symbol].dividend_told else "what goes ex today"
                bars = seen.pop(symbol).history
                closes[symbol] = float(bars.close[-1])
                text = f"{symbol}: {bars.source} does not tell {untold}, and {sleeve.name} needs total returns"
                refused[symbol] = BarsMissingError(text)
        for symbol, error in refused.items():
            if symbol in held and closes.get(symbol) is None:
                raise error
        readings = {name: self.readings[name] for name in sleeve.strategy.series()}
        degraded, told = vix_degraded(readings)
        own = self._volatilities(sleeve)
        frames, unseen = self.within.of(sleeve.strategy, {symbol: one.history for symbol, one in seen.items()})
        return SleeveMarket(
            view=MarketView(
                self.session.day,
                {symbol: one.history for symbol, one in seen.items()},
                {name: told[self.session.day] for name, told in own.items()} | _series(readings, held=bool(held)),
                {symbol: one.today for symbol, one in seen.items()},
                unfit={symbol: closes.get(symbol) for symbol in refused},
                calendar=_calendar(sleeve.strategy, self.sessions, self.session),
                dividends={symbol: self.dividends[symbol] for symbol in seen} if sleeve.strategy.TOTAL_RETURNS else {},
                series_history=_earlier(own, sleeve.strategy, self.session.day) | self.series_history[sleeve.name],
                intraday=frames,
            ),
            degraded=(*degraded, *refused),
            notes=(
                *(note for one in seen.values() for note in one.judged.notes),
                *told,
                *unseen,
                *self.told,
                *(f"{symbol} not decided: {error}" for symbol, error in refused.items()),
            ),
            entries_barred={symbol: one.judged.entry_bar for symbol, one in seen.items() if one.judged.entry_bar},
            doubtful=frozenset(symbol for symbol, one in seen.items() if one.judged.doubtful),
            refused=refused,
        )

    def _volatilities(self, sleeve: Sleeve) -> dict[str, Mapping[date, float]]:
        names = own_series(sleeve.strategy)
        return {name: self.volatilities[name] for name in names if name in self.volatilities}


def gather(
    desk: Desk, session: Session, sessions: Sessions, at: datetime, unfit: Mapping[str, UnfitError] | None = None
) -> GatheredMarket:
    """Return the market of a session at an instant, each symbol and series once for all sleeves.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    session : Session
        The session, with its open and close.
    sessions : Sessions
        A gapless run of sessions, oldest first, with look-ups by date.
    at : datetime
        Instant of the decision, UTC.
    unfit : mapping of symbol to UnfitError, optional
        Symbols known before not to be fit, and why.

    Raises
    ------
    DataError
        If no sleeve can decide anything.
    """
    found: _Found = {}
    closes: dict[str, float | None] = {}
    lengths: dict[str, set[int]] = {}
    for sleeve in desk.deciding:
        needed = sleeve.strategy.history_sessions()
        for symbol in sleeve.looks_at:
            lengths.setdefault(symbol, set()).add(needed)
    ask_quotes(desk, [one for one in lengths if one not in (unfit or {})], (session, sessions, at))
    for symbol, asked_for in lengths.items():
        needs = sorted(asked_for, reverse=True)
        refused = (unfit or {}).get(symbol)
        found |= (
            dict.fromkeys(((symbol, n) for n in needs), refused)
            if refused
            else _fit(desk, symbol, needs, (session, sessions, at))
        )
        if any(isinstance(found[symbol, needed], UnfitError) for needed in needs):
            _go_on(desk, found)
            closes[symbol] = None
    silent = (one for one in desk.sleeves if not one.decides)
    held = {lot.symbol for one in silent for lot in desk.store.ledger.lots(one.name)}
    for symbol in (*closes, *held.difference(lengths)):
        before = desk.store.bars.bars(symbol, desk.source.name, session.day - LAST_CLOSE_WITHIN).until(session.day)
        closes[symbol] = float(before.close[-1]) if len(before) else None
    readings = {name: judge_vix(desk, name, session, at) for name in series_of(desk.deciding)}
    seen = {symbol: one for (symbol, _), one in found.items() if isinstance(one, FitBars)}
    kinds = {
        symbol: desk.source.coverage(symbol).dividends if one.dividend_told else Dividends.UNKNOWN
        for symbol, one in seen.items()
    }
    earlier = {one.name: _series_history(desk, one.strategy, session.day) for one in desk.deciding}
    asked = asked_within(one.strategy for one in desk.deciding)
    failed = read_all_within(desk, asked, session, at) if asked else {}
    within = gathered_within(desk, asked, session, at, failed)
    own = own_volatilities(desk, session)
    told = news_of_files(desk)
    return GatheredMarket(session, sessions, found, readings, closes, kinds, told, earlier, within, own)


def _series_history(desk: Desk, strategy: Strategy, day: date) -> dict[str, dict[date, float]]:
    count = strategy.SERIES_SESSIONS - 1
    if not count:
        return {}
    since = day - timedelta(days=round(count * 1.5) + 15)
    closes = {name: desk.store.bars.series(name, desk.source.name, since) for name in strategy.series()}
    return _earlier(closes, strategy, day)


def _earlier(told: Mapping[str, Mapping[date, float]], strategy: Strategy, day: date) -> dict[str, dict[date, float]]:
    return {name: values_before(values, day, strategy.SERIES_SESSIONS - 1) for name, values in told.items()}


def news_of_files(desk: Desk) -> tuple[str, ...]:
    """Return what the files gave to know that no decision has been told yet."""
    known = json.loads(desk.store.control.meta(FILES_TOLD) or "[]")
    return tuple(text for text in dict.fromkeys(desk.told) if text not in known)


def note_files(desk: Desk) -> None:
    """Remember that a decision has been told what the files gave to know; what changes in them is told again."""
    if news_of_files(desk):
        desk.store.control.set_meta(FILES_TOLD, json.dumps(list(dict.fromkeys(desk.told)), allow_nan=False))


def refresh_universe(desk: Desk, session: Session, sessions: Sessions) -> dict[str, UnfitError]:
    """Bring the bars of every symbol up to date; return the symbols that could not be, and why.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    session : Session
        The session, with its open and close.
    sessions : Sessions
        A gapless run of sessions, oldest first, with look-ups by date.

    Raises
    ------
    DataError
        If no sleeve can decide anything.
    """
    refused: dict[str, UnfitError] = {}
    symbols = dict.fromkeys(symbol for sleeve in desk.deciding for symbol in sleeve.looks_at)
    if len(desk.deciding) < len(desk.sleeves):
        # What a sleeve holds that is off splits as all else does, and its lots follow before anything is decided.
        off = {one.name for one in desk.sleeves if not one.decides}
        symbols |= dict.fromkeys(one.symbol for one in held_lots(desk.store) if one.strategy in off)
    ask_histories(desk, tuple(symbols), session, sessions)
    for symbol, found in refresh_each(desk, tuple(symbols), session, sessions):
        if isinstance(found, UNFIT):
            refused[symbol] = found
            every = [(name, one.strategy.history_sessions()) for one in desk.deciding for name in one.looks_at]
            _go_on(desk, {(name, needed): refused[name] for name, needed in every if name in refused})
        elif isinstance(found, MtumError):
            raise found
    for name in series_of(one for one in desk.deciding if one.strategy.SERIES_SESSIONS > 1):
        with suppress(SourceUnavailableError):  # the strategy then sees fewer values, and judges by itself
            refresh_series(desk, name, session, sessions)
    if asked := asked_within(one.strategy for one in desk.deciding):
        # What is over is read now; at the snapshot only today's bars are left. What fails now is asked again then.
        read_all_within(desk, asked, session, desk.clock.now(), early=True)
    return refused


def _calendar(strategy: Strategy, sessions: Sessions, session: Session) -> tuple[date, ...]:
    if not strategy.CALENDAR:
        return ()
    return calendar_around(tuple(one.day for one in sessions), session.day, strategy.history_sessions())


def _go_on(desk: Desk, found: Mapping[tuple[str, int], FitBars | UnfitError]) -> None:
    # Without any symbol, or for a strategy that weighs its symbols against each other, there is no decision.
    stuck = []
    for sleeve in desk.deciding:
        needed = sleeve.strategy.history_sessions()
        known = {symbol: found.get((symbol, needed)) for symbol in sleeve.looks_at}
        errors = {symbol: one for symbol, one in known.items() if isinstance(one, UnfitError)}
        if errors and sleeve.is_stuck(errors):
            stuck.append(next(iter(errors.values())))
    if stuck and len(stuck) == len(desk.deciding):
        raise stuck[0]


def _fit(desk: Desk, symbol: str, needs: Sequence[int], when: tuple[Session, Sessions, datetime]) -> _Found:
    """Return the symbol for each length of history asked for, longest first: today's bar is asked for once."""
    session, sessions, at = when
    found: _Found = {}
    for index, needed in enumerate(needs):
        try:
            history = fit_history(desk, symbol, session, sessions, needed)
        except UNFIT as error:
            found[symbol, needed] = error
            continue
        rest = needs[index:]
        try:
            seen = seen_today(desk, history, session, at)
            desk.store.quarantine.keep_out(seen.judged.held)
            refuse(seen.judged.blocking)
        except UNFIT as error:
            return found | dict.fromkeys(((symbol, less) for less in rest), error)
        found |= {(symbol, less): replace(seen, history=seen.history.tail(less)) for less in rest}
        return {**found, (symbol, ALL): seen}
    return found


def seen_today(desk: Desk, history: Bars, session: Session, at: datetime) -> FitBars:
    """Ask for today's bar and judge it; nothing is kept.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    history : Bars
        Finished bars up to the session before; none where they are not at hand: the bar is judged by itself.
    session : Session
        The session, with its open and close.
    at : datetime
        Instant of the decision, UTC.

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
    return FitBars(history.extended(today.bar), today, snapshot, judged, quote.dividend_told)


def _today(
    desk: Desk, session: Session, quote: Quote, minutes: float, history: Bars
) -> tuple[VolumeSnapshot, ProvisionalBar]:
    mode = VolumeMode(desk.settings.market.volume_mode)
    own = own_share(desk, quote.symbol, session, minutes)
    usual = own.share if own.proven else desk.source.volume_share(quote.symbol, session, minutes) or own.share
    # In the first minutes after the open no volume projection is possible.
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
