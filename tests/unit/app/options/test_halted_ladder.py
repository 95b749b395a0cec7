"""A halt while orders in options work: what opens is canceled and proven gone at once, what closes goes on."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from mtum.app.desk import Problem
from mtum.app.options.manage_options import manage_options
from mtum.core.options.ladder import Envelope
from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.errors import ExitCode
from support.option_days import Day
from support.option_orders import SESSION, call, net, put
from support.option_store import planned
from support.small_option_exchange import Exchange
from support.store import opened

P95, P90, C105 = put(95), put(90), call(105)
SIDES = {P95.con_id: (1.00, 1.30), P90.con_id: (0.40, 0.50), C105.con_id: (0.90, 1.00)}
OPENING = planned(envelope=Envelope(net("-1.15"), net("-0.50")))
BUY_BACK = planned(
    (Side.BUY, C105),
    purpose=OptionPurpose.CLOSE,
    underlying="QQQ",
    group="g9",
    envelope=Envelope(net("0.95"), None, True),
)
SPREAD_BACK = planned(
    (Side.BUY, P95),
    (Side.SELL, P90),
    purpose=OptionPurpose.CLOSE,
    underlying="IWM",
    group="g8",
    envelope=Envelope(net("0.70"), None, True),
)
ROLL = planned(
    (Side.BUY, P95), (Side.SELL, P90), purpose=OptionPurpose.ROLL, group="g8", envelope=Envelope(net("0.70"), net("2"))
)


def day(folder: Path) -> Day:
    found = Day(folder)
    found.keep(Exchange(sides=SIDES, positions={C105: -1, P95: -1, P90: 1}))
    return found


def halted_after_the_first_offers(
    one: Day, restriction: Restriction, by: str = "person", sleeve: str | None = None
) -> list[Problem]:
    """Manage the session; the halt comes into force beside the run, once the first offers work."""
    with one.desk() as desk:

        def beside() -> tuple[()]:
            if not desk.store.control.halts(in_force=True):
                desk.store.control.halt(restriction, "enough", by, desk.clock.now(), sleeve)
            return ()

        return list(manage_options(desk, SESSION, beside))


@pytest.mark.parametrize(
    ("by", "sleeve"), [("person", None), ("max_drawdown_frac", None), ("person", OPENING.strategy)]
)
def test_an_opening_at_work_is_canceled_with_the_next_look_and_a_closing_goes_on(
    tmp_path: Path, by: str, sleeve: str | None
) -> None:
    one = day(tmp_path)
    one.plan(OPENING, BUY_BACK)
    problems = halted_after_the_first_offers(one, Restriction.REDUCE_ONLY, by, sleeve)
    # The closing goes on to the far side; the opening is gone before the next step of the ladder.
    first, rest = ["place 1 1 0.95", "place 1 1 -1.15", "cancel 1"], ["change 1 0.96", "change 1 1.00", "cancel 1"]
    assert one.exchange.log == [*first, *rest]
    (opening,) = [state for state in one.states() if state.intent.purpose is OptionPurpose.OPEN]
    assert opening.status is OrderStatus.CANCELED
    (told,) = [problem for problem in problems if OPENING.id in problem.text]
    assert told.exit_code is ExitCode.HALTED
    assert "0 of 1 filled: halted (reduce_only)" in told.text


def test_a_full_halt_cancels_openings_and_rolls_and_leaves_a_closing_at_its_price(tmp_path: Path) -> None:
    one = day(tmp_path)
    one.plan(OPENING, SPREAD_BACK, BUY_BACK)
    problems = halted_after_the_first_offers(one, Restriction.FULL)
    # Nothing is sent, so a combination is not canceled for a better price either: it works until C-5.
    placed = ["place 1 1 0.7", "place 1 1 0.95", "place 1 1 -1.15"]
    assert one.exchange.log == [*placed, "cancel 1", "cancel 1", "cancel 1"]
    assert one.exchange.now >= SESSION.before_close(5)
    assert ExitCode.HALTED in {problem.exit_code for problem in problems}


def test_a_roll_at_work_is_canceled_by_a_halt_of_openings(tmp_path: Path) -> None:
    one = day(tmp_path)
    one.plan(ROLL)
    (problem,) = halted_after_the_first_offers(one, Restriction.REDUCE_ONLY)
    assert one.exchange.log == ["place 1 1 0.7", "cancel 1"]
    assert problem.exit_code is ExitCode.HALTED


@pytest.mark.parametrize("step", ["option_acknowledged", "option_canceling", "exchange_canceled", "option_canceled"])
def test_a_run_killed_between_halt_and_proof_is_followed_by_one_that_proves(tmp_path: Path, step: str) -> None:
    one = day(tmp_path)
    one.plan(OPENING)
    assert one.killed(named(one, "option_acknowledged"))
    with closing(opened(tmp_path)) as store:
        store.control.halt(Restriction.REDUCE_ONLY, "enough", "person", SESSION.before_close(17))
    if step != "option_acknowledged":
        assert one.killed(named(one, step))
    problems = one.manage(one.exchange.now + timedelta(seconds=30))
    assert one.exchange.log == ["place 1 1 -1.15", "cancel 1"]
    assert [state.status for state in one.states()] == [OrderStatus.CANCELED]
    # Where the broker's lists alone tell that it is gone, they do not tell why.
    by_lists = step in ("exchange_canceled", "option_canceled")
    assert [problem.exit_code for problem in problems] == [ExitCode.ORDER if by_lists else ExitCode.HALTED]


def named(of: Day, step: str) -> int:
    """The number of the first step of this name, found in a copy."""
    copied = Day(of.folder / step)
    copied.folder.mkdir()
    for file in of.folder.glob("*.*"):
        (copied.folder / file.name).write_bytes(file.read_bytes())
    return copied.steps().index(step)
