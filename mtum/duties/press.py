"""What writes reports and reviews in its surroundings: folder, renderer, calendar."""

from pathlib import Path

from mtum import wiring
from mtum.adapters.rendering.html import HtmlRenderer
from mtum.adapters.rendering.shelf import FolderShelf
from mtum.app.reporting.daily_report import Press
from mtum.app.reporting.facts import Setup
from mtum.config import Settings
from mtum.ports.store import Store
from mtum.ports.time import Calendar

REPORTS_NAME = "reports"


def press_of(settings: Settings, data_dir: Path, store: Store, calendar: Calendar, *, html: bool) -> Press:
    """Return what writes reports into the data folder; without `html` text and JSON only."""
    setup = Setup(settings, wiring.account_of(settings))
    shelf = FolderShelf(data_dir / REPORTS_NAME, settings.storage.keep_html_reports)
    return Press(store, calendar, setup, shelf, HtmlRenderer() if html else None)
