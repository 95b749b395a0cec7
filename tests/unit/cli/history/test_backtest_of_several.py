"""`mtum backtest` of a strategy with several symbols: what it plays, says, refuses and writes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import pytest

from mtum.app.research.run_backtest import ALONE, NOT_MODELLED
from mtum.core.market.bars import Bars
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.pair_reversal import PairReversal
from support.bar_folders import write_market
from support.commands import Called, call
from support.pages import shown_of

LISTED = 'strategy.buy_and_hold.symbols=["OLD", "LATE", "GONE"]'


def folder_of_three(tmp_path: Path) -> dict[str, Bars]:
    """300 sessions of OLD; LATE begins in the 41st, GONE ends with the 200th."""
    return {
        "LATE": write_market(tmp_path / "bars", "LATE", 300, seed=52, skipped=40),
        "GONE": write_market(tmp_path / "bars", "GONE", 200, seed=53),
        "OLD": write_market(tmp_path / "bars", "OLD", 300, seed=51),
    }


def asked(tmp_path: Path, *words: str) -> Called:
    source = f"csv:{tmp_path / 'bars'}"
    return call(tmp_path, "backtest", "--source", source, "--strategy", "buy_and_hold", "--set", LISTED, *words)


def test_it_begins_when_all_have_bars_and_sells_what_has_ended(tmp_path: Path) -> None:
    """A third of 4,975 USD each; GONE's close of the 200th session is paid in the 201st, less 0.1 %."""
    bars = folder_of_three(tmp_path)
    found = asked(tmp_path, "--json", "--quiet").document
    old, gone = bars["OLD"], bars["GONE"]
    assert (found["symbol"], found["symbols"]) == ("OLD, LATE, GONE", ["OLD", "LATE", "GONE"])
    assert (found["start"], found["end"], found["sessions"]) == (str(old.day(40)), str(old.day(299)), 260)
    last = round(float(gone.close[199]), 6)
    part = int(1666.665 / (float(gone.close[40]) * 1.006))
    rows = [(one["session"], one["symbol"], one["side"], one["reasons"]) for one in found["orders"]]
    first = str(old.day(40))
    assert rows == [
        (first, "OLD", "BUY", ["flat"]),
        (first, "LATE", "BUY", ["flat"]),
        (first, "GONE", "BUY", ["flat"]),
        (str(old.day(200)), "GONE", "SELL", ["bars_ended"]),
    ]
    assert found["orders"][-1] == {
        "session": str(old.day(200)),
        "sleeve": "buy_and_hold",
        "symbol": "GONE",
        "side": "SELL",
        "shares": part,
        "crossed": 0,
        "price": last,
        "reasons": ["bars_ended"],
    }
    assert (
        f"GONE: its bars end on {gone.day(199)}; its {part} shares were sold at that close on {old.day(200)}, "
        "and it was off the list from then on"
    ) in found["metrics"]["cautions"]
    assert found["benchmark"]["shares"].keys() == {"OLD", "LATE", "GONE"}


def test_with_a_start_it_begins_with_what_is_there(tmp_path: Path) -> None:
    bars = folder_of_three(tmp_path)
    found = asked(tmp_path, "--json", "--quiet", "--start", str(bars["OLD"].day(10))).document
    assert found["start"] == str(bars["OLD"].day(10))
    assert [one["symbol"] for one in found["orders"][:2]] == ["OLD", "GONE"]
    assert [one["session"] for one in found["orders"] if one["symbol"] == "LATE"] == [str(bars["LATE"].day(40))]


def test_a_symbol_that_begins_after_the_end_is_named(tmp_path: Path) -> None:
    bars = folder_of_three(tmp_path)["OLD"]
    found = asked(tmp_path, "--json", "--quiet", "--start", str(bars.day(5)), "--end", str(bars.day(30))).document
    assert {one["symbol"] for one in found["orders"]} == {"OLD", "GONE"}
    assert f"LATE: no bars from csv up to {bars.day(30)}" in found["metrics"]["cautions"]


def test_shares_that_are_there_at_the_start_are_part_of_the_capital(tmp_path: Path) -> None:
    bars = folder_of_three(tmp_path)
    found = asked(tmp_path, "--json", "--quiet", "--holding", "OLD=7", "--holding", "LATE=3").document
    assert found["start"] == str(bars["OLD"].day(41)), "the close before must be there"
    worth = 7 * float(bars["OLD"].close[40]) + 3 * float(bars["LATE"].close[40])
    growth = found["final_equity_usd"] / (5000.0 + worth) - 1.0
    assert found["metrics"]["total_return_frac"] == pytest.approx(growth, abs=1e-6)
    assert found["orders"][0]["symbol"] == "GONE"
    assert found["settings"]["holdings"] == {"OLD": 7, "LATE": 3}


