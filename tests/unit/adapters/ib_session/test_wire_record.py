"""The journal of every message."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

from mtum.adapters.ib_session.wire_record import WireFile, codes_in

NOW = datetime(2026, 1, 30, 20, 40, tzinfo=UTC)


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "wire" / "2026-01-30.jsonl").read_text().splitlines()]


def test_messages_are_appended_as_they_happen_without_the_moment_before_sending(tmp_path: Path) -> None:
    file = WireFile(tmp_path, lambda: NOW)
    file.note("sending", "placeOrder", ())
    file.note("sent", "placeOrder", ("3", "MTUM"))
    order = SimpleNamespace(orderRef="r", permId=7, totalQuantity=10.0, unwanted="x", lmtPrice=0.0)
    file.note("heard", "openOrder", (3, order))
    file.note("heard", "updateAccountValue", ("k", "v", "USD", "DU1"))
    assert [line["name"] for line in lines(tmp_path)] == ["placeOrder", "openOrder"]
    assert lines(tmp_path)[1]["fields"] == [3, {"permId": 7, "orderRef": "r", "totalQuantity": 10.0}]
    file.close()


def test_a_closed_file_goes_on_with_the_next_message(tmp_path: Path) -> None:
    file = WireFile(tmp_path, lambda: NOW)
    file.note("heard", "error", (-1, 2104, "fine", ""))
    file.close()
    file.note("heard", "error", (-1, 2104, "fine", ""))
    file.note("heard", "error", (5, 201, "no", ""))
    file.close()
    assert codes_in(tmp_path, date(2026, 1, 30)) == ("201 (1): no", "2104 (2): fine")
    assert codes_in(tmp_path, date(2026, 1, 31)) == ()
