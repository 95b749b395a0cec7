"""`mtum sweep` and `mtum walkforward`: resumable, the same with any number of workers, honest about luck."""

import csv
import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from mtum.adapters.sweep_results import SweepResults
from support.bar_folders import write_market
from support.commands import Called, call
from support.pages import shown_of

GRID = """
[grid]
strategy.mtum_confluence.ma_sessions = [20, 35, 50]
strategy.mtum_confluence.atr_target_multiple = { from = 2.0, to = 5.0, step = 1.0 }
portfolio.cost_frac = [0.0005, 0.001]
[[linked]]
strategy.mtum_confluence.vix_entry_below = [20, 25]
strategy.mtum_confluence.vix_exit_above = [25, 30]
"""


def written(folder: Path, text: str = GRID) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "grid.toml"
    path.write_text(text, encoding="utf-8")
    return path


def swept(folder: Path, *words: str, grid: str = GRID) -> Called:
    return call(folder, "sweep", str(written(folder, grid)), "--out", str(folder / "out"), "--json", "--quiet", *words)


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "out" / "sweep.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_combination_has_a_row_that_a_backtest_confirms(tmp_path: Path) -> None:
    found = swept(tmp_path)
    assert found.code == 0, found.err
    document: dict[str, Any] = found.document
    table = rows(tmp_path)
    assert document["combinations"] == len(table) == 48
    best = document["best"]
    sets = [word for name, value in best["settings"].items() for word in ("--set", f"{name}={value}")]
    alone = call(tmp_path, "backtest", *sets, "--start", document["start"], "--json", "--quiet").document
    assert alone["final_equity_usd"] == best["final_equity_usd"]
    assert len(alone["trades"]) == best["trades"]
    assert alone["metrics"]["sharpe"] == pytest.approx(best["sharpe"], abs=1e-5)
    assert best["sharpe"] == max(row["sharpe"] for row in document["top"])


def test_buying_and_holding_stands_beside_the_best(tmp_path: Path) -> None:
    found = swept(tmp_path)
    (held,) = found.document["benchmarks"]
    # The costs are those of the first combination.
    words = ("--start", found.document["start"], "--set", "portfolio.cost_frac=0.0005", "--json", "--quiet")
    assert held == {"symbol": "MTUM", **call(tmp_path, "backtest", *words).document["benchmark"]}
    shown = call(tmp_path, "sweep", str(tmp_path / "grid.toml"), "--out", str(tmp_path / "out"), "--quiet").out
    assert f"buying and holding MTUM over the same sessions: Sharpe {held['sharpe']:.2f}" in shown
    page = (tmp_path / "out" / "sweep.html").read_text(encoding="utf-8")
    assert "buy and hold MTUM" in page
    assert f"{held['final_equity_usd']:,.2f}" in page


def test_the_page_says_period_and_costs_and_lists_the_best(tmp_path: Path) -> None:
    document = swept(tmp_path).document
    page = (tmp_path / "out" / "sweep.html").read_text(encoding="utf-8")
    assert f"{document['start']} to {document['end']}, {document['sessions']:,} sessions" in shown_of(page)
    assert "5,000 USD at the start, costs as in the settings tried, slippage 0 bps, fills at same_close" in page
    assert all(f">{row['final_equity_usd']:,.2f}</td>" in page for row in document["top"])
    assert document["terms"]["portfolio.capital_usd"] == 5000
    assert "portfolio.cost_frac" not in document["terms"], "it varies"


def test_the_table_has_ratios_whole_numbers_and_cents(tmp_path: Path) -> None:
    document = swept(tmp_path).document
    table = rows(tmp_path)
    best = next(row for row in table if row["sharpe"] == str(document["best"]["sharpe"]))
    assert best["cagr_frac"] == str(document["best"]["cagr_frac"])
    for row in table:
        assert row["trades"].isdigit()
        assert row["wins"].isdigit()
        assert len(row["final_equity_usd"].partition(".")[2]) <= 2


