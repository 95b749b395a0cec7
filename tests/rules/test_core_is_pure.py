"""The core decides and touches nothing: it may import this short list and no more."""

import ast
import re
from collections.abc import Iterator

from support.source_tree import Module, modules

CALCULATION = {"numpy", "pandas", "pandas_ta", "numba"}
CONVERSION = {"msgspec"}  # between values and JSON, without a file
STANDARD = {
    *("abc", "array", "base64", "bisect", "collections", "copy", "dataclasses", "datetime", "decimal", "enum"),
    *(
        "fractions",
        "functools",
        "hashlib",
        "heapq",
        "html",
        "importlib",
        "inspect",
        "itertools",
        "json",
        "math",
        "operator",
        "re",
    ),
    *("statistics", "string", "textwrap", "types", "typing", "zlib"),
}
ALLOWED = CALCULATION | CONVERSION | STANDARD | {"mtum.core", "mtum.errors"}
NEW_YORK = {"zoneinfo"}  # for display, and for closing times as the exchange announces them
IN_NEW_YORK = ("mtum/core/reporting/", "mtum/core/market/calendars.py")
UNSEEDED = re.compile(r"default_rng\(\s*\)|np\.random\.(?!default_rng|Generator|PCG64|SeedSequence)\w+|\bhash\(")


def for_types_only(module: Module) -> set[ast.AST]:
    """Nodes below `if TYPE_CHECKING:`, which never run."""
    guards = [node for node in module.tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    return {inner for guard in guards for statement in guard.body for inner in ast.walk(statement)}


def imported(module: Module) -> Iterator[str]:
    skipped = for_types_only(module)
    for node in ast.walk(module.tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


def room(name: str) -> str:
    """mtum.core.market.bars -> mtum.core; collections.abc -> collections."""
    parts = name.split(".")
    return ".".join(parts[: 2 if parts[0] == "mtum" else 1])


def lines_of(module: Module, function: str) -> set[int]:
    """Numbers of the lines of all functions of that name."""
    found = (node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef) and node.name == function)
    return {number for node in found for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)}


def test_the_core_imports_only_what_calculates() -> None:
    strangers = {(module.path, name) for module in modules("mtum/core") for name in imported(module)}
    shown = {pair for pair in strangers if pair[0].startswith(IN_NEW_YORK) and room(pair[1]) in NEW_YORK}
    assert {pair for pair in strangers if room(pair[1]) not in ALLOWED} - shown == set()


def test_the_errors_import_only_the_standard_library() -> None:
    module = next(module for module in modules("mtum") if module.path == "mtum/errors.py")
    assert {name for name in imported(module) if room(name) not in STANDARD} == set()


def test_the_core_draws_no_number_without_a_seed() -> None:
    """hash() of a string differs from process to process, so it is a hidden seed too; as a key it is none."""
    drawn = [
        f"{module.path}:{number}"
        for module in modules("mtum/core")
        for number, line in enumerate(module.lines, 1)
        if UNSEEDED.search(line.split("#")[0]) and number not in lines_of(module, "__hash__")
    ]
    assert drawn == []


def test_the_core_opens_no_file() -> None:
    opened = [
        f"{module.path}:{node.lineno}"
        for module in modules("mtum/core")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id in {"open", "input", "exec", "eval", "__import__"})
            or (isinstance(node.func, ast.Attribute) and node.func.attr in {"read_csv", "to_csv", "read_sql", "to_sql"})
        )
    ]
    assert opened == []
