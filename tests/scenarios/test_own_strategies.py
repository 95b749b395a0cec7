"""A person's own strategies: written, loaded, checked, traded beside ours, and never trusted more than that."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import structs

from mtum.app.approvals.approve_settings import approve_settings, entries_stopped
from mtum.app.strategies.check import RULES
from mtum.config import load, own_strategies
from mtum.core.strategies import STRATEGIES
from mtum.wiring import resources
from mtum.wiring.provenance import provenance
from mtum.wiring.strategy_checks import check_strategy
from support import bad_strategies, check_bad_strategies
from support.commands import call, call_json, start
from support.registry import OF_SHARES
from support.source_tree import ROOT

BEGIN = """\
from dataclasses import dataclass, field
from typing import ClassVar
from mtum.core.strategies.contract import *
from mtum.core.strategies.description import Example

@dataclass(frozen=True)
class Mine(Strategy):
    name: ClassVar[str] = "mine"
    REASONS: ClassVar = {"because": "it was to be"}
    symbol: str = field(default="MTUM")
    part: float = field(default=1.0, metadata={"doc": "part of the money"})

    def universe(self):
        return (self.symbol,)

    def history_sessions(self):
        return 2

    def problems(self):
        wrong = () if self.symbol == self.symbol.upper() > "" else ("symbol: use a ticker",)
        return wrong if 0 < self.part <= 1 else (f"part is {self.part}; use a number above 0, up to 1", *wrong)

    def verdicts(self, view, own):
        return (SymbolVerdict(self.symbol, Target(self.part), ("because",), (), {}),)
"""
DRAWING = (
    BEGIN.replace("import Example", "import ChartPanel, Example")
    + "    def panels(self):\n        return (ChartPanel('', LINE),)\n"
)
ASKED = "    def verdicts(self, view, own):\n"
BREAKING = (
    BEGIN.partition("    def problems")[0].replace(
        'part: float = field(default=1.0, metadata={"doc": "part of the money"})', 'how: str = field(default="")'
    )
    + """\
    def verdicts(self, view, own):
        match self.how:
            case "leaves":
                raise SystemExit(0)
            case "interrupts":
                raise KeyboardInterrupt
            case "recurs":
                return self.verdicts(view, own)
            case "says nothing":
                return None
            case "is not a number":
                return (SymbolVerdict(self.symbol, Target(float("nan")), ("because",), (), {}),)
            case "cannot be recorded":
                return (SymbolVerdict(self.symbol, Keep(), ("because",), (), {"bars": view.bars[self.symbol].close}),)
            case "says it to itself":
                print("a word on the way")
        return (SymbolVerdict(self.symbol, Keep(), ("because",), (), {}),)
