"""Position, profit and loss, equity and benchmark of a session, from fills, movements and equity points."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from mtum.app.reporting.facts import SessionFacts
from mtum.app.reporting.option_sums import OptionSums
from mtum.core.portfolio import returns
from mtum.core.portfolio.lots import lots_of
from mtum.core.portfolio.orders import Purpose
from mtum.core.reporting.parts.account import CashLine, EquityLine, OwedLine
from mtum.core.reporting.parts.position import PositionLine
from mtum.core.reporting.parts.result import BenchmarkLine, Pnl
from mtum.core.reporting.stated import UNKNOWN, State, Stated, rounded, stated
from mtum.core.strategies.contract import Holding
from mtum.core.strategies.description import Role
from mtum.ports.records import FLOWS, EquityPoint

PAID_IN = frozenset({"capital", *FLOWS})
TRADING = frozenset({"buy", "sell", "commission"})
NO_FRACTION = Stated(None, State.FINAL)
"""A return where there is nothing that it could be a fraction of; told as a dash."""


def position_line(facts: SessionFacts, symbol: str) -> PositionLine | None:
    """Return what is held of a symbol after the session; None when nothing is."""
    lots = facts.lots(symbol)
    shares = sum(lot.shares for lot in lots)
    if not shares:
        return None
    units = sum(lot.shares * lot.multiplier for lot in lots)
    paid = sum((lot.paid_usd for lot in lots), Decimal(0))
    basis = paid + sum((lot.cost_usd for lot in lots), Decimal(0))
    close = official_close(facts, symbol)
    market = None if close.amount is None else close.amount * units
    gain = None if market is None else market - float(basis)
    is_final = close.state is State.FINAL
    holding = facts.holding(symbol)
    return PositionLine(
        symbol=symbol,
        shares=shares,
        entry_session=lots[0].session,
        entry_price=round(float(paid / units), 6),
        sessions_held=len(facts.calendar.sessions(lots[0].session, facts.day)) - 1,
        close_usd=close,
        market_usd=stated(rounded(market), is_final=is_final),
        unrealized_usd=stated(rounded(gain), is_final=is_final),
        unrealized_frac=stated(None if gain is None else rounded(gain / abs(float(basis))), is_final=is_final),
        atr_at_entry=holding.remembered.get("atr"),
        target_usd=_target(facts, holding),
        exit_pending=exit_pending(facts, symbol),
    )


def other_positions(facts: SessionFacts) -> tuple[PositionLine, ...]:
    """Return what is held of the strategy's other symbols."""
    lines = (position_line(facts, symbol) for symbol in facts.other_bars)
    return tuple(line for line in lines if line is not None)


def official_close(facts: SessionFacts, symbol: str) -> Stated:
    """Return the session's official close of a symbol; of the first one it is as final as the books say."""
    bar = facts.bar(symbol, facts.day)
    if bar is None:
        return UNKNOWN
    if symbol == facts.symbol and facts.point is not None:
        return stated(bar.close, is_final=facts.point.final)
    return stated(bar.close, is_final=facts.final_until is not None and facts.day <= facts.final_until)


def _target(facts: SessionFacts, holding: Holding) -> float | None:
    """Return the price at which the strategy takes its profit, as it would say now of these shares."""
    goals = {
        spec.name
        for spec in facts.strategy.CONDITIONS
        if spec.of_position and spec.role is Role.EXIT and spec.input == "close"
    }
    bars = facts.bars_of(holding.symbol)
    if not goals or not len(bars):
        return None
    verdicts = facts.history.verdicts(bars.last_day, {holding.symbol: holding})
    found = (one for verdict in verdicts if verdict.symbol == holding.symbol for one in verdict.conditions)
    return next((one.threshold for one in found if one.name in goals), None)


def exit_pending(facts: SessionFacts, symbol: str) -> str | None:
    """Return why shares of a symbol are still to be sold; None if nothing is left of an exit."""
    for state in facts.states:
        intent = state.intent
        short = state.status.terminal and state.filled < intent.shares
        if intent.symbol == symbol and intent.purpose is Purpose.EXIT and short:
            words = [word for word in intent.reasons if word != "exit_carried"]
            return words[0] if words else "exit"
    return None


def curves(facts: SessionFacts) -> tuple[returns.Curve, returns.Curve]:
    """Return the sleeve's curve and its benchmark's, on the same deposits."""
    days = [point.session for point in facts.points]
    flows = [float(point.flows_usd) for point in facts.points]
    sleeve = returns.curve(days, [float(point.equity_usd) for point in facts.points], flows)
    held = [float(point.benchmark_usd) if point.benchmark_usd is not None else np.nan for point in facts.points]
    return sleeve, returns.curve(days, held, flows)


