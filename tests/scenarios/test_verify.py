"""Stored decisions replay; whatever is altered afterwards is found and named."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtum import wiring
from mtum.app.records.verify import VerifyResult, verify
from support.practice import desk_in, settings_of


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("played")
    from mtum.app.demo import play_sessions

    with desk_in(folder) as replay:
        play_sessions(replay.desk, replay.market, 12, lambda *_: None)
    return folder


@pytest.fixture
def copy(played: Path, tmp_path: Path) -> Path:
    shutil.copytree(played, tmp_path / "copy")
    return tmp_path / "copy"


def checked(folder: Path, **changes: object) -> VerifyResult:
    settings = settings_of(**changes)
    with wiring.opened_store(settings, folder) as store:
        return verify(store, settings, wiring.provenance())


def alter(folder: Path, sql: str) -> None:
    connection = sqlite3.connect(folder / wiring.DATABASE_NAME)
    with connection:
        assert connection.execute(sql).rowcount == 1
    connection.close()


def problems(result: VerifyResult) -> Iterator[str]:
    return (str(problem["text"]) for problem in result.document["problems"])


NEWEST = "(SELECT max(session) FROM decisions)"


def test_untouched_decisions_replay_bit_for_bit(copy: Path) -> None:
    result = checked(copy)
    assert (result.exit_code, result.document["verified"], result.document["failed"]) == (0, 12, 0)
    assert result.document["drift"] == []


def test_one_altered_byte_of_a_stored_frame_is_found(copy: Path) -> None:
    frame = f"(SELECT frame_hash FROM decisions WHERE session = {NEWEST})"
    alter(copy, f"UPDATE input_frames SET frame = replace(frame, '\"VIX\":2', '\"VIX\":1') WHERE hash = {frame}")
    result = checked(copy)
    assert result.exit_code == 6
    assert any("the stored frame is not what its hash says" in line for line in problems(result))
    assert any("vix" in line for line in problems(result))


def test_a_frame_that_is_no_longer_json_is_found(copy: Path) -> None:
    frame = f"(SELECT frame_hash FROM decisions WHERE session = {NEWEST})"
    alter(copy, f"UPDATE input_frames SET frame = substr(frame, 2) WHERE hash = {frame}")
    result = checked(copy)
    assert result.exit_code == 6
    assert any("cannot be read" in line for line in problems(result))


def test_a_bar_changed_without_a_revision_is_found(copy: Path) -> None:
    alter(copy, "UPDATE bars SET close = close + 0.01 WHERE symbol = 'MTUM' AND session = '2018-12-03'")
    result = checked(copy)
    assert result.exit_code == 6
    assert any("MTUM 2018-12-03 close: the decision used" in line for line in problems(result))


def test_an_altered_threshold_is_found(copy: Path) -> None:
    change = "document = replace(document, '\"threshold\":25.0', '\"threshold\":26.0')"
    alter(copy, f"UPDATE decisions SET {change} WHERE session = {NEWEST}")
    result = checked(copy)
    assert result.exit_code == 6
    assert any("threshold: stored 26.0, found 25.0" in line for line in problems(result))


def test_an_altered_stored_setting_is_found(copy: Path) -> None:
    alter(
        copy,
        "UPDATE decisions SET settings = replace(settings, '\"vix_entry_below\":25.0', '\"vix_entry_below\":24.0') "
        f"WHERE session = {NEWEST}",
    )
    result = checked(copy)
    assert result.exit_code == 6
    assert any("settings are not what their hash says" in line for line in problems(result))


def test_an_altered_action_is_found(copy: Path) -> None:
    alter(copy, f"UPDATE decisions SET action = 'exit' WHERE session = {NEWEST}")
    assert any("decision.action: stored 'exit'" in line for line in problems(checked(copy)))


def test_settings_changed_afterwards_are_drift_and_no_fault(copy: Path) -> None:
    result = checked(copy, strategy__mtum_confluence__vix_entry_below=20.0)
    assert result.exit_code == 0
    assert result.document["drift"] == ["settings.strategy.mtum_confluence.vix_entry_below: stored 25.0, found 20.0"]
