"""Metrics of curves and trades, against numbers worked out by hand."""

from datetime import date
from math import sqrt

import numpy as np
import pytest

from mtum.core.market.bars import Days
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.returns import drawdown, from_capital, returns, wilson
from mtum.core.research.attribution import by_symbol
from mtum.core.research.metrics import (
    cautions,
    curve_metrics,
    exit_reasons,
    max_drawdown,
    moments,
    trade_metrics,
)
from mtum.core.simulation.kernel.columns import Column
from mtum.core.simulation.played import Played, PlayedOrder, PlayedTrade
from support.markets import weekdays
from support.values import replace


def days(count: int) -> Days:
    return np.array(weekdays(count), dtype="datetime64[D]")


def grown(factors: list[float]) -> Column:
    found: Column = 1000.0 * np.cumprod(np.array(factors))
    return found


def trade(pnl: float, reason: str | None = "rsi_low", held: int = 4) -> PlayedTrade:
    """10 shares bought at 100, costs 2: sold so that the trade makes `pnl`."""
    closed = reason is not None
    return PlayedTrade(
        symbol="AAA",
        entry_session=date(2020, 1, 6),
        entry_price=100.0,
        exit_session=date(2020, 1, 10) if closed else None,
        exit_price=100.0 + (pnl + 2.0) / 10 if closed else None,
        shares=10,
        pnl_usd=pnl,
        return_frac=pnl / 1000.0,
        costs_usd=2.0,
        dividends_usd=1.0,
        sessions_held=held,
        reasons=(reason,) if reason else (),
    )


def played(trades: tuple[PlayedTrade, ...], equity: list[float], held: list[float]) -> Played:
    return Played("AAA", days(len(equity)), np.array(equity), np.array(held), trades, 1000.0)


def test_first_return_is_from_the_starting_capital() -> None:
    assert returns(from_capital(np.array([1010.0, 909.0]), 1000.0)).tolist() == pytest.approx([0.01, -0.1])


def test_growth_is_per_252_sessions() -> None:
    """126 sessions that make 21 % make 1.21^2 - 1 = 46.41 % a year."""
    equity = np.linspace(1000.0, 1210.0, 127)[1:].astype(np.float64)
    assert curve_metrics(equity, days(126), 1000.0).cagr_frac == pytest.approx(0.4641)


def test_ratios_of_four_sessions_by_hand() -> None:
    """Returns 2 %, -1 %, 3 %, 0: mean 1 %, deviations 1, -2, 2, -1 %, sd sqrt(10/3) %, downside sqrt(1/4) %."""
    equity = grown([1.02, 0.99, 1.03, 1.0])
    found = curve_metrics(equity, days(4), 1000.0)
    assert found.volatility_frac == pytest.approx(0.01 * sqrt(10 / 3) * sqrt(252))
    assert found.sharpe == pytest.approx(1 / sqrt(10 / 3) * sqrt(252))
    assert found.sortino == pytest.approx(1 / 0.5 * sqrt(252))
    assert found.calmar == pytest.approx(found.cagr_frac / 0.01)


def test_sharpe_interval_of_normal_looking_returns_follows_lo() -> None:
    """Half +1 %, half -0.9 %: skew 0, kurtosis 1, so the variance of the ratio is exactly 1/(n - 1)."""
    found = curve_metrics(grown([1.01, 0.991] * 50), days(100), 1000.0)
    assert found.sharpe is not None
    assert found.sharpe_high is not None
    assert found.sharpe_high - found.sharpe == pytest.approx(1.959963984540054 * sqrt(252 / 99))


def test_value_at_risk_is_the_empirical_5_percent_quantile() -> None:
    """Returns -10 % .. +10 % in steps of 1 %: the quantile is -9 %, the mean at or below it -9.5 %."""
    found = curve_metrics(grown([1 + move / 100 for move in range(-10, 11)]), days(21), 1000.0)
    assert found.var_95_frac == pytest.approx(-0.09)
    assert found.cvar_95_frac == pytest.approx(-0.095)


def test_a_constant_curve_has_no_ratios() -> None:
    found = curve_metrics(np.full(10, 1000.0), days(10), 1000.0)
    assert (found.sharpe, found.sortino, found.calmar, found.sharpe_low) == (None, None, None, None)
    assert (found.cagr_frac, found.volatility_frac, found.max_drawdown.trough) == (0.0, 0.0, None)


def test_an_empty_curve_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one session"):
        curve_metrics(np.array([]), days(0), 1000.0)


def test_drawdown_counts_from_the_starting_capital() -> None:
    falls = drawdown(from_capital(np.array([900.0, 990.0, 1100.0, 550.0]), 1000.0))
    assert falls.tolist() == pytest.approx([-0.1, -0.01, 0, -0.5])
    found = max_drawdown(np.array([900.0, 950.0]), days(2), 1000.0)
    assert found.frac == pytest.approx(-0.1)
    assert (found.peak, found.recovery) == (None, None)


