"""The embedded markets: which symbols they have, what each really is, and whom it stands in for."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from mtum.core.market.coverage import Coverage, Dividends

COMPUTED = "computed from published yields; no fund ever had these prices"
"""What everything that shows such a series must say of it."""
PRICE_INDEX = "price index, dividends missing"


class Embedded(Struct, frozen=True):
    """A symbol of an embedded market.

    Parameters
    ----------
    words : str
        What it is, as a person would say it.
    truth : str
        What everything that shows it must say of it; empty if it is what it seems.
    """

    words: str
    coverage: Coverage
    truth: str = ""


def _index(words: str) -> Embedded:
    return Embedded(words, Coverage(Dividends.NONE), PRICE_INDEX)


def _computed(words: str) -> Embedded:
    return Embedded(words, Coverage(Dividends.NONE, close_only=True), COMPUTED)


def _stock(words: str) -> Embedded:
    return Embedded(words, Coverage(Dividends.KNOWN))


_SHARED = {
    "SP500": _index("S&P 500 / 10"),
    "NDQ": _index("NASDAQ Composite / 50"),
    "UST2": _computed("2-year Treasury series"),
    "UST10": _computed("7- to 10-year Treasury series"),
    "BILL": _computed("3-month Treasury bill series"),
}
MARKETS: Mapping[str, Mapping[str, Embedded]] = {
    "multi": {**_SHARED, "UST30": _computed("20- to 30-year Treasury series")},
    "stocks": {
        "AAPL": _stock("Apple"),
        "IBM": _stock("IBM"),
        "MSFT": _stock("Microsoft"),
        "GOOG": _stock("Google, from 2004-08-19"),
        "FB": _stock("Facebook, from 2012-05-18"),
        **_SHARED,
    },
}
"""Symbols of each market by its name in `[market] sample`."""
NO_VIX = ("stocks",)
"""Markets without a VIX: what waits for it never comes."""
STAND_INS = {
    "MTUM": "SP500",
    "SPY": "SP500",
    "QQQ": "NDQ",
    "IEF": "UST10",
    "TLT": "UST30",
    "SHY": "UST2",
    "BIL": "BILL",
    "SGOV": "BILL",
}
"""Whose bars a fund is given in a demonstration; every output says so."""


def embedded_symbol(market: str, symbol: str) -> str | None:
    """Return whose bars a symbol has in a market: its own, its stand-in's, or None if it is left out."""
    own = symbol if symbol in MARKETS[market] else STAND_INS.get(symbol)
    return own if own in MARKETS[market] else None


def truths(market: str, symbols: Iterable[str], series: Iterable[str] = ()) -> tuple[str, ...]:
    """Return what every output on an embedded market has to say, one line each, none twice.

    Parameters
    ----------
    market : str
        Name of the embedded market.
    symbols, series : iterable of str
        What is traded, and the extra series that are asked for.
    """
    lines: list[str] = []
    for symbol in symbols:
        own = embedded_symbol(market, symbol)
        if own is None:
            lines.append(f"{symbol} is not in the embedded market {market} and is left out")
            continue
        found = MARKETS[market][own]
        if own != symbol:
            lines.append(f"{found.words} of the embedded sample stands in for {symbol}" + _of(found))
        elif found.truth:
            lines.append(f"{own} is {found.words}{_of(found)}")
    if market in NO_VIX and "VIX" in series:
        lines.append(f"the embedded market {market} has no VIX: what waits for it never comes")
    return tuple(dict.fromkeys(lines))


def _of(found: Embedded) -> str:
    return f": {found.truth}" if found.truth else ""
