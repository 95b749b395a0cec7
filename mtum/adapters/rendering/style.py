"""Colors and sizes of the charts: one look everywhere."""

INK = "#20242a"
QUIET = "#59616b"
GRID = "#e3e6ea"
CARD = "#f6f7f9"
PRICE = "#1f4e9c"
AVERAGE = "#b25a00"
BOUGHT = "#00695c"
SOLD = "#a3123a"
BENCHMARK = "#6b5b95"
FILL = "#c9d6ea"

WIDTH_INCHES = 4.0
"""At 100 dots per inch this is a phone's width in CSS pixels; charts are saved at twice that."""
DOTS_PER_INCH = 200
TOP_INCHES, BOTTOM_INCHES = 0.22, 0.34
FONT = "DejaVu Sans"
FONT_POINTS = 8.2
SMALL_POINTS = 7.6
"""About 10 CSS pixels on a phone of 390."""
