"""The embedded markets: complete, well formed, checked by hand, and equal to what their script writes."""

import csv
import gzip
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import pytest

from mtum.adapters.calendar import ExchangeCalendar
from mtum.core.market.embedded import MARKETS
from tools import export_sample

ROOT = Path(__file__).parents[4]
SAMPLE = ROOT / "mtum" / "adapters" / "sources" / "sample"
FILES = sorted(path.relative_to(SAMPLE).as_posix() for path in SAMPLE.rglob("*.csv*"))
MULTI = ("SP500.csv", "VIX.csv", *(name for name in FILES if name.startswith("multi/")))


def text_of(path: Path) -> str:
    return gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text(encoding="ascii")


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text_of(SAMPLE / name).splitlines()))


def on(name: str, day: str) -> dict[str, str]:
    return next(row for row in rows(name) if row["date"] == day)


def test_the_stored_files_are_what_the_script_writes(tmp_path: Path) -> None:
    for package in ("arch", "bokeh_sampledata"):
        pytest.importorskip(package, reason="the group 'sample' is not installed")
    written = export_sample.main(tmp_path)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in written) == FILES
    assert [name for name in FILES if text_of(SAMPLE / name) != text_of(tmp_path / name)] == []


def test_every_symbol_listed_has_a_file_and_no_other_has() -> None:
    listed = {market: {*symbols} for market, symbols in MARKETS.items()}
    assert {Path(name).name.split(".")[0] for name in MULTI} == listed["multi"] | {"VIX"}
    assert {Path(name).name.split(".")[0] for name in FILES if name.startswith("stocks/")} == listed["stocks"]


@pytest.mark.parametrize("name", FILES)
def test_every_session_of_the_exchange_has_one_row_and_no_other_day_has(name: str) -> None:
    first, last, count = ("2014-01-03", "2018-12-31", 1257) if name in MULTI else ("2000-03-01", "2013-03-01", 3270)
    listed = {"stocks/GOOG.csv.gz": ("2004-08-19", 2148), "stocks/FB.csv.gz": ("2012-05-18", 196)}
    first, count = listed.get(name, (first, count))
    sessions = ExchangeCalendar().sessions(date.fromisoformat(first), date.fromisoformat(last))
    assert [date.fromisoformat(row["date"]) for row in rows(name)] == [one.day for one in sessions]
    assert len(sessions) == count


@pytest.mark.parametrize("name", FILES)
def test_every_bar_holds_its_open_and_close_between_low_and_high(name: str) -> None:
    bars = rows(name)
    wrong = [
        row["date"]
        for row in bars
        if "open" in row
        and (
            not 0 < float(row["low"]) <= min(float(row["open"]), float(row["close"]))
            or not max(float(row["open"]), float(row["close"])) <= float(row["high"])
            or not float(row["volume"] or 1) > 0
        )
    ]
    assert wrong == []
    assert all(float(row["close"]) > 0 for row in bars)


def test_the_first_and_last_bars_are_the_quoted_indices_divided() -> None:
    """S&P 500 on 3 January 2014 closed at 1831.37, on 31 December 2018 at 2506.85; VIX at 13.76 and 25.42.

    The NASDAQ Composite closed at 4131.91 and 6635.28 on these days, on 1 March 2000 at 4784.08, and the S&P 500 then
    at 1379.19.
    """
    bars, vix, nasdaq = rows("SP500.csv"), rows("VIX.csv"), rows("multi/NDQ.csv.gz")
    assert (bars[0]["close"], bars[-1]["close"]) == ("183.137", "250.685")
    assert (vix[0]["close"], vix[-1]["close"]) == ("13.76", "25.42")
    assert (nasdaq[0]["close"], nasdaq[-1]["close"]) == ("82.6382", "132.7056")
    assert rows("stocks/NDQ.csv.gz")[0]["close"] == "95.6816"
    assert rows("stocks/SP500.csv.gz")[0]["close"] == "137.919"


def test_the_two_volumes_nobody_recorded_are_unknown_and_no_others() -> None:
    unknown = [(name, row["date"]) for name in FILES for row in rows(name) if row.get("volume") == ""]
    assert unknown == [("multi/NDQ.csv.gz", "2015-05-12"), ("multi/NDQ.csv.gz", "2018-01-09")]


def test_splits_are_the_three_that_happened() -> None:
    told = [
        (symbol, row["date"], row["split"])
        for symbol in ("AAPL", "IBM", "MSFT", "GOOG", "FB")
        for row in rows(f"stocks/{symbol}.csv.gz")
        if row["split"] != "0"
    ]
    assert told == [("AAPL", "2000-06-21", "2"), ("AAPL", "2005-02-28", "2"), ("MSFT", "2003-02-18", "2")]


