from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

import pytest

from mtum.app.desk import RunResult
from mtum.app.service.run_due import run_due
from mtum.core.market.sessions import Session
from mtum.errors import BrokerUnavailableError, ExitCode
from mtum.ports.messages import Message
from support.run_contexts import Box, Office, new_york, office
from support.values import replace

WEDNESDAY = date(2024, 5, 15)


def outcome(desk: Office, job: str, slot: str = "") -> str | None:
    record = desk.store.runs.run_of(job, slot, WEDNESDAY)
    return record.outcome if record else None


def begun(at: str) -> Office:
    """An office whose program was installed on that Wednesday morning and is now at another time."""
    desk = office("2024-05-15 09:00")
    run_due(desk.context())
    desk.starts.clear()
    desk.wall.at = new_york(at)
    return desk


def test_nothing_is_due_in_the_morning_and_nothing_is_told() -> None:
    desk = office("2024-05-15 09:00")
    found = run_due(desk.context())
    assert (found.runs, found.exit_code, desk.box.taken) == ((), 0, [])


def test_a_due_job_is_run_once_however_often_the_entry_is_called() -> None:
    desk = begun("2024-05-15 14:30")
    for _ in range(3):
        run_due(desk.context())
    assert desk.names == ["rehearse"]
    assert outcome(desk, "rehearse") == "finished"


def test_a_jobs_messages_and_its_end_are_logged_under_its_run() -> None:
    desk = begun("2024-05-15 15:40")
    inside: list[tuple[int | None, date | None]] = []
    seen: list[tuple[int | None, date | None]] = []

    @contextmanager
    def scope(run: int | None, session: date | None) -> Iterator[None]:
        inside.append((run, session))
        yield
        inside.pop()

    @dataclass
    class Noting(Box):
        def send(self, message: Message) -> None:
            seen.append(inside[-1])

    def failing(session: Session, slot: str) -> RunResult:
        raise BrokerUnavailableError("no gateway listens")

    desk.answers["decide_and_order"] = failing
    desk.box = Noting()
    run_due(replace(desk.context(), scope=scope))
    record = desk.store.runs.run_of("decide_and_order", "", WEDNESDAY)
    assert record is not None
    assert (record.id, WEDNESDAY) in seen


def test_asked_to_end_the_job_at_work_ends_and_the_next_start_does_the_rest() -> None:
    desk = begun("2024-05-15 16:46")
    asked: list[str] = []

    def asked_meanwhile(session: Session, slot: str) -> RunResult:
        asked.append(slot)
        return RunResult()

    desk.answers["confirm_fills"] = asked_meanwhile
    run_due(replace(desk.context(), stopping=lambda: bool(asked)))
    assert desk.names == ["confirm_fills/second"]
    assert outcome(desk, "confirm_fills", "second") == "finished"
    run_due(desk.context())
    assert desk.names == ["confirm_fills/second", "backup/settled", "daily_report"]


def test_the_decision_is_not_made_after_its_deadline_and_that_is_told_at_once() -> None:
    desk = begun("2024-05-15 15:45:01")
    found = run_due(desk.context())
    assert "decide_and_order" not in desk.names
    assert found.exit_code == ExitCode.BROKER
    assert outcome(desk, "decide_and_order") == "missed"
    (message,) = desk.box.taken
    assert message.urgency.value == "act_now"
    assert "between 2024-05-15 09:00:00 and 2024-05-15 15:45:01" in message.text


def test_what_was_missed_is_told_once() -> None:
    desk = begun("2024-05-15 17:00")
    for _ in range(3):
        run_due(desk.context())
    assert len(desk.box.taken) == 1
    assert run_due(desk.context()).exit_code == 0


def test_a_machine_off_for_two_weeks_sends_one_message_and_repeats_nothing() -> None:
    desk = begun("2024-05-29 10:00")
    found = run_due(desk.context())
    assert len(desk.box.taken) == 1
    assert {run.wake.session for run in found.runs if run.outcome == "missed"} >= {
        date(2024, 5, 15),
        date(2024, 5, 22),
        date(2024, 5, 28),
    }
    # Yesterday's books may still be closed: the deadline is today's rehearsal.
    assert desk.names == ["confirm_fills/second", "backup/settled", "daily_report", "backup/night"]


