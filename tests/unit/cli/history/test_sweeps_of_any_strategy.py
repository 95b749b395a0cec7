"""A sweep of whatever settings, of whatever strategy: each row is a backtest, and what is finished is kept."""

import csv
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.bar_folders import write_market
from support.commands import Called, call
from support.full_disk import disk_of

YEAR = ("--start", "2018-01-02", "--json", "--quiet")
HOLD = ("--strategy", "buy_and_hold", "--set", "strategy.buy_and_hold.symbol=MTUM")
STOPS = "[grid]\nrisk.stop_loss_frac = ['none', 0.02]\nportfolio.capital_usd = [5000, 50000]\n"


def studied(folder: Path, grid: str, *words: str, command: str = "sweep") -> Called:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "grid.toml").write_text(grid, encoding="utf-8")
    return call(folder, command, "grid.toml", "--out", str(folder / "out"), *YEAR, *words)


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "out" / "sweep.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def alone(folder: Path, row: dict[str, str], *words: str) -> dict[str, Any]:
    sets = [word for name, value in row.items() if "." in name for word in ("--set", f"{name}={value}")]
    return call(folder, "backtest", *sets, *YEAR, *words).document


@pytest.mark.parametrize("words", [HOLD, ()], ids=["buy_and_hold", "mtum_confluence, on terms the fast path lacks"])
def test_every_row_is_what_a_backtest_gives(tmp_path: Path, words: tuple[str, ...]) -> None:
    found = studied(tmp_path, STOPS, *words)
    assert found.code == 0, found.err
    assert found.document["strategy"] == (words[1] if words else "mtum_confluence")
    table = rows(tmp_path)
    assert len(table) == 4
    for row in table:
        document = alone(tmp_path, row, *words)
        assert document["start"] == found.document["start"]
        assert float(row["final_equity_usd"]) == pytest.approx(document["final_equity_usd"], abs=0.006)
        assert int(row["trades"]) == len(document["trades"])
        assert int(row["purchases_capped"]) == document["purchases_capped"]
        assert float(row["sharpe"]) == pytest.approx(document["metrics"]["sharpe"], abs=2e-6)
        assert float(row["max_drawdown_frac"]) == pytest.approx(document["metrics"]["max_drawdown_frac"], abs=2e-6)
        assert float(row["cagr_frac"]) == pytest.approx(document["metrics"]["cagr_frac"], abs=2e-6)
    assert len({row["final_equity_usd"] for row in table}) > 2
    assert 0 <= found.document["overfitting_probability"] <= 1


def test_strategies_can_be_set_against_each_other(tmp_path: Path) -> None:
    grid = "[grid]\nportfolio.strategy = ['mtum_confluence', 'buy_and_hold']\n"
    found = studied(tmp_path, grid, "--set", "strategy.buy_and_hold.symbol=MTUM")
    assert found.document["strategy"] == "mtum_confluence, buy_and_hold"
    (held,) = found.document["benchmarks"]
    first = alone(tmp_path, rows(tmp_path)[0])
    assert held == {"symbol": "MTUM", **first["benchmark"]}
    for row in rows(tmp_path):
        document = alone(tmp_path, row, "--set", "strategy.buy_and_hold.symbol=MTUM")
        assert document["final_equity_usd"] == pytest.approx(float(row["final_equity_usd"]), abs=0.006)


@pytest.mark.full
def test_worker_processes_change_nothing_but_time(tmp_path: Path) -> None:
    assert studied(tmp_path / "one", STOPS, *HOLD).code == 0
    assert studied(tmp_path / "two", STOPS, *HOLD, "--workers", "2").code == 0
    assert rows(tmp_path / "one") == rows(tmp_path / "two")


