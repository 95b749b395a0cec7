"""A session that one of several symbols lacks: the daily job and a backtest decide the same there and after it."""

from datetime import date
from pathlib import Path

import pytest

from mtum.app.session.play_session import play_session
from mtum.errors import ExitCode
from mtum.wiring import desks
from support.bar_folders import write_market
from support.parity import in_memory
from support.practice import settings_of
from support.strategy_parity import CALENDAR, apart, by_the_session_path

SYMBOLS = ("AAA", "BBB", "CCC")
BEGINS, SESSIONS, GONE = date(2016, 10, 3), 16, date(2016, 10, 12)


@pytest.mark.full
def test_what_lacks_a_session_is_worth_its_last_accepted_close_and_is_left_alone(tmp_path: Path) -> None:
    """BBB is held when its bar lacks; from the next session on it has bars, and no run of them is long enough."""
    for number, symbol in enumerate(SYMBOLS):
        write_market(tmp_path / "bars", symbol, 720, seed=51 + number)
    file = tmp_path / "bars" / "BBB.csv"
    rows = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(row for row in rows if not row.startswith(str(GONE))), encoding="utf-8")
    settings = settings_of(
        market__source="csv",
        market__csv_dir=str(tmp_path / "bars"),
        market__sample_share="exact",
        portfolio__strategy="mean_reversion",
        portfolio__capital_usd=30_000.0,
        strategy__mean_reversion__symbols=[*SYMBOLS],
        strategy__mean_reversion__trend_sessions=0,
        risk__max_position_usd="none",
        risk__max_daily_loss_usd="none",
    )
    with in_memory() as folder, desks.replay_desk(settings, folder, calendar=CALENDAR) as replay:
        days = [session for session in replay.market if session.day >= BEGINS][:SESSIONS]
        codes = {session.day: play_session(replay.desk, session).exit_code for session in days}
        daily = [dict(one.document) for one in replay.desk.store.decisions.final_decisions()]
    assert codes == {one.day: ExitCode.DATA if one.day >= GONE else ExitCode.DONE for one in days}
    played = by_the_session_path(settings, [one.day for one in days])
    assert [one["session"] for one in daily] == [one["session"] for one in played] == [str(one.day) for one in days]
    for mine, other in zip(daily, played, strict=True):
        assert apart({key: mine[key] for key in other}, other) == []
    assert any(one["planned"] for one in daily if one["session"] > str(GONE)), "no orders prove nothing"
