"""What intents trade: legs and the instruments they name."""

from dataclasses import replace

import pytest

from mtum.adapters.store.checks import problems
from mtum.adapters.store.opening import SqliteStore
from mtum.core.market.instruments import InstrumentId
from mtum.core.portfolio.orders import Leg, Purpose, Side, intent_id
from support.store import ACCOUNT, MONDAY, STRATEGY, intent, later

SHORT, LONG = InstrumentId("MTUM  190118P00100000"), InstrumentId("MTUM  190118P00095000")
SPREAD = (Leg(LONG, Side.BUY), Leg(SHORT, Side.SELL, 2))
COMBINED = replace(
    intent(shares=3),
    id=intent_id(ACCOUNT, MONDAY, STRATEGY, "MTUM", Purpose.ENTER, SPREAD),
    combination=SPREAD,
)


def rows(store: SqliteStore, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in store.database.rows(sql)]


def test_an_intent_in_shares_is_one_leg_of_an_instrument_that_is_known(store: SqliteStore) -> None:
    store.orders.add_intent(intent(), later(0))
    store.orders.add_intent(intent(), later(1))  # changes nothing
    assert rows(store, "SELECT * FROM order_legs") == [(intent().id, 1, "MTUM", "BUY", 1)]
    assert rows(store, "SELECT * FROM instruments") == [("MTUM", "stock", "MTUM", "USD", 1, 0.01, None, None, None)]
    assert [state.intent for state in store.orders.states()] == [intent()]


def test_a_combination_comes_back_with_its_legs(store: SqliteStore) -> None:
    store.orders.add_intent(COMBINED, later(0))
    assert [state.intent for state in store.orders.states()] == [COMBINED]
    assert rows(store, "SELECT * FROM instruments WHERE right = 'P' ORDER BY strike") == [
        (LONG, "option", "MTUM", "USD", 100, 0.01, "2019-01-18", 95.0, "P"),
        (SHORT, "option", "MTUM", "USD", 100, 0.01, "2019-01-18", 100.0, "P"),
    ]
    assert problems(store.database.connection) == ()


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM order_legs",
        "UPDATE order_legs SET side = 'SELL'",
        "UPDATE order_legs SET ratio = 2",
        "UPDATE order_intents SET symbol = 'SPY'",
    ],
)
def test_legs_that_are_not_what_the_intent_trades_are_named(store: SqliteStore, damage: str) -> None:
    store.orders.add_intent(intent(), later(0))
    assert problems(store.database.connection) == ()
    with store.database.write() as connection:
        connection.execute(damage)
    assert problems(store.database.connection) == (f"the legs of intent {intent().id} are not what it trades",)
