"""Option orders from plan to proof: offered, improved, replaced, canceled, each once, with what went wrong told."""

from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from mtum.app.options.manage_options import manage_options
from mtum.core.options.ladder import Envelope
from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.errors import ExitCode
from mtum.ports.broker import Denied, NoAnswer, Rejected
from support.option_days import Day
from support.option_orders import DAY, SESSION, call, net, put
from support.option_store import planned
from support.small_option_exchange import Exchange
from support.store import opened
from support.values import replace

P95, P90, C105 = put(95), put(90), call(105)
SIDES = {P95.con_id: (1.00, 1.30), P90.con_id: (0.40, 0.50), C105.con_id: (0.90, 1.00)}
# The put's mid is 1.15; the far side is 1.00, so each step gives 0.05 up.
LADDER = ["place 1 1 -1.15", "change 1 -1.10", "change 1 -1.05", "cancel 1"]
WIDE = Envelope(net("-1.15"), net("-0.50"))


def day(folder: Path, **exchange: object) -> Day:
    found = Day(folder)
    found.keep(Exchange(**{"sides": SIDES, **exchange}))  # type: ignore[arg-type]
    return found


def codes(problems: object) -> list[ExitCode]:
    return [one.exit_code for one in problems]  # type: ignore[attr-defined]


def test_a_single_leg_is_offered_at_the_mid_improved_in_place_twice_and_canceled(tmp_path: Path) -> None:
    one = day(tmp_path)
    one.plan(planned(envelope=WIDE))
    problems = one.manage()
    assert one.exchange.log == LADDER
    (state,) = one.states()
    assert (state.status, state.filled, [str(price) for price in state.attempts[0].prices]) == (
        OrderStatus.CANCELED,
        0,
        ["-1.15", "-1.1", "-1.05"],
    )
    assert codes(problems) == [ExitCode.ORDER]
    assert "0 of 1 filled" in problems[0].text


def test_a_step_that_changes_no_price_counts_all_the_same(tmp_path: Path) -> None:
    # Mid 1.15 and a half spread of 0.01: a third further is 1.15 again, rounded in our favor, two thirds are 1.14.
    one = day(tmp_path, sides={P95.con_id: (1.14, 1.16)}, takes=[(Decimal("-1.14"), 1)])
    one.plan(planned(envelope=WIDE))
    assert one.manage() == ()
    assert one.exchange.log == ["place 1 1 -1.15", "change 1 -1.14"]


def test_a_filled_order_is_booked_by_its_legs_and_says_nothing(tmp_path: Path) -> None:
    one = day(tmp_path, takes=[(Decimal("-1.10"), 1)])
    one.plan(planned(envelope=WIDE))
    assert one.manage() == ()
    assert one.exchange.log == LADDER[:2]
    assert one.held() == {P95: -1} == one.exchange.positions


def test_a_combination_is_never_changed_but_canceled_proven_and_replaced(tmp_path: Path) -> None:
    # Sold at 1.15 less 0.45 paid: net -0.70 at the mid, -0.50 at the far side.
    spread = planned((Side.SELL, P95), (Side.BUY, P90), quantity=3, envelope=Envelope(net("-0.70"), net("-0.50")))
    one = day(tmp_path, takes=[(Decimal("-0.64"), 1), (Decimal("-0.57"), 1)])
    one.plan(spread)
    problems = one.manage()
    # One of three fills at the second offer: the third offers the two that are left.
    assert one.exchange.log == [
        "place 1 3 -0.7",
        "cancel 1",
        "place 2 3 -0.64",
        "cancel 2",
        "place 3 2 -0.56",
        "cancel 3",
    ]
    assert one.held() == {P95: -2, P90: 2} == one.exchange.positions
    assert "2 of 3 filled" in problems[0].text


def test_an_opening_waits_until_the_closing_in_its_underlying_has_ended(tmp_path: Path) -> None:
    one = day(tmp_path, positions={C105: -1}, takes=[(Decimal("0.96"), 1), (Decimal("-1.15"), 1)])
    buy_back = planned(
        (Side.BUY, C105), purpose=OptionPurpose.CLOSE, group="g0", envelope=Envelope(net("0.95"), None, True)
    )
    # Committed in the wrong order on purpose.
    one.plan(planned(envelope=WIDE), buy_back)
    assert one.manage() == ()
    # The opening begins at the mid, however late.
    assert one.exchange.log == ["place 1 1 0.95", "change 1 0.96", "place 1 1 -1.15"]