"""
)
WAYS = ("leaves", "interrupts", "recurs", "says nothing", "is not a number", "cannot be recorded")


@pytest.fixture(autouse=True)
def _ours_alone(tmp_path: Path) -> object:
    yield
    call(tmp_path / "elsewhere", "config", "check")  # settings without own strategies: only ours are left


def own(folder: Path, text: str = BEGIN, more: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text(f'[plugins]\nstrategies = ["mine.py"]\n{more}')
    (folder / "mine.py").write_text(text)
    return folder


def test_new_check_and_backtest_work_in_an_empty_folder(tmp_path: Path) -> None:
    made = call_json(tmp_path, "strategy", "new", "mine")
    assert made.document["file"] == str(tmp_path / "mine.py")
    assert made.document["left_to_do"] is None
    assert 35 <= len((tmp_path / "mine.py").read_text().splitlines()) <= 50
    checked = call_json(tmp_path, "strategy", "check", "mine")
    assert (checked.code, checked.document["findings"], checked.document["notes"]) == (0, [], [])
    assert checked.document["decisions"] >= 500
    played = call_json(tmp_path, "backtest", "--strategy", "mine")
    assert (played.code, played.document["strategy"]) == (0, "mine")
    assert len(played.document["trades"]) > 10
    shown = call_json(tmp_path, "demo", "--strategy", "mine", "--sessions", "2", "--quiet")
    assert (shown.code, shown.document["sessions"]) == (0, 2)


def test_the_page_tells_every_rule_and_command() -> None:
    page = (ROOT / "docs" / "how-to" / "write-a-strategy.md").read_text(encoding="utf-8")
    assert [rule for rule in RULES if f"| {rule} |" not in page] == []
    assert all(f"mtum strategy {word}" in page for word in ("new", "check", "reload"))


def test_new_never_overwrites_and_refuses_names_that_are_taken_or_none(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("x = 1\n")
    refused = {
        name: call_json(tmp_path, "strategy", "new", name).texts
        for name in ("mine", "buy_and_hold", "cash", "Mine", "numpy", "match", "a-b", "../x")
    }
    assert (tmp_path / "mine.py").read_text() == "x = 1\n"
    assert "exists and stays as it is" in refused["mine"]
    assert all("is taken" in refused[name] for name in ("buy_and_hold", "cash"))
    assert all("is no name" in refused[name] for name in ("Mine", "a-b", "../x"))
    assert "a Python module" in refused["numpy"]
    assert "a word of Python" in refused["match"]
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '\n\n[plugins]\nstrategies = ["mine.py"]\n'),
        ("mode = 'practice'\n[mail]\nport = 25", '[mail]\nport = 25\n\n[plugins]\nstrategies = ["mine.py"]\n'),
        ("[plugins]\nstrategies = []\n[mail]\nport = 25\n", '[plugins]\nstrategies = ["mine.py"]\n[mail]\nport = 25\n'),
        ('[plugins]\n# mine\nstrategies = [\n "a.py",\n]\n', 'strategies = [\n "a.py", "mine.py"]\n'),
        ('[plugins]\nstrategies = ["mine.py"]\n', '[plugins]\nstrategies = ["mine.py"]\n'),
    ],
)
def test_new_names_its_file_in_the_settings_there_are(tmp_path: Path, before: str, after: str) -> None:
    (tmp_path / "a.py").write_text(BEGIN.replace('"mine"', '"another"'))
    (tmp_path / "config.toml").write_text(before)
    assert call_json(tmp_path, "strategy", "new", "mine").document["left_to_do"] is None
    assert (tmp_path / "config.toml").read_text().endswith(after)
    names = [one["name"] for one in call_json(tmp_path, "strategy", "list").document["strategies"]]
    assert "mine" in names


def test_new_says_what_is_left_to_do_where_the_settings_cannot_be_extended_without_doubt(tmp_path: Path) -> None:
    text = 'plugins = {strategies = ["a.py"]}\n'
    (tmp_path / "a.py").write_text(BEGIN.replace('"mine"', '"another"'))
    (tmp_path / "config.toml").write_text(text)
    made = call_json(tmp_path, "strategy", "new", "mine").document
    assert made["left_to_do"] == f'add "mine.py" to the list strategies under [plugins] in {tmp_path / "config.toml"}'
    assert (tmp_path / "config.toml").read_text() == text


def test_its_parameters_are_settings_like_any_other(tmp_path: Path) -> None:
    folder = own(tmp_path, more="[strategy.mine]\npart = 0.5\n[sleeve.own]\nstrategy = 'mine'\nweight = 0.5\n")
    shown = call_json(folder, "config", "show").document["settings"]
    assert shown["strategy.mine.part"] == {"value": 0.5, "origin": "file"}
    assert shown["sleeve.own.rules.part"] == {"value": 0.5, "origin": "[strategy.mine]"}
    listed = {one["name"]: one for one in call_json(folder, "strategy", "list").document["strategies"]}
    assert listed["mine"]["sleeves"] == ["own"]
    assert listed["mine"]["from"] == str(folder / "mine.py")
    told = call_json(folder, "strategy", "show", "mine").document
    assert [(one["name"], one["value"], one["default"]) for one in told["parameters"]] == [
        ("symbol", "MTUM", "MTUM"),
        ("part", 0.5, 1.0),
    ]
    schema = call_json(folder, "config", "schema").document
    assert "mine" in schema["properties"]["strategy"]["properties"]
    wrong = call_json(own(tmp_path, more="[strategy.mine]\npart = 2.0\nprat = 1\n"), "config", "check")
    assert wrong.code == 2
    assert "strategy.mine.part is 2.0; use a number above 0, up to 1" in wrong.texts
    assert "strategy.mine.prat: unknown setting; did you mean strategy.mine.part?" in wrong.texts


def test_settings_without_it_do_not_know_it_any_more(tmp_path: Path) -> None:
    call(own(tmp_path / "one"), "config", "check")
    assert "mine" in STRATEGIES
    gone = call_json(tmp_path / "other", "backtest", "--strategy", "mine")
    assert gone.code == 2
    assert 'there is no strategy "mine"' in gone.texts
    assert "mine" not in STRATEGIES


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (BEGIN + "def broken(:\n", "cannot be loaded: SyntaxError: invalid syntax (line 25)"),
        ("import no_such_thing\n" + BEGIN, "ModuleNotFoundError: No module named 'no_such_thing' (line 1)"),
        (BEGIN + "1 / 0\n", "cannot be loaded: ZeroDivisionError: division by zero (line 25)"),
        (BEGIN + "raise SystemExit('gone')\n", "cannot be loaded: SystemExit: gone (line 25)"),
        ("x = 1\n", "it defines no strategy"),
        ("\xe9 = \xff".encode("latin-1").decode("latin-1") + "\0", "cannot be loaded"),
        (BEGIN.replace('"mine"', '"buy_and_hold"'), 'the name "buy_and_hold" is taken by this program'),
        (BEGIN.replace('"mine"', '"cash"'), 'the name "cash" is taken'),
        (BEGIN.replace('"mine"', '"Not one"'), "has name = 'Not one'"),
        (BEGIN.replace("(frozen=True)", ""), "class Mine is not a frozen dataclass"),
        (BEGIN.replace("@dataclass(frozen=True)\n", ""), "class Mine is not a frozen dataclass"),
        (BEGIN.replace("Mine(Strategy)", "Mine"), "does not build on Strategy"),
        (BEGIN.replace("def universe", "def another"), "lacks the method universe"),
        (BEGIN.replace('field(default="MTUM")', "field()"), "the parameter symbol has neither a default nor a value"),
        (BEGIN.replace("symbol: str", "symbol: Nonsense"), "NameError: name 'Nonsense' is not defined (line 10)"),
        (BEGIN.replace("symbol: str", "symbol: Own | object.__subclasshook__"), "cannot be loaded: TypeError"),
        (BEGIN.replace("return 2", "return 1 / 0"), "history_sessions ended in an error: ZeroDivisionError"),
        (BEGIN.replace("return 2", "return '2'"), "history_sessions answered '2'; a whole number from 1 to 10000"),
        (BEGIN.replace("(self.symbol,)\n", "self.symbol\n"), "universe answered 'MTUM'; a tuple of tickers"),
        (BEGIN.replace("wrong = ()", "wrong = 1 / 0, ()"), "problems ended in an error: ZeroDivisionError"),
        (f"{BEGIN}    intraday_bars = 5\n", "intraday_bars answered 5; a mapping of timeframes within the session"),
        (f"{BEGIN}    intraday_bars = {{'1d': 5}}\n", "intraday_bars answered {'1d': 5}; a mapping of timeframes"),
        (DRAWING.replace("LINE", "(('meen', 'a'),)"), 'panels() of mine names a line "meen"; there are open, high'),
        (DRAWING.replace("LINE", "()"), 'panels() of mine has a panel "" without a line'),
        (DRAWING.replace("ChartPanel('', LINE)", "5"), "panels answered what is no ChartPanel"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_clear_error(tmp_path: Path, text: str, told: str) -> None:
    found = call_json(own(tmp_path, text), "status")
    assert found.code == 2
    assert told in found.texts, found.texts
    assert len(found.document["problems"]) == 1


def test_a_file_that_is_not_there_or_brings_a_name_twice_is_one_clear_error(tmp_path: Path) -> None:
    folder = own(tmp_path)
    (folder / "config.toml").write_text('[plugins]\nstrategies = ["gone.py", "mine.py", "twice.py"]\n')
    (folder / "twice.py").write_text(BEGIN)
    found = call_json(folder, "status")
    assert found.code == 2
    assert [one["text"].partition("; ")[0] for one in found.document["problems"]] == [
        f"plugins.strategies: {folder}/gone.py does not exist",
        f'{folder}/twice.py: the name "mine" is taken by {folder}/mine.py',
    ]


EXPECTED = {
    "looks_ahead": ("look-ahead", "as the market went on"),
    "reads_the_clock": ("purity", "reads the clock (datetime.now)"),
    "asks_the_time": ("purity", "reads the clock (time.time)"),
    "reads_a_file": ("purity", "opens the file"),
    "looks_for_a_file": ("purity", "asks the operating system (os.stat)"),
    "reads_the_environment": ("purity", "reads the environment"),
    "connects": ("purity", "uses the network"),
    "draws_lots": ("purity", "draws random numbers"),
    "draws_with_numpy": ("purity", "draws random numbers"),
    "remembers": ("purity", "answers"),
    "writes": ("mutation", "changed its own memory"),
    "writes_bars": ("mutation", "assignment destination is read-only (bad_strategies.py, line"),
    "seeded": ("history", "with the 25 bars that history_sessions asks for"),
    "counts_bars": ("history", "it answers 0.1, with more of them"),
    "has_no_reason": ("raising", "reasons are ()"),
    "has_no_words": ("reasons", 'the reason "whim" is not in REASONS'),
    "raises": ("raising", "Target(-0."),
    "leaves": ("raising", "SystemExit: 3"),
    "answers": ("raising", "a tuple of SymbolVerdict is needed"),
    "takes_anything": ("problems", "symbol = '' is not refused"),
    "other_at_once": ("paths", "its columns order BUY 319 AAA on 2004-03-01 (because), its verdicts BUY 638 AAA"),
    "other_in_columns": ("paths", "a backtest answers 1.0, the daily job and its replay 0.5"),
}


def test_check_finds_what_each_bad_strategy_does_with_session_and_value() -> None:
    line = [sys.executable, check_bad_strategies.__file__, bad_strategies.__file__]
    ended = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found.pop("fine") == []
    assert set(found) == set(EXPECTED)
    for name, (rule, told) in EXPECTED.items():
        findings = {one["rule"]: one for one in found[name]}
        assert told in findings.get(rule, {"text": ""})["text"], (name, found[name])
        assert rule == "problems" or findings[rule]["session"].startswith("200"), name


@pytest.mark.full
@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("import os; os._exit(7)", "it ended the process (exit code 7)"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "it ended the process (signal 9)"),
    ],
)
def test_a_check_outlives_a_strategy_that_ends_its_process(tmp_path: Path, line: str, told: str) -> None:
    text = BEGIN.replace(ASKED, f"{ASKED}        {line}\n")
    found = call_json(own(tmp_path, text), "strategy", "check", "mine")
    (one,) = found.document["findings"]
    assert (found.code, one["rule"]) == (6, "raising")
    assert told in one["text"]
    assert one["session"] is not None


@pytest.mark.full
def test_a_check_ends_with_a_strategy_that_never_answers(tmp_path: Path) -> None:
    text = BEGIN.replace(ASKED, f"{ASKED}        while 1: pass\n")
    settings = load(own(tmp_path, text) / "config.toml", {})
    found = check_strategy(settings, "mine", own_strategies(), seconds=4.0)
    assert found.text.startswith("raising: 200")
    assert found.text.endswith("it had not decided after 4 seconds")


@pytest.mark.full
def test_what_touches_something_while_it_is_loaded_or_fails_its_own_test_is_found(tmp_path: Path) -> None:
    text = BEGIN + "import pathlib\ntext = pathlib.Path(__file__).read_text()\n\n"
    text += "def test_of_its_own():\n    assert Mine().part == 2\n"
    found = call_json(own(tmp_path, text), "strategy", "check", "mine").document
    assert [(one["rule"], one["text"]) for one in found["findings"]] == [
        ("loading", f"while it is loaded it opens the file {tmp_path}/mine.py"),
        ("own tests", "test_of_its_own: AssertionError (line 29)"),
    ]


def test_an_error_of_any_kind_stops_its_sleeve_alone(tmp_path: Path) -> None:
    sleeves = "[sleeve.good]\nstrategy = 'buy_and_hold'\nweight = 0.5\n"
    for number, how in enumerate((*WAYS, "says it to itself")):
        name = f"bad_{number}"
        sleeves += f"[sleeve.{name}]\nstrategy = 'mine'\nweight = 0.05\n[sleeve.{name}.rules]\nhow = '{how}'\n"
    folder = own(tmp_path, BREAKING, sleeves)
    ran = call(folder, "run", "--json")
    document = ran.document
    assert (ran.code, document["exit_code"]) == (1, 1)
    assert "Traceback" not in ran.err
    assert document["sleeves"]["good"]["action"] == "enter"
    assert [order["status"] for order in document["sleeves"]["good"]["orders"]] == ["FILLED"]
    for number, how in enumerate(WAYS):
        assert document["sleeves"][f"bad_{number}"]["reasons"] == ["strategy_failed"], how
    assert document["sleeves"]["bad_6"]["reasons"] == ["because"]
    told = [one["text"] for one in document["problems"]]
    assert len(told) == len(WAYS)
    kinds = ("SystemExit: 0", "KeyboardInterrupt", "RecursionError", "TypeError", "Target(nan)", "indicators 'bars'")
    assert all(kind in text for kind, text in zip(kinds, told, strict=True)), told
    assert all(f"bad_{number}: its strategy ended in an error" in text for number, text in enumerate(told))
    assert all("(mine.py, line" in text for text in told[:3])
    assert call(folder, "verify", "--all", "--json").document["failed"] == 0


@pytest.mark.full
@pytest.mark.parametrize("name", OF_SHARES)
def test_ours_pass_what_a_persons_own_must_pass(name: str) -> None:
    found = check_strategy(load(None, {}), name, {})
    assert found.findings == (), found.text


def test_an_error_in_a_backtest_is_told_in_one_line(tmp_path: Path) -> None:
    played = call_json(own(tmp_path, BEGIN.replace("Target(self.part)", "1 / 0")), "backtest", "--strategy", "mine")
    assert played.code == 1
    assert "ZeroDivisionError: division by zero (mine.py, line 24)" in played.texts


def test_a_changed_file_is_other_code_and_in_live_waits_for_approval(tmp_path: Path) -> None:
    folder = own(tmp_path, more="[portfolio]\nstrategy = 'mine'\n")
    assert call(folder, "run", "--quiet").code == 0
    settings = load(folder / "config.toml", {})
    first = provenance().code_hash
    assert call_json(folder, "verify").document["drift"] == []
    with resources.opened_store(settings, folder / "data") as store:
        approve_settings(store.approvals, settings, resources.system_clock().now(), provenance())
        live = structs.replace(settings, mode="live")
        assert not (entries_stopped(store.approvals, live) or "").startswith("settings not approved: own_strategy")
        (folder / "mine.py").write_text(BEGIN + "# another word\n")
        again = load(folder / "config.toml", {})
        assert provenance().code_hash != first
        stopped = entries_stopped(store.approvals, structs.replace(again, mode="live"))
        assert stopped is not None
        assert stopped.startswith("settings not approved: own_strategy.mine: approved ")
        approve_settings(store.approvals, again, resources.system_clock().now(), provenance())
        assert entries_stopped(store.approvals, structs.replace(again, mode="live")) is None
    drift = call_json(folder, "verify").document
    assert (drift["failed"], len(drift["drift"])) == (0, 1)
    assert f"({first})" in drift["drift"][0]
    # Other code that decides otherwise does not replay what was decided.
    (folder / "mine.py").write_text(BEGIN.replace("Target(self.part)", "Target(self.part / 2)"))
    assert call_json(folder, "verify").code == 6


@pytest.mark.full
def test_an_installed_package_brings_strategies_by_its_entry_point(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "bought").mkdir(parents=True)
    (site / "bought" / "__init__.py").write_text("")
    (site / "bought" / "rules.py").write_text(BEGIN.replace('"mine"', '"bought"'))
    (site / "bought-1.0.dist-info").mkdir()
    (site / "bought-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: bought\nVersion: 1.0\n")
    (site / "bought-1.0.dist-info" / "entry_points.txt").write_text("[mtum.strategies]\nbought = bought.rules:Mine\n")
    called = start(tmp_path / "work", "strategy", "list", "--json", environment={"PYTHONPATH": str(site)})
    assert called.code == 0, called.err
    (one,) = (row for row in called.document["strategies"] if row["name"] == "bought")
    assert one["from"] == "entry point bought = bought.rules:Mine"
    assert len(one["code_hash"]) == 16
    (site / "bought" / "rules.py").write_text("1 / 0\n")
    broken = start(tmp_path / "work", "strategy", "list", "--json", environment={"PYTHONPATH": str(site)})
    assert broken.code == 2
    assert "entry point bought = bought.rules:Mine: cannot be loaded: ZeroDivisionError" in broken.texts
