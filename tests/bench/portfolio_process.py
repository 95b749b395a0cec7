"""A monthly allocation with vectorbt, as a whole process: read the CSV files, run, print JSON."""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

warnings.simplefilter("ignore")
MONTHS, WEIGHT = 10, 0.12


def main() -> None:
    import vectorbt as vbt  # type: ignore[import-not-found]  # in the environment of the race only

    files = sorted(Path(sys.argv[1]).glob("S*.csv"))
    close = pd.DataFrame(
        {file.stem: pd.read_csv(file, parse_dates=["date"], index_col="date")["close"] for file in files}
    )
    months = close.index.to_numpy().astype("datetime64[M]")
    ends = np.flatnonzero(months[1:] != months[:-1])
    volatility = (pd.DataFrame(np.log(close)).diff().rolling(60).std() * np.sqrt(252)).round(6).iloc[ends]
    part = (1 / volatility).div((1 / volatility).sum(axis=1), axis=0)
    monthly = close.iloc[ends]
    weights = (part * WEIGHT * len(files)).round(6).where(monthly > monthly.rolling(MONTHS).mean().round(6), 0.0)
    size = np.full(close.shape, np.nan)
    size[ends[MONTHS:]] = weights.to_numpy()[MONTHS:]
    found = vbt.Portfolio.from_orders(
        close,
        size,
        size_type="targetpercent",
        size_granularity=1,
        fees=0.001,
        init_cash=100_000,
        cash_sharing=True,
        group_by=True,
        call_seq="auto",
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
