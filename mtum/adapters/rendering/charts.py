"""Draws a chart: as PNG for mails and files, as SVG in the colors of the page it stands in."""

import re
from collections.abc import Sequence
from datetime import date
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from mtum.adapters.rendering import style
from mtum.adapters.rendering.style import LIGHT
from mtum.core.market.bars import Column
from mtum.core.reporting.charts import Chart, Days, Line, Mark, Panel
from mtum.core.reporting.figures import minus
from mtum.core.strategies.description import Role

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEFT, TOP, BOTTOM, GAP, ROW = 0.46, 0.24, 0.2, 0.32, 0.62
"""Inches beside the panels, above, below and between them, and of a panel's height."""
_LETTER, _LONGEST = 0.07, 11
"""Inches of a letter of a line's name at the right of a panel, and the letters there is room for."""
_SUBS = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0), (1.0, 2.0, 5.0)
"""Where a logarithmic scale has labels within each power of ten; the first that do not touch."""
_LINE = 1.25
"""Height of a line of words, in sizes of its letters."""
_APART = 0.55
"""Words of two marks closer than this, in inches, would touch."""
_SHAPES = {"bought": (6, LIGHT["good"]), "sold": (7, LIGHT["bad"]), "projected": ("D", LIGHT["bad"])}
"""Marker and color: an arrow head stands below what was bought and above what was sold, its tip at the price."""
_LEVELS = {Role.ENTRY: ("enter", LIGHT["good"]), Role.EXIT: ("exit", LIGHT["bad"])}
_DASHES = {
    "solid": ("-", ""),
    "dashed": ((0, (5, 2)), "\N{BOX DRAWINGS LIGHT DOUBLE DASH HORIZONTAL}"),
    "dotted": ((0, (1, 1.6)), "\N{BOX DRAWINGS LIGHT QUADRUPLE DASH HORIZONTAL}"),
    "mixed": ((0, (5, 1.5, 1, 1.5)), "\N{BOX DRAWINGS HEAVY TRIPLE DASH HORIZONTAL}"),
}
"""How a line is drawn, and what stands before its name."""
_COLOR = re.compile("|".join(LIGHT.values()))
_NAME = {light: name for name, light in LIGHT.items()}
# Nothing is drawn outside its panel, and only the shapes of marks are referred to by their names.
_UNUSED = re.compile(
    r' id="(?!m[0-9a-f]{9,}")[^"]*"|font-family:[^";]*;? ?| clip-path="[^"]*"|<clipPath.*?</clipPath>|(?<=>)\s+',
    re.DOTALL,
)
_COORDINATES = re.compile(r'(?<= d=")[^"]+|(?<= [xy]=")[^"]+')


def png(chart: Chart) -> bytes:
    """Return the chart as PNG in the colors of a light page, the same bytes for the same chart."""
    return _saved(chart, style.NARROW, "png")


def svg(chart: Chart, inches: float, name: str) -> str:
    """Return the chart as SVG to stand in a page, the same text for the same chart.

    Words stay text, and colors are the page's variables, so that a dark page has a dark chart.

    Parameters
    ----------
    chart : Chart
        Panels over the same sessions, the oldest first.
    inches : float
        Width of the drawing, inches.
    name : str
        Class of the element.
    """
    drawn = _saved(chart, inches, "svg", salt=f"{chart.key}-{name}").decode()
    box, inside = re.findall(r'viewBox="([^"]+)"', drawn)[0], drawn[drawn.index('<g id="figure_1">') :]
    inside = _UNUSED.sub("", inside)
    inside = _COORDINATES.sub(lambda found: re.sub(r"(\.\d)\d+", r"\1", found[0]).replace("\n", ""), inside)
    inside = _COLOR.sub(lambda found: f"var(--{_NAME[found[0]]})", inside)
    sides = f'data-left="{72 * LEFT:g}" data-right="{72 * _right(chart):g}"'
    return f'<svg class="{name}" viewBox="{box}" {sides} aria-hidden="true">{inside}'


