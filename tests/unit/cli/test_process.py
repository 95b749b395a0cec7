"""The command line as a process of its own: exit codes, streams, signals."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

MTUM = [sys.executable, "-m", "mtum"]
GONE = 'import sys; from mtum.cli.app import run; sys.exit(run(["status", "--json"]))'


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_exit_code_reaches_the_shell() -> None:
    done = subprocess.run([*MTUM, "status", "--bogus"], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


def test_a_reader_that_goes_away_is_no_failure() -> None:
    # More than a pipe holds, to a reader that has closed it.
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as gone:
        done = subprocess.run(
            [*MTUM, "config", "show"], check=False, stdout=gone, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert (done.returncode, done.stderr) == (0, "")


def test_ctrl_c_while_waiting_ends_with_130_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "waiting_room.py").write_text(
        "import signal, sys, typer\n"
        "def wait(context: typer.Context) -> None:\n"
        "    print('waiting', file=sys.stderr, flush=True)\n"
        "    signal.pause()\n"
    )
    code = (
        "import sys\n"
        "from mtum.cli import app\n"
        "app.COMMANDS['init'] = ('waiting_room:wait', 'Wait.')\n"
        "sys.exit(app.run(['init', '--json']))\n"
    )
    # A test run in the background inherits an ignored SIGINT; the child begins as at a terminal.
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  # the parent is not threaded here
    ) as child:
        assert child.stderr is not None
        assert child.stderr.readline() == "waiting\n"
        child.send_signal(signal.SIGINT)
        try:
            out, err = child.communicate(timeout=30)
        finally:
            child.kill()
    assert child.returncode == 130
    assert err == "mtum: interrupted\n"
    assert '"exit_code": 130' in out


def test_a_stream_of_ascii_alone_gets_everything_spelled_out(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}

    def called(*words: str | bytes) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*MTUM, *words], check=True, capture_output=True, text=True, env=environment, timeout=60)

    called("halt", "--why", "größer".encode())
    assert json.loads(called("status", "--json").stdout)["halts"][0]["why"] == "größer"
    assert "gr\\xf6\\xdfer" in called("status").stdout


def test_a_reason_that_is_no_text_is_refused_in_one_line() -> None:
    done = subprocess.run(
        [*MTUM, "halt", "--why", "größer".encode("latin-1")], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (2, "mtum: --why is not UTF-8 text; write it in plain letters\n")


def test_an_answer_that_cannot_be_written_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*MTUM, "status"], check=False, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert done.returncode == 1
    assert done.stderr.startswith("mtum: an error in the program: OSError: [Errno 28] No space left on device")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("closed", "words", "code"), [(1, ["status"], 0), (2, ["status", "--bogus"], 2)])
def test_a_stream_that_the_caller_closed_changes_no_exit_code(closed: int, words: list[str], code: int) -> None:
    line = f"{sys.executable} -m mtum {' '.join(words)} {closed}>&-"
    done = subprocess.run(["/bin/sh", "-c", line], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


def test_an_error_stream_that_is_full_changes_no_exit_code() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([*MTUM, "status", "--bogus"], check=False, stderr=full, timeout=60)
    assert done.returncode == 2


def test_a_folder_that_is_gone_is_one_line(tmp_path: Path) -> None:
    line = f"mkdir gone && cd gone && rmdir ../gone && {sys.executable} -P -c {GONE!r}"
    done = subprocess.run(["/bin/sh", "-c", line], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, json.loads(done.stdout)["exit_code"]) == (2, 2)
    assert done.stderr == "mtum: the current folder no longer exists; change to another one\n"


def test_a_table_in_a_pipe_has_no_color_even_where_color_is_forced() -> None:
    environment = {**os.environ, "FORCE_COLOR": "1", "TTY_COMPATIBLE": "1"}
    done = subprocess.run([*MTUM, "config", "show"], check=True, capture_output=True, env=environment, timeout=60)
    assert b"\x1b" not in done.stdout


@pytest.mark.parametrize(
    "words", [["-v", "run"], ["run", "-v", "--json"], pytest.param(["run", "-v"], marks=pytest.mark.full)]
)
def test_verbose_logs_every_step_to_the_error_stream(words: list[str]) -> None:
    done = subprocess.run([*MTUM, *words], check=True, capture_output=True, text=True, timeout=120)
    steps = [line for line in done.stderr.splitlines() if "info    step" in line]
    assert "step=decided market_time=2018-01-03T20:40:00+00:00" in "".join(steps)
    assert "step=" not in done.stdout


def in_terminal(words: list[str], columns: int) -> str:
    """What `mtum` writes to a terminal of that width."""
    pid, screen = pty.fork()
    if pid == 0:  # the child
        os.environ.update(COLUMNS=str(columns), TERM="xterm")
        os.execv(sys.executable, [*MTUM, *words])
    seen = b""
    try:
        while block := os.read(screen, 65536):
            seen += block
    except OSError:
        pass  # the child closed its end
    os.waitpid(pid, 0)
    os.close(screen)
    return seen.decode()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_table_fits_the_terminal() -> None:
    lines = re.sub(r"\x1b\[[0-9;]*m", "", in_terminal(["config", "show"], 60)).splitlines()
    assert max(len(line.rstrip()) for line in lines[3:]) <= 60
    assert any("mtum_confluence" in line for line in lines)
