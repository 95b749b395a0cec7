"""Of a list the strongest are held, numbers by hand."""

from collections.abc import Mapping
from datetime import date

import pytest

from mtum.core.strategies.contract import Abstain, Holding, Keep, Own, Remembered, Shares, SymbolVerdict, Target
from mtum.core.strategies.momentum_rotation import MomentumRotation, Weighting
from mtum.core.strategies.several import VOLATILITY
from mtum.core.view import Asked, MarketView
from support.month_ends import APRIL, MONTH_ENDS, view_of
from support.values import replace

LIST = ("AAA", "BBB", "CCC", "DDD", "EEE")
RULE = MomentumRotation(
    symbols=LIST, lookback_months=2, skip_months=1, top=2, exit_rank=3, trend_symbol="TTT", trend_sessions=2
)
INVERSE = replace(RULE, weighting=Weighting.INVERSE_VOL)
FEBRUARY = {"AAA": 11.0, "BBB": 14.0, "CCC": 13.0, "DDD": 12.0, "EEE": 10.0}
"""Closes at the end of February; all were 10 in January and are 10 in March: BBB, CCC, DDD, AAA, EEE."""
UP, DOWN, LEVEL = [1.0, 9.0, 9.0, 10.0], [1.0, 9.0, 10.0, 9.0], [1.0, 9.0, 10.0, 10.0]
"""The trend symbol above, below and at the mean of its last two closes."""


def market(
    february: Mapping[str, float] = FEBRUARY, trend: list[float] | None = UP, today: float | None = None
) -> MarketView:
    """Return the view of the end of March, or with `today` that of the session after it."""
    after = [] if today is None else [today]
    closes = {symbol: [5.0, 10.0, february[symbol], 10.0, *after] for symbol in LIST if symbol in february}
    closes |= {"TTT": [*trend, *after]} if trend else {}
    values: dict[tuple[str, Asked], float] = {
        (symbol, VOLATILITY): 0.1 if symbol == "BBB" else 0.3 for symbol in closes
    }
    if today is None:
        return view_of(closes, values=values)
    return view_of(closes, (*MONTH_ENDS, APRIL), date(2024, 4, 2), values=values)


def said(
    view: MarketView,
    rule: MomentumRotation = RULE,
    memory: Mapping[str, Remembered] | None = None,
    **held: int,
) -> dict[str, SymbolVerdict]:
    """Return the verdicts in their order, with 1,000 USD of equity."""
    own = Own({name: Holding(name, shares) for name, shares in held.items()}, 0.0, 1000.0, memory=memory or {})
    return {one.symbol: one for one in rule.verdicts(view, own)}


def weights(found: Mapping[str, SymbolVerdict]) -> dict[str, float]:
    return {name: one.verdict.weight for name, one in found.items() if isinstance(one.verdict, Target)}


def test_the_best_of_the_list_are_bought_in_equal_parts_the_best_first() -> None:
    found = said(market())
    assert [name for name, one in found.items() if one.enters] == ["BBB", "CCC"]
    assert weights(found) == {"BBB": 0.5, "CCC": 0.5, "AAA": 0.0, "DDD": 0.0, "EEE": 0.0}
    assert found["BBB"].indicators == {"close": 10.0, "score": 0.4, "rank": 1.0, "weight": 0.0}
    in_top, trend, lost = found["CCC"].conditions
    assert (in_top.value, in_top.threshold, in_top.margin, in_top.passed) == (2.0, 2, 0.0, True)
    assert (trend.value, trend.threshold, trend.margin, trend.passed) == (10.0, 9.5, 0.5, True)
    assert (lost.value, lost.threshold, lost.margin, lost.passed) == (2.0, 3, -1.0, False)
    assert (found["CCC"].reasons, found["DDD"].reasons) == (("rank_in_top",), ("hold",))
    assert {one.memory["month"] for one in found.values()} == {"2024-03"}


def test_of_equal_scores_the_first_of_the_list_is_the_better_one() -> None:
    found = said(market(dict.fromkeys(LIST, 11.0)))
    assert [one.indicators["rank"] for one in (found[name] for name in LIST)] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert [name for name, one in found.items() if one.enters] == ["AAA", "BBB"]


