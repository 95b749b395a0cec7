"""Reading bars and closes from CSV files, strictly: each mistake names its file, line and what was found."""

import csv
import math
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NoReturn, Protocol

import numpy as np

from mtum.core.market.bars import PRICE_COLUMNS, Bars, Days
from mtum.errors import BarsInvalidError, SourceUnavailableError

REQUIRED = ("date", *PRICE_COLUMNS, "volume")
OPTIONAL = ("adj_close", "dividend", "split")
"""Columns that may be there; `adj_close` is read past, other columns are ignored."""


class Readable(Protocol):
    """A file or a packaged resource."""

    def read_text(self, encoding: str) -> str:
        """Return its text."""
        ...


def read_bars(file: Readable, symbol: str, source: str) -> Bars:
    """Read ``date,open,high,low,close,volume[,adj_close][,dividend][,split]``, oldest session first.

    Raises
    ------
    SourceUnavailableError
        If the file cannot be read.
    BarsInvalidError
        Naming file, line and what was found.
    """
    table = _Table(file, (*PRICE_COLUMNS, "volume"), ("dividend", "split"))
    return Bars.from_columns(symbol, source, table.days(), table.columns())


def read_closes(file: Readable) -> dict[date, float]:
    """Read the closes of an index by session; only ``date`` and ``close`` are looked at.

    Raises
    ------
    SourceUnavailableError, BarsInvalidError
        As `read_bars`.
    """
    table = _Table(file, ("close",), ())
    days: list[date] = table.days().astype(object).tolist()
    return dict(zip(days, table.columns()["close"], strict=True))


class _Table:
    # One file, read in columns; only when something is wrong is it gone through line by line.
    def __init__(self, file: Readable, needed: tuple[str, ...], possible: tuple[str, ...]) -> None:
        self._name = str(file)
        lines = _text(file, self._name).splitlines()
        while lines and not lines[-1].strip():
            lines.pop()
        self._header = _cells(lines[0]) if lines else []
        self._lines = lines[1:]
        missing = [name for name in ("date", *needed) if name not in self._header]
        if missing:
            said = ",".join(self._header)[:80] or "an empty file"
            raise BarsInvalidError(f"{self._name}, line 1: column {', '.join(missing)} is missing; found {said}")
        self._numbers = (*needed, *(name for name in possible if name in self._header))
        self._split = self._parsed()

    def days(self) -> Days:
        return np.array(self._split[0], dtype="datetime64[D]")

    def columns(self) -> dict[str, list[float]]:
        return dict(zip(self._numbers, self._split[1], strict=True))

    def _parsed(self) -> tuple[Sequence[str], list[list[float]]]:
        rows = [line.split(",") for line in self._lines]
        places = [self._header.index(name) for name in self._numbers]
        try:
            columns = list(zip(*rows, strict=True)) or [()] * len(self._header)
            days = columns[self._header.index("date")]
            numbers = [list(map(float, columns[place])) for place in places]
            fine = len(columns) == len(self._header) and self._in_order(days) and self._in_range(numbers)
        except (ValueError, IndexError):
            fine = False
        return (days, numbers) if fine else self._line_by_line()

    @staticmethod
    def _in_order(days: Sequence[str]) -> bool:
        index = np.array(days, dtype="datetime64[D]")
        plain = all(len(day) == len("2024-01-01") for day in days)
        return plain and bool((index[1:] > index[:-1]).all()) and not bool(np.isnat(index).any())

    def _in_range(self, numbers: list[list[float]]) -> bool:
        for name, column in zip(self._numbers, numbers, strict=True):
            lowest, highest = min(column, default=1.0), max(column, default=1.0)
            if not (math.isfinite(sum(column)) and highest < math.inf):
                return False
            if lowest < 0 or (lowest == 0 and name in PRICE_COLUMNS):
                return False
        return True

    def _line_by_line(self) -> tuple[Sequence[str], list[list[float]]]:
        days: list[str] = []
        rows: list[list[float]] = []
        for number, line in enumerate(self._lines, start=2):
            cells = _cells(line)
            if len(cells) != len(self._header):
                self._refuse(number, f"{len(cells)} cells where the header has {len(self._header)}")
            days.append(self._day(number, cells[self._header.index("date")], days))
            rows.append([self._number(number, name, cells[self._header.index(name)]) for name in self._numbers])
        return days, [list(column) for column in zip(*rows, strict=True)]

    def _day(self, number: int, text: str, earlier: list[str]) -> str:
        try:
            day = date.fromisoformat(text).isoformat()
        except ValueError:
            self._refuse(number, f'date "{text}" is not written YYYY-MM-DD')
        if day in earlier:
            self._refuse(number, f"duplicate date {day}; keep one row per session")
        if earlier and day < earlier[-1]:
            self._refuse(number, f"date {day} comes after {earlier[-1]}; the oldest session must come first")
        return day

    def _number(self, number: int, name: str, text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = math.nan
        if not math.isfinite(found):
            self._refuse(number, f'{name} "{text}" is not a number')
        if found < 0 or (found == 0 and name in PRICE_COLUMNS):
            self._refuse(number, f"{name} {text} is {'negative' if found < 0 else 'zero'}")
        return found

    def _refuse(self, number: int, found: str) -> NoReturn:
        raise BarsInvalidError(f"{self._name}, line {number}: {found}")


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line]), [])]


def _text(file: Readable, name: str) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
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
    if path.is_file():
        return path
    present = sorted(found.name for found in folder.glob("*.csv")) if folder.is_dir() else []
    listed = f"it holds {', '.join(present[:12])}" if present else "it holds no CSV file"
    raise SourceUnavailableError(f"{path} does not exist; {listed if folder.is_dir() else 'nor does its folder'}")
