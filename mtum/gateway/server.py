"""The practice gateway's process: listens, lets market time pass, restarts itself on request."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress

from msgspec import Struct, field

from mtum.core.simulation.admission import ExchangeRules
from mtum.core.simulation.exchange_state import ExchangeAccount
from mtum.gateway.behavior import Behavior
from mtum.gateway.connection import ClientConnection
from mtum.gateway.control import ControlPort
from mtum.gateway.exchange import StoredExchange
from mtum.gateway.faults import FaultRule, Faults
from mtum.gateway.market import Market, MarketClock, MarketSource
from mtum.gateway.orders import catch_up
from mtum.gateway.shared import Journal, Shared

type Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]

_TICK_SECONDS = 0.05
_QUOTE_TICKS = 20


class GatewaySetup(Struct, frozen=True):
    """Everything the wiring hands to a gateway.

    Parameters
    ----------
    save : callable of bytes
        Stores the exchange's state durably; returns when it is stored.
    write_journal : callable of str
        Takes one JSON line.
    stored : bytes or None
        The state saved last.
    rules : ExchangeRules
        Costs and cut-offs; what happens to late orders comes from `behavior`.
    port, control_port : int
        0 = any free port; control_port -1 = no control port.
    """

    source: MarketSource
    save: Callable[[bytes], None]
    write_journal: Callable[[str], None]
    accounts: tuple[ExchangeAccount, ...]
    clock: MarketClock
    stored: bytes | None = None
    rules: ExchangeRules = field(default_factory=ExchangeRules)
    behavior: Behavior = field(default_factory=Behavior)
    faults: tuple[FaultRule, ...] = ()
    host: str = "127.0.0.1"
    port: int = 4002
    control_port: int = -1


class PracticeGateway:
    """A running gateway; `start`, then `close`."""

    def __init__(self, setup: GatewaySetup) -> None:
        market = Market(setup.source, setup.clock)
        exchange = StoredExchange(market, setup.rules, setup.save, setup.stored, setup.accounts)
        exchange.use_rules(setup.behavior)
        journal = Journal(setup.write_journal, setup.clock.now)
        options = exchange.options
        self.shared = Shared(exchange, market, options, setup.behavior, Faults(setup.faults), journal, self.restart)
        self._setup = setup
        self._ports = [setup.port, setup.control_port]
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._time: asyncio.Task[None] | None = None
        self._restarting = False

    @property
    def port(self) -> int:
        """Port that clients connect to."""
        return self._ports[0]

    @property
    def control_port(self) -> int:
        """Port of the control commands, -1 if there is none."""
        return self._ports[1]

    async def start(self) -> None:
        """Listen, and let market time pass.

        Raises
        ------
        OSError
            If a port is taken.
        """
        self._ports[0] = await self._listen(self._serve_client, self._ports[0])
        if self._ports[1] >= 0:
            self._ports[1] = await self._listen(ControlPort(self.shared).serve, self._ports[1])
        self._time = asyncio.create_task(self._pass_time())
        self._keep(self._time)

    async def close(self) -> None:
        """Stop listening and drop every client; the state is saved already."""
        for server in self._servers:
            server.close()
        self._drop_clients()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def check(self) -> None:
        """Raise what stopped market time, if something did (the state could not be saved)."""
        if self._time and self._time.done() and not self._time.cancelled():
            self._time.result()

    def restart(self, seconds: float) -> None:
        """Behave as a restarting gateway: unreachable for a while, then back with the saved state."""
        if not self._restarting:
            self._restarting = True
            self._servers[0].close()
            self._drop_clients()
            self._keep(asyncio.create_task(self._come_back(seconds)))

    async def _come_back(self, seconds: float) -> None:
        self.shared.journal.record("restart", seconds=seconds)
        await asyncio.sleep(seconds)
        self.shared.exchange.reload()
        server = await asyncio.start_server(self._serve_client, self._setup.host, self._ports[0])
        self._servers[0] = server
        self._restarting = False
        self.shared.journal.record("back")

    async def _listen(self, serve: Serve, port: int) -> int:
        server = await asyncio.start_server(serve, self._setup.host, port)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def _serve_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            self._keep(task)
        with suppress(asyncio.CancelledError):
            await ClientConnection(self.shared, reader, writer).run()

    def _drop_clients(self) -> None:
        for client in list(self.shared.clients):
            client.close()

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pass_time(self) -> None:
        ticks = 0
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            catch_up(self.shared)
            ticks += 1
            if ticks % _QUOTE_TICKS == 0:
                self._send_quotes()

    def _send_quotes(self) -> None:
        for client in self.shared.clients:
            for tell in list(client.wants.quotes.values()):
                tell()
