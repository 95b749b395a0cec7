"""The fast path and the daily job, session by session, are the same decision: same trades, reasons and equity."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.commands import call

COMPARED = ("entry_session", "entry_price", "exit_session", "exit_price", "shares", "reason", "sessions_held")
EXACT = "[market]\nsample_share = 'exact'\n"


def played(folder: Path, sessions: int, settings: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
    """The demo's document and the backtest's over the same sessions."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(EXACT + settings, encoding="utf-8")
    daily = call(folder, "demo", "--sessions", str(sessions), "--out", str(folder / "demo"), "--json", "--quiet")
    assert daily.code == 0, daily.err
    fast = call(folder, "backtest", "--start", daily.document["start"], "--json", "--quiet")
    assert fast.code == 0, fast.err
    return daily.document, fast.document


def assert_same(daily: dict[str, Any], fast: dict[str, Any]) -> None:
    mine = [[trade[name] for name in COMPARED] for trade in fast["trades"]]
    theirs = [[trade[name] for name in COMPARED] for trade in daily["trades"]]
    assert len(mine) == len(theirs)
    for own, other in zip(mine, theirs, strict=True):
        # The daily job counts sessions held of open trades to its last session; both name it the same.
        assert json.dumps(own) == json.dumps(other)
    assert [trade["pnl_usd"] for trade in fast["trades"] if trade["exit_session"]] == pytest.approx(
        [trade["pnl_usd"] for trade in daily["trades"] if trade["exit_session"]], abs=0.006
    )
    assert fast["final_equity_usd"] == pytest.approx(daily["equity_end_usd"], abs=0.006)


def test_the_last_year_of_the_embedded_market_is_the_same_either_way(tmp_path: Path) -> None:
    daily, fast = played(tmp_path, 250)
    assert_same(daily, fast)
    assert len(fast["trades"]) >= 5, "a year without trades proves nothing"


def test_it_stays_the_same_under_other_settings(tmp_path: Path) -> None:
    """Limits, a tight daily loss, a cooldown and the broker's schedule bind in other places than the defaults."""
    daily, fast = played(
        tmp_path,
        120,
        "[strategy.mtum_confluence]\nrsi_exit_below = 45\nreentry_cooldown_sessions = 2\nma_sessions = 20\n"
        "[portfolio]\ncost_model = 'ib'\nmax_position_frac = 0.8\n"
        "[risk]\nmax_daily_loss_usd = 60\ndaily_loss_pause_sessions = 3\n",
    )
    assert_same(daily, fast)
    assert fast["trades"], "no trades prove nothing"


@pytest.mark.full
def test_the_whole_embedded_market_is_the_same_either_way(tmp_path: Path) -> None:
    daily, fast = played(tmp_path, 1198)
    assert_same(daily, fast)
