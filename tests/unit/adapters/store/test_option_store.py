"""Option orders: claimed durably before a byte leaves, one at a time, never more than wanted."""

import signal
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from mtum.adapters.store.backup import checked
from mtum.adapters.store.opening import SqliteStore
from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.errors import StoreError
from mtum.ports.records import Observed
from support.option_orders import DAY, STRATEGY, net
from support.option_store import AT, C105, P90, P95, attempt, leg_fill, planned
from support.store import opened
from support.values import replace

TESTS = Path(__file__).parents[3]
SPREAD = planned((Side.SELL, P95), (Side.BUY, P90), quantity=3)


def test_an_intent_comes_back_as_it_was_committed_and_once(store: SqliteStore) -> None:
    with store.together():
        store.options.commit_intents([SPREAD], AT)
        store.options.commit_intents([replace(SPREAD, quantity=9)], AT)
    (known,) = store.options.states()
    assert known.intent == SPREAD
    assert (known.status, known.filled, known.left, known.attempts) == (OrderStatus.PLANNED, 0, 3, ())
    assert store.options.states(DAY) == store.options.states(unresolved=True) == (known,)
    assert store.options.states(DAY + timedelta(days=1)) == ()
    assert set(store.options.contracts()) == {P95, P90}


def test_nothing_of_a_decision_that_fails_is_left(store: SqliteStore) -> None:
    wrong = replace(P95, multiplier=10)
    with pytest.raises(StoreError), store.together():
        store.options.commit_intents([SPREAD, planned((Side.BUY, wrong))], AT)
    assert store.options.states() == ()


def test_a_second_live_attempt_is_refused_by_the_store_and_by_the_database(store: SqliteStore) -> None:
    store.options.commit_intents([SPREAD], AT)
    assert store.options.claim_attempt(attempt(SPREAD), AT) is Restriction.NONE
    for status in (OrderStatus.SUBMITTING, OrderStatus.UNKNOWN, OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED):
        store.options.move_attempt(attempt(SPREAD).ref, status, AT)
        with pytest.raises(StoreError, match=rf"is {status.value}: .* may not be sent beside it"):
            store.options.claim_attempt(attempt(SPREAD, 2), AT)
    with pytest.raises(sqlite3.IntegrityError, match=r"option_attempts\.intent_id"):
        store.database.connection.execute(
            "INSERT INTO option_attempts (ref, intent_id, number, quantity, price, status, updated_at) "
            "VALUES ('x', ?, 2, 1, -1, 'SUBMITTING', '')",
            (SPREAD.id,),
        )
    store.options.move_attempt(attempt(SPREAD).ref, OrderStatus.CANCELED, AT)
    assert store.options.claim_attempt(attempt(SPREAD, 2), AT) is Restriction.NONE
    with pytest.raises(StoreError, match=r"works after all, and .*-2 beside it"):
        store.options.move_attempt(attempt(SPREAD).ref, OrderStatus.ACCEPTED, AT)


def test_a_halt_keeps_back_what_opens_and_a_full_one_everything(store: SqliteStore) -> None:
    closing = planned((Side.BUY, P95), purpose=OptionPurpose.CLOSE)
    rolling = planned((Side.BUY, P95), (Side.SELL, P90), purpose=OptionPurpose.ROLL)
    store.options.commit_intents([SPREAD, closing, rolling], AT)
    store.control.halt(Restriction.REDUCE_ONLY, "why", "me", AT, STRATEGY)
    assert store.options.claim_attempt(attempt(SPREAD), AT) is Restriction.REDUCE_ONLY
    assert store.options.claim_attempt(attempt(rolling), AT) is Restriction.REDUCE_ONLY
    assert store.options.claim_attempt(attempt(closing), AT) is Restriction.NONE
    store.options.move_attempt(attempt(closing).ref, OrderStatus.ACCEPTED, AT)
    store.control.halt(Restriction.FULL, "why", "me", AT)
    changed = attempt(closing, price="-1.10", in_place=True)
    assert store.options.claim_attempt(changed, AT) is Restriction.FULL
    assert [len(one.attempts) for one in store.options.states()] == [0, 1, 0]


