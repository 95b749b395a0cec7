"""What holds for every strategy of the registry: no look-ahead, always a reason, no error on valid bars."""

import json
import math
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtum.core import record
from mtum.core.canonical import canonical
from mtum.core.decide import decide
from mtum.core.indicators import column_of
from mtum.core.market.bars import COLUMNS, PRICE_COLUMNS, Bars
from mtum.core.portfolio.carried import memory_of, standing_of
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import Book, PortfolioRules, Standing
from mtum.core.portfolio.limits import LossRules, LossState, Restriction
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.simulation.played import PlayTerms
from mtum.core.simulation.session_path import play_sessions
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.strategies.contract import Abstain, Holding, Keep, Own, Price, Shares, Strategy, Target
from mtum.core.strategies.ensemble import Ensemble, Member
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.core.strategies.pair_reversal import PairReversal
from mtum.core.view import MarketView, calendar_around
from support.markets import made_up_bars, made_up_vix, weekdays
from support.month_turn import MonthTurn
from support.registry import OF_SHARES, default_of
from support.sixty_forty import SixtyForty
from support.values import replace

ALL: dict[str, Strategy] = {
    **{name: default_of(name) for name in OF_SHARES},
    "sixty_forty": SixtyForty(),
    "month_turn": MonthTurn(),
    # Its example has members that read much more.
    "ensemble": Ensemble(
        members=(
            Member("mtum_confluence", 1.0, MtumConfluence("AAA")),
            Member("pair_reversal", 2.0, PairReversal(("AAA", "BBB"))),
        )
    ),
}
NAMES = sorted(ALL)
RULES = PortfolioRules(SizingRules(1.0, 1e12, 0.005, PercentCosts(Decimal("0.001"))), LossRules(500.0))
SESSIONS, FIRST = 160, 70
"""Made-up sessions and the first one decided; a strategy that needs more history has as many more before them."""
REMEMBERED = {"month": "2010-04", "stop:AAA": Price("AAA", 71.25), "note": "kept", "count": 3}
seeds = st.integers(0, 10_000)
FEW = settings(max_examples=12)
"""There are many strategies, and some of them read hundreds of bars."""


def before(strategy: Strategy) -> int:
    """Sessions of its history that do not fit before the first one decided."""
    return max(0, strategy.history_sessions() - FIRST)


def holiday(day: date) -> bool:
    """First Mondays: with twelve holidays a year, months are no longer than those of an exchange."""
    return day.weekday() == 0 and day.day <= 7


def sessions_of(bars: Bars) -> Bars:
    """The bars of weekdays that are no holidays."""
    kept = [n for n, day in enumerate(bars.days.astype(object)) if not holiday(day)]
    return Bars.from_columns(
        bars.symbol, bars.source, bars.days[kept], {name: getattr(bars, name)[kept] for name in COLUMNS}
    )


