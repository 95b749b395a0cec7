"""Our indicators beside TA-Lib's, in one run, over the same ten years of bars."""

from statistics import median
from time import process_time

import pytest

from mtum.core.indicators import lines_of
from support.markets import made_up_bars
from support.talib_peers import PEERS

pytestmark = pytest.mark.bench
SESSIONS, SYMBOLS, ROUNDS = 2520, 20, 5


def test_eighteen_indicators_take_at_most_thirty_times_as_long_as_those_of_talib() -> None:
    """The library keeps running sums and rounds nothing; means that run on take most of our time, step by step."""
    bars = [made_up_bars(SESSIONS, seed) for seed in range(SYMBOLS)]
    ratios = []
    for _ in range(ROUNDS):
        began = process_time()
        for one in bars:
            for name, (asked, _) in PEERS.items():
                lines_of(one, name, asked)
        between = process_time()
        for one in bars:
            for _, peer in PEERS.values():
                peer(one)
        ratios.append((between - began) / (process_time() - between))
    print(f"{len(PEERS)} indicators of {SYMBOLS} symbols, ours over TA-Lib's: {median(ratios):.1f}")
    assert median(ratios) <= 30
