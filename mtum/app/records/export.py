"""Trades, signals and performance as files for other programs."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

type Row = Mapping[str, Any]


def trades_csv(trades: Sequence[Row], columns: Iterable[str], year: int | None = None) -> tuple[str, int]:
    """Return round trips as CSV under those columns and their number; with a year, those closed in it."""
    return _csv(columns, [row for row in trades if year is None or _in_year(row["exit_session"], year)])


def signals_lines(signals: Sequence[Row], year: int | None = None) -> tuple[str, int]:
    """Return every condition of every session as JSON lines and their number."""
    rows = [{**row, "passed": bool(row["passed"])} for row in signals if year is None or _in_year(row["session"], year)]
    return "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows), len(rows)


def performance_csv(
    points: Sequence[Row], columns: Iterable[str], start_usd: Mapping[str, float], year: int | None = None
) -> tuple[str, int]:
    """Return equity by session as CSV and the number of rows.

    `return_frac` is the session's return with deposits and withdrawals taken out,
    `drawdown_frac` the fall of the chained returns from their peak.

    Parameters
    ----------
    columns : iterable of str
        Columns of the equity points.
    start_usd : mapping of strategy to float
        Capital each strategy began with.
    """
    by_strategy: dict[str, list[Row]] = {}
    for point in points:
        by_strategy.setdefault(point["strategy"], []).append(point)
    rows = [row for name, own in by_strategy.items() for row in _with_returns(own, start_usd.get(name, 0.0))]
    wanted = [row for row in rows if year is None or _in_year(row["session"], year)]
    return _csv([*columns, "return_frac", "drawdown_frac"], wanted)


def _with_returns(points: Sequence[Row], start_usd: float) -> list[dict[str, Any]]:
    from mtum.core.portfolio.returns import curve, drawdown, returns  # loads numpy

    flows = [point["flows_usd"] for point in points]
    flows[0] += start_usd
    days = [date.fromisoformat(point["session"]) for point in points]
    given = curve(days, [point["equity_usd"] for point in points], flows)
    found = zip(points, returns(given).tolist(), drawdown(given).tolist(), strict=True)
    return [
        {**point, "return_frac": round(gained, 8), "drawdown_frac": round(fall, 8)} for point, gained, fall in found
    ]


def _in_year(session: str | None, year: int) -> bool:
    return session is not None and session.startswith(f"{year:04d}-")


def _csv(columns: Iterable[str], rows: Sequence[Row]) -> tuple[str, int]:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return file.getvalue(), len(rows)


def _cell(value: object) -> object:
    return ";".join(str(item) for item in value) if isinstance(value, list) else value
