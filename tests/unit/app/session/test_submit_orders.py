"""From intent to order, exactly once, against a broker that follows a script."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mtum.app.desk import Desk, Problem
from mtum.app.session.submit_orders import submit_orders
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import OrderIntent, OrderStatus, Side, ticket_of
from mtum.errors import BrokerUnavailableError, ExitCode
from mtum.ports.broker import Denied, NoAnswer, NotSent, Rejected
from mtum.ports.records import IntentState
from support.fakes import SENT_AT, SESSION, FakeBroker, accepted, executed, fake_desk, listed, shown
from support.store import FRIDAY, fill, intent
from support.values import replace

BUY = intent()
DOWN = BrokerUnavailableError("the line is dead")


def planned(desk: Desk, order: Any = BUY) -> None:
    desk.store.orders.add_intent(order, SENT_AT)


def begun(desk: Desk, order: Any = BUY) -> None:
    """An earlier process claimed the order and was never heard of again."""
    planned(desk, order)
    assert desk.store.orders.claim_order(order.id, SENT_AT) is Restriction.NONE


def state_of(desk: Desk, order: Any = BUY) -> IntentState:
    found = desk.store.orders.state_of(order.id)
    assert found is not None
    return found


def codes(problems: tuple[Problem, ...]) -> list[int]:
    return [int(problem.exit_code) for problem in problems]


def test_a_planned_order_is_sent_once_and_accepted(tmp_path: Path) -> None:
    broker = FakeBroker(outcomes=[accepted(BUY)])
    with fake_desk(tmp_path, broker) as desk:
        planned(desk)
        assert submit_orders(desk, SESSION) == ()
        assert broker.sent == [ticket_of(BUY)]
        state = state_of(desk)
        assert (state.status, state.broker_id) == (OrderStatus.ACCEPTED, "9001")
        assert submit_orders(desk, SESSION) == ()
        assert len(broker.sent) == 1


def test_in_books_whose_fills_were_changed_a_decided_exit_is_sent_and_a_purchase_waits(tmp_path: Path) -> None:
    leave = intent(side=Side.SELL, symbol="SPY", shares=5)
    broker = FakeBroker(outcomes=[accepted(leave), accepted(BUY)])
    with fake_desk(tmp_path, broker) as desk:
        before = intent(FRIDAY)
        planned(desk, before)
        desk.store.orders.add_fills([fill(before, "a.01", 19, "100", "1")])
        planned(desk)
        planned(desk, leave)
        with closing(sqlite3.connect(tmp_path / "mtum.db")) as connection, connection:
            connection.execute("UPDATE fills SET price = 90")
        problems = submit_orders(desk, SESSION)
        assert codes(problems) == [6, 6]
        assert [one.text.partition(":")[0] for one in problems] == [
            "our books do not hang together",
            f"BUY 19 MTUM ({BUY.ref}, 2018-12-03) was not sent and waits until the books are sound",
        ]
        assert ([ticket.symbol for ticket in broker.sent], state_of(desk).status) == (["SPY"], OrderStatus.PLANNED)
        with closing(sqlite3.connect(tmp_path / "mtum.db")) as connection, connection:
            connection.execute("UPDATE fills SET price = 100")
        assert submit_orders(desk, SESSION) == ()
        assert [ticket.symbol for ticket in broker.sent] == ["SPY", "MTUM"]


def test_the_claim_is_durable_before_the_order_leaves(tmp_path: Path) -> None:
    seen: list[OrderStatus] = []

    class Looking(FakeBroker):
        def submit(self, ticket: Any, last_moment: Any = None) -> Any:
            seen.append(state_of(desk).status)
            return super().submit(ticket, last_moment)

    with fake_desk(tmp_path, Looking(outcomes=[accepted(BUY)])) as desk:
        planned(desk)
        submit_orders(desk, SESSION)
    assert seen == [OrderStatus.SUBMITTING]


@pytest.mark.parametrize("start", [planned, begun])
def test_an_order_listed_under_our_reference_is_adopted_and_not_repeated(tmp_path: Path, start: Any) -> None:
    broker = FakeBroker([shown(listed(BUY))])
    with fake_desk(tmp_path, broker) as desk:
        start(desk)
        assert submit_orders(desk, SESSION) == ()
        assert (state_of(desk).status, broker.sent) == (OrderStatus.ACCEPTED, [])


def test_an_order_that_was_filled_meanwhile_is_adopted_with_its_shares(tmp_path: Path) -> None:
    broker = FakeBroker([shown(listed(BUY, OrderStatus.FILLED, 19))])
    with fake_desk(tmp_path, broker) as desk:
        begun(desk)
        assert submit_orders(desk, SESSION) == ()
        assert (state_of(desk).status, state_of(desk).filled) == (OrderStatus.FILLED, 19)


def test_of_an_ended_and_a_working_order_the_working_one_is_adopted(tmp_path: Path) -> None:
    ended = listed(BUY, OrderStatus.CANCELED, broker_id="9000")
    broker = FakeBroker([shown(ended, listed(BUY))])
    with fake_desk(tmp_path, broker) as desk:
        begun(desk)
        assert submit_orders(desk, SESSION) == ()
        assert state_of(desk).broker_id == "9001"


def test_two_working_orders_with_one_reference_need_a_person(tmp_path: Path) -> None:
    again = replace(BUY, attempt=2)
    broker = FakeBroker([shown(listed(BUY), listed(again, broker_id="9002"))])
    with fake_desk(tmp_path, broker) as desk:
        planned(desk)
        problems = submit_orders(desk, SESSION)
        assert (codes(problems), broker.sent) == ([ExitCode.PERSON], [])
        assert state_of(desk).status is OrderStatus.PLANNED
        assert f"2 working orders of one intent ({BUY.ref}, {again.ref})" in problems[0].text


def test_an_order_listed_without_a_permanent_id_is_not_accepted_yet(tmp_path: Path) -> None:
    broker = FakeBroker([shown(listed(BUY, OrderStatus.SUBMITTING, broker_id=""))])
    with fake_desk(tmp_path, broker) as desk:
        begun(desk)
        assert codes(submit_orders(desk, SESSION)) == [ExitCode.PERSON]
        assert (state_of(desk).status, broker.sent) == (OrderStatus.UNKNOWN, [])


def test_an_order_that_gets_its_permanent_id_while_it_is_waited_for_is_adopted(tmp_path: Path) -> None:
    unnumbered = shown(listed(BUY, OrderStatus.SUBMITTING, broker_id=""))
    broker = FakeBroker([unnumbered, unnumbered, shown(listed(BUY))])
    with fake_desk(tmp_path, broker) as desk:
        planned(desk)
        assert submit_orders(desk, SESSION) == ()
        assert (state_of(desk).status, broker.sent) == (OrderStatus.ACCEPTED, [])


def test_without_an_answer_the_lists_are_asked_until_they_show_the_order(tmp_path: Path) -> None:
    broker = FakeBroker([shown(), shown(), DOWN, shown(listed(BUY))], [NoAnswer("timeout")])
    with fake_desk(tmp_path, broker) as desk:
        planned(desk)
        assert submit_orders(desk, SESSION) == ()
        assert (state_of(desk).status, len(broker.sent)) == (OrderStatus.ACCEPTED, 1)
        assert desk.clock.now() == SENT_AT + timedelta(seconds=20)


@pytest.mark.parametrize("outcome", [NoAnswer("timeout"), DOWN, Rejected(201, "in doubt", final=False)])
def test_an_order_that_no_list_ever_shows_is_unknown_and_needs_a_person(tmp_path: Path, outcome: Any) -> None:
    broker = FakeBroker(outcomes=[outcome])
    with fake_desk(tmp_path, broker) as desk:
        planned(desk)
        problems = submit_orders(desk, SESSION)
        assert (codes(problems), state_of(desk).status) == ([ExitCode.PERSON], OrderStatus.UNKNOWN)
        assert desk.clock.now() == SESSION.before_close(10)
        assert "it can be sent no more" in problems[0].text
        assert codes(submit_orders(desk, SESSION)) == [ExitCode.PERSON]
        assert len(broker.sent) == 1


def test_the_search_ends_after_the_seconds_that_are_set(tmp_path: Path) -> None:
    broker = FakeBroker(outcomes=[NoAnswer()])
    with fake_desk(tmp_path, broker, broker__resolve_seconds=25) as desk:
        planned(desk)
        (told,) = submit_orders(desk, SESSION)
        assert told.exit_code is ExitCode.PERSON
        assert f"`mtum reconcile --accept not-sent {BUY.id}` before 20:44:55 UTC" in told.text
        assert desk.clock.now() == SENT_AT + timedelta(seconds=25)


def test_an_unknown_order_that_shows_up_later_is_adopted(tmp_path: Path) -> None:
    broker = FakeBroker(outcomes=[NoAnswer()])
    with fake_desk(tmp_path, broker, broker__resolve_seconds=0) as desk:
        planned(desk)
        submit_orders(desk, SESSION)
        broker.script = [shown(listed(BUY))]
        assert submit_orders(desk, SESSION) == ()
        assert (state_of(desk).status, len(broker.sent)) == (OrderStatus.ACCEPTED, 1)


def test_an_order_begun_without_trace_is_never_sent_again_over_a_wire(tmp_path: Path) -> None:
    broker = FakeBroker(outcomes=[accepted(BUY)], proves_absence=False)
    with fake_desk(tmp_path, broker) as desk:
        begun(desk)
        assert codes(submit_orders(desk, SESSION)) == [ExitCode.PERSON]
        assert (state_of(desk).status, broker.sent) == (OrderStatus.UNKNOWN, [])


def test_an_order_begun_without_trace_is_sent_when_the_broker_proves_absence(tmp_path: Path) -> None:
    broker = FakeBroker(outcomes=[accepted(BUY)], proves_absence=True)
    with fake_desk(tmp_path, broker) as desk:
        begun(desk)
        assert submit_orders(desk, SESSION) == ()
        assert (state_of(desk).status, broker.sent) == (OrderStatus.ACCEPTED, [ticket_of(BUY)])


@pytest.mark.parametrize(
    ("restriction", "side", "sent"),
    [
        (Restriction.FULL, Side.SELL, 0),
        (Restriction.REDUCE_ONLY, Side.BUY, 0),
        (Restriction.REDUCE_ONLY, Side.SELL, 1),
    ],
)
def test_a_halt_given_after_a_crash_stops_the_order_that_was_begun(
    tmp_path: Path, restriction: Restriction, side: Side, sent: int
) -> None:
    order = intent(side=side)
    broker = FakeBroker(outcomes=[accepted(order)], proves_absence=True)
    with fake_desk(tmp_path, broker) as desk:
        begun(desk, order)
        desk.store.control.halt(restriction, "stop", "person", SENT_AT)
        assert codes(submit_orders(desk, SESSION)) == ([] if sent else [ExitCode.HALTED])
        assert len(broker.sent) == sent


def test_an_unknown_order_that_the_gate_denies_at_last_is_denied(tmp_path: Path) -> None:
    broker = FakeBroker(outcomes=[NoAnswer(), Denied("cash", "not enough")], proves_absence=True)
    with fake_desk(tmp_path, broker, broker__resolve_seconds=0) as desk:
        planned(desk)
        submit_orders(desk, SESSION)
        assert codes(submit_orders(desk, SESSION)) == [ExitCode.ORDER]
        assert state_of(desk).status is OrderStatus.DENIED


@pytest.mark.parametrize(
    ("restriction", "side", "stopped"),
    [
        (Restriction.FULL, Side.BUY, True),
        (Restriction.FULL, Side.SELL, True),
        (Restriction.REDUCE_ONLY, Side.BUY, True),
        (Restriction.REDUCE_ONLY, Side.SELL, False),
    ],
)
def test_a_halt_refuses_the_claim(tmp_path: Path, restriction: Restriction, side: Side, stopped: bool) -> None:
    order = intent(side=side)
    broker = FakeBroker(outcomes=[accepted(order)])
    with fake_desk(tmp_path, broker) as desk:
        planned(desk, order)
        desk.store.control.halt(restriction, "a person's word", "person", SENT_AT)
        assert codes(submit_orders(desk, SESSION)) == ([ExitCode.HALTED] if stopped else [])
        assert len(broker.sent) == (0 if stopped else 1)
        assert state_of(desk, order).status is (OrderStatus.PLANNED if stopped else OrderStatus.ACCEPTED)


def test_after_the_last_moment_an_order_lapses_and_nothing_is_sent(tmp_path: Path) -> None:
    broker = FakeBroker()
    with fake_desk(tmp_path, broker, SESSION.before_close(15) - timedelta(seconds=4)) as desk:
        planned(desk)
        problems = submit_orders(desk, SESSION)
        assert (codes(problems), broker.sent) == ([ExitCode.BROKER], [])
        assert (state_of(desk).status, state_of(desk).text) == (OrderStatus.LAPSED, "deadline missed")
        assert "20:44:55 UTC" in problems[0].text


def test_at_the_last_moment_an_order_still_leaves(tmp_path: Path) -> None:
    with fake_desk(
        tmp_path, FakeBroker(outcomes=[accepted(BUY)]), SESSION.before_close(15) - timedelta(seconds=5)
    ) as desk:
        planned(desk)
        assert submit_orders(desk, SESSION) == ()


def test_an_order_listed_at_the_broker_is_adopted_even_after_the_last_moment(tmp_path: Path) -> None:
    with fake_desk(tmp_path, FakeBroker([shown(listed(BUY))]), SESSION.before_close(5)) as desk:
        planned(desk)
        assert submit_orders(desk, SESSION) == ()
        assert state_of(desk).status is OrderStatus.ACCEPTED


@pytest.mark.parametrize(
    ("outcome", "status", "text"),
    [
        (Rejected(201, "no margin"), OrderStatus.REJECTED, "rejected by the broker: 201 no margin"),
        (Denied("cash", "buy for 9.00 USD, cash 1.00"), OrderStatus.DENIED, "denied by the last gate: buy for 9.00"),
    ],
)
def test_a_refusal_ends_the_order_and_is_told(tmp_path: Path, outcome: Any, status: OrderStatus, text: str) -> None:
    broker = FakeBroker(outcomes=[outcome])
    with fake_desk(tmp_path, broker) as desk:
        planned(desk)
        problems = submit_orders(desk, SESSION)
        assert (codes(problems), state_of(desk).status) == ([ExitCode.ORDER], status)
        assert text in problems[0].text
        assert submit_orders(desk, SESSION) == ()


def test_what_was_certainly_not_sent_is_planned_again_under_the_next_reference(tmp_path: Path) -> None:
    again = replace(BUY, attempt=2)
    broker = FakeBroker(outcomes=[NotSent("read-only interface"), accepted(again)])
    with fake_desk(tmp_path, broker) as desk:
        planned(desk)
        assert codes(submit_orders(desk, SESSION)) == [ExitCode.BROKER]
        assert (state_of(desk).status, state_of(desk).intent.ref) == (OrderStatus.PLANNED, again.ref)
        assert submit_orders(desk, SESSION) == ()
        assert [ticket.ref for ticket in broker.sent] == [BUY.ref, again.ref]


@pytest.mark.parametrize(("cancels", "status"), [(True, OrderStatus.CANCELED), (False, OrderStatus.ACCEPTED)])
def test_an_order_held_for_another_session_is_canceled_at_once(
    tmp_path: Path, cancels: bool, status: OrderStatus
) -> None:
    broker = FakeBroker(outcomes=[accepted(BUY, session=FRIDAY)], cancels=cancels)
    with fake_desk(tmp_path, broker) as desk:
        planned(desk)
        assert codes(submit_orders(desk, SESSION)) == [ExitCode.PERSON]
        assert (broker.canceled, state_of(desk).status) == ([BUY.ref], status)


def test_exits_are_sent_before_entries(tmp_path: Path) -> None:
    sell = intent(side=Side.SELL, symbol="AAA")
    broker = FakeBroker(outcomes=[accepted(sell), accepted(BUY)])
    with fake_desk(tmp_path, broker) as desk:
        planned(desk)
        planned(desk, sell)
        assert submit_orders(desk, SESSION) == ()
        assert [ticket.side for ticket in broker.sent] == [Side.SELL, Side.BUY]


def test_a_listed_status_that_may_not_follow_is_noted_and_not_believed(tmp_path: Path) -> None:
    broker = FakeBroker([shown(listed(BUY, OrderStatus.LAPSED))])
    with fake_desk(tmp_path, broker) as desk:
        begun(desk)
        submit_orders(desk, SESSION)
        assert state_of(desk).status is OrderStatus.SUBMITTING


def test_an_entry_that_needs_approval_lapses_without_it_and_leaves_with_it(tmp_path: Path) -> None:
    other = intent(symbol="AAA")
    broker = FakeBroker(outcomes=[accepted(other)])
    with fake_desk(tmp_path, broker, risk__require_confirmation=True) as desk:
        planned(desk)
        assert codes(submit_orders(desk, SESSION)) == [ExitCode.HALTED]
        assert (state_of(desk).status, broker.sent) == (OrderStatus.LAPSED, [])
        assert desk.store.approvals.approve(SESSION.day, "enter", SENT_AT)
        planned(desk, other)
        submit_orders(desk, SESSION)
        assert len(broker.sent) == 1


def stated_as_never_sent(desk: Desk) -> OrderIntent:
    """The first attempt was begun, not listed, and a person stated that it was never sent."""
    begun(desk)
    desk.store.orders.move_order(BUY.id, OrderStatus.UNKNOWN, SENT_AT)
    desk.store.orders.move_order(BUY.id, OrderStatus.PLANNED, SENT_AT)
    return state_of(desk).intent


def test_an_attempt_that_turns_up_after_all_is_adopted_and_the_next_one_never_sent(tmp_path: Path) -> None:
    broker = FakeBroker([shown(listed(BUY))], [accepted(BUY)])
    with fake_desk(tmp_path, broker) as desk:
        assert stated_as_never_sent(desk).ref == f"{BUY.id}-2"
        assert submit_orders(desk, SESSION) == ()
        assert broker.sent == []
        state = state_of(desk)
        assert (state.intent.ref, state.status, state.broker_id) == (BUY.ref, OrderStatus.ACCEPTED, "9001")


def test_where_the_earlier_attempt_turns_up_while_the_later_is_in_doubt_a_person_is_told(tmp_path: Path) -> None:
    broker = FakeBroker([shown()], [NoAnswer()])
    with fake_desk(tmp_path, broker, broker__resolve_seconds=0) as desk:
        again = stated_as_never_sent(desk)
        submit_orders(desk, SESSION)
        broker.script = [shown(listed(BUY))]
        problems = submit_orders(desk, SESSION)
        assert (codes(problems), len(broker.sent)) == ([ExitCode.PERSON], 1)
        assert f"lists {BUY.ref}, stated as never sent; {again.ref} may be there too" in problems[0].text
        assert (state_of(desk).intent.ref, state_of(desk).status) == (BUY.ref, OrderStatus.ACCEPTED)


def test_an_attempt_that_a_restored_database_does_not_know_is_adopted(tmp_path: Path) -> None:
    third = replace(BUY, attempt=3)
    with fake_desk(tmp_path, FakeBroker([shown(listed(third))])) as desk:
        planned(desk)
        assert submit_orders(desk, SESSION) == ()
        assert (state_of(desk).intent.ref, state_of(desk).status) == (third.ref, OrderStatus.ACCEPTED)


def test_an_order_of_which_only_executions_are_listed_was_sent(tmp_path: Path) -> None:
    # Corrected once: 12 and 7 shares, not 12, 12 and 7.
    fills = [executed(BUY, exec_id, shares, "104") for exec_id, shares in (("7.01", 12), ("7.02", 12), ("8.01", 7))]
    broker = FakeBroker([shown(fills=fills, held="19")], [accepted(BUY)])
    with fake_desk(tmp_path, broker) as desk:
        planned(desk)
        assert submit_orders(desk, SESSION) == ()
        assert (broker.sent, state_of(desk).status, state_of(desk).filled) == ([], OrderStatus.FILLED, 19)


NUMBERED = NoAnswer("timeout", client_id=17, order_id=35)
NAMELESS = listed(BUY, ref="", client_id=17, order_id=35)


def test_an_unanswered_order_listed_without_reference_is_known_by_its_number_of_the_day(tmp_path: Path) -> None:
    broker = FakeBroker([shown(), shown(NAMELESS)], [NUMBERED])
    with fake_desk(tmp_path, broker) as desk:
        planned(desk)
        assert submit_orders(desk, SESSION) == ()
        assert (state_of(desk).status, state_of(desk).broker_id) == (OrderStatus.ACCEPTED, "9001")


@pytest.mark.parametrize(
    "order",
    [
        replace(NAMELESS, client_id=18),
        replace(NAMELESS, order_id=36),
        replace(NAMELESS, side=Side.SELL),
        replace(NAMELESS, symbol="AAA"),
        replace(NAMELESS, ref="by hand"),
    ],
)
def test_a_number_that_fits_only_in_part_proves_nothing(tmp_path: Path, order: Any) -> None:
    broker = FakeBroker([shown(), shown(order)], [NUMBERED])
    with fake_desk(tmp_path, broker, broker__resolve_seconds=0) as desk:
        planned(desk)
        assert codes(submit_orders(desk, SESSION)) == [ExitCode.PERSON]
        assert state_of(desk).status is OrderStatus.UNKNOWN


def test_a_number_of_another_day_proves_nothing(tmp_path: Path) -> None:
    tomorrow = replace(shown(NAMELESS), at=SENT_AT + timedelta(days=1))
    broker = FakeBroker([shown(), tomorrow], [NUMBERED])
    with fake_desk(tmp_path, broker, broker__resolve_seconds=0) as desk:
        planned(desk)
        assert codes(submit_orders(desk, SESSION)) == [ExitCode.PERSON]
