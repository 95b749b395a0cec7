"""Sections of the daily report about money: position, results against holding, account."""

from mtum.core.reporting import figures, words
from mtum.core.reporting.layout import Cell, Facts, Section, Sentence, Table, signed
from mtum.core.reporting.stated import State, Stated
from mtum.core.reporting.summary import PositionLine, Summary


def position(summary: Summary) -> Section:
    """Return what is held after the session."""
    held = positions(summary)
    if not held:
        nothing = "Nothing" if len(summary.symbols) > 1 else f"No {summary.symbol}"
        return Section("position", "Position", (Sentence(f"{nothing} is held."),))
    return Section("position", "Position", tuple(_position(line) for line in held))


def positions(summary: Summary) -> tuple[PositionLine, ...]:
    """Return every position, the first symbol's first."""
    first = () if summary.position is None else (summary.position,)
    return (*first, *summary.other_positions)


def _position(held: PositionLine) -> Facts:
    rows = [
        ("Shares", Cell(figures.position(held.shares)), held.symbol),
        (
            "Sold short" if held.shares < 0 else "Bought",
            Cell(f"{figures.day(held.entry_session)}, {_ago(held.sessions_held)}"),
            "",
        ),
        ("Entry price", Cell(figures.number(held.entry_price)), "USD"),
        ("Close", Cell(figures.money(held.close_usd)), "USD"),
        ("Market value", Cell(figures.money(held.market_usd)), "USD"),
        ("Unrealized", signed(figures.money(held.unrealized_usd, sign=True)), "USD"),
        ("Unrealized, of the cost", signed(figures.fraction(held.unrealized_frac)), ""),
    ]
    if held.target_usd is not None:
        rows.append(("Profit target", Cell(figures.number(held.target_usd)), "USD"))
        if held.close_usd.amount:
            away = Stated(held.target_usd / held.close_usd.amount - 1, held.close_usd.state)
            rows.append(("Target from the close", Cell(figures.fraction(away)), ""))
    if held.exit_pending:
        rows.append(("Exit pending", Cell(f"the rest is sold next session ({words.short(held.exit_pending)})"), ""))
    return Facts(tuple(rows))


def _ago(sessions: int) -> str:
    return "this session" if not sessions else f"{sessions} session{'s' if sessions > 1 else ''} ago"


def performance(summary: Summary) -> Section:
    """Return results by period against buy-and-hold of the same symbol."""
    pnl, benchmark = summary.pnl, summary.benchmark
    periods = (
        ("Day", pnl.day_usd, pnl.day_frac, benchmark.day_frac),
        ("Week", pnl.week_usd, pnl.week_frac, benchmark.week_frac),
        ("Month", pnl.month_usd, pnl.month_frac, benchmark.month_frac),
        ("Year", pnl.year_usd, pnl.year_frac, benchmark.year_frac),
        ("Since start", pnl.start_usd, pnl.start_frac, benchmark.start_frac),
    )
    if pnl.start_usd.state is State.UNKNOWN:
        return Section("performance", "Result", (Sentence("The result is not known yet."),))
    rows = tuple(
        (
            Cell(name),
            signed(figures.money(usd, sign=True)),
            signed(figures.fraction(frac)),
            signed(figures.fraction(held)),
            signed(figures.percent(_difference(frac, held))),
        )
        for name, usd, frac, held in periods
    )
    table = Table(("Period", "USD", "return", benchmark.name, "ahead"), rows)
    return Section("performance", "Result", (table, *_standing(summary)))


def _difference(first: Stated, second: Stated) -> float | None:
    if first.amount is None or second.amount is None:
        return None
    return first.amount - second.amount


def _standing(summary: Summary) -> tuple[Sentence, ...]:
    ahead = summary.benchmark.ahead_usd
    if ahead.amount is None:
        return ()
    if round(ahead.amount, 2) == 0:
        return (Sentence(f"The same as simply holding {_held_instead(summary)} with the same deposits."),)
    word = "ahead of" if ahead.amount > 0 else "behind"
    amount = figures.late(ahead, f"{figures.number(abs(ahead.amount))}")
    sentence = f"{amount} USD {word} simply holding {_held_instead(summary)} with the same deposits."
    return (Sentence(sentence),)


def _held_instead(summary: Summary) -> str:
    if summary.sleeves:
        return "what its sleeves trade"
    equally = ", an equal part each," if len(summary.symbols) > 1 else ""
    return words.listed(summary.symbols or (summary.symbol,)) + equally


def account(summary: Summary) -> Section:
    """Return the sleeve's equity, its parts and the cash movements of the session."""
    equity, pnl = summary.equity, summary.pnl
    rows = [
        ("Equity", Cell(figures.money(equity.equity_usd)), "USD"),
        ("Cash", Cell(figures.money(equity.cash_usd)), "USD"),
        ("Shares at market", Cell(figures.money(equity.market_usd)), "USD"),
        ("Dividends receivable", Cell(figures.money(equity.receivable_usd)), "USD"),
        ("Buy and hold equity", Cell(figures.money(summary.benchmark.equity_usd)), "USD"),
        ("Paid in", Cell(figures.number(equity.paid_in_usd)), "USD"),
        ("Realized so far", signed(_known(pnl.realized_usd, sign=True)), "USD"),
        ("Commissions so far", Cell(_known(pnl.commission_usd)), "USD"),
        ("Below the peak now", Cell(figures.fraction(equity.drawdown_frac)), ""),
        (f"Deepest fall{_deepest_on(summary)}", Cell(figures.fraction(equity.worst_drawdown_frac)), ""),
        ("Deepest fall, holding", Cell(figures.fraction(summary.benchmark.worst_drawdown_frac)), ""),
    ]
    moves = tuple(
        (
            Cell(f"{line.kind}{'' if line.paid else ' (receivable)'}"),
            signed(figures.number(line.amount_usd, sign=True)),
            Cell(line.note),
        )
        for line in summary.cash
    )
    table = (Table(("Cash movement", "USD", "note"), moves, frozenset({0, 2})),) if moves else ()
    return Section("account", "Account", (Facts(tuple(rows)), *table))


def _known(amount_usd: float | None, *, sign: bool = False) -> str:
    return figures.LATE if amount_usd is None else figures.number(amount_usd, sign=sign)


def _deepest_on(summary: Summary) -> str:
    at = summary.equity.worst_drawdown_session
    return f", {figures.day(at)}" if at else ""
