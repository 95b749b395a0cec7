"""The gateway's market from a bar source of the program, so that both show the same bars."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from mtum.core.market.bars import Bar, Bars
from mtum.core.market.sessions import Session, Sessions
from mtum.gateway.contracts import VIX
from mtum.ports.market_data import BarSource
from mtum.ports.time import Calendar

_EARLIEST, _LATEST = date(1990, 1, 1), date(2200, 1, 1)
_DAYS_BEYOND = timedelta(days=10)


@dataclass(frozen=True, slots=True)
class PortMarket:
    """A market source (gateway.market.MarketSource) over a source port.

    The running bar's volume is that of the source's own quote at the instant, to the share.
    """

    source: BarSource
    sessions: Sessions
    bars: Mapping[str, Bars]
    vix: Mapping[date, float] = field(repr=False)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Shares that can be traded."""
        return tuple(self.bars)

    @property
    def last_day(self) -> date:
        """The last session that has bars."""
        return max(bars.last_day for bars in self.bars.values())

    def bar(self, symbol: str, day: date) -> Bar | None:
        """Finished bar of a session; of VIX only the close is known."""
        if symbol == VIX:
            close = self.vix.get(day)
            return None if close is None else Bar(day, close, close, close, close, 0.0)
        return self.bars[symbol].find(day) if symbol in self.bars else None

    def traded_share(self, symbol: str, session: Session, minutes_to_close: float) -> float:
        """Share of the session's volume traded, from the source's quote."""
        final = self.bar(symbol, session.day)
        if symbol == VIX or final is None or not final.volume:
            return 1.0
        seen = self.source.quote(symbol, session, session.close - timedelta(minutes=max(0.0, minutes_to_close)))
        return seen.volume / final.volume


def port_market(source: BarSource, calendar: Calendar, symbols: tuple[str, ...]) -> PortMarket:
    """Read the symbols' whole history.

    Raises
    ------
    DataError
        If the source cannot give it.
    ValueError
        If the source has no bars of a symbol.
    """
    bars = {symbol: source.history(symbol, _EARLIEST, _LATEST) for symbol in symbols}
    empty = [symbol for symbol, found in bars.items() if not len(found)]
    if empty:
        raise ValueError(f"the {source.name} source has no bars of {', '.join(empty)}")
    first = min(found.day(0) for found in bars.values())
    last = max(found.last_day for found in bars.values())
    sessions = calendar.sessions(first, last + _DAYS_BEYOND)
    return PortMarket(source, sessions, bars, source.series_history(VIX, first, last))
