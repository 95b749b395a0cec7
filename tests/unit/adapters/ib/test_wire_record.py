"""The journal of every message."""

import json
import os
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from mtum.adapters.ib.wire_record import WireFile, codes_in
from mtum.errors import StoreError

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


def test_numbers_that_json_does_not_know_are_written_as_words(tmp_path: Path) -> None:
    file = WireFile(tmp_path, lambda: NOW)
    file.note("heard", "position", ("DU1", SimpleNamespace(symbol="MTUM"), float("nan"), float("inf")))
    file.note("heard", "execDetails", (1, SimpleNamespace(shares=float("nan"))))
    held, executed = (line["fields"] for line in lines(tmp_path))
    assert (held, executed) == (["DU1", {"symbol": "MTUM"}, "nan", "inf"], [1, {"shares": "nan"}])
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


def test_the_journals_written_longest_ago_go_when_a_new_day_begins(tmp_path: Path) -> None:
    folder = tmp_path / "wire"
    folder.mkdir()
    # The market of a practice gateway lies in the past: what counts is when the file was written.
    for age, name in enumerate(("2018-01-03", "2026-01-29", "2026-01-28", "2017-06-30")):
        (folder / f"{name}.jsonl").write_text("")
        os.utime(folder / f"{name}.jsonl", (1000 - age, 1000 - age))
    for _ in range(2):
        file = WireFile(tmp_path, lambda: NOW, keep=3)
        file.note("heard", "error", (-1, 2104, "fine", ""))
        file.close()
    assert sorted(path.stem for path in folder.iterdir()) == ["2018-01-03", "2026-01-29", "2026-01-30"]


def test_a_journal_that_cannot_be_written_is_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "wire").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match=r"the journal .*2026-01-30\.jsonl cannot be written: "):
        WireFile(tmp_path, lambda: NOW).note("heard", "error", (-1, 2104, "fine", ""))
