"""The honest-use checks find what they look for."""

from dataclasses import replace

import pytest

from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.research.benchmark import buy_and_hold
from mtum.core.research.checks import Checks, Question, cut, cut_points, run_checks
from mtum.core.simulation.backtest import run
from mtum.core.simulation.history import history
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.played import Played, PlayTerms
from mtum.core.strategies.mtum_confluence import MtumConfluence
from support.markets import made_up_bars, made_up_vix

BARS = made_up_bars(900, 41)
READY = history(BARS, made_up_vix(BARS, 41))
RULES = MtumConfluence(symbol="AAA")
TERMS = PlayTerms(5000.0, PortfolioRules(SizingRules(1.0, 1e12, 0.0, PercentCosts()), LossRules(1e12)))
QUESTION = Question(READY, RULES, TERMS, Span(60, 900))


@pytest.fixture(scope="module")
def official() -> Played:
    return run(READY, RULES, TERMS, QUESTION.span)


@pytest.fixture(scope="module")
def checks(official: Played) -> Checks:
    return run_checks(QUESTION, official, buy_and_hold(READY, QUESTION.span, 5000.0, PercentCosts()).reinvested)


def test_cutting_the_future_never_changes_the_past(checks: Checks) -> None:
    assert (checks.look_ahead_cuts, checks.look_ahead_faults, checks.warm_up_faults) == (24, 0, 0)


def test_a_result_that_knew_the_future_is_found_out(official: Played) -> None:
    """The official equity of one early session is raised, as if a later price had been used."""
    equity = official.equity.copy()
    equity[5] += 0.01
    benchmark = buy_and_hold(READY, QUESTION.span, 5000.0, PercentCosts()).reinvested
    found = run_checks(QUESTION, replace(official, equity=equity), benchmark)
    assert found.look_ahead_faults > 20
    assert "must not be used" in found.verdict[0]


def test_every_condition_is_left_out_once_and_left_alone_once(checks: Checks, official: Played) -> None:
    for kind in ("drop_one", "only_one"):
        assert len([one for one in checks.variants if one.kind == kind]) == 8
    without = next(one for one in checks.variants if (one.kind, one.change) == ("drop_one", "volume_high"))
    assert without.trades > len(official.trades)


def test_the_configured_costs_give_the_official_result_and_higher_ones_less(checks: Checks, official: Played) -> None:
    by_cost = {one.change: one.final_equity_usd for one in checks.variants if one.kind == "costs"}
    assert by_cost["0.1 % per side"] == round(official.final_equity_usd, 2)
    assert by_cost["0 % per side"] > by_cost["0.1 % per side"] > by_cost["0.3 % per side"]


def test_both_rsi_forms_and_all_volume_modes_are_shown(checks: Checks) -> None:
    changes = [one.change for one in checks.variants if one.kind in ("rsi_form", "volume_mode")]
    assert [change.split(" from ")[0] for change in changes] == [
        *("RSI simple", "RSI wilder"),
        *("volume projected", "volume raw", "volume prior_session"),
    ]
    assert len({change.partition(" from ")[2] for change in changes[:2]}) == 1, "forms compare over the same sessions"


def test_cut_points_lie_inside_the_span() -> None:
    points = cut_points(Span(60, 900))
    assert len(points) == 24
    assert min(points) > 60
    assert max(points) < 900


def test_a_cut_history_keeps_its_dividends_in_place() -> None:
    part = cut(READY, 30, 200)
    dates = {READY.day(int(at)) for at in READY.tape.dividend_at[:-1] if 30 <= at < 200}
    assert {part.day(int(at)) for at in part.tape.dividend_at[:-1]} == dates
    assert len(dates) == 3


def test_the_verdict_says_no_more_than_the_numbers(checks: Checks, official: Played) -> None:
    text = " ".join(checks.verdict)
    assert f"{official.final_equity_usd:,.0f} USD" in text
    assert "no promise" in text
    closed = sum(trade.exit_session is not None for trade in official.trades)
    assert f"{closed} closed trades" in text
