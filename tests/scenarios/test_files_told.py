"""What a decision's files gave to know is told once, and again when it changes."""

from datetime import date
from pathlib import Path
from typing import Any

from mtum.app.reporting.daily_report import daily_report
from mtum.app.session.play_session import play_session
from mtum.wiring.reports import writer_of
from support.practice import desk_in, sample_market, write_market

MARKET: dict[str, Any] = {"market__source": "csv"}


def with_column(folder: Path, name: str) -> None:
    """Put a column that nothing reads into the file of bars."""
    file = folder / "bars" / "MTUM.csv"
    header, *rows = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([f"{header},{name}", *(f"{row},1" for row in rows), ""]), encoding="utf-8")


def notes_of_the_next(folder: Path) -> tuple[list[str], str]:
    """Play the next session: what its decision noted, and its report's text."""
    with desk_in(folder, **MARKET) as replay:
        session = replay.upcoming()
        assert session is not None
        assert play_session(replay.desk, session).exit_code == 0
        desk = replay.desk
        record = desk.store.decisions.decision_of(session.day, desk.sleeves[0].name)
        assert record is not None
        writer = writer_of(desk.settings, folder, desk.store, desk.calendar, html=False)
        report = daily_report(writer, session.day, desk.clock.now())
        return list(record.document["notes"]), report.text


def test_a_layout_is_told_with_the_first_decision_and_again_when_it_changes(tmp_path: Path) -> None:
    bars, vix = sample_market(date(2016, 1, 4), date(2018, 12, 31))
    write_market(tmp_path / "bars", {"MTUM": bars}, vix)
    with_column(tmp_path, "Beta")
    notes, report = notes_of_the_next(tmp_path)
    assert notes == ["MTUM.csv: not read: Beta"]
    assert "MTUM.csv: not read: Beta" in report
    notes, report = notes_of_the_next(tmp_path)
    assert (notes, "not read" in report) == ([], False)
    with_column(tmp_path, "Gamma")
    assert notes_of_the_next(tmp_path)[0] == ["MTUM.csv: not read: Beta, Gamma"]
