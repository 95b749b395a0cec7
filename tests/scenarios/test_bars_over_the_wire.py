"""`mtum bars` in paper mode: bars come through the broker's line, from a practice gateway."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.commands import call_json
from support.gateway import ACCOUNT
from support.live_days import Installation, installation
from support.ports import closed_port
from support.practice import ENTRY_DAY

CONFIG = f"""
mode = "paper"
[market]
source = "ib"
[broker]
account = "{ACCOUNT}"
port = PORT
connect_seconds = 2.0
request_seconds = 1.0
"""


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path) as found:
        (tmp_path / "config.toml").write_text(CONFIG.replace("PORT", str(found.gateway.port)), encoding="utf-8")
        yield found


def test_bars_are_synced_over_the_wire_and_fit(ours: Installation) -> None:
    synced = call_json(ours.folder, "bars", "sync")
    assert (synced.code, synced.err) == (0, "")
    found = {one["symbol"]: one for one in synced.document["symbols"]}
    assert set(found) == {"MTUM", "VIX"}
    assert found["MTUM"]["written"] == found["MTUM"]["read"] > 400
    assert found["MTUM"]["last_session"] < ENTRY_DAY.isoformat()
    again = call_json(ours.folder, "bars", "sync")
    assert [one["written"] for one in again.document["symbols"]] == [0, 0]
    assert ours.accepted() == []
    checked = call_json(ours.folder, "bars", "check")
    behind = [(one["symbol"], one["behind_sessions"], one["problems"]) for one in checked.document["checked"]]
    assert (checked.code, behind) == (0, [("MTUM", 0, []), ("VIX", 0, [])])


def test_history_the_broker_refuses_is_exit_3_in_its_own_words(ours: Installation) -> None:
    ours.gateway.fault("reqHistoricalData", "reject", code=162, text="HMDS query returned no data", count=0)
    refused = call_json(ours.folder, "bars", "sync")
    assert (refused.code, "HMDS query returned no data" in refused.err) == (3, True)
    assert call_json(ours.folder, "bars", "check").document["checked"] == []


def test_a_gateway_that_is_not_there_is_exit_4_and_writes_nothing(ours: Installation) -> None:
    (ours.folder / "config.toml").write_text(CONFIG.replace("PORT", str(closed_port())), encoding="utf-8")
    refused = call_json(ours.folder, "bars", "sync")
    assert (refused.code, "no gateway listens at" in refused.err) == (4, True)
