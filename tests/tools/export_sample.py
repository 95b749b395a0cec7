"""Which rows make up the embedded markets? Writes them from data sets of pinned packages.

Run from the top of the project, with the group `sample` installed:

    uv run --group sample python tests/tools/export_sample.py

It rewrites the files of mtum/adapters/sources/sample/ and names them. PROVENANCE.md beside them tells where the
numbers come from, under which licence, and how they were checked.
"""

import csv
import gzip
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from importlib import import_module
from importlib.metadata import distribution
from itertools import accumulate, pairwise
from math import ceil
from pathlib import Path

MULTI = (date(2014, 1, 3), date(2018, 12, 31))
STOCKS = (date(2000, 3, 1), date(2013, 3, 1))
SAMPLE_DIR = Path(__file__).parents[2] / "mtum" / "adapters" / "sources" / "sample"
PRICE_COLUMNS = ("Open", "High", "Low", "Close")
TREASURIES = {"UST2": ((2, 1),), "UST10": ((7, 5), (10, 7)), "UST30": ((20, 10), (30, 20))}
"""Maturities in years whose returns are averaged, each with the next shorter quoted one."""
LEAST_DIVIDEND = 0.004
"""USD; what an adjusted close says below half a cent is rounding."""

type Span = tuple[date, date]
type Curve = dict[float, float]
"""Par yields of one session by maturity in years, as fractions."""


def index_csv(module: str, divisor: int, decimals: int, span: Span) -> str:
    """Return an index of `arch.data`: date, open, high, low, close (points / divisor), volume; empty if unknown.

    An index is quoted to the hundredth, the data set holds binary floats beside it (1831.369995 for 1831.37): the
    quote is restored first and then divided, so every stored price is exact. A volume of zero in an index whose
    members trade every day is one that nobody recorded.
    """
    frame = import_module(f"arch.data.{module}").load().loc[span[0].isoformat() : span[1].isoformat()]
    lines = ["date,open,high,low,close,volume"]
    for stamp, row in zip(frame.index, frame.to_dict("records"), strict=True):
        prices = ",".join(f"{round(row[column], 2) / divisor:.{decimals}f}" for column in PRICE_COLUMNS)
        lines.append(f"{str(stamp)[:10]},{prices},{row['Volume'] or ''}")
    return "\n".join(lines) + "\n"


def vix_csv() -> str:
    """Text of VIX.csv: date, close (VIX points). Rows without a value, which are closed days, are left out."""
    from arch.data import vix

    closes = vix.load()["vix"].loc[MULTI[0].isoformat() : MULTI[1].isoformat()].dropna()
    rows = zip(closes.index, closes, strict=True)
    return "\n".join(["date,close", *(f"{str(stamp)[:10]},{close:.2f}" for stamp, close in rows)]) + "\n"


def stock_csv(symbol: str) -> str:
    """Return a stock of bokeh_sampledata.stocks: date, open, high, low, close, volume, dividend, split.

    Prices and volumes are as traded. Splits and dividends are what the adjusted close tells: with f = adjusted close /
    close, f / f of the session before is the ratio of a split, else 1 + dividend / close of the ex-date.
    """
    data: dict[str, list[float]] = getattr(import_module("bokeh_sampledata.stocks"), symbol)
    lines = ["date,open,high,low,close,volume,dividend,split"]
    before = data["adj_close"][0] / data["close"][0]
    rows = zip(*(data[name] for name in ("date", "open", "high", "low", "close", "volume", "adj_close")), strict=True)
    for day, *prices, close, volume, adjusted in rows:
        step = adjusted / close / before
        split = round(step) if step > 1.5 else 0
        dividend = 0.0 if split else close * (step - 1)
        told = f"{dividend:.2f}" if dividend > LEAST_DIVIDEND else "0"
        lines.append(f"{day},{','.join(map(repr, (*prices, close)))},{volume},{told},{split}")
        before = adjusted / close
    return "\n".join(lines) + "\n"


