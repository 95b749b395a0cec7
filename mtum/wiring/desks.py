"""Builds the desk that a use case works at: broker, sources, clock and store, tied together as the settings say."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from mtum.adapters.brokers.gate import GatedBroker
from mtum.adapters.brokers.simulated import SimulatedBroker, move_cash, practice_account, put_shares
from mtum.adapters.brokers.source_market import SourceMarket
from mtum.adapters.clock import BrokerClock, ReplayClock
from mtum.adapters.run_journal import RunJournal
from mtum.adapters.state_file import ReplacedFile, Unwatched
from mtum.app.desk import Desk
from mtum.app.ledger.sleeve_records import held_shares
from mtum.app.session.match_orders import doubts_first
from mtum.app.session.play_session import Replay, market_sessions
from mtum.app.strategies.versions import in_force
from mtum.config import Settings
from mtum.core.portfolio.gate import GateRules
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.sleeves import symbols_of
from mtum.core.simulation.admission import ExchangeRules
from mtum.core.simulation.exchange_state import ExchangeAccount
from mtum.errors import BrokerUnavailableError, UsageError
from mtum.ports.market_data import BarSource
from mtum.ports.store import Store
from mtum.ports.time import Calendar, Clock, Journal
from mtum.wiring import resources
from mtum.wiring.provenance import provenance

if TYPE_CHECKING:
    # Only a desk with a line to the broker loads what speaks to it.
    from mtum.adapters.ib.connector import Connector
    from mtum.adapters.ib.contracts import Contracts
    from mtum.ports.options import ChainSource

PRACTICE_GATEWAY_ACCOUNTS = "DUP"
"""How the practice gateway's accounts begin, and some of the broker's own paper accounts."""


@contextmanager
def replay_desk(
    settings: Settings, data_dir: Path, journal: Journal | None = None, calendar: Calendar | None = None
) -> Iterator[Replay]:
    """Build a desk on a replayed market, with the run lock held.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    data_dir : Path
        Data folder.
    journal : Journal, optional
        Told each step; otherwise the run's own record of them.
    calendar : Calendar, optional
        The exchange's; otherwise the one of the settings, its sessions kept in the folder.

    Raises
    ------
    RunLockedError, StoreError, DataError, ConfigError
        Whatever stands in the way, before anything is written.
    """
    told: list[str] = []
    source = resources.source_of(settings, data_dir, told.append)
    calendar = calendar or resources.calendar_of(settings, data_dir)
    market = market_sessions(source, calendar, settings)
    with resources.opened_store(settings, data_dir) as store, store.lock():
        clock = ReplayClock(market[0].open)
        steps = journal or RunJournal(store.runs, clock)
        chains = _chains(settings, data_dir, source, calendar)
        simulated = _simulated(settings, data_dir, source, calendar, clock, steps)
        broker = _practice(simulated, settings, store, calendar, chains)
        broker.held = partial(held_shares, store)
        desk = Desk(
            settings=settings,
            account=resources.account_of(settings),
            data_dir=data_dir,
            store=store,
            broker=broker,
            source=source,
            calendar=calendar,
            clock=clock,
            journal=steps,
            provenance=provenance(),
            replayed=True,
            told=told,
            chains=chains,
        )
        yield Replay(desk, market)


def _chains(
    settings: Settings, data_dir: Path, source: BarSource, calendar: Calendar, contracts: "Contracts | None" = None
) -> "ChainSource | None":
    if not settings.trades_options:
        return None
    if settings.mode != "practice" and contracts is not None:
        # Orders that leave are decided on quotes of the market that they meet.
        from mtum.wiring.option_desks import ib_chains

        return ib_chains(contracts)
    from mtum.wiring.chains import chains_of

    return chains_of(settings, data_dir, source, calendar)


def practice_broker(
    settings: Settings, data_dir: Path, source: BarSource, calendar: Calendar, clock: Clock, journal: Journal
) -> GatedBroker:
    """Return the simulated exchange of practice mode behind the last gate, for shares alone.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    data_dir : Path
        Data folder.
    source : BarSource
        Daily bars, today's unfinished bar and the VIX from one vendor.
    calendar : Calendar
        The exchange's trading sessions.
    clock : Clock
        Tells the time and waits; the only source of "now".
    journal : Journal
        Told of every step of a run before and after it takes effect (logging, kill tests).
    """
    broker = _simulated(settings, data_dir, source, calendar, clock, journal)
    return GatedBroker(broker, gate_rules(settings, {}), calendar)


def _simulated(
    settings: Settings, data_dir: Path, source: BarSource, calendar: Calendar, clock: Clock, journal: Journal
) -> SimulatedBroker:
    portfolio, kind = settings.portfolio, SimulatedBroker
    if settings.trades_options:
        from mtum.adapters.brokers.simulated_options import SimulatedOptionBroker

        kind = SimulatedOptionBroker
    return kind(
        account=_first_account(settings),
        file=ReplacedFile(data_dir / resources.EXCHANGE_NAME, journal),
        market=SourceMarket(source, calendar),
        clock=clock,
        rules=ExchangeRules(
            costs=portfolio.costs(),
            auction_volume_frac=portfolio.auction_volume_frac,
        ),
    )


def _practice(
    broker: SimulatedBroker, settings: Settings, store: Store, calendar: Calendar, chains: "ChainSource | None"
) -> GatedBroker:
    if chains is None:
        return GatedBroker(broker, gate_rules(settings, {}), calendar)
    from mtum.wiring.option_desks import practice_options

    return practice_options(broker, (settings, store), gate_rules(settings, {}), calendar, chains)


def _first_account(settings: Settings) -> ExchangeAccount:
    portfolio = settings.portfolio
    return practice_account(resources.account_of(settings), portfolio.account_kind, exact(portfolio.capital_usd))


def transfer_of(settings: Settings, data_dir: Path) -> Callable[[Decimal], None]:
    """Return what moves money at the broker: in practice mode here, elsewhere the owner's bank does it."""
    if settings.mode != "practice":
        return lambda _: None
    file = ReplacedFile(data_dir / resources.EXCHANGE_NAME, Unwatched())
    return lambda amount_usd: move_cash(file, _first_account(settings), amount_usd)


