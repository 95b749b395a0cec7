"""The report of a whole run laid out."""

from collections.abc import Sequence

from mtum.core.reporting import figures, words
from mtum.core.reporting.accuracy import Accuracy
from mtum.core.reporting.layout import Cell, Facts, Page, Section, Sentence, Table, Tone, signed
from mtum.core.reporting.periods.run_summary import RunSummary, TradeLine

FEW_TRADES = 30
SCORED_HORIZON = 5


def run_page(run: RunSummary) -> Page:
    """Return the report of a run of sessions."""
    subject = f"{run.traded}: {run.sessions} sessions to {figures.day(run.last)} [{run.mode.upper()}]"
    return Page(
        subject=subject,
        verdict=_verdict(run),
        lead=_lead(run),
        mode=run.mode,
        first_screen=(_result(run),),
        further=(_trades(run), score_card(run.accuracy), _settings(run)),
        footer=(
            "A single period proves nothing: another one may have come out the other way round.",
            f"mode {run.mode}, account {run.account}, strategy {run.strategy}",
        ),
    )


def _verdict(run: RunSummary) -> str:
    start = f"{figures.number(run.paid_in_usd, 0)} USD became {figures.number(run.equity_end_usd)} USD"
    if run.benchmark_end_usd is None:
        return f"{start}."
    return f"{start}; simply holding, {figures.number(run.benchmark_end_usd)} USD."


def _lead(run: RunSummary) -> str:
    span = f"{figures.day(run.first)} to {figures.day(run.last)}"
    parts = [f"{run.sessions} sessions, {span}."]
    if run.embedded:
        parts += [f"{line}." for line in run.embedded]
        parts += ["Everything is simulated.", figures.REPLAYED]
    return " ".join(parts)


def _result(run: RunSummary) -> Section:
    held = run.benchmark_return_frac
    ahead = None if held is None else run.return_frac - held
    rows = (
        (
            Cell("Equity at the end, USD"),
            Cell(figures.number(run.equity_end_usd)),
            Cell(figures.number(run.benchmark_end_usd)),
        ),
        (Cell("Return"), signed(figures.percent(run.return_frac)), signed(figures.percent(held))),
        (
            Cell("Deepest fall from a peak"),
            Cell(figures.percent(run.worst_drawdown_frac)),
            Cell(figures.percent(run.benchmark_worst_drawdown_frac)),
        ),
    )
    facts = Facts(
        (
            ("Ahead of holding", signed(figures.percent(ahead)), ""),
            ("Sessions with shares", Cell(f"{run.sessions_held} of {run.sessions}"), ""),
            ("Closed trades", Cell(figures.number(run.closed_trades, 0)), ""),
            ("Of them with profit", Cell(figures.number(run.wins, 0)), ""),
            ("Orders, fills", Cell(f"{run.orders}, {run.fills}"), ""),
            (
                "Commissions",
                Cell(figures.LATE if run.commission_usd is None else figures.number(run.commission_usd)),
                "USD",
            ),
        )
    )
    few = run.closed_trades < FEW_TRADES
    note = (Sentence(f"{run.closed_trades} trades are few: chance alone moves such a result widely.", Tone.QUIET),)
    return Section("result", "Result", (Table(("", "strategy", "buy and hold"), rows), facts, *(note if few else ())))


def _waits(trade: TradeLine) -> bool:
    # Closed, but the broker has not told every commission.
    return trade.exit_session is not None and trade.pnl_usd is None


def trade_table(trades: Sequence[TradeLine]) -> Table:
    """Return trades as a table, oldest first."""
    symbols = [trade.symbol for trade in trades]
    rows = tuple(
        (
            Cell(words.whose(trade.symbol, symbols) + figures.day(trade.entry_session)),
            Cell(figures.day(trade.exit_session) if trade.exit_session else "open"),
            Cell(figures.number(trade.shares, 0)),
            signed(figures.LATE if _waits(trade) else figures.number(trade.pnl_usd, sign=True)),
            signed(figures.percent(trade.return_frac, 1)),
            Cell(words.short(trade.reason) if trade.reason else "-"),
        )
        for trade in trades
    )
    return Table(("In", "out", "shares", "USD", "return", "why out"), rows, frozenset({0, 1, 5}))


def _trades(run: RunSummary) -> Section:
    blocks = (trade_table(run.trades),) if run.trades else (Sentence("No trade was made."),)
    return Section("trades", "Trades", blocks)


def score_card(accuracy: Sequence[Accuracy]) -> Section:
    """Return how often each condition held and was right, against the base rate."""
    lines = [line for line in accuracy if line.horizon_sessions == SCORED_HORIZON]
    if not lines:
        return Section("conditions", "Conditions")
    symbols = [line.symbol for line in lines]
    rows = tuple(
        (
            Cell(words.whose(line.symbol, symbols) + words.condition(line.condition).words),
            Cell(f"{line.held}/{line.sessions}"),
            Cell(figures.percent(line.right_frac, 0, sign=False)),
            Cell(figures.percent(line.base_frac, 0, sign=False)),
            Cell(figures.percent(line.mean_frac)),
        )
        for line in lines
    )
    table = Table(("Condition", "held", "right", "base", "mean"), rows)
    note = (
        f"Held: sessions it held, of all. Right: closes {SCORED_HORIZON} sessions later that were higher (entry) or "
        "lower (exit) when it held; base: the same over all sessions. Mean: mean return over these sessions."
    )
    return Section("conditions", "Conditions, over all sessions", (table, Sentence(note, Tone.QUIET)))


def _settings(run: RunSummary) -> Section:
    rows = tuple((name, Cell(given), "") for name, given in run.settings)
    return Section("settings", "Settings", (Facts(rows),) if rows else ())
