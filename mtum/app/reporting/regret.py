"""What partial bars got wrong: conditions as decided against the same conditions on final bars."""

from collections.abc import Mapping
from datetime import date

from mtum.app.reporting.facts import SessionFacts
from mtum.core.reporting.parts.partial_bars import RegretLine

type Decided = Mapping[tuple[str, str], bool]
"""Symbol and condition -> whether it held."""


def turned(facts: SessionFacts) -> tuple[str, ...] | None:
    """Return the conditions of this session that the final bar turned; None while there is none."""
    found = _compared(facts, {facts.day: _decided(facts)}).get(facts.day)
    return None if found is None else tuple(dict.fromkeys(name for (_, name), was_turned in found if was_turned))


def regret_lines(facts: SessionFacts) -> tuple[RegretLine, ...]:
    """Return how often final bars turned each condition of this session and of the reports just before it.

    A session whose bar is not final yet is left out: it is counted by the reports that follow.
    """
    decided: dict[date, Decided] = {
        session: {
            (str(one.get("symbol") or facts.symbol), str(one["name"])): bool(one["passed"])
            for one in stored["conditions"]
        }
        for session, stored in facts.earlier_reports
    }
    decided[facts.day] = _decided(facts)
    counts: dict[str, list[int]] = {}
    for rows in _compared(facts, decided).values():
        for (_, name), was_turned in rows:
            row = counts.setdefault(name, [0, 0])
            row[0] += 1
            row[1] += was_turned
    return tuple(RegretLine(name, *row) for name, row in counts.items())


def _decided(facts: SessionFacts) -> Decided:
    return {
        (symbol, str(one["name"])): bool(one["passed"]) for symbol in facts.universe for one in facts.conditions(symbol)
    }


def _compared(facts: SessionFacts, decided: Mapping[date, Decided]) -> dict[date, list[tuple[tuple[str, str], bool]]]:
    # Session -> (symbol, condition), whether the final bar turned it; one without its final value is left out.
    if not facts.strategy.CONDITIONS or facts.final_until is None:
        return {}
    found = {}
    for day, then in decided.items():
        if then and day <= facts.final_until and facts.bars.find(day) is not None:
            final = {symbol: facts.history.conditions(day, symbol) for symbol in {symbol for symbol, _ in then}}
            found[day] = [
                ((symbol, name), held != final[symbol][name])
                for (symbol, name), held in then.items()
                if name in final[symbol]
            ]
    return found
