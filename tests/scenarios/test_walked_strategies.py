"""Strategies with a column form make the same orders in one walk over columns as session by session."""

from datetime import timedelta
from itertools import cycle

import pytest

from mtum.adapters.calendar import ExchangeCalendar
from mtum.core.portfolio.limits import LossRules
from mtum.core.simulation.session_views import SessionHistory, looked_at
from mtum.core.strategies.contract import Strategy
from support.markets import real_bars
from support.values import replace
from support.walked import ENDS, TERMS, by_the_walker, differences, ending, made_up, strategies, terms_of

QUICK = dict(zip(strategies(), cycle(TERMS), strict=False)) | {"sell_only_rebalance": "shares at the start"}
"""One kind of terms for each strategy, all of them in turn."""
REAL = ("SPY", "EFA", "IEF", "QQQ", "TLT", "GLD", "AGG", "IWM", "VNQ")


def sessions_for(name: str) -> int:
    return strategies()[name].history_sessions() + (400 if "bands" in name else 110)


@pytest.mark.parametrize("ragged", [pytest.param(False, marks=pytest.mark.full), True])
@pytest.mark.parametrize("name", QUICK)
def test_one_walk_makes_the_orders_of_the_session_path(name: str, ragged: bool) -> None:
    strategy = strategies()[name]
    history = made_up(strategy, sessions_for(name), ragged=ragged)
    assert list(differences(history, strategy, TERMS[QUICK[name]])) == []
    found = by_the_walker(history, strategy, TERMS[QUICK[name]])
    assert found is not None
    assert found.orders, "no orders prove nothing"


@pytest.mark.full
@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("name", QUICK)
def test_it_does_so_on_all_terms_over_years(name: str, terms: str) -> None:
    strategy, played = strategies(months=6)[name], TERMS[terms]
    if name == "sell_only_rebalance":  # what holds nothing sells nothing
        played = replace(played, holdings=TERMS["shares at the start"].holdings)
    sessions = 1_200 + strategy.history_sessions()
    for ragged in (False, True):
        assert list(differences(made_up(strategy, sessions, ragged=ragged), strategy, played)) == []


def on_real_bars(strategy: Strategy) -> SessionHistory:
    bars = {symbol: real_bars(symbol) for symbol in looked_at(strategy)}
    days = sorted({day for one in bars.values() for day in one.days.astype(object).tolist()})
    sessions = ExchangeCalendar().sessions(days[0] - timedelta(days=90), days[-1] + timedelta(days=15))
    return SessionHistory(bars, {}, tuple(session.day for session in sessions))


@pytest.mark.full
@pytest.mark.parametrize("terms", ["percent", "settlement", "shares at the start", "all at once"])
@pytest.mark.parametrize("name", QUICK)
def test_it_does_so_on_real_bars(name: str, terms: str) -> None:
    strategy = strategies(REAL, months=10)[name]
    assert list(differences(on_real_bars(strategy), strategy, TERMS[terms])) == []


def ends_for(name: str) -> str:
    # One kind of ends for each strategy, all of them in turn.
    return list(ENDS)[list(QUICK).index(name) % len(ENDS)]


@pytest.mark.parametrize("name", QUICK)
def test_it_does_so_where_bars_end_before_the_others(name: str) -> None:
    strategy, terms = strategies()[name], TERMS[QUICK[name]]
    history = ending(made_up(strategy, sessions_for(name), ragged=True), strategy, ENDS[ends_for(name)])
    assert list(differences(history, strategy, terms)) == []
    found = by_the_walker(history, strategy, terms)
    assert found is not None
    assert bool(found.notes) == (len(looked_at(strategy)) > 1), "a symbol whose bars have ended is told"


@pytest.mark.full
@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("name", QUICK)
def test_bars_may_end_in_any_way_on_any_terms(name: str, ends: str) -> None:
    strategy = strategies(months=2)[name]
    for ragged in (False, True):
        history = ending(made_up(strategy, sessions_for(name) + 50, ragged=ragged), strategy, ENDS[ends])
        for terms in TERMS.values():
            assert list(differences(history, strategy, terms)) == []


@pytest.mark.full
@pytest.mark.parametrize("ends", [{1: 900}, {0: 300, 2: 700}, {at: 80 + 250 * at for at in range(9)}])
@pytest.mark.parametrize("name", QUICK)
def test_real_bars_may_end_too(name: str, ends: dict[int, int]) -> None:
    strategy = strategies(REAL, months=10)[name]
    history = ending(on_real_bars(strategy), strategy, ends)
    for terms in ("percent", "all at once"):
        assert list(differences(history, strategy, TERMS[terms])) == []


@pytest.mark.full
@pytest.mark.parametrize("name", QUICK)
def test_machine_code_makes_the_same_as_plain_python(name: str) -> None:
    strategy = strategies()[name]
    sessions = max(600, strategy.history_sessions() + 200)
    whole, terms = made_up(strategy, sessions, ragged=True), TERMS["all at once"]
    history = ending(whole, strategy, ENDS[ends_for(name)])
    plain, machine = by_the_walker(history, strategy, terms), by_the_walker(history, strategy, terms, compiled=True)
    assert plain is not None
    assert machine is not None
    assert (plain.orders, plain.trades) == (machine.orders, machine.trades)
    assert plain.equity.tolist() == machine.equity.tolist()


@pytest.mark.full
@pytest.mark.parametrize("fraction", [False, True])
@pytest.mark.parametrize("loss_usd", [200.0, 400.0, 800.0])
def test_a_loss_that_sells_does_so_in_the_same_order(loss_usd: float, fraction: bool) -> None:
    losses = LossRules(None, True, None, loss_usd / 100_000) if fraction else LossRules(loss_usd, True)
    for strategy in strategies(months=2).values():
        history = made_up(strategy, strategy.history_sessions() + 200, ragged=True)
        assert list(differences(history, strategy, terms_of(losses=losses))) == []
