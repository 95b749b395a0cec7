"""After the close: orders in options end for good, late executions and fees are booked, and what differs is asked."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from mtum.app.options.option_events import option_events
from mtum.app.options.settle_options import settle_options
from mtum.core.options.ladder import Envelope
from mtum.core.portfolio.orders import OrderStatus
from mtum.errors import ExitCode
from mtum.ports.broker import NoAnswer
from support.bars import full_session
from support.option_days import Day
from support.option_orders import DAY, SESSION, net, put
from support.option_store import planned
from support.small_option_exchange import Exchange
from support.values import replace

P95 = put(95)
SIDES = {P95.con_id: (1.00, 1.30)}
WIDE = Envelope(net("-1.15"), net("-0.50"))
# The calendar of these tests closes at 21:00.
CLOSED = full_session(DAY).close + timedelta(minutes=15)


def day(folder: Path, **exchange: object) -> Day:
    one = Day(folder)
    one.keep(Exchange(**{"sides": SIDES, **exchange}))  # type: ignore[arg-type]
    one.plan(planned(envelope=WIDE))
    return one


def test_an_order_in_doubt_lapses_once_its_session_is_over_and_the_positions_are_as_without_it(tmp_path: Path) -> None:
    one = day(tmp_path, answers=[NoAnswer("the line was cut")])
    assert [problem.exit_code for problem in one.manage()] == [ExitCode.PERSON]
    with one.desk(at=CLOSED) as desk:
        _, problems = settle_options(desk, SESSION)
        assert [state.status for state in desk.store.options.states(DAY)] == [OrderStatus.LAPSED]
        assert [problem.exit_code for problem in problems] == [ExitCode.ORDER]


def test_a_position_that_no_execution_explains_keeps_the_order_in_doubt(tmp_path: Path) -> None:
    one = day(tmp_path, answers=[NoAnswer("the line was cut")])
    one.manage()
    one.keep(replace(one.exchange, positions={P95: -1}))
    with one.desk(at=CLOSED) as desk:
        _, problems = settle_options(desk, SESSION)
        assert {problem.exit_code for problem in problems} == {ExitCode.PERSON}
        assert "SPY 2026-08-21 95 put: -1" in problems[0].text
        assert [state.live is None for state in desk.store.options.states(DAY)] == [False]


def test_an_execution_that_is_listed_late_is_booked_with_its_fee(tmp_path: Path) -> None:
    one = day(tmp_path, takes=[(Decimal("-1.15"), 1)])
    one.manage()
    late = one.exchange
    late.fills = [replace(fill, fee_usd=Decimal("0.65")) for fill in late.fills]
    one.keep(late)
    with one.desk(at=CLOSED) as desk:
        _, problems = settle_options(desk, SESSION)
        assert problems == ()
        # 115 received, less the fee.
        assert desk.store.options.book().cash_usd == Decimal("114.35")


def test_an_order_that_still_works_after_its_close_is_canceled_and_told(tmp_path: Path) -> None:
    one = day(tmp_path, stuck=True)
    one.manage()
    one.keep(replace(one.exchange, stuck=False))
    with one.desk(at=CLOSED) as desk:
        _, problems = settle_options(desk, SESSION)
    assert "it was canceled" in problems[0].text
    assert problems[0].exit_code is ExitCode.PERSON


def test_the_second_look_of_a_morning_asks_nobody_where_the_first_left_nothing_open(tmp_path: Path) -> None:
    one = day(tmp_path)
    with one.desk(at=SESSION.open) as desk:
        first = desk.store.runs.start_run("option_events", "first", DAY, desk.clock.now())
        found = option_events(desk, SESSION, "first")
        assert (found.document["undecided"], found.exit_code) == ([], ExitCode.DONE)
        desk.store.runs.finish_run(first, desk.clock.now(), "finished", 0, found.document)
    one.keep(replace(one.exchange, down=True))
    with one.desk(at=SESSION.open) as desk:
        assert "note" in option_events(desk, SESSION, "second").document
        # The first look itself does need the broker, and says so.
        assert option_events(desk, SESSION, "first").exit_code is ExitCode.BROKER
