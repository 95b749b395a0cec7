"""CSV folders and the embedded market, shown as a live source would show them."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from mtum.adapters.sources.csv_files import csv_source
from mtum.adapters.sources.embedded import sample_source
from mtum.core.market.coverage import Coverage, Dividends
from mtum.core.market.sessions import Session
from mtum.core.market.volume import UsualShare
from mtum.core.simulation.provisional import drawn_share
from mtum.errors import BarsInvalidError, BarsMissingError, SourceUnavailableError

GOOD = """date,open,high,low,close,adj_close,volume,dividend,split
2024-01-02,100,101.5,99,101,99.0,1000,0,0
2024-01-03,101,102,100,101.5,99.5,2000,0.25,0
2024-01-04,102,104,100,103,103,3000,0,2
"""
WEDNESDAY = Session(date(2024, 1, 3), datetime(2024, 1, 3, 14, 30, tzinfo=UTC), datetime(2024, 1, 3, 21, 0, tzinfo=UTC))


def folder(tmp_path: Path, text: str = GOOD, name: str = "MTUM.csv") -> Path:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_file_is_read_with_dividends_and_splits_and_nothing_else(tmp_path: Path) -> None:
    bars = csv_source(folder(tmp_path)).history("MTUM", date(2024, 1, 1), date(2024, 12, 31))
    assert (bars.symbol, bars.source, len(bars)) == ("MTUM", "csv", 3)
    assert bars.bar(1).dividend == 0.25
    assert bars.split.tolist() == [0, 0, 2]
    assert bars.close.tolist() == [101.0, 101.5, 103.0]


def test_only_the_interval_asked_for_is_shown(tmp_path: Path) -> None:
    bars = csv_source(folder(tmp_path)).history("MTUM", date(2024, 1, 3), date(2024, 1, 3))
    assert [bars.day(index) for index in range(len(bars))] == [date(2024, 1, 3)]


def test_columns_may_stand_in_another_order_with_spaces_bom_and_a_last_empty_line(tmp_path: Path) -> None:
    text = "\ufeffvolume, close,date,low,high,open\n10,3,2024-01-02,2,4,3\n\n"
    bar = csv_source(folder(tmp_path, text)).history("MTUM", date(2024, 1, 1), date(2024, 1, 5)).bar(0)
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (3, 4, 2, 3, 10)


HEADER = "date,open,high,low,close,volume\n"
ROW = "2024-01-02,1,1,1,1,10\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER + ROW + ROW, "line 3: duplicate date 2024-01-02"),
        (
            HEADER + ROW + "2024-01-04,1,1,1,1,10\n2024-01-03,1,1,1,1,10\n",
            "line 4: date 2024-01-03 comes after 2024-01-04",
        ),
        (HEADER + "2024-01-02,1,1,-1,1,10\n", "line 2: low -1 is negative"),
        (HEADER + "2024-01-02,1,1,0,1,10\n", "line 2: low 0 is zero"),
        (HEADER + "2024-01-02,1,1,1,1,-10\n", "line 2: volume -10 is negative"),
        (HEADER + ROW + "2024-01-03,1,1,1,n/a,10\n", 'line 3: close "n/a" is not a number'),
        (HEADER + ROW + "2024-01-03,1,1,1,nan,10\n", 'line 3: close "nan" is not a number'),
        (HEADER + ROW + "2024-01-03,1,1,1,inf,10\n", 'line 3: close "inf" is not a number'),
        (HEADER + ROW + "2024-01-03,1,1,1,,10\n", 'line 3: close "" is not a number'),
        (HEADER + "01/02/2024,1,1,1,1,10\n", 'line 2: date "01/02/2024" is not written YYYY-MM-DD'),
        (HEADER + "2024-02-30,1,1,1,1,10\n", 'line 2: date "2024-02-30" is not written YYYY-MM-DD'),
        (HEADER + "2024-01-02,1,1,1,1\n", "line 2: 5 cells where the header has 6"),
        (HEADER + ROW + "\n" + "2024-01-03,1,1,1,1,10\n", "line 3: 0 cells where the header has 6"),
        ("date,open,high,low,volume\n", "line 1: column close is missing"),
        ("", "line 1: column date, open, high, low, close, volume is missing; found an empty file"),
    ],
)
def test_each_mistake_names_file_line_and_what_was_found(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BarsInvalidError) as caught:
        csv_source(folder(tmp_path, text)).history("MTUM", date(2024, 1, 1), date(2024, 1, 5))
    assert str(caught.value).startswith(f"{tmp_path / 'MTUM.csv'}, {said}")


def test_a_missing_file_names_those_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailableError, match=r"SPY.csv does not exist; it holds MTUM.csv"):
        csv_source(folder(tmp_path)).history("SPY", date(2024, 1, 1), date(2024, 1, 5))


def test_a_file_that_is_no_text_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "MTUM.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BarsInvalidError, match="not a text file"):
        csv_source(tmp_path).history("MTUM", date(2024, 1, 1), date(2024, 1, 5))


def test_a_quote_has_final_prices_and_the_volume_traded_so_far(tmp_path: Path) -> None:
    at = WEDNESDAY.before_close(20)
    quote = csv_source(folder(tmp_path)).quote("MTUM", WEDNESDAY, at)
    share = drawn_share("MTUM", WEDNESDAY.day, 20140103)
    assert (quote.open, quote.high, quote.low, quote.close) == (101, 102, 100, 101.5)
    assert quote.volume == round(2000 * share)
    assert (quote.seen_at, quote.midpoint, quote.dividend) == (at, 101.5, 0.25)


def test_a_split_in_a_file_rebases_nothing_so_the_quote_does_not_tell_it(tmp_path: Path) -> None:
    thursday = Session(date(2024, 1, 4), WEDNESDAY.open, WEDNESDAY.close)
    assert csv_source(folder(tmp_path)).quote("MTUM", thursday, thursday.close).split == 0.0


def test_after_the_close_all_volume_has_traded(tmp_path: Path) -> None:
    quote = csv_source(folder(tmp_path)).quote("MTUM", WEDNESDAY, WEDNESDAY.before_close(-15))
    assert (quote.volume, quote.seen_at) == (2000.0, WEDNESDAY.close)


def test_with_exact_shares_the_volume_is_the_final_one_and_the_share_says_so(tmp_path: Path) -> None:
    source = csv_source(folder(tmp_path), exact=True)
    at = WEDNESDAY.before_close(20)
    share = source.volume_share("MTUM", WEDNESDAY, 20)
    assert share is not None
    assert source.quote("MTUM", WEDNESDAY, at).volume / share.share == 2000.0


def test_the_usual_share_at_the_decision_is_the_documented_prior(tmp_path: Path) -> None:
    assert csv_source(folder(tmp_path)).volume_share("MTUM", WEDNESDAY, 20) == UsualShare(0.87)


def test_a_session_the_market_does_not_hold_is_missing(tmp_path: Path) -> None:
    friday = Session(date(2024, 1, 5), WEDNESDAY.open, WEDNESDAY.close)
    with pytest.raises(BarsMissingError, match="the csv market has no session 2024-01-05; it holds 2024-01-02 to"):
        csv_source(folder(tmp_path)).quote("MTUM", friday, friday.close)


def test_the_vix_stands_beside_the_bars_and_may_be_missing(tmp_path: Path) -> None:
    source = csv_source(folder(tmp_path))
    assert source.series("VIX", WEDNESDAY, WEDNESDAY.close) is None
    folder(tmp_path, "date,close,high\n2024-01-03,14.04,bad\n", "VIX.csv")
    found = csv_source(tmp_path).series("VIX", WEDNESDAY, WEDNESDAY.before_close(20))
    assert found is not None
    assert (found.value, found.seen_at) == (14.04, WEDNESDAY.before_close(20))


def test_the_embedded_market_answers_to_every_symbol_with_its_own_bars() -> None:
    source = sample_source()
    mtum = source.history("MTUM", date(2014, 1, 1), date(2018, 12, 31))
    spy = source.history("SPY", date(2014, 1, 1), date(2018, 12, 31))
    assert (mtum.symbol, mtum.source, len(mtum)) == ("MTUM", "sample", 1257)
    assert mtum.close.tolist() == spy.close.tolist()
    assert mtum.bar(0).close == 183.137
    assert source.series_history("VIX", date(2018, 12, 31), date(2018, 12, 31)) == {date(2018, 12, 31): 25.42}


@pytest.mark.parametrize(("header", "told"), [("", Dividends.UNKNOWN), (",dividend", Dividends.KNOWN)])
def test_a_file_without_a_column_of_dividends_does_not_tell_them(tmp_path: Path, header: str, told: Dividends) -> None:
    cells = ",0" if header else ""
    (tmp_path / "AAA.csv").write_text(f"date,open,high,low,close,volume{header}\n2024-01-02,1,1,1,1,5{cells}\n")
    assert csv_source(tmp_path).coverage("AAA") == Coverage(told)


def test_a_split_is_in_no_price_before_its_session_and_in_every_price_after() -> None:
    """Apple, 2:1 on 28 February 2005: 88.99 the day before, seen from then on as 44.495."""
    source, before, day = sample_source("stocks"), date(2005, 2, 25), date(2005, 2, 28)
    assert source.history("AAPL", before, before).close.tolist() == [88.99]
    assert source.history("AAPL", before, day).close.tolist() == [44.495, 44.86]
    session = Session(day, datetime(2005, 2, 28, 14, 30, tzinfo=UTC), datetime(2005, 2, 28, 21, tzinfo=UTC))
    assert source.quote("AAPL", session, session.close).split == 2.0


def test_a_computed_bond_shows_no_price_on_a_bond_holiday_where_the_settings_say_so() -> None:
    """Columbus Day 2018: the exchange is open, nobody publishes yields; the close is the carried one all the same."""
    day = date(2018, 10, 8)
    session = Session(day, datetime(2018, 10, 8, 13, 30, tzinfo=UTC), datetime(2018, 10, 8, 20, tzinfo=UTC))
    missing, carried = sample_source(carried=False), sample_source()
    assert carried.quote("UST10", session, session.before_close(20)).close == 111.4288
    with pytest.raises(BarsMissingError, match="UST10 2018-10-08: no yield is published on a bond holiday"):
        missing.quote("UST10", session, session.before_close(20))
    assert missing.quote("UST10", session, session.close).close == 111.4288
    assert missing.history("UST10", day, day).close.tolist() == [111.4288]
    assert missing.quote("SP500", session, session.before_close(20)).close == 288.443
