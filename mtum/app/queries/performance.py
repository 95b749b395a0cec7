"""Equity with what was earned on it, session by session."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal

from mtum.core.portfolio.equity_points import OfficialEquity, account_points, curve_of, with_capital
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.returns import changes, drawdown, returns
from mtum.ports.reading import CashRow, EquityRow, Reader


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
        given = curve_of(equity_points(reader, strategy, points))
        earned = zip(points, returns(given).tolist(), drawdown(given).tolist(), strict=True)
        found += [
            PerformanceRow(**asdict(point), return_frac=round(gained, 8), drawdown_frac=round(fall, 8))
            for point, gained, fall in earned
        ]
    return found


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


def account_performance(reader: Reader, sleeves: Iterable[str]) -> list[AccountRow]:
    """Return the account at every close that one of these sleeves has, oldest first."""
    rows = {name: reader.rows(EquityRow, None, None, strategy=name) for name in sleeves}
    points = {name: equity_points(reader, name, own) for name, own in rows.items()}
    account = account_points(points)
    given = curve_of(account)
    held = {name: {row.session: row.benchmark_usd for row in own} for name, own in rows.items()}
    gains: dict[date, dict[str, float]] = {one.session: {} for one in account}
    for name, own in points.items():
        for point, gained in zip(own, changes(curve_of(own)).tolist(), strict=True):
            gains[point.session][name] = round(gained, 6)
    found, last = [], dict[str, float | None]()
    for one, earned, fall in zip(account, returns(given).tolist(), drawdown(given).tolist(), strict=True):
        day = one.session.isoformat()
        last |= {name: own[day] for name, own in held.items() if day in own}
        known = [usd for usd in last.values() if usd is not None]
        found.append(
            AccountRow(
                session=day,
                equity_usd=round(float(one.equity_usd), 6),
                flows_usd=round(float(one.flows_usd), 6),
                benchmark_usd=round(sum(known), 6) if len(known) == len(last) else None,
                return_frac=round(earned, 8),
                drawdown_frac=round(fall, 8),
                gained_usd=gains[one.session],
            )
        )
    return found


def equity_points(reader: Reader, sleeve: str, rows: Sequence[EquityRow] | None = None) -> tuple[OfficialEquity, ...]:
    """Return the equity of a sleeve at its closes, what it began with in its first flows; `rows` if read already.

    Parameters
    ----------
    reader : Reader
        The records of one database, for reading alone.
    sleeve : str
        Name of the sleeve.
    rows : sequence of EquityRow or None
        Rows of equity if read already; None to read them.
    """
    points = [
        OfficialEquity(date.fromisoformat(row.session), exact(row.equity_usd), exact(row.flows_usd))
        for row in (reader.rows(EquityRow, None, None, strategy=sleeve) if rows is None else rows)
    ]
    given = (exact(row.amount_usd) for row in reader.rows(CashRow, None, None, strategy=sleeve, kind="capital"))
    return with_capital(points, sum(given, Decimal(0)))
