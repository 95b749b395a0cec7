"""What every store must do, whatever it is made of."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from mtum.core.portfolio.fills import Split
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import OrderStatus, Purpose, Side
from mtum.errors import RunLockedError, StoreError
from mtum.ports.messages import Message, Urgency
from mtum.ports.records import AccountWorth, CashMovement, EquityPoint, Observed, VolumeSnapshot
from mtum.ports.store import Store
from support.store import (
    FRIDAY,
    MONDAY,
    STRATEGY,
    THURSDAY,
    TUESDAY,
    decision,
    fill,
    intent,
    later,
    opened,
)
from support.values import replace

STORES: dict[str, Callable[[Path], Store]] = {"sqlite": opened}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made = STORES[request.param](tmp_path)
    yield made
    made.close()


def planned(store: Store, side: Side = Side.BUY, session: date = MONDAY) -> str:
    order = intent(session, side)
    store.orders.add_intent(order, later(0))
    return order.id


def status(store: Store, intent_id: str) -> OrderStatus:
    found = store.orders.state_of(intent_id)
    assert found is not None
    return found.status


class TestRuns:
    def test_an_unfinished_run_started_again_is_the_same_run(self, store: Store) -> None:
        first = store.runs.start_run("decide_and_order", "", MONDAY, later(0))
        store.runs.record_step(first, "connected", later(1))
        assert store.runs.start_run("decide_and_order", "", MONDAY, later(9)) == first
        store.runs.record_step(first, "connected", later(10))
        found = store.runs.run_of("decide_and_order", "", MONDAY)
        assert found is not None
        assert (found.started_at, found.steps) == (later(0), {"connected": later(1)})

    def test_another_slot_of_the_same_job_is_another_run(self, store: Store) -> None:
        first = store.runs.start_run("watch_orders", "C-13", MONDAY, later(0))
        assert store.runs.start_run("watch_orders", "C-9", MONDAY, later(4)) != first

    def test_a_finished_run_begins_anew_when_started_again(self, store: Store) -> None:
        first = store.runs.start_run("settle", "", MONDAY, later(0))
        store.runs.record_step(first, "connected", later(1))
        store.runs.finish_run(first, later(2), "failed", 3, {"problems": []})
        assert store.runs.start_run("settle", "", MONDAY, later(5)) == first
        found = store.runs.run_of("settle", "", MONDAY)
        assert found is not None
        assert (found.started_at, found.finished_at, found.outcome, found.steps) == (later(5), None, None, {})

    def test_the_end_of_a_run_comes_back_as_it_was_recorded(self, store: Store) -> None:
        run = store.runs.start_run("settle", "", MONDAY, later(0))
        store.runs.finish_run(run, later(2), "finished", 5, {"exit_code": 5, "orders": [{"shares": 19}]})
        found = store.runs.latest_run()
        assert found is not None
        assert (found.id, found.outcome, found.exit_code, found.finished_at) == (run, "finished", 5, later(2))
        assert found.document == {"exit_code": 5, "orders": [{"shares": 19}]}

    def test_a_run_without_a_session_is_a_new_one_each_time_it_has_ended(self, store: Store) -> None:
        first = store.runs.start_run("backup", "night", None, later(0))
        assert store.runs.start_run("backup", "night", None, later(1)) == first
        store.runs.finish_run(first, later(2), "finished", 0)
        assert store.runs.start_run("backup", "night", None, later(3)) != first

    def test_the_latest_run_is_that_of_the_newest_session(self, store: Store) -> None:
        newest = store.runs.start_run("settle", "", TUESDAY, later(0))
        store.runs.start_run("settle", "", MONDAY, later(5))
        found, nothing = store.runs.latest_run("settle"), store.runs.latest_run("report")
        assert found is not None
        assert (found.id, nothing) == (newest, None)

    def test_the_oldest_unfinished_run_of_a_job_is_found(self, store: Store) -> None:
        done = store.runs.start_run("settle", "", MONDAY, later(0))
        store.runs.finish_run(done, later(1), "finished", 0)
        store.runs.start_run("settle", "", THURSDAY, later(2))
        expected = store.runs.start_run("settle", "", TUESDAY, later(3))
        found = store.runs.unfinished_run("settle")
        assert found is not None
        assert found.id == expected

    def test_runs_of_an_interval_of_sessions_come_in_the_order_they_started(self, store: Store) -> None:
        late = store.runs.start_run("settle", "", MONDAY, later(9))
        early = store.runs.start_run("settle", "", TUESDAY, later(3))
        store.runs.start_run("settle", "", FRIDAY, later(1))
        assert [run.id for run in store.runs.runs_between(MONDAY, THURSDAY)] == [early, late]


class TestDecisions:
    def test_a_decision_comes_back_whole(self, store: Store) -> None:
        record = decision()
        store.decisions.commit_decisions([record], ())
        assert store.decisions.decision_of(MONDAY, STRATEGY) == record

    def test_the_first_decision_of_a_session_stands(self, store: Store) -> None:
        store.decisions.commit_decisions([decision()], [intent()])
        with pytest.raises(StoreError, match="2018-12-03; the first decision stands"):
            store.decisions.commit_decisions([decision(action="hold")], ())
        found = store.decisions.decision_of(MONDAY, STRATEGY)
        assert found is not None
        assert found.action == "enter"

    def test_its_intents_are_planned_with_it(self, store: Store) -> None:
        store.decisions.commit_decisions([decision()], [intent(side=Side.SELL), intent(symbol="SPY")])
        states = store.orders.states(MONDAY)
        assert [(one.intent, one.status) for one in states] == [
            (intent(side=Side.SELL), OrderStatus.PLANNED),
            (intent(symbol="SPY"), OrderStatus.PLANNED),
        ]

    def test_a_session_of_several_strategies_is_stored_whole_or_not_at_all(self, store: Store) -> None:
        both = [decision(), replace(decision(), strategy="other")]
        orders = [intent(), replace(intent(symbol="SPY"), id="of-the-other", strategy="other")]
        with pytest.raises(StoreError, match="decides nothing here"):
            store.decisions.commit_decisions(both[:1], orders)
        assert not store.decisions.decided(MONDAY, STRATEGY)
        store.decisions.commit_decisions(both, orders)
        assert store.decisions.decided(MONDAY, STRATEGY)
        assert store.decisions.decided(MONDAY, "other")
        assert [one.intent.strategy for one in store.orders.states(MONDAY)] == [STRATEGY, "other"]

    def test_nothing_of_a_decision_remains_when_one_of_its_intents_cannot_be_stored(self, store: Store) -> None:
        with pytest.raises(StoreError):
            store.decisions.commit_decisions([decision()], [intent(), replace(intent(symbol="SPY"), shares=0)])
        assert store.decisions.decision_of(MONDAY, STRATEGY) is None
        assert store.orders.states() == ()

    def test_a_preview_does_not_count_and_gives_way_to_the_next(self, store: Store) -> None:
        store.decisions.write_preview(decision(preview=True))
        store.decisions.write_preview(decision(preview=True, frame={"vix": 17.0}))
        assert store.decisions.decision_of(MONDAY, STRATEGY) is None
        store.decisions.commit_decisions([decision()], ())
        assert [one.preview for one in store.decisions.final_decisions()] == [False]

    def test_a_dry_run_cannot_become_final_by_mistake(self, store: Store) -> None:
        with pytest.raises(StoreError, match="dry run"):
            store.decisions.commit_decisions([decision(preview=True)], ())
        with pytest.raises(StoreError, match="is final"):
            store.decisions.write_preview(decision())

    def test_decisions_are_listed_from_a_session_on_oldest_first(self, store: Store) -> None:
        for day in (THURSDAY, MONDAY, TUESDAY):
            store.decisions.commit_decisions([decision(day)], ())
        assert [one.session for one in store.decisions.final_decisions(TUESDAY)] == [TUESDAY, THURSDAY]

    def test_stored_frames_are_what_their_hashes_say(self, store: Store) -> None:
        store.decisions.commit_decisions([decision()], ())
        assert store.decisions.altered_decisions() == ()


class TestOrders:
    def test_a_planned_order_is_claimed_once(self, store: Store) -> None:
        order = planned(store)
        assert store.orders.claim_order(order, later(1)) is Restriction.NONE
        found = store.orders.state_of(order)
        assert found is not None
        assert (found.status, found.submitted_at) == (OrderStatus.SUBMITTING, later(1))
        with pytest.raises(StoreError, match="SUBMITTING and cannot be sent"):
            store.orders.claim_order(order, later(2))

    @pytest.mark.parametrize(
        ("restriction", "side", "sent"),
        [
            (Restriction.REDUCE_ONLY, Side.BUY, False),
            (Restriction.REDUCE_ONLY, Side.SELL, True),
            (Restriction.FULL, Side.BUY, False),
            (Restriction.FULL, Side.SELL, False),
        ],
    )
    def test_a_halt_keeps_back_what_it_forbids(
        self, store: Store, restriction: Restriction, side: Side, sent: bool
    ) -> None:
        order = planned(store, side)
        store.control.halt(restriction, "test", "owner", later(0))
        assert store.orders.claim_order(order, later(1)) is (Restriction.NONE if sent else restriction)
        assert status(store, order) is (OrderStatus.SUBMITTING if sent else OrderStatus.PLANNED)

    def test_a_lifted_halt_keeps_nothing_back(self, store: Store) -> None:
        order = planned(store)
        store.control.halt(Restriction.FULL, "test", "owner", later(0))
        store.control.resume(later(1))
        assert store.orders.claim_order(order, later(2)) is Restriction.NONE

    def test_facts_told_by_the_broker_stay_until_others_are_told(self, store: Store) -> None:
        order = planned(store)
        store.orders.claim_order(order, later(1))
        store.orders.move_order(
            order, OrderStatus.ACCEPTED, later(2), Observed(0, "777", "399", "held until the close")
        )
        store.orders.move_order(order, OrderStatus.PARTIALLY_FILLED, later(3), Observed(filled=12))
        found = store.orders.state_of(order)
        assert found is not None
        assert (found.filled, found.broker_id, found.code, found.text) == (12, "777", "399", "held until the close")
        assert found.updated_at == later(3)

    def test_a_forbidden_move_is_refused_and_changes_nothing(self, store: Store) -> None:
        order = planned(store)
        with pytest.raises(StoreError, match="is PLANNED and cannot become UNKNOWN"):
            store.orders.move_order(order, OrderStatus.UNKNOWN, later(1), Observed(filled=19))
        found = store.orders.state_of(order)
        assert found is not None
        assert (found.status, found.filled) == (OrderStatus.PLANNED, 0)

    def test_only_a_claim_makes_an_order_submitting(self, store: Store) -> None:
        order = planned(store)
        with pytest.raises(StoreError, match="only when it is claimed"):
            store.orders.move_order(order, OrderStatus.SUBMITTING, later(1))

    def test_an_order_never_sent_is_planned_again_under_the_next_reference(self, store: Store) -> None:
        order = planned(store)
        store.orders.claim_order(order, later(1))
        store.orders.move_order(order, OrderStatus.UNKNOWN, later(2))
        store.orders.move_order(order, OrderStatus.PLANNED, later(3))
        found = store.orders.state_of(order)
        assert found is not None
        assert (found.intent.ref, found.status, found.submitted_at) == (f"{order}-2", OrderStatus.PLANNED, None)
        assert store.orders.claim_order(order, later(4)) is Restriction.NONE

    def test_an_earlier_attempt_counts_again_once_the_broker_shows_it(self, store: Store) -> None:
        order = planned(store)
        store.orders.claim_order(order, later(1))
        store.orders.move_order(order, OrderStatus.UNKNOWN, later(2))
        store.orders.move_order(order, OrderStatus.PLANNED, later(3))
        store.orders.adopt_attempt(order, 1, later(4))
        found = store.orders.state_of(order)
        assert found is not None
        assert (found.intent.ref, found.status) == (f"{order}-1", OrderStatus.UNKNOWN)
        with pytest.raises(StoreError, match="UNKNOWN and cannot be sent"):
            store.orders.claim_order(order, later(5))
        # Should a person say so once more, the next attempt has a reference never used before.
        store.orders.move_order(order, OrderStatus.PLANNED, later(6))
        again = store.orders.state_of(order)
        assert again is not None
        assert again.intent.ref == f"{order}-3"

    def test_no_attempt_takes_the_place_of_one_that_is_at_the_broker(self, store: Store) -> None:
        order = planned(store)
        store.orders.move_order(order, OrderStatus.ACCEPTED, later(1))
        with pytest.raises(StoreError, match="no other attempt takes its place"):
            store.orders.adopt_attempt(order, 2, later(2))

    def test_the_same_intent_again_changes_nothing(self, store: Store) -> None:
        order = planned(store)
        store.orders.claim_order(order, later(1))
        store.orders.add_intent(replace(intent(), shares=7), later(2))
        found = store.orders.state_of(order)
        assert found is not None
        assert (found.intent.shares, found.status) == (19, OrderStatus.SUBMITTING)

    def test_a_second_intent_for_the_same_purpose_is_refused(self, store: Store) -> None:
        planned(store)
        with pytest.raises(StoreError, match="UNIQUE"):
            store.orders.add_intent(replace(intent(), id="m181203-OTHER"), later(1))

    def test_unresolved_orders_are_those_of_which_something_may_still_come(self, store: Store) -> None:
        done, waiting = planned(store), planned(store, Side.SELL)
        store.orders.claim_order(done, later(1))
        store.orders.move_order(done, OrderStatus.REJECTED, later(2))
        store.orders.claim_order(waiting, later(1))
        assert [one.intent.id for one in store.orders.states(unresolved=True)] == [waiting]
        assert [one.intent.id for one in store.orders.states(TUESDAY)] == []

    def test_an_unknown_intent_is_named(self, store: Store) -> None:
        assert store.orders.state_of("m181203-NEVER") is None
        with pytest.raises(StoreError, match="m181203-NEVER was never recorded"):
            store.orders.claim_order("m181203-NEVER", later(1))

    def test_a_fallback_stands_beside_the_exit_it_replaces(self, store: Store) -> None:
        planned(store, Side.SELL)
        again = replace(intent(side=Side.SELL), id="m181203-FALLBACK", purpose=Purpose.FALLBACK)
        store.orders.add_intent(again, later(1))
        assert [one.intent.purpose for one in store.orders.states(MONDAY)] == [Purpose.EXIT, Purpose.FALLBACK]


class TestFills:
    def test_fills_move_cash_and_their_repetition_does_not(self, store: Store) -> None:
        order = intent()
        store.orders.add_intent(order, later(0))
        bought = [fill(order, "0001.a.01", 12, "105.2", "1.26"), fill(order, "0001.b.01", 7, "105.21", "0.74")]
        assert store.orders.add_fills(bought) == 2
        assert store.orders.add_fills(bought) == 0
        # 12 x 105.20 = 1262.40 and 7 x 105.21 = 736.47
        assert {one.key: one.amount_usd for one in store.ledger.movements(STRATEGY)} == {
            "fill:0001.a": Decimal("-1262.4"),
            "commission:0001.a": Decimal("-1.26"),
            "fill:0001.b": Decimal("-736.47"),
            "commission:0001.b": Decimal("-0.74"),
        }
        assert store.orders.fills() == tuple(bought)

    def test_a_sale_brings_cash(self, store: Store) -> None:
        order = intent(side=Side.SELL)
        store.orders.add_intent(order, later(0))
        store.orders.add_fills([fill(order, "1.1", 19, "107.5")])
        (movement,) = store.ledger.movements(STRATEGY)
        assert (movement.kind, movement.amount_usd, movement.session) == ("sell", Decimal("2042.5"), MONDAY)

    def test_a_commission_told_later_is_added_once(self, store: Store) -> None:
        order = intent()
        store.orders.add_intent(order, later(0))
        store.orders.add_fills([fill(order, "1.1", 19, "105")])
        for _ in range(2):
            assert store.orders.add_fills([fill(order, "1.1", 19, "105", "2.00")]) == 0
        store.orders.add_fills([fill(order, "1.1", 19, "105")])  # a list without it takes nothing back
        assert [(one.kind, one.amount_usd) for one in store.ledger.movements(STRATEGY)] == [
            ("buy", Decimal("-1995.0")),
            ("commission", Decimal("-2.0")),
        ]
        assert [one.commission_usd for one in store.orders.fills()] == [Decimal("2.0")]

    def test_a_correction_takes_the_place_of_the_cash_it_corrects(self, store: Store) -> None:
        order = intent()
        store.orders.add_intent(order, later(0))
        store.orders.add_fills([fill(order, "7.a.01", 19, "105", "2")])
        store.orders.add_fills([fill(order, "7.a.02", 18, "106", "1.9")])
        # 18 x 106 = 1908
        expected = {"fill:7.a": Decimal("-1908.0"), "commission:7.a": Decimal("-1.9")}
        assert {one.key: one.amount_usd for one in store.ledger.movements(STRATEGY)} == expected
        store.orders.add_fills([fill(order, "7.a.01", 19, "105", "2.5")])  # the corrected one does not come back
        assert {one.key: one.amount_usd for one in store.ledger.movements(STRATEGY)} == expected

    def test_a_fill_of_an_order_never_planned_is_refused(self, store: Store) -> None:
        with pytest.raises(StoreError, match="FOREIGN KEY"):
            store.orders.add_fills([fill(intent(), "1.1", 19, "105")])
        assert store.ledger.movements(STRATEGY) == ()


class TestLedger:
    def test_a_movement_counts_once(self, store: Store) -> None:
        start = CashMovement("capital", STRATEGY, MONDAY, "capital", Decimal(5000), "first capital")
        store.ledger.move_cash([start])
        store.ledger.move_cash([replace(start, amount_usd=Decimal(9000))])
        assert store.ledger.movements(STRATEGY) == (replace(start, amount_usd=Decimal("5000.0")),)

    def test_a_receivable_becomes_paid_and_stays_so(self, store: Store) -> None:
        due = CashMovement("dividend:1", STRATEGY, MONDAY, "dividend", Decimal("6.65"), "", "MTUM", paid=False)
        for _ in range(2):
            store.ledger.move_cash([due])
        assert [one.paid for one in store.ledger.movements(STRATEGY)] == [False]
        store.ledger.move_cash([replace(due, paid=True)])
        store.ledger.move_cash([due])
        assert store.ledger.movements(STRATEGY) == (replace(due, paid=True),)

    @pytest.mark.parametrize("amounts", [(), ("0.1", "0.2", "-0.3"), ("5000", "-1808.1099853515625", "0.000001")])
    def test_cash_is_the_exact_sum_of_what_was_paid_by_a_session(self, store: Store, amounts: Sequence[str]) -> None:
        """Added as floats 0.1, 0.2 and -0.3 make 5.6e-17; prices of some sources have thirteen decimals."""
        for number, usd in enumerate(amounts):
            store.ledger.move_cash([CashMovement(f"{number}", STRATEGY, MONDAY, "fee", Decimal(usd))])
        late = CashMovement("late", STRATEGY, TUESDAY, "fee", Decimal("-1234567890.25"))
        owed = CashMovement("owed", STRATEGY, MONDAY, "dividend", Decimal(7), paid=False)
        store.ledger.move_cash([late, owed, CashMovement("other", "other", MONDAY, "fee", Decimal(-9))])
        assert store.books.cash(STRATEGY, MONDAY) == sum(map(Decimal, amounts))
        assert store.books.cash(STRATEGY) == sum(map(Decimal, amounts)) - Decimal("1234567890.25")

    def test_capital_flows_and_what_is_owed_are_looked_at_one_by_one(self, store: Store) -> None:
        for kind, paid in (
            ("capital", True),
            ("fee", True),
            ("dividend", True),
            ("dividend", False),
            ("deposit", True),
        ):
            store.ledger.move_cash(
                [CashMovement(f"{kind}:{paid}", STRATEGY, MONDAY, kind, Decimal(1), paid=paid)],
            )
        found = [one.key for one in store.ledger.movements(STRATEGY, open_only=True)]
        assert found == ["capital:True", "dividend:False", "deposit:True"]
        assert store.books.recorded(["fee:True", "fee:False"]) == {"fee:True"}

    def test_movements_come_in_the_order_of_their_sessions(self, store: Store) -> None:
        for key, day in (("b", TUESDAY), ("a", MONDAY), ("c", TUESDAY)):
            store.ledger.move_cash([CashMovement(key, STRATEGY, day, "fee", Decimal(-1))])
        assert [one.key for one in store.ledger.movements(STRATEGY)] == ["a", "b", "c"]

    def test_the_point_of_a_session_is_updated(self, store: Store) -> None:
        cash, receivable, market, total, none = (
            Decimal(text) for text in ("3003.0", "6.65", "2000.5", "5010.15", "0.0")
        )
        first = EquityPoint(MONDAY, STRATEGY, cash, receivable, market, total, none, None, None, 19, final=False)
        store.ledger.write_equity(first)
        final = replace(first, benchmark_usd=Decimal("5001.1"), close=Decimal("105.3"), final=True)
        store.ledger.write_equity(final)
        assert store.ledger.equity(STRATEGY) == (final,)
        assert store.ledger.equity("another") == ()

    def test_points_can_be_asked_from_a_session_on(self, store: Store) -> None:
        nothing = Decimal("0.0")
        points = [
            EquityPoint(day, STRATEGY, nothing, nothing, nothing, nothing, nothing, None, None, 0)
            for day in (MONDAY, TUESDAY)
        ]
        for point in points:
            store.ledger.write_equity(point)
        assert store.ledger.equity(STRATEGY) == tuple(points)
        assert store.ledger.equity(STRATEGY, points[1].session) == (points[1],)


class TestLimits:
    def test_the_last_worth_counts_and_the_ones_before_are_kept(self, store: Store) -> None:
        assert store.limits.last_worth() is None
        first, second = AccountWorth(MONDAY, 10_000.1, 0.0, 5000.25), AccountWorth(TUESDAY, 10_100.0, 99.5, 4900.0)
        for worth in (first, second):
            store.limits.write_worth(worth, later(0))
            assert store.limits.last_worth() == worth

    def test_the_peak_counts_from_where_it_was_set_last(self, store: Store) -> None:
        assert store.limits.peak_since() is None
        for day in (TUESDAY, MONDAY):
            store.limits.count_peak_since(day, later(0))
            assert store.limits.peak_since() == day


class TestStatements:
    def test_of_each_symbol_the_last_external_shares_count(self, store: Store) -> None:
        assert store.statements.external_shares() == {}
        for symbol, shares in (("SPY", "0.4"), ("MTUM", "19"), ("MTUM", "0"), ("MTUM", "12.125"), ("SPY", "0")):
            store.statements.state_external(symbol, Decimal(shares), later(0), "stated by a person")
        assert store.statements.external_shares() == {"MTUM": Decimal("12.125"), "SPY": Decimal(0)}

    def test_of_a_stated_entry_the_last_values_count(self, store: Store) -> None:
        store.statements.state_entry("m1-1", {"atr": 2.25}, later(0))
        store.statements.state_entry("m1-1", {"atr": 2.5}, later(1))
        assert store.statements.stated_entry("m1-1") == {"atr": 2.5}
        assert store.statements.stated_entry("m1-2") == {}

    def test_a_position_is_to_be_closed_until_it_is(self, store: Store) -> None:
        for symbol, why in (("SPY", "holiday"), ("MTUM", "holiday"), ("SPY", "asked again")):
            store.statements.request_flatten(symbol, why, later(0))
        assert store.statements.flatten_requests() == ("SPY", "MTUM")
        store.statements.end_flatten("SPY", later(1))
        assert store.statements.flatten_requests() == ("MTUM",)
        store.statements.request_flatten("SPY", "bought since", later(2))
        assert store.statements.flatten_requests() == ("MTUM", "SPY")

    def test_only_an_acknowledged_order_is_known(self, store: Store) -> None:
        store.statements.acknowledge_foreign("m1-1.1", later(0), "stated by a person")
        assert [store.statements.acknowledged_foreign(ref) for ref in ("m1-1.1", "m1-1.2")] == [True, False]


class TestApprovals:
    def test_an_approval_is_for_one_session_and_one_way(self, store: Store) -> None:
        assert store.approvals.approve(MONDAY, "enter", later(0))
        assert not store.approvals.approve(MONDAY, "enter", later(1))
        assert store.approvals.approved(MONDAY, "enter")
        assert not store.approvals.approved(MONDAY, "exit")
        assert not store.approvals.approved(TUESDAY, "enter")

    def test_of_each_subject_the_last_document_counts(self, store: Store) -> None:
        assert store.approvals.approved_document("settings") is None
        store.approvals.approve_document("settings", {"risk": 1.0}, later(0))
        store.approvals.approve_document("code", {}, later(0))
        store.approvals.approve_document("settings", {"risk": 2.0}, later(1))
        assert store.approvals.approved_document("settings") == {"risk": 2.0}
        assert store.approvals.approved_document("code") == {}

    def test_of_each_symbol_the_last_contract_counts(self, store: Store) -> None:
        assert store.approvals.pinned_contract("MTUM") == ""
        for identity in ("1@BATS", "1@BATS", "", "2@BATS"):
            store.approvals.pin_contract("MTUM", identity, later(0))
            assert store.approvals.pinned_contract("MTUM") == identity


class TestControl:
    def test_the_strongest_halt_in_force_counts(self, store: Store) -> None:
        assert store.control.restriction() is Restriction.NONE
        store.control.halt(Restriction.FULL, "moving house", "owner", later(0))
        store.control.halt(Restriction.REDUCE_ONLY, "daily loss", "limit", later(1))
        assert store.control.restriction() is Restriction.FULL

    def test_an_equal_halt_in_force_is_kept(self, store: Store) -> None:
        first = store.control.halt(Restriction.FULL, "moving house", "owner", later(0))
        assert store.control.halt(Restriction.FULL, "moving house", "owner", later(1)) == first
        assert store.control.resume(later(2)) == 1
        assert store.control.halt(Restriction.FULL, "moving house", "owner", later(3)) != first

    def test_resuming_lifts_every_halt_and_remembers_them(self, store: Store) -> None:
        store.control.halt(Restriction.FULL, "moving house", "owner", later(0))
        store.control.halt(Restriction.REDUCE_ONLY, "daily loss", "limit", later(1))
        assert (store.control.resume(later(2)), store.control.resume(later(3))) == (2, 0)
        assert store.control.restriction() is Restriction.NONE
        assert store.control.halts(in_force=True) == ()
        assert [(one.why, one.by, one.since, one.lifted_at) for one in store.control.halts()] == [
            ("moving house", "owner", later(0), later(2)),
            ("daily loss", "limit", later(1), later(2)),
        ]

    def test_the_snapshot_of_a_session_gains_its_final_volume(self, store: Store) -> None:
        seen = VolumeSnapshot(
            "MTUM", "csv", MONDAY, 20.0, 870.0, 0.87, 1000.0,
            projected_low=900.0, projected_high=1100.0, learned_sessions=20,
        )  # fmt: skip
        store.volumes.write(seen)
        assert store.volumes.snapshots("MTUM", "csv") == (seen,)
        known = replace(seen, final_volume=1010.0, error_frac=-0.0099)
        store.volumes.write(known)
        assert store.volumes.snapshots("MTUM", "csv") == (known,)
        assert store.volumes.snapshots("MTUM", "yahoo") == ()
        assert store.volumes.snapshots("MTUM", "csv", TUESDAY) == ()

    def test_snapshots_that_wait_for_their_final_volume_can_be_asked_alone(self, store: Store) -> None:
        seen = VolumeSnapshot("MTUM", "csv", TUESDAY, 20.0, 870.0, 0.87, 1000.0)
        others = [replace(seen, symbol="SPY"), replace(seen, symbol="SPY", session=MONDAY)]
        elsewhere = [replace(seen, source="yahoo"), replace(seen, symbol="TLT")]
        store.volumes.write(replace(seen, session=MONDAY, final_volume=1010.0), *others, seen, *elsewhere)
        assert store.volumes.waiting("csv", ["SPY", "QQQ", "MTUM"]) == (seen, others[1], others[0])

    def test_a_fact_is_replaced(self, store: Store) -> None:
        store.control.set_meta("cursor", "1")
        store.control.set_meta("cursor", "2")
        assert (store.control.meta("cursor"), store.control.meta("nothing")) == ("2", None)


class TestMessages:
    MESSAGE = Message("unknown:m1", Urgency.ACT_NOW, "Look", "text", "<p>text</p>", {"chart.png": b"\x89PNG\x00"})

    def test_a_message_waits_until_it_is_delivered(self, store: Store) -> None:
        run = store.runs.start_run("settle", "", MONDAY, later(0))
        assert store.messages.queue_message(self.MESSAGE, later(1), run)
        ((number, waiting),) = store.messages.undelivered()
        assert waiting == replace(self.MESSAGE, at=later(1))
        store.messages.delivered(number, later(2), "no route")
        assert [one for one, _ in store.messages.undelivered()] == [number]
        store.messages.delivered(number, later(3))
        assert store.messages.undelivered() == ()

    def test_a_message_is_noted_once_even_after_its_delivery(self, store: Store) -> None:
        store.messages.queue_message(self.MESSAGE, later(1), None)
        assert not store.messages.queue_message(self.MESSAGE, later(2), None)
        store.messages.delivered(store.messages.undelivered()[0][0], later(3))
        assert not store.messages.queue_message(self.MESSAGE, later(4), None)

    def test_deliveries_are_told_by_the_beginning_of_their_key(self, store: Store) -> None:
        for key in ("report:a%b@mail", "report:a%b@push", "report:a-b@mail"):
            store.messages.queue_message(replace(self.MESSAGE, key=key), later(1), None)
        store.messages.delivered(store.messages.undelivered()[0][0], later(2))
        assert store.messages.deliveries("report:a%b@") == {"report:a%b@mail": later(2), "report:a%b@push": None}


class TestSplits:
    def test_only_a_split_agreed_upon_counts(self, store: Store) -> None:
        split = Split("MTUM", TUESDAY, Decimal("2.0"))
        assert store.bars.actions() == ()
        for at in (later(0), later(1)):
            store.bars.agree_split(split, at)
        assert store.bars.actions() == (split,)


class TestLock:
    def test_the_lock_is_held_by_one_at_a_time(self, store: Store) -> None:
        with store.lock(), pytest.raises(RunLockedError, match="pid"), store.lock():
            pass
        with store.lock():
            pass
