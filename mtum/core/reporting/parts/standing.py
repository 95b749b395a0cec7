"""Standing: the sleeve beside buy-and-hold, risk-adjusted."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from mtum.core.reporting import figures
from mtum.core.reporting.layout import Section, Sentence, signed, table_section

FEW_SESSIONS = 126


class Standing(Struct, frozen=True):
    """One curve over the period and since the start; yearly figures take 252 sessions a year."""

    name: str
    sessions: int
    period_frac: float | None
    start_frac: float | None
    volatility_frac: float | None
    sharpe: float | None
    sharpe_low: float | None
    sharpe_high: float | None
    worst_drawdown_frac: float | None


def section(lines: Sequence[Standing], period: str) -> Section:
    """Return the sleeve beside buy-and-hold; `period` is what the period is called."""
    notes = [
        f"Sharpe ratio of {line.name}: {figures.number(line.sharpe)}, interval "
        f"{figures.number(line.sharpe_low)} to {figures.number(line.sharpe_high)}."
        for line in lines
        if line.sharpe_low is not None
    ]
    few = min((line.sessions for line in lines), default=0)
    if few < FEW_SESSIONS:
        notes.append(f"{few} sessions are few: yearly figures are extrapolated far.")
    rows = (
        (
            *(line.name, signed(figures.percent(line.period_frac)), signed(figures.percent(line.start_frac))),
            *(figures.percent(line.volatility_frac, 1, sign=False), figures.number(line.sharpe)),
            figures.percent(line.worst_drawdown_frac, 1),
        )
        for line in lines
    )
    head = ("Against holding", period, "start", "vol.", "Sharpe", "max drawdown")
    return table_section("standing", "Against simply holding", head, rows, *notes)


def findings(lines: Sequence[Standing]) -> Iterator[Sentence]:
    """Say how far ahead of holding the sleeve is, and whether that can be told from luck."""
    if len(lines) < 2:
        return
    ours, held = lines[0], lines[1]
    if ours.start_frac is None or held.start_frac is None:
        return
    ahead = ours.start_frac - held.start_frac
    word = "ahead of" if ahead >= 0 else "behind"
    points = figures.number(abs(ahead) * 100)
    yield Sentence(f"Since the start {points} percentage points {word} simply holding. {_luck(ours, held)}")


def _luck(ours: Standing, held: Standing) -> str:
    bounds = (ours.sharpe_low, ours.sharpe_high, held.sharpe_low, held.sharpe_high)
    if None in bounds:
        return "Too little is known to tell skill from luck."
    overlap = max(bounds[0] or 0.0, bounds[2] or 0.0) <= min(bounds[1] or 0.0, bounds[3] or 0.0)
    if overlap:
        return "Risk-adjusted, the two cannot be told apart: the intervals of their Sharpe ratios overlap."
    return "The intervals of the Sharpe ratios do not overlap."
