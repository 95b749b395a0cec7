"""`mtum backtest --out DIR`: the tear sheet, its charts and the result as files."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mtum.app.research.run_backtest import Backtested
from mtum.core.reporting.backtest.tear_sheet import Sheet, tear_sheet
from mtum.errors import UsageError

type Draw = Callable[[Sheet], Mapping[str, bytes]]
"""Gives the charts as PNG by file name."""


def write_tear_sheet(found: Backtested, document: Mapping[str, Any], folder: Path, draw: Draw) -> Sequence[Path]:
    """Write page and charts; each file appears whole or not at all.

    Raises
    ------
    UsageError
        If the folder cannot be written.
    """
    close = found.history.tape.close[found.span.first : found.span.stop]
    sheet = Sheet(document, found.played, close, found.held.reinvested)
    return write_files({"tear-sheet.html": tear_sheet(sheet).encode(), **draw(sheet)}, folder)


def write_files(contents: Mapping[str, bytes], folder: Path) -> Sequence[Path]:
    """Write files by name into a folder; each appears whole or not at all.

    Raises
    ------
    UsageError
        If the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_written(folder.absolute() / name, content) for name, content in contents.items()]
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from error


def _written(path: Path, content: bytes) -> Path:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    partial.replace(path)
    return path
