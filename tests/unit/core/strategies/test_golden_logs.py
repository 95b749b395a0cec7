"""What each strategy decides on its example stands in a log, and every reason it can give is shown there."""

import re
from pathlib import Path

import pytest

from mtum.core.strategies import STRATEGIES
from support.option_log import option_log
from support.registry import OF_SHARES
from support.strategy_log import HEAD, SEEN_ELSEWHERE, log_of, variants_of

FOLDER = Path(__file__).parents[3] / "golden" / "strategies"
QUICK_SESSIONS = 120


def stored(name: str) -> list[list[str]]:
    """The runs of a stored log, each as its lines."""
    runs: list[list[str]] = []
    for line in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("=="):
            runs.append([])
        runs[-1].append(line)
    return runs


@pytest.mark.parametrize("name", OF_SHARES)
def test_the_first_sessions_are_decided_as_they_were(name: str) -> None:
    for variant, run in zip(variants_of(name), stored(name), strict=True):
        found = log_of(name, variant, QUICK_SESSIONS)
        assert found == run[: len(found)]


@pytest.mark.full
@pytest.mark.parametrize("name", OF_SHARES)
def test_every_session_is_decided_as_it_was(name: str) -> None:
    found = [line for variant in variants_of(name) for line in log_of(name, variant)]
    assert "\n".join(found).rstrip() == "\n".join(line for run in stored(name) for line in run).rstrip()


@pytest.mark.parametrize("name", OF_SHARES)
def test_the_log_shows_every_reason_that_the_strategy_can_give(name: str) -> None:
    rows = [line for run in stored(name) for line in run if re.match(r"\d{4}-", line)]
    shown = {word for row in rows for word in row[HEAD.index("reasons") :].split(", ")} - {"unfit", "others_unfit"}
    assert shown | SEEN_ELSEWHERE.get(name, set()) == set(STRATEGIES[name].REASONS)


OF_OPTIONS = sorted({*STRATEGIES} - {*OF_SHARES})


@pytest.mark.full
@pytest.mark.parametrize("name", OF_OPTIONS)
def test_every_session_of_options_is_decided_as_it_was(name: str) -> None:
    assert option_log(name) == [line for run in stored(name) for line in run]


@pytest.mark.parametrize("name", OF_OPTIONS)
def test_the_log_of_a_strategy_of_options_gives_its_own_reasons(name: str) -> None:
    rows = [line for run in stored(name) for line in run if re.match(r"\d{4}-", line)]
    shown = {word for row in rows for word in row.split(maxsplit=2)[2].split(", ")}
    assert shown <= set(STRATEGIES[name].REASONS)
    assert any(line.strip().startswith("open ") for run in stored(name) for line in run)
