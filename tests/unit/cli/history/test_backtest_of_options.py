"""`mtum backtest` of strategies of options: what it plays, how it is labeled, and what it refuses."""

import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from mtum.adapters.calendar import ExchangeCalendar
from support.commands import Called, call

MONEY = ("--set", "risk.max_daily_loss_usd=none", "--set", "risk.max_position_usd=none")
WHEEL = ("--set", "strategy.wheel.symbols={SP500=1.0}", "--set", "portfolio.capital_usd=100000", *MONEY)


def wheel(tmp_path: Path, *words: str, end: str = "2018-04-20") -> Called:
    span = ("--start", "2018-03-20", "--end", end)
    return call(tmp_path, "backtest", "--strategy", "wheel", *WHEEL, *span, *words)


def test_a_wheel_is_told_with_its_band_its_orders_and_what_writes_by_rule(tmp_path: Path) -> None:
    found: dict[str, Any] = wheel(tmp_path, "--json", "--quiet").document
    options = found["options"]
    assert options["label"] == "model-priced"
    assert [row["points"] for row in options["band"]] == [-1.0, 0.0, 1.0]
    assert options["band"][1]["final_equity_usd"] == found["final_equity_usd"]
    assert len({row["final_equity_usd"] for row in options["band"]}) == 3
    assert set(options["writing"]) == {"PUT-like", "BXM-like"}
    (own,) = options["sleeves"].values()
    assert own["orders"][0]["purpose"] == "open"
    assert own["fees_usd"] >= 1.0
    assert own["unquoted"] == {}
    cautions = " ".join(found["metrics"]["cautions"])
    assert "model-priced: no exchange quoted these options" in cautions
    assert "the level of SP500 is 0.82 of VIX" in cautions


def test_text_and_tear_sheet_call_every_table_model_priced(tmp_path: Path) -> None:
    shown = wheel(tmp_path, "--out", str(tmp_path / "sheet"), end="2018-04-03").out
    for title in ("Result, model-priced", "Band, model-priced", "Options of wheel, model-priced"):
        assert title in shown
    page = (tmp_path / "sheet" / "tear-sheet.html").read_text()
    assert "Band, model-priced" in page
    assert "PUT-like" in page
    sheet = json.loads((tmp_path / "sheet" / "tear-sheet.json").read_text())
    assert sheet["options"]["label"] == "model-priced"


def test_where_too_little_money_opened_nothing_the_reason_and_the_way_out_are_told(tmp_path: Path) -> None:
    called = wheel(tmp_path, "--set", "portfolio.capital_usd=5000", end="2018-03-27")
    assert "Nothing was opened: no room for another put (" in called.out
    assert "--set portfolio.capital_usd=100000" in called.out


def test_calls_on_the_vix_are_an_illustration_that_no_table_keeps(tmp_path: Path) -> None:
    span = ("--start", "2018-02-05", "--end", "2018-02-09")
    words = ("--strategy", "vix_hedge", "--set", "strategy.vix_hedge.symbol=SP500", *MONEY, *span)
    called = call(tmp_path, "backtest", *words, "--set", "portfolio.capital_usd=250000")
    assert "An illustration is no result" in called.out
    assert "Sharpe" not in called.out
    assert "kept as no." not in called.out


@pytest.mark.parametrize("symbol", ["NDQ", "MTUM"])
def test_what_has_no_market_of_its_own_is_refused(symbol: str, tmp_path: Path) -> None:
    words = ("--set", f"strategy.wheel.symbols={{{symbol}=1.0}}", "--start", "2018-03-20", "--end", "2018-03-22")
    called = call(tmp_path, "backtest", "--strategy", "wheel", *MONEY, *words)
    assert called.code == 3
    assert f"{symbol} has no model prices" in called.err


def test_options_fill_at_the_close_alone(tmp_path: Path) -> None:
    called = wheel(tmp_path, "--fill", "next_open", end="2018-03-22")
    assert (called.code, "leave out --fill next_open" in called.err) == (2, True)


GRID = """
[base]
"portfolio.strategy" = "wheel"
"portfolio.capital_usd" = 100000.0
"strategy.wheel.symbols" = {SP500 = 1.0}
"strategy.wheel.write_on" = "any"
"risk.max_daily_loss_usd" = "none"
"risk.max_position_usd" = "none"
[grid]
"strategy.wheel.put_delta" = [0.2, 0.3]
"""


