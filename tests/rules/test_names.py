"""Names come from the glossary: no word that could mean anything."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import PurePosixPath

from support.source_tree import Definition, Module, arguments, definitions, modules

BANNED_WORDS = {"manager", "helper", "helpers", "utils", "misc", "common", "info", "handle", "process", "bot"}
BANNED_BARE = {"data", "pct"}
OVERRIDDEN = {"handleError"}  # a method of the standard library's logging.Handler
BRITISH = re.compile(r"cancelled|cancelling|realis|normalis|initialis|optimis|colour|behaviour")


def words(name: str) -> set[str]:
    """Words of a name in any of the usual spellings: OrderInfo, order_info."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def names_of(found: Definition) -> Iterator[str]:
    yield found.node.name
    if isinstance(found.node, ast.ClassDef):
        for item in found.node.body:
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                yield item.target.id
    else:
        yield from arguments(found.node)


def names(module: Module) -> Iterator[tuple[str, str]]:
    """Place and name of the module itself, its functions, classes, parameters, fields and variables."""
    path = PurePosixPath(module.path)
    yield module.path, path.parent.name if path.name == "__init__.py" else path.stem
    for found in definitions(module):
        for name in names_of(found):
            yield found.place, name
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield f"{module.path}:{node.lineno}", node.id


@cache
def all_names() -> list[tuple[str, str]]:
    return [pair for module in modules("mtum", "jobs") for pair in names(module) if pair[1] not in OVERRIDDEN]


def test_no_name_holds_a_word_without_a_meaning() -> None:
    assert [pair for pair in all_names() if words(pair[1]) & BANNED_WORDS] == []


def test_no_name_is_a_bare_word_without_a_unit_or_a_subject() -> None:
    assert [pair for pair in all_names() if pair[1] in BANNED_BARE] == []


def test_names_are_spelled_the_american_way() -> None:
    assert [pair for pair in all_names() if BRITISH.search(pair[1].lower())] == []


def test_a_date_is_called_a_day_and_a_session_is_a_session() -> None:
    """Columns, documents and options keep their names; so does a word of the practice gateway's control protocol."""
    dates, protocol = {"date", "date | None"}, "mtum/gateway/control.py"
    wrong = [
        f"{found.place}({argument.arg}: {ast.unparse(argument.annotation)})"
        for module in modules("mtum", "jobs")
        for found in definitions(module)
        if not isinstance(found.node, ast.ClassDef) and module.path != protocol
        for argument in (*found.node.args.args, *found.node.args.kwonlyargs)
        if argument.annotation is not None
        and (argument.arg, ast.unparse(argument.annotation) in dates) in (("session", True), ("day", False))
        and (argument.arg == "session" or "Session" in ast.unparse(argument.annotation))
    ]
    assert wrong == []


def test_errors_are_called_errors() -> None:
    errors = [module for module in modules("mtum") if module.path == "mtum/errors.py"]
    wrong = [
        node.name
        for module in errors
        for node in module.tree.body
        if isinstance(node, ast.ClassDef)
        and not node.name.endswith("Error")
        and any(isinstance(base, ast.Name) and base.id.endswith(("Error", "Exception")) for base in node.bases)
    ]
    assert wrong == []
