"""What is not as it was: settings, code, libraries and contracts, since the last run and since the approval."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from mtum.app.approvals.approve_settings import GUARDED
from mtum.app.reporting.facts import SessionFacts
from mtum.core.portfolio.returns import Curve, drawdown, growth
from mtum.core.reporting.parts.drift import ContractLine, DriftLine
from mtum.core.reporting.parts.expectation import BacktestLine, Lived, expectations
from mtum.core.reporting.stated import rounded, stated
from mtum.ports.records import DecisionRecord

APPROVAL = "the approval"
BACKTEST = "the approved backtest"

type _Change = tuple[str, str, str]


def drift_lines(facts: SessionFacts) -> tuple[DriftLine, ...]:
    """Return what changed since the last run, since the settings were approved and since the approved backtest.

    Settings, code and libraries are those of the decision, so a session without one tells its
    contracts alone; the next decision tells the rest.
    """
    return (*_since_last(facts), *_since_approval(facts), *_since_backtest(facts))


def contract_lines(facts: SessionFacts) -> tuple[ContractLine, ...]:
    """Return the contracts in force, for the next report to compare with."""
    return tuple(ContractLine(symbol, contract) for symbol, contract in sorted(facts.contracts.items()))


def drift_between(old: DecisionRecord, new: DecisionRecord) -> tuple[DriftLine, ...]:
    """Return what two decisions were made with that differs: code, libraries, settings."""
    changed = [*_code(_made_with(old), new), *_changed("setting", leaves(old.settings), leaves(new.settings))]
    return _lines(changed, f"session {old.session}")


def _since_last(facts: SessionFacts) -> tuple[DriftLine, ...]:
    decided = drift_between(facts.previous, facts.decision) if facts.previous and facts.decision else ()
    last = facts.last_report
    if last is None:
        return decided
    before = {line["symbol"]: line["contract"] for line in last.get("contracts", [])}
    return decided + _lines(_contracts(before, facts), f"session {last['session']}")


def _since_approval(facts: SessionFacts) -> tuple[DriftLine, ...]:
    changed: list[_Change] = []
    if facts.decision is not None and facts.approved is not None:
        now = {section: facts.decision.settings.get(section, {}) for section in facts.approved}
        changed += _changed("setting", leaves(facts.approved), leaves(now))
    if facts.approved_code is not None:
        changed += _code(facts.approved_code, facts.decision) if facts.decision is not None else ()
        changed += _contracts(facts.approved_code.get("contracts", {}), facts)
    return _lines(changed, APPROVAL)


def _since_backtest(facts: SessionFacts) -> tuple[DriftLine, ...]:
    tested, decision = facts.backtest, facts.decision
    if tested is None:
        return ()
    changed: list[_Change] = []
    if decision is not None:
        now = {section: decision.settings.get(section, {}) for section in GUARDED}
        now["strategy"] = {name: now["strategy"].get(name, {}) for name in tested["settings"]["strategy"]}
        before = {section: tested["settings"].get(section, {}) for section in GUARDED}
        changed += [*_changed("setting", leaves(before), leaves(now)), *_code(tested, decision)]
    return _lines([*changed, *_contracts(tested["contracts"], facts)], BACKTEST)


def backtest_line(facts: SessionFacts, sleeve: Curve) -> BacktestLine | None:
    """Return live trading since the start beside the approved backtest; None before one was approved."""
    tested = facts.backtest
    if tested is None:
        return None
    closed = [trade for trade in facts.trades() if trade.pnl_usd is not None]
    usd_known = facts.point is not None and len(sleeve) > 0
    is_final = facts.point is not None and facts.point.final
    lived = Lived(
        sessions=len(facts.points),
        held=sum(1 for point in facts.points if point.shares),
        closed=len(closed),
        won=sum(1 for trade in closed if trade.pnl_usd is not None and trade.pnl_usd > 0),
        return_frac=stated(rounded(float(growth(sleeve)[-1]) - 1.0) if usd_known else None, is_final=is_final),
        worst_drawdown_frac=stated(rounded(float(drawdown(sleeve).min())) if usd_known else None, is_final=is_final),
    )
    return BacktestLine(
        start=date.fromisoformat(tested["start"]),
        end=date.fromisoformat(tested["end"]),
        sessions=tested["sessions"],
        decision_model=tested["decision_model"],
        fill_model=tested["fill_model"],
        live_sessions=lived.sessions,
        lines=expectations(lived, tested["sessions"], tested["metrics"]),
    )


def _lines(changed: list[_Change], since: str) -> tuple[DriftLine, ...]:
    return tuple(DriftLine(name, before, now, since) for name, before, now in changed)


def _made_with(decision: DecisionRecord) -> Mapping[str, Any]:
    return {
        "code_version": decision.code_version,
        "code_hash": decision.code_hash,
        "libraries": decision.libraries,
    }


def _code(old: Mapping[str, Any], new: DecisionRecord) -> list[_Change]:
    pairs = [("code version", old["code_version"], new.code_version), ("code", old["code_hash"], new.code_hash)]
    return [pair for pair in pairs if pair[1] != pair[2]] + _changed("library", old["libraries"], new.libraries)


def _contracts(before: Mapping[str, str], facts: SessionFacts) -> list[_Change]:
    # A contract pinned for the first time is new, not changed.
    return _changed("contract", before, {name: facts.contracts.get(name, "absent") for name in before})


def _changed(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[_Change]:
    return [
        (f"{kind} {name}", str(old.get(name, "absent")), str(new.get(name, "absent")))
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def leaves(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return a settings tree as dotted names and values."""
    return dict(_walk(tree, ""))


def _walk(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _walk(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
