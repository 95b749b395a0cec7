"""Of two symbols the weaker one is held, numbers by hand."""

from datetime import date

import pytest

from mtum.core.strategies.contract import Holding, Keep, Own, SymbolVerdict, Target
from mtum.core.strategies.pair_reversal import PairReversal
from mtum.core.view import MarketView
from support.bars import bars_of

RULE = PairReversal(("AAA", "BBB"), pair_sessions=2)
DAY = date(2024, 1, 3)


def said(first: list[float], second: list[float], **held: int) -> dict[str, SymbolVerdict]:
    bars = {"AAA": bars_of(first, symbol="AAA"), "BBB": bars_of(second, symbol="BBB")}
    own = Own({symbol: Holding(symbol, shares, 90.0) for symbol, shares in held.items()})
    return {one.symbol: one for one in RULE.verdicts(MarketView(bars["AAA"].last_day, bars, {}, {}), own)}


UP, DOWN = [100.0, 101.0, 103.0], [50.0, 50.0, 49.0]
"""3 % up and 2 % down in two sessions."""


def test_while_flat_the_weaker_one_is_bought() -> None:
    found = said(UP, DOWN)
    assert (found["BBB"].verdict, found["BBB"].reasons) == (Target(1.0), ("pair_behind",))
    assert found["AAA"].reasons == ("hold",)
    behind, ahead = found["BBB"].conditions
    assert (behind.value, behind.threshold, behind.margin, behind.passed) == (-2.0, 3.0, 5.0, True)
    assert (ahead.margin, ahead.passed) == (-5.0, False)


def test_what_has_overtaken_the_other_is_sold_before_the_other_is_bought() -> None:
    found = said(UP, DOWN, AAA=7)
    assert [*found] == ["AAA", "BBB"]
    assert (found["AAA"].verdict, found["AAA"].reasons) == (Target(0.0), ("pair_ahead",))
    assert found["BBB"].verdict == Target(1.0)
    turned = said(DOWN, UP, BBB=7)
    assert [*turned] == ["BBB", "AAA"]


def test_the_weaker_one_is_kept_and_the_other_is_wanted_no_more() -> None:
    found = said(UP, DOWN, BBB=7)
    assert (found["BBB"].verdict, found["BBB"].reasons) == (Keep(), ("hold",))
    # Zero, not keep: a purchase of it that still stands ends.
    assert found["AAA"].verdict == Target(0.0)


@pytest.mark.parametrize("held", [{}, {"AAA": 7}])
def test_on_a_tie_nothing_changes(held: dict[str, int]) -> None:
    assert {one.verdict for one in said(UP, UP, **held).values()} == {Keep()}


def test_it_needs_one_bar_more_than_it_compares_over() -> None:
    assert (RULE.history_sessions(), PairReversal().history_sessions()) == (3, 21)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (PairReversal(("SPY",)), "symbols holds 1 tickers; list 2 or more"),
        (PairReversal(("SPY", "IEF", "GLD")), "symbols holds 3 tickers; list two"),
        (PairReversal(("SPY", "SPY")), "symbols holds SPY twice"),
        (PairReversal(pair_sessions=1), "pair_sessions is 1"),
    ],
)
def test_impossible_parameters_are_named(rule: PairReversal, words: str) -> None:
    (problem,) = rule.problems()
    assert problem.startswith(words)
