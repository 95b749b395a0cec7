"""Breakouts are bought in units and sold below their channel or at their stop, numbers by hand."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from mtum.core.portfolio.carried import in_todays_shares
from mtum.core.portfolio.fills import Split
from mtum.core.reporting.explain import confidence_of
from mtum.core.strategies.contract import Holding, Keep, Own, Price, Remembered, SymbolVerdict, Target
from mtum.core.strategies.donchian_breakout import DonchianBreakout
from support.told_views import TODAY, held, said, told_view
from support.values import replace

RULE = DonchianBreakout(symbols=("AAA", "BBB"))
OUT = {"close": 101.0, "upper": 100.0, "lower": 90.0, "atr": 4.0, "sure_upper": 102.0}
"""Above the channel to enter by one dollar, one below the longer channel."""
ONE = replace(RULE, system=1)
WON: dict[str, Remembered] = {"paper_result__AAA": "won"}
LOST: dict[str, Remembered] = {"paper_result__AAA": "lost"}
RUNNING: dict[str, Remembered] = {"paper_price__AAA": Price("AAA", 95.0), "paper_n__AAA": Price("AAA", 4.0)}


def only(rule: DonchianBreakout, told: dict[str, Any], *holdings: Holding, **memory: Remembered) -> SymbolVerdict:
    quiet = {**OUT, "close": 95.0}
    return said(rule, {"AAA": told, "BBB": quiet}, *holdings, **memory)["AAA"]


def test_a_breakout_buys_a_unit_of_which_one_atr_is_a_percent_of_the_sleeve() -> None:
    found = only(RULE, OUT)
    # 0.01 x 101 / 4 = 0.2525, less than a half
    assert (found.verdict, found.reasons) == (Target(0.2525), ("breakout",))
    assert (found.remember, found.memory) == ({"atr": 4.0}, {"unit:AAA": 0.2525})
    assert found.conditions[0].margin == 1.0


def test_a_unit_is_at_most_the_symbols_part_of_all_units() -> None:
    calm = {**OUT, "atr": 0.5}  # 0.01 x 101 / 0.5 = 2.02
    assert only(RULE, calm).verdict == Target(0.5)
    three = DonchianBreakout(symbols=("AAA", "BBB", "CCC"), max_units=2)
    assert said(three, {"AAA": calm})["AAA"].verdict == Target(0.166667)


@pytest.mark.parametrize("changes", [{"upper": 101.0}, {"upper": None}, {"atr": None}, {"atr": 0.0}])
def test_a_tie_or_an_undefined_value_enters_nothing(changes: dict[str, Any]) -> None:
    found = only(RULE, {**OUT, **changes})
    assert (found.verdict, dict(found.memory)) == (Keep(), {})


@pytest.mark.parametrize(
    ("close", "reasons"),
    [
        (90.0, ("hold",)),
        (89.999999, ("channel_low",)),
        (86.0, ("channel_low", "stop_n")),  # 96 - 2 x 5, the ATR of the entry
    ],
)
def test_it_leaves_below_the_channel_and_at_its_stop(close: float, reasons: tuple[str, ...]) -> None:
    found = only(RULE, {**OUT, "close": close}, held(price=96.0, atr=5.0))
    assert found.reasons == reasons
    assert found.verdict == (Keep() if reasons == ("hold",) else Target(0.0))


def test_the_stop_is_under_the_last_purchase() -> None:
    twice = replace(held(price=100.0, atr=5.0), added=1, added_price=106.0)
    told = {**OUT, "lower": 80.0}
    assert only(RULE, {**told, "close": 96.0}, twice).reasons == ("stop_n",)
    assert only(RULE, {**told, "close": 96.000001}, twice).reasons == ("hold",)


UNITS = replace(RULE, max_units=3)


@pytest.mark.parametrize(
    ("close", "shares", "added", "verdict"),
    [
        (101.999999, 20, 0, Keep()),
        (102.0, 20, 0, Target(0.304)),  # 0.204 held and 0.1 more
        (104.0, 20, 1, Target(0.308)),  # 102 + 0.5 x 4 for the third unit
        (103.9, 20, 1, Keep()),
        (120.0, 20, 2, Keep()),  # three units are all there may be
        (105.0, 45, 0, Target(0.5)),  # 0.4725 and 0.1 more would be above the symbol's half
        (105.0, 48, 0, Keep()),  # 0.504 is above it already: never a reduction
    ],
)
def test_another_unit_is_added_half_an_atr_above_the_last_purchase(
    close: float, shares: int, added: int, verdict: Target | Keep
) -> None:
    mine = replace(held(price=100.0, atr=4.0, shares=shares), added=added, added_price=102.0 if added else None)
    found = only(UNITS, {**OUT, "close": close, "lower": 80.0}, mine, unit__AAA=0.1)
    assert found.verdict == verdict
    assert found.reasons == (("hold",) if verdict == Keep() else ("unit_added",))
    assert (found.remember, found.memory) == ({}, {})


def test_an_exit_adds_nothing_and_without_a_known_unit_nothing_is_added() -> None:
    mine = held(price=100.0, atr=4.0)
    assert only(UNITS, {**OUT, "close": 110.0, "lower": 111.0}, mine, unit__AAA=0.1).reasons == ("channel_low",)
    assert only(UNITS, {**OUT, "close": 110.0}, mine).reasons == ("hold",)


def test_a_unit_that_was_not_bought_yet_is_kept_for_a_purchase_that_stands() -> None:
    assert only(RULE, {**OUT, "close": 99.0}, unit__AAA=0.1).memory == {}


def test_system_one_takes_its_first_signal_and_follows_it_on_paper() -> None:
    found = only(ONE, OUT)
    assert found.reasons == ("breakout",)
    paper = {"paper_price:AAA": Price("AAA", 101.0), "paper_n:AAA": Price("AAA", 4.0)}
    assert found.memory == {"unit:AAA": 0.2525, **paper}


def test_after_a_loser_the_signal_is_taken_after_a_winner_it_is_skipped_and_followed_all_the_same() -> None:
    assert only(ONE, OUT, **LOST).reasons == ("breakout",)
    skipped = only(ONE, OUT, **WON)
    assert (skipped.verdict, skipped.reasons) == (Keep(), ("breakout_filtered",))
    assert skipped.memory == {"paper_price:AAA": Price("AAA", 101.0), "paper_n:AAA": Price("AAA", 4.0)}
    assert [one.passed for one in skipped.conditions[:3]] == [True, True, False]


def test_a_skipped_signal_enters_above_the_longer_channel_at_once_or_while_it_runs() -> None:
    above = {**OUT, "close": 102.000001}
    assert only(ONE, above, **WON).reasons == ("breakout",)
    assert only(ONE, above, **WON, **RUNNING).reasons == ("breakout",)
    assert only(ONE, {**OUT, "close": 102.0}, **WON, **RUNNING).reasons == ("breakout_filtered",)


@pytest.mark.parametrize("outcome", [{}, LOST])
def test_while_a_signal_that_was_taken_runs_there_is_no_other(outcome: dict[str, Remembered]) -> None:
    found = only(ONE, {**OUT, "close": 110.0}, **outcome, **RUNNING)
    assert (found.verdict, found.reasons, found.memory) == (Keep(), ("breakout_filtered",), {})


ENDED = {"paper_price:AAA": None, "paper_n:AAA": None}


@pytest.mark.parametrize(
    ("close", "lower", "memory"),
    [
        (96.0, 97.0, {**ENDED, "paper_result:AAA": "won"}),
        (95.0, 97.0, {**ENDED, "paper_result:AAA": "lost"}),  # its own price is no gain
        (87.0, 80.0, {**ENDED, "paper_result:AAA": "lost"}),  # 95 - 2 x 4
        (87.000001, 80.0, {}),
        (97.0, 97.0, {}),
    ],
)
def test_a_trade_on_paper_ends_below_the_channel_or_at_its_own_stop(
    close: float, lower: float, memory: dict[str, object]
) -> None:
    assert only(ONE, {**OUT, "close": close, "lower": lower}, **RUNNING).memory == memory


def test_a_position_goes_on_after_its_trade_on_paper_and_the_next_signal_is_followed_while_held() -> None:
    mine = held(price=99.0, atr=4.0)
    ended = only(ONE, {**OUT, "close": 92.0}, mine, **{**RUNNING, "paper_price__AAA": Price("AAA", 100.0)})
    assert (ended.reasons, ended.memory["paper_result:AAA"]) == (("hold",), "lost")
    again = only(ONE, OUT, mine, **LOST)
    assert (again.reasons, again.memory["paper_price:AAA"]) == (("hold",), Price("AAA", 101.0))


SQUEEZE = {"bollinger_upper": 101.0, "bollinger_lower": 99.0, "keltner_upper": 102.0, "keltner_lower": 98.0}
WIDE = [103.0] * 9


@pytest.mark.parametrize(
    ("changes", "sessions"),
    [
        ({}, 10),
        ({"bollinger_upper": [101.0, *WIDE]}, 1),  # only nine sessions ago
        ({"bollinger_upper": [101.0, *WIDE, 103.0]}, 0),  # ten sessions ago is too long
        ({"bollinger_upper": 102.0}, 0),
        ({"bollinger_lower": 98.0}, 0),
        ({"keltner_upper": None}, 0),
    ],
)
def test_with_the_filter_only_a_breakout_out_of_a_squeeze_is_bought(changes: dict[str, Any], sessions: int) -> None:
    found = only(replace(RULE, squeeze_filter=True), {**OUT, **SQUEEZE, **changes})
    assert found.reasons == (("breakout",) if sessions else ("breakout_filtered",))
    assert {one.name: one.value for one in found.conditions}["squeezed"] == sessions


def test_the_filter_keeps_no_signal_from_being_followed() -> None:
    found = only(replace(ONE, squeeze_filter=True), {**OUT, **SQUEEZE, "bollinger_upper": 103.0})
    assert (found.reasons, found.memory["paper_price:AAA"]) == (("breakout_filtered",), Price("AAA", 101.0))


@pytest.mark.parametrize("close", [102.0, 97.0, 87.0])
def test_a_split_while_it_is_held_and_followed_changes_no_verdict(close: float) -> None:
    rule = replace(ONE, max_units=3)
    before, mine = {**OUT, "close": close, "lower": 88.0}, held(price=100.0, atr=4.0, shares=20)
    memory: dict[str, Remembered] = {
        "unit:AAA": 0.1,
        "paper_price:AAA": Price("AAA", 95.0),
        "paper_n:AAA": Price("AAA", 4.0),
    }
    split = Split("AAA", TODAY + timedelta(days=1), Decimal(4))
    kept, _, _ = in_todays_shares(memory, (), {}, TODAY, [split])
    after = {name: value / 4 for name, value in before.items()}
    whole = only(rule, before, mine, **{name.replace(":", "__"): value for name, value in memory.items()})
    parts = only(
        rule,
        after,
        replace(mine, shares=80, entry_price=25.0, remembered={"atr": 1.0}),
        **{name.replace(":", "__"): value for name, value in kept.items()},
    )
    assert (parts.verdict, parts.reasons) == (whole.verdict, whole.reasons)
    assert parts.memory.keys() == whole.memory.keys()


def test_exits_come_first_and_purchases_in_the_order_of_the_list() -> None:
    three = DonchianBreakout(symbols=("AAA", "BBB", "CCC"))
    found = said(three, {"AAA": {**OUT, "close": 95.0}, "BBB": OUT, "CCC": {**OUT, "close": 80.0}}, held("CCC"))
    assert [*found] == ["CCC", "BBB", "AAA"]


def test_an_unfit_symbol_leaves_the_others_alone() -> None:
    found = RULE.verdicts(told_view(RULE, {"AAA": OUT}, {"BBB": 50.0}), Own({"BBB": held("BBB")}))
    assert [(one.symbol, one.verdict) for one in found] == [("AAA", Target(0.2525))]


def test_confidence_is_the_part_of_the_known_conditions_that_hold() -> None:
    assert confidence_of(ONE, only(ONE, OUT, **WON), held=False) == 0.666667
    assert confidence_of(RULE, only(RULE, {**OUT, "close": 89.0}, held(price=96.0, atr=5.0)), held=True) == 0.5


@pytest.mark.parametrize(("system", "enter", "leave"), [(2, 55, 20), (1, 20, 10)])
def test_a_system_has_its_channels_of_the_sessions_before(system: int, enter: int, leave: int) -> None:
    asked = {spec.name: dict(spec.parameters) for spec in replace(RULE, system=system).indicators()}
    assert asked["upper"] == {"sessions": enter, "previous": True, "line": "high"}
    assert asked["lower"] == {"sessions": leave, "previous": True, "line": "low"}


def test_it_asks_for_the_bars_after_which_wilders_mean_has_forgotten_its_seed_ten_sessions_ago() -> None:
    assert RULE.history_sessions() == 435


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"symbols": ("spy",)}, 'symbols holds "spy"'),
        ({"system": 3}, "system is 3; use 2 or 1"),
        ({"risk_frac": 1.5}, "risk_frac is 1.5; use a number from 0.0001 to 1"),
        ({"max_units": 0}, "max_units is 0; use a whole number from 1 to 100"),
        ({"step_n": 0.0}, "step_n is 0; use a number from 0.01 to 100"),
        ({"stop_n": 0.0}, "stop_n is 0; use a number from 0.01 to 100"),
    ],
)
def test_an_impossible_parameter_is_named_with_its_range(changes: dict[str, Any], words: str) -> None:
    (problem,) = DonchianBreakout(**changes).problems()
    assert problem.startswith(words)
