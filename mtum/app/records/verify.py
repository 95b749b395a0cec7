"""Do stored decisions replay to what they say, from what was known at the time, and do the books add up?"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from math import isclose, isnan
from types import MappingProxyType
from typing import Any

import numpy as np
from msgspec import Struct

from mtum.app.bars.accept_bars import REBASED_SOURCES
from mtum.app.desk import Problem, Provenance, exit_code_of
from mtum.app.ledger.book_problems import CENT, ZERO, book_problems
from mtum.config import Settings, account_rules, digest_of, restored
from mtum.core.canonical import table_in
from mtum.core.decide import FAILED, abstained
from mtum.core.market.bars import Bars
from mtum.core.market.merging import NewSplit, rebased
from mtum.core.plans import replayed_plan, transfers_in
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.sleeves import Sleeve
from mtum.core.record import FRAME_COLUMNS, book_of, decision_document, differences, replayed, view_of
from mtum.errors import ConfigError, ExitCode, UsageError, VerificationError
from mtum.ports.books import PlanStore
from mtum.ports.records import DecisionRecord
from mtum.ports.store import Store

SAME_FRAC = 1e-12
"""Undoing a 3:1 split leaves a price this near to what it was."""
NOTHING_MOVED: Mapping[str, object] = MappingProxyType({"sleeves": []})
DECIDED_FIELDS = (
    *("action", "reasons", "symbols", "planned", "equity_usd", "daily_loss_hit", "drawdown_hit"),
    *("memory", "standing", "stopped", "options"),
)


class Verification(Struct, frozen=True):
    """What was found for one session; `drift` is no fault, the other two are."""

    session: date
    replay: tuple[str, ...]
    provenance: tuple[str, ...]
    drift: tuple[str, ...]


class VerifyResult(Struct, frozen=True):
    """The document for `--json` and the exit code."""

    document: dict[str, Any]
    exit_code: ExitCode


def verify(
    store: Store, settings: Settings, today: Provenance, day: date | None = None, *, books: bool = True
) -> VerifyResult:
    """Verify one session, or every stored decision when `day` is None.

    Parameters
    ----------
    store : Store
        The program's records.
    settings : Settings
        Settings in force.
    today : Provenance
        Which code decided: version, hash of the core's source, versions of the libraries it uses.
    day : date or None
        Session to verify; None for every one.
    books : bool
        Whether lots, cash and equity of all sessions are worked out again too, and nothing recorded is gone.

    Raises
    ------
    UsageError
        If the session was never decided.
    """
    altered = set(store.decisions.altered_decisions())
    bars = (f"the bar {line}" for line in (store.quarantine.altered_bars() if books else ()))
    apart = (*book_problems(store), *store.events.missing(), *store.orders.altered_trades(), *bars) if books else ()
    try:
        records = _records(store, settings, day)
    except VerificationError as error:
        return _result((), (Problem(ExitCode.PERSON, str(error)),), apart)
    found = tuple(_verified(store, record, settings, today, altered=record.session in altered) for record in records)
    if day is None:
        apart += tuple(
            f"the stored frame of the dry run of {other} is not what its hash says"
            for other in sorted(altered - {record.session for record in records})
        )
        decided = {record.session.isoformat() for record in records}
        apart += tuple(
            f"there is a plan of {other}, which was not decided"
            for other in store.plans.planned_days()
            if other not in decided
        )
    apart += _plans_verified(store.plans, records)
    problems = tuple(
        Problem(ExitCode.PERSON, f"{one.session}: {line}") for one in found for line in (*one.replay, *one.provenance)
    )
    return _result(found, problems, apart)


def _records(store: Store, settings: Settings, day: date | None) -> Sequence[DecisionRecord]:
    if day is None:
        return store.decisions.final_decisions()
    asked = (store.decisions.decision_of(day, sleeve.name) for sleeve in settings.sleeves())
    records = tuple(record for record in asked if record is not None)
    if not records:
        raise UsageError(f"no decision is stored for {day}; `mtum show decisions` lists them")
    return records


def _verified(
    store: Store, record: DecisionRecord, settings: Settings, today: Provenance, *, altered: bool
) -> Verification:
    damage = ("the stored frame is not what its hash says",) if altered else ()
    try:
        again = _replay(record)
        provenance = _provenance(store, record)
    except (ValueError, KeyError, TypeError, ConfigError) as error:
        lines = (*damage, f"the stored record cannot be replayed: {error}")
        return Verification(record.session, lines, (), _drift(record, settings, today))
    return Verification(record.session, (*damage, *again), provenance, _drift(record, settings, today))


def _replay(record: DecisionRecord) -> tuple[str, ...]:
    then = restored(record.settings)
    lines = (
        []
        if digest_of(record.settings) == record.settings_hash
        else ["the stored settings are not what their hash says"]
    )
    sleeve = next((one for one in then.sleeves() if one.name == record.strategy), None)
    if sleeve is None:
        return (*lines, f"the stored settings have no sleeve {record.strategy}")
    again = _again(record, sleeve)
    stored = {name: record.document.get(name) for name in DECIDED_FIELDS}
    lines += differences(stored, {name: again.get(name) for name in DECIDED_FIELDS})
    lines += differences(
        {"action": record.action, "reasons": list(record.reasons)},
        {"action": again["action"], "reasons": again["reasons"]},
        "decision",
    )
    return tuple(lines)


def _again(record: DecisionRecord, sleeve: Sleeve) -> Mapping[str, Any]:
    try:
        return replayed(record.frame, sleeve.strategy, sleeve.rules)
    except Exception:
        if record.reasons != (FAILED,):
            raise
        # The strategy failed then, and fails again in the replay: that is the same result.
        view, book = view_of(record.frame), book_of(record.frame)
        return decision_document(abstained(view, sleeve.strategy, book, FAILED))


def _plans_verified(plans: PlanStore, records: Sequence[DecisionRecord]) -> tuple[str, ...]:
    """Coordinate the plans of these sessions again, with the settings of a decision each rests on."""
    altered, planned = set(plans.altered_plans()), plans.planned_days()
    moved = dict(plans.transfers())
    lines: list[str] = []
    for session, record in {record.session: record for record in records}.items():
        try:
            plan = plans.plan_of(session)
        except VerificationError as error:
            lines.append(str(error))
            continue
        if plan is None:
            # Decisions of earlier versions have no plan.
            due = planned and session.isoformat() >= planned[0]
            lines += [f"{session} was decided and has no plan"] if due else []
            continue
        if (plan.account, plan.decided_at) != (record.account, record.decided_at):
            lines.append(f"the plan of {session} was made for {plan.account} at {plan.decided_at}, its decisions not")
        if session in altered:
            lines.append(f"the stored frame of the plan of {session} is not what its hash says")
        try:
            then = restored(record.settings)
            sizing = {sleeve.name: sleeve.rules.sizing for sleeve in then.sleeves()}
            again = replayed_plan(plan.frame, sizing, account_rules(then))
        except (ValueError, KeyError, TypeError, ConfigError) as error:
            lines.append(f"the stored plan of {session} cannot be replayed: {error}")
            continue
        lines += [f"plan of {session}: {line}" for line in differences(dict(plan.document), again)]
        made = {one.sleeve: exact(one.usd) for one in transfers_in(table_in(again.get("transfers", NOTHING_MOVED)))}
        lines += _transfers_verified(session, made, moved.pop(session, {}))
    # Transfers of these sessions that no plan mentions.
    lines += [
        line
        for session, usd in moved.items()
        if plans.plan_of(session) is None
        for line in _transfers_verified(session, {}, usd)
    ]
    return tuple(lines)


def _transfers_verified(day: date, made: Mapping[str, Decimal], stored: Mapping[str, Decimal]) -> Iterator[str]:
    """Compare what moved between the sleeves with what the plan made of it; together it is nothing."""
    for name in dict.fromkeys((*made, *stored)):
        due, there = made.get(name, ZERO), stored.get(name, ZERO)
        if abs(due - there) >= CENT:
            yield f"transfers of {day}: {name} is stored with {there:+,.2f} USD, the plan makes {due:+,.2f}"
    if abs(sum(stored.values(), ZERO)) >= CENT:
        yield f"transfers of {day}: together they are {sum(stored.values(), ZERO):+,.2f} USD, not 0"


def _provenance(store: Store, record: DecisionRecord) -> tuple[str, ...]:
    """Compare the frame's finished bars with the bars as they were known when it was decided."""
    lines: list[str] = []
    for symbol, bars in view_of(record.frame).bars.items():
        known = store.bars.as_of(symbol, bars.source, record.decided_at)
        finished = bars.until(bars.day(len(bars) - 2)) if len(bars) > 1 else bars.tail(0)
        asked = [name for name in (*FRAME_COLUMNS, "dividend") if name in record.frame["bars"][symbol]]
        lines += _bar_differences(store, finished, _in_shares_of(store, known, record.session), asked)
    return tuple(lines)


