"""Reports of every kind of day in a real browser: phone and desktop, light and dark."""

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mtum.adapters.rendering.html import HtmlRenderer
from mtum.app.queries.indicator_chart import indicator_chart
from mtum.app.reporting.charts import report_charts
from mtum.app.reporting.daily_report import preview_report, report_message
from mtum.app.reporting.facts import session_facts
from mtum.app.reporting.period import Kind, bounds
from mtum.app.reporting.review import run_review, write_review
from mtum.core.market.bars import Bars
from mtum.core.market.intraday import VALUES, IntradayBars
from mtum.core.market.timeframes import Timeframe
from mtum.core.reporting.backtest.tear_sheet import tear_sheet
from mtum.core.reporting.charts import Chart, Line, Mark, Panel
from mtum.core.reporting.daily import page
from mtum.core.reporting.layout import Page, Section, table_of
from mtum.core.reporting.review import page as review_page
from mtum.ports.messages import Message
from mtum.wiring.reports import write_chart
from support.account_days import BUSY_DAY, MONTH_END, account_days, play_account
from support.bar_folders import write_market
from support.commands import call
from support.exchange_sessions import xnys
from support.markets import made_up_bars
from support.pages import NEEDED_CONTRAST, chromium, measured
from support.played_accounts import played_account, sheet
from support.report_days import DRAWN, KINDS
from support.values import replace

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser
WIDTHS = (390, 1280)
SCHEMES = ("light", "dark")
SMALLEST_WORDS = 9.0
"""CSS pixels of a word in a chart."""


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with chromium() as started:
        yield started


def check(browser: "Browser", html: str, images: int) -> None:
    for found in measured(browser, html, WIDTHS, SCHEMES):
        width = found["asked_width"]
        place = f"{width} px, {found['scheme']}"
        assert found["width"] <= width, f"{place}: {found['width']} px wide"
        assert not found["clipped"], f"{place}: {found['clipped']}"
        assert not found["touching"], f"{place}: {found['touching']}"
        assert found["smallest"] >= SMALLEST_WORDS, f"{place}: {found['smallest']:.1f} px"
        assert found["contrast"] >= NEEDED_CONTRAST, f"{place}: {found['contrast']:.2f} for {found['worst']!r}"
        assert found["images"] == images, f"{place}: {found['images']} charts"
        assert set(found["pictures"]) <= {found["scheme"]}, f"{place}: {found['pictures']}"


def hours_of(bars: Bars) -> IntradayBars:
    """Half hours of twenty sessions with the prices of so many days."""
    begins = [
        session.open + timedelta(minutes=30 * n) for session in xnys("2024-01-02", "2024-01-30") for n in range(13)
    ]
    naive = [begin.replace(tzinfo=None) for begin in begins[: len(bars)]]
    columns = {name: getattr(bars, name) for name in VALUES}
    days, ends = [begin.date() for begin in naive], [begin + timedelta(minutes=30) for begin in naive]
    return IntradayBars.within("AAA", "test", (days, naive, ends), columns)


def test_what_is_measured_can_fail(browser: "Browser") -> None:
    faulty = """<body style="margin:0;background:#fff"><p style="color:#999">pale</p>
    <div style="width:600px">wide</div><p style="white-space:nowrap">{}</p></body>""".format("long " * 60)
    (found,) = measured(browser, faulty, [390], ["light"])
    assert found["width"] > 390
    assert found["clipped"]
    assert (found["worst"], found["images"]) == ("pale", 0)
    assert found["contrast"] < 3


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if kind in (*DRAWN, "order-rejected") else pytest.mark.full) for kind in KINDS]
)
def test_page_fits_is_readable_and_has_its_charts(browser: "Browser", tmp_path: Path, kind: str) -> None:
    history, day = KINDS[kind](tmp_path)
    report = history.report(day, HtmlRenderer())
    assert report.html is not None
    check(
        browser,
        report.html.read_text(encoding="utf-8"),
        1 if len(history.store.ledger.equity("mtum_confluence")) < 2 else 2,
    )


def test_whole_run_fits_and_is_readable(browser: "Browser", tmp_path: Path) -> None:
    history, day = KINDS["exit-rsi"](tmp_path)
    report = run_review(history.writer(HtmlRenderer()), day)
    assert report.html is not None
    check(browser, report.html.read_text(encoding="utf-8"), 2)


@pytest.mark.parametrize("kind", [Kind.WEEK, Kind.MONTH, Kind.QUARTER])
def test_review_fits_and_is_readable(browser: "Browser", tmp_path: Path, kind: Kind) -> None:
    history, day = KINDS["exit-rsi"](tmp_path)
    end = bounds(kind, day)[1]
    days = [each for each in history.calendar.days if each <= end and each <= history.bars.last_day]
    last = history.play(history.bars.days.tolist().index(days[-1]))
    at = datetime(2026, 7, 1, tzinfo=UTC)
    report = write_review(history.writer(HtmlRenderer()), kind, last, at)
    assert report.html is None or "</html>" in report.html.read_text(encoding="utf-8")
    laid_out = review_page(report.review)
    check(browser, HtmlRenderer().page(laid_out), 0)