def test_text_and_page_tell_one_symbol_from_another(tmp_path: Path) -> None:
    folder_of_three(tmp_path)
    found = asked(tmp_path, "--out", str(tmp_path / "sheet"))
    assert found.code == 0, found.err
    assert found.out.startswith("buy_and_hold on OLD, LATE, GONE (csv), ")
    assert "Which symbols made it" in found.out
    assert "The past of one symbol" not in found.out
    files = {path.name for path in (tmp_path / "sheet").iterdir()}
    assert files >= {"equity.png", "exposure.png", "tear-sheet.html", "tear-sheet.json", "trades.csv", "trades.png"}
    shown = shown_of((tmp_path / "sheet" / "tear-sheet.html").read_text(encoding="utf-8"))
    for symbol in ("OLD", "LATE", "GONE"):
        assert f"{symbol} close, USD" in shown


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--holding", "OLD"), 2, '--holding "OLD" is not SYMBOL=SHARES'),
        (("--holding", "OLD=0"), 2, "whole number of shares"),
        (("--holding", "OLD=2.5"), 2, "whole number of shares"),
        (("--holding", "OLD=5", "--holding", "OLD=6"), 2, "names OLD twice"),
        (("--holding", "XYZ=5"), 2, "--holding XYZ=5: buy_and_hold trades OLD, LATE, GONE"),
        (("--start", "2030-01-01"), 3, "no session from 2030-01-01 on in csv at which enough of the symbols"),
        (("--set", 'strategy.buy_and_hold.symbols=["OLD", "NONE"]'), 3, "NONE"),
        (("--set", 'strategy.buy_and_hold.symbols=["OLD", "old"]'), 2, 'symbols holds "old"'),
    ],
)
def test_what_cannot_be_played_is_one_clear_line(tmp_path: Path, words: tuple[str, ...], code: int, told: str) -> None:
    folder_of_three(tmp_path)
    found = asked(tmp_path, *words)
    assert (found.code, found.err.count("\n")) == (code, 1), found.err
    assert told in found.err


def test_symbols_without_a_session_in_common_are_named_with_their_spans(tmp_path: Path) -> None:
    write_market(tmp_path / "bars", "OLD", 100, seed=51)
    write_market(tmp_path / "bars", "LATE", 300, seed=52, skipped=150)
    listed = 'strategy.pair_reversal.symbols=["OLD", "LATE"]'
    words = ("backtest", "--source", f"csv:{tmp_path / 'bars'}", "--strategy", "pair_reversal", "--set", listed)
    found = call(tmp_path, *words)
    assert found.code == 3
    assert (
        "no session in csv at which enough of the symbols of pair_reversal have the 21 bars it needs; OLD " in found.err
    )


def test_the_vix_is_asked_for_only_where_a_strategy_needs_it(tmp_path: Path) -> None:
    folder_of_three(tmp_path)
    (tmp_path / "bars" / "VIX.csv").unlink()
    assert asked(tmp_path).code == 0


SLEEVES = """
[portfolio]
capital_usd = 20000
[sleeve.calm]
strategy = "buy_and_hold"
weight = 0.25
benchmark = "LATE"
[sleeve.calm.rules]
symbols = ["OLD", "GONE"]
[sleeve.fast]
strategy = "pair_reversal"
weight = 0.5
[sleeve.fast.rules]
symbols = ["OLD", "LATE"]
"""


def test_a_sleeve_is_played_with_its_rules_its_money_and_its_benchmark(tmp_path: Path) -> None:
    """A quarter of 20,000 USD; the symbol it is compared with begins later than it does."""
    bars = folder_of_three(tmp_path)
    (tmp_path / "config.toml").write_text(SLEEVES)
    words = ("backtest", "--source", f"csv:{tmp_path / 'bars'}", "--json", "--quiet")
    found = call(tmp_path, *words, "--sleeve", "calm").document
    assert {one["sleeve"] for one in found["orders"]} == {"calm"}
    assert [one["symbol"] for one in found["orders"]][:2] == ["OLD", "GONE"]
    assert found["settings"]["portfolio"]["capital_usd"] == 5000.0
    assert found["start"] == str(bars["OLD"].day(0))
    assert isinstance(found["benchmark"]["shares"], int)
    assert found["symbols"] == ["OLD", "GONE"]
    refused = call(tmp_path, *words, "--sleeve", "slow")
    assert (refused.code, refused.texts) == (2, '--sleeve "slow" is not known; use calm or fast')
    assert call(tmp_path, *words, "--sleeve", "calm", "--strategy", "buy_and_hold").code == 2
    assert call(tmp_path, *words, "--sleeve", "calm", "--approve").code == 2


