"""Position: what is held after the session."""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from mtum.core.reporting import figures, words
from mtum.core.reporting.layout import Facts, Section, Sentence, facts_of, signed
from mtum.core.reporting.stated import Stated


class PositionLine(Struct, frozen=True):
    """Shares held after the session; entry values are known once the entry has filled."""

    symbol: str
    shares: int
    entry_session: date
    entry_price: float
    sessions_held: int
    close_usd: Stated
    market_usd: Stated
    unrealized_usd: Stated
    unrealized_frac: Stated
    atr_at_entry: float | None = None
    target_usd: float | None = None
    exit_pending: str | None = None


def section(held: Sequence[PositionLine], universe: Sequence[str]) -> Section:
    """Return what is held of the symbols of a report."""
    nothing = Sentence(f"{'Nothing' if len(universe) > 1 else f'No {universe[0]}'} is held.")
    return Section("position", "Position", tuple(map(_facts, held)) or (nothing,))


def _facts(held: PositionLine) -> Facts:
    ago = f"{words.count(held.sessions_held, 'session')} ago" if held.sessions_held else "this session"
    away = None
    if held.target_usd is not None and held.close_usd.amount:
        away = Stated(held.target_usd / held.close_usd.amount - 1, held.close_usd.state)
    pending = f"the rest is sold next session ({words.short(held.exit_pending)})" if held.exit_pending else ""
    return facts_of(
        (
            ("Shares", figures.position(held.shares), held.symbol),
            ("Sold short" if held.shares < 0 else "Bought", f"{figures.day(held.entry_session)}, {ago}", ""),
            ("Entry price", figures.number(held.entry_price), "USD"),
            ("Close", figures.money(held.close_usd), "USD"),
            ("Market value", figures.money(held.market_usd), "USD"),
            ("Unrealized", signed(figures.money(held.unrealized_usd, sign=True)), "USD"),
            ("Unrealized %", signed(figures.fraction(held.unrealized_frac)), ""),
            None if held.target_usd is None else ("Profit target", figures.number(held.target_usd), "USD"),
            None if away is None else ("Target from the close", figures.fraction(away), ""),
            ("Exit pending", pending, "") if pending else None,
        )
    )
