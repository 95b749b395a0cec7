"""Our indicators beside TA-Lib's, in one run, over the same ten years of bars."""

from statistics import median
from time import process_time

import pytest

from mtum.core.indicators import lines_of_each
from support.markets import made_up_bars
from support.talib_peers import PEERS

pytestmark = pytest.mark.bench
SESSIONS, SYMBOLS, ROUNDS = 2520, 100, 9
MOST = 1.0
"""Times the CPU of TA-Lib."""


def test_eighteen_indicators_as_machine_code_take_no_longer_than_those_of_talib() -> None:
    """The library rounds nothing and multiplies where Wilder's mean divides; ours say what the numpy forms say."""
    bars = [made_up_bars(SESSIONS, seed) for seed in range(SYMBOLS)]

    def ours() -> None:
        for name, (asked, _) in PEERS.items():
            for _ in lines_of_each(bars, name, asked, compiled=True):
                pass

    ours()
    ratios = []
    for _ in range(ROUNDS):
        began = process_time()
        ours()
        between = process_time()
        for _, peer in PEERS.values():
            for one in bars:
                peer(one)
        ratios.append((between - began) / (process_time() - between))
    print(f"{len(PEERS)} indicators of {SYMBOLS} symbols, ours over TA-Lib's: {median(ratios):.2f}")
    assert median(ratios) <= MOST
