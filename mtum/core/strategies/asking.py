"""A strategy is asked for its verdicts: what it may be asked about, what it owes, and what follows from them."""

from dataclasses import replace
from typing import TYPE_CHECKING

from mtum.core.strategies.answers import verdicts_of
from mtum.core.strategies.contract import Abstain, Memory, Own, Strategy, SymbolVerdict, Target

if TYPE_CHECKING:
    from mtum.core.view import MarketView

UNFIT = "unfit"
"""Reason word: nothing is ordered in a symbol whose bars cannot be decided on."""
OTHERS_UNFIT = "others_unfit"
"""Reason word: the strategy weighs its symbols against each other and abstains unless all are fit."""
SCALE_DUST = 1e-9
"""Weights that are above 1 together by no more than this are 1."""


def asked(view: "MarketView", strategy: Strategy, own: Own) -> tuple[SymbolVerdict, ...]:
    """Return a strategy's verdicts, an unfit symbol among them as one it has no opinion on.

    Parameters
    ----------
    view : MarketView
        Everything a strategy may look at for one session.
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    own : Own
        What a strategy knows of its own sleeve; changed by fills, cash and its own decisions.

    Raises
    ------
    ValueError
        If it judges a symbol twice, or one that it does not trade.
    StrategyError
        If it ends in an error, or does not answer with verdicts.
    """
    # An unfit symbol is never asked about, whatever else was wanted of it.
    universe = strategy.universe()
    if view.unfit and not strategy.EACH_BY_ITSELF:
        return tuple(
            SymbolVerdict(symbol, Abstain(), (UNFIT if symbol in view.unfit else OTHERS_UNFIT,), (), {})
            for symbol in universe
        )
    given = tuple(verdict for verdict in verdicts_of(strategy, view, own) if verdict.symbol not in view.unfit)
    wrong = sorted({one.symbol for one in given} - {*universe})
    if wrong or len({one.symbol for one in given}) < len(given):
        raise ValueError(f"{strategy.name} owes at most one verdict for each symbol it trades, none for {wrong}")
    return (
        *given,
        *(SymbolVerdict(symbol, Abstain(), (UNFIT,), (), {}) for symbol in universe if symbol in view.unfit),
    )


def scaled(verdicts: tuple[SymbolVerdict, ...]) -> tuple[SymbolVerdict, ...]:
    """Return the verdicts with targets that are above 1 together scaled down together: nobody has leverage."""
    total = sum(verdict.verdict.weight for verdict in verdicts if isinstance(verdict.verdict, Target))
    if total <= 1 + SCALE_DUST:
        return verdicts
    return tuple(
        replace(one, verdict=Target(round(one.verdict.weight / total, 9))) if isinstance(one.verdict, Target) else one
        for one in verdicts
    )


def remembered(before: Memory, verdicts: tuple[SymbolVerdict, ...]) -> Memory:
    """Return what is remembered after verdicts: what they say, and what they leave as it was."""
    said = {name: value for verdict in verdicts for name, value in verdict.memory.items()}
    return {name: value for name, value in {**before, **said}.items() if value is not None}
