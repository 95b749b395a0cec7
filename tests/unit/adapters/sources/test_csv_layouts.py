"""Files as vendors write them: the same three made-up bars in each layout."""

from datetime import date
from pathlib import Path

import pytest

from mtum.adapters.sources.csv_files import CsvTerms, read_bars, read_closes
from mtum.core.market.bars import COLUMNS, Bar, Bars
from mtum.errors import BarsInvalidError

BARS = Bars.of(
    "MTUM",
    "csv",
    [
        Bar(date(2024, 1, 2), 100.0, 101.5, 99.0, 101.0, 1_250_000.0),
        Bar(date(2024, 1, 3), 101.0, 102.0, 100.0, 101.5, 2_000_000.0),
        Bar(date(2024, 1, 16), 102.0, 104.0, 100.5, 103.0, 3_125_000.0),
    ],
)

LAYOUTS = {
    "Yahoo": """Date,Open,High,Low,Close,Adj Close,Volume
2024-01-02,100.0,101.5,99.0,101.0,99.9,1250000
2024-01-03,101.0,102.0,100.0,101.5,100.4,2000000
2024-01-16,102.0,104.0,100.5,103.0,101.9,3125000
""",
    "yfinance": """Price,Adj Close,Close,High,Low,Open,Volume
Ticker,MTUM,MTUM,MTUM,MTUM,MTUM,MTUM
Date,,,,,,
2024-01-02,99.9,101.0,101.5,99.0,100.0,1250000
2024-01-03,100.4,101.5,102.0,100.0,101.0,2000000
2024-01-16,101.9,103.0,104.0,100.5,102.0,3125000
""",
    "yfinance, ticker above": """Ticker,MTUM,MTUM,MTUM,MTUM,MTUM,MTUM
Price,Open,High,Low,Close,Adj Close,Volume
Date,,,,,,
2024-01-02,100.0,101.5,99.0,101.0,99.9,1250000
2024-01-03,101.0,102.0,100.0,101.5,100.4,2000000
2024-01-16,102.0,104.0,100.5,103.0,101.9,3125000
""",
    "yfinance, one ticker's history": """Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits,Capital Gains
2024-01-02 00:00:00-05:00,100.0,101.5,99.0,101.0,99.9,1250000,0.0,0.0,0.0
2024-01-03 00:00:00-05:00,101.0,102.0,100.0,101.5,100.4,2000000,0.0,0.0,0.0
2024-01-16 00:00:00-05:00,102.0,104.0,100.5,103.0,101.9,3125000,0.0,0.0,0.0
""",
    "Stooq": """<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>
MTUM.US,D,20240102,000000,100,101.5,99,101,1250000,0
MTUM.US,D,20240103,000000,101,102,100,101.5,2000000,0
MTUM.US,D,20240116,000000,102,104,100.5,103,3125000,0
""",
    "Nasdaq": """Date,Close/Last,Volume,Open,High,Low
01/16/2024,$103.00,"3,125,000",$102.00,$104.00,$100.50
01/03/2024,$101.50,"2,000,000",$101.00,$102.00,$100.00
01/02/2024,$101.00,"1,250,000",$100.00,$101.50,$99.00
""",
    "TradingView": """time,open,high,low,close,Volume
1704205800,100,101.5,99,101,1250000
1704292200,101,102,100,101.5,2000000
1705415400,102,104,100.5,103,3125000
""",
    "TradingView, ISO time": """time,open,high,low,close,Volume
2024-01-02T14:30:00Z,100,101.5,99,101,1250000
2024-01-03T09:30:00-05:00,101,102,100,101.5,2000000
2024-01-16T00:00:00Z,102,104,100.5,103,3125000
""",
    "Investing": """"Date","Price","Open","High","Low","Vol.","Change %"
"01/16/2024","103.00","102.00","104.00","100.50","3,125K","1.48%"
"01/03/2024","101.50","101.00","102.00","100.00","2.00M","0.50%"
"01/02/2024","101.00","100.00","101.50","99.00","1.25M","-0.20%"
""",
    "Investing, day first": """"Date","Price","Open","High","Low","Vol.","Change %"
"16/01/2024","103.00","102.00","104.00","100.50","0.003125B","1.48%"
"03/01/2024","101.50","101.00","102.00","100.00","2.00M","0.50%"
"02/01/2024","101.00","100.00","101.50","99.00","1250K","-0.20%"
""",
    "Investing, months in words": """"Date","Price","Open","High","Low","Vol.","Change %"
"Jan 16, 2024","103.00","102.00","104.00","100.50","3125K","1.48%"
"Jan 03, 2024","101.50","101.00","102.00","100.00","2.00M","0.50%"
"Jan 02, 2024","101.00","100.00","101.50","99.00","1.25M","-0.20%"
""",
    "IB": """,date,open,high,low,close,volume,average,barCount
0,2024-01-02,100.0,101.5,99.0,101.0,1250000.0,100.4,5123
1,2024-01-03,101.0,102.0,100.0,101.5,2000000.0,101.2,6120
2,2024-01-16,102.0,104.0,100.5,103.0,3125000.0,102.7,7211
""",
    "": """DATE,Open,HIGH,low,Close,adj_close,Volume,dividend,split
2024-01-02,100.0,101.5,99.0,101.0,99.9,1250000,0,0
2024-01-03,101.0,102.0,100.0,101.5,100.4,2000000,0,1
2024-01-16,102.0,104.0,100.5,103.0,101.9,3125000,0,0
""",
}


