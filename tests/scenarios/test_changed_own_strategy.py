"""A file that changes while the scheduler serves: used from the next session on, and only after its check."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mtum.config import load, own_strategies
from mtum.wiring import resources
from mtum.wiring.installation import Installation
from support.commands import call, call_json
from support.run_contexts import new_york

FIRST = """\
from dataclasses import dataclass
from typing import ClassVar
from mtum.core.strategies.contract import *

@dataclass(frozen=True)
class Mine(Strategy):
    name: ClassVar[str] = "mine"
    REASONS: ClassVar = {"first": "as it was", "second": "as it is now"}

    def universe(self):
        return ("MTUM",)

    def history_sessions(self):
        return 1

    def verdicts(self, view, own):
        return (SymbolVerdict("MTUM", Keep(), ("first",), (), {}),)
"""
SECOND = FIRST.replace('("first",)', '("second",)')
BAD = FIRST.replace('("first",)', "(str(len(view.bars)), )")


@pytest.fixture(autouse=True)
def _ours_alone() -> Iterator[None]:
    yield
    load(None, {})


def looked(folder: Path, at: str) -> Installation:
    """A process that starts anew at that New York time, reads the settings, and runs what is due."""
    served = Installation(load(folder / "config.toml", {}), folder / "data", new_york(at))
    served.run_due()
    return served


@pytest.mark.full
def test_a_file_changed_during_the_window_is_not_used_before_the_next_session(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path
    (folder / "config.toml").write_text('[plugins]\nstrategies = ["mine.py"]\n[portfolio]\nstrategy = "mine"\n')
    (folder / "mine.py").write_text(FIRST)
    looked(folder, "2024-05-15 15:00")
    (folder / "mine.py").write_text(SECOND)
    # A process that was running all the time has the first version in memory, one that starts now has read the second.
    looked(folder, "2024-05-15 15:39")
    assert own_strategies()["mine"].source == FIRST.encode()
    assert reasons(folder) == [("first",)]
    looked(folder, "2024-05-15 16:40")
    assert own_strategies()["mine"].source == FIRST.encode()
    served = looked(folder, "2024-05-15 16:46")  # writes the report, then looks at the file
    assert own_strategies()["mine"].source == SECOND.encode()
    looked(folder, "2024-05-16 15:39")
    assert reasons(folder) == [("first",), ("second",)]
    assert call_json(folder, "verify").document["failed"] == 0
    # What does not pass is not taken over: the second version goes on.
    (folder / "mine.py").write_text(BAD)
    assert served.changed()
    assert not served.changed()
    looked(folder, "2024-05-16 16:46")
    looked(folder, "2024-05-17 15:39")
    assert reasons(folder) == [("first",), ("second",), ("second",)]
    told = capsys.readouterr().err
    assert "[act_now] ACTION: mine.py was not taken over" in told
    assert 'the reason "1" is not in REASONS' in told


def test_a_person_asks_for_it_and_is_told_what_became_of_it(tmp_path: Path) -> None:
    folder = tmp_path
    (folder / "config.toml").write_text('[plugins]\nstrategies = ["mine.py"]\n')
    (folder / "mine.py").write_text(FIRST)
    served = Installation(load(folder / "config.toml", {}), folder / "data", new_york("2024-05-15 11:00"))
    with resources.opened_store(served.settings, folder / "data") as store:
        outcomes = []
        for text in (FIRST, FIRST + "1 / 0\n"):
            (folder / "mine.py").write_text(text)
            (found,) = served.renew(store, served.clock, asked=True)
            outcomes.append((found.outcome, found.text.partition(": ZeroDivisionError")[0]))
    wrong = ("kept", f"mine: loading: {folder}/mine.py: cannot be loaded")
    assert outcomes == [("unchanged", ""), wrong]
    call(folder / "empty", "init", "--quiet")
    nothing = call_json(folder / "empty", "strategy", "reload")
    assert (nothing.code, "name no file of your own" in nothing.texts) == (2, True)


def reasons(folder: Path) -> list[tuple[str, ...]]:
    with resources.opened_store(load(None, {}), folder / "data") as store:
        return [record.reasons for record in store.decisions.final_decisions()]


def test_a_broken_file_keeps_nobody_from_halting_or_going_on_with_what_was_taken_over(tmp_path: Path) -> None:
    folder = tmp_path
    (folder / "config.toml").write_text('[plugins]\nstrategies = ["mine.py"]\n[portfolio]\nstrategy = "mine"\n')
    (folder / "mine.py").write_text(FIRST)
    served = Installation(load(folder / "config.toml", {}), folder / "data", new_york("2024-05-15 11:00"))
    with resources.opened_store(served.settings, folder / "data") as store:
        served.renew(store, served.clock)
    (folder / "mine.py").write_text(SECOND)
    (line,) = (one for one in call(folder, "config", "approve").out.splitlines() if "taken over" in one)
    assert line == "mine.py is approved as it is now; it decides once it is taken over: `mtum strategy reload`"
    (folder / "mine.py").write_text("1 / 0\n")
    for words in (("halt", "--why", "test"), ("status",), ("resume",), ("run",)):
        done = call(folder, *words)
        assert done.code == 0, done.err
        assert "ZeroDivisionError: division by zero (line 1); what was taken over before is in force" in done.err
    assert reasons(folder) == [("first",)]
    assert call_json(folder, "backtest", "--strategy", "mine").code == 2
