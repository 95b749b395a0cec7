"""The charts of a report as PNG: market panels, and the sleeve against buy-and-hold."""

from collections.abc import Sequence
from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from mtum.adapters.rendering import style
from mtum.core.market.bars import Column
from mtum.core.reporting.figures import minus
from mtum.core.reporting.history import Days, EquityHistory, Mark, MarketHistory
from mtum.core.strategies.contract import ChartPanel, Role

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLORS = (style.PRICE, style.AVERAGE, style.BENCHMARK)
_SLEEVE_COLORS = (*_COLORS, style.BOUGHT, style.SOLD, style.QUIET)
_WORDS_APART = 0.13
"""Closer than this fraction of the width, the words of two exits would touch."""


def market_chart(history: MarketHistory) -> bytes:
    """Return the price with what lies over it and the trades, and the strategy's panels under it."""
    below = [panel for panel in history.panels if panel.title]
    figure, axes = _figure((3.0, *(1.2 for _ in below)), 2.2 + len(below))
    x = np.arange(len(history.days), dtype=np.float64)
    _price(axes[0], history, x)
    for ax, panel in zip(axes[1:], below, strict=True):
        (_bars if panel.bars else _lines)(ax, history, panel, x)
    _months(axes, history.days)
    return _png(figure)


def equity_chart(history: EquityHistory) -> bytes:
    """Return equity against buy-and-hold, the falls of both from their peaks, and what each sleeve has earned."""
    below = (1.8,) if history.sleeves else ()
    figure, axes = _figure((2.4, 1.2, *below), 3.3 + sum(below) * 0.8)
    x = np.arange(len(history.days), dtype=np.float64)
    axes[0].plot(x, history.equity, color=style.PRICE, lw=1.5)
    axes[0].plot(x, history.benchmark, color=style.BENCHMARK, lw=1.1)
    own = "account" if history.sleeves else "strategy"
    _ends(axes[0], ((history.equity, own, style.PRICE), (history.benchmark, "holding", style.BENCHMARK)))
    _titled(axes[0], "Equity against buy and hold, USD")
    axes[0].yaxis.set_major_formatter(lambda amount, _: f"{amount:,.0f}")
    axes[1].fill_between(x, 100 * history.drawdown, 0, color=style.FILL, lw=0)
    axes[1].plot(x, 100 * history.drawdown, color=style.PRICE, lw=1.0)
    axes[1].plot(x, 100 * history.benchmark_drawdown, color=style.BENCHMARK, lw=0.9)
    _titled(axes[1], "Below the peak, %")
    for ax in axes[2:]:
        earned = [
            (line, name if len(name) < 11 else f"{name[:9]}…", _SLEEVE_COLORS[place % len(_SLEEVE_COLORS)])
            for place, (name, line) in enumerate(history.sleeves.items())
        ]
        for line, _, color in earned:
            ax.plot(x, line, color=color, lw=1.1)
        _ends(ax, earned)
        _titled(ax, "Earned since each sleeve began, USD")
        ax.yaxis.set_major_formatter(lambda amount, _: minus(f"{amount:,.0f}"))
    _months(axes, history.days)
    return _png(figure)


def _figure(heights: Sequence[float], inches: float) -> "tuple[Figure, list[Axes]]":
    from matplotlib import rcParams
    from matplotlib.figure import Figure

    rcParams["font.family"] = [style.FONT]
    rcParams["font.size"] = style.FONT_POINTS
    figure = Figure(figsize=(style.WIDTH_INCHES, inches), facecolor=style.CARD)
    grid = figure.add_gridspec(
        len(heights),
        1,
        height_ratios=list(heights),
        left=0.13,
        right=0.84,
        top=1 - style.TOP_INCHES / inches,
        bottom=style.BOTTOM_INCHES / inches,
        hspace=0.36,
    )
    first = figure.add_subplot(grid[0])
    axes = [first, *(figure.add_subplot(grid[row], sharex=first) for row in range(1, len(heights)))]
    for ax in axes:
        _bare(ax)
    return figure, axes


