"""A whole run of sessions as one value: result against holding, trades with reasons, conditions, settings."""

from dataclasses import dataclass
from datetime import date

from mtum.core.reporting.accuracy import Accuracy


@dataclass(frozen=True, slots=True)
class TradeLine:
    """A round trip; exit fields are None while it is open.

    `pnl_usd` is after commissions; None, as `commission_usd` is, while one of them is not known.
    """

    symbol: str
    entry_session: date
    entry_price: float
    exit_session: date | None
    exit_price: float | None
    shares: int
    pnl_usd: float | None
    return_frac: float | None
    reason: str | None
    sessions_held: int
    commission_usd: float | None


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run of sessions came to; amounts in USD, fractions of the money at work."""

    first: date
    last: date
    mode: str
    account: str
    strategy: str
    symbol: str
    stands_in: str | None
    sessions: int
    decisions: int
    orders: int
    fills: int
    paid_in_usd: float
    equity_end_usd: float
    benchmark_end_usd: float | None
    return_frac: float
    benchmark_return_frac: float | None
    worst_drawdown_frac: float
    benchmark_worst_drawdown_frac: float | None
    sessions_held: int
    commission_usd: float | None
    wins: int
    closed_trades: int
    trades: tuple[TradeLine, ...]
    accuracy: tuple[Accuracy, ...]
    settings: tuple[tuple[str, str], ...]
    symbols: tuple[str, ...] = ()
    embedded: tuple[str, ...] = ()

    @property
    def traded(self) -> str:
        """What the strategy trades, in words: one symbol, or the strategy's name where there are several."""
        return self.symbol if len(self.symbols) < 2 else self.strategy