def test_what_is_left_of_a_partial_fill_is_all_that_can_be_sent_again(store: SqliteStore) -> None:
    store.options.commit_intents([SPREAD], AT)
    store.options.claim_attempt(attempt(SPREAD), AT)
    fills = [leg_fill(SPREAD, "e.02.01", P95, -1, "1.80"), leg_fill(SPREAD, "e.03.01", P90, 1, "0.60")]
    assert store.options.record_fills(fills[:1]) == 1
    store.options.move_attempt(attempt(SPREAD).ref, OrderStatus.CANCELED, AT)
    assert store.options.states()[0].filled is None
    with pytest.raises(StoreError, match="no whole number of units"):
        store.options.claim_attempt(attempt(SPREAD, 2), AT)
    assert store.options.record_fills(fills) == 1
    (known,) = store.options.states()
    assert (known.filled, known.left, known.next_number) == (1, 2, 2)
    with pytest.raises(StoreError, match=r"3 of .* are to be sent, 3 were wanted and 1 have filled"):
        store.options.claim_attempt(attempt(SPREAD, 2), AT)
    rest = attempt(replace(SPREAD, quantity=2), 2, "-1.15")
    assert store.options.claim_attempt(rest, AT) is Restriction.NONE
    (again,) = store.options.states()
    assert again.live is not None
    assert (again.live.attempt, again.intent) == (rest, SPREAD)
    more = [leg_fill(SPREAD, "f.02.01", P95, -2, "1.80"), leg_fill(SPREAD, "f.03.01", P90, 2, "0.60")]
    store.options.record_fills(more)
    store.options.move_attempt(rest.ref, OrderStatus.FILLED, AT)
    assert [one.status for one in store.options.states()] == [OrderStatus.FILLED]
    with pytest.raises(StoreError, match="3 were wanted and 3 have filled"):
        store.options.claim_attempt(attempt(replace(SPREAD, quantity=1), 3), AT)


def test_a_price_is_recorded_before_it_is_sent_and_only_of_an_order_that_works(store: SqliteStore) -> None:
    one = planned()
    store.options.commit_intents([one], AT)
    changed = attempt(one, price="-1.13", in_place=True)
    with pytest.raises(StoreError, match="what works is not known"):
        store.options.claim_attempt(changed, AT)
    store.options.claim_attempt(attempt(one), AT)
    with pytest.raises(StoreError, match=r"what works is .*SUBMITTING"):
        store.options.claim_attempt(changed, AT)
    told = Observed(broker_id="77", client_id=11, order_id=5)
    store.options.move_attempt(changed.ref, OrderStatus.ACCEPTED, AT, told)
    store.options.claim_attempt(changed, AT)
    (live,) = store.options.states()[0].attempts
    assert (live.status, live.prices, live.changes) == (OrderStatus.ACCEPTED, (net("-1.20"), net("-1.13")), 1)
    assert (live.attempt.price, live.broker_id, live.client_id, live.order_id) == (net("-1.13"), "77", 11, 5)


def test_what_was_not_sent_lapses_and_the_next_offer_has_its_own_number(store: SqliteStore) -> None:
    one = planned()
    store.options.commit_intents([one], AT)
    store.options.claim_attempt(attempt(one), AT)
    store.options.move_attempt(attempt(one).ref, OrderStatus.PLANNED, AT, Observed(text="not connected"))
    assert [two.status for two in store.options.states()[0].attempts] == [OrderStatus.LAPSED]
    with pytest.raises(StoreError, match="was sent before"):
        store.options.claim_attempt(attempt(one), AT)
    assert store.options.claim_attempt(attempt(one, 2), AT) is Restriction.NONE
    with pytest.raises(StoreError, match="cannot become SUBMITTING"):
        store.options.move_attempt(attempt(one).ref, OrderStatus.SUBMITTING, AT)
    with pytest.raises(StoreError, match="has a living order"):
        store.options.end_intent(one.id, OrderStatus.CANCELED, AT)


