"""Every public name says what it is, and every example in a docstring is true."""

import ast
import doctest
import importlib

import pytest

from support.source_tree import ROOT, Module, definitions, modules


def product() -> tuple[Module, ...]:
    return modules("mtum", "jobs")


def with_examples() -> list[str]:
    # Every worker asks for the list of cases, and parses nothing for it.
    paths = [path for room in ("mtum", "jobs") for path in sorted((ROOT / room).rglob("*.py"))]
    return [path.relative_to(ROOT).as_posix() for path in paths if ">>> " in path.read_text(encoding="utf-8")]


def test_every_module_opens_with_what_it_answers() -> None:
    assert [module.path for module in product() if not ast.get_docstring(module.tree)] == []


def test_every_public_function_and_class_is_documented() -> None:
    silent = [
        found.place
        for module in product()
        for found in definitions(module)
        if found.is_public and not ast.get_docstring(found.node)
    ]
    assert silent == []


def test_every_error_stands_in_the_tree_at_the_top_of_the_errors() -> None:
    module = next(module for module in product() if module.path == "mtum/errors.py")
    tree = ast.get_docstring(module.tree) or ""
    names = [node.name for node in module.tree.body if isinstance(node, ast.ClassDef) and node.name.endswith("Error")]
    assert names
    assert [name for name in names if name not in tree] == []


@pytest.mark.parametrize("path", with_examples())
def test_the_examples_of_a_module_are_true(path: str) -> None:
    module = importlib.import_module(path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 0
    assert result.failed == 0
