"""Which column of a CSV file is which? By the headers that vendors write."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

READ = {
    "date": ("date", "datetime", "timestamp", "time"),
    "open": ("open", "1 open"),
    "high": ("high", "2 high"),
    "low": ("low", "3 low"),
    "close": ("close", "close/last", "last", "price", "4 close"),
    "volume": ("volume", "vol", "5 volume", "6 volume"),
    "dividend": ("dividend", "dividends", "dividend amount", "7 dividend amount", "div cash", "divcash"),
    "split": ("split", "splits", "stock splits", "split factor", "splitfactor", "split coefficient"),
    "adj_close": ("adj close", "adjclose", "adjusted close", "5 adjusted close"),
    "symbol": ("symbol", "ticker"),
}
"""Names of each column that is looked at, as `plain` writes them; `adj_close` is read past."""
_HARMLESS = re.compile(
    r"|unnamed 0|index|time|per|open ?int(erest)?|change|chg|change %|% change|chg %|average|wap|vwap|bar ?count|count"
    r"|trades|has ?gaps|adj(usted)? ?(open|high|low|volume)"
)
_MATTERS = re.compile(r"div|split|adj|factor|gain|distribution|ratio|coefficient|currency")
_YFINANCE_UNADJUSTED = (
    "without Adj Close yfinance's prices are usually adjusted for dividends, which then count twice; "
    "download with auto_adjust=False"
)


class Layout(Struct, frozen=True):
    """Where everything stands in a file.

    Parameters
    ----------
    vendor : str
        Whose headers these are; empty for the plain ones.
    places : mapping of str to int
        Position of each column of `READ` that is there.
    doubtful : mapping of str to int
        Columns that could change what the prices mean, and have no place here.
    unread : tuple of str
        Columns nobody here knows, as they are written.
    month_first : bool
        Whether this vendor writes 01/02/2024 for 2 January.
    symbols : tuple of str
        Symbols named above the columns.
    first_row : int
        Rows that the headers take.
    """

    vendor: str
    places: Mapping[str, int]
    doubtful: Mapping[str, int]
    unread: tuple[str, ...]
    month_first: bool
    symbols: tuple[str, ...] = ()
    first_row: int = 1

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person may want to know."""
        found = [f"read in the layout of {self.vendor}"] if self.vendor else []
        if self.vendor == "yfinance" and "adj_close" not in self.places:
            found.append(_YFINANCE_UNADJUSTED)
        if self.vendor == "Stooq":
            found.append("Stooq adjusts prices for dividends as well")
        return (*found, *([f"not read: {', '.join(self.unread)}"] if self.unread else []))


def plain(name: str) -> str:
    """Return a header in small letters, without brackets, dots and underscores.

    Examples
    --------
    >>> plain("Adj Close**"), plain("<DATE>"), plain("adj_close")
    ('adj close', 'date', 'adj close')
    """
    return re.sub(r"[^a-z0-9%/]+", " ", name.lower()).strip()


def layout_of(rows: Sequence[Sequence[str]]) -> Layout:
    """Return the layout that the first rows of a file announce.

    Raises
    ------
    ValueError
        If two columns have one meaning.
    """
    header, symbols, first_row = _header(rows)
    return _laid_out(tuple(header), symbols, first_row)


@lru_cache(maxsize=64)
def _laid_out(header: tuple[str, ...], symbols: tuple[str, ...], first_row: int) -> Layout:
    # A value, made once: the files of a folder are mostly laid out alike.
    names = [plain(name) for name in header]
    if names and names[0] == "" and not set(names) & set(READ["date"]):
        names[0] = "date"  # an index without a name, as data frames are written
    places: dict[str, int] = {}
    for meaning, spellings in READ.items():
        found = [place for place, name in enumerate(names) if name in spellings]
        if meaning == "date" and "time" in names and len(found) > 1:
            found.remove(names.index("time"))
        if len(found) > 1:
            both = " and ".join(f'"{header[place]}"' for place in found)
            raise ValueError(f"columns {both} are both the {meaning.replace('_', ' ')}; keep one")
        if found:
            places[meaning] = found[0]
    left = [place for place in range(len(names)) if place not in places.values()]
    doubtful = [place for place in left if _MATTERS.search(names[place]) and not _HARMLESS.fullmatch(names[place])]
    unread = [place for place in left if place not in doubtful and not _HARMLESS.fullmatch(names[place])]
    vendor = "yfinance" if first_row > 1 else _vendor(header, names)
    return Layout(
        vendor=vendor,
        places=places,
        doubtful={header[place]: place for place in doubtful},
        unread=tuple(header[place] for place in unread),
        month_first=vendor in ("Nasdaq", "Cboe"),
        symbols=symbols,
        first_row=first_row,
    )


def _header(rows: Sequence[Sequence[str]]) -> tuple[Sequence[str], tuple[str, ...], int]:
    # yfinance writes two levels of names and one of the index above the columns.
    above = {plain(row[0]): row[1:] for row in rows[:2] if row}
    if set(above) == {"price", "ticker"} and len(rows) > 2 and rows[2] and plain(rows[2][0]) in READ["date"]:
        return (rows[2][0], *above["price"]), tuple(dict.fromkeys(above["ticker"])), 3
    return (rows[0] if rows else ()), (), 1


def _vendor(header: Sequence[str], names: Sequence[str]) -> str:
    known = set(names)
    if header and header[0].startswith("<"):
        return "Stooq"
    if "close/last" in known:
        return "Nasdaq"
    if "price" in known and known & {"vol", "change %"}:
        return "Investing"
    if "stock splits" in known:
        return "yfinance"
    if "Adj Close" in {name.strip(" *") for name in header}:
        return "Yahoo"
    if names[:1] == ["time"]:
        return "TradingView"
    if known & {"average", "wap", "barcount", "bar count"}:
        return "IB"
    return "Cboe" if list(header) == ["DATE", "OPEN", "HIGH", "LOW", "CLOSE"] else ""
