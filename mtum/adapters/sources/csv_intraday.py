"""Bars within the sessions from files SYMBOL_5m.csv; each mistake names its file, line and what was found."""

import csv
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
from msgspec import field

from mtum.adapters.sources.replay import ReplayedSource
from mtum.core.market.intraday import VALUES, Rows
from mtum.core.market.timeframes import INTRADAY, Timeframe
from mtum.errors import BarsInvalidError, BarsMissingError, SourceUnavailableError

COLUMNS = ("time", *VALUES)


class FolderSource(ReplayedSource):
    """A replayed market over a folder with files of bars within the sessions too (ports.market_data.TellsIntraday).

    Parameters
    ----------
    folder : Path
        Holds SYMBOL_5m.csv and the like.
    """

    folder: Path = field(default_factory=Path)
    _read: dict[Path, Rows] = field(default_factory=dict)

    def minutes_for(self, symbol: str, timeframe: Timeframe) -> int:
        """Return the length of the longest bars that have a file and make up those of the timeframe; 0 for none."""
        fitting = (one for one in reversed(INTRADAY) if timeframe.minutes % one.minutes == 0)
        return next((one.minutes for one in fitting if self._file(symbol, one.minutes).is_file()), 0)

    def intraday(self, symbol: str, minutes: int, first: date, last: date) -> Rows:
        """Return the bars of the closed interval of days; a file is read once."""
        path = self._file(symbol, minutes)
        if not path.is_file():
            raise BarsMissingError(f"{path} is not there")
        if path not in self._read:
            self._read[path] = read_intraday(path)
        rows = self._read[path]
        begins = np.asarray(rows["begins"])
        part = slice(
            *np.searchsorted(begins, [np.datetime64(first, "s"), np.datetime64(last + timedelta(days=1), "s")])
        )
        return {name: np.asarray(column)[part] for name, column in rows.items()}

    def _file(self, symbol: str, minutes: int) -> Path:
        (name,) = (one.value for one in INTRADAY if one.minutes == minutes)
        return self.folder / f"{symbol}_{name}.csv"


def read_intraday(path: Path) -> Rows:
    """Read time, open, high, low, close and volume; a time without an offset is UTC.

    Raises
    ------
    SourceUnavailableError
        If the file cannot be read.
    BarsInvalidError
        Naming file, line and what was found.
    """
    try:
        lines = csv.reader(path.read_text(encoding="utf-8-sig").splitlines())
    except OSError as error:
        raise SourceUnavailableError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BarsInvalidError(f"{path}: not a text file (byte {error.start} is not UTF-8)") from error
    header = [cell.strip().lower() for cell in next(lines, [])]
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        said = ",".join(header)[:80] or "an empty file"
        raise BarsInvalidError(f"{path}, line 1: column {', '.join(missing)} is missing; found {said}")
    rows = sorted(_rows(path, lines, [header.index(name) for name in COLUMNS]))
    for (earlier, *_), (later, *_) in pairwise(rows):
        if earlier == later:
            raise BarsInvalidError(f"{path}: two rows begin at {later}Z; keep one for each bar")
    columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
    begins = np.array(columns[0], dtype="datetime64[s]")
    numbers: Mapping[str, object] = {
        name: np.array(one, dtype=np.float64) for name, one in zip(VALUES, columns[1:], strict=True)
    }
    return {"begins": begins, **numbers}


def _rows(path: Path, lines: Iterator[list[str]], places: list[int]) -> Iterator[tuple[datetime, *tuple[float, ...]]]:
    for number, cells in enumerate(lines, 2):
        if not any(cell.strip() for cell in cells):
            continue
        try:
            time, *numbers = (cells[place].strip() for place in places)
        except IndexError:
            raise BarsInvalidError(f"{path}, line {number}: {len(cells)} cells where the header has more") from None
        at, values = _instant(time), [_number(one) for one in numbers]
        if at is None:
            said = "is not written 2024-01-05T14:30Z, in UTC or with its offset"
            raise BarsInvalidError(f'{path}, line {number}: time "{time}" {said}')
        wrong = next((at for at, one in enumerate(values) if not math.isfinite(one)), None)
        if wrong is not None:
            raise BarsInvalidError(f'{path}, line {number}: {VALUES[wrong]} "{numbers[wrong]}" is not a number')
        yield at, *values


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    whole_day = len(text) <= len("2024-01-05")
    return None if whole_day else at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
