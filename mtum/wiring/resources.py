"""What settings and folder of an installation stand for: account, calendar, source of bars, database, time.

Nothing here loads a library that takes time before it is needed: commands of a moment use it too.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from mtum.adapters.clock import SystemClock
from mtum.config.account import ownership_problems
from mtum.config.named_files import why_unreadable
from mtum.errors import ConfigError, StoreError, StoreMismatchError

if TYPE_CHECKING:
    from mtum.adapters.sources.dividends import Teller
    from mtum.config import Settings
    from mtum.ports.market_data import BarSource
    from mtum.ports.reading import Reader
    from mtum.ports.store import Store
    from mtum.ports.time import Calendar, Clock

DATABASE_NAME, EXCHANGE_NAME, SESSIONS_NAME = "mtum.db", "exchange.json", "sessions.json"
ALIVE_NAME = "scheduler.alive"
"""Touched at every heartbeat of the scheduler."""
PRACTICE_ACCOUNT = "PRACTICE"


def is_replay(settings: "Settings") -> bool:
    """Return whether market time is simulated: practice mode on stored history."""
    from mtum.config import REPLAYED_SOURCES

    return settings.mode == "practice" and settings.market.source in REPLAYED_SOURCES


def settings_whatever_happens(
    path: Path | None, environment: Mapping[str, str], database: Path, tell: Callable[[str], None]
) -> "Settings":
    """Return the settings in force; a file of own strategies that cannot be used is as it was taken over last.

    For what must be possible while a person works on such a file: to halt, to sell, to go on trading.

    Parameters
    ----------
    path : Path or None
        The settings file; None for the defaults.
    environment : mapping of str to str
        Environment variables.
    database : Path
        The database's file.
    tell : callable
        Told what is wrong with the files of today.

    Raises
    ------
    ConfigError
        Whatever else is wrong with the settings, or with a file that was never taken over.
    """
    from mtum.config import load

    try:
        return load(path, environment)
    except ConfigError as error:
        from mtum.adapters.store.reading import meta, open_read_only
        from mtum.app.strategies.versions import TAKEN, sources_in

        with suppress(StoreError, OSError), closing(open_read_only(database)) as connection:
            sources = sources_in(meta(connection).get(TAKEN))
            if sources:
                found = load(path, environment, sources=sources)
                for line in error.problems:
                    tell(f"{line}; what was taken over before is in force")
                return found
        raise


def demo_settings(settings: "Settings", market_name: str | None = None) -> "Settings":
    """Return the settings with the mode and the market of the demo; strategy, portfolio and risk stay."""
    update = {"source": "sample", "calendar_overrides": "", "sample": market_name or settings.market.sample}
    market = structs.replace(settings.market, **update)
    broker = structs.replace(settings.broker, account="", live_account="")
    return structs.replace(settings, mode="practice", market=market, broker=broker)


def packaged_portfolio() -> "tuple[Settings, bytes]":
    """Return the settings of the portfolio that comes with the embedded market, and the file they are read from."""
    from importlib.resources import as_file, files

    from mtum.config import load

    file = files("mtum.adapters.sources") / "sample" / "portfolio.toml"
    with as_file(file) as path:
        return load(path, {}), file.read_bytes()


def account_of(settings: "Settings") -> str:
    """Return the account that is traded; practice needs none to be named."""
    return settings.broker.account or PRACTICE_ACCOUNT


def calendar_of(settings: "Settings", data_dir: Path, cache_dir: Path | None = None) -> "Calendar":
    """Return the exchange's calendar with the local overrides; its sessions are kept in a file of the folder.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    data_dir : Path
        Data folder.
    cache_dir : Path or None
        Folder in which the calendar keeps its sessions; None is the data folder.
    """
    from mtum.adapters.calendar import ExchangeCalendar, read_overrides

    path = settings.market.calendar_overrides
    overrides = read_overrides(data_dir / path if path else None)
    return ExchangeCalendar(overrides, (cache_dir or data_dir) / SESSIONS_NAME)


def source_of(settings: "Settings", data_dir: Path, tell: Callable[[str], None] = lambda _: None) -> "BarSource":
    """Return the source of every bar; for one that needs a line to the broker, what is cached of it.

    `tell` hears what a person may want to know of files that are read.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    data_dir : Path
        Data folder.
    tell : callable
        Told in words what a person may want to know.
    """
    market = settings.market
    match market.source:
        case "sample":
            from mtum.adapters.sources.embedded import sample_source

            carried = market.sample_bond_holidays == "carried"
            return sample_source(market.sample, exact=market.sample_share == "exact", carried=carried)
        case "csv":
            from mtum.adapters.sources.csv_files import csv_source, terms_of

            exact = market.sample_share == "exact"
            return csv_source(data_dir / market.csv_dir, exact=exact, terms=terms_of(market.csv_prices, tell))
        case "yahoo":
            from mtum.adapters.sources.yahoo import yahoo_source

            calendar, folder = calendar_of(settings, data_dir), data_dir / "cache" / "yahoo"
            return yahoo_source(calendar, folder, market.yahoo_url, market.read_timeout_seconds)
        case other:
            from mtum.adapters.store.cached_bars import CachedBars

            return CachedBars(other, data_dir / DATABASE_NAME)


def dividend_teller(settings: "Settings", data_dir: Path) -> "Teller | None":
    """Return who tells dividends in place of the broker; None where the broker does.

    Raises
    ------
    ConfigError
        If that is a file which cannot be used.
    """
    from mtum.adapters.sources.dividends import FILE_NAME, YahooTeller, file_teller

    match settings.market.dividend_source:
        case "yahoo":
            market = structs.replace(settings.market, source="yahoo")
            return YahooTeller(source_of(structs.replace(settings, market=market), data_dir))
        case "file":
            return file_teller(data_dir / FILE_NAME)
        case _:
            return None


@contextmanager
def opened_store(settings: "Settings", data_dir: Path, *, reading: bool = False) -> "Iterator[Store]":
    """Open the database of this mode and account, creating it when there is none; only `reading` writes nothing.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    data_dir : Path
        Data folder.
    reading : bool
        Whether it is opened for reading alone.
    """
    from mtum.adapters.store.opening import open_store, read_store

    opened = read_store if reading else open_store
    store = opened(data_dir / DATABASE_NAME, settings.mode, account_of(settings))
    try:
        yield store
    finally:
        store.close()


@contextmanager
def opened_reader(settings: "Settings", database: Path, *, any_owner: bool = False) -> "Iterator[Reader | None]":
    """Open the database for reading; None when nothing has been recorded yet.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    database : Path
        The database's file.
    any_owner : bool
        Whether a database of another mode or account is read too.

    Raises
    ------
    StoreError
        If there is a file that cannot be read.
    StoreMismatchError
        If it is another mode's or account's.
    """
    if database.parent.exists() and not database.parent.is_dir():
        raise StoreError(f"{database.parent} is not a folder; name another one with --data-dir")
    for path in (database.parent, database):
        if path.is_symlink() and not path.exists():
            raise StoreError(f"{path} {why_unreadable(path)}")
    # A run that was stopped before its first commit leaves an empty file.
    if not database.exists() or (database.is_file() and database.stat().st_size == 0):
        yield None
        return
    from mtum.adapters.store.reading import SqliteReader, meta, open_read_only

    with closing(open_read_only(database)) as connection:
        facts = meta(connection)
        strange = [] if any_owner else ownership_problems(settings, facts.get("mode"), facts.get("account"))
        if strange:
            raise StoreMismatchError("; ".join(strange))
        yield SqliteReader(connection)


def is_rehearsal(settings: "Settings", store: "Store") -> bool:
    """Return whether these records are a rehearsal's: their gateway said that it is the practice gateway."""
    from mtum.ports.reading import PRACTICE_KEY

    return settings.mode != "live" and store.control.meta(PRACTICE_KEY) == "yes"


