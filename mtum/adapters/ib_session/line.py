"""Puts the parts of a connection together, as the settings say."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from mtum.adapters.ib_session.dialer import Login
from mtum.adapters.ib_session.door import Gateway
from mtum.adapters.ib_session.library import Library
from mtum.adapters.ib_session.listings import Listings, Pins
from mtum.adapters.ib_session.session import IbSession
from mtum.adapters.ib_session.wire_record import WireRecord
from mtum.config import Settings


@dataclass(frozen=True, slots=True)
class Hearing:
    """Who is told what: the broker's clock, and every message."""

    on_time: Callable[[datetime], None]
    record: WireRecord


@dataclass(frozen=True, slots=True)
class IbLine:
    """A conversation with the gateway and the contracts it knows; nothing is connected yet."""

    session: IbSession
    listings: Listings
    record: WireRecord

    def close(self) -> None:
        """Hang up, and let go of the journal."""
        self.session.close()
        self.record.close()


def ib_line(settings: Settings, library: Library, pins: Pins, hearing: Hearing, *, read_only: bool = False) -> IbLine:
    """Return a line to the gateway that the settings name."""
    broker = settings.broker
    gateway = Gateway(broker.host, broker.port, broker.client_id, broker.connect_seconds, broker.request_seconds)
    paper = None if settings.mode == "practice" else settings.mode == "paper"
    login = Login(broker.account, paper, read_only)
    session = IbSession(library, gateway, login, hearing.record, hearing.on_time)
    return IbLine(session, Listings(session, pins), hearing.record)
