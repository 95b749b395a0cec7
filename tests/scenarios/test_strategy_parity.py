"""Every strategy decides the same in the daily job and in a backtest, session by session, on its example."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mtum.app.session.decide_and_order import sessions_around
from mtum.core.market.timeframes import CALENDAR_SESSIONS
from mtum.wiring import desks
from support.registry import OF_SHARES
from support.strategy_parity import CALENDAR, MODELS, differences, example_settings

SESSIONS, MANY = 15, 1000
"""Sessions of the quick run and of the long one."""
LONGER: Mapping[str, Mapping[str, Any]] = {
    **{
        name: {"market__sample": "stocks"}
        for name in ("dual_momentum", "ensemble", "mean_reversion", "trend_following")
    },
    "tsmom": {"market__sample": "stocks", "strategy__tsmom__symbols": ["SP500", "NDQ", "UST10"]},
}
"""Strategies whose history leaves too little of their example's market: what they play in the long run instead."""


@pytest.mark.parametrize("name", OF_SHARES)
def test_the_first_sessions_are_decided_the_same_either_way(name: str) -> None:
    lines, daily = differences(example_settings(name), SESSIONS)
    assert lines == []
    assert len(daily) == SESSIONS


def test_the_daily_job_knows_as_many_sessions_as_a_strategy_may_count(tmp_path: Path) -> None:
    settings = example_settings("band_rebalance")
    with desks.replay_desk(settings, tmp_path, calendar=CALENDAR) as replay:
        wanted = settings.active_strategy().history_sessions() + CALENDAR_SESSIONS
        short = [
            session.day
            for session in replay.market[::13]
            if sum(one.day <= session.day for one in sessions_around(replay.desk, session)) < wanted
        ]
    assert short == []


@pytest.mark.full
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", OF_SHARES)
def test_a_thousand_sessions_are_decided_the_same_either_way(name: str, model: str) -> None:
    lines, daily = differences(example_settings(name, **{**LONGER.get(name, {}), **MODELS[model]}), MANY)
    assert lines == []
    assert len(daily) == MANY
    assert any(one["planned"] for one in daily), "decisions without an order prove little"
