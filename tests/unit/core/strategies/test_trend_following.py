"""Votes, weights, weeks and the trailing stop of trend_following, numbers by hand."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pytest

from mtum.core.market.bars import Bars, Column
from mtum.core.strategies.contract import Holding, Keep, Own, SymbolVerdict, Target
from mtum.core.strategies.trend_following import UNTIL_DOWN, UNTIL_UP, TrendFollowing
from mtum.core.view import Asked, MarketView
from support.bars import bars_of, changed, moved, weekdays

ONE = TrendFollowing(symbols=("AAA",), weeks=2, months=2)
CALENDAR = tuple(weekdays(date(2023, 12, 1), 400))
FLAT = bars_of([100.0] * 35, symbol="AAA")
"""Seven weeks from Monday 1 January 2024; position 22 is the last session of January, 29 that of the sixth week."""
FRIDAY, LAST_WEEK, LAST_MONTH = 34, 29, 22
READ = {"trend_fast": 2.0, "trend_slow": 1.0, "trend_adx": 20.0, "trend_atr": 1.0, "trend_volatility": 0.15}
"""All of the day's vote holds, and nothing is made smaller."""


def view_of(rule: TrendFollowing, *bars: Bars, **read: float) -> MarketView:
    """The market at the last bar, with the day's indicators as given."""
    columns: dict[tuple[str, Asked], Column] = {
        (one.symbol, spec): np.full(len(one), (READ | read)[spec.name])
        for one in bars
        for spec in rule.indicators()
        if spec.name in READ
    }
    named = {one.symbol: one for one in bars}
    return MarketView(bars[0].last_day, named, {}, {}, columns, calendar=CALENDAR)


def said(
    bars: Bars, held: Holding | None = None, memory: Mapping[str, Any] | None = None, **read: float
) -> SymbolVerdict:
    """What is said of the only symbol by a sleeve of USD 1,000."""
    own = Own({"AAA": held} if held else {}, 0.0, 1000.0, None, memory or {})
    (verdict,) = ONE.verdicts(view_of(ONE, bars, **read), own)
    return verdict


UP = moved(FLAT, {FRIDAY: 101.0})
"""On Friday the close is above that of the week and of the month before."""


@pytest.mark.parametrize(
    ("bars", "read", "held"),
    [
        (UP, {}, (True, True, True, True)),
        (UP, {"trend_fast": 1.0}, (False, True, True, True)),
        (UP, {"trend_fast": 1.000001}, (True, True, True, True)),
        (UP, {"trend_adx": 19.999999}, (True, False, True, True)),
        (FLAT, {}, (True, True, False, False)),
        (moved(UP, {LAST_WEEK: 101.0}), {}, (True, True, False, True)),
        (moved(UP, {LAST_MONTH: 101.0}), {}, (True, True, True, False)),
        (UP, {"trend_fast": float("nan"), "trend_adx": float("nan")}, (False, False, True, True)),
    ],
)
def test_means_must_be_beaten_the_adx_reached_and_what_is_unknown_votes_no(
    bars: Bars, read: dict[str, Any], held: tuple[bool, ...]
) -> None:
    assert tuple(one.passed for one in said(bars, **read).conditions[:4]) == held


@pytest.mark.parametrize(
    ("bars", "read", "score", "weight"),
    [
        (UP, {}, 3, 1.0),
        (UP, {"trend_adx": 10.0}, 2, 0.5),
        (moved(UP, {LAST_WEEK: 102.0}), {}, 2, 0.5),
        (moved(UP, {LAST_MONTH: 102.0}), {"trend_fast": 0.0}, 1, None),
        (FLAT, {"trend_fast": 0.0}, 0, None),
        # A day's vote is one of three: a strong trend of falling means is none.
        (FLAT, {"trend_adx": 60.0, "trend_fast": 0.0}, 0, None),
        (UP, {"trend_volatility": 0.30}, 3, 0.5),
        (UP, {"trend_volatility": 0.16}, 3, 0.9375),
        (UP, {"trend_volatility": 0.35, "trend_adx": 10.0}, 2, 0.214286),
        (UP, {"trend_volatility": 0.0}, 3, 1.0),
        (UP, {"trend_volatility": float("nan")}, 3, 1.0),
    ],
)
def test_two_votes_hold_half_three_hold_all_and_volatility_makes_it_less(
    bars: Bars, read: dict[str, Any], score: int, weight: float | None
) -> None:
    found = said(bars, **read)
    assert found.verdict == (Keep() if weight is None else Target(weight))
    assert found.reasons == (f"trend_score_{score}",)
    assert found.confidence == round(score / 3, 6)


