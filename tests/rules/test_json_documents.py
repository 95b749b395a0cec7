"""Every command's document is JSON as the standard has it: no NaN, no Infinity, whatever the market did."""

import ast
import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtum.cli.app import COMMANDS, loaded
from support.bar_folders import write_market
from support.commands import call, no_constant
from support.source_tree import ROOT

GRID = "[grid]\nstrategy.mtum_confluence.vix_entry_below = [5.5, 20]\n"
WORDS: dict[str, tuple[str, ...]] = {
    "demo": ("--sessions", "2"),
    "init": ("--config", "other.toml"),
    "run": (),
    "settle": (),
    "status": (),
    "sleeves": (),
    "options": (),
    "risk": (),
    "indicators": ("MTUM",),
    "explain": (),
    "verify": ("--all",),
    "report": (),
    "review": ("month",),
    "serve": ("--host", "0.0.0.0"),
    "show trades": (),
    "show orders": (),
    "show fills": (),
    "show decisions": (),
    "show bars": ("--limit", "5"),
    "show equity": (),
    "show movements": (),
    "show runs": (),
    "show notes": (),
    "show option-orders": (),
    "show option-fills": (),
    "show option-trades": (),
    "show backtests": (),
    "export trades": (),
    "export signals": (),
    "export performance": (),
    "export tax": (),
    "export options": (),
    "bars sync": (),
    "bars check": (),
    "bars import": ("flat/MTUM.csv",),
    "bars revisions": (),
    "bars release": ("1",),
    "strategy list": (),
    "strategy show": ("pair_reversal",),
    "strategy new": ("mine",),
    "strategy check": ("buy_and_hold",),
    "strategy reload": (),
    "backtest": (),
    "sweep": ("grid.toml", "--out", "sweep"),
    "walkforward": ("grid.toml", "--fit-sessions", "40", "--try-sessions", "20"),
    "compare": ("1", "2"),
    "halt": ("--why", "test"),
    "resume": (),
    "flatten": ("MTUM", "--why", "test"),
    "cancel": (),
    "reconcile": (),
    "approve": ("--session", "2030-01-02", "--exit"),
    "note": ("test",),
    "capital": ("add", "100", "--why", "test"),
    "doctor": (),
    "paper-check": (),
    "notify test": (),
    "gateway": ("--session", "no day"),
    "backup": (),
    "restore": ("saved.db",),
    "config show": (),
    "config check": (),
    "config schema": (),
    "config approve": (),
}
"""Command -> the rest of a line that makes it answer; what it answers to is its own tests' business."""
MARKETS = ("sample", "flat")
REFUSED = {
    **dict.fromkeys(("serve", "gateway"), MARKETS),  # run until they are stopped
    **dict.fromkeys(("cancel", "paper-check"), MARKETS),  # need a broker, and a replayed market has none
    "bars release": MARKETS,  # no bar is kept out
    "bars sync": ("sample",),  # the embedded market is over
    "bars import": ("flat",),  # a market of files is read where it lies
}
"""Command -> on which markets its answer is that it cannot be done."""


def leaves() -> Iterator[str]:
    for name in COMMANDS:
        below = getattr(loaded(name), "commands", None)
        yield from (f"{name} {word}" for word in below) if below else (name,)


@pytest.fixture(scope="module", params=MARKETS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of 20 sessions, of the embedded market or of one where nothing ever moves."""
    found: Path = tmp_path_factory.mktemp(request.param)
    (found / "grid.toml").write_text(GRID)
    (found / "flat").mkdir()
    write_market(found / "flat", "MTUM", sessions=200, seed=3)
    for name in ("MTUM.csv", "VIX.csv"):
        _flattened(found / "flat" / name)
    if request.param == "flat":
        (found / "config.toml").write_text(f'[market]\nsource = "csv"\ncsv_dir = "{found / "flat"}"\n')
        for _ in range(20):
            call(found, "run", "--quiet")
    else:
        call(found, "demo", "--sessions", "20", "--out", str(found / "data"), "--quiet")
    shutil.copy(found / "data" / "mtum.db", found / "saved.db")
    return found


def _flattened(path: Path) -> None:
    rows = list(csv.DictReader(path.read_text().splitlines()))
    level = {name: {"volume": "1000", "dividend": "0"}.get(name, "15") for name in rows[0] if name != "date"}
    lines = [",".join({**row, **level}.values()) for row in rows]
    path.write_text("\n".join([",".join(rows[0]), *lines]) + "\n")


def test_every_command_is_tried() -> None:
    assert set(leaves()) == set(WORDS)


@pytest.mark.parametrize("command", WORDS)
def test_a_document_holds_no_number_that_json_does_not_have(folder: Path, command: str) -> None:
    called = call(folder, *command.split(), *WORDS[command], "--json")
    assert called.code not in (1, 130), called.err
    refused = folder.name.startswith(REFUSED.get(command, ()))
    assert (called.code == 2) is refused, called.err
    assert isinstance(json.loads(called.out, parse_constant=no_constant), dict)


def test_every_writer_refuses_what_json_does_not_have() -> None:
    lenient = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for room in ("mtum", "jobs")
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("dump", "dumps")
        and getattr(node.func.value, "id", "") == "json"
        and not any(word.arg == "allow_nan" and getattr(word.value, "value", True) is False for word in node.keywords)
    ]
    assert lenient == []
