"""What a weekly review looks at: trades, missed signals, indicators, partial bars, slack."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from statistics import median

import numpy as np

from mtum.app.reporting.period import Period
from mtum.core.indicators import column_of
from mtum.core.market.bars import Bars, Column
from mtum.core.portfolio.orders import Side
from mtum.core.reporting.parts.accuracy import Accuracy, accuracies
from mtum.core.reporting.parts.coordination import HELD_BACK
from mtum.core.reporting.parts.indicators import IndicatorCheck
from mtum.core.reporting.parts.missed import MissedSignal
from mtum.core.reporting.parts.partial_bars import Regret
from mtum.core.reporting.parts.timings import Slack
from mtum.core.reporting.words import condition
from mtum.core.strategies.contract import IndicatorSpec, Role
from mtum.core.strategies.history import flags
from mtum.ports.records import IntentState


def signal_accuracy(period: Period) -> tuple[Accuracy, ...]:
    """Return the accuracy of every condition on final bars, symbol by symbol, over all sessions since the start."""
    days = [session.day for session in period.writer.calendar.sessions(period.begun, period.end)]
    lines: list[Accuracy] = []
    for symbol in period.facts.universe:
        found = [(day, index) for day in days if (index := period.index(day, symbol)) is not None]
        if found:
            close = period.facts.bars_of(symbol).close[[index for _, index in found]]
            held = flags(period.facts.history, symbol, [day for day, _ in found])
            lines += accuracies(close, held, symbol=symbol)
    return tuple(lines)


def missed_signals(period: Period) -> tuple[MissedSignal, ...]:
    """Return signals of the period that led to no full order, with cause and cost."""
    found: list[MissedSignal] = []
    for session in period.sessions:
        for symbol in period.facts.universe:
            held = shares_before(period, session.day, symbol)
            role = Role.EXIT if held else Role.ENTRY
            cause = _cause(period, session.day, symbol, role)
            if cause is not None and period.index(session.day, symbol) is not None:
                words, left = cause
                found.append(_missed(period, session.day, symbol, role, (words, left or held)))
    return tuple(found)


def shares_before(period: Period, day: date, symbol: str) -> int:
    """Return the shares of a symbol held when that session began."""
    signs = {Side.BUY: 1, Side.SELL: -1}
    return sum(
        signs[fill.side] * fill.shares for fill in period.facts.fills if fill.symbol == symbol and fill.session < day
    )


def _cause(period: Period, day: date, symbol: str, role: Role) -> tuple[str, int] | None:
    """Return why a signal of that role led to no full order, and the shares left over; None if there was none."""
    final = period.final(day, symbol, role)
    together = all if role is Role.ENTRY else any
    wanted = bool(final) and together(final.values())
    state = _order(period, day, symbol, "BUY" if role is Role.ENTRY else "SELL")
    if state is not None:
        short = state.intent.shares - state.filled
        return (_order_words(state), short) if short > 0 else None
    record = period.decisions.get(day)
    if record is None:
        return (_run_words(period, day), 0) if wanted else None
    then = period.conditions(day, symbol)
    decided = [bool(one["passed"]) for one in then if condition(str(one["name"])).role is role]
    if decided and together(decided):
        return _held_back(period, day, symbol) or ", ".join(record.reasons), 0
    return (_turned_words(then, final), 0) if wanted else None


def _order(period: Period, day: date, symbol: str, side: str) -> IntentState | None:
    # Of a wish that was crossed in part there are two; what is short of its shares comes first.
    states = period.writer.store.orders.states(day) if day in period.decisions else ()
    wanted = (period.facts.setup.strategy, symbol, side)
    own = [one for one in states if (one.intent.strategy, one.intent.symbol, one.intent.side.value) == wanted]
    return max(own, key=lambda one: one.intent.shares - one.filled, default=None)


def _held_back(period: Period, day: date, symbol: str) -> str | None:
    plan, name = period.writer.store.plans.plan_of(day), period.facts.setup.strategy
    rows = plan.document["held_back"] if plan else ()
    return next((HELD_BACK.get(r["reason"]) for r in rows if (r["sleeve"], r["symbol"]) == (name, symbol)), None)


def _order_words(state: IntentState) -> str:
    words = f"order {state.status.value.lower().replace('_', ' ')}"
    return f"{words}, {state.filled} of {state.intent.shares} filled" + (f": {state.text}" if state.text else "")


def _run_words(period: Period, day: date) -> str:
    run = period.deciding_run(day)
    if run is None:
        return "the daily job did not run"
    problems = (run.document or {}).get("problems", [])
    return str(problems[0]["text"]) if problems else f"the daily job ended as {run.outcome or 'not finished'}"


def _turned_words(then: Sequence[Mapping[str, object]], final: Mapping[str, bool]) -> str:
    seen = {str(one["name"]): bool(one["passed"]) for one in then}
    turned = [name for name, held in final.items() if name in seen and seen[name] != held]
    return f"seen on final bars only ({', '.join(turned)})" if turned else "seen on final bars only"


def _missed(period: Period, day: date, symbol: str, role: Role, cause: tuple[str, int]) -> MissedSignal:
    bars, index = period.facts.bars_of(symbol), period.index(day, symbol)
    assert index is not None  # the caller looked
    words, shares = cause
    close = float(bars.close[index])
    count = shares or _affordable(period, day, close)
    if index + 1 == len(bars):
        return MissedSignal(day, role.value, words, count, close, None, None, symbol)
    move = float(bars.close[index + 1]) - close
    cost = move if role is Role.ENTRY else -move
    return MissedSignal(day, role.value, words, count, close, round(cost / close, 6), round(cost * count, 6), symbol)


def _affordable(period: Period, day: date, close: float) -> int:
    earlier = [point for point in period.facts.points if point.session <= day]
    equity = float(earlier[-1].equity_usd) if earlier else period.writer.setup.settings.portfolio.capital_usd
    return int(equity // close)


def indicator_checks(period: Period, history_sessions: int) -> tuple[IndicatorCheck, ...]:
    """Compare the strategy's indicators with their second implementation over the live cache."""
    from mtum.core.indicators.second_opinion import second_opinion  # loads pandas-ta

    checks = []
    for symbol in period.facts.universe:
        bars = period.facts.bars_of(symbol)
        for spec in period.facts.strategy.indicators() if len(bars) >= history_sessions else ():
            asked = dict(spec.parameters)
            second = second_opinion(bars, spec.indicator, asked)
            if second is not None:
                short = column_of(bars.tail(history_sessions), spec.indicator, asked)
                first = period.facts.history.column(symbol, spec)
                checks.append(_check(spec, bars, first, second, short))
    return tuple(checks)


