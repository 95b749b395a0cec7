"""What a strategy is played with to see what its result hangs on: other costs, fills, symbols, forms, conditions."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

import numpy as np
from msgspec.structs import replace

from mtum.core.indicators.smoothing import Smoothing
from mtum.core.market.volume import VolumeMode
from mtum.core.plans import sessions_looked_at
from mtum.core.portfolio.costs import CostModel, IbFixedCosts, IbTieredCosts, PercentCosts
from mtum.core.portfolio.fund import FUND
from mtum.core.portfolio.sleeves import Sleeve, SleeveState
from mtum.core.research.checks import Other
from mtum.core.research.session_grid import AccountCombination, play_combination
from mtum.core.simulation.backtest import ALL_CONDITIONS, run
from mtum.core.simulation.fill_costs import IMPACT_SESSIONS
from mtum.core.simulation.history import history
from mtum.core.simulation.kernel.near_close import Seen
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.near_close import NearCloseModel, played_near_close
from mtum.core.simulation.played import FillModel, Played, PlayTerms, Settlement
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.core.strategies.several import without

MOST_SYMBOLS = 12
"""Symbols that are left out, one at a time: of more, those that the result hangs on most."""
COST_FRACS = ("0", "0.0005", "0.001", "0.002", "0.003")
SLIPPAGES = (5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Asked(AccountCombination):
    """What is checked: the sleeves of an account and the terms they are played on.

    Parameters
    ----------
    used : frozenset of str
        Conditions of `mtum_confluence` in force, where it is alone.
    volume : VolumeMode
        How it learns the volume of a session that is not over.
    """

    used: frozenset[str] = ALL_CONDITIONS
    volume: VolumeMode = VolumeMode.PROJECTED

    @property
    def confluence(self) -> MtumConfluence | None:
        """The strategy that is played in one compiled pass; None where sessions are played one by one."""
        strategy = self.alone
        return strategy if isinstance(strategy, MtumConfluence) and self.terms.fits_fast_path else None

    @property
    def needed(self) -> int:
        """Bars per symbol that a decision, limits and the price of a fill need, the session's own included."""
        measured = IMPACT_SESSIONS + 1 if self.terms.impact_coefficient else 1
        looked_at = sessions_looked_at(self.terms.account)
        return max(measured, looked_at, *(one.strategy.history_sessions() for one in self.sleeves))

    def on(self, terms: PlayTerms) -> "Asked":
        """Return the same on other terms: every sleeve sizes by the costs that it pays."""
        costs = terms.rules.sizing.costs
        sleeves = (
            replace(one, rules=replace(one.rules, sizing=replace(one.rules.sizing, costs=costs)))
            for one in self.sleeves
        )
        return dataclasses.replace(self, sleeves=tuple(sleeves), terms=terms)


def alone(strategy: Strategy, terms: PlayTerms) -> Asked:
    """Return one strategy with all the money."""
    sleeve = Sleeve("", strategy, 1.0, SleeveState.ON, 0.0, "", terms.rules, terms.loss_pause_sessions)
    return Asked((sleeve,), terms)


def play(market: SessionHistory, asked: Asked, span: Span) -> Played:
    """Play what is asked over some sessions of a market.

    Parameters
    ----------
    market : SessionHistory
        Bars per symbol, and extra series by session.
    asked : Asked
        What is checked: the sleeves of an account and the terms they are played on.
    span : Span
        Sessions decided: ``first <= t < stop``.
    """
    strategy, terms = asked.confluence, asked.terms
    if strategy is None:
        return play_combination(market, asked, span)
    ready = history(market.bars[strategy.symbol], market.series.get("VIX", {}), terms.settlement.value)
    if asked.volume is VolumeMode.PROJECTED:
        return run(ready, strategy, terms, span, asked.used)
    prices = ready.prices
    volume = (
        np.round(prices.volume * NearCloseModel().share_median, 4)
        if asked.volume is VolumeMode.RAW
        else np.r_[prices.volume[:1], prices.volume[:-1]]
    )
    return played_near_close(ready, strategy, terms, span, Seen(prices.close, prices.vix, volume))


def on_other_terms(asked: Asked) -> Iterator[Other[Asked]]:
    """Yield what is asked with other costs, other fills, other settlement."""
    terms, rules = asked.terms, asked.terms.rules
    for frac in COST_FRACS:
        sizing = replace(rules.sizing, costs=PercentCosts(Decimal(frac)))
        charged = replace(terms, rules=replace(rules, sizing=sizing))
        yield Other("costs", f"{100 * float(frac):g} % per side", asked.on(charged))
    yield Other("costs", "costs doubled", asked.on(doubled(terms)))
    for bps in SLIPPAGES:
        yield Other("costs", f"slippage {bps:g} bps", asked.on(replace(terms, slippage_bps=bps)))
    for fill in FillModel:
        if fill is not terms.fill:
            yield Other("fill", f"fills at the {fill.value.replace('_', ' ')}", asked.on(replace(terms, fill=fill)))
    for settlement in Settlement:
        if settlement is not terms.settlement:
            words = "cash settled at once" if settlement is Settlement.NONE else "cash settled by the calendar"
            yield Other("settlement", words, asked.on(replace(terms, settlement=settlement)))


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