def test_what_is_held_stays_down_to_the_exit_rank_and_takes_the_place_of_a_better_one() -> None:
    found = said(market(), DDD=50)
    assert weights(found) == {"BBB": 0.5, "DDD": 0.5, "CCC": 0.0, "AAA": 0.0, "EEE": 0.0}
    assert (found["DDD"].reasons, found["CCC"].reasons) == (("rank_kept",), ("places_taken",))


def test_below_the_exit_rank_it_is_sold_before_anything_is_bought() -> None:
    found = said(market(), AAA=50)
    assert next(iter(found)) == "AAA"
    assert (found["AAA"].verdict, found["AAA"].reasons) == (Target(0.0), ("rank_lost",))
    assert weights(found)["BBB"] == weights(found)["CCC"] == 0.5


def test_by_inverse_volatility_the_chosen_share_their_part_of_the_places() -> None:
    # 1/0.1 = 10 and 1/0.3 = 3.33: three quarters and a quarter of both places.
    assert {"BBB": 0.75, "CCC": 0.25}.items() <= weights(said(market(), INVERSE)).items()
    # EEE is held and cannot be looked at: one place is left, so one half.
    without = {name: close for name, close in FEBRUARY.items() if name != "EEE"}
    assert {"BBB": 0.5, "CCC": 0.0}.items() <= weights(said(market(without), INVERSE, EEE=10)).items()


@pytest.mark.parametrize("trend", [DOWN, LEVEL])
def test_while_the_trend_symbol_is_not_above_its_average_nothing_is_bought(trend: list[float]) -> None:
    found = said(market(trend=trend), BBB=40)
    # 40 % is held of the 50 % wanted: it stays as it is.
    assert (found["BBB"].verdict, found["BBB"].reasons) == (Shares(40), ("trend_symbol_low",))
    assert (found["CCC"].verdict, found["CCC"].reasons) == (Shares(0), ("trend_symbol_low",))
    assert not any(one.enters for one in found.values() if one.symbol != "BBB")


def test_while_the_trend_symbol_is_low_reductions_and_exits_go_on() -> None:
    found = said(market(trend=DOWN), BBB=51, EEE=10)
    assert (found["BBB"].verdict, found["BBB"].reasons) == (Target(0.5), ("rank_kept",))
    assert (found["EEE"].verdict, found["EEE"].reasons) == (Target(0.0), ("rank_lost",))


def test_an_unfit_symbol_that_is_held_keeps_its_place() -> None:
    without = {name: close for name, close in FEBRUARY.items() if name != "EEE"}
    found = said(market(without), EEE=10)
    assert "EEE" not in found
    assert [name for name, one in found.items() if one.enters] == ["BBB"]
    assert [name for name, one in said(market(without)).items() if one.enters] == ["BBB", "CCC"]


def test_below_half_of_the_list_nothing_is_decided_and_the_month_stays_due() -> None:
    two = {"BBB": 14.0, "CCC": 13.0}
    found = said(market(two), memory={"month": "2024-02"}, BBB=10)
    assert {(one.verdict, one.reasons) for one in found.values()} == {(Abstain(), ("too_few_fit",))}
    assert [dict(one.memory) for one in found.values()] == [{}, {}]
    three = said(market({**two, "EEE": 9.0}), memory={"month": "2024-02"})
    assert [name for name, one in three.items() if one.enters] == ["BBB", "CCC"]


def test_fewer_than_the_places_are_too_few() -> None:
    rule = replace(RULE, top=4, exit_rank=4)
    assert (rule.least_fit, RULE.least_fit) == (4, 3)
    three = {"BBB": 14.0, "CCC": 13.0, "EEE": 9.0}
    assert {one.reasons for one in said(market(three), rule).values()} == {("too_few_fit",)}


def test_without_the_trend_symbol_nothing_is_decided() -> None:
    found = said(market(trend=None), memory={"month": "2024-02"}, AAA=10)
    assert {(one.verdict, one.reasons) for one in found.values()} == {(Abstain(), ("trend_symbol_unfit",))}


def test_a_symbol_whose_closes_do_not_reach_back_is_left_alone_and_keeps_its_place() -> None:
    late = replace(RULE, lookback_months=3)
    view = market()
    bars = {**view.bars, "EEE": view.bars["EEE"].tail(2)}
    found = said(replace(view, bars=bars), late, EEE=10)
    assert (found["EEE"].verdict, found["EEE"].reasons) == (Abstain(), ("score_unknown",))
    assert [name for name, one in found.items() if one.enters] == ["BBB"]


