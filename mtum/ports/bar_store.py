"""The cache of bars, and the bars that were kept out of it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from mtum.core.market.bars import Bars
from mtum.core.market.intraday import IntradayBars, Rows
from mtum.core.market.volume import ObservedShare
from mtum.core.portfolio.fills import Action, Split
from mtum.ports.records import QuarantinedBar, Revision, VolumeSnapshot


class BarStore(Protocol):
    """The cache of daily bars, per symbol and source."""

    def bars(self, symbol: str, source: str, since: date | None = None) -> Bars:
        """Return all accepted bars, or those from a date on; empty when nothing is cached.

        Parameters
        ----------
        symbol : str
            Ticker.
        source : str
            Name of the source.
        since : date or None
            First session; None for all.
        """
        ...

    def eventful(self, symbol: str, source: str, since: date, until: date, days: Sequence[date] = ()) -> Bars:
        """Return the first and the last bar of the closed interval, those with a dividend or a split, and `days`.

        Parameters
        ----------
        symbol : str
            Ticker.
        source : str
            Name of the source.
        since : date
            First session.
        until : date
            Last session.
        days : sequence of date
            Further sessions whose bars are wanted.
        """
        ...

    def as_of(self, symbol: str, source: str, instant: datetime) -> Bars:
        """Return the bars as they were accepted at that instant: later revisions and splits undone.

        Parameters
        ----------
        symbol : str
            Ticker.
        source : str
            Name of the source.
        instant : datetime
            Instant as of which they are wanted, UTC.
        """
        ...

    def last_final(self, symbol: str, source: str) -> date | None:
        """Return the newest session whose bar is final."""
        ...

    def read_times(self, symbol: str, source: str, first: date) -> Mapping[date, datetime]:
        """Return when the present value of each bar from that session on was read.

        Parameters
        ----------
        symbol : str
            Ticker.
        source : str
            Name of the source.
        first : date
            First session.
        """
        ...

    def accept(
        self, bars: Bars, read_at: datetime, final_until: date | None, revisions: Sequence[Revision] = ()
    ) -> None:
        """Insert or update bars in one transaction, final up to `final_until`; earlier values go to revisions.

        Parameters
        ----------
        bars : Bars
            Bars of one symbol and one source, oldest first, one per session.
        read_at : datetime
            Instant at which they were read, UTC.
        final_until : date or None
            Bars up to this session are final; None for none.
        revisions : sequence of Revision
            Earlier values of bars that changed.
        """
        ...

    def revisions(self, symbol: str | None = None) -> Sequence[Revision]:
        """Return recorded revisions, oldest first."""
        ...

    def actions(self) -> Sequence[Action]:
        """Return what lots follow: splits that source and broker agreed upon, and changes of symbols stated."""
        ...

    def agree_split(self, split: Split, at: datetime) -> None:
        """Record that the broker's position confirmed a split; the same again changes nothing."""
        ...

    def series(self, name: str, source: str, since: date | None = None) -> Mapping[date, float]:
        """Return cached official closes of an extra series by session, all or from a date on.

        Parameters
        ----------
        name : str
            Name of the series, such as VIX.
        source : str
            Name of the source.
        since : date or None
            First session; None for all.
        """
        ...


class IntradayStore(Protocol):
    """The cache of bars within the sessions, per symbol, source and length; what was read is never changed."""

    def rows(self, symbol: str, source: str, minutes: int, since: date) -> Rows:
        """Return the cached bars from a session on, oldest first; of each its newest values.

        Parameters
        ----------
        symbol : str
            Ticker.
        source : str
            Name of the source.
        minutes : int
            Length of a bar, minutes.
        since : date
            First session.
        """
        ...

    def read_times(self, symbol: str, source: str, minutes: int, since: date) -> Mapping[date, datetime]:
        """Return when each session that was over was last read, from one on.

        Parameters
        ----------
        symbol : str
            Ticker.
        source : str
            Name of the source.
        minutes : int
            Length of a bar, minutes.
        since : date
            First session.
        """
        ...

    def accept(self, bars: IntradayBars, minutes: int, read_at: datetime, over: Sequence[date]) -> None:
        """Add the bars that are new or have other values than before, and note which sessions were over.

        Parameters
        ----------
        bars : IntradayBars
            Bars of regular hours, oldest first; `days` names the session of each.
        minutes : int
            Length of a bar, minutes.
        read_at : datetime
            Instant at which they were read, UTC.
        over : sequence of date
            Sessions that were over when they were read.
        """
        ...


class QuarantineStore(Protocol):
    """What can be checked, and bars that broke a rule and were kept out."""

    def checkable(self) -> Sequence[tuple[str, str]]:
        """Return symbol (or series) and source of everything cached, in that order."""
        ...

    def altered_bars(self) -> Sequence[str]:
        """Return the accepted bars whose values are no longer those that were accepted, by symbol and session."""
        ...

    def cached_days(self, symbol: str, source: str, since: date | None = None) -> Sequence[date]:
        """Return the cached sessions alone, oldest first.

        Parameters
        ----------
        symbol : str
            Ticker.
        source : str
            Name of the source.
        since : date or None
            First session; None for all.
        """
        ...

    def keep_out(self, bars: Sequence[QuarantinedBar]) -> None:
        """Record bars kept out; one seen again keeps its release only while its numbers are the same."""
        ...

    def kept_out(self, *symbols: str, held: bool = False) -> Sequence[QuarantinedBar]:
        """Return bars kept out, of these symbols or of all, oldest first; with `held` only those not released."""
        ...

    def release_bar(self, bar_id: int, by: str, at: datetime) -> bool:
        """Declare a bar kept out to be real; False if there is none of that id, or it already is.

        Parameters
        ----------
        bar_id : int
            Number of the bar that is kept out.
        by : str
            Who declares it real.
        at : datetime
            Instant that is recorded, UTC.
        """
        ...

    def released_days(self, symbol: str, source: str) -> frozenset[date]:
        """Return sessions whose bar a person has declared real despite a rule."""
        ...


class VolumeStore(Protocol):
    """Volumes seen at decisions, with the final ones once they are known."""

    def write(self, *snapshots: VolumeSnapshot) -> None:
        """Insert or update the snapshots of their symbols, sources and sessions."""
        ...

    def snapshots(self, symbol: str, source: str, since: date | None = None) -> Sequence[VolumeSnapshot]:
        """Return snapshots, oldest first; all, or those from a session on.

        Parameters
        ----------
        symbol : str
            Ticker.
        source : str
            Name of the source.
        since : date or None
            First session; None for all.
        """
        ...

    def waiting(self, source: str, symbols: Collection[str]) -> Sequence[VolumeSnapshot]:
        """Return the snapshots still without a final volume, by symbol and oldest first."""
        ...

    def observed_shares(self, symbol: str, source: str, day: date, minutes: float) -> Sequence[ObservedShare]:
        """Return the shares that the usual one is learned from, newest first, of the snapshots before a session.

        Parameters
        ----------
        symbol : str
            Ticker.
        source : str
            Name of the source.
        day : date
            The session's date.
        minutes : float
            Minutes before the close; snapshots of another moment say nothing about it.
        """
        ...
