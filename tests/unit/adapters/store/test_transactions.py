"""Nothing is half-written: not when a statement fails, not when the process is killed."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import overload

import pytest

from mtum.adapters.store import reading
from mtum.adapters.store.backup import checked
from mtum.adapters.store.opening import SqliteStore
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.orders import OrderIntent, Side
from mtum.errors import StoreError
from support.store import MONDAY, STRATEGY, decision, fill, intent, later, opened

TESTS = Path(__file__).parents[3]


class Killing(Sequence[OrderIntent]):
    """Two intents; the process dies when the second is asked for."""

    @overload
    def __getitem__(self, index: int) -> OrderIntent: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[OrderIntent]: ...
    def __getitem__(self, index: int | slice) -> OrderIntent | Sequence[OrderIntent]:
        raise NotImplementedError

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Iterator[OrderIntent]:
        yield intent()
        signal.raise_signal(signal.SIGKILL)


def decide_and_die(folder: str) -> None:
    """Run in a child: dies with the decision and one intent written but not committed."""
    opened(Path(folder)).decisions.commit_decisions([decision()], Killing())


def claim_and_die(folder: str) -> None:
    """Run in a child: dies right after the claim has returned, before anything could be sent."""
    store = opened(Path(folder))
    with store.lock():
        store.decisions.commit_decisions([decision()], [intent()])
        store.orders.claim_order(intent().id, later(1))
        signal.raise_signal(signal.SIGKILL)


def killed(name: str, folder: Path) -> None:
    """Run a function of this file in a child and see that it was killed."""
    code = f"import runpy, sys; runpy.run_path({__file__!r})[{name!r}]({str(folder)!r})"
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": f"{TESTS}:{TESTS.parent}"}, check=False)
    assert done.returncode == -signal.SIGKILL


def test_a_process_killed_inside_a_commit_leaves_nothing_of_it(store: SqliteStore, tmp_path: Path) -> None:
    killed("decide_and_die", tmp_path)
    assert store.decisions.decision_of(MONDAY, STRATEGY) is None
    assert store.orders.states() == ()
    assert store.database.rows("SELECT * FROM input_frames") == []
    store.decisions.commit_decisions([decision()], [intent()])
    assert len(store.orders.states()) == 1


def test_a_claim_outlives_the_process_that_made_it_and_its_lock_does_not(tmp_path: Path) -> None:
    killed("claim_and_die", tmp_path)
    store = opened(tmp_path)
    with store.lock(), pytest.raises(StoreError, match="SUBMITTING and cannot be sent"):
        store.orders.claim_order(intent().id, later(2))
    store.close()
    assert checked(tmp_path / "mtum.db").decisions == 1


def test_a_halt_is_read_inside_the_transaction_that_claims(store: SqliteStore) -> None:
    store.orders.add_intent(intent(), later(0))
    statements: list[str] = []
    store.database.connection.set_trace_callback(statements.append)
    store.orders.claim_order(intent().id, later(1))
    store.database.connection.set_trace_callback(None)
    (halt,) = [place for place, sql in enumerate(statements) if "FROM halts" in sql]
    writes = [place for place, sql in enumerate(statements) if sql.startswith("UPDATE orders")]
    assert (statements[0], statements[-1]) == ("BEGIN IMMEDIATE", "COMMIT")
    assert 0 < halt < min(writes)


def test_fills_are_stored_all_or_none(store: SqliteStore) -> None:
    order, stranger = intent(), intent(side=Side.SELL)
    store.orders.add_intent(order, later(0))
    fills: list[Fill] = [fill(order, "a.01", 12, "105"), fill(stranger, "b.01", 7, "105")]
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        store.orders.add_fills(fills)
    assert store.orders.fills() == ()
    assert store.ledger.movements(STRATEGY) == ()


def interrupted(store: SqliteStore) -> None:
    with store.database.write() as connection:
        connection.execute("INSERT INTO meta VALUES ('cursor', '1')")
        raise KeyboardInterrupt


def test_an_interrupted_block_is_rolled_back(store: SqliteStore, path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted(store)
    store.control.set_meta("after", "1")
    with closing(reading.open_read_only(path)) as connection:
        assert set(reading.meta(connection)) == {"mode", "account", "schema", "after"}


def test_what_a_person_stated_before_can_still_be_seen(store: SqliteStore) -> None:
    for shares in ("19", "0"):
        store.statements.state_external("MTUM", Decimal(shares), later(0), "stated by a person")
    for identity in ("1@BATS", "1@BATS", "2@BATS"):
        store.approvals.pin_contract("MTUM", identity, later(0))
    for limit in (5000.0, 6000.0):
        store.approvals.approve_document("settings", {"risk": limit}, later(0))
    told = {
        name: [tuple(row) for row in store.database.rows(f"SELECT {columns} FROM {name} ORDER BY id")]
        for name, columns in (
            ("external_shares", "symbol, shares"),
            ("pinned_contracts", "symbol, identity"),
            ("approved_documents", "subject, document"),
        )
    }
    assert told == {
        "external_shares": [("MTUM", 19.0), ("MTUM", 0.0)],
        "pinned_contracts": [("MTUM", "1@BATS"), ("MTUM", "2@BATS")],
        "approved_documents": [("settings", '{"risk":5000.0}'), ("settings", '{"risk":6000.0}')],
    }
