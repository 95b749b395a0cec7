"""Combinations of any settings, each played by itself; their rows are those of the compiled grid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from msgspec import Struct

from mtum.core.portfolio.fund import FUND
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.returns import drawdown, from_capital, returns
from mtum.core.portfolio.sleeves import Sleeve, SleeveState
from mtum.core.research.grid import empty_results
from mtum.core.research.metrics import moments
from mtum.core.research.overfitting import BLOCKS
from mtum.core.simulation.kernel.columns import Column
from mtum.core.simulation.kernel.grid import GridResults
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.play_strategy import play_strategy
from mtum.core.simulation.played import Played, PlayTerms
from mtum.core.simulation.session_path import play_account_by_columns
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.strategies.contract import Strategy


class OptionPlayer(Protocol):
    """Plays accounts of which sleeves trade options: it knows what quotes them, also in another process."""

    def play(self, market: SessionHistory, one: "AccountCombination", span: Span) -> Played:
        """Play one set of settings over some sessions of a market.

        Parameters
        ----------
        market : SessionHistory
            Bars per symbol, and extra series by session.
        one : AccountCombination
            The sleeves and the terms.
        span : Span
            Sessions decided: ``first <= t < stop``.
        """
        ...


@dataclass(frozen=True, slots=True)
class AccountCombination:
    """One set of settings: the sleeves of an account, one strategy alone being an account of one, and the terms.

    Parameters
    ----------
    options : OptionPlayer or None
        What plays it where a sleeve trades options.
    """

    sleeves: tuple[Sleeve, ...]
    terms: PlayTerms
    options: OptionPlayer | None = field(default=None, compare=False, kw_only=True)

    @property
    def alone(self) -> Strategy | None:
        """The strategy that is played without an account; None where sleeves of the settings are."""
        return None if self.sleeves[0].name else self.sleeves[0].strategy

    @property
    def capital_usd(self) -> float:
        """What its sleeves begin with together."""
        capital = exact(self.terms.capital_usd)
        return float(sum(one.part_of(capital) for one in self.sleeves if one.owns_money))

    def compared_with(
        self, benchmark: str | None, held_usd: Mapping[str, float]
    ) -> tuple[tuple[Mapping[str, float], float], ...]:
        """Return what each sleeve would buy and hold instead, and with how many USD; what is off keeps cash.

        Parameters
        ----------
        benchmark : str or None
            Symbol to compare a strategy alone with; None for its own.
        held_usd : mapping of symbol to float
            What the shares at the start are worth; they belong to the first sleeve that trades them.
        """
        if self.alone is not None:
            usd = self.capital_usd + sum(held_usd.values())
            return (({benchmark: 1.0} if benchmark else self.alone.benchmark, usd),)
        capital, left, found = exact(self.terms.capital_usd), dict(held_usd), []
        for one in self.sleeves:
            if one.owns_money and one.name != FUND:
                own = [left.pop(symbol) for symbol in one.symbols if one.decides and symbol in left]
                weights = one.compared_with if one.decides and one.state is not SleeveState.CLOSE else {}
                found.append((weights, float(one.part_of(capital)) + sum(own)))
        return tuple(found)

    @property
    def strategies(self) -> tuple[str, ...]:
        """Names of the sleeves, or of the strategy that is played alone."""
        return tuple(one.name or one.strategy.name for one in self.sleeves)

    @property
    def cautions(self) -> tuple[str, ...]:
        """What the strategies have to say of themselves."""
        return tuple(line for one in self.sleeves for line in one.strategy.CAUTIONS)


class AccountPart(Struct, frozen=True, eq=False):
    """Combinations to play over the same sessions of one market.

    Parameters
    ----------
    compiled : bool
        Whether all that is played together is so much that machine code is worth loading.
    """

    market: SessionHistory
    span: Span
    combinations: Sequence[AccountCombination]
    compiled: bool = False


def play_combination(market: SessionHistory, one: AccountCombination, span: Span, *, compiled: bool = False) -> Played:
    """Play one set of settings over some sessions of a market, as `mtum backtest` plays it.

    Parameters
    ----------
    market : SessionHistory
        Bars per symbol, and extra series by session.
    one : AccountCombination
        One set of settings: the sleeves of an account, one strategy alone being an account of one, and the terms.
    span : Span
        Sessions decided: ``first <= t < stop``.
    compiled : bool
        Whether compiled code is used.
    """
    if one.options is not None:
        return one.options.play(market, one, span)
    if one.alone is not None:
        return play_strategy(market, one.alone, one.terms, *span, compiled=compiled)
    return play_account_by_columns(market, one.sleeves, one.terms, span).total


def play_each(part: AccountPart) -> GridResults:
    """Play every combination over the span; one row of results each, in their order."""
    found = empty_results(len(part.combinations))
    for row, one in enumerate(part.combinations):
        played = play_combination(part.market, one, part.span, compiled=part.compiled)
        found.numbers[row], found.sums[row], found.squares[row] = row_of(played)
    return found


def row_of(played: Played) -> tuple[Column, Column, Column]:
    """Return a history played as a row of the compiled grid: its numbers, and returns and squares summed by block.

    Returns
    -------
    (ndarray, ndarray, ndarray)
        `research.grid.RESULT_COLUMNS`, and sums over `research.overfitting.BLOCKS` blocks of sessions.
    """
    curve = from_capital(played.equity, played.capital_usd)
    moves = returns(curve)
    n = len(moves)
    skew, kurtosis = moments(moves)
    numbers = np.array(
        [
            len(played.trades),
            sum(trade.exit_session is not None and trade.pnl_usd > 0 for trade in played.trades),
            played.final_equity_usd,
            played.purchases_capped,
            np.mean(moves),
            np.std(moves, ddof=1) if n > 1 else 0.0,
            skew,
            kurtosis,
            drawdown(curve).min(),
        ],
        dtype=np.float64,
    )
    block = np.arange(n) * BLOCKS // n
    sums, squares = (np.array([one[block == b].sum() for b in range(BLOCKS)]) for one in (moves, moves**2))
    return numbers, sums, squares
