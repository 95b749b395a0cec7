"""The real `mtum run` in paper mode against a practice gateway, each in a forked process, killed where one likes."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from mtum.adapters.brokers.gate import GatedBroker
from mtum.adapters.calendar import ExchangeCalendar
from mtum.adapters.ib.wire_record import MANY, WireFile
from mtum.adapters.run_journal import RunJournal
from mtum.adapters.sources.embedded import sample_source
from mtum.app.desk import Desk
from mtum.app.session import submit_orders
from mtum.app.session.confirm_fills import confirm_fills
from mtum.app.session.watch_orders import watch_orders
from mtum.cli.app import run as command_line
from mtum.core.indicators.sma import sma
from mtum.core.market.sessions import Session
from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.orders import OrderStatus, ticket_of
from mtum.core.simulation.admission import ExchangeRules
from mtum.core.simulation.exchange_state import ExchangeAccount
from mtum.gateway.faults import fault_rule
from mtum.gateway.market import MarketClock, PortMarket, port_market
from mtum.gateway.server import GatewaySetup, PracticeGateway
from mtum.ports.records import IntentState
from mtum.wiring import desks, resources
from support.practice import ENTRY_DAY
from support.values import replace

ACCOUNT = "DUP100001"
CONFIG = """
mode = "paper"
[market]
source = "ib"
volume_mode = "raw"
[broker]
account = "{account}"
port = {port}
connect_seconds = 15.0
request_seconds = {request}
acknowledge_seconds = {acknowledge}
resolve_seconds = {resolve}
"""
PATIENT = 15.0
"""Seconds that a busy machine may take where no fault is to be waited for."""

type Fault = dict[str, Any]

_CALENDAR = ExchangeCalendar()


@cache
def _warm(symbols: tuple[str, ...] = ("MTUM",)) -> PortMarket:
    """Load what every child would load again: compiled means, the calendar's years, the market's bars."""
    sma(np.array(range(60), dtype=np.float64), 50)
    return port_market(sample_source(exact=True), _CALENDAR, symbols)


@dataclass(frozen=True, slots=True)
class Scene:
    """Which session is played, of which symbols, under which settings besides those of the broker.

    Parameters
    ----------
    stored : bytes or None
        State of the exchange that an earlier gateway left.
    """

    day: date = ENTRY_DAY
    symbols: tuple[str, ...] = ("MTUM",)
    settings: str = ""
    stored: bytes | None = None


FIRST_ENTRY = Scene()
EXCHANGE = "exchange.state"
"""File of a folder that holds what the exchange saved last."""


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway in a process of its own and the folder of the installation that uses it."""

    folder: Path
    pid: int
    port: int
    control_port: int
    session: Session

    def tell(self, do: str, **order: Any) -> dict[str, Any]:
        """Send one control command; it must succeed."""
        with socket.create_connection(("127.0.0.1", self.control_port), timeout=5) as line:
            line.sendall(json.dumps({"do": do, **order}).encode() + b"\n")
            answer: dict[str, Any] = json.loads(line.makefile().readline())
        assert answer.pop("ok"), answer
        return answer

    def wait_until_up(self) -> None:
        """Return when the gateway listens, also while it restarts."""
        for _ in range(2000):
            with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port), timeout=5):
                return
            self.tell("state")
        raise AssertionError("the gateway did not come back")

    def journal(self) -> list[dict[str, Any]]:
        """Everything the gateway has written down."""
        return [json.loads(line) for line in (self.folder / "gateway.jsonl").read_text().splitlines()]

    def accepted(self) -> list[str]:
        """References of the orders that the broker took: the final judge."""
        return [entry["ref"] for entry in self.journal() if entry["kind"] == "accepted"]

    def states(self) -> tuple[IntentState, ...]:
        """What our store says about the session's orders."""
        if not (self.folder / resources.DATABASE_NAME).exists():
            return ()
        with resources.opened_store(settings_in(self.folder), self.folder) as store:
            return tuple(store.orders.states(self.session.day))