def svg_file(chart: Chart) -> str:
    """Return the chart as a document of its own, which follows the reader's light or dark scheme."""
    first, *rest = svg(chart, style.WIDE, "alone").split(" ", 1)
    light, dark = (";".join(f"--{name}:{shown[at]}" for name, shown in style.PALETTE.items()) for at in (0, 1))
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img"'
    look = f"svg{{{light};background:var(--card);font-family:sans-serif}}"
    look += f"@media(prefers-color-scheme:dark){{svg{{{dark}}}}}"
    opened, inside = rest[0].replace(' aria-hidden="true"', "").split(">", 1)
    return f"{first} {spaces} {opened}><title>{escape(chart.words)}</title><style>{look}</style>{inside}"


def _saved(chart: Chart, inches: float, kind: str, salt: str = "") -> bytes:
    from matplotlib import rc_context

    buffer = BytesIO()
    # Identifiers are hashes; salted with the chart's own name those of two charts in a page differ.
    unsigned = {"Date": None} if kind == "svg" else {"Software": None}
    with rc_context(
        {
            "font.family": [style.FONT],
            "font.size": style.FONT_POINTS,
            "path.simplify_threshold": 0.3,
            "svg.fonttype": "none",
            "svg.hashsalt": salt,
        }
    ):
        _figure(chart, inches).savefig(buffer, format=kind, dpi=style.DOTS_PER_INCH, metadata=unsigned)
    return buffer.getvalue()


def _figure(chart: Chart, inches: float) -> "Figure":
    from matplotlib.figure import Figure

    # A chart for a desk is less tall for its width.
    rows = [ROW * (inches / style.NARROW) ** 0.5 * (0.4 + panel.height) for panel in chart.panels]
    starts, labels = _dates(chart.days, inches)
    bottom = BOTTOM * (1 + max(label.count("\n") for label in labels))
    tall = TOP + sum(rows) + GAP * (len(rows) - 1) + bottom
    figure = Figure(figsize=(inches, tall), facecolor=LIGHT["card"])
    left, width, top, axes = LEFT / inches, 1 - (LEFT + _right(chart)) / inches, tall - TOP, list["Axes"]()
    for panel, height in zip(chart.panels, rows, strict=True):
        box = (left, (top - height) / tall, width, height / tall)
        axes.append(figure.add_axes(box, sharex=axes[0] if axes else None))
        _bare(axes[-1])
        _panel(axes[-1], panel, chart.days, height, inches)
        axes[-1].tick_params(labelbottom=panel is chart.panels[-1])
        top -= height + GAP
    axes[0].set_xlim(-0.5, len(chart.days) - 0.5)
    axes[0].set_xticks(starts, labels)
    return figure


def _right(chart: Chart) -> float:
    # What the longest name beside a panel needs.
    longest = max((len(name) for panel in chart.panels for _, name, _ in _ends(panel)), default=0)
    return 0.16 + _LETTER * min(longest, _LONGEST)


