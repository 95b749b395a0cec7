"""Limits, switches and approvals through the whole daily job on the practice market."""

import shutil
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from mtum.app.approvals.approve_settings import approve_settings, changes, entries_stopped
from mtum.app.desk import RunResult
from mtum.app.session.play_session import play_session
from mtum.core.portfolio.limits import Restriction
from mtum.core.simulation.exchange_codec import to_bytes
from mtum.errors import ExitCode
from mtum.wiring import resources
from support.practice import ENTRY_DAY, EXIT_DAY, desk_in, exchange_in, play_next, play_until, settings_of
from support.values import replace


@pytest.fixture(scope="module")
def holding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which everything up to the session before the exit has been played."""
    folder = tmp_path_factory.mktemp("holding")
    with desk_in(folder) as replay:
        while (session := replay.upcoming()) is not None and session.day < EXIT_DAY:
            play_session(replay.desk, session)
    return folder


def played(folder: Path, restriction: Restriction, required: bool | str, *, approved: bool) -> RunResult:
    with desk_in(folder, risk__require_confirmation=required) as replay:
        session = replay.upcoming()
        assert session is not None
        now = replay.desk.clock.now()
        if restriction is not Restriction.NONE:
            replay.desk.store.control.halt(restriction, "test", "person", now)
        if approved:
            replay.desk.store.approvals.approve(session.day, "enter", now)
            replay.desk.store.approvals.approve(session.day, "exit", now)
        return play_session(replay.desk, session)


def filled(result: RunResult) -> bool:
    return any(order["status"] == "FILLED" for order in result.document["orders"])


COMBINATIONS = [*product(Restriction, (False, True, "all"), (False, True))]


@pytest.mark.parametrize(("restriction", "required", "approved"), COMBINATIONS)
def test_an_entry_goes_through_only_without_a_halt_and_with_the_approval_it_needs(
    tmp_path: Path, restriction: Restriction, required: bool | str, approved: bool
) -> None:
    result = played(tmp_path, restriction, required, approved=approved)
    assert result.document["session"] == ENTRY_DAY.isoformat()
    allowed = restriction is Restriction.NONE and (not required or approved)
    assert filled(result) == allowed
    assert result.exit_code == (ExitCode.DONE if allowed else ExitCode.HALTED)


@pytest.mark.parametrize(("restriction", "required", "approved"), COMBINATIONS)
def test_an_exit_is_stopped_only_by_a_full_halt_or_by_the_lack_of_an_approval_asked_for_all(
    tmp_path: Path, holding: Path, restriction: Restriction, required: bool | str, approved: bool
) -> None:
    folder = shutil.copytree(holding, tmp_path / "copy")
    result = played(folder, restriction, required, approved=approved)
    assert result.document["session"] == EXIT_DAY.isoformat()
    allowed = restriction is not Restriction.FULL and (required != "all" or approved)
    assert filled(result) == allowed
    assert result.exit_code == (ExitCode.DONE if allowed else ExitCode.HALTED)


def test_the_daily_loss_limit_binds_sells_at_that_close_and_stops_entries_until_resumed(tmp_path: Path) -> None:
    """18 shares lose more than 5 USD as soon as the index falls by 0.28 points of this sample."""
    limits: dict[str, Any] = {"risk__max_daily_loss_usd": 5, "risk__on_daily_loss": "flatten"}
    reasons: list[str] = []
    for _ in range(40):
        result = play_next(tmp_path, **limits)
        reasons = result.document["reasons"]
        if "daily_loss" in reasons:
            break
    assert reasons == ["daily_loss"]
    assert filled(result)
    with desk_in(tmp_path, **limits) as replay:
        (halt,) = replay.desk.store.control.halts(in_force=True)
    assert (halt.restriction, halt.by) == (Restriction.REDUCE_ONLY, "max_daily_loss_usd")
    later = [play_next(tmp_path, **limits) for _ in range(5)]
    assert not any(filled(one) for one in later)


def test_a_drawdown_beyond_its_limit_stops_entries_by_itself(tmp_path: Path) -> None:
    with desk_in(tmp_path, risk__max_drawdown_frac=0.01) as replay:
        for _ in range(60):
            session = replay.upcoming()
            assert session is not None
            play_session(replay.desk, session)
            halts = replay.desk.store.control.halts(in_force=True)
            if halts:
                break
    assert [(halt.restriction, halt.by) for halt in halts] == [(Restriction.REDUCE_ONLY, "max_drawdown_frac")]


def with_cash(folder: Path, usd: str) -> None:
    state = exchange_in(folder)
    (account,) = state.accounts
    richer = replace(account, cash=account.cash + Decimal(usd))
    (folder / resources.EXCHANGE_NAME).write_bytes(to_bytes(replace(state, accounts=(richer,))))


def test_money_nobody_recorded_stops_entries_once_and_exits_go_on(tmp_path: Path, holding: Path) -> None:
    folder = shutil.copytree(holding, tmp_path / "copy")
    with_cash(folder, "900.00")
    result = play_next(folder)
    assert result.exit_code == ExitCode.PERSON
    assert "+900.00 of it unexplained" in result.document["problems"][0]["text"]
    assert filled(result)  # the exit of this very session
    with desk_in(folder) as replay:
        (halt,) = replay.desk.store.control.halts(in_force=True)
    assert halt.by == "max_value_jump_frac"
    # The next session would enter: it is held back by the halt, and the jump is not told again.
    later = play_next(folder)
    assert later.exit_code == ExitCode.HALTED
    assert not any(
        "unexplained by" in problem["text"] and problem["code"] == 6 for problem in later.document["problems"]
    )


def test_a_small_difference_is_no_jump(tmp_path: Path, holding: Path) -> None:
    folder = shutil.copytree(holding, tmp_path / "copy")
    with_cash(folder, "400.00")
    assert play_next(folder).exit_code == ExitCode.DONE


def test_a_market_that_moves_is_no_jump_over_a_whole_quarter(tmp_path: Path) -> None:
    play_until(tmp_path, EXIT_DAY.replace(month=4))
    with desk_in(tmp_path) as replay:
        assert [halt.by for halt in replay.desk.store.control.halts()] == []


def test_live_makes_no_entry_until_its_settings_are_approved_and_says_what_differs(tmp_path: Path) -> None:
    live: dict[str, Any] = {
        "mode": "live",
        "market__source": "ib",
        "broker__account": "U1",
        "broker__live_account": "U1",
        "broker__port": 4001,
    }
    with desk_in(tmp_path) as replay:
        approvals = replay.desk.store.approvals
        first = settings_of(**live)
        assert "not approved" in (entries_stopped(approvals, first) or "")
        approve_settings(approvals, first, replay.desk.clock.now())
        assert entries_stopped(approvals, first) is None
        bolder = settings_of(**live, risk__max_position_usd=9000)
        assert changes(approvals, bolder) == ("risk.max_position_usd: approved 5000.0, now 9000.0",)
        assert "risk.max_position_usd" in (entries_stopped(approvals, bolder) or "")
        # What does not change a trade needs no approval, and practice needs none at all.
        assert entries_stopped(approvals, settings_of(**live, mail__port=465)) is None
        assert entries_stopped(approvals, settings_of(risk__max_position_usd=9000)) is None


def test_shares_the_broker_does_not_have_are_a_mismatch_and_no_loss(holding: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(holding, folder)
    state = exchange_in(folder)
    (account,) = state.accounts
    robbed = replace(state, accounts=(replace(account, positions=()),))
    (folder / resources.EXCHANGE_NAME).write_bytes(to_bytes(robbed))
    limits: dict[str, Any] = {
        "risk__on_daily_loss": "flatten",
        "risk__max_drawdown_frac": 0.1,
        "risk__max_value_jump_frac": 0.99,
    }
    result = play_next(folder, **limits)
    assert (result.exit_code, result.document["orders"]) == (ExitCode.PERSON, [])
    assert "the broker holds 0, we expect 18 of ours" in result.document["problems"][0]["text"]
    with desk_in(folder) as replay:
        decision = replay.desk.store.decisions.decision_of(EXIT_DAY, "mtum_confluence")
        halts = replay.desk.store.control.halts()
    assert decision is not None
    assert (decision.document["daily_loss_hit"], decision.document["drawdown_hit"], halts) == (False, False, ())
