"""`mtum halt`, `mtum resume`, `mtum capital`."""

from pathlib import Path
from typing import Any

import pytest

from mtum.adapters.store.opening import open_store
from support.recorded import ACCOUNT, THIRD, recorded
from support.store import decision
from support.values import replace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    recorded(tmp_path / "data")
    return tmp_path / "data"


def test_a_halt_is_in_force_until_resumed(mtum: Any, folder: Path) -> None:
    document = mtum("halt", "--why", "on  holiday", "--json").document
    assert document["halt"] == "full"
    assert [(one["restriction"], one["why"], one["by"]) for one in document["halts"]] == [
        ("full", "on holiday", "person")
    ]
    assert mtum("status", "--json").document["halt"] == "full"
    document = mtum("resume", "--json").document
    assert (document["lifted"], document["halt"], document["halts"]) == (1, "none", [])
    assert mtum("status", "--json").document["halt"] == "none"


def test_the_stronger_of_two_halts_counts(mtum: Any, folder: Path) -> None:
    assert mtum("halt", "--reduce-only", "--why", "wait", "--json").document["halt"] == "reduce_only"
    assert mtum("halt", "--why", "stop", "--json").document["halt"] == "full"
    assert mtum("halt", "--reduce-only", "--why", "wait again", "--json").document["halt"] == "full"
    assert mtum("resume", "--json").document["lifted"] == 3


def test_a_halt_holds_before_the_first_run(mtum: Any) -> None:
    assert mtum("halt", "--why", "not yet").code == 0
    assert mtum("status", "--json").document["halt"] == "full"


def test_resuming_without_a_halt_is_fine(mtum: Any, folder: Path) -> None:
    called = mtum("resume")
    assert (called.code, called.out) == (0, "no halt was in force\n")


def test_resuming_says_that_today_is_decided_already(mtum: Any, folder: Path) -> None:
    """A session whose decision was held back by the halt is not decided again; today is the market's."""
    mtum("halt", "--why", "wait")
    assert mtum("status", "--json").document["halts"][0]["since"].startswith(THIRD.isoformat())
    store = open_store(folder / "mtum.db", "practice", ACCOUNT)
    store.decisions.commit_decisions(
        [replace(decision(THIRD, action="hold", reasons=("halted",)), account=ACCOUNT)], []
    )
    store.close()
    called = mtum("resume")
    assert called.out.splitlines()[1] == (
        f"{THIRD} is decided already (hold) and stays so; the next session decides without the halt"
    )


@pytest.mark.parametrize("words", [("halt",), ("halt", "--why", " "), ("capital", "add", "5", "--why", "")])
def test_a_reason_is_asked_for(mtum: Any, folder: Path, words: tuple[str, ...]) -> None:
    called = mtum(*words)
    assert called.code == 2
    assert "--why" in called.err


def test_money_added_is_a_flow_of_the_next_session(mtum: Any, folder: Path) -> None:
    document = mtum("capital", "add", "250.50", "--why", "savings", "--json").document
    # 4,577 before; the last closed session is 2018-01-02.
    assert (document["kind"], document["amount_usd"], document["session"]) == ("deposit", 250.5, "2018-01-03")
    assert document["cash_usd"] == 4827.5
    assert mtum("status", "--json").document["cash_usd"] == {"mtum_confluence": 4827.5}


def test_money_taken_may_not_exceed_the_cash(mtum: Any, folder: Path) -> None:
    called = mtum("capital", "withdraw", "4577.01", "--why", "rent")
    assert called.code == 2
    assert "mtum_confluence has 4,577.00 USD in cash; 4,577.01 cannot be taken from it" in called.err
    assert mtum("capital", "withdraw", "4577", "--why", "rent", "--json").document["cash_usd"] == 0


def test_the_same_deposit_twice_is_two_deposits(mtum: Any, folder: Path) -> None:
    for _ in range(2):
        mtum("capital", "add", "10", "--why", "savings")
    assert mtum("status", "--json").document["cash_usd"] == {"mtum_confluence": 4597}


@pytest.mark.parametrize("amount", ["0", "-5", "ten", "1.005", "nan", "1e400"])
def test_an_amount_that_is_none_is_refused(mtum: Any, folder: Path, amount: str) -> None:
    called = mtum("capital", "add", "--why", "x", "--", amount)
    assert called.code == 2
    assert called.err.startswith(f'mtum: "{amount}" is no amount in USD')


def test_capital_before_the_first_run_is_the_settings_matter(mtum: Any) -> None:
    called = mtum("capital", "add", "5", "--why", "x")
    assert called.code == 2
    assert "portfolio.capital_usd is what it will start with" in called.err
