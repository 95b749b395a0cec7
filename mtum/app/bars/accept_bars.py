"""What one answer of a source does to the cache: accept, record revisions, keep bad bars out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from math import isnan, prod

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from mtum.app.bars.bar_desk import BarDesk
from mtum.app.bars.restatements import BY_SOURCE, released, same_numbers, supported
from mtum.core.market.bars import Bar, Bars, Days, among, selected
from mtum.core.market.merging import BasisProblem, Change, Merge, NewSplit, before_split, merge
from mtum.core.market.sessions import Session
from mtum.core.market.sifting import CONTEXT_SESSIONS, sifted
from mtum.core.market.validation import BarProblem, disagreements, session_days
from mtum.core.market.volume import projection_error
from mtum.errors import BarsRestatedError, DataError, MtumError
from mtum.ports.market_data import told_dividends
from mtum.ports.records import QuarantinedBar, Revision, VolumeSnapshot
from mtum.ports.store import Store

FINAL_AFTER = timedelta(hours=2)
"""A bar read this long after its close is final."""
REVISED = "revised"
"""Rule word of a bar kept out because it restates an accepted one beyond tolerance."""
REBASED_SOURCES = ("csv",)
"""File sources, whose prices are adjusted for every split already: there a split only explains a jump."""
_BASIS_TEXT = {
    BasisProblem.SPLIT_NOT_APPLIED: "it lists a split but has not re-based the prices before it",
    BasisProblem.SPLIT_APPLIED_WRONGLY: "it lists a split, but the prices before it moved by another ratio",
    BasisProblem.SPLIT_NOT_LISTED: "its prices moved by a constant ratio and it lists no split; another symbol?",
}


def final_until(sessions: Sequence[Session], at: datetime) -> date | None:
    """Return the newest session whose bar is final when read at that instant."""
    return next((one.day for one in reversed(sessions) if one.close + FINAL_AFTER <= at), None)


class Reading(Struct, frozen=True):
    """One answer of the source beside what the cache holds.

    Parameters
    ----------
    cached : Bars
        What is cached of the wanted sessions, or more.
    wanted : tuple of Session
        Finished sessions that have to be there; bars of other days are dropped.
    at : datetime
        When it was read.
    session : Session or None
        Today's, where a split may be effective before its bar is finished.
    trusted : bool
        A person gave these bars and means them: every change is accepted.
    """

    cached: Bars
    fresh: Bars
    wanted: tuple[Session, ...]
    at: datetime
    session: Session | None = None
    trusted: bool = False

    @property
    def final_until(self) -> date | None:
        """The newest wanted session that was read long enough after its close; a person's bars are final."""
        if self.trusted:
            return self.fresh.last_day if len(self.fresh) else None
        return final_until(self.wanted, self.at)


class Refresh(Struct, frozen=True):
    """What came of one reading.

    Parameters
    ----------
    last_session : date or None
        Newest session in the cache afterwards.
    read, written : int
        Bars read from the source; rows written to the cache.
    problems : tuple of BarProblem
        What is wrong now, bars kept out included; the daily job judges its own window again.
    revisions : tuple of Revision
        Newly recorded ones, accepted or not.
    notes : tuple of str
        What a person may want to know.
    turned_away : bool
        The cache is complete, and the source refused to be asked again so soon.
    """

    symbol: str
    source: str
    last_session: date | None
    read: int = 0
    written: int = 0
    problems: tuple[BarProblem, ...] = ()
    revisions: tuple[Revision, ...] = ()
    splits: tuple[NewSplit, ...] = ()
    notes: tuple[str, ...] = ()
    turned_away: bool = False


class _Judged(Struct, frozen=True):
    # `supported` restatements are accepted on the second source's word, and held for a person all the same.
    joined: Merge
    supported: tuple[Change, ...]
    kept_out: tuple[tuple[Bar, BarProblem], ...]
    problems: tuple[BarProblem, ...]

    @property
    def split_withheld(self) -> bool:
        """A split is accepted together with every bar that shows it, or not at all."""
        return bool(self.joined.splits and self.kept_out)

    @property
    def changes(self) -> tuple[Change, ...]:
        return self.joined.refused if self.split_withheld else self.joined.changes


