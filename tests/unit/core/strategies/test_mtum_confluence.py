"""The strategy's rules, each tie and each missing input."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

import numpy as np
import pytest

from mtum.adapters.sources.embedded import sample_source
from mtum.core.indicators.smoothing import Smoothing
from mtum.core.market.bars import Bars
from mtum.core.strategies.contract import Abstain, Condition, Holding, Keep, Own, SymbolVerdict, Target
from mtum.core.strategies.mtum_confluence import ENTRY_CONDITIONS, EXIT_CONDITIONS, MtumConfluence, judged
from mtum.core.view import MarketView
from support.values import replace

RULES = MtumConfluence()
NUMBERS: dict[str, float | None] = {
    "close": 100.0,
    "ma": 90.0,
    "rsi": 60.0,
    "atr": 2.0,
    "volume": 2000.0,
    "volume_average": 1000.0,
    "vix": 15.0,
}


def judge(
    holding: Holding | None = None,
    rules: MtumConfluence = RULES,
    numbers: Mapping[str, float] = MappingProxyType({}),
    **changes: float | None,
) -> SymbolVerdict:
    return judged(rules, {**NUMBERS, **numbers, **changes}, holding or Holding("MTUM"))


def condition(verdict: SymbolVerdict, name: str) -> Condition:
    return next(one for one in verdict.conditions if one.name == name)


LONG = Holding("MTUM", 18, 96.0, date(2019, 12, 2), {"atr": 2.0})


def test_it_enters_when_flat_and_all_four_conditions_hold() -> None:
    verdict = judge()
    assert verdict.verdict == Target(1.0)
    assert verdict.reasons == ENTRY_CONDITIONS
    assert verdict.remember == {"atr": 2.0}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("close_above_ma", {"ma": 100.0}),
        ("vix_calm", {"vix": 25.0}),
        ("rsi_high", {"rsi": 50.0}),
        ("volume_high", {"volume": 1000.0}),
    ],
)
def test_an_exact_tie_does_not_enter(name: str, change: dict[str, float]) -> None:
    verdict = judge(numbers=change)
    assert (verdict.verdict, verdict.reasons) == (Keep(), ("hold",))
    assert (condition(verdict, name).passed, condition(verdict, name).margin) == (False, 0.0)


@pytest.mark.parametrize(
    ("change", "exits"),
    [({"ma": 100.0}, False), ({"vix": 30.0}, False), ({"rsi": 30.0}, False), ({"close": 104.0}, True)],
)
def test_at_an_exact_tie_only_the_profit_target_exits(change: dict[str, float], exits: bool) -> None:
    verdict = judge(LONG, numbers=change)
    assert isinstance(verdict.verdict, Target) is exits
    assert verdict.reasons == (("atr_target",) if exits else ("hold",))


def test_every_true_reason_of_an_exit_is_recorded_in_the_rules_order() -> None:
    verdict = judge(LONG, close=104.0, ma=105.0, vix=31.0, rsi=29.0)
    assert verdict.verdict == Target(0.0)
    assert verdict.reasons == EXIT_CONDITIONS


def test_a_holding_without_exit_reason_is_kept_even_when_entry_conditions_fail() -> None:
    assert judge(LONG, volume=1.0, vix=27.0).verdict == Keep()


def test_a_missing_vix_bars_entry_and_leaves_the_other_exits() -> None:
    assert judge(vix=None).verdict == Abstain()
    assert judge(vix=None).reasons == ("vix_missing",)
    assert judge(LONG, vix=None).verdict == Keep()
    assert judge(LONG, vix=None, ma=101.0).reasons == ("close_below_ma",)


def test_an_unproven_volume_bars_entry() -> None:
    assert judge(volume=None).reasons == ("volume_unproven",)


def test_an_undefined_rsi_neither_enters_nor_exits() -> None:
    assert judge(rsi=None).verdict == Keep()
    assert judge(LONG, rsi=None).verdict == Keep()


@pytest.mark.parametrize(("since", "cooldown", "enters"), [(1, 0, True), (1, 1, False), (2, 1, True), (3, 3, False)])
def test_the_cooldown_counts_sessions_after_the_exit(since: int, cooldown: int, enters: bool) -> None:
    flat = Holding("MTUM", sessions_since_exit=since)
    verdict = judge(flat, replace(RULES, reentry_cooldown_sessions=cooldown))
    assert isinstance(verdict.verdict, Target) is enters
    assert verdict.reasons == (ENTRY_CONDITIONS if enters else ("cooldown",))


def test_margins_are_positive_exactly_when_a_condition_holds() -> None:
    for verdict in (judge(), judge(LONG), judge(LONG, close=80.0, vix=40.0, rsi=10.0)):
        for one in verdict.conditions:
            if one.margin is not None and one.margin != 0:
                assert (one.margin > 0) is one.passed


@pytest.fixture(scope="module")
def sample() -> Bars:
    return sample_source().history("MTUM", date(2014, 1, 1), date(2018, 12, 31))


def seen(bars: Bars, rules: MtumConfluence) -> SymbolVerdict:
    view = MarketView(bars.last_day, {"MTUM": bars}, {"VIX": 15.0}, {})
    return rules.verdicts(view, Own({"MTUM": LONG}))[0]


@pytest.mark.parametrize(
    ("smoothing", "lengths"), [(Smoothing.SIMPLE, (60, 300)), (Smoothing.WILDER, (400, 500))], ids=["simple", "wilder"]
)
def test_the_length_of_history_changes_nothing(sample: Bars, smoothing: Smoothing, lengths: tuple[int, ...]) -> None:
    rules = replace(RULES, rsi_smoothing=smoothing, atr_smoothing=smoothing)
    for end in range(max(lengths), len(sample), 23):
        whole = sample.until(sample.day(end))
        for length in lengths:
            assert seen(whole.tail(length), rules) == seen(whole, rules)


def test_it_asks_for_the_history_that_its_smoothing_needs() -> None:
    assert RULES.history_sessions() == 60
    assert replace(RULES, ma_sessions=200).history_sessions() == 200
    assert replace(RULES, rsi_smoothing=Smoothing.WILDER).history_sessions() == 400
    assert replace(RULES, atr_smoothing=Smoothing.WILDER, atr_sessions=50).history_sessions() >= 1400


def test_an_impossible_parameter_is_named_with_what_was_found() -> None:
    problems = replace(RULES, ma_sessions=1, rsi_entry_above=150.0, symbol="mtum").problems()
    assert [line.split(" is ")[0] for line in problems] == ["ma_sessions", "rsi_entry_above", "symbol"]
    assert RULES.problems() == ()


def test_the_newest_value_of_a_missing_indicator_is_none(sample: Bars) -> None:
    short = sample.tail(10)
    assert seen(short, RULES).indicators["ma"] is None
    assert not np.isnan(seen(sample, RULES).indicators["rsi"] or 0.0)
