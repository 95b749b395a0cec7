"""A copy counts only when it is sound; a restore touches nothing before it knows."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mtum.adapters.store.backup import backup, checked, restore
from mtum.adapters.store.database import connect
from mtum.adapters.store.opening import SqliteStore
from mtum.adapters.store.reading import meta, open_read_only
from mtum.core.portfolio.fills import Split, folded, rebased
from mtum.core.portfolio.lots import lots_of
from mtum.core.portfolio.orders import Side
from mtum.errors import RunLockedError, StoreError
from support.store import ACCOUNT, MONDAY, STRATEGY, TUESDAY, decision, fill, intent, later, opened, traded

AT, KEPT = datetime(2018, 12, 4, 21, 16, tzinfo=UTC), "mtum.db.replaced-20181204T211600Z"


@pytest.fixture
def filled(store: SqliteStore) -> SqliteStore:
    """Decided on Monday, 19 bought, 4 sold on Tuesday: 15 left."""
    entry, exit_ = intent(), intent(TUESDAY, Side.SELL, 4)
    store.decisions.commit_decisions([decision()], [entry])
    store.orders.add_fills([fill(entry, "a.01", 19, "105", "2")])
    traded(store, exit_, fill(exit_, "b.01", 4, "106", "1"))
    write_lots(store)
    return store


def write_lots(store: SqliteStore) -> None:
    fills = rebased(folded(store.orders.fills()), store.bars.actions())
    store.ledger.write_lots(STRATEGY, lots_of(fills), {})


def damaged(path: Path, sql: str) -> None:
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        assert connection.execute(sql).rowcount == 1


def test_a_copy_made_while_a_run_writes_holds_what_was_committed(filled: SqliteStore, path: Path) -> None:
    target = path.parent / "backups" / "2018-12-04.db"
    with filled.database.write() as connection:
        connection.execute("DELETE FROM meta")
        facts = backup(path, target)
    assert (facts.path, facts.mode, facts.account) == (target, "practice", ACCOUNT)
    assert (facts.last_session, facts.decisions, facts.fills) == ("2018-12-03", 1, 2)
    assert [one.name for one in target.parent.iterdir()] == ["2018-12-04.db"]


def test_a_restored_copy_is_the_database_it_was_made_from(filled: SqliteStore, path: Path) -> None:
    target = path.parent / "copy.db"
    backup(path, target)
    filled.control.set_meta("after the copy", "1")
    filled.close()
    restore(target, path, AT)
    store = opened(path.parent)
    assert store.control.meta("after the copy") is None
    assert store.decisions.decision_of(MONDAY, STRATEGY) == decision()
    assert len(store.orders.fills()) == 2
    store.close()


def test_the_database_that_was_replaced_is_kept(filled: SqliteStore, path: Path) -> None:
    backup(path, path.parent / "copy.db")
    filled.control.set_meta("after the copy", "1")
    restore(path.parent / "copy.db", path, AT)  # while it is still open, its log not yet written back
    with closing(connect(path.with_name(KEPT))) as connection:
        assert connection.execute("SELECT value FROM meta WHERE key = 'after the copy'").fetchone()[0] == "1"


def test_a_second_restore_leaves_what_the_first_one_replaced(filled: SqliteStore, path: Path) -> None:
    """The wrong copy first and the right one next, within one second: the original is still there."""
    backup(path, path.parent / "copy.db")
    filled.control.set_meta("after the copy", "1")
    filled.close()
    for _ in range(3):
        restore(path.parent / "copy.db", path, AT)
    kept = sorted(one for one in path.parent.iterdir() if ".replaced" in one.name and not one.name.endswith("-shm"))
    assert [one.name for one in kept] == [KEPT, f"{KEPT}.2", f"{KEPT}.3"]
    with closing(open_read_only(kept[0])) as original, closing(open_read_only(kept[1])) as second:
        assert meta(original)["after the copy"] == "1"
        assert "after the copy" not in meta(second)


def test_a_database_that_cannot_be_kept_is_not_replaced(filled: SqliteStore, path: Path) -> None:
    backup(path, path.parent / "copy.db")
    filled.control.set_meta("after the copy", "1")
    filled.close()
    path.with_name("mtum.db.replaced-20181204T211600Z").symlink_to(path.parent / "no" / "such" / "folder")
    with pytest.raises(StoreError, match="cannot be kept"):
        restore(path.parent / "copy.db", path, AT)
    with closing(open_read_only(path)) as present:
        assert meta(present)["after the copy"] == "1"


def test_the_log_of_the_replaced_database_is_not_played_into_the_restored_one(filled: SqliteStore, path: Path) -> None:
    """A reader keeps the log from being written back; what is in it belongs to the replaced file."""
    backup(path, path.parent / "copy.db")
    with closing(open_read_only(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM meta").fetchall()
        filled.control.set_meta("after the copy", "1")
        restore(path.parent / "copy.db", path, AT)
    with closing(open_read_only(path)) as restored, closing(open_read_only(path.with_name(KEPT))) as old:
        assert "after the copy" not in meta(restored)
        assert meta(old)["after the copy"] == "1"


def test_a_check_changes_nothing(filled: SqliteStore, path: Path) -> None:
    backup(path, path.parent / "copy.db")
    before = sorted(one.name for one in path.parent.iterdir())
    assert restore(path.parent / "copy.db", path.parent / "other.db", AT, check_only=True).fills == 2
    assert sorted(one.name for one in path.parent.iterdir() if "copy.db-" not in one.name) == before


def test_a_restore_waits_for_no_run_and_disturbs_none(filled: SqliteStore, path: Path) -> None:
    backup(path, path.parent / "copy.db")
    with filled.lock(), pytest.raises(RunLockedError):
        restore(path.parent / "copy.db", path, AT)
    assert filled.control.meta("mode") == "practice"


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE lots SET shares = 14", "holds 14 shares, its fills make 15"),
        ("DELETE FROM lots", "holds 0 shares, its fills make 15"),
        ("UPDATE fills SET shares = 20 WHERE side = 'SELL'", "its fills make -1"),
        ("UPDATE fills SET price = 104 WHERE side = 'BUY'", "the cash of fill a.01 is not shares times price"),
        ("UPDATE fills SET current = 0 WHERE exec_id = 'b.01'", "fill b does not count exactly once"),
        ("UPDATE input_frames SET frame = replace(frame, '16.44', '16.45')", "is not what its hash says"),
        ("DELETE FROM input_frames", "decisions row 1 refers to a missing row of input_frames"),
        ("DELETE FROM cash_movements WHERE key = 'fill:a'", "the cash of fill a.01 is not shares times price"),
    ],
)
def test_a_database_whose_numbers_disagree_is_not_sound(filled: SqliteStore, path: Path, sql: str, words: str) -> None:
    assert checked(path).fills == 2
    damaged(path, sql)
    with pytest.raises(StoreError, match=words):
        checked(path)
    with pytest.raises(StoreError, match="is not sound"):
        backup(path, path.parent / "copy.db")
    assert not list(path.parent.glob("copy*"))


def test_a_split_agreed_upon_does_not_upset_the_check(filled: SqliteStore, path: Path) -> None:
    from decimal import Decimal

    filled.bars.agree_split(Split("MTUM", TUESDAY, Decimal(2)), later(0))
    with pytest.raises(StoreError, match="holds 15 shares, its fills make 34"):  # 2 x 19 - 4
        checked(path)
    write_lots(filled)
    assert checked(path).fills == 2


@pytest.mark.parametrize("act", [checked, lambda path: restore(path, path.parent / "mtum.db", AT)])
def test_a_damaged_copy_is_refused_and_the_database_stays(
    filled: SqliteStore, path: Path, act: Callable[[Path], object]
) -> None:
    copy = path.parent / "copy.db"
    backup(path, copy)
    content = bytearray(copy.read_bytes())
    content[8192:12288] = b"\xff" * 4096
    copy.write_bytes(content)
    with pytest.raises(StoreError, match=r"copy\.db"):
        act(copy)
    assert checked(path).decisions == 1


def test_a_missing_copy_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"copy\.db does not exist"):
        restore(tmp_path / "copy.db", tmp_path / "mtum.db", AT)


def test_an_altered_frame_is_found_by_its_session(filled: SqliteStore, path: Path) -> None:
    assert filled.decisions.altered_decisions() == ()
    damaged(path, "UPDATE input_frames SET frame = replace(frame, '16.44', '16.45')")
    assert filled.decisions.altered_decisions() == (MONDAY,)
