"""Pages: escaped, self-contained, with true minus signs and charts that carry words."""

import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from mtum.adapters.rendering.charts import svg
from mtum.adapters.rendering.html import HtmlRenderer, chart_files
from mtum.adapters.rendering.style import NARROW, PALETTE, WIDE
from mtum.app.reporting.charts import report_charts
from mtum.app.reporting.facts import session_facts
from mtum.core.reporting.charts import Chart, Line, Panel
from mtum.core.reporting.figures import minus
from mtum.core.reporting.layout import Cell, Page, Section, Sentence, Tone, table_of
from support.report_days import KINDS
from support.values import replace


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
    html = HtmlRenderer().page(page(text))
    mail, _ = HtmlRenderer().mail(page(text))
    for found in (html, mail):
        assert "<code>mtum</code> <code>backtest</code> <code>--approve</code> keeps &lt;one&gt;." in found
        assert "`" not in found.partition("</style>")[2]


def test_a_day_is_never_broken_in_itself() -> None:
    whole = '<span style="white-space:nowrap">2017-12-20</span>'
    html = HtmlRenderer().page(page("no session 2017-12-20; more"))
    assert f"no session {whole}; more" in html


DAYS = np.array(["2026-01-05", "2026-01-06"], dtype="datetime64[D]")


def lines(*names: str) -> tuple[Line, ...]:
    return tuple(Line(name, np.array([1.0, 2.0])) for name in names)


def test_the_parts_and_charts_of_a_section_stand_in_it() -> None:
    panels = (Panel("Equity", lines("account", "holding")), Panel("Earned", lines("core", "a_name_of_twenty_fo_ur_x")))
    whole = Chart("result", DAYS, panels, "of the account")
    own = Chart("core.result", DAYS, panels[:1], "of one sleeve", section="sleeve-core")
    part = Section("core-why", "Why", (Sentence("it rose"),))
    sleeve = Section("sleeve-core", "core", (Sentence("bought"),), (part,))
    laid_out = replace(page("the verdict"), further=(sleeve,), charts=(whole, own))

    html, (mail, images) = HtmlRenderer().page(laid_out), HtmlRenderer().mail(laid_out)
    assert set(images) == {"result", "core.result"}
    for found in (html, mail):
        order = ("the verdict</", "of the account", ">core</h2>", "bought", "of one sleeve", ">Why</h3>", "it rose")
        shown = [found.index(one) for one in order]
        assert shown == sorted(shown)
    no_word_is_cut_off(images["result"])


def test_a_chart_has_the_colors_of_its_page_and_its_words_as_text() -> None:
    chart = Chart("result", DAYS, (Panel("Equity, USD", lines("rules", "holding")),), "")
    drawn = svg(chart, NARROW, "narrow")
    assert not re.search(r"#[0-9a-f]{6}\b", drawn), "each color is one of the page's, light or dark"
    assert set(re.findall(r"var\(--(\w+)\)", drawn)) <= set(PALETTE)
    for words in ("Equity, USD", "rules", "holding"):
        assert f">{words}</text>" in drawn
    assert drawn == svg(chart, NARROW, "narrow")


def test_a_page_for_a_desk_has_its_charts_for_a_phone_too() -> None:
    laid_out = replace(page("a"), charts=(Chart("result", DAYS, (Panel("Equity", lines("rules")),), ""),))
    phone, desk = (f'viewBox="0 0 {72 * inches:g} ' for inches in (NARROW, WIDE))
    report, study = HtmlRenderer().page(laid_out), HtmlRenderer().page(replace(laid_out, wide=True))
    assert (report.count(phone), report.count(desk)) == (1, 0)
    assert (study.count(phone), study.count(desk)) == (1, 1)


def test_lines_below_zero_and_names_at_the_edge_stay_inside_the_picture() -> None:
    below = (Line("momentum", np.array([-3.0, -5.0])), Line("mean", np.array([-3.0, -5.0]), "second"))
    chart = Chart("market", DAYS, (Panel("Momentum, %", below, from_zero=True),), "")
    no_word_is_cut_off(chart_files(replace(page("a"), charts=(chart,)))["market"])
    places = [float(one) for one in re.findall(r'<path d="M [\d.]+ ([\d.]+) L', svg(chart, NARROW, "narrow"))]
    height = float(re.findall(r'viewBox="0 0 288 ([\d.]+)"', svg(chart, NARROW, "narrow"))[0])
    assert max(places) <= height


def test_a_cell_of_a_map_keeps_its_number_and_a_pointer_reads_more() -> None:
    cell = Cell("-0.10", shade=-0.5, note="mean -0.10, best 0.20 of 4")
    html = HtmlRenderer().page(replace(page("a"), further=(Section("b", "B", (table_of(("", "x"), [["y", cell]]),)),)))
    assert 'class="number under" style="--share:50%" title="mean -0.10, best 0.20 of 4">\u22120.10</td>' in html


def test_words_from_outside_cannot_become_markup() -> None:
    html = HtmlRenderer().page(page("201 <script>alert(1)</script>"))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_a_page_needs_nothing_else(tmp_path: Path) -> None:
    history, day = KINDS["exit-target"](tmp_path)
    report = history.report(day, HtmlRenderer())
    assert report.html is not None
    html = report.html.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", html)
    assert "url(" not in html
    assert html.count("<svg") == 2
    assert "sold at 115.00" in html


def test_same_charts_give_the_same_bytes(tmp_path: Path) -> None:
    history, day = KINDS["enter"](tmp_path)
    facts = session_facts(history.store, history.calendar, history.setup, day)
    laid_out = replace(page("a"), charts=report_charts(history.store, facts))
    assert chart_files(laid_out) == chart_files(laid_out)
    assert HtmlRenderer().page(laid_out) == HtmlRenderer().page(laid_out)


def no_word_is_cut_off(image: bytes) -> None:
    from matplotlib.image import imread  # heavy

    dots = imread(BytesIO(image))[:, :, :3]
    for edge in (dots[:, :3], dots[:, -3:], dots[:3], dots[-3:]):
        assert np.ptp(edge.reshape(-1, 3), axis=0).max() == 0, "the card's own color all along the edge"


@pytest.mark.parametrize("kind", ["exit-carried", "exit-rsi", "cash-moves"])
def test_no_word_of_a_chart_is_cut_off_at_its_edge(tmp_path: Path, kind: str) -> None:
    history, day = KINDS[kind](tmp_path)
    facts = session_facts(history.store, history.calendar, history.setup, day)
    for image in chart_files(replace(page("a"), charts=report_charts(history.store, facts))).values():
        no_word_is_cut_off(image)


def test_a_section_that_needs_a_person_is_marked() -> None:
    assert 'class="bad"' in HtmlRenderer().page(page("call the broker"))


def test_missing_history_draws_nothing() -> None:
    assert chart_files(page("nothing")) == {}