def _in_shares_of(store: Store, known: Bars, day: date) -> Bars:
    # On the day of a split the cache is still in old shares, the decision in new ones.
    today = store.bars.bars(known.symbol, known.source).find(day)
    split = today is not None and today.split not in (0.0, 1.0) and known.source not in REBASED_SOURCES
    return rebased(known, (NewSplit(day, today.split),)) if today is not None and split else known


def _bar_differences(store: Store, frame: Bars, known: Bars, names: Sequence[str]) -> list[str]:
    same = known.since(frame.day(0)).until(frame.last_day) if len(frame) else frame
    if np.array_equal(same.days, frame.days) and all(
        np.array_equal(getattr(same, name), getattr(frame, name), equal_nan=True) for name in names
    ):
        return []
    lines = []
    # Only a split that had to be undone leaves a price that is not quite what it was.
    split = store.bars.bars(frame.symbol, frame.source).split
    nearly = SAME_FRAC if ((split != 0) & (split != 1)).any() else 0.0
    for index in range(len(frame)):
        bar = frame.bar(index)
        other = known.find(bar.day)
        if other is None:
            lines.append(f"{frame.symbol} {bar.day}: used in the decision, not in the cache")
            continue
        lines += [
            f"{frame.symbol} {bar.day} {name}: the decision used {getattr(bar, name)!r}, "
            f"the cache had {getattr(other, name)!r}"
            for name in names
            if not _same(getattr(bar, name), getattr(other, name), nearly)
        ]
    return lines


