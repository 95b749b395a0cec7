"""`mtum gateway`: rehearse the whole live set-up without an account."""

import json
import shlex
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec.structs import replace

from mtum.cli.arguments import Session
from mtum.cli.context import CommandCall, call_of
from mtum.cli.output import Answer, write
from mtum.errors import BrokerUnavailableError, UsageError

if TYPE_CHECKING:
    from mtum.gateway.market import PortMarket
    from mtum.gateway.server import GatewaySetup, PracticeGateway
    from mtum.gateway.start import Beginning, GatewayFiles

DEFAULT_ACCOUNT = "DUP100001"
FOLDER_NAME = "gateway"
_TELL_SECONDS = 10.0
_LAST_PORT = 65535

_Port = Annotated[
    int | None, typer.Option(metavar="PORT", min=0, max=65535, help="For clients [broker.port]; 0 = any.")
]
_ControlPort = Annotated[
    int | None, typer.Option(metavar="PORT", min=0, max=65535, help="For commands [port + 1]; 0 = any.")
]
_Source = Annotated[str, typer.Option(metavar="NAME", help="sample, or csv for the folder market.csv_dir.")]
_Minutes = Annotated[
    float, typer.Option(metavar="N", min=-1e5, max=1e5, help="Minutes before the close at which market time begins.")
]
_Speed = Annotated[float, typer.Option(metavar="X", min=0, max=1e6, help="Market seconds per real second; 0 = frozen.")]
_Accounts = Annotated[list[str] | None, typer.Option("--account", metavar="CODE", help="Accounts, DUP...")]
_Faults = Annotated[Path | None, typer.Option(metavar="FILE", help="Fault rules, a JSON list.")]
_Behavior = Annotated[Path | None, typer.Option(metavar="FILE", help="Switches, a JSON object.")]
_Fresh = Annotated[bool, typer.Option("--fresh", help="Forget what the exchange saved.")]
_Tell = Annotated[str | None, typer.Option(metavar="JSON", help="Send a command to the running gateway.")]


def gateway(  # noqa: PLR0917  # a command has one parameter per option
    context: typer.Context,
    port: _Port = None,
    control_port: _ControlPort = None,
    source: _Source = "sample",
    session: Session = None,
    minutes_to_close: _Minutes = 30.0,
    speed: _Speed = 1.0,
    accounts: _Accounts = None,
    faults: _Faults = None,
    behavior: _Behavior = None,
    fresh: _Fresh = False,
    tell: _Tell = None,
) -> Answer | None:
    """Run a practice gateway that speaks the broker's protocol, until Ctrl-C; or command a running one."""
    call = call_of(context)
    broker = call.settings().broker
    listen = broker.port if port is None else port
    control = (listen + 1 if listen else 0) if control_port is None else control_port
    if control > _LAST_PORT:
        raise UsageError(f"no port follows {listen}; name one for commands with --control-port")
    if tell is not None:
        return _told(broker.host, control, tell)
    from mtum.gateway.start import Beginning

    begin = Beginning(session, minutes_to_close, speed)
    with _usage_errors():
        files = _files(call, fresh=fresh)
        setup = _setup(call, files, _market(call, source), begin, accounts or [broker.account or DEFAULT_ACCOUNT])
        setup = _misbehaving(setup, faults, behavior, (broker.host, listen, control))
    _serve(call, setup, files)
    return None


def _told(host: str, port: int, command: str) -> Answer:
    try:
        with socket.create_connection((host, port), timeout=_TELL_SECONDS) as line:
            line.sendall(command.replace("\n", " ").encode() + b"\n")
            reply: dict[str, Any] = json.loads(line.makefile().readline())
    except OSError as error:
        raise BrokerUnavailableError(
            f"no practice gateway takes commands on {host}:{port} ({error.strerror})"
        ) from error
    if not reply.pop("ok"):
        raise UsageError(f"the gateway refused: {reply['error']}")
    return Answer(reply, [json.dumps(reply, allow_nan=False)])


@contextmanager
def _usage_errors() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}") from error


def _files(call: CommandCall, *, fresh: bool) -> "GatewayFiles":
    from mtum.gateway.start import GatewayFiles

    files = GatewayFiles(call.data_folder() / FOLDER_NAME)
    if fresh:
        files.forget()
    return files


