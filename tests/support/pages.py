"""A headless chromium for looking at pages, and what is measured on them."""

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NEEDED_CONTRAST = 4.5

# Every piece of visible text: its color against the nearest opaque background, and whether it is cut off. Of charts
# also the size of their smallest words, and words that touch. What scrolls sideways in a box of its own may.
MEASURE = """
() => {
  const rgb = (text) => { const parts = (text.match(/[\\d.]+/g) || []).map(Number);
    return text.startsWith("color(") ? parts.map((v, at) => at < 3 ? v * 255 : v) : parts; };
  const light = (c) => { const l = c.slice(0, 3).map((v) => { v /= 255;
    return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2]; };
  const behind = (node) => { for (let e = node; e; e = e.parentElement) {
    const c = rgb(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] > 0) return c; }
    return [255, 255, 255]; };
  const found = { contrast: 99, worst: "", clipped: [], touching: [], smallest: 99, images: 0,
    width: document.documentElement.scrollWidth };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const words = walker.currentNode.nodeValue.trim(); const e = walker.currentNode.parentElement;
    if (!words || !e.getClientRects().length || e.closest("script, [style*='max-height:0']")) continue;
    const a = light(rgb(getComputedStyle(e)[e.closest("svg") ? "fill" : "color"])), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < found.contrast) { found.contrast = ratio; found.worst = words; }
    const range = document.createRange(); range.selectNodeContents(walker.currentNode);
    for (const box of range.getClientRects())
      if (!e.closest(".scroll") && (box.right > innerWidth + 0.5 || box.left < -0.5)) found.clipped.push(words);
  }
  for (const image of document.images) if (image.complete && image.naturalWidth > 100 && image.alt) found.images += 1;
  const charts = [...document.querySelectorAll("figure[aria-label] svg")].filter((svg) => svg.clientWidth > 100);
  found.images += charts.length;
  found.pictures = charts.map((svg) => light(rgb(getComputedStyle(svg.querySelector("path")).fill)) > 0.5
    ? "light" : "dark");
  for (const svg of charts) {
    const on = svg.getBoundingClientRect(), scale = on.width / svg.viewBox.baseVal.width;
    const words = [...svg.querySelectorAll("text")].map((text) => [text, text.getBoundingClientRect()]);
    words.forEach(([text, box], at) => {
      found.smallest = Math.min(found.smallest, parseFloat(getComputedStyle(text).fontSize) * scale);
      if (box.right > on.right + 0.5 || box.left < on.left - 0.5) found.clipped.push(text.textContent);
      for (const [other, its] of words.slice(at + 1))
        if (box.left < its.right && its.left < box.right && box.top + 3 < its.bottom && its.top + 3 < box.bottom)
          found.touching.push(`${text.textContent} and ${other.textContent}`);
    });
  }
  return found;
}
"""


def shown_of(html: str) -> str:
    """Return the text of a page without its markup."""
    return unescape(re.sub(r"<[^>]+>", "", html))


@contextmanager
def chromium() -> "Iterator[Browser]":
    """Start a headless chromium; skips the test where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (group browser)")
    binary = shutil.which("chromium")
    if binary is None:
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=binary, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def measured(browser: "Browser", html: str, widths: Sequence[int], schemes: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Load a page once and measure it at each width in each color scheme; fails on any outside request."""
    context = browser.new_context()
    asked: list[str] = []
    try:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.set_content(html, wait_until="load")
        for width in widths:
            page.set_viewport_size({"width": width, "height": 900})
            for scheme in schemes:
                page.emulate_media(color_scheme=scheme)
                found: dict[str, Any] = page.evaluate(MEASURE)
                yield {**found, "asked_width": width, "scheme": scheme}
    finally:
        context.close()
    outside = [url for url in asked if not url.startswith(("data:", "about:"))]
    assert not outside, outside
