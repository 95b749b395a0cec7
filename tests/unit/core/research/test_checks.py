"""The honest-use checks find what they look for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import ClassVar

import numpy as np
import pytest

from mtum.core.market.bars import Bars
from mtum.core.portfolio.costs import CostModel, IbFixedCosts, IbTieredCosts, PercentCosts
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.portfolio.sleeves import Sleeve, SleeveState
from mtum.core.research.benchmark import buy_and_hold_weighted
from mtum.core.research.checks import (
    Beside,
    Checks,
    Question,
    Replay,
    Variant,
    cut,
    cut_points,
    run_checks,
    verdict,
    with_other_future,
)
from mtum.core.research.variants import (
    Asked,
    alone,
    doubled,
    of_confluence,
    on_other_terms,
    play,
    without_sleeves,
    without_symbols,
)
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.played import Played, PlayTerms
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.contract import Own, SymbolVerdict, Target
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.core.strategies.pair_reversal import PairReversal
from mtum.core.view import MarketView
from support.markets import made_up_bars, made_up_vix, weekdays
from support.values import replace

BARS = made_up_bars(900, 41)
MARKET = SessionHistory({"AAA": BARS}, {"VIX": made_up_vix(BARS, 41)})
TERMS = PlayTerms(5000.0, PortfolioRules(SizingRules(1.0, 1e12, 0.0, PercentCosts()), LossRules(1e12)))
RULES = alone(MtumConfluence(symbol="AAA"), TERMS)
SPAN = Span(60, 900)

SEVERAL = SessionHistory(
    {name: made_up_bars(160, seed, name) for name, seed in (("AAA", 1), ("BBB", 2))}, {}, tuple(weekdays(200))
)
PAIR = alone(PairReversal(symbols=("AAA", "BBB")), TERMS)
PAIR_SPAN = Span(25, 160)


def question_of(market: SessionHistory, asked: Asked, span: Span, cuts: int) -> Question[Asked]:
    official = play(market, asked, span)
    others = [
        *of_confluence(asked, market, span),
        *on_other_terms(asked),
        *without_sleeves(asked),
        *without_symbols(asked, official)[0],
    ]
    return Question(market, span, asked, asked.needed, play, others, cuts)


@cache
def usual() -> Question[Asked]:
    # Not while the file is read: every worker reads it, and one runs it.
    return question_of(MARKET, RULES, SPAN, 24)


def with_sizing(sizing: SizingRules) -> PlayTerms:
    return replace(TERMS, rules=replace(TERMS.rules, sizing=sizing))


def held(market: SessionHistory, span: Span) -> Beside:
    weights = dict.fromkeys(market.bars, 1.0)
    return Beside(buy_and_hold_weighted(market, span, weights, 5000.0, PercentCosts()).reinvested)


@pytest.fixture(scope="module")
def official() -> Played:
    return play(MARKET, RULES, SPAN)


@pytest.fixture(scope="module")
def checks(official: Played) -> Checks:
    return run_checks(usual(), official, held(MARKET, SPAN))


@pytest.fixture(scope="module")
def pair() -> Checks:
    """A strategy that is played session by session."""
    assert PAIR.confluence is None
    question = question_of(SEVERAL, PAIR, PAIR_SPAN, 4)
    return run_checks(question, play(SEVERAL, PAIR, PAIR_SPAN), held(SEVERAL, PAIR_SPAN))


def test_cutting_and_changing_the_future_never_changes_the_past(checks: Checks, pair: Checks) -> None:
    assert (checks.look_ahead_cuts, checks.look_ahead_faults, checks.warm_up_faults) == (24, 0, 0)
    assert (pair.look_ahead_cuts, pair.look_ahead_faults, pair.warm_up_faults) == (4, 0, 0)


def test_a_result_that_knew_the_future_is_found_out(official: Played) -> None:
    """The official equity of one early session is raised, as if a later price had been used."""
    equity = official.equity.copy()
    equity[5] += 0.01
    found = run_checks(usual(), replace(official, equity=equity), held(MARKET, SPAN))
    assert found.look_ahead_faults > 20
    assert "must not be used" in found.verdict[0]


@dataclass(frozen=True, slots=True)
class Seer(BuyAndHold):
    """Holds AAA whenever its next close is the higher one, which it reads behind the end of what it is shown."""

    name: ClassVar[str] = "seer"

    def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
        """Look ahead."""
        close = view.bars["AAA"].close
        whole, now = (close if close.base is None else close.base), close.ctypes.data
        after = (now - whole.ctypes.data) // 8 + len(close)
        up = after < len(whole) and bool(whole[after] > close[-1])
        return (SymbolVerdict("AAA", Target(float(up)), ("flat",), (), {}),)


def test_a_strategy_that_looks_one_session_ahead_is_found_out_wherever_the_future_is_cut() -> None:
    """Whichever way the next session went, one of the other two futures goes the other way."""
    seer = alone(Seer(symbols=("AAA",)), TERMS)
    market, span = SessionHistory({"AAA": made_up_bars(120, 3)}, {}), Span(2, 120)
    question = Question(market, span, seer, 1, play, cuts=10)
    found = run_checks(question, play(market, seer, span), held(market, span))
    assert (found.look_ahead_cuts, found.look_ahead_faults) == (10, 10)


def test_where_histories_take_long_each_place_has_one_of_the_other_futures() -> None:
    question = replace(usual(), cuts=4, in_turn=True)
    assert [futures for _, futures in question.other_futures()] == [(0.0,), (3.0,), (1 / 3,), (0.0,)]
    assert {futures for _, futures in usual().other_futures()} == {(0.0, 3.0, 1 / 3)}


def test_what_uses_more_bars_than_it_asks_for_is_found_out() -> None:
    """It is asked again over a market that begins as late as it says it may."""
    market, span = SessionHistory({"AAA": made_up_bars(500, 3)}, {}), Span(100, 500)

    def played(market: SessionHistory, asked: Asked, span: Span) -> Played:
        # Invests by how many bars there are, which a decision may not know.
        frac = 1.0 if len(market.days) == 500 else 0.5
        sizing = replace(TERMS.rules.sizing, max_position_frac=frac)
        return play(market, alone(asked.sleeves[0].strategy, with_sizing(sizing)), span)

    asked = alone(BuyAndHold(symbols=("AAA",)), TERMS)
    question = Question(market, span, asked, 20, played, cuts=1)
    found = run_checks(question, played(market, asked, span), held(market, span))
    assert found.warm_up_faults == 2


def test_every_condition_is_left_out_once_and_left_alone_once(checks: Checks, official: Played) -> None:
    for kind in ("drop_one", "only_one"):
        assert len([one for one in checks.variants if one.kind == kind]) == 8
    without = next(one for one in checks.variants if (one.kind, one.change) == ("drop_one", "volume_high"))
    assert without.trades > len(official.trades)


def test_every_symbol_is_left_out_once(pair: Checks) -> None:
    """Without one of a pair there is nothing to reverse against: said, not tried."""
    assert not [one for one in pair.variants if one.kind == "drop_symbol"]
    _, notes = without_symbols(PAIR, play(SEVERAL, PAIR, PAIR_SPAN))
    assert notes == ["pair_reversal cannot do without AAA, BBB: not left out"]
    both = alone(BuyAndHold(symbols=("AAA", "BBB")), TERMS)
    others, notes = without_symbols(both, play(SEVERAL, both, PAIR_SPAN))
    assert not notes
    assert [(one.change, one.asked.sleeves[0].symbols) for one in others] == [("AAA", ("BBB",)), ("BBB", ("AAA",))]


def test_of_many_symbols_those_that_gained_or_lost_most_are_left_out() -> None:
    many = SessionHistory({f"S{n}": made_up_bars(40, n, f"S{n}") for n in range(14)}, {})
    asked = alone(BuyAndHold(symbols=tuple(many.bars)), replace(TERMS, capital_usd=50_000.0))
    official = play(many, asked, Span(1, 40))
    gained = {trade.symbol: abs(trade.pnl_usd) for trade in official.trades}
    others, notes = without_symbols(asked, official)
    least = sorted(gained, key=lambda symbol: gained[symbol])[:2]
    assert {one.change for one in others} == {*many.bars} - {*least}
    assert notes == ["of 14 symbols only the 12 that gained or lost most are left out once"]


def test_the_configured_costs_give_the_official_result_and_higher_ones_less(checks: Checks, official: Played) -> None:
    by_cost = {one.change: one.final_equity_usd for one in checks.variants if one.kind == "costs"}
    assert by_cost["0.1 % per side"] == round(official.final_equity_usd, 2)
    assert by_cost["0 % per side"] > by_cost["0.1 % per side"] > by_cost["0.3 % per side"]
    assert by_cost["costs doubled"] == by_cost["0.2 % per side"]


@pytest.mark.parametrize("costs", [PercentCosts(Decimal("0.0013")), IbFixedCosts(), IbTieredCosts()])
def test_doubled_costs_are_twice_as_much_for_every_order(costs: CostModel) -> None:
    terms = with_sizing(replace(TERMS.rules.sizing, costs=costs))
    more = doubled(replace(terms, slippage_bps=3.0, impact_coefficient=0.5))
    assert (more.slippage_bps, more.impact_coefficient) == (6.0, 1.0)
    for shares, price in ((1, Decimal("0.30")), (40, Decimal("61.25")), (400_000, Decimal("18.5"))):
        for sale in (False, True):
            once, twice = (one.commission(shares, price, sale=sale) for one in (costs, more.rules.sizing.costs))
            assert abs(twice - 2 * once) <= Decimal("0.01")


def test_fills_and_settlement_are_tried_the_other_way(checks: Checks, pair: Checks) -> None:
    for found in (checks, pair):
        changes = {one.kind: one.change for one in found.variants}
        assert changes["fill"] == "fills at the next open"
        assert changes["settlement"] == "cash settled by the calendar"


def test_both_rsi_forms_and_all_volume_modes_are_shown(checks: Checks) -> None:
    changes = [one.change for one in checks.variants if one.kind in ("rsi_form", "volume_mode")]
    assert [change.split(" from ")[0] for change in changes] == [
        *("RSI simple", "RSI wilder"),
        *("volume projected", "volume raw", "volume prior_session"),
    ]
    assert len({change.partition(" from ")[2] for change in changes[:2]}) == 1, "forms compare over the same sessions"


def test_cut_points_lie_inside_the_span() -> None:
    points = cut_points(MARKET, SPAN)
    assert len(points) == 24
    assert min(points) > 60
    assert max(points) < 900


def test_nothing_is_cut_behind_a_session_that_a_symbol_lacks() -> None:
    """Bars that lack a session and come again would be taken for bars that ended."""
    gap = np.arange(160) % 3 != 1
    short = SEVERAL.bars["BBB"]
    columns = {name: getattr(short, name)[gap] for name in ("open", "high", "low", "close", "volume")}
    market = SessionHistory({**SEVERAL.bars, "BBB": Bars.from_columns("BBB", "made-up", short.days[gap], columns)}, {})
    points = cut_points(market, PAIR_SPAN)
    assert len(points) > 10
    assert all(gap[stop - 1] for stop in points)


def test_a_cut_market_keeps_what_was_and_an_other_future_changes_only_what_comes() -> None:
    part, other = cut(MARKET, 30, 200), with_other_future(MARKET, 200, 3.0)
    assert np.array_equal(part.days, MARKET.days[30:200])
    paid = int(np.flatnonzero(BARS.dividend)[2])
    assert round(BARS.dividend[paid], 2) != BARS.dividend[paid]
    assert np.array_equal(cut(MARKET, 30, paid + 1).bars["AAA"].dividend, BARS.dividend[30 : paid + 1])
    assert max(part.series["VIX"]) <= part.day(-1)
    assert np.array_equal(other.bars["AAA"].close[:200], BARS.close[:200])
    assert other.bars["AAA"].close[200:] == pytest.approx(3.0 * BARS.close[200:])
    before, after = MARKET.day(199), MARKET.day(201)
    assert other.series["VIX"][before] == MARKET.series["VIX"][before]
    assert other.series["VIX"][after] == pytest.approx(3.0 * MARKET.series["VIX"][after])


def test_histories_can_be_played_beside_each_other(official: Played, checks: Checks) -> None:
    done: list[int] = []

    def backwards(question: Question[Asked], replays: Sequence[Replay[Asked]]) -> Iterable[Played]:
        found = {place: question.played(replays[place]) for place in reversed(range(len(replays)))}
        done.append(len(found))
        return (found[place] for place in range(len(replays)))

    again = run_checks(usual(), official, held(MARKET, SPAN), backwards)
    assert done
    assert again.variants == checks.variants


def test_the_verdict_says_no_more_than_the_numbers(checks: Checks, pair: Checks, official: Played) -> None:
    text = " ".join(checks.verdict)
    assert f"{official.final_equity_usd:,.0f} USD" in text
    assert "no promise" in text
    closed = sum(trade.exit_session is not None for trade in official.trades)
    assert f"{closed} closed trades on one symbol" in text
    assert "closed trades on 2 symbols" in pair.verdict[-1]


def test_what_the_result_would_have_been_higher_without_is_named_one_or_the_other(
    checks: Checks, official: Played
) -> None:
    more = official.final_equity_usd + 1.0
    variants = [Variant("drop_sleeve", name, 1, more, 0.1, 0.5, -0.1) for name in ("calm", "wild", "slow")]
    variants.append(Variant("drop_symbol", "AAA", 1, official.final_equity_usd, 0.1, 0.5, -0.1))
    lines = verdict(official, held(MARKET, SPAN), variants, checks.bootstrap, 0)
    told = [line for line in lines if "higher without" in line]
    assert told == ["Over this history the result would have been higher without the sleeve calm, wild or slow."]


def test_a_symbol_that_made_most_of_the_gain_is_named() -> None:
    """AAA doubles and BBB stands still; half of the money each."""
    bars = {}
    for name, close in (("AAA", np.linspace(10.0, 20.0, 60)), ("BBB", np.full(60, 10.0))):
        columns = {**dict.fromkeys(("open", "high", "low", "close"), close), "volume": np.full(60, 1e6)}
        bars[name] = Bars.from_columns(name, "made-up", SEVERAL.days[:60], columns)
    market, span = SessionHistory(bars, {}), Span(0, 60)
    both = alone(BuyAndHold(symbols=("AAA", "BBB")), TERMS)
    found = run_checks(question_of(market, both, span, 2), play(market, both, span), held(market, span))
    assert "Over this history the result would have been higher without BBB." in found.verdict
    (line,) = [one for one in found.verdict if "more than half" in one]
    assert line.startswith("AAA made more than half of the gain: without it a loss of ")


def account(*sleeves: tuple[str, float, tuple[str, ...]]) -> Asked:
    """Sleeves that buy their symbols and hold them."""
    own = (
        Sleeve(name, BuyAndHold(symbols=symbols), weight, SleeveState.ON, 0.0, "", TERMS.rules)
        for name, weight, symbols in sleeves
    )
    return Asked(tuple(own), TERMS)


def test_an_account_is_checked_with_each_of_its_sleeves_left_out() -> None:
    """The money of what is left out goes to the others, three to one: 0.6 and 0.2 of 0.9 become 0.675 and 0.225."""
    several = account(("calm", 0.6, ("AAA",)), ("both", 0.2, ("AAA", "BBB")), ("third", 0.1, ("BBB",)))
    others = {one.change: one.asked.sleeves for one in without_sleeves(several)}
    assert [(one.name, round(one.weight, 9)) for one in others["third"]] == [("calm", 0.675), ("both", 0.225)]
    assert [(one.name, round(one.weight, 9)) for one in others["calm"]] == [("both", 0.6), ("third", 0.3)]
    question = question_of(SEVERAL, several, PAIR_SPAN, 3)
    official = play(SEVERAL, several, PAIR_SPAN)
    found = run_checks(question, official, held(SEVERAL, PAIR_SPAN))
    assert (found.look_ahead_cuts, found.look_ahead_faults, found.warm_up_faults) == (3, 0, 0)
    assert [one.change for one in found.variants if one.kind == "drop_sleeve"] == ["calm", "both", "third"]
    alike = account(("calm", 0.675, ("AAA",)), ("both", 0.225, ("AAA", "BBB")))
    (third,) = [one for one in found.variants if one.change == "third"]
    assert third.final_equity_usd == round(play(SEVERAL, alike, PAIR_SPAN).final_equity_usd, 2)
    usual = next(one for one in found.variants if one.change == "0.1 % per side")
    assert usual.final_equity_usd == round(official.final_equity_usd, 2)


def test_a_symbol_is_left_out_of_every_sleeve_unless_one_has_no_other() -> None:
    several = account(("calm", 0.5, ("AAA", "BBB")), ("both", 0.5, ("AAA",)))
    others, notes = without_symbols(several, play(SEVERAL, several, PAIR_SPAN))
    assert [(one.change, [sleeve.symbols for sleeve in one.asked.sleeves]) for one in others] == [
        ("BBB", [("AAA",), ("AAA",)])
    ]
    assert notes == ["both cannot do without AAA: not left out"]


def test_other_costs_are_those_that_each_sleeve_sizes_by() -> None:
    changed = next(one.asked for one in on_other_terms(account(("a", 0.5, ("AAA",)), ("b", 0.5, ("BBB",)))))
    assert {one.rules.sizing.costs for one in changed.sleeves} == {PercentCosts(Decimal(0))}
    assert changed.terms.rules.sizing.costs == PercentCosts(Decimal(0))