def test_purchases_that_a_limit_in_usd_made_smaller_are_counted_and_said(tmp_path: Path) -> None:
    document = swept(tmp_path).document
    best = document["best"]
    sets = [word for name, value in best["settings"].items() for word in ("--set", f"{name}={value}")]
    alone = call(tmp_path, "backtest", *sets, "--start", document["start"], "--json", "--quiet").document
    assert alone["purchases_capped"] == best["purchases_capped"] > 0
    words = f"({5000:,} USD) made {best['purchases_capped']} of {best['trades']} purchases smaller"
    assert any(words in line for line in document["cautions"])
    assert any(words in line for line in alone["metrics"]["cautions"])
    free = swept(tmp_path / "free", "--set", "risk.max_position_usd=1e12").document
    assert free["best"]["purchases_capped"] == 0
    assert not any("max_position_usd" in line for line in free["cautions"])


def test_a_combination_that_never_trades_has_no_sharpe_ratio(tmp_path: Path) -> None:
    document = swept(tmp_path, grid="[grid]\nstrategy.mtum_confluence.vix_entry_below = [5.5, 6]\n").document
    assert [row["sharpe"] for row in document["top"]] == [None, None]
    assert document["deflated_sharpe_probability"] is None
    assert [row["sharpe"] for row in rows(tmp_path)] == ["", ""]
    assert "undefined" in (tmp_path / "out" / "sweep.html").read_text(encoding="utf-8")


def two_symbols(folder: Path) -> str:
    """A folder of two symbols, the second known from its 200th session on."""
    (folder / "bars").mkdir(parents=True)
    for symbol, skipped, seed in (("AAA", 0, 5), ("BBB", 200, 6)):
        write_market(folder / "bars", symbol, sessions=600, seed=seed, skipped=skipped)
    return f"csv:{folder / 'bars'}"


def test_symbols_are_combined_with_settings_over_common_sessions(tmp_path: Path) -> None:
    source = two_symbols(tmp_path)
    grid = "[grid]\nstrategy.mtum_confluence.symbol = ['AAA', 'BBB']\nstrategy.mtum_confluence.ma_sessions = [20, 40]\n"
    found = swept(tmp_path, "--source", source, "--workers", "2", grid=grid)
    assert found.code == 0, found.err
    assert found.document["symbol"] == "AAA, BBB"
    table = rows(tmp_path)
    assert [row["strategy.mtum_confluence.symbol"] for row in table] == ["AAA", "AAA", "BBB", "BBB"]
    for row in table:
        symbol, ma = row["strategy.mtum_confluence.symbol"], row["strategy.mtum_confluence.ma_sessions"]
        words = ("--symbol", symbol, "--set", f"strategy.mtum_confluence.ma_sessions={ma}", "--source", source)
        alone = call(tmp_path, "backtest", *words, "--start", found.document["start"], "--json", "--quiet").document
        assert alone["sessions"] == found.document["sessions"]
        assert alone["final_equity_usd"] == pytest.approx(float(row["final_equity_usd"]), abs=0.006)
        assert len(alone["trades"]) == float(row["trades"]) > 0
    assert len({row["final_equity_usd"] for row in table}) == 4


def test_walk_forward_chooses_among_symbols_too(tmp_path: Path) -> None:
    source = two_symbols(tmp_path)
    grid = "[grid]\nstrategy.mtum_confluence.symbol = ['AAA', 'BBB']\nstrategy.mtum_confluence.ma_sessions = [20, 40]\n"
    words = ("--source", source, "--fit-sessions", "120", "--try-sessions", "60", "--json", "--quiet")
    document = call(tmp_path, "walkforward", str(written(tmp_path, grid)), *words).document
    fold = document["folds"][-1]
    sets = [word for name, value in fold["settings"].items() for word in ("--set", f"{name}={value}")]
    span = ("--start", fold["tried_from"], "--end", fold["tried_to"])
    alone = call(tmp_path, "backtest", "--source", source, *sets, *span, "--json", "--quiet").document
    assert alone["metrics"]["total_return_frac"] == pytest.approx(fold["tried_return_frac"], abs=2e-6)
    assert {one["settings"]["strategy.mtum_confluence.symbol"] for one in document["folds"]} == {"AAA", "BBB"}
    assert 0.0 <= document["luck"]["above_zero_probability"] <= 1.0
    assert document["bootstrap"]["cagr_frac"]["low"] < document["bootstrap"]["cagr_frac"]["high"]


