"""One session's summary from what the store knows of it."""

from datetime import datetime, timedelta

from mtum.app.reporting import drift, money, quality, trading
from mtum.app.reporting.corrections import corrections
from mtum.app.reporting.facts import SessionFacts
from mtum.app.reporting.regret import regret_lines
from mtum.core.reporting.summary import Summary
from mtum.errors import ExitCode
from mtum.ports.store import Store


def summarize(store: Store, facts: SessionFacts) -> Summary:
    """Return the summary of a session; reads earlier orders for corrections, writes nothing."""
    position = money.position_line(facts, facts.symbol)
    sleeve, held = money.curves(facts)
    run, decision, session = facts.run, facts.decision, facts.session
    upcoming = facts.sessions.after(facts.day)
    return Summary(
        session=facts.day,
        mode=facts.setup.settings.mode,
        account=facts.setup.account,
        strategy=facts.setup.strategy,
        symbol=facts.symbol,
        action=decision.action if decision else "none",
        reasons=decision.reasons if decision else _why_none(facts),
        outcome=(run.outcome or "") if run else "",
        exit_code=run.exit_code if run and run.exit_code is not None else int(ExitCode.BROKER),
        half_day=session.half_day if session else False,
        next_session=upcoming.day if upcoming else None,
        next_decision_at=_decision_time(facts, upcoming.close) if upcoming else None,
        conditions=trading.condition_lines(facts),
        orders=trading.order_lines(facts),
        fills=trading.fill_lines(facts),
        position=position,
        pnl=money.pnl(facts, sleeve),
        equity=money.equity_line(facts, sleeve),
        benchmark=money.benchmark_line(facts, held),
        cash=money.cash_lines(facts),
        flips=quality.flip_lines(facts, position),
        data_quality=quality.data_quality(facts),
        timings=quality.timing_lines(facts),
        drift=drift.drift_lines(facts),
        corrections=corrections(store, facts),
        problems=quality.problem_lines(facts),
        other_positions=money.other_positions(facts),
        code_version=decision.code_version if decision else "",
        settings_hash=decision.settings_hash if decision else "",
        owed=money.owed_lines(facts),
        contracts=drift.contract_lines(facts),
        backtest=drift.backtest_line(facts, sleeve),
        regret=regret_lines(facts),
        next_half_day=upcoming.half_day if upcoming else False,
    )


def _why_none(facts: SessionFacts) -> tuple[str, ...]:
    stored = (facts.run.document or {}).get("reasons", []) if facts.run else []
    return tuple(str(word) for word in stored)


def _decision_time(facts: SessionFacts, close: datetime) -> datetime:
    return close - timedelta(minutes=facts.setup.settings.schedule.snapshot_minutes)
