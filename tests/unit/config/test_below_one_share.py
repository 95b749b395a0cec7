"""Symbols of which a sleeve's usual weight does not buy a share, amounts by hand."""

from pathlib import Path

import pytest

from mtum import config
from mtum.config.validation import strategy_from
from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.ensemble import Ensemble, Member, Vote
from mtum.core.strategies.pair_reversal import PairReversal

ONE = """
[portfolio]
strategy = "buy_and_hold"
capital_usd = 1000
[strategy.buy_and_hold]
symbols = ["SPY", "IEF", "GLD"]
"""
SLEEVES = """
[portfolio]
capital_usd = 10000
[sleeve.small]
strategy = "buy_and_hold"
weight = 0.05
[sleeve.small.rules]
symbols = ["SPY"]
[sleeve.closing]
strategy = "buy_and_hold"
weight = 0.0
state = "close"
[sleeve.looked_at]
strategy = "buy_and_hold"
weight = 0.0
state = "watch"
virtual_usd = 400
[sleeve.looked_at.rules]
symbols = ["SPY"]
"""


def warned(tmp_path: Path, text: str, **prices: float) -> list[str]:
    file = tmp_path / "config.toml"
    file.write_text(text)
    return config.below_one_share(config.load(file, {}), prices)


def test_a_third_of_the_capital_that_does_not_buy_a_share_is_named_with_its_amounts(tmp_path: Path) -> None:
    assert warned(tmp_path, ONE, SPY=600.0, IEF=95.0, GLD=333.33) == [
        "buy_and_hold: SPY usually gets 33.3% of 1,000.00 USD, 333.33 USD, and a share costs 600.00: it cannot be "
        "bought; give the sleeve more, or fewer symbols"
    ]


def test_nothing_is_said_of_a_symbol_without_a_price(tmp_path: Path) -> None:
    assert warned(tmp_path, ONE, IEF=95.0) == []


def test_each_sleeve_that_buys_has_its_own_money_what_is_watched_its_virtual_money(tmp_path: Path) -> None:
    assert [line.split(":")[0] for line in warned(tmp_path, SLEEVES, SPY=500.0, MTUM=200.0)] == ["looked_at"]
    assert [line.split(":")[0] for line in warned(tmp_path, SLEEVES, SPY=500.01)] == ["small", "looked_at"]


@pytest.mark.parametrize("rule", Vote)
def test_an_ensemble_usually_holds_the_mean_of_its_members(rule: Vote) -> None:
    pair = Member("pair_reversal", 3.0, PairReversal(("SPY", "IEF")))
    both = (pair, Member("buy_and_hold", 1.0, BuyAndHold(symbols=("SPY", "IEF"))))
    assert Ensemble(members=both, rule=rule).usual_weights == {"SPY": 0.875, "IEF": 0.875}
    apart = Ensemble(members=(pair, Member("buy_and_hold", 1.0, BuyAndHold("MTUM"))), rule=rule).usual_weights
    mean = {"SPY": 0.75, "IEF": 0.75, "MTUM": 0.25}
    assert apart == (mean if rule is Vote.MEAN else dict.fromkeys(mean, 1.0))


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("trend_following", {"symbols": ["SPY", "IEF"]}, {"SPY": 0.5, "IEF": 0.5}),
        ("dual_momentum", {}, {"SPY": 1.0, "EFA": 1.0, "AGG": 1.0}),
        ("mean_reversion", {"symbols": ["SPY", "IEF"], "max_positions": 4}, {"SPY": 0.25, "IEF": 0.25}),
        ("momentum_burst", {"symbols": ["SPY", "IEF"], "max_weight": 0.3}, {"SPY": 0.3, "IEF": 0.3}),
        ("donchian_breakout", {"symbols": ["SPY", "IEF"], "max_units": 2}, {"SPY": 0.25, "IEF": 0.25}),
        ("momentum_rotation", {"symbols": list("ABCDE"), "top": 4}, dict.fromkeys("ABCDE", 0.25)),
        ("volatility_target", {"max_weight": 0.5}, {"SPY": 0.5}),
        ("band_rebalance", {"weights": {"SPY": 0.6, "IEF": 0.1}}, {"SPY": 0.6, "IEF": 0.1}),
        ("sell_only_rebalance", {"weights": {"SPY": 0.6}}, {}),
    ],
)
def test_a_strategy_says_the_weight_of_a_purchase(
    name: str, given: dict[str, object], expected: dict[str, float]
) -> None:
    assert strategy_from(name, given).usual_weights == expected


def test_a_weight_of_nothing_is_no_purchase(tmp_path: Path) -> None:
    text = '[portfolio]\nstrategy = "band_rebalance"\n[strategy.band_rebalance]\nweights = {SPY = 0.0, IEF = 1.0}\n'
    assert warned(tmp_path, text, SPY=600.0, IEF=95.0) == []


def test_what_one_put_ties_up_is_told_as_a_part_of_its_sleeve(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        '[portfolio]\ncapital_usd = 100000\n[sleeve.puts]\nstrategy = "wheel"\nweight = 0.8\n[sleeve.puts.rules]\n'
        "symbols = {SPY = 0.5, IWM = 0.5}\n"
    )
    settings = config.load(file, {})
    # 100 shares of 600 USD of 80,000 USD; of 900 USD they are more than the sleeve has.
    assert config.tied_up(settings, {"SPY": 600.0}) == [
        "puts: one put of SPY near 600.00 ties up about 60,000 USD, 75% of the sleeve's 80,000"
    ]
    assert config.tied_up(settings, {"SPY": 900.0})[0].endswith("112% of the sleeve's 80,000; none can be sold")
    assert config.below_one_share(settings, {"SPY": 90_000.0}) == []
