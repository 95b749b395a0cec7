"""The in-process broker: orders, auction, account and its own file, worked out by hand."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from mtum.adapters.brokers import simulated
from mtum.adapters.brokers.simulated import SimulatedBroker, move_cash, practice_account
from mtum.adapters.clock import ReplayClock
from mtum.core.market.instruments import InstrumentId
from mtum.core.market.sessions import Session
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.orders import Leg, OrderStatus, OrderType, Side, Ticket
from mtum.core.simulation.account_book import CorporateAction
from mtum.core.simulation.admission import ExchangeRules
from mtum.core.simulation.exchange_codec import from_bytes, opened
from mtum.errors import BrokerUnavailableError
from mtum.ports.broker import Accepted, Denied, Rejected
from support.bars import full_session, weekday_sessions
from support.values import replace

D = Decimal
MON = full_session(date(2018, 12, 3))
WEEK = weekday_sessions(date(2018, 12, 3), 5)
FIRST = practice_account("DUP1", "cash", D(5000))


@dataclass
class Shop:
    """A market with one price per session and what happens in the mornings."""

    prices: dict[date, str] = field(default_factory=lambda: {session.day: "100" for session in WEEK})
    happens: dict[date, CorporateAction] = field(default_factory=dict)
    asked: list[date] = field(default_factory=list)

    def session_at(self, now: datetime) -> Session:
        return [session for session in WEEK if session.open <= now][-1]

    def sessions_between(self, after: date, until: date) -> tuple[Session, ...]:
        self.asked.append(after)
        return WEEK.between(after + timedelta(days=1), until) if after < until else ()

    def price(self, symbol: str, session: Session, now: datetime) -> Decimal | None:
        return D(self.prices[session.day]) if symbol == "MTUM" and session.day in self.prices else None

    def volume(self, symbol: str, session: Session) -> float:
        return 1000.0

    def actions(self, symbol: str, session: Session) -> tuple[CorporateAction, ...]:
        return (self.happens[session.day],) if session.day in self.happens else ()


@dataclass
class Memory:
    """A file without a disk that counts how often it is written."""

    content: bytes | None = None
    saves: int = 0

    def load(self) -> bytes | None:
        return self.content

    def save(self, state: bytes) -> None:
        self.content = state
        self.saves += 1


@dataclass
class Floor:
    """A broker with its file, its market and its clock, 17 minutes before Monday's close."""

    file: Memory = field(default_factory=Memory)
    shop: Shop = field(default_factory=Shop)
    clock: ReplayClock = field(default_factory=lambda: ReplayClock(MON.before_close(17)))

    def broker(self, code: str = "DUP1") -> SimulatedBroker:
        rules = ExchangeRules(costs=PercentCosts(D("0.001")))
        broker = SimulatedBroker(practice_account(code, "cash", D(5000)), self.file, self.shop, self.clock, rules)
        broker.connect()
        return broker

    def evening(self, session: Session = MON) -> SimulatedBroker:
        self.clock.wait_until(session.close + timedelta(hours=1))
        return self.broker()


def ticket(side: Side = Side.BUY, shares: int = 10, ref: str = "m181203-AAAAAAAAAAAA-1") -> Ticket:
    return Ticket("DUP1", "MTUM", side, OrderType.MARKET_ON_CLOSE, shares, ref)


def test_a_fresh_account_is_flat_and_nothing_is_written_by_looking() -> None:
    floor = Floor()
    lists = floor.broker().lists()
    assert (lists.account.code, lists.account.kind, lists.account.cash_usd) == ("DUP1", AccountKind.CASH, D(5000))
    assert (lists.positions, lists.orders, lists.fills, floor.file.saves) == ({}, (), (), 0)


def test_an_order_is_taken_listed_and_filled_at_the_close() -> None:
    floor = Floor()
    told = floor.broker().submit(ticket())
    assert isinstance(told, Accepted)
    assert (told.order.status, told.order.session, told.order.filled) == (OrderStatus.ACCEPTED, MON.day, 0)
    (order,) = floor.broker().lists().orders
    assert order == told.order
    floor.shop.prices[MON.day] = "101"
    lists = floor.evening().lists()
    assert (lists.orders[0].status, lists.orders[0].filled, lists.orders[0].broker_id) == (
        OrderStatus.FILLED,
        10,
        order.broker_id,
    )
    (fill,) = lists.fills
    # 10 * 101 = 1010, of it 0.1 % = 1.01.
    assert (fill.ref, fill.shares, fill.price, fill.commission_usd) == (ticket().ref, D(10), D(101), D("1.01"))
    assert (lists.positions, lists.account.cash_usd) == ({"MTUM": D(10)}, D("3988.99"))
    assert lists.account.net_liquidation_usd == D("4998.99")


