"""The source `csv`: a folder of SYMBOL.csv files, and VIX.csv beside them."""

import os
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from pathlib import Path

from mtum.adapters.clock import SystemClock
from mtum.adapters.sources.csv_files import AS_TOLD, Terms, columns_of, folder_file, read_bars, read_closes
from mtum.adapters.sources.replay import ReplayedSource
from mtum.core.market.bars import Bars
from mtum.core.market.coverage import Coverage, Dividends

NAME = "csv"


def terms_of(prices: str, tell: Callable[[str], None]) -> Terms:
    """Return how files are read today.

    Parameters
    ----------
    prices : str
        The setting `csv_prices`.
    tell : callable
        Told which layout a file has and which of its columns are not read.
    """
    return Terms(prices == "raw", SystemClock().now().date(), tell)


def csv_source(folder: Path, *, exact: bool = False, terms: Terms = AS_TOLD) -> ReplayedSource:
    """Return a replayed market over a folder; each file is read once, when it is first needed.

    Bars are split-adjusted, whether the files are so or are re-based as `terms` says.

    Parameters
    ----------
    exact : bool
        The setting `sample_share = "exact"`.
    terms : Terms
        How the files are read.
    """

    @cache
    def bars(symbol: str) -> Bars:
        return read_bars(folder_file(folder, symbol), symbol, NAME, terms)

    @cache
    def closes(name: str) -> Mapping[date, float]:
        path = folder / f"{name}.csv"
        return read_closes(path, name, terms) if os.path.lexists(path) else {}

    def coverage(symbol: str) -> Coverage:
        told = "dividend" in columns_of(folder_file(folder, symbol))
        return Coverage(Dividends.KNOWN if told else Dividends.UNKNOWN)

    return ReplayedSource(NAME, bars, closes, coverage, exact)
