"""The embedded market: complete, well formed and equal to what its script exports."""

import csv
from datetime import date
from pathlib import Path

import pytest

from tools import export_sample

ROOT = Path(__file__).parents[4]
SAMPLE = ROOT / "mtum" / "adapters" / "sources" / "sample"


def rows(name: str) -> list[dict[str, str]]:
    with (SAMPLE / name).open(encoding="ascii", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", ["SP500.csv", "VIX.csv"])
def test_the_stored_file_is_what_the_script_exports(name: str, tmp_path: Path) -> None:
    pytest.importorskip("arch", reason="the group 'sample' (package arch) is not installed")
    export_sample.main(tmp_path)
    assert (SAMPLE / name).read_bytes() == (tmp_path / name).read_bytes()


@pytest.mark.parametrize("name", ["SP500.csv", "VIX.csv"])
def test_every_session_of_the_exchange_has_one_row_and_no_other_day_has(name: str) -> None:
    import exchange_calendars

    calendar = exchange_calendars.get_calendar("XNYS", start="2013-12-01", end="2019-01-31")
    sessions = [stamp.date() for stamp in calendar.sessions_in_range("2014-01-03", "2018-12-31")]
    assert [date.fromisoformat(row["date"]) for row in rows(name)] == sessions
    assert len(sessions) == 1257


def test_every_bar_holds_its_open_and_close_between_low_and_high() -> None:
    wrong = [
        row["date"]
        for row in rows("SP500.csv")
        if not 0 < float(row["low"]) <= min(float(row["open"]), float(row["close"]))
        or not max(float(row["open"]), float(row["close"])) <= float(row["high"])
        or int(row["volume"]) <= 0
    ]
    assert wrong == []


def test_the_first_and_last_bars_are_the_quoted_index_divided_by_ten() -> None:
    """S&P 500 on 3 January 2014 closed at 1831.37, on 31 December 2018 at 2506.85; VIX at 13.76 and 25.42."""
    bars, vix = rows("SP500.csv"), rows("VIX.csv")
    assert (bars[0]["close"], bars[-1]["close"]) == ("183.137", "250.685")
    assert (vix[0]["close"], vix[-1]["close"]) == ("13.76", "25.42")


def test_provenance_names_the_source_the_changes_and_the_licence() -> None:
    text = (SAMPLE / "PROVENANCE.md").read_text(encoding="utf-8")
    assert all(word in text for word in ("arch.data.sp500", "arch.data.vix", "NCSA", "÷ 10", "Kevin Sheppard"))
