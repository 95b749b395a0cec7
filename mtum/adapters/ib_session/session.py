"""A conversation with the gateway: connects just in time, and again after a drop."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime

from mtum.adapters.ib_session.codes import LINK_BACK, LINK_DOWN
from mtum.adapters.ib_session.ear import Heard, LinkLostError, Notice, RequestRefusedError
from mtum.adapters.ib_session.library import Library
from mtum.adapters.ib_session.link import ClientIdInUseError, Gateway, Link
from mtum.adapters.ib_session.questions import CURRENT_TIME, Question
from mtum.adapters.ib_session.wire_record import WireRecord
from mtum.errors import BrokerUnavailableError

FIRST_PAUSE_SECONDS = 0.25
KEPT_NOTICES = 500


@dataclass(frozen=True, slots=True)
class Login:
    """Whose account is wanted, and what for.

    Parameters
    ----------
    account : str
        Account that must be among the login's.
    paper : bool or None
        Whether it must be a paper account; None does not ask.
    read_only : bool
        The connection cannot send orders.
    """

    account: str
    paper: bool | None = None
    read_only: bool = False


class IbSession:
    """The connection of one run: account, time limits, reconnection.

    Parameters
    ----------
    on_time : callable
        Told of the broker's clock each time it is read.

    Attributes
    ----------
    connections : int
        How many connections were made; what was learned over an earlier one is asked again.
    today : date or None
        Date of the broker's clock when it was last read.
    """

    def __init__(
        self,
        library: Library,
        gateway: Gateway,
        login: Login,
        record: WireRecord,
        on_time: Callable[[datetime], None] = lambda _: None,
    ) -> None:
        self.library = library
        self.gateway = gateway
        self.account = login.account
        self.read_only = login.read_only
        self.notices: deque[Notice] = deque(maxlen=KEPT_NOTICES)
        self.upstream_lost = False
        self.connections = 0
        self.today: date | None = None
        self._record = record
        self._paper = login.paper
        self._on_time = on_time
        self._link: Link | None = None

    def open(self) -> None:
        """Connect, unless connected; check the account; read the broker's clock.

        Raises
        ------
        BrokerUnavailableError
            If there is no usable connection, or the account is another one or of the wrong kind.
        """
        if self._link is not None and self._link.alive:
            return
        self._connect(patient=False)

    def close(self) -> None:
        """Hang up; never raises."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def ask(self, *questions: Question) -> list[list[Heard]]:
        """Ask all at once; after a dropped connection once more over a new one.

        Raises
        ------
        BrokerUnavailableError
            If one of them was not answered, or the broker has lost its own servers.
        """
        found = self.try_ask(*questions)
        for answer in found:
            if isinstance(answer, BrokerUnavailableError):
                raise answer
        return [answer for answer in found if isinstance(answer, list)]

    def try_ask(self, *questions: Question) -> list[list[Heard] | BrokerUnavailableError]:
        """Ask all at once; per question its answer or what went wrong."""
        if self._link is None:
            self._connect(patient=False)
        found = self.link.ask(questions)
        if any(isinstance(answer, LinkLostError) for answer in found):
            self._connect(patient=True)
            found = self.link.ask(questions)
        return found

    def server_time(self) -> datetime:
        """Return the broker's clock; also the proof that the socket is not half-open."""
        try:
            answer = self.ask(CURRENT_TIME)[0]
        except (LinkLostError, RequestRefusedError):
            raise
        except BrokerUnavailableError:
            # Silence on a connected socket: what is sent into it is lost. Only a new one will do.
            self._connect(patient=True)
            answer = self.ask(CURRENT_TIME)[0]
        return self._timed(answer)

    def probe_here(self) -> datetime:
        """Prove that this very connection carries a question and its answer; return the broker's clock.

        Raises
        ------
        BrokerUnavailableError
            If it does not, or the gateway has lost the broker's servers.
        """
        found = self.link.ask((CURRENT_TIME,))[0]
        if isinstance(found, BrokerUnavailableError):
            raise found
        if self.upstream_lost:
            raise BrokerUnavailableError(
                "the gateway has lost the broker's servers (1100); nothing is sent until it is back"
            )
        return self._timed(found)

    def pause(self, seconds: float) -> None:
        """Let time pass while listening; the connection's end is noticed later, by whoever asks."""
        if self._link is None:
            _slept(seconds)
            return
        self._link.wait(seconds, lambda: False)
        if self._link.alive:
            # A practice market may run faster than this computer's clock.
            with suppress(BrokerUnavailableError):
                self.probe_here()
        else:
            _slept(seconds)

    @property
    def link(self) -> Link:
        """The open connection.

        Raises
        ------
        LinkLostError
            If there is none.
        """
        if self._link is None:
            raise LinkLostError("not connected to the gateway")
        return self._link

    def _connect(self, *, patient: bool) -> None:
        """Make a new connection; with patience also while the gateway restarts, the limit being the login's."""
        waited, pause = 0.0, FIRST_PAUSE_SECONDS
        while True:
            try:
                self._connect_once()
                return
            except BrokerUnavailableError as error:
                again = patient or isinstance(error, ClientIdInUseError)
                if not again or isinstance(error, WrongAccountError) or waited + pause > self.gateway.connect_seconds:
                    raise
            _slept(pause)
            waited, pause = waited + pause, min(2 * pause, 5.0)

    def _connect_once(self) -> None:
        self.close()
        self.upstream_lost = False
        link = Link(self.library, self.gateway, self._record, self._noticed)
        accounts = link.open()
        try:
            self._check_account(accounts)
        except BrokerUnavailableError:
            link.close()
            raise
        if self.read_only:
            link.forbid_orders()
        self._link = link
        answer = link.ask((CURRENT_TIME,))[0]
        if isinstance(answer, BrokerUnavailableError):
            self.close()
            raise answer
        self.connections += 1
        self._timed(answer)

    def _timed(self, answer: Sequence[Heard]) -> datetime:
        now = datetime.fromtimestamp(answer[-1].fields[0], UTC)
        self.today = now.date()
        self._on_time(now)
        return now

    def _check_account(self, accounts: Sequence[str]) -> None:
        if self.account not in accounts:
            raise WrongAccountError(
                f"account {self.account} is not among this login's ({', '.join(accounts)}): log in as its user, or "
                "correct broker.account"
            )
        paper = self.account.startswith("D")
        if self._paper is not None and paper is not self._paper:
            kind, wanted = ("paper", "live") if paper else ("live", "paper")
            raise WrongAccountError(f"account {self.account} is a {kind} account, but the mode needs a {wanted} one")

    def _noticed(self, notice: Notice) -> None:
        self.notices.append(notice)
        if notice.code in LINK_DOWN:
            self.upstream_lost = True
        elif notice.code in LINK_BACK:
            self.upstream_lost = False


class WrongAccountError(BrokerUnavailableError):
    """The login's account is not the one that may be traded in this mode."""


def _slept(seconds: float) -> None:
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(asyncio.sleep(seconds))
    finally:
        loop.close()
