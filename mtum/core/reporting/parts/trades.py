"""Trades: round trips, and how the closed ones ended."""

from collections.abc import Iterable, Sequence
from datetime import date

from msgspec import Struct

from mtum.core.portfolio.returns import wilson
from mtum.core.reporting import figures, words
from mtum.core.reporting.layout import Block, Section, Sentence, Table, signed, table_of
from mtum.core.reporting.stated import rounded


class TradeLine(Struct, frozen=True):
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


class WinLoss(Struct, frozen=True):
    """Closed trades; the rate comes with its 95 % Wilson interval. None where there is none."""

    closed: int
    wins: int
    win_frac: float | None
    low_frac: float | None
    high_frac: float | None
    gained_usd: float
    lost_usd: float
    mean_frac: float | None


def win_loss(trades: Iterable[TradeLine]) -> WinLoss:
    """Return how the closed ones of these trades ended."""
    closed = [trade for trade in trades if trade.pnl_usd is not None]
    results = [trade.pnl_usd or 0.0 for trade in closed]
    wins = sum(1 for result in results if result > 0)
    low, high = wilson(wins, len(closed))
    fractions = [trade.return_frac for trade in closed if trade.return_frac is not None]
    return WinLoss(
        closed=len(closed),
        wins=wins,
        win_frac=round(wins / len(closed), 6) if closed else None,
        low_frac=rounded(low),
        high_frac=rounded(high),
        gained_usd=round(sum(result for result in results if result > 0), 6),
        lost_usd=round(-sum(result for result in results if result < 0), 6),
        mean_frac=round(sum(fractions) / len(fractions), 6) if fractions else None,
    )


def section(
    closed: Sequence[TradeLine], still_open: Sequence[TradeLine], results: Sequence[tuple[str, WinLoss]]
) -> Section:
    """Return trades, and how they ended by period.

    Parameters
    ----------
    closed : sequence of TradeLine
        Trades that are closed.
    still_open : sequence of TradeLine
        Trades that are open.
    results : sequence of (str, WinLoss)
        What a period is called, and its closed trades.
    """
    rows = (
        (
            *(name, str(row.closed), str(row.wins), figures.whole(row.win_frac)),
            "-" if row.low_frac is None else f"{figures.whole(row.low_frac)} to {figures.whole(row.high_frac)}",
            signed(figures.percent(row.mean_frac)),
        )
        for name, row in results
    )
    blocks: list[Block] = []
    if results:
        blocks.append(table_of(("Closed trades", "trades", "won", "rate", "interval", "mean"), rows))
    if closed:
        blocks.append(_table(closed))
    if still_open:
        blocks += [Sentence("Open:"), _table(still_open)]
    return Section("trades", "Trades", tuple(blocks))


def _table(trades: Sequence[TradeLine]) -> Table:
    symbols = [trade.symbol for trade in trades]
    rows = (
        (
            words.whose(trade.symbol, symbols) + figures.day(trade.entry_session),
            figures.day(trade.exit_session) if trade.exit_session else "open",
            figures.number(trade.shares, 0),
            # Of one that is closed the broker may not have told every commission.
            signed((figures.paid if trade.exit_session else figures.number)(trade.pnl_usd, sign=True)),
            signed(figures.percent(trade.return_frac, 1)),
            words.short(trade.reason) if trade.reason else "-",
        )
        for trade in trades
    )
    return table_of(("Entry", "exit", "shares", "USD", "return", "exit reason"), rows, (0, 1, 5))