def pnl(facts: SessionFacts, sleeve: returns.Curve) -> Pnl:
    """Return profit and loss of day, week, month, year and since the start."""
    point = facts.point
    realized, commission = realized_usd(facts)
    if point is None:
        return Pnl(realized_usd=realized, commission_usd=commission)
    found: dict[str, Stated] = {}
    is_final = point.final and commissions_known(facts)
    for name, first in _periods(facts.day).items():
        usd, frac = returns.since(sleeve, first)
        found[f"{name}_usd"] = stated(rounded(usd), is_final=is_final)
        found[f"{name}_frac"] = NO_FRACTION if facts.is_fund else stated(rounded(frac), is_final=is_final)
    return Pnl(**found, realized_usd=realized, commission_usd=commission)


def _periods(day: date) -> dict[str, date]:
    return {
        "day": day,
        "week": day - timedelta(days=day.weekday()),
        "month": day.replace(day=1),
        "year": day.replace(month=1, day=1),
        "start": date.min,
    }


def realized_usd(facts: SessionFacts) -> tuple[float | None, float | None]:
    """Return realized profit after commissions and these so far, in USD; None while one is not known.

    Of options what ended, with its whole premium where shares changed hands at the strike.
    """
    options = facts.options or OptionSums()
    if not commissions_known(facts) or options.ended_usd is None or options.fees_usd is None:
        return None, None
    cash = sum((fill.cash_usd for fill in facts.fills), Decimal(0))
    paid = sum((fill.commission_usd or Decimal(0) for fill in facts.fills), Decimal(0))
    basis = sum((lot.paid_usd + lot.cost_usd for lot in lots_of(facts.fills)), Decimal(0))
    return rounded(cash - paid + basis + options.ended_usd), rounded(paid + options.fees_usd)


def commissions_known(facts: SessionFacts) -> bool:
    """Return whether the broker has told the commission of every execution up to the session."""
    told = all(fill.commission_usd is not None for fill in facts.fills)
    return told and (facts.options is None or facts.options.fees_usd is not None)


def equity_line(facts: SessionFacts, sleeve: returns.Curve) -> EquityLine:
    """Return the sleeve at the official close."""
    paid_in = sum((move.amount_usd for move in facts.movements if move.kind in PAID_IN), Decimal(0))
    point = facts.point
    if point is None:
        return EquityLine(paid_in_usd=float(paid_in), start=sleeve.days[0] if len(sleeve) else None)
    fallen = returns.drawdown(sleeve)
    worst = int(np.argmin(fallen))
    is_final, options = point.final and commissions_known(facts), facts.options

    def known(amount: Decimal) -> Stated:
        return stated(float(amount), is_final=is_final)

    return EquityLine(
        equity_usd=known(point.equity_usd),
        cash_usd=known(point.cash_usd),
        receivable_usd=known(point.receivable_usd),
        market_usd=known(point.market_usd - (options.worth_usd if options else Decimal(0))),
        options_usd=None if options is None else known(options.worth_usd),
        option_fees_usd=0.0 if options is None else rounded(options.fees_usd),
        model_priced=options is not None and options.model_priced,
        paid_in_usd=float(paid_in),
        start=sleeve.days[0],
        drawdown_frac=NO_FRACTION if facts.is_fund else stated(rounded(float(fallen[-1])), is_final=is_final),
        worst_drawdown_frac=NO_FRACTION if facts.is_fund else stated(rounded(float(fallen[worst])), is_final=is_final),
        worst_drawdown_session=sleeve.days[worst] if fallen[worst] < 0 and not facts.is_fund else None,
    )


def benchmark_line(facts: SessionFacts, held: returns.Curve) -> BenchmarkLine:
    """Return buy-and-hold of the symbol with the same deposits."""
    point: EquityPoint | None = facts.point
    if point is None or point.benchmark_usd is None or facts.is_fund:
        return BenchmarkLine()
    fallen = returns.drawdown(held)
    chained = {
        f"{name}_frac": stated(rounded(returns.since(held, first)[1]), is_final=point.final)
        for name, first in _periods(facts.day).items()
    }
    return BenchmarkLine(
        name="buy and hold",
        equity_usd=stated(float(point.benchmark_usd), is_final=point.final),
        ahead_usd=stated(float(point.equity_usd - point.benchmark_usd), is_final=point.final),
        drawdown_frac=stated(rounded(float(fallen[-1])), is_final=point.final),
        worst_drawdown_frac=stated(rounded(float(np.nanmin(fallen))), is_final=point.final),
        **chained,
    )


def cash_lines(facts: SessionFacts) -> tuple[CashLine, ...]:
    """Return the session's cash movements other than trades."""
    return tuple(
        CashLine(move.kind, float(move.amount_usd), move.paid, move.note)
        for move in facts.movements
        if move.session == facts.day and move.kind not in TRADING
    )


def owed_lines(facts: SessionFacts) -> tuple[OwedLine, ...]:
    """Return what is due and not paid yet, oldest first."""
    return tuple(
        OwedLine(move.session, move.kind, float(move.amount_usd), move.note)
        for move in facts.movements
        if not move.paid
    )
