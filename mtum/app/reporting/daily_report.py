"""The account of one session: made from the store, written once as text, JSON and HTML."""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mtum.app.reporting.build import summarize
from mtum.app.reporting.charts import report_charts
from mtum.app.reporting.facts import REPORT_JOB, SessionFacts, report_key, session_facts
from mtum.app.reporting.report_writer import ReportWriter, message_of, put, recorded_run, stored_document
from mtum.core.reporting.charts import Chart
from mtum.core.reporting.codec import document, from_document
from mtum.core.reporting.daily import page
from mtum.core.reporting.parts.problems import ProblemLine
from mtum.core.reporting.summary import Summary
from mtum.core.reporting.text import text
from mtum.errors import UsageError
from mtum.ports.messages import Message, Urgency
from mtum.ports.run_store import RunStore


class Report(Struct, frozen=True):
    """A report as it stands in its files; `html` is None where none was asked for.

    `broken` names the parts that a fault of ours cost it when it was made.
    """

    summary: Summary
    document: Mapping[str, Any]
    text: str
    html: Path | None
    fresh: bool
    broken: tuple[ProblemLine, ...] = ()


def daily_report(writer: ReportWriter, day: date, at: datetime) -> Report:
    """Write the report of a session, or return the one already written.

    Text and JSON are always written; HTML where the writer has a renderer. A stored report is
    not rewritten: what became known later stands in the next report's corrections.

    Parameters
    ----------
    writer : ReportWriter
        What a report needs: facts, calendar, the folder it goes to, and (for HTML) a renderer.
    day : date
        Session reported on; nothing later is looked at.
    at : datetime
        Aware UTC instant of writing, for the run ledger.
    """
    stored = stored_report(writer.store.runs, day)
    if stored is not None:
        summary = from_document(Summary, stored)
        return Report(summary, stored, text(page(summary)), writer.files.path_of(f"{day}.html"), fresh=False)
    with recorded_run(writer.store.runs, REPORT_JOB, "", day, at) as keep:
        facts = session_facts(writer.store, writer.calendar, writer.setup, day)
        report = _made(writer, facts)
        laid_out = page(report.summary)
        html = put(writer, str(day), laid_out, report.document, lambda: report_charts(writer.store, facts))
        keep(report.document)
    return replace(report, html=html)


def preview_report(writer: ReportWriter, day: date) -> Report:
    """Return the report as it would be written now; nothing is stored."""
    return _made(writer, session_facts(writer.store, writer.calendar, writer.setup, day))


def report_message(writer: ReportWriter, report: Report) -> Message:
    """Return the mail of a report; with a renderer it has HTML and charts beside the text."""
    summary = report.summary
    key = report_key(writer.setup.account, summary.session)
    urgent = summary.exit_code == 6 or any(problem.code == 6 for problem in summary.problems)
    urgency = Urgency.ACT_NOW if urgent else Urgency.REPORT

    def charts() -> tuple[Chart, ...]:
        facts = session_facts(writer.store, writer.calendar, writer.setup, summary.session)
        return report_charts(writer.store, facts)

    return message_of(writer, key, urgency, page(summary), charts)


def _made(writer: ReportWriter, facts: SessionFacts) -> Report:
    broken: list[ProblemLine] = []
    summary = summarize(writer.store, facts, broken)
    return Report(summary, document(summary), text(page(summary)), None, fresh=True, broken=tuple(broken))


def stored_report(runs: RunStore, day: date) -> Mapping[str, Any] | None:
    """Return the stored document of a session's report, or None."""
    return stored_document(runs, REPORT_JOB, "", day)


def last_session(writer: ReportWriter) -> date | None:
    """Return the last session with a run that decided, or with any run."""
    run = writer.store.runs.latest_run("decide_and_order") or writer.store.runs.latest_run()
    return run.session if run else None


def written_report(writer: ReportWriter, day: date, at: datetime) -> Report:
    """Return the stored report, write it if the session is over, else show how it stands.

    Parameters
    ----------
    writer : ReportWriter
        What a report needs: facts, calendar, the folder it goes to, and (for HTML) a renderer.
    day : date
        The session's date.
    at : datetime
        Instant of it, UTC.

    Raises
    ------
    UsageError
        If the exchange has no such session, or nothing was recorded in it.
    """
    session = writer.calendar.sessions(day, day).get(day)
    if session is None:
        raise UsageError(f"{day} is not a session of the exchange")
    if not writer.store.runs.runs_between(day, day):
        raise UsageError(f"nothing was recorded on {day}; `mtum show runs` lists what was")
    if stored_report(writer.store.runs, day) is not None:
        return daily_report(writer, day, at)
    if at < session.close:
        return preview_report(writer, day)
    with writer.store.lock():
        return daily_report(writer, day, at)