def test_the_best_is_set_beside_the_chance_of_luck(tmp_path: Path) -> None:
    document = swept(tmp_path).document
    assert 0.0 <= document["deflated_sharpe_probability"] <= 1.0
    assert 0.0 <= document["overfitting_probability"] <= 1.0
    page = (tmp_path / "out" / "sweep.html").read_text(encoding="utf-8")
    assert "beats luck among 48 tries" in page
    assert f">{100 * document['deflated_sharpe_probability']:.2f}</td>" in page
    assert f">{100 * document['overfitting_probability']:.2f}</td>" in page
    linked = {"strategy.mtum_confluence.vix_entry_below", "strategy.mtum_confluence.vix_exit_above"}
    beside = document["neighbors"]
    assert [one["settings"].keys() for one in beside if len(one["settings"]) > 1] == [linked]
    assert f"{len(beside)} of them" in shown_of(page)


def test_workers_change_nothing_but_time(tmp_path: Path) -> None:
    assert swept(tmp_path / "one").code == 0
    assert swept(tmp_path / "two", "--workers", "3").code == 0
    assert rows(tmp_path / "one") == rows(tmp_path / "two")


def test_a_sweep_that_was_killed_finishes_with_the_same_result(tmp_path: Path) -> None:
    whole = swept(tmp_path / "whole").document
    assert swept(tmp_path / "killed").code == 0
    (database,) = (tmp_path / "killed" / "out").glob("*.db")
    with closing(sqlite3.connect(database, autocommit=True)) as connection:
        connection.execute("DELETE FROM results WHERE combination % 3 = 1")
    (tmp_path / "killed" / "out" / "sweep.csv").unlink()
    again = swept(tmp_path / "killed").document
    assert rows(tmp_path / "killed") == rows(tmp_path / "whole")
    own = ("files", "id")
    assert {key: again[key] for key in again if key not in own} == {key: whole[key] for key in whole if key not in own}


def test_only_what_is_missing_is_played_again(tmp_path: Path) -> None:
    assert swept(tmp_path).code == 0
    (database,) = (tmp_path / "out").glob("*.db")
    with closing(sqlite3.connect(database, autocommit=True)) as connection:
        connection.execute("UPDATE results SET final_equity_usd = 1.0 WHERE combination = 7")
    assert swept(tmp_path).code == 0
    assert float(rows(tmp_path)[7]["final_equity_usd"]) == 1, "a finished row is not played again"


def test_other_data_or_settings_do_not_meet_old_rows(tmp_path: Path) -> None:
    first = swept(tmp_path).document["files"][0]
    second = swept(tmp_path, "--start", "2016-01-04").document["files"][0]
    third = swept(tmp_path, "--fill", "next_open").document["files"][0]
    assert len({first, second, third}) == 3


@pytest.mark.parametrize(
    ("grid", "words", "code", "told"),
    [
        ("[grid]\nstrategy.mtum_confluence.ma_sesions = [20]\n", (), 2, "did you mean"),
        ("[grid]\nstrategy.mtum_confluence.ma_sessions = [20, 5000]\n", (), 2, "ma_sessions"),
        ("[grid]\nbroker.port = [1]\n", (), 2, "broker.port: no backtest of a sweep plays it; what can be swept: "),
        (
            "[grid]\nportfolio.cost_frac = [0]\n[[linked]]\nmode = ['live']\nmail.port = [1]\n"
            "[base]\nstorage.keep_backups = 1\n",
            (),
            2,
            "mtum: mode, mail.port, storage.keep_backups: no backtest of a sweep plays them; what can be swept: "
            "strategy.*, sleeve.*, group.*, portfolio.*, risk.*",
        ),
        (
            "[grid]\nportfolio.cost_frac = [0.001, 0.002]\n[base]\nportfolio.cost_model = 'ib'\n",
            (),
            2,
            "portfolio.cost_frac: changes nothing",
        ),
        ("[grid]\nstrategy.mtum_confluence.symbol = ['A', 'B']\n", ("--symbol", "C"), 2, "leave out one"),
        (GRID, ("--end", "2014-02-01"), 3, "needed"),
        (GRID, ("--engine", "abacus"), 2, "local or ray"),
    ],
)
def test_a_bad_grid_writes_nothing(tmp_path: Path, grid: str, words: tuple[str, ...], code: int, told: str) -> None:
    found = swept(tmp_path, *words, grid=grid)
    assert found.code == code
    assert told in found.err
    assert not (tmp_path / "out").exists()