def test_what_is_finished_is_not_played_again(tmp_path: Path) -> None:
    whole = studied(tmp_path, STOPS, *HOLD).document
    (database,) = (tmp_path / "out").glob("*.db")
    with closing(sqlite3.connect(database, autocommit=True)) as connection:
        connection.execute("DELETE FROM results WHERE combination = 1")
        connection.execute("UPDATE results SET final_equity_usd = 1.0 WHERE combination = 2")
    again = studied(tmp_path, STOPS, *HOLD).document
    table = rows(tmp_path)
    assert float(table[2]["final_equity_usd"]) == 1.0
    assert again["best"]["settings"] == whole["best"]["settings"]
    assert alone(tmp_path, table[1], *HOLD)["final_equity_usd"] == pytest.approx(
        float(table[1]["final_equity_usd"]), abs=0.006
    )


def test_a_combination_that_cannot_be_is_named(tmp_path: Path) -> None:
    grid = "[grid]\nstrategy.momentum_burst.symbols = [['MTUM'], []]\n"
    found = studied(tmp_path, grid, "--strategy", "momentum_burst")
    assert found.code == 2
    assert "(with strategy.momentum_burst.symbols = [])" in found.err
    assert not (tmp_path / "out").exists()


def test_a_walk_forward_of_any_strategy_goes_on_where_it_stopped(tmp_path: Path) -> None:
    grid = "[grid]\nrisk.stop_loss_frac = ['none', 0.05]\n"
    words = (*HOLD, "--fit-sessions", "100", "--try-sessions", "80")
    whole = studied(tmp_path, grid, *words, command="walkforward").document
    fold = whole["folds"][0]
    sets = [word for name, value in fold["settings"].items() for word in ("--set", f"{name}={value}")]
    span = ("--start", fold["tried_from"], "--end", fold["tried_to"], "--json", "--quiet")
    document = call(tmp_path, "backtest", *HOLD, *sets, *span).document
    assert document["metrics"]["total_return_frac"] == pytest.approx(fold["tried_return_frac"], abs=2e-6)
    # Two folds, and the whole span with hindsight.
    files = sorted((tmp_path / "out").glob("*.db"))
    assert len(files) == len(whole["folds"]) + 1 == 3
    other = "none" if fold["settings"]["risk.stop_loss_frac"] != "none" else 0.05
    for file in files:
        with closing(sqlite3.connect(file, autocommit=True)) as connection:
            connection.execute(
                "UPDATE results SET mean_return = 1.0 WHERE json_extract(settings, '$.\"risk.stop_loss_frac\"') = ?",
                (other,),
            )
    again = studied(tmp_path, grid, *words, command="walkforward").document
    assert {one["settings"]["risk.stop_loss_frac"] for one in again["folds"]} == {other}, "kept rows decide"


def test_sweeps_and_walk_forwards_are_kept_with_their_grid(tmp_path: Path) -> None:
    swept = studied(tmp_path, STOPS, *HOLD).document
    walked = studied(tmp_path, STOPS, *HOLD, "--fit-sessions", "150", "--try-sessions", "80", command="walkforward")
    listed = call(tmp_path, "show", "backtests", "--json").document["backtests"]
    assert [one["kind"] for one in listed] == ["sweep", "walkforward"]
    assert listed[0]["final_equity_usd"] == swept["best"]["final_equity_usd"]
    assert listed[1]["sharpe"] == walked.document["out_of_sample"]["sharpe"]
    with closing(sqlite3.connect(tmp_path / "data" / "research.db")) as connection:
        (grid,) = connection.execute("SELECT json_extract(settings, '$.grid') FROM studies WHERE id = 1").fetchone()
    assert '"risk.stop_loss_frac":["none",0.02]' in grid
    compared = call(tmp_path, "compare", "1", "2", "--json").document
    assert compared["shared"] is None
    assert any("hindsight" in line for line in compared["cautions"])


