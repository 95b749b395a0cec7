"""When a rejected exit may be sold by a market order, and when it is for a person."""

from datetime import date
from pathlib import Path

import pytest

from mtum.app.desk import Desk
from mtum.app.session.exit_fallback import exit_fallback
from mtum.core.portfolio.orders import OrderStatus, OrderType, Purpose, Side
from mtum.errors import ExitCode
from mtum.ports.broker import BrokerLists
from mtum.ports.records import Observed
from support.fakes import SENT_AT, SESSION, FakeBroker, executed, fake_desk, listed, shown
from support.store import MONDAY, fill, intent

EARLIER = date(2018, 11, 30)
ENTRY = intent(EARLIER)
EXIT = intent(side=Side.SELL)
GONE = shown(held="19")
"""The broker lists nothing of the exit and holds the shares."""
DEAD = shown(listed(EXIT, OrderStatus.REJECTED), held="19")


def rejected(desk: Desk, code: str = "201") -> None:
    """Hold 19 shares, and an exit of all of them that the broker refused."""
    desk.store.orders.add_intent(ENTRY, SENT_AT)
    desk.store.orders.move_order(ENTRY.id, OrderStatus.FILLED, SENT_AT, Observed(filled=19))
    desk.store.orders.add_fills([fill(ENTRY, "1.01", 19, "100", "1")])
    desk.store.orders.add_intent(EXIT, SENT_AT)
    desk.store.orders.claim_order(EXIT.id, SENT_AT)
    desk.store.orders.move_order(EXIT.id, OrderStatus.REJECTED, SENT_AT, Observed(code=code, text="no"))


def told(folder: Path, broker: FakeBroker, *, code: str = "201") -> str:
    """What a person is told; "" where the market order was sent."""
    with fake_desk(folder, broker, SESSION.before_close(14), risk__exit_fallback="market") as desk:
        rejected(desk, code)
        problems = exit_fallback(desk, SESSION)
        if not broker.sent:
            assert [problem.exit_code for problem in problems] == [ExitCode.PERSON]
            return problems[0].text
        (ticket,) = broker.sent
        assert (ticket.side, ticket.order_type, ticket.shares) == (Side.SELL, OrderType.MARKET, 19)
        assert any(state.intent.purpose is Purpose.FALLBACK for state in desk.store.orders.states(MONDAY))
        return ""


@pytest.mark.parametrize("lists", [GONE, DEAD])
def test_an_exit_rejected_by_a_code_and_dead_in_two_lists_is_sold_by_a_market_order(
    tmp_path: Path, lists: BrokerLists
) -> None:
    assert told(tmp_path, FakeBroker([lists])) == ""


BY_HAND = listed(EXIT, ref="by hand", broker_id="77", shares=1)


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (shown(listed(EXIT, OrderStatus.REJECTED, inactive=True), held="19"), "it is still listed as open"),
        (shown(listed(EXIT), held="19"), "it is still listed as open"),
        (shown(listed(EXIT, OrderStatus.FILLED, 19), held="0"), "the broker lists it as FILLED"),
        (shown(fills=[executed(EXIT, "8.01", 19, "105")], held="19"), "there are executions of it"),
        (shown(BY_HAND, held="19"), "another order in MTUM is open"),
        (shown(held="18"), "the broker's position is not what our records say"),
        (shown(held="20"), "the broker's position is not what our records say"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_whatever_else_one_of_the_two_lists_shows_is_for_a_person(
    tmp_path: Path, second: BrokerLists, why: str, *, first: bool
) -> None:
    script = [second, GONE] if first else [GONE, second]
    assert why in told(tmp_path, FakeBroker([*script]))


def test_a_rejection_by_a_word_alone_is_for_a_person(tmp_path: Path) -> None:
    assert "told no code" in told(tmp_path, FakeBroker([DEAD]), code="")


def test_too_near_the_close_it_is_for_a_person(tmp_path: Path) -> None:
    broker = FakeBroker([GONE])
    # Five seconds between the two lists, and the last moment five seconds before three minutes.
    with fake_desk(tmp_path, broker, SESSION.before_close(3.15), risk__exit_fallback="market") as desk:
        rejected(desk)
        (problem,) = exit_fallback(desk, SESSION)
        assert "it is too late for one" in problem.text
        assert broker.sent == []


def test_without_the_owners_wish_nothing_is_asked(tmp_path: Path) -> None:
    broker = FakeBroker([GONE])
    with fake_desk(tmp_path, broker) as desk:
        rejected(desk)
        assert (exit_fallback(desk, SESSION), broker.asked) == ((), 0)
