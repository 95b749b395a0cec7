"""GRID.toml: which settings to try, and every combination of them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import isfinite
from pathlib import Path
from typing import Any

from msgspec import Struct

from mtum.config import read_toml
from mtum.errors import ConfigError

MOST_COMBINATIONS = 1_000_000
SECTIONS = ("grid", "linked", "base")

type Change = Mapping[str, Any]


class Grid(Struct, frozen=True):
    """Settings that vary alone, groups that move together, and settings fixed for all.

    Parameters
    ----------
    axes : tuple
        One sequence of changes per axis; a combination takes one change of each.
    base : mapping
        Changes under every combination.
    """

    axes: tuple[tuple[Change, ...], ...]
    base: Change

    def __len__(self) -> int:
        count = 1
        for axis in self.axes:
            count *= len(axis)
        return count

    def names(self) -> tuple[str, ...]:
        """Names of the settings that vary, in the order of the file."""
        return tuple(name for axis in self.axes for name in axis[0])

    def combinations(self) -> Iterator[dict[str, Any]]:
        """Every combination, the last axis moving fastest."""
        for picked in product(*self.axes):
            yield {name: value for change in picked for name, value in change.items()}

    def distinct(self) -> Iterator[tuple[str, Any]]:
        """Every setting with every value it takes."""
        for axis in self.axes:
            for change in axis:
                yield from change.items()


def read_grid(path: Path) -> Grid:
    """Read a grid of settings.

    Raises
    ------
    ConfigError
        Listing everything that is wrong with the file.
    """
    tree = read_toml(path)
    problems = [
        f"{path}: unknown section {name}; use [grid], [[linked]], [base]" for name in tree if name not in SECTIONS
    ]
    problems += [
        f"{path}: {name} = {tree[name]!r}; write {wanted}"
        for name, kind, wanted in (("grid", dict, "[grid]"), ("base", dict, "[base]"), ("linked", list, "[[linked]]"))
        if name in tree and not (isinstance(tree[name], kind) and all(map(_is_named, tree[name])))
    ]
    if problems:
        raise ConfigError(problems)
    axes = [_axis(path, name, given, problems) for name, given in _leaves(tree.get("grid", {}))]
    axes += [_linked(path, group, problems) for group in tree.get("linked", [])]
    grid = Grid(tuple(axis for axis in axes if axis), dict(_leaves(tree.get("base", {}))))
    if not axes:
        problems.append(
            f"{path}: no setting varies; write one below [grid], such as portfolio.cost_frac = [0.0005, 0.001, 0.002]"
        )
    if not problems and len(grid) > MOST_COMBINATIONS:
        problems.append(f"{path}: {len(grid):,} combinations; at most {MOST_COMBINATIONS:,} are played")
    if problems:
        raise ConfigError(problems)
    return grid


def _is_named(part: object) -> bool:
    # A key of a table, or a table of a list of them.
    return isinstance(part, str | Mapping)


def _is_range(given: object) -> bool:
    return isinstance(given, Mapping) and set(given) == {"from", "to", "step"}


def _leaves(tree: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    # Dotted names become nested tables in TOML; a range is a table too.
    for key, given in tree.items() if isinstance(tree, Mapping) else ():
        if isinstance(given, Mapping) and not _is_range(given):
            yield from _leaves(given, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", given


def _axis(path: Path, name: str, given: Any, problems: list[str]) -> tuple[Change, ...]:
    if _is_range(given):
        return tuple({name: value} for value in _range(path, name, given, problems))
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        problems.append(f"{path}: {name} = {given!r}; use a list of values or {{ from = 1, to = 9, step = 2 }}")
        return ()
    return tuple({name: value} for value in given)


def _range(path: Path, name: str, given: Mapping[str, Any], problems: list[str]) -> list[Any]:
    begin, end, step = given["from"], given["to"], given["step"]
    numbers = all(
        isinstance(number, int | float) and not isinstance(number, bool) and isfinite(number)
        for number in (begin, end, step)
    )
    if not numbers or step <= 0 or end < begin:
        problems.append(f"{path}: {name}: a range needs numbers, from <= to and step > 0")
        return []
    if (end - begin) / step >= MOST_COMBINATIONS:
        problems.append(f"{path}: {name}: more than {MOST_COMBINATIONS:,} values; use a larger step")
        return []
    count = int((end - begin) / step + 1e-9) + 1
    whole = all(isinstance(number, int) for number in (begin, step))
    return [begin + number * step if whole else round(begin + number * step, 10) for number in range(count)]


def _linked(path: Path, group: Any, problems: list[str]) -> tuple[Change, ...]:
    columns = dict(_leaves(group))
    lengths = {len(values) if isinstance(values, list) else 0 for values in columns.values()}
    if len(lengths) != 1 or 0 in lengths:
        problems.append(f"{path}: [[linked]] {', '.join(columns)}: use lists of equal length")
        return ()
    return tuple(dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
