"""`mtum demo` of strategies of options: the whole daily job on model prices, twice the same and verified."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from support.commands import Called, call

CAPITAL = {
    "wheel": 100_000.0,
    "enhanced_wheel": 100_000.0,
    "iron_condor": 50_000.0,
    "vertical_spread": 50_000.0,
    "vix_hedge": 250_000.0,
}


def played(tmp_path: Path, strategy: str, sessions: int, folder: str = "demo") -> tuple[dict[str, Any], Path]:
    out = tmp_path / folder
    called = call(
        tmp_path, "demo", "--strategy", strategy, "--sessions", str(sessions), "--out", str(out), "--json", "--quiet"
    )
    assert called.code == 0, called.err
    return called.document, out


def verified(out: Path) -> Called:
    return call(out, "verify", "--all", "--config", str(out / "config.toml"), "--data-dir", str(out))


def told(out: Path) -> list[tuple[object, ...]]:
    """What was ordered, filled and ended, without the numbers that rows are given."""
    with sqlite3.connect(out / "mtum.db") as connection:
        orders = connection.execute("SELECT session, purpose, quantity, status, start FROM option_intents").fetchall()
        fills = connection.execute("SELECT * FROM option_fills").fetchall()
        events = connection.execute("SELECT kind, quantity, price, effective FROM option_events").fetchall()
    return [*orders, *fills, *events]


def test_a_wheel_sells_puts_in_the_daily_job_and_every_decision_verifies(tmp_path: Path) -> None:
    document, out = played(tmp_path, "wheel", 6)
    options = document["options"]
    assert document["equity_start_usd"] == CAPITAL["wheel"]
    assert options["label"] == "model-priced"
    assert options["orders"] == options["filled"] == options["fills"] == len(options["contains"]["openings"]) > 0
    assert document["equity_end_usd"] != CAPITAL["wheel"]
    assert verified(out).code == 0


def test_the_text_says_the_capital_and_what_happened(tmp_path: Path) -> None:
    called = call(tmp_path, "demo", "--strategy", "wheel", "--sessions", "3", "--out", str(tmp_path / "demo"))
    shown = called.out
    assert "mtum options --config" in called.err
    assert "100,000.00 USD" in shown
    assert "(model-priced)" in shown
    assert "cash settlements" in shown


@pytest.mark.full
@pytest.mark.parametrize("strategy", CAPITAL)
def test_a_year_of_each_plays_and_verifies(strategy: str, tmp_path: Path) -> None:
    document, out = played(tmp_path, strategy, 250)
    assert document["equity_start_usd"] == CAPITAL[strategy]
    assert document["options"]["label"] == ("illustration" if strategy == "vix_hedge" else "model-priced")
    assert verified(out).code == 0


@pytest.mark.full
def test_a_wheel_plays_the_same_twice_and_its_shares_come_by_assignment(tmp_path: Path) -> None:
    (first, one), (second, two) = (played(tmp_path, "wheel", 60, name) for name in ("one", "two"))
    assert told(one) == told(two)
    apart = ("database", "report")
    assert json.dumps({name: first[name] for name in first if name not in apart}) == json.dumps(
        {name: second[name] for name in second if name not in apart}
    )
    assert first["options"]["contains"]["assignments"]
    assert first["options"]["contains"]["rolls"]
    shown = call(one, "show", "orders", "--json", "--config", str(one / "config.toml"), "--data-dir", str(one)).document
    kinds = [order["type"] for order in shown["orders"]]
    assert "ASSIGNED" in kinds
    assert first["orders"] == kinds.count("MOC")
    assert first["orders"] == first["fills"]
