"""Every command that a message or a page of the documentation names can be called as it is written there."""

import ast
import re
import shlex
from collections.abc import Iterator

import pytest
from typer.core import TyperCommand, TyperGroup

from mtum.cli.app import COMMANDS, loaded, main_command
from support.documented import COMMANDS as PROMPT
from support.documented import blocks, pages
from support.source_tree import ROOT, modules

NAMED = re.compile(r"`(?:uv run )?(mtum [^`]*)`")
BLANK = "{}"
"""Stands for what is only known when the text is written."""


def texts_of(tree: ast.Module, *, help_texts: bool) -> Iterator[str]:
    """Every text a person may read; what stands below a definition for maintainers only is left out."""
    nodes = list(ast.walk(tree))
    inside = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    if not help_texts:
        inside |= {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else BLANK for part in node.values)  # type: ignore[misc]


def advised() -> list[str]:
    found = [
        text
        for one in modules("mtum", "jobs")
        for text in texts_of(one.tree, help_texts=one.path.startswith("mtum/cli/"))
    ]
    assert any("mtum" in text for text in found)
    by_hand = [page for page in {*ROOT.glob("*.md"), *pages()} if page.parent != ROOT / "docs" / "reference"]
    told = [page.read_text(encoding="utf-8") for page in by_hand]
    shown = [line for page in by_hand for block in blocks(page) if block.language in PROMPT for line in block.calls()]
    return sorted({*shown, *(line for text in (*found, *told) for line in NAMED.findall(text))})


def wrong_with(line: str) -> str | None:
    """What the command line would not take of it; a bare name only mentions a command."""
    first, *words = shlex.split(re.split(r" \|\|? ", line)[0].replace("|", " ").partition(" ...")[0])[1:] or [""]
    if first.startswith("-"):
        known = {name for one in main_command().params for name in one.opts}
        return None if first in known or first == "--help" else f"no option {first}"
    if first == "COMMAND":
        return None
    if first not in COMMANDS:
        return f"no command {first}"
    command: TyperCommand | TyperGroup = loaded(first)
    while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
        below = words.pop(0)
        if below == BLANK:
            return None
        if below not in command.commands:
            return f"no command {below} below {first}"
        command = command.commands[below]  # type: ignore[assignment]
    return _wrong_words(command, words) if words else None


def _wrong_words(command: TyperCommand | TyperGroup, words: list[str]) -> str | None:
    options = {name: one for one in command.params if one.param_type_name == "option" for name in one.opts}
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    given, free = set[str](), 0
    while words:
        word = words.pop(0)
        if not word.startswith("-") or word[1:].isdecimal():
            free += 1
        elif word in ("-h", "--help"):
            return None
        elif BLANK not in word:
            if word not in options:
                return f"no option {word}"
            given.add(str(options[word].name))
            if not getattr(options[word], "is_flag", False) and not getattr(options[word], "count", False):
                if not words:
                    return f"{word} needs a value"
                words.pop(0)
    if free > len(arguments) and all(one.nargs == 1 for one in arguments):
        return "more words than it takes"
    needed = [one for one in arguments if one.required]
    if free < len(needed):
        return f"it needs {needed[free].name}"
    missing = [str(one.name) for one in options.values() if one.required and one.name not in given]
    return f"it needs --{missing[0]}" if missing else None


def test_a_command_that_is_named_as_a_way_out_can_be_called() -> None:
    # Looked for as the test runs: a list of cases would be made again in every worker.
    assert {line: wrong for line in advised() if (wrong := wrong_with(line)) is not None} == {}


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("mtum flaten MTUM", "no command flaten"),
        ("mtum bars relase 3", "no command relase below bars"),
        ("mtum flatten MTUM", "it needs --why"),
        ("mtum flatten --why TEXT", "it needs symbol"),
        ("mtum run --if-do", "no option --if-do"),
        ("mtum settle --session", "--session needs a value"),
        ("mtum status now", "more words than it takes"),
        ("mtum bars release {}", None),
        ("mtum capital", None),
    ],
)
def test_the_rule_knows_a_wrong_line(line: str, wrong: str | None) -> None:
    assert wrong_with(line) == wrong
