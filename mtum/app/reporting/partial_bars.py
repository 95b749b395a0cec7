"""What partial bars got wrong: conditions and volume as decided against final bars."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from mtum.app.reporting.facts import SessionFacts
from mtum.app.reporting.period import Period
from mtum.core.reporting.parts.partial_bars import Regret, RegretLine

type Decided = Mapping[tuple[str, str], bool]
"""Symbol and condition -> whether it held."""
type Compared = Mapping[date, Sequence[tuple[str, bool]]]
"""Session -> conditions, and whether the final bar turned them."""


def turned(facts: SessionFacts) -> tuple[str, ...] | None:
    """Return the conditions of this session that the final bar turned; None while there is none."""
    found = _compared(facts, {facts.day: _decided(facts)}).get(facts.day)
    return None if found is None else tuple(dict.fromkeys(name for name, was_turned in found if was_turned))


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
    counts = _counted(_compared(facts, decided).values())
    return tuple(RegretLine(name, *row) for name, row in counts.items())


def regrets(period: Period) -> tuple[Regret, ...]:
    """Return how often final bars would have turned a condition that was decided on a partial one."""
    universe = period.facts.universe
    decided = {day: _passed({one: period.conditions(day, one) for one in universe}) for day in period.decisions}
    found = _compared(period.facts, decided, period.end)
    inside = _counted(rows for day, rows in found.items() if period.inside(day))
    return tuple(Regret(name, *inside.get(name, (0, 0)), *row) for name, row in _counted(found.values()).items())


def _decided(facts: SessionFacts) -> Decided:
    return _passed({symbol: facts.conditions(symbol) for symbol in facts.universe})


def _passed(conditions: Mapping[str, Sequence[Mapping[str, object]]]) -> Decided:
    return {(symbol, str(one["name"])): bool(one["passed"]) for symbol, rows in conditions.items() for one in rows}


def _compared(facts: SessionFacts, decided: Mapping[date, Decided], until: date | None = None) -> Compared:
    # One without its final value is left out.
    last = until or facts.final_until
    if not facts.strategy.CONDITIONS or last is None:
        return {}
    found = {}
    for day, then in decided.items():
        if then and day <= last and any(facts.bar(symbol, day) is not None for symbol, _ in then):
            final = {symbol: facts.history.conditions(day, symbol) for symbol in {symbol for symbol, _ in then}}
            found[day] = [
                (name, held != final[symbol][name]) for (symbol, name), held in then.items() if name in final[symbol]
            ]
    return found


def _counted(compared: Iterable[Sequence[tuple[str, bool]]]) -> dict[str, tuple[int, int]]:
    # Name -> how often it was decided, and turned.
    counts: dict[str, tuple[int, int]] = {}
    for name, was_turned in (one for rows in compared for one in rows):
        times, turns = counts.get(name, (0, 0))
        counts[name] = (times + 1, turns + was_turned)
    return counts


def projection_error(period: Period) -> float | None:
    """Return the mean absolute error of the projected volume over the period, as a fraction."""
    errors: list[float] = []
    for day, record in period.decisions.items():
        for symbol in period.facts.universe if period.inside(day) else ():
            index, volume = period.index(day, symbol), period.facts.bars_of(symbol).volume
            projected = record.document["symbols"].get(symbol, {}).get("indicators", {}).get("volume")
            if index is not None and projected and volume[index] > 0:
                errors.append(abs(projected / float(volume[index]) - 1.0))
    return round(sum(errors) / len(errors), 6) if errors else None
