"""Our broker for options on a practice gateway, with the library that the environment has."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from mtum.adapters.brokers.ib.options.broker import IbOptionBroker
from mtum.adapters.ib.connection import client_library
from mtum.adapters.ib.connector import Connector, login_of
from mtum.adapters.ib.contracts import ContractPins, Contracts
from mtum.adapters.ib.options.chain import IbChains
from mtum.core.market.instruments import Right
from mtum.core.options.contracts import CLASSES, OptionContract
from mtum.core.options.ladder import Envelope, NetPrice
from mtum.core.options.legs import OptionLeg, OptionPurpose
from mtum.core.options.model.listing import number_of
from mtum.core.portfolio.options.orders import Attempt, OptionIntent
from mtum.core.portfolio.orders import Side
from support.gateway import ACCOUNT, Running
from support.ib_adapter import LIBRARY, Told, paper_settings
from support.option_gateway import DAY, year_of_sessions

JULY = date(2015, 7, 17)


@dataclass
class GatewayDesk:
    """Broker and chains on one connection."""

    broker: IbOptionBroker
    chains: IbChains


@contextmanager
def gateway_desk(gateway: Running, **broker: Any) -> Iterator[GatewayDesk]:
    """A connected broker."""
    told = Told()
    pins = ContractPins(lambda symbol: told.pins.get(symbol, ""), told.pins.__setitem__)
    limits = {"connect_seconds": 20.0, "request_seconds": 5.0, "acknowledge_seconds": 2.0}
    settings = paper_settings(gateway.port, **{**limits, **broker})
    contracts = Contracts(Connector(client_library(LIBRARY), login_of(settings), told), pins)
    found = IbOptionBroker(contracts, settings.broker.acknowledge_seconds)
    try:
        found.connect()
        yield GatewayDesk(found, IbChains(contracts, 0.02))
    finally:
        found.close()


def put(strike: str, right: Right = Right.PUT, underlying: str = "SPY") -> OptionContract:
    """A contract of July 2015: of a fund, or of an index whose class is named like it and settles by the close."""
    number = number_of(underlying, JULY, right, Decimal(strike))
    index = CLASSES.get(underlying, {}).get(underlying)
    kind = (index.style, index.delivery) if index else ()
    return OptionContract(number, underlying, right, Decimal(strike), JULY, JULY, underlying, *kind)


def offered(
    *parts: tuple[Side, OptionContract], price: Decimal, number: int = 1, quantity: int = 1, in_place: bool = False
) -> Attempt:
    """An offer of these legs, one of each for each unit."""
    session = year_of_sessions().get(DAY)
    assert session is not None
    net = NetPrice(price)
    intent = OptionIntent(
        account=ACCOUNT,
        session=DAY,
        strategy="wheel",
        underlying=parts[0][1].underlying,
        purpose=OptionPurpose.OPEN,
        legs=tuple(OptionLeg(contract, side) for side, contract in parts),
        quantity=quantity,
        envelope=Envelope(net, net),
        spot=Decimal(200),
        group="g1",
        most_loss_usd=Decimal(20_000),
        deadline=session.before_close(5),
    )
    return Attempt(intent, number, net, in_place)
