"""Our broker adapter on a practice gateway, with the library that the environment has."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from mtum.adapters.brokers.ib.broker import IbBroker
from mtum.adapters.ib.connection import client_library
from mtum.adapters.ib.connector import Connector, login_of
from mtum.adapters.ib.contracts import ContractPins, Contracts
from mtum.adapters.sources.ib import ib_source
from mtum.adapters.sources.vendor import VendorSource
from mtum.config import Broker, Settings
from mtum.core.portfolio.orders import OrderType, Side, Ticket
from support.gateway import ACCOUNT, Running

LIBRARY = os.environ.get("TEST_LIBRARY", "ib_insync")
REF = "m150610-AAAAAAAAAAA{}-1"


@dataclass
class Told:
    """What was heard: every message, every time, every pin."""

    messages: list[tuple[str, str]] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    pins: dict[str, str] = field(default_factory=dict)

    def note(self, way: str, name: str, fields: tuple[Any, ...]) -> None:
        """Remember a message."""
        self.messages.append((way, name))

    def close(self) -> None:
        """Nothing is held open."""


@dataclass
class Adapter:
    """The broker and the source on one connection."""

    broker: IbBroker
    source: VendorSource
    contracts: Contracts
    connector: Connector
    told: Told


def paper_settings(port: int, **broker: Any) -> Settings:
    """Settings of paper mode on a practice gateway, with short limits."""
    limits = {"connect_seconds": 10.0, "request_seconds": 1.0, "acknowledge_seconds": 0.3}
    return Settings(mode="paper", broker=Broker(**{"port": port, "account": ACCOUNT, **limits, **broker}))


@contextmanager
def adapter(
    gateway: Running | int, *, read_only: bool = False, told: Told | None = None, **broker: Any
) -> Iterator[Adapter]:
    """A connected adapter."""
    port = gateway if isinstance(gateway, int) else gateway.port
    settings, told = paper_settings(port, **broker), told or Told()
    pins = ContractPins(lambda symbol: told.pins.get(symbol, ""), told.pins.__setitem__)
    login = login_of(settings, read_only=read_only)
    connector = Connector(client_library(LIBRARY), login, told, told.times.append)
    contracts = Contracts(connector, pins)
    found = IbBroker(contracts, settings.broker.acknowledge_seconds)
    try:
        found.connect()
        yield Adapter(found, ib_source(contracts), contracts, connector, told)
    finally:
        found.close()


def ticket(letter: str = "A", shares: int = 10, side: Side = Side.BUY, **fields: Any) -> Ticket:
    """An order of the practice account with a reference of our making."""
    plain = {"account": ACCOUNT, "symbol": "MTUM", "order_type": OrderType.MARKET_ON_CLOSE, "ref": REF.format(letter)}
    return Ticket(side=side, shares=shares, **{**plain, **fields})


def held(shares: str) -> dict[str, Decimal]:
    """A position in the one symbol."""
    return {"MTUM": Decimal(shares)}
