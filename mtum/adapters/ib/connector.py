"""Keeps a run connected to the gateway: just in time, with patience while it restarts, again after a drop."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

from mtum.adapters.clock import growing, monotonic_seconds, pause, retried
from mtum.adapters.ib.codes import FARM_FINE, LINK_BACK, LINK_DOWN
from mtum.adapters.ib.connection import ClientIdInUseError, Connection, Library, Login, WrongAccountError
from mtum.adapters.ib.messages import Message, Notice, ServerTime
from mtum.adapters.ib.requests import (
    CURRENT_TIME,
    Answers,
    ConnectionLostError,
    Request,
    RequestChain,
    RequestRefusedError,
)
from mtum.adapters.ib.wire_record import WireRecord
from mtum.config import Settings
from mtum.core.portfolio.gate import PRACTICE_FARM
from mtum.errors import BrokerUnavailableError

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 5.0
"""Between two attempts to connect; each pause is twice the one before."""


class Connector:
    """The connection of one run: account, time limits, reconnection.

    Parameters
    ----------
    record : WireRecord
        Told of every message.
    on_time : callable
        Told of the broker's clock each time it is read.

    `connections` counts those made: what was learned over an earlier one is asked again. `today` is the
    date of the broker's clock when it was last read. `servers_lost` and `practice` are what the gateway
    has said of itself: that it lost the broker's servers and not that they are back; that it is the
    practice gateway, with a market time of its own.
    """

    def __init__(
        self,
        library: Library,
        login: Login,
        record: WireRecord,
        on_time: Callable[[datetime], None] = lambda _: None,
    ) -> None:
        self.library = library
        self.login = login
        self.connections = 0
        self.today: date | None = None
        self.servers_lost = self.practice = False
        self._record = record
        self._on_time = on_time
        self._connection: Connection | None = None

    def open(self) -> None:
        """Connect, unless connected; check the account; read the broker's clock.

        Raises
        ------
        BrokerUnavailableError
            If there is no usable connection, or the account is another one or of the wrong kind.
        """
        if self._connection is None or not self._connection.alive:
            self._connect(patient=False)

    def close(self) -> None:
        """Hang up, and let go of the record; never raises."""
        self._hang_up()
        self._record.close()

    def ask[M: Message](self, request: Request[M]) -> list[M]:
        """Ask; after a dropped connection once more over a new one.

        Raises
        ------
        BrokerUnavailableError
            If it was not answered, or the broker has lost its own servers.
        """
        return self.ask_all(request).to(request)

    def ask_all(self, *requests: Request[Any]) -> Answers:
        """Ask all at once, as `ask` does."""
        found = self.try_ask(*requests)
        for answer in found:
            if isinstance(answer, BrokerUnavailableError):
                raise answer
        return Answers(requests, [answer for answer in found if isinstance(answer, list)])

    def try_ask(self, *requests: Request[Any]) -> list[list[Any] | BrokerUnavailableError]:
        """Ask all at once; per request its answer or what went wrong."""
        if self._connection is None:
            self._connect(patient=False)
        found = self.connection.ask(requests)
        if any(isinstance(answer, ConnectionLostError) for answer in found):
            self._connect(patient=True)
            found = self.connection.ask(requests)
        return found

    def run[T](self, chain: RequestChain[T]) -> T:
        """Run one chain, each request asked as `ask` does."""
        try:
            request = next(chain)
            while True:
                try:
                    answer = self.ask(request)
                except BrokerUnavailableError as error:
                    request = chain.throw(error)
                else:
                    request = chain.send(answer)
        except StopIteration as end:
            found: T = end.value
            return found

    def run_all(self, chains: Sequence[Callable[[], RequestChain[Any]]], seconds: float) -> dict[int, Any]:
        """Run chains side by side, those cut short by a dropped connection once more over a new one.

        Returns
        -------
        dict of int to object
            By position what came of those that ended in time, errors of ours among it.
        """
        spent = monotonic_seconds()
        if self._connection is None:
            self._connect(patient=False)
        found = self.connection.run([begin() for begin in chains], seconds)
        again = [at for at, one in found.items() if isinstance(one, ConnectionLostError)]
        if again:
            self._connect(patient=True)
            later = self.connection.run([chains[at]() for at in again], max(0.0, seconds - spent()))
            found = {at: one for at, one in found.items() if at not in again}
            found |= {again[at]: one for at, one in later.items()}
        return found

    def server_time(self) -> datetime:
        """Return the broker's clock; also the proof that the socket is not half-open."""
        try:
            answer = self.ask(CURRENT_TIME)
        except (ConnectionLostError, RequestRefusedError):
            raise
        except BrokerUnavailableError:
            # Silence on a connected socket: what is sent into it is lost. Only a new one will do.
            self._connect(patient=True)
            answer = self.ask(CURRENT_TIME)
        return self._timed(answer)

    def probe_here(self) -> datetime:
        """Prove that this very connection carries a request and its answer; return the broker's clock.

        Raises
        ------
        BrokerUnavailableError
            If it does not, or the gateway has lost the broker's servers.
        """
        found = self.connection.ask((CURRENT_TIME,))[0]
        if isinstance(found, BrokerUnavailableError):
            raise found
        if self.servers_lost:
            raise BrokerUnavailableError(
                "the gateway has lost the broker's servers (1100); nothing is sent until it is back"
            )
        return self._timed(found)

    def pause(self, seconds: float) -> None:
        """Let time pass while listening; the connection's end is noticed later, by whoever asks."""
        if self._connection is None:
            pause(seconds)
            return
        self._connection.wait(seconds, lambda: False)
        if self._connection.alive:
            # A practice market may run faster than this computer's clock.
            with suppress(BrokerUnavailableError):
                self.probe_here()
        else:
            pause(seconds)

    @property
    def connection(self) -> Connection:
        """The open connection.

        Raises
        ------
        ConnectionLostError
            If there is none.
        """
        if self._connection is None:
            raise ConnectionLostError("not connected to the gateway")
        return self._connection

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self, *, patient: bool) -> None:
        # Patient: also while nobody listens. A client id in use is always tried again: an old connection may linger.
        self._hang_up()
        self.servers_lost = self.practice = False

        def opened() -> Connection:
            made = Connection(self.library, self.login, self._record, self._noticed)
            made.open()
            return made

        def may_pass(error: Exception) -> bool:
            if isinstance(error, WrongAccountError) or not isinstance(error, BrokerUnavailableError):
                return False
            return patient or isinstance(error, ClientIdInUseError)

        pauses = growing(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, self.login.connect_seconds)
        self._connection = made = retried(opened, may_pass, pauses)
        answer = made.ask((CURRENT_TIME,))[0]
        if isinstance(answer, BrokerUnavailableError):
            self._hang_up()
            raise answer
        self.connections += 1
        self._timed(answer)

    def _noticed(self, notice: Notice) -> None:
        if notice.code in (*LINK_DOWN, *LINK_BACK):
            self.servers_lost = notice.code in LINK_DOWN
        if notice.code == FARM_FINE and notice.text.endswith(f":{PRACTICE_FARM}"):
            self.practice = True

    def _timed(self, answer: list[ServerTime]) -> datetime:
        told = answer[-1].seconds
        try:
            now = datetime.fromtimestamp(told, UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise BrokerUnavailableError(f"the broker's clock says {told!r}, which is no time") from error
        self.today = now.date()
        self._on_time(now)
        return now


def login_of(settings: Settings, *, read_only: bool = False) -> Login:
    """Return where the settings log in, and as whom."""
    broker = settings.broker
    return Login(
        host=broker.host,
        port=broker.port,
        client_id=broker.client_id,
        account=broker.account,
        paper=None if settings.mode == "practice" else settings.mode == "paper",
        read_only=read_only,
        connect_seconds=broker.connect_seconds,
        request_seconds=broker.request_seconds,
        data_lines=broker.data_lines,
    )
