"""The newest copy is put back as after a lost disk, beside nothing of ours, and what it held is told."""

from datetime import UTC, date, datetime
from pathlib import Path

from mtum.adapters.clock import FixedClock
from mtum.app.reporting.audit import Drill
from mtum.config import load
from mtum.wiring.backups import FOLDER, made_copy, restore_drill
from support.report_days import KINDS

AT = datetime(2026, 4, 1, 21, tzinfo=UTC)
NAME = "mtum-20260401T210000Z.db"


def copied(folder: Path) -> tuple[Path, date]:
    _, day = KINDS["exit-target"](folder)
    made_copy(load(None, {}), folder, FixedClock(AT))
    return folder / FOLDER / NAME, day


def test_a_sound_copy_tells_what_it_holds(tmp_path: Path) -> None:
    _, day = copied(tmp_path)
    # Two sessions were decided: bought in the first, sold in the second.
    assert restore_drill(tmp_path) == Drill(NAME, None, day, 2, 2)


def test_the_database_in_use_is_not_touched(tmp_path: Path) -> None:
    copied(tmp_path)
    before = sorted(path.name for path in tmp_path.rglob("*"))
    restore_drill(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_a_damaged_newest_copy_is_told_even_with_a_sound_older_one(tmp_path: Path) -> None:
    copy, _ = copied(tmp_path)
    newer = copy.with_name("mtum-20260402T210000Z.db")
    newer.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2])
    drill = restore_drill(tmp_path)
    assert drill is not None
    assert (drill.copy, drill.last_session) == (newer.name, None)
    assert drill.error


def test_without_a_copy_there_is_no_drill(tmp_path: Path) -> None:
    assert restore_drill(tmp_path) is None
