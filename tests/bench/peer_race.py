"""Races the fast path against vectorbt and backtesting; run by a Python that has them, with this project on its path.

Prints one JSON document. How to make such an environment and run the race: see `test_speed_beside_peers.py`.
Both sides get the same arrays in memory and must make the same trades first; then they run in turns,
one thread, and the median of the pairs' ratios is reported.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import product
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from mtum.core.market.bars import Bars
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.research.grid import Combination, play_combinations
from mtum.core.simulation.backtest import final_equity, run, walked, walked_each
from mtum.core.simulation.history import History, history
from mtum.core.simulation.kernel.grid import FINAL_EQUITY, TRADES
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.played import PlayTerms
from mtum.core.strategies.mtum_confluence import MtumConfluence
from support.values import replace

CAPITAL, COST = 100_000.0, 0.001
WARM_UP = 60
RULES = MtumConfluence(symbol="SP500")
TERMS = PlayTerms(CAPITAL, PortfolioRules(SizingRules(1.0, 1e12, 0.0, PercentCosts(Decimal("0.001"))), LossRules(1e12)))
GRID = list(
    product(
        range(20, 120, 10),
        (45.0, 50.0, 55.0, 60.0, 65.0),
        (2.0, 3.0, 4.0, 5.0, 6.0),
        ((20.0, 25.0), (22.0, 28.0), (25.0, 30.0), (30.0, 35.0)),
    )
)


def real_frame() -> pd.DataFrame:
    """S&P 500 bars 1999-2018 with realized volatility in the place of the VIX."""
    from arch.data import sp500

    frame = sp500.load()[["Open", "High", "Low", "Close", "Volume"]].astype(float)
    frame["Vix"] = (frame["Close"].pct_change().rolling(20).std() * 1600).fillna(20.0).round(2)
    return frame


def bars_of(frame: pd.DataFrame, symbol: str = "SP500") -> Bars:
    columns = {name.lower(): frame[name].to_numpy() for name in ("Open", "High", "Low", "Close", "Volume")}
    return Bars.from_columns(symbol, "arch", frame.index.to_numpy(), columns)


def ready(frame: pd.DataFrame) -> History:
    vix = frame["Vix"].to_numpy()
    found = history(bars_of(frame), {})
    return replace(found, prices=found.prices._replace(vix=vix.copy()))


# --- the peers' own way of saying the same rules ---


def columns_of(frame: pd.DataFrame, ma: int = 50) -> dict[str, pd.Series]:
    close = frame["Close"]
    move = close.diff()
    gain = move.clip(lower=0).rolling(14).sum()
    loss = (-move.clip(upper=0)).rolling(14).sum()
    before = close.shift()
    ranges = np.maximum(
        frame["High"] - frame["Low"], np.maximum((frame["High"] - before).abs(), (frame["Low"] - before).abs())
    )
    return {
        "ma": close.rolling(ma).mean().round(6),
        "rsi": (100 * gain / (gain + loss)).round(6),
        "atr": ranges.rolling(14).mean().round(6),
        "volume": frame["Volume"].rolling(20).mean().round(6),
    }


def with_vectorbt(frame: pd.DataFrame) -> Any:
    import vectorbt as vbt  # type: ignore[import-not-found]  # in the environment of the race only

    close, vix, found = frame["Close"], frame["Vix"], columns_of(frame)
    enter = (close > found["ma"]) & (vix < 25) & (found["rsi"] > 50) & (frame["Volume"] > found["volume"])
    enter.iloc[:WARM_UP] = False
    leave = (close < found["ma"]) | (vix > 30) | (found["rsi"] < 30)
    return vbt.Portfolio.from_signals(
        close,
        enter,
        leave,
        tp_stop=4 * found["atr"] / close,
        stop_exit_price="close",
        init_cash=CAPITAL,
        fees=COST,
        size_granularity=1,
        freq="1D",
    )


def sweep_with_vectorbt(frame: pd.DataFrame) -> Any:
    import vectorbt as vbt

    close, vix = frame["Close"].to_numpy(), frame["Vix"].to_numpy()
    found = {ma: columns_of(frame, ma) for ma in {one[0] for one in GRID}}
    base = found[50]
    rsi, loud = base["rsi"].to_numpy(), frame["Volume"].to_numpy() > base["volume"].to_numpy()
    enter = np.empty((len(close), len(GRID)), dtype=bool)
    leave = np.empty_like(enter)
    stops = np.empty(enter.shape)
    target = base["atr"].to_numpy() / close
    for column, (ma, strong, multiple, (calm, fear)) in enumerate(GRID):
        mean = found[ma]["ma"].to_numpy()
        enter[:, column] = (close > mean) & (vix < calm) & (rsi > strong) & loud
        leave[:, column] = (close < mean) | (vix > fear) | (rsi < 30)
        stops[:, column] = multiple * target
    enter[:120] = False
    played = vbt.Portfolio.from_signals(
        frame["Close"],
        enter,
        leave,
        tp_stop=stops,
        stop_exit_price="close",
        init_cash=CAPITAL,
        fees=COST,
        size_granularity=1,
        freq="1D",
    )
    return played.total_return(), played.trades.count()


def symbols_with_vectorbt(frames: Mapping[str, pd.DataFrame]) -> Any:
    import vectorbt as vbt

    wide = {
        name: pd.DataFrame({key: frame[name] for key, frame in frames.items()})
        for name in ("Close", "High", "Low", "Volume", "Vix")
    }
    found = columns_of(wide)  # type: ignore[arg-type]  # columns of all symbols at once
    close = wide["Close"]
    enter = (close > found["ma"]) & (wide["Vix"] < 25) & (found["rsi"] > 50) & (wide["Volume"] > found["volume"])
    enter.iloc[:WARM_UP] = False
    leave = (close < found["ma"]) | (wide["Vix"] > 30) | (found["rsi"] < 30)
    played = vbt.Portfolio.from_signals(
        close,
        enter,
        leave,
        tp_stop=4 * found["atr"] / close,
        stop_exit_price="close",
        init_cash=CAPITAL,
        fees=COST,
        size_granularity=1,
        freq="1D",
    )
    return played.total_return(), played.trades.count()


def with_backtesting(frame: pd.DataFrame) -> Any:
    from backtesting import Backtest, Strategy  # type: ignore[import-not-found]  # as above

    found = {name: series.to_numpy() for name, series in columns_of(frame).items()}
    vix = frame["Vix"].to_numpy()

    class Confluence(Strategy):  # type: ignore[misc]  # as above
        def init(self) -> None:
            self.target = 0.0

        def next(self) -> None:
            t = len(self.data) - 1
            close = self.data.Close[-1]
            if self.position:
                if close < found["ma"][t] or vix[t] > 30 or found["rsi"][t] < 30 or close >= self.target:
                    self.position.close()
            elif (
                t >= WARM_UP
                and close > found["ma"][t]
                and vix[t] < 25
                and found["rsi"][t] > 50
                and self.data.Volume[-1] > found["volume"][t]
            ):
                self.target = close + 4 * found["atr"][t]
                self.buy(size=int(self.equity // (close * (1 + COST))))

    return Backtest(frame, Confluence, cash=CAPITAL, commission=COST, trade_on_close=True).run()


# --- the same with this project ---


def ours(found: History) -> float:
    """The walk alone, as checks and sweeps use it."""
    span = Span(WARM_UP, len(found))
    return final_equity(found, TERMS, span, walked(found, RULES, TERMS, span))


def ours_result(found: History) -> Any:
    """The result as `mtum backtest` has it: equity, positions, trades and orders."""
    return run(found, RULES, TERMS, Span(WARM_UP, len(found)))


def ours_sweep(found: History, combinations: Sequence[Combination]) -> Any:
    """The rows as `mtum sweep` has them, with what describes the returns of each."""
    return play_combinations(found, combinations, Span(120, len(found))).numbers


def combined() -> list[Combination]:
    return [
        Combination(
            replace(
                RULES,
                ma_sessions=ma,
                rsi_entry_above=strong,
                atr_target_multiple=multiple,
                vix_entry_below=calm,
                vix_exit_above=fear,
            ),
            TERMS,
        )
        for ma, strong, multiple, (calm, fear) in GRID
    ]


def ours_symbols(histories: Sequence[History]) -> Any:
    """A result for each symbol."""
    return [run(found, RULES, TERMS, Span(WARM_UP, len(found))) for found in histories]


def ours_symbols_walked(histories: Sequence[History]) -> Any:
    """The walk alone over each symbol."""
    return [
        final_equity(found, TERMS, Span(0, len(found)), trades)
        for found, trades in walked_each(histories, RULES, TERMS)
    ]


# --- the race ---


def seconds(work: Callable[[], Any]) -> float:
    """CPU seconds, as others may be at work on this machine."""
    began = time.process_time()
    work()
    return time.process_time() - began


def race(mine: Callable[[], Any], peer: Callable[[], Any], pairs: int, repeats: int) -> dict[str, float]:
    """Run both in turns; ours several times per turn, as it is over so soon."""
    mine(), peer()
    took = [(min(seconds(mine) for _ in range(repeats)), seconds(peer)) for _ in range(pairs)]
    return {
        "ours_ms": 1e3 * median(own for own, _ in took),
        "peer_ms": 1e3 * median(other for _, other in took),
        "times_faster": median(other / own for own, other in took),
    }


def require(same: bool, what: str) -> None:
    if not same:
        sys.exit(f"not the same trades: {what}")


def main() -> None:
    warnings.simplefilter("ignore")
    frame = real_frame()
    found = ready(frame)
    mine = run(found, RULES, TERMS, Span(WARM_UP, len(found)))
    vectorized, event = with_vectorbt(frame), with_backtesting(frame)
    records = vectorized.trades.records_readable
    entries = [trade.entry_session.isoformat() for trade in mine.trades]
    require([str(day)[:10] for day in records["Entry Timestamp"]] == entries, "vectorbt, entries")
    require([trade.shares for trade in mine.trades] == [int(size) for size in records["Size"]], "vectorbt, shares")
    require([str(day)[:10] for day in event["_trades"]["EntryTime"]] == entries, "backtesting, entries")
    require(abs(event["Equity Final [$]"] / mine.final_equity_usd - 1) < 1e-4, "backtesting, equity")
    returns, counts = sweep_with_vectorbt(frame)
    grid = combined()
    numbers = ours_sweep(found, grid)
    require(bool((numbers[:, TRADES] == counts.to_numpy()).all()), "vectorbt, sweep")
    require(
        bool(np.allclose(numbers[:, FINAL_EQUITY] / CAPITAL - 1, returns.to_numpy(), atol=5e-3)),
        "vectorbt, sweep returns",
    )
    many = {f"S{number:03}": frame * np.r_[[1 + number / 1000] * 4, 1, 1] for number in range(500)}
    # One VIX for all symbols, as there is but one.
    histories = [replace(one, prices=one.prices._replace(vix=found.prices.vix)) for one in map(ready, many.values())]
    finals, totals = [one.final_equity_usd for one in ours_symbols(histories)], symbols_with_vectorbt(many)[0]
    require(bool(np.allclose(np.array(finals) / CAPITAL - 1, totals.to_numpy(), atol=5e-3)), "vectorbt, symbols")
    result = {
        "sessions": len(frame),
        "trades": len(mine.trades),
        "walk_vectorbt": race(lambda: ours(found), lambda: with_vectorbt(frame).total_return(), 9, 20),
        "single_vectorbt": race(lambda: ours_result(found), lambda: with_vectorbt(frame).total_return(), 9, 20),
        "single_backtesting": race(lambda: ours_result(found), lambda: with_backtesting(frame), 7, 20),
        "sweep_vectorbt": race(lambda: ours_sweep(found, grid), lambda: sweep_with_vectorbt(frame), 5, 3),
        "symbols_vectorbt": race(lambda: ours_symbols(histories), lambda: symbols_with_vectorbt(many), 3, 2),
        "symbols_walk_vectorbt": race(
            lambda: ours_symbols_walked(histories), lambda: symbols_with_vectorbt(many), 3, 2
        ),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