def _check(spec: IndicatorSpec, bars: Bars, first: Column, second: Column, short: Column) -> IndicatorCheck:
    apart = np.abs(first - second)
    known = ~np.isnan(apart)
    worst = int(np.nanargmax(apart)) if known.any() else None
    # One undefined where the other is not is no small difference.
    one_sided = bool((np.isnan(first) != np.isnan(second)).any())
    return IndicatorCheck(
        indicator=spec.name,
        symbol=bars.symbol,
        unit=spec.unit,
        sessions=int(known.sum()),
        largest=None if one_sided or worst is None else float(apart[worst]),
        largest_session=bars.day(worst) if worst is not None and apart[worst] > 0 else None,
        warm_up=None if np.isnan(short[-1]) or np.isnan(first[-1]) else round(abs(float(short[-1] - first[-1])), 9),
    )


def regrets(period: Period) -> tuple[Regret, ...]:
    """Return how often final bars would have turned a condition that was decided on a partial one."""
    counts: dict[str, list[int]] = {}
    for day, symbol in ((day, symbol) for day in period.decisions for symbol in period.facts.universe):
        final = period.facts.history.conditions(day, symbol)
        for decided in period.conditions(day, symbol):
            name = str(decided["name"])
            if name not in final:
                continue
            turned = int(bool(decided["passed"]) != final[name])
            row = counts.setdefault(name, [0, 0, 0, 0])
            row[2] += 1
            row[3] += turned
            if period.inside(day):
                row[0] += 1
                row[1] += turned
    return tuple(Regret(name, *row) for name, row in counts.items())


def projection_error(period: Period) -> float | None:
    """Return the mean absolute error of the projected volume over the period, as a fraction."""
    errors: list[float] = []
    for day, record in period.decisions.items():
        for symbol in period.facts.universe if period.inside(day) else ():
            index, volume = period.index(day, symbol), period.facts.bars_of(symbol).volume
            projected = record.document["symbols"].get(symbol, {}).get("indicators", {}).get("volume")
            if index is not None and projected and volume[index] > 0:
                errors.append(abs(projected / float(volume[index]) - 1.0))
    return round(sum(errors) / len(errors), 6) if errors else None


def slacks(period: Period) -> tuple[Slack, ...]:
    """Return how far decisions and sends stayed from their deadlines."""
    schedule = period.writer.setup.settings.schedule
    steps = (
        ("decided", "decided", schedule.decision_deadline_minutes),
        ("sent", "sent", schedule.last_send_minutes),
    )
    found = [_slack(period, step, name, deadline) for step, name, deadline in steps]
    return tuple(slack for slack in found if slack is not None)


def _slack(period: Period, step: str, name: str, deadline: float) -> Slack | None:
    left: dict[date, float] = {}
    for session in period.sessions:
        run = period.deciding_run(session.day)
        at: datetime | None = run.steps.get(step) if run else None
        if at is not None:
            left[session.day] = (session.close - at).total_seconds() / 60.0 - deadline
    if not left:
        return None
    least = min(left, key=lambda day: left[day])
    return Slack(name, len(left), round(left[least], 3), least, round(median(left.values()), 3))
