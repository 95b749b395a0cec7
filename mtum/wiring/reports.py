"""What writes reports and reviews in its surroundings: folder, renderer, calendar, what is known from outside."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mtum.adapters.rendering.html import HtmlRenderer
from mtum.adapters.rendering.report_folder import ReportFolder
from mtum.adapters.scanner import known_vulnerabilities
from mtum.app.reporting.facts import Setup
from mtum.app.reporting.period import Kind
from mtum.app.reporting.report_writer import ReportWriter
from mtum.app.reporting.review import Outside
from mtum.config import Settings
from mtum.core.reporting.charts import Chart
from mtum.core.reporting.layout import Page
from mtum.ports.store import Store
from mtum.ports.time import Calendar
from mtum.wiring import resources
from mtum.wiring.backups import restore_drill
from mtum.wiring.secrets import secret_days

REPORTS_NAME = "reports"


def writer_of(settings: Settings, data_dir: Path, store: Store, calendar: Calendar, *, html: bool) -> ReportWriter:
    """Return what writes reports into the data folder; without `html` text and JSON only.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    data_dir : Path
        Data folder.
    store : Store
        The program's records.
    calendar : Calendar
        The exchange's trading sessions.
    html : bool
        Whether HTML is written too.
    """
    setup = Setup(settings, resources.account_of(settings), rehearsal=resources.is_rehearsal(settings, store))
    files = ReportFolder(data_dir / REPORTS_NAME, settings.storage.keep_html_reports)
    return ReportWriter(store, calendar, setup, files, HtmlRenderer() if html else None)


def outside_of(kind: Kind, data_dir: Path, environment: Mapping[str, str]) -> Outside:
    """Return what a review tells beside the records; libraries and the newest backup are tried once a quarter.

    Parameters
    ----------
    kind : Kind
        Kinds of review.
    data_dir : Path
        Data folder.
    environment : mapping of str to str
        Environment variables.
    """
    if kind is not Kind.QUARTER:
        return Outside(secret_days(environment))
    return Outside(secret_days(environment), known_vulnerabilities(), restore_drill(data_dir))


def write_chart(chart: Chart, path: Path, mode: str, notes: Sequence[str]) -> None:
    """Write a chart into a file: a picture (.svg, .png), or a page with the values at each bar (.html).

    Parameters
    ----------
    chart : Chart
        Panels over the same sessions, the oldest first.
    path : Path
        File to write; its ending says what.
    mode : str
        Color scheme of the page: light or dark.
    notes : sequence of str
        What a page says below it.
    """
    from mtum.adapters.rendering import charts

    match path.suffix:
        case ".svg":
            path.write_text(charts.svg_file(chart), encoding="utf-8")
        case ".png":
            path.write_bytes(charts.png(chart))
        case _:
            title = chart.words.partition(":")[0]
            page = Page(title, title, chart.words, mode, (), (), tuple(notes), charts=(chart,), wide=True)
            path.write_text(HtmlRenderer().page(page), encoding="utf-8")
