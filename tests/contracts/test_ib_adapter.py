"""The broker adapter against the practice gateway: the same suite for each client library.

TEST_LIBRARY names the library; `test_ib_async_environment.py` runs this file with the other one.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from mtum.core.market.instruments import InstrumentId
from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.orders import Leg, OrderStatus, OrderType, Side
from mtum.core.simulation.exchange_state import ExchangeAccount
from mtum.errors import BookMismatchError, BrokerUnavailableError, SourceUnavailableError
from mtum.ports.broker import Accepted, Denied, NoAnswer, NotSent, Rejected
from support.gateway import ACCOUNT, TODAY, Running, running_gateway
from support.ib_adapter import Adapter, Told, adapter, held, ticket


@pytest.fixture
def gateway() -> Iterator[Running]:
    with running_gateway() as running:
        yield running


@pytest.fixture
def ours(gateway: Running) -> Iterator[Adapter]:
    with adapter(gateway) as found:
        yield found


def reached(gateway: Running) -> list[str]:
    return [entry["ref"] for entry in gateway.entries("accepted")]


def test_a_fresh_account_is_told_in_usd_with_the_brokers_clock(ours: Adapter) -> None:
    lists = ours.broker.lists()
    assert lists.at == datetime(2015, 6, 10, 19, 38, tzinfo=UTC)
    assert ours.told.times[-1] == lists.at
    assert (lists.account.code, lists.account.kind) == (ACCOUNT, AccountKind.CASH)
    assert (lists.account.cash_usd, lists.account.settled_usd) == (Decimal(5000), Decimal(5000))
    assert (dict(lists.positions), lists.orders, lists.fills) == ({}, (), ())


def test_an_order_is_accepted_with_a_permanent_id_and_listed_under_its_reference(ours: Adapter) -> None:
    outcome = ours.broker.submit(ticket())
    assert isinstance(outcome, Accepted)
    (listed,) = ours.broker.lists().orders
    assert (listed.ref, listed.broker_id) == (ticket().ref, outcome.order.broker_id)
    assert (listed.status, listed.shares, listed.account) == (OrderStatus.ACCEPTED, 10, ACCOUNT)


@pytest.mark.parametrize("resting", ["PreSubmitted", "Submitted"])
@pytest.mark.parametrize("late_id", [False, True])
def test_both_resting_words_and_a_late_permanent_id_mean_accepted(
    gateway: Running, *, resting: str, late_id: bool
) -> None:
    gateway.tell("behavior", resting_status=resting, perm_id_late=late_id)
    with adapter(gateway) as ours:
        assert isinstance(ours.broker.submit(ticket()), Accepted)


def test_after_the_close_fill_fee_position_and_completed_order_are_told(gateway: Running, ours: Adapter) -> None:
    ours.broker.submit(ticket())
    gateway.close_session()
    gateway.wait_for("filled")
    lists = ours.broker.lists()
    while lists.fills[0].commission_usd is None:
        lists = ours.broker.lists()
    (fill,), (order,) = lists.fills, lists.orders
    # 10 shares at the close of 75.00, 0.1 %: 0.75.
    assert (fill.shares, fill.price, fill.commission_usd) == (Decimal(10), Decimal(75), Decimal("0.75"))
    assert (order.status, order.filled, order.shares) == (OrderStatus.FILLED, 10, 10)
    assert dict(lists.positions) == held("10")
    assert fill.instant == datetime(2015, 6, 10, 20, tzinfo=UTC)


@pytest.mark.parametrize("naive", [False, True])
def test_execution_times_without_a_zone_are_new_yorks(gateway: Running, *, naive: bool) -> None:
    gateway.tell("behavior", naive_times=naive)
    with adapter(gateway) as ours:
        ours.broker.submit(ticket())
        gateway.close_session()
        gateway.wait_for("filled")
        assert ours.broker.lists().fills[0].instant == datetime(2015, 6, 10, 20, tzinfo=UTC)


def test_a_cancel_is_believed_when_fresh_lists_agree(gateway: Running, ours: Adapter) -> None:
    ours.broker.submit(ticket())
    assert ours.broker.cancel(ticket().ref)
    assert [order.status for order in ours.broker.lists().orders] == [OrderStatus.CANCELED]


def test_a_late_cancel_is_not_believed_and_the_order_lives(gateway: Running, ours: Adapter) -> None:
    ours.broker.submit(ticket())
    gateway.tell("clock", session=TODAY.isoformat(), minutes_to_close=5)
    assert not ours.broker.cancel(ticket().ref)
    assert [order.status for order in ours.broker.lists().orders] == [OrderStatus.ACCEPTED]


def test_a_rejection_is_final_when_no_list_shows_the_order(gateway: Running, ours: Adapter) -> None:
    gateway.fault("placeOrder", "reject", code=201, text="Order rejected - reason: funds")
    assert ours.broker.submit(ticket()) == Rejected(201, "Order rejected - reason: funds", final=True)


def test_inactive_after_a_rejection_is_a_rejection(gateway: Running) -> None:
    gateway.tell("behavior", inactive_echo=True)
    with adapter(gateway) as ours:
        # Nobody may buy for 750,000 dollars with 5,000.
        outcome = ours.broker.submit(ticket(shares=10_000))
    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.final) == (201, True)


@pytest.mark.parametrize("fault", ["swallow", "suppress", "drop", "carry_out_then_drop"])
def test_without_an_answer_nothing_is_concluded_and_nothing_is_sent_again(gateway: Running, fault: str) -> None:
    gateway.fault("placeOrder", fault)
    with adapter(gateway) as ours:
        assert isinstance(ours.broker.submit(ticket()), NoAnswer)
        listed = [order.ref for order in ours.broker.lists().orders]
    assert listed == reached(gateway)
    assert len(gateway.entries("order")) == 1


def test_a_preset_notice_leaves_the_order_accepted(gateway: Running, ours: Adapter) -> None:
    gateway.fault("placeOrder", "notice", code=10349, text="Order TIF was set to DAY based on order preset.")
    outcome = ours.broker.submit(ticket())
    assert isinstance(outcome, Accepted)


def test_an_unknown_code_about_an_order_means_that_its_state_is_unknown(gateway: Running, ours: Adapter) -> None:
    gateway.fault("placeOrder", "reject", code=99999, text="never heard of")
    assert isinstance(ours.broker.submit(ticket()), NoAnswer)


def test_a_read_only_interface_took_nothing(gateway: Running) -> None:
    gateway.tell("behavior", read_only=True)
    with adapter(gateway) as ours:
        outcome = ours.broker.submit(ticket())
        with pytest.raises(BrokerUnavailableError, match="untick Read-Only API in its settings"):
            ours.broker.what_if(ticket())
    assert isinstance(outcome, NotSent)
    assert "Read-Only API" in outcome.text
    assert reached(gateway) == []


def test_an_order_held_for_another_session_says_which(gateway: Running, ours: Adapter) -> None:
    gateway.tell("clock", session=TODAY.isoformat(), minutes_to_close=-5)
    outcome = ours.broker.submit(ticket())
    assert isinstance(outcome, Accepted)
    assert outcome.order.session == date(2015, 6, 11)


def test_a_read_only_connection_sends_nothing(gateway: Running) -> None:
    with adapter(gateway, read_only=True) as ours:
        assert isinstance(ours.broker.submit(ticket()), NotSent)
        library = ours.connector.library
        with pytest.raises(BrokerUnavailableError, match="only reads"):
            ours.connector.connection.place(library.contract(), library.order())
    assert gateway.entries("order") == []


def test_a_trial_order_is_answered_and_places_nothing(gateway: Running, ours: Adapter) -> None:
    assert ours.broker.what_if(ticket()) is None
    assert ours.broker.lists().orders == ()


@pytest.mark.parametrize("mode", ["all", "own", "nothing", "silent"])
def test_executions_are_found_however_an_empty_filter_is_answered(gateway: Running, mode: str) -> None:
    with adapter(gateway) as ours:
        ours.broker.submit(ticket())
        gateway.close_session()
        gateway.wait_for("filled")
        gateway.tell("behavior", empty_filter=mode)
        assert [fill.ref for fill in ours.broker.lists().fills] == [ticket().ref]


def test_positions_orders_and_cash_of_a_second_account_are_left_out(gateway: Running) -> None:
    accounts = tuple(ExchangeAccount(code, AccountKind.CASH, Decimal(5000)) for code in (ACCOUNT, "DUP200002"))
    with running_gateway(accounts=accounts) as two:
        two.tell("hold", account="DUP200002", symbol="MTUM", shares="7")
        two.tell("trade", account="DUP200002", symbol="MTUM", side="BUY", shares=1)
        with adapter(two) as ours:
            ours.broker.submit(ticket())
            lists = ours.broker.lists()
    assert (dict(lists.positions), [order.ref for order in lists.orders], lists.fills) == ({}, [ticket().ref], ())


@pytest.mark.parametrize("prefix", [False, True])
def test_another_base_currency_leaves_the_dollars_apart(gateway: Running, *, prefix: bool) -> None:
    gateway.tell("behavior", base_currency="EUR", base_rate="1.25", base_cash="900", ledger_prefix=prefix)
    with adapter(gateway) as ours:
        account = ours.broker.lists().account
    assert (account.cash_usd, account.settled_usd) == (Decimal(5000), Decimal(5000))
    # 900 EUR and 5,000 USD at 1.25 USD per EUR: 6,125 USD.
    assert account.net_liquidation_usd == Decimal(6125)


def test_dust_is_told_as_it_is(gateway: Running, ours: Adapter) -> None:
    gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares="3.25")
    assert dict(ours.broker.lists().positions) == held("3.25")


def test_the_hours_and_the_pinned_contract_are_the_brokers(ours: Adapter) -> None:
    session = ours.broker.session_hours("MTUM", TODAY)
    assert session is not None
    assert (session.open, session.close) == (
        datetime(2015, 6, 10, 13, 30, tzinfo=UTC),
        datetime(2015, 6, 10, 20, tzinfo=UTC),
    )
    assert ours.broker.contract("MTUM").endswith("@BATS")
    assert ours.told.pins == {"MTUM": ours.broker.contract("MTUM")}


def test_another_contract_than_the_pinned_one_is_refused(gateway: Running) -> None:
    told = Told(pins={"MTUM": "1@BATS"})
    with adapter(gateway, told=told) as ours:
        outcome = ours.broker.submit(ticket())
        assert isinstance(outcome, NotSent)
        with pytest.raises(BookMismatchError, match="a listing has changed"):
            ours.broker.price("MTUM")
    assert gateway.entries("order") == []


def test_the_price_is_the_last_and_missing_permission_says_so(gateway: Running, ours: Adapter) -> None:
    assert ours.broker.price("MTUM") == Decimal(75)
    gateway.tell("behavior", no_data=["MTUM"])
    with pytest.raises(SourceUnavailableError, match="no market data permission"):
        ours.broker.price("MTUM")


def test_a_dropped_connection_is_made_again_and_the_lists_are_fresh(gateway: Running, ours: Adapter) -> None:
    ours.broker.submit(ticket())
    gateway.tell("drop")
    assert [order.ref for order in ours.broker.lists().orders] == [ticket().ref]


def test_a_restarted_gateway_is_waited_for_and_ids_go_on_above(gateway: Running, ours: Adapter) -> None:
    ours.broker.submit(ticket())
    gateway.tell("behavior", next_order_id=1)
    gateway.tell("restart", seconds=0.4)
    assert [order.ref for order in ours.broker.lists().orders] == [ticket().ref]
    assert isinstance(ours.broker.submit(ticket("B", 5)), Accepted)


def test_while_the_servers_are_lost_nothing_is_read_or_sent(gateway: Running, ours: Adapter) -> None:
    gateway.tell("notice", code=1100, text="Connectivity between IB and Trader Workstation has been lost.")
    ours.broker.server_time()
    with pytest.raises(BrokerUnavailableError, match="1100"):
        ours.broker.lists()
    assert isinstance(ours.broker.submit(ticket()), NotSent)
    gateway.tell("notice", code=1102, text="Connectivity restored - data maintained.")
    ours.broker.server_time()
    assert isinstance(ours.broker.submit(ticket()), Accepted)
    assert len(gateway.entries("order")) == 1


def test_a_half_open_socket_is_noticed_before_anything_is_sent(gateway: Running, ours: Adapter) -> None:
    ours.broker.contract("MTUM")
    gateway.fault("reqCurrentTime", "swallow")
    gateway.fault("reqCurrentTime", "swallow", skip=1)
    outcome = ours.broker.submit(ticket())
    assert isinstance(outcome, NotSent | Accepted)
    assert len(gateway.entries("order")) == (1 if isinstance(outcome, Accepted) else 0)


def test_market_orders_fill_at_once(gateway: Running, ours: Adapter) -> None:
    gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares="10")
    outcome = ours.broker.submit(ticket(side=Side.SELL, order_type=OrderType.MARKET))
    assert isinstance(outcome, Accepted)
    assert ours.broker.lists().positions == {}


@pytest.mark.parametrize("code", [404, 2137])
def test_an_order_that_sells_more_than_is_held_is_canceled_at_once(gateway: Running, ours: Adapter, code: int) -> None:
    gateway.fault("placeOrder", "notice", code=code, text="this order would turn the position")
    outcome = ours.broker.submit(ticket())
    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.final) == (code, False)
    assert [order.status for order in ours.broker.lists().orders] == [OrderStatus.CANCELED]


def test_not_a_byte_leaves_of_an_order_in_anything_but_shares(gateway: Running, ours: Adapter) -> None:
    put = InstrumentId("MTUM  190118P00100000")
    spread = ticket(combination=(Leg(put, Side.SELL), Leg(InstrumentId("MTUM"), Side.BUY)))
    for refused in (spread, ticket(symbol=put)):
        assert ours.broker.submit(refused) == Denied("instrument", refused.untradable)
        assert ours.broker.what_if(refused) == refused.untradable
    assert "placeOrder" not in [one["name"] for one in gateway.entries("request")]
