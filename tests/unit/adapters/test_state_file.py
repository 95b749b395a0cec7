"""A file is replaced whole or not at all."""

from pathlib import Path

import pytest

from mtum.adapters.state_file import ReplacedFile, Unwatched
from mtum.errors import StoreError
from support.practice import Steps


class Stop(Exception):
    """The process dies here."""


class DiesAt:
    """A journal that dies when a step is reached."""

    def __init__(self, step: str) -> None:
        self._step = step

    def begin(self, run_id: int) -> None:
        """Nothing to note."""

    def reached(self, step: str) -> None:
        if step == self._step:
            raise Stop(step)


def test_what_was_saved_is_loaded_and_folders_are_made(tmp_path: Path) -> None:
    file = ReplacedFile(tmp_path / "a" / "b" / "exchange.json", Unwatched())
    assert file.load() is None
    file.save(b"one")
    file.save(b"two")
    assert file.load() == b"two"
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["exchange.json"]


def test_the_journal_is_told_before_and_after(tmp_path: Path) -> None:
    steps = Steps()
    ReplacedFile(tmp_path / "x.json", steps).save(b"one")
    assert steps.seen == ["exchange.saving", "exchange.saved"]


@pytest.mark.parametrize(("step", "left"), [("exchange.saving", b"old"), ("exchange.saved", b"new")])
def test_a_death_leaves_the_old_content_or_the_new(tmp_path: Path, step: str, left: bytes) -> None:
    path = tmp_path / "x.json"
    ReplacedFile(path, Unwatched()).save(b"old")
    with pytest.raises(Stop):
        ReplacedFile(path, DiesAt(step)).save(b"new")
    assert path.read_bytes() == left


def test_a_half_written_file_beside_is_never_read_and_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    (tmp_path / "x.json.new").write_bytes(b"hal")
    file = ReplacedFile(path, Unwatched())
    assert file.load() is None
    file.save(b"whole")
    assert path.read_bytes() == b"whole"


def test_a_place_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot be written"):
        ReplacedFile(tmp_path / "file" / "x.json", Unwatched()).save(b"one")
    with pytest.raises(StoreError, match="cannot be read"):
        ReplacedFile(tmp_path, Unwatched()).load()
