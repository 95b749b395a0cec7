"""One connection to the gateway: a fresh client, a fresh event loop, a time limit on everything."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import SimpleNamespace
from typing import Any

from msgspec import Struct

from mtum.adapters.ib.codes import CLIENT_ID_IN_USE
from mtum.adapters.ib.messages import ComboLeg, Contract, Notice, Order
from mtum.adapters.ib.requests import (
    Callbacks,
    ConnectionLostError,
    Limit,
    PendingRequest,
    Request,
    RequestChain,
    SilenceError,
)
from mtum.adapters.ib.wire_record import WireRecord
from mtum.errors import BrokerUnavailableError, ConfigError, MtumError

LIBRARIES = ("ib_insync", "ib_async")
HISTORIES_AT_ONCE = 45
"""History requests in the air: the broker refuses more than 50, of all programs together. Its stricter rules are for
bars of 30 seconds or less, which are never asked for, and its 50 messages a second are kept by the library."""
REQUEST_NAMES = {
    "1": "reqMktData", "2": "cancelMktData", "3": "placeOrder", "4": "cancelOrder", "6": "reqAccountUpdates",
    "7": "reqExecutions", "9": "reqContractDetails", "16": "reqAllOpenOrders", "20": "reqHistoricalData",
    "25": "cancelHistoricalData", "49": "reqCurrentTime", "61": "reqPositions", "71": "startApi",
    "78": "reqSecDefOptParams", "91": "reqMarketRule", "99": "reqCompletedOrders",
}  # fmt: skip


class ClientIdInUseError(BrokerUnavailableError):
    """Another program is connected with our client id."""


class WrongAccountError(BrokerUnavailableError):
    """The login's account is not the one that may be traded in this mode."""


class Library(Struct, frozen=True):
    """The wire client of one library and the values it takes; library objects have no types of ours."""

    name: str
    version: str
    client: Callable[[Any], Any]
    contract: Callable[..., Contract]
    order: Callable[..., Order]
    combo_leg: Callable[..., ComboLeg]
    execution_filter: Callable[..., Any]


class Login(Struct, frozen=True):
    """Where the gateway listens, whose account is wanted there and what for.

    Parameters
    ----------
    account : str
        Account that must be among the login's.
    paper : bool or None
        Whether it must be a paper account; None does not ask.
    read_only : bool
        The connection cannot send orders.
    connect_seconds, request_seconds : float
        Longest wait for a login, and for one answer.
    data_lines : int
        Quotes asked for at once.
    """

    host: str
    port: int
    client_id: int
    account: str
    paper: bool | None = None
    read_only: bool = False
    connect_seconds: float = 15.0
    request_seconds: float = 10.0
    data_lines: int = 50


def client_library(name: str) -> Library:
    """Import the configured library.

    Raises
    ------
    ConfigError
        If it is not installed, or the other one is installed beside it.
    """
    found = {one: _version(one) for one in LIBRARIES}
    other = next(one for one in LIBRARIES if one != name)
    if found[name] is None:
        raise ConfigError(
            [f'broker.library: "{name}" is not installed in this environment; install it, or name another']
        )
    if found[other] is not None:
        raise ConfigError([f"broker.library: {name} and {other} overwrite each other's eventkit; install {name} alone"])
    loop = _current_loop()
    try:
        module = import_module(name)
    finally:
        loop.close()
        asyncio.set_event_loop(None)
    # Every message goes to our own journal; the library's log would only repeat it as noise.
    logging.getLogger(name).setLevel(logging.CRITICAL)
    made = (module.Client, module.Contract, module.Order, module.ComboLeg, module.ExecutionFilter)
    return Library(name, str(found[name]), *made)


