"""One client's connection: greeting, requests in, answers out, faults on both."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum

from mtum.core.simulation.exchange_state import FillPlan, PlanEffect
from mtum.gateway.behavior import Login
from mtum.gateway.faults import Fault, FaultRule
from mtum.gateway.floor import Floor
from mtum.gateway.order_faults import correction_of
from mtum.gateway.wire.data_messages import error
from mtum.gateway.wire.framing import Message, WireError, framed, read_frame, split_fields
from mtum.gateway.wire.order_messages import wire_time
from mtum.gateway.wire.requests import Request, read_request, request_name

LOWEST_VERSION = 157
_GREETING = b"API\0"


class Answering(Enum):
    """What becomes of the messages sent while one request is carried out."""

    NORMAL = "normal"
    LOST = "lost"
    TWICE = "twice"
    LATE = "late"


@dataclass(slots=True)
class Subscriptions:
    """What a client wants to hear without asking again."""

    account: str = ""
    positions: bool = False
    summaries: dict[int, tuple[str, ...]] = field(default_factory=dict)
    multi: dict[int, str] = field(default_factory=dict)
    pnl: dict[int, str] = field(default_factory=dict)
    quotes: dict[int, str] = field(default_factory=dict)
    data_type: int = 1


type Answer = Callable[["ClientSession", Request], None]


class ClientSession:
    """One connection. `floor` is what all clients share; `answer` carries a request out."""

    def __init__(
        self, floor: Floor, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.floor = floor
        self.client_id = -1
        self.version = 0
        self.wants = Subscriptions()
        self._answer = answer
        self._reader = reader
        self._writer = writer
        self._outgoing: asyncio.Queue[tuple[float, bytes | None]] = asyncio.Queue()
        self._mode = (Answering.NORMAL, 0.0)

    async def run(self) -> None:
        """Serve the client until it leaves or is thrown out."""
        sending = asyncio.create_task(self._send_all())
        try:
            await self._greet()
            while not self._writer.is_closing():
                await self._serve(split_fields(await read_frame(self._reader)))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except WireError as wrong:
            self.floor.journal.record("malformed", client=self.client_id, text=str(wrong))
        finally:
            self.floor.leave(self)
            self.close()
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending

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

    def close(self) -> None:
        """Close the connection at once; what is not sent yet is lost."""
        self._writer.close()

    async def _greet(self) -> None:
        if await self._reader.readexactly(4) != _GREETING:
            raise WireError("the client does not begin with the API greeting")
        # "v157..176", perhaps followed by a blank and connect options.
        offered = (await read_frame(self._reader)).decode(errors="replace").split(" ")[0]
        low, _, high = offered.removeprefix("v").partition("..")
        if not (low.isdigit() and (high or low).isdigit()):
            raise WireError(f"the client offers versions {offered!r}")
        self.version = min(self.floor.behavior.server_version, int(high or low))
        if self.version < max(int(low), LOWEST_VERSION):
            raise WireError(f"no common version: the client offers {offered}")
        stamp = wire_time(self.floor.local_now(), zone="EST")
        self._writer.write(framed(f"{self.version}\0{stamp}\0".encode()))

    async def _serve(self, fields: list[str]) -> None:
        name = request_name(fields)
        self.floor.journal.record("request", client=self.client_id, name=name)
        try:
            request = read_request(fields, self.version)
        except WireError as wrong:
            self.floor.journal.record("malformed", client=self.client_id, text=str(wrong))
            self.error(-1, 505, f"Fatal Error: Unknown message id or malformed message: {wrong}")
            return
        if name == "startApi":
            self._log_in(request.whole("clientId"))
        elif self.client_id >= 0 and self.floor.behavior.login is Login.NORMAL:
            await self._carry_out(request)

    def _log_in(self, client_id: int) -> None:
        login = self.floor.behavior.login
        if login is Login.CUT:
            self.close()
        elif login is Login.NORMAL and self.floor.in_use(client_id):
            self.client_id = -1
            self._write(error(-1, 326, "Unable to connect as the client id is already in use", self.version))
            self._outgoing.put_nowait((0.0, None))
        elif login is Login.NORMAL:
            self.client_id = client_id
            self.floor.welcome(self)

    async def _carry_out(self, request: Request) -> None:
        rule = self.floor.faults.take(request.name, self.client_id)
        if rule is None:
            self._answer(self, request)
            return
        self.floor.note_fault(rule, self.client_id)
        if rule.do is Fault.DELAY:
            await asyncio.sleep(rule.seconds)
        if rule.do in (Fault.DROP, Fault.SWALLOW, Fault.REJECT):
            self._refuse(rule, request)
            return
        self._plan(rule, request)
        if rule.do is not Fault.RESTART or rule.carry_out:
            self._answer_in(_MODES.get(rule.do, Answering.NORMAL), rule.seconds, request)
        self._after(rule, self._own_id(rule, request))

    def _answer_in(self, mode: Answering, seconds: float, request: Request) -> None:
        self._mode = (mode, seconds)
        try:
            self._answer(self, request)
        finally:
            self._mode = (Answering.NORMAL, 0.0)

    def _refuse(self, rule: FaultRule, request: Request) -> None:
        if request.name == "placeOrder":
            self.floor.journal.record("order", ref=request.text("orderRef"), client=self.client_id, reached=False)
        if rule.do is Fault.DROP:
            self.close()
        elif rule.do is Fault.REJECT:
            self.error(self._own_id(rule, request), rule.code, rule.text)

    def _plan(self, rule: FaultRule, request: Request) -> None:
        ref, session = request.text("orderRef"), self.floor.market.session.day
        symbol = request.text("symbol")
        if rule.do is Fault.PARTIAL:
            plan = FillPlan(PlanEffect.PARTIAL_FILL, ref, symbol, session, shares=rule.shares)
        elif rule.do is Fault.REJECT_LATER:
            plan = FillPlan(PlanEffect.REJECT_LATER, ref, symbol, session)
            plan = replace(plan, code=rule.code, text=rule.text, minutes_before_close=rule.minutes)
        else:
            return
        self.floor.desk.plan(plan)

    def _after(self, rule: FaultRule, own_id: int) -> None:
        if rule.do is Fault.NOTICE:
            self.error(own_id, rule.code, rule.text)
        elif rule.do is Fault.CARRY_OUT_THEN_DROP:
            self._outgoing.put_nowait((0.0, None))
        elif rule.do is Fault.RESTART:
            self.floor.restart(rule.seconds)

    def _own_id(self, rule: FaultRule, request: Request) -> int:
        if not rule.own_id:
            return -1
        return request.whole("orderId") or request.whole("reqId") or -1

    def _send_checked(self, answer: Message) -> None:
        rule = self.floor.faults.take(answer.name, self.client_id)
        if rule is None:
            self._write(answer)
            return
        self.floor.note_fault(rule, self.client_id)
        if rule.do in (Fault.SWALLOW, Fault.SUPPRESS):
            self._lost(answer)
        elif rule.do is Fault.DROP:
            self._lost(answer)
            self.close()
        elif rule.do is Fault.LATE:
            asyncio.get_running_loop().call_later(rule.seconds, self._write, answer)
        else:
            self._write(answer, rule.seconds if rule.do is Fault.DELAY else 0.0)
            self._follow_up(rule, answer)

    def _follow_up(self, rule: FaultRule, answer: Message) -> None:
        if rule.do is Fault.DUPLICATE:
            self._write(answer)
        elif rule.do is Fault.CORRECT:
            corrected = correction_of(self.floor, answer, Decimal(rule.price_change), self.version)
            for extra in corrected:
                self._write(extra)
        self._after(rule, int(answer.fields[1]) if rule.own_id and answer.fields[1:] else -1)

    def _lost(self, answer: Message) -> None:
        self.floor.journal.record("lost", client=self.client_id, name=answer.name)

    def _write(self, answer: Message, seconds: float = 0.0) -> None:
        self.floor.journal.record("answer", client=self.client_id, name=answer.name)
        self._outgoing.put_nowait((seconds, answer.frame))

    async def _send_all(self) -> None:
        while True:
            seconds, frame = await self._outgoing.get()
            if seconds:
                await asyncio.sleep(seconds)
            if frame is None:
                self.close()
            elif not self._writer.is_closing():
                self._writer.write(frame)


_MODES = {
    Fault.SUPPRESS: Answering.LOST,
    Fault.CARRY_OUT_THEN_DROP: Answering.LOST,
    Fault.DUPLICATE: Answering.TWICE,
    Fault.LATE: Answering.LATE,
}