def test_a_killed_job_is_begun_again_before_its_deadline() -> None:
    desk = begun("2024-05-15 15:39")
    desk.store.runs.start_run("decide_and_order", "", WEDNESDAY, new_york("2024-05-15 15:38"))
    run_due(desk.context())
    assert desk.names == ["decide_and_order"]
    assert outcome(desk, "decide_and_order") == "finished"


def test_a_killed_job_is_reported_after_its_deadline() -> None:
    desk = begun("2024-05-15 15:50")
    desk.store.runs.start_run("decide_and_order", "", WEDNESDAY, new_york("2024-05-15 15:38"))
    run_due(desk.context())
    assert outcome(desk, "decide_and_order") == "missed"
    assert "2024-05-15: decide_and_order: begun, and interrupted" in desk.box.taken[0].text


def test_orders_are_not_watched_while_the_decision_holds_the_lock() -> None:
    desk = begun("2024-05-15 15:47")
    desk.store.held = True
    found = run_due(desk.context())
    assert desk.starts == []
    assert outcome(desk, "watch_orders", "first") == "superseded"
    assert found.exit_code == 0


def test_a_decision_at_work_beyond_its_deadline_is_not_called_missed() -> None:
    desk = begun("2024-05-15 15:47")
    desk.store.runs.start_run("decide_and_order", "", WEDNESDAY, new_york("2024-05-15 15:38"))
    desk.store.held = True
    run_due(desk.context())
    assert outcome(desk, "decide_and_order") is None
    assert desk.box.taken == []


def test_a_job_held_by_another_process_is_left_to_it() -> None:
    desk = begun("2024-05-15 15:39")
    desk.store.held = True
    assert run_due(desk.context()).exit_code == ExitCode.LOCKED
    assert desk.starts == []


def test_a_failed_connection_is_tried_again_after_a_minute_while_there_is_time() -> None:
    desk = begun("2024-05-15 15:38")
    tries: list[int] = []

    def gateway_restarting(session: Session, slot: str) -> RunResult:
        tries.append(1)
        if len(tries) < 3:
            raise BrokerUnavailableError("127.0.0.1:4002 refuses")
        return RunResult()

    desk.answers["decide_and_order"] = gateway_restarting
    codes = []
    for _ in range(6):
        codes.append(run_due(desk.context()).exit_code)
        desk.wall.at += timedelta(seconds=31)
    # 15:38:00 fails, 15:38:31 is too soon, 15:39:02 fails, 15:40:04 succeeds and stays so.
    assert len(tries) == 3
    assert outcome(desk, "decide_and_order") == "finished"
    assert [subject for subject in desk.box.subjects if "decide_and_order" in subject] == [
        "ACTION: decide_and_order of 2024-05-15: broker unreachable or too late"
    ]
    assert codes == [4, 0, 4, 0, 0, 0]


def test_a_failure_that_was_told_is_not_called_missed_later() -> None:
    desk = begun("2024-05-15 15:44:30")

    def unreachable(session: Session, slot: str) -> RunResult:
        raise BrokerUnavailableError("127.0.0.1:4002 refuses")

    desk.answers["decide_and_order"] = unreachable
    run_due(desk.context())
    desk.wall.at = new_york("2024-05-15 16:05")
    run_due(desk.context())
    assert outcome(desk, "decide_and_order") == "failed"
    assert not any("decide_and_order" in message.text for message in desk.box.taken if "missed" in message.subject)


@pytest.mark.parametrize("code", [ExitCode.ORDER, ExitCode.PERSON, ExitCode.HALTED])
def test_what_may_have_sent_something_is_never_tried_again(code: ExitCode) -> None:
    desk = begun("2024-05-15 15:38")
    desk.answers["decide_and_order"] = lambda session, slot: RunResult(
        {"problems": [{"code": 6, "text": "why"}]}, ExitCode(code)
    )
    run_due(desk.context())
    desk.wall.at = new_york("2024-05-15 15:42")
    run_due(desk.context())
    assert desk.names == ["decide_and_order"]


