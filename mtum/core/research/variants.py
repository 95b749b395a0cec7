"""What a strategy is played with to see what its result hangs on: other costs, fills, symbols, forms, conditions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any

import numpy as np

from mtum.core.indicators.smoothing import Smoothing
from mtum.core.market.volume import VolumeMode
from mtum.core.portfolio.costs import CostModel, IbFixedCosts, IbTieredCosts, PercentCosts
from mtum.core.research.checks import Other
from mtum.core.simulation.backtest import ALL_CONDITIONS, run
from mtum.core.simulation.history import History, history
from mtum.core.simulation.kernel.near_close import Seen
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.near_close import NearCloseModel, played_near_close
from mtum.core.simulation.played import FillModel, Played, PlayTerms, Settlement
from mtum.core.simulation.session_path import play_sessions
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.core.strategies.several import without

MOST_SYMBOLS = 12
"""Symbols that are left out, one at a time: of more, those that the result hangs on most."""
COST_FRACS = ("0", "0.0005", "0.001", "0.002", "0.003")
SLIPPAGES = (5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Alone:
    """One strategy on its terms.

    Parameters
    ----------
    used : frozenset of str
        Conditions of `mtum_confluence` in force.
    volume : VolumeMode
        How it learns the volume of a session that is not over.
    """

    strategy: Strategy
    terms: PlayTerms
    used: frozenset[str] = ALL_CONDITIONS
    volume: VolumeMode = VolumeMode.PROJECTED


def fast(asked: Alone) -> bool:
    """Whether it is played in one compiled pass."""
    return isinstance(asked.strategy, MtumConfluence) and asked.terms.fits_fast_path


def play_alone(market: SessionHistory, asked: Alone, span: Span) -> Played:
    """Play a strategy over some sessions of a market."""
    strategy, terms = asked.strategy, asked.terms
    if not isinstance(strategy, MtumConfluence) or not fast(asked):
        return play_sessions(market, strategy, terms, *span)
    ready = _columns(market, strategy, terms)
    if asked.volume is VolumeMode.PROJECTED:
        return run(ready, strategy, terms, span, asked.used)
    prices = ready.prices
    volume = (
        np.round(prices.volume * NearCloseModel().share_median, 4)
        if asked.volume is VolumeMode.RAW
        else np.r_[prices.volume[:1], prices.volume[:-1]]
    )
    return played_near_close(ready, strategy, terms, span, Seen(prices.close, prices.vix, volume))


def _columns(market: SessionHistory, strategy: MtumConfluence, terms: PlayTerms) -> History:
    return history(market.bars[strategy.symbol], market.series.get("VIX", {}), terms.settlement.value)


def on_other_terms[S](terms: PlayTerms, asked: Callable[[PlayTerms], S]) -> Iterator[Other[S]]:
    """Yield what was asked with other costs, and with other fills.

    Parameters
    ----------
    asked : callable
        Returns what was asked on other terms.
    """
    rules = terms.rules

    def at_costs(costs: CostModel) -> S:
        return asked(replace(terms, rules=replace(rules, sizing=replace(rules.sizing, costs=costs))))

    for frac in COST_FRACS:
        yield Other("costs", f"{100 * float(frac):g} % per side", at_costs(PercentCosts(Decimal(frac))))
    yield Other("costs", "costs doubled", asked(doubled(terms)))
    for bps in SLIPPAGES:
        yield Other("costs", f"slippage {bps:g} bps", asked(replace(terms, slippage_bps=bps)))
    for fill in FillModel:
        if fill is not terms.fill:
            yield Other("fill", f"fills at the {fill.value.replace('_', ' ')}", asked(replace(terms, fill=fill)))
    for settlement in Settlement:
        if settlement is not terms.settlement:
            words = "cash settled at once" if settlement is Settlement.NONE else "cash settled by the calendar"
            yield Other("settlement", words, asked(replace(terms, settlement=settlement)))


def doubled(terms: PlayTerms) -> PlayTerms:
    """Return terms on which every order costs twice as much: commission and fees, slippage, market impact."""
    sizing, impact = terms.rules.sizing, terms.impact_coefficient
    rules = replace(terms.rules, sizing=replace(sizing, costs=_twice(sizing.costs)))
    return replace(
        terms,
        rules=rules,
        slippage_bps=2 * terms.slippage_bps,
        impact_coefficient=None if impact is None else 2 * impact,
    )


def _twice(costs: CostModel) -> CostModel:
    match costs:
        case PercentCosts():
            return PercentCosts(2 * costs.cost_frac)
        case IbFixedCosts():
            return IbFixedCosts(2 * costs.per_share_usd, 2 * costs.minimum_usd, 2 * costs.cap_frac)
        case IbTieredCosts(fees=fees):
            # What is passed on is a fraction of the commission, which is doubled.
            names = ("sec_frac", "taf_usd", "taf_most_usd", "exchange_usd", "clearing_usd")
            more: dict[str, Any] = {name: 2 * getattr(fees, name) for name in names}
            return IbTieredCosts(
                replace(fees, **more),
                tuple((most, 2 * usd) for most, usd in costs.tiers),
                *(2 * costs.above_usd, 2 * costs.minimum_usd, 2 * costs.cap_frac),
            )


def without_symbols(asked: Alone, official: Played) -> tuple[list[Other[Alone]], list[str]]:
    """Return the strategy without each of its symbols, and what is to be said of those it cannot do without."""
    universe, gained = asked.strategy.universe(), dict.fromkeys(asked.strategy.universe(), 0.0)
    if len(universe) < 2:
        return [], []
    for trade in official.trades:
        gained[trade.symbol] = gained.get(trade.symbol, 0.0) + trade.pnl_usd
    chosen = sorted(universe, key=lambda symbol: -abs(gained[symbol]))[:MOST_SYMBOLS]
    found, needed = [], []
    for symbol in [one for one in universe if one in chosen]:
        rest = without(asked.strategy, symbol)
        if rest is None:
            needed.append(symbol)
            continue
        held = {name: shares for name, shares in asked.terms.holdings.items() if name != symbol}
        alone = replace(asked, strategy=rest, terms=replace(asked.terms, holdings=held))
        found.append(Other("drop_symbol", symbol, alone))
    notes = [f"{asked.strategy.name} cannot do without {', '.join(needed)}: not tried"] if needed else []
    if len(chosen) < len(universe):
        notes.append(f"of {len(universe)} symbols only the {len(chosen)} that gained or lost most are left out once")
    return found, notes


def of_confluence(asked: Alone, market: SessionHistory, span: Span) -> Iterator[Other[Alone]]:
    """Yield the rules of `mtum_confluence` with other forms of their inputs, and with some conditions only."""
    strategy = asked.strategy
    if not isinstance(strategy, MtumConfluence) or not fast(asked):
        return
    yield from _forms(asked, strategy, market, span)
    for spec in strategy.CONDITIONS:
        same_role = {other.name for other in strategy.CONDITIONS if other.role is spec.role}
        alone = (ALL_CONDITIONS - same_role) | {spec.name}
        yield Other("drop_one", spec.name, replace(asked, used=ALL_CONDITIONS - {spec.name}))
        yield Other("only_one", spec.name, replace(asked, used=frozenset(alone)))


def _forms(asked: Alone, strategy: MtumConfluence, market: SessionHistory, span: Span) -> Iterator[Other[Alone]]:
    # Both forms over the sessions that both are fit for, so that they compare.
    # Whichever parameter makes the RSI another one is its form.
    chosen = next(
        field.name
        for field in fields(strategy)
        if isinstance(getattr(strategy, field.name), Smoothing)
        and len({_rsi_form(_with(strategy, field.name, form)) for form in Smoothing}) > 1
    )
    forms = [_with(strategy, chosen, form) for form in Smoothing]
    first = max(span.first, *(one.history_sessions() - 1 for one in forms))
    late = f" from {market.day(first)}" if span.first < first < span.stop else ""
    if first < span.stop:
        for one in forms:
            yield Other("rsi_form", f"RSI {_rsi_form(one)}{late}", replace(asked, strategy=one), first)
    for mode in VolumeMode:
        yield Other("volume_mode", f"volume {mode.value}", replace(asked, volume=mode))


def _with(strategy: MtumConfluence, name: str, form: Smoothing) -> MtumConfluence:
    changes: dict[str, Any] = {name: form}
    return replace(strategy, **changes)


def _rsi_form(strategy: Strategy) -> str:
    asked = (dict(spec.parameters).get("smoothing") for spec in strategy.indicators() if spec.indicator == "rsi")
    return next(form.value for form in asked if isinstance(form, Smoothing))
