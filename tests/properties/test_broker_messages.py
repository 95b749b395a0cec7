"""Whatever stands in a field of the broker's messages, reading them ends in our own words or one of our own errors."""

from contextlib import suppress
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mtum.adapters.brokers.ib.account import Unread, account_of, other_positions, positions_of, values_of
from mtum.adapters.brokers.ib.orders import (
    completed_orders,
    fills_of,
    garbled,
    open_listings,
    open_orders,
    other_orders,
)
from mtum.adapters.brokers.ib.sending import reply_of
from mtum.adapters.ib.contracts import hours_on
from mtum.adapters.ib.messages import (
    AccountValue,
    CompletedOrder,
    ExecutionDetails,
    HistoricalBar,
    OpenOrder,
    OrderUpdate,
    Position,
)
from mtum.adapters.sources.ib import bars_of
from mtum.core.portfolio.orders import Side
from mtum.errors import MtumError

ACCOUNT, OURS = "DU1", "m180103-TE5RBXEAGWPM-1"
DAY = date(2018, 1, 3)

usual = st.sampled_from(
    (
        "",
        "BUY",
        "BOT",
        "SLD",
        "STK",
        "MOC",
        "Filled",
        "Odd",
        ACCOUNT,
        OURS,
        "USD",
        "MTUM",
        "nan",
        "inf",
        "-0",
        "1e400",
        "0",
    )
)
numbers = st.one_of(st.floats(), st.integers(), st.just(2**31 - 1), st.just(1.7976931348623157e308))
anything = st.one_of(usual, numbers, st.none(), st.text(max_size=6))


def message(*names: str) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(dict.fromkeys(names, anything)).map(lambda values: SimpleNamespace(**values))


contracts = message("symbol", "secType", "currency") | st.just(
    SimpleNamespace(symbol="MTUM", secType="STK", currency="USD")
)
orders = message(
    "action", "orderType", "orderRef", "permId", "account", "totalQuantity", "clientId", "orderId", "whatIf",
    "filledQuantity",
)  # fmt: skip
instants = st.just(datetime(2018, 1, 3, 21, tzinfo=UTC))
EXECUTION = ("execId", "side", "shares", "price", "permId", "clientId", "orderId", "cumQty", "avgPrice")
executions = st.builds(
    lambda one, at: SimpleNamespace(**{**vars(one), "time": at}),
    message(*EXECUTION, "acctNumber", "orderRef")
    | message(*EXECUTION).map(lambda one: SimpleNamespace(**{**vars(one), "acctNumber": ACCOUNT, "orderRef": OURS})),
    instants,
)
fees = message("commission", "currency")
statuses = message("status")


@given(st.lists(st.tuples(contracts, executions), max_size=4), st.none() | fees)
def test_executions_are_read_or_noted(heard: list[tuple[Any, Any]], fee: Any) -> None:
    unread = Unread()
    answer = [ExecutionDetails(1, contract, execution) for contract, execution in heard]
    told = {one.execId: fee for _, one in heard if fee is not None}
    found = fills_of([answer], told, ACCOUNT, unread)
    assert all(min(fill.shares, fill.price) > 0 for fill in found)
    noted = len(unread.ours) + len(unread.others)
    mine = [one for contract, one in heard if contract.secType == "STK" and one.acctNumber == ACCOUNT]
    # Each of them is a fill or noted; some share an id or their words.
    assert not mine or found or noted


@given(st.lists(st.tuples(contracts, orders, statuses), max_size=4), st.lists(st.tuples(*[anything] * 9), max_size=3))
def test_orders_are_read_or_noted(heard: list[tuple[Any, Any, Any]], words: list[tuple[Any, ...]]) -> None:
    opened = [OpenOrder(order.orderId, contract, order, state) for contract, order, state in heard]
    listed: list[OpenOrder | OrderUpdate] = [*opened, *(OrderUpdate(*one) for one in words)]
    rows = open_listings(listed, ACCOUNT)
    assert all(order.side in Side for order in open_orders(rows, Unread()))
    assert all(one.quantity.is_finite() and one.pledged >= 0 for one in other_orders(rows))
    ended = [CompletedOrder(*parts) for parts in heard]
    assert all(order.client_id is None for order in completed_orders(ended, ACCOUNT, Unread()))
    assert all(isinstance(reply_of([*listed], client).perm_id, int) for client in (0, 1, 17))


@given(st.lists(st.tuples(st.just(ACCOUNT), contracts, anything, anything), max_size=4))
def test_positions_are_finite_or_noted(heard: list[tuple[Any, ...]]) -> None:
    unread = Unread()
    found = positions_of([Position(*one) for one in heard], ACCOUNT, unread)
    assert all(shares.is_finite() for shares in found.values())
    others = other_positions([Position(*one) for one in heard], ACCOUNT)
    assert all(one.quantity.is_finite() and one.pledged >= 0 for one in others)


keys = st.sampled_from(
    ["AccountReady", "CashBalance", "TotalCashBalance", "$LEDGER-CashBalance", "TotalCashValue", "SettledCash",
     "NetLiquidation", "ExchangeRate", "AccountType", "TradingType-S"]
)  # fmt: skip


@given(st.lists(st.tuples(keys, anything, st.sampled_from(["USD", "EUR", "BASE", ""]), st.just(ACCOUNT)), max_size=12))
def test_an_account_is_read_or_refused(heard: list[tuple[Any, ...]]) -> None:
    values = values_of([AccountValue(*one) for one in heard], ACCOUNT)
    with suppress(MtumError):
        account = account_of(values, ACCOUNT)
        assert account.cash_usd.is_finite()
        assert account.settled_usd.is_finite()
        assert account.net_liquidation_usd.is_finite()


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=4))
def test_messages_that_the_library_gave_up_on_are_noted(fields: list[tuple[str, str]]) -> None:
    unread = Unread()
    garbled([("11", "7", *one) for one in fields] + [(), ("11",)], ACCOUNT, unread)
    assert unread.ours == []


@given(st.lists(message("date", "open", "high", "low", "close", "volume"), max_size=4))
def test_bars_are_read_in_rising_order_or_refused(heard: list[Any]) -> None:
    with suppress(MtumError):
        found = bars_of("MTUM", [HistoricalBar(1, one) for one in heard])
        assert [bar.day for bar in found] == sorted({bar.day for bar in found})


hours = st.from_regex(r"20180103:[0-9]{4}-20180103:[0-9]{4}", fullmatch=True) | st.text(max_size=30)


@given(hours, st.sampled_from(["EST", "US/Eastern", "America/New_York", "", "Mars"]) | st.text(max_size=5))
def test_trading_hours_are_read_or_refused(told: str, zone: str) -> None:
    with suppress(MtumError):
        session = hours_on(told, zone, DAY)
        assert session is None or session.day == DAY