@pytest.mark.parametrize("kind", ["exit-carried", "no-decision", "corrected", "against-backtest"])
def test_mail_fits_with_its_images_put_in(browser: "Browser", tmp_path: Path, kind: str) -> None:
    history, day = KINDS[kind](tmp_path)
    message = report_message(history.writer(HtmlRenderer()), history.report(day))
    check(browser, with_images(message), 2)


def with_images(message: Message) -> str:
    assert message.html is not None
    html = message.html
    for key, image in message.images.items():
        html = html.replace(f'"cid:{key}"', f'"data:image/png;base64,{b64encode(image).decode("ascii")}"')
    return html


def test_an_account_of_several_sleeves_fits_and_is_readable_as_page_and_as_mail(
    browser: "Browser", tmp_path: Path
) -> None:
    play_account(tmp_path)
    with account_days(tmp_path) as (replay, plain):
        writer = replace(plain, renderer=HtmlRenderer())
        day = preview_report(writer, BUSY_DAY)
        facts = session_facts(writer.store, writer.calendar, writer.setup, BUSY_DAY)
        # One chart of the account, market and result of each of four sleeves; the watched one has both too.
        check(browser, HtmlRenderer().page(replace(page(day.summary), charts=report_charts(writer.store, facts))), 9)
        check(browser, with_images(report_message(writer, day)), 9)
        month = write_review(writer, Kind.MONTH, MONTH_END, replay.desk.clock.now())
        check(browser, HtmlRenderer().page(review_page(month.review)), 0)


def test_the_pages_of_studies_fit_and_are_readable(browser: "Browser", tmp_path: Path) -> None:
    write_market(tmp_path / "bars", sessions=800)
    grid = tmp_path / "grid.toml"
    grid.write_text("[grid]\nstrategy.mtum_confluence.ma_sessions = [20, 35]\nportfolio.cost_frac = [0.0005, 0.001]\n")
    words = ("--symbol", "AAA", "--source", f"csv:{tmp_path / 'bars'}", "--out", str(tmp_path / "out"), "--quiet")
    folds = ("--fit-sessions", "300", "--try-sessions", "200")
    for command, name, charts in (
        (("backtest",), "tear-sheet", 4),
        (("sweep", str(grid)), "sweep", 0),
        (("walkforward", str(grid), *folds), "walkforward", 1),
    ):
        assert call(tmp_path, *command, *words).code == 0
        check(browser, (tmp_path / "out" / f"{name}.html").read_text(encoding="utf-8"), charts)


def test_the_tear_sheet_of_an_account_with_long_names_fits_and_is_readable(browser: "Browser") -> None:
    account = played_account()
    of = {f"a_sleeve_with_a_name_{at}": one for at, one in enumerate((*account.sleeves.values(),) * 2)}
    sleeves = {name: replace(one, name=name) for name, one in of.items()}
    check(browser, HtmlRenderer().page(tear_sheet(sheet(replace(account, sleeves=sleeves)))), 4)


def test_a_reader_who_points_at_a_chart_is_told_its_values_and_a_table_is_sorted_by_a_press(
    browser: "Browser",
) -> None:
    days = np.array(["2026-01-05", "2026-01-06"], dtype="datetime64[D]")
    sold = Mark(date(2026, 1, 6), 2.0, "sold", told="sold at 2.00, RSI low")
    panel = Panel("Close, USD", (Line("close", np.array([1.0, -2.5])),), (sold,))
    rows = table_of(("entry", "P&L"), [["one", "-5.00"], ["two", "1,000.00"], ["three", "-"]], sortable=True)
    laid_out = Page("s", "v", "l", "backtest", (Section("a", "A", (rows,)),), (), (), wide=True)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    try:
        page.set_content(HtmlRenderer().page(replace(laid_out, charts=(Chart("c", days, (panel,), "words"),))))
        drawn = page.locator("figure svg.desk")
        box = drawn.bounding_box()
        assert box is not None
        drawn.hover(position={"x": 0.3 * box["width"], "y": 20})
        assert page.locator(".read").inner_text() == "2026-01-05: close 1"
        drawn.hover(position={"x": 0.8 * box["width"], "y": 20})
        assert page.locator(".read").inner_text() == "2026-01-06: sold at 2.00, RSI low; close \u22122.5"
        page.get_by_role("button", name="P&L").press("Enter")
        assert page.locator("td.left").all_inner_texts() == ["three", "one", "two"]
        page.get_by_role("button", name="P&L").press("Enter")
        assert page.locator("td.left").all_inner_texts() == ["two", "one", "three"]
    finally:
        page.close()


@pytest.mark.parametrize("timeframe", ["1d", "30m"])
def test_a_page_of_any_indicators_can_be_read(browser: "Browser", tmp_path: Path, timeframe: str) -> None:
    bars = made_up_bars(260, 3)
    within = hours_of(bars) if timeframe == "30m" else bars
    chart = indicator_chart(within, ["ema", "keltner", "fibonacci", "pivots", "rsi", "obv"], Timeframe(timeframe))
    assert len(chart.panels[0].lines) > 9
    write_chart(chart, tmp_path / "chart.html", "practice", ("everything is simulated",))
    check(browser, (tmp_path / "chart.html").read_text(encoding="utf-8"), 1)
