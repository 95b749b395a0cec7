"""A history played without machine code is the same to the last bit; rows are made when somebody looks."""

import pickle

import numpy as np
import pytest

from mtum.core.compiled import machine
from mtum.core.indicators.smoothing import Smoothing
from mtum.core.market.bars import Bars
from mtum.core.portfolio.costs import IbFixedCosts, PercentCosts
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.simulation.backtest import fast_rules, first_fit, known_of, run
from mtum.core.simulation.history import History, history
from mtum.core.simulation.kernel.conditions import conditions
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.played import FillModel, OnDemand, PlayTerms
from mtum.core.strategies.mtum_confluence import MtumConfluence
from support.markets import made_up_bars, made_up_vix
from support.values import replace

BASE = MtumConfluence(symbol="AAA")
SIZING, NO_LOSS = SizingRules(1.0, 1e12, 0.001, PercentCosts()), LossRules(1e12)
TERMS = PlayTerms(5000.0, PortfolioRules(SIZING, NO_LOSS))
CASES: dict[str, tuple[MtumConfluence, PlayTerms, str]] = {
    "defaults": (BASE, TERMS, "none"),
    "other rules": (
        replace(
            BASE,
            ma_sessions=20,
            rsi_smoothing=Smoothing.WILDER,
            atr_smoothing=Smoothing.WILDER,
            atr_target_multiple=0.5,
            reentry_cooldown_sessions=2,
        ),
        replace(TERMS, slippage_bps=2.0, fill=FillModel.NEXT_OPEN),
        "none",
    ),
    "fees by the share, a cap, proceeds that settle later": (
        BASE,
        replace(TERMS, rules=PortfolioRules(SizingRules(0.9, 3000.0, 0.001, IbFixedCosts()), NO_LOSS)),
        "calendar",
    ),
    "loss limits": (
        BASE,
        replace(TERMS, rules=PortfolioRules(SIZING, LossRules(100.0, max_drawdown_frac=0.25))),
        "none",
    ),
    "all sold after a daily loss": (
        BASE,
        replace(TERMS, rules=PortfolioRules(SIZING, LossRules(250.0, flatten_on_daily_loss=True))),
        "none",
    ),
}


def ready(sessions: int, seed: int, settlement: str = "none") -> History:
    drawn = made_up_bars(sessions, seed)
    paid = {name: getattr(drawn, name) for name in ("open", "high", "low", "close", "volume")}
    dividend = np.where(np.arange(sessions) % 63 == 62, 0.4, 0.0)
    bars = Bars.from_columns("AAA", "made-up", drawn.days, {**paid, "dividend": dividend})
    return history(bars, made_up_vix(bars, seed), settlement)


@pytest.mark.parametrize("case", CASES)
def test_without_machine_code_everything_is_the_same_to_the_last_bit(case: str) -> None:
    rules, terms, settlement = CASES[case]
    made = 0
    for sessions, seed in ((1300, 3), (1301, 8), (64, 1)):
        one = ready(sessions, seed, settlement)
        span = Span(min(first_fit(one, rules), sessions), sessions)
        plain, compiled = run(one, rules, terms, span, plain=True), run(one, rules, terms, span)
        assert plain.trades == compiled.trades
        assert plain.orders == compiled.orders
        assert plain.equity.tolist() == compiled.equity.tolist()
        assert plain.held.tolist() == compiled.held.tolist()
        assert plain.purchases_capped == compiled.purchases_capped
        made += len(plain.trades)
    assert made > 5


@pytest.mark.parametrize("rules", [BASE, CASES["other rules"][0]])
def test_conditions_of_the_indicators_are_those_of_the_compiled_pass(rules: MtumConfluence) -> None:
    one = ready(2000, 4)
    assert known_of(one, rules).masks.tolist() == machine(conditions)(one.prices, fast_rules(rules)).tolist()


def test_positions_are_held_from_the_purchase_to_the_session_before_the_sale() -> None:
    one = ready(1300, 3)
    played = run(one, BASE, TERMS, Span(60, 1300), plain=True)
    expected = [
        float(any(trade.entry_session <= day < (trade.exit_session or one.day(-1)) for trade in played.trades))
        for day in played.days.astype(object).tolist()
    ]
    assert played.held.tolist()[:-1] == expected[:-1]


def test_rows_on_demand_are_made_once_and_counted_before() -> None:
    asked: list[str] = []

    def rows() -> list[int]:
        asked.append("made")
        return [3, 4, 5]

    found = OnDemand(3, rows)
    assert len(found) == 3
    assert not asked
    assert (found[0], found[1:], list(found), found == (3, 4, 5)) == (3, (4, 5), [3, 4, 5], True)
    assert asked == ["made"]
    assert pickle.loads(pickle.dumps(found)) == (3, 4, 5)  # made here
