"""Chains of options by the model: from an underlying and its volatility index; no exchange quoted one."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import numpy as np

from mtum.core.market.bars import Bars
from mtum.core.market.sessions import Session, Sessions
from mtum.core.options.asking import ChainRequest
from mtum.core.options.chain import Chain
from mtum.core.options.model.answer import CALENDAR_AFTER, CALENDAR_BEFORE, answered
from mtum.core.options.model.dividends import expected
from mtum.core.options.model.levels import MEDIAN_SESSIONS, STANDS_FOR, Level, level_of, vix_illustration
from mtum.core.options.model.quotes import ModelChain, ModelMarket
from mtum.core.options.surface import class_of
from mtum.errors import DataError
from mtum.ports.market_data import BarSource
from mtum.ports.time import Calendar

RATE = 0.02
"""Continuous interest a year that the model reckons with, as a fraction."""
_YEAR = timedelta(days=400)
_VIX_DAYS = timedelta(days=round(MEDIAN_SESSIONS * 1.5) + 15)


@dataclass(slots=True)
class ModelChains:
    """Chains by the model (ports.options.ChainSource).

    The level is that of the underlying's volatility index at the instant that is asked for; the dividends ahead are
    those of the year before. `SP500` stands for SPY. What has no index of its own is refused, and so is what has no
    market that a model could stand for. Calls on the VIX are an illustration.

    Parameters
    ----------
    source : BarSource
        Of the index and of past dividends.
    rate : float
        Continuous interest a year, as a fraction.
    points : float
        Volatility points above the level.
    official : bool
        Whether an instant means its session's close: over history, where nothing is seen within a session.
    """

    source: BarSource
    calendar: Calendar
    rate: float = RATE
    points: float = 0.0
    official: bool = False
    name: str = "model"
    model_priced: bool = True
    _bars: dict[str, Bars] = field(default_factory=dict, init=False, repr=False)

    def chain(self, request: ChainRequest, spot: float, at: datetime) -> Chain:
        """Return what the model quotes of a request.

        Raises
        ------
        DataError
            If the underlying has no model prices, or none in this session.
        """
        return self.quoted(request, spot, at).chain

    def quoted(self, request: ChainRequest, spot: float, at: datetime) -> ModelChain:
        """Return the chain with the model's own numbers, its label and what a reader has to know of it; see `chain`."""
        underlying = request.underlying
        sessions = self.calendar.sessions((at - CALENDAR_BEFORE).date(), (at + CALENDAR_AFTER).date())
        session = _session_at(sessions, at)
        if session is None:
            raise DataError(
                f"{underlying}: no session has begun by {at:%Y-%m-%d %H:%M} UTC: its options are not quoted"
            )
        known = self._level(underlying, session, at)
        if isinstance(known, str):
            raise DataError(known)
        paid = [] if underlying == "VIX" else self._dividends(underlying, session.day)
        market = ModelMarket(underlying, session.day, at, spot, self.rate, expected(paid, session.day))
        try:
            return answered(request, market, known, sessions, self.points)
        except ValueError as error:
            raise DataError(f"{underlying}: the model cannot quote its options on {session.day}: {error}") from error

    def _level(self, underlying: str, session: Session, at: datetime) -> Level | str:
        if underlying == "VIX":
            before = self.source.series_history("VIX", session.day - _VIX_DAYS, session.day - timedelta(days=1))
            now = self.index("VIX", session, at)
            return vix_illustration([*(before[day] for day in sorted(before)), *([] if now is None else [now])])
        index = class_of(STANDS_FOR.get(underlying, underlying)).index
        points = self.index(index, session, at) if index else None
        return level_of(underlying, {} if points is None else {index: points})

    def index(self, name: str, session: Session, at: datetime) -> float | None:
        """Return the level of a volatility index at an instant of a session, in points; None where it has none.

        Parameters
        ----------
        name : str
            Name of the index.
        session : Session
            The session, with its open and close.
        at : datetime
            Instant of the quotes, UTC.
        """
        if self.official:
            return self.source.series_history(name, session.day, session.day).get(session.day)
        now = self.source.series(name, session, at)
        return now.value if now else None

    def _dividends(self, underlying: str, day: date) -> list[tuple[date, float]]:
        if self.official:
            if underlying not in self._bars:
                self._bars[underlying] = self.source.history(underlying, date.min, date.max)
            bars = self._bars[underlying].since(day - _YEAR).until(day - timedelta(days=1))
        else:
            bars = self.source.history(underlying, day - _YEAR, day - timedelta(days=1))
        return [(bars.day(int(at)), float(bars.dividend[at])) for at in np.flatnonzero(bars.dividend > 0)]


def _session_at(sessions: Sessions, at: datetime) -> Session | None:
    # The one whose day it is: quotes of a session last until the next one opens.
    begun = [one for one in sessions if one.open <= at]
    return begun[-1] if begun and begun[-1].day == at.date() else None