class Answer(Struct, frozen=True):
    """One answer of the source as it was judged; nothing of it is written yet.

    Parameters
    ----------
    refresh : Refresh
        What has come of it once it is accepted.
    written : Bars
        Rows for the cache.
    kept_out : tuple of QuarantinedBar
        Bars to keep out.
    told_by : str
        Who told its dividends, where that is news to the store.
    """

    refresh: Refresh
    reading: Reading
    written: Bars
    kept_out: tuple[QuarantinedBar, ...]
    told_by: str = ""

    @property
    def writes(self) -> bool:
        """Whether anything is to be written."""
        # A revision is one of a row that is written, or of a bar that is kept out.
        return bool(len(self.written) or self.kept_out or self.told_by)

    def put_right(self, held: Iterable[QuarantinedBar]) -> list[QuarantinedBar]:
        """Return which of the bars kept out before the source has put right."""
        out, fresh = {(one.bar.day, one.rule) for one in self.kept_out}, self.reading.fresh
        return [
            one
            for one in held
            if (one.symbol, one.source) == (fresh.symbol, fresh.source)
            and (one.bar.day, one.rule) not in out
            and fresh.find(one.bar.day) is not None
            and (one.rule != REVISED or not same_numbers(one.bar, fresh))
        ]


def judge_answer(desk: BarDesk, reading: Reading) -> Answer:
    """Return what an answer of the source does to the cache; sources are asked, and nothing is written.

    Raises
    ------
    BarsRestatedError
        If prices and splits of the source contradict the cache.
    """
    days = session_days(tuple([one.day for one in reading.wanted]))
    reading = replace(reading, fresh=selected(reading.fresh, among(reading.fresh.days, days)))
    symbol, source = reading.cached.symbol, reading.cached.source
    before = desk.store.bars.last_final(symbol, source)
    judged = _judge(desk, reading, days, before)
    if judged.joined.splits:
        reading = replace(reading, cached=desk.store.bars.bars(symbol, source))
        judged = _judge(desk, reading, days, before)
    written = _written(reading, judged, before)
    newest = [bars.last_day for bars in (reading.cached, written) if len(bars)]
    problems = (*(problem for _, problem in judged.kept_out), *judged.problems, *_second_opinion(desk, written))
    refresh = Refresh(
        symbol=symbol,
        source=source,
        last_session=max(newest, default=None),
        read=len(reading.fresh),
        written=len(written),
        problems=tuple(dict.fromkeys(problems)),
        revisions=tuple(_new_revisions(desk, reading, judged)) if len(written) or judged.joined.refused else (),
        splits=judged.joined.splits if len(written) else (),
    )
    return Answer(refresh, reading, written, _kept_out(reading, judged))


def accept_bars(store: Store, answers: Sequence[Answer]) -> None:
    """Bring judged answers, each of another symbol, into the cache: all of them or none, in one transaction."""
    if not answers:
        return
    # Asked for all at once: most days hardly any symbol has such a bar, or a snapshot that waits.
    symbols = [one.refresh.symbol for one in answers]
    held = store.quarantine.kept_out(*symbols, held=True)
    waiting = store.volumes.waiting(answers[0].refresh.source, symbols)
    right = [one.put_right(held) for one in answers]
    if not (waiting or any(right) or any(one.writes for one in answers)):
        return
    with store.together(flushed=False):
        for one, put_right in zip(answers, right, strict=True):
            reading, refresh = one.reading, one.refresh
            store.quarantine.keep_out(one.kept_out)
            for bar in put_right:
                store.quarantine.release_bar(bar.id, BY_SOURCE, reading.at)
            store.bars.accept(one.written, reading.at, reading.final_until, refresh.revisions)
            if one.told_by:
                store.control.set_meta(told_dividends(refresh.symbol, refresh.source), one.told_by)
        learn_volumes(store, waiting, {one.refresh.symbol: one.refresh.splits for one in answers})


