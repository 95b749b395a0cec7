"""`mtum backtest --check` of a strategy that has no compiled form."""

from pathlib import Path

import pytest

from mtum.cli.history.backtest_text import backtest_shown
from mtum.cli.output import Listing
from mtum.core.market.bars import Bars
from support.bar_folders import write_market
from support.commands import Called, call


def folder_of_two(tmp_path: Path) -> Bars:
    """200 sessions of OLD, and LATE, which begins in the 41st."""
    write_market(tmp_path / "bars", "LATE", 200, seed=52, skipped=40)
    return write_market(tmp_path / "bars", "OLD", 200, seed=51)


def asked(tmp_path: Path, *words: str) -> Called:
    source = ("--source", f"csv:{tmp_path / 'bars'}")
    return call(tmp_path, "backtest", *source, "--strategy", "buy_and_hold", "--check", *words, "--json", "--quiet")


def test_any_strategy_is_checked(tmp_path: Path) -> None:
    """The figures that every strategy has; those of conditions and forms of RSI are of mtum_confluence alone."""
    end = str(folder_of_two(tmp_path).day(130))
    words = ("--set", 'strategy.buy_and_hold.symbols=["OLD", "LATE"]', "--end", end)
    answer = asked(tmp_path, *words).document
    found = answer["checks"]
    assert (found["look_ahead_cuts"], found["look_ahead_faults"], found["warm_up_faults"]) == (12, 0, 0)
    assert {row["kind"] for row in found["variants"]} == {"costs", "fill", "settlement", "drop_symbol"}
    usual = next(row for row in found["variants"] if row["change"] == "0.1 % per side")
    assert usual["final_equity_usd"] == round(answer["final_equity_usd"], 2)
    assert {row["kind"] for row in found["regimes"]} == {"trend", "vix"}
    for kind in ("trend", "vix"):
        assert sum(row["sessions"] for row in found["regimes"] if row["kind"] == kind) == answer["sessions"]
    assert found["notes"] == []
    titles = [one.title for one in backtest_shown(answer) if isinstance(one, Listing)]
    assert titles[-4:] == [
        "One of them left out",
        "Sensitivity",
        "By the state of the market",
        "How likely it is luck",
    ]


def test_a_source_without_a_vix_is_said_and_the_rest_is_checked(tmp_path: Path) -> None:
    end = str(folder_of_two(tmp_path).day(60))
    (tmp_path / "bars" / "VIX.csv").unlink()
    words = ("--set", 'strategy.buy_and_hold.symbols=["OLD"]', "--end", end)
    found = asked(tmp_path, *words).document["checks"]
    assert {row["kind"] for row in found["regimes"]} == {"trend"}
    (note,) = found["notes"]
    assert note.startswith("not told by the VIX: ")


@pytest.mark.full
def test_worker_processes_find_the_same(tmp_path: Path) -> None:
    end = str(folder_of_two(tmp_path).day(130))
    words = ("--set", 'strategy.buy_and_hold.symbols=["OLD", "LATE"]', "--end", end)
    here, beside = (asked(tmp_path, *words, "--workers", count).document["checks"] for count in ("1", "2"))
    assert beside == here


ACCOUNT = """
[portfolio]
capital_usd = 20000
sleeve_rebalance = "month"
[sleeve.calm]
strategy = "buy_and_hold"
weight = 0.5
[sleeve.calm.rules]
symbols = ["OLD", "LATE"]
[sleeve.wild]
strategy = "volatility_target"
weight = 0.4
[sleeve.wild.rules]
symbol = "OLD"
"""


def test_an_account_is_checked_as_one(tmp_path: Path) -> None:
    """Without a sleeve the other has all of the 18,000 USD; what the sleeves add is what the account makes."""
    end = str(folder_of_two(tmp_path).day(120))
    (tmp_path / "portfolio.toml").write_text(ACCOUNT)
    words = ("--source", f"csv:{tmp_path / 'bars'}", "--portfolio", "portfolio.toml", "--end", end)
    answer = call(tmp_path, "backtest", *words, "--check", "--json", "--quiet").document
    found = answer["checks"]
    assert (found["look_ahead_cuts"], found["look_ahead_faults"], found["warm_up_faults"]) == (12, 0, 0)
    left_out = {row["change"]: row for row in found["variants"] if row["kind"] == "drop_sleeve"}
    assert [*left_out] == ["calm", "wild"]
    span = ("--start", answer["start"], "--end", end, "--set", "portfolio.capital_usd=18000", "--json", "--quiet")
    wild = ("--strategy", "volatility_target", "--set", "strategy.volatility_target.symbol=OLD")
    free = ("--set", "risk.max_position_usd=none", "--set", "risk.max_daily_loss_usd=none")
    alone = call(tmp_path, "backtest", "--source", f"csv:{tmp_path / 'bars'}", *wild, *free, *span).document
    assert left_out["calm"]["final_equity_usd"] == pytest.approx(alone["final_equity_usd"], abs=0.01)
    assert [row["change"] for row in found["variants"] if row["kind"] == "drop_symbol"] == ["LATE"]
    assert found["notes"] == ["wild cannot do without OLD: not left out"]
    assert [row["name"] for row in found["bootstrap"]["parts"]] == ["calm", "wild"]
    titles = [one.title for one in backtest_shown(answer) if isinstance(one, Listing)]
    assert titles[-1] == "What each sleeve adds over resampled histories, % of the capital"
