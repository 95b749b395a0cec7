"""Unchanged broker clients against the practice gateway, each in its own environment.

The environments are made by `python tests/tools/client_environments.py`; TEST_CLIENTS names
another folder than build/clients. ib_insync is in ours.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.gateway import running_gateway

HERE = Path(__file__).parents[1]
ENVIRONMENTS = Path(os.environ.get("TEST_CLIENTS", HERE.parent / "build" / "clients"))
# name: (script with its arguments, negotiated server version)
CLIENTS = {
    "ib_insync": (["library_client.py", "ib_insync"], 176),
    "ib_async": (["library_client.py", "ib_async"], 178),
    "ibapi": (["official_client.py"], 157),
    "nautilus_ibapi": (["official_client.py"], 178),
}


def python_of(client: str) -> str:
    if client == "ib_insync":
        return sys.executable
    python = ENVIRONMENTS / client / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no environment for {client}: run python tests/tools/client_environments.py")
    return str(python)


@pytest.fixture(scope="module", params=list(CLIENTS))
def played(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
    """A whole day of one client: its name, its report and the gateway's journal."""
    (script, *arguments), _ = CLIENTS[request.param]
    python = python_of(request.param)
    with running_gateway() as gateway:
        command = [python, str(HERE / "support" / "clients" / script), *arguments]
        ports = [str(gateway.port), str(gateway.control_port)]
        ended = subprocess.run([*command, *ports], capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 0, ended.stderr[-2000:]
        return request.param, json.loads(ended.stdout), list(gateway.journal)


type Played = tuple[str, dict[str, Any], list[dict[str, Any]]]


def test_each_client_negotiates_its_version(played: Played) -> None:
    client, report, _ = played
    assert report["version"] == CLIENTS[client][1]


def test_neither_side_complains_about_a_message(played: Played) -> None:
    _, report, journal = played
    assert report["complaints"] == []
    assert report["alive"]
    assert [entry for entry in journal if entry["kind"] == "malformed"] == []


def test_contracts_and_errors_are_understood(played: Played) -> None:
    _, report, _ = played
    assert report["accounts"] == "DUP100001"
    assert report["details"] == ["BATSMTUM", "VIX"]
    # 113: MOC with GTC; 200: unknown symbol; 202: canceled; the farms are fine.
    assert report["errors"] == [113, 200, 202, 2104, 2106, 2158]


def test_history_ends_with_the_running_bar(played: Played) -> None:
    _, report, _ = played
    # The 51st session: close 70 + 0.1 x 50, volume (100,000 + 50,000) x 0.8.
    assert report["history"]["5"] == ["20150610", 75.0, 120_000]
    assert report["history"]["6"][0] == "20150610 15:35:00 US/Eastern"
    assert report["history"]["7"] == ["20150610", 15.25, 0]


def test_snapshots_and_time_are_the_markets(played: Played) -> None:
    _, report, _ = played
    assert report["last"] == {"8": 75.0, "9": 15.25}
    assert report["time"] == 1433965080  # 2015-06-10 15:38 in New York


def test_orders_are_listed_filled_and_completed(played: Played) -> None:
    _, report, _ = played
    assert report["listed"] == ["loc", "loc", "moc", "moc"]
    assert report["fills"] == [["loc", 4.0, 75.0], ["mkt", 2.0, 75.0], ["moc", 10.0, 75.0]]
    assert report["fees"] >= 3
    assert report["completed"] == [["lmt", "Cancelled"], ["loc", "Filled"], ["mkt", "Filled"], ["moc", "Filled"]]
    assert report["positions"] == [["MTUM", 16.0]]


def test_the_journal_holds_every_order_and_its_outcome(played: Played) -> None:
    _, _, journal = played
    sent = [e["ref"] for e in journal if e["kind"] == "order" and not e["what_if"]]
    assert sorted(sent) == ["bad", "lmt", "loc", "mkt", "moc"]
    assert sorted(e["ref"] for e in journal if e["kind"] == "accepted") == ["lmt", "loc", "mkt", "moc"]
    assert [e["ref"] for e in journal if e["kind"] == "rejected"] == ["bad"]
