"""Made-up markets for tests: seeded random walks with cents, dividends and gaps in the VIX."""

import csv
import os
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from mtum.core.market.bars import Bars


def weekdays(count: int, first: date = date(2010, 1, 4)) -> list[date]:
    """That many weekdays, holidays not left out."""
    days: list[date] = []
    day = first
    while len(days) < count:
        if day.weekday() < 5:
            days.append(day)
        day += timedelta(days=1)
    return days


def made_up_bars(sessions: int, seed: int, symbol: str = "AAA", step: float = 0.012) -> Bars:
    """A random walk around USD 60 in whole cents, with a dividend every 63rd session."""
    draw = np.random.default_rng(seed)
    moves = draw.normal(0.0004, step, sessions) + 0.006 * np.sin(np.arange(sessions) / 40.0) * draw.random(sessions)
    close = np.round(60.0 * np.exp(np.cumsum(moves)), 2)
    before = np.r_[60.0, close[:-1]]
    open_ = np.round(before * np.exp(draw.normal(0, step / 3, sessions)), 2)
    high = np.round(np.maximum(open_, close) * (1 + np.abs(draw.normal(0, step / 2, sessions))), 2)
    low = np.round(np.minimum(open_, close) * (1 - np.abs(draw.normal(0, step / 2, sessions))), 2)
    volume = np.round(np.exp(draw.normal(13.0, 0.4, sessions)))
    dividend = np.where(np.arange(sessions) % 63 == 40, np.round(0.2 + 0.3 * draw.random(sessions), 3), 0.0)
    columns = {"open": open_, "high": high, "low": low, "close": close, "volume": volume, "dividend": dividend}
    return Bars.from_columns(symbol, "made-up", weekdays(sessions), columns)


def made_up_vix(bars: Bars, seed: int) -> dict[date, float]:
    """VIX closes between 9 and 45 that linger near the thresholds; one session in fifty is missing."""
    draw = np.random.default_rng(seed + 10_000)
    level = 18.0
    found: dict[date, float] = {}
    for day in bars.days.astype(object):
        level = min(45.0, max(9.0, level + float(draw.normal(0, 1.3)) + 0.03 * (20.0 - level)))
        if draw.random() > 0.02:
            found[day] = round(level, 2)
    return found


def real_bars(symbol: str) -> Bars:
    """Bars of SYMBOL.csv in the folder that MTUM_REAL_BARS names; skips the test where there is none."""
    folder = os.environ.get("MTUM_REAL_BARS")
    if not folder:
        pytest.skip("MTUM_REAL_BARS names no folder of real bars")
    path = next(
        path for path in (Path(folder, f"{symbol}.csv"), Path(folder, "more", f"{symbol}.csv")) if path.exists()
    )
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = ("open", "high", "low", "close", "volume", "dividend", "split")
    columns = {name: [float(row[name]) for row in rows] for name in names}
    return Bars.from_columns(symbol, "csv", [row["date"] for row in rows], columns)


def by_day(bars: Bars) -> dict[date, float]:
    """Closes by session."""
    return dict(zip(bars.days.astype(object).tolist(), bars.close.tolist(), strict=True))