def open_account(settings: Settings, data_dir: Path, paid: Mapping[str, tuple[int, Decimal]]) -> None:
    """Open the practice account of a fresh folder with shares paid from its capital, each number at its price.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    data_dir : Path
        Data folder.
    paid : mapping of str to (int, Decimal)
        Shares and price in USD by symbol.
    """
    put_shares(ReplacedFile(data_dir / resources.EXCHANGE_NAME, Unwatched()), _first_account(settings), paid)


@contextmanager
def live_desk(
    settings: Settings,
    data_dir: Path,
    as_of: datetime | None,
    *,
    dry_run: bool = False,
    locked: bool = True,
) -> Iterator[Desk]:
    """Build a desk on the running market, with the run lock held (unless not `locked`); nothing is connected yet.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    data_dir : Path
        Data folder.
    as_of : datetime or None
        Instant to take for now; the broker's own clock must agree.
    dry_run : bool
        The connection cannot send orders.
    locked : bool
        False for commands that a person must be able to give while a run is at work.

    Raises
    ------
    UsageError, RunLockedError, StoreError, ConfigError
        Whatever stands in the way, before anything is written.
    """
    if as_of is not None and settings.mode == "live":
        raise UsageError("--as-of is for practice and paper; a live run goes by the broker's clock")
    calendar = resources.calendar_of(settings, data_dir)
    clock = BrokerClock(settings.broker.max_clock_skew_seconds, as_of)
    with resources.opened_store(settings, data_dir) as store, ExitStack() as last:
        if locked:
            last.enter_context(store.lock())
        told: list[str] = []
        settings = in_force(store.control, settings, told.append)
        last.enter_context(doubts_first(store.orders))
        steps = RunJournal(store.runs, clock)
        trusting = as_of is None and settings.mode != "live"
        contracts = None
        if settings.mode != "practice" or "ib" in (settings.market.source, settings.market.second_source):
            contracts = _contracts(settings, data_dir, store, clock, read_only=dry_run, trusting=trusting)
            last.callback(contracts.connector.close)
            if as_of is None:
                _ask_first(settings, store, contracts.connector)
        running = partial(
            _running_source, settings=settings, data_dir=data_dir, store=store, contracts=contracts, tell=told.append
        )
        source = running(settings.market.source)
        second = settings.market.second_source
        falls_back = settings.market.vix_falls_back(rehearsal=resources.is_rehearsal(settings, store))
        chains = _chains(settings, data_dir, source, calendar, contracts)
        if settings.mode == "practice" or contracts is None:
            simulated = _simulated(settings, data_dir, source, calendar, clock, steps)
            broker = _practice(simulated, settings, store, calendar, chains)
        else:
            broker = _ib_broker(contracts, settings, store, calendar)
        broker.held = partial(held_shares, store)
        yield Desk(
            settings=settings,
            account=resources.account_of(settings),
            data_dir=data_dir,
            store=store,
            broker=broker,
            source=source,
            calendar=calendar,
            clock=clock,
            journal=steps,
            provenance=provenance(),
            second=running(second) if second else None,
            vix_fallback=running("yahoo") if falls_back else None,
            told=told,
            chains=chains,
        )


