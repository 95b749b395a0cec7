"""Equity with what was earned on it, session by session."""

from dataclasses import asdict, dataclass
from datetime import date

from mtum.core.portfolio.returns import curve, drawdown, returns
from mtum.ports.reading import CashRow, EquityRow, Reader


@dataclass(frozen=True, slots=True)
class PerformanceRow(EquityRow):
    """A point of equity, its return without deposits and withdrawals, and the fall of these returns from their peak."""

    return_frac: float
    drawdown_frac: float


def performance(reader: Reader, sleeve: str | None = None) -> list[PerformanceRow]:
    """Return every point of every sleeve, or of one, one sleeve after the other."""
    start_usd = {one.strategy: one.amount_usd for one in reader.rows(CashRow, kind="capital")}
    by_strategy: dict[str, list[EquityRow]] = {}
    for point in reader.rows(EquityRow, None, None, **({} if sleeve is None else {"strategy": sleeve})):
        by_strategy.setdefault(point.strategy, []).append(point)
    found = []
    for strategy, points in by_strategy.items():
        flows = [point.flows_usd for point in points]
        flows[0] += start_usd.get(strategy, 0.0)
        days = [date.fromisoformat(point.session) for point in points]
        given = curve(days, [point.equity_usd for point in points], flows)
        earned = zip(points, returns(given).tolist(), drawdown(given).tolist(), strict=True)
        found += [
            PerformanceRow(**asdict(point), return_frac=round(gained, 8), drawdown_frac=round(fall, 8))
            for point, gained, fall in earned
        ]
    return found