ACCOUNT = """
[portfolio]
capital_usd = 50000
sleeve_rebalance = "quarter"

[sleeve.core]
strategy = "buy_and_hold"
weight = 0.5
[sleeve.core.rules]
symbol = "SP500"

[sleeve.swing]
strategy = "mean_reversion"
weight = 0.5
[sleeve.swing.rules]
symbols = ["SP500", "NDQ"]
"""
WEIGHTS = """
[grid]
sleeve.swing.risk.stop_loss_frac = ["none", 0.02]
[[linked]]
sleeve.core.weight = [0.2, 0.7]
sleeve.swing.weight = [0.8, 0.3]
"""


def test_weights_and_limits_of_sleeves_can_be_swept(tmp_path: Path) -> None:
    (tmp_path / "account.toml").write_text(ACCOUNT, encoding="utf-8")
    words = ("--portfolio", "account.toml")
    found = studied(tmp_path, WEIGHTS, *words)
    assert found.code == 0, found.err
    assert (found.document["strategy"], found.document["symbol"]) == ("core, swing", "SP500, NDQ")
    table = rows(tmp_path)
    assert len(table) == 4
    for row in table:
        document = alone(tmp_path, row, *words)
        assert document["start"] == found.document["start"]
        assert float(row["final_equity_usd"]) == pytest.approx(document["final_equity_usd"], abs=0.006)
        assert int(row["trades"]) == len(document["trades"])
        assert float(row["sharpe"]) == pytest.approx(document["metrics"]["sharpe"], abs=2e-6)
    first = alone(tmp_path, table[0], *words)
    (held,) = found.document["benchmarks"]
    assert held["final_equity_usd"] == pytest.approx(first["benchmark"]["final_equity_usd"], abs=1e-6)
    assert len({row["final_equity_usd"] for row in table}) > 2
    page = (tmp_path / "out" / "sweep.html").read_text(encoding="utf-8")
    assert "core weight" in page
    assert "swing weight" in page


