"""Members of an ensemble: tables of the settings that become strategies."""

from pathlib import Path

import pytest

from mtum import config
from mtum.core.strategies.ensemble import Ensemble, Member
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.core.strategies.pair_reversal import PairReversal
from mtum.errors import ConfigError

PLACE = "strategy.ensemble.members"
SETTINGS = """
[portfolio]
strategy = "ensemble"
[strategy.mtum_confluence]
ma_sessions = 40
rsi_sessions = 7
[strategy.ensemble]
members = [
    {strategy = "mtum_confluence", weight = 2, rules = {symbol = "SPY", rsi_sessions = 9}},
    {strategy = "pair_reversal"},
]
"""


def problems(members: object, **others: object) -> list[str]:
    changes = {"portfolio.strategy": "ensemble", PLACE: members}
    changes |= {f"strategy.ensemble.{name}": value for name, value in others.items()}
    with pytest.raises(ConfigError) as refused:
        config.load(None, {}, changes)
    return list(refused.value.problems)


def test_a_member_overrides_the_section_of_its_strategy_and_is_stored_whole(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(SETTINGS)
    settings = config.load(file, {})
    expected = Ensemble(
        members=(
            Member("mtum_confluence", 2.0, MtumConfluence("SPY", ma_sessions=40, rsi_sessions=9)),
            Member("pair_reversal", 1.0, PairReversal()),
        )
    )
    assert settings.active_strategy() == expected
    document = settings.document()
    first = document["strategy"]["ensemble"]["members"][0]
    assert (first["strategy"], first["weight"], first["rules"]["ma_sessions"]) == ("mtum_confluence", 2.0, 40)
    assert config.restored(document) == settings
    assert config.restored_strategy("ensemble", document) == expected


def test_a_sleeve_has_members_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        '[sleeve.vote]\nstrategy = "ensemble"\nweight = 0.5\n'
        '[sleeve.vote.rules]\nmembers = [{strategy = "buy_and_hold", rules = {symbol = "SPY"}}]\n'
    )
    settings = config.load(file, {})
    assert settings.sleeve["vote"].rules.universe() == ("SPY",)
    assert config.restored_strategy("vote", settings.document()) == settings.sleeve["vote"].rules


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ([], [f"{PLACE} holds 0 strategies; list one or more"]),
        ("SPY", [f"{PLACE}: input should be a valid list, found 'SPY'"]),
        ([{"weight": 1}], [f"{PLACE}.0.strategy: it has no default; set it"]),
        (
            [{"strategy": "ensemble"}],
            [f'{PLACE}.0.strategy is "ensemble"; use one that says of each symbol when to hold it'],
        ),
        (
            [{"strategy": "regime_rebalance"}],
            [f'{PLACE}.0.strategy is "regime_rebalance"; use one that says of each symbol when to hold it'],
        ),
        (
            [{"strategy": "mtum_confluenc"}],
            [f"{PLACE}.0.strategy: no strategy 'mtum_confluenc'; did you mean mtum_confluence?"],
        ),
        ([{"strategy": "buy_and_hold", "wieght": 1}], [f"{PLACE}.0.wieght: unknown setting; did you mean weight?"]),
        ([{"strategy": "buy_and_hold", "weight": -1}], [f"{PLACE}.0.weight is -1; use a number above 0, up to 1000"]),
        (
            [{"strategy": "buy_and_hold", "rules": {"simbol": "SPY"}}],
            [f"{PLACE}.0.rules.simbol: unknown setting; did you mean symbol?"],
        ),
        (
            [{"strategy": "buy_and_hold"}, {"strategy": "mtum_confluence", "rules": {"ma_sessions": 1}}],
            [f"{PLACE}.1.rules.ma_sessions is 1; use a whole number from 2 to 1000"],
        ),
        (
            [{"strategy": "mtum_confluence", "rules": {"ma_sessions": "many"}}],
            [
                f"{PLACE}.0.rules.ma_sessions: input should be a valid integer, "
                "unable to parse string as an integer, found 'many'"
            ],
        ),
    ],
)  # fmt: skip
def test_each_mistake_in_a_member_is_named_with_its_place(members: object, found: list[str]) -> None:
    assert problems(members) == found


def test_mistakes_in_members_do_not_hide_those_beside_them() -> None:
    found = problems([{"strategy": "none"}], min_trade_usd=-1.0)
    assert found == [
        f"{PLACE}.0.strategy: no strategy 'none'; see `mtum config schema`",
        "strategy.ensemble.min_trade_usd is -1; use a number from 0 to 1e+12",
    ]
