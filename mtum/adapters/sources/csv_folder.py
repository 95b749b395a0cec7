"""The source `csv`: a folder of SYMBOL.csv files, and VIX.csv beside them."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

from mtum.adapters.sources.csv_files import folder_file, read_bars, read_closes
from mtum.adapters.sources.replay import ReplayedSource
from mtum.core.market.bars import Bars

NAME = "csv"


def csv_source(folder: Path, *, exact: bool = False) -> ReplayedSource:
    """Return a replayed market over a folder; each file is read once, when it is first needed.

    Prices, volumes and dividends in the files are already split-adjusted; the column `split` only
    explains a jump.

    Parameters
    ----------
    exact : bool
        The setting `sample_share = "exact"`.
    """

    @cache
    def bars(symbol: str) -> Bars:
        return read_bars(folder_file(folder, symbol), symbol, NAME)

    @cache
    def closes(name: str) -> Mapping[date, float]:
        path = folder / f"{name}.csv"
        return read_closes(path) if path.is_file() else {}

    return ReplayedSource(NAME, bars, closes, exact)