def without_symbols(asked: Asked, official: Played) -> tuple[list[Other[Asked]], list[str]]:
    """Return what is asked without each of its symbols, and what is to be said of those it cannot do without."""
    universe = tuple(dict.fromkeys(symbol for one in asked.sleeves if one.name != FUND for symbol in one.symbols))
    if len(universe) < 2:
        return [], []
    gained = dict.fromkeys(universe, 0.0)
    for trade in official.trades:
        gained[trade.symbol] = gained.get(trade.symbol, 0.0) + trade.pnl_usd
    chosen = sorted(universe, key=lambda symbol: -abs(gained[symbol]))[:MOST_SYMBOLS]
    found: list[Other[Asked]] = []
    needed: dict[str, list[str]] = {}
    for symbol in [one for one in universe if one in chosen]:
        rest = [without(one.strategy, symbol) if symbol in one.looks_at else one.strategy for one in asked.sleeves]
        for sleeve, strategy in zip(asked.sleeves, rest, strict=True):
            if strategy is None:
                needed.setdefault(sleeve.name or sleeve.strategy.name, []).append(symbol)
        changed = zip(asked.sleeves, rest, strict=True)
        sleeves = [replace(one, strategy=strategy) for one, strategy in changed if strategy is not None]
        if len(sleeves) == len(rest) and symbol not in asked.terms.holdings:
            found.append(Other("drop_symbol", symbol, dataclasses.replace(asked, sleeves=tuple(sleeves))))
    notes = [f"{name} cannot do without {', '.join(symbols)}: not left out" for name, symbols in needed.items()]
    notes += [f"{symbol} is there at the start: not left out" for symbol in asked.terms.holdings]
    if len(chosen) < len(universe):
        notes.append(f"of {len(universe)} symbols only the {len(chosen)} that gained or lost most are left out once")
    return found, notes


def without_sleeves(asked: Asked) -> Iterator[Other[Asked]]:
    """Yield the account without each of its sleeves, whose money the others share in proportion to their weights."""
    owners = [one for one in asked.sleeves if one.owns_money and one.decides and one.weight > 0]
    whole = sum(one.weight for one in owners)
    for left_out in owners if len(owners) > 1 else ():
        rest = whole / (whole - left_out.weight)
        sleeves = tuple(
            replace(one, weight=min(1.0, one.weight * rest)) if one.owns_money else one
            for one in asked.sleeves
            if one is not left_out
        )
        yield Other("drop_sleeve", left_out.name, dataclasses.replace(asked, sleeves=sleeves))


def of_confluence(asked: Asked, market: SessionHistory, span: Span) -> Iterator[Other[Asked]]:
    """Yield the rules of `mtum_confluence` with other forms of their inputs, and with some conditions only.

    Parameters
    ----------
    asked : Asked
        What is checked: the sleeves of an account and the terms they are played on.
    market : SessionHistory
        Bars per symbol, and extra series by session.
    span : Span
        Sessions decided: ``first <= t < stop``.
    """
    strategy = asked.confluence
    if strategy is None:
        return
    yield from _forms(asked, strategy, market, span)
    for spec in strategy.CONDITIONS:
        same_role = {other.name for other in strategy.CONDITIONS if other.role is spec.role}
        only = (ALL_CONDITIONS - same_role) | {spec.name}
        yield Other("drop_one", spec.name, dataclasses.replace(asked, used=ALL_CONDITIONS - {spec.name}))
        yield Other("only_one", spec.name, dataclasses.replace(asked, used=frozenset(only)))


def _forms(asked: Asked, strategy: MtumConfluence, market: SessionHistory, span: Span) -> Iterator[Other[Asked]]:
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
            yield Other(
                "rsi_form",
                f"RSI {_rsi_form(one)}{late}",
                dataclasses.replace(asked, sleeves=(replace(asked.sleeves[0], strategy=one),)),
                first,
            )
    for mode in VolumeMode:
        yield Other("volume_mode", f"volume {mode.value}", dataclasses.replace(asked, volume=mode))


def _with(strategy: MtumConfluence, name: str, form: Smoothing) -> MtumConfluence:
    changes: dict[str, Any] = {name: form}
    return dataclasses.replace(strategy, **changes)


def _rsi_form(strategy: Strategy) -> str:
    asked = (dict(spec.parameters).get("smoothing") for spec in strategy.indicators() if spec.indicator == "rsi")
    return next(form.value for form in asked if isinstance(form, Smoothing))