def test_a_sleeve_is_swept_as_if_it_were_alone(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(ACCOUNT, encoding="utf-8")
    grid = '[grid]\nsleeve.swing.risk.stop_loss_frac = ["none", 0.02]\n'
    found = studied(tmp_path, grid, "--sleeve", "swing")
    assert found.document["strategy"] == "mean_reversion"
    for row in rows(tmp_path):
        document = alone(tmp_path, row, "--sleeve", "swing")
        assert float(row["final_equity_usd"]) == pytest.approx(document["final_equity_usd"], abs=0.006)


def test_a_walk_forward_chooses_weights(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(ACCOUNT, encoding="utf-8")
    words = ("--fit-sessions", "120", "--try-sessions", "131")
    found = studied(tmp_path, WEIGHTS, *words, command="walkforward").document
    (fold,) = found["folds"]
    sets = [word for name, value in fold["settings"].items() for word in ("--set", f"{name}={value}")]
    span = ("--start", fold["tried_from"], "--end", fold["tried_to"], "--json", "--quiet")
    document = call(tmp_path, "backtest", *sets, *span).document
    assert document["metrics"]["total_return_frac"] == pytest.approx(fold["tried_return_frac"], abs=2e-6)
    assert found["out_of_sample"]["total_return_frac"] == pytest.approx(fold["tried_return_frac"], abs=2e-6)


def test_weights_that_are_more_than_the_whole_are_refused_with_their_combination(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(ACCOUNT, encoding="utf-8")
    found = studied(tmp_path, "[grid]\nsleeve.core.weight = [0.2, 0.7]\n")
    assert found.code == 2
    assert "(with sleeve.core.weight = 0.7)" in found.err


def test_a_full_disk_costs_one_line_and_none_of_what_was_kept(tmp_path: Path) -> None:
    with disk_of(20_000):
        found = studied(tmp_path, STOPS, *HOLD)
    assert (found.code, found.err.count("\n")) == (3, 1)
    assert "cannot be used" in found.err
    assert not [path.name for path in (tmp_path / "out").iterdir() if path.suffix in (".csv", ".html", ".partial")]
    assert studied(tmp_path, STOPS, *HOLD).code == 0
    assert len(rows(tmp_path)) == 4


def test_a_file_of_rows_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    assert studied(tmp_path, STOPS, *HOLD).code == 0
    (database,) = (tmp_path / "out").glob("*.db")
    database.write_bytes(b"not a database, and long enough to be looked at as one\n" * 200)
    found = studied(tmp_path, STOPS, *HOLD)
    assert (found.code, found.err.count("\n")) == (3, 1)
    assert "cannot be used" in found.err


def several(folder: Path) -> tuple[str, ...]:
    """Three symbols in files."""
    for seed, symbol in enumerate(("AAA", "BBB", "CCC")):
        write_market(folder / "bars", symbol, sessions=1250, seed=seed)
    traded = ("--strategy", "band_rebalance", "--set", "strategy.band_rebalance.weights={AAA=0.4, BBB=0.3, CCC=0.2}")
    return (*traded, "--source", f"csv:{folder / 'bars'}", "--set", "risk.max_position_usd=none")


BANDS = "[grid]\nstrategy.band_rebalance.band = [0.05, 0.3]\nportfolio.capital_usd = [5000, 50000]\n"


@pytest.mark.parametrize("account", [False, True], ids=["alone", "as an account"])
def test_shares_at_the_start_are_there_in_every_combination_and_its_benchmark(tmp_path: Path, *, account: bool) -> None:
    words = ["--holding", "MTUM=20", *HOLD]
    if account:
        (tmp_path / "config.toml").write_text(
            '[sleeve.one]\nstrategy = "buy_and_hold"\nweight = 0.5\n[sleeve.one.rules]\nsymbols = ["MTUM"]\n',
            encoding="utf-8",
        )
        words = words[:2]
    found = studied(tmp_path, STOPS.replace("risk.stop", "sleeve.one.risk.stop") if account else STOPS, *words)
    assert found.code == 0, found.err
    assert found.document["terms"]["holdings"] == {"MTUM": 20}
    for row in rows(tmp_path):
        document = alone(tmp_path, row, *words)
        assert document["start"] == found.document["start"]
        assert float(row["final_equity_usd"]) == pytest.approx(document["final_equity_usd"], abs=0.006)
        assert float(row["cagr_frac"]) == pytest.approx(document["metrics"]["cagr_frac"], abs=2e-6)
    (held,) = found.document["benchmarks"]
    first = alone(tmp_path, rows(tmp_path)[0], *words)
    assert held["final_equity_usd"] == first["benchmark"]["final_equity_usd"]
    assert held["cagr_frac"] == first["benchmark"]["cagr_frac"]
    refused = studied(tmp_path, STOPS, *HOLD, "--holding", "MTUM=1.5")
    assert refused.code == 2
    assert "is not SYMBOL=SHARES" in refused.err


@pytest.mark.parametrize("command", ["sweep", "walkforward"])
def test_symbols_that_are_not_fit_are_left_out_of_every_combination_where_that_is_asked_for(
    tmp_path: Path, command: str
) -> None:
    words = several(tmp_path)
    if command == "walkforward":
        words = (*words, "--fit-sessions", "100", "--try-sessions", "100")
    file = tmp_path / "bars" / "CCC.csv"
    file.write_text(file.read_text(encoding="utf-8").replace(",", ";"), encoding="utf-8")
    refused = studied(tmp_path, BANDS, *words, command=command)
    assert refused.code == 3
    assert refused.err.strip().endswith("; --skip-unfit leaves out what is not fit")
    found = studied(tmp_path, BANDS, *words, "--skip-unfit", command=command)
    assert found.code == 0, found.err
    assert found.document["symbol"] == "AAA, BBB"
    assert [*found.document["left_out"]] == ["CCC"]
    assert any("CCC.csv, line 1" in line for line in found.document["cautions"])
    if command == "sweep":
        for row in rows(tmp_path):
            document = alone(tmp_path, row, *words, "--skip-unfit")
            assert float(row["final_equity_usd"]) == pytest.approx(document["final_equity_usd"], abs=0.006)
