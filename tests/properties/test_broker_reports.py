"""Reports of the broker in any order, repeated, lost or late, end in the same lots and cash once all is asked again."""

import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mtum.adapters.brokers.ib.account import Unread
from mtum.adapters.brokers.ib.orders import fills_of
from mtum.adapters.ib.messages import ExecutionDetails
from mtum.adapters.store.opening import open_store
from mtum.app.session.match_orders import executions_of
from mtum.core.portfolio.fills import Fill, folded
from mtum.core.portfolio.lots import lots_of
from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.orders import OrderIntent, OrderStatus, OrderType, Purpose, Side
from mtum.ports.broker import BrokerAccount, BrokerFill, BrokerLists
from mtum.ports.records import IntentState, Observed

ACCOUNT = "DU1"
FIRST = date(2026, 1, 5)
NOW = datetime(2026, 1, 5, tzinfo=UTC)
CONTRACT = SimpleNamespace(secType="STK", symbol="MTUM", currency="USD")


def intent(number: int, side: Side, shares: int) -> OrderIntent:
    day = FIRST + timedelta(days=number)
    purpose = Purpose.ENTER if side is Side.BUY else Purpose.EXIT
    return OrderIntent(
        f"i{number}", ACCOUNT, day, "s", "MTUM", purpose, side, OrderType.MARKET_ON_CLOSE, shares, Decimal(100), ("r",)
    )


# Bought 10 in two pieces, one corrected twice; sold 6 of them; bought 3.
INTENTS = [intent(0, Side.BUY, 10), intent(1, Side.SELL, 6), intent(2, Side.BUY, 3)]
EXECUTIONS = [
    # (intent, exec id, shares, price, fee)
    (0, "a.1.01.01", 4, "100.00", "1.00"),
    (0, "a.1.02.01", 6, "100.10", "1.50"),
    (0, "a.1.02.02", 6, "100.20", "1.50"),
    (0, "a.1.02.03", 6, "100.15", "1.25"),
    (1, "b.1.01.01", 6, "103.00", "1.75"),
    (2, "c.1.01.01", 3, "99.00", "1.00"),
]
# Cash: 4 x 100 + 6 x 100.15 bought, 6 x 103 sold, 3 x 99 bought, fees 1 + 1.25 + 1.75 + 1.
CASH = Decimal("-400.00") - Decimal("600.90") + Decimal("618.00") - Decimal("297.00") - Decimal("5.00")
# Left: 4 of the first lot (10 shares at 100.09, the oldest sold first) and 3 at 99.
LOTS = [("i0", 4, Decimal("100.09")), ("i2", 3, Decimal("99"))]


# Which execution, whether its fee has come, whether its reference has.
type Report = tuple[int, bool, bool]


def heard(index: int, *, named: bool) -> ExecutionDetails:
    number, exec_id, shares, price, _ = EXECUTIONS[index]
    side = "BOT" if INTENTS[number].side is Side.BUY else "SLD"
    day = INTENTS[number].session
    execution = SimpleNamespace(
        execId=exec_id, acctNumber=ACCOUNT, side=side, shares=float(shares), price=float(price),
        orderRef=f"i{number}-1" if named else "",
        permId=number + 1, clientId=17, orderId=number + 1, cumQty=0.0, avgPrice=0.0,
        time=datetime(day.year, day.month, day.day, 21, tzinfo=UTC) + timedelta(seconds=index),
    )  # fmt: skip
    return ExecutionDetails(1, CONTRACT, execution)


def fee(index: int) -> Any:
    return SimpleNamespace(commission=float(EXECUTIONS[index][4]), currency="USD")


def recorded(state: IntentState, fill: BrokerFill) -> Fill:
    return Fill(
        fill.exec_id, state.intent.id, fill.account, "s", fill.symbol, fill.side, state.intent.session, fill.instant,
        int(fill.shares), fill.price, fill.commission_usd,
    )  # fmt: skip


def outcome(batches: Sequence[Sequence[Report]]) -> tuple[list[tuple[str, int, Decimal]], Decimal]:
    """Lots and cash after the batches of reports."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "mtum.db", "paper", ACCOUNT)
        for number, one in enumerate(INTENTS, 1):
            store.orders.add_intent(one, NOW)
            store.orders.move_order(one.id, OrderStatus.ACCEPTED, NOW, Observed(broker_id=str(number)))
        for batch in batches:
            fees = {EXECUTIONS[index][1]: fee(index) for index, known, _ in batch if known}
            lists = told(fills_of([[heard(index, named=named) for index, _, named in batch]], fees, ACCOUNT, Unread()))
            states = store.orders.states()
            store.orders.add_fills([recorded(state, fill) for state in states for fill in executions_of(lists, state)])
        lots = lots_of(folded(store.orders.fills("s")))
        cash = sum((movement.amount_usd for movement in store.ledger.movements("s")), Decimal(0))
        store.close()
    return [(lot.intent_id, lot.shares, lot.entry_price) for lot in lots], cash


def told(fills: tuple[BrokerFill, ...]) -> BrokerLists:
    nothing = Decimal(0)
    return BrokerLists(NOW, BrokerAccount(ACCOUNT, AccountKind.CASH, nothing, nothing, nothing), {}, (), fills)


EVERYTHING = [(index, True, True) for index in range(len(EXECUTIONS))]
REPORTS = st.lists(st.tuples(st.integers(0, len(EXECUTIONS) - 1), st.booleans(), st.booleans()), max_size=8)


def test_everything_at_once_is_what_was_worked_out_by_hand() -> None:
    assert outcome([EVERYTHING]) == (LOTS, CASH)


@settings(max_examples=60)
@given(st.lists(REPORTS, max_size=5), st.permutations(EVERYTHING))
def test_any_order_repetition_loss_and_delay_end_the_same(
    batches: list[list[Report]], asked_again: list[Report]
) -> None:
    assert outcome([*batches, asked_again]) == (LOTS, CASH)


def test_executions_without_a_reference_are_known_by_the_permanent_id() -> None:
    assert outcome([[(index, True, False) for index in range(len(EXECUTIONS))]]) == (LOTS, CASH)
