"""The one command that checks everything runs what the README tells a person to run."""

import re
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest

from support.source_tree import ROOT

RUN = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_python_may_write_its_bytecode_from_the_first_command_on() -> None:
    commands = [line for line in RUN.splitlines() if line and not line.startswith("#")]
    assert commands[0] == "unset PYTHONDONTWRITEBYTECODE"


@pytest.mark.parametrize("check", ["ruff check", "ruff format --check", "mypy --strict", "lint-imports"])
def test_every_check_is_a_stage_of_its_own(check: str) -> None:
    assert re.search(rf'^stage "[^"]+" in_env 3\.13 {re.escape(check)}$', RUN, re.MULTILINE)


def test_the_site_is_built_and_a_broken_link_ends_everything() -> None:
    assert re.search(r'^stage "documentation" in_env 3\.13 --group docs mkdocs build --strict$', RUN, re.MULTILINE)
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for kind in ("not_found", "anchors", "absolute_links", "unrecognized_links"):
        assert re.search(rf"^  links: .*\b{kind}: warn\b", settings, re.MULTILINE)


def test_the_two_commands_of_the_readme_run_as_it_has_them() -> None:
    first = README.split("```console\n")[1].split("```")[0].splitlines()
    assert [line.split("#")[0].strip() for line in first] == ["uv run mtum demo", "uv run pytest"]
    for command in first:
        words = command.split("#")[0].strip().removeprefix("uv run ")
        assert re.search(rf'^stage "README: uv run {words}" as_a_stranger {words}$', RUN, re.MULTILINE)
    assert '"${UV[@]}" run "$@"' in RUN


def test_a_fresh_clone_holds_what_the_next_commit_would(tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("no git on this machine")
    function = re.search(r"^fresh\(\) \{\n.*?^\}$", RUN, re.MULTILINE | re.DOTALL)
    assert function is not None
    here = tmp_path / "here"
    here.mkdir()
    for name, text in {".gitignore": "data/*\n", "kept": "1", "gone": "1", "changed": "1"}.items():
        (here / name).write_text(text)
    run = partial(subprocess.run, cwd=here, check=True, capture_output=True)
    run(["git", "init", "-q"])
    run(["git", "add", "-A"])
    (here / "gone").unlink()
    (here / "changed").write_text("2")
    (here / "with a space").touch()
    (here / "data").mkdir()
    (here / "data" / "mtum.db").touch()
    run(["bash", "-euo", "pipefail", "-c", f"FRESH={tmp_path}/fresh SKIPPED={tmp_path}/skipped\n{function[0]}\nfresh"])
    found = {path.name: path.read_text() for path in (tmp_path / "fresh").iterdir() if path.is_file()}
    assert found == {".gitignore": "data/*\n", "kept": "1", "changed": "2", "with a space": ""}


@pytest.mark.parametrize("script", ["run", "lock", "uv.sh"])
def test_the_shell_scripts_parse(script: str) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash on this machine")
    done = subprocess.run([bash, "-n", str(ROOT / ".ci" / script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_hosted_ci_runs_the_same_script_and_may_only_read() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert re.findall(r"^ *- run: (.*)$", text, re.MULTILINE) == ["bash .ci/run"]
    assert re.search(r"^permissions:\n  contents: read\n(?! )", text, re.MULTILINE)
    used = re.findall(r"uses: (\S+)", text)
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action)] == []
    versions = re.search(r"python-version: \|\n((?: +3\.\d+\n)+)", text)
    assert versions is not None
    assert set(re.findall(r"^stage .* environment (3\.\d+)$", RUN, re.MULTILINE)) == set(versions[1].split())


def test_checks_before_a_commit_are_those_of_the_script_and_fetch_nothing() -> None:
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert re.findall(r"^ *- repo: (.*)$", text, re.MULTILINE) == ["local"]
    assert set(re.findall(r"^ +language: (.*)$", text, re.MULTILINE)) == {"system"}
    entries = re.findall(r"^ +entry: uv run (?:--group lint )?(.*)$", text, re.MULTILINE)
    commands = [entry.removesuffix(" --force-exclude") for entry in entries]
    lint = ["ruff check", "ruff format --check", "lint-imports", "mypy --strict"]
    assert commands == [*lint, "pytest -q -n1 tests/rules"]
    assert [command for command in lint if f"in_env 3.13 {command}\n" not in RUN] == []
