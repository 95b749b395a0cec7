"""Missed signals, with cause and cost."""

from collections.abc import Mapping, Sequence
from datetime import date

from mtum.app.reporting.period import Period
from mtum.core.portfolio.orders import Side
from mtum.core.reporting.parts.coordination import HELD_BACK
from mtum.core.reporting.parts.missed import MissedSignal
from mtum.core.reporting.words import condition, listed, reason
from mtum.core.strategies.description import Role
from mtum.ports.records import IntentState


def missed_signals(period: Period) -> tuple[MissedSignal, ...]:
    """Return the missed signals of the period, with cause and cost."""
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
    """Return the shares of a symbol held when that session began.

    Parameters
    ----------
    period : Period
        What a review looks at; `facts` ends at the last session with a bar or run up to `end`.
    day : date
        The session's date.
    symbol : str
        Ticker.
    """
    signs = {Side.BUY: 1, Side.SELL: -1}
    return sum(
        signs[fill.side] * fill.shares for fill in period.facts.fills if fill.symbol == symbol and fill.session < day
    )


def _cause(period: Period, day: date, symbol: str, role: Role) -> tuple[str, int] | None:
    """Return why a signal of that role was missed, and the shares left over; None if none was missed."""
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
        return _held_back(period, day, symbol) or listed(tuple(map(reason, record.reasons))), 0
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
