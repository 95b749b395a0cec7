"""A gateway as a user starts it: where it keeps itself, when market time begins, which accounts it has, how it runs."""

import asyncio
import fcntl
import json
import os
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from msgspec import Struct

from mtum.core.portfolio.money import AccountKind
from mtum.core.simulation.exchange_state import ExchangeAccount
from mtum.errors import BrokerUnavailableError, RunLockedError, StoreError
from mtum.gateway.behavior import Behavior, changed
from mtum.gateway.faults import FaultRule, fault_rule
from mtum.gateway.market import PortMarket
from mtum.gateway.server import GatewaySetup, PracticeGateway

ACCOUNT_PREFIX = "DUP"
SESSIONS_FROM_THE_END = 250
_NOTE_SECONDS = 1.0


class GatewayFiles:
    """A folder with `exchange.json`, `clock.json` and `journal.jsonl`.

    Parameters
    ----------
    folder : Path
        Made if absent.

    Raises
    ------
    RunLockedError
        If another gateway uses the folder.
    OSError
        If the folder cannot be made or a file cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = (folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.close()
            raise RunLockedError(
                f"another practice gateway uses {folder}; stop it, or choose another --data-dir"
            ) from error
        self.state_path = folder / "exchange.json"
        self.journal_path = folder / "journal.jsonl"
        self._clock_path = folder / "clock.json"
        self._journal = self.journal_path.open("a", encoding="utf-8", buffering=1)

    def load(self) -> bytes | None:
        """Return the saved state, None if there is none."""
        return self.state_path.read_bytes() if self.state_path.exists() else None

    def save(self, state: bytes) -> None:
        """Replace the state durably: written beside, flushed to the disk, renamed."""
        _replace(self.state_path, state)

    def forget(self) -> None:
        """Remove the saved state and market time; the journal goes on."""
        self.state_path.unlink(missing_ok=True)
        self._clock_path.unlink(missing_ok=True)

    def write_journal(self, line: str) -> None:
        """Append one line to the journal."""
        self._journal.write(line + "\n")

    def market_time(self) -> datetime | None:
        """Return the market time noted last, None if there is none.

        Raises
        ------
        StoreError
            If the note cannot be read.
        """
        if not self._clock_path.exists():
            return None
        try:
            return datetime.fromisoformat(json.loads(self._clock_path.read_text())["now"])
        except (ValueError, KeyError, TypeError) as error:
            raise unreadable(self._clock_path) from error

    def note_market_time(self, now: datetime) -> None:
        """Note the market time for the next run."""
        _replace(self._clock_path, json.dumps({"now": now.isoformat()}, allow_nan=False).encode())

    def close(self) -> None:
        """Close the journal and let another gateway use the folder."""
        self._journal.close()
        self._lock.close()


def unreadable(path: Path) -> StoreError:
    """Return the error that says which file of the practice gateway is damaged, and what to do."""
    return StoreError(f"{path} is damaged; restore it, or start over with --fresh")


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_suffix(".new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


class Beginning(Struct, frozen=True):
    """Where market time is asked to begin; no session = go on, or 250 sessions before the end."""

    session: date | None = None
    minutes_to_close: float = 30.0
    speed: float = 1.0


def first_instant(market: PortMarket, noted: datetime | None, wanted: Beginning) -> datetime:
    """Return the instant market time begins at.

    Parameters
    ----------
    market : PortMarket
        A market source (gateway.market.MarketSource) over a source port.
    noted : datetime or None
        Market time reached by the run before.
    wanted : Beginning
        Where market time is asked to begin; no session = go on, or 250 sessions before the end.

    Raises
    ------
    ValueError
        If the session is not one of the market, or lies before the noted time.
    """
    if wanted.session is None:
        if noted:
            return noted
        played = market.sessions.between(market.sessions.known[0].day, market.last_day)
        return played[-min(SESSIONS_FROM_THE_END, len(played))].before_close(wanted.minutes_to_close)
    session = market.sessions.get(wanted.session)
    if session is None or session.day > market.last_day:
        first, last = market.sessions.known[0].day, market.last_day
        raise ValueError(f"{wanted.session} is not a session of this market, which runs from {first} to {last}")
    begin = session.before_close(wanted.minutes_to_close)
    if noted and begin < noted:
        raise ValueError(
            f"market time has already reached {noted:%Y-%m-%d %H:%M} UTC; go on from there, or use --fresh"
        )
    return begin


def practice_accounts(codes: Iterable[str], kind: str, cash_usd: Decimal) -> tuple[ExchangeAccount, ...]:
    """Return fresh accounts with cash each.

    Parameters
    ----------
    codes : iterable of str
        Codes of the accounts.
    kind : str
        "cash" or "margin".
    cash_usd : Decimal
        Settled cash, USD.

    Raises
    ------
    ValueError
        If a code does not begin with DUP, or the kind is neither cash nor margin.
    """
    wrong = [code for code in codes if not code.startswith(ACCOUNT_PREFIX)]
    if wrong:
        raise ValueError(f"accounts of the practice gateway begin with {ACCOUNT_PREFIX}, not {wrong[0]!r}")
    return tuple(ExchangeAccount(code, AccountKind(kind), cash_usd) for code in codes)


def fault_rules(text: str) -> tuple[FaultRule, ...]:
    """Read fault rules from a JSON list.

    Raises
    ------
    ValueError
        If it is no such list.
    """
    described = json.loads(text)
    if not isinstance(described, list) or not all(isinstance(rule, dict) for rule in described):
        raise ValueError("fault rules are a JSON list of objects")
    return tuple(fault_rule(rule) for rule in described)


def behavior_from(text: str) -> Behavior:
    """Read switches from a JSON object.

    Raises
    ------
    ValueError
        If it is no object, or a switch is unknown.
    """
    given = json.loads(text)
    if not isinstance(given, dict):
        raise ValueError("switches are a JSON object")
    return changed(Behavior(), given)


async def serve(setup: GatewaySetup, files: GatewayFiles, announce: Callable[[PracticeGateway], None]) -> None:
    """Run a gateway until SIGTERM or cancellation, noting market time every second.

    Parameters
    ----------
    setup : GatewaySetup
        Everything the wiring hands to a gateway.
    files : GatewayFiles
        A folder with `exchange.json`, `clock.json` and `journal.jsonl`.
    announce : callable
        Called once with the running gateway.

    Raises
    ------
    BrokerUnavailableError
        If a port is taken.
    StoreError
        If the exchange's saved state cannot be read, or can no longer be saved.
    """
    try:
        gateway = PracticeGateway(setup)
    except (ValueError, KeyError, TypeError) as error:
        raise unreadable(files.state_path) from error
    try:
        await gateway.start()
    except OSError as error:
        taken = f"port {setup.port} or {setup.control_port} of {setup.host} is taken"
        raise BrokerUnavailableError(f"{taken}; choose others with --port and --control-port") from error
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    announce(gateway)
    try:
        while not stopped.is_set():
            gateway.check()
            files.note_market_time(setup.clock.now())
            with suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), _NOTE_SECONDS)
        files.note_market_time(setup.clock.now())
    except OSError as error:
        raise StoreError(f"the practice gateway cannot save its state: {error.strerror}") from error
    finally:
        await gateway.close()
