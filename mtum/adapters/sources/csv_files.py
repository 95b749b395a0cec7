"""The source `csv`, a folder of SYMBOL.csv files and VIX.csv; each mistake names its file, line and what was found."""

import csv
import math
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import NoReturn, Protocol

import numpy as np
from msgspec import Struct

from mtum.adapters.clock import SystemClock
from mtum.adapters.sources.csv_cells import day_of, month_first, number_of
from mtum.adapters.sources.csv_intraday import FolderSource
from mtum.adapters.sources.csv_layouts import Layout, layout_of
from mtum.config.named_files import why_unreadable
from mtum.core.market.bars import PRICE_COLUMNS, Bars, Column, Days
from mtum.core.market.coverage import Coverage, Dividends
from mtum.core.market.merging import NewSplit, already_rebased, as_traded, rebased
from mtum.errors import BarsInvalidError, SourceUnavailableError

NAME = "csv"
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_NOTHING = {"", "USD"}
_DATE = len("2024-01-01")


class Readable(Protocol):
    """A file or a packaged resource."""

    def read_text(self, encoding: str) -> str:
        """Return its text."""
        ...


class CsvTerms(Struct, frozen=True):
    """How files are read.

    Parameters
    ----------
    raw : bool
        Prices are as traded: those before each recorded split are re-based, volumes and dividends with them.
    today : date or None
        No file can hold a later session; None for no limit.
    tell : callable
        Told which layout a file has and which of its columns are not read.
    """

    raw: bool = False
    today: date | None = None
    tell: Callable[[str], None] = lambda _: None


AS_TOLD = CsvTerms()
"""Prices are split-adjusted, of whatever day, and nobody is told of layouts."""


def read_bars(file: Readable, symbol: str, source: str, terms: CsvTerms = AS_TOLD) -> Bars:
    """Read date, open, high, low, close and volume, dividend and split where they are given.

    Parameters
    ----------
    file : Readable
        A file or a packaged resource.
    symbol : str
        Ticker.
    source : str
        Name of the source.
    terms : CsvTerms
        How files are read.

    Raises
    ------
    SourceUnavailableError
        If the file cannot be read.
    BarsInvalidError
        Naming file, line and what was found.
    """
    return _bars_and_names(file, symbol, source, terms)[0]


def _bars_and_names(file: Readable, symbol: str, source: str, terms: CsvTerms) -> tuple[Bars, Collection[str]]:
    # Beside the bars the names of the columns that the file has of them.
    table = _Table(file, symbol, (*PRICE_COLUMNS, "volume"), ("dividend", "split"), terms)
    columns = table.columns()
    bars = Bars.from_columns(symbol, source, table.days(), columns)
    wrong = already_rebased(bars) if terms.raw else as_traded(bars)
    if not wrong:
        listed = np.flatnonzero((bars.split > 0) & (bars.split != 1)) if terms.raw else ()
        splits = tuple(NewSplit(bars.day(int(at)), float(bars.split[at])) for at in listed)
        return rebased(bars, splits), tuple(columns)  # not their view, which keeps the columns
    split = f"the split {bars.split[wrong[0]]:g}:1 recorded on {bars.day(wrong[0])}"
    if terms.raw:
        said = f'prices do not jump by {split}: they are split-adjusted already; set [market] csv_prices = "adjusted"'
    else:
        said = f'prices jump by {split}: they are as traded; set [market] csv_prices = "raw" to have them re-based'
    raise BarsInvalidError(f"{file}: {said}")


def read_closes(file: Readable, name: str, terms: CsvTerms = AS_TOLD) -> dict[date, float]:
    """Read the closes of an index by session; only ``date`` and ``close`` are looked at.

    Parameters
    ----------
    file : Readable
        A file or a packaged resource.
    name : str
        Name of the index.
    terms : CsvTerms
        How files are read.

    Raises
    ------
    SourceUnavailableError, BarsInvalidError
        As `read_bars`.
    """
    table = _Table(file, name, ("close",), (), terms)
    days: list[date] = table.days().astype(object).tolist()
    return dict(zip(days, table.columns()["close"].tolist(), strict=True))


