"""What a monthly review looks at: against holding, conditions left out, costs, stability."""

import numpy as np

from mtum.app.reporting.facts import report_key
from mtum.app.reporting.money import curves
from mtum.app.reporting.period import Period
from mtum.core.portfolio import returns
from mtum.core.portfolio.costs import cost_model
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import Side
from mtum.core.reporting.parts.costs import Costs
from mtum.core.reporting.parts.effects import Effect
from mtum.core.reporting.parts.stability import Stability
from mtum.core.reporting.parts.standing import Standing
from mtum.core.research.metrics import curve_metrics
from mtum.core.strategies.contract import Role
from mtum.ports.records import IntentState

FEES = frozenset({"fee", "tax"})


def standings(period: Period) -> tuple[Standing, ...]:
    """Return the sleeve (or the account) and buy-and-hold over the period and, risk-adjusted, since the start."""
    sleeve, held = curves(period.facts)
    named = (("account" if period.parts else "strategy", sleeve), ("buy and hold", held))
    return tuple(_standing(period, name, curve) for name, curve in named if len(curve) and not period.facts.is_fund)


def _standing(period: Period, name: str, curve: returns.Curve) -> Standing:
    grown = returns.growth(curve)
    if np.isnan(grown).any():
        return Standing(name, len(curve), None, None, None, None, None, None, None)
    metrics = curve_metrics(grown, np.array(curve.days, dtype="datetime64[D]"), 1.0)
    return Standing(
        name=name,
        sessions=len(curve),
        period_frac=round(returns.since(curve, period.first)[1], 6),
        start_frac=round(metrics.total_return_frac, 6),
        volatility_frac=round(metrics.volatility_frac, 6),
        sharpe=_rounded(metrics.sharpe),
        sharpe_low=_rounded(metrics.sharpe_low),
        sharpe_high=_rounded(metrics.sharpe_high),
        worst_drawdown_frac=round(metrics.max_drawdown.frac, 6),
    )


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 6)


def effects(period: Period) -> tuple[Effect, ...]:
    """Play the rules over all cached bars whole, with each condition left out, and with each entry alone.

    `difference_frac` is the return less that of the whole rules. Conditions on exits stay in force
    while entries are tried alone.
    """
    from mtum.core.simulation.backtest import ALL_CONDITIONS  # loads numba
    from mtum.core.strategies.mtum_confluence import MtumConfluence

    strategy = period.facts.strategy
    if not isinstance(strategy, MtumConfluence) or len(period.facts.bars) <= strategy.history_sessions():
        return ()
    whole = _played(period, strategy, ALL_CONDITIONS)
    variants = {f"without {spec.name}": ALL_CONDITIONS - {spec.name} for spec in strategy.CONDITIONS}
    exits = frozenset(spec.name for spec in strategy.CONDITIONS if spec.role is Role.EXIT)
    entries = [spec.name for spec in strategy.CONDITIONS if spec.role is Role.ENTRY]
    variants |= {f"only {name} to enter": exits | {name} for name in entries}
    rows = [("all conditions", whole)]
    rows += [(variant, _played(period, strategy, used)) for variant, used in variants.items()]
    return tuple(
        Effect(variant, trades, round(frac, 6), round(fall, 6), round(frac - whole[1], 6))
        for variant, (trades, frac, fall) in rows
    )


def _played(period: Period, strategy: object, used: frozenset[str]) -> tuple[int, float, float]:
    from mtum.core.simulation.backtest import run
    from mtum.core.simulation.history import history
    from mtum.core.simulation.kernel.play import Span
    from mtum.core.simulation.played import PlayTerms
    from mtum.core.strategies.mtum_confluence import MtumConfluence

    assert isinstance(strategy, MtumConfluence)  # checked by the caller
    settings = period.writer.setup.settings
    sleeve = period.facts.setup.chosen
    capital = settings.portfolio.capital_usd * sleeve.weight if sleeve.owns_money else sleeve.virtual_usd
    # The kernel knows no loss limit as a fraction; the comparison is between conditions, all without it.
    risk = settings.risk_of(sleeve.name).model_copy(update={"max_daily_loss_frac": None})
    terms = PlayTerms(capital, settings.portfolio.rules(risk), risk.daily_loss_pause_sessions)
    ready = history(period.facts.bars, period.facts.series("VIX"))
    span = Span(strategy.history_sessions() - 1, len(ready))
    played = run(ready, strategy, terms, span, used)
    frac = float(played.equity[-1]) / capital - 1.0
    return len(played.trades), frac, float(returns.drawdown(returns.from_capital(played.equity, capital)).min())


