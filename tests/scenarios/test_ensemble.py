"""An ensemble in practice: its members disagree, every command tells of it, and its decision can be replayed."""

import json
from pathlib import Path

import pytest

from support.commands import call, call_json

SETTINGS = """
[portfolio]
strategy = "ensemble"
[[strategy.ensemble.members]]
strategy = "pair_reversal"
weight = 3
rules = {symbols = ["SP500", "NDQ"]}
[[strategy.ensemble.members]]
strategy = "buy_and_hold"
rules = {symbol = "NDQ"}
"""
TORN = "The members disagree on NDQ: buy_and_hold wants 100.0% of the sleeve and pair_reversal wants none."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which one session was decided."""
    place = tmp_path_factory.mktemp("ensemble")
    (place / "config.toml").write_text(SETTINGS)
    called = call_json(place, "run")
    assert called.code == 0, called.err
    torn = called.document["sleeves"]["ensemble"]["symbols"]
    assert torn["NDQ"]["conflict"] == {"pair_reversal": 0.0, "buy_and_hold": 1.0}
    assert "conflict" not in torn["SP500"]
    return place


def test_explain_says_who_wanted_what(folder: Path) -> None:
    told = call(folder, "explain")
    assert TORN in " ".join(told.out.split())
    assert "pair reversal:SP500:entry" in told.out
    document = call_json(folder, "explain").document
    assert document["conflicts"] == {"NDQ": {"pair_reversal": 0.0, "buy_and_hold": 1.0}}


def test_the_daily_report_says_it_in_words_and_keeps_it(folder: Path) -> None:
    assert TORN in " ".join(call(folder, "report").out.split())
    (stored,) = (folder / "data" / "reports").glob("*.json")
    assert json.loads(stored.read_text())["conflicts"] == {"NDQ": {"pair_reversal": 0.0, "buy_and_hold": 1.0}}


def test_the_decision_replays_from_its_record_and_the_next_one_begins_with_its_memory(folder: Path) -> None:
    assert call(folder, "run", "--quiet").code == 0
    verified = call_json(folder, "verify", "--all")
    assert verified.code == 0, verified.out
    told = call_json(folder, "explain").document
    assert told["book"]["memory"]["w:NDQ"] == 0.25
    assert told["book"]["memory"]["buy_and_hold:NDQ:weight"] == 1.0
