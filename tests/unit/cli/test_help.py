"""What a person reads before the first command: help, examples, version and completion."""

import re
import shlex
from collections.abc import Iterator
from typing import Any, cast

import pytest
from typer.core import TyperCommand, TyperGroup

from mtum import __version__
from mtum.cli.app import COMMANDS, loaded
from mtum.cli.context import CommandCall
from mtum.cli.examples import EXAMPLES

LINES = [line for lines in EXAMPLES.values() for line, _ in lines]


def pages(command: TyperCommand | TyperGroup, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield words
    for name, below in command.commands.items() if isinstance(command, TyperGroup) else ():
        yield from pages(cast("TyperCommand | TyperGroup", below), (*words, name))


PAGES = [(), *(page for name in COMMANDS for page in pages(loaded(name), (name,)))]


@pytest.mark.parametrize("page", PAGES, ids=" ".join)
def test_a_help_page_of_80_columns_cuts_no_line_and_names_no_type(
    mtum: Any, page: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    told = mtum(*page, "--help").out
    assert re.findall(r"<[a-z][^>]*>", told) == []
    assert re.findall(r"^Usage:.*[{].*", told, re.MULTILINE) == [], "a person types no braces"
    assert re.findall(r"^ +\S+  \[required\]$", told, re.MULTILINE) == [], "it is said what belongs there"
    assert [line for line in told.splitlines() if line.endswith("...") and "DUP..." not in line] == [
        line for line in told.splitlines() if line.startswith("Usage:") and line.endswith("...")
    ]
    assert max(len(line) for line in told.splitlines()) <= 80


@pytest.mark.parametrize("line", LINES)
def test_an_example_is_a_command_line_that_is_understood(line: str) -> None:
    program, name, *rest = shlex.split(line)
    command = loaded(name)
    while isinstance(command, TyperGroup):
        command = cast("TyperCommand | TyperGroup", command.commands[rest.pop(0)])
    assert program == "mtum"
    assert command.make_context(name, rest, obj=CommandCall()).args == []


def test_examples_stand_at_the_end_of_the_help_of_their_command(mtum: Any) -> None:
    told = mtum("capital", "--help").out
    assert told.endswith('mtum capital withdraw 500.50 --why "taxes"\n        money taken out\n')
    known = {" ".join(page) for page in PAGES}
    assert set(EXAMPLES) - known == set()


def test_the_version_is_said_and_is_a_document_too(mtum: Any) -> None:
    assert mtum("--version").out.startswith(f"mtum {__version__}, Python 3.")
    assert mtum("--version", "--json").document["version"] == __version__


@pytest.mark.parametrize(
    ("words", "offered"),
    [("mtum walk", {"walkforward"}), ("mtum notify ", {"test"}), ("mtum backtest --settl", {"--settlement"})],
)
def test_a_shell_is_told_how_a_word_may_go_on(
    mtum: Any, words: str, offered: set[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_MTUM_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    with pytest.raises(SystemExit) as ended:
        mtum()
    assert (ended.value.code, set(capsys.readouterr().out.split())) == (0, offered)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("capital", "add", "-5", "--why", "x"), '"-5" is no amount in USD above zero'),
        (("capital", "add", "-.5", "--why", "x"), '"-.5" is no amount in USD above zero'),
        (("bars", "release", "-3"), "no bar with id -3"),
        (("reconcile", "--accept", "external", "MTUM", "-3"), "-3"),
        (("show", "trades", "--limit", "-3"), "invalid value for '--limit'"),
        (("status", "-3"), "unexpected extra argument"),
        (("status", "-x"), "no such option: -x"),
    ],
)
def test_a_number_below_zero_is_judged_by_what_it_stands_for(mtum: Any, words: tuple[str, ...], says: str) -> None:
    called = mtum(*words)
    assert (called.code, says in called.err) == (2, True), called.err
    assert ("no such option" in called.err) == (words[-1] == "-x")
