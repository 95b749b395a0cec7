"""A result by the state of the market: known before each session, every session in one state of a kind."""

from datetime import date

import numpy as np
import pytest

from mtum.core.market.bars import Bars, Column
from mtum.core.research.regimes import TREND_STATES, VIX_STATES, by_state, trend_states, vix_states
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.session_views import SessionHistory
from support.markets import weekdays


def market(**closes: Column) -> SessionHistory:
    """Symbols whose newest bars are of the same session."""
    longest = max(map(len, closes.values()))
    days = weekdays(longest)
    bars = {}
    for name, close in closes.items():
        columns = {**dict.fromkeys(("open", "high", "low", "close"), close), "volume": np.ones(len(close))}
        bars[name] = Bars.from_columns(name, "made-up", days[longest - len(close) :], columns)
    return SessionHistory(bars, {})


def test_the_vix_of_the_session_before_counts_and_a_bound_belongs_to_the_state_above_it() -> None:
    given = market(AAA=np.full(6, 10.0))
    days = weekdays(6)
    vix: dict[date, float] = {days[0]: 14.99, days[1]: 15.0, days[2]: 24.99, days[3]: 25.0}
    assert vix_states(given, Span(0, 6), vix).tolist() == [-1, 0, 1, 1, 2, -1]
    assert len(VIX_STATES) == 3


def test_the_trend_is_known_after_200_closes_and_counts_from_the_next_session() -> None:
    """200 closes of 10, then 11: above the mean at the 201st close, which the 202nd session knows."""
    given = market(AAA=np.r_[np.full(200, 10.0), 11.0, 9.0, 9.0])
    assert trend_states(given, Span(198, 203), {"AAA": 1.0}).tolist() == [-1, -1, 1, 0, 1]
    assert TREND_STATES[0] == "above its mean"


def test_symbols_count_by_their_weights_from_their_first_bar_on() -> None:
    """AAA loses 1 % and BBB, which begins later, gains 2 % in the last session: by weight one of them decides."""
    flat = np.full(260, 10.0)
    given = market(AAA=np.r_[flat, 9.9, 9.9], BBB=np.r_[flat[:50], 10.2, 10.2])
    assert trend_states(given, Span(261, 262), {"AAA": 0.5, "BBB": 0.5}).tolist() == [0]
    assert trend_states(given, Span(261, 262), {"AAA": 0.8, "BBB": 0.2}).tolist() == [1]


def test_the_states_of_a_kind_make_up_the_whole() -> None:
    draw = np.random.default_rng(3)
    moves, held = draw.normal(0.0, 0.01, (2, 400))
    states = draw.integers(-1, 3, 400)
    rows = by_state("vix", VIX_STATES, states, moves, held, np.ones(400))
    assert [row.name for row in rows] == [*VIX_STATES, "not known"]
    assert sum(row.sessions for row in rows) == 400
    assert np.prod([1 + row.return_frac for row in rows]) == pytest.approx(np.prod(1 + moves))
    assert np.prod([1 + row.benchmark_return_frac for row in rows]) == pytest.approx(np.prod(1 + held))
    assert min(row.worst_session_frac for row in rows) == moves.min()


def test_figures_of_a_state_by_hand() -> None:
    """22 returns of 1 % and 3 % in turn: mean 2 %, sample deviation 1 % x root of 22 / 21, times the root of 252."""
    moves, states = np.r_[np.tile([0.01, 0.03], 11), -0.05], np.r_[np.zeros(22), 1]
    held = np.r_[np.ones(11), np.zeros(12)]
    above, below = by_state("trend", TREND_STATES, states, moves, np.zeros(23), held)
    assert (above.sessions, below.sessions) == (22, 1)
    assert above.return_frac == pytest.approx((1.01 * 1.03) ** 11 - 1)
    assert above.sharpe == pytest.approx(0.02 / (0.01 * (22 / 21) ** 0.5) * 252**0.5)
    assert (above.held_frac, below.sharpe, below.worst_session_frac) == (0.5, None, -0.05)
    (short,) = by_state("trend", TREND_STATES, states[:20], moves[:20], np.zeros(20), held[:20])
    assert short.sharpe is None, "20 sessions are too few"
