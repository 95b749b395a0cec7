"""How the parameters of `NearCloseModel` were fitted; prints them.

Run it with MTUM_REAL_BARS naming a folder of real bars with `intraday/close_window.csv` in it, which has a row
per symbol and session: official close and volume, price and volume so far 20 minutes before the close.
The scale of the VIX and its tie to the price come from 20-minute windows of minute bars of SPY and VIX
(February 2019: correlation -0.68 over 1,767 windows), and from the VIX moving 0.13 points in the last 20
minutes at the median and 0.55 at the 95th percentile.
"""

import csv
import os
from collections import defaultdict
from math import log
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

THIN = ("MTUM", "VNQ", "EFA", "IEF", "TLT", "AGG", "GLD")
SESSIONS = 14


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


def main() -> None:
    folder = Path(os.environ["MTUM_REAL_BARS"])
    with (folder / "intraday" / "close_window.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["price_at_close_minus_20m"]]
    moves, shares = [], defaultdict(list)
    known = {
        name: ranges(folder / f"{name}.csv")
        for name in {row["symbol"] for row in rows}
        if (folder / f"{name}.csv").is_file()
    }
    for row in rows:
        scale = known.get(row["symbol"], {}).get(row["date"])
        if scale:
            moves.append(log(float(row["daily_close"]) / float(row["price_at_close_minus_20m"])) / scale)
            share = float(row["volume_to_close_minus_20m"]) / float(row["daily_volume"])
            shares[row["symbol"] in THIN].append(share)
    freedom, scale = fitted_tail(np.array(moves))
    print(f"{len(moves)} sessions: tail {freedom:g}, move_scale {scale:.3f}")
    for thin, found in sorted(shares.items()):
        low, high = np.quantile(found, [0.05, 0.95])
        print(
            f"{'thin' if thin else 'broad'} ETFs: volume share median {median(found):.3f}, 90 % {low:.3f} to {high:.3f}"
        )


if __name__ == "__main__":
    main()