def test_each_symbol_has_an_equal_part_and_sales_come_before_purchases() -> None:
    rule = TrendFollowing(symbols=("AAA", "BBB", "CCC"), weeks=2, months=2)
    bars = [bars_of(one.close.tolist(), symbol=name) for name, one in (("AAA", UP), ("BBB", UP), ("CCC", FLAT))]
    own = Own({"CCC": Holding("CCC", 3, 90.0, date(2024, 2, 12))}, 0.0, 1000.0)
    found = rule.verdicts(view_of(rule, *bars, trend_fast=1.0, trend_volatility=0.2), own)
    # Two votes of three, 0.15 / 0.2, a third each: 0.5 x 0.75 / 3.
    assert [(one.symbol, one.verdict) for one in found] == [
        ("CCC", Target(0.0)),
        ("AAA", Target(0.125)),
        ("BBB", Target(0.125)),
    ]


def test_a_symbol_that_is_not_fit_is_left_out_and_the_others_go_on() -> None:
    rule = TrendFollowing(symbols=("AAA", "BBB"), weeks=2, months=2)
    (found,) = rule.verdicts(view_of(rule, UP), Own(equity_usd=1000.0))
    assert (found.symbol, found.verdict) == ("AAA", Target(0.5))


def test_the_score_is_weighed_at_the_end_of_a_week_only() -> None:
    thursday = moved(FLAT.tail(35), {33: 101.0}).until(date(2024, 2, 15))
    found = said(thursday, memory={"week:AAA": "2024-W06"})
    assert (found.verdict, found.reasons, found.memory["week:AAA"]) == (Keep(), ("hold",), "2024-W06")
    friday = said(UP, memory={"week:AAA": "2024-W06"})
    assert (friday.verdict, friday.memory["week:AAA"]) == (Target(1.0), "2024-W07")
    again = said(UP, memory=friday.memory)
    assert (again.verdict, again.reasons) == (Keep(), ("hold",))


MONDAY = bars_of([100.0] * 34 + [110.0, 105.0], symbol="AAA")
"""The week that ended on Friday was not decided: it closed at 110, and Monday at 105."""


def test_a_missed_week_is_decided_at_the_next_session_and_the_weeks_before_count_from_it() -> None:
    found = said(MONDAY, memory={"week:AAA": "2024-W06"})
    # The mean of Monday's 105 and the 100 of the week before the missed one, not of 105 and 110.
    assert (found.indicators["trend_weeks"], found.verdict) == (102.5, Target(1.0))
    assert found.memory["week:AAA"] == "2024-W07"
    tuesday = bars_of([*MONDAY.close.tolist(), 105.0], symbol="AAA")
    done = said(tuesday, memory=found.memory)
    assert (done.verdict, done.indicators["trend_weeks"]) == (Keep(), 107.5)


def test_a_week_missed_until_the_end_of_the_next_is_decided_once_with_that_one() -> None:
    bars = bars_of([100.0] * 29 + [120.0] + [100.0] * 4 + [110.0], symbol="AAA")
    found = said(bars, memory={"week:AAA": "2024-W05"})
    assert (found.indicators["trend_weeks"], found.memory["week:AAA"]) == (115.0, "2024-W07")


def test_a_new_sleeve_waits_for_its_first_week_end() -> None:
    found = said(MONDAY)
    assert (found.verdict, found.reasons, found.memory["week:AAA"]) == (Keep(), ("hold",), "2024-W07")


@pytest.mark.parametrize(
    ("shares", "verdict"),
    [(9, Target(1.0)), (10, Keep()), (8, Target(1.0)), (11, Target(1.0))],
)
def test_a_held_weight_is_changed_from_a_step_on(shares: int, verdict: Target | Keep) -> None:
    # Closes of 100: 9 shares are 0.9 of 1,000, exactly a step away from 1.
    bars = moved(FLAT, {LAST_WEEK: 99.0, LAST_MONTH: 99.0})
    found = said(bars, Holding("AAA", shares, 90.0, date(2024, 2, 12)))
    assert (found.verdict, found.reasons) == (verdict, ("trend_score_3",))
    assert found.conditions[4].margin == pytest.approx(abs(1 - shares / 10) - 0.1)


