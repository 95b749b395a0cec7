"""Equity with what was earned on it, session by session."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property
from math import fsum, prod

from msgspec import Struct
from msgspec.structs import asdict

from mtum.core.portfolio.money import exact
from mtum.core.portfolio.returns import Curve, changes, curve, drawdown, returns, rounded, together
from mtum.ports.reading import Reader
from mtum.ports.rows import CashRow, EquityRow


class PerformanceRow(EquityRow, frozen=True):
    """A point of equity, its return without deposits and withdrawals, and the fall of these returns from their peak."""

    return_frac: float
    drawdown_frac: float


def performance(reader: Reader, sleeve: str | None = None) -> list[PerformanceRow]:
    """Return every point of every sleeve, or of one, one sleeve after the other."""
    by_strategy: dict[str, list[EquityRow]] = {}
    for point in reader.rows(EquityRow, None, None, **({} if sleeve is None else {"strategy": sleeve})):
        by_strategy.setdefault(point.strategy, []).append(point)
    closes, found = closes_of(reader, by_strategy), list[PerformanceRow]()
    for strategy, points in by_strategy.items():
        own = closes[strategy]
        earned = zip(points, own.returns, rounded(drawdown(own.curve), 8), strict=True)
        found += [
            PerformanceRow(**asdict(point), return_frac=gained, drawdown_frac=fall) for point, gained, fall in earned
        ]
    return found


def chained(earned: Sequence[float]) -> float:
    """Return what returns come to one after the other, as the records tell it."""
    return round(prod([1.0 + one for one in earned]) - 1.0, 8)


class SleeveCloses(Struct, frozen=True, eq=False, dict=True):
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
        return rounded(returns(self.curve), 8)

    @cached_property
    def return_frac(self) -> float:
        """All returns chained."""
        return chained(self.returns)

    @cached_property
    def drawdown_frac(self) -> float:
        """The present fall from the peak; 0 before the first close."""
        return round(float(drawdown(self.curve)[-1]), 8) if len(self.curve) else 0.0

    @cached_property
    def gained_usd(self) -> list[float]:
        """What each session earned."""
        return rounded(changes(self.curve), 6)


def closes_of(reader: Reader, sleeves: Iterable[str]) -> dict[str, SleeveCloses]:
    """Return the closes of these sleeves; none of a sleeve that has not closed."""
    known, capital, found = reader.closes, defaultdict[str, Decimal](Decimal), {}
    for row in reader.rows(CashRow, None, None, kind="capital"):
        capital[row.strategy] += exact(row.amount_usd)
    days = {own.sessions: tuple(map(date.fromisoformat, own.sessions)) for own in known.values()}
    for name in sleeves:
        if name not in known:
            found[name] = SleeveCloses(curve((), (), ()), ())
            continue
        own = known[name]
        flows = [float(exact(own.flows_usd[0]) + capital[name]), *own.flows_usd[1:]]
        found[name] = SleeveCloses(curve(days[own.sessions], own.equity_usd, flows), own.benchmark_usd)
    return found


class AccountRow(Struct, frozen=True):
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


class AccountCloses(Struct, frozen=True, eq=False, dict=True):
    """The sleeves that own money at their closes, and the account at every close that one of them has.

    Parameters
    ----------
    whole : Curve
        The account.
    """

    sleeves: Mapping[str, SleeveCloses]
    whole: Curve

    @cached_property
    def returns(self) -> list[float]:
        """Each session's return of the account, as the records tell it."""
        return rounded(returns(self.whole), 8)

    @cached_property
    def return_frac(self) -> float:
        """All returns chained."""
        return chained(self.returns)

    @cached_property
    def rows(self) -> Sequence[AccountRow]:
        """Every close."""
        return self._rows(0)

    @cached_property
    def last(self) -> AccountRow | None:
        """The newest close: all that a page which opens with it needs of ten years."""
        return self._rows(len(self.whole) - 1)[0] if len(self.whole) else None

    def _rows(self, first: int) -> list[AccountRow]:
        days = self.whole.days[first:]
        gains: dict[date, dict[str, float]] = {day: {} for day in days}
        held: dict[date, dict[str, float | None]] = {day: {} for day in days}
        last: dict[str, float | None] = {}
        for name, one in self.sleeves.items():
            begin = bisect_left(one.curve.days, days[0]) if days else 0
            if begin:
                last[name] = one.benchmark_usd[begin - 1]
            own = (one.curve.days[begin:], one.gained_usd[begin:], one.benchmark_usd[begin:])
            for day, gained, benchmark in zip(*own, strict=True):
                gains[day][name] = gained
                held[day][name] = benchmark
        whole, found = self.whole, []
        columns = (whole.equity.tolist(), whole.flows.tolist(), self.returns, rounded(drawdown(whole), 8))
        for day, equity, flows, earned, fall in zip(days, *(one[first:] for one in columns), strict=True):
            last |= held[day]
            known = [usd for usd in last.values() if usd is not None]
            found.append(
                AccountRow(
                    session=day.isoformat(),
                    equity_usd=equity,
                    flows_usd=flows,
                    # To the last bit the same in whatever order the sleeves began.
                    benchmark_usd=round(fsum(known), 6) if len(known) == len(last) else None,
                    return_frac=earned,
                    drawdown_frac=fall,
                    gained_usd=gains[day],
                )
            )
        return found


def account_performance(reader: Reader | None, names: Iterable[str]) -> AccountCloses:
    """Return the closes of these sleeves and of all together; none before there are records."""
    sleeves = closes_of(reader, names) if reader else {}
    return AccountCloses(sleeves, together([one.curve for one in sleeves.values()]))
