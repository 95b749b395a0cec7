"""The fast path beside vectorbt, backtesting and backtrader, in one run, on the same bars, with the same trades.

The peers need an environment of their own, at the versions that pyproject.toml fixes:

    uv venv .bench --python 3.13
    uv pip install --python .bench/bin/python --group bench --group sample "numba==0.61.2"
    BENCH_PYTHON=.bench/bin/python uv run pytest -m bench tests/bench
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from mtum.adapters.calendar import ExchangeCalendar
from support.markets import made_up_bars

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.bench


def race_of(script: str) -> dict[str, Any]:
    python = os.environ.get("BENCH_PYTHON")
    if not python:
        pytest.skip("BENCH_PYTHON names no Python that has vectorbt and backtesting")
    found = subprocess.run(
        [python, "-W", "ignore", str(ROOT / "tests" / "bench" / script)],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "NUMBA_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr[-2000:]
    result: dict[str, Any] = json.loads(found.stdout)
    print(json.dumps(result, indent=2))
    return result


@pytest.fixture(scope="module")
def raced() -> dict[str, Any]:
    return race_of("peer_race.py")


@pytest.fixture(scope="module")
def raced_portfolios() -> dict[str, Any]:
    return race_of("portfolio_race.py")


@pytest.mark.parametrize(("race", "at_least"), [("allocation", 2.0), ("ranking", 1.25)])
def test_portfolios_are_faster_than_the_peer(raced_portfolios: dict[str, Any], race: str, at_least: float) -> None:
    assert raced_portfolios[race]["times_faster"] >= at_least, raced_portfolios[race]


@pytest.mark.parametrize(
    ("race", "at_least"),
    [
        ("walk_vectorbt", 100),
        ("single_vectorbt", 20),
        ("single_backtesting", 200),
        ("sweep_vectorbt", 24),
        ("symbols_vectorbt", 3),
        ("symbols_walk_vectorbt", 18),
    ],
)
def test_times_faster_than_the_peer(raced: dict[str, Any], race: str, at_least: float) -> None:
    assert raced[race]["times_faster"] >= at_least, raced[race]


NO_LIMITS = ["--set", "risk.max_position_usd=none", "--set", "risk.max_daily_loss_usd=none"]
NAMES = ("open", "high", "low", "close", "volume")
ALLOCATED = tuple(f"S{number:03}" for number in range(8))
RANKED = tuple(f"S{number:03}" for number in range(100))
MONEY = """
capital_usd = 1000000.0
cash_buffer_frac = 0.0
[risk]
max_position_usd = "none"
max_daily_loss_usd = "none"
"""
ALLOCATION = f"""
[portfolio]
strategy = "multi_asset_allocation"{MONEY}
[strategy.multi_asset_allocation]
sizing = "inverse_vol"
drift_band = 10.0
min_trade_usd = 0.0
min_trade_frac = 0.0
[strategy.multi_asset_allocation.weights]
"""


def write_bars(folder: Path, symbol: str, seed: int) -> list[date]:
    """Ten years of made-up bars on real sessions as the file that both programs read; no month ends with them."""
    days = [session.day for session in ExchangeCalendar().sessions(date(2009, 1, 2), date(2018, 12, 20))]
    drawn = made_up_bars(len(days), seed)
    rows = zip(days, *(getattr(drawn, name).tolist() for name in NAMES), strict=True)
    lines = [f"{','.join(map(str, row))},0" for row in rows]
    text = "\n".join([f"date,{','.join(NAMES)},dividend", *lines, ""])
    (folder / f"{symbol}.csv").write_text(text, encoding="utf-8")
    return days


def write_market(folder: Path) -> None:
    days = write_bars(folder, "AAA", 71)
    lines = [f"{day},{15.0 + (number * 7 % 23)}" for number, day in enumerate(days)]
    (folder / "VIX.csv").write_text("\n".join(["date,close", *lines, ""]), encoding="utf-8")


def write_assets(folder: Path) -> None:
    for number, symbol in enumerate(ALLOCATED):
        write_bars(folder, symbol, 100 + number)
    weights = "".join(f"{symbol} = 0.0625\n" for symbol in ALLOCATED)
    (folder / "config.toml").write_text(ALLOCATION + weights, encoding="utf-8")


def write_stocks(folder: Path) -> None:
    for number, symbol in enumerate(RANKED):
        write_bars(folder, symbol, 100 + number)
    (folder / "own.py").write_bytes((ROOT / "tests" / "support" / "daily_ranking.py").read_bytes())
    text = f'[plugins]\nstrategies = ["own.py"]\n[portfolio]\nstrategy = "daily_ranking"{MONEY}'
    text += f"[strategy.daily_ranking]\nsymbols = {json.dumps(RANKED)}\n"
    (folder / "config.toml").write_text(text, encoding="utf-8")


def signed_orders(answer: dict[str, Any]) -> set[tuple[str, str, int]]:
    """Session, symbol and shares of every order, below 0 for a sale."""
    return {
        (order["session"], order["symbol"], order["shares"] if order["side"] == "BUY" else -order["shares"])
        for order in answer["orders"]
    }


def of_process(command: list[str], folder: Path) -> tuple[float, dict[str, Any]]:
    """CPU seconds of a whole process, and what it answers."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, answer


@pytest.mark.parametrize(
    ("write", "words", "script"),
    [
        (write_market, ["--symbol", "AAA", *NO_LIMITS], ["peer_process.py"]),
        (write_assets, [], ["portfolio_process.py", "allocation"]),
        (write_assets, [], ["backtrader_process.py"]),
        # backtrader takes several times as long for a hundred symbols.
        (write_stocks, [], ["portfolio_process.py", "ranking"]),
    ],
    ids=["backtesting", "vectorbt", "backtrader", "vectorbt on a hundred files"],
)
def test_a_whole_process_takes_at_most_half_of_the_peers(
    write: Callable[[Path], None], words: list[str], script: list[str], tmp_path: Path
) -> None:
    python = os.environ.get("BENCH_PYTHON")
    if not python:
        pytest.skip("BENCH_PYTHON names no Python that has vectorbt and backtesting")
    write(tmp_path)
    mine = [sys.executable, "-m", "mtum", "backtest", "--json", "--source", f"csv:{tmp_path}", *words]
    peer = [python, "-W", "ignore", str(ROOT / "tests" / "bench" / script[0]), str(tmp_path), *script[1:]]
    (_, own), (_, other) = of_process(mine, tmp_path), of_process(peer, tmp_path)
    # Trades one by one are compared in the races; vectorbt rounds a weight's change to a share in another way.
    assert len(own["trades" if words else "orders"]) == pytest.approx(len(other["trades"]), rel=0.05)
    assert own["final_equity_usd"] == pytest.approx(other["final_equity_usd"], rel=2e-3)
    if script[0].startswith("backtrader"):
        assert signed_orders(own) == {(one["session"], one["symbol"], one["shares"]) for one in other["trades"]}
    ratios = [of_process(mine, tmp_path)[0] / of_process(peer, tmp_path)[0] for _ in range(7)]
    print(f"whole process, ours over the peer's: {median(ratios):.2f}")
    assert median(ratios) <= 0.5
