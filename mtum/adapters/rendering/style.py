"""The palette of pages, mails and charts, and the sizes of the charts: one look everywhere."""

PALETTE = {
    "paper": ("#fdfdfc", "#15181c"),
    "ink": ("#20242a", "#e4e7eb"),
    "quiet": ("#59616b", "#a3acb7"),
    "line": ("#d9dde2", "#3a4048"),
    "card": ("#f6f7f9", "#1d2126"),
    "fill": ("#c9d6ea", "#2c4064"),
    "good": ("#00695c", "#5fc9b8"),
    "bad": ("#a3123a", "#ff8fa8"),
    "first": ("#1f4e9c", "#8fb4f2"),
    "second": ("#a65300", "#eba765"),
    "third": ("#6b5b95", "#c3b1f0"),
}
"""Name -> color on a light page and on a dark one; no two names share a light color."""
LIGHT = {name: light for name, (light, _) in PALETTE.items()}

NARROW, WIDE = 4.0, 7.6
"""Inches; a page on a phone shows the narrow ones, a desk the wide ones. Mails have the narrow ones."""
DOTS_PER_INCH = 200
"""A narrow PNG has two dots to each of its CSS pixels."""
FONT = "DejaVu Sans"
"""Widths are reckoned in it. On a page the words stay text, in the page's own font, which is no wider."""
FONT_POINTS, SMALL_POINTS = 8.4, 7.8
"""About 10 CSS pixels on a phone of 390."""