class Connection:
    """A connection, open from `open` until `close`; never used again after it ended.

    Parameters
    ----------
    on_notice : callable
        Told of every error, warning and notice.
    """

    def __init__(self, library: Library, login: Login, record: WireRecord, on_notice: Callable[[Notice], None]) -> None:
        self._login = login
        self._record = record
        self._on_notice = on_notice
        self._loop = _current_loop()
        self._in_use: asyncio.Future[None] = self._loop.create_future()
        self.callbacks = Callbacks(record, self._noticed)
        self.client = library.client(self.callbacks)
        _note_undecoded(self.client.decoder, self.callbacks)
        self._turns = {
            Limit.HISTORY: asyncio.Semaphore(HISTORIES_AT_ONCE),
            Limit.LINE: asyncio.Semaphore(login.data_lines),
        }
        self._plain_send = self.client.sendMsg
        self.client.sendMsg = self._send_recorded

    @property
    def alive(self) -> bool:
        """Whether the login is complete and nobody has hung up; a half-open socket still counts."""
        return bool(self.client.isReady()) and not self.callbacks.ended

    def open(self) -> None:
        """Log in to the wanted account.

        Raises
        ------
        BrokerUnavailableError
            Saying what stands in the way and what to do.
        WrongAccountError
            Saying which account is there, or of which kind it is.
        """
        try:
            self._complete(self._log_in())
            check_account(self._login, tuple(self.client.getAccounts()))
        except BrokerUnavailableError:
            self.close()
            raise
        if self._login.read_only:
            for name in ("placeOrder", "cancelOrder", "reqGlobalCancel", "exerciseOptions"):
                setattr(self.client, name, _refused)

    def close(self) -> None:
        """Hang up and end the loop; never raises."""
        if self._loop.is_closed():
            return
        with suppress(OSError, RuntimeError):
            self.client.disconnect()
        with suppress(OSError, RuntimeError):
            self._complete(asyncio.sleep(0))
        if not self._in_use.done():
            self._in_use.cancel()
        self._loop.close()
        asyncio.set_event_loop(None)

    def ask(self, requests: Sequence[Request[Any]]) -> list[list[Any] | BrokerUnavailableError]:
        """Ask all at once; per request the messages of its answer, or what went wrong."""
        return self._complete(self._ask(requests))

    def run(self, chains: Sequence[RequestChain[Any]], seconds: float) -> dict[int, Any]:
        """Run chains side by side; by position what came of those that ended in time, errors of ours among it.

        One that was cut short by the end of the connection has that for its outcome.
        """
        return self._complete(self._run_all(chains, seconds))

    def place(self, contract: Contract, order: Order, number: int | None = None) -> int:
        """Send an order, or (with its number) a change of one; return its order id.

        Raises ConnectionLostError when nothing was written.

        Parameters
        ----------
        contract : Contract
            Contract, as the broker names it.
        order : Order
            Order, as the broker has it.
        number : int or None
            Number of the order that is changed; None for a new one.
        """
        order_id = self._number() if number is None else number
        self.callbacks.follow(order_id)
        self._complete(self._write(lambda: self.client.placeOrder(order_id, contract, order)))
        return order_id

    def cancel(self, order_id: int) -> None:
        """Send a cancel request for an order of this client id."""
        self.callbacks.follow(order_id)
        self._complete(self._write(lambda: self.client.cancelOrder(order_id, "")))

    def wait(self, seconds: float, met: Callable[[], bool]) -> bool:
        """Listen until something is so or the time is up; whether it is so."""
        return self._complete(self._until(seconds, met))

    def _complete[T](self, work: Coroutine[Any, Any, T]) -> T:
        asyncio.set_event_loop(self._loop)
        return self._loop.run_until_complete(work)

    async def _log_in(self) -> None:
        login = self._login
        task = asyncio.ensure_future(self.client.connectAsync(login.host, login.port, login.client_id, None))
        await asyncio.wait((task, self._in_use), timeout=login.connect_seconds, return_when=asyncio.FIRST_COMPLETED)
        where = f"{login.host}:{login.port}"
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
        if self._in_use.done():
            self._in_use.result()
        raise BrokerUnavailableError(
            f"the gateway at {where} did not complete the login within {login.connect_seconds:g} s: log it in, "
            "accept the connection there, or restart it"
        )

    def _noticed(self, notice: Notice) -> None:
        # A client id in use is told by a notice only.
        if notice.code == CLIENT_ID_IN_USE and not self._in_use.done():
            self._in_use.set_exception(
                ClientIdInUseError(
                    f"client id {self._login.client_id} is in use: another copy of this program is connected, or the "
                    "gateway has not noticed yet that an old one is gone; stop the other, or wait a minute"
                )
            )
        self._on_notice(notice)

    async def _ask(self, requests: Sequence[Request[Any]]) -> list[list[Any] | BrokerUnavailableError]:
        return list(await asyncio.gather(*(self._in_turn(request) for request in requests)))

    async def _in_turn(self, request: Request[Any]) -> list[Any] | BrokerUnavailableError:
        if request.limit is None:
            return await self._answer(self._begin(request))
        async with self._turns[request.limit]:
            return await self._answer(self._begin(request))

    async def _run_all(self, chains: Sequence[RequestChain[Any]], seconds: float) -> dict[int, Any]:
        tasks = [asyncio.ensure_future(self._run_chain(one)) for one in chains]
        await asyncio.wait(tasks, timeout=seconds)
        ended = {at: task for at, task in enumerate(tasks) if task.done()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return {at: task.result() for at, task in ended.items()}

    async def _run_chain(self, chain: RequestChain[Any]) -> Any:
        lost: ConnectionLostError | None = None
        try:
            request = next(chain)
            while True:
                (found,) = await self._ask((request,))
                lost = found if isinstance(found, ConnectionLostError) else lost
                request = chain.throw(found) if isinstance(found, BrokerUnavailableError) else chain.send(found)
        except StopIteration as end:
            return lost or end.value
        except MtumError as error:
            return lost or error

    def _begin(self, request: Request[Any]) -> PendingRequest:
        pending = PendingRequest(request, None, self._loop.create_future())
        if not self.alive:
            pending.fail(ConnectionLostError(f"{request.asked}: not connected to the gateway"))
            return pending
        number = self._number()
        pending.number = number if request.keyed else None
        self.callbacks.pending.append(pending)
        try:
            request.send(self.client, number)
        except ConnectionError as error:
            pending.fail(ConnectionLostError(f"{request.asked}: {error}"))
        return pending

    async def _answer(self, pending: PendingRequest) -> list[Any] | BrokerUnavailableError:
        seconds = pending.request.seconds or self._login.request_seconds
        try:
            return await asyncio.wait_for(asyncio.shield(pending.done), seconds)
        except TimeoutError:
            if pending.request.enough is not None:
                return pending.received
            return SilenceError(f"{pending.request.asked}: the gateway did not answer within {seconds:g} s")
        except BrokerUnavailableError as error:
            return error
        finally:
            if pending in self.callbacks.pending:
                self.callbacks.pending.remove(pending)
            self._end(pending)
            pending.done.cancel()

    def _end(self, pending: PendingRequest) -> None:
        # What nobody waits for would still count among what may be asked at once.
        open_ended = pending.request.streams or not pending.done.done()
        if open_ended and pending.request.cancel and pending.number is not None and self.alive:
            with suppress(ConnectionError):
                pending.request.cancel(self.client, pending.number)

    async def _write(self, send: Callable[[], None]) -> None:
        try:
            send()
        except ConnectionError as error:
            raise ConnectionLostError(f"not connected to the gateway: {error}") from error

    async def _until(self, seconds: float, met: Callable[[], bool]) -> bool:
        end, arrived = self._loop.time() + seconds, self.callbacks.arrived
        while not met():
            arrived.clear()
            left = end - self._loop.time()
            if left <= 0 or self.callbacks.ended:
                return met()
            with suppress(TimeoutError):
                await asyncio.wait_for(arrived.wait(), left)
        return True

    def _number(self) -> int:
        try:
            return int(self.client.getReqId())
        except ConnectionError as error:
            raise ConnectionLostError(f"not connected to the gateway: {error}") from error

    def _send_recorded(self, message: str | None) -> None:
        # None is the library's own call to send what its throttle held back.
        name = REQUEST_NAMES.get(message.split("\0", 1)[0], "other") if message else ""
        if name:
            self._record.note("sending", name, ())
        self._plain_send(message)
        if name:
            self._record.note("sent", name, tuple((message or "").split("\0")[1:40]) if name == "placeOrder" else ())


def check_account(login: Login, accounts: Sequence[str]) -> None:
    """Refuse a login that is not the one wanted.

    Raises
    ------
    WrongAccountError
        Saying which account is there, or of which kind it is.
    """
    if login.account not in accounts:
        raise WrongAccountError(
            f"account {login.account} is not among this login's ({', '.join(accounts)}): log in as its user, or "
            "correct broker.account"
        )
    paper = login.account.startswith("D")
    if login.paper is not None and paper is not login.paper:
        kind, wanted = ("paper", "live") if paper else ("live", "paper")
        raise WrongAccountError(f"account {login.account} is a {kind} account, but the mode needs a {wanted} one")


def _refused(*_: Any) -> None:
    raise BrokerUnavailableError("this connection only reads; it cannot send or cancel orders")


def _note_undecoded(decoder: Any, callbacks: Callbacks) -> None:
    # The library only logs a message that it cannot decode, and goes on without it.
    decode = decoder.interpret
    in_hand: list[str] = []

    def interpret(fields: Sequence[str]) -> None:
        in_hand[:] = fields
        decode(fields)

    decoder.interpret = interpret
    decoder.logger = SimpleNamespace(exception=lambda *_: callbacks.undecoded(tuple(in_hand)))


def _current_loop() -> asyncio.AbstractEventLoop:
    # Both libraries ask for a current event loop, also on import.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


@cache
def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