def costs(period: Period) -> Costs:
    """Return assumed against paid commissions, fees, and slippage in its two parts; a cross costs nothing."""
    fills = [fill for fill in period.facts.fills if period.inside(fill.session) and not fill.crossed]
    states = {state.intent.id: state for state in period.writer.store.orders.states()}
    portfolio = period.writer.setup.settings.portfolio
    model = cost_model(portfolio.cost_model, exact(portfolio.cost_frac))
    fees = [-move.amount_usd for move in period.facts.movements if move.kind in FEES and period.inside(move.session)]
    paid = [fill.commission_usd for fill in fills if fill.commission_usd is not None]
    gaps = [gap for fill in fills if (gap := _gap(fill, states, period.close(fill.session, fill.symbol))) is not None]
    traded = sum(gap[0] for gap in gaps)
    simulated = not (gaps and period.facts.replayed and all(gap[1:] == (0, 0) for gap in gaps))
    if not simulated:
        traded = 0.0
    return Costs(
        fills=len(fills),
        traded_usd=round(float(sum(fill.value_usd for fill in fills)), 6),
        assumed_usd=round(float(sum(model.commission(fill.shares, fill.price) for fill in fills)), 6),
        paid_usd=round(float(sum(paid)), 6),
        unknown=len(fills) - len(paid),
        fees_usd=round(float(sum(fees)), 6),
        slippage_usd=round(sum(gap[1] + gap[2] for gap in gaps), 6) if simulated else None,
        wait_bps=round(sum(gap[1] for gap in gaps) / traded * 1e4, 6) if traded else None,
        auction_bps=round(sum(gap[2] for gap in gaps) / traded * 1e4, 6) if traded else None,
        simulated=simulated,
    )


def _gap(fill: Fill, states: dict[str, IntentState], close: float | None) -> tuple[float, float, float] | None:
    # Value at the decision price, cost until the official close, cost from there to the fill; USD.
    state = states.get(fill.intent_id)
    if state is None or close is None:
        return None
    sign = 1 if fill.side is Side.BUY else -1
    decided = float(state.intent.reference_price)
    units = fill.shares * fill.multiplier
    wait = sign * (close - decided) * units
    auction = sign * (float(fill.price) - close) * units
    return decided * units, wait, auction


def stability(period: Period) -> tuple[Stability, ...]:
    """Return how many of the period's sessions reached each step of the trading day."""
    expected = len(period.sessions)
    days = [session.day for session in period.sessions]
    every = (state for day in days for state in period.writer.store.orders.states(day))
    states = [state for state in every if not state.intent.purpose.internal]
    reports = {run.session for run in period.runs if run.job == "daily_report" and run.outcome == "finished"}
    settled = {run.session for run in period.runs if run.job == "confirm_fills" and run.outcome == "finished"}
    points = period.points()
    return (
        Stability("started", expected, sum(1 for day in days if period.deciding_run(day) is not None)),
        Stability("decided", expected, sum(1 for day in days if day in period.decisions)),
        Stability("ordered", len(states), sum(1 for state in states if state.submitted_at is not None)),
        Stability("acknowledged", len(states), sum(1 for state in states if state.broker_id is not None)),
        Stability("settled", expected, sum(1 for day in days if day in points or day in settled)),
        Stability("reported", expected, sum(1 for day in days if day in reports)),
        _mailed(period),
    )


def _mailed(period: Period) -> Stability:
    # By message and channel: without a channel nothing is noted, and nothing is expected.
    setup, messages = period.writer.setup, period.writer.store.messages
    found = [
        delivered
        for session in period.sessions
        for delivered in messages.deliveries(report_key(setup.account, session.day)).values()
    ]
    return Stability("mailed", len(found), sum(1 for delivered in found if delivered is not None))
