"""What intents trade: legs and the instruments they name."""

import pytest

from mtum.adapters.store.checks import problems
from mtum.adapters.store.opening import SqliteStore
from mtum.core.market.instruments import InstrumentId
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.orders import Leg, OrderIntent, Side, combination_id
from support.store import fill, intent, later
from support.values import replace

SHORT, LONG = InstrumentId("MTUM  190118P00100000"), InstrumentId("MTUM  190118P00095000")
SPREAD = (Leg(LONG, Side.BUY), Leg(SHORT, Side.SELL, 2))
CALENDAR = (Leg(LONG, Side.BUY), Leg(InstrumentId("MTUM  190215P00095000"), Side.SELL))


def combined(legs: tuple[Leg, ...]) -> OrderIntent:
    return replace(intent(shares=3, symbol=combination_id(legs)), combination=legs)


def rows(store: SqliteStore, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in store.database.rows(sql)]


def test_an_intent_in_shares_is_one_leg_of_an_instrument_that_is_known(store: SqliteStore) -> None:
    store.orders.add_intent(intent(), later(0))
    store.orders.add_intent(intent(), later(1))  # changes nothing
    assert rows(store, "SELECT * FROM order_legs") == [(intent().id, 1, "MTUM", "BUY", 1)]
    assert rows(store, "SELECT * FROM instruments") == [("MTUM", "stock", "MTUM", "USD", 1, 0.01, None, None, None)]
    assert [state.intent for state in store.orders.states()] == [intent()]


def test_a_combination_comes_back_with_its_legs(store: SqliteStore) -> None:
    store.orders.add_intent(combined(SPREAD), later(0))
    assert [state.intent for state in store.orders.states()] == [combined(SPREAD)]
    assert rows(store, "SELECT * FROM instruments WHERE right = 'P' ORDER BY strike") == [
        (LONG, "option", "MTUM", "USD", 100, 0.01, "2019-01-18", 95.0, "P"),
        (SHORT, "option", "MTUM", "USD", 100, 0.01, "2019-01-18", 100.0, "P"),
    ]
    assert problems(store.database.connection) == ()


def test_two_combinations_and_shares_of_one_underlying_are_three_intents_of_a_session(store: SqliteStore) -> None:
    wanted = [combined(SPREAD), combined(CALENDAR), intent()]
    for one in (*wanted, *wanted):
        store.orders.add_intent(one, later(0))
    assert [state.intent for state in store.orders.states()] == wanted
    assert len({one.id for one in wanted}) == 3
    assert rows(store, "SELECT count(*), count(DISTINCT instrument) FROM order_legs") == [(5, 4)]


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


def of_leg(one: OrderIntent, number: int, leg: Leg, shares: int) -> Fill:
    made = fill(one, f"e{number}.01", shares, "2.5", "1")
    return replace(made, symbol=leg.instrument, side=leg.side, multiplier=100)


@pytest.mark.parametrize(
    ("executed", "whole", "beyond"),
    [
        ((3, 6), 3, None),
        ((3, 0), 0, None),  # one leg alone fills nothing of the spread
        ((2, 5), 2, None),
        ((3, 7), 3, 4),  # 7 of the short leg are more than three times two
        ((5, 6), 3, 5),
    ],
)
def test_a_spread_is_filled_as_far_as_the_leg_that_lags_behind(
    store: SqliteStore, executed: tuple[int, int], whole: int, beyond: int | None
) -> None:
    spread = combined(SPREAD)  # three times one long and two short
    store.orders.add_intent(spread, later(0))
    parts = zip(SPREAD, executed, strict=True)
    store.orders.add_fills([of_leg(spread, at, leg, shares) for at, (leg, shares) in enumerate(parts) if shares])
    assert store.books.executed(spread.id) == whole
    assert [units for _, units in store.books.overfilled()] == ([] if beyond is None else [beyond])