def test_a_backtest_of_one_sleeve_says_what_of_the_account_it_leaves_out(tmp_path: Path) -> None:
    folder_of_three(tmp_path)
    (tmp_path / "config.toml").write_text(SLEEVES)
    words = ("backtest", "--source", f"csv:{tmp_path / 'bars'}", "--json", "--quiet")
    assert call(tmp_path, *words, "--sleeve", "calm").document["assumptions"] == [NOT_MODELLED, ALONE]
    alone = ("--strategy", "buy_and_hold", "--set", "strategy.buy_and_hold.symbol=OLD")
    assert call(tmp_path, *words, *alone).document["assumptions"] == [NOT_MODELLED, ALONE]
    assert call(tmp_path, *words).document["assumptions"] == [NOT_MODELLED]


def test_a_daily_loss_as_a_fraction_is_played_too(tmp_path: Path) -> None:
    """One in USD that is never reached plays the fast path; the same strategy with a fraction, session by session."""
    write_market(tmp_path / "bars")
    words = ("backtest", "--source", f"csv:{tmp_path / 'bars'}", "--symbol", "AAA", "--json", "--quiet", "--set")
    fast = call(tmp_path, *words, "risk.max_daily_loss_usd=1e6").document
    slow = call(tmp_path, *words, "risk.max_daily_loss_usd=none", "--set", "risk.max_daily_loss_frac=0.9").document
    assert fast["orders"]
    assert (fast["orders"], fast["trades"]) == (slow["orders"], slow["trades"])
    tight = call(tmp_path, *words, "risk.max_daily_loss_usd=none", "--set", "risk.max_daily_loss_frac=0.01").document
    assert tight["orders"] != slow["orders"]
    refused = call(tmp_path, *words, "risk.max_daily_loss_frac=0.9", "--decision", "near_close")
    assert "not for a start with shares, limits of the account, a daily loss as a fraction or stops" in refused.texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Needy(PairReversal):
    """A pair that a person must name."""

    name: ClassVar[str] = "needy"

    symbols: tuple[str, ...] = field(metadata={"doc": "the two symbols"})


def test_a_strategy_without_a_setting_it_needs_is_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STRATEGIES, "needy", Needy)
    found = call(tmp_path, "backtest", "--source", "sample", "--strategy", "needy")
    assert found.code == 2
    assert (
        "strategy.needy.symbols: needy needs it and has no default; set it in [strategy.needy], or try "
        '--set \'strategy.needy.symbols=["SP500", "UST10"]\' (the two symbols)'
    ) in found.err
    words = ("--set", 'strategy.needy.symbols=["SP500", "UST10"]', "--set", "market.sample=multi")
    assert call(tmp_path, "backtest", "--source", "sample", "--strategy", "needy", *words).code == 0


def test_what_costs_took_is_told_by_kind_with_its_rate(tmp_path: Path) -> None:
    """5 bps of what was traded at the bars' prices; commissions are those of the trades."""
    folder_of_three(tmp_path)
    found = asked(tmp_path, "--json", "--quiet", "--slippage-bps", "5").document
    costs, orders = found["costs"], found["orders"]
    paid = sum(trade["costs_usd"] for trade in found["trades"])
    bought = sum(one["shares"] * one["price"] for one in orders if one["side"] == "BUY")
    assert costs["traded_usd"] == pytest.approx(sum(one["shares"] * one["price"] for one in orders), abs=1e-5)
    assert costs["commission_usd"] == pytest.approx(paid)
    assert costs["slippage_usd"] == pytest.approx(bought / 1.0005 * 0.0005, abs=1e-4), "a last close is what it is"
    assert costs["impact_usd"] == 0
    assert costs["total_usd"] == pytest.approx(costs["commission_usd"] + costs["slippage_usd"])
    told = asked(tmp_path, "--quiet", "--slippage-bps", "5", "--set", "portfolio.impact_coefficient=0.5")
    told_again = asked(tmp_path, "--quiet", "--set", "portfolio.cost_model=ib_tiered")
    words = (
        "What costs took", "0.1 % of the value", "5 bps of the price",
        "0.5 x daily volatility x root of the part of the volume, 20 sessions each",
    )  # fmt: skip
    assert all(one in told.out for one in words), told.out
    assert "Interactive Brokers, tiered: 0.0035 USD a share or less" in told_again.out
    unknown = [line.split(" without")[0] for line in told.out.splitlines() if "without market impact" in line]
    assert unknown == ["LATE: 1 of its fills"], "it is bought at its first bar; 20 sessions are read of the others"


def test_impact_takes_more_of_more_shares(tmp_path: Path) -> None:
    """Ten times the capital moves prices by the root of ten, so that it pays 10 x root of 10 in USD."""
    folder_of_three(tmp_path)
    words = ("--json", "--quiet", "--set", "portfolio.impact_coefficient=0.5", "--set", "risk.max_position_usd=none")
    small, large = (
        asked(tmp_path, *words, "--set", f"portfolio.capital_usd={capital}").document["costs"]["impact_usd"]
        for capital in (1e6, 1e7)
    )
    assert large / small == pytest.approx(10**1.5, rel=0.05)
