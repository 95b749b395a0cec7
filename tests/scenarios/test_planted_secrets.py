"""Secrets planted in the environment are found nowhere the program writes."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from mtum.cli.app import run as command_line
from support.crash import forked
from support.ports import closed_port
from support.source_tree import ROOT

SECRETS = {
    "MTUM_MAIL__PASSWORD": "planted-mail-Pa55word",
    "MTUM_NOTIFY__URLS": f"json://planted-user:planted-Token77@127.0.0.1:{closed_port()}/",
    "MTUM_NOTIFY__PING_URL": f"http://127.0.0.1:{closed_port()}/ping/planted-uuid-4711",
}
NEEDLES = (b"planted-mail-Pa55word", b"planted-Token77", b"planted-uuid-4711")
COMMANDS = (
    ("run", "--if-due", "--as-of", "2026-11-23T20:37:00Z"),
    ("run", "--if-due", "--as-of", "2026-11-23T20:40:00Z", "--json"),
    ("config", "show", "--json"),
    ("config", "approve"),
    ("doctor", "--json"),
    ("notify", "test"),
    ("backup",),
    ("status",),
)
VERBOSE = ("run", "--if-due", "--as-of", "2026-11-23T21:50:00Z", "-v")
"""In a process of its own, as a timer starts it; the others are forked from one that has read the program."""


def said_to(path: Path, environment: dict[str, str], words: list[str]) -> int:
    """Call a command in this child with that environment; what it says is appended to the file."""
    os.environ.clear()
    os.environ.update(environment)
    with path.open("a", encoding="utf-8") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
        sys.stdout = sys.stderr = said
        return command_line(words)


def test_no_file_and_no_output_holds_a_planted_secret(tmp_path: Path) -> None:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("MTUM_")}
    mail = {"HOST": "127.0.0.1", "SECURITY": "none", "USER": "owner", "SENDER": "m@example.org"}
    asked = kept | SECRETS | {f"MTUM_MAIL__{name}": text for name, text in mail.items()}
    asked["MTUM_MAIL__PORT"] = str(closed_port())
    asked["MTUM_MAIL__RECIPIENTS"] = '["owner@example.org"]'
    config = tmp_path / "config.toml"
    config.touch()
    where = ["--config", str(config), "--data-dir", str(tmp_path / "data")]
    for words in COMMANDS:
        forked(partial(said_to, tmp_path / "said.txt", asked, [*where, *words]))
    line = [sys.executable, "-m", "mtum", *where, *VERBOSE]
    ended = subprocess.run(line, cwd=ROOT, env=asked, capture_output=True, timeout=120, check=False)
    said = (tmp_path / "said.txt").read_bytes() + ended.stdout + ended.stderr
    assert [word for word in (b'"checks"', b'"runs"', b'"settings"', b"backup", b"info ") if word not in said] == []
    written = {path: path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()}
    assert any(path.suffix == ".db" for path in written)
    assert any(path.suffix == ".jsonl" for path in written)
    assert [needle for needle in NEEDLES if needle in said] == []
    assert [path.name for path, content in written.items() if any(needle in content for needle in NEEDLES)] == []
