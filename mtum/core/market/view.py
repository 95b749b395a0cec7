"""The market as it is known at the instant of a decision; the future is not in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from mtum.core.market.bars import Bar, Bars


@dataclass(frozen=True, slots=True)
class ProvisionalBar:
    """Today's unfinished bar as it was seen.

    Parameters
    ----------
    bar : Bar
        Prices so far; `bar.volume` is the volume the rules use (projected to the
        whole session, as seen, or of the prior session; NaN when unproven).
    volume_so_far : float
        Shares traded until `seen_at`.
    volume_share : float or None
        Share of a session's volume usually traded by then; None when unproven.
    seen_at : datetime
        Aware UTC instant of the last trade or newest minute in the bar.
    midpoint : float or None
        Live bid/ask midpoint in USD where the source has one.
    """

    bar: Bar
    volume_so_far: float
    volume_share: float | None
    seen_at: datetime
    midpoint: float | None = None


@dataclass(frozen=True, slots=True)
class MarketView:
    """Everything a strategy may look at for one session.

    Parameters
    ----------
    session : date
        The session being decided.
    bars : mapping of symbol to Bars
        History that ends at `session`; its last bar is the provisional one.
    series : mapping of name to float or None
        Extra values at the decision, for instance ``{"VIX": 14.2}``; None = missing.
    provisional : mapping of symbol to ProvisionalBar
        How today's bar was seen; empty over final history.

    Raises
    ------
    ValueError
        If bars of a symbol do not end at the session.
    """

    session: date
    bars: Mapping[str, Bars]
    series: Mapping[str, float | None]
    provisional: Mapping[str, ProvisionalBar]

    def __post_init__(self) -> None:
        for symbol, bars in self.bars.items():
            if not len(bars) or bars.last_day != self.session:
                raise ValueError(f"{symbol}: bars must end at {self.session}")
        sources = {bars.source for bars in self.bars.values()}
        if len(sources) > 1:
            raise ValueError(f"bars of one decision must come from one source, found {sorted(sources)}")
