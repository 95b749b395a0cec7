"""The timetable's report and review: written, handed to the outbox, the same on a second call."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mtum.adapters.clock import FixedClock
from mtum.app.service.run_due import Job
from mtum.config import load
from mtum.core.market.sessions import Session
from mtum.ports.messages import Urgency
from mtum.wiring.jobs import jobs_of
from support.report_days import KINDS

AT = datetime(2026, 4, 1, 21, tzinfo=UTC)
TODAY = Session(AT.date(), AT.replace(hour=13, minute=30), AT.replace(hour=20))


def duty(folder: Path, job: str) -> Job:
    return jobs_of(load(None, {}), folder, FixedClock(AT))[job]


def test_report_is_written_and_its_mail_has_page_and_charts(tmp_path: Path) -> None:
    history, day = KINDS["exit-target"](tmp_path)
    done = duty(tmp_path, "daily_report")(TODAY, "")
    (message,) = done.messages
    assert message.key.endswith(str(day))
    assert message.urgency is Urgency.REPORT
    assert message.subject.startswith("MTUM 31 Mar: SOLD 46")
    assert message.html is not None
    assert set(message.images) == {"market", "result"}
    assert (tmp_path / "reports" / f"{day}.html").exists()
    (again,) = duty(tmp_path, "daily_report")(TODAY, "").messages
    assert (again.key, again.text) == (message.key, message.text)
    run = history.store.runs.run_of("daily_report", "", day)
    assert run is not None
    assert run.outcome == "finished"


@pytest.mark.parametrize("kind", ["week", "month", "quarter"])
def test_review_of_the_timetable_leaves_as_a_message(tmp_path: Path, kind: str) -> None:
    KINDS["exit-target"](tmp_path)
    done = duty(tmp_path, "review")(TODAY, kind)
    (message,) = done.messages
    assert message.key.startswith(f"review:{kind}:PRACTICE:")
    assert done.document["kind"] == kind
    assert len(message.subject) <= 60


def test_reports_of_a_folder_without_sessions_say_nothing(tmp_path: Path) -> None:
    assert duty(tmp_path, "daily_report")(TODAY, "").messages == ()
