"""Where reports are kept, and what turns a laid-out report into a page with charts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from mtum.core.reporting.layout import Page


class ReportFiles(Protocol):
    """The folder of report files."""

    def put_report(self, name: str, content: str) -> Path:
        """Write a file once and return its absolute path; one that is there already is left alone."""
        ...

    def path_of(self, name: str) -> Path | None:
        """Return the absolute path of a file, or None if it was never written."""
        ...


class Renderer(Protocol):
    """Turns a laid-out report into HTML."""

    def page(self, page: Page) -> str:
        """Return one self-contained HTML document, charts inside."""
        ...

    def mail(self, page: Page) -> tuple[str, Mapping[str, bytes]]:
        """Return HTML for a mail and its images by content id."""
        ...
