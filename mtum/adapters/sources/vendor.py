"""A vendor that takes time to answer as a source of bars: its questions may be asked ahead of time, side by side."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from time import monotonic
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mtum.core.market.bars import Bars
from mtum.core.market.coverage import Coverage
from mtum.core.market.intraday import Rows
from mtum.core.market.sessions import Session
from mtum.core.market.timeframes import Timeframe
from mtum.core.market.volume import UsualShare, intraday_share, learned_share
from mtum.core.simulation.provisional import documented_share
from mtum.errors import DataError, MtumError, SourceUnavailableError
from mtum.ports.market_data import Method, Quote, SeriesValue, SourceCall

type Slices = Sequence[tuple[NDArray[np.datetime64], NDArray[np.float64], datetime, float]]
"""Of each full session: begin and volume of its 5-minute slices, its close and its final volume."""

LONGEST_ALONE_SECONDS = 30.0
"""Volumes that were not asked ahead are waited for so long in all, one symbol after the other, and no longer."""


class _Vendor(Protocol):
    # Coverage and past series are told at once; of the others what asks is returned, or the answer itself.
    name: str
    prior_shares: Mapping[str, float]

    def coverage(self, symbol: str) -> Coverage: ...
    def series_history(self, name: str, first: date, last: date) -> Mapping[date, float]: ...
    def history(self, symbol: str, first: date, last: date) -> Any: ...
    def quote(self, symbol: str, session: Session, at: datetime) -> Any: ...
    def series(self, name: str, session: Session, at: datetime) -> Any: ...
    def slices(self, symbol: str, session: Session) -> Any: ...
    def minutes_for(self, symbol: str, timeframe: Timeframe) -> int: ...
    def intraday(self, symbol: str, minutes: int, first: date, last: date) -> Any: ...
    def volatility(self, symbol: str, first: date, last: date) -> Any: ...


class VendorSource:
    """A vendor's bars (ports.market_data.BarSource, AsksAhead, TellsIntraday, TellsVolatility).

    Parameters
    ----------
    vendor : object
        Its questions, and `prior_shares`: the documented share of a session's volume traded by the decision.
    ask : callable
        Carries out one question, given as what begins it.
    ask_all : callable
        Carries out many side by side, no longer than so many seconds; by position what came of those that ended in
        time, errors of ours among it.
    seconds : callable
        A clock that only runs on, in seconds.
    """

    def __init__(
        self,
        vendor: _Vendor,
        ask: Callable[[Callable[[], Any]], Any],
        ask_all: Callable[[Sequence[Callable[[], Any]], float], Mapping[int, Any]],
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        self.name = vendor.name
        self.coverage, self.series_history = vendor.coverage, vendor.series_history
        self.minutes_for = vendor.minutes_for
        self._vendor = vendor
        self._ask = ask
        self._ask_all = ask_all
        self._questions: Mapping[Method, Callable[..., Any]] = {
            "history": vendor.history,
            "quote": vendor.quote,
            "series": vendor.series,
            "volume_share": vendor.slices,
            "intraday": vendor.intraday,
            "volatility": vendor.volatility,
        }
        self._came: dict[SourceCall, Any] = {}
        self._learned: dict[tuple[Any, ...], Slices] = {}
        self._seconds = seconds
        self._waited = 0.0

    def ask_ahead(self, calls: Sequence[SourceCall], seconds: float) -> None:
        """Ask for many symbols at once, no faster than the vendor allows; what came before is forgotten.

        Volumes within the sessions are not: they are asked for once a session, and read at any minute of it.
        """
        asked = dict.fromkeys(map(_question, calls))
        wanted = [one for one in asked if one.method != "volume_share" or one.arguments not in self._learned]
        came = self._ask_all([self._begun(call) for call in wanted], seconds) if wanted else {}
        self._came = {
            call: came[at]
            if at in came
            else SourceUnavailableError(
                f"{call.arguments[0]}: not gathered in time: no answer of {self.name} in {seconds:.0f} s"
            )
            for at, call in enumerate(wanted)
        }
        for at, call in enumerate(wanted):
            # What took too long is not waited for again; what was refused may be told when it is called for.
            if call.method == "volume_share" and not isinstance(came.get(at), MtumError):
                self._learned[call.arguments] = came.get(at, ())

    def history(self, symbol: str, first: date, last: date) -> Bars:
        """Return the daily bars of the closed interval."""
        found: Bars = self._answer("history", symbol, first, last)
        return found

    def quote(self, symbol: str, session: Session, at: datetime) -> Quote:
        """Return today's running bar; BarsStaleError if there is none, or nothing says when it last traded."""
        found: Quote = self._answer("quote", symbol, session, at)
        return found

    def series(self, name: str, session: Session, at: datetime) -> SeriesValue | None:
        """Return the index as it stands; None if nothing is known of it."""
        found: SeriesValue | None = self._answer("series", name, session, at)
        return found

    def volume_share(self, symbol: str, session: Session, minutes: float) -> UsualShare | None:
        """Return the median share of the last 20 full sessions' 5-minute bars, or the documented prior.

        The bars are asked for once a session; the share of any minute is read from them.
        """
        asked = (symbol, session)
        if asked not in self._learned:
            self._learned[asked] = self._slices(symbol, session) if self._waited < LONGEST_ALONE_SECONDS else ()
        shares = (
            intraday_share(starts, volumes, close, minutes, final)
            for starts, volumes, close, final in self._learned[asked]
        )
        measured = learned_share([share for share in shares if share is not None])
        return measured or documented_share(self._vendor.prior_shares.get(symbol), session, minutes)

    def intraday(self, symbol: str, minutes: int, first: date, last: date) -> Rows:
        """Return the bars of that length of the closed interval of days, as far back as the vendor has them."""
        found: Rows = self._answer("intraday", symbol, minutes, first, last)
        return found

    def volatility(self, symbol: str, first: date, last: date) -> Mapping[date, float]:
        """Return implied volatilities in points; empty where the vendor has none."""
        found: Mapping[date, float] = self._answer("volatility", symbol, first, last)
        return found

    def _slices(self, symbol: str, session: Session) -> Slices:
        # Many symbols asked one after the other would miss the close.
        began = self._seconds()
        try:
            found: Slices = self._answer("volume_share", symbol, session)
        except DataError:
            found = ()  # the prior is a fair answer; a vendor that is down says so where bars are asked for
        self._waited += self._seconds() - began
        return found

    def _begun(self, call: SourceCall) -> Callable[[], Any]:
        return partial(self._questions[call.method], *call.arguments)

    def _answer(self, method: Method, *arguments: Any) -> Any:
        call = SourceCall(method, arguments)
        if call not in self._came:
            return self._ask(self._begun(call))
        found = self._came.pop(call)
        if isinstance(found, MtumError):
            raise found
        return found


def _question(call: SourceCall) -> SourceCall:
    # The same bars tell the share of volume at any minute.
    return call._replace(arguments=call.arguments[:2]) if call.method == "volume_share" else call