def read(path: Path, text: str, terms: CsvTerms | None = None) -> Bars:
    path.write_text(text, encoding="utf-8")
    return read_bars(path, "MTUM", "csv", terms or CsvTerms())


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_download_is_read_as_it_is_and_its_layout_is_told(tmp_path: Path, name: str) -> None:
    told: list[str] = []
    found = read(tmp_path / "MTUM.csv", LAYOUTS[name], CsvTerms(tell=told.append))
    for column in ("days", *COLUMNS[:6]):
        assert getattr(found, column).tolist() == getattr(BARS, column).tolist(), column
    vendor = name.partition(",")[0]
    assert told[:1] == ([f"MTUM.csv: read in the layout of {vendor}"] if vendor else [])


def test_cboes_history_of_the_vix_is_read_for_its_closes(tmp_path: Path) -> None:
    told: list[str] = []
    path = tmp_path / "VIX.csv"
    path.write_text("DATE,OPEN,HIGH,LOW,CLOSE\n01/02/2024,13.2,14.2,13.1,13.2\n02/01/2024,13.4,14.2,13.3,14.04\n")
    found = read_closes(path, "VIX", CsvTerms(tell=told.append))
    assert found == {date(2024, 1, 2): 13.2, date(2024, 2, 1): 14.04}
    assert told == ["VIX.csv: read in the layout of Cboe"]


def test_dividends_and_splits_are_read_under_each_name_vendors_give_them(tmp_path: Path) -> None:
    rows = ["2024-01-02,100,100,100,100,10,0.5,", "2024-01-03,100,100,100,100,10,,4:1"]
    for names in (
        "Dividends,Stock Splits",
        "dividend,split",
        "Dividend_Amount,Split_Coefficient",
        "divCash,splitFactor",
    ):
        text = "\n".join([f"date,open,high,low,close,volume,{names}", *rows, ""])
        found = read(tmp_path / "MTUM.csv", text)
        assert (found.dividend.tolist(), found.split.tolist()) == ([0.5, 0.0], [0.0, 4.0])


HEADER = "date,open,high,low,close,volume"
ROW = "2024-01-02,100,100,100,100,10"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEADER},close\n{ROW},100\n", 'line 1: columns "close" and "close" are both the close; keep one'),
        (f"{HEADER},Vol.\n{ROW},10\n", 'line 1: columns "volume" and "Vol." are both the volume; keep one'),
        (f"{HEADER},Ticker\n{ROW},SPY\n", "line 1: holds SPY, not MTUM alone; one file holds one symbol"),
        (
            f"{HEADER}\n{ROW}\n2024-01-03,100,100,100,100,10\n".replace(",", ";"),
            "line 1: columns are separated by semicolons; write commas between them. Found date;open;",
        ),
        (f"{HEADER}\n{ROW}\n".replace(",", "\t"), "line 1: columns are separated by tabs; write commas"),
        (f"{HEADER},Capital Gains\n{ROW},0.25\n", 'line 2: column "Capital Gains" says 0.25 and is not read; if it'),
        (f"{HEADER},currency\n{ROW},EUR\n", 'line 2: column "currency" says EUR and is not read'),
        (
            f"{HEADER}\n01/02/2024,100,100,100,100,10\n",
            'line 2: date "01/02/2024" is not written YYYY-MM-DD, and whether',
        ),
        (f"{HEADER}\n13/13/2024,100,100,100,100,10\n", 'line 2: date "13/13/2024" is not written YYYY-MM-DD'),
        (f'{HEADER}\n2024-01-02,"100,5",100,100,100,10\n', 'line 2: open "100,5" is not a number'),
        (f"{HEADER}\n{ROW}\n2024-01-03,100,100,100,100,-\n", 'line 3: volume "-" is not a number'),
        (f"{HEADER}\n{ROW},1\n", "line 2: 7 cells where the header has 6"),
        (f"{HEADER}\n{ROW}\n2024-02-30,100,100,100,100,10\n", 'line 3: date "2024-02-30"'),
        (f"{HEADER}\n{ROW}\n2024-01-03 a later one,100,100,100,100,10\n", 'line 3: date "2024-01-03 a later one"'),
    ],
)
def test_what_could_be_taken_for_something_else_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BarsInvalidError) as caught:
        read(tmp_path / "MTUM.csv", text)
    assert str(caught.value).startswith(f"{tmp_path / 'MTUM.csv'}, {said}")


