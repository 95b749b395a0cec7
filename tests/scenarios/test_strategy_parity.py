"""Every strategy decides the same in the daily job and in a backtest, session by session, on its example."""

import pytest

from mtum.core.strategies import STRATEGIES
from support.strategy_parity import MODELS, differences, example_settings

SESSIONS, MANY, LEAST = 15, 1000, 600
"""Sessions of the quick run and of the long one; what a long history leaves of an embedded market."""


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_first_sessions_are_decided_the_same_either_way(name: str) -> None:
    lines, daily = differences(example_settings(name), SESSIONS)
    assert lines == []
    assert len(daily) == SESSIONS


@pytest.mark.full
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", STRATEGIES)
def test_a_thousand_sessions_are_decided_the_same_either_way(name: str, model: str) -> None:
    lines, daily = differences(example_settings(name, **MODELS[model]), MANY)
    assert lines == []
    assert len(daily) >= LEAST
    assert any(one["planned"] for one in daily), "decisions without an order prove little"
