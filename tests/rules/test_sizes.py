"""Files, functions, classes and folders stay small enough to be read at once."""

import ast
import re
from collections import Counter
from pathlib import PurePosixPath

from support.source_tree import Definition, Module, arguments, body_lines, definitions, modules

FILE_LINES, TEST_FILE_LINES = 400, 600
WHOLE_FILE_LINES = 500
"""With the lines that name parameters: what is only looked up has to be scrolled through as well."""
BODY_LINES = 60
PARAMETERS = 6
CLASS_LINES, PUBLIC_METHODS = 250, 10
FOLDER_FILES = 25
ONE_EACH = {"mtum/core/indicators": 40, "mtum/core/strategies": 40}
"""Folders that hold one file of a kind for each thing there is."""


def product() -> list[Definition]:
    return [definition for module in modules("mtum", "jobs") for definition in definitions(module)]


def functions() -> list[Definition]:
    return [found for found in product() if not isinstance(found.node, ast.ClassDef)]


def is_property(method: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(mark, ast.Name) and mark.id == "property" for mark in method.decorator_list)


def read_lines(module: Module) -> int:
    """Lines of a file without those that name parameters: they are looked up, and another rule asks for them."""
    section = r"^ *Parameters\n *-+\n(?:(?! *\"\"\"|\n *\w+\n *-+\n).*\n)*"
    sections: list[str] = re.findall(section, "\n".join(module.lines), re.M)
    around = 2  # the empty line before, and the quotes that get a line of their own
    return len(module.lines) - sum(one.count("\n") + around for one in sections)


def test_no_file_is_longer_than_its_limit() -> None:
    long = {
        module.path: len(module.lines)
        for module in modules("mtum", "jobs")
        if read_lines(module) > FILE_LINES or len(module.lines) > WHOLE_FILE_LINES
    }
    long |= {module.path: len(module.lines) for module in modules("tests") if len(module.lines) > TEST_FILE_LINES}
    assert long == {}


def test_no_function_body_is_longer_than_its_limit() -> None:
    long = {
        found.place: body_lines(found.node)
        for found in functions()
        if not isinstance(found.node, ast.ClassDef) and body_lines(found.node) > BODY_LINES
    }
    assert long == {}


def test_most_function_bodies_are_short() -> None:
    """Nine of ten at most 30 lines; a step that is called once stays inline unless its name says more than its code."""
    lengths = sorted(body_lines(found.node) for found in functions() if not isinstance(found.node, ast.ClassDef))
    assert lengths[int(0.9 * len(lengths))] <= 30


def test_no_function_takes_more_parameters_than_its_limit() -> None:
    """Commands are left out: each of their parameters is an option for a person."""
    many = {
        found.place: arguments(found.node)
        for found in functions()
        if not isinstance(found.node, ast.ClassDef)
        and not found.module.path.startswith("mtum/cli/")
        and len(arguments(found.node)) > PARAMETERS
    }
    assert many == {}


def test_no_class_outgrows_its_limits() -> None:
    large = {}
    for found in product():
        if isinstance(found.node, ast.ClassDef):
            first, last = found.node.lineno - 1, found.node.end_lineno or 0
            lines = read_lines(Module(found.module.path, found.module.lines[first:last], found.module.tree))
            methods = [item for item in found.node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)]
            public = [method.name for method in methods if not method.name.startswith("_") and not is_property(method)]
            if lines > CLASS_LINES or len(public) > PUBLIC_METHODS:
                large[found.place] = (lines, len(public))
    assert large == {}


def test_no_folder_holds_more_files_than_its_limit() -> None:
    folders = Counter(str(PurePosixPath(module.path).parent) for module in modules("mtum", "jobs"))
    assert {folder: count for folder, count in folders.items() if count > ONE_EACH.get(folder, FOLDER_FILES)} == {}
