"""Our broker for options on a gateway of raw layouts, with the library that the environment has."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from mtum.adapters.brokers.ib.options.broker import IbOptionBroker
from mtum.adapters.ib.connection import Login, client_library
from mtum.adapters.ib.connector import Connector
from mtum.adapters.ib.contracts import ContractPins, Contracts
from mtum.adapters.ib.options.chain import IbChains
from mtum.core.market.instruments import Right
from mtum.core.options.contracts import OptionContract
from mtum.core.options.ladder import Envelope, NetPrice
from mtum.core.options.legs import OptionLeg, OptionPurpose
from mtum.core.portfolio.options.orders import Attempt, OptionIntent
from mtum.core.portfolio.orders import Side
from support.ib_adapter import LIBRARY, Told
from support.option_orders import SESSION
from support.option_wire import ACCOUNT, Option, Wire, running_wire

DAY = date(2026, 7, 10)
BUY, SELL = Side.BUY, Side.SELL
EXPIRY = date(2026, 8, 21)


@dataclass
class OptionDesk:
    """Broker and chains on one connection to a gateway of raw layouts."""

    wire: Wire
    broker: IbOptionBroker
    chains: IbChains
    told: Told


@contextmanager
def option_desk(wire: Wire, **login: Any) -> Iterator[OptionDesk]:
    """A connected broker."""
    told = Told()
    pins = ContractPins(lambda symbol: told.pins.get(symbol, ""), told.pins.__setitem__)
    with running_wire(wire):
        limits = {"connect_seconds": 10.0, "request_seconds": 2.0} | login
        connector = Connector(client_library(LIBRARY), Login("127.0.0.1", wire.port, 7, ACCOUNT, **limits), told)
        contracts = Contracts(connector, pins)
        broker = IbOptionBroker(contracts, 0.5)
        try:
            broker.connect()
            yield OptionDesk(wire, broker, IbChains(contracts, 0.04), told)
        finally:
            broker.close()


def put(number: int, strike: str, **changed: Any) -> Option:
    """A put on SPY as the gateway describes it."""
    return Option(number, strike=strike, **changed)


def contract(option: Option) -> OptionContract:
    """The same contract in our words."""
    last = date(int(option.expiry[:4]), int(option.expiry[4:6]), int(option.expiry[6:]))
    right = Right(option.right)
    return OptionContract(option.number, option.symbol, right, Decimal(option.strike), last, last, option.name)


def attempt(
    *parts: tuple[Side, Option],
    price: str,
    number: int = 1,
    quantity: int = 1,
    purpose: OptionPurpose = OptionPurpose.OPEN,
    **changed: Any,
) -> Attempt:
    """An offer of these legs, one of each for each unit."""
    legs = tuple(OptionLeg(contract(one), side) for side, one in parts)
    intent = OptionIntent(
        account=ACCOUNT,
        session=DAY,
        strategy="wheel",
        underlying=legs[0].contract.underlying,
        purpose=purpose,
        legs=legs,
        quantity=quantity,
        envelope=Envelope(
            NetPrice(Decimal(price)), NetPrice(Decimal("-0.01") if price.startswith("-") else Decimal(9))
        ),
        spot=Decimal(750),
        group="g1",
        most_loss_usd=Decimal(200_000),
        deadline=SESSION.before_close(5),
    )
    return Attempt(intent, number, NetPrice(Decimal(price)), **changed)
