"""A day of the wheel through `mtum run --if-due` in paper mode against a practice gateway: a put is sold and shown."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mtum.gateway.market import MarketClock
from support.gateway import ACCOUNT, Running
from support.option_gateway import DAY, option_gateway, year_of_sessions
from support.source_tree import ROOT

pytestmark = pytest.mark.full


def mtum(gateway: Running, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    asked = {name: text for name, text in os.environ.items() if not name.startswith("MTUM_")}
    asked |= {
        "MTUM_MODE": "paper",
        "MTUM_MARKET__SOURCE": "ib",
        "MTUM_BROKER__PORT": str(gateway.port),
        "MTUM_BROKER__ACCOUNT": ACCOUNT,
        "MTUM_BROKER__CONNECT_SECONDS": "30",
        "MTUM_PORTFOLIO__STRATEGY": "wheel",
        "MTUM_PORTFOLIO__CAPITAL_USD": "90000",
        "MTUM_OPTIONS__LEVEL": "3",
    }
    config = folder / "config.toml"
    config.write_text('[strategy.wheel]\nwrite_on = "any"\n')
    line = [sys.executable, "-m", "mtum", "--config", str(config), "--data-dir", str(folder / "data"), *words]
    return subprocess.run(line, cwd=ROOT, env=asked, capture_output=True, text=True, timeout=200, check=False)


def run_due(gateway: Running, folder: Path) -> dict[str, str]:
    document: dict[str, Any] = json.loads(mtum(gateway, folder, "run", "--if-due", "--json").stdout)
    return {run["job"]: run["outcome"] for run in document["runs"]}


def test_a_put_is_decided_sold_and_shown_in_one_day(tmp_path: Path) -> None:
    session = year_of_sessions().get(DAY)
    assert session is not None
    with option_gateway(clock=MarketClock(session.before_close(360), speed=0.0)) as gateway:
        run_due(gateway, tmp_path)  # installed in the morning
        for minutes, job in ((89.9, "rehearse"), (29.9, "refresh_bars")):
            gateway.tell("clock", session=DAY.isoformat(), minutes_to_close=minutes)
            assert run_due(gateway, tmp_path)[job] == "finished"
        # Slow enough for a busy machine to begin each run in its time.
        for minutes, speed, job in ((20.05, 2.0, "decide_and_order"), (16.9, 4.0, "manage_options")):
            gateway.tell("clock", session=DAY.isoformat(), minutes_to_close=minutes, speed=speed)
            assert run_due(gateway, tmp_path)[job] == "finished"
        shown = mtum(gateway, tmp_path, "options").stdout
        considered = mtum(gateway, tmp_path, "explain", "--contracts").stdout
    assert "-1 SPY 2015-07-31 194 put" in shown
    assert "SPY 2015-07-31 194 put  SELL  chosen" in considered
    assert [entry for entry in gateway.entries("filled") if entry] != []


def test_a_special_dividend_overnight_stops_the_underlying_and_names_a_persons_way_out(tmp_path: Path) -> None:
    session, after = year_of_sessions().get(DAY), year_of_sessions().after(DAY)
    assert session is not None
    assert after is not None
    with option_gateway(clock=MarketClock(session.before_close(360), speed=0.0)) as gateway:
        run_due(gateway, tmp_path)
        for minutes, speed, job in (
            (29.9, 0.0, "refresh_bars"),
            (20.05, 2.0, "decide_and_order"),
            (16.9, 4.0, "manage_options"),
        ):
            gateway.tell("clock", session=DAY.isoformat(), minutes_to_close=minutes, speed=speed)
            assert run_due(gateway, tmp_path)[job] == "finished"
        gateway.tell("change", account=ACCOUNT, symbol="SPY", usd="5", keep=True)
        gateway.tell("clock", session=after.day.isoformat(), minutes_to_close=374, speed=0.0)  # 09:46
        # Nobody was there in the evening: the fills are confirmed first, and must not make the adjusted contract known.
        runs = json.loads(mtum(gateway, tmp_path, "run", "--if-due", "--json").stdout)["runs"]
        last = {run["job"]: run for run in runs}
        assert (last["confirm_fills"]["exit_code"], last["option_events"]["exit_code"]) == (0, 6)
        assert "mtum reconcile --accept external SPY1150731P00194000 -1" in last["option_events"]["text"]
        for kind, *words in (("external", "SPY1150731P00194000", "-1"), ("traded", "SPY150731P00194000", "1", "2.50")):
            said = mtum(gateway, tmp_path, "reconcile", "--accept", kind, *words)
            assert "SPY" in said.stdout, said.stderr
        assert mtum(gateway, tmp_path, "reconcile").returncode == 0
        assert "194 put" not in mtum(gateway, tmp_path, "options").stdout
