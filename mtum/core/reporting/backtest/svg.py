"""Charts as SVG text: lines over sessions, colored cells, marks on a price."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, isfinite, log10

WIDE, NARROW = 960, 400
"""Widths in about CSS pixels: a chart for a desk, and one for a phone, where the other's words are too small."""
_LABEL_UNITS = 44
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 10, 24
PALETTE = ("var(--first)", "var(--second)", "var(--third)", "var(--fourth)")
"""Colors of the page, which has others for the dark."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: name, color and a value per session; NaN leaves a gap."""

    name: str
    color: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Mark:
    """A point on a chart with the words shown when a pointer rests on it."""

    at: int
    value: float
    words: str
    up: bool


def line_chart(
    days: Sequence[str],
    lines: Sequence[Line],
    height: int = 260,
    *,
    width: int = WIDE,
    log: bool = False,
    marks: Sequence[Mark] = (),
) -> str:
    """Return a chart of lines over the same sessions.

    Parameters
    ----------
    days : sequence of str
        Labels of the sessions, `YYYY-MM-DD`.
    log : bool
        Logarithmic scale; all values must be above zero.
    """
    scale = _Scale.over([value for line in lines for value in line.values], height, log=log)
    step = (width - LEFT - RIGHT) / max(1, len(days) - 1)
    kind = "wide" if width == WIDE else "narrow"
    parts = [
        f'<svg viewBox="0 0 {width} {height}" role="img" class="chart {kind}" data-left="{LEFT}" '
        f'data-step="{step:.4f}" aria-label="{escape(", ".join(line.name for line in lines))}">'
    ]
    parts += [_grid_line(scale, tick, width) for tick in scale.ticks()]
    parts += _years(days, step, height)
    parts += [_path(line, scale, step) for line in lines]
    parts += [_marked(mark, scale, step) for mark in marks]
    parts.append('<line class="cursor" y1="0" y2="100%" x1="-9" x2="-9"/></svg>')
    return "".join(parts)


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float
    height: int
    log: bool

    @classmethod
    def over(cls, values: Sequence[float], height: int, *, log: bool) -> "_Scale":
        known = [value for value in values if isfinite(value)] or [0.0, 1.0]
        low, high = min(known), max(known)
        if log:
            return cls(log10(low), max(log10(high), log10(low) + 0.01), height, log=True)
        return cls(low, high if high > low else low + 1.0, height, log=False)

    def y(self, value: float) -> float:
        place = log10(value) if self.log else value
        return TOP + (self.high - place) / (self.high - self.low) * (self.height - TOP - BOTTOM)

    def ticks(self) -> list[float]:
        low, high = (10**self.low, 10**self.high) if self.log else (self.low, self.high)
        rough = (high - low) / 4
        power = 10 ** floor(log10(rough))
        step = next(power * nice for nice in (1, 2, 2.5, 5, 10) if power * nice >= rough)
        first = floor(low / step) + 1
        return [step * number for number in range(first, floor(high / step) + 1)]


def _grid_line(scale: _Scale, tick: float, width: int) -> str:
    y = scale.y(tick)
    words = f"{tick:,.0f}" if abs(tick) >= 100 else f"{tick:g}"
    return (
        f'<line class="grid" x1="{LEFT}" x2="{width - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{words}</text>'
    )


def _years(days: Sequence[str], step: float, height: int) -> list[str]:
    starts = [at for at in range(1, len(days)) if days[at][:4] != days[at - 1][:4]]
    every = max(1, ceil(_LABEL_UNITS * len(starts) / max(1.0, step * len(days))))
    return [
        f'<text class="tick" x="{LEFT + at * step:.1f}" y="{height - 6}" text-anchor="middle">{days[at][:4]}</text>'
        for at in starts[::every]
    ]


def _path(line: Line, scale: _Scale, step: float) -> str:
    words, pen = [], "M"
    for at, value in enumerate(line.values):
        if not isfinite(value):
            pen = "M"
            continue
        words.append(f"{pen}{LEFT + at * step:.1f} {scale.y(value):.1f}")
        pen = "L"
    return f'<path d="{"".join(words)}" fill="none" style="stroke:{line.color}" stroke-width="1.4"/>'


def _marked(mark: Mark, scale: _Scale, step: float) -> str:
    x, y = LEFT + mark.at * step, scale.y(mark.value)
    tip = 7 if mark.up else -7
    kind = "enter" if mark.up else "leave"
    return f'<path class="{kind}" d="M{x:.1f} {y:.1f}l-4 {tip}h8z"><title>{escape(mark.words)}</title></path>'


def heat_color(value: float, largest: float) -> str:
    """Color of a value between -largest (rust) and +largest (blue), pale at 0."""
    share = 0.0 if largest <= 0 or not isfinite(value) else max(-1.0, min(1.0, value / largest))
    red, green, blue = (31, 95, 168) if share >= 0 else (176, 80, 42)
    mixed = [round(250 + (part - 250) * abs(share) * 0.75) for part in (red, green, blue)]
    return f"rgb({mixed[0]},{mixed[1]},{mixed[2]})"


def legend(lines: Sequence[Line]) -> str:
    """Return the names of the lines in their colors."""
    return " ".join(f'<span class="key" style="--c:{line.color}">{escape(line.name)}</span>' for line in lines)
