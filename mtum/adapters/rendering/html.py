"""Laid-out pages as self-contained HTML: templates, style and charts in one document."""

import re
from collections.abc import Mapping
from functools import cache
from html import escape
from importlib.resources import files
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from mtum.adapters.rendering import style
from mtum.core.reporting.charts import Chart
from mtum.core.reporting.figures import minus
from mtum.core.reporting.layout import Page, Section, Sentence, Tone

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = "mtum.adapters.rendering"
_COMMAND = re.compile("`([^`]+)`")
_DAY = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4}")


class HtmlRenderer:
    """Pages as HTML with the charts inside."""

    def page(self, page: Page) -> str:
        """Return one document that needs nothing else: style and charts are inside."""
        return _environment().get_template("page.html.j2").render(page=page)

    def mail(self, page: Page) -> tuple[str, Mapping[str, bytes]]:
        """Return HTML for a mail, styles inline, and its images by content id."""
        images = chart_files(page)
        return _environment().get_template("mail.html.j2").render(page=page), images


def chart_files(page: Page) -> dict[str, bytes]:
    """Return each chart of a page as PNG by its key; matplotlib is loaded only for a chart."""
    from mtum.adapters.rendering.charts import png

    return {chart.key: png(chart) for chart in page.charts}


def prose(text: str) -> str:
    """Return a sentence as HTML; a command between backticks never breaks inside a word, and no day in itself.

    Examples
    --------
    >>> prose("now `mtum backtest --approve` & wait")
    'now <code>mtum</code> <code>backtest</code> <code>--approve</code> &amp; wait'
    >>> prose("on 4 Dec 2018")
    'on <span style="white-space:nowrap">4 Dec 2018</span>'
    """
    told = _COMMAND.sub(lambda found: " ".join(f"<code>{word}</code>" for word in found[1].split()), escape(text))
    return _DAY.sub(r'<span style="white-space:nowrap">\g<0></span>', told)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FunctionLoader(_template), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.globals |= {"palette": style.PALETTE, "light": style.LIGHT, "width": int(100 * style.NARROW)}
    environment.filters["minus"] = minus
    environment.filters["prose"] = lambda text: Markup(prose(minus(text)))  # escaped there
    environment.filters["kind"] = lambda block: type(block).__name__
    environment.filters["alarming"] = _alarming
    environment.filters["mapped"] = lambda table: any(cell.shade is not None for row in table.rows for cell in row)
    environment.filters["svg"] = lambda chart, *, wide: Markup(_svg(chart, wide=wide))  # nothing of it is foreign
    environment.filters["values"] = _values
    return environment


def _template(name: str) -> str:
    return (files(TEMPLATES) / "templates" / name).read_text(encoding="utf-8")


def _alarming(section: Section) -> bool:
    return any(isinstance(block, Sentence) and block.tone is Tone.BAD for block in section.blocks)


def _svg(chart: Chart, *, wide: bool) -> str:
    from mtum.adapters.rendering.charts import svg

    if not wide:
        return svg(chart, style.NARROW, "narrow")
    return svg(chart, style.NARROW, "narrow phone") + svg(chart, style.WIDE, "desk")


def _values(chart: Chart) -> dict[str, Any]:
    # What a reader who points at the chart is told, session by session.
    days = chart.days
    told: dict[int, list[str]] = {}
    for panel in chart.panels:
        for mark in panel.marks:
            at = int(np.searchsorted(days, np.datetime64(mark.session, "D")))
            if mark.told and at < len(days):
                told.setdefault(at, []).append(mark.told)
    panels, names = list[Any](), set[str]()
    for panel in chart.panels:
        lines = [
            (line.name, [round(one, 2) if isfinite(one) else None for one in line.values.tolist()])
            for line in panel.lines
        ]
        # Its title is told where a name alone could mean another panel's line, or a unit.
        plain = names.isdisjoint(line.name for line in panel.lines) and panel.lines[0].drawn != "bars"
        panels.append(["" if plain else f"{panel.title}: ", lines])
        names |= {line.name for line in panel.lines}
    return {"days": days.astype(str).tolist(), "panels": panels, "told": told}
