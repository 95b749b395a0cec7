"""What writes a page into its files and into a mail: the same for the report of a session and of a period."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mtum.app.reporting.facts import Setup
from mtum.core.reporting.charts import Chart
from mtum.core.reporting.figures import minus
from mtum.core.reporting.layout import Page
from mtum.core.reporting.text import text
from mtum.errors import ExitCode, MtumError, StoreError
from mtum.ports.messages import Message, Urgency
from mtum.ports.reports import Renderer, ReportFiles
from mtum.ports.run_store import RunStore
from mtum.ports.store import Store
from mtum.ports.time import Calendar

type Document = Mapping[str, Any]
type Charts = Callable[[], tuple[Chart, ...]]


class ReportWriter(Struct, frozen=True):
    """What a report needs: facts, calendar, the folder it goes to, and (for HTML) a renderer."""

    store: Store
    calendar: Calendar
    setup: Setup
    files: ReportFiles
    renderer: Renderer | None = None


def put(writer: ReportWriter, name: str, laid_out: Page, found: Mapping[str, Any], charts: Charts) -> Path | None:
    """Write a page into the files of that name as text, JSON and (with a renderer) HTML, and return where the HTML is.

    Parameters
    ----------
    writer : ReportWriter
        What a report needs: facts, calendar, the folder it goes to, and (for HTML) a renderer.
    name : str
        Name of the files, without an ending.
    laid_out : Page
        A whole report: subject, verdict, lines under it, and sections in reading order.
    found : mapping
        The page's document.
    charts : callable
        Makes its charts; only HTML needs them.
    """
    writer.files.put_report(f"{name}.txt", text(laid_out))
    writer.files.put_report(f"{name}.json", json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    if writer.renderer is None:
        return None
    return writer.files.put_report(f"{name}.html", writer.renderer.page(replace(laid_out, charts=charts())))


@contextmanager
def recorded_run(runs: RunStore, job: str, slot: str, day: date, at: datetime) -> Iterator[Callable[[Document], None]]:
    """Keep the writing of a report among the runs, with the document that it is given; a fault ends it as failed.

    Parameters
    ----------
    runs : RunStore
        Runs of the jobs.
    job : str
        Name of the job.
    slot : str
        Slot of the job.
    day : date
        The session reported on, or the last one of a period.
    at : datetime
        Aware UTC instant of writing.
    """
    run_id = runs.start_run(job, slot, day, at)
    try:
        yield lambda document: runs.finish_run(run_id, at, "finished", 0, document)
    except Exception as error:
        # Begun by hand there is nobody else to end the row, and a row without an end reads as a job at work.
        code, said = (error.exit_code, str(error)) if isinstance(error, MtumError) else (ExitCode.BUG, repr(error))
        with suppress(StoreError):
            runs.finish_run(run_id, at, "failed", code, {"problems": [{"code": int(code), "text": said}]})
        raise


def stored_document(runs: RunStore, job: str, slot: str, day: date) -> Document | None:
    """Return the document of a report that was written, or None.

    Parameters
    ----------
    runs : RunStore
        Runs of the jobs.
    job : str
        Name of the job.
    slot : str
        Slot of the job.
    day : date
        The session's date.
    """
    run = runs.run_of(job, slot, day)
    return run.document if run is not None and run.outcome == "finished" else None


def message_of(writer: ReportWriter, key: str, urgency: Urgency, laid_out: Page, charts: Charts) -> Message:
    """Return the mail of a page; with a renderer it has HTML and charts beside the text.

    Parameters
    ----------
    writer : ReportWriter
        What a report needs: facts, calendar, the folder it goes to, and (for HTML) a renderer.
    key : str
        Of the message among all; the outbox adds the channel.
    urgency : Urgency
        How a message leaves: at once, soon, or with the report.
    laid_out : Page
        A whole report: subject, verdict, lines under it, and sections in reading order.
    charts : callable
        Makes its charts; only HTML needs them.
    """
    line, told = minus(laid_out.subject), text(laid_out)
    if writer.renderer is None:
        return Message(key, urgency, line, told)
    return Message(key, urgency, line, told, *writer.renderer.mail(replace(laid_out, charts=charts())))