def test_a_download_of_two_symbols_is_refused(tmp_path: Path) -> None:
    text = LAYOUTS["yfinance"].replace("Ticker,MTUM", "Ticker,SPY")
    with pytest.raises(BarsInvalidError, match="holds SPY, not MTUM alone"):
        read(tmp_path / "MTUM.csv", text)


@pytest.mark.parametrize("told", ["MTUM", "mtum.us", "BATS:MTUM", "^MTUM"])
def test_a_symbol_with_its_exchange_is_that_symbol(tmp_path: Path, told: str) -> None:
    assert len(read(tmp_path / "MTUM.csv", f"{HEADER},symbol\n{ROW},{told}\n")) == 1


def test_columns_nobody_knows_are_told_and_known_ones_without_meaning_are_not(tmp_path: Path) -> None:
    told: list[str] = []
    text = f"{HEADER},Mood,Change,dist. paid\n{ROW},1,0.1,0\n"
    assert len(read(tmp_path / "MTUM.csv", text, CsvTerms(tell=told.append))) == 1
    assert told == ["MTUM.csv: not read: Mood, dist. paid"]


def test_prices_that_yfinance_has_adjusted_for_dividends_are_told(tmp_path: Path) -> None:
    told: list[str] = []
    text = f"{HEADER},Dividends,Stock Splits\n{ROW},0,0\n"
    read(tmp_path / "MTUM.csv", text, CsvTerms(tell=told.append))
    assert "usually adjusted for dividends, which then count twice" in told[-1]


def test_sessions_still_to_come_are_refused(tmp_path: Path) -> None:
    text = f"{HEADER}\n{ROW}\n2024-01-03,100,100,100,100,10\n"
    assert len(read(tmp_path / "MTUM.csv", text, CsvTerms(today=date(2024, 1, 3)))) == 2
    with pytest.raises(
        BarsInvalidError, match="1 sessions are still to come, the first 2024-01-03; today is 2024-01-02"
    ):
        read(tmp_path / "MTUM.csv", text, CsvTerms(today=date(2024, 1, 2)))


RAW = f"{HEADER},dividend,split\n2024-01-02,400,404,396,400,10,2,0\n2024-01-03,404,408,400,408,10,0,0\n" + (
    "2024-01-04,103,104,101,102,50,0.5,4\n"
)


def test_prices_as_traded_are_rebased_with_their_volumes_and_dividends_where_that_is_asked_for(tmp_path: Path) -> None:
    """4:1 on 4 January: what was before is a quarter of the price, four times the shares."""
    found = read(tmp_path / "MTUM.csv", RAW, CsvTerms(raw=True))
    assert found.close.tolist() == [100.0, 102.0, 102.0]
    assert found.open.tolist() == [100.0, 101.0, 103.0]
    assert found.volume.tolist() == [40.0, 40.0, 50.0]
    assert found.dividend.tolist() == [0.5, 0.0, 0.5]
    assert found.split.tolist() == [0.0, 0.0, 4.0]


def test_prices_as_traded_are_refused_where_nobody_said_so(tmp_path: Path) -> None:
    with pytest.raises(BarsInvalidError, match=r'jump by the split 4:1 recorded on 2024-01-04.*csv_prices = "raw"'):
        read(tmp_path / "MTUM.csv", RAW)


def test_a_reverse_split_is_told_apart_as_well(tmp_path: Path) -> None:
    text = f"{HEADER},split\n2024-01-03,5,5,5,5,800,0\n2024-01-04,40,41,39,40,100,0.125\n"
    with pytest.raises(BarsInvalidError, match=r"the split 0.125:1 recorded on 2024-01-04"):
        read(tmp_path / "MTUM.csv", text)
    found = read(tmp_path / "MTUM.csv", text, CsvTerms(raw=True))
    assert (found.close.tolist(), found.volume.tolist()) == ([40.0, 40.0], [100.0, 100.0])


@pytest.mark.parametrize("ratio", [1.04, 1.231, 1.281])
def test_spin_offs_that_vendors_book_as_splits_are_no_jump(tmp_path: Path, ratio: float) -> None:
    # 2 % down on the day, in prices that are re-based.
    text = f"{HEADER},split\n2024-01-03,100,100,100,100,10,0\n2024-01-04,99,99,98,98,10,{ratio}\n"
    assert read(tmp_path / "MTUM.csv", text).close.tolist() == [100.0, 98.0]
