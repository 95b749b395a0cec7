"""`mtum cancel`, `mtum reconcile` and `mtum paper-check` on the command line."""

import json
from pathlib import Path
from typing import Any

import pytest

from mtum.cli.app import run
from mtum.wiring.resources import opened_store
from support.gateway import ACCOUNT
from support.live_days import Installation, installation
from support.practice import ENTRY_DAY

CONFIG = """
mode = "paper"
[market]
source = "ib"
volume_mode = "raw"
[broker]
account = "{account}"
port = {port}
"""


def called(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    config = folder / "config.toml"
    options = ["--json", "--data-dir", str(folder), *(["--config", str(config)] if config.exists() else [])]
    code = run([*arguments, *options])
    told = capsys.readouterr()
    return code, json.loads(told.out), told.err


def written(ours: Installation) -> Path:
    (ours.folder / "config.toml").write_text(CONFIG.format(account=ACCOUNT, port=ours.gateway.port))
    return ours.folder


def test_a_fresh_practice_account_agrees(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, document, _ = called(capsys, tmp_path, "reconcile")
    assert (code, document["differences"], document["exit_code"]) == (0, [], 0)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("reconcile", "external", "MTUM", "1"), "words without --accept"),
        (
            ("reconcile", "--accept", "magic", "MTUM"),
            "one of external, position, filled, commission, not-sent",
        ),
        (("reconcile", "--accept", "external", "MTUM"), "--accept external SYMBOL SHARES"),
        (("reconcile", "--accept", "external", "SPY", "1"), "SPY is not traded here"),
        (("reconcile", "--accept", "external", "MTUM", "nan"), '"nan" is no number'),
        (("reconcile", "--accept", "external", "MTUM", "Infinity"), '"Infinity" is no number'),
        (("reconcile", "--accept", "external", "MTUM", "1e400"), '"1e400" is no number'),
        (("reconcile", "--accept", "external", "MTUM", "5"), "5 external shares of MTUM: the broker holds 0"),
        (("reconcile", "--accept", "position", "MTUM", "sNaN"), '"sNaN" is no number'),
        (("reconcile", "--accept", "corporate-action", "MTUM", "nan"), '"nan" is no number'),
        (("reconcile", "--accept", "position", "MTUM", "1", "--entry-price", "1e400"), "is no price in USD"),
        (("reconcile", "--accept", "position", "MTUM", "1"), "needs --entry-session DATE and --entry-price PRICE"),
        (("reconcile", "--accept", "not-sent", "m1"), "no order has the id m1"),
        (("reconcile", "--accept", "foreign", "hello"), "hello is no reference of this program"),
        (("reconcile", "--accept", "position", "MTUM", "1", "--entry-price", "-3"), "is no price in USD"),
        (("cancel",), "no order rests between two commands"),
        (("paper-check",), 'runs in mode "paper", not "practice"'),
    ],
)
def test_a_wrong_call_says_what_was_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    code, document, error = called(capsys, tmp_path, *arguments)
    assert (code, document["exit_code"]) == (2, 2)
    assert says in error
    assert len(error.strip().splitlines()) == 1


def test_differences_are_listed_with_their_ways_out_and_settled_by_a_statement(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with installation(tmp_path) as ours:
        folder = written(ours)
        ours.gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares="10")
        code, document, error = called(capsys, folder, "reconcile")
        assert code == 6
        assert document["differences"][0]["ways"][0] == "mtum reconcile --accept external MTUM 10"
        assert "the broker holds 10" in error
        code, document, _ = called(capsys, folder, "reconcile", "--accept", "external", "MTUM", "10")
        assert (code, document["differences"]) == (0, [])
        assert document["accepted"] == "10 shares of MTUM are the owner's own and never traded"


def test_a_working_order_is_canceled_by_its_id(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with installation(tmp_path) as ours:
        folder = written(ours)
        order = ours.run().document["order"]
        code, _, error = called(capsys, folder, "cancel", "m000000-NOTTHISONE22")
        assert (code, "no order of 2018-01-03" in error) == (2, True)
        code, document, _ = called(capsys, folder, "cancel", order["id"])
        assert (code, document["canceled"]) == (0, [order["ref"]])
        code, document, _ = called(capsys, folder, "cancel")
        assert (code, document["canceled"]) == (0, [])


def test_a_person_may_cancel_while_a_run_is_at_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with installation(tmp_path) as ours:
        folder = written(ours)
        ref = ours.run().document["order"]["ref"]
        with opened_store(ours.settings, folder) as store, store.lock():
            code, document, _ = called(capsys, folder, "cancel")
            assert (code, document["canceled"]) == (0, [ref])
            # Whatever decides or sends needs the lock.
            assert called(capsys, folder, "reconcile")[0] == 9


def test_a_session_is_settled_after_its_close_and_one_before_the_beginning_has_no_equity(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with installation(tmp_path) as ours:
        folder = written(ours)
        ours.run()
        code, _, error = called(capsys, folder, "settle", "--session", ENTRY_DAY.isoformat())
        assert (code, "2018-01-03 closes at 21:00 UTC; settle it after that" in error) == (2, True)
        code, _, error = called(capsys, folder, "settle", "--session", "2018-01-06")
        assert (code, "2018-01-06 is no session of the last two weeks" in error) == (2, True)
        # The last session that has closed is the day before the first decision.
        code, document, _ = called(capsys, folder, "settle")
        assert (code, document["session"], document["equity_usd"]) == (0, "2018-01-02", None)