@pytest.mark.full
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_sweep_of_options_comes_to_what_backtests_come_to(tmp_path: Path, workers: str) -> None:
    (tmp_path / "grid.toml").write_text(GRID)
    end = "2018-03-29"
    span = ("--start", "2018-03-20", "--end", end)
    words = ("sweep", str(tmp_path / "grid.toml"), *span, "--workers", workers, "--json", "--quiet")
    swept = call(tmp_path, *words)
    assert swept.code == 0, swept.err
    rows = {row["settings"]["strategy.wheel.put_delta"]: row for row in swept.document["top"]}
    assert len({row["final_equity_usd"] for row in rows.values()}) == 2
    alone = wheel(tmp_path, "--set", "strategy.wheel.write_on=any", "--json", "--quiet", end=end).document
    assert rows[0.3]["final_equity_usd"] == pytest.approx(alone["final_equity_usd"], abs=0.01)
    # What is done is kept: nothing is played again.
    assert call(tmp_path, *words).document["top"] == swept.document["top"]


def test_nothing_is_swept_by_an_illustration_or_by_another_fill(tmp_path: Path) -> None:
    (tmp_path / "grid.toml").write_text(GRID)
    span = ("--start", "2018-03-20", "--end", "2018-03-22")
    other = call(tmp_path, "sweep", str(tmp_path / "grid.toml"), *span, "--fill", "next_open")
    assert (other.code, "decided at" in other.err) == (2, True)
    hedge = GRID.replace("wheel.put_delta", "vix_hedge.delta").replace('"wheel"', '"vix_hedge"')
    hedge = hedge.replace('"strategy.wheel.symbols" = {SP500 = 1.0}\n', '"strategy.vix_hedge.symbol" = "SP500"\n')
    (tmp_path / "grid.toml").write_text(hedge.replace('"strategy.wheel.write_on" = "any"\n', ""))
    called = call(tmp_path, "sweep", str(tmp_path / "grid.toml"), *span)
    assert (called.code, "illustration" in called.err) == (2, True)


@pytest.mark.full
def test_a_check_of_options_finds_no_look_ahead_and_says_what_it_cannot_vary(tmp_path: Path) -> None:
    found = wheel(tmp_path, "--set", "strategy.wheel.write_on=any", "--check", "--json", "--quiet").document["checks"]
    assert (found["look_ahead_faults"], found["warm_up_faults"]) == (0, 0)
    assert {row["kind"] for row in found["variants"]} == {"costs", "settlement"}
    assert any("no other fill is played" in note for note in found["notes"])


def test_a_backtest_of_shares_loads_nothing_of_options() -> None:
    loaded = (
        "mtum.core.simulation.session_path, mtum.app.research.account_backtest, mtum.core.reporting.backtest.result"
    )
    code = f"import sys, {loaded}; print(*(one for one in sys.modules if one.startswith('mtum.core.options')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []


@pytest.mark.full
def test_recorded_chains_tell_the_implied_volatility_that_is_ranked(tmp_path: Path) -> None:
    (tmp_path / "data" / "chains").mkdir(parents=True)
    days = [one.day for one in ExchangeCalendar().sessions(date(2016, 12, 1), date(2018, 1, 10))]
    rows = [f"{day},{day + timedelta(30)},250,C,5,5.1,100,{0.10 + at / 1000:.3f},250" for at, day in enumerate(days)]
    header = "date,expiry,strike,right,bid,ask,open interest,iv,spot"
    (tmp_path / "data" / "chains" / "SP500.csv").write_text("\n".join([header, *rows]) + "\n")

    def reasons(*words: str) -> list[str]:
        of = ("--strategy", "iron_condor", "--set", "strategy.iron_condor.symbols=['SP500']", *MONEY)
        span = ("--start", "2018-01-09", "--end", "2018-01-10", "--data-dir", str(tmp_path / "data"))
        document = call(tmp_path, "backtest", *of, *span, *words, "--json", "--quiet").document
        (own,) = document["options"]["sleeves"].values()
        return list(own["not_opened"])

    # The VIX is near its lowest of the year; the recorded options are dearer than ever, and yet too few to be a market.
    assert reasons() == ["iv_rank"]
    assert "iv_rank" not in reasons("--set", "market.chain_dir=chains")
