"""What the explanations name is there: every file, every test, every result."""

import ast
import re
from functools import cache

import pytest

from support.source_tree import ROOT
from tools import strategy_pages

FOLDER = ROOT / "docs" / "explanation"
NAMED = re.compile(r"`((?:mtum|jobs|tests|docs)/[\w./-]+?)(?:::(\w+))?`")
"""A file or folder, perhaps with a test in it."""


@cache
def functions_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def missing(text: str) -> list[str]:
    """What a page names and is not there."""
    return [
        "::".join(filter(None, (path, test)))
        for path, test in NAMED.findall(text)
        if not (ROOT / path).exists() or (test and test not in functions_of(path))
    ]


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.md")))
def test_every_file_and_test_that_a_page_names_exists(name: str) -> None:
    assert missing((FOLDER / name).read_text(encoding="utf-8")) == []


def test_a_name_of_nothing_is_noticed() -> None:
    here = "tests/rules/test_explanation_pages.py"
    assert missing(f"`{here}` `{here}::test_a_name_of_nothing_is_noticed`") == []
    assert missing(f"`mtum/nowhere.py` `{here}::test_gone`") == ["mtum/nowhere.py", f"{here}::test_gone"]


def test_every_invariant_names_a_test_that_holds_it() -> None:
    text = (FOLDER / "invariants.md").read_text(encoding="utf-8")
    parts = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    assert len(parts) >= 20
    assert [part.splitlines()[0] for part in parts if not any(test for _, test in NAMED.findall(part))] == []


def test_the_results_of_the_past_are_those_of_the_strategies_pages() -> None:
    assert (FOLDER / "past.md").read_text(encoding="utf-8") == strategy_pages.past()
