"""What stops or changes an order: losses, a missing VIX, the way today's volume is judged."""

import os
import signal
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mtum.adapters.store.reading import open_read_only
from mtum.app.desk import RunResult
from mtum.app.session.play_session import play_session
from mtum.core.portfolio.limits import Restriction
from mtum.wiring.resources import DATABASE_NAME
from support.commands import call_json
from support.killed_jobs import around_what_lasts
from support.practice import desk_in, exchange_in, in_child, sample_market, write_market

ENTRY, FALL, AFTER = date(2018, 1, 30), date(2018, 2, 2), date(2018, 2, 7)
"""17 shares are bought; on the fall they lose more than 100 USD; on 5 February they are sold."""
AGAIN = date(2018, 4, 17)
"""The next session on which every entry condition holds."""


def played(folder: Path, first: date, last: date, *later: date, **changes: Any) -> dict[date, RunResult]:
    """Play the sessions of a span, and of some days after it."""
    found: dict[date, RunResult] = {}
    with desk_in(folder, **changes) as replay:
        for session in replay.market:
            if first <= session.day <= last or session.day in later:
                found[session.day] = play_session(replay.desk, session)
    return found


def hits(folder: Path, **changes: Any) -> list[date]:
    with desk_in(folder, **changes) as replay:
        return [
            record.session
            for record in replay.desk.store.decisions.final_decisions()
            if record.document["daily_loss_hit"]
        ]


def test_a_daily_loss_bars_entries_for_as_long_as_the_pause_says(tmp_path: Path) -> None:
    # 50 sessions lie between the fall and the day all conditions hold again.
    for pause, reasons in ((60, ["daily_loss"]), (10, None)):
        changes: dict[str, Any] = {"risk__max_daily_loss_usd": 100.0, "risk__daily_loss_pause_sessions": pause}
        results = played(tmp_path / str(pause), ENTRY, AFTER, AGAIN, **changes)
        assert hits(tmp_path / str(pause), **changes)[0] == FALL
        assert results[FALL].document["action"] == "hold", "the limit stops entries, it sells nothing"
        document = results[AGAIN].document
        assert (document["action"], document["exit_code"]) == ("hold" if reasons else "enter", 0)
        assert reasons in (None, document["reasons"])
        assert bool(document["orders"]) is (reasons is None)


def test_a_loss_at_the_limit_counts_and_a_cent_less_does_not(tmp_path: Path) -> None:
    span = ENTRY, FALL
    free = played(tmp_path / "free", *span)
    before, after = (free[day].document["equity_usd"] for day in (date(2018, 2, 1), FALL))
    lost = round(before - after, 3)
    for name, limit, expected in (("at", lost, [FALL]), ("above", lost + 0.01, [])):
        changes = {"risk__max_daily_loss_usd": limit}
        played(tmp_path / name, *span, **changes)
        assert hits(tmp_path / name, **changes) == expected


def test_a_daily_loss_sells_at_that_close_where_it_is_told_to(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"risk__max_daily_loss_usd": 100.0, "risk__on_daily_loss": "flatten"}
    results = played(tmp_path, ENTRY, AFTER, AGAIN, **changes)
    sold = results[FALL].document
    assert (sold["action"], sold["reasons"], sold["order"]["side"]) == ("exit", ["daily_loss"], "SELL")
    assert halts(tmp_path) == ["max_daily_loss_usd"]
    assert not any(result.document["orders"] for day, result in results.items() if day > FALL)
    assert (results[AGAIN].document["reasons"], results[AGAIN].exit_code) == (["halted"], 7)


def halts(folder: Path) -> list[str]:
    with desk_in(folder) as replay:
        control = replay.desk.store.control
        assert control.restriction() is Restriction.REDUCE_ONLY
        return [halt.by for halt in control.halts(in_force=True)]


def test_a_process_killed_once_the_decision_is_final_has_put_its_halt_in_force(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"risk__max_daily_loss_usd": 100.0, "risk__on_daily_loss": "flatten"}
    played(tmp_path, ENTRY, date(2018, 2, 1), **changes)

    def dies() -> int:
        def at_the_first_write_that_shows_it(_point: str) -> None:
            connection = open_read_only(tmp_path / DATABASE_NAME)
            decided = connection.execute("SELECT 1 FROM decisions WHERE session = ?", (FALL.isoformat(),)).fetchone()
            if decided:
                os.kill(os.getpid(), signal.SIGKILL)

        around_what_lasts(at_the_first_write_that_shows_it)
        played(tmp_path, FALL, FALL, **changes)
        return 0

    assert in_child(dies) == -signal.SIGKILL
    assert halts(tmp_path) == ["max_daily_loss_usd"]
    again = played(tmp_path, FALL, FALL, **changes)[FALL]
    assert (again.document["reasons"], again.document["order"]["side"]) == (["daily_loss"], "SELL")


