"""Races portfolios over columns against vectorbt; run by a Python that has it, with this project on its path.

Monthly weights by inverse volatility of 8 assets, and a daily ranking of 100 stocks of which 10 are held; 2,520
sessions. Both sides get the same closes in memory and must make the same orders; half of the money is invested, so
that no purchase lacks cash. Prints one JSON document; see `test_speed_beside_peers.py` for the environment.
"""

import json
import warnings
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from functools import cache, partial
from math import inf
from typing import Any

import numpy as np
import pandas as pd
from numba import njit

from bench.peer_race import race, require
from mtum.core.market.bars import Bars
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.simulation.played import PlayTerms
from mtum.core.simulation.session_views import SessionHistory, first_session
from mtum.core.simulation.walker.play import walked
from mtum.core.simulation.walker.result import Walked
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.multi_asset_allocation import MultiAssetAllocation, Sizing
from support.daily_ranking import DailyRanking

SESSIONS, CAPITAL, COST = 2_520, 1_000_000.0, 0.001
TERMS = PlayTerms(CAPITAL, PortfolioRules(SizingRules(1.0, inf, 0.0, PercentCosts(Decimal("0.001"))), LossRules(None)))
MONTHS = 10


def closes(count: int) -> pd.DataFrame:
    """Random walks in whole cents."""
    days = pd.bdate_range("2010-01-04", periods=SESSIONS)
    moves = np.random.default_rng(count).normal(0.0004, 0.015, (SESSIONS, count))
    return pd.DataFrame(
        np.round(60 * np.exp(np.cumsum(moves, axis=0)), 2), days, [f"S{number:03}" for number in range(count)]
    )


def ready(close: pd.DataFrame) -> SessionHistory:
    days = close.index.to_numpy().astype("datetime64[D]")
    first: date = days[0].astype(object)
    around = np.arange(np.datetime64(first - timedelta(days=60)), days[-1] + 20)
    bars = {}
    for symbol in close.columns:
        column = close[symbol].to_numpy()
        whole = {"open": column, "high": column, "low": column, "close": column, "volume": column}
        bars[symbol] = Bars.from_columns(symbol, "made-up", days, whole)
    return SessionHistory(bars, {}, tuple(around[np.is_busday(around)].astype(object)))


def ours(history: SessionHistory, strategy: Strategy, first: int) -> Walked:
    found = walked(history, strategy, TERMS, (first, SESSIONS), compiled=True)
    assert found is not None
    return found


# --- the same with vectorbt ---


@cache
def rebalanced() -> tuple[Any, Any]:
    """The order that brings a position to its weight, as vectorbt calls it, compiled."""
    from vectorbt.portfolio import nb  # type: ignore[import-not-found]  # in the environment of the race only

    order, nothing = nb.order_nb, nb.order_nothing_nb

    @njit  # type: ignore[untyped-decorator]  # untyped
    def made(context: Any, weights: Any, cost: float) -> Any:
        weight = weights[context.i, context.col]
        price, held = context.close[context.i, context.col], context.position_now
        if np.isnan(weight):
            return nothing()
        bought = np.floor(weight * context.value_now / (price * (1.0 + cost)))
        wanted = max(bought, min(held, np.floor(weight * context.value_now / price)))
        if wanted == held:
            return nothing()
        return order(size=wanted - held, price=price, fees=cost)

    @njit  # type: ignore[untyped-decorator]  # untyped
    def valued(context: Any, weights: Any, cost: float) -> tuple[Any, float]:
        # What is held counts at this close, not at the one before.
        for column in range(context.from_col, context.to_col):
            context.last_val_price[column] = context.close[context.i, column]
        return weights, cost

    return made, valued


def allocated_with_vectorbt(close: pd.DataFrame, first: int) -> Any:
    import vectorbt as vbt  # type: ignore[import-not-found]  # see above

    months = close.index.to_numpy().astype("datetime64[M]")
    ends = np.flatnonzero(np.append(months[1:] != months[:-1], True))
    volatility = (pd.DataFrame(np.log(close)).diff().rolling(60).std() * np.sqrt(252)).round(6).iloc[ends]
    part = (1 / volatility).div((1 / volatility).sum(axis=1), axis=0)
    monthly = close.iloc[ends]
    weight = (part * 0.5).round(6).where(monthly > monthly.rolling(MONTHS).mean().round(6), 0.0)
    weights = np.full(close.shape, np.nan)
    weights[ends] = weight.to_numpy()
    weights[:first] = np.nan
    if months[-1] == (close.index[-1] + pd.offsets.BDay(1)).to_numpy().astype("datetime64[M]"):
        weights[-1] = np.nan
    order, valued = rebalanced()
    return vbt.Portfolio.from_order_func(
        close, order, init_cash=CAPITAL, cash_sharing=True, group_by=True, freq="1D",
        pre_segment_func_nb=valued, pre_segment_args=(weights, COST),
    )  # fmt: skip


def ranked_with_vectorbt(close: pd.DataFrame, first: int) -> Any:
    import vectorbt as vbt

    gain = (close / close.shift(20)).round(6).to_numpy()
    best = np.argsort(-gain, axis=1, kind="stable")[:, :10]
    held = np.zeros(close.shape, dtype=bool)
    np.put_along_axis(held, best, True, axis=1)
    held[:first] = False
    before = np.vstack([np.zeros((1, held.shape[1]), dtype=bool), held[:-1]])
    size = np.where(held & ~before, 0.05 / (1 + COST), np.where(before & ~held, 0.0, np.nan))
    return vbt.Portfolio.from_orders(
        close, size, size_type="targetpercent", size_granularity=1, fees=COST, init_cash=CAPITAL,
        cash_sharing=True, group_by=True, freq="1D",
    )  # fmt: skip


def same(mine: Walked, theirs: Any, what: str) -> None:
    records = theirs.orders.records
    other = {
        (int(row["idx"]), int(row["col"])): round(row["size"] * (1 if row["side"] == 0 else -1))
        for _, row in records.iterrows()
    }
    own = {(int(at), int(symbol)): int(signed) for at, symbol, signed, _ in mine.orders}
    require(own == other, f"vectorbt, {what}: {len(own)} and {len(other)} orders")
    require(abs(theirs.value().iloc[-1] / mine.equity[-1] - 1) < 1e-5, f"vectorbt, {what}, equity")


def total_return(peer: Callable[[pd.DataFrame, int], Any], close: pd.DataFrame, first: int) -> Any:
    return peer(close, first).total_return()


def main() -> None:
    warnings.simplefilter("ignore")
    result: dict[str, Any] = {}
    few, many = closes(8), closes(100)
    weights = dict.fromkeys(few.columns, 0.5 / 8)
    allocation = MultiAssetAllocation(
        weights=weights, months=MONTHS, sizing=Sizing.INVERSE_VOL, drift_band=10.0, min_trade_usd=0.0,
        min_trade_frac=0.0,
    )  # fmt: skip
    ranking = DailyRanking(symbols=tuple(many.columns))
    for name, close, strategy, peer in (
        ("allocation", few, allocation, allocated_with_vectorbt),
        ("ranking", many, ranking, ranked_with_vectorbt),
    ):
        history = ready(close)
        first = first_session(history, strategy)
        assert first is not None
        mine, theirs = ours(history, strategy, first), peer(close, first)
        same(mine, theirs, name)
        result[f"{name}_orders"] = len(mine.orders)
        result[name] = race(
            partial(ours, history, strategy, first),
            partial(total_return, peer, close, first),
            9,
            3,
        )
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
