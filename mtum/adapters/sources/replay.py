"""A replayed market: finished bars shown session by session, as a live source would have shown them."""

from collections.abc import Callable, Mapping
from datetime import date, datetime

import numpy as np
from msgspec import Struct

from mtum.core.market.bars import Bar, Bars
from mtum.core.market.coverage import Coverage
from mtum.core.market.merging import NewSplit, rebased
from mtum.core.market.sessions import Session
from mtum.core.market.volume import UsualShare
from mtum.core.simulation.provisional import MEDIAN_SHARE, documented_share, drawn_share, volume_so_far
from mtum.errors import BarsMissingError
from mtum.ports.market_data import Quote, SeriesValue

SAMPLE_SEED = 20140103
"""Seed of the drawn volume shares; every part that replays a market uses the same."""


def always_quoted(_symbol: str, _day: date) -> str:
    """Show every price."""
    return ""


class ReplayedSource(Struct):
    """Bars and VIX of a replayed market (ports.market_data.BarSource).

    `history` and `quote` show what the caller's instant allows and nothing later: the bounds and `at`
    come from the caller's clock. A quote has the session's final prices, as there is nothing between
    the daily bars, and a volume cut to the share traded by then.

    Parameters
    ----------
    name : str
        Source name written on every bar.
    read : callable
        Gives the bars of a symbol; reads its file once.
    read_closes : callable
        Gives the official closes of an extra series; empty when there is none.
    covers : callable
        Says what is known of a symbol.
    exact : bool
        Volume share known exactly (1.0) instead of drawn; for parity with final volumes.
    as_traded : bool
        What `read` gives is as traded: a history is re-based by the splits in it, as a live source has it on its last
        day, and a quote tells its session's split. Else it is re-based for all time, and a split only explains a jump.
    unquoted : callable
        Why a symbol shows no price before the close of a day; empty where it does.
    """

    name: str
    read: Callable[[str], Bars]
    read_closes: Callable[[str], Mapping[date, float]]
    covers: Callable[[str], Coverage]
    exact: bool = False
    as_traded: bool = False
    unquoted: Callable[[str, date], str] = always_quoted
    seed: int = SAMPLE_SEED

    def history(self, symbol: str, first: date, last: date) -> Bars:
        """Return the daily bars of the closed interval."""
        bars = self.read(symbol).since(first).until(last)
        listed = np.flatnonzero((bars.split > 0) & (bars.split != 1)) if self.as_traded else ()
        return rebased(bars, tuple(NewSplit(bars.day(int(at)), float(bars.split[at])) for at in listed))

    def quote(self, symbol: str, session: Session, at: datetime) -> Quote:
        """Return the session's bar as seen at that instant.

        Raises
        ------
        BarsMissingError
            If the replayed market has no such session, or nothing of it can be seen before its close.
        """
        if at < session.close and (why := self.unquoted(symbol, session.day)):
            raise BarsMissingError(f"{symbol} {session.day}: {why}")
        bar = self._bar(symbol, session.day)
        left, whole = ((session.close - since).total_seconds() / 60 for since in (at, session.open))
        share = 1.0 if self.exact else drawn_share(symbol, session.day, self.seed, left, whole)
        return Quote(
            symbol=symbol,
            source=self.name,
            session=session.day,
            open=bar.open,
            high=bar.high,
            low=bar.low,
            close=bar.close,
            volume=volume_so_far(bar.volume, share),
            seen_at=min(at, session.close),
            midpoint=bar.close,
            dividend=bar.dividend,
            split=bar.split if self.as_traded else 0.0,
        )

    def unquoted_days(self, symbol: str, first: date, last: date) -> frozenset[date]:
        """Return the sessions of the closed interval before whose close a symbol has no price."""
        if self.unquoted is always_quoted:
            return frozenset()
        days = self.read(symbol).since(first).until(last).days.astype(object).tolist()
        return frozenset(day for day in days if self.unquoted(symbol, day))

    def coverage(self, symbol: str) -> Coverage:
        """Return what is known of a symbol."""
        return self.covers(symbol)

    def series(self, name: str, session: Session, at: datetime) -> SeriesValue | None:
        """Return the series' value of that session's close."""
        points = self.read_closes(name).get(session.day)
        return None if points is None else SeriesValue(name, self.name, points, min(at, session.close))

    def series_history(self, name: str, first: date, last: date) -> Mapping[date, float]:
        """Return the official closes of the closed interval."""
        return {day: points for day, points in self.read_closes(name).items() if first <= day <= last}

    def volume_share(self, symbol: str, session: Session, minutes: float) -> UsualShare | None:
        """Return the usual share: the median of the draws, or exactly the share that `quote` uses."""
        return UsualShare(1.0) if self.exact else documented_share(MEDIAN_SHARE, session, minutes)

    def _bar(self, symbol: str, day: date) -> Bar:
        bars = self.read(symbol)
        found = bars.find(day)
        if found is None:
            span = f"{bars.day(0)} to {bars.last_day}" if len(bars) else "nothing"
            raise BarsMissingError(f"{symbol}: the {self.name} market has no session {day}; it holds {span}")
        return found
