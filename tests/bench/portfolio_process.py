"""A portfolio with vectorbt, as a whole process: read the CSV files, run, print JSON.

`allocation` is monthly weights by inverse volatility, `ranking` a daily ranking of which the best ten are held.
"""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

warnings.simplefilter("ignore")
MONTHS, WEIGHT, COST, SESSIONS, TOP, PART = 10, 0.0625, 0.001, 20, 10, 0.05


def allocated(close: pd.DataFrame) -> Any:
    months = close.index.to_numpy().astype("datetime64[M]")
    ends = np.flatnonzero(months[1:] != months[:-1])
    volatility = (pd.DataFrame(np.log(close)).diff().rolling(60).std() * np.sqrt(252)).round(6).iloc[ends]
    part = (1 / volatility).div((1 / volatility).sum(axis=1), axis=0)
    monthly = close.iloc[ends]
    whole = WEIGHT * close.shape[1]
    weights = (part * whole).round(6).where(monthly > monthly.rolling(MONTHS).mean().round(6), 0.0)
    size = np.full(close.shape, np.nan)
    size[ends[MONTHS:]] = weights.to_numpy()[MONTHS:]
    return size


def ranked(close: pd.DataFrame) -> Any:
    gain = (close / close.shift(SESSIONS)).round(6).to_numpy()
    best = np.argsort(-gain, axis=1, kind="stable")[:, :TOP]
    held = np.zeros(close.shape, dtype=bool)
    np.put_along_axis(held, best, True, axis=1)
    held[:SESSIONS] = False
    before = np.vstack([np.zeros((1, held.shape[1]), dtype=bool), held[:-1]])
    return np.where(held & ~before, PART / (1 + COST), np.where(before & ~held, 0.0, np.nan))


def main() -> None:
    import vectorbt as vbt  # type: ignore[import-not-found]  # in the environment of the race only

    files = sorted(Path(sys.argv[1]).glob("S*.csv"))
    close = pd.DataFrame(
        {file.stem: pd.read_csv(file, parse_dates=["date"], index_col="date")["close"] for file in files}
    )
    found = vbt.Portfolio.from_orders(
        close,
        (allocated if sys.argv[2] == "allocation" else ranked)(close),
        size_type="targetpercent",
        size_granularity=1,
        fees=COST,
        init_cash=1_000_000,
        cash_sharing=True,
        group_by=True,
        call_seq="auto" if sys.argv[2] == "allocation" else "default",
        freq="1D",
    )
    orders = found.orders.records
    print(
        json.dumps(
            {
                "trades": json.loads(orders.to_json(orient="records")),
                "final_equity_usd": float(found.value().iloc[-1]),
                "metrics": {"sharpe": float(found.sharpe_ratio()), "max_drawdown": float(found.max_drawdown())},
            }
        )
    )


if __name__ == "__main__":
    main()
