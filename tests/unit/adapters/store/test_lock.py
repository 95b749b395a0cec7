"""One process acts at a time; the kernel lets go of a dead one's lock."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mtum.adapters.store.lock import lock_path, run_lock
from mtum.errors import ExitCode, RunLockedError, StoreError

HOLDER = """
import sys, pathlib
from mtum.adapters.store.lock import run_lock
with run_lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_holder_is_named_until_it_dies(tmp_path: Path) -> None:
    database = tmp_path / "mtum.db"
    command = [sys.executable, "-c", HOLDER, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(RunLockedError, match=rf"another run holds the lock .*: pid {holder.pid} since") as refused:
            run_lock(database).__enter__()
        assert refused.value.exit_code is ExitCode.LOCKED
        holder.kill()
    with run_lock(database):
        assert lock_path(database).read_text().startswith(f"pid {os.getpid()} since ")


def test_the_lock_file_says_who_and_since_when(tmp_path: Path) -> None:
    path = lock_path(tmp_path / "mtum.db")
    path.write_text("pid 999999999 since 2018-12-03T17:00:00Z and a longer text of an earlier holder\n")
    with run_lock(tmp_path / "mtum.db"):
        text = path.read_text()
    assert re.fullmatch(rf"pid {os.getpid()} since \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n", text)
    assert path.name == "mtum.db.lock"


def test_a_lock_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"mtum\.db\.lock cannot be written"):
        run_lock(tmp_path / "nowhere" / "mtum.db").__enter__()


def test_the_lock_is_released_when_the_run_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), run_lock(tmp_path / "mtum.db"):
        raise ZeroDivisionError
    with run_lock(tmp_path / "mtum.db"):
        pass
