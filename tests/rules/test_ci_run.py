"""The one command that checks everything runs what the README tells a person to run."""

import re
import shutil
import subprocess

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


def test_the_readme_test_command_is_the_one_that_runs() -> None:
    commands = re.findall(r"^(?:\$ )?(uv run pytest.*)$", README, re.MULTILINE)
    assert commands, "the README names no test command"
    assert commands[0].split("#")[0].strip() == "uv run pytest"
    assert re.search(r"^suite\(\) .*in_env 3\.13 pytest; }$", RUN, re.MULTILINE)


@pytest.mark.parametrize("script", ["run", "lock", "uv.sh"])
def test_the_shell_scripts_parse(script: str) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash on this machine")
    done = subprocess.run([bash, "-n", str(ROOT / ".ci" / script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
