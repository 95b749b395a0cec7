"""The dashboard looked at by a browser: every page at three widths in both schemes, and one that stays open."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mtum.web.registry import PAGES
from support.commands import call
from support.pages import chromium
from support.recorded import recorded
from support.served import Commits, Served, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.full, pytest.mark.xdist_group("chromium")]

WIDTHS, SCHEMES = (390, 768, 1280), ("light", "dark")
SMALL = """
() => [...document.querySelectorAll("a, button, summary, select, input:not([type=hidden]):not([type=checkbox])")]
  .filter((e) => { const box = e.getBoundingClientRect();
    return box.width > 0 && box.left >= 0 && (box.height < 43.5 || box.width < 43.5) && !e.closest("p, td, footer"); })
  .map((e) => e.outerHTML.slice(0, 120))
"""
REACHABLE = """
() => { const all = "a[href], button, summary, select, input:not([type=hidden]), [tabindex='0']";
  const found = [...document.querySelectorAll(all)]
    .filter((e) => e.checkVisibility() && e.getClientRects().length);
  found.forEach((e, at) => { e.dataset.reached = at; }); return found.length; }
"""
FOCUSED = """
() => { const e = document.activeElement; if (!e || e === document.body) return null;
  const look = getComputedStyle(e); return [e.dataset.reached || e.outerHTML.slice(0, 80),
    look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2]; }
"""
SERIOUS = """
async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
  .filter((found) => ["serious", "critical"].includes(found.impact))
  .map((found) => `${found.id}: ${found.nodes[0].html.slice(0, 160)}`)
