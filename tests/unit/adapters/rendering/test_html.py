"""Pages: escaped, self-contained, with true minus signs and charts that carry words."""

import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from mtum.adapters.rendering.html import HtmlRenderer, charts
from mtum.app.reporting.chart_history import chart_history
from mtum.app.reporting.facts import session_facts
from mtum.core.reporting.figures import minus
from mtum.core.reporting.history import ChartHistory, EquityHistory
from mtum.core.reporting.layout import Page, Section, Sentence, Tone
from support.report_days import KINDS

NOTHING = ChartHistory((), None)


def page(text: str) -> Page:
    return Page("subject", text, "lead", "practice", (Section("a", "A", (Sentence(text, Tone.BAD),)),), (), ("foot",))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("-1.50 and -2", "\u22121.50 and \u22122"),
        ("2026-03-30", "2026-03-30"),
        ("28%-56%", "28%-56%"),
        ("m180103-LHR5-1", "m180103-LHR5-1"),
        ("(-3.1%)", "(\u22123.1%)"),
    ],
)
def test_minus_signs(before: str, after: str) -> None:
    assert minus(before) == after


def test_a_command_is_set_as_one_and_breaks_only_between_its_words() -> None:
    text = "`mtum backtest --approve` keeps <one>."
    html = HtmlRenderer().page(page(text), NOTHING)
    mail, _ = HtmlRenderer().mail(page(text), NOTHING)
    for found in (html, mail):
        assert "<code>mtum</code> <code>backtest</code> <code>--approve</code> keeps &lt;one&gt;." in found
        assert "`" not in found.partition("</style>")[2]


def test_a_day_is_never_broken_in_itself() -> None:
    whole = '<span style="white-space:nowrap">2017-12-20</span>'
    html = HtmlRenderer().page(page("no session 2017-12-20; more"), NOTHING)
    assert f"no session {whole}; more" in html


def test_the_parts_and_charts_of_a_section_stand_in_it() -> None:
    days = np.array(["2026-01-05", "2026-01-06"], dtype="datetime64[D]")
    line = np.array([1.0, 2.0])
    own = EquityHistory(days, line, line, 0 * line, 0 * line)
    names = ("core", "a_name_of_twenty_fo_ur_x")
    whole = replace(own, sleeves=dict.fromkeys(names, line))
    history = ChartHistory((), whole, {"core": ChartHistory((), own)})
    part = Section("core-why", "Why", (Sentence("it rose"),))
    laid_out = replace(page("the account"), further=(Section("sleeve-core", "core", (Sentence("bought"),), (part,)),))

    html, (mail, images) = HtmlRenderer().page(laid_out, history), HtmlRenderer().mail(laid_out, history)
    assert set(images) == {"result", "core.result"}
    for found in (html, mail):
        shown = [found.index(one) for one in ("account</", "<img", ">core</h2>", "bought", ">Why</h3>", "it rose")]
        assert [*shown[:4], found.rindex("<img"), *shown[4:]] == sorted([*shown, found.rindex("<img")])
        assert "Earned since each sleeve began: core +2.00, a_name_of_twenty_fo_ur_x +2.00 USD." in found
    no_word_is_cut_off(images["result"])


def test_words_from_outside_cannot_become_markup() -> None:
    html = HtmlRenderer().page(page("201 <script>alert(1)</script>"), NOTHING)
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_page_and_mail_need_nothing_else(tmp_path: Path) -> None:
    history, day = KINDS["exit-target"](tmp_path)
    report = history.report(day, HtmlRenderer())
    assert report.html is not None
    html = report.html.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)=["'](?!data:)""", html)
    assert "url(" not in html
    assert html.count("<img") == 2


def test_same_history_gives_the_same_bytes(tmp_path: Path) -> None:
    history, day = KINDS["enter"](tmp_path)
    facts = session_facts(history.store, history.calendar, history.setup, day)
    lines = chart_history(history.store, facts)
    assert charts(lines)["market"][0] == charts(lines)["market"][0]


def no_word_is_cut_off(image: bytes) -> None:
    from matplotlib.image import imread  # heavy

    dots = imread(BytesIO(image))[:, :, :3]
    for edge in (dots[:, :3], dots[:, -3:], dots[:3], dots[-3:]):
        assert np.ptp(edge.reshape(-1, 3), axis=0).max() == 0, "the card's own color all along the edge"


@pytest.mark.parametrize("kind", ["exit-carried", "exit-rsi", "cash-moves"])
def test_no_word_of_a_chart_is_cut_off_at_its_edge(tmp_path: Path, kind: str) -> None:
    history, day = KINDS[kind](tmp_path)
    drawn = charts(chart_history(history.store, session_facts(history.store, history.calendar, history.setup, day)))
    for image, _ in drawn.values():
        no_word_is_cut_off(image)


def test_a_section_that_needs_a_person_is_marked() -> None:
    assert 'class="bad"' in HtmlRenderer().page(page("call the broker"), NOTHING)


def test_missing_history_draws_nothing() -> None:
    assert charts(NOTHING) == {}