def _bare(ax: "Axes") -> None:
    ax.set_facecolor(style.CARD)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(style.GRID)
    ax.grid(axis="y", color=style.GRID, lw=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(length=0, labelsize=style.SMALL_POINTS, colors=style.QUIET, pad=2)
    ax.locator_params(axis="y", nbins=4)


def _titled(ax: "Axes", title: str) -> None:
    ax.set_title(title, loc="left", fontsize=style.FONT_POINTS, color=style.INK, pad=3)


def _price(ax: "Axes", history: MarketHistory, x: Column) -> None:
    ax.plot(x, history.close, color=style.PRICE, lw=1.4)
    over = [(history.columns[name], label, style.AVERAGE) for name, label in history.overlays]
    for line, _, color in over:
        ax.plot(x, line, color=color, lw=1.1)
    named = "".join(f" and its {history.words.get(name) or label}" for name, label in history.overlays)
    _titled(ax, f"{history.symbol} close{named}, USD")
    ax.margins(y=0.16)
    _ends(ax, ((history.close, "close", style.PRICE), *over))
    last = -np.inf
    for mark in history.marks:
        at = int(np.searchsorted(history.days, np.datetime64(mark.session, "D")))
        if at < len(x):
            # Words that would run into the ones before are left out; the shape still tells.
            spoken = bool(mark.words) and at - last > len(x) * _WORDS_APART
            _mark(ax, float(x[at]), mark, _side(at, len(x)) if spoken else None)
            last = at if spoken else last


def _side(at: int, count: int) -> str:
    # Words near an end of the panel stay inside it, clear of the names of the lines.
    return "left" if at < 0.1 * count else "right" if at > 0.9 * count else "center"


def _mark(ax: "Axes", at: float, mark: Mark, side: str | None) -> None:
    color = style.BOUGHT if mark.bought else style.SOLD
    ax.plot([at], [mark.price], marker="^" if mark.bought else "v", ms=5.5, color=color, mec=style.CARD, mew=0.7)
    if side is not None:
        ax.annotate(
            mark.words,
            (at, mark.price),
            xytext=(0, 5),
            textcoords="offset points",
            ha=side,
            fontsize=style.SMALL_POINTS,
            color=color,
            bbox={"facecolor": style.CARD, "alpha": 0.75, "edgecolor": "none", "pad": 0.6},
        )


def _lines(ax: "Axes", history: MarketHistory, panel: ChartPanel, x: Column) -> None:
    drawn = [history.columns[name] for name, _ in panel.lines]
    for line, color in zip(drawn, _COLORS, strict=False):
        ax.plot(x, line, color=color, lw=1.0)
    if panel.bounds is not None:
        low, high = panel.bounds
        ax.set_ylim(low, high)
        ax.set_yticks([low, (low + high) / 2, high])
    else:
        known = [float(line[~np.isnan(line)].max()) for line in drawn if not np.isnan(line).all()]
        ax.set_ylim(0, 1.05 * max([*known, *(1.1 * level for level, _ in panel.levels)], default=1.0))
    _thresholds(ax, panel.levels)
    if len(panel.lines) > 1:
        _ends(ax, [(line, label, color) for line, (_, label), color in zip(drawn, panel.lines, _COLORS, strict=False)])
    _titled(ax, panel.title)


def _bars(ax: "Axes", history: MarketHistory, panel: ChartPanel, x: Column) -> None:
    first, *others = panel.lines
    unit, name = _volume_unit(history.columns[first[0]])
    ax.bar(x, history.columns[first[0]] / unit, width=0.8, color=style.FILL, lw=0)
    for line, _ in others:
        ax.plot(x, history.columns[line] / unit, color=style.AVERAGE, lw=1.1)
    _ends(ax, [(history.columns[line] / unit, label, style.AVERAGE) for line, label in others])
    if first[0] == "volume" and history.projected_volume is not None:
        ax.plot([x[-1]], [history.projected_volume / unit], marker="D", ms=2.6, color=style.SOLD)
        name += " (\N{BLACK DIAMOND} projected)"
    ax.set_ylim(bottom=0)
    _titled(ax, panel.title + name)


def _volume_unit(volume: Column) -> tuple[float, str]:
    top = float(np.nanmax(volume)) if len(volume) else 0.0
    for unit, name in ((1e9, ", billions"), (1e6, ", millions"), (1e3, ", thousands")):
        if top >= unit:
            return unit, name
    return 1.0, ", shares"


def _thresholds(ax: "Axes", levels: Sequence[tuple[float, Role]]) -> None:
    colors = {Role.ENTRY: style.BOUGHT, Role.EXIT: style.SOLD}
    words = {Role.ENTRY: "enter", Role.EXIT: "exit"}
    for level, role in levels:
        ax.axhline(level, color=colors[role], lw=0.8, ls=(0, (2, 2)))
    _named(ax, [(level, f"{words[role]} {level:g}", colors[role]) for level, role in levels], apart=0.24)


type _Ended = tuple[Column, str, str]


def _ends(ax: "Axes", lines: Sequence[_Ended]) -> None:
    # Names stand at the end of the lines instead of in a legend.
    known = [(float(line[~np.isnan(line)][-1]), name, color) for line, name, color in lines if not np.isnan(line).all()]
    _named(ax, known, apart=0.1)


def _named(ax: "Axes", names: Sequence[tuple[float, str, str]], apart: float) -> None:
    # Kept apart by a fraction of the panel's height where they would touch.
    low, high = ax.get_ylim()
    placed = -np.inf
    for level, name, color in sorted(names):
        placed = max(level, placed + apart * (high - low))
        ax.annotate(
            name,
            (1.01, placed),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=style.SMALL_POINTS,
            color=color,
        )


def _months(axes: "Sequence[Axes]", days: Days) -> None:
    months = days.astype("datetime64[M]")
    starts = np.flatnonzero(months[1:] != months[:-1]) + 1
    every = max(1, -(-len(starts) // 6))
    shown = starts[::every] if len(starts) else np.array([0])
    for ax in axes:
        ax.set_xlim(-1, len(days))
        ax.set_xticks(shown.tolist())
        ax.tick_params(labelbottom=False)
    axes[-1].tick_params(labelbottom=True)
    axes[-1].set_xticklabels([_month(day, years=len(starts) > 12) for day in days[shown].tolist()])


def _month(day: date, *, years: bool) -> str:
    return f"{day:%b}\n{day:%Y}" if years or day.month == 1 else f"{day:%b}"


def _png(figure: "Figure") -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=style.DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()
