"""Every figure of a tear sheet, beside the metrics that each backtest has."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from mtum.core.market.bars import Column
from mtum.core.portfolio.returns import changes, drawdown, from_capital, returns
from mtum.core.research import attribution, periods
from mtum.core.research.attribution import PairRow, SleeveRow, SymbolRow
from mtum.core.research.metrics import traded_usd
from mtum.core.research.periods import Shape, WorstPeriod, YearRow

if TYPE_CHECKING:
    from mtum.core.simulation.played import PlayedAccount  # loads numba


class SheetFigures(Struct, frozen=True, eq=False):
    """Figures of a played history and of buying and holding beside it; columns have shape (n_sessions,).

    Parameters
    ----------
    months, benchmark_months : mapping of date to float
        Return of each calendar month, by its first day.
    drawdown, benchmark_drawdown : ndarray
        Fall from the running peak at each close, a fraction in (-1, 0].
    rolling, benchmark_rolling : mapping of str to ndarray
        See `periods.rolling`.
    weights : mapping of symbol to ndarray
        Part of the equity in each symbol at each close; what the cash fund holds is `fund`.
    sleeves, pairs, earned, correlations
        Rows of the sleeves, of their symbols, what each has earned by each close in USD, and how their returns go
        together; empty for one sleeve alone.
    """

    months: Mapping[date, float]
    benchmark_months: Mapping[date, float]
    years: tuple[YearRow, ...]
    worst: tuple[WorstPeriod, ...]
    shape: Shape
    benchmark_shape: Shape
    drawdown: Column
    benchmark_drawdown: Column
    rolling: Mapping[str, Column]
    benchmark_rolling: Mapping[str, Column]
    weights: Mapping[str, Column]
    fund: Column
    symbols: tuple[SymbolRow, ...]
    sleeves: tuple[SleeveRow, ...]
    pairs: tuple[PairRow, ...]
    earned: Mapping[str, Column]
    correlations: Mapping[str, Mapping[str, float | None]]


def sheet_figures(account: "PlayedAccount", benchmark: Column) -> SheetFigures:
    """Return the figures; `benchmark` is the equity in USD of buying and holding, shape (n_sessions,)."""
    played = account.total
    days, equity, capital = played.days.astype("datetime64[D]"), played.equity, played.capital_usd
    held = attribution.weights(account)
    invested = sum(held.values(), 0.0 * equity)
    curves = attribution.sleeve_curves(account) if len(account.sleeves) > 1 else {}
    return SheetFigures(
        months=periods.months(days, equity, capital),
        benchmark_months=periods.months(days, benchmark, capital),
        years=periods.years(days, (equity, benchmark), capital, invested, traded_usd(played)),
        worst=periods.worst_periods(days, equity, benchmark, capital),
        shape=periods.shape(days, equity, benchmark, capital),
        benchmark_shape=periods.shape(days, benchmark, benchmark, capital),
        drawdown=drawdown(from_capital(equity, capital)),
        benchmark_drawdown=drawdown(from_capital(benchmark, capital)),
        rolling=periods.rolling(equity, benchmark, capital),
        benchmark_rolling=periods.rolling(benchmark, benchmark, capital),
        weights=held,
        fund=attribution.fund_weight(account),
        symbols=attribution.by_symbol(played, held),
        sleeves=attribution.by_sleeve(account) if curves else (),
        pairs=attribution.by_pair(account) if curves else (),
        earned={name: np.cumsum(changes(curve)) for name, curve in curves.items()},
        correlations=attribution.correlations(
            {name: returns(curve) for name, curve in curves.items() if account.sleeves[name].played.capital_usd > 0}
        ),
    )