def test_less_than_a_step_away_it_is_left_alone_but_for_a_whole_exit_and_an_entry() -> None:
    bars = moved(FLAT, {FRIDAY: 100.1})  # nine shares and a little cash: 0.9009
    assert said(bars, Holding("AAA", 9, 90.0, date(2024, 2, 12))).verdict == Keep()
    small = Holding("AAA", 1, 90.0, date(2024, 2, 12))
    assert said(moved(FLAT, {FRIDAY: 50.0}), small, trend_atr=50.0).verdict == Target(0.0)
    assert said(UP, trend_volatility=3.0).verdict == Target(0.05)


@pytest.mark.parametrize(("shares", "verdict"), [(18, Target(0.5)), (19, Keep()), (21, Keep()), (22, Target(0.5))])
def test_the_step_is_one_of_the_symbols_own_part(shares: int, verdict: Target | Keep) -> None:
    # Half of 4,040 is 20 shares at 101; a tenth of that half is two of them.
    rule = TrendFollowing(symbols=("AAA", "BBB"), weeks=2, months=2)
    own = Own({"AAA": Holding("AAA", shares, 90.0, date(2024, 2, 12))}, 0.0, 4040.0)
    (found,) = rule.verdicts(view_of(rule, UP), own)
    assert found.verdict == verdict


def test_without_enough_weeks_or_months_there_is_no_mean_and_no_vote() -> None:
    short = moved(bars_of([100.0] * 5, symbol="AAA"), {4: 101.0})
    found = said(short)
    assert (found.indicators["trend_weeks"], found.indicators["trend_months"]) == (None, None)
    assert (found.verdict, found.reasons) == (Keep(), ("trend_score_1",))


PEAK = moved(FLAT, {10: 130.0, 20: 120.0, 25: 110.0, 32: 117.0})
"""Up to Wednesday of the seventh week: 130 on 15 January, 120 on the 29th."""
ENTRY = date(2024, 1, 29)


@pytest.mark.parametrize(
    ("close", "sold"), [(117.0, False), (116.99, True), (118.0, False)], ids=["on it", "below", "above"]
)
def test_the_stop_trails_the_highest_close_from_the_entry_session_on_at_every_session(close: float, sold: bool) -> None:
    wednesday = moved(PEAK, {32: close}).until(date(2024, 2, 14))
    # 120 less three times 1; the 130 of before the entry does not count.
    found = said(wednesday, Holding("AAA", 5, 119.0, ENTRY), {"week:AAA": "2024-W06"})
    assert found.conditions[-1].threshold == 117.0
    assert (found.verdict, found.reasons) == ((Target(0.0), ("chandelier",)) if sold else (Keep(), ("hold",)))
    assert found.memory["stopped:AAA"] == (UNTIL_DOWN if sold else None)


def test_a_close_more_than_250_sessions_ago_raises_the_stop_no_more() -> None:
    closes = [100.0] * 300
    closes[49] = 130.0  # the 251st from the end
    closes[50] = 120.0
    held = Holding("AAA", 5, 99.0, date(2024, 1, 2))
    assert said(bars_of(closes, symbol="AAA"), held).conditions[-1].threshold == 117.0


def test_at_a_week_end_both_reasons_of_a_sale_are_told() -> None:
    held = Holding("AAA", 5, 99.0, ENTRY)
    found = said(moved(FLAT, {25: 110.0}), held, trend_fast=0.0)
    assert (found.verdict, found.reasons) == (Target(0.0), ("trend_score_0", "chandelier"))
    rising = said(moved(UP, {25: 110.0}), held)
    assert (rising.verdict, rising.reasons) == (Target(0.0), ("chandelier",))


@pytest.mark.parametrize(
    ("before", "up", "after"),
    [
        (UNTIL_DOWN, True, UNTIL_DOWN),
        (UNTIL_DOWN, False, UNTIL_UP),
        (UNTIL_UP, False, UNTIL_UP),
        (UNTIL_UP, True, None),
        (None, True, None),
        (None, False, None),
    ],
)
def test_what_was_stopped_stays_out_until_the_days_vote_no_and_then_yes_again(
    before: str | None, up: bool, after: str | None
) -> None:
    wednesday = UP.until(date(2024, 2, 14))
    memory = {"week:AAA": "2024-W06"} | ({"stopped:AAA": before} if before else {})
    found = said(wednesday, memory=memory, trend_fast=2.0 if up else 0.0)
    assert (found.verdict, found.memory["stopped:AAA"]) == (Keep(), after)


def test_the_vote_of_the_stops_own_session_counts() -> None:
    wednesday = moved(PEAK, {32: 100.0}).until(date(2024, 2, 14))
    found = said(wednesday, Holding("AAA", 5, 119.0, ENTRY), {"week:AAA": "2024-W06"}, trend_fast=0.0)
    assert (found.reasons, found.memory["stopped:AAA"]) == (("chandelier",), UNTIL_UP)


