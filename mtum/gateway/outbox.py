"""What is on its way to one client, and the faults that strike it there."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from enum import Enum

from mtum.gateway.faults import Fault, FaultRule, altered
from mtum.gateway.floor import Floor
from mtum.gateway.order_faults import correction_of
from mtum.gateway.wire.data_messages import error
from mtum.gateway.wire.framing import Message, framed


class Answering(Enum):
    """What becomes of the messages sent while one request is carried out."""

    NORMAL = "normal"
    LOST = "lost"
    TWICE = "twice"
    LATE = "late"


class Outbox:
    """Messages to one client in their order; `client_id` and `version` are set as they become known."""

    def __init__(self, floor: Floor, writer: asyncio.StreamWriter) -> None:
        self.client_id = -1
        self.version = 0
        self._floor = floor
        self._writer = writer
        self._waiting: asyncio.Queue[tuple[float, bytes | None]] = asyncio.Queue()
        self._mode = (Answering.NORMAL, 0.0)
        self._held = False

    @property
    def held(self) -> bool:
        """Whether the client is neither heard nor answered any more."""
        return self._held

    @property
    def closed(self) -> bool:
        """Whether the connection is closed or closing."""
        return self._writer.is_closing()

    def send(self, answer: Message) -> None:
        """Send one answer, unless the request in hand or a fault rule says otherwise."""
        mode, seconds = self._mode
        if mode is Answering.LOST:
            self._lost(answer)
        elif mode is Answering.LATE:
            asyncio.get_running_loop().call_later(seconds, self._send_checked, answer)
        else:
            for _ in range(2 if mode is Answering.TWICE else 1):
                self._send_checked(answer)

    def error(self, request_id: int, code: int, text: str) -> None:
        """Send an error, warning or notice."""
        self.send(error(request_id, code, text, self.version))

    def send_raw(self, body: bytes) -> None:
        """Send the greeting's answer, which is no message yet."""
        self._writer.write(framed(body))

    def write(self, answer: Message, seconds: float = 0.0) -> None:
        """Put a message in the line, no rule asked; the line stands still for `seconds` before it."""
        if self._held:
            self._lost(answer)
            return
        self._floor.journal.record("answer", client=self.client_id, name=answer.name)
        self._waiting.put_nowait((seconds, answer.frame))

    def close(self) -> None:
        """Close the connection at once; what is not sent yet is lost."""
        self._writer.close()

    def hold(self) -> None:
        """Send nothing more, and do not close."""
        self._held = True

    def close_after_all(self) -> None:
        """Close the connection once everything in the line is sent."""
        self._waiting.put_nowait((0.0, None))

    @contextmanager
    def answering(self, mode: Answering, seconds: float) -> Iterator[None]:
        """Treat what is sent inside the block in this way."""
        self._mode = (mode, seconds)
        try:
            yield
        finally:
            self._mode = (Answering.NORMAL, 0.0)

    def after(self, rule: FaultRule, own_id: int) -> None:
        """Do what a rule wants once a request is carried out, or an answer sent."""
        if rule.do is Fault.NOTICE:
            self.error(own_id, rule.code, rule.text)
        elif rule.do is Fault.CARRY_OUT_THEN_DROP:
            self.close_after_all()
        elif rule.do is Fault.RESTART:
            self._floor.restart(rule.seconds)
        elif rule.do is Fault.JUMP:
            clock = self._floor.market.clock
            clock.set(clock.now() + timedelta(minutes=rule.minutes))

    async def send_all(self) -> None:
        """Send what is in the line, for ever."""
        while True:
            seconds, frame = await self._waiting.get()
            if seconds:
                await asyncio.sleep(seconds)
            if frame is None:
                self.close()
            elif not self.closed:
                self._writer.write(frame)

    def _send_checked(self, answer: Message) -> None:
        rule = self._floor.faults.take(answer.name, self.client_id, answer.fields)
        if rule is None:
            self.write(answer)
            return
        self._floor.note_fault(rule, self.client_id)
        if rule.do is Fault.ALTER:
            answer = replace(answer, fields=altered(rule, answer.fields))
        if rule.do in (Fault.SWALLOW, Fault.SUPPRESS):
            self._lost(answer)
        elif rule.do is Fault.DROP:
            self._lost(answer)
            self.close()
        elif rule.do is Fault.LATE:
            asyncio.get_running_loop().call_later(rule.seconds, self.write, answer)
        elif rule.do is Fault.HOLD and not rule.carry_out:
            self.hold()
            self._lost(answer)
        else:
            self.write(answer, rule.seconds if rule.do is Fault.DELAY else 0.0)
            self._follow_up(rule, answer)

    def _follow_up(self, rule: FaultRule, answer: Message) -> None:
        if rule.do is Fault.DUPLICATE:
            self.write(answer)
        elif rule.do is Fault.CORRECT:
            for extra in correction_of(self._floor, answer, Decimal(rule.price_change), self.version):
                self.write(extra)
        elif rule.do is Fault.HOLD:
            self.hold()
        identified = answer.name in ("openOrder", "orderStatus") and rule.own_id
        self.after(rule, int(answer.fields[1]) if identified else -1)

    def _lost(self, answer: Message) -> None:
        self._floor.journal.record("lost", client=self.client_id, name=answer.name)
