"""What a played history was worth: returns, risk, trades, and how sure that is."""

from datetime import date
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from mtum.core.market.bars import Column, Days
from mtum.core.market.instruments import unit_usd
from mtum.core.portfolio.returns import NEGLIGIBLE, Z_95, drawdown, from_capital, ratio, returns, wilson

if TYPE_CHECKING:
    from mtum.core.simulation.played import Played, PlayedTrade

SESSIONS_PER_YEAR = 252
FEW_TRADES = 30
FEW_SESSIONS = 2 * SESSIONS_PER_YEAR


class Drawdown(Struct, frozen=True):
    """Largest drawdown: the deepest fall of equity from its running peak, the starting capital being the first peak.

    `frac` in (-1, 0]. The peak is the last session at the high, None when equity never was back at the
    starting capital; the recovery None when not reached.
    """

    frac: float
    peak: date | None
    trough: date | None
    recovery: date | None


class CurveMetrics(Struct, frozen=True):
    """Metrics of an equity curve; fractions per year where a year is 252 sessions; None = undefined."""

    total_return_frac: float
    cagr_frac: float
    volatility_frac: float
    sharpe: float | None
    sharpe_low: float | None
    sharpe_high: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown: Drawdown
    var_95_frac: float
    cvar_95_frac: float


class ReasonRow(Struct, frozen=True):
    """Trades that ended for one reason; `mean_return_frac` per trade."""

    reason: str
    trades: int
    wins: int
    pnl_usd: float
    mean_return_frac: float
    mean_sessions_held: float


class TradeMetrics(Struct, frozen=True):
    """Metrics of the closed trades; None where there is none to speak of."""

    trades: int
    closed_trades: int
    exposure_frac: float
    turnover_per_year: float
    win_rate_frac: float | None
    win_rate_low: float | None
    win_rate_high: float | None
    profit_factor: float | None
    average_trade_usd: float | None
    average_trade_frac: float | None
    average_sessions_held: float | None
    costs_usd: float
    cost_drag_frac_per_year: float
    dividends_usd: float
    exit_reasons: tuple[ReasonRow, ...]


def curve_metrics(equity: Column, days: Days, capital_usd: float) -> CurveMetrics:
    """Metrics of an equity curve in USD, one value per session.

    Parameters
    ----------
    equity : ndarray of float64
        Equity at each close, USD, shape (n_sessions,).
    days : ndarray of datetime64[D]
        Sessions, oldest first, shape (n_sessions,).
    capital_usd : float
        Starting capital, USD.

    Raises
    ------
    ValueError
        If the curve is empty or not above zero.

    References
    ----------
    Sharpe's 95 % interval: Lo (2002), "The Statistics of Sharpe Ratios", with the
    correction for skew and kurtosis of Mertens (2002). VaR and CVaR are empirical.
    """
    if not len(equity) or not bool((equity > 0).all()):
        raise ValueError("an equity curve needs at least one session and values above zero")
    moves = returns(from_capital(equity, capital_usd))
    n = len(moves)
    growth = float(equity[-1]) / capital_usd
    cagr = growth ** (SESSIONS_PER_YEAR / n) - 1.0
    spread = float(np.std(moves, ddof=1)) if n > 1 else 0.0
    sharpe = _yearly(ratio(float(np.mean(moves)), spread))
    below = sqrt(float(np.mean(np.minimum(moves, 0.0) ** 2)))
    fall = max_drawdown(equity, days, capital_usd)
    var = float(np.quantile(moves, 0.05))
    error = _sharpe_error(moves, sharpe) if sharpe is not None else None
    return CurveMetrics(
        total_return_frac=growth - 1.0,
        cagr_frac=cagr,
        volatility_frac=spread * sqrt(SESSIONS_PER_YEAR),
        sharpe=sharpe,
        sharpe_low=None if sharpe is None or error is None else sharpe - Z_95 * error,
        sharpe_high=None if sharpe is None or error is None else sharpe + Z_95 * error,
        sortino=_yearly(ratio(float(np.mean(moves)), below)),
        calmar=ratio(cagr, -fall.frac),
        max_drawdown=fall,
        var_95_frac=var,
        cvar_95_frac=float(np.mean(moves[moves <= var])),
    )


def _yearly(per_session: float | None) -> float | None:
    return None if per_session is None else per_session * sqrt(SESSIONS_PER_YEAR)


def _sharpe_error(moves: Column, sharpe: float) -> float | None:
    if len(moves) < 3:
        return None
    per_session = sharpe / sqrt(SESSIONS_PER_YEAR)
    skew, kurtosis = moments(moves)
    variance = 1.0 - skew * per_session + (kurtosis - 1.0) / 4.0 * per_session**2
    return sqrt(max(0.0, variance) / (len(moves) - 1) * SESSIONS_PER_YEAR)


