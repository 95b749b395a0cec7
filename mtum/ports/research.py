"""What is kept of research: every backtest, sweep and walk forward, in a file that nothing else depends on."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from msgspec import Struct, field

WHOLE = ("settings", "result", "curve")
"""What a list of studies leaves out."""


class Study(Struct, frozen=True):
    """One backtest, sweep or walk forward: what was asked of which code and bars, and what came out.

    Parameters
    ----------
    made_at : str
        Instant, UTC ISO 8601.
    kind : str
        "backtest", "sweep" or "walkforward".
    command : str
        The line that was typed.
    start, end : str
        First and last session decided.
    settings_hash, code_hash, data_hash : str
        Equal for two studies only if they asked with the same settings, the same code, the same bars.
    final_equity_usd, cagr_frac, sharpe, max_drawdown_frac : float or None
        Of a sweep those of its best combination, of a walk forward those of the sessions not looked at.
    settings : mapping
        Settings that shaped the result.
    result : mapping
        The answer of the command without its long lists.
    curve : mapping
        `session` and `equity_usd` at each close; empty for a sweep.
    id : int
        Number it is kept under; 0 before.
    """

    made_at: str
    kind: str
    command: str
    strategy: str
    symbols: str
    source: str
    start: str
    end: str
    sessions: int
    final_equity_usd: float | None
    cagr_frac: float | None
    sharpe: float | None
    max_drawdown_frac: float | None
    settings_hash: str
    code_hash: str
    data_hash: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)
    curve: Mapping[str, Any] = field(default_factory=dict)
    id: int = 0


class StudyStore(Protocol):
    """Keeps studies; whoever deletes its file loses nothing but the list."""

    def keep(self, study: Study) -> int:
        """Keep a study and return its number."""
        ...

    def listed(self, since: date | None = None, limit: int | None = None, before: int | None = None) -> Sequence[Study]:
        """Return the newest studies, oldest first, without settings, result and curve.

        Parameters
        ----------
        since : date or None
            Only those made from that day on.
        limit : int or None
            How many of the newest; None for all.
        before : int or None
            Only those with a smaller number.
        """
        ...

    def found(self, numbers: Sequence[int]) -> Sequence[Study]:
        """Return these studies whole, in this order; what is not there is left out."""
        ...