def _bare(ax: "Axes") -> None:
    ax.set_facecolor(LIGHT["card"])
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(LIGHT["line"])
    ax.grid(axis="y", color=LIGHT["line"], lw=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(length=0, labelsize=style.SMALL_POINTS, labelcolor=LIGHT["quiet"], pad=2)


def _panel(ax: "Axes", panel: Panel, days: Days, height: float, inches: float) -> None:
    x = np.arange(len(days), dtype=np.float64)
    floor: Column = np.zeros(len(days))
    for number, line in enumerate(panel.lines):
        if line.drawn == "stack":
            floor = _stacked(ax, line, x, floor)
        else:
            _line(ax, line, x, 1.0 if number else 1.3)
    for level, role in panel.levels:
        ax.axhline(level, color=_LEVELS[role][1], lw=0.8, ls=(0, (2, 2)))
    _scale(ax, panel, height)
    _marks(ax, panel.marks, days, inches)
    ax.set_title(panel.title, loc="left", fontsize=style.FONT_POINTS, color=LIGHT["ink"], pad=4)
    _names(ax, _ends(panel), height)


def _ends(panel: Panel) -> list[tuple[float, str, str]]:
    # Where on the scale a name stands at the right, the name, and its color.
    levels = [(level, f"{_LEVELS[role][0]} {level:g}", _LEVELS[role][1]) for level, role in panel.levels]
    lines = [line for line in panel.lines if line.drawn != "bars" and not np.isnan(line.values).all()]
    if len(panel.lines) == 1:
        return levels
    # A stacked line is named in the middle of its area.
    tops = np.cumsum([np.nan_to_num(line.values)[-1] if line.drawn == "stack" else 0.0 for line in lines]).tolist()
    at = [
        top - line.values[-1] / 2 if line.drawn == "stack" else line.values[~np.isnan(line.values)][-1]
        for line, top in zip(lines, tops, strict=True)
    ]
    return levels + [
        (float(place), f"{_DASHES[line.dash][1]}{line.name}", LIGHT[line.hue])
        for line, place in zip(lines, at, strict=True)
    ]


def _line(ax: "Axes", line: Line, x: Column, width: float) -> None:
    if line.drawn == "bars":
        # One shape for all: matplotlib takes as long for a bar as for a line.
        corners = np.add.outer(x, (-0.4, -0.4, 0.4, 0.4)), np.multiply.outer(np.nan_to_num(line.values), (0, 1, 1, 0))
        (bars,) = ax.fill(*map(np.ravel, corners), color=LIGHT["fill"], lw=0)
        bars.sticky_edges.y.append(0.0)
        return
    if line.drawn == "area":
        ax.fill_between(x, line.values, 0, color=LIGHT["fill"], lw=0)
    ax.plot(x, line.values, color=LIGHT[line.hue], lw=width, ls=_DASHES[line.dash][0], clip_on=False)


def _stacked(ax: "Axes", line: Line, x: Column, floor: Column) -> Column:
    # Returns what the next one stands on.
    top = floor + np.nan_to_num(line.values)
    ax.fill_between(x, floor, top, color=LIGHT[line.hue], alpha=0.55, lw=0)
    return top


def _scale(ax: "Axes", panel: Panel, height: float) -> None:
    from matplotlib.ticker import LogLocator, NullLocator

    largest = max((float(np.nanmax(np.abs(line.values), initial=0.0)) for line in panel.lines), default=0.0)
    if panel.log:
        # Powers of ten alone would leave a curve of a few years with one label, or none; over many decades more would
        # touch.
        ax.set_yscale("log")
        low, high = np.log10(ax.get_ylim())
        apart = style.SMALL_POINTS * _LINE / 72 * (high - low) / height
        subs = next((subs for subs in _SUBS if np.diff(np.log10([*subs, 10.0])).min() >= apart), (1.0,))
        ax.yaxis.set_major_locator(LogLocator(subs=subs))
        ax.yaxis.set_minor_locator(NullLocator())
    elif panel.bounds is not None:
        low, high = panel.bounds
        ax.set_ylim(low, high)
        ax.set_yticks([low, (low + high) / 2, high])
    else:
        ax.locator_params(axis="y", nbins=4)
        if panel.from_zero:
            low, high = ax.get_ylim()
            negative = any((line.values < 0).any() for line in panel.lines)
            ax.set_ylim(low if negative else 0.0, max(high, 0.0))
        elif panel.marks:
            ax.margins(y=0.16)  # room for their words
    unit, letter = (1e6, "M") if largest >= 2e6 else (1e3, "k") if largest >= 1e5 else (1.0, "")
    ax.yaxis.set_major_formatter(lambda amount, _: minus(f"{amount / unit:,.8g}{letter if amount else ''}"))


def _marks(ax: "Axes", marks: Sequence[Mark], days: Days, inches: float) -> None:
    last, apart = -np.inf, len(days) * _APART / inches
    for kind, (shape, color) in _SHAPES.items():
        own = [(_place(mark, days), mark.value) for mark in marks if mark.kind == kind]
        drawn = [(at, value) for at, value in own if at < len(days)]
        if drawn:
            size = 5.5 if len(drawn) < 20 else 4.6
            ax.plot(*zip(*drawn, strict=True), ls="", marker=shape, ms=size, color=color, mew=0, clip_on=False)
    for mark in marks:
        at = _place(mark, days)
        # Words that would run into the ones before are left out; the shape still tells.
        if mark.words and at < len(days) and at - last > apart:
            # Near an end of the panel they stay inside it, clear of the names of the lines.
            side = "left" if at < 0.1 * len(days) else "right" if at > 0.9 * len(days) else "center"
            ax.annotate(
                mark.words,
                (at, mark.value),
                xytext=(0, 7),
                textcoords="offset points",
                ha=side,
                fontsize=style.SMALL_POINTS,
                color=_SHAPES[mark.kind][1],
                bbox={"facecolor": LIGHT["card"], "alpha": 0.75, "edgecolor": "none", "pad": 0.6},
            )
            last = at


def _place(mark: Mark, days: Days) -> int:
    return int(np.searchsorted(days, np.datetime64(mark.session, "D")))


def _names(ax: "Axes", names: Sequence[tuple[float, str, str]], height: float) -> None:
    # Names stand at the ends of the lines instead of in a legend, and are kept apart where they would touch.
    apart = style.SMALL_POINTS * _LINE / 72 / height
    ax.get_ylim()  # settles the scale, which the next line reads
    to_axes = ax.transData + ax.transAxes.inverted()
    wanted = sorted((float(to_axes.transform((0.0, level))[1]), name, color) for level, name, color in names)
    placed: list[float] = []
    for place, _, _ in wanted:
        placed.append(max(place, placed[-1] + apart) if placed else place)
    # What was pushed out above the panel pushes the ones below it back.
    for number in reversed(range(len(placed))):
        ceiling = 1.0 if number + 1 == len(placed) else placed[number + 1] - apart
        placed[number] = min(placed[number], ceiling)
    for place, (_, name, color) in zip(placed, wanted, strict=True):
        short = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 2]}…"
        at = (1.0, place)
        ax.annotate(
            short, at, xytext=(3, 0), xycoords="axes fraction", textcoords="offset points", va="center",
            fontsize=style.SMALL_POINTS, color=color,
        )  # fmt: skip


def _dates(days: Days, inches: float) -> tuple[list[int], list[str]]:
    # Places and names of the days, months or years that begin; of many only so many as fit.
    within = days.dtype != np.dtype("datetime64[D]")
    unit = "D" if within else "Y" if len(days) > 756 else "M"
    periods = days.astype(f"datetime64[{unit}]")
    starts = np.flatnonzero(periods[1:] != periods[:-1]) + 1
    every = max(1, -(-len(starts) // int(inches * 1.5)))
    # A name at the very left would touch the lowest one of the scale, one at the very right the name of a line.
    margin = len(days) * _APART / 2 / inches
    inside = starts[(starts > margin) & (starts < len(days) - margin)]
    shown = inside[::every] if len(inside) else np.array([0])
    years = len(starts) > 12
    if within:
        return shown.tolist(), [f"{at:%b %d}" for at in days[shown].astype("datetime64[D]").tolist()]
    labels = [f"{day:%Y}" if unit == "Y" else _month(day, years=years) for day in days[shown].tolist()]
    return shown.tolist(), labels


def _month(day: date, *, years: bool) -> str:
    return f"{day:%b}\n{day:%Y}" if years or day.month == 1 else f"{day:%b}"
