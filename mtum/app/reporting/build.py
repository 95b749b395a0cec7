"""One session's summary from what the store knows of it."""

import logging
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from msgspec.structs import replace

from mtum.app.reporting import drift, money, quality, trading
from mtum.app.reporting.corrections import corrections
from mtum.app.reporting.facts import SessionFacts
from mtum.app.reporting.partial_bars import regret_lines
from mtum.core.reporting.option_section import OptionsTold
from mtum.core.reporting.parts.conditions import conditions_in, conflicts_in
from mtum.core.reporting.parts.coordination import coordination_document
from mtum.core.reporting.parts.problems import ProblemLine
from mtum.core.reporting.summary import Summary
from mtum.errors import ExitCode, MtumError
from mtum.ports.store import Store

log = logging.getLogger(__name__)


def part[T, E](name: str, made: Callable[[], T], empty: E, broken: list[ProblemLine]) -> T | E:
    """Return one part of a report; a fault in it costs that part alone and is listed in `broken`.

    Parameters
    ----------
    name : str
        What a reader calls the part.
    made : callable
        Makes it; an error raised on purpose (a database that cannot be read) is passed on.
    empty : object
        Stands in its place after a fault.
    broken : list
        Gets a line with exit code 1 for each fault.
    """
    try:
        return made()
    except MtumError:
        raise
    except Exception as error:  # whatever is wrong with one part, the owner gets the others
        log.exception("report_part_broke", extra={"part": name})
        broken.append(
            ProblemLine(
                int(ExitCode.BUG), f"the report lacks its {name} ({type(error).__name__}: {error}); this is a bug"
            )
        )
        return empty


def summarize(store: Store, facts: SessionFacts, broken: list[ProblemLine]) -> Summary:
    """Return the summary of a session; reads earlier orders for corrections, writes nothing.

    A fault in a part that is not the decision or the money leaves that part empty and is added to `broken`.

    Parameters
    ----------
    store : Store
        The program's records.
    facts : SessionFacts
        One session as the store knows it now, of a sleeve or of the account; nothing later than the session is in it.
    broken : list of ProblemLine
        Faults of parts are added to it.
    """

    def safe[T, E](name: str, made: Callable[[], T], empty: E) -> T | E:
        return part(name + (f" of {facts.setup.sleeve}" if facts.setup.sleeve else ""), made, empty, broken)

    sleeve, held = money.curves(facts)
    run, decision, session = facts.run, facts.decision, facts.session
    upcoming, schedule = facts.sessions.after(facts.day), facts.setup.settings.schedule
    settles_by = decision.frame["book"].get("settles_by") if decision else None
    found = Summary(
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
        next_decision_at=upcoming.close - timedelta(minutes=schedule.snapshot_minutes) if upcoming else None,
        conditions=conditions_in(decision.document.get("symbols", {})) if decision else (),
        orders=trading.order_lines(facts),
        fills=trading.fill_lines(facts),
        position=money.position_line(facts, facts.symbol),
        pnl=money.pnl(facts, sleeve),
        equity=money.equity_line(facts, sleeve),
        benchmark=money.benchmark_line(facts, held),
        cash=money.cash_lines(facts),
        flips=safe("section on what would change the decision", lambda: quality.flip_lines(facts), ()),
        data_quality=quality.data_quality(facts),
        timings=safe("timings", lambda: quality.timing_lines(facts), ()),
        drift=safe("list of changes", lambda: drift.drift_lines(facts), ()),
        corrections=safe("corrections", lambda: corrections(store, facts), ()),
        other_positions=safe("other positions", lambda: money.other_positions(facts), ()),
        code_version=decision.code_version if decision else "",
        settings_hash=decision.settings_hash if decision else "",
        owed=money.owed_lines(facts),
        contracts=drift.contract_lines(facts),
        backtest=safe("comparison with the backtest", lambda: drift.backtest_line(facts, sleeve), None),
        regret=safe("list of turned conditions", lambda: regret_lines(facts), ()),
        next_half_day=upcoming.half_day if upcoming else False,
        symbols=facts.universe,
        settles_by=date.fromisoformat(settles_by) if settles_by else None,
        state=facts.setup.chosen.state.value if facts.setup.sleeve else "",
        internal_orders=trading.internal_lines(store, facts),
        conflicts=conflicts_in(decision.document.get("symbols", {})) if decision else {},
        standing=trading.standing_lines(store, facts),
        options=safe("options", lambda: _options(store, facts), None),
        problems=(*quality.problem_lines(facts), *broken),  # after every part that may break
    )
    return _with_sleeves(store, facts, found, broken) if facts.parts else found


def _options(store: Store, facts: SessionFacts) -> OptionsTold | None:
    if facts.parts or not facts.setup.chosen.strategy.OPTIONS:
        return None
    from mtum.app.reporting.options import options_told  # nobody without options needs any of it

    return options_told(store, facts)


def _with_sleeves(store: Store, facts: SessionFacts, account: Summary, broken: list[ProblemLine]) -> Summary:
    """Return the account with the summaries of its sleeves and what it did with their wishes."""
    plan = store.plans.plan_of(facts.day)
    # What a sleeve shares with the account (run, settings, contracts) is told once, there; its corrections with it.
    once: dict[str, Any] = {"problems": (), "timings": (), "drift": (), "contracts": (), "backtest": None}
    sleeves = {part.setup.strategy: replace(summarize(store, part, broken), **once) for part in facts.parts}
    theirs = {(line.session, line.subject, line.now) for one in sleeves.values() for line in one.corrections}
    return replace(
        account,
        problems=tuple(dict.fromkeys((*account.problems, *broken))),
        corrections=tuple(one for one in account.corrections if (one.session, one.subject, one.now) not in theirs),
        undecided=tuple((facts.run.document or {}).get("undecided", ())) if facts.run else (),
        sleeves=sleeves,
        coordination=coordination_document(plan.document if plan else None, store.crosses.ended_crosses(facts.day)),
    )


def _why_none(facts: SessionFacts) -> tuple[str, ...]:
    stored = (facts.run.document or {}).get("reasons", []) if facts.run else []
    return tuple(str(word) for word in stored)