def _ib_broker(contracts: "Contracts", settings: Settings, store: Store, calendar: Calendar) -> GatedBroker:
    from mtum.adapters.brokers.ib.broker import IbBroker

    rules, pinned = gate_rules(settings, {}), store.approvals.pinned_contract
    if not settings.trades_options:
        return GatedBroker(IbBroker(contracts, settings.broker.acknowledge_seconds), rules, calendar, pinned)
    from mtum.wiring.option_desks import gated_options, ib_options

    return gated_options(ib_options(contracts, settings, store), rules, calendar, (settings, store), pinned)


def _ask_first(settings: Settings, store: Store, connector: "Connector") -> None:
    # Only a practice gateway has a market time of its own, and nothing else knows it. Once a gateway has
    # said that it is a real one, jobs connect to it no earlier than they must.
    from mtum.ports.reading import PRACTICE_KEY

    known = store.control.meta(PRACTICE_KEY)
    if settings.mode == "live" or known == "no" or not settings.broker.account.startswith(PRACTICE_GATEWAY_ACCOUNTS):
        return
    connector.open()
    found = "yes" if connector.practice else "no"
    if found != known:
        store.control.set_meta(PRACTICE_KEY, found)


def gateway_clock(settings: Settings, data_dir: Path) -> Clock | None:
    """Return the practice gateway's clock where it keeps the market's time; None on the running market.

    Raises
    ------
    BrokerUnavailableError
        If it is not there.
    """
    if settings.mode != "paper" or not settings.broker.account.startswith(PRACTICE_GATEWAY_ACCOUNTS):
        return None
    with resources.opened_store(settings, data_dir) as store:
        known = resources.is_rehearsal(settings, store)
    try:
        with live_desk(settings, data_dir, None, locked=False) as desk:
            return desk.clock if resources.is_rehearsal(settings, desk.store) else None
    except BrokerUnavailableError:
        if known:
            raise
        return None  # perhaps a real gateway: each job reports by itself that it is unreachable


def _contracts(
    settings: Settings, data_dir: Path, store: Store, clock: BrokerClock, *, read_only: bool, trusting: bool
) -> "Contracts":
    # `trusting`: a practice gateway's clock is believed whatever it says.
    from mtum.adapters.ib.connection import client_library
    from mtum.adapters.ib.connector import Connector, login_of
    from mtum.adapters.ib.contracts import ContractPins, Contracts
    from mtum.adapters.ib.wire_record import WireFile

    def synchronize(now: datetime) -> None:
        clock.synchronize(now, practice=trusting and connector.practice)

    record = WireFile(data_dir, clock.now, settings.storage.keep_wire_days)
    login = login_of(settings, read_only=read_only)
    connector = Connector(client_library(settings.broker.library), login, record, synchronize)
    clock.pause = connector.pause
    pins = ContractPins(
        read=store.approvals.pinned_contract,
        write=lambda symbol, identity: store.approvals.pin_contract(symbol, identity, clock.now()),
    )
    return Contracts(connector, pins)


def _running_source(
    name: str,
    settings: Settings,
    data_dir: Path,
    store: Store,
    contracts: "Contracts | None",
    tell: Callable[[str], None],
) -> BarSource:
    if name == "ib" and contracts is not None:
        from mtum.adapters.sources.dividends import ToldApart
        from mtum.adapters.sources.ib import Facts, ib_source

        teller = resources.dividend_teller(settings, data_dir)
        if teller is not None:
            return ToldApart(ib_source(contracts), teller)
        return ib_source(contracts, Facts(store.control.meta, store.control.set_meta))
    market = structs.replace(settings.market, source=name)
    return resources.source_of(structs.replace(settings, market=market), data_dir, tell)


def gate_rules(settings: Settings, pinned: Mapping[str, str]) -> GateRules:
    """Return what the last gate allows under these settings."""
    schedule = settings.schedule
    sleeves = settings.sleeves()
    limits = {one.name: exact(one.rules.sizing.max_position_usd) for one in sleeves}
    if settings.mode == "paper":
        limits[""] = max(limits.values())  # of the order that `mtum paper-check` sends, which no sleeve owns
    return GateRules(
        account=resources.account_of(settings),
        contracts={symbol: pinned.get(symbol, "") for symbol in symbols_of(sleeves)},
        max_position_usd=limits,
        window_opens_minutes=schedule.window_opens_minutes,
        last_send_minutes=schedule.last_send_minutes,
        paper=None if settings.mode == "practice" else settings.mode == "paper",
    )
