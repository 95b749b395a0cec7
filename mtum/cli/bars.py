"""`mtum bars`: the cache of daily bars."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import replace

from mtum.cli.arguments import Limit, Since, symbol_of, word_of
from mtum.cli.bar_answers import check_answer, import_answer, sync_answer, sync_line
from mtum.cli.context import CommandCall, call_of
from mtum.cli.output import Answer, Listing
from mtum.cli.stored import stand_in
from mtum.errors import UsageError

if TYPE_CHECKING:
    from mtum.app.bars.bar_desk import BarDesk
    from mtum.app.bars.sync_bars import Synced
    from mtum.core.market.sessions import Session

app = typer.Typer(help="The cache of daily bars.")

Symbols = Annotated[
    list[str] | None, typer.Argument(metavar="[SYMBOL]...", help="Default: what the strategy needs.", parser=symbol_of)
]
Cached = Annotated[
    list[str] | None, typer.Argument(metavar="[SYMBOL]...", help="Default: everything cached.", parser=symbol_of)
]
_SOURCES = partial(word_of, "--source", ("csv", "yahoo", "ib"))
OVER = "the replayed market is over: there is nothing left to read"


@app.command()
def sync(context: typer.Context, symbols: Symbols = None, since: Since = None) -> Answer:
    """Read what is missing and the last ten sessions again; notice revisions, keep bad bars out."""
    from mtum.app.bars.sync_bars import sync_bars
    from mtum.core.portfolio.sleeves import series_of, symbols_of

    call = call_of(context)
    wanted = list(dict.fromkeys(symbols or ()))
    with _reading_desk(call) as (desk, upcoming):
        sleeves = call.settings().sleeves()
        series = [name for name in series_of(sleeves) if not wanted or name in wanted]
        bars = [name for name in wanted if name not in series] or ([] if wanted else list(symbols_of(sleeves)))
        told = _Progress(call, len(bars) + len(series))
        results = sync_bars(desk, bars, series, told, upcoming, since)
        source = desk.source.name
    answer = sync_answer(results, source, listed=not told.seen)
    return replace(answer, shown=[*answer.shown, *stand_in(call)])


@app.command()
def check(context: typer.Context, symbols: Cached = None) -> Answer:
    """Check every cached bar by the rules a decision asks for; list what was kept out."""
    from mtum.app.bars.check_bars import check_bars, disagreeing_closes
    from mtum.wiring.resources import calendar_of, market_now, opened_store

    call, names = call_of(context), list(dict.fromkeys(symbols or ()))
    settings, folder = call.settings(), call.data_folder()
    if not call.database().exists():
        return Answer({"checked": [], "kept_out": [], "sources_apart": []}, ["nothing is cached yet"])
    with opened_store(settings, folder) as store:
        cached = dict.fromkeys(symbol for symbol, _ in store.quarantine.checkable())
        unknown = [name for name in names if name not in cached]
        if unknown:
            raise UsageError(f"nothing of {', '.join(unknown)} is cached; cached: {', '.join(cached) or 'nothing'}")
        found = check_bars(store, calendar_of(settings, folder), market_now(call.settings(), store), names)
        held = [one for one in store.quarantine.kept_out(held=True) if not names or one.symbol in names]
        apart = disagreeing_closes(store, names)
    answer = check_answer(found, held, apart)
    return replace(answer, shown=[*answer.shown, *stand_in(call)])


@app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="SYMBOL.csv, oldest session first.")],
    symbol: Annotated[
        str | None, typer.Option("--symbol", metavar="S", help="Default: the file's name.", parser=symbol_of)
    ] = None,
    source: Annotated[
        str, typer.Option("--source", metavar="NAME", help="Whose bars it replaces.", parser=_SOURCES)
    ] = "csv",
) -> Answer:
    """Take a file of bars into the cache; it replaces what is there, earlier values are kept as revisions.

    Of an index (VIX) only date and close are used. A market that is being replayed is not imported into: with
    `source = "csv"` it reads SYMBOL.csv and VIX.csv from the folder `csv_dir` as it is played.
    """
    from mtum.wiring.bar_files import import_file
    from mtum.wiring.resources import is_replay

    call = call_of(context)
    settings, folder = call.settings(), call.data_folder()
    if symbol is None and not file.stem.replace("-", "").isalnum():
        raise UsageError(f"{file.name} does not say which symbol it holds; name it with --symbol, as in --symbol MTUM")
    name = symbol or symbol_of(file.stem)
    if is_replay(settings) and source == settings.market.source:
        raise UsageError(
            "the market of files reads them as it is played: nothing to import; "
            f"copy {file.name} to {folder / settings.market.csv_dir}"
        )
    return import_answer(import_file(settings, folder, file, (name, source)), source)


@app.command()
def revisions(
    context: typer.Context,
    symbol: Annotated[
        str | None, typer.Argument(metavar="SYMBOL", help="Default: every symbol.", parser=symbol_of)
    ] = None,
    limit: Limit = None,
) -> Answer:
    """List what sources changed afterwards, with both times."""
    from mtum.wiring.resources import opened_store

    call = call_of(context)
    if not call.database().exists():
        return Answer({"revisions": []}, ["nothing is cached yet"])
    with opened_store(call.settings(), call.data_folder()) as store:
        found = store.bars.revisions(symbol)
    found = found[-limit:] if limit else found
    columns = ("session", "symbol", "source", "column", "before", "after", "first read", "noticed", "accepted")
    names = ("session", "symbol", "source", "column", "before", "after", "first_read_at", "replaced_at", "accepted")
    rows = [tuple(getattr(one, name) for name in names) for one in found]
    return Answer({"revisions": list(found)}, [Listing(columns, rows)] if rows else ["no revisions"])


@app.command()
def release(
    context: typer.Context,
    bar_id: Annotated[int, typer.Argument(metavar="ID", help="As `mtum bars check` lists it.")],
) -> Answer:
    """Declare a bar that was kept out to be real."""
    from mtum.app.bars.kept_out import release_bar
    from mtum.wiring.resources import market_now, opened_store

    call = call_of(context)
    with opened_store(call.settings(), call.data_folder()) as store, store.lock():
        found = release_bar(store, bar_id, "owner", market_now(call.settings(), store))
    document = {"id": bar_id, "symbol": found.symbol, "session": found.bar.day, "rule": found.rule}
    return Answer(document, [f"released: {found.symbol} {found.bar.day} ({found.rule})"])


class _Progress:
    """One line per symbol on stderr, where somebody looks at it."""

    def __init__(self, call: CommandCall, total: int) -> None:
        self._shown = not (call.json or call.quiet)
        self._total = total
        self._done = 0

    @property
    def seen(self) -> bool:
        """Whether the same terminal shows the lines and the answer."""
        return self._shown and sys.stderr.isatty() and sys.stdout.isatty()

    def __call__(self, result: "Synced") -> None:
        self._done += 1
        if self._shown and sys.stderr.isatty():
            sys.stderr.write(f"{self._done}/{self._total} {sync_line(result)}\n")


@contextmanager
def _reading_desk(call: CommandCall) -> Iterator[tuple["BarDesk", "Session | None"]]:
    from mtum.wiring import desks, resources

    settings, folder = call.settings(), call.data_folder()
    if resources.is_replay(settings):
        with desks.replay_desk(settings, folder) as replay:
            upcoming = replay.upcoming()
            if upcoming is None:
                raise UsageError(OVER)
            replay.desk.clock.wait_until(upcoming.before_close(30))
            yield replay.desk, upcoming
        return
    with desks.live_desk(settings, folder, None, dry_run=True) as desk:
        line = "ib" in (settings.market.source, settings.market.second_source)
        if line:
            desk.broker.connect()
        try:
            yield desk, None
        finally:
            if line:
                desk.broker.close()