def test_drawdown_names_peak_trough_and_recovery() -> None:
    equity = np.array([1010.0, 1200.0, 1100.0, 900.0, 1150.0, 1200.0, 1190.0])
    sessions = weekdays(7)
    found = max_drawdown(equity, days(7), 1000.0)
    assert found.frac == pytest.approx(-0.25)
    assert (found.peak, found.trough, found.recovery) == (sessions[1], sessions[3], sessions[5])


def test_the_peak_is_the_last_session_at_the_high() -> None:
    """In cash at 1200 for three sessions, then a fall; at the starting capital for two, then one."""
    sessions = weekdays(6)
    assert max_drawdown(np.array([1010.0, 1200.0, 1200.0, 1200.0, 900.0, 1000.0]), days(6), 1000.0).peak == sessions[3]
    assert max_drawdown(np.array([1000.0, 1000.0, 950.0]), days(3), 1000.0).peak == sessions[1]


@pytest.mark.parametrize("dust", [0.0, 1e-15, -1e-15, 1e-12])
def test_what_float_arithmetic_leaves_behind_makes_no_ratio(dust: float) -> None:
    """Two cents a thousand each session, and the last digits of a float to and fro."""
    moves = [2e-5 + dust, 2e-5 - dust] * 25
    found = curve_metrics(grown([1.0 + move for move in moves]), days(50), 1000.0)
    assert (found.sharpe, found.sharpe_low, found.sortino, found.calmar) == (None, None, None, None)
    flat = curve_metrics(grown([1.0 + move - 2e-5 for move in moves]), days(50), 1000.0)
    assert (flat.sharpe, flat.sortino, flat.calmar, flat.max_drawdown.frac) == (None, None, None, 0.0)


def test_skew_and_kurtosis_by_hand() -> None:
    """0, 0, 0, 4: mean 1, moments 3, 6, 21: skew 6/3^1.5, kurtosis 21/9."""
    assert moments(np.array([0.0, 0.0, 0.0, 4.0])) == pytest.approx((6 / 3**1.5, 21 / 9))


def test_trades_by_hand() -> None:
    """Wins 30 and 20, loss 10, one open: win rate 2/3, profit factor 5, costs 8 of equity 1000 in a quarter."""
    trades = (trade(30.0), trade(-10.0, "close_below_ma", 2), trade(20.0), trade(5.0, None))
    found = trade_metrics(played(trades, [1000.0] * 63, [1.0] * 21 + [0.0] * 42))
    assert (found.trades, found.closed_trades) == (4, 3)
    assert found.win_rate_frac == pytest.approx(2 / 3)
    assert (found.win_rate_low, found.win_rate_high) == wilson(2, 3)
    assert found.profit_factor == pytest.approx(5.0)
    assert found.average_trade_usd == pytest.approx(40 / 3)
    assert found.average_sessions_held == pytest.approx(10 / 3)
    assert found.exposure_frac == pytest.approx(1 / 3)
    assert (found.costs_usd, found.dividends_usd) == (8.0, 4.0)
    assert found.cost_drag_frac_per_year == pytest.approx(0.032)


def test_turnover_is_what_was_ordered_as_in_the_rows_of_symbols() -> None:
    """Shares held from the start were not bought, and 30 of 40 are sold in two orders: 3,100 USD of 1,000 in a quarter.

    A round trip of 10 shares says less: the lists of symbols and sleeves count orders too.
    """
    sold = [PlayedOrder(date(2020, 1, 6 + n), "AAA", Side.SELL, 20 - 10 * n, 100.0 + 10 * n, ()) for n in (0, 1)]
    history = replace(played((trade(30.0),), [1000.0] * 63, [1.0] * 63), orders=sold)
    (row,) = by_symbol(history, {"AAA": np.ones(63)})
    assert trade_metrics(history).turnover_per_year == pytest.approx(3100 / 1000 / 0.25)
    assert row.turnover_per_year == pytest.approx(trade_metrics(history).turnover_per_year)


def test_exit_reasons_are_counted_by_the_deciding_one() -> None:
    rows = exit_reasons([trade(30.0), trade(-10.0, "close_below_ma", 2), trade(20.0)])
    assert [(row.reason, row.trades, row.wins, row.pnl_usd) for row in rows] == [
        ("rsi_low", 2, 2, 50.0),
        ("close_below_ma", 1, 0, -10.0),
    ]
    assert rows[0].mean_return_frac == pytest.approx(0.025)


def test_no_trade_leaves_rates_unknown() -> None:
    found = trade_metrics(played((), [1000.0] * 5, [0.0] * 5))
    assert (found.win_rate_frac, found.profit_factor, found.average_trade_usd) == (None, None, None)


def test_small_samples_are_said_to_be_small() -> None:
    assert len(cautions(played((trade(1.0),), [1000.0] * 100, [0.0] * 100))) == 2
    assert cautions(played((trade(1.0),) * 30, [1000.0] * 504, [0.0] * 504)) == ()