def test_a_setting_that_another_switches_off_may_vary(tmp_path: Path) -> None:
    grid = "[grid]\nportfolio.cost_model = ['ib', 'percent']\nportfolio.cost_frac = [0.001, 0.002]\n"
    assert swept(tmp_path, grid=grid).document["combinations"] == 4


def test_a_chunk_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    store = SweepResults(tmp_path / "sweep.db")
    from mtum.core.research.grid import empty_results

    with pytest.raises(ValueError, match="zip"):
        store.add([0, 1, 2], empty_results(2), [{"x": 1}, {"x": 2}])
    assert store.done() == set()
    store.close()


def test_walk_forward_tries_only_what_was_not_looked_at(tmp_path: Path) -> None:
    grid = written(tmp_path)
    words = ("--fit-sessions", "300", "--try-sessions", "100", "--json", "--quiet")
    document = call(tmp_path, "walkforward", str(grid), *words).document
    folds = document["folds"]
    assert all(fold["fitted_from"] < fold["tried_from"] <= fold["tried_to"] for fold in folds)
    assert all(one["tried_to"] < two["tried_from"] for one, two in pairwise(folds))
    growth = 1.0
    for fold in folds:
        growth *= 1 + fold["tried_return_frac"]
    assert document["out_of_sample"]["total_return_frac"] == pytest.approx(growth - 1, abs=1e-4)
    curves = document["curves"]
    assert {len(column) for column in curves.values()} == {document["sessions"]}
    assert (curves["session"][0], curves["session"][-1]) == (folds[0]["tried_from"], folds[-1]["tried_to"])
    assert curves["out_of_sample_usd"][-1] == document["out_of_sample"]["final_equity_usd"]


def test_walk_forward_writes_a_page_of_both_curves(tmp_path: Path) -> None:
    words = ("--fit-sessions", "300", "--try-sessions", "200", "--out", str(tmp_path / "walk"), "--json", "--quiet")
    document = call(tmp_path, "walkforward", str(written(tmp_path)), *words).document
    assert document["files"] == [str(tmp_path / "walk" / "walkforward.html")]
    (held,) = document["benchmarks"]
    span = ("--start", document["start"], "--end", document["end"], "--set", "portfolio.cost_frac=0.0005")
    alone = call(tmp_path, "backtest", *span, "--json", "--quiet").document["benchmark"]
    assert held == {"symbol": "MTUM", **alone}
    assert document["curves"]["buy_and_hold_MTUM_usd"][-1] == pytest.approx(held["final_equity_usd"], abs=0.006)
    page = (tmp_path / "walk" / "walkforward.html").read_text(encoding="utf-8")
    assert all(
        word in page
        for word in (
            "buy and hold MTUM",
            "chosen beforehand",
            "best with hindsight",
            *(fold["tried_from"] for fold in document["folds"]),
        )
    )
    assert "http" not in page


def test_expanding_windows_keep_their_start(tmp_path: Path) -> None:
    grid = written(tmp_path)
    words = ("--fit-sessions", "300", "--try-sessions", "200", "--windows", "expanding", "--json", "--quiet")
    folds = call(tmp_path, "walkforward", str(grid), *words).document["folds"]
    assert len({fold["fitted_from"] for fold in folds}) == 1
    assert len(folds) > 2


def test_a_span_too_short_for_a_fold_is_refused(tmp_path: Path) -> None:
    grid = written(tmp_path)
    found = call(tmp_path, "walkforward", str(grid), "--fit-sessions", "5000")
    assert found.code == 2
    assert "longer span" in found.err