@contextmanager
def market_gateway(
    folder: Path,
    faults: tuple[Fault, ...] = (),
    minutes: float = 20.0,
    behavior: dict[str, Any] | None = None,
    scene: Scene = FIRST_ENTRY,
) -> Iterator[Running]:
    """Run a frozen gateway on the embedded market, so many minutes before the close of the scene's session."""
    folder.mkdir(parents=True, exist_ok=True)
    source = _warm(scene.symbols)
    session = source.sessions.get(scene.day)
    assert session is not None
    setup = GatewaySetup(
        source=source,
        save=lambda state: None if scene is FIRST_ENTRY else _save(folder, state),
        stored=scene.stored,
        write_journal=lambda line: None,
        accounts=(ExchangeAccount(ACCOUNT, AccountKind.CASH, Decimal(20000)),),
        clock=MarketClock(session.before_close(minutes), speed=0.0),
        rules=ExchangeRules(),
        faults=tuple(fault_rule(fault) for fault in faults),
        port=0,
        control_port=0,
    )
    pid, port, control_port = _fork_gateway(folder, setup)
    running = Running(folder, pid, port, control_port, session)
    (folder / "config.toml").write_text(CONFIG.format(account=ACCOUNT, port=port, **_limits(faults)) + scene.settings)
    if behavior:
        running.tell("behavior", **behavior)
    try:
        yield running
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _save(folder: Path, state: bytes) -> None:
    (folder / EXCHANGE).write_bytes(state)


def _limits(faults: tuple[Fault, ...]) -> dict[str, float]:
    """Return limits that are short only where the answer is lost on purpose."""
    struck = {rule["on"] for rule in faults}
    about_order = bool(struck & {"placeOrder", "openOrder"})
    lost = any(rule["do"] == "swallow" for rule in faults) and not about_order
    return {
        "request": 1.0 if lost else PATIENT,
        "acknowledge": 0.4 if about_order else PATIENT,
        "resolve": 0.6 if about_order else PATIENT,
    }


def settings_in(folder: Path) -> Any:
    """The settings of an installation."""
    from mtum.config import load

    return load(folder / "config.toml", {})


def run_mtum(
    running: Running, *, kill_at: int | None = None, sabotage: str = "", points: bool = False, minutes: float = 20.0
) -> int:
    """One `mtum run` in a fresh fork; its exit code, -9 when it was killed."""

    def work() -> int:
        resources.calendar_of = lambda settings, data_dir, cache_dir=None: _CALENDAR  # built once for all children
        _hooked(running.folder / "points.txt" if points else None, kill_at)
        if sabotage:
            SABOTAGE[sabotage]()
        as_of = running.session.before_close(minutes) + timedelta(seconds=1)
        arguments = ["run", "--json", "--as-of", as_of.isoformat(), "--data-dir", str(running.folder)]
        with (running.folder / "out.txt").open("w", encoding="utf-8") as out:
            sys.stdout = sys.stderr = out
            return command_line([*arguments, "--config", str(running.folder / "config.toml")])

    return forked(work)


def run_fresh(running: Running, kill_at: int | None = None) -> int:
    """One `mtum run` in a new interpreter, as a person or a timer starts it; -9 when it was killed."""
    as_of = (running.session.before_close(20) + timedelta(seconds=1)).isoformat()
    where = ["--data-dir", str(running.folder), "--config", str(running.folder / "config.toml")]
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from support.crash import _hooked
from mtum.__main__ import main
_hooked(None, {kill_at!r})
sys.argv = ["mtum", "run", "--json", "--as-of", {as_of!r}, *{where!r}]
main()
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    return ended.returncode


def settle(running: Running) -> int:
    """Settle the session two hours after its close; the exit code."""

    def work() -> int:
        resources.calendar_of = lambda settings, data_dir, cache_dir=None: _CALENDAR
        with desks.live_desk(settings_in(running.folder), running.folder, None) as desk:
            return int(confirm_fills(desk, running.session).exit_code)

    for minutes in (0, -125):
        running.tell("clock", session=running.session.day.isoformat(), minutes_to_close=minutes)
    return forked(work)