def test_a_fall_from_the_peak_halts_entries_and_no_exit(tmp_path: Path) -> None:
    results = played(tmp_path, ENTRY, AFTER, AGAIN, risk__max_drawdown_frac=0.02)
    assert halts(tmp_path) == ["max_drawdown_frac"]
    left = [day for day, result in results.items() if result.document["action"] == "exit"]
    assert left == [date(2018, 2, 5)]
    assert (results[AGAIN].document["reasons"], results[AGAIN].exit_code) == (["halted"], 7)
    unhurt = played(tmp_path / "unhurt", ENTRY, AFTER, AGAIN, risk__max_drawdown_frac=0.2)
    assert unhurt[AGAIN].document["action"] == "enter"


def test_a_person_who_resumes_after_a_fall_lets_entries_go_on_and_the_next_fall_halts_again(tmp_path: Path) -> None:
    limit: dict[str, Any] = {"risk__max_drawdown_frac": 0.01}
    played(tmp_path, ENTRY, AFTER, **limit)
    said = call_json(tmp_path, "--data-dir", str(tmp_path), "resume").document
    assert (said["lifted"], said["halt"], said["peak_since"]) == (1, "none", AFTER.isoformat())
    later = played(tmp_path, AGAIN, date(2018, 4, 24), **limit)
    assert (later[AGAIN].document["action"], later[AGAIN].exit_code) == ("enter", 0)
    assert halts(tmp_path) == ["max_drawdown_frac"]


FIRST, LAST = date(2017, 10, 2), date(2018, 2, 28)


def csv_market(folder: Path, without: tuple[date, ...] = (), *, vix: bool = True) -> None:
    bars, closes = sample_market(FIRST, LAST)
    closes = {day: points for day, points in closes.items() if day not in without}
    write_market(folder / "data" / "bars", {"MTUM": bars}, closes if vix else None)
    (folder / "config.toml").write_text('[market]\nsource = "csv"\n')


@pytest.mark.parametrize("vix", [True, False])
def test_a_missing_vix_bars_the_entry_and_says_so(tmp_path: Path, vix: bool) -> None:
    entry = date(2018, 1, 3)
    csv_market(tmp_path, (entry,), vix=vix)
    called = call_json(tmp_path, "run", "--session", str(entry))
    document = called.document
    assert (called.code, document["action"], document["reasons"]) == (0, "hold", ["vix_missing"])
    assert (document["degraded"], document["indicators"]["vix"]) == (["vix"], None)
    calm = next(one for one in document["conditions"] if one["name"] == "vix_calm")
    assert (calm["value"], calm["margin"], calm["passed"]) == (None, None, False)
    assert call_json(tmp_path, "verify", "--all").code == 0


def test_a_missing_vix_leaves_the_other_exits_at_work(tmp_path: Path) -> None:
    leaving = date(2018, 1, 12)
    csv_market(tmp_path, (leaving,))
    assert call_json(tmp_path, "run", "--session", "2018-01-03").document["action"] == "enter"
    while (document := call_json(tmp_path, "run").document)["session"] < str(leaving):
        assert document["action"] == "hold"
    assert (document["degraded"], document["action"], document["reasons"]) == (["vix"], "exit", ["atr_target"])
    assert exchange_in(tmp_path / "data").accounts[0].positions == ()


@pytest.mark.parametrize("mode", ["projected", "raw", "prior_session"])
def test_the_volume_that_is_judged_is_the_one_the_mode_names(tmp_path: Path, mode: str) -> None:
    day, before = date(2018, 1, 4), date(2018, 1, 3)
    bars, _ = sample_market(before, day)
    with desk_in(tmp_path, market__volume_mode=mode) as replay:
        result = play_session(replay.desk, replay.session(day))
    seen = result.document["indicators"]
    assert seen["volume_share"] == 0.87
    assert 0.74 <= seen["volume_so_far"] / float(bars.volume[1]) <= 0.98
    expected = {
        "projected": seen["volume_so_far"] / 0.87,
        "raw": seen["volume_so_far"],
        "prior_session": float(bars.volume[0]),
    }[mode]
    assert seen["volume"] == pytest.approx(expected, abs=1e-6)
    condition = next(one for one in result.document["conditions"] if one["name"] == "volume_high")
    assert condition["value"] == seen["volume"]


def test_with_the_share_known_exactly_the_final_volume_is_judged(tmp_path: Path) -> None:
    day = date(2018, 1, 4)
    bars, _ = sample_market(day, day)
    with desk_in(tmp_path, market__sample_share="exact") as replay:
        result = play_session(replay.desk, replay.session(day))
    assert result.document["indicators"]["volume"] == float(bars.volume[0])


def test_cutting_the_market_off_after_a_session_gives_the_same_decisions_up_to_it(tmp_path: Path) -> None:
    cut = date(2018, 1, 19)
    documents: list[list[dict[str, Any]]] = []
    for name, last in (("whole", LAST), ("cut", cut)):
        bars, vix = sample_market(FIRST, last)
        write_market(tmp_path / name / "bars", {"MTUM": bars}, vix)
        changes = {"market__source": "csv"}
        results = played(tmp_path / name, date(2018, 1, 2), cut, **changes)
        documents.append([results[day].document for day in sorted(results)])
    assert documents[0] == documents[1]
    assert {"enter", "exit", "hold"} == {document["action"] for document in documents[0]}
