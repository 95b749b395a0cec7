"""Charts as SVG made on the server: words keep their size at any width, and no style stands in an element."""

import json
from collections.abc import Callable, Sequence
from math import isfinite, log10

from msgspec import Struct

from mtum.web.html import Child, Html, joined, number, table, tag

MOST_POINTS = 360
"""Points of a curve; more would not be seen, and cost time."""
TABLE_ROWS = 60
_HUES = ("first", "second", "third", "good", "bad")
_WIDTH = 1000


class Curve(Struct, frozen=True):
    """Values under a name, one per label; None leaves a gap."""

    name: str
    values: Sequence[float | None]
    area: bool = False


class Marked(Struct, frozen=True):
    """Something that happened at a label: an entry or an exit."""

    place: int
    value: float
    entry: bool
    words: str


def distance_bar(value: float | None, threshold: float | None, *, passed: bool) -> Html | None:
    """Return how near a value is to its threshold; None where there is nothing to compare.

    Parameters
    ----------
    value : float or None
        Value, in the threshold's unit; None is unknown.
    threshold : float or None
        Threshold, in the unit of the value; None is unknown.
    passed : bool
        Whether the condition holds.
    """
    if value is None or threshold is None or not (isfinite(value) and isfinite(threshold)):
        return None
    low, high = min(0.0, value, threshold) * 1.1, max(0.0, value, threshold) * 1.1
    wide = high - low or 1.0
    zero, at, mark = ((one - low) / wide * 100 for one in (0.0, value, threshold))
    return tag(
        "svg",
        tag("rect", x="0", y="3", width="100%", height="8", rx="3", class_="track"),
        tag(
            "rect",
            x=f"{min(zero, at):.1f}%",
            y="3",
            width=f"{abs(at - zero):.1f}%",
            height="8",
            rx="3",
            class_="bar ok" if passed else "bar no",
        ),
        tag("line", x1=f"{mark:.1f}%", x2=f"{mark:.1f}%", y1="0", y2="14", class_="level"),
        height="14",
        aria_hidden="true",
    )


def use_bar(use: float | None, *, limit: bool = True) -> Html | None:
    """Return how much of a whole is used; near the end of a limit it warns."""
    if use is None or not isfinite(use):
        return None
    wide = min(max(use, 0.0), 1.0) * 100
    return tag(
        "svg",
        tag("rect", x="0", y="2", width="100%", height="8", rx="3", class_="track"),
        tag(
            "rect",
            x="0",
            y="2",
            width=f"{wide:.1f}%",
            height="8",
            rx="3",
            class_="bar over" if limit and use >= 0.8 else "bar",
        ),
        height="12",
        aria_hidden="true",
    )


