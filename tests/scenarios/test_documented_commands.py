"""What README.md and docs/ show can be typed as it stands there, and prints what they say."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tomllib
from functools import cache
from itertools import count
from pathlib import Path

import pytest

from mtum import config
from mtum.cli.app import COMMANDS as COMMANDS_THERE_ARE
from mtum.wiring import resources
from support.bar_folders import write_market
from support.commands import call_json
from support.documented import COMMANDS, LANGUAGES, MARKS, NOT_RUN, Block, blocks, pages
from support.practice import desk_in
from support.source_tree import ROOT

ALL = [block for page in pages() for block in blocks(page)]
QUERIES = [block for block in ALL if block.language == "sql" and block.page.parent.name != "reference"]
SETTINGS = [
    block
    for block in ALL
    if block.language == "toml" and block.marks.get("file", "config.toml").endswith("config.toml")
]
PRINTED = [block for block in ALL if "printed by" in block.marks]
RUN = [page for page in pages() if any(block.is_run for block in blocks(page))]
STRATEGIES = ROOT / "docs" / "reference" / "strategies"
PATIENCE_SECONDS = 60
"""How long a page waits for what it starts beside itself."""


def test_every_block_names_a_language_and_bears_marks_that_are_known() -> None:
    assert len(ALL) > 50
    assert [block.place for block in ALL if block.language not in LANGUAGES] == []
    unknown = [
        f"{block.place}: {name}: {value}"
        for block in ALL
        for name, value in block.marks.items()
        if name not in MARKS or (MARKS[name] and value not in MARKS[name])
    ]
    assert unknown == []


def test_no_command_hides_outside_a_block() -> None:
    hidden = []
    command = re.compile(rf"( {{4,}}|\t|\$ )(uv run |mtum ({'|'.join(COMMANDS_THERE_ARE)})\b)")
    for page in pages():
        inside = "".join(block.text for block in blocks(page))
        for line in page.read_text(encoding="utf-8").splitlines():
            if command.match(line) and line.strip() not in inside:
                hidden.append(f"{page.relative_to(ROOT)}: {line}")
    assert hidden == []


def test_the_first_page_leads_to_what_a_newcomer_looks_for_first() -> None:
    home = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    wanted = {
        "tutorial/demo.md": "uv run mtum demo",
        "how-to/broker-silent.md": "Before an order is sent",
        "how-to/upgrade-and-restore.md": "mtum restore",
        "how-to/write-a-strategy.md": "mtum strategy new",
        "reference/tables.md": "| Column | Meaning |",
    }
    assert [path for path in wanted if f"]({path}" not in home] == []
    assert [path for path, words in wanted.items() if words not in (ROOT / "docs" / path).read_text("utf-8")] == []


def test_pages_outside_the_site_link_to_what_is_there() -> None:
    # Those inside are checked where the site is built, anchors too.
    links = [
        (page, link)
        for page in ROOT.glob("*.md")
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
        if "://" not in link
    ]
    assert len(links) > 20
    assert [f"{page.name}: {link}" for page, link in links if not (page.parent / link).exists()] == []


def test_no_page_asks_another_server_for_a_picture_a_font_or_a_script() -> None:
    asking = re.compile(r"!\[[^\]]*\]\(\w*:?//|<(?:img|script|link|iframe)\b|@import|url\(\s*[\"']?\w*:?//")
    files = [*pages(), *(ROOT / "docs" / "assets").glob("*.css")]
    assert [str(file) for file in files if asking.search(file.read_text(encoding="utf-8"))] == []
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert re.search("^  font: false", settings, re.MULTILINE)
    assert "://" not in settings


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_bytes()) <= 8000


def test_every_page_of_tutorial_and_how_to_has_commands_that_are_run_or_say_what_they_need() -> None:
    silent = [
        str(page.relative_to(ROOT))
        for page in pages()
        if page.parent.name in ("tutorial", "how-to")
        and not any(block.is_run or block.marks.get("needs") in NOT_RUN for block in blocks(page))
    ]
    assert silent == []


def test_what_another_script_runs_is_a_stage_of_it() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for block in ALL:
        if "run by" in block.marks:
            for line in block.text.splitlines():
                words = line.split("#")[0].strip().removeprefix("uv run ")
                assert re.search(rf"^stage .* {re.escape(words)}$", script, re.MULTILINE), block.place


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from mtum.app.demo import play_sessions

    folder = tmp_path_factory.mktemp("played")
    with desk_in(folder) as replay:
        play_sessions(replay.desk, replay.market[:-240], 10, lambda *_: None)
    return folder / resources.DATABASE_NAME


@pytest.mark.parametrize("query", QUERIES, ids=lambda block: block.place)
def test_a_query_answers_something(database: Path, query: Block) -> None:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    rows = connection.execute(query.text).fetchall()
    connection.close()
    assert rows
    assert any(value is not None for value in rows[0])


@pytest.mark.parametrize("block", SETTINGS, ids=lambda block: block.place)
def test_settings_can_be_used(tmp_path: Path, block: Block) -> None:
    for name in tomllib.loads(block.text).get("plugins", {}).get("strategies", []):
        call_json(tmp_path, "strategy", "new", name.removesuffix(".py"))
    (tmp_path / "config.toml").write_text(block.text)

    assert config.load(tmp_path / "config.toml", {}, {}).sleeves()


def test_every_figure_of_the_embedded_market_in_the_readmes_table_is_one_that_a_command_prints() -> None:
    printed = {
        f"{round(float(figure.replace(',', ''))):,}"
        for block in PRINTED
        for figure in re.findall(r"[\d,]+\.\d\d\b", block.text)
    }
    table = [line.split(" | ") for line in pages()[0].read_text(encoding="utf-8").splitlines() if " USD" not in line]
    told = [row[-2:] for row in table if len(row) == 5 and re.search("embedded|demo", row[0])]
    figures = [figure.strip(" *|") for row in told for figure in row]
    assert len(figures) == 6
    assert [figure for figure in figures if figure not in printed] == []
    past = (ROOT / "docs" / "explanation" / "past.md").read_text(encoding="utf-8")
    (mtum,) = [row[-2:] for row in table if len(row) == 5 and row[0].startswith("| [MTUM]")]
    assert [figure for figure in mtum if f"| {figure.strip(' *|')} |" not in past] == []


@cache
def printed_by(command: str, folder: Path) -> list[str]:
    folder.mkdir()
    words = [sys.executable, "-m", "mtum", *command.split()[3:]]
    done = subprocess.run(words, capture_output=True, text=True, cwd=folder, check=True, timeout=900)
    return [" ".join(line.split()) for line in done.stdout.splitlines()]


@pytest.mark.full
@pytest.mark.parametrize("block", PRINTED, ids=lambda block: block.place)
def test_what_a_command_is_said_to_print_is_what_it_prints(
    tmp_path_factory: pytest.TempPathFactory, block: Block
) -> None:
    command = block.marks["printed by"]
    assert command.startswith("uv run mtum ")
    printed = printed_by(command, tmp_path_factory.getbasetemp() / "".join(command.split()))
    assert [line for line in block.text.splitlines() if " ".join(line.split()) not in printed] == []


def two_free_ports() -> int:
    """The first of two neighbors: a practice gateway takes orders on one and commands on the next."""
    for _ in count():
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise AssertionError


def script_of(page: Path) -> str:
    """The page as one script: its files are written, its commands run, in the order in which they stand there."""
    lines = ["set -euo pipefail", "trap 'kill $(jobs -p) 2>/dev/null || true; wait || true' EXIT"]
    for number, block in enumerate(blocks(page)):
        if (name := block.marks.get("file")) is not None:
            lines += [f"cat >{name} <<'END_OF_{number}'", f"{block.text}END_OF_{number}"]
        elif not block.is_run:
            continue
        elif "runs" in block.marks:
            port = "MTUM_WEB__PORT" if "mtum serve" in block.text else "MTUM_BROKER__PORT"
            lines += [
                f"( exec {block.text.strip()} ) &",
                f"listening='until (exec 3<>/dev/tcp/127.0.0.1/${port}) 2>&-; do sleep 0.2; done'",
                f'timeout {PATIENCE_SECONDS} bash -c "$listening"',
            ]
        elif page.parent == STRATEGIES:
            # Its whole result is held by the tests of the strategies' pages.
            lines.append(f"{block.text.strip()} --sessions 3")
        else:
            lines.append(block.text.strip())
    return "\n".join(lines)


@pytest.mark.full
@pytest.mark.parametrize("page", RUN, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_run_one_after_the_other(tmp_path: Path, page: Path) -> None:
    tools, place = tmp_path / "bin", tmp_path / "place"
    tools.mkdir()
    place.mkdir()
    (tools / "uv").write_text('#!/bin/sh\n[ "$1" = run ] && shift && exec "$@"\nexit 97\n')
    (tools / "uv").chmod(0o755)
    if any(block.marks.get("needs") == "bars" for block in blocks(page)):
        for folder in (place / "bars", place / "data" / "bars"):
            write_market(folder, "MTUM")
            write_market(folder, "SPY")
    port = two_free_ports()
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(tools), os.path.dirname(sys.executable), os.environ["PATH"]]),
        "BROWSER": "true",
        "MTUM_BROKER__PORT": str(port),
        "MTUM_WEB__PORT": str(two_free_ports()),
    }
    process = subprocess.Popen(
        ["bash", "-c", script_of(page)],
        cwd=place,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=1200)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert process.returncode == 0, said[-4000:]


def test_only_blocks_of_commands_are_run() -> None:
    assert {block.language for block in ALL if block.is_run} <= set(COMMANDS)
    assert any("runs" in block.marks for block in ALL)
