"""The bar of a session before its close."""

import os
import subprocess
import sys
from datetime import date, timedelta

import numpy as np
import pytest

from mtum.core.simulation.provisional import drawn_share, share_at, volume_so_far

DAYS = [date(2014, 1, 3) + timedelta(days=i) for i in range(2000)]


def test_shares_stay_in_their_range_around_the_median() -> None:
    shares = np.array([drawn_share("SP500", day, seed=1) for day in DAYS])
    assert shares.min() >= 0.74
    assert shares.max() <= 0.98
    assert np.median(shares) == pytest.approx(0.87, abs=0.005)
    assert shares.std() > 0.03


def test_symbol_session_and_seed_each_change_the_draw() -> None:
    base = drawn_share("SP500", DAYS[0], 1)
    others = [drawn_share("MTUM", DAYS[0], 1), drawn_share("SP500", DAYS[1], 1), drawn_share("SP500", DAYS[0], 2)]
    assert all(other != base for other in others)


def test_another_process_draws_the_same_share() -> None:
    code = "from datetime import date; from mtum.core.simulation.provisional import drawn_share as d;"
    code += "print(repr(d('SP500', date(2015, 6, 1), 7)))"
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    ).stdout
    assert printed.strip() == repr(drawn_share("SP500", date(2015, 6, 1), 7))


def test_the_share_grows_until_the_auction_trades_the_rest() -> None:
    # 0.8 at 20 minutes; half of the missing 0.2 trades before the auction, so 0.85 half way there.
    assert share_at(0.8, 20) == 0.8
    assert share_at(0.8, 10) == pytest.approx(0.85)
    assert share_at(0.8, 0.0001) == pytest.approx(0.9, abs=1e-5)
    assert share_at(0.8, 0) == 1.0
    # Half way between the opening (390) and 20 minutes before the close.
    assert share_at(0.8, 205) == pytest.approx(0.4)
    # A half day opens 210 minutes before its close.
    assert share_at(0.8, 210, session_minutes=210) == 0.0


def test_a_share_of_one_leaves_the_volume_whole() -> None:
    assert volume_so_far(3_400_000_001.0, 1.0) == 3_400_000_001.0


def test_the_volume_so_far_is_whole_shares() -> None:
    # 1001 x 0.87 = 870.87
    assert volume_so_far(1001.0, 0.87) == 871.0
