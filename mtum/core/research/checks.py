"""How far can a backtest be trusted? The same history with one thing changed at a time."""

from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any

import numpy as np

from mtum.core.indicators.smoothing import Smoothing
from mtum.core.market.volume import VolumeMode
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.returns import from_capital, returns
from mtum.core.research.bootstrap import BootstrapResult, bootstrap
from mtum.core.research.metrics import SESSIONS_PER_YEAR
from mtum.core.simulation.backtest import ALL_CONDITIONS, first_fit, run
from mtum.core.simulation.history import History
from mtum.core.simulation.kernel.columns import Column, Prices
from mtum.core.simulation.kernel.near_close import Seen
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.kernel.walk import Tape
from mtum.core.simulation.near_close import NearCloseModel, played_near_close
from mtum.core.simulation.played import Played, PlayTerms
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.mtum_confluence import MtumConfluence

CUTS = 24
_NEVER = 1 << 60


@dataclass(frozen=True, slots=True)
class Variant:
    """The history with one thing changed; `kind` groups the rows."""

    kind: str
    change: str
    trades: int
    final_equity_usd: float
    cagr_frac: float


@dataclass(frozen=True, slots=True)
class Checks:
    """What the checks found.

    Parameters
    ----------
    look_ahead_faults : int
        Cuts of the future that changed a past trade; anything but 0 is a fault of the program.
    warm_up_faults : int
        Lengths of extra history that changed a trade.
    """

    look_ahead_cuts: int
    look_ahead_faults: int
    warm_up_faults: int
    variants: tuple[Variant, ...]
    bootstrap: BootstrapResult
    verdict: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A history, its rules and terms, and the sessions decided."""

    history: History
    strategy: MtumConfluence
    terms: PlayTerms
    span: Span


def run_checks(question: Question, official: Played, benchmark: Column) -> Checks:
    """Run every check.

    Parameters
    ----------
    benchmark : ndarray, shape (n_sessions,)
        Equity of buy-and-hold over the same sessions in USD.
    """
    cuts = cut_points(question.span)
    faults = sum(not _same_past(question, official, stop) for stop in cuts)
    warm_up = sum(not _same_after_warm_up(question, extra) for extra in (50, 250))
    variants = (
        *_forms(question),
        *_condition_effects(question),
        *_cost_effects(question),
    )
    capital = official.capital_usd
    spread = bootstrap(returns(from_capital(official.equity, capital)), returns(from_capital(benchmark, capital)))
    return Checks(
        look_ahead_cuts=len(cuts),
        look_ahead_faults=faults,
        warm_up_faults=warm_up,
        variants=variants,
        bootstrap=spread,
        verdict=verdict(official, benchmark, variants, spread, faults + warm_up),
    )


def cut_points(span: Span) -> list[int]:
    """Positions at which the future is cut off, spread over the span."""
    return sorted({int(stop) for stop in np.linspace(span.first + 1, span.stop - 1, CUTS)})


def cut(history: History, first: int, stop: int) -> History:
    """Return the sessions ``first <= t < stop`` of a history as a history of its own."""
    prices = Prices(*(np.array(column[first:stop]) for column in history.prices))
    tape = history.tape
    inside = (tape.dividend_at >= first) & (tape.dividend_at < stop)
    shorter = Tape(
        close=prices.close,
        seen=prices.close,
        open=prices.open,
        settled=tape.settled[first:stop] - first,
        dividend_at=np.append(tape.dividend_at[inside] - first, _NEVER),
        dividend=np.append(tape.dividend[inside], 0.0),
    )
    return History(history.symbol, history.days[first:stop], prices, shorter)


def _same_past(question: Question, official: Played, stop: int) -> bool:
    shorter = run(cut(question.history, 0, stop), question.strategy, question.terms, Span(question.span.first, stop))
    sessions = stop - question.span.first
    same_equity = bool(np.array_equal(shorter.equity, official.equity[:sessions]))
    done = [trade for trade in shorter.trades if trade.exit_session is not None]
    return same_equity and done == list(official.trades[: len(done)])


def _same_after_warm_up(question: Question, extra: int) -> bool:
    first = question.span.first + extra
    if first >= question.span.stop:
        return True
    span = Span(first, question.span.stop)
    whole = run(question.history, question.strategy, question.terms, span)
    begin = first - first_fit(question.history, question.strategy)
    late = run(
        cut(question.history, begin, question.span.stop),
        question.strategy,
        question.terms,
        Span(first - begin, question.span.stop - begin),
    )
    return whole.trades == late.trades


def _variant(kind: str, change: str, played: Played) -> Variant:
    growth = played.final_equity_usd / played.capital_usd
    cagr = growth ** (SESSIONS_PER_YEAR / len(played.days)) - 1.0 if growth > 0 else -1.0
    return Variant(kind, change, len(played.trades), round(played.final_equity_usd, 2), cagr)


def _forms(question: Question) -> list[Variant]:
    # Both forms over the sessions that both are fit for, so that they compare.
    # Whichever parameter makes the RSI another one is its form.
    chosen = next(
        field.name
        for field in fields(question.strategy)
        if isinstance(getattr(question.strategy, field.name), Smoothing)
        and len({_rsi_form(_with(question.strategy, field.name, form)) for form in Smoothing}) > 1
    )
    forms = [_with(question.strategy, chosen, form) for form in Smoothing]
    span = Span(max(question.span.first, *(first_fit(question.history, one) for one in forms)), question.span.stop)
    late = f" from {question.history.day(span.first)}" if question.span.first < span.first < span.stop else ""
    found = [
        _variant("rsi_form", f"RSI {_rsi_form(one)}{late}", run(question.history, one, question.terms, span))
        for one in forms
        if span.first < span.stop
    ]
    prices, median = question.history.prices, NearCloseModel().share_median
    volumes = {
        VolumeMode.PROJECTED: prices.volume,
        VolumeMode.RAW: np.round(prices.volume * median, 4),
        VolumeMode.PRIOR_SESSION: np.r_[prices.volume[:1], prices.volume[:-1]],
    }
    for mode, volume in volumes.items():
        seen = Seen(prices.close, prices.vix, volume)
        played = played_near_close(question.history, question.strategy, question.terms, question.span, seen)
        found.append(_variant("volume_mode", f"volume {mode.value}", played))
    return found


def _with(strategy: MtumConfluence, name: str, form: Smoothing) -> MtumConfluence:
    changes: dict[str, Any] = {name: form}
    return replace(strategy, **changes)


def _rsi_form(strategy: Strategy) -> str:
    asked = (dict(spec.parameters).get("smoothing") for spec in strategy.indicators() if spec.indicator == "rsi")
    return next(form.value for form in asked if isinstance(form, Smoothing))


def _condition_effects(question: Question) -> list[Variant]:
    found = []
    specs = question.strategy.CONDITIONS
    for spec in specs:
        same_role = {other.name for other in specs if other.role is spec.role}
        without = ALL_CONDITIONS - {spec.name}
        alone = (ALL_CONDITIONS - same_role) | {spec.name}
        for label, used in (("drop_one", without), ("only_one", alone)):
            played = run(question.history, question.strategy, question.terms, question.span, frozenset(used))
            found.append(_variant(label, spec.name, played))
    return found


def _cost_effects(question: Question) -> list[Variant]:
    found = []
    rules = question.terms.rules
    for frac in ("0", "0.0005", "0.001", "0.002", "0.003"):
        sizing = replace(rules.sizing, costs=PercentCosts(Decimal(frac)))
        terms = replace(question.terms, rules=replace(rules, sizing=sizing))
        played = run(question.history, question.strategy, terms, question.span)
        found.append(_variant("costs", f"{100 * float(frac):g} % per side", played))
    for bps in (5.0, 10.0):
        terms = replace(question.terms, slippage_bps=bps)
        found.append(
            _variant("costs", f"slippage {bps:g} bps", run(question.history, question.strategy, terms, question.span))
        )
    return found


def verdict(
    official: Played, benchmark: Column, variants: tuple[Variant, ...], spread: BootstrapResult, faults: int
) -> tuple[str, ...]:
    """Say in plain words what the numbers say, and no more."""
    mine, held = official.final_equity_usd, float(benchmark[-1])
    lines = []
    if faults:
        lines.append(f"{faults} checks of look-ahead or warm-up failed: this result must not be used.")
    word = "more" if mine > held else "less"
    gap = f"{abs(mine - held):,.0f} USD {word} than buying and holding"
    lines.append(f"On official bars the rules ended at {mine:,.0f} USD, {gap}.")
    low, high = spread.cagr_frac.low, spread.cagr_frac.high
    lines.append(
        f"Resampled histories put the yearly return between {100 * low:.1f} % and {100 * high:.1f} % (9 of 10); "
        + ("a loss cannot be ruled out." if low < 0 else "none of these is a loss.")
    )
    if spread.behind_probability is not None:
        lines.append(f"In {100 * spread.behind_probability:.1f} % of them the rules made less than buying and holding.")
    better = [one.change for one in variants if one.kind == "drop_one" and one.final_equity_usd > mine]
    if better:
        lines.append(f"Over this history the result would have been higher without {', '.join(better)}.")
    closed = sum(trade.exit_session is not None for trade in official.trades)
    lines.append(f"{closed} closed trades on one symbol: evidence about this past, no promise about the future.")
    return tuple(lines)