def _judge(desk: BarDesk, reading: Reading, days: Days, before: date | None) -> _Judged:
    fresh = reading.fresh
    kept_out: list[tuple[Bar, BarProblem]] = []
    while True:
        joined, on_second_word = _merged(desk, replace(reading, fresh=fresh), before)
        region = _region(joined.bars, reading)
        expected = days[days.searchsorted(region.days[0]) :] if len(region) else days
        new = frozenset(fresh.days.astype(object).tolist())
        found = sifted(region, new, expected, frozenset())
        if found.kept_out or found.problems:  # else a person's word changes nothing
            accepted = desk.store.quarantine.released_days(reading.cached.symbol, reading.cached.source)
            found = sifted(region, new, expected, accepted)
        if not found.kept_out:
            return _Judged(joined, on_second_word, tuple(kept_out), found.problems)
        kept_out += found.kept_out
        # A bad value must not replace a good one: without it the cached bar stays, and is judged again.
        bad = session_days(tuple(sorted(bar.day for bar, _ in found.kept_out)))
        if not among(bad, reading.cached.days).any():
            return _Judged(joined, on_second_word, tuple(kept_out), found.problems)
        fresh = selected(fresh, ~among(fresh.days, bad))


def _region(bars: Bars, reading: Reading) -> Bars:
    # What new bars can make doubtful: themselves, and what the rules compare them with.
    first = reading.fresh.days[:1] if len(reading.fresh) else bars.days[-1:]
    start = int(np.searchsorted(bars.days, first[0])) if len(first) else 0
    return bars.tail(len(bars) - max(0, start - CONTEXT_SESSIONS))


def _merged(desk: BarDesk, reading: Reading, before: date | None) -> tuple[Merge, tuple[Change, ...]]:
    cached, fresh = reading.cached, reading.fresh
    if reading.trusted:
        given = frozenset(fresh.days.astype(object).tolist())
        return merge(cached, fresh, before, given, split_rebases=_rebases(cached), check_basis=False), ()
    joined = merge(cached, fresh, before, split_rebases=_rebases(cached))
    coming = _coming_split(desk, reading) if joined.basis is BasisProblem.SPLIT_NOT_LISTED else None
    if coming is not None:
        # Effective today: the cache keeps the old basis until today's bar, which carries it, is final.
        fresh = before_split(fresh, coming)
        joined = merge(cached, fresh, before)
    if joined.basis is not None:
        raise BarsRestatedError(
            f"{cached.symbol}: {cached.source} contradicts the accepted bars: {_BASIS_TEXT[joined.basis]}; "
            f"nothing was accepted; {_way_out(cached)}"
        )
    if not joined.refused:
        return joined, ()
    by_person = released(desk, fresh)
    by_second = supported(desk, cached.symbol, joined.refused) - by_person
    agreed = merge(cached, fresh, before, by_person | by_second, split_rebases=_rebases(cached))
    return agreed, tuple(change for change in joined.refused if change.session in by_second)


def _way_out(cached: Bars) -> str:
    if cached.source in REBASED_SOURCES:
        return "put its file back as it was, or begin with a fresh --data-dir"
    return "if the cache is wrong, replace it with `mtum bars import`"


def _rebases(cached: Bars) -> bool:
    return cached.source not in REBASED_SOURCES


def _coming_split(desk: BarDesk, reading: Reading) -> NewSplit | None:
    if reading.session is None or reading.session.day <= reading.wanted[-1].day or not _rebases(reading.cached):
        return None
    try:
        quote = desk.source.quote(reading.cached.symbol, reading.session, reading.at)
    except DataError:
        return None
    return NewSplit(reading.session.day, quote.split) if quote.split not in (0.0, 1.0) else None


def _kept_out(reading: Reading, judged: _Judged) -> tuple[QuarantinedBar, ...]:
    symbol, source = reading.cached.symbol, reading.cached.source
    held = {(bar.day, problem.rule.value): (bar, problem.found) for bar, problem in judged.kept_out}
    for change in (*judged.joined.refused, *judged.supported):
        bar = reading.fresh.find(change.session)
        if bar is not None:
            _, found = held.get((bar.day, REVISED), (bar, ""))
            said = f"{change.column} {change.before:g} is now {change.after:g}"
            said += ", as the second source says too" if change in judged.supported else ""
            held[bar.day, REVISED] = (bar, f"{found}, {said}" if found else said)
    return tuple(
        QuarantinedBar(symbol, source, bar, rule, found, reading.at) for (_, rule), (bar, found) in held.items()
    )