def test_an_opening_is_never_sent_where_the_closing_did_not_end(tmp_path: Path) -> None:
    one = day(tmp_path, positions={C105: -1})
    buy_back = planned((Side.BUY, C105), purpose=OptionPurpose.CLOSE, group="g0", envelope=Envelope(net("0.95"), None))
    one.plan(buy_back, planned(envelope=WIDE))
    problems = one.manage()
    assert not any("-1.15" in line for line in one.exchange.log)
    assert "did not end in time" in problems[1].text


def test_what_must_be_closed_in_its_last_days_takes_the_far_side_from_the_first_offer_on(tmp_path: Path) -> None:
    soon = call(105, expiry=DAY + timedelta(days=3))
    one = day(tmp_path, sides={soon.con_id: (0.90, 1.00)}, positions={soon: -1}, takes=[(Decimal("1.00"), 1)])
    one.plan(planned((Side.BUY, soon), purpose=OptionPurpose.CLOSE, envelope=Envelope(net("0.95"), net("0.96"))))
    assert one.manage() == ()
    assert one.exchange.log == ["place 1 1 1.00"]


def test_a_run_that_starts_late_sends_nothing_and_cancels_what_works(tmp_path: Path) -> None:
    one = day(tmp_path)
    one.plan(
        planned(envelope=WIDE), planned((Side.SELL, C105), group="g2", envelope=Envelope(net("-0.95"), net("-0.9")))
    )
    step = index_of("option_acknowledged", one)
    assert one.killed(step)
    problems = one.manage(SESSION.before_close(14.9))
    assert one.exchange.log == ["place 1 1 -1.15", "cancel 1"]
    assert [state.status for state in one.states()] == [OrderStatus.CANCELED, OrderStatus.LAPSED]
    assert codes(problems) == [ExitCode.ORDER, ExitCode.BROKER]


def index_of(step: str, of: Day) -> int:
    """The number of the first step of this name, found in a copy."""
    copied = Day(of.folder / "copy")
    copied.folder.mkdir()
    for file in of.folder.glob("*.*"):
        (copied.folder / file.name).write_bytes(file.read_bytes())
    return copied.steps().index(step)


def test_an_order_without_an_answer_is_found_in_the_lists(tmp_path: Path) -> None:
    one = day(tmp_path, mute=True, takes=[(Decimal("-1.15"), 1)])
    one.plan(planned(envelope=WIDE))
    assert one.manage() == ()
    assert one.held() == {P95: -1}


def test_an_order_that_no_list_shows_is_unknown_and_never_sent_again(tmp_path: Path) -> None:
    one = day(tmp_path, answers=[NoAnswer("the line was cut")])
    one.plan(planned(envelope=WIDE))
    problems = one.manage()
    assert codes(problems) == [ExitCode.PERSON]
    assert "unknown at the broker" in problems[0].text
    assert "mtum reconcile" in problems[0].text
    assert [state.live.status for state in one.states()] == [OrderStatus.UNKNOWN]
    assert one.manage(SESSION.before_close(10)) != ()
    assert not one.exchange.orders


