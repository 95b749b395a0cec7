"""What partial bars got wrong: conditions as decided against the same conditions on final bars."""

from collections.abc import Mapping
from datetime import date

from mtum.app.reporting.facts import SessionFacts
from mtum.core.reporting.summary import RegretLine

type Decided = Mapping[str, bool]


def turned(facts: SessionFacts) -> tuple[str, ...] | None:
    """Return the conditions of this session that the final bar turned; None while there is none."""
    decided = _decided(facts.verdict.get("conditions", []))
    found = _compared(facts, {facts.day: decided} if decided else {}).get(facts.day)
    return None if found is None else tuple(name for name, was_turned in found.items() if was_turned)


def regret_lines(facts: SessionFacts) -> tuple[RegretLine, ...]:
    """Return how often final bars turned each condition of this session and of the reports just before it.

    A session whose bar is not final yet is left out: it is counted by the reports that follow.
    """
    decided = {session: _decided(stored["conditions"]) for session, stored in facts.earlier_reports}
    decided[facts.day] = _decided(facts.verdict.get("conditions", []))
    counts: dict[str, list[int]] = {}
    for names in _compared(facts, decided).values():
        for name, was_turned in names.items():
            row = counts.setdefault(name, [0, 0])
            row[0] += 1
            row[1] += was_turned
    return tuple(RegretLine(name, *row) for name, row in counts.items())


def _decided(conditions: list[Mapping[str, object]]) -> Decided:
    return {str(condition["name"]): bool(condition["passed"]) for condition in conditions}


def _compared(facts: SessionFacts, decided: Mapping[date, Decided]) -> dict[date, dict[str, bool]]:
    # Session -> condition -> whether the final bar turned it; a condition without its final value is left out.
    if not facts.strategy.CONDITIONS or facts.final_until is None:
        return {}
    found = {}
    for day, then in decided.items():
        if day <= facts.final_until and facts.bars.find(day) is not None:
            now = facts.history.conditions(day, facts.symbol)
            found[day] = {name: then[name] != held for name, held in now.items() if name in then}
    return found
