"""A monthly allocation with backtrader, as a whole process: read the CSV files, run, print JSON."""

import json
import sys
import warnings
from collections.abc import Sequence
from itertools import pairwise
from math import floor, log, sqrt
from pathlib import Path
from statistics import stdev
from typing import Any

warnings.simplefilter("ignore")
CAPITAL, COST, MONTHS, VOLATILITY, WHOLE = 1_000_000.0, 0.001, 10, 60, 0.5


def weights_of(closes: Sequence[Sequence[float]], monthly: Sequence[Sequence[float]]) -> list[float]:
    """Return weights by inverse volatility, 0 below the mean of the month ends."""
    moves = [[log(after / before) for before, after in pairwise(one)] for one in closes]
    parts = [1 / round(stdev(one) * sqrt(252), 6) for one in moves]
    means = [round(sum(month) / len(month), 6) for month in zip(*monthly, strict=True)]
    return [
        round(part / sum(parts) * WHOLE, 6) if one[-1] > mean else 0.0
        for part, one, mean in zip(parts, closes, means, strict=True)
    ]


def main() -> None:
    import backtrader as bt  # type: ignore[import-not-found]  # in the environment of the race only

    class Allocation(bt.Strategy):  # type: ignore[misc]  # as above
        def __init__(self) -> None:
            self.made: list[dict[str, Any]] = []
            self.monthly: list[list[float]] = []

        def notify_order(self, order: Any) -> None:
            if order.status == order.Completed:
                made = {"symbol": Path(order.data.p.dataname).stem, "shares": order.executed.size}
                self.made.append({"session": str(bt.num2date(order.created.dt).date()), **made})

        def next(self) -> None:
            day = self.data.datetime
            if len(self.data) == self.data.buflen() or day.date(1).month == day.date(0).month:
                return
            self.monthly.append([data.close[0] for data in self.datas])
            if len(self.monthly) <= MONTHS:
                return
            equity = self.broker.getvalue()
            closes = [data.close.get(size=VOLATILITY + 1) for data in self.datas]
            for data, weight in zip(self.datas, weights_of(closes, self.monthly[-MONTHS:]), strict=True):
                close, held = data.close[0], self.getposition(data).size
                bought = floor(weight * equity / (close * (1 + COST)))
                self.order_target_size(data, max(bought, min(held, floor(weight * equity / close))))

    cerebro = bt.Cerebro(stdstats=False)
    for file in sorted(Path(sys.argv[1]).glob("S*.csv")):
        cerebro.adddata(
            bt.feeds.GenericCSVData(
                dataname=str(file), dtformat="%Y-%m-%d", datetime=0, open=1, high=2, low=3, close=4, volume=5,
                openinterest=-1,
            ),
            name=file.stem,
        )  # fmt: skip
    cerebro.addstrategy(Allocation)
    cerebro.broker.setcash(CAPITAL)
    cerebro.broker.setcommission(COST)
    cerebro.broker.set_coc(True)
    (found,) = cerebro.run()
    print(json.dumps({"trades": found.made, "final_equity_usd": cerebro.broker.getvalue()}))


if __name__ == "__main__":
    main()
