"""Data quality, timings, flips and problems of a session."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from mtum.app.reporting.facts import SessionFacts
from mtum.app.reporting.money import exit_pending
from mtum.app.reporting.partial_bars import turned
from mtum.core.decide import own_state
from mtum.core.indicators.smoothing import Smoothing
from mtum.core.market.embedded import embedded_symbol, truths
from mtum.core.portfolio.carried import memory_of
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import OrderStatus
from mtum.core.record import book_of, view_of
from mtum.core.reporting.parts.data_quality import DataQuality
from mtum.core.reporting.parts.flips import FlipLine, Situation, flips
from mtum.core.reporting.parts.problems import ProblemLine
from mtum.core.reporting.parts.timings import TimingLine
from mtum.core.reporting.stated import UNKNOWN, Stated, final, stated
from mtum.core.strategies.contract import Own, Strategy
from mtum.core.view import MarketView
from mtum.ports.records import IntentState, RunRecord

FORCING = frozenset(
    [
        "exit_carried",
        "halted",
        "daily_loss",
        "cash_not_settled",
        "budget_below_one_share",
        "cooldown",
        "buy_back_exceeds_cash",
    ]
)
"""Reasons that decide whatever the conditions say."""


def data_quality(facts: SessionFacts) -> DataQuality:
    """Return what the decision saw, and the final values as far as they are known."""
    seen, indicators = facts.seen, facts.verdict.get("indicators", {})
    source = facts.setup.settings.market.source
    bar = facts.bars.find(facts.day)
    is_final = facts.final_until is not None and facts.day <= facts.final_until
    volume = stated(bar.volume if bar else None, is_final=is_final)
    projected = indicators.get("volume")
    frame = facts.decision.frame.get("bars", {}).get(facts.symbol, {}) if facts.decision else {}
    return DataQuality(
        source=frame.get("source", source),
        stands_in=stands_in(facts),
        embedded=embedded(facts),
        official_close=facts.replayed and bar is not None and seen.get("bar", {}).get("close") == bar.close,
        bar_at=datetime.fromisoformat(seen["seen_at"]) if seen else None,
        bars_used=len(frame["days"]) if frame else None,
        decision_close=indicators.get("close"),
        volume_so_far=seen.get("volume_so_far"),
        volume_share=seen.get("volume_share"),
        volume_projected=projected,
        final_volume=volume,
        projected_low=facts.projection.projected_low if facts.projection else None,
        projected_high=facts.projection.projected_high if facts.projection else None,
        projection_error_frac=_projection_error(projected, volume),
        last_projection_error_frac=facts.last_projection.error_frac if facts.last_projection else None,
        vix=indicators.get("vix"),
        final_vix=final(facts.series("VIX")[facts.day]) if facts.day in facts.series("VIX") else UNKNOWN,
        rsi_form=_rsi_form(facts.strategy),
        turned=turned(facts),
        revisions=facts.revisions,
        degraded=tuple((facts.run.document or {}).get("degraded", [])) if facts.run else (),
        notes=(*(facts.decision.document.get("notes", ()) if facts.decision else ()), *facts.strategy.CAUTIONS),
    )


def stands_in(facts: SessionFacts) -> str | None:
    """Return the symbol of the embedded market whose bars the first symbol is given; None if they are its own."""
    market = facts.setup.settings.market
    own = embedded_symbol(market.sample, facts.symbol) if market.source == "sample" else None
    return own if own != facts.symbol else None


def embedded(facts: SessionFacts) -> tuple[str, ...]:
    """Return what has to be said of each symbol of an embedded market; nothing on a real one."""
    market = facts.setup.settings.market
    return truths(market.sample, facts.universe, facts.strategy.series()) if market.source == "sample" else ()


def _projection_error(projected: float | None, volume: Stated) -> Stated:
    if projected is None or not volume.amount:
        return UNKNOWN
    return Stated(round(projected / volume.amount - 1.0, 6), volume.state)


def _rsi_form(strategy: Strategy) -> str | None:
    names = {Smoothing.SIMPLE: "simple (plain)", Smoothing.WILDER: "Wilder's"}
    asked = (dict(spec.parameters).get("smoothing") for spec in strategy.indicators() if spec.indicator == "rsi")
    return next((names[form] for form in asked if isinstance(form, Smoothing)), None)


def timing_lines(facts: SessionFacts) -> tuple[TimingLine, ...]:
    """Return every recorded step of the session's jobs with its distance to the close."""
    lines: list[TimingLine] = []
    for run in facts.runs:
        own = [(name, at, None) for name, at in run.steps.items() if name not in ("started", "finished")]
        steps = [("started", run.started_at, None), *own]
        ended = [("ended", run.finished_at, run.outcome)] if run.finished_at else []
        for step, at, outcome in sorted([*steps, *ended], key=lambda each: each[1]):
            lines.append(TimingLine(run.job, run.slot, step, at, _to_close(facts, at), outcome))
    return tuple(lines)


def _to_close(facts: SessionFacts, at: datetime) -> float | None:
    session = facts.session
    return None if session is None else round((session.close - at).total_seconds() / 60.0, 3)


