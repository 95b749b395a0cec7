"""One connection to the gateway: a fresh client, a fresh event loop, a time limit on everything."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from mtum.adapters.ib_session.door import Door, Gateway
from mtum.adapters.ib_session.ear import Ear, Heard, LinkLostError, Notice, Waiting
from mtum.adapters.ib_session.library import Library, with_loop
from mtum.adapters.ib_session.questions import Question
from mtum.adapters.ib_session.wire_record import WireRecord
from mtum.errors import BrokerUnavailableError

REQUEST_NAMES = {
    "1": "reqMktData", "3": "placeOrder", "4": "cancelOrder", "6": "reqAccountUpdates", "7": "reqExecutions",
    "9": "reqContractDetails", "16": "reqAllOpenOrders", "20": "reqHistoricalData", "49": "reqCurrentTime",
    "61": "reqPositions", "71": "startApi", "99": "reqCompletedOrders",
}  # fmt: skip


class SilenceError(BrokerUnavailableError):
    """A question was not answered within its time."""


class Link:
    """A connection, open from `open` until `close`; never used again after it ended."""

    def __init__(
        self, library: Library, gateway: Gateway, record: WireRecord, on_notice: Callable[[Notice], None]
    ) -> None:
        self._gateway = gateway
        self._record = record
        self._loop = with_loop()
        self._door = Door(gateway, self._loop, on_notice)
        self.ear = Ear(record, self._door.hear)
        self.client = library.client(self.ear)
        _hear_failures(self.client.decoder, self.ear)
        self._plain_send = self.client.sendMsg
        self.client.sendMsg = self._send_recorded

    @property
    def alive(self) -> bool:
        """Whether the login is complete and nobody has hung up; a half-open socket still counts."""
        return bool(self.client.isReady()) and not self.ear.ended

    def open(self) -> tuple[str, ...]:
        """Log in; return the accounts of the login.

        Raises
        ------
        BrokerUnavailableError
            Saying what stands in the way and what to do.
        """
        try:
            self._run(self._door.enter(self.client))
        except BrokerUnavailableError:
            self.close()
            raise
        return tuple(self.client.getAccounts())

    def close(self) -> None:
        """Hang up and end the loop; never raises."""
        if self._loop.is_closed():
            return
        with suppress(OSError, RuntimeError):
            self.client.disconnect()
        with suppress(OSError, RuntimeError):
            self._run(asyncio.sleep(0))
        self._door.shut()
        self._loop.close()
        asyncio.set_event_loop(None)

    def ask(self, questions: Sequence[Question]) -> list[list[Heard] | BrokerUnavailableError]:
        """Ask all at once; per question the messages of its answer, or what went wrong."""
        return self._run(self._ask(questions))

    def place(self, contract: Any, order: Any) -> int:
        """Send an order; return its order id. Raises LinkLostError when nothing was written."""
        order_id = self._number()
        self.ear.follow(order_id)
        self._run(self._write(lambda: self.client.placeOrder(order_id, contract, order)))
        return order_id

    def cancel(self, order_id: int) -> None:
        """Send a cancel request for an order of this client id."""
        self.ear.follow(order_id)
        self._run(self._write(lambda: self.client.cancelOrder(order_id, "")))

    def wait(self, seconds: float, met: Callable[[], bool]) -> bool:
        """Listen until something is so or the time is up; whether it is so."""
        return self._run(self._until(seconds, met))

    def forbid_orders(self) -> None:
        """Take the order requests away from the client: this connection can only read."""

        def refused(*_: Any) -> None:
            raise BrokerUnavailableError("this connection only reads; it cannot send or cancel orders")

        for name in ("placeOrder", "cancelOrder", "reqGlobalCancel", "exerciseOptions"):
            setattr(self.client, name, refused)

    def _run[T](self, work: Coroutine[Any, Any, T]) -> T:
        asyncio.set_event_loop(self._loop)
        return self._loop.run_until_complete(work)

    async def _ask(self, questions: Sequence[Question]) -> list[list[Heard] | BrokerUnavailableError]:
        begun = [self._begin(question) for question in questions]
        limits = [question.seconds or self._gateway.request_seconds for question in questions]
        return list(
            await asyncio.gather(*(self._answer(waiting, limit) for waiting, limit in zip(begun, limits, strict=True)))
        )

    def _begin(self, question: Question) -> Waiting:
        done: asyncio.Future[list[Heard]] = self._loop.create_future()
        waiting = Waiting(question.asked, None, question.collects, question.ends, done)
        if not self.alive:
            waiting.fail(LinkLostError(f"{question.asked}: not connected to the gateway"))
            return waiting
        number = self._number()
        waiting = replace(waiting, number=number if question.keyed else None)
        self.ear.waiting.append(waiting)
        try:
            question.send(self.client, number)
        except ConnectionError as error:
            waiting.fail(LinkLostError(f"{question.asked}: {error}"))
        return waiting

    async def _answer(self, waiting: Waiting, seconds: float) -> list[Heard] | BrokerUnavailableError:
        try:
            return await asyncio.wait_for(asyncio.shield(waiting.done), seconds)
        except TimeoutError:
            return SilenceError(f"{waiting.asked}: the gateway did not answer within {seconds:g} s")
        except BrokerUnavailableError as error:
            return error
        finally:
            if waiting in self.ear.waiting:
                self.ear.waiting.remove(waiting)
            waiting.done.cancel()

    async def _write(self, send: Callable[[], None]) -> None:
        try:
            send()
        except ConnectionError as error:
            raise LinkLostError(f"not connected to the gateway: {error}") from error

    async def _until(self, seconds: float, met: Callable[[], bool]) -> bool:
        end = self._loop.time() + seconds
        while not met():
            self.ear.news.clear()
            left = end - self._loop.time()
            if left <= 0 or self.ear.ended:
                return met()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.ear.news.wait(), left)
        return True

    def _number(self) -> int:
        try:
            return int(self.client.getReqId())
        except ConnectionError as error:
            raise LinkLostError(f"not connected to the gateway: {error}") from error

    def _send_recorded(self, message: str | None) -> None:
        # None is the library's own call to send what its throttle held back.
        name = REQUEST_NAMES.get(message.split("\0", 1)[0], "other") if message else ""
        if name:
            self._record.note("sending", name, ())
        self._plain_send(message)
        if name:
            self._record.note("sent", name, tuple((message or "").split("\0")[1:40]) if name == "placeOrder" else ())


def _hear_failures(decoder: Any, ear: Ear) -> None:
    # The library only logs a message that it cannot decode, and goes on without it.
    decode = decoder.interpret
    in_hand: list[str] = []

    def interpret(fields: Sequence[str]) -> None:
        in_hand[:] = fields
        decode(fields)

    decoder.interpret = interpret
    decoder.logger = SimpleNamespace(exception=lambda *_: ear.could_not_read(tuple(in_hand)))
