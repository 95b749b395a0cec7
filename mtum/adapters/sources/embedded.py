"""The source `sample`: an embedded market, so that everything runs offline on real input; see sample/PROVENANCE.md."""

import csv
import gzip
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files

from mtum.adapters.sources.replay import ReplayedSource, always_quoted
from mtum.core.market.bars import Bars, bars_of_closes
from mtum.core.market.coverage import Coverage
from mtum.core.market.embedded import COMPUTED, MARKETS, NO_VIX, embedded_symbol
from mtum.core.market.holiday_rules import columbus_day, veterans_day
from mtum.errors import BarsMissingError

NAME = "sample"
VIX = "VIX"
_PLAIN = ("SP500", VIX)


def sample_source(market: str = "multi", *, exact: bool = False, carried: bool = True) -> ReplayedSource:
    """Return an embedded market; a fund that it has not is given the bars of its stand-in.

    Parameters
    ----------
    market : str
        The setting `sample`.
    exact : bool
        The setting `sample_share = "exact"`.
    carried : bool
        The setting `sample_bond_holidays = "carried"`.
    """

    @cache
    def bars(symbol: str) -> Bars:
        own = _own(market, symbol)
        if MARKETS[market][own].coverage.close_only:
            return bars_of_closes(symbol, NAME, _closes(market, own))
        table = _table(market, own)
        numbers = {name: [float(cell or "nan") for cell in cells] for name, cells in table.items() if name != "date"}
        return Bars.from_columns(symbol, NAME, table["date"], numbers)

    @cache
    def closes(name: str) -> Mapping[date, float]:
        return _closes(market, VIX) if name == VIX and market not in NO_VIX else {}

    def coverage(symbol: str) -> Coverage:
        return MARKETS[market][_own(market, symbol)].coverage

    def unquoted(symbol: str, day: date) -> str:
        if day not in (columbus_day(day.year), veterans_day(day.year)):
            return ""
        computed = MARKETS[market][_own(market, symbol)].truth == COMPUTED
        return "no yield is published on a bond holiday, so there is no price before the close" if computed else ""

    return ReplayedSource(
        NAME, bars, closes, coverage, exact, as_traded=True, unquoted=always_quoted if carried else unquoted
    )


def _own(market: str, symbol: str) -> str:
    own = embedded_symbol(market, symbol)
    if own is None:
        known = ", ".join(MARKETS[market])
        raise BarsMissingError(f"{symbol}: the embedded market {market} has {known}, and nothing that stands in")
    return own


def _closes(market: str, name: str) -> dict[date, float]:
    table = _table(market, name)
    return {date.fromisoformat(day): float(close) for day, close in zip(table["date"], table["close"], strict=True)}


def _table(market: str, name: str) -> dict[str, tuple[str, ...]]:
    folder = files("mtum.adapters.sources") / "sample"
    if market == "multi" and name in _PLAIN:
        text = (folder / f"{name}.csv").read_text(encoding="ascii")
    else:
        text = gzip.decompress((folder / market / f"{name}.csv.gz").read_bytes()).decode("ascii")
    header, *rows = csv.reader(text.splitlines())
    return dict(zip(header, zip(*rows, strict=True), strict=True))
