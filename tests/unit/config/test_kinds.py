"""What a setting of each type takes and refuses, and in which words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum, IntEnum
from itertools import product
from math import inf, nan
from typing import Annotated, Any, Literal, NamedTuple, NewType

import pytest
from msgspec import Meta
from pydantic import Field, TypeAdapter, ValidationError

from mtum.config.kinds import Wrong, read, readable, told


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@dataclass(frozen=True)
class Leg:
    symbol: str
    part: float = 1.0
    color: Color | None = None


@dataclass(frozen=True)
class Span:
    first: int
    last: int

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("it ends before it begins")


@dataclass(frozen=True)
class Tree:
    name: str
    below: "tuple[Tree, ...]" = ()


class Pair(NamedTuple):
    symbol: str
    part: float = 0.5


Ticker = NewType("Ticker", str)
type Part = float

KINDS: list[Any] = [
    bool, int, float, str, Decimal, date, Any, None, Color, Level, Leg, Span, Tree, Pair, Ticker, Part,
    Annotated[int, Color], Annotated[int, str],
    float | None, int | str, float | int, bool | Literal["all"], Literal["a", "b"], Literal["a", 1], Leg | None,
    tuple[str, ...], tuple[float, float], tuple[tuple[str, float], ...], tuple[Leg, ...], tuple[Color, ...],
    tuple[date, ...], list[int], frozenset[int], frozenset[Any], Mapping[str, float],
    dict[str, Leg], Mapping[str, tuple[int, ...]],
]  # fmt: skip
VALUES: list[Any] = [
    True, False, 0, 1, -1, 5, 86400, 1.0, 0.5, 1.5, -0.0, inf, None,
    "", "a", "A", "all", "none", "red", "RED", "true", "True", "yes", "off", "0", "1", " 12 ", "1_000", "1__0", "12.0",
    "5.", "+5", "1.5", "1e3", "1e400", "inf", "0x10", "2026-01-28", "2026-02-30", "2026-01-28T00:00:00",
    "2026-01-28T05:00:00", "28.1.2026", Leg("SPY"), date(2026, 1, 28), datetime(2026, 1, 28, tzinfo=UTC),
    datetime(2026, 1, 28, 5, tzinfo=UTC), time(1, 2), Decimal("1.50"), Decimal(2), [], ["a"], [1, 2], ["1", 2.0],
    (1, 2), {1},
    [["SPY", 0.5]], [["SPY"]], [{"symbol": "SPY"}], [{"part": 1}], ["2026-01-28", date(2026, 1, 29)], ["red", "blue"],
    {}, {"a": 1}, {"a": "1.5"}, {"a": "x"}, {1: 2}, {"symbol": "SPY", "part": "2"}, {"symbol": 3}, {"part": 1},
    "\uff11\uff14", "\u0661", "\uff11.\uff15", [[1]], {"symbol": "SPY", "other": 1},
    {"name": "a", "below": [{"name": "b"}, {"name": "c"}]}, {"name": "a", "below": [{"named": "b"}]},
    {"a": {"symbol": "SPY", "color": "blue"}}, {"a": [1, "2"]}, {"first": 1, "last": 2}, {"first": 2, "last": 1},
]  # fmt: skip
"""What TOML, a stored document, text of the environment and a program may hold."""


def judged(kind: Any, given: Any) -> list[str]:
    wrong: list[Wrong] = []
    read(kind, given, "place", wrong)
    return told(wrong)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_setting_takes_what_another_library_takes_and_makes_the_same_of_it(kind: Any) -> None:
    other, differing = TypeAdapter(kind), []
    for given in [*VALUES, *(kind if kind in (Color, Level) else ())]:
        wrong: list[Wrong] = []
        made = repr(read(kind, given, "place", wrong))
        try:
            expected = repr(other.validate_python(given))
        except ValidationError:
            expected = "refused"
        found = "refused" if wrong else made
        if found != expected:
            differing.append((given, found, expected))
    assert differing == []


BOUNDS = [{"gt": 0}, {"ge": 1, "le": 10}, {"gt": 0, "lt": 5}, {"le": 1e12}]


@pytest.mark.parametrize(("kind", "bounds"), list(product((int, float), BOUNDS)), ids=str)
def test_a_bound_keeps_out_what_another_library_keeps_out(kind: Any, bounds: Any) -> None:
    other: Any = TypeAdapter(Annotated[kind, Field(**bounds)])
    for given in [*range(-2, 12), 0.1, 4.9, 5.5, 1e12, 2e12, inf, -inf, "3", "-3"] + [nan] * (kind is float):
        refused = bool(judged(Annotated[kind, Meta(**bounds)], given))
        try:
            other.validate_python(given)
        except ValidationError:
            assert refused, given
        else:
            assert not refused, given


@pytest.mark.parametrize(
    ("kind", "given", "lines"),
    [
        (bool, "maybe", ["place: input should be a valid boolean, unable to interpret input, found 'maybe'"]),
        (bool, [], ["place: input should be a valid boolean, found []"]),
        (int, 1.5, ["place: input should be a valid integer, got a number with a fractional part, found 1.5"]),
        (int, "x", ["place: input should be a valid integer, unable to parse string as an integer, found 'x'"]),
        (int, inf, ["place: input should be a finite number, found inf"]),
        (float, "x", ["place: input should be a valid number, unable to parse string as a number, found 'x'"]),
        (float, None, ["place: input should be a valid number, found None"]),
        (str, 3, ["place: input should be a valid string, found 3"]),
        (date, "28.1.2026", ["place: input should be a date as 2026-01-28, found '28.1.2026'"]),
        (Decimal, "x", ["place: input should be a valid decimal, found 'x'"]),
        (Literal["a", "b", "c"], "d", ["place: input should be 'a', 'b' or 'c', found 'd'"]),
        (Color, "green", ["place: input should be 'red' or 'blue', found 'green'"]),
        (bool | Literal["all"], None, ["place: input should be a valid boolean or input should be 'all', found None"]),
        (float | None, [], ["place: input should be a valid number, found []"]),
        (Annotated[float, Meta(gt=0, le=1e12)], -1, ["place: input should be greater than 0, found -1"]),
        (
            Annotated[float, Meta(gt=0, le=1e12)],
            nan,
            ["place: input should be less than or equal to 1000000000000, found nan"],
        ),
        (Annotated[float, Meta(ge=0, lt=0.1)], 0.1, ["place: input should be less than 0.1, found 0.1"]),
        (
            Annotated[tuple[str, ...], Meta(min_length=1)],
            [],
            ["place: list should have at least 1 item after validation, not 0, found []"],
        ),
        (tuple[str, ...], "a", ["place: input should be a valid list, found 'a'"]),
        (
            tuple[str, ...],
            [1, "a", 2],
            ["place.0: input should be a valid string, found 1", "place.2: input should be a valid string, found 2"],
        ),
        (
            tuple[float, float],
            [1, 2, 3],
            ["place: list should have at most 2 items after validation, not 3, found [1, 2, 3]"],
        ),
        (tuple[float, float], [1], ["place.1: it has no default; set it"]),
        (Mapping[str, float], [], ["place: input should be a valid table, found []"]),
        (
            Mapping[str, float],
            {"SPY": "x", "AGG": None},
            [
                "place.SPY: input should be a valid number, unable to parse string as a number, found 'x'",
                "place.AGG: input should be a valid number, found None",
            ],
        ),
        (Leg, 3, ["place: input should be a table or an instance of leg, found 3"]),
        (
            tuple[Leg, ...],
            [{"part": "x"}],
            [
                "place.0.symbol: it has no default; set it",
                "place.0.part: input should be a valid number, unable to parse string as a number, found 'x'",
            ],
        ),
        (Span, {"first": 2, "last": 1}, ["place: it ends before it begins, found {'first': 2, 'last': 1}"]),
    ],
)
def test_each_mistake_is_told_with_its_place_and_what_was_found(kind: Any, given: Any, lines: list[str]) -> None:
    assert judged(kind, given) == lines


class Odd:
    """Nothing in a settings file becomes one."""


@pytest.mark.parametrize("kind", [Odd, tuple[Odd, ...], Mapping[str, Odd], Odd | None])
def test_a_type_that_nothing_in_a_settings_file_becomes_is_known_for_it(kind: Any) -> None:
    assert not readable(kind)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_type_that_something_in_a_settings_file_becomes_is_known_for_it(kind: Any) -> None:
    assert readable(kind)