def watch(running: Running, minutes: float) -> int:
    """The look at the orders so many minutes before the close; its exit code."""

    def work() -> int:
        resources.calendar_of = lambda settings, data_dir, cache_dir=None: _CALENDAR
        with desks.live_desk(settings_in(running.folder), running.folder, None) as desk:
            return int(watch_orders(desk, running.session).exit_code)

    running.tell("clock", session=running.session.day.isoformat(), minutes_to_close=minutes)
    return forked(work)


def points_of(running: Running) -> list[str]:
    """Labels of the points that a run with `points` passed."""
    path = running.folder / "points.txt"
    return path.read_text().split()


def forked(work: Callable[[], int]) -> int:
    """Carry out work in a forked child; its exit code or minus the signal that ended it."""
    child = _fork()
    if child == 0:
        code = 99
        try:
            code = work()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _fork() -> int:
    with warnings.catch_warnings():
        # Threads of the numeric libraries are idle; the child does not use theirs.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _fork_gateway(folder: Path, setup: GatewaySetup) -> tuple[int, int, int]:
    reading, writing = os.pipe()
    child = _fork()
    if child == 0:
        try:
            asyncio.run(_serve(folder, setup, writing))
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as told:
        port, control_port = (int(word) for word in told.readline().split())
    return child, port, control_port


async def _serve(folder: Path, setup: GatewaySetup, writing: int) -> None:
    with (folder / "gateway.jsonl").open("a", buffering=1) as journal:
        gateway = PracticeGateway(replace(setup, write_journal=lambda line: _append(journal, line)))
        await gateway.start()
        os.write(writing, f"{gateway.port} {gateway.control_port}\n".encode())
        os.close(writing)
        await asyncio.Event().wait()


def _append(file: Any, line: str) -> None:
    file.write(line + "\n")
    file.flush()


def _hooked(path: Path | None, kill_at: int | None) -> None:
    """Count every durable step and every message sent or received; die at the n-th."""
    passed = [0]

    def point(label: str) -> None:
        if path is not None:
            with path.open("a", encoding="utf-8") as file:
                file.write(label + "\n")
        if passed[0] == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        passed[0] += 1

    plain_step, plain_note = RunJournal.reached, WireFile.note

    def reached(self: RunJournal, step: str) -> None:
        plain_step(self, step)
        point(f"step:{step}")

    def note(self: WireFile, way: str, name: str, fields: tuple[Any, ...]) -> None:
        plain_note(self, way, name, fields)
        if name not in MANY:
            point(f"{way}:{name}")

    # In the forked child alone, which dies at the point it is told.
    RunJournal.reached = reached  # type: ignore[method-assign]
    WireFile.note = note  # type: ignore[method-assign]


def _resending() -> None:
    """A build that sends again, once, when no answer came, past the last gate, which would deny it."""
    plain = submit_orders._resolve
    sent: list[IntentState] = []

    def again(desk: Desk, session: Session, state: IntentState, why: str, rejected_by: int | None = None) -> Any:
        if sent:
            return plain(desk, session, state, why, rejected_by)
        sent.append(state)
        assert isinstance(desk.broker, GatedBroker)
        outcome = desk.broker._broker.submit(ticket_of(state.intent))
        return submit_orders._after_answer(desk, session, state, outcome)

    submit_orders._resolve = again


def _giving_up() -> None:
    """A build that never looks for an order once its sending was begun."""

    def unknown(desk: Desk, session: Session, state: IntentState, why: str = "", rejected_by: int | None = None) -> Any:
        return submit_orders._unknown(desk, state, why or "given up", None)

    plain = submit_orders._adopt_or_send

    def settle(desk: Desk, session: Session, state: IntentState, *, unsound: bool) -> Any:
        begun = state.status is not OrderStatus.PLANNED
        return unknown(desk, session, state) if begun else plain(desk, session, state, unsound=unsound)

    submit_orders._resolve, submit_orders._adopt_or_send = unknown, settle


SABOTAGE: dict[str, Callable[[], None]] = {"resend": _resending, "give up": _giving_up}
