"""Getting in: the login, how long it may take, and what is said when it fails."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mtum.adapters.ib_session.codes import CLIENT_ID_IN_USE
from mtum.adapters.ib_session.ear import Notice
from mtum.errors import BrokerUnavailableError


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where the gateway listens and how long it is waited for.

    Parameters
    ----------
    connect_seconds, request_seconds : float
        Longest wait for a login, and for one answer.
    """

    host: str
    port: int
    client_id: int
    connect_seconds: float = 15.0
    request_seconds: float = 10.0


class ClientIdInUseError(BrokerUnavailableError):
    """Another program is connected with our client id."""


class Door:
    """One login. A client id in use is told by a notice only, so that the notices are heard from the first on."""

    def __init__(self, gateway: Gateway, loop: asyncio.AbstractEventLoop, on_notice: Callable[[Notice], None]) -> None:
        self._gateway = gateway
        self._on_notice = on_notice
        self._refused: asyncio.Future[None] = loop.create_future()

    async def enter(self, client: Any) -> None:
        """Log in.

        Raises
        ------
        BrokerUnavailableError
            Saying what stands in the way and what to do.
        """
        gateway = self._gateway
        task = asyncio.ensure_future(client.connectAsync(gateway.host, gateway.port, gateway.client_id, None))
        await asyncio.wait((task, self._refused), timeout=gateway.connect_seconds, return_when=asyncio.FIRST_COMPLETED)
        where = f"{gateway.host}:{gateway.port}"
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await task
        elif task.exception() is None:
            return
        elif isinstance(task.exception(), OSError):
            raise BrokerUnavailableError(
                f"no gateway listens at {where}: start it, and check broker.port and that its API is enabled"
            ) from task.exception()
        if self._refused.done():
            self._refused.result()
        raise BrokerUnavailableError(
            f"the gateway at {where} did not complete the login within {gateway.connect_seconds:g} s: log it in, "
            "accept the connection there, or restart it"
        )

    def hear(self, notice: Notice) -> None:
        """Take note of a notice and pass it on."""
        if notice.code == CLIENT_ID_IN_USE and not self._refused.done():
            self._refused.set_exception(
                ClientIdInUseError(
                    f"client id {self._gateway.client_id} is in use: another copy of this program is connected, or the "
                    "gateway has not noticed yet that an old one is gone; stop the other, or wait a minute"
                )
            )
        self._on_notice(notice)

    def shut(self) -> None:
        """Nothing more is waited for."""
        if not self._refused.done():
            self._refused.cancel()