def test_an_order_in_anything_but_shares_never_reaches_the_exchange() -> None:
    floor = Floor()
    put = InstrumentId("MTUM  190118P00100000")
    spread = replace(ticket(), combination=(Leg(put, Side.SELL), Leg(InstrumentId("MTUM"), Side.BUY)))
    for refused in (spread, replace(ticket(), symbol=put)):
        assert floor.broker().submit(refused) == Denied("instrument", refused.untradable)
    assert (floor.broker().lists().orders, floor.file.saves) == ((), 0)


def test_another_process_finds_the_order_in_the_file() -> None:
    floor = Floor()
    floor.broker().submit(ticket())
    assert floor.broker().lists().orders[0].ref == ticket().ref


def test_an_order_too_late_for_the_auction_is_rejected_for_good() -> None:
    floor = Floor(clock=ReplayClock(MON.before_close(9)))
    told = floor.broker().submit(ticket())
    assert isinstance(told, Rejected)
    assert told.final
    assert floor.broker().lists().positions == {}


def test_proceeds_of_a_sale_are_cash_at_once_and_settled_two_sessions_later() -> None:
    floor = Floor()
    floor.broker().submit(ticket())
    floor.clock.wait_until(WEEK.known[1].before_close(17))
    floor.broker().submit(ticket(Side.SELL, ref="m181204-AAAAAAAAAAAA-1"))
    account = floor.evening(WEEK.known[1]).lists().account
    # 5000 - 1000 - 1 = 3999 settled; + 1000 - 1 from the sale.
    assert account.cash_usd == D(4998)
    assert account.settled_usd < account.cash_usd
    floor.clock.wait_until(WEEK.known[3].before_close(17))
    assert floor.broker().lists().account.settled_usd == D(4998)


def test_sessions_nobody_looked_at_are_made_up_for_in_order() -> None:
    floor = Floor()
    floor.broker().submit(ticket())
    floor.shop.prices = {MON.day: "101", **{session.day: "150" for session in WEEK.known[1:]}}
    floor.shop.happens[WEEK.known[2].day] = CorporateAction("MTUM", D("0.5"), D(1))
    lists = floor.evening(WEEK.known[3]).lists()
    # Filled on Monday at Monday's 101, not at today's price; ten dividends of 0.50 on Wednesday.
    assert (lists.positions, lists.account.cash_usd) == ({"MTUM": D(10)}, D("3993.99"))
    assert lists.account.net_liquidation_usd == D("5493.99")


def test_a_working_order_can_be_canceled_until_ten_minutes_before_the_close() -> None:
    floor = Floor()
    floor.broker().submit(ticket())
    assert not floor.broker().cancel("another")
    assert floor.broker().cancel(ticket().ref)
    assert floor.broker().lists().orders[0].status is OrderStatus.CANCELED
    assert floor.evening().lists().positions == {}


def test_later_it_can_no_longer_be_canceled() -> None:
    floor = Floor()
    floor.broker().submit(ticket())
    floor.clock.wait_until(MON.before_close(9))
    assert not floor.broker().cancel(ticket().ref)
    assert floor.evening().lists().positions == {"MTUM": D(10)}


def test_a_symbol_without_price_is_refused_in_words() -> None:
    with pytest.raises(BrokerUnavailableError, match="GME: the practice exchange has no price"):
        Floor().broker().price("GME")


def test_hours_are_those_of_the_session_now() -> None:
    broker = Floor().broker()
    assert broker.session_hours("MTUM", MON.day) == MON
    assert broker.session_hours("MTUM", WEEK.known[1].day) is None
    assert broker.server_time() == MON.before_close(17)


