"""A hundred symbols and five sleeves over the wire, with the broker's lines and pacing, in real seconds."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mtum.gateway.behavior import Behavior
from support.many_symbols import wide_installation, wide_market

SYMBOLS, SLEEVES = 100, 5
HISTORY_SECONDS, QUOTE_SECONDS = 1.0, 3.0
"""What a history request and a snapshot take a real gateway, or longer; nothing here is scaled."""


@pytest.mark.bench
def test_a_hundred_symbols_are_gathered_in_time_and_little_memory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    behavior = Behavior(history_seconds=HISTORY_SECONDS, quote_seconds=QUOTE_SECONDS)
    with wide_installation(tmp_path, wide_market(SYMBOLS), sleeves=SLEEVES, behavior=behavior) as ours:
        command = [sys.executable, str(Path(__file__).parent / "gather_once.py"), str(tmp_path)]
        command += [str(ours.gateway.port), str(SYMBOLS), str(SLEEVES)]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
        assert ran.returncode == 0, ran.stderr[-2000:]
        found = json.loads(ran.stdout.splitlines()[-1])
    with capsys.disabled():
        print(f"\n{SYMBOLS} symbols x {SLEEVES} sleeves: histories {found['histories']:.1f} s, ", end="")
        print(f"quotes {found['quotes']:.1f} s, then a whole run {found['run']:.1f} s, peak {found['mb']:.0f} MB")
    assert (found["exit_code"], found["problems"], found["orders"]) == (0, [], SLEEVES)
    assert found["histories"] <= 90
    assert found["quotes"] <= 90
    assert found["mb"] <= 400
