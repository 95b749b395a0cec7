"""What partial bars got wrong: conditions as decided against the same conditions on final bars."""

from collections.abc import Mapping
from datetime import date

import numpy as np

from mtum.app.reporting.facts import SessionFacts
from mtum.core.reporting.final_flags import Flags, final_flags
from mtum.core.reporting.flips import Rules
from mtum.core.reporting.summary import RegretLine

VIX_CONDITIONS = frozenset({"vix_calm", "vix_fear"})

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
    if not facts.parameters.get("ma_sessions") or facts.final_until is None:
        return {}
    places = {day: at for at, day in enumerate(facts.bars.days.tolist()) if day in decided and day <= facts.final_until}
    flags = _flags(facts) if places else {}
    return {
        day: {
            name: decided[day][name] != bool(flag[at])
            for name, flag in flags.items()
            if name in decided[day] and (name not in VIX_CONDITIONS or day in facts.vix)
        }
        for day, at in places.items()
    }


def _flags(facts: SessionFacts) -> Mapping[str, Flags]:
    vix = np.array([facts.vix.get(day, np.nan) for day in facts.bars.days.tolist()], dtype=np.float64)
    return final_flags(facts.bars.close, facts.bars.volume, vix, Rules.of(facts.parameters))
