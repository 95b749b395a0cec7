"""Stored decisions replay; whatever is altered afterwards is found and named."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mtum.app.demo import play_sessions
from mtum.app.records.verify import VerifyResult, verify
from mtum.app.session.play_session import play_session
from mtum.config import digest_of
from mtum.wiring import resources
from mtum.wiring.provenance import provenance
from support.commands import call_json
from support.practice import desk_in, settings_of


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("played")
    with desk_in(folder) as replay:
        play_sessions(replay.desk, replay.market, 12, lambda *_: None)
    return folder


@pytest.fixture
def copy(played: Path, tmp_path: Path) -> Path:
    shutil.copytree(played, tmp_path / "copy")
    return tmp_path / "copy"


def checked(folder: Path, **changes: object) -> VerifyResult:
    settings = settings_of(**changes)
    with resources.opened_store(settings, folder) as store:
        return verify(store, settings, provenance())


def alter(folder: Path, sql: str) -> None:
    connection = sqlite3.connect(folder / resources.DATABASE_NAME)
    with connection:
        assert connection.execute(sql).rowcount == 1
    connection.close()


def problems(result: VerifyResult) -> Iterator[str]:
    return (str(problem["text"]) for problem in result.document["problems"])


NEWEST = "(SELECT max(session) FROM decisions)"


def test_symbols_replay_in_the_order_in_which_a_table_of_weights_names_them(tmp_path: Path) -> None:
    """Keys are sorted where a hash is taken; what is planned and held follows the person's own order."""
    changes: dict[str, Any] = {
        "portfolio__strategy": "band_rebalance",
        "portfolio__capital_usd": 100_000.0,
        "strategy__band_rebalance__weights": {"UST30": 0.5, "SP500": 0.25, "NDQ": 0.25},
    }
    with desk_in(tmp_path, **changes) as replay:
        play_sessions(replay.desk, replay.market, 3, lambda *_: None)
    result = checked(tmp_path, **changes)
    assert (list(problems(result)), result.document["verified"]) == ([], 3)


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


def test_a_setting_that_did_not_exist_when_it_was_decided_is_no_fault(copy: Path) -> None:
    """What an earlier program stored: no `csv_prices`, and the hash of what there was."""
    with closing(sqlite3.connect(copy / resources.DATABASE_NAME)) as connection, connection:
        rows = connection.execute("SELECT id, settings FROM decisions").fetchall()
        for number, text in rows:
            settings = json.loads(text)
            del settings["market"]["csv_prices"]
            values = (json.dumps(settings), digest_of(settings), number)
            connection.execute("UPDATE decisions SET settings = ?, settings_hash = ? WHERE id = ?", values)
    assert checked(copy).document["failed"] == 0