def _written(reading: Reading, judged: _Judged, before: date | None) -> Bars:
    """Return the rows to write: those that differ, and those that have become final."""
    joined = judged.joined
    newest = reading.final_until
    finishes = newest is not None and (before is None or newest > before)
    if judged.split_withheld or not (finishes or len(joined.written)):
        return joined.bars.tail(0)
    if not judged.kept_out and _only_adds(joined, before):
        return joined.written
    out = session_days(tuple(sorted(bar.day for bar, _ in judged.kept_out)))
    wanted = among(joined.bars.days, joined.written.days)
    if finishes:
        final = joined.bars.days <= np.datetime64(newest, "D")
        if before is not None:
            final &= joined.bars.days > np.datetime64(before, "D")
        wanted |= final & among(joined.bars.days, reading.fresh.days)
    return selected(joined.bars, wanted & ~among(joined.bars.days, out))


def _only_adds(joined: Merge, before: date | None) -> bool:
    # As on most days: all bars but those to write are final, and older.
    earlier = len(joined.bars) - len(joined.written)
    if not earlier or before is None or joined.bars.day(earlier - 1) > before:
        return False
    return not len(joined.written) or joined.written.day(0) > joined.bars.day(earlier - 1)


def _new_revisions(desk: BarDesk, reading: Reading, judged: _Judged) -> Iterator[Revision]:
    changes = judged.changes
    if not changes:
        return
    symbol, source = reading.cached.symbol, reading.cached.source
    read_at = desk.store.bars.read_times(symbol, source, changes[0].session)
    known = {
        (one.session, one.column, one.after)
        for one in desk.store.bars.revisions(symbol)
        if one.source == source and not one.accepted
    }
    for change in changes:
        # A restatement that is not accepted is seen again every day; once is enough.
        if change.tolerable or (change.session, change.column, change.after) not in known:
            yield Revision(
                symbol=symbol,
                source=source,
                session=change.session,
                column=change.column,
                before=change.before,
                after=change.after,
                first_read_at=read_at.get(change.session, reading.at),
                replaced_at=reading.at,
                accepted=change.tolerable,
            )


def _second_opinion(desk: BarDesk, written: Bars) -> tuple[BarProblem, ...]:
    """Compare the newest close written with the second source's; without an answer there is no opinion."""
    if desk.second is None or not len(written):
        return ()
    newest = written.tail(1)
    try:
        return disagreements(newest, desk.second.history(newest.symbol, newest.last_day, newest.last_day))
    except MtumError:
        return ()


def learn_volumes(store: Store, waiting: Sequence[VolumeSnapshot], splits: Mapping[str, tuple[NewSplit, ...]]) -> None:
    """Complete the snapshots of sessions whose final volume has become known, with the projection's error.

    Parameters
    ----------
    store : Store
        The program's records.
    waiting : sequence of VolumeSnapshot
        Snapshots without a final volume, by symbol and oldest first.
    splits : mapping of symbol to tuple of NewSplit
        Splits by which the cache has just been re-based: snapshots were taken in old shares.
    """
    known = []
    for (symbol, source), group in groupby(waiting, lambda one: (one.symbol, one.source)):
        last = store.bars.last_final(symbol, source)
        snapshots = [one for one in group if last is not None and one.session <= last]
        if not snapshots:
            continue
        bars = store.bars.bars(symbol, source, snapshots[0].session)
        for seen in snapshots:
            bar = bars.find(seen.session)
            if bar is not None and not isnan(bar.volume):
                ratio = prod(split.ratio for split in splits.get(symbol, ()) if split.session > seen.session)
                known.append(_completed(seen, bar.volume / ratio))
    if known:
        store.volumes.write(*known)


def _completed(seen: VolumeSnapshot, final_volume: float) -> VolumeSnapshot:
    error = None if seen.projected is None else projection_error(seen.projected, final_volume)
    return replace(seen, final_volume=final_volume, error_frac=error)
