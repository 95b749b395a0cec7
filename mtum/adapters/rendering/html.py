"""Laid-out reports as self-contained HTML: templates, style and charts in one document."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from mtum.adapters.rendering import style
from mtum.core.reporting.backtest.page import prose
from mtum.core.reporting.chart_words import equity_words, market_words
from mtum.core.reporting.figures import minus
from mtum.core.reporting.history import ChartHistory
from mtum.core.reporting.layout import Page, Section, Sentence, Tone

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = "mtum.adapters.rendering"


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart as the template places it; width and height in CSS pixels."""

    key: str
    source: str
    width: int
    height: int
    words: str

    @property
    def sleeve(self) -> str:
        """Whose it is; empty for a chart of the whole report."""
        return self.key.rpartition(".")[0]


class HtmlRenderer:
    """Reports as HTML with the charts inside."""

    def page(self, page: Page, history: ChartHistory) -> str:
        """Return one document that needs nothing else: style and charts are inside."""
        pictures = [
            _picture(key, f"data:image/png;base64,{b64encode(image).decode('ascii')}", image, words)
            for key, (image, words) in charts(history).items()
        ]
        return _environment().get_template("page.html.j2").render(page=page, charts=pictures, style=_style())

    def mail(self, page: Page, history: ChartHistory) -> tuple[str, Mapping[str, bytes]]:
        """Return HTML for a mail, styles inline, and its images by content id."""
        drawn = charts(history)
        pictures = [_picture(key, f"cid:{key}", image, words) for key, (image, words) in drawn.items()]
        html = _environment().get_template("mail.html.j2").render(page=page, charts=pictures)
        return html, {key: image for key, (image, _) in drawn.items()}


def charts(history: ChartHistory) -> dict[str, tuple[bytes, str]]:
    """Return each chart's PNG and its words by key, a sleeve's after its name; matplotlib is loaded only here."""
    from mtum.adapters.rendering.charts import equity_chart, market_chart

    drawn: dict[str, tuple[bytes, str]] = {}
    for number, market in enumerate(history.markets):
        drawn["market" if not number else f"market{number + 1}"] = (market_chart(market), market_words(market))
    if history.equity is not None:
        drawn["result"] = (equity_chart(history.equity), equity_words(history.equity))
    for name, own in history.sleeves.items():
        drawn |= {f"{name}.{key}": chart for key, chart in charts(own).items()}
    return drawn


def _picture(key: str, source: str, image: bytes, words: str) -> Picture:
    # A PNG states its size in bytes 16 to 24; charts are drawn at twice the CSS size.
    scale = style.DOTS_PER_INCH // 100
    width, height = (int.from_bytes(image[at : at + 4], "big") // scale for at in (16, 20))
    return Picture(key, source, width, height, words)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FunctionLoader(_template), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["minus"] = minus
    environment.filters["prose"] = lambda text: Markup(prose(minus(text)))  # escaped there
    environment.filters["kind"] = lambda block: type(block).__name__
    environment.filters["alarming"] = _alarming
    return environment


def _template(name: str) -> str:
    return (files(TEMPLATES) / "templates" / name).read_text(encoding="utf-8")


@cache
def _style() -> str:
    return _template("base.css")


def _alarming(section: Section) -> bool:
    return any(isinstance(block, Sentence) and block.tone is Tone.BAD for block in section.blocks)
