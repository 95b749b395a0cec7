"""What is not as it was: settings, code, libraries and contracts, since the last run and since the approval."""

from collections.abc import Iterator, Mapping
from typing import Any

from mtum.app.reporting.facts import SessionFacts
from mtum.core.reporting.summary import ContractLine, DriftLine
from mtum.ports.records import DecisionRecord

APPROVAL = "the approval"

type _Change = tuple[str, str, str]


def drift_lines(facts: SessionFacts) -> tuple[DriftLine, ...]:
    """Return what changed since the last run and since the settings were approved.

    Settings, code and libraries are those of the decision, so a session without one tells its
    contracts alone; the next decision tells the rest.
    """
    return (*_since_last(facts), *_since_approval(facts))


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
