"""One client's connection: greeting, login, requests, and the faults that strike them."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from time import monotonic

from mtum.core.simulation.exchange_state import FillPlan, PlanEffect
from mtum.gateway.behavior import Login
from mtum.gateway.faults import Fault, FaultRule
from mtum.gateway.floor import Floor
from mtum.gateway.outbox import Answering, Outbox
from mtum.gateway.wire.data_messages import error
from mtum.gateway.wire.framing import Message, WireError, read_frame, split_fields
from mtum.gateway.wire.order_messages import wire_time
from mtum.gateway.wire.requests import Request, read_request, request_name

LOWEST_VERSION = 157
_GREETING = b"API\0"
_MODES = {
    Fault.SUPPRESS: Answering.LOST,
    Fault.CARRY_OUT_THEN_DROP: Answering.LOST,
    Fault.DUPLICATE: Answering.TWICE,
    Fault.LATE: Answering.LATE,
    Fault.HOLD: Answering.LOST,
}


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
    """One connection, open `since` then. `floor` is what all clients share; `answer` carries a request out."""

    def __init__(
        self, floor: Floor, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.floor = floor
        self.wants = Subscriptions()
        self.since = monotonic()
        self._answer = answer
        self._reader = reader
        self._out = Outbox(floor, writer)

    @property
    def client_id(self) -> int:
        """The id the client logged in with, -1 before."""
        return self._out.client_id

    @property
    def version(self) -> int:
        """The server version agreed upon."""
        return self._out.version

    async def run(self) -> None:
        """Serve the client until it leaves or is thrown out."""
        sending = asyncio.create_task(self._out.send_all())
        try:
            await self._greet()
            while not self._out.closed:
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
        """Send one answer."""
        self._out.send(answer)

    def error(self, request_id: int, code: int, text: str) -> None:
        """Send an error, warning or notice."""
        self._out.error(request_id, code, text)

    def close(self) -> None:
        """Close the connection at once."""
        self._out.close()

    async def _greet(self) -> None:
        if await self._reader.readexactly(4) != _GREETING:
            raise WireError("the client does not begin with the API greeting")
        # "v157..176", perhaps followed by a blank and connect options.
        offered = (await read_frame(self._reader)).decode(errors="replace").split(" ")[0]
        low, _, high = offered.removeprefix("v").partition("..")
        if not (low.isdigit() and (high or low).isdigit()):
            raise WireError(f"the client offers versions {offered!r}")
        self._out.version = min(self.floor.behavior.server_version, int(high or low))
        if self.version < max(int(low), LOWEST_VERSION):
            raise WireError(f"no common version: the client offers {offered}")
        stamp = wire_time(self.floor.local_now(), zone="EST")
        self._out.send_raw(f"{self.version}\0{stamp}\0".encode())

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
        elif self.client_id >= 0 and self.floor.behavior.login is Login.NORMAL and not self._out.held:
            await self._carry_out(request)

    def _log_in(self, client_id: int) -> None:
        login = self.floor.behavior.login
        if login is Login.CUT:
            self.close()
        elif login is Login.NORMAL and self.floor.in_use(client_id):
            self._out.write(error(-1, 326, "Unable to connect as the client id is already in use", self.version))
            self._out.close_after_all()
        elif login is Login.NORMAL:
            self._out.client_id = client_id
            self.floor.welcome(self)

    async def _carry_out(self, request: Request) -> None:
        rule = self.floor.faults.take(request.name, self.client_id, request.values)
        if rule is None:
            self._answer(self, request)
            return
        self.floor.note_fault(rule, self.client_id)
        own_id = request.whole("orderId") or request.whole("reqId") or -1
        if rule.do is Fault.DELAY:
            await asyncio.sleep(rule.seconds)
        if rule.do in (Fault.DROP, Fault.SWALLOW, Fault.REJECT):
            self._refuse(rule, request, own_id)
            return
        if rule.do is Fault.ALTER:
            request = replace(request, values={**request.values, **rule.fields})
        self._plan(rule, request)
        if rule.do not in (Fault.RESTART, Fault.HOLD) or rule.carry_out:
            with self._out.answering(_MODES.get(rule.do, Answering.NORMAL), rule.seconds):
                self._answer(self, request)
        if rule.do is Fault.HOLD:
            self._out.hold()
        self._out.after(rule, own_id if rule.own_id else -1)

    def _refuse(self, rule: FaultRule, request: Request, own_id: int) -> None:
        if request.name == "placeOrder":
            ref, number = request.text("orderRef"), request.whole("orderId")
            self.floor.journal.record("order", ref=ref, client=self.client_id, order_id=number, reached=False)
        if rule.do is Fault.DROP:
            self.close()
        elif rule.do is Fault.REJECT:
            self.error(own_id if rule.own_id else -1, rule.code, rule.text)

    def _plan(self, rule: FaultRule, request: Request) -> None:
        ref, session = request.text("orderRef"), self.floor.market.session.day
        symbol = request.text("symbol")
        if rule.do is Fault.PARTIAL:
            plan = FillPlan(PlanEffect.PARTIAL_FILL, ref, symbol, session, shares=rule.shares)
        elif rule.do is Fault.REJECT_LATER:
            plan = FillPlan(PlanEffect.REJECT_LATER, ref, symbol, session)
            plan = replace(plan, code=rule.code, text=rule.text, minutes_before_close=rule.minutes)
        elif rule.do is Fault.INACTIVE:
            plan = FillPlan(PlanEffect.INACTIVE, ref, symbol, session, minutes_before_close=rule.minutes)
        elif rule.do is Fault.EXTRA:
            plan = FillPlan(PlanEffect.EXTRA_FILL, ref, symbol, session, shares=rule.shares)
        elif rule.do is Fault.TWICE:
            plan = FillPlan(PlanEffect.TWICE, ref, symbol, session)
        else:
            return
        self.floor.desk.plan(plan)