def market(strategy: Strategy, seed: int, longer: int = 0) -> SessionHistory:
    symbols, count = (*strategy.universe(), *strategy.reads()), SESSIONS + before(strategy) + longer
    bars = {
        symbol: sessions_of(made_up_bars(count * 16 // 15, seed + at, symbol))[:count]
        for at, symbol in enumerate(symbols)
    }
    first = next(iter(bars.values()))
    calendar = tuple(day for day in weekdays(count * 6 // 5 + 60, date(2009, 11, 2)) if not holiday(day))
    return SessionHistory(bars, {name: made_up_vix(first, seed) for name in strategy.series()}, calendar)


def view_at(strategy: Strategy, history: SessionHistory, t: int, sessions: int | None = None) -> MarketView:
    day = next(iter(history.bars.values())).day(t)
    cut = {symbol: bars.until(day).tail(sessions or len(bars)) for symbol, bars in history.bars.items()}
    series = {name: history.series[name].get(day) for name in strategy.series()}
    calendar = calendar_around(history.calendar, day, strategy.history_sessions())
    return MarketView(day, cut, series, {}, calendar=calendar)


@st.composite
def books(draw: st.DrawFn, strategy: Strategy) -> Book:
    holdings = {
        symbol: Holding(
            symbol,
            draw(st.integers(0, 60)),
            draw(st.sampled_from([None, 55.0, 61.25])),
            date(2010, 3, 1),
            draw(st.sampled_from([{}, {"atr": 0.9}])),
            draw(st.sampled_from([None, 0, 1, 5])),
            added := draw(st.sampled_from([0, 2])),
            58.5 if added else None,
        )
        for symbol in strategy.universe()
    }
    cash = draw(st.floats(0, 5000).map(lambda usd: round(usd, 2)))
    return Book(
        holdings,
        cash,
        round(cash * draw(st.sampled_from([0.0, 0.5, 1.0])), 2),
        exit_pending=draw(st.sampled_from([{}, {strategy.universe()[0]: "vix_fear"}])),
        losses=LossState(draw(st.sampled_from([0.0, -600.0])), 0.0, paused=draw(st.booleans())),
        restriction=draw(st.sampled_from(list(Restriction))),
        last_fill=draw(st.sampled_from([None, date(2010, 3, 8)])),
        memory=draw(st.sampled_from([{}, {"month": "2010-03", "week:AAA": "2010-W11", "x": 1.5}, REMEMBERED])),
        standing=draw(st.sampled_from([(), (Standing(strategy.universe()[0], 40, date(2010, 4, 28), "flat"),)])),
    )


def ruined(history: SessionHistory, after: int) -> SessionHistory:
    """The same past, another future."""
    worse: dict[str, Bars] = {}
    for symbol, bars in history.bars.items():
        columns = {name: np.array(getattr(bars, name)) for name in COLUMNS}
        for name in PRICE_COLUMNS:
            columns[name][after:] *= 3.0
        worse[symbol] = Bars.from_columns(symbol, bars.source, bars.days, columns)
    days = next(iter(history.bars.values())).days[:after].astype(object).tolist()
    past = {name: {day: at for day, at in values.items() if day in days} for name, values in history.series.items()}
    return SessionHistory(worse, past, history.calendar)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("seed", "cut"),
    [pytest.param(3, 91, marks=pytest.mark.full), pytest.param(4, 124, marks=pytest.mark.full), (8, 140)],
)
def test_cutting_off_the_future_never_changes_a_past_decision(name: str, seed: int, cut: int) -> None:
    strategy = ALL[name]
    # What reads a long history acts seldom: it plays longer, so that it holds something.
    longer = 350 if before(strategy) else 0
    history, known = market(strategy, seed, longer), cut + longer - FIRST
    # What never buys starts with the shares of its example.
    terms = PlayTerms(5000.0, RULES, holdings=strategy.EXAMPLE.holdings)
    first, cut = FIRST + before(strategy), cut + before(strategy) + longer
    whole = play_sessions(history, strategy, terms, first, cut + 5)
    other = play_sessions(ruined(history, cut), strategy, terms, first, cut + 5)
    shorter = play_sessions(history, strategy, terms, first, cut)
    for played in (other, shorter):
        np.testing.assert_array_equal(played.equity[:known], whole.equity[:known])
        np.testing.assert_array_equal(played.held[:known], whole.held[:known])
    assert whole.held[:known].any(), "a past without a position proves nothing"
    assert other.equity[-1] != whole.equity[-1] or not whole.held[known:].any(), "the other future is another one"
    last = next(iter(history.bars.values())).day(cut - 1)
    ended = [trade for trade in whole.trades if trade.exit_session is not None and trade.exit_session <= last]
    assert [trade for trade in other.trades if trade in ended] == ended


@pytest.mark.parametrize("name", NAMES)
@FEW
@given(data=st.data(), seed=seeds, t=st.integers(FIRST, SESSIONS - 1))
def test_a_decision_has_reasons_orders_within_its_means_and_leaves_its_input_alone(
    name: str, data: st.DataObject, seed: int, t: int
) -> None:
    strategy = ALL[name]
    book = data.draw(books(strategy))
    view = view_at(strategy, market(strategy, seed), t + before(strategy))
    bytes_of = {symbol: bars.close.tobytes() + bars.volume.tobytes() for symbol, bars in view.bars.items()}
    decision = decide(view, strategy, book, RULES)
    assert {symbol: bars.close.tobytes() + bars.volume.tobytes() for symbol, bars in view.bars.items()} == bytes_of
    assert decision.reasons
    assert all(verdict.reasons for verdict in decision.verdicts)
    assert all(order.reasons and order.shares > 0 for order in decision.orders)
    assert sorted(verdict.symbol for verdict in decision.verdicts) == sorted(strategy.universe())
    prices = {symbol: float(bars.close[-1]) for symbol, bars in view.bars.items()}
    spent = sum(order.shares * prices[order.symbol] for order in decision.orders if order.side is Side.BUY)
    assert spent * 1.006 <= book.available_usd + 1e-6
    for order in decision.orders:
        assert order.side is Side.BUY or order.shares <= book.holdings[order.symbol].shares
    sides = [order.side for order in decision.orders]
    assert sides == sorted(sides, key=lambda side: side is Side.BUY), "sells come first"
    if book.restriction is Restriction.FULL:
        assert decision.orders == ()


@pytest.mark.parametrize("name", NAMES)
@FEW
@given(data=st.data(), seed=seeds, t=st.integers(FIRST, SESSIONS - 1))
def test_the_same_session_decided_twice_or_from_its_needed_history_only_is_the_same(
    name: str, data: st.DataObject, seed: int, t: int
) -> None:
    strategy = ALL[name]
    book, history, t = data.draw(books(strategy)), market(strategy, seed), t + before(strategy)
    once = decide(view_at(strategy, history, t), strategy, book, RULES)
    assert decide(view_at(strategy, history, t), strategy, book, RULES) == once
    assert decide(view_at(strategy, history, t, strategy.history_sessions()), strategy, book, RULES) == once


@pytest.mark.parametrize("name", NAMES)
@FEW
@given(data=st.data(), seed=seeds, t=st.integers(FIRST, SESSIONS - 1))
def test_a_frame_decides_again_to_the_same_document_memory_included(
    name: str, data: st.DataObject, seed: int, t: int
) -> None:
    strategy = ALL[name]
    book = data.draw(books(strategy))
    view = view_at(strategy, market(strategy, seed), t + before(strategy))
    decision = decide(view, strategy, book, RULES)
    text = canonical(record.frame_of(view, book, strategy))
    frame = json.loads(text)
    assert canonical(record.replayed(frame, strategy, RULES)) == canonical(record.decision_document(decision))
    assert canonical(record.frame_of(record.view_of(frame), record.book_of(frame), strategy)) == text
    document = json.loads(canonical(record.decision_document(decision)))
    assert memory_of(document.get("memory", {})) == decision.memory
    assert standing_of(document.get("standing", [])) == decision.standing
    assert ("memory" in document) is bool(decision.memory), "a strategy without memory keeps its records as they were"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", [3, 11])
def test_indicators_answered_from_columns_decide_as_those_worked_out_from_the_needed_window(
    name: str, seed: int
) -> None:
    strategy = ALL[name]
    history, needed = market(strategy, seed), strategy.history_sessions()
    columns = {
        (symbol, one): column_of(bars, one.indicator, dict(one.parameters))
        for symbol, bars in history.bars.items()
        for one in strategy.indicators()
        if one.by_day
    }
    for t in range(FIRST + before(strategy), SESSIONS + before(strategy), 5):
        view = view_at(strategy, history, t, needed)
        start = max(0, t + 1 - needed)
        fast = replace(view, columns={key: column[start : t + 1] for key, column in columns.items()})
        assert strategy.verdicts(fast, Own()) == strategy.verdicts(view, Own())


def flat_market(strategy: Strategy, volume: float) -> MarketView:
    count = max(strategy.history_sessions(), 60)
    bars = {}
    for symbol in (*strategy.universe(), *strategy.reads()):
        made = made_up_bars(count, 1, symbol)
        columns = {**dict.fromkeys(PRICE_COLUMNS, np.full(count, 10.0)), "volume": np.full(count, volume)}
        bars[symbol] = Bars.from_columns(symbol, "made-up", made.days, columns)
    day = next(iter(bars.values())).last_day
    calendar = tuple(weekdays(count + 60, date(2009, 11, 2)))
    return MarketView(day, bars, dict.fromkeys(strategy.series()), {}, calendar=calendar)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("volume", [0.0, 1.0, math.nan])
def test_a_market_that_never_moves_without_volume_or_series_still_gets_verdicts_with_reasons(
    name: str, volume: float
) -> None:
    strategy = ALL[name]
    verdicts = strategy.verdicts(flat_market(strategy, volume), Own())
    assert all(
        verdict.reasons and isinstance(verdict.verdict, Target | Shares | Keep | Abstain) for verdict in verdicts
    )


@pytest.mark.parametrize("name", sorted(OF_SHARES))
def test_a_strategy_has_no_problem_with_its_own_defaults_and_knows_its_needs(name: str) -> None:
    strategy = ALL[name]
    assert strategy.problems() == ()
    assert strategy.name == name
    assert strategy.universe()
    assert strategy.history_sessions() >= 1
