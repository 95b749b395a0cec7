"""Equity with what was earned on it, session by session."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from mtum.core.portfolio.money import exact
from mtum.core.portfolio.returns import Curve, changes, curve, drawdown, returns, together
from mtum.ports.reading import Reader
from mtum.ports.rows import CashRow, CloseRow, EquityRow


@dataclass(frozen=True, slots=True)
class PerformanceRow(EquityRow):
    """A point of equity, its return without deposits and withdrawals, and the fall of these returns from their peak."""

    return_frac: float
    drawdown_frac: float


def performance(reader: Reader, sleeve: str | None = None) -> list[PerformanceRow]:
    """Return every point of every sleeve, or of one, one sleeve after the other."""
    by_strategy: dict[str, list[EquityRow]] = {}
    for point in reader.rows(EquityRow, None, None, **({} if sleeve is None else {"strategy": sleeve})):
        by_strategy.setdefault(point.strategy, []).append(point)
    found = []
    for strategy, points in by_strategy.items():
        own = closes_of(reader, strategy)
        earned = zip(points, own.returns, drawdown(own.curve).tolist(), strict=True)
        found += [
            PerformanceRow(**asdict(point), return_frac=gained, drawdown_frac=round(fall, 8))
            for point, gained, fall in earned
        ]
    return found


@dataclass(frozen=True, eq=False)
class SleeveCloses:
    """A sleeve at its official closes, oldest first.

    Parameters
    ----------
    curve : Curve
        What it began with is in its first flows, as everywhere returns are computed.
    benchmark_usd : sequence of float or None
        What it is held against.
    """

    curve: Curve
    benchmark_usd: Sequence[float | None]

    @cached_property
    def returns(self) -> list[float]:
        """Each session's return, as the records tell it."""
        return [round(one, 8) for one in returns(self.curve).tolist()]

    @cached_property
    def gained_usd(self) -> list[float]:
        """What each session earned."""
        return [round(one, 6) for one in changes(self.curve).tolist()]


def closes_of(reader: Reader, sleeve: str) -> SleeveCloses:
    """Return the closes of a sleeve."""
    rows = reader.rows(CloseRow, None, None, strategy=sleeve)
    flows = [row.flows_usd for row in rows]
    if rows:
        flows[0] = float(exact(flows[0]) + _capital_usd(reader, sleeve))
    days, equity = [date.fromisoformat(row.session) for row in rows], [row.equity_usd for row in rows]
    return SleeveCloses(curve(days, equity, flows), [row.benchmark_usd for row in rows])


@dataclass(frozen=True, slots=True)
class AccountRow:
    """All sleeves together at an official close, and what each earned since the one before.

    Parameters
    ----------
    gained_usd : mapping of sleeve to float
        Money put in, taken out or moved between sleeves is none; the sum is the gain of the account.
    """

    session: str
    equity_usd: float
    flows_usd: float
    benchmark_usd: float | None
    return_frac: float
    drawdown_frac: float
    gained_usd: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class AccountCloses:
    """The sleeves that own money at their closes, and the account at every close that one of them has."""

    sleeves: Mapping[str, SleeveCloses]
    rows: Sequence[AccountRow]


def account_performance(reader: Reader | None, names: Iterable[str]) -> AccountCloses:
    """Return the closes of these sleeves and of all together; none before there are records."""
    sleeves = {name: closes_of(reader, name) for name in names} if reader else {}
    whole = together([one.curve for one in sleeves.values()])
    gains: dict[date, dict[str, float]] = {day: {} for day in whole.days}
    held: dict[date, dict[str, float | None]] = {day: {} for day in whole.days}
    for name, one in sleeves.items():
        for day, gained, benchmark in zip(one.curve.days, one.gained_usd, one.benchmark_usd, strict=True):
            gains[day][name] = gained
            held[day][name] = benchmark
    found, last = [], dict[str, float | None]()
    columns = (whole.equity.tolist(), whole.flows.tolist(), returns(whole).tolist(), drawdown(whole).tolist())
    for day, equity, flows, earned, fall in zip(whole.days, *columns, strict=True):
        last |= held[day]
        known = [usd for usd in last.values() if usd is not None]
        found.append(
            AccountRow(
                session=day.isoformat(),
                equity_usd=equity,
                flows_usd=flows,
                benchmark_usd=round(sum(known), 6) if len(known) == len(last) else None,
                return_frac=round(earned, 8),
                drawdown_frac=round(fall, 8),
                gained_usd=gains[day],
            )
        )
    return AccountCloses(sleeves, found)


def _capital_usd(reader: Reader, sleeve: str) -> Decimal:
    given = reader.rows(CashRow, None, None, strategy=sleeve, kind="capital")
    return sum((exact(row.amount_usd) for row in given), Decimal(0))
