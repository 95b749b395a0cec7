"""How a played history went over time: its months and years, its worst periods, its rolling figures."""

from collections.abc import Mapping
from datetime import date
from math import sqrt

import numpy as np
from msgspec import Struct

from mtum.core.market.bars import Column, Days
from mtum.core.portfolio.returns import NEGLIGIBLE, drawdown, from_capital, ratio, returns
from mtum.core.research.metrics import SESSIONS_PER_YEAR, Drawdown, moments

HALF_YEAR = SESSIONS_PER_YEAR // 2
WORST = 5
"""Worst periods that are listed."""


class WorstPeriod(Struct, frozen=True):
    """A fall below the running peak, how long it took, and what buying and holding did from peak to trough.

    `sessions_down` are those from the peak to the lowest close, `sessions` those to the recovery, or to the end; a
    peak of None is the start.
    """

    fall: Drawdown
    sessions_down: int
    sessions: int
    benchmark_frac: float


class YearRow(Struct, frozen=True):
    """One calendar year, or what of it was played; `benchmark_frac` is what buying and holding returned."""

    year: int
    return_frac: float
    benchmark_frac: float
    volatility_frac: float
    max_drawdown_frac: float
    invested_frac: float
    turnover: float


class Shape(Struct, frozen=True):
    """How returns are spread, and how they go with those of a benchmark; None = undefined.

    `skew` and `kurtosis` are those of a sample, and a normal distribution has a kurtosis of 0; `ulcer_frac` is the
    root of the mean squared drawdown; `alpha_frac` is the mean return a year that the benchmark's times `beta`
    leaves to explain, and `information_ratio` the Sharpe ratio of the difference of the two returns.
    """

    skew: float | None
    kurtosis: float | None
    best_session_frac: float
    worst_session_frac: float
    best_month_frac: float
    worst_month_frac: float
    months_up_frac: float
    ulcer_frac: float
    longest_fall_sessions: int
    beta: float | None
    alpha_frac: float | None
    correlation: float | None
    information_ratio: float | None


def months(days: Days, equity: Column, capital_usd: float) -> Mapping[date, float]:
    """Return the return of each calendar month by its first day, as a fraction.

    Parameters
    ----------
    days : ndarray of datetime64[D]
        Sessions, oldest first, shape (n_sessions,).
    equity : ndarray of float64
        Equity at each close, USD, shape (n_sessions,).
    capital_usd : float
        Starting capital, USD.
    """
    return _periods(days, equity, capital_usd, "M")


def _periods(days: Days, equity: Column, capital_usd: float, unit: str) -> Mapping[date, float]:
    periods = days.astype(f"datetime64[{unit}]")
    ends = np.append(np.flatnonzero(periods[1:] != periods[:-1]), len(days) - 1)
    moves = equity[ends] / np.concatenate(([capital_usd], equity[ends[:-1]])) - 1
    firsts = periods[ends].astype("datetime64[D]").astype(object).tolist()
    return dict(zip(firsts, moves.tolist(), strict=True))


def years(
    days: Days, curves: tuple[Column, Column], capital_usd: float, invested: Column, traded_usd: Column
) -> tuple[YearRow, ...]:
    """Return a row per calendar year.

    Parameters
    ----------
    days : ndarray of datetime64[D]
        Sessions, oldest first, shape (n_sessions,).
    curves : (ndarray, ndarray), shape (n_sessions,) each
        Equity in USD and that of the benchmark.
    capital_usd : float
        Starting capital, USD.
    invested, traded_usd : ndarray, shape (n_sessions,)
        Fraction of the equity in shares at each close; USD bought and sold in each session.
    """
    equity = curves[0]
    own, benchmark = (_periods(days, line, capital_usd, "Y") for line in curves)
    moves, falls = returns(from_capital(equity, capital_usd)), drawdown(from_capital(equity, capital_usd))
    of_year = days.astype("datetime64[Y]").astype("datetime64[D]").astype(object)
    rows = []
    for year, earned in own.items():
        inside = of_year == year
        spread = float(np.std(moves[inside], ddof=1)) if inside.sum() > 1 else 0.0
        rows.append(
            YearRow(
                year=year.year,
                return_frac=earned,
                benchmark_frac=benchmark[year],
                volatility_frac=spread * sqrt(SESSIONS_PER_YEAR),
                max_drawdown_frac=float(falls[inside].min()),
                invested_frac=float(invested[inside].mean()),
                turnover=float(traded_usd[inside].sum() / equity[inside].mean()),
            )
        )
    return tuple(rows)


