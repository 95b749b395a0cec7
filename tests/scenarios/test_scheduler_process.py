"""The scheduler as a real process: start, life signs, one per folder, stop, kill."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobs import JOBS
from jobs.__main__ import main
from mtum.wiring import installation
from support.source_tree import ROOT


def environment(**more: str) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("MTUM_")}
    return kept | more


def command(folder: Path, *words: str, program: Sequence[str] = ("-m", "jobs")) -> list[str]:
    config = folder.parent / "config.toml"
    config.touch()
    return [sys.executable, *program, "--config", str(config), "--data-dir", str(folder), *words]


def ended(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A process that ends by itself."""
    asked = environment(**more)
    return subprocess.run(
        command(folder, *words), cwd=ROOT, env=asked, capture_output=True, text=True, timeout=60, check=False
    )


@contextmanager
def served(
    folder: Path, program: Sequence[str] = ("-m", "jobs")
) -> Iterator[tuple[subprocess.Popen[str], socket.socket]]:
    """A scheduler on the folder, after it has told systemd that it is ready."""
    folder.mkdir(parents=True, exist_ok=True)
    listening = folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as service:
        service.bind(str(listening))
        service.settimeout(30)
        asked = environment(NOTIFY_SOCKET=str(listening), WATCHDOG_USEC="400000")
        process = subprocess.Popen(
            command(folder, program=program),
            cwd=ROOT,
            env=asked,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert service.recv(200).startswith(b"READY=1")
            yield process, service
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=30)
            listening.unlink()


def test_it_tells_when_it_is_ready_alive_and_stopping(tmp_path: Path) -> None:
    with served(tmp_path / "data") as (process, service):
        assert service.recv(200) == b"WATCHDOG=1"
        process.send_signal(signal.SIGTERM)
        told = service.recv(200)
        while told == b"WATCHDOG=1":
            told = service.recv(200)
        assert told == b"STOPPING=1"
        assert process.wait(30) == 0
    words = (tmp_path / "data" / "logs" / "mtum.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(words[0])["event"] == "scheduler_started"


@pytest.mark.parametrize("program", [("-m", "jobs"), ("deploy/docker/entry.py",)], ids=["jobs", "container"])
def test_ctrl_c_ends_it_with_130(tmp_path: Path, program: Sequence[str]) -> None:
    with served(tmp_path / "data", program) as (process, _):
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130


def test_a_second_one_on_the_same_folder_refuses_and_names_the_first(tmp_path: Path) -> None:
    with served(tmp_path / "data") as (process, _):
        second = ended(tmp_path / "data")
        assert process.poll() is None
    assert second.returncode == 9
    assert f"pid {process.pid}" in second.stderr
    assert len(second.stderr.splitlines()) == 1


def test_after_kill_9_the_folder_is_free_again(tmp_path: Path) -> None:
    with served(tmp_path / "data") as (process, _):
        process.kill()
        assert process.wait(30) == -signal.SIGKILL
    with served(tmp_path / "data") as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


PAPER = {"MTUM_MODE": "paper", "MTUM_MARKET__SOURCE": "yahoo", "MTUM_BROKER__ACCOUNT": "DU1"}


@pytest.mark.parametrize("paper", [{}, PAPER])
def test_the_list_has_the_next_ten_sessions_as_plain_json(tmp_path: Path, paper: dict[str, str]) -> None:
    shown = ["--list", "--as-of", "2024-11-27T12:00:00Z", "--json"]
    listed = ended(tmp_path / "data", *shown, **paper)
    rows = json.loads(listed.stdout)
    assert listed.returncode == 0
    assert {frozenset(row) for row in rows} == {frozenset({"job", "slot", "session", "at_utc", "at_new_york"})}
    assert len({row["session"] for row in rows}) == 10
    decisions = {row["session"]: row for row in rows if row["job"] == "decide_and_order"}
    assert decisions["2024-11-27"]["at_utc"] == "2024-11-27T20:38:00Z"
    assert decisions["2024-11-29"]["at_new_york"] == "2024-11-29T12:38:00-05:00"
    assert "2024-11-28" not in decisions
    assert {row["job"] for row in rows} == set(JOBS)


def test_a_session_that_is_over_is_none_of_the_next_ten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evening = "2024-11-22T00:00:00Z"  # 19:00 of the day before in New York; its copy of the night is still to come
    assert main(["--data-dir", str(tmp_path), "--list", "--as-of", evening, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    sessions = sorted({row["session"] for row in rows})
    assert (sessions[0], sessions[-1], len(sessions)) == ("2024-11-22", "2024-12-06", 10)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--list", "--as-of", "noon"], '"noon" is no instant'),
        (["--list", "--as-of", "9999-12-31T00:00:00Z"], "outside the years 1990 to 2099"),
        (["--as-of", "2024-11-27T12:00:00Z"], "go with --list"),
        (["--no-such"], "unrecognized"),
    ],
)
def test_wrong_words_are_exit_2_in_one_line_and_in_the_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main(["--data-dir", str(tmp_path), *words, "--json"]) == 2
    out, err = capsys.readouterr()
    (problem,) = json.loads(out)["problems"]
    assert told in problem["text"]
    assert err == f"mtum jobs: {problem['text']}\n"


def test_a_folder_that_cannot_be_made_is_exit_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["--data-dir", str(tmp_path / "file" / "data")]) == 3
    assert "cannot be created (Not a directory)" in capsys.readouterr().err


def test_an_error_nobody_foresaw_is_one_line_and_a_file_without_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(folder: Path) -> None:
        raise ValueError("the password is hunter2-hunter2")

    monkeypatch.setenv("MTUM_MAIL__PASSWORD", "hunter2-hunter2")
    monkeypatch.setattr(installation, "only_scheduler", broken)
    assert main(["--data-dir", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    (file,) = (tmp_path / "logs").glob("crash-*.txt")
    assert err == f"mtum jobs: an error in the program: ValueError: the password is ***; details in {file}\n"
    assert "hunter2" not in file.read_text(encoding="utf-8")


def test_a_list_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        words = [sys.executable, "-m", "jobs", "--list", "--data-dir", str(tmp_path)]
        found = subprocess.run(words, check=False, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert found.returncode == 1
    assert found.stderr.startswith("mtum jobs: an error in the program: OSError")
    assert found.stderr.count("\n") == 1


def test_wrong_settings_are_exit_2_with_every_mistake_and_no_traceback(tmp_path: Path) -> None:
    found = ended(tmp_path / "data", MTUM_MODE="papr", MTUM_BROKER__PROT="1")
    assert found.returncode == 2
    assert "MTUM_BROKER__PROT" in found.stderr
    assert "mode" in found.stderr
    assert "Traceback" not in found.stderr
