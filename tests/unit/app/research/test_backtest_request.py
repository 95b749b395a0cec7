"""What a backtest plays of the settings."""

from typing import Any

from mtum import config
from mtum.app.research.backtest_request import PLAYED, BacktestRequest

OTHER: dict[str, Any] = {
    "portfolio.strategy": "buy_and_hold",
    "portfolio.capital_usd": 1.0,
    "portfolio.max_position_frac": 0.5,
    "portfolio.cash_buffer_frac": 0.1,
    "portfolio.cost_model": "ib",
    "portfolio.cost_frac": 0.05,
    "portfolio.impact_coefficient": 0.5,
    "portfolio.auction_volume_frac": 0.01,
    "portfolio.account_kind": "margin",
    "risk.max_daily_loss_usd": 1.0,
    "risk.daily_loss_pause_sessions": 7,
    "risk.on_daily_loss": "flatten",
    "risk.max_position_usd": 1.0,
    "risk.max_drawdown_frac": 0.5,
    "risk.require_confirmation": True,
    "risk.exit_fallback": "market",
    "risk.max_value_jump_frac": 0.5,
}


def test_what_can_be_swept_is_what_changes_the_terms_of_a_backtest() -> None:
    names = [name for name in config.setting_names() if name in OTHER]
    plain = BacktestRequest(config.load(None, {}, {})).terms()
    changing = [name for name in names if BacktestRequest(config.load(None, {}, {name: OTHER[name]})).terms() != plain]
    assert changing == list(PLAYED)
