"""Each asset by its own return, sized by its own volatility, numbers by hand."""

from collections.abc import Mapping
from datetime import date
from math import log, sqrt
from typing import Any

import pytest

from mtum.core.market.bars import Bars
from mtum.core.strategies.contract import Holding, Keep, Own, SymbolVerdict, Target
from mtum.core.strategies.tsmom import Tsmom
from mtum.core.view import MarketView
from support.bars import bars_of, changed, moved, weekdays

CALENDAR = tuple(weekdays(date(2022, 7, 1), 900))
JANUARY, FEBRUARY = 22, 43
"""Positions of the last sessions of the two months in bars that begin on 1 January 2024."""
ONE = Tsmom(symbols=("AAA",), lookback_months=1)


def growing(rate: float, sessions: int = FEBRUARY + 1, symbol: str = "AAA") -> Bars:
    """Bars that rise by that fraction every session: each log return is the same, and so is their mean square."""
    return bars_of([100.0 * (1.0 + rate) ** at for at in range(sessions)], symbol=symbol)


def said(
    *bars: Bars,
    rule: Tsmom = ONE,
    memory: Mapping[str, Any] | None = None,
    equity: float = 1000.0,
    **held: int,
) -> tuple[SymbolVerdict, ...]:
    own = Own({one: Holding(one, shares, 90.0) for one, shares in held.items()}, 0.0, equity, None, memory or {})
    view = MarketView(bars[0].last_day, {one.symbol: one for one in bars}, {}, {}, calendar=CALENDAR)
    return rule.verdicts(view, own)


FLAT = bars_of([100.0] * (FEBRUARY + 1), symbol="AAA")


def test_the_weight_is_the_target_over_the_volatility_in_equal_parts() -> None:
    # ln 1.01 = 0.00995033, times the root of 252: 0.157957; 0.10 / 0.157957 = 0.633084, a half of it.
    rule = Tsmom(symbols=("AAA", "BBB"), lookback_months=1)
    first, second = said(growing(0.01), growing(-0.01, symbol="BBB"), rule=rule)
    assert (first.symbol, first.verdict, first.reasons) == ("BBB", Target(0.0), ("tsmom_down",))
    assert (second.symbol, second.verdict, second.reasons) == ("AAA", Target(0.316542), ("tsmom_up",))
    assert second.indicators["tsmom_volatility"] == 0.157957


def test_the_newest_return_weighs_most() -> None:
    # Of 43 returns the newest is ln 1.02, the others 0; com 1 halves each: 252 ln 1.02 squared / (1 + 1/2 + ...).
    rule = Tsmom(symbols=("AAA",), lookback_months=1, com_sessions=1)
    (found,) = said(moved(FLAT, {FEBRUARY: 102.0}), rule=rule)
    assert found.indicators["tsmom_volatility"] == pytest.approx(log(1.02) * sqrt(252 / 2), abs=1e-6)
    (older,) = said(moved(FLAT, {FEBRUARY - 1: 102.0, FEBRUARY: 102.0}), rule=rule)
    assert older.indicators["tsmom_volatility"] == pytest.approx(log(1.02) * sqrt(252 / 4), abs=1e-6)


def test_no_more_than_the_last_400_returns_are_looked_at() -> None:
    closes = [50.0, *[100.0] * 399, 101.0]
    (all_of_them,) = said(bars_of(closes, symbol="AAA", first=date(2024, 1, 1)), rule=ONE)
    (without,) = said(bars_of([25.0, *closes[1:]], symbol="AAA", first=date(2024, 1, 1)), rule=ONE)
    assert all_of_them.indicators["tsmom_volatility"] != without.indicators["tsmom_volatility"]
    (longer,) = said(bars_of([25.0, *closes], symbol="AAA", first=date(2023, 12, 29)), rule=ONE)
    assert longer.indicators["tsmom_volatility"] == all_of_them.indicators["tsmom_volatility"]


def test_the_largest_weight_bounds_what_hardly_moves() -> None:
    calm = growing(0.0001)
    assert said(calm)[0].verdict == Target(1.0)
    assert said(calm, rule=Tsmom(symbols=("AAA",), lookback_months=1, max_weight=0.4))[0].verdict == Target(0.4)


@pytest.mark.parametrize(
    ("close", "gain", "reason"),
    [
        (100.01, 0.01, "tsmom_up"),
        (100.0, 0.0, "tsmom_down"),
        (99.99, -0.01, "tsmom_down"),
        # Less than a millionth of a rise is none.
        (100.00004, 0.0, "tsmom_down"),
    ],
)
def test_the_return_must_be_above_zero(close: float, gain: float, reason: str) -> None:
    (found,) = said(moved(FLAT, {FEBRUARY: close}))
    assert (found.indicators["tsmom_return"], found.reasons) == (gain, (reason,))
    assert [one.passed for one in found.conditions[::2]] == [reason == "tsmom_up", reason == "tsmom_down"]


def test_a_skipped_month_does_not_count() -> None:
    # 100 at the end of December 2023, 90 at the end of January, 120 today.
    bars = bars_of([100.0, *[90.0] * 23, *[120.0] * 21], symbol="AAA", first=date(2023, 12, 29))
    assert said(bars, rule=Tsmom(symbols=("AAA",), lookback_months=2))[0].reasons == ("tsmom_up",)
    (found,) = said(bars, rule=Tsmom(symbols=("AAA",), lookback_months=2, skip_months=1))
    assert (found.indicators["tsmom_return"], found.reasons) == (-10.0, ("tsmom_down",))


