"""Account: equity, its parts, cash, drawdown, and the cash movements of the session."""

from collections.abc import Sequence
from datetime import date
from typing import ClassVar

from msgspec import Struct

from mtum.core.reporting import figures
from mtum.core.reporting.layout import Section, facts_of, signed, table_of
from mtum.core.reporting.parts.result import BenchmarkLine, Pnl
from mtum.core.reporting.stated import UNKNOWN, Stated


class EquityLine(Struct, frozen=True):
    """The sleeve at the session's official close, in USD.

    Parameters
    ----------
    market_usd : Stated
        Of shares alone.
    options_usd : Stated or None
        Of options, negative for what it would cost to close them; None where none are traded.
    option_fees_usd : float or None
        Part of the commissions so far that options cost; None while one is not known.
    model_priced : bool
        Whether a model made the prices of the options.
    """

    SPARSE: ClassVar = frozenset(("options_usd", "option_fees_usd", "model_priced"))

    equity_usd: Stated = UNKNOWN
    cash_usd: Stated = UNKNOWN
    receivable_usd: Stated = UNKNOWN
    market_usd: Stated = UNKNOWN
    paid_in_usd: float = 0.0
    start: date | None = None
    drawdown_frac: Stated = UNKNOWN
    worst_drawdown_frac: Stated = UNKNOWN
    worst_drawdown_session: date | None = None
    options_usd: Stated | None = None
    option_fees_usd: float | None = 0.0
    model_priced: bool = False


class CashLine(Struct, frozen=True):
    """One cash movement of the session other than trades: dividend, deposit, fee, tax and the like."""

    kind: str
    amount_usd: float
    paid: bool
    note: str = ""


class OwedLine(Struct, frozen=True):
    """A cash movement that is due and not paid yet; `session` is the one it belongs to (the ex-date)."""

    session: date
    kind: str
    amount_usd: float
    note: str = ""


def section(equity: EquityLine, pnl: Pnl, benchmark: BenchmarkLine, cash: Sequence[CashLine]) -> Section:
    """Return equity, its parts and the cash movements of the session.

    Parameters
    ----------
    equity : EquityLine
        The sleeve at the session's official close, in USD.
    pnl : Pnl
        Profit and loss in USD, deposits and withdrawals excluded; `_frac` chain the daily returns.
    benchmark : BenchmarkLine
        Buy-and-hold of the same symbol with the same deposits; `ahead_usd` is sleeve less benchmark.
    cash : sequence of CashLine
        Cash movements of the session.
    """
    at, options = equity.worst_drawdown_session, equity.options_usd
    priced = ", model-priced" if equity.model_priced else ""
    facts = facts_of(
        (
            ("Equity", figures.money(equity.equity_usd), "USD"),
            ("Cash", figures.money(equity.cash_usd), "USD"),
            ("Shares at market", figures.money(equity.market_usd), "USD"),
            None if options is None else (f"Options at market{priced}", figures.money(options), "USD"),
            ("Dividends receivable", figures.money(equity.receivable_usd), "USD"),
            ("Buy and hold equity", figures.money(benchmark.equity_usd), "USD"),
            ("Net deposits", figures.number(equity.paid_in_usd), "USD"),
            ("Realized so far", signed(figures.paid(pnl.realized_usd, sign=True)), "USD"),
            ("Commissions so far", figures.paid(pnl.commission_usd), "USD"),
            None if options is None else ("of them for options", figures.paid(equity.option_fees_usd), "USD"),
            ("Current drawdown", figures.fraction(equity.drawdown_frac), ""),
            (f"Max drawdown{f', {figures.day(at)}' if at else ''}", figures.fraction(equity.worst_drawdown_frac), ""),
            ("Max drawdown, holding", figures.fraction(benchmark.worst_drawdown_frac), ""),
        )
    )
    kinds = (f"{one.kind}{'' if one.paid else ' (receivable)'}" for one in cash)
    amounts = (signed(figures.number(one.amount_usd, sign=True)) for one in cash)
    moves = [(kind, usd, one.note) for kind, usd, one in zip(kinds, amounts, cash, strict=True)]
    table = (table_of(("Cash movement", "USD", "note"), moves, (0, 2)),) if moves else ()
    return Section("account", "Account", (facts, *table))
