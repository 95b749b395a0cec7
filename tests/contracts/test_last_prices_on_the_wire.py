"""Last prices for eyes: over a connection of their own that only reads, with the library that the environment has."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from mtum.adapters.clock import SystemClock
from mtum.adapters.ib.connection import client_library
from mtum.adapters.ib.connector import Connector, login_of
from mtum.adapters.ib.wire_record import Unrecorded
from mtum.config import Broker, Market, Settings
from mtum.errors import BrokerUnavailableError, MtumError
from mtum.gateway.market import MarketClock
from mtum.ports.market_data import LastPrice
from mtum.wiring.last_prices import AskedFor, last_prices_of
from support.gateway import ACCOUNT, TODAY, Running, running_gateway, weekday_sessions
from support.ib_adapter import LIBRARY
from support.values import replace

SESSION = weekday_sessions().between(TODAY, TODAY)[0]
JOBS_ID = 17
OWN_ID = JOBS_ID + 1000
PAUSE = Event()


def settings_of(port: int) -> Settings:
    broker: dict[str, Any] = {"port": port, "account": ACCOUNT, "library": LIBRARY, "client_id": JOBS_ID}
    return Settings(mode="paper", market=Market(source="ib"), broker=Broker(**broker))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prices")


@pytest.fixture
def gateway() -> Iterator[Running]:
    with running_gateway(clock=MarketClock(SESSION.before_close(60), speed=0.0)) as running:
        yield running


@pytest.fixture
def ask(gateway: Running, folder: Path) -> Iterator[AskedFor]:
    with last_prices_of(settings_of(gateway.port), folder) as found:
        yield found


@contextmanager
def taken(gateway: Running, number: int) -> Iterator[None]:
    """Another program that is connected with a client id."""
    login = replace(login_of(settings_of(gateway.port)), client_id=number)
    other = Connector(client_library(LIBRARY), login, Unrecorded())
    other.open()
    try:
        yield
    finally:
        other.close()


def one(ask: AskedFor, symbol: str = "MTUM") -> LastPrice | MtumError:
    ((name, told),) = ask([symbol])
    assert name == symbol
    return told


def logins(gateway: Running) -> list[int]:
    return [entry["client"] for entry in gateway.entries("login")]


def test_a_last_price_comes_over_a_connection_of_its_own_beside_the_jobs(gateway: Running, ask: AskedFor) -> None:
    with taken(gateway, JOBS_ID):
        found = one(ask)
        assert isinstance(found, LastPrice)
        # The 51st weekday closes at 75.00; an hour before, the way from the open to it is not done yet.
        assert 74.0 < found.price < 76.0
        assert (found.delayed, found.halted) == (False, False)
        assert logins(gateway) == [JOBS_ID, OWN_ID]


def test_its_age_is_one_of_the_market_whose_price_it_is(ask: AskedFor) -> None:
    """The practice gateway stands still in 2015; its newest trade is of this moment."""
    found = one(ask)
    assert isinstance(found, LastPrice)
    assert 0 <= (SystemClock().now() - found.seen_at).total_seconds() < 60


def test_every_line_is_given_back_and_few_are_taken_at_once(gateway: Running, ask: AskedFor) -> None:
    gateway.tell("behavior", data_lines=1)
    for _ in range(3):
        assert isinstance(one(ask), LastPrice)

    def asked(name: str) -> int:
        return [entry["name"] for entry in gateway.entries("request") if entry["client"] == OWN_ID].count(name)

    soon = time.monotonic() + 10  # the last line is given back after its answer, with nobody waiting
    while asked("cancelMktData") < 3 and time.monotonic() < soon:
        PAUSE.wait(0.01)
    assert asked("reqMktData") == asked("cancelMktData") == 3
    assert asked("reqContractDetails") == 1


def test_delayed_prices_are_shown_as_delayed(gateway: Running, ask: AskedFor) -> None:
    gateway.tell("behavior", delayed=["MTUM"])
    found = one(ask)
    assert isinstance(found, LastPrice)
    assert found.delayed
    assert "reqMarketDataType" in [entry["name"] for entry in gateway.entries("request")]


def test_the_last_price_of_a_halted_share_is_shown_as_that(gateway: Running, ask: AskedFor) -> None:
    gateway.tell("behavior", halted=["MTUM"])
    found = one(ask)
    assert isinstance(found, LastPrice)
    assert found.halted


def test_minus_one_is_no_price(gateway: Running, ask: AskedFor) -> None:
    gateway.fault("tickPrice", "alter", count=0, when={"3": "4"}, fields={"4": "-1"})
    assert str(one(ask)) == "MTUM: the broker shows no last price"
    gateway.tell("behavior", halted=["MTUM"])
    assert str(one(ask)) == "MTUM: the broker shows no last price: trading is halted"


def test_a_symbol_without_permission_or_contract_costs_the_others_nothing(gateway: Running, ask: AskedFor) -> None:
    told = dict(ask(["NOPE", "MTUM"]))
    assert isinstance(told["MTUM"], LastPrice)
    assert "NOPE" in str(told["NOPE"])
    gateway.tell("behavior", no_data=["MTUM"])
    assert "subscribe to its market data" in str(one(ask))


@pytest.mark.full
def test_a_client_id_in_use_is_said_and_tried_again_when_asked_next(gateway: Running, ask: AskedFor) -> None:
    with taken(gateway, OWN_ID), pytest.raises(BrokerUnavailableError, match=f"client id {OWN_ID} is in use"):
        list(ask(["MTUM"]))
    assert isinstance(one(ask), LastPrice)


@pytest.mark.full
def test_a_gateway_that_ends_is_said_and_found_again(folder: Path) -> None:
    clock = MarketClock(SESSION.before_close(60), speed=0.0)
    with running_gateway(clock=clock) as before:
        port = before.port
    with last_prices_of(settings_of(port), folder) as ask:
        with pytest.raises(BrokerUnavailableError, match="no gateway listens"):
            list(ask(["MTUM"]))
        with running_gateway(clock=clock, port=port):
            assert isinstance(one(ask), LastPrice)
        with pytest.raises(BrokerUnavailableError, match="no gateway listens"):
            list(ask(["MTUM"]))
        with running_gateway(clock=clock, port=port):
            assert isinstance(one(ask), LastPrice)


@pytest.mark.parametrize("minutes", [35, 20, 0, -4])
def test_from_35_minutes_before_the_close_to_5_after_it_nothing_is_asked(
    gateway: Running, ask: AskedFor, minutes: int
) -> None:
    assert isinstance(one(ask), LastPrice)
    asked = len([entry for entry in gateway.entries("request") if entry["name"] == "reqMktData"])
    gateway.tell("clock", session=TODAY.isoformat(), minutes_to_close=minutes)
    with pytest.raises(BrokerUnavailableError, match=r"the line to the broker is the jobs' until 16:05"):
        list(ask(["MTUM"]))
    assert len([entry for entry in gateway.entries("request") if entry["name"] == "reqMktData"]) == asked
    gateway.wait_for("gone")


def test_the_connection_cannot_send_orders_and_ends_with_who_asks(gateway: Running, folder: Path) -> None:
    with last_prices_of(settings_of(gateway.port), folder) as ask:
        assert isinstance(one(ask), LastPrice)
        assert not gateway.entries("gone")
    gateway.wait_for("gone")
    assert not gateway.entries("order")