def test_without_a_connection_nothing_is_answered() -> None:
    broker = Floor().broker()
    broker.close()
    with pytest.raises(BrokerUnavailableError, match="not connected"):
        broker.lists()


def test_a_file_of_another_account_or_of_nonsense_is_refused() -> None:
    floor = Floor()
    floor.broker().submit(ticket())
    with pytest.raises(BrokerUnavailableError, match="account DUP2 is not at this exchange; it has DUP1"):
        floor.broker("DUP2")
    floor.file.content = b"{half"
    with pytest.raises(BrokerUnavailableError, match="cannot be read"):
        floor.broker()


@pytest.mark.parametrize("nonsense", [b"[]", b"{}", b"\xff\xfe", b"null", b'{"accounts": 3}'])
def test_a_damaged_file_is_told_as_such(nonsense: bytes) -> None:
    with pytest.raises(BrokerUnavailableError, match="cannot be read"):
        Floor(Memory(nonsense)).broker()


def test_money_put_in_is_settled_and_money_taken_out_is_gone() -> None:
    floor = Floor()
    move_cash(floor.file, FIRST, D("1000.50"))
    move_cash(floor.file, FIRST, D(-200))
    account = floor.broker().lists().account
    assert account.cash_usd == account.settled_usd == D("5800.50")


def test_two_connections_never_answer_with_different_times() -> None:
    floor = Floor()
    assert floor.broker().lists().at == floor.broker().server_time() == datetime(2018, 12, 3, 20, 43, tzinfo=UTC)


def test_sessions_long_past_are_gone_through_once_however_long_ago_the_last_order_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(simulated, "KEPT_EVERY", 3)
    floor = Floor()
    floor.broker().submit(ticket())
    floor.clock.wait_until(WEEK.known[1].before_close(17))
    saves = floor.file.saves
    floor.broker().lists()  # fills what the auction of Monday took: that is kept
    assert floor.file.saves == saves + 1
    floor.broker().lists()
    assert floor.file.saves == saves + 1
    floor.clock.wait_until(WEEK.known[3].before_close(17))
    floor.broker().lists()
    saves = floor.file.saves
    floor.shop.asked.clear()
    assert floor.broker().lists().positions == {"MTUM": D(10)}
    assert min(floor.shop.asked) == WEEK.known[2].day
    assert floor.file.saves == saves


def test_what_earlier_sessions_finished_is_kept_apart_and_still_in_the_file() -> None:
    floor = Floor()
    for number, session in enumerate(WEEK.known[:4]):
        floor.clock.wait_until(session.before_close(17))
        side = Side.SELL if number % 2 else Side.BUY
        floor.broker().submit(ticket(side, ref=f"m1812{3 + number:02d}-AAAAAAAAAAAA-1"))
    content = floor.file.content
    assert content is not None
    hot, finished = opened(content)
    assert [order.ticket.order_id for order in hot.orders] == [4]
    assert len(finished.splitlines()) == 6  # three orders, an execution each
    whole = from_bytes(content)
    assert [order.ticket.order_id for order in whole.orders] == [1, 2, 3, 4]
    assert [execution.session for execution in whole.executions] == [session.day for session in WEEK.known[:3]]
    move_cash(floor.file, FIRST, D(100))
    assert opened(floor.file.content or b"")[1] == finished


def test_a_database_set_back_is_shown_the_orders_of_the_sessions_it_plays_again() -> None:
    floor = Floor()
    for number, session in enumerate(WEEK.known[:4]):
        floor.clock.wait_until(session.before_close(17))
        floor.broker().submit(ticket(shares=1, ref=f"m1812{3 + number:02d}-AAAAAAAAAAAA-1"))
    floor.clock = ReplayClock(MON.before_close(17))
    broker = floor.broker()
    (order,) = broker.lists().orders[-1:]
    assert [one.ref for one in broker.lists().orders if one.session == MON.day] == [ticket().ref]
    assert (order.ref, order.status) == (ticket().ref, OrderStatus.FILLED)


def test_a_file_in_the_first_form_is_read_and_goes_on() -> None:
    floor = Floor()
    floor.broker().submit(ticket())
    content = floor.file.content
    assert content is not None
    floor.file.content = content.replace(b'"version":2', b'"version":1')
    assert floor.evening().lists().positions == {"MTUM": D(10)}