class _Table:
    # One file, read in columns; only what is not plain numbers under ISO dates is gone through line by line.
    def __init__(
        self, file: Readable, symbol: str, needed: tuple[str, ...], possible: tuple[str, ...], terms: CsvTerms
    ) -> None:
        self._name = str(file)
        lines = _text(file, self._name).splitlines()
        while lines and not lines[-1].strip():
            lines.pop()
        self._layout = self._recognized(lines[:3])
        self._lines = lines[self._layout.first_row :]
        places = self._layout.places
        missing = [name for name in ("date", *needed) if name not in places]
        if missing:
            self._refuse_header(lines[0] if lines else "", missing)
        self._width = len(_cells(lines[0]))
        self._numbers = (*needed, *(name for name in possible if name in places))
        self._days, self._columns = self._parsed()
        self._check_rest(symbol, needed, terms.today)
        for note in self._layout.notes:
            terms.tell(f"{Path(self._name).name}: {note}")

    def days(self) -> Days:
        return self._days

    def columns(self) -> dict[str, Column]:
        return dict(zip(self._numbers, self._columns, strict=True))

    def _recognized(self, first: Sequence[str]) -> Layout:
        try:
            return layout_of([_cells(line) for line in first])
        except ValueError as error:
            raise BarsInvalidError(f"{self._name}, line 1: {error}") from error

    def _refuse_header(self, line: str, missing: list[str]) -> NoReturn:
        said = line[:80] or "an empty file"
        sign = max(_SEPARATORS, key=line.count)
        if line.count(sign) > line.count(","):
            self._refuse(1, f"columns are separated by {_SEPARATORS[sign]}; write commas between them. Found {said}")
        self._refuse(1, f"column {', '.join(missing)} is missing; found {said}")

    def _parsed(self) -> tuple[Days, Sequence[Column]]:
        # One pass over all cells; a date may be cut off after its eleventh character, what is not read after its first.
        places = self._layout.places
        read = {places["date"]: f"S{_DATE + 1}", **{places[name]: "f8" for name in self._numbers}}
        kinds = np.dtype([(str(place), read.get(place, "S1")) for place in range(self._width)])
        if not self._lines:
            return self._line_by_line()
        try:
            table = np.loadtxt(self._lines, dtype=kinds, delimiter=",", comments=None, ndmin=1)
            days = _iso_days(table[str(places["date"])].tobytes())
        except (ValueError, IndexError):
            return self._line_by_line()
        columns = np.array([table[str(places[name])] for name in self._numbers])
        # A blank line is no row to numpy.
        if days is None or len(days) != len(self._lines) or not self._in_range(columns):
            return self._line_by_line()
        return days, list(columns)

    def _in_range(self, columns: Column) -> bool:
        # No comparison holds of what is no number, and the lowest of a column with one is none.
        lowest = zip(self._numbers, columns.min(axis=1).tolist(), strict=True)
        return bool(columns.max() < np.inf) and all(
            found > 0 if name in PRICE_COLUMNS else found >= 0 for name, found in lowest
        )

    def _line_by_line(self) -> tuple[Days, Sequence[Column]]:
        first = self._layout.first_row + 1
        lines = [(number, _cells(line)) for number, line in enumerate(self._lines, start=first)]
        for number, cells in lines:
            if len(cells) != self._width:
                self._refuse(number, f"{len(cells)} cells where the header has {self._width}")
        place = self._layout.places["date"]
        order = month_first([cells[place] for _, cells in lines], usual=self._layout.month_first)
        dated = [(self._day(number, cells[place], order), number, cells) for number, cells in lines]
        if len(dated) > 1 and dated[0][0] > dated[-1][0]:
            dated.reverse()  # newest first, as some vendors write
        rows: list[list[float]] = []
        for position, (day, number, cells) in enumerate(dated):
            earlier = dated[position - 1][0] if position else date.min
            if day in (earlier, *(one for one, _, _ in dated[:position] if day < earlier)):
                self._refuse(number, f"duplicate date {day}; keep one row per session")
            if day < earlier:
                self._refuse(number, f"date {day} comes after {earlier}; sort the sessions by date")
            rows.append([self._number(number, name, cells[self._layout.places[name]]) for name in self._numbers])
        table = np.array(rows, dtype=np.float64).reshape(len(rows), len(self._numbers))
        return np.array([day for day, _, _ in dated], dtype="datetime64[D]"), list(np.ascontiguousarray(table.T))

    def _day(self, number: int, text: str, order: bool | None) -> date:
        try:
            return day_of(text, order)
        except ValueError as error:
            self._refuse(number, f'date "{text}" {error}')

    def _number(self, number: int, name: str, text: str) -> float:
        try:
            found = number_of(text, name)
        except ValueError:
            found = math.nan
        if not math.isfinite(found):
            self._refuse(number, f'{name} "{text}" is not a number')
        if found < 0 or (found == 0 and name in PRICE_COLUMNS):
            self._refuse(number, f"{name} {text} is {'negative' if found < 0 else 'zero'}")
        return found

    def _check_rest(self, symbol: str, needed: tuple[str, ...], today: date | None) -> None:
        # What stands beside the numbers: another symbol, a dividend under a name unknown, days to come.
        told = set(self._layout.symbols)
        if "symbol" in self._layout.places:
            told |= {_cells(line)[self._layout.places["symbol"]] for line in self._lines}
        others = sorted(one for one in told if _base(one) != _base(symbol) and one.upper() != symbol)
        if others:
            self._refuse(1, f"holds {', '.join(others)}, not {symbol} alone; one file holds one symbol")
        for name, place in self._layout.doubtful.items() if "open" in needed else ():
            cells = ((number, _cells(line)[place]) for number, line in enumerate(self._lines, 1))
            if found := next(((number, text) for number, text in cells if not _says_nothing(text)), None):
                self._refuse(
                    found[0] + self._layout.first_row,
                    f'column "{name}" says {found[1]} and is not read; if it is the dividend per share, the split '
                    f"(new shares per old) or a price, name it so, else delete it",
                )
        ahead = self.days() > np.datetime64(today, "D") if today is not None else np.zeros(0, dtype=bool)
        if ahead.any():
            raise BarsInvalidError(
                f"{self._name}: {int(ahead.sum())} sessions are still to come, the first {self.days()[ahead][0]}; "
                f"today is {today} by this machine's clock"
            )

    def _refuse(self, number: int, found: str) -> NoReturn:
        raise BarsInvalidError(f"{self._name}, line {number}: {found}")