def market_now(settings: "Settings", store: "Store", day: date | None = None, wall: "Clock | None" = None) -> datetime:
    """Return the time of the market that the records are about.

    That is the clock on the wall (`wall`, by default the computer's), but a replayed market and a practice gateway
    have a time of their own: the end of the last run recorded, or the last one of a session. Before the first run it
    is the time of a `wall` that is named, else long ago.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    store : Store
        The program's records.
    day : date or None
        Session in hand; None where there is none.
    wall : Clock or None
        Clock on the wall; None for the computer's.
    """
    if not (is_replay(settings) or is_rehearsal(settings, store)):
        return (wall or SystemClock()).now()
    long_ago = wall.now() if wall else datetime(1990, 1, 1, tzinfo=UTC)
    latest = store.runs.latest_run()
    runs = (store.runs.runs_between(day, day) if day else ()) or ([latest] if latest else [])
    return max((run.finished_at or run.started_at for run in runs), default=long_ago)


def system_clock() -> "Clock":
    """Return the computer's clock."""
    return SystemClock()


def wait_for_window(settings: "Settings", data_dir: Path) -> None:
    """Sleep until the next session's window opens, without lock, store or connection."""
    clock = SystemClock()
    today = clock.now().date()
    for session in calendar_of(settings, data_dir).sessions(today - timedelta(days=1), today + timedelta(days=14)):
        if clock.now() <= session.before_close(settings.schedule.last_send_minutes):
            clock.wait_until(session.before_close(settings.schedule.window_opens_minutes))
            return
