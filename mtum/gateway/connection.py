"""One client's connection: greeting, login, requests and answers in their order, and the faults that strike them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from enum import Enum
from time import monotonic

from msgspec.structs import replace

from mtum.core.simulation.exchange_queries import option_order_by_client
from mtum.core.simulation.exchange_state import FillPlan, PlanEffect
from mtum.gateway.answers import answer, greet
from mtum.gateway.behavior import VERSIONS, Login
from mtum.gateway.faults import Fault, FaultRule, altered
from mtum.gateway.framing import Message, WireError, framed, read_frame, split_fields
from mtum.gateway.messages import error, wire_time
from mtum.gateway.orders import execution_message
from mtum.gateway.requests import Request, read_request, request_name
from mtum.gateway.shared import Shared, Subscriptions

_GREETING = b"API\0"


class Answering(Enum):
    """What becomes of the messages sent while one request is carried out."""

    NORMAL = "normal"
    LOST = "lost"
    TWICE = "twice"
    LATE = "late"


_MODES = {
    Fault.SUPPRESS: Answering.LOST,
    Fault.CARRY_OUT_THEN_DROP: Answering.LOST,
    Fault.DUPLICATE: Answering.TWICE,
    Fault.LATE: Answering.LATE,
    Fault.HOLD: Answering.LOST,
}
_PLANS = {
    Fault.PARTIAL: PlanEffect.PARTIAL_FILL,
    Fault.REJECT_LATER: PlanEffect.REJECT_LATER,
    Fault.INACTIVE: PlanEffect.INACTIVE,
    Fault.EXTRA: PlanEffect.EXTRA_FILL,
    Fault.TWICE: PlanEffect.TWICE,
    Fault.FILL: PlanEffect.FILL_ON_CANCEL,
}
"""What the exchange is told to do to the order that a fault strikes."""


class ClientConnection:
    """One connection (shared.Client); `run` serves it until it ends."""

    def __init__(self, shared: Shared, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.shared = shared
        self.wants = Subscriptions()
        self.since = monotonic()
        self.client_id = -1
        self.version = 0
        self._reader = reader
        self._writer = writer
        self._waiting: asyncio.Queue[tuple[float, bytes | None]] = asyncio.Queue()
        self._mode = (Answering.NORMAL, 0.0)
        self._held = False

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
            self.shared.journal.record("malformed", client=self.client_id, text=str(wrong))
        finally:
            self.shared.leave(self)
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
        """Send an error, warning or notice.

        Parameters
        ----------
        request_id : int
            Number of the request; -1 for none.
        code : int
            The broker's code.
        text : str
            The message's words.
        """
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
        self.version = min(self.shared.behavior.server_version, int(high or low))
        if self.version < max(int(low), VERSIONS[0]):
            raise WireError(f"no common version: the client offers {offered}")
        stamp = wire_time(self.shared.local_now(), zone="EST")
        self._writer.write(framed(f"{self.version}\0{stamp}\0".encode()))

    async def _serve(self, fields: list[str]) -> None:
        self.shared.journal.record("request", client=self.client_id, name=request_name(fields))
        try:
            request = read_request(fields, self.version)
        except WireError as wrong:
            self.shared.journal.record("malformed", client=self.client_id, text=str(wrong))
            self.error(-1, 505, f"Fatal Error: Unknown message id or malformed message: {wrong}")
            return
        if request.name == "startApi":
            self._log_in(request.whole("clientId"))
        elif self.client_id >= 0 and self.shared.behavior.login is Login.NORMAL and not self._held:
            await self._carry_out(request)

    def _log_in(self, client_id: int) -> None:
        login = self.shared.behavior.login
        if login is Login.CUT:
            self.close()
        elif login is Login.NORMAL and self.shared.in_use(client_id):
            self._write(error(-1, 326, "Unable to connect as the client id is already in use", self.version))
            self._close_after_all()
        elif login is Login.NORMAL:
            self.client_id = client_id
            self.shared.clients.append(self)
            self.shared.journal.record("login", client=client_id, version=self.version)
            greet(self)

    async def _carry_out(self, request: Request) -> None:
        rule = self.shared.struck(request.name, self.client_id, request.values)
        if rule is None:
            answer(self, request)
            return
        own_id = (request.whole("orderId") or request.whole("reqId") or -1) if rule.own_id else -1
        if rule.do is Fault.DELAY:
            await asyncio.sleep(rule.seconds)
        if rule.do in (Fault.DROP, Fault.SWALLOW, Fault.REJECT):
            self._refuse(rule, request, own_id)
            return
        if rule.do is Fault.ALTER:
            request = replace(request, values={**request.values, **rule.fields})
        self._plan(rule, request)
        if rule.do not in (Fault.RESTART, Fault.HOLD) or rule.carry_out:
            with self._answering(_MODES.get(rule.do, Answering.NORMAL), rule.seconds):
                answer(self, request)
        if rule.do is Fault.HOLD:
            self._held = True
        self._after(rule, own_id)

    def _refuse(self, rule: FaultRule, request: Request, own_id: int) -> None:
        if request.name == "placeOrder":
            ref, number = request.text("orderRef"), request.whole("orderId")
            self.shared.journal.record("order", ref=ref, client=self.client_id, order_id=number, reached=False)
        if rule.do is Fault.DROP:
            self.close()
        elif rule.do is Fault.REJECT:
            self.error(own_id, rule.code, rule.text)

    def _plan(self, rule: FaultRule, request: Request) -> None:
        if rule.do not in _PLANS:
            return
        ref, symbol, day = request.text("orderRef"), request.text("symbol"), self.shared.market.session.day
        if rule.do is Fault.FILL:
            state, number = self.shared.exchange.state, request.whole("orderId")
            canceled = option_order_by_client(state, self.client_id, number)
            if canceled is None:
                return
            ref, symbol = canceled.ticket.ref, canceled.ticket.symbol
        plan = FillPlan(_PLANS[rule.do], ref, symbol, day)
        if rule.do in (Fault.PARTIAL, Fault.EXTRA, Fault.FILL):
            plan = replace(plan, shares=rule.shares)
        elif rule.do is Fault.REJECT_LATER:
            plan = replace(plan, code=rule.code, text=rule.text, minutes_before_close=rule.minutes)
        elif rule.do is Fault.INACTIVE:
            plan = replace(plan, minutes_before_close=rule.minutes)
        self.shared.exchange.plan(plan)

    @contextmanager
    def _answering(self, mode: Answering, seconds: float) -> Iterator[None]:
        self._mode = (mode, seconds)
        try:
            yield
        finally:
            self._mode = (Answering.NORMAL, 0.0)

    def _after(self, rule: FaultRule, own_id: int) -> None:
        # What a rule wants once a request is carried out, or an answer sent.
        if rule.do is Fault.NOTICE:
            self.error(own_id, rule.code, rule.text)
        elif rule.do is Fault.CARRY_OUT_THEN_DROP:
            self._close_after_all()
        elif rule.do is Fault.RESTART:
            self.shared.restart(rule.seconds)
        elif rule.do is Fault.JUMP:
            clock = self.shared.market.clock
            clock.set(clock.now() + timedelta(minutes=rule.minutes))

    def _send_checked(self, answer: Message) -> None:
        rule = self.shared.struck(answer.name, self.client_id, answer.fields)
        if rule is None:
            self._write(answer)
            return
        if rule.do is Fault.ALTER:
            answer = replace(answer, fields=altered(rule, answer.fields))
        if rule.do in (Fault.SWALLOW, Fault.SUPPRESS):
            self._lost(answer)
        elif rule.do is Fault.DROP:
            self._lost(answer)
            self.close()
        elif rule.do is Fault.LATE:
            asyncio.get_running_loop().call_later(rule.seconds, self._write, answer)
        elif rule.do is Fault.HOLD and not rule.carry_out:
            self._held = True
            self._lost(answer)
        else:
            self._write(answer, rule.seconds if rule.do is Fault.DELAY else 0.0)
            self._follow_up(rule, answer)

    def _follow_up(self, rule: FaultRule, answer: Message) -> None:
        if rule.do is Fault.DUPLICATE:
            self._write(answer)
        elif rule.do is Fault.CORRECT:
            exchange = self.shared.exchange
            found = [one for one in exchange.state.executions if one.exec_id in answer.fields]
            if found:
                corrected = exchange.correct(found[-1], found[-1].price + rule.price_change)
                self._write(execution_message(self, int(answer.fields[1]), corrected))
        elif rule.do is Fault.HOLD:
            self._held = True
        identified = answer.name in ("openOrder", "orderStatus") and rule.own_id
        self._after(rule, int(answer.fields[1]) if identified else -1)

    def _write(self, answer: Message, seconds: float = 0.0) -> None:
        # No rule is asked; the line stands still for so many seconds before it.
        if self._held:
            self._lost(answer)
            return
        self.shared.journal.record("answer", client=self.client_id, name=answer.name)
        self._waiting.put_nowait((seconds, answer.frame))

    def _lost(self, answer: Message) -> None:
        self.shared.journal.record("lost", client=self.client_id, name=answer.name)

    def _close_after_all(self) -> None:
        self._waiting.put_nowait((0.0, None))

    async def _send_all(self) -> None:
        while True:
            seconds, frame = await self._waiting.get()
            if seconds:
                await asyncio.sleep(seconds)
            if frame is None:
                self.close()
            elif not self._writer.is_closing():
                self._writer.write(frame)
