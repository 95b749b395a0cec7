"""Unchanged broker clients trade options at the practice gateway, at each version of the protocol."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mtum.gateway.behavior import Behavior
from support.option_gateway import option_gateway, option_market

HERE = Path(__file__).parents[1]
ENVIRONMENTS = Path(os.environ.get("TEST_CLIENTS", HERE.parent / "build" / "clients"))
SCRIPTS = {
    "ib_insync": ["option_client.py", "ib_insync"],
    "ib_async": ["option_client.py", "ib_async"],
    "ibapi": ["official_option_client.py"],
    "nautilus_ibapi": ["official_option_client.py"],
}
OLDER = (157, 160, 163, 166, 170)
"""Versions at which a layout differs from the one before."""


def played(client: str, version: int) -> dict[str, Any]:
    python = Path(sys.executable)
    if client != "ib_insync":
        python = ENVIRONMENTS / client / "bin" / "python"
        if not python.exists():
            pytest.skip(f"no environment for {client}: run python tests/tools/client_environments.py")
    # SPY ends between the strikes of the spread on the day its options expire.
    market = option_market({date(2015, 6, 19): 192.0, date(2015, 6, 22): 192.0})
    with option_gateway(source=market, behavior=Behavior(server_version=version)) as gateway:
        script, *arguments = SCRIPTS[client]
        command = [str(python), str(HERE / "support" / "clients" / script), *arguments]
        ports = [str(gateway.port), str(gateway.control_port)]
        ended = subprocess.run([*command, *ports], capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 0, ended.stderr[-2000:]
        assert [entry for entry in gateway.journal if entry["kind"] == "malformed"] == []
        report: dict[str, Any] = json.loads(ended.stdout)
        return report


@pytest.mark.parametrize(
    ("client", "version"),
    [
        ("ib_insync", 176),
        ("ib_async", 178),
        # The official clients of 9.81 and of 10.46; each negotiates what it speaks itself.
        ("ibapi", 157),
        ("nautilus_ibapi", 178),
        *(pytest.param("ib_insync", version, marks=pytest.mark.full) for version in OLDER),
    ],
)
def test_a_day_and_a_night_of_options_are_understood(client: str, version: int) -> None:
    report = played(client, version)
    assert (report["version"], report["alive"], report["complaints"]) == (version, True, [])
    assert report["rows"] == ["2SPY", "SPY", "SPY1"]
    assert report["errors"] == [202, 2104, 2106, 2119, 2158]
    assert -0.35 < report["delta"] < -0.05
    assert report["combo"][0] < report["combo"][1] < 0
    # 5 USD wide.
    assert report["margin"] == 500.0
    assert sorted(report["fills"]) == [["BAG", "BOT", 2.0], ["OPT", "BOT", 2.0], ["OPT", "SLD", 2.0]]
    price, filled = report["average"]
    assert price < 0
    assert filled == 2
    # One contract costs the least that an order pays.
    assert report["single"] == ["Filled", 1.0]
    assert sorted(report["executions"]) == ["BAG", "OPT", "OPT", "OPT"]
    assert report["completed"] == [["resting", "Cancelled"], ["single", "Filled"], ["vertical", "Filled"]]
    assert report["before"] == {"SPY   150619P00195000": -2, "SPY   150619P00190000": 2, "SPY   150619C00205000": 1}
    # The put at 195 is assigned, the one at 190 and the call expire worthless.
    assert report["after"] == {"SPY": 200}
