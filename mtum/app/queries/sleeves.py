"""What the account is made of: each sleeve with its money, what it holds and why it last decided so."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from mtum.app.queries.performance import AccountRow, PerformanceRow, performance
from mtum.config import Settings
from mtum.ports.reading import CashRow, DayRow, PositionRow, Reader


@dataclass(frozen=True, slots=True)
class SleeveLine:
    """A sleeve at a glance; what its records do not hold yet is None.

    Parameters
    ----------
    return_frac, drawdown_frac : float or None
        Since it began, deposits and withdrawals taken out; the drawdown is the present fall from its peak.
    gained_usd : float or None
        What it earned since it began; those of all sleeves are the account's.
    transferred_usd : float
        What other sleeves gave it, less what it gave them.
    reasons : tuple of str
        Of its last decision.
    """

    sleeve: str
    strategy: str
    weight: float
    state: str
    session: str | None
    equity_usd: float | None
    cash_usd: float | None
    return_frac: float | None
    drawdown_frac: float | None
    benchmark_usd: float | None
    gained_usd: float | None
    transferred_usd: float
    positions: tuple[PositionRow, ...]
    decided: str | None
    action: str | None
    reasons: tuple[str, ...]


def _earned(own: Sequence[PerformanceRow], virtual_usd: float, worth_usd: float | None) -> float | None:
    if worth_usd is not None:
        return round(worth_usd / virtual_usd - 1.0, 8)
    return round(prod(1.0 + row.return_frac for row in own) - 1.0, 8) if own else None


def _gained(account: Sequence[AccountRow], name: str) -> float:
    return round(sum(row.gained_usd.get(name, 0.0) for row in account), 6)


def sleeve_lines(settings: Settings, reader: Reader | None, account: Sequence[AccountRow] = ()) -> list[SleeveLine]:
    """Return a line for each sleeve of the settings, in their order; `account` tells what each earned."""
    earned = performance(reader) if reader else []
    state = reader.state() if reader else None
    given = reader.rows(CashRow, None, None, kind="transfer") if reader else ()
    found = []
    for name, one in settings.configured().items():
        own = [row for row in earned if row.strategy == name]
        last = own[-1] if own else None
        days = reader.rows(DayRow, None, 1, strategy=name) if reader else ()
        day = days[-1] if days else None
        virtual = reader.decision(None, name) if reader and one.state == "watch" else None
        worth = float(virtual.document["equity_usd"]) if virtual else None
        found.append(
            SleeveLine(
                sleeve=name,
                strategy=one.strategy,
                weight=one.weight,
                state=one.state,
                session=last.session if last else None,
                equity_usd=worth if one.state == "watch" else last.equity_usd if last else None,
                cash_usd=state.cash_usd.get(name) if state else None,
                return_frac=_earned(own, one.virtual_usd, worth),
                drawdown_frac=last.drawdown_frac if last else None,
                benchmark_usd=last.benchmark_usd if last else None,
                gained_usd=_gained(account, name) if own else None,
                transferred_usd=round(sum((row.amount_usd for row in given if row.strategy == name), 0.0), 2),
                positions=tuple(row for row in state.positions if row.strategy == name) if state else (),
                decided=day.session if day else None,
                action=day.action if day else None,
                reasons=tuple((day.all_reasons or "").split(", ")) if day else (),
            )
        )
    return found