def test_a_symbol_that_has_not_moved_leaves_everything_undecided() -> None:
    view = market()
    still = replace(view, columns={**view.columns, ("CCC", VOLATILITY): view.columns["CCC", VOLATILITY] * 0})
    assert {one.reasons for one in said(still, INVERSE).values()} == {("volatility_unknown",)}


def test_a_missed_month_end_is_decided_at_the_next_session_by_the_closes_of_then() -> None:
    # The month ends before that of March: February against January, as it would have been in March.
    found = said(market(today=20.0), memory={"month": "2024-02"})
    assert [name for name, one in found.items() if one.enters] == ["BBB", "CCC"]
    assert found["BBB"].indicators["score"] == 0.4
    assert found["BBB"].memory["month"] == "2024-03"


def test_between_month_ends_nothing_is_changed_and_the_ranks_of_the_day_are_shown() -> None:
    # From April on March is compared with February: 10/14, 10/13, 10/12, 10/11, 10/10.
    found = said(market(today=20.0), memory={"month": "2024-03"}, EEE=10)
    assert {one.verdict for one in found.values()} == {Keep()}
    assert [*found] == [*LIST]  # in which order what was not bought is bought later
    assert [one.indicators["rank"] for one in found.values()] == [2.0, 5.0, 4.0, 3.0, 1.0]
    assert found["AAA"].indicators["score"] == -0.090909


def test_a_new_sleeve_waits_for_its_first_month_end() -> None:
    found = said(market(today=20.0))
    assert {(one.verdict, one.memory["month"]) for one in found.values()} == {(Keep(), "2024-03")}


def test_a_dividend_counts_as_return() -> None:
    # 11 after a dividend of 5 out of 10 in January: 10 x (1 - 5/10) = 5, so 120 %.
    view = view_of(
        {**{name: [5.0, 10.0, FEBRUARY[name], 10.0] for name in LIST}, "TTT": UP},
        dividends={("AAA", MONTH_ENDS[2]): 5.0},
    )
    assert (said(view)["AAA"].indicators["score"], said(view)["AAA"].indicators["rank"]) == (1.2, 1.0)


def test_the_trend_symbol_may_be_on_the_list() -> None:
    rule = replace(RULE, trend_symbol="CCC")
    assert (rule.reads(), RULE.reads(), RULE.universe()) == ((), ("TTT",), LIST)
    assert RULE.benchmark == dict.fromkeys(LIST, 1.0)


def test_it_needs_the_month_ends_compared_the_window_of_the_trend_and_the_returns_weighed() -> None:
    assert MomentumRotation(symbols=LIST).history_sessions() == 280
    short = replace(RULE, lookback_months=1, skip_months=0)
    assert (short.history_sessions(), replace(short, trend_sessions=200).history_sessions()) == (47, 200)
    assert replace(short, weighting=Weighting.INVERSE_VOL).history_sessions() == 61


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"symbols": ("AAA", "BBB", "CCC", "DDD")}, "symbols holds 4 tickers; list 5 or more"),
        ({"symbols": tuple(f"A{n}" for n in range(501))}, "symbols holds 501 tickers; list 500 or fewer"),
        ({"symbols": (*LIST, "AAA")}, "symbols holds AAA twice; list it once"),
        ({"trend_symbol": ""}, 'trend_symbol holds ""; use upper-case tickers such as "SPY"'),
        ({"lookback_months": 61}, "lookback_months is 61; use a whole number from 1 to 60"),
        ({"skip_months": 2}, "skip_months is 2; use a whole number from 0 to 1"),
        ({"top": 0}, "top is 0; use a whole number from 1 to 500"),
        ({"top": 6, "exit_rank": 6}, "symbols holds 5 tickers and top is 6; list more of them or hold fewer"),
        ({"exit_rank": 1}, "exit_rank is 1; use a whole number from 2 to 500"),
        ({"trend_sessions": 1}, "trend_sessions is 1; use a whole number from 2 to 1000"),
        ({"min_trade_frac": 2.0}, "min_trade_frac is 2; use a number from 0 to 1"),
    ],
)
def test_impossible_parameters_are_named(changes: dict[str, object], words: str) -> None:
    assert replace(RULE, **changes).problems() == (words,)
    assert RULE.problems() == ()
