"""`mtum init` and `mtum config`: the settings file, the settings in force, their mistakes, their schema."""

from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtum.cli.context import CommandCall, call_of
from mtum.cli.output import Answer, Listing, failure, json_text
from mtum.config.named_files import why_unreadable
from mtum.errors import ConfigError, DataError, StoreError, UsageError

if TYPE_CHECKING:
    from mtum.config import Settings

app = typer.Typer(help="The settings in force, their schema and their approval.")


def init(
    context: typer.Context,
    force: Annotated[bool, typer.Option("--force", help="Replace a settings file that exists.")] = False,
) -> Answer:
    """Write a commented config.toml and the data folder."""
    from mtum.app.owner.settings_catalog import settings_text

    call = call_of(context)
    file = (call.config or Path("config.toml")).absolute()
    folder = call.data_folder()
    if file.exists() and not force:
        raise UsageError(f"{file} exists; keep it, or replace it with `mtum init --force`")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(settings_text(), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be written: {error.strerror}") from error
    return Answer(
        {"files": [file], "data_dir": folder},
        [f"settings: {file}", f"data: {folder}"],
        hints=["next: `mtum demo` plays the embedded market; `mtum config show` lists what is in force"],
    )


@app.command()
def show(context: typer.Context) -> Answer:
    """Every setting in force and where it came from; secrets are never shown."""
    from mtum.app.owner.settings_catalog import values_in_force

    call = call_of(context)
    file = call.settings_file()
    rows = values_in_force(call.settings(), file, call.environment)
    return Answer(
        {
            "file": file,
            "data_dir": call.data_folder(),
            "settings": {row.name: {"value": row.value, "origin": row.origin} for row in rows},
        },
        [
            f"settings file: {file or 'none, defaults apply'}",
            f"data folder: {call.data_folder()}",
            Listing(["setting", "value", "from"], [[row.name, _cell(row.value), row.origin] for row in rows]),
        ],
    )


@app.command()
def check(context: typer.Context) -> Answer:
    """Read the settings and name every mistake at once."""
    from mtum.config import below_one_share, secret_problems, tied_up

    call = call_of(context)
    try:
        file = call.settings_file()
        settings = call.settings()
        wrong = [*secret_problems(settings, call.environment), *_missing_paths(settings, call.data_folder())]
        wrong += _held(call, settings)
        if wrong:
            raise ConfigError(wrong)
    except ConfigError as error:
        found = failure(error)
        return Answer({"ok": False}, list(error.problems), found.exit_code, found.problems)
    closes = _last_closes(call, settings)
    warned = [*below_one_share(settings, closes), *tied_up(settings, closes), *_without_intraday(call, settings)]
    document = {"ok": True, "file": file, "mode": settings.mode, "settings_hash": settings.digest()}
    return Answer(
        {**document, "problems": [], "warnings": warned},
        [f"{file or 'defaults'}: settings are sound, mode {settings.mode}", *(f"warning: {line}" for line in warned)],
    )


@app.command()
def schema(context: typer.Context) -> Answer:
    """JSON Schema of the settings file, for editors."""
    from mtum.app.owner.settings_catalog import schema as settings_schema

    with suppress(ConfigError):
        call_of(context).settings()  # strategies of one's own have settings too
    document = settings_schema()
    return Answer(document, [json_text(document)])


@app.command()
def approve(context: typer.Context) -> Answer:
    """Approve the strategy, portfolio and risk settings in force; live makes no entry before."""
    from mtum.app.approvals.approve_settings import approve_settings, watched, watched_line
    from mtum.app.strategies.versions import files_now, taken
    from mtum.wiring.provenance import provenance
    from mtum.wiring.resources import account_of, opened_store, system_clock

    call = call_of(context)
    settings = call.settings()
    with opened_store(settings, call.data_folder()) as store:
        shown = watched(store, settings, account_of(settings))
        changed = approve_settings(store.approvals, settings, system_clock().now(), provenance())
        kept = taken(store.control)
    lines = [
        *changed,
        *(
            f"{path.name} is approved as it is now; it decides once it is taken over: `mtum strategy reload`"
            for path, source in files_now().items()
            if kept.get(path, source) != source
        ),
        *(watched_line(row) for row in shown),
        f"{len(changed)} settings approved" if changed else "nothing had changed since the last approval",
    ]
    document = {"approved": True, "changed": list(changed), "watched": shown, "settings_hash": settings.digest()}
    return Answer(document, lines)


def _missing_paths(settings: "Settings", folder: Path) -> list[str]:
    market = settings.market
    found = []
    if "csv" in (market.source, market.second_source) and not (folder / market.csv_dir).is_dir():
        found.append(f"market.csv_dir: there is no folder {folder / market.csv_dir}, and source csv reads it")
    if market.chain_dir and not (folder / market.chain_dir).is_dir():
        found.append(f"market.chain_dir: there is no folder {folder / market.chain_dir}, and chains are read there")
    overrides = folder / market.calendar_overrides
    wrong = why_unreadable(overrides) if market.calendar_overrides else None
    if wrong:
        found.append(f"market.calendar_overrides: {overrides} {wrong}")
    return found


def _last_closes(call: CommandCall, settings: "Settings") -> dict[str, float]:
    """Return the last close of what is traded, of the cache or the embedded market; nothing of what has none there."""
    from mtum.ports.rows import BarRow
    from mtum.wiring.resources import opened_reader, source_of

    source = settings.market.source
    found: dict[str, float] = {}
    symbols = {symbol for one in settings.configured().values() for symbol in one.rules.universe()}
    with suppress(StoreError), opened_reader(settings, call.database()) as reader:
        if reader is not None:
            rows = (row for one in symbols for row in reader.rows(BarRow, limit=1, symbol=one, source=source))
            found = {row.symbol: row.close for row in rows}
    for symbol in symbols - found.keys() if source == "sample" else ():
        with suppress(DataError):
            bars = source_of(settings, call.data_folder()).history(symbol, date.min, date.max)
            found[symbol] = float(bars.close[-1])
    return found


def _without_intraday(call: CommandCall, settings: "Settings") -> list[str]:
    """Say which bars within the session a sleeve asks for that a replayed market does not have."""
    from mtum.config import REPLAYED_SOURCES

    asking = {name: one.rules for name, one in settings.configured().items() if one.rules.intraday_bars}
    if not asking or settings.market.source not in REPLAYED_SOURCES:
        return []
    from mtum.ports.market_data import TellsIntraday
    from mtum.wiring.resources import source_of

    source = source_of(settings, call.data_folder())
    has = source.minutes_for if isinstance(source, TellsIntraday) else lambda _symbol, _timeframe: 0
    lacking = {
        name: [f"{symbol} {one}" for symbol in rules.universe() for one in rules.intraday_bars if not has(symbol, one)]
        for name, rules in asking.items()
    }
    return [
        f"{name}: {source.name} has no bars of {', '.join(found)}: conditions on them never hold"
        for name, found in lacking.items()
        if found
    ]


def _cell(value: object) -> str:
    from mtum.app.owner.settings_catalog import toml_text

    return "***" if value == "***" else toml_text(value)


def _held(call: CommandCall, settings: "Settings") -> list[str]:
    """Say what is held and not traded by these settings; nothing where the database is another account's."""
    from mtum.core.portfolio.reconcile import untraded_of, untraded_texts
    from mtum.wiring.resources import opened_reader

    traded = settings.traded()
    with suppress(StoreError), opened_reader(settings, call.database()) as reader:
        if reader is not None:
            held = [(one.strategy, one.symbol, one.shares) for one in reader.state().positions]
            actions = reader.actions()
            return untraded_texts(untraded_of(held, traded, actions)[0], traded, settings.named(), actions)
    return []