def thinned(count: int, values: Sequence[float | None], most: int = MOST_POINTS) -> list[int]:
    """Return the places that are drawn: of each stretch its lowest and its highest value, so that no peak is lost.

    Parameters
    ----------
    count : int
        How many values there are.
    values : sequence of float or None
        Values; None leaves a gap.
    most : int
        How many are drawn at most.
    """
    if count <= most:
        return list(range(count))
    kept = {0, count - 1}
    stretch = 2 * count / most
    for number_ in range(most // 2):
        begin, end = int(number_ * stretch), min(count, int((number_ + 1) * stretch))
        known = [at for at in range(begin, end) if _known(values[at])]
        if known:
            kept |= {min(known, key=lambda at: values[at] or 0.0), max(known, key=lambda at: values[at] or 0.0)}
    return sorted(kept)


def _known(value: float | None) -> bool:
    return value is not None and isfinite(value)


class Chart(Struct, frozen=True):
    """Curves over the same labels.

    Parameters
    ----------
    says : str
        A sentence that says what it shows.
    told : callable
        How a value is written.
    marks : sequence of Marked
        Entries and exits, on the scale of the first curve.
    log : bool
        Logarithmic, where all values are above zero.
    most : int
        Points drawn at most; fewer where a page has many charts.
    """

    title: str
    says: str
    labels: Sequence[str]
    curves: Sequence[Curve]
    told: Callable[[float | None], str] = number
    marks: Sequence[Marked] = ()
    log: bool = False
    most: int = MOST_POINTS


def drawn(chart: Chart, height: int = 240) -> Html:
    """Return a chart with its sentence above it and its values as a table below it."""
    title, labels, curves, told = chart.title, chart.labels, chart.curves, chart.told
    shown = thinned(len(labels), curves[0].values, chart.most) if curves else []
    values = [one for curve in curves for at in shown if _known(one := curve.values[at]) and one is not None]
    if len(shown) < 2 or not values:
        return tag("figure", tag("figcaption", f"{title}: too few values to draw yet."), class_="chart")
    scale = _Scale.of(values, log=chart.log and min(values) > 0, zero=any(curve.area for curve in curves))
    step = _WIDTH / max(len(shown) - 1, 1)
    places = {at: place * step for place, at in enumerate(shown)}
    inside = [_drawn(curve, number_, places, scale, height) for number_, curve in enumerate(curves)]
    plot = tag("svg", *inside, x="0", y="0", width="100%", height=height, viewBox=f"0 0 {_WIDTH} {height}",
               preserveAspectRatio="none")  # fmt: skip
    near = sorted(places)
    pins = [
        _pin(one, places[min(near, key=lambda at: abs(at - one.place))] / _WIDTH * 100, scale.y(one.value, height))
        for one in chart.marks
    ]
    whole = tag(
        "svg", *_grid(scale, height), plot, *pins, *_levels(scale, height, told),
        *_days([labels[at] for at in shown], height), tag("line", y1="0", y2=height, class_="cross"),
        height=height + 22, class_="plot", tabindex="0", role="img", aria_label=f"{title}. {chart.says}",
    )  # fmt: skip
    points = [
        f"{labels[at]}: " + ", ".join(f"{curve.name} {told(curve.values[at])}" for curve in curves) for at in shown
    ]
    every = len(shown) / min(len(shown), TABLE_ROWS)
    rows = [shown[int(place * every)] for place in range(min(len(shown), TABLE_ROWS))]
    cells = [[labels[at], *(told(curve.values[at]) for curve in curves)] for at in rows]
    listing = table(["session", *(curve.name for curve in curves)], cells, title, wide=True)
    return tag(
        "figure",
        tag("h3", title),
        tag("figcaption", chart.says),
        whole,
        tag("p", "", class_="told", aria_live="off"),
        _legend(curves) if len(curves) > 1 else None,
        tag("details", tag("summary", "Table"), listing),
        class_="chart",
        data_points=json.dumps(points, ensure_ascii=False, allow_nan=False),
    )


class _Scale(Struct, frozen=True):
    low: float
    high: float
    log: bool

    @classmethod
    def of(cls, values: Sequence[float], *, log: bool, zero: bool) -> "_Scale":
        low, high = min(values), max(values)
        if zero:
            low, high = min(low, 0.0), max(high, 0.0)
        if log:
            low, high = log10(low), log10(high)
        room = (high - low) * 0.06 or abs(high) * 0.01 or 1.0
        below, above = low - (0 if zero and low == 0 else room), high + (0 if zero and high == 0 else room)
        return cls(below, above if above > below else below + 1.0, log)

    def y(self, value: float, height: float) -> float:
        at = log10(value) if self.log else value
        return round(height * (1 - (at - self.low) / (self.high - self.low)), 1)

    def levels(self) -> list[float]:
        if self.log:
            return [10 ** (self.low + (self.high - self.low) * part) for part in (0.12, 0.5, 0.88)]
        raw = (self.high - self.low) / 4
        power = 10.0 ** int(log10(raw) // 1)
        step = next(power * one for one in (1, 2, 2.5, 5, 10) if power * one >= raw)
        first = int(self.low // step) + 1
        return [at * step for at in range(first, first + 6) if at * step < self.high]


def _drawn(curve: Curve, number_: int, places: dict[int, float], scale: _Scale, height: int) -> Html:
    parts, pen = [], "M"
    for at, x in places.items():
        value = curve.values[at]
        if value is None or not isfinite(value):
            pen = "M"
            continue
        parts.append(f"{pen}{x:.1f} {scale.y(value, height)}")
        pen = "L"
    path = "".join(parts)
    if curve.area and parts:
        zero = scale.y(0.0, height)
        edge = list(places.values())
        return joined(tag("path", d=f"{path}L{edge[-1]:.1f} {zero}L{edge[0]:.1f} {zero}Z", class_="area"),
                      tag("path", d=path, class_="series bad"))  # fmt: skip
    return tag("path", d=path, class_=f"series {_HUES[number_ % len(_HUES)]}")


def _grid(scale: _Scale, height: int) -> list[Html]:
    levels = [scale.y(level, height) for level in scale.levels()]
    return [tag("line", x1="0", x2="100%", y1=y, y2=y, class_="grid") for y in levels]


def _levels(scale: _Scale, height: int, told: Callable[[float | None], str]) -> list[Html]:
    # Above the curves, or they could not be read.
    levels = [(told(level), scale.y(level, height)) for level in scale.levels()]
    if all(".00" in words for words, _ in levels):
        levels = [(words.replace(".00", ""), y) for words, y in levels]
    return [tag("text", words, x="2", y=round(y - 3, 1)) for words, y in levels if y > 12]


def _days(labels: Sequence[str], height: int) -> list[Child]:
    middle = labels[len(labels) // 2]
    spots = (("0%", "start", labels[0]), ("50%", "middle", middle), ("100%", "end", labels[-1]))
    return [tag("text", words, x=x, y=height + 16, text_anchor=anchor) for x, anchor, words in spots]


def _pin(mark: Marked, x: float, y: float) -> Html:
    # A nested picture has its own coordinates, so that the arrow is not stretched.
    shape = "M0 12 6 2 12 12Z" if mark.entry else "M0 2 6 12 12 2Z"
    arrow = tag("path", tag("title", mark.words), d=shape, class_="entry" if mark.entry else "exit")
    return tag("svg", tag("g", arrow, transform="translate(-6 0)"), x=f"{x:.2f}%", y=y + 3 if mark.entry else y - 15,
               overflow="visible", width="12", height="14")  # fmt: skip


def _legend(curves: Sequence[Curve], first: int = 0) -> Html:
    return tag(
        "ul",
        *(
            tag("li", tag("svg", tag("line", x1="0", x2="26", y1="5", y2="5",
                                    class_=f"series {'bad' if one.area else _HUES[at % len(_HUES)]}"),
                          aria_hidden="true"), one.name)
            for at, one in enumerate(curves, first)
        ),
        class_="legend",
    )  # fmt: skip


def bars_of(says: str, labels: Sequence[str], counts: Sequence[int]) -> Html:
    """Return how often each of some stretches was met.

    Parameters
    ----------
    says : str
        What the drawing shows, for those who hear it.
    labels : sequence of str
        Names of the stretches.
    counts : sequence of int
        How often each stretch was met.
    """
    most = max(counts) or 1
    rows = [
        (label, [f"{count} ", use_bar(count / most, limit=False)]) for label, count in zip(labels, counts, strict=True)
    ]
    return tag("figure", tag("figcaption", says), table(("basis points", "fills"), rows), class_="chart")


def candles(chart: Chart, bars: Sequence[tuple[float, float, float, float]], height: int = 280) -> Html:
    """Return open, high, low and close of each session; a hollow body closed higher, a filled one lower.

    Parameters
    ----------
    chart : Chart
        Its first curve has the closes; the others are drawn over the candles.
    bars : sequence of (float, float, float, float)
        Open, high, low and close.
    height : int
        Height of the drawing, pixels.
    """
    over = chart.curves[1:]
    known = [one for curve in over for one in curve.values if one is not None and isfinite(one)]
    known += [one for bar in bars if all(map(isfinite, bar)) for one in bar]
    if not known:
        return tag("figure", tag("figcaption", f"{chart.title}: too few values to draw yet."), class_="chart")
    scale = _Scale.of(known, log=False, zero=False)
    wide = 100 / len(bars)
    shapes: list[Child] = []
    for at, (first, high, low, last) in enumerate(bars):
        if not all(map(isfinite, (first, high, low, last))):
            continue
        middle, way = f"{(at + 0.5) * wide:.2f}%", "rise" if last >= first else "fall"
        top, bottom = scale.y(max(first, last), height), scale.y(min(first, last), height)
        shapes.append(tag("line", x1=middle, x2=middle, y1=scale.y(high, height), y2=scale.y(low, height), class_=way))
        shapes.append(tag("rect", x=f"{(at + 0.15) * wide:.2f}%", width=f"{wide * 0.7:.2f}%", y=top,
                          height=max(bottom - top, 1.0), class_=f"body {way}"))  # fmt: skip
    middles = {at: (at + 0.5) * _WIDTH / len(bars) for at in range(len(bars))}
    paths = [_drawn(curve, place, middles, scale, height) for place, curve in enumerate(over, 1)]
    curves = tag("svg", *paths, x="0", y="0", width="100%", height=height, viewBox=f"0 0 {_WIDTH} {height}",
                 preserveAspectRatio="none")  # fmt: skip
    heads = ("open", "high", "low", "close", *(curve.name for curve in over))
    cells = [[number(one) for one in (*bar, *(curve.values[at] for curve in over))] for at, bar in enumerate(bars)]
    points = [
        f"{label}: " + ", ".join(f"{head} {told}" for head, told in zip(heads, values, strict=True))
        for label, values in zip(chart.labels, cells, strict=True)
    ]
    rows = [[label, *values] for label, values in zip(chart.labels, cells, strict=True)][-TABLE_ROWS:]
    return tag(
        "figure",
        tag("h3", chart.title),
        tag("figcaption", f"{chart.says} A hollow body closed above its open, a filled one below."),
        tag("svg", *_grid(scale, height), *shapes, curves if over else None,
            *_levels(scale, height, number), *_days(chart.labels, height),
            tag("line", y1="0", y2=height, class_="cross"), height=height + 22, class_="plot", tabindex="0", role="img",
            aria_label=f"{chart.title}. {chart.says}"),
        tag("p", "", class_="told", aria_live="off"),
        _legend(over, 1) if over else None,
        tag("details", tag("summary", "Table"), table(("session", *heads), rows, chart.title, wide=True)),
        class_="chart",
        data_points=json.dumps(points, ensure_ascii=False, allow_nan=False),
    )  # fmt: skip