"""


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("demo")
    call(folder, "demo", "--sessions", "40", "--out", str(folder / "data"), "--quiet")
    with served(folder) as found:
        yield found


@pytest.fixture(scope="module")
def optioned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("optioned")
    call(folder, "demo", "--strategy", "wheel", "--sessions", "12", "--out", str(folder / "data"), "--quiet")
    where = ("--config", str(folder / "data" / "config.toml"), "--data-dir", str(folder / "data"))
    with served(folder, *where) as found:
        yield found


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("empty")) as found:
        yield found


def shows(page: Any, where: str, words: str, seconds: float = 5, *, not_any_more: bool = False) -> None:
    """Wait until a part of the page has the words; nothing is evaluated, which its policy would forbid."""
    from playwright.sync_api import expect

    part = expect(page.locator(where))
    (part.not_to_contain_text if not_any_more else part.to_contain_text)(words, timeout=seconds * 1000)


def looked_at(browser: "Browser", server: Served, path: str, width: int, scheme: Any) -> list[str]:
    """Everything that is wrong with a page."""
    wrong: list[str] = []
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    try:
        page = context.new_page()
        page.on("console", lambda told: wrong.append(told.text) if told.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith(server.origin) else wrong.append(asked.url))
        page.goto(f"{server.origin}/{path}", wait_until="load")
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            wrong.append(f"{wide} wide")
        wrong += page.evaluate(SMALL) if width < 500 else []
        if find_spec("axe_playwright_python"):
            page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
            wrong += page.evaluate(SERIOUS)
    finally:
        context.close()
    return wrong


@pytest.mark.parametrize("path", [*PAGES, "docs", "login", "nowhere"])
def test_nothing_is_wrong_with_a_page_at_any_width_in_any_scheme(browser: "Browser", demo: Served, path: str) -> None:
    found = {
        (width, scheme): wrong
        for width in WIDTHS
        for scheme in SCHEMES
        if (
            wrong := [
                one for one in looked_at(browser, demo, path, width, scheme) if path != "nowhere" or "404" not in one
            ]
        )
    }
    assert found == {}


@pytest.mark.parametrize("path", ["", "strategies", "risk", "portfolio"])
def test_nothing_is_wrong_with_a_page_of_options(browser: "Browser", optioned: Served, path: str) -> None:
    assert "wheel" in optioned.ask("/strategies").text
    found = {
        (width, scheme): looked_at(browser, optioned, path, width, scheme) for width in WIDTHS for scheme in SCHEMES
    }
    assert {where: wrong for where, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("path", PAGES)
def test_everything_is_reached_by_keyboard_and_shows_where_one_is(browser: "Browser", demo: Served, path: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
    try:
        page = context.new_page()
        page.goto(f"{demo.origin}/{path}", wait_until="load")
        wanted = page.evaluate(REACHABLE)
        found = set()
        for _ in range(wanted + 12):
            page.keyboard.press("Tab")
            told = page.evaluate(FOCUSED)
            assert told is None or told[1], told
            found.add(told and told[0])
        assert len(found - {None}) >= wanted
    finally:
        context.close()


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_wrong_with_a_page_before_the_first_run(browser: "Browser", empty: Served, path: str) -> None:
    assert looked_at(browser, empty, path, 390, "dark") == []


def test_the_policy_of_the_server_hinders_nothing_of_its_pages(browser: "Browser", demo: Served) -> None:
    page = browser.new_page()
    wrong: list[str] = []
    page.on("console", lambda told: wrong.append(told.text) if told.type == "error" else None)
    try:
        for path in PAGES:
            page.goto(f"{demo.origin}/{path}", wait_until="load")
            shows(page, "#live", "live")
        assert wrong == []
    finally:
        page.close()


def test_an_open_page_renews_itself_says_when_it_is_old_and_comes_back(browser: "Browser", tmp_path: Path) -> None:
    recorded(tmp_path / "data")
    page = browser.new_page()
    try:
        with served(tmp_path) as server:
            page.goto(server.origin, wait_until="load")
            shows(page, "#live", "live")
            assert call(tmp_path, "halt", "--why", "storm over the sea").code == 0
            shows(page, "main", "storm over the sea", 3)
            port = server.port
            server.process.kill()
        shows(page, "#live", "as of", 30)
        assert call(tmp_path, "resume").code == 0
        with served(tmp_path, "--port", str(port)):
            shows(page, "#live", "live", 30)
            shows(page, "main", "storm over the sea", 10, not_any_more=True)
    finally:
        page.close()


def test_a_session_played_elsewhere_appears_on_open_pages_within_a_second_of_each_commit(
    browser: "Browser", tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text('[portfolio]\nstrategy = "buy_and_hold"\n')
    assert call(tmp_path, "note", "before the first session").code == 0
    # 18 shares at 111.02 or so of 5,000 USD that are traded with 40 %: what each kind of event brings to a page.
    awaited = {
        "decision": ("", "nothing was held"),
        "order": ("trades", "BUY 18 MTUM MOC"),
        "fill": ("trades", "18 filled"),
        "equity": ("", "4,995.12 USD"),
    }
    pages = {path: browser.new_page() for path in ("", "trades")}
    shown: dict[str, float] = {}
    try:
        with served(tmp_path) as server, Commits(tmp_path / "data" / "mtum.db") as commits:
            for path, page in pages.items():
                page.goto(f"{server.origin}/{path}", wait_until="load")
                shows(page, "#live", "live")
            played = subprocess.Popen(
                [sys.executable, "-m", "mtum", "run", "--quiet"], cwd=tmp_path, stdout=subprocess.DEVNULL
            )
            until = time.monotonic() + 60
            while len(shown) < len(awaited) and time.monotonic() < until:
                texts = {path: page.locator("main").text_content() or "" for path, page in pages.items()}
                at = time.monotonic()
                for kind, (path, words) in awaited.items():
                    if words in texts[path]:
                        shown.setdefault(kind, at)
            assert played.wait(60) in (0, 5)
    finally:
        for page in pages.values():
            page.close()
    late = {kind: round(shown[kind] - commits.first(kind), 3) for kind in awaited}
    print(late)
    assert max(late.values()) < 1, late


def test_the_portfolio_of_the_demo_fills_every_page_without_settings_and_asks_nobody_else(
    browser: "Browser", tmp_path: Path
) -> None:
    assert call(tmp_path, "demo", "--portfolio", "--sessions", "12", "--quiet").code == 0
    context = browser.new_context()
    asked: list[str] = []
    wrong: list[str] = []
    try:
        page = context.new_page()
        context.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda told: wrong.append(told.text) if told.type == "error" else None)
        with served(tmp_path) as server:
            for path in PAGES:
                page.goto(f"{server.origin}/{path}", wait_until="load")
                shows(page, "#live", "live")
                shows(page, "#banner", "newest demo")
                shows(page, "main", "Nothing is recorded yet", not_any_more=True)
                assert page.locator("main .card").count() >= 2
        assert len(asked) > len(PAGES)
        assert [url for url in asked if not url.startswith(server.origin)] == []
        assert wrong == []
    finally:
        context.close()


def test_halting_takes_one_tick_and_one_tap_and_works_by_keyboard(browser: "Browser", tmp_path: Path) -> None:
    recorded(tmp_path / "data")
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    try:
        with served(tmp_path) as server:
            page.goto(server.origin, wait_until="load")
            page.get_by_label("why").fill("<b>storm</b>")
            page.get_by_label("yes, halt").press("Space")
            page.get_by_role("button", name="Halt", exact=True).press("Enter")
            shows(page, "main", "halted (full) by person: <b>storm</b>")
            assert re.fullmatch(rf"{server.origin}/", page.url)
            page.locator("summary", has_text="Resume").click()
            page.get_by_label("type resume").fill("resume")
            page.get_by_role("button", name="Lift the halts").click()
            shows(page, "main", "halted (full)", not_any_more=True)
    finally:
        context.close()
