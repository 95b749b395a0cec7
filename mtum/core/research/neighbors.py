"""What stands beside the best of a grid: a result that one step of one setting destroys was found by luck."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct


class Neighbor(Struct, frozen=True):
    """A combination that is one step of one setting away; linked settings step together."""

    settings: Mapping[str, Any]
    sharpe: float | None


def varying(changes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the settings that have more than one value, in the order of the grid."""
    return [name for name in changes[0] if len({repr(change[name]) for change in changes}) > 1]


def move_together(changes: Sequence[Mapping[str, Any]], one: str, other: str) -> bool:
    """Return whether the value of one setting tells that of the other, as linked ones do.

    Parameters
    ----------
    changes : sequence of mapping of str to any
        Settings of each combination, in the order of the rows.
    one : str
        One setting.
    other : str
        The other setting.
    """
    pairs = {(repr(change[one]), repr(change[other])) for change in changes}
    return len(pairs) == max(len({pair[0] for pair in pairs}), len({pair[1] for pair in pairs}))


def steps(values: Sequence[Any]) -> list[Any]:
    """Return the distinct values in their order: numbers by size, others as they came."""
    distinct = list({repr(value): value for value in values}.values())
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in distinct)
    return sorted(distinct) if numbers else distinct


def neighbors(changes: Sequence[Mapping[str, Any]], sharpes: Sequence[float | None], best: int) -> tuple[Neighbor, ...]:
    """Return the combinations that are one step of one setting away from the best, setting by setting.

    Parameters
    ----------
    changes : sequence of mapping
        Settings of each combination.
    sharpes : sequence of float or None
        Sharpe ratio of each; None where its returns do not differ.
    best : int
        Place of the best one.
    """
    names, here = varying(changes), changes[best]
    rows = {tuple(repr(change[name]) for name in names): row for row, change in enumerate(changes)}
    found: dict[int, Neighbor] = {}
    for name in names:
        ordered = steps([change[name] for change in changes])
        at = [repr(value) for value in ordered].index(repr(here[name]))
        linked = [other for other in names if move_together(changes, name, other)]
        for value in (*ordered[max(0, at - 1) : at], *ordered[at + 1 : at + 2]):
            # What is linked has the value that it has beside this one.
            beside = next(change for change in changes if repr(change[name]) == repr(value))
            moved = {**here, **{other: beside[other] for other in linked}}
            row = rows.get(tuple(repr(moved[other]) for other in names))
            if row is not None and row != best:
                found.setdefault(row, Neighbor({other: moved[other] for other in linked}, sharpes[row]))
    return tuple(found.values())
