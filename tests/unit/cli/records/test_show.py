"""`mtum show` and `mtum export` on a hand-made database."""

import csv
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from mtum.adapters.store.orders.trades import write_trades
from support.recorded import recorded
from support.report_history import sample_history

KINDS = ("trades", "orders", "fills", "decisions", "bars", "equity", "runs")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    recorded(tmp_path / "data")
    return tmp_path / "data"


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_database_there_is_nothing_yet(mtum: Any, kind: str) -> None:
    assert mtum("show", kind).out.startswith("nothing recorded yet")
    assert mtum("show", kind, "--json").document == {kind: [], "count": 0, "source": "sample"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_list_is_shown_and_is_a_document(mtum: Any, folder: Path, kind: str) -> None:
    rows = mtum("show", kind, "--json").document[kind]
    shown = mtum("show", kind)
    assert (shown.code, shown.err) == (0, "")
    expected = 1 if not rows else len(rows) + 3  # heading, rule, what stands in for what
    assert len(shown.out.splitlines()) == expected


def test_instants_are_new_yorks_with_utc_beside_them(mtum: Any, folder: Path) -> None:
    assert "2018-01-02 16:00 (21:00)" in mtum("show", "fills").out
    assert "2018-01-02 15:38 (20:38)" in mtum("show", "runs").out


def test_a_trade_is_what_was_paid_and_got(mtum: Any, folder: Path) -> None:
    closed, opened = mtum("show", "trades", "--json").document["trades"]
    # 10 x (110 - 100) - 2 of commission, over 1,000 paid for the shares
    assert (closed["entry_session"], closed["exit_session"], closed["pnl_usd"]) == ("2017-12-28", "2017-12-29", 98)
    assert closed["return_frac"] == 0.098
    assert (opened["entry_session"], opened["exit_session"], opened["shares"]) == ("2018-01-02", None, 5)


def test_an_execution_without_a_commission_is_named_wherever_it_leaves_a_figure_open(mtum: Any, folder: Path) -> None:
    with sqlite3.connect(folder / "mtum.db") as connection:
        connection.execute("UPDATE fills SET commission_usd = NULL WHERE session = '2017-12-29'")
        (untold,) = connection.execute("SELECT exec_id FROM fills WHERE commission_usd IS NULL").fetchone()
        connection.row_factory = sqlite3.Row
        write_trades(connection)
    connection.close()
    for kind in ("trades", "fills", "equity"):
        assert f"1 execution has no commission yet: {untold} (SELL 10 MTUM, 2017-12-29)" in mtum("show", kind).out
    closed, _ = mtum("show", "trades", "--json").document["trades"]
    assert (closed["pnl_usd"], closed["return_frac"], closed["commission_usd"]) == (None, None, None)
    assert "not known yet" in mtum("show", "trades").out
    assert "not known yet" in mtum("show", "fills").out
    for kind in ("trades", "performance"):
        exported = mtum("export", kind, "--json")
        assert (exported.code, exported.document["without_commission"]) == (0, [untold])
        assert untold in mtum("export", kind).err


def test_a_tax_file_leaves_out_what_a_commission_that_is_not_known_would_change(mtum: Any, folder: Path) -> None:
    with sqlite3.connect(folder / "mtum.db") as connection:
        connection.execute("UPDATE fills SET commission_usd = NULL WHERE session = '2017-12-29'")
    connection.close()
    exported = mtum("export", "tax", "--year", "2017", "--json")
    assert (exported.code, exported.document["rows"]) == (3, 1)
    assert exported.document["without_commission"][0] in exported.document["problems"][0]["text"]
    (row,) = csv.DictReader(Path(exported.document["files"][0]).read_text().splitlines())
    assert (row["proceeds_usd"], row["cost_basis_usd"], row["gain_usd"]) == ("", "1001.00", "")
    assert mtum("export", "tax", "--year", "2016", "--json").code == 0


def test_since_and_limit_keep_the_newest(mtum: Any, folder: Path) -> None:
    def sessions(*options: str) -> list[str]:
        return [row["session"] for row in mtum("show", "fills", *options, "--json").document["fills"]]

    assert sessions() == ["2017-12-28", "2017-12-29", "2018-01-02"]
    assert sessions("--since", "2017-12-29") == ["2017-12-29", "2018-01-02"]
    assert sessions("--limit", "1") == ["2018-01-02"]
    assert mtum("show", "fills", "--since", "2019-01-01").out == "no fills since 2019-01-01\n"


def test_a_limit_below_one_is_wrong_usage(mtum: Any) -> None:
    assert mtum("show", "fills", "--limit", "0").code == 2


def test_trades_are_exported_whole_or_by_the_year_they_closed_in(mtum: Any, folder: Path) -> None:
    document = mtum("export", "trades", "--json").document
    assert document == {"files": [str(folder / "exports" / "trades.csv")], "rows": 2}
    document = mtum("export", "trades", "--year", "2017", "--json").document
    assert document == {"files": [str(folder / "exports" / "trades-2017.csv")], "rows": 1}
    with (folder / "exports" / "trades-2017.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["symbol"], row["shares"], float(row["pnl_usd"])) == ("MTUM", "10", 98.0)
    assert mtum("export", "trades", "--year", "2017").out == f"1 row in {folder / 'exports' / 'trades-2017.csv'}\n"
    assert mtum("export", "trades", "--year", "2018", "--json").document["rows"] == 0


def test_performance_has_returns_and_falls(mtum: Any, folder: Path) -> None:
    rows = list(csv.DictReader(mtum("export", "performance", "--out", "-").out.splitlines()))
    # 4,999 of 5,000; 5,098 of 4,999; 5,097 of 5,098
    returns = [-1 / 5000, 99 / 4999, -1 / 5098]
    assert [float(row["return_frac"]) for row in rows] == pytest.approx(returns, abs=1e-8)
    assert [float(row["drawdown_frac"]) for row in rows] == pytest.approx([-1 / 5000, 0.0, -1 / 5098], abs=1e-8)
    assert [float(row["equity_usd"]) for row in rows] == [4999, 5098, 5097]


def test_signals_are_json_lines(mtum: Any, folder: Path) -> None:
    called = mtum("export", "signals", "--out", "signals.jsonl", "--json")
    lines = Path(called.document["files"][0]).read_text().splitlines()
    assert called.document["rows"] == len(lines)
    assert all(isinstance(json.loads(line), dict) for line in lines)


def test_an_empty_export_has_its_heading(mtum: Any) -> None:
    assert mtum("export", "trades", "--out", "-").out.startswith("strategy,symbol,entry_session")


def test_an_export_to_a_folder_is_refused_and_leaves_nothing(mtum: Any, tmp_path: Path, folder: Path) -> None:
    (tmp_path / "taken").mkdir()
    called = mtum("export", "trades", "--out", "taken")
    assert called.code == 2
    assert "taken is a folder; name a file" in called.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "taken"]


def test_stdout_cannot_hold_both_the_export_and_a_document(mtum: Any, folder: Path) -> None:
    assert mtum("export", "trades", "--out", "-", "--json").document["exit_code"] == 2


def test_a_decision_shows_what_it_saw(mtum: Any, tmp_path: Path) -> None:
    history = sample_history(tmp_path / "data")
    day = history.play(1000).isoformat()
    history.store.close()
    (row,) = mtum("show", "decisions", "--json").document["decisions"]
    seen = mtum("explain", "--json").document["inputs"]["MTUM"]
    assert (row["session"], row["action"]) == (day, mtum("explain", "--json").document["action"])
    assert "A replayed session is decided on its official close" in mtum("explain").out
    assert [row[name] for name in ("decision_price", "vix", "rsi", "ma", "atr")] == [
        seen[name] for name in ("close", "vix", "rsi", "ma", "atr")
    ]
    assert row["decision_price"] > 0
    # The document has all the digits that were compared; a person reads two decimals.
    assert round(row["ma"], 2) != row["ma"]
    told = mtum("show", "decisions").out
    assert f"{row['ma']:.2f}" in told
    assert str(row["ma"]) not in told
    assert str(row["ma"]) in mtum("explain").out
