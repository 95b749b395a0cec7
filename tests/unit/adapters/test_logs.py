import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mtum.adapters import logs

SECRET = 'pass"wörd-1234'


@pytest.fixture(autouse=True)
def quiet_afterwards() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    for handler in list(root.handlers):
        if handler not in before:
            root.removeHandler(handler)
            handler.close()
    for handler in before:
        if handler not in root.handlers:
            root.addHandler(handler)
    root.setLevel(level)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "mtum.jsonl").read_text(encoding="utf-8").splitlines()]


def test_every_line_has_the_event_its_fields_the_run_and_the_session(tmp_path: Path) -> None:
    logs.set_up(tmp_path, "info", [], terminal=None)
    log = logging.getLogger("mtum.app.try")
    log.info("outside")
    with logs.run_scope(7, date(2024, 5, 15)):
        log.info("order_sent", extra={"shares": 24})
    outside, inside = lines(tmp_path)
    assert (outside["run"], outside["session"]) == (None, None)
    assert (inside["run"], inside["session"], inside["event"], inside["shares"]) == (7, "2024-05-15", "order_sent", 24)
    assert inside["at"].endswith("Z")


def test_a_secret_reaches_neither_file_nor_terminal_however_it_is_logged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.set_up(tmp_path, "debug", [SECRET, None, ""], terminal="debug")
    log = logging.getLogger("mtum.adapters.mail")
    log.warning("login %s", SECRET, extra={"answer": f"no {SECRET}"})
    try:
        raise ValueError(f"refused {SECRET}")
    except ValueError:
        log.exception("failed")
    written = (tmp_path / "mtum.jsonl").read_text(encoding="utf-8") + capsys.readouterr().err
    assert written.count("***") == 6
    assert "rd-1234" not in written


def test_an_error_is_one_line_on_the_terminal_that_says_where_its_traceback_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.set_up(tmp_path, "info", [], terminal="warning")
    try:
        raise KeyError("equity")
    except KeyError:
        logging.getLogger("mtum.x").exception("job_broke")
    (told,) = capsys.readouterr().err.splitlines()
    assert told.endswith(f"job_broke KeyError: 'equity' (details in {tmp_path / 'mtum.jsonl'})")
    assert "Traceback" in lines(tmp_path)[0]["traceback"]


def test_the_level_of_the_file_is_a_setting_and_libraries_are_kept_short(tmp_path: Path) -> None:
    logs.set_up(tmp_path, "info", [], terminal=None)
    logging.getLogger("mtum.x").debug("hidden")
    logging.getLogger("mtum.x").info("shown")
    logging.getLogger("chatty").info("hidden")
    logging.getLogger("chatty").warning("shown")
    assert [line["event"] for line in lines(tmp_path)] == ["shown", "shown"]


def test_the_file_is_rotated_and_only_so_many_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_BYTES", 300)
    logs.set_up(tmp_path, "info", [], terminal=None)
    for number in range(60):
        logging.getLogger("mtum.x").info("line", extra={"number": number})
    names = sorted(path.name for path in tmp_path.glob("*.jsonl"))
    assert names == ["mtum.1.jsonl", "mtum.2.jsonl", "mtum.3.jsonl", "mtum.4.jsonl", "mtum.5.jsonl", "mtum.jsonl"]
    assert lines(tmp_path)[-1]["number"] == 59


WRITER = """
import logging, sys
from pathlib import Path
from mtum.adapters import logs
logs.MAX_BYTES, logs.KEPT_FILES = 4000, 99
logs.set_up(Path(sys.argv[1]), "info", [], terminal=None)
for number in range(200):
    logging.getLogger("mtum.x").info("line", extra={"who": sys.argv[2], "number": number})
"""


def test_no_line_is_lost_when_two_processes_rotate_one_file(tmp_path: Path) -> None:
    both = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), who]) for who in "ab"]
    assert [process.wait(30) for process in both] == [0, 0]
    found = [
        (line["who"], line["number"])
        for path in tmp_path.glob("*.jsonl")
        for line in map(json.loads, path.read_text().splitlines())
    ]
    assert sorted(found) == sorted((who, number) for who in "ab" for number in range(200))


def test_a_folder_that_cannot_be_written_is_told_once_and_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    logs.set_up(tmp_path / "file", "info", [], terminal="warning")
    logging.getLogger("mtum.x").warning("still_heard", extra={"shares": 3})
    told = capsys.readouterr().err
    assert "no log file" in told
    assert "still_heard shares=3" in told
