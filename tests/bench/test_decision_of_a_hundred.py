"""One decision on a hundred symbols, from the start of the process to its end, beside a script that only decides."""

import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mtum.adapters.calendar import ExchangeCalendar
from mtum.core.market.bars import among, selected
from mtum.core.market.validation import session_days
from support.markets import made_up_bars
from support.practice import write_market

pytestmark = pytest.mark.bench
SYMBOLS = tuple(f"S{number:03}" for number in range(100))
BARS, ROUNDS = 620, 15
BOUND = 3.0
"""Times the CPU of the script, of the smallest of all rounds."""
SCRIPT = Path(__file__).with_name("numpy_decision.py")


def installed(folder: Path) -> None:
    """Write a market and the settings of a rotation among all of it, and play three sessions."""
    bars = {symbol: made_up_bars(BARS, number, symbol) for number, symbol in enumerate(SYMBOLS)}
    some = bars[SYMBOLS[0]]
    days = session_days(tuple(one.day for one in ExchangeCalendar().sessions(some.day(0), some.last_day)))
    market = {symbol: selected(one, among(one.days, days)) for symbol, one in bars.items()}
    write_market(folder / "bars", market)
    rules = f'symbols = {json.dumps(SYMBOLS)}\ntrend_symbol = "{SYMBOLS[0]}"'
    head = '[market]\nsource = "csv"\n[portfolio]\ncapital_usd = 1000000'
    sleeve = f'[sleeve.all]\nstrategy = "momentum_rotation"\nweight = 1.0\n[sleeve.all.rules]\n{rules}'
    (folder / "config.toml").write_text(f"{head}\n{sleeve}\n")
    for _ in range(3):
        played(folder)


def answered(command: Sequence[str], folder: Path) -> tuple[float, Any]:
    """CPU seconds of a process and the document it prints."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, timeout=300)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr.decode()
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, json.loads(done.stdout)


def played(folder: Path) -> tuple[float, Any]:
    """Play the next session in a process of its own."""
    return answered([sys.executable, "-m", "mtum", "run", "--json", "--data-dir", str(folder)], folder)


def test_a_run_of_a_hundred_symbols_takes_at_most_3_times_a_script_that_ranks_them(tmp_path: Path) -> None:
    """Refreshing, judging, deciding, recording and settling, in turns with the script; both rank alike."""
    installed(tmp_path)
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        own, run = played(tmp_path)
        script, found = answered([sys.executable, str(SCRIPT), str(tmp_path / "bars"), run["session"]], tmp_path)
        ours.append(own)
        theirs.append(script)
        ranks = {symbol: one["indicators"]["rank"] for symbol, one in run["symbols"].items()}
        assert found["ranked"] == sorted(ranks, key=lambda symbol: ranks[symbol])
    print(f"mtum run over the script: {min(ours):.3f} / {min(theirs):.3f} s = {min(ours) / min(theirs):.2f}")
    assert min(ours) / min(theirs) <= BOUND
