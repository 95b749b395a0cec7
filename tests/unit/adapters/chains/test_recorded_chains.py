"""Chains from a folder: read as they were recorded, and every broken file told in one line."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from mtum.adapters.calendar import ExchangeCalendar
from mtum.adapters.chains.recorded import RecordedChains
from mtum.adapters.sources.embedded import sample_source
from mtum.app.model_chains import ModelChains
from mtum.core.market.instruments import Right
from mtum.core.options.asking import ChainRequest
from mtum.core.options.chain import read
from mtum.core.options.model.listing import number_of
from mtum.core.options.selecting import Window
from mtum.errors import DataError
from mtum.ports.market_data import TellsVolatility

AT = datetime(2018, 3, 5, 20, 40, tzinfo=UTC)
ASKED = ChainRequest("SPY", Window(30, 60, 45), frozenset(Right), (0.05, 0.55))
HEADER = "date,expiry,strike,right,bid,ask,open interest,iv"
ROWS = (
    "2018-03-05,2018-04-20,270,C,6.10,6.20,100,0.14",
    "2018-03-05,2018-04-20,270,P,5.00,5.10,250,0.14",
    "2018-03-05,2018-04-20,204.78,P,0.10,0.12,,0.40",
    "2018-03-05,2018-03-09,270,P,1.00,1.10,9,0.15",
)


def folder(tmp_path: Path, *rows: str, header: str = HEADER, name: str = "SPY.csv") -> Path:
    (tmp_path / name).write_text("\n".join([header, *(rows or ROWS)]) + "\n")
    return tmp_path


def recorded(path: Path, otherwise: ModelChains | None = None) -> RecordedChains:
    return RecordedChains(path, ExchangeCalendar(), 0.02, otherwise)


def model() -> ModelChains:
    return ModelChains(sample_source("multi"), ExchangeCalendar())


def test_the_rows_of_the_days_that_are_asked_for(tmp_path: Path) -> None:
    found = recorded(folder(tmp_path)).chain(ASKED, 271.0, AT)
    assert (found.session, found.spot, found.at) == (date(2018, 3, 5), 271.0, AT)
    assert [(row.contract.words, row.quote.bid, row.quote.ask, row.open_interest) for row in found.rows] == [
        ("SPY 2018-04-20 270 call", 6.10, 6.20, 100),
        ("SPY 2018-04-20 270 put", 5.00, 5.10, 250),
        ("SPY 2018-04-20 204.78 put", 0.10, 0.12, None),
    ]
    assert not recorded(folder(tmp_path)).model_priced


def test_a_contract_has_the_models_number_where_the_model_could_list_it(tmp_path: Path) -> None:
    call, put, odd = (row.contract for row in recorded(folder(tmp_path)).chain(ASKED, 271.0, AT).rows)
    assert call.con_id == number_of("SPY", date(2018, 4, 20), Right.CALL, Decimal(270))
    assert put.con_id != odd.con_id
    assert odd.con_id < 2**63


def test_another_day_is_the_models_or_nobodys(tmp_path: Path) -> None:
    later = datetime(2018, 3, 6, 20, 40, tzinfo=UTC)
    with pytest.raises(DataError, match="SPY: no chain of 2018-03-06"):
        recorded(folder(tmp_path)).chain(ASKED, 271.0, later)
    both = recorded(folder(tmp_path), model())
    assert both.chain(ASKED, 271.0, later) == model().chain(ASKED, 271.0, later)
    assert len(both.chain(ASKED, 271.0, AT).rows) == 3
    assert both.model_priced


def test_the_names_that_other_recorders_write(tmp_path: Path) -> None:
    header = "underlying,snapshot_at,underlying_price,symbol,expiration,side,strike,bid,ask,open_interest,iv"
    noon, late = "2018-03-05T12:00:00-05:00", "2018-03-05T15:39:00-05:00"
    rows = [
        f"SPY,{noon},270.0,SPY180420C00270000,2018-04-20,call,270.0,5.0,5.1,1,0.1",
        f"SPY,{late},271.5,SPY180420C00270000,2018-04-20,call,270.0,6.0,6.1,1,0.1",
        f"SPY,{late},271.5,SPY1180420C00270000,2018-04-20,call,270.0,6.0,6.1,1,0.1",
    ]
    path = folder(tmp_path, *rows, header=header, name="chains.csv")
    found = recorded(path).chain(ASKED, 1.0, AT)
    assert (found.spot, [row.quote.bid for row in found.rows]) == (271.5, [6.0])  # and no adjusted class
    early = recorded(path).chain(ASKED, 1.0, datetime(2018, 3, 5, 18, 0, tzinfo=UTC))
    assert (early.spot, [row.quote.bid for row in early.rows]) == (270.0, [5.0])


def test_what_is_read_at_night_is_of_the_session_before_and_zeros_are_no_quotes(tmp_path: Path) -> None:
    header = "snapshot_at,expiry,strike,right,bid,ask,open interest,iv"
    night = "2018-03-06T01:47:00-05:00"
    rows = [f"{night},2018-04-20,{strike},{right},0.0,0.0,0,1e-05" for strike in (269, 270) for right in "CP"]
    found = read(recorded(folder(tmp_path, *rows, header=header)).chain(ASKED, 271.0, AT))
    assert len(found.chain.rows) == 4
    assert found.refused == "no expiry has a forward: 0 of 4 quotes count"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2018-03-05,2018-04-20,270,C,6.1,6.2,1", "line 2: 7 cells where the header has 8"),
        ("2018-03-05,2018-04-20,270,X,6.1,6.2,1,0.1", 'line 2: right "x"; use C or P'),
        ("2018-03-05,20.04.2018,270,C,6.1,6.2,1,0.1", 'line 2: expiry "20.04.2018" is no date; write 2026-07-10'),
        ("2018-03-05,2018-04-20,-1,C,6.1,6.2,1,0.1", 'line 2: strike "-1" is no price'),
        ("2018-03-05,2018-04-20,270,C,six,6.2,1,0.1", 'line 2: bid "six" is no number from 0'),
        ("2018-03-05,2018-04-20,270,C,6.1,6.2,1,-0.1", 'line 2: iv "-0.1" is no number from 0'),
        (
            "2018-03-05,2018-04-20,270,C,6.1,6.2,1,0.1\n2018-03-05,2018-04-20,270,C,6.1,6.2,1,0.1",
            "line 3: SPY 2018-04-20 270 call stands in line 2 already",
        ),
    ],
)
def test_a_broken_row_is_named_with_its_line(row: str, said: str, tmp_path: Path) -> None:
    chains = recorded(folder(tmp_path, row))
    for _ in range(2):  # and it stays broken when it is asked again
        with pytest.raises(DataError) as raised:
            chains.chain(ASKED, 271.0, AT)
        assert str(raised.value) == f"{tmp_path / 'SPY.csv'}, {said}"


def test_a_folder_without_chains_and_a_file_without_columns(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no \.csv and no \.parquet file"):
        recorded(tmp_path).chain(ASKED, 271.0, AT)
    with pytest.raises(DataError, match="there is no such folder"):
        recorded(tmp_path / "none").chain(ASKED, 271.0, AT)
    with pytest.raises(DataError, match=r"SPY\.csv, line 1: column open interest, iv is missing"):
        recorded(folder(tmp_path, header="date,expiry,strike,right,bid,ask")).chain(ASKED, 271.0, AT)


def test_a_file_that_is_no_parquet_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "SPY.parquet").write_bytes(b"\xff\xfe no parquet")
    with pytest.raises(DataError, match=r"SPY.parquet: (reading Parquet needs the package pyarrow|cannot be read)"):
        recorded(tmp_path).chain(ASKED, 271.0, AT)


def test_the_implied_volatility_of_a_day_is_that_of_its_options_at_the_money_a_month_away(tmp_path: Path) -> None:
    header = HEADER + ",spot,snapshot_at"
    noon, close, night = (f"2018-03-05T{time}-05:00" for time in ("12:00:00", "15:40:00", "15:50:00"))
    rows = [
        # 46 days are nearer to 30 than 4, which are too few; 270 is nearer to the money than 260.
        ("2018-04-20,270,C,6.10,6.20,100,0.14", noon),
        ("2018-04-20,270,C,6.10,6.20,100,0.12", close),
        ("2018-04-20,270,P,5.00,5.10,250,0.15", close),
        ("2018-04-20,260,P,3.00,3.10,250,0.30", close),
        ("2018-03-09,270,P,1.00,1.10,9,0.50", close),
        ("2018-04-20,270,C,6.10,6.20,100,0.99", night),  # seen after the decision of that day
    ]
    lines = [f"2018-03-05,{row},271.0,{seen}" for row, seen in rows]
    found = recorded(folder(tmp_path, *lines, header=header))
    assert isinstance(found, TellsVolatility)
    # The mean of 12 and 15 %.
    assert found.volatility("SPY", date(2018, 3, 1), date(2018, 3, 9)) == {date(2018, 3, 5): 13.5}
    assert found.volatility("QQQ", date(2018, 3, 1), date(2018, 3, 9)) == {}
    (tmp_path / "plain").mkdir()
    assert recorded(folder(tmp_path / "plain")).volatility("SPY", date(2018, 3, 1), date(2018, 3, 9)) == {}  # no spot
