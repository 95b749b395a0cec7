"""Folders of made-up bars as the source `csv` reads them."""

import csv
from datetime import date
from pathlib import Path

from mtum.core.market.bars import Bars
from support.exchange_sessions import xnys
from support.markets import made_up_bars

NAMES = ("open", "high", "low", "close", "volume", "dividend")


def made_up_market(symbol: str, sessions: int, source: str = "csv", seed: int = 51) -> tuple[Bars, dict[date, float]]:
    """Made-up bars on real sessions, and VIX closes beside them."""
    days = [session.day for session in xnys("2014-01-02", "2018-12-31")][:sessions]
    drawn = made_up_bars(sessions, seed)
    bars = Bars.from_columns(symbol, source, days, {name: getattr(drawn, name) for name in NAMES})
    return bars, {day: 15.0 + number % 12 for number, day in enumerate(days)}


def write_market(
    folder: Path,
    symbol: str = "AAA",
    sessions: int = 700,
    *,
    seed: int = 51,
    skipped: int = 0,
    drop: int | None = None,
    wrong: str | None = None,
) -> Bars:
    """Made-up bars on real sessions as SYMBOL.csv and VIX.csv; the first ones skipped, one dropped, one made wrong."""
    bars, vix = made_up_market(symbol, sessions, seed=seed)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{symbol}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["date", *NAMES])
        for number, day in enumerate(vix):
            row = [float(getattr(bars, name)[number]) for name in NAMES]
            if number >= skipped and number != drop:
                writer.writerow([day, *([wrong, *row[1:]] if wrong and number == 300 else row)])
    with (folder / "VIX.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["date", "open", "high", "low", "close", "volume"])
        writer.writerows([day, 15, 15, 15, points, 0] for day, points in vix.items())
    return bars