def worst_periods(days: Days, equity: Column, benchmark: Column, capital_usd: float) -> tuple[WorstPeriod, ...]:
    """Return the largest drawdowns, from a peak to the return to it, deepest first; they do not overlap.

    Parameters
    ----------
    days : ndarray of datetime64[D]
        Sessions, oldest first, shape (n_sessions,).
    equity : ndarray of float64
        Equity at each close, USD, shape (n_sessions,).
    benchmark : ndarray of float64
        The benchmark's equity at each close, USD, shape (n_sessions,).
    capital_usd : float
        Starting capital, USD.
    """
    falls = drawdown(from_capital(equity, capital_usd))
    low = np.concatenate(([False], falls < -NEGLIGIBLE, [False]))
    firsts, ends = np.flatnonzero(~low[:-1] & low[1:]), np.flatnonzero(low[:-1] & ~low[1:])
    sessions: list[date] = days.astype(object).tolist()
    depths = np.array([falls[first:end].min() for first, end in zip(firsts, ends, strict=True)])
    found = []
    for place in np.argsort(depths, kind="stable")[:WORST].tolist():
        first, end = int(firsts[place]), int(ends[place])
        trough = first + int(np.argmin(falls[first:end]))
        before = float(benchmark[first - 1]) if first else capital_usd
        fall = Drawdown(
            frac=float(falls[trough]),
            peak=sessions[first - 1] if first else None,
            trough=sessions[trough],
            recovery=sessions[end] if end < len(sessions) else None,
        )
        whole = min(end, len(sessions) - 1) - first + 1
        found.append(WorstPeriod(fall, trough - first + 1, whole, float(benchmark[trough]) / before - 1))
    return tuple(found)


def shape(days: Days, equity: Column, benchmark: Column, capital_usd: float) -> Shape:
    """Return how the returns of a curve are spread and go with those of a benchmark.

    Parameters
    ----------
    days : ndarray of datetime64[D]
        Sessions, oldest first, shape (n_sessions,).
    equity : ndarray of float64
        Equity at each close, USD, shape (n_sessions,).
    benchmark : ndarray of float64
        The benchmark's equity at each close, USD, shape (n_sessions,).
    capital_usd : float
        Starting capital, USD.

    References
    ----------
    Ulcer index: Martin & McCann (1989), "The Investor's Guide to Fidelity Funds".
    """
    moves, other = (returns(from_capital(line, capital_usd)) for line in (equity, benchmark))
    n = len(moves)
    by_month = np.array([*months(days, equity, capital_usd).values()])
    falls = drawdown(from_capital(equity, capital_usd))
    low = np.concatenate(([-1], np.flatnonzero(falls >= -NEGLIGIBLE), [n]))
    skew, kurtosis = moments(moves)
    spread, others = float(np.std(moves)), float(np.std(other))
    together = float(np.mean((moves - moves.mean()) * (other - other.mean())))
    beta = together / others**2 if others > NEGLIGIBLE else None
    apart = moves - other
    yearly = float(np.std(apart, ddof=1)) if n > 1 else 0.0
    information = ratio(float(apart.mean()), yearly)
    return Shape(
        skew=skew * sqrt(n * (n - 1)) / (n - 2) if n > 2 else None,
        kurtosis=((n + 1) * (kurtosis - 3) + 6) * (n - 1) / (n - 2) / (n - 3) if n > 3 else None,
        best_session_frac=float(moves.max()),
        worst_session_frac=float(moves.min()),
        best_month_frac=float(by_month.max()),
        worst_month_frac=float(by_month.min()),
        months_up_frac=float(np.mean(by_month > 0)),
        ulcer_frac=sqrt(float(np.mean(falls**2))),
        longest_fall_sessions=int(np.diff(low).max()) - 1,
        beta=beta,
        alpha_frac=None if beta is None else float(moves.mean() - beta * other.mean()) * SESSIONS_PER_YEAR,
        correlation=together / (spread * others) if min(spread, others) > NEGLIGIBLE else None,
        information_ratio=None if information is None else information * sqrt(SESSIONS_PER_YEAR),
    )


def rolling(equity: Column, benchmark: Column, capital_usd: float) -> Mapping[str, Column]:
    """Return figures over the sessions before each, by name, shape (n_sessions,); NaN until there are enough.

    `volatility_frac` is over 126 sessions, `return_frac`, `sharpe` and `beta` are over 252. There is no beta to a
    benchmark that did not move in most of them, as before the first session of its symbols.

    Parameters
    ----------
    equity : ndarray of float64
        Equity at each close, USD, shape (n_sessions,).
    benchmark : ndarray of float64
        The benchmark's equity at each close, USD, shape (n_sessions,).
    capital_usd : float
        Starting capital, USD.
    """
    moves, other = (returns(from_capital(line, capital_usd)) for line in (equity, benchmark))
    year = SESSIONS_PER_YEAR
    grown = np.concatenate(([capital_usd], equity))
    with np.errstate(invalid="ignore", divide="ignore"):
        own, held = _windows(moves, year), _windows(other, year)
        spread, apart = own.std(axis=1, ddof=1), held.var(axis=1)
        sharpe = np.where(spread > NEGLIGIBLE, own.mean(axis=1) / spread * sqrt(year), np.nan)
        together = (own * held).mean(axis=1) - own.mean(axis=1) * held.mean(axis=1)
        moving = (np.count_nonzero(held, axis=1) > year / 2) & (apart > NEGLIGIBLE**2)
        beta = np.where(moving, together / apart, np.nan)
    found = {
        "return_frac": grown[year:] / grown[:-year] - 1 if len(equity) >= year else np.array([]),
        "volatility_frac": _windows(moves, HALF_YEAR).std(axis=1, ddof=1) * sqrt(year),
        "sharpe": sharpe,
        "beta": beta,
    }
    return {name: np.concatenate((np.full(len(moves) - len(line), np.nan), line)) for name, line in found.items()}


def _windows(moves: Column, n: int) -> Column:
    if len(moves) < n:
        return np.empty((0, n))
    found: Column = np.lib.stride_tricks.sliding_window_view(moves, n)
    return found
