"""The fast path and the daily job, session by session, are the same decision: same trades, reasons and equity."""

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from support.commands import call
from support.parity import by_the_daily_job, by_the_fast_path, market_days, market_settings, settings_without

COMPARED = ("entry_session", "entry_price", "exit_session", "exit_price", "shares", "reason", "sessions_held")
EXACT = "[market]\nsample_share = 'exact'\n"


def played(folder: Path, sessions: int, settings: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
    """The demo's document and the backtest's over the same sessions."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(EXACT + settings, encoding="utf-8")
    daily = call(folder, "demo", "--sessions", str(sessions), "--out", str(folder / "demo"), "--json", "--quiet")
    assert daily.code == 0, daily.err
    # The practice account is a cash account: its proceeds settle.
    settled = ("--settlement", "calendar")
    fast = call(folder, "backtest", "--start", daily.document["start"], *settled, "--json", "--quiet")
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


def test_what_the_commands_say_is_the_same_either_way(tmp_path: Path) -> None:
    daily, fast = played(tmp_path, 30)
    assert_same(daily, fast)
    assert fast["trades"], "no trades prove nothing"


@pytest.mark.parametrize("sessions", [60, pytest.param(120, marks=pytest.mark.full)])
def test_it_stays_the_same_under_other_settings(tmp_path: Path, sessions: int) -> None:
    """Limits, a tight daily loss, a cooldown and the broker's schedule bind in other places than the defaults."""
    daily, fast = played(
        tmp_path,
        sessions,
        "[strategy.mtum_confluence]\nrsi_exit_below = 45\nreentry_cooldown_sessions = 2\nma_sessions = 20\n"
        "[portfolio]\ncost_model = 'ib'\nmax_position_frac = 0.8\n"
        "[risk]\nmax_daily_loss_usd = 60\ndaily_loss_pause_sessions = 3\n",
    )
    assert_same(daily, fast)
    assert fast["trades"], "no trades prove nothing"


# The trade of 2017-08-31 falls by the limit, makes up for it and is sold above its peak: the halt stays.
HALTING: dict[str, tuple[date, date, dict[str, Any]]] = {
    "a fall made up for while held": (date(2017, 7, 31), date(2017, 10, 16), {"risk__max_drawdown_frac": 0.02}),
    "a fall at the exit": (date(2017, 5, 4), date(2017, 8, 31), {"risk__max_drawdown_frac": 0.03}),
    "a loss that sells": (
        date(2018, 1, 22),
        date(2018, 5, 9),
        {"risk__max_daily_loss_usd": 100.0, "risk__on_daily_loss": "flatten"},
    ),
}


@pytest.mark.parametrize(
    "limit", [pytest.param(one, marks=pytest.mark.full if one == "a fall at the exit" else ()) for one in HALTING]
)
def test_a_limit_that_halts_for_good_does_so_in_both_at_the_same_session(limit: str) -> None:
    first, last, changes = HALTING[limit]
    settings, free = market_settings(**changes), by_the_fast_path(market_settings(), first, last)
    daily, fast = by_the_daily_job(settings, first, last), by_the_fast_path(settings, first, last)
    assert daily.is_same(fast)
    assert len(fast.trades) < len(free.trades), "a limit that binds nothing proves little"


PARTS, REAL_PARTS = 6, 12


@pytest.mark.parametrize(
    "part", [part if part == PARTS - 1 else pytest.param(part, marks=pytest.mark.full) for part in range(PARTS)]
)
def test_every_session_of_the_embedded_market_is_the_same_either_way(part: int) -> None:
    """In six parts, each a fresh installation; every trade, all reasons, and the equity at every close."""
    settings = market_settings()
    days = market_days(settings)
    mine = days[len(days) * part // PARTS : len(days) * (part + 1) // PARTS]
    daily = by_the_daily_job(settings, mine[0], mine[-1])
    fast = by_the_fast_path(settings, mine[0], mine[-1])
    assert daily.trades == fast.trades
    assert daily.equity == pytest.approx(fast.equity, abs=0.006)
    assert len(fast.equity) == len(mine) >= 199
    assert len(fast.trades) >= 3, "a part without trades proves nothing"


@pytest.mark.full
def test_the_whole_embedded_market_in_one_piece_is_the_same_either_way() -> None:
    settings = market_settings()
    days = market_days(settings)
    assert by_the_daily_job(settings, days[0], days[-1]).is_same(by_the_fast_path(settings, days[0], days[-1]))


@pytest.mark.full
@pytest.mark.parametrize("part", range(REAL_PARTS))
def test_ten_years_of_real_bars_are_the_same_either_way(part: int) -> None:
    folder = os.environ.get("MTUM_REAL_BARS")
    if not folder:
        pytest.skip("MTUM_REAL_BARS names no folder of real bars")
    settings = market_settings(
        market__source="csv",
        market__csv_dir=str(Path(folder).absolute()),
        portfolio__cash_buffer_frac=0,
        risk__max_position_usd=1e12,
    )
    days = [day for day in market_days(settings) if date(2014, 1, 2) <= day <= date(2024, 6, 28)]
    mine = days[len(days) * part // REAL_PARTS : len(days) * (part + 1) // REAL_PARTS]
    daily = by_the_daily_job(settings, mine[0], mine[-1])
    fast = by_the_fast_path(settings, mine[0], mine[-1])
    assert daily.trades == fast.trades
    assert daily.equity == pytest.approx(fast.equity, abs=0.006)
    assert len(fast.equity) == len(mine) >= 219


# Twelve sessions each, in which the condition decides; a VIX below 25 never does in this market, below 14 does.
DECISIVE = {
    "close_above_ma": (date(2015, 7, 24), date(2015, 8, 10), {}),
    "vix_calm": (date(2014, 7, 17), date(2014, 8, 1), {"strategy__mtum_confluence__vix_entry_below": 14}),
    "rsi_high": (date(2014, 7, 25), date(2014, 8, 11), {}),
    "volume_high": (date(2014, 3, 31), date(2014, 4, 15), {}),
    "close_below_ma": (date(2014, 3, 31), date(2014, 4, 15), {}),
    "vix_fear": (date(2018, 1, 22), date(2018, 2, 6), {}),
    "rsi_low": (date(2014, 11, 26), date(2014, 12, 12), {}),
    "atr_target": (date(2016, 11, 28), date(2016, 12, 13), {}),
}


QUICK_CONDITIONS = ("volume_high", "vix_fear", "rsi_low", "atr_target")
"""One that enters, and of those that leave one of the VIX, one of the symbol and one that is remembered."""


@pytest.mark.parametrize(
    "condition",
    [pytest.param(one, marks=() if one in QUICK_CONDITIONS else pytest.mark.full) for one in DECISIVE],
)
def test_one_condition_changed_in_either_path_is_noticed(condition: str) -> None:
    first, last, changes = DECISIVE[condition]
    settings = market_settings(**changes)
    daily, fast = by_the_daily_job(settings, first, last), by_the_fast_path(settings, first, last)
    assert daily.is_same(fast)
    other_daily = by_the_daily_job(settings_without(settings, condition), first, last)
    other_fast = by_the_fast_path(settings, first, last, dropped=condition)
    assert not daily.is_same(other_fast)
    assert not other_daily.is_same(fast)
    assert other_daily.is_same(other_fast), "changed in both, they agree again"


NUMBERS: dict[str, Any] = {
    "strategy__mtum_confluence__rsi_sessions": 10,
    "portfolio__cost_frac": 0.0011,
    "strategy__mtum_confluence__ma_sessions": 45,
    "strategy__mtum_confluence__volume_sessions": 10,
    "strategy__mtum_confluence__atr_target_multiple": 1.0,
    "portfolio__max_position_frac": 0.98,
}
QUICK_NUMBERS = ("rsi_sessions", "cost_frac")
"""One of the rules and one of the money."""


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(
            {name: value},
            id=name.rpartition("__")[2],
            marks=() if name.rpartition("__")[2] in QUICK_NUMBERS else pytest.mark.full,
        )
        for name, value in NUMBERS.items()
    ],
)
def test_one_number_changed_in_either_path_is_noticed(changes: dict[str, Any]) -> None:
    first, last = date(2014, 11, 24), date(2014, 12, 30)
    plain, other = market_settings(), market_settings(**changes)
    daily, fast = by_the_daily_job(plain, first, last), by_the_fast_path(plain, first, last)
    assert daily.is_same(fast)
    assert not daily.is_same(by_the_fast_path(other, first, last))
    assert not by_the_daily_job(other, first, last).is_same(fast)