def test_what_was_not_decided_for_want_of_data_is_tried_again_whatever_else_a_person_must_look_at() -> None:
    desk = begun("2024-05-15 15:38")
    problems = [{"code": 6, "text": "the broker holds 36"}, {"code": 3, "text": "no bar"}]
    desk.answers["decide_and_order"] = lambda session, slot: RunResult(
        {"action": "none", "problems": problems}, ExitCode(6)
    )
    run_due(desk.context())
    desk.answers["decide_and_order"] = lambda session, slot: RunResult(
        {"action": "hold", "problems": problems}, ExitCode(6)
    )
    for minute in (40, 42):
        desk.wall.at = new_york(f"2024-05-15 15:{minute}")
        run_due(desk.context())
    assert desk.names == ["decide_and_order"] * 2


def test_a_bug_in_one_job_stops_no_other_and_is_told() -> None:
    desk = begun("2024-05-15 16:50")

    def broken(session: Session, slot: str) -> RunResult:
        raise ZeroDivisionError("oh")

    desk.answers["confirm_fills"] = broken
    found = run_due(desk.context())
    assert found.exit_code == ExitCode.BUG
    assert desk.names == ["confirm_fills/second", "backup/settled", "daily_report"]
    assert any("an error in the program" in subject for subject in desk.box.subjects)


def test_a_clock_that_ran_an_hour_ahead_does_not_cost_the_session() -> None:
    desk = begun("2024-05-15 16:00")  # it is 15:00 in truth
    run_due(desk.context())
    assert outcome(desk, "decide_and_order") == "missed"
    desk.wall.at = new_york("2024-05-15 15:38")
    run_due(desk.context())
    assert "decide_and_order" in desk.names
    assert outcome(desk, "decide_and_order") == "finished"


def test_a_clock_set_back_repeats_nothing() -> None:
    desk = begun("2024-05-15 15:38")
    run_due(desk.context())
    desk.wall.at = new_york("2024-05-15 14:38")
    run_due(desk.context())
    desk.wall.at = new_york("2024-05-15 15:38")
    run_due(desk.context())
    assert desk.names.count("decide_and_order") == 1


def test_missed_decisions_lead_whatever_else_was_missed() -> None:
    """Wednesday's look ahead is missed first; the decisions of three sessions are what may have cost money."""
    desk = begun("2024-05-17 21:00")
    run_due(desk.context())
    (message,) = desk.box.taken
    assert message.subject == "ALERT: missed 3 decisions and more, 2024-05-15 to 2024-05-17"
    first, second, *_ = message.text.splitlines()
    assert first == "3 sessions passed without a decision."
    assert second.startswith("2024-05-15: decide_and_order, ")
    assert message.urgency.value == "act_now"


def test_a_replayed_session_is_named_by_its_own_day_and_a_filled_order_is_not_offered_for_cancel() -> None:
    """On 15 May the clock plays the session of 10 May; its order has met the auction already."""
    desk = begun("2024-05-15 15:38")
    order = {"id": "m", "ref": "m-1", "symbol": "MTUM", "side": "BUY", "shares": 24, "type": "MOC", "status": "FILLED"}
    problems = [{"code": 5, "text": "why"}]
    document = {"session": "2024-05-10", "orders": [order], "problems": problems}
    desk.answers["decide_and_order"] = lambda session, slot: RunResult(document, ExitCode.ORDER)
    run_due(desk.context())
    (told,) = (message for message in desk.box.taken if message.subject.startswith("ORDER"))
    (alarm,) = (message for message in desk.box.taken if message.subject.startswith("ACTION"))
    assert told.subject == "ORDER: BUY 24 MTUM for 2024-05-10"
    assert "BUY 24 MTUM MOC was filled (m-1)." in told.text
    assert "cancel" not in told.text
    assert alarm.subject == "ACTION: decide_and_order of 2024-05-10: an order was refused or fell short"


