"""What the account is made of: each sleeve with its money, what it holds and why it last decided so."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from mtum.app.queries.performance import AccountCloses, SleeveCloses, account_performance
from mtum.config import Settings
from mtum.core.portfolio.returns import drawdown, from_capital
from mtum.ports.reading import DatabaseState, Reader
from mtum.ports.rows import CashRow, DayRow, PositionRow, VirtualRow


class Watched(Struct, frozen=True):
    """A time in which a sleeve was watched, at the prices of its decisions: virtual money, in no figure of the account.

    Parameters
    ----------
    drawdown_frac, max_drawdown_frac : float
        Drawdown at the end, and the largest one, as fractions.
    """

    start: str
    end: str
    sessions: int
    start_usd: float
    equity_usd: float
    return_frac: float
    drawdown_frac: float
    max_drawdown_frac: float


class SleeveLine(Struct, frozen=True):
    """A sleeve at a glance; what its records do not hold yet is None.

    Money and results of a sleeve that is watched are virtual; what it earned and was given with real money before
    is in none of them.

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
    watched : tuple of Watched
        Every time it was watched, oldest first; kept once it trades.
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
    watched: tuple[Watched, ...]


def _watched(rows: Sequence[VirtualRow]) -> tuple[Watched, ...]:
    times: dict[str | None, list[VirtualRow]] = defaultdict(list)
    for row in rows:
        times[row.after].append(row)
    found = []
    for own in times.values():
        curve = [row.equity_usd for row in own]
        falls = drawdown(from_capital(np.array(curve), curve[0]))
        found.append(
            Watched(
                start=own[0].session,
                end=own[-1].session,
                sessions=len(own),
                start_usd=curve[0],
                equity_usd=curve[-1],
                return_frac=round(curve[-1] / curve[0] - 1.0, 8),
                drawdown_frac=round(float(falls[-1]), 8),
                max_drawdown_frac=round(float(falls.min()), 8),
            )
        )
    return tuple(found)


def sleeve_lines(
    settings: Settings, reader: Reader | None, closes: Mapping[str, SleeveCloses], state: DatabaseState | None = None
) -> list[SleeveLine]:
    """Return a line for each sleeve of the settings, in their order.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    reader : Reader or None
        The records of one database, for reading alone; None for none.
    closes : mapping of sleeve to SleeveCloses
        Those of the sleeves with real money.
    state : DatabaseState, optional
        The records at a glance, if read already.
    """
    state = (state or reader.state()) if reader else None
    given = reader.rows(CashRow, None, None, kind="transfer") if reader else ()
    virtual = defaultdict[str, list[VirtualRow]](list)
    for row in reader.rows(VirtualRow) if reader else ():
        virtual[row.strategy].append(row)
    found = []
    for name, one in settings.configured().items():
        real = one.state != "watch"
        own = closes.get(name)
        curve = own.curve if own and len(own.curve) else None
        days = reader.rows(DayRow, None, 1, strategy=name) if reader else ()
        day = days[-1] if days else None
        times = _watched(virtual[name])
        now = times[-1] if times and not real else None
        line = SleeveLine(
            sleeve=name,
            strategy=one.strategy,
            weight=one.weight,
            state=one.state,
            session=curve.days[-1].isoformat() if curve else None,
            equity_usd=float(curve.equity[-1]) if curve else None,
            cash_usd=state.cash_usd.get(name) if state and real else None,
            return_frac=own.return_frac if own and curve else None,
            drawdown_frac=own.drawdown_frac if own and curve else None,
            benchmark_usd=own.benchmark_usd[-1] if own and curve else None,
            gained_usd=round(sum(own.gained_usd), 6) if own and curve else None,
            transferred_usd=round(sum((row.amount_usd for row in given if row.strategy == name), 0.0), 2)
            if real
            else 0,
            positions=tuple(row for row in state.positions if row.strategy == name) if state and real else (),
            decided=day.session if day else None,
            action=day.action if day else None,
            reasons=tuple((day.all_reasons or "").split(", ")) if day else (),
            watched=times,
        )
        decision = reader.decision(None, name) if reader and now else None
        if now and decision:
            line = replace(
                line,
                session=now.end,
                equity_usd=now.equity_usd,
                cash_usd=float(decision.frame["book"]["cash_usd"]),
                positions=tuple(
                    PositionRow(name, symbol, own["shares"], own["entry_session"], own["entry_price"], *(None,) * 5)
                    for symbol, own in decision.frame["book"]["holdings"].items()
                    if own["shares"]
                ),
                return_frac=now.return_frac,
                drawdown_frac=now.drawdown_frac,
            )
        found.append(line)
    return found


def sleeves_document(
    settings: Settings, reader: Reader | None, found: AccountCloses | None = None, state: DatabaseState | None = None
) -> dict[str, Any]:
    """Return what the account is made of, as commands and pages answer it.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    reader : Reader or None
        The records of one database, for reading alone; None for none.
    found : AccountCloses or None
        Closes of the sleeves with real money if read already; None to read them.
    state : DatabaseState, optional
        The records at a glance, if read already.
    """
    real = [name for name, one in settings.configured().items() if one.state != "watch"]
    closes = found or account_performance(reader, real)
    last, lines = closes.last, sleeve_lines(settings, reader, closes.sleeves, state)
    return {
        "sleeves": lines,
        "equity_usd": last.equity_usd if last else None,
        "benchmark_usd": last.benchmark_usd if last else None,
        "gained_usd": round(sum(line.gained_usd or 0.0 for line in lines), 6) if last else None,
        "return_frac": closes.return_frac if last else None,
        "drawdown_frac": last.drawdown_frac if last else None,
        "weights": round(sum(line.weight for line in lines if line.state != "watch"), 9),
    }