def test_a_stopped_symbol_is_not_bought_at_a_week_end_until_it_is_free() -> None:
    barred = said(UP, memory={"stopped:AAA": UNTIL_DOWN})
    assert (barred.verdict, barred.reasons) == (Keep(), ("trend_stopped",))
    free = said(UP, memory={"stopped:AAA": UNTIL_UP})
    assert (free.verdict, free.reasons, free.memory["stopped:AAA"]) == (Target(1.0), ("trend_score_3",), None)


def test_shares_that_a_stop_could_not_sell_are_sold_at_the_next_session() -> None:
    wednesday = FLAT.until(date(2024, 2, 14))
    held = Holding("AAA", 5, 99.0, date(2024, 2, 12))
    found = said(wednesday, held, {"week:AAA": "2024-W06", "stopped:AAA": UNTIL_DOWN})
    assert (found.verdict, found.reasons) == (Target(0.0), ("chandelier",))


def test_a_dividend_is_no_fall_for_the_means_of_weeks_and_months_nor_for_the_volatility() -> None:
    # It pays 2 on Friday and falls by 1: with the dividend put back it has risen from 98.
    paying = changed(moved(FLAT, {FRIDAY: 99.0}), dividend={FRIDAY: 2.0})
    found = said(paying)
    assert (found.indicators["trend_weeks"], found.indicators["trend_months"]) == (98.5, 98.5)
    assert found.verdict == Target(1.0)
    still = changed(moved(FLAT, {FRIDAY: 98.0}), dividend={FRIDAY: 2.0})
    volatility = next(spec for spec in ONE.indicators() if spec.name == "trend_volatility")
    view = MarketView(still.last_day, {"AAA": still}, {}, {}, calendar=CALENDAR)
    assert view.newest("AAA", TrendFollowing(vol_sessions=5).indicators()[4]) == 0.0
    assert volatility.total_return


def test_a_split_changes_no_verdict() -> None:
    wednesday = moved(PEAK, {32: 116.0}).until(date(2024, 2, 14))
    halved = bars_of([close / 2 for close in wednesday.close.tolist()], symbol="AAA")
    before = said(wednesday, Holding("AAA", 5, 119.0, ENTRY))
    after = said(halved, Holding("AAA", 10, 59.5, ENTRY), trend_fast=1.0, trend_slow=0.5, trend_atr=0.5)
    assert (before.verdict, before.reasons) == (after.verdict, after.reasons) == (Target(0.0), ("chandelier",))


@pytest.mark.parametrize(
    ("parameters", "sessions"),
    [
        ({}, 589),  # the ADX: 2 (14 + 1 + 280) - 1
        ({"slow": 60}, 682),  # 60 and 622 until the seed has faded
        ({"chandelier_sessions": 40}, 860),
        ({"months": 30}, 640),  # 21.2 x 30 + 4
        ({"weeks": 130}, 655),
        ({"vol_sessions": 700}, 701),
    ],
)
def test_the_history_it_needs_follows_from_its_parameters(parameters: dict[str, Any], sessions: int) -> None:
    assert TrendFollowing(**parameters).history_sessions() == sessions


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"symbols": ()}, "symbols holds 0 tickers; list 1 or more"),
        ({"fast": 0}, "fast is 0; use a whole number from 1 to 999"),
        ({"slow": 1001}, "slow is 1001; use a whole number from 2 to 1000"),
        ({"fast": 50}, "fast is 50; use a whole number below slow, which is 50"),
        ({"adx_min": 100.5}, "adx_min is 100.5; use a number from 0 to 100"),
        ({"weeks": 1}, "weeks is 1; use a whole number from 2 to 260"),
        ({"months": 121}, "months is 121; use a whole number from 2 to 120"),
        ({"target_vol": 0.0}, "target_vol is 0; use a number from 0.001 to 10"),
        ({"vol_sessions": 1}, "vol_sessions is 1; use a whole number from 2 to 1000"),
        ({"chandelier_atr": 0.0}, "chandelier_atr is 0; use a number from 0.1 to 100"),
        ({"chandelier_sessions": 0}, "chandelier_sessions is 0; use a whole number from 1 to 250"),
        ({"step": float("nan")}, "step is nan; use a number from 0 to 1"),
    ],
)
def test_impossible_parameters_are_named_with_their_range(parameters: dict[str, Any], words: str) -> None:
    assert TrendFollowing(**parameters).problems() == (words,)