def _same(used: float, cached: float, nearly: float) -> bool:
    return isclose(used, cached, rel_tol=nearly) or (isnan(used) and isnan(cached))


def _drift(record: DecisionRecord, settings: Settings, today: Provenance) -> tuple[str, ...]:
    """What differs between then and now; a decision is judged by what was in force then."""
    now = settings.document()
    sections = ("market", "strategy", "portfolio", "risk")
    lines = differences(
        {name: record.settings.get(name) for name in sections}, {name: now[name] for name in sections}, "settings"
    )
    if record.code_hash != today.code_hash:
        lines.append(
            f"code: decided by {record.code_version} ({record.code_hash}), now {today.code_version} ({today.code_hash})"
        )
    lines += differences(dict(record.libraries), dict(today.libraries), "libraries")
    return tuple(lines)


def _result(found: tuple[Verification, ...], problems: tuple[Problem, ...], books: tuple[str, ...]) -> VerifyResult:
    problems += tuple(Problem(ExitCode.PERSON, f"books: {line}") for line in books)
    failed = sum(1 for one in found if one.replay or one.provenance)
    drift = sorted({line for one in found for line in one.drift})
    document: dict[str, Any] = {
        "decisions": len(found),
        "verified": len(found) - failed,
        "failed": failed,
        "books": list(books),
        "sessions": [_session_document(one) for one in found],
        "drift": drift,
        "problems": [problem.document() for problem in problems],
        "exit_code": int(exit_code_of(problems)),
    }
    return VerifyResult(document, exit_code_of(problems))


def _session_document(one: Verification) -> Mapping[str, Any]:
    return {
        "session": one.session.isoformat(),
        "replay": list(one.replay),
        "provenance": list(one.provenance),
        "drift": list(one.drift),
    }