def test_an_accepted_order_is_told_with_its_reason_its_price_and_how_to_cancel_it() -> None:
    desk = begun("2024-05-15 15:38")
    order = {"id": "m240515-ABC", "ref": "m240515-ABC-1", "symbol": "MTUM", "side": "BUY", "shares": 24}
    document = {
        "orders": [{**order, "type": "MOC", "status": "ACCEPTED"}],
        "indicators": {"close": 201.5},
        "reasons": ["close_above_ma", "vix_calm"],
    }
    desk.answers["decide_and_order"] = lambda session, slot: RunResult(document, ExitCode.DONE)
    run_due(desk.context())
    told = next(message for message in desk.box.taken if message.urgency.value == "order_sent")
    assert told.subject == "ORDER: BUY 24 MTUM for 2024-05-15"
    assert "Reason: close_above_ma, vix_calm." in told.text
    assert "201.50 USD" in told.text
    assert "canceled until 15:50 New York: mtum cancel m240515-ABC" in told.text


def test_the_dead_man_hears_of_the_decision_and_of_days_without_a_session() -> None:
    desk = begun("2024-05-15 15:38")
    run_due(desk.context())
    assert desk.watcher.told == [
        ("start", "decide_and_order 2024-05-15", None),
        ("end", "decide_and_order 2024-05-15", 0),
    ]
    desk.wall.at = new_york("2024-05-27 16:30")  # Memorial Day
    run_due(desk.context())
    run_due(desk.context())
    assert desk.watcher.told[2:] == [("end", "closed 2024-05-27", 0)]


def test_messages_leave_before_a_service_that_may_not_answer_is_called() -> None:
    desk = begun("2024-05-15 15:38")

    def unreachable(session: Session, slot: str) -> RunResult:
        raise BrokerUnavailableError("no gateway")

    desk.answers["decide_and_order"] = unreachable
    taken_by_then: list[str] = []
    tell = desk.watcher.ended

    def ended(run: str, exit_code: int, text: str) -> bool:
        taken_by_then.extend(desk.box.subjects)
        return tell(run, exit_code, text)

    desk.watcher.ended = ended  # type: ignore[method-assign]
    run_due(desk.context())
    assert "ACTION: decide_and_order of 2024-05-15: broker unreachable or too late" in taken_by_then
    assert desk.watcher.told[-1] == ("end", "decide_and_order 2024-05-15", 4)


def test_what_was_missed_is_told_before_the_next_job_but_not_before_a_decision() -> None:
    """At 15:55 the decision is missed and a look at the orders is due; at 15:40 the refresh is missed."""
    for at, job, told in (("15:55", "watch_orders", 1), ("15:40", "decide_and_order", 0)):
        desk = begun(f"2024-05-15 {at}")
        seen: list[int] = []
        desk.answers[job] = lambda session, slot, desk=desk, seen=seen: seen.append(len(desk.box.taken)) or RunResult()  # type: ignore[misc]
        run_due(desk.context())
        assert seen == [told], job
        assert len(desk.box.taken) == 1


def test_a_message_that_cannot_leave_is_exit_8_and_leaves_later_once() -> None:
    desk = begun("2024-05-15 15:50")
    desk.box.broken = "no route"
    assert run_due(desk.context()).exit_code == ExitCode.BROKER
    assert run_due(desk.context()).exit_code == ExitCode.NOTIFY
    desk.box.broken = ""
    for _ in range(3):
        assert run_due(desk.context()).exit_code == 0
    assert len(desk.box.taken) == 1


def test_another_channel_tells_that_the_first_is_broken_once_a_day() -> None:
    desk = begun("2024-05-15 15:50")
    telephone = Box("phone")
    desk.boxes.append(telephone)
    desk.box.broken = "no route"
    for _ in range(3):
        run_due(desk.context())
    assert telephone.subjects == [
        "ALERT: missed decide_and_order and more, 2024-05-15",
        "ACTION: no messages reach mail",
    ]
    assert desk.box.taken == []