def moments(moves: Column) -> tuple[float, float]:
    """Skew and kurtosis (3 for a normal) of returns; 0 and 3 where nothing moves."""
    away = moves - np.mean(moves)
    spread = float(np.sqrt(np.mean(away**2)))
    if spread <= NEGLIGIBLE:
        return 0.0, 3.0
    return float(np.mean(away**3)) / spread**3, float(np.mean(away**4)) / spread**4


def max_drawdown(equity: Column, days: Days, capital_usd: float) -> Drawdown:
    """Return the max drawdown with its dates.

    Parameters
    ----------
    equity : ndarray of float64
        Equity at each close, USD, shape (n_sessions,).
    days : ndarray of datetime64[D]
        Sessions, oldest first, shape (n_sessions,).
    capital_usd : float
        Starting capital, USD.
    """
    falls = drawdown(from_capital(equity, capital_usd))
    trough = int(np.argmin(falls))
    if falls[trough] >= -NEGLIGIBLE:
        return Drawdown(0.0, None, None, None)
    sessions: list[date] = days.astype(object).tolist()
    high = np.flatnonzero(falls >= -NEGLIGIBLE)
    before, after = high[high < trough], high[high > trough]
    return Drawdown(
        frac=float(falls[trough]),
        peak=sessions[int(before[-1])] if len(before) else None,
        trough=sessions[trough],
        recovery=sessions[int(after[0])] if len(after) else None,
    )


def traded_usd(played: "Played") -> Column:
    """Return what was bought and sold in each session, in USD, shape (n_sessions,)."""
    rows = np.searchsorted(played.days, np.array([order.session for order in played.orders], dtype=played.days.dtype))
    usd = [order.shares * unit_usd(order.symbol, order.price) for order in played.orders]
    found: Column = np.bincount(rows, weights=usd, minlength=len(played.days)).astype(np.float64)
    return found


def trade_metrics(played: "Played") -> TradeMetrics:
    """Return the metrics of a history's trades; an open trade counts in costs and exposure only."""
    closed = [trade for trade in played.trades if trade.exit_session is not None]
    wins = sum(trade.pnl_usd > 0 for trade in closed)
    gains = sum(trade.pnl_usd for trade in closed if trade.pnl_usd > 0)
    losses = -sum(trade.pnl_usd for trade in closed if trade.pnl_usd < 0)
    low, high = wilson(wins, len(closed))
    years = len(played.days) / SESSIONS_PER_YEAR
    average = float(np.mean(played.equity)) if len(played.equity) else played.capital_usd
    traded = float(traded_usd(played).sum())
    costs = sum(trade.costs_usd for trade in played.trades)
    return TradeMetrics(
        trades=len(played.trades),
        closed_trades=len(closed),
        exposure_frac=float(np.mean(played.held)) if len(played.held) else 0.0,
        turnover_per_year=traded / average / years if years else 0.0,
        win_rate_frac=wins / len(closed) if closed else None,
        win_rate_low=low,
        win_rate_high=high,
        profit_factor=ratio(gains, losses),
        average_trade_usd=_mean([trade.pnl_usd for trade in closed]),
        average_trade_frac=_mean([trade.return_frac for trade in closed]),
        average_sessions_held=_mean([float(trade.sessions_held) for trade in closed]),
        costs_usd=round(costs, 2),
        cost_drag_frac_per_year=costs / average / years if years else 0.0,
        dividends_usd=round(sum(trade.dividends_usd for trade in played.trades), 2),
        exit_reasons=exit_reasons(closed),
    )


def exit_reasons(closed: "list[PlayedTrade]") -> tuple[ReasonRow, ...]:
    """One row per deciding exit reason, most frequent first."""
    groups: dict[str, list[PlayedTrade]] = {}
    for trade in closed:
        groups.setdefault(trade.reason or "", []).append(trade)
    rows = [
        ReasonRow(
            reason=reason,
            trades=len(group),
            wins=sum(trade.pnl_usd > 0 for trade in group),
            pnl_usd=round(sum(trade.pnl_usd for trade in group), 2),
            mean_return_frac=sum(trade.return_frac for trade in group) / len(group),
            mean_sessions_held=sum(trade.sessions_held for trade in group) / len(group),
        )
        for reason, group in groups.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.trades, row.reason)))


def cautions(played: "Played") -> tuple[str, ...]:
    """Plain sentences about samples too small to lean on."""
    found = []
    closed = sum(trade.exit_session is not None for trade in played.trades)
    if closed < FEW_TRADES:
        found.append(f"few closed trades ({closed}): rates and averages per trade are rough")
    if len(played.days) < FEW_SESSIONS:
        found.append(f"few sessions ({len(played.days)}): yearly figures are extrapolated")
    return tuple(found)


def _mean(numbers: list[float]) -> float | None:
    return sum(numbers) / len(numbers) if numbers else None