def _market(call: CommandCall, source: str) -> "PortMarket":
    from mtum.core.market.embedded import MARKETS
    from mtum.core.portfolio.sleeves import symbols_of
    from mtum.gateway.market import port_market
    from mtum.wiring import resources

    if source not in ("sample", "csv"):
        raise UsageError(f'--source "{source}": a practice market is either sample or csv')
    settings = call.settings()
    market = replace(settings.market, source=source)
    replayed = replace(settings, mode="practice", market=market)
    bars, calendar = (
        resources.source_of(replayed, call.data_folder()),
        resources.calendar_of(replayed, call.data_folder()),
    )
    wanted = symbols_of(settings.sleeves())
    symbols = (*wanted, *MARKETS[market.sample]) if source == "sample" else wanted
    return port_market(bars, calendar, tuple(dict.fromkeys(symbols)))


def _setup(
    call: CommandCall, files: "GatewayFiles", market: "PortMarket", begin: "Beginning", accounts: list[str]
) -> "GatewaySetup":
    from mtum.core.portfolio.money import exact
    from mtum.core.simulation.admission import ExchangeRules
    from mtum.gateway.market import MarketClock
    from mtum.gateway.server import GatewaySetup
    from mtum.gateway.start import first_instant, practice_accounts

    portfolio = call.settings().portfolio
    return GatewaySetup(
        source=market,
        save=files.save,
        write_journal=files.write_journal,
        accounts=practice_accounts(accounts, portfolio.account_kind, exact(portfolio.capital_usd)),
        clock=MarketClock(first_instant(market, files.market_time(), begin), begin.speed),
        stored=files.load(),
        rules=ExchangeRules(
            costs=portfolio.costs(),
            auction_volume_frac=portfolio.auction_volume_frac,
        ),
    )


def _misbehaving(
    setup: "GatewaySetup", faults: Path | None, behavior: Path | None, place: tuple[str, int, int]
) -> "GatewaySetup":
    from mtum.gateway.start import behavior_from, fault_rules

    rules = _read(faults, fault_rules) if faults else ()
    switches = _read(behavior, behavior_from) if behavior else setup.behavior
    host, port, control = place
    return replace(setup, faults=rules, behavior=switches, host=host, port=port, control_port=control)


def _read[T](path: Path, understood: Callable[[str], T]) -> T:
    try:
        return understood(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error


def _serve(call: CommandCall, setup: "GatewaySetup", files: "GatewayFiles") -> None:
    import asyncio

    from mtum.gateway.start import serve

    def announce(running: "PracticeGateway") -> None:
        write(_ready(setup, files, running, call), as_json=call.json, quiet=call.quiet)

    try:
        asyncio.run(serve(setup, files, announce))
    finally:
        files.close()


def _ready(setup: "GatewaySetup", files: "GatewayFiles", running: "PracticeGateway", call: CommandCall) -> Answer:
    now, market = setup.clock.now(), running.shared.market
    codes = [account.code for account in running.shared.exchange.state.accounts]
    document = {
        "host": setup.host,
        "port": running.port,
        "control_port": running.control_port,
        "accounts": codes,
        "market_time": now,
        "speed": setup.clock.speed,
        "session": market.session.day,
        "symbols": [*setup.source.symbols, *(["VIX"] if setup.source.bar("VIX", market.session.day) else [])],
        "state": files.state_path,
        "journal": files.journal_path,
    }
    shown = [
        f"practice gateway on {setup.host}:{running.port}, commands on port {running.control_port}",
        f"market time {now:%Y-%m-%d %H:%M:%S} UTC, {market.minutes_to_close():.0f} minutes before the close, "
        f"speed {setup.clock.speed:g}",
        f"accounts {', '.join(codes)}; journal {files.journal_path}",
    ]
    hint = f'{{"do": "clock", "session": "{market.session.day}", "minutes_to_close": 0}}'
    # The line must work wherever it is typed: the ports may be other than the settings', or free ones.
    config = call.settings_file()
    host = f" --config {shlex.quote(str(config))}" if config and setup.host != "127.0.0.1" else ""
    command = f"{call.program} gateway{host} --control-port {running.control_port} --tell {shlex.quote(hint)}"
    return Answer(document, shown, hints=[f"let the auction happen: {command}"])
