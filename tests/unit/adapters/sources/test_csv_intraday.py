"""Files of bars within the sessions: times in UTC or with their offset, and each mistake by its line."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from mtum.adapters.sources.csv_files import csv_source
from mtum.adapters.sources.csv_intraday import read_intraday
from mtum.core.market.timeframes import INTRADAY, Timeframe
from mtum.errors import BarsInvalidError, BarsMissingError

HEADER = "time,open,high,low,close,volume"


def write(path: Path, *rows: str, header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_times_are_utc_or_have_their_offset_and_rows_may_come_in_any_order(tmp_path: Path) -> None:
    path = write(
        tmp_path / "A_5m.csv",
        "2024-07-02 09:40:00-04:00,3,3,3,3,30",
        "2024-07-02T13:30,1,1,1,1,10",
        "",
        "2024-07-02T13:35:00Z,2,2,2,2,20",
    )
    found = read_intraday(path)
    assert np.asarray(found["begins"]).astype(str).tolist() == [f"2024-07-02T13:{at}:00" for at in (30, 35, 40)]
    assert (list(np.asarray(found["close"])), list(np.asarray(found["volume"]))) == ([1, 2, 3], [10, 20, 30])


def test_columns_stand_in_any_order_and_case(tmp_path: Path) -> None:
    path = write(tmp_path / "A_5m.csv", "9,4,1,2,3,x,2024-07-02T13:30Z", header="Volume,High,Low,Open,Close,more,Time")
    assert [float(np.asarray(read_intraday(path)[name])[0]) for name in HEADER.split(",")[1:]] == [2, 4, 1, 3, 9]


@pytest.mark.parametrize(
    ("header", "row", "says"),
    [
        ("time,open,high,low,close", "2024-07-02T13:30,1,1,1,1", "line 1: column volume is missing; found time,open"),
        (HEADER, "02.07.2024 13:30,1,1,1,1,1", 'line 2: time "02.07.2024 13:30" is not written 2024-01-05T14:30Z'),
        (HEADER, "2024-07-02,1,1,1,1,1", 'line 2: time "2024-07-02" is not written'),
        (HEADER, "2024-07-02T13:30,1,one,1,1,1", 'line 2: high "one" is not a number'),
        (HEADER, "2024-07-02T13:30,1,1,1,nan,1", 'line 2: close "nan" is not a number'),
        (HEADER, "2024-07-02T13:30,1", "line 2: 2 cells where the header has more"),
        (HEADER, "2024-07-02T13:30,1,1,1,1,1\n2024-07-02T09:30-04:00,1,1,1,1,1", "two rows begin at 2024-07-02 13:30"),
    ],
)
def test_each_mistake_is_named_with_its_line(tmp_path: Path, header: str, row: str, says: str) -> None:
    path = write(tmp_path / "A_5m.csv", row, header=header)
    with pytest.raises(BarsInvalidError) as found:
        read_intraday(path)
    assert str(found.value).startswith(str(path))
    assert says in str(found.value)


def test_a_timeframe_is_made_of_the_longest_bars_that_fit_into_it(tmp_path: Path) -> None:
    write(tmp_path / "A_5m.csv", "2024-07-02T13:30,1,1,1,1,1", "2024-07-03T13:30,2,2,2,2,2")
    source = csv_source(tmp_path)
    assert [source.minutes_for("A", one) for one in INTRADAY] == [0, 5, 5, 5, 5, 5]
    write(tmp_path / "A_30m.csv")
    assert [source.minutes_for("A", one) for one in INTRADAY] == [0, 5, 5, 30, 30, 30]
    assert source.minutes_for("B", Timeframe.HOUR) == 0
    for first, last, closes in (
        (date(2024, 7, 2), date(2024, 7, 2), [1.0]),
        (date(2024, 7, 3), date(2024, 7, 9), [2.0]),
    ):
        assert list(np.asarray(source.intraday("A", 5, first, last)["close"])) == closes
    with pytest.raises(BarsMissingError, match=r"A_1h\.csv is not there"):
        source.intraday("A", 60, date(2024, 7, 2), date(2024, 7, 2))
