"""The window's time budget crossed with a slow step: decided and sent in time, or nothing is sent."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mtum.app.desk import Desk
from mtum.app.service.notices import outcome_notices
from mtum.app.service.schedule import Wake
from mtum.app.session.decide_and_order import decide_and_order
from mtum.core.market.sessions import Session
from mtum.errors import ExitCode
from mtum.ports.messages import Urgency
from mtum.ports.time import Clock
from support.practice import desk_in, exchange_in
from support.values import replace


@dataclass
class Slow:
    """A service one of whose calls takes its time, once."""

    real: Any
    method: str
    delay: timedelta
    clock: Clock
    done: bool = False

    def __getattr__(self, name: str) -> Any:
        answer = getattr(self.real, name)
        if name != self.method or self.done:
            return answer

        def late(*given: object, **named: object) -> Any:
            self.done = True
            self.clock.wait_until(self.clock.now() + self.delay)
            return answer(*given, **named)

        return late


def slow_broker(method: str) -> Callable[[Desk, timedelta], Desk]:
    return lambda desk, delay: replace(desk, broker=Slow(desk.broker, method, delay, desk.clock))


def slow_source(method: str) -> Callable[[Desk, timedelta], Desk]:
    return lambda desk, delay: replace(desk, source=Slow(desk.source, method, delay, desk.clock))


STEPS = {
    "connecting": slow_broker("connect"),
    "the broker's lists": slow_broker("lists"),
    "history": slow_source("history"),
    "the quote": slow_source("quote"),
    "the VIX": slow_source("series"),
}
# Snapshot C-20, data by C-17:30, decision by C-17, last send C-15; connecting begins at C-22.
DELAYS_MINUTES = (0.5, 1.9, 2.4, 2.6, 3.1, 4.4, 4.6, 5.1, 7.1, 12.0)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("minutes", DELAYS_MINUTES)
def test_a_slow_step_ends_in_an_order_in_time_or_in_none_at_all(tmp_path: Path, step: str, minutes: float) -> None:
    with desk_in(tmp_path) as replay:
        session = replay.upcoming()
        assert session is not None
        desk = STEPS[step](replay.desk, timedelta(minutes=minutes))
        result = decide_and_order(desk, session)
        (run,) = desk.store.runs.runs_between(session.day, session.day)
        sent = [state.submitted_at for state in desk.store.orders.states(session.day) if state.submitted_at]
    ordered = bool(exchange_in(tmp_path).orders)
    assert ordered == bool(sent)
    if ordered:
        assert result.exit_code == ExitCode.DONE
        assert run.steps["decided"] <= session.before_close(17)
        assert max(sent) <= session.before_close(15)
    else:
        # Whatever was slow, bars and VIX were not there by C-17:30.
        assert result.exit_code == ExitCode.DATA, result.document["problems"]
        (message,) = outcome_notices(wake_of(session), session, result.document, result.exit_code)
        assert message.urgency is Urgency.ACT_NOW
    # Before the snapshot there are two minutes to spare, after it two and a half for the data.
    early = step in ("connecting", "the broker's lists", "history")
    assert ordered == (minutes <= (4.5 if early else 2.5))


def wake_of(session: Session) -> Wake:
    return Wake(session.before_close(22), "decide_and_order", "", session.day, session.before_close(15))


@pytest.mark.parametrize(("minutes", "goes"), [(2.9, True), (5.1, False)])
def test_lists_that_answer_late_before_the_send_stop_it_at_the_last_moment(
    tmp_path: Path, minutes: float, goes: bool
) -> None:
    """The lists are asked twice: for the book at C-22, and again right before an order is sent."""
    with desk_in(tmp_path) as replay:
        session = replay.upcoming()
        assert session is not None
        clock = replay.desk.clock
        slow = Slow(replay.desk.broker, "session_hours", timedelta(0), clock)
        asked: list[int] = []
        real = replay.desk.broker.lists

        def lists() -> object:
            asked.append(1)
            if len(asked) == 2:
                clock.wait_until(clock.now() + timedelta(minutes=minutes))
            return real()

        broker = Slow(slow, "", timedelta(0), clock)
        broker.lists = lists  # type: ignore[attr-defined]
        result = decide_and_order(replace(replay.desk, broker=broker), session)
    assert bool(exchange_in(tmp_path).orders) == goes
    assert result.exit_code == (ExitCode.DONE if goes else ExitCode.BROKER)
