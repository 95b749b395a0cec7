"""The blocks of README.md and of the pages below docs/, with what is marked on each.

A mark is a comment of its own line right before a block:

    <!-- needs: account -->                 not run: account, server, network or occasion (what it states happened)
    <!-- needs: bars -->                    a folder of bars is put there first
    <!-- runs: beside the page -->          started, and ended with the page
    <!-- file: config.toml -->              written into the folder that the page's commands run in
    <!-- run by: .ci/run -->                each of its commands is a stage of that script
    <!-- printed by: uv run mtum demo -->   every line of it is a line that the command prints
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.source_tree import ROOT

COMMANDS = ("console", "sh")
LANGUAGES = (*COMMANDS, "toml", "sql", "text", "python", "json")
NOT_RUN = ("account", "server", "network", "occasion")
MARKS = {
    "needs": (*NOT_RUN, "bars"),
    "runs": ("beside the page",),
    "run by": (".ci/run",),
    "file": (),
    "printed by": (),
}
"""Marks and their values; any value where none is listed."""

_MARK = re.compile(r"\s*<!-- ([a-z ]+): (.+?) -->\s*")
_FENCE = re.compile(r"(\s*)```(.*)")


@dataclass(frozen=True, slots=True)
class Block:
    """What stands between two fences, without the indentation of a list around it."""

    page: Path
    line: int
    language: str
    text: str
    marks: dict[str, str]

    @property
    def place(self) -> str:
        """Page and line, as a person looks for it."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def is_run(self) -> bool:
        """Whether its commands are run with those of the page."""
        return self.language in COMMANDS and self.marks.get("needs") not in NOT_RUN and "run by" not in self.marks

    def calls(self) -> list[str]:
        """Its calls of the program, without `uv run` and what a comment says."""
        lines = (re.sub(r"^uv run ", "", line.strip()) for line in self.text.replace("\\\n", " ").splitlines())
        return [re.split(r"\s+#", line)[0] for line in lines if line.startswith("mtum ")]


def pages() -> list[Path]:
    """README.md and every page of the site."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page in their order."""
    return list(_blocks(page, page.read_text(encoding="utf-8").splitlines()))


def _blocks(page: Path, lines: list[str]) -> Iterator[Block]:
    marks: dict[str, str] = {}
    number = 0
    while number < len(lines):
        if mark := _MARK.fullmatch(lines[number]):
            marks[mark[1]] = mark[2]
        elif fence := _FENCE.fullmatch(lines[number]):
            begin, indent = number, len(fence[1])
            while lines[number := number + 1].strip() != "```":
                pass
            text = "".join(f"{line[indent:]}\n" for line in lines[begin + 1 : number])
            yield Block(page, begin + 1, fence[2], text, marks)
            marks = {}
        else:
            marks = {}
        number += 1