def flip_lines(facts: SessionFacts) -> tuple[FlipLine, ...]:
    """Return what would have flipped this decision and what would flip the next one, symbol by symbol."""
    lines: list[FlipLine] = []
    if facts.decision is not None and facts.strategy.CONDITIONS:
        frame, forced = facts.decision.frame, bool(FORCING & set(facts.decision.reasons))
        view = view_of(frame)
        own = own_state(view, facts.strategy, book_of(frame))
        decided = Situation("session", facts.strategy, view, own, forced)
        lines += [line for symbol in facts.universe for line in flips(decided, symbol)]
    coming = _coming(facts)
    if coming is not None:
        own = _own_next(facts)
        for symbol in facts.universe:
            next_one = Situation("next", facts.strategy, coming, own, _forced(facts, symbol))
            lines += flips(next_one, symbol)
    return tuple(lines)


def _own_next(facts: SessionFacts) -> Own:
    # What the strategy will know of its sleeve, and remember of the last decision.
    decision = facts.decision or facts.previous
    filled = max((fill.session for fill in facts.fills), default=None)
    return Own(
        {symbol: facts.holding(symbol) for symbol in facts.universe},
        equity_usd=float(facts.point.equity_usd) if facts.point else 0.0,
        last_fill=filled if facts.strategy.CALENDAR else None,
        memory=memory_of(decision.document.get("memory", {})) if decision else {},
    )


def _coming(facts: SessionFacts) -> MarketView | None:
    # The next session as if it closed where this one did.
    today = facts.history.view(facts.day) if facts.strategy.CONDITIONS else None
    if today is None:
        return None
    after = facts.sessions.after(facts.day)
    following = after.day if after else facts.day + timedelta(days=1)
    needed = facts.strategy.history_sessions()
    bars = {
        symbol: one.tail(needed - 1).extended(replace(one.bar(-1), day=following, dividend=0.0, split=0.0))
        for symbol, one in today.bars.items()
    }
    later = tuple(one.day for one in facts.sessions if one.day > following)
    return MarketView(following, bars, today.series, {}, calendar=(*today.calendar, *later))


def _forced(facts: SessionFacts, symbol: str) -> bool:
    # What is decided next whatever the market does: a pending exit, or nothing while a halt forbids it.
    if not facts.lots(symbol):
        return bool(facts.halts)
    pending = exit_pending(facts, symbol) is not None
    return pending or any(halt.restriction is Restriction.FULL for halt in facts.halts)


_ENDED_BADLY = {
    OrderStatus.REJECTED: (5, "was rejected"),
    OrderStatus.DENIED: (5, "was denied by our own last check"),
    OrderStatus.UNKNOWN: (6, "was sent and its fate is unknown"),
    OrderStatus.CANCELED: (5, "was canceled"),
    OrderStatus.EXPIRED: (5, "expired"),
    OrderStatus.LAPSED: (5, "lapsed"),
}


def problem_lines(facts: SessionFacts) -> tuple[ProblemLine, ...]:
    """Return what a person should know: run problems, orders that ended badly, halts, a debit, other instruments."""
    found = [_missing_run(facts.run)]
    for run in facts.runs:
        listed = (run.document or {}).get("problems", [])
        found += [ProblemLine(int(problem["code"]), str(problem["text"])) for problem in listed]
        if run.outcome == "missed" and not listed:
            found.append(ProblemLine(4, f"{run.job} missed its deadline"))
    codes = {line.code for line in found if line is not None}
    if not codes & {5, 6}:
        found += [_order_problem(state) for state in facts.states]
    if 7 not in codes:
        found += [
            ProblemLine(
                0, f"{halt.sleeve or 'trading'} is halted ({halt.restriction.value.replace('_', ' ')}): {halt.why}"
            )
            for halt in facts.halts
        ]
    if facts.others:
        also = ", ".join(facts.others)
        found.append(ProblemLine(0, f"also in the account, neither traded nor valued here: {also}"))
    found += [
        *map(_debit, facts.own),
        _degraded(facts, [line.text for line in found if line is not None]),
    ]
    return tuple(dict.fromkeys(line for line in found if line is not None))


def _degraded(facts: SessionFacts, told: list[str]) -> ProblemLine | None:
    words = (facts.run.document or {}).get("degraded", []) if facts.run else []
    if "vix" not in words or any("VIX" in text for text in told):
        return None
    return ProblemLine(0, "the VIX was missing at the decision: nothing could be bought, its exit rule was blind")


def _debit(facts: SessionFacts) -> ProblemLine | None:
    if facts.point is None or facts.point.cash_usd >= 0 or facts.is_fund:
        return None  # what the fund cost is owed to the sleeves whose cash it was
    of = f" of {facts.setup.sleeve}" if facts.setup.sleeve else ""
    return ProblemLine(0, f"cash{of} is {facts.point.cash_usd:.2f} USD; the next entry waits until it is not negative")


def _missing_run(run: RunRecord | None) -> ProblemLine | None:
    if run is None:
        return ProblemLine(4, "the daily job did not run in this session")
    if run.outcome is None:
        return ProblemLine(4, "the daily job started and did not finish")
    return None


def _order_problem(state: IntentState) -> ProblemLine | None:
    intent = state.intent
    name = f"{intent.side.value} {intent.shares} {intent.symbol}"
    words = f": {state.text}" if state.text else ""
    if state.status in _ENDED_BADLY and not state.filled:
        code, what = _ENDED_BADLY[state.status]
        return ProblemLine(code, f"{name} {what}{words}")
    if state.filled and state.filled < intent.shares and state.status.terminal:
        return ProblemLine(5, f"{name}: only {state.filled} filled{words}")
    return None
