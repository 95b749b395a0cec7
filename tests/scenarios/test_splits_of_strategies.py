"""A split and a dividend while a strategy holds change no decision: the daily job on raw prices, and a backtest."""

import pytest

from support.registry import OF_SHARES
from support.split_parity import AFTER, differences_over_a_split

QUICK = ("donchian_breakout", "regime_rebalance")
"""Strategies that remember prices and shares' weights; the others are played in the long run."""


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=() if one in QUICK else pytest.mark.full) for one in OF_SHARES]
)
def test_a_split_and_a_dividend_in_the_holding_change_no_decision(name: str) -> None:
    lines, since = differences_over_a_split(name)
    assert lines == []
    assert len(since) == AFTER