@lru_cache(maxsize=16)
def _iso_days(text: bytes) -> Days | None:
    # None where they are not whole or do not rise. Made once: most files of a folder have the same sessions.
    dated = np.frombuffer(text, dtype=f"S{_DATE + 1}")
    signs = dated.view(np.uint8).reshape(-1, _DATE + 1)
    # Seconds since 1970 have ten digits too: numpy takes them for a year.
    whole = (signs[:, _DATE - 1] > 0) & (signs[:, _DATE] == 0) & (signs[:, 4] == ord("-"))
    if not whole.all():
        return None
    days = dated.astype("datetime64[D]")
    days.setflags(write=False)
    return days if bool((days[1:] > days[:-1]).all()) and not np.isnat(days).any() else None


def _base(symbol: str) -> str:
    # MTUM of BATS:MTUM, MTUM.US and ^VIX: vendors name the exchange as well.
    return symbol.upper().rpartition(":")[2].removeprefix("^").removesuffix(".US")


def _says_nothing(text: str) -> bool:
    try:
        return text in _NOTHING or float(text) == 0
    except ValueError:
        return False


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line]), [])]


def _text(file: Readable, name: str) -> str:
    with _readable(name):
        return file.read_text(encoding="utf-8-sig")


@contextmanager
def _readable(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SourceUnavailableError(f"{name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BarsInvalidError(f"{name}: not a text file (byte {error.start} is not UTF-8)") from error


def folder_file(folder: Path, symbol: str) -> Path:
    """Return the path of a symbol's file in a folder.

    Raises
    ------
    SourceUnavailableError
        Naming the files that are there.
    """
    path = folder / f"{symbol}.csv"
    wrong = why_unreadable(path)
    if wrong is None:
        return path
    present = sorted(found.name for found in folder.glob("*.csv")) if folder.is_dir() else []
    listed = f"it holds {', '.join(present[:12])}" if present else "it holds no CSV file"
    raise SourceUnavailableError(f"{path} {wrong}; {listed if folder.is_dir() else f'{folder} is no folder'}")


def terms_of(prices: str, tell: Callable[[str], None]) -> CsvTerms:
    """Return how files are read today.

    Parameters
    ----------
    prices : str
        The setting `csv_prices`.
    tell : callable
        Told which layout a file has and which of its columns are not read.
    """
    return CsvTerms(prices == "raw", SystemClock().now().date(), tell)


def csv_source(folder: Path, *, exact: bool = False, terms: CsvTerms = AS_TOLD) -> FolderSource:
    """Return a replayed market over a folder; each file is read once, when it is first needed.

    Bars are split-adjusted, whether the files are so or are re-based as `terms` says.

    Parameters
    ----------
    folder : Path
        Folder of the files.
    exact : bool
        The setting `sample_share = "exact"`.
    terms : CsvTerms
        How the files are read.
    """

    @cache
    def read(symbol: str) -> tuple[Bars, Collection[str]]:
        return _bars_and_names(folder_file(folder, symbol), symbol, NAME, terms)

    @cache
    def closes(name: str) -> Mapping[date, float]:
        path = folder / f"{name}.csv"
        return read_closes(path, name, terms) if os.path.lexists(path) else {}

    def bars(symbol: str) -> Bars:
        return read(symbol)[0]

    def coverage(symbol: str) -> Coverage:
        return Coverage(Dividends.KNOWN if "dividend" in read(symbol)[1] else Dividends.UNKNOWN)

    return FolderSource(NAME, bars, closes, coverage, exact, folder=folder)
