"""A changed file of own strategies is taken over outside a session's work, or the old one stays and says why."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from mtum.app.service.renew import Renewal, renew
from mtum.app.service.run_due import run_due, session_at_work
from mtum.app.strategies import versions
from mtum.config import Settings, load, own_strategies
from mtum.ports.messages import Urgency
from support.memory_store import as_store
from support.run_contexts import Office, new_york, office

BEGIN = """\
from dataclasses import dataclass
from typing import ClassVar
from mtum.core.strategies.contract import *

@dataclass(frozen=True)
class Mine(Strategy):
    name: ClassVar[str] = "mine"
    part: float = 0.5

    def universe(self):
        return ("MTUM",)

    def history_sessions(self):
        return 1

    def problems(self):
        return () if 0 < self.part <= 1 else ("part is not from 0 to 1",)

    def verdicts(self, view, own):
        return ()
"""
DAY = date(2024, 5, 15)
LASTING = timedelta(seconds=90)


class Installed:
    """Settings that name mine.py, an office, and a check that says what it is told to."""

    def __init__(self, folder: Path, at: str) -> None:
        (folder / "mine.py").write_text(BEGIN)
        (folder / "config.toml").write_text('[plugins]\nstrategies = ["mine.py"]\n[portfolio]\nstrategy = "mine"\n')
        self.folder = folder
        self.settings = load(folder / "config.toml", {})
        self.office: Office = office(at)
        self.wrong, self.checked = "", 0
        self.look()

    def look(self, at: str = "", *, asked: bool = False) -> Renewal:
        if at:
            self.office.wall.at = new_york(at)
        context = self.office.context()
        self.settings, (found,) = renew(context, self.settings, self._check, LASTING, asked=asked)
        run_due(context)
        return found

    def write(self, text: str) -> None:
        (self.folder / "mine.py").write_text(text)

    @property
    def part(self) -> Any:
        strategy: Any = self.settings.active_strategy()
        return strategy.part

    def _check(self, settings: Settings, path: Path, source: bytes) -> str:
        self.checked += 1
        return self.wrong


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Installed]:
    yield Installed(tmp_path, "2024-05-15 09:00")
    load(None, {})


def test_a_changed_file_is_checked_and_taken_over_from_the_next_session_on(installed: Installed) -> None:
    installed.write(BEGIN.replace("0.5", "0.25"))
    found = installed.look("2024-05-15 11:00")
    assert (found.outcome, installed.checked, installed.part) == ("taken", 1, 0.25)
    assert own_strategies()["mine"].digest == found.digest
    assert installed.look().outcome == "unchanged"
    (row,) = (one for one in installed.office.store.runs.runs_between(DAY, DAY) if one.job == "renew_strategies")
    assert (row.slot, row.outcome, row.exit_code) == ("mine.py", "finished", 0)
    assert any(subject == "mine.py is taken over" for subject in installed.office.box.subjects)


@pytest.mark.parametrize(
    ("at", "outcome"),
    [
        ("2024-05-15 15:28:00", "taken"),  # ends before C-30 even if the check lasts as long as it may
        ("2024-05-15 15:28:31", "waits"),
        ("2024-05-15 15:40:00", "waits"),
        ("2024-05-15 16:44:00", "waits"),
        ("2024-05-15 16:46:00", "waits"),  # before the report of 16:45 is written
    ],
)
def test_nothing_is_checked_or_taken_over_while_a_session_is_at_work(
    installed: Installed, at: str, outcome: str
) -> None:
    installed.look("2024-05-15 14:35")
    installed.write(BEGIN.replace("0.5", "0.25"))
    assert installed.look(at).outcome == outcome
    assert (installed.checked, installed.part) == ((1, 0.25) if outcome == "taken" else (0, 0.5))


def test_what_changed_during_the_work_is_taken_over_once_the_report_is_written(installed: Installed) -> None:
    installed.look("2024-05-15 15:38:30")
    installed.write(BEGIN.replace("0.5", "0.25"))
    for at in ("15:47", "15:52", "15:57", "16:16", "16:31", "16:41", "16:46"):
        assert installed.look(f"2024-05-15 {at}").outcome == "waits"
        assert installed.part == 0.5
    assert session_at_work(installed.office.context()) is None
    assert installed.look("2024-05-15 16:47").outcome == "taken"
    assert installed.part == 0.25


def test_an_early_close_moves_the_work_with_it(installed: Installed) -> None:
    # 3 July 2024 closes at 13:00.
    installed.write(BEGIN.replace("0.5", "0.25"))
    assert installed.look("2024-07-03 12:31").outcome == "waits"


def test_a_version_that_fails_its_check_leaves_the_old_one_and_raises_the_alarm_once(installed: Installed) -> None:
    installed.wrong = "mine: purity: 2004-03-01 the decision reads the clock (time.time)"
    installed.write(BEGIN.replace("0.5", "0.25"))
    found = installed.look("2024-05-15 11:00")
    assert (found.outcome, found.text, installed.part) == ("kept", installed.wrong, 0.5)
    (alarm,) = (one for one in installed.office.box.taken if "mine.py" in one.subject)
    assert alarm.urgency is Urgency.ACT_NOW
    assert "the version before stays: mine: purity: 2004-03-01" in alarm.text
    assert installed.look().outcome == "kept"
    assert installed.checked == 1
    assert sum("mine.py" in subject for subject in installed.office.box.subjects) == 1
    (row,) = (one for one in installed.office.store.runs.runs_between(DAY, DAY) if one.job == "renew_strategies")
    assert (row.outcome, row.exit_code) == ("failed", 6)
    # A person who asks has it checked again.
    installed.wrong = ""
    assert installed.look(asked=True).outcome == "taken"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (BEGIN + "1 / 0\n", "cannot be loaded: ZeroDivisionError"),
        (BEGIN.replace('"mine"', '"other"'), "portfolio.strategy: no strategy 'mine'"),
        (BEGIN.replace("0.5", "5.0"), "strategy.mine.part is not from 0 to 1"),
    ],
)
def test_a_version_that_the_settings_cannot_be_made_with_is_not_taken_over(
    installed: Installed, text: str, told: str
) -> None:
    installed.write(text)
    found = installed.look("2024-05-15 11:00")
    assert (found.outcome, told in found.text) == ("kept", True), found.text
    assert installed.part == 0.5
    assert own_strategies()["mine"].source == BEGIN.encode()


def test_a_parameter_that_is_set_stays_as_it_is_set(tmp_path: Path) -> None:
    installed = Installed(tmp_path, "2024-05-15 09:00")
    more = "[strategy.mine]\npart = 0.75\n[sleeve.one]\nstrategy = 'mine'\nweight = 1\n[sleeve.one.rules]\npart = 0.5\n"
    (tmp_path / "config.toml").write_text(f'[plugins]\nstrategies = ["mine.py"]\n{more}')
    installed.settings = load(tmp_path / "config.toml", {})
    installed.write(BEGIN.replace("0.5", "0.25"))
    assert installed.look("2024-05-15 11:00").outcome == "taken"
    rules: Any = installed.settings.sleeve["one"].rules
    assert (installed.settings.strategy["mine"].part, rules.part) == (0.75, 0.5)
    load(None, {})


def test_a_file_that_is_gone_changes_nothing_but_is_told(installed: Installed) -> None:
    (installed.folder / "mine.py").unlink()
    found = installed.look("2024-05-15 11:00")
    assert (found.outcome, found.text) == ("kept", "it cannot be read")
    assert installed.part == 0.5


def test_a_process_that_starts_during_the_work_decides_by_what_was_taken_over(installed: Installed) -> None:
    installed.look("2024-05-15 15:29")
    installed.write(BEGIN.replace("0.5", "0.25"))
    started = load(installed.folder / "config.toml", {})
    told: list[str] = []
    settings = versions.in_force(as_store(installed.office.store).control, started, told.append)
    assert own_strategies()["mine"].source == BEGIN.encode()
    assert told == [
        "mine.py has changed; what was taken over before decides until `mtum strategy reload` takes it over"
    ]
    strategy: Any = settings.active_strategy()
    assert strategy.part == 0.5