def test_settings_changed_afterwards_are_drift_and_no_fault(copy: Path) -> None:
    result = checked(copy, strategy__mtum_confluence__vix_entry_below=20.0)
    assert result.exit_code == 0
    assert result.document["drift"] == ["settings.strategy.mtum_confluence.vix_entry_below: stored 25.0, found 20.0"]


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that has entered and left once and entered again, with everything settled."""
    folder = tmp_path_factory.mktemp("traded")
    with desk_in(folder) as replay:
        for session in replay.market:
            play_session(replay.desk, session)
            if len(replay.desk.store.orders.fills()) == 3:
                return folder
    pytest.fail("the market is too short")


FIRST_FILL = "(SELECT exec_id FROM fills ORDER BY session LIMIT 1)"
LAST_FILL = "(SELECT exec_id FROM fills ORDER BY session DESC LIMIT 1)"
FIRST_ROW = "(SELECT min(session) FROM equity)"
TAMPERED = {
    "a fill of an ended trade, deleted": (
        f"DELETE FROM fills WHERE exec_id = {FIRST_FILL}",
        "there is no fill",
    ),
    "a fill of an open trade, deleted": (f"DELETE FROM fills WHERE exec_id = {LAST_FILL}", "its stored fills are 0"),
    "shares of a fill": (f"UPDATE fills SET shares = shares + 1 WHERE exec_id = {LAST_FILL}", "lot "),
    "price of a fill": (
        f"UPDATE fills SET price = price + 1 WHERE exec_id = {FIRST_FILL}",
        "movement says buy",
    ),
    "commission of a fill": (
        f"UPDATE fills SET commission_usd = commission_usd + 1 WHERE exec_id = {FIRST_FILL}",
        "movement says commission",
    ),
    "cash of a fill": (
        "UPDATE cash_movements SET amount_usd = amount_usd + 50 WHERE key = (SELECT min(key) FROM cash_movements "
        "WHERE kind = 'sell')",
        "movement says sell",
    ),
    "cash of a fill, deleted": (
        "DELETE FROM cash_movements WHERE key = (SELECT min(key) FROM cash_movements WHERE kind = 'sell')",
        "no cash movement fill:",
    ),
    "the capital": ("UPDATE cash_movements SET amount_usd = 6000 WHERE kind = 'capital'", "cash with dividends due"),
    "equity": (f"UPDATE equity SET equity_usd = 9999 WHERE session = {FIRST_ROW}", "equity is stored as 9999.00"),
    "cash and equity together": (
        f"UPDATE equity SET cash_usd = cash_usd + 100, equity_usd = equity_usd + 100 WHERE session = {FIRST_ROW}",
        "cash with dividends due is stored as",
    ),
    "a flow": (f"UPDATE equity SET flows_usd = 100 WHERE session = {FIRST_ROW}", "deposits less withdrawals"),
    "shares of an equity row": (
        f"UPDATE equity SET shares = shares + 1 WHERE session = {FIRST_ROW}",
        "shares is",
    ),
    "a close while shares are held": (
        "UPDATE equity SET close = close + 1 WHERE session = (SELECT max(session) FROM equity)",
        "market value is stored",
    ),
    "an open lot": ("UPDATE lots SET shares = shares + 1", "the fills make"),
    "a round trip": ("UPDATE trades SET pnl_usd = pnl_usd + 100 WHERE exit_session IS NOT NULL", "the trade of MTUM"),
    "an open lot, deleted": ("DELETE FROM lots", "stored is nothing"),
    "a decision, deleted": (
        "DELETE FROM decisions WHERE id = 2",
        "tells of decision 2, which is not in decisions",
    ),
    "a run, deleted": ("DELETE FROM runs WHERE id = 3", "tells of run_finished 3, which is not in runs"),
    "what happened to an order, deleted": (
        "DELETE FROM order_events WHERE id = 1",
        "tells of order 1, which is not in order_events",
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_books_that_are_not_what_they_came_from_are_found(traded: Path, tmp_path: Path, what: str) -> None:
    sql, words = TAMPERED[what]
    shutil.copytree(traded, tmp_path / "copy")
    before = checked(tmp_path / "copy")
    assert (before.exit_code, before.document["books"], before.document["problems"]) == (0, [], [])
    alter(tmp_path / "copy", sql)
    result = checked(tmp_path / "copy")
    assert result.exit_code == 6
    assert any(words in line for line in result.document["books"]), result.document["books"]
    assert result.document["failed"] == 0, "the decisions are what they were"


def test_reconcile_sees_a_deleted_fill_of_a_trade_that_has_ended(traded: Path, tmp_path: Path) -> None:
    shutil.copytree(traded, tmp_path / "data")
    assert call_json(tmp_path, "reconcile").code == 0
    alter(tmp_path / "data", f"DELETE FROM fills WHERE exec_id = {FIRST_FILL}")
    told = call_json(tmp_path, "reconcile")
    assert told.code == 6
    (first, *_) = [one for one in told.document["differences"] if one["kind"] == "books"]
    assert "there is no fill" in first["text"]
    assert first["ways"] == ["mtum restore FILE"]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("DELETE FROM fills", "tells of fill"),
        (f"DELETE FROM fills WHERE exec_id = {LAST_FILL}", "tells of fill"),
        ("DROP TRIGGER events_kept_from_delete; DELETE FROM events; DELETE FROM fills", "cash movement fill:"),
        (f"UPDATE fills SET shares = shares - 1 WHERE exec_id = {FIRST_FILL}", "is not shares times price"),
        (f"UPDATE fills SET commission_usd = 0 WHERE exec_id = {FIRST_FILL}", "is not shares times price"),
        (f"UPDATE fills SET session = '2016-01-04' WHERE exec_id = {FIRST_FILL}", "is not shares times price"),
    ],
)
def test_no_order_and_no_file_come_from_books_whose_fills_were_changed(
    traded: Path, tmp_path: Path, sql: str, words: str
) -> None:
    shutil.copytree(traded, tmp_path / "data")
    with closing(sqlite3.connect(tmp_path / "data" / resources.DATABASE_NAME)) as connection:
        connection.executescript(sql)
    exports = [("export", kind) for kind in ("trades", "performance", "tax")]
    shown = [("show", kind) for kind in ("trades", "equity")]
    for words_typed in (("doctor",), ("run",), ("settle",), *shown, *exports):
        told = call_json(tmp_path, *words_typed)
        assert (told.code, words in told.texts) == (6, True), (words_typed, told.texts)
        assert "`mtum restore FILE`" in told.texts
        assert told.document.get("orders", []) == [] or words_typed == ("settle",)
    assert not (tmp_path / "data" / "exports").exists()


def test_what_is_verified_and_what_failed_make_up_the_decisions(copy: Path) -> None:
    alter(copy, f"UPDATE decisions SET action = 'exit' WHERE session = {NEWEST}")
    document = checked(copy).document
    assert (document["decisions"], document["verified"], document["failed"]) == (12, 11, 1)


def test_verify_of_one_session_leaves_the_books_alone(traded: Path, tmp_path: Path) -> None:
    shutil.copytree(traded, tmp_path / "data")
    alter(tmp_path / "data", f"UPDATE equity SET equity_usd = 9999 WHERE session = {FIRST_ROW}")
    with sqlite3.connect(tmp_path / "data" / resources.DATABASE_NAME) as connection:
        (first,) = connection.execute("SELECT min(session) FROM decisions").fetchone()
    assert call_json(tmp_path, "verify", "--session", first).code == 0
    assert call_json(tmp_path, "verify").code == 6
    assert call_json(tmp_path, "verify", "--all").code == 6


@pytest.mark.parametrize("session", ["min(session)", "max(session)"])
@pytest.mark.parametrize("symbol", ["MTUM", "VIX"])
def test_a_bar_that_no_decision_used_is_looked_at_too(copy: Path, symbol: str, session: str) -> None:
    place = f"symbol = '{symbol}' AND session = (SELECT {session} FROM bars WHERE symbol = '{symbol}')"
    alter(copy, f"UPDATE bars SET high = high + 0.01 WHERE {place}")
    result = checked(copy)
    assert result.exit_code == 6
    assert any(f"bar {symbol} " in line and "is not as it was accepted" in line for line in problems(result))


@pytest.mark.parametrize("name", ["open", "high", "low", "close", "volume"])
def test_the_last_bit_of_a_bar_is_found(copy: Path, name: str) -> None:
    # A float has 53 bits: the next one is 1.1e-16 to 2.2e-16 of it away.
    alter(copy, f"UPDATE bars SET {name} = {name} * (1 + 3e-16) WHERE symbol = 'MTUM' AND session = '2018-12-03'")
    result = checked(copy)
    assert result.exit_code == 6
    assert any(f"MTUM 2018-12-03 {name}: the decision used" in line for line in problems(result))
