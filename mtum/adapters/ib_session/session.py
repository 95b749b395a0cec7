"""A conversation with the gateway: connects just in time, and again after a drop."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

from mtum.adapters.ib_session.codes import FARM_FINE, LINK_BACK, LINK_DOWN
from mtum.adapters.ib_session.dialer import Dialer, Login, slept
from mtum.adapters.ib_session.door import Gateway
from mtum.adapters.ib_session.ear import Heard, LinkLostError, Notice, RequestRefusedError
from mtum.adapters.ib_session.library import Library
from mtum.adapters.ib_session.link import Link
from mtum.adapters.ib_session.questions import CURRENT_TIME, Question
from mtum.adapters.ib_session.wire_record import WireRecord
from mtum.core.portfolio.gate import PRACTICE_FARM
from mtum.errors import BrokerUnavailableError


class Upstream:
    """Remembers what a gateway says of itself: whether its servers are there, and whether it only practices."""

    def __init__(self) -> None:
        self.lost = False
        self.practice = False

    def hear(self, notice: Notice) -> None:
        """Take note of a notice."""
        if notice.code in (*LINK_DOWN, *LINK_BACK):
            self.lost = notice.code in LINK_DOWN
        if notice.code == FARM_FINE and notice.text.endswith(f":{PRACTICE_FARM}"):
            self.practice = True


class IbSession:
    """The connection of one run: account, time limits, reconnection.

    Parameters
    ----------
    on_time : callable
        Told of the broker's clock each time it is read.

    `connections` counts those made: what was learned over an earlier one is asked again. `today` is
    the date of the broker's clock when it was last read.
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
        self.connections = 0
        self.today: date | None = None
        self._dialer = Dialer(library, gateway, login, record)
        self._upstream = Upstream()
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
            slept(seconds)
            return
        self._link.wait(seconds, lambda: False)
        if self._link.alive:
            # A practice market may run faster than this computer's clock.
            with suppress(BrokerUnavailableError):
                self.probe_here()
        else:
            slept(seconds)

    @property
    def upstream_lost(self) -> bool:
        """Whether the gateway has said that it lost the broker's servers, and not that they are back."""
        return self._upstream.lost

    @property
    def practice(self) -> bool:
        """Whether the gateway has said that it is the practice gateway, with a market time of its own."""
        return self._upstream.practice

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
        self.close()
        self._upstream = Upstream()
        link = self._dialer.dial(self._upstream.hear, patient=patient)
        self._link = link
        answer = link.ask((CURRENT_TIME,))[0]
        if isinstance(answer, BrokerUnavailableError):
            self.close()
            raise answer
        self.connections += 1
        self._timed(answer)

    def _timed(self, answer: Sequence[Heard]) -> datetime:
        now = _instant(answer[-1].fields[0])
        self.today = now.date()
        self._on_time(now)
        return now


def _instant(told: Any) -> datetime:
    try:
        return datetime.fromtimestamp(told, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise BrokerUnavailableError(f"the broker's clock says {told!r}, which is no time") from error
