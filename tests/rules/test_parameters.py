"""Every public function of three or more parameters says of each what it is, with the shape or unit of a number."""

import ast
import re
from collections.abc import Iterator

from support.source_tree import Definition, Function, definitions, modules

LEAST = 3
ENTRY = re.compile(r"(\*{0,2}\w+(?:, *\*{0,2}\w+)*)(?: : (.*))?$")
ARRAY = re.compile(r"\b(Column|NDArray|ArrayLike|Mask|Counts)\b")
UNIT_OF_NAME = re.compile(r"_(usd|frac|bps|shares|sessions|days|minutes|seconds|sharpe)$")
UNIT = re.compile(
    r"\b(USD|fractions?|parts?|points?|sessions?|days?|years?|minutes?|seconds?|shares?|contracts?|units?|deviations?"
    r"|times|ATR|ranges?|millionths|pixels|inches|number|bars?|ratio|rate|weight|deltas?|skew|normal|as for|0 to 1"
    r"|-1 to 1)\b",
    re.IGNORECASE,
)


def spelled(argument: ast.arg) -> str:
    return ast.unparse(argument.annotation).strip("'\"") if argument.annotation is not None else ""


def parameters(node: Function) -> list[ast.arg]:
    spec = node.args
    named = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, *(extra for extra in (spec.vararg, spec.kwarg) if extra)]
    return [argument for argument in named if argument.arg not in ("self", "cls")]


def described(node: Function) -> dict[str, str]:
    """What the section says of each parameter, its type included; one line may name several."""
    section = re.search(r"^Parameters\n-+\n(.*?)(?:\n\n\w[\w ]*\n-+\n|\Z)", ast.get_docstring(node) or "", re.S | re.M)
    found: dict[str, str] = {}
    names: list[str] = []
    for line in section[1].splitlines() if section else []:
        entry = ENTRY.match(line)
        if entry:
            names = [name.strip().lstrip("*") for name in entry[1].split(",")]
        for name in names:
            found[name] = f"{found.get(name, '')} {line}"
    return found


def told_elsewhere(found: Definition, ports: dict[str, list[list[str]]]) -> bool:
    """A command tells its options in the help; what a port describes is the same of each that stands behind it."""
    assert not isinstance(found.node, ast.ClassDef)
    names = [one.arg for one in parameters(found.node)]
    if found.parents and not found.module.path.startswith("mtum/ports/"):
        return names in ports.get(found.node.name, [])
    return any(spelled(one) == "typer.Context" or "help=" in spelled(one) for one in parameters(found.node))


def judged() -> Iterator[tuple[Definition, dict[str, ast.arg], dict[str, str]]]:
    every = [found for module in modules("mtum", "jobs") for found in definitions(module) if found.is_public]
    ports: dict[str, list[list[str]]] = {}
    for found in every:
        if found.module.path.startswith("mtum/ports/") and found.parents and not isinstance(found.node, ast.ClassDef):
            ports.setdefault(found.node.name, []).append([one.arg for one in parameters(found.node)])
    for found in every:
        if isinstance(found.node, ast.ClassDef) or len(parameters(found.node)) < LEAST or told_elsewhere(found, ports):
            continue
        yield found, {one.arg: one for one in parameters(found.node)}, described(found.node)


def test_every_parameter_is_described() -> None:
    missing = {
        found.place: [name for name in wanted if name not in told]
        for found, wanted, told in judged()
        if not wanted.keys() <= told.keys()
    }
    assert missing == {}, "name each parameter in the docstring's section Parameters, in numpy form"


def test_no_parameter_is_described_that_is_none() -> None:
    extra = {found.place: told.keys() - wanted.keys() for found, wanted, told in judged()}
    assert {place: names for place, names in extra.items() if names} == {}


def test_an_array_has_a_shape_and_a_number_a_unit() -> None:
    bare = []
    for found, wanted, told in judged():
        for name, argument in wanted.items():
            kind, text = spelled(argument), told.get(name, "")
            unit = UNIT_OF_NAME.search(name) or UNIT.search(text)
            shaped = "shape" in text or ("ArrayLike" in kind and "array" in text)  # of any shape, broadcast
            number = kind.removesuffix(" | None") in ("float", "Decimal") and not name.startswith("_")
            if (ARRAY.search(kind) and "Callable" not in kind and not shaped) or (number and not unit):
                bare.append(f"{found.place}: {name}")
    assert bare == []
