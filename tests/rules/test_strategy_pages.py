"""Every strategy has a page that tells its rule, its parameters and what its example came to."""

import subprocess
import sys
from dataclasses import fields
from typing import Any

import pytest

from mtum.core.strategies import STRATEGIES
from support.source_tree import ROOT

TOOL = ROOT / "tests" / "tools" / "strategy_pages.py"


def page_of(name: str) -> str:
    return (ROOT / "docs" / "reference" / "strategies" / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_page_names_every_parameter_its_source_and_its_command(name: str) -> None:
    page, cls = page_of(name), STRATEGIES[name]
    parameters: Any = cls
    assert [field.name for field in fields(parameters) if f"`{field.name}`" not in page] == []
    assert f"mtum demo --strategy {name}" in page
    for heading in ("## Rule", "## Parameters", "## What it needs", "## What it is bad at", "## Source", "## Try it"):
        assert heading in page, f"{name}.md lacks {heading}"
    result = page.partition("<!-- result -->\n")[2].partition("<!-- /result -->")[0]
    assert result, f"fill it: python tests/tools/strategy_pages.py --write {name}"
    label = {"vix_hedge": "Result, illustration"}.get(name, "Result, model-priced" if cls.OPTIONS else "Result")
    assert result.startswith(f"| What | {label} |")
    if name != "vix_hedge":
        assert "Buy and hold" in result


@pytest.mark.full
@pytest.mark.parametrize("name", STRATEGIES)
def test_the_result_on_the_page_is_what_the_command_comes_to(name: str) -> None:
    line = [sys.executable, str(TOOL), "--check", name]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
