"""What writes reports and reviews in its surroundings: folder, renderer, calendar."""

from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from mtum import wiring
from mtum.adapters.rendering.html import HtmlRenderer
from mtum.adapters.rendering.shelf import FolderShelf
from mtum.adapters.session_cache import CachedCalendar
from mtum.app.daily_report import Press
from mtum.app.reporting.facts import Setup
from mtum.config import Settings
from mtum.ports.store import Store
from mtum.ports.time import Calendar

REPORTS_NAME = "reports"
SESSIONS_NAME = "sessions.json"


def press_of(settings: Settings, data_dir: Path, store: Store, calendar: Calendar, *, html: bool) -> Press:
    """Return what writes reports into the data folder; without `html` text and JSON only."""
    setup = Setup(settings, wiring.account_of(settings))
    shelf = FolderShelf(data_dir / REPORTS_NAME, settings.storage.keep_html_reports)
    return Press(store, calendar, setup, shelf, HtmlRenderer() if html else None)


def report_calendar_of(settings: Settings, data_dir: Path) -> Calendar:
    """Return the exchange's calendar with its sessions kept in a file: a report has no other use for pandas."""
    path = settings.market.calendar_overrides
    overrides = (data_dir / path).read_bytes() if path and (data_dir / path).is_file() else b""
    stamp = f"{version('exchange-calendars')} {sha256(overrides).hexdigest()[:16]}"
    return CachedCalendar(lambda: wiring.calendar_of(settings, data_dir), data_dir / SESSIONS_NAME, stamp)
