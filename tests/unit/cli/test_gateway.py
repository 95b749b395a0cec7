"""`mtum gateway` as a real process."""

# mypy: disable-error-code="no-untyped-call"

import json
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.gateway import Running
from support.ib_clients import MTUM, client, order, refs
from support.ports import closed_port


def mtum(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "mtum", "gateway", "--data-dir", str(folder / "data"), "--json", *arguments]


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    command = mtum(folder, "--port", "0", "--speed", "0", *arguments)
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            text = ""
            while not text.endswith("}\n"):
                line = process.stdout.readline()
                assert line, "the gateway ended before it was ready"
                text += line
            yield process, json.loads(text)
        finally:
            process.kill()


def told(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(mtum(folder, *arguments), cwd=folder, capture_output=True, text=True, check=False)


def test_an_order_survives_the_killing_of_the_gateway(tmp_path: Path) -> None:
    with started(tmp_path) as (process, ready):
        assert (ready["session"], ready["accounts"]) == ("2018-01-03", ["DUP100001"])
        assert ready["symbols"] == ["MTUM", "SP500", "NDQ", "UST2", "UST10", "BILL", "UST30", "VIX"]
        with client(Running(ready["port"], ready["control_port"])) as ib:
            ib.placeOrder(MTUM, order(shares=3))
            ib.reqCurrentTime()  # the order's own echo must not count as an answer to the list
            assert refs(ib.reqAllOpenOrders()) == ["r-1"]
        process.send_signal(signal.SIGKILL)
    with started(tmp_path) as (process, ready):
        with client(Running(ready["port"], ready["control_port"])) as ib:
            assert refs(ib.reqAllOpenOrders()) == ["r-1"]
        command = '{"do": "clock", "session": "2018-01-03", "minutes_to_close": 0}'
        answer = told(tmp_path, "--control-port", str(ready["control_port"]), "--tell", command)
        assert json.loads(answer.stdout)["now"] == "2018-01-03T21:00:00+00:00"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    state = json.loads((tmp_path / "data" / "gateway" / "exchange.json").read_text())
    assert [o["filled"] for o in state["state"]["orders"]] == [3]
    journal = (tmp_path / "data" / "gateway" / "journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["kind"] for line in journal].count("accepted") == 1


def test_the_line_that_the_gateway_prints_works_as_printed_from_anywhere(tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    config.write_text("[broker]\nport = 4002\n", encoding="utf-8")
    words = [*mtum(tmp_path, "--config", str(config), "--port", "0", "--speed", "0")]
    words.remove("--json")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stderr is not None
            printed = process.stderr.readline().partition("mtum ")[2]
            answer = subprocess.run(
                [sys.executable, "-m", "mtum", *shlex.split(printed), "--json"],
                cwd=elsewhere, capture_output=True, text=True, check=True,
            )  # fmt: skip
        finally:
            process.kill()
    assert json.loads(answer.stdout)["now"] == "2018-01-03T21:00:00+00:00"


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["--account", "DU123"], 2, "begin with DUP"),
        pytest.param(["--source", "yahoo"], 2, "either sample or csv", marks=pytest.mark.full),
        (["--session", "2018-06-02"], 2, "is not a session of this market"),
        pytest.param(["--faults", "nowhere.json"], 2, "nowhere.json: No such file", marks=pytest.mark.full),
        (["--faults", "damaged.json"], 2, "damaged.json: Expecting value"),
        (["--port", "65535"], 2, "no port follows 65535"),
        pytest.param(
            ["--minutes-to-close", "1e300"], 2, "invalid value for '--minutes-to-close'", marks=pytest.mark.full
        ),
        (["--control-port", str(closed_port()), "--tell", "{}"], 4, "no practice gateway takes commands on 127.0.0.1"),
    ],
)
def test_wrong_starts_end_in_one_line(tmp_path: Path, arguments: list[str], code: int, complaint: str) -> None:
    (tmp_path / "damaged.json").write_text("[")
    ended = told(tmp_path, *arguments)
    assert ended.returncode == code
    assert complaint in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_damaged_state_is_named_and_can_be_started_over(tmp_path: Path) -> None:
    state = tmp_path / "data" / "gateway" / "exchange.json"
    state.parent.mkdir(parents=True)
    state.write_text("{}")
    ended = told(tmp_path, "--port", "0")
    assert ended.returncode == 3
    assert f"{state} is damaged; restore it, or start over with --fresh" in ended.stderr
    with started(tmp_path, "--fresh") as (_, ready):
        assert ready["accounts"] == ["DUP100001"]