def test_a_refusal_of_our_own_gate_is_tried_again_at_the_next_step_and_the_brokers_is_not(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
    denied = day(tmp_path / "a", answers=[Denied("quotes", "bid None")])
    rejected = day(tmp_path / "b", answers=[Rejected(201, "no trading permission")])
    for one in (denied, rejected):
        one.plan(planned(envelope=WIDE))
    assert codes(denied.manage()) == [ExitCode.ORDER]
    assert denied.exchange.log[1:] == ["place 2 1 -1.15", "change 2 -1.05", "cancel 2"]
    (problem,) = rejected.manage()
    assert "201 no trading permission" in problem.text
    assert len(rejected.exchange.log) == 1


def test_a_halt_lets_closings_through_and_nothing_else(tmp_path: Path) -> None:
    one = day(tmp_path, positions={C105: -1}, takes=[(Decimal("0.95"), 1)])
    buy_back = planned((Side.BUY, C105), purpose=OptionPurpose.CLOSE, group="g0", envelope=Envelope(net("0.95"), None))
    one.plan(buy_back, planned(envelope=WIDE, underlying="SPY"))
    with closing(opened(tmp_path)) as store:
        store.control.halt(Restriction.REDUCE_ONLY, "enough", "person", SESSION.before_close(20))
    problems = one.manage()
    assert one.exchange.log == ["place 1 1 0.95"]
    assert codes(problems) == [ExitCode.HALTED]


def test_what_needs_an_approval_is_sent_once_it_is_given(tmp_path: Path) -> None:
    one = day(tmp_path, takes=[(Decimal("-1.15"), 1)])
    one.plan(planned(envelope=WIDE))
    with one.desk(require_confirmation=True) as desk:
        (problem,) = manage_options(desk, SESSION)
    assert problem.exit_code is ExitCode.HALTED
    assert "mtum approve" in problem.text
    assert not one.exchange.log


def test_what_cannot_be_canceled_is_unknown_and_a_persons(tmp_path: Path) -> None:
    one = day(tmp_path, stuck=True)
    one.plan(planned(envelope=WIDE))
    (problem,) = one.manage()
    assert problem.exit_code is ExitCode.PERSON
    assert [state.live.status for state in one.states()] == [OrderStatus.UNKNOWN]
    # It is adopted again as soon as a list shows what became of it.
    later = one.exchange
    next(iter(later.orders.values())).status = OrderStatus.CANCELED
    one.keep(later)
    assert codes(one.manage(SESSION.before_close(2))) == [ExitCode.ORDER]


def test_a_broker_that_is_away_leaves_nothing_sent_and_says_so(tmp_path: Path) -> None:
    one = day(tmp_path, down=True)
    one.plan(planned(envelope=WIDE))
    (problem,) = one.manage()
    assert (problem.exit_code, one.exchange.log) == (ExitCode.BROKER, [])


def test_uneven_legs_are_never_taken_for_a_fill_and_nothing_is_sent_in_their_place(tmp_path: Path) -> None:
    spread = planned((Side.SELL, P95), (Side.BUY, P90), envelope=Envelope(net("-0.70"), net("-0.50")))
    one = day(tmp_path, takes=[(Decimal("-0.70"), 1)])
    one.plan(spread)
    broken = index_of("exchange_placed", one)
    assert one.killed(broken)
    state = one.exchange
    state.fills = [fill for fill in state.fills if fill.contract != P90]
    next(iter(state.orders.values())).status = OrderStatus.CANCELED
    one.keep(state)
    (problem,) = one.manage()
    assert problem.exit_code is ExitCode.PERSON
    assert "filled unevenly" in problem.text
    assert len(one.exchange.orders) == 1


@pytest.mark.parametrize("legs", [1, 2])
@pytest.mark.parametrize("step", [1, 2])
def test_a_kill_at_the_first_offer_never_makes_two_of_it(tmp_path: Path, legs: int, step: int) -> None:
    killed_and_checked(tmp_path, legs, step)


@pytest.mark.full
@pytest.mark.parametrize("legs", [1, 2])
@pytest.mark.parametrize("takes", ["nothing", "a part", "all"])
@pytest.mark.parametrize("step", range(3, 24))
def test_a_kill_at_any_later_step_never_makes_two_offers_live(tmp_path: Path, legs: int, takes: str, step: int) -> None:
    killed_and_checked(tmp_path, legs, step, takes)


def killed_and_checked(folder: Path, legs: int, step: int, takes: str = "a part") -> None:
    prices = [Decimal("-1.15"), Decimal("-1.10"), Decimal("-1.05")]
    if legs == 2:
        prices = [Decimal("-0.70"), Decimal("-0.64"), Decimal("-0.57")]
    taken = {"nothing": [], "a part": [(prices[1], 1), (prices[2], 1)], "all": [(prices[0], 1), (prices[2], 2)]}[takes]
    one = day(folder, takes=taken)
    parts = [(Side.SELL, P95), (Side.BUY, P90)][:legs]
    one.plan(planned(*parts, quantity=3, envelope=Envelope(net(str(prices[0])), net("-0.50"))))
    one.killed(step)
    again = one.exchange.now + timedelta(seconds=30)
    problems = one.manage(again)
    (state,) = one.states()
    exchange = one.exchange
    # The books are the exchange's, nothing works, and no more was filled than wanted.
    assert one.held() == {contract: number for contract, number in exchange.positions.items() if number}
    assert sum(order.filled for order in exchange.orders.values()) <= 3
    assert not any(order.status.working for order in exchange.orders.values())
    filled = sum(order.filled for order in exchange.orders.values())
    assert state.filled == filled
    if filled == 3:
        assert problems == ()
    else:
        assert problems
    if state.live is not None:
        assert state.live.status is OrderStatus.UNKNOWN
        assert codes(problems) == [ExitCode.PERSON]
    assert replace(state.intent, quantity=3) == state.intent


def test_nothing_takes_the_place_of_an_offer_that_filled_while_it_was_canceled(tmp_path: Path) -> None:
    # One of two fills as it is canceled, and its executions are not listed yet: the positions alone tell.
    spread = planned((Side.SELL, P95), (Side.BUY, P90), quantity=2, envelope=Envelope(net("-0.70"), net("-0.50")))
    one = day(tmp_path, crossing=1)
    one.plan(spread)
    (problem,) = one.manage()
    assert one.exchange.log == ["place 1 2 -0.7", "cancel 1"]
    assert problem.exit_code is ExitCode.PERSON
    assert "no listed execution explains" in problem.text
