"""The source `sample`: the embedded market, so that everything runs offline on real input.

S&P 500 daily bars divided by ten and VIX closes, 2014-01-03 to 2018-12-31; see sample/PROVENANCE.md.
"""

from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files

from mtum.adapters.sources.csv_files import read_bars, read_closes
from mtum.adapters.sources.replay import ReplayedSource
from mtum.core.market.bars import Bars

NAME = "sample"
EMBEDDED_SYMBOL = "SP500"
"""The one symbol there is; it stands in for whatever symbol is asked for."""


def sample_source(*, exact: bool = False) -> ReplayedSource:
    """Return the embedded market; its one symbol answers to every name.

    Parameters
    ----------
    exact : bool
        The setting `sample_share = "exact"`.
    """
    folder = files("mtum.adapters.sources") / "sample"

    @cache
    def bars(symbol: str) -> Bars:
        return read_bars(folder / f"{EMBEDDED_SYMBOL}.csv", symbol, NAME)

    @cache
    def closes(name: str) -> Mapping[date, float]:
        return read_closes(folder / "VIX.csv", name) if name == "VIX" else {}

    return ReplayedSource(NAME, bars, closes, exact)
