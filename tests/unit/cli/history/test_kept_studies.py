"""Every study is kept in research.db and set beside others; the answer never waits for that file."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.bar_folders import write_market
from support.commands import Called, call
from support.full_disk import disk_of

HOLD = ("backtest", "--strategy", "buy_and_hold", "--set", "strategy.buy_and_hold.symbol=MTUM", "--json", "--quiet")


def held(folder: Path, *words: str) -> Called:
    return call(folder, *HOLD, *words)


def kept(folder: Path, *words: str) -> list[dict[str, Any]]:
    found = call(folder, "show", "backtests", "--json", *words).document
    assert found["count"] == len(found["backtests"])
    rows: list[dict[str, Any]] = found["backtests"]
    return rows


def test_a_backtest_is_kept_with_command_hashes_and_figures(tmp_path: Path) -> None:
    document = held(tmp_path, "--start", "2018-01-02").document
    (row,) = kept(tmp_path)
    assert row["id"] == document["id"] == 1
    assert row["command"] == f"mtum {' '.join((*HOLD, '--start', '2018-01-02'))}"
    assert (row["kind"], row["strategy"], row["symbols"], row["source"]) == (
        *("backtest", "buy_and_hold", "MTUM", "sample"),
    )
    assert (row["start"], row["end"], row["sessions"]) == ("2018-01-02", "2018-12-31", 251)
    assert row["final_equity_usd"] == document["final_equity_usd"]
    assert row["max_drawdown_frac"] == document["metrics"]["max_drawdown_frac"]
    assert {len(row[f"{what}_hash"]) for what in ("settings", "code", "data")} == {16}
    shown = call(tmp_path, "show", "backtests").out
    assert "buy_and_hold" in shown
    assert "--start 2018-01-02" in shown
    assert f"{row['sharpe']:.2f}" in shown.replace("|", " ").split(), "a ratio has two decimals"


def test_the_newest_are_listed_oldest_first(tmp_path: Path) -> None:
    for start in ("2018-10-01", "2018-11-01", "2018-12-03"):
        held(tmp_path, "--start", start)
    assert [row["id"] for row in kept(tmp_path)] == [1, 2, 3]
    assert [row["id"] for row in kept(tmp_path, "--limit", "2")] == [2, 3]
    assert kept(tmp_path, "--since", "2999-01-01") == []


def test_the_file_of_money_is_neither_made_nor_touched(tmp_path: Path) -> None:
    held(tmp_path, "--start", "2018-12-03")
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["research.db"]
    (tmp_path / "data" / "research.db").unlink()
    assert kept(tmp_path) == []
    assert held(tmp_path, "--start", "2018-12-03").document["id"] == 1, "deleting it loses nothing but the list"


def test_settings_and_bars_have_hashes_that_tell_them_apart(tmp_path: Path) -> None:
    write_market(tmp_path / "bars", "MTUM")
    source = ("--source", f"csv:{tmp_path / 'bars'}", "--data-dir", str(tmp_path / "data"))
    held(tmp_path, *source)
    held(tmp_path, *source)
    held(tmp_path, *source, "--set", "portfolio.cost_frac=0.002")
    lines = (tmp_path / "bars" / "MTUM.csv").read_text().splitlines()
    cells = lines[-1].split(",")
    volume = lines[0].split(",").index("volume")
    cells[volume] = str(int(float(cells[volume])) + 1)
    (tmp_path / "bars" / "MTUM.csv").write_text("\n".join([*lines[:-1], ",".join(cells)]) + "\n")
    held(tmp_path, *source)
    rows = kept(tmp_path)
    assert len({row["code_hash"] for row in rows}) == 1
    settings, data = ([row[f"{what}_hash"] for row in rows] for what in ("settings", "data"))
    assert settings[0] == settings[1] == settings[3] != settings[2]
    assert data[0] == data[1] == data[2] != data[3]
    found = call(tmp_path, "compare", "1", "4", "--json").document
    assert found["same"] == {"settings": True, "code": True, "data": False}
    assert any("different bars of the same symbols" in line for line in found["cautions"])


def test_studies_stand_side_by_side_over_the_sessions_they_share(tmp_path: Path) -> None:
    whole = held(tmp_path, "--start", "2018-01-02").document
    part = held(tmp_path, "--start", "2018-07-02", "--set", "portfolio.cost_frac=0.01").document
    found = call(tmp_path, "compare", "1", "2", "--out", str(tmp_path / "page"), "--json").document
    assert [one["id"] for one in found["studies"]] == [1, 2]
    assert found["differences"] == {"portfolio.cost_frac": [0.001, 0.01]}
    assert found["figures"]["final_equity_usd"] == [whole["final_equity_usd"], part["final_equity_usd"]]
    shared = found["shared"]
    assert (shared["start"], shared["end"], shared["sessions"]) == ("2018-07-02", "2018-12-31", part["sessions"])
    # Both hold from the first shared close on; what the second paid at its purchase lies before it.
    with closing(sqlite3.connect(tmp_path / "data" / "research.db")) as connection:
        (text,) = connection.execute("SELECT json_extract(curve, '$.equity_usd') FROM studies WHERE id = 2").fetchone()
    equity = [float(one) for one in text.strip("[]").split(",")]
    assert shared["total_return_frac"][1] == pytest.approx(equity[-1] / equity[0] - 1, abs=1e-6)
    assert shared["correlation"][0][1] > 0.99
    sharpes = dict(zip((1, 2), shared["sharpe"], strict=True))
    assert sharpes[shared["best"]] == max(sharpes.values())
    assert all(0.0 <= shared[f"{what}_probability"] <= 1.0 for what in ("deflated_sharpe", "overfitting"))
    assert any("spans differ; 2018-07-02 to 2018-12-31" in line for line in found["cautions"])
    page = (tmp_path / "page" / "compare.html").read_text(encoding="utf-8")
    assert "portfolio.cost_frac" in page
    assert "What 100 USD became" in page
    shown = call(tmp_path, "compare", "1", "2").out
    assert "Settings that differ" in shown
    assert f"No. {shared['best']} has the best Sharpe ratio; that it is better than luck among 2 tries" in shown


def test_what_is_not_kept_cannot_be_compared(tmp_path: Path) -> None:
    nothing = call(tmp_path, "compare", "1", "2")
    assert (nothing.code, nothing.err.count("\n")) == (2, 1)
    held(tmp_path, "--start", "2018-12-03")
    assert call(tmp_path, "compare", "1", "7").err.endswith(
        "research.db keeps no 7; `mtum show backtests` lists what there is\n"
    )
    assert call(tmp_path, "compare", "1", "1").code == 2


def broken(path: Path) -> None:
    path.write_bytes(b"not a database, and long enough to be looked at as one\n" * 200)


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path, autocommit=True)) as connection:
        connection.execute("PRAGMA user_version = 99")


def folder_in_its_place(path: Path) -> None:
    path.mkdir()


def dangling(path: Path) -> None:
    os.symlink(path.parent / "nowhere" / "file", path)


@pytest.mark.parametrize(
    ("spoil", "code", "way_out"),
    [
        (broken, 3, "move it away"),
        (newer, 2, "use that one"),
        (folder_in_its_place, 3, "look at what stands there"),
        (dangling, 3, "look at what stands there"),
    ],
)
def test_a_file_that_cannot_be_used_costs_one_line_and_no_answer(
    tmp_path: Path, spoil: Any, code: int, way_out: str
) -> None:
    (tmp_path / "data").mkdir()
    spoil(tmp_path / "data" / "research.db")
    found = held(tmp_path, "--start", "2018-12-03")
    assert found.code == 0
    assert found.document["id"] is None
    assert found.document["final_equity_usd"] > 0
    assert found.err.startswith("mtum: this backtest is not kept: ")
    assert found.err.count("\n") == 1
    listed = call(tmp_path, "show", "backtests")
    assert (listed.code, listed.err.count("\n")) == (code, 1)
    assert "research.db cannot be read" in listed.err
    assert way_out in listed.err


def test_a_file_in_use_or_left_empty_is_sound(tmp_path: Path) -> None:
    path = tmp_path / "data" / "research.db"
    path.parent.mkdir()
    path.touch()
    assert kept(tmp_path) == []
    held(tmp_path, "--start", "2018-12-03")
    with closing(sqlite3.connect(path, autocommit=True)) as other, pytest.MonkeyPatch.context() as patch:
        patch.setattr("mtum.adapters.research_file.BUSY_SECONDS", 0.05)
        other.execute("BEGIN EXCLUSIVE")
        found = held(tmp_path, "--start", "2018-12-03")
    assert (found.code, found.document["id"]) == (0, None)
    assert "another program is using it" in found.err
    assert [row["id"] for row in kept(tmp_path)] == [1]


def test_a_full_disk_costs_one_line_and_no_answer(tmp_path: Path) -> None:
    with disk_of(10_000):
        found = held(tmp_path, "--start", "2018-12-03")
    assert (found.code, found.document["id"], found.err.count("\n")) == (0, None, 1)
    assert found.err.startswith("mtum: this backtest is not kept: ")
    assert kept(tmp_path) == []
    assert held(tmp_path, "--start", "2018-12-03").document["id"] == 1
