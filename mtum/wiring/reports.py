"""What writes reports and reviews in its surroundings: folder, renderer, calendar, what is known from outside."""

from collections.abc import Mapping
from pathlib import Path

from mtum.adapters.rendering.html import HtmlRenderer
from mtum.adapters.rendering.report_folder import ReportFolder
from mtum.adapters.scanner import known_vulnerabilities
from mtum.app.reporting.facts import Setup
from mtum.app.reporting.period import Kind
from mtum.app.reporting.report_writer import ReportWriter
from mtum.app.reporting.review import Outside
from mtum.config import Settings
from mtum.ports.store import Store
from mtum.ports.time import Calendar
from mtum.wiring import resources
from mtum.wiring.backups import restore_drill
from mtum.wiring.secrets import secret_days

REPORTS_NAME = "reports"


def writer_of(settings: Settings, data_dir: Path, store: Store, calendar: Calendar, *, html: bool) -> ReportWriter:
    """Return what writes reports into the data folder; without `html` text and JSON only."""
    setup = Setup(settings, resources.account_of(settings), rehearsal=resources.is_rehearsal(settings, store))
    files = ReportFolder(data_dir / REPORTS_NAME, settings.storage.keep_html_reports)
    return ReportWriter(store, calendar, setup, files, HtmlRenderer() if html else None)


def outside_of(kind: Kind, data_dir: Path, environment: Mapping[str, str]) -> Outside:
    """Return what a review tells beside the records; libraries and the newest backup are tried once a quarter."""
    if kind is not Kind.QUARTER:
        return Outside(secret_days(environment))
    return Outside(secret_days(environment), known_vulnerabilities(), restore_drill(data_dir))
