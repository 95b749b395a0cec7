"""What trading cost in a period."""

from mtum.app.reporting.facts import SessionFacts
from mtum.app.reporting.period import Period
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.orders import Side
from mtum.core.reporting.parts.costs import Costs
from mtum.ports.records import IntentState

FEES = frozenset({"fee", "tax"})


def costs(period: Period) -> Costs:
    """Return assumed against paid commissions, fees, and slippage in its two parts; a cross costs nothing.

    Nor do shares that an option brought or took at its strike.
    """
    inside = [fill for fill in period.facts.fills if period.inside(fill.session)]
    fills = [fill for fill in inside if not (fill.crossed or fill.delivered)]
    states = {state.intent.id: state for state in period.writer.store.orders.states()}
    portfolio = period.writer.setup.settings.portfolio
    model = portfolio.costs()
    fees = [-move.amount_usd for move in period.facts.movements if move.kind in FEES and period.inside(move.session)]
    paid = [fill.commission_usd for fill in fills if fill.commission_usd is not None]
    gaps = [gap for fill in fills if (gap := _gap(fill, states, period.facts)) is not None]
    legs = [
        fill
        for name in _option_sleeves(period)
        for fill in period.writer.store.options.fills(name)
        if period.inside(fill.session)
    ]
    of_options = [fill.fee_usd for fill in legs if fill.fee_usd is not None]
    traded = sum(gap[0] for gap in gaps)
    simulated = not (gaps and period.facts.replayed and all(gap[1:] == (0, 0) for gap in gaps))
    if not simulated:
        traded = 0.0
    return Costs(
        fills=len(fills),
        traded_usd=round(float(sum(fill.value_usd for fill in fills)), 6),
        assumed_usd=round(
            float(sum(model.commission(fill.shares, fill.price, sale=fill.side is Side.SELL) for fill in fills)), 6
        ),
        paid_usd=round(float(sum(paid)), 6),
        unknown=len(fills) - len(paid) + len(legs) - len(of_options),
        fees_usd=round(float(sum(fees)), 6),
        slippage_usd=round(sum(gap[1] + gap[2] for gap in gaps), 6) if simulated else None,
        wait_bps=round(sum(gap[1] for gap in gaps) / traded * 1e4, 6) if traded else None,
        auction_bps=round(sum(gap[2] for gap in gaps) / traded * 1e4, 6) if traded else None,
        simulated=simulated,
        option_fills=len(legs),
        option_fees_usd=round(float(sum(of_options)), 6),
    )


def _option_sleeves(period: Period) -> list[str]:
    # Money of their own alone: what a watched sleeve plays with costs nothing.
    of = [one.facts for one in period.parts] or [period.facts]
    return [one.setup.chosen.name for one in of if one.options is not None]


def _gap(fill: Fill, states: dict[str, IntentState], facts: SessionFacts) -> tuple[float, float, float] | None:
    # Value at the decision price, cost until the official close, cost from there to the fill; USD.
    state, bar = states.get(fill.intent_id), facts.bar(fill.symbol, fill.session)
    if state is None or bar is None:
        return None
    sign = 1 if fill.side is Side.BUY else -1
    decided = float(state.intent.reference_price)
    units = fill.shares * fill.multiplier
    wait = sign * (bar.close - decided) * units
    auction = sign * (float(fill.price) - bar.close) * units
    return decided * units, wait, auction
