"""Makes connections: at once, or with patience while a gateway restarts or holds our client id."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mtum.adapters.ib_session.door import ClientIdInUseError, Gateway
from mtum.adapters.ib_session.ear import Notice
from mtum.adapters.ib_session.library import Library
from mtum.adapters.ib_session.link import Link
from mtum.adapters.ib_session.wire_record import WireRecord
from mtum.errors import BrokerUnavailableError

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 5.0


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


class WrongAccountError(BrokerUnavailableError):
    """The login's account is not the one that may be traded in this mode."""


@dataclass(frozen=True, slots=True)
class Dialer:
    """What a connection needs; each call makes a new one."""

    library: Library
    gateway: Gateway
    login: Login
    record: WireRecord

    def dial(self, on_notice: Callable[[Notice], None], *, patient: bool) -> Link:
        """Return a new connection to the wanted account.

        Parameters
        ----------
        patient : bool
            Try again, with growing pauses up to the login's limit, also while nobody listens.

        Raises
        ------
        BrokerUnavailableError
            If there is none, or the login is another account's.
        """
        waited, pause = 0.0, FIRST_PAUSE_SECONDS
        while True:
            try:
                return self._once(on_notice)
            except BrokerUnavailableError as error:
                again = patient or isinstance(error, ClientIdInUseError)
                if not again or isinstance(error, WrongAccountError) or waited + pause > self.gateway.connect_seconds:
                    raise
            slept(pause)
            waited, pause = waited + pause, min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _once(self, on_notice: Callable[[Notice], None]) -> Link:
        link = Link(self.library, self.gateway, self.record, on_notice)
        accounts = link.open()
        try:
            check_account(self.login, accounts)
        except WrongAccountError:
            link.close()
            raise
        if self.login.read_only:
            link.forbid_orders()
        return link


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


def slept(seconds: float) -> None:
    """Let time pass without a connection."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(asyncio.sleep(seconds))
    finally:
        loop.close()
