"""`mtum backtest` of all sleeves: its document, its files and its refusals."""

import json
from pathlib import Path

import pytest

from mtum.errors import ExitCode
from support.commands import Called, call

PORTFOLIO = """
[portfolio]
capital_usd = 20000
sleeve_rebalance = "month"
[sleeve.calm]
strategy = "volatility_target"
weight = 0.5
[sleeve.calm.rules]
symbol = "SP500"
[sleeve.wild]
strategy = "mean_reversion"
weight = 0.4
[sleeve.wild.rules]
symbols = ["SP500"]
max_positions = 1
trend_sessions = 0
[sleeve.seen]
strategy = "buy_and_hold"
weight = 0.1
state = "watch"
[sleeve.seen.rules]
symbols = ["SP500"]
[risk]
max_symbol_frac = 0.6
"""


def played(folder: Path, *words: str) -> Called:
    (folder / "portfolio.toml").write_text(PORTFOLIO)
    return call(folder, "backtest", "--portfolio", "portfolio.toml", "--json", "--quiet", *words)


def test_what_costs_took_of_the_account_is_what_they_took_of_its_sleeves(tmp_path: Path) -> None:
    """A cross costs nothing; a watched sleeve's costs are of no money."""
    words = ("--set", "portfolio.cost_model=ib_tiered")
    found = played(tmp_path, "--start", "2018-01-03", "--slippage-bps", "3", *words).document
    sleeves = found["sleeves"].values()
    for kind in ("commission", "slippage", "impact", "total", "traded"):
        whole = found["costs"][f"{kind}_usd"]
        assert whole == pytest.approx(sum(one["costs"][f"{kind}_usd"] for one in sleeves), abs=1e-5)
    sent = sum((one["shares"] - one["crossed"]) for one in found["orders"])
    assert sent < sum(one["shares"] for one in found["orders"]), "something crossed"
    assert found["costs"]["slippage_usd"] == pytest.approx(found["costs"]["traded_usd"] * 3e-4, rel=1e-3)
    assert found["watched"]["seen"]["costs"]["commission_usd"] > 0


def test_an_account_tells_its_sleeves_and_how_they_met(tmp_path: Path) -> None:
    found = played(tmp_path, "--start", "2017-01-03", "--out", "sheet").document
    assert (found["strategy"], found["symbols"]) == ("calm, wild, seen", ["SP500"])
    assert [*found["sleeves"]] == ["calm", "wild"]
    assert [*found["watched"]] == ["seen"]
    calm, wild = found["sleeves"].values()
    assert (calm["capital_usd"], wild["capital_usd"]) == (10_000.0, 8_000.0)
    earned = found["final_equity_usd"] - 18_000
    assert calm["profit_usd"] + wild["profit_usd"] == pytest.approx(earned, abs=0.005)
    assert {one["sleeve"] for one in found["orders"]} == {"calm", "wild"}
    assert {one["sleeve"] for one in found["trades"]} == {"calm", "wild"}
    crosses, cuts = found["coordination"]["crosses"], found["coordination"]["cuts"]
    assert sum(one["shares"] for one in crosses) == sum(one["crossed"] for one in found["orders"]) / 2
    assert {one["limit"] for one in cuts} == {"max_symbol_frac"}
    assert len(found["weights"]) == found["sessions"]
    assert max(one["weights"].get("SP500", 0) for one in found["weights"]) < 0.62
    assert found["settings"]["sleeve"]["calm"]["weight"] == 0.5
    kept = json.loads((tmp_path / "sheet" / "tear-sheet.json").read_text())
    assert kept["coordination"] == found["coordination"]
    rows = kept["tear_sheet"]["sleeves"]
    assert [row["name"] for row in rows] == ["calm", "wild"]
    assert sum(row["pnl_usd"] for row in rows) == pytest.approx(round(earned, 2), abs=1e-9)
    columns = kept["tear_sheet"]["sessions"]
    for at in (0, 100, -1):
        parts = columns["calm_usd"][at] + columns["wild_usd"][at]
        assert parts == pytest.approx(columns["equity_usd"][at], abs=2e-6)
        weights = sum(found["weights"][at]["weights"].values())
        assert columns["invested_frac"][at] == pytest.approx(weights, abs=2e-6)
    page = (tmp_path / "sheet" / "tear-sheet.html").read_text(encoding="utf-8")
    assert all(f'<section id="{key}"' in page for key in ("sleeves", "sleeve-years", "correlations", "between"))


def test_one_sleeve_of_the_file_can_be_played_alone(tmp_path: Path) -> None:
    found = played(tmp_path, "--start", "2018-01-03", "--sleeve", "calm").document
    assert [*found["sleeves"]] == ["calm"]
    assert found["sleeves"]["calm"]["profit_usd"] == pytest.approx(found["final_equity_usd"] - 10_000, abs=1e-6)
    assert found["coordination"] == {"crosses": [], "cuts": [], "held_back": [], "transfers": []}


def test_the_market_of_the_settings_is_played_where_the_file_has_none(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[market]\nsource = "csv"\ncsv_dir = "nowhere"\n')
    refused = played(tmp_path)
    assert refused.code == ExitCode.DATA
    assert "nowhere" in refused.texts


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--symbol", "NDQ"), "--symbol moves one strategy"),
        (("--strategy", "buy_and_hold"), "--portfolio plays an account; leave out --strategy"),
        (("--approve",), "--portfolio plays an account; leave out --approve"),
        (("--decision", "near_close"), "--decision near_close plays mtum_confluence alone"),
        (("--holding", "NDQ=5"), "--holding NDQ=5: no sleeve trades NDQ"),
        (("--start", "2018-03-01", "--end", "2018-02-01"), "--start 2018-03-01 is later than --end 2018-02-01"),
        (("--set", "sleeve.calm.state=off", "--set", "sleeve.wild.state=off", "--set", "sleeve.seen.state=off"), "off"),
        (("--set", "sleeve.calm.state=watch", "--set", "sleeve.wild.state=watch"), "only watched"),
        (("--set", "sleeve.calm.state=off", "--set", "sleeve.wild.state=off"), "only watched"),
    ],
)
def test_what_an_account_cannot_do_is_refused(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    refused = played(tmp_path, *words)
    assert refused.code == ExitCode.USAGE
    assert told in refused.texts


def test_no_result_of_an_account_is_approved_as_that_of_one_strategy(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(PORTFOLIO)
    refused = call(tmp_path, "backtest", "--approve", "--json", "--quiet")
    assert refused.code == ExitCode.USAGE
    assert "--approve keeps the result of one strategy with all the money" in refused.texts


def test_the_text_says_what_each_sleeve_made(tmp_path: Path) -> None:
    (tmp_path / "portfolio.toml").write_text(PORTFOLIO)
    shown = call(tmp_path, "backtest", "--portfolio", "portfolio.toml", "--start", "2018-01-03", "--quiet").out
    assert "What each sleeve brought" in shown
    assert "seen, VIRTUAL" in shown