def test_dividends_are_those_that_were_paid() -> None:
    """Microsoft's 3.00 of 2004 and its usual 0.08 had one ex-date."""
    paid = {
        symbol: {row["date"]: row["dividend"] for row in rows(f"stocks/{symbol}.csv.gz") if row["dividend"] != "0"}
        for symbol in ("AAPL", "IBM", "MSFT", "GOOG", "FB")
    }
    assert paid["AAPL"] == {"2012-08-09": "2.65", "2012-11-07": "2.65", "2013-02-07": "2.65"}
    assert {symbol: len(found) for symbol, found in paid.items()} == {
        "AAPL": 3, "IBM": 52, "MSFT": 37, "GOOG": 0, "FB": 0,
    }  # fmt: skip
    assert paid["MSFT"]["2004-11-15"] == "3.08"
    assert (paid["IBM"]["2000-05-08"], paid["IBM"]["2013-02-06"]) == ("0.13", "0.85")


def test_a_dividend_is_the_step_of_the_adjusted_close() -> None:
    """AAPL: adjusted / close 0.13042... before; 1 + 2.65 / 620.73 = 1.004269 on the ex-date."""
    bar = on("stocks/AAPL.csv.gz", "2012-08-09")
    assert (bar["close"], bar["dividend"]) == ("620.73", "2.65")


def test_apples_fall_of_half_in_a_day_stays() -> None:
    """29 September 2000: 53.50 to 25.75 dollars, a fall of 51.9 %, without a split."""
    before, after = (on("stocks/AAPL.csv.gz", day) for day in ("2000-09-28", "2000-09-29"))
    assert (before["close"], after["close"], after["split"]) == ("53.5", "25.75", "0")


def test_the_two_year_note_of_one_day_is_worked_out_by_hand() -> None:
    """Coupon 0.41 %, 3 days on: y' = 0.40 % - (0.40 - 0.12) % x 3/365 = 0.3976986 %.

    v = 1/(1 + y'/2) = 0.99801545. With 2T = 4 - 6/365 half-years left, payments come after 0.98356164, 1.98356164,
    2.98356164 and 3.98356164 of them: v to these powers is 0.99804804, 0.99606737, 0.99409063 and 0.99211781, which
    sum to 3.98032385. The bond is worth 0.00205 x 3.98032385 + 0.99211781 = 1.00027747, its accrued coupon included.
    """
    found = export_sample.par_bond_return({2: 0.0041}, {2: 0.0040, 1: 0.0012}, 2, 1, 3)
    assert found == pytest.approx(0.00027747, abs=5e-9)
    assert on("multi/UST2.csv.gz", "2014-01-06")["close"] == "100.0277"


def test_the_bill_of_one_day_is_worked_out_by_hand() -> None:
    """0.07 % then, 0.05 % three days later: (1 + 0.0007/4) / (1 + 0.0005 x (1/4 - 3/365)) = 1.000175 / 1.0001208904."""
    assert export_sample.bill_return(0.0007, 0.0005, 3) == pytest.approx(0.0000541030, abs=1e-10)
    assert on("multi/BILL.csv.gz", "2014-01-06")["close"] == "100.0054"


def test_a_bond_whose_yield_stays_earns_its_yield() -> None:
    """After a year at 6 % two coupons of 3 have been paid and the bond is at par again."""
    flat = dict.fromkeys((7.0, 10.0), 0.06)
    assert export_sample.par_bond_return(flat, flat, 10, 7, 365) == pytest.approx(0.06, abs=1e-12)


def test_on_a_holiday_of_the_bond_market_the_last_yields_stand() -> None:
    """Columbus Day 2014-10-13: the exchange is open, no yield is published; the 10-year only gains its coupon."""
    if find_spec("dailytreasuryrates") is None:
        pytest.skip("the group 'sample' is not installed")
    assert export_sample.curve_of(date(2014, 10, 13)) == export_sample.curve_of(date(2014, 10, 10))


def test_provenance_names_the_sources_the_changes_and_the_licences() -> None:
    text = (SAMPLE / "PROVENANCE.md").read_text(encoding="utf-8")
    needed = (
        *("arch.data.sp500", "arch.data.vix", "arch.data.nasdaq", "NCSA", "÷ 10", "÷ 50", "Kevin Sheppard"),
        *("dailytreasuryrates 0.4.5", "Thijs van den Berg", "bokeh-sampledata", "public domain", "Quandl"),
        *("computed from published yields; no fund ever had these prices", "2015-05-12", "2018-01-09"),
    )
    assert [word for word in needed if word not in text] == []


def test_the_files_stay_small() -> None:
    """Beside the first two, which are older, about 60 and 375 kB."""
    assert sum((SAMPLE / name).stat().st_size for name in FILES if "/" in name) < 450_000
