"""What the README shows is what a user gets."""

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from mtum import config
from mtum.wiring import resources
from support.practice import desk_in
from support.source_tree import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from mtum.app.demo import play_sessions

    folder = tmp_path_factory.mktemp("played")
    with desk_in(folder) as replay:
        play_sessions(replay.desk, replay.market[:-240], 10, lambda *_: None)
    return folder / resources.DATABASE_NAME


def test_the_readme_has_queries() -> None:
    assert len(QUERIES) >= 3


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_of_the_readme_answers_something(database: Path, query: str) -> None:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    rows = connection.execute(query).fetchall()
    connection.close()
    assert rows
    assert any(value is not None for value in rows[0])


SETTINGS = [text for text in re.findall(r"```toml\n(.*?)```", README, re.DOTALL) if "[grid" not in text]


@pytest.mark.parametrize("text", SETTINGS)
def test_settings_of_the_readme_can_be_used(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.toml").write_text(text)

    assert config.load(tmp_path / "config.toml", {}, {}).sleeves()


@pytest.mark.full
@pytest.mark.parametrize(("block", "words"), [("demo", []), ("portfolio", ["--portfolio"])])
def test_the_figures_under_the_demo_are_what_the_demo_prints(tmp_path: Path, block: str, words: list[str]) -> None:
    command = [sys.executable, "-m", "mtum", "demo", *words, "--out", str(tmp_path / "demo")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True, timeout=300)
    shown = README.split(f"<!-- {block} -->\n```\n")[1].split("```")[0].splitlines()
    printed = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert shown
    assert [line for line in shown if " ".join(line.split()) not in printed] == []
