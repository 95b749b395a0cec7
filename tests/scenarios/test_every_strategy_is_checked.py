"""The checks of a backtest find no fault in any strategy of ours, each on its example."""

from pathlib import Path

import pytest

from mtum.app.research.backtest_request import BacktestRequest
from mtum.app.research.check_backtest import checks_of
from mtum.app.research.run_backtest import run_backtest
from mtum.core.strategies import STRATEGIES
from mtum.wiring import resources
from support.practice import settings_of
from support.registry import OF_SHARES
from support.strategy_parity import CALENDAR
from support.values import replace

SESSIONS = 500


def unheard(text: str) -> None:
    """Nobody waits for a test."""


@pytest.mark.full
@pytest.mark.parametrize("name", sorted(OF_SHARES))
def test_no_look_ahead_and_no_warm_up_in_a_strategy_of_ours(name: str) -> None:
    example = STRATEGIES[name].EXAMPLE
    settings = settings_of(
        market__sample=example.market,
        portfolio__strategy=name,
        portfolio__capital_usd=example.capital_usd,
        risk__max_position_usd="none",
        risk__max_daily_loss_usd="none",
        **{f"strategy__{name}__{key}": value for key, value in example.settings.items()},
    )
    source = resources.source_of(settings, Path())
    whole = BacktestRequest(settings=settings, strategy=name, holdings=example.holdings)
    days = run_backtest(whole, source, CALENDAR, unheard).played.days
    asked = replace(whole, start=days[max(0, len(days) - SESSIONS)].astype(object))
    found = run_backtest(asked, source, CALENDAR, unheard)
    checks = checks_of(found, source, CALENDAR, unheard)
    assert checks.look_ahead_cuts >= 12
    assert (checks.look_ahead_faults, checks.warm_up_faults) == (0, 0)
    assert {one.kind for one in checks.variants} >= {"costs", "fill", "settlement"}
    assert sum(row.sessions for row in checks.regimes if row.kind == "trend") == len(found.played.days)
