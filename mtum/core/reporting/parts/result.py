"""Result: profit and loss of a session, a week, a month, a year and since the start, beside buy-and-hold."""

from msgspec import Struct

from mtum.core.reporting import figures
from mtum.core.reporting.layout import Block, Section, Sentence, signed, table_of
from mtum.core.reporting.stated import UNKNOWN, State, Stated


class Pnl(Struct, frozen=True):
    """Profit and loss in USD, deposits and withdrawals excluded; `_frac` chain the daily returns.

    `realized_usd` and `commission_usd` are None while the commission of an execution is not known.
    """

    day_usd: Stated = UNKNOWN
    day_frac: Stated = UNKNOWN
    week_usd: Stated = UNKNOWN
    week_frac: Stated = UNKNOWN
    month_usd: Stated = UNKNOWN
    month_frac: Stated = UNKNOWN
    year_usd: Stated = UNKNOWN
    year_frac: Stated = UNKNOWN
    start_usd: Stated = UNKNOWN
    start_frac: Stated = UNKNOWN
    realized_usd: float | None = 0.0
    commission_usd: float | None = 0.0


class BenchmarkLine(Struct, frozen=True):
    """Buy-and-hold of the same symbol with the same deposits; `ahead_usd` is sleeve less benchmark."""

    name: str = "buy and hold"
    equity_usd: Stated = UNKNOWN
    ahead_usd: Stated = UNKNOWN
    day_frac: Stated = UNKNOWN
    week_frac: Stated = UNKNOWN
    month_frac: Stated = UNKNOWN
    year_frac: Stated = UNKNOWN
    start_frac: Stated = UNKNOWN
    drawdown_frac: Stated = UNKNOWN
    worst_drawdown_frac: Stated = UNKNOWN


IDLE_CASH = "Idle cash earned 0."
"""What a return has to be read with, wherever it stands: nothing credits interest."""


def section(pnl: Pnl, benchmark: BenchmarkLine, held_instead: str, exposure: Stated = UNKNOWN) -> Section:
    """Return results by period against buy-and-hold.

    Parameters
    ----------
    pnl : Pnl
        Profit and loss in USD, deposits and withdrawals excluded; `_frac` chain the daily returns.
    benchmark : BenchmarkLine
        Buy-and-hold of the same symbol with the same deposits; `ahead_usd` is sleeve less benchmark.
    held_instead : str
        In words, what buy-and-hold holds.
    exposure : Stated
        Shares at market as a fraction of equity, where it says something.
    """
    if pnl.start_usd.state is State.UNKNOWN:
        return Section("performance", "Result", (Sentence("The result is not known yet."),))
    periods = (
        ("Day", pnl.day_usd, pnl.day_frac, benchmark.day_frac),
        ("Week", pnl.week_usd, pnl.week_frac, benchmark.week_frac),
        ("Month", pnl.month_usd, pnl.month_frac, benchmark.month_frac),
        ("Year", pnl.year_usd, pnl.year_frac, benchmark.year_frac),
        ("Since start", pnl.start_usd, pnl.start_frac, benchmark.start_frac),
    )
    rows = (
        (
            name,
            signed(figures.money(usd, sign=True)),
            signed(figures.fraction(frac)),
            signed(figures.fraction(held)),
            signed(figures.percent(None if frac.amount is None or held.amount is None else frac.amount - held.amount)),
        )
        for name, usd, frac, held in periods
    )
    table = table_of(("Period", "USD", "return", benchmark.name, "ahead"), rows)
    blocks: list[Block] = [table]
    if exposure.amount is not None:
        blocks.append(Sentence(f"Exposure at the close {figures.fraction(exposure, sign=False)}. {IDLE_CASH}"))
    ahead = benchmark.ahead_usd
    if ahead.amount is None:
        return Section("performance", "Result", tuple(blocks))
    amount = figures.late(ahead, figures.number(abs(ahead.amount)))
    word = f"{amount} USD {'ahead of' if ahead.amount > 0 else 'behind'}" if round(ahead.amount, 2) else "The same as"
    told = f"{word} simply holding {held_instead} with the same deposits."
    return Section("performance", "Result", (*blocks, Sentence(told)))