@pytest.mark.parametrize(
    ("equity", "verdict", "reason"),
    [
        # One share at 100 and a wanted weight of 0.5.
        (208.0, Keep(), "hold"),  # 0.480769, 0.019231 away
        (208.333334, Target(0.5), "tsmom_far"),  # 0.48: exactly 0.02 away
        (210.0, Target(0.5), "tsmom_far"),
        (190.0, Target(0.5), "tsmom_far"),  # 0.526316
        (195.0, Keep(), "hold"),  # 0.512821
    ],
)
def test_a_held_weight_is_changed_from_two_hundredths_on(equity: float, verdict: Target | Keep, reason: str) -> None:
    rule = Tsmom(symbols=("AAA",), lookback_months=1, max_weight=0.5)
    bars = moved(FLAT, {JANUARY: 99.0})
    (found,) = said(bars, rule=rule, equity=equity, AAA=1)
    assert (found.verdict, found.reasons) == (verdict, (reason,))


def test_a_small_holding_is_sold_whole_and_a_small_entry_is_made() -> None:
    (sold,) = said(moved(FLAT, {FEBRUARY: 99.0}), equity=100_000.0, AAA=1)
    assert (sold.verdict, sold.reasons) == (Target(0.0), ("tsmom_down",))
    wild = bars_of([100.0, 200.0] * 20 + [100.0, 100.0, 100.0, 210.0], symbol="AAA")
    (bought,) = said(wild, rule=Tsmom(symbols=("AAA",), lookback_months=1, target_vol=0.1))
    assert isinstance(bought.verdict, Target)
    assert 0 < bought.verdict.weight < 0.02
    assert bought.reasons == ("tsmom_up",)


def test_where_nothing_has_moved_no_weight_is_known_and_nothing_is_done() -> None:
    rule = Tsmom(symbols=("AAA",), lookback_months=19)
    still = bars_of([90.0, *[100.0] * 418], symbol="AAA", first=date(2022, 7, 29))
    assert still.last_day == date(2024, 3, 6)
    (found,) = said(still, rule=rule, memory={"month": "2024-01"}, AAA=1)
    assert found.conditions[0].passed
    assert (found.verdict, found.reasons, found.indicators["tsmom_weight"]) == (Keep(), ("hold",), None)


def test_within_a_month_nothing_changes_and_a_month_is_decided_once() -> None:
    rising = growing(0.01)
    (within,) = said(rising.until(date(2024, 2, 28)), memory={"month": "2024-01"})
    assert (within.verdict, within.reasons, within.memory) == (Keep(), ("hold",), {"month": "2024-01"})
    (decided,) = said(rising, memory=within.memory)
    assert (decided.reasons, decided.memory) == (("tsmom_up",), {"month": "2024-02"})
    assert said(rising, memory=decided.memory)[0].verdict == Keep()
    (new,) = said(growing(0.01, FEBRUARY + 2))
    assert (new.verdict, new.memory) == (Keep(), {"month": "2024-02"})


def test_a_missed_month_is_decided_late_with_the_return_since_the_month_end_before() -> None:
    # 100 to the end of January, 110 at the end of February, 105 on 4 March.
    bars = bars_of([100.0] * FEBRUARY + [110.0, 105.0, 105.0], symbol="AAA")
    (late,) = said(bars, memory={"month": "2024-01"})
    assert (late.indicators["tsmom_return"], late.reasons) == (5.0, ("tsmom_up",))
    (after,) = said(bars, memory=late.memory)
    assert (after.indicators["tsmom_return"], after.reasons) == (-4.5455, ("hold",))


def test_dividends_belong_to_return_and_volatility() -> None:
    # It falls from 100 to 98 with a dividend of 2, and to 97.9 with one: nothing lost, or little.
    paying = changed(moved(FLAT, {FEBRUARY: 98.0}), dividend={FEBRUARY: 2.0})
    (found,) = said(paying)
    assert (found.indicators["tsmom_return"], found.indicators["tsmom_volatility"]) == (0.0, 0.0)
    (plain,) = said(moved(FLAT, {FEBRUARY: 98.0}))
    assert plain.indicators["tsmom_return"] == -2.0


def test_a_split_changes_no_verdict() -> None:
    whole, halved = growing(0.01), bars_of([50.0 * 1.01**at for at in range(FEBRUARY + 1)], symbol="AAA")
    assert said(whole, AAA=3)[0].verdict == said(halved, AAA=6)[0].verdict == Target(0.633084)


@pytest.mark.parametrize(("months", "sessions"), [(12, 401), (17, 401), (18, 407), (24, 534)])
def test_the_history_holds_the_returns_and_the_months(months: int, sessions: int) -> None:
    assert Tsmom(lookback_months=months).history_sessions() == sessions


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"symbols": ()}, "symbols holds 0 tickers; list 1 or more"),
        ({"symbols": ("SPY", "SPY")}, "symbols holds SPY twice; list it once"),
        ({"lookback_months": 121}, "lookback_months is 121; use a whole number from 1 to 120"),
        ({"skip_months": -1}, "skip_months is -1; use a whole number from 0 to 119"),
        ({"skip_months": 12}, "skip_months is 12; use a whole number below lookback_months, which is 12"),
        ({"target_vol": 0.0}, "target_vol is 0; use a number from 0.001 to 10"),
        ({"max_weight": 1.5}, "max_weight is 1.5; use a number from 0.01 to 1"),
        ({"com_sessions": 0}, "com_sessions is 0; use a whole number from 1 to 1000"),
        ({"min_trade_usd": -1.0}, "min_trade_usd is -1; use a number from 0 to 1e+12"),
        ({"min_trade_frac": 1.5}, "min_trade_frac is 1.5; use a number from 0 to 1"),
    ],
)
def test_impossible_parameters_are_named_with_their_range(parameters: dict[str, Any], words: str) -> None:
    assert Tsmom(**parameters).problems() == (words,)