def test_an_intent_that_has_ended_is_offered_no_more(store: SqliteStore) -> None:
    one = planned()
    store.options.commit_intents([one], AT)
    store.options.end_intent(one.id, OrderStatus.LAPSED, AT, "the session is over")
    assert store.options.states(unresolved=True) == ()
    with pytest.raises(StoreError, match="has ended as LAPSED"):
        store.options.claim_attempt(attempt(one), AT)
    with pytest.raises(StoreError, match="does not end as FILLED"):
        store.options.end_intent(one.id, OrderStatus.FILLED, AT)


def test_a_contract_with_other_facts_is_refused(store: SqliteStore) -> None:
    store.options.commit_intents([planned()], AT)
    other = replace(P95, multiplier=10)
    with pytest.raises(StoreError, match="multiplier was 100, is 10"):
        store.options.commit_intents([planned((Side.BUY, other), purpose=OptionPurpose.CLOSE)], AT)
    assert len(store.options.states()) == 1


def test_facts_executions_and_prices_are_never_changed(store: SqliteStore) -> None:
    store.options.commit_intents([planned()], AT)
    store.options.claim_attempt(attempt(planned()), AT)
    store.options.record_fills([leg_fill(planned(), "e.01", P95, -1, "1.20")])
    for sql in (
        "UPDATE option_contracts SET strike = 96",
        "DELETE FROM option_contracts",
        "UPDATE option_prices SET price = -9",
        "UPDATE option_fills SET quantity = -2",
        "DELETE FROM option_fills",
        "DELETE FROM option_order_events",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="are added and never changed"):
            store.database.connection.execute(sql)


def claim_and_die(folder: str) -> None:
    """Run in a child: dies right after the claim has returned, before a byte could be sent."""
    store = opened(Path(folder))
    store.options.commit_intents([planned()], AT)
    store.options.claim_attempt(attempt(planned()), AT)
    signal.raise_signal(signal.SIGKILL)


def change_and_die(folder: str) -> None:
    """Run in a child: dies right after a change of the price was claimed."""
    store = opened(Path(folder))
    store.options.commit_intents([planned()], AT)
    store.options.claim_attempt(attempt(planned()), AT)
    store.options.move_attempt(attempt(planned()).ref, OrderStatus.ACCEPTED, AT)
    store.options.claim_attempt(attempt(planned(), price="-1.10", in_place=True), AT)
    signal.raise_signal(signal.SIGKILL)


def commit_and_die(folder: str) -> None:
    """Run in a child: dies inside the decision's transaction."""
    store = opened(Path(folder))
    with store.together():
        store.options.commit_intents([planned()], AT)
        signal.raise_signal(signal.SIGKILL)


def killed(name: str, folder: Path) -> SqliteStore:
    code = f"import runpy, sys; runpy.run_path({__file__!r})[{name!r}]({str(folder)!r})"
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": f"{TESTS}:{TESTS.parent}"}, check=False)
    assert done.returncode == -signal.SIGKILL
    return opened(folder)


def test_a_claim_outlives_the_process_that_made_it(tmp_path: Path) -> None:
    store = killed("claim_and_die", tmp_path)
    (known,) = store.options.states()
    assert [one.status for one in known.attempts] == [OrderStatus.SUBMITTING]
    with pytest.raises(StoreError, match="may not be sent beside it"):
        store.options.claim_attempt(attempt(planned(), 2), AT)
    store.close()
    assert checked(tmp_path / "mtum.db").decisions == 0


def test_a_claimed_change_outlives_the_process_too(tmp_path: Path) -> None:
    store = killed("change_and_die", tmp_path)
    (live,) = store.options.states()[0].attempts
    assert (live.attempt.price, live.changes) == (net("-1.10"), 1)
    store.close()


def test_a_process_killed_inside_the_decision_leaves_nothing_of_it(tmp_path: Path) -> None:
    store = killed("commit_and_die", tmp_path)
    assert store.options.states() == ()
    store.options.commit_intents([planned((Side.SELL, C105))], AT)
    assert len(store.options.states()) == 1
    store.close()
