"""How the parameters of `NearCloseModel` were fitted; prints them.

Run it with MTUM_REAL_BARS naming a folder of real bars with `intraday/close_window.csv` in it, which has a row
per symbol and session: official close and volume, price and volume so far 20 minutes before the close; and
minute bars of SPY and VIX for the correlation:

    uv run --with pyarrow python tests/golden/fit_near_close.py

A share of volume is only known where the minute bars miss next to nothing of the session: those that add up
to 0.9 to 1.1 of its official volume are used. Shipped are 0.87 (0.74 to 0.98), as documented for thin ETFs,
of which the fit is a few thousandths away. The VIX's own scale is no fit: it moves 0.13 points in the last 20
minutes at the median and 0.55 at the 95th percentile, which one scale and the joint tail meet at a VIX of 17.
"""

import csv
import os
from math import log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

THIN_SHARES = 2_000_000
"""A symbol of fewer shares a session is thin."""
COMPLETE = (0.9, 1.1)
SESSIONS, MINUTES = 14, 20


def ranges(path: Path) -> dict[str, float]:
    """ATR of the 14 sessions before each, over the close before it."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    high, low, close = (np.array([float(row[name]) for row in rows]) for name in ("high", "low", "close"))
    before = np.r_[close[0], close[:-1]]
    true = np.maximum(high, before) - np.minimum(low, before)
    return {
        rows[t]["date"]: float(true[t - SESSIONS : t].mean() / close[t - 1]) for t in range(SESSIONS + 1, len(rows))
    }


def fitted_tail(moves: NDArray[np.float64]) -> tuple[float, float]:
    """Degrees of freedom and scale whose 50 % and 95 % points of |t| are those of the moves."""
    middle, far = np.quantile(np.abs(moves), [0.5, 0.95])
    draw = np.random.default_rng(1)
    best = (np.inf, 0.0, 0.0)
    for freedom in np.arange(2.0, 12.0, 0.25):
        drawn = np.abs(draw.standard_t(freedom, 400_000))
        low, high = np.quantile(drawn, [0.5, 0.95])
        best = min(best, (abs(high / low - far / middle), float(freedom), float(middle / low)))
    return best[1], best[2]


def shares(rows: list[dict[str, str]], symbol: str | None = None) -> list[float]:
    """Share of volume seen 20 minutes before the close of full sessions: of one symbol, or of the thin ones."""
    found = []
    for row in rows:
        official = float(row["daily_volume"])
        complete = COMPLETE[0] <= float(row["intraday_volume_all"]) / official <= COMPLETE[1]
        wanted = row["symbol"] == symbol if symbol else official < THIN_SHARES
        if wanted and complete and row["half_day"] == "False":
            found.append(float(row["volume_to_close_minus_20m"]) / official)
    return found


def correlation(path: Path) -> tuple[float, int]:
    """Correlation of log moves of SPY and VIX over all 20-minute windows inside a session, and their number."""
    import pandas as pd

    closes = pd.read_parquet(path).pivot_table(index="ts", columns="symbol", values="close")[["SPY", "VIX"]].dropna()
    before = closes.reindex(pd.DatetimeIndex(closes.index) - pd.Timedelta(minutes=MINUTES))
    moves = np.log(closes.to_numpy() / before.to_numpy())
    known = moves[np.isfinite(moves).all(axis=1)]
    return float(np.corrcoef(known.T)[0, 1]), len(known)


def main() -> None:
    folder = Path(os.environ["MTUM_REAL_BARS"])
    with (folder / "intraday" / "close_window.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["price_at_close_minus_20m"]]
    known = {
        name: ranges(folder / f"{name}.csv")
        for name in {row["symbol"] for row in rows}
        if (folder / f"{name}.csv").is_file()
    }
    moves = [
        log(float(row["daily_close"]) / float(row["price_at_close_minus_20m"])) / scale
        for row in rows
        if (scale := known.get(row["symbol"], {}).get(row["date"]))
    ]
    freedom, scale = fitted_tail(np.array(moves))
    print(f"{len(moves)} sessions: tail {freedom:g}, move_scale {scale:.3f}")
    for name, found in (("thin ETFs", shares(rows)), ("SPY", shares(rows, "SPY"))):
        low, middle, high = np.quantile(found, [0.05, 0.5, 0.95])
        print(f"{name}, {len(found)} sessions: volume share median {middle:.3f}, 90 % {low:.3f} to {high:.3f}")
    tie, windows = correlation(folder / "intraday" / "SPY_QQQ_GLD_VIX_1m_2019-02.parquet")
    print(f"{windows} windows of 20 minutes: correlation {tie:.2f}")


if __name__ == "__main__":
    main()
