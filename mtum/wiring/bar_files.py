"""A file of bars taken into the cache."""

from pathlib import Path

from msgspec.structs import replace

from mtum.adapters.clock import SystemClock
from mtum.adapters.sources.csv_files import csv_source, read_bars, read_closes, terms_of
from mtum.app.bars.accept_bars import Refresh
from mtum.app.bars.bar_desk import CacheDesk
from mtum.app.bars.import_bars import import_bars, import_closes, problems_before_import
from mtum.config import Settings
from mtum.core.market.instruments import InstrumentKind, instrument
from mtum.core.market.validation import BarProblem
from mtum.errors import BarsInvalidError
from mtum.wiring import resources


def import_file(
    settings: Settings, data_dir: Path, file: Path, key: tuple[str, str]
) -> tuple[Refresh, tuple[BarProblem, ...]]:
    """Take a file's bars, or an index's closes; of one that breaks a rule nothing is taken.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    data_dir : Path
        Data folder.
    file : Path
        The file.
    key : (str, str)
        Symbol, and the source whose bars are replaced.

    Returns
    -------
    (Refresh, tuple of BarProblem)
        What was taken with what a person should know of the file; the rules it breaks.

    Raises
    ------
    BarsInvalidError
        If the file holds nothing, or cannot be understood.
    SourceUnavailableError
        If it cannot be read.
    """
    told: list[str] = []
    terms = terms_of(settings.market.csv_prices, told.append)
    problems: tuple[BarProblem, ...] = ()
    with resources.opened_store(settings, data_dir) as store, store.lock():
        room = CacheDesk(csv_source(file.parent), store, resources.calendar_of(settings, data_dir), SystemClock())
        if instrument(key[0]).kind is InstrumentKind.INDEX:
            closes = read_closes(file, key[0], terms)
            if not closes:
                raise BarsInvalidError(f"{file} holds no closes")
            found = import_closes(room, key, closes)
        else:
            bars = read_bars(file, *key, terms)
            if not len(bars):
                raise BarsInvalidError(f"{file} holds no bars")
            problems = problems_before_import(room, bars, file.name)
            found = Refresh(*key, None, len(bars)) if problems else import_bars(room, bars)
    return replace(found, notes=(*found.notes, *told)), problems