def par_bond_return(curve: Curve, later: Curve, maturity: float, shorter: float, days: int) -> float:
    """Return what a bond bought at par earns in some days, as a fraction.

    The bond pays the yield of the first session as its coupon, half of it twice a year. At the end it has `days` less
    to run, and the yield for that time lies on the line from the next shorter quoted maturity to its own.

    Parameters
    ----------
    curve, later : mapping of years to fraction
        Par yields of the session before and of this one.
    maturity, shorter : float
        Years to run when bought; the next shorter quoted maturity.
    days : int
        Calendar days between the two sessions.
    """
    coupon, passed = curve[maturity], days / 365
    rate = later[maturity] - (later[maturity] - later[shorter]) * passed / (maturity - shorter)
    payments = ceil(2 * (maturity - passed))
    first = 2 * (maturity - passed) - (payments - 1)  # half-years to the next coupon
    paid: float = sum(coupon / 2 / (1 + rate / 2) ** (first + number) for number in range(payments))
    worth: float = paid + 1 / (1 + rate / 2) ** (first + payments - 1)
    clean = worth - coupon / 2 * (1 - first)
    return clean - 1 + coupon * passed


def bill_return(before: float, now: float, days: int) -> float:
    """Return what a 3-month bill earns in some days: bought at 1 / (1 + y/4), sold with so many days less to run."""
    return (1 + before / 4) / (1 + now * (1 / 4 - days / 365)) - 1


def derived_csv(symbol: str, sessions: Sequence[date]) -> str:
    """Return a total-return series computed from par yields: date, close, 100 at the first session."""
    value, lines = 100.0, ["date,close", f"{sessions[0]},100.0000"]
    for before, day in pairwise(sessions):
        old, new, days = curve_of(before), curve_of(day), (day - before).days
        if symbol == "BILL":
            earned = bill_return(old[0.25], new[0.25], days)
        else:
            parts = [par_bond_return(old, new, *pair, days) for pair in TREASURIES[symbol]]
            earned = sum(parts) / len(parts)
        value *= 1 + earned
        lines.append(f"{day},{value:.4f}")
    return "\n".join(lines) + "\n"


def curve_of(day: date) -> Curve:
    """Return the par yields of a session, the last published ones where it has none: bond holidays, four blanks."""
    days, curves = _yields()
    return curves[bisect_right(days, day) - 1]


@cache
def _yields() -> tuple[list[date], list[Curve]]:
    # The package's own code wants an older pandas; its table is all that is needed.
    path = distribution("dailytreasuryrates").locate_file("src/dailytreasuryrates-cache.csv")
    with Path(str(path)).open(encoding="ascii", newline="") as file:
        table = list(csv.DictReader(file))
    days = [date.fromisoformat(row.pop("Date")) for row in table]
    told = ({_years(name): float(text) / 100 for name, text in row.items() if text} for row in table)
    return days, list(accumulate(told, lambda before, new: before | new))


def _years(name: str) -> float:
    count, unit = name.split()
    return int(count) / 12 if unit == "Mo" else int(count)


def texts() -> Iterator[tuple[str, str]]:
    """Return every file of the embedded markets: its name in the folder, and its text."""
    sp500 = index_csv("sp500", 10, 3, MULTI)
    yield "SP500.csv", sp500
    yield "VIX.csv", vix_csv()
    yield "multi/NDQ.csv.gz", index_csv("nasdaq", 50, 4, MULTI)
    for symbol in (*TREASURIES, "BILL"):
        yield f"multi/{symbol}.csv.gz", derived_csv(symbol, _days(sp500))
    sp500 = index_csv("sp500", 10, 3, STOCKS)
    yield "stocks/SP500.csv.gz", sp500
    yield "stocks/NDQ.csv.gz", index_csv("nasdaq", 50, 4, STOCKS)
    for symbol in ("UST2", "UST10", "BILL"):
        yield f"stocks/{symbol}.csv.gz", derived_csv(symbol, _days(sp500))
    for symbol in ("AAPL", "IBM", "MSFT", "GOOG", "FB"):
        yield f"stocks/{symbol}.csv.gz", stock_csv(symbol)


def _days(text: str) -> list[date]:
    return [date.fromisoformat(line[:10]) for line in text.splitlines()[1:]]


def main(folder: Path = SAMPLE_DIR) -> Sequence[Path]:
    """Write every file into a folder.

    Parameters
    ----------
    folder : Path
        Existing folder; the package data by default.

    Returns
    -------
    sequence of Path
        The written files.
    """
    written = []
    for name, text in texts():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        content = text.encode("ascii")
        path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
        written.append(path)
    return written


if __name__ == "__main__":
    for path in main():
        print(path)
