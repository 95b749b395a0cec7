"""What charts show: panels of lines over the same sessions, with marks and levels. A strategy says which lines."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import cycle
from typing import Literal

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from mtum.core.market.bars import Column
from mtum.core.reporting import figures
from mtum.core.strategies.description import ChartPanel, IndicatorSpec, Role

type Days = NDArray[np.datetime64]
type Hue = Literal["first", "second", "third", "good", "bad", "quiet"]
"""A color of the palette, which has one for light pages and one for dark ones."""
HUES: tuple[Hue, ...] = ("first", "second", "third", "good", "bad", "quiet")
OVER_PRICE: tuple[Hue, ...] = ("second", "third", "quiet")
"""Of lines beside the close and the marks of trades, which have the others."""
type Dash = Literal["solid", "dashed", "dotted", "mixed"]
DASHES: tuple[Dash, ...] = ("solid", "dashed", "dotted", "mixed")


class Line(Struct, frozen=True, eq=False):
    """A value per session under a name; NaN leaves a gap. Values have shape (n_sessions,).

    What is drawn as a "stack" stands on the stacked lines before it in its panel.
    """

    name: str
    values: Column
    hue: Hue = "first"
    drawn: Literal["line", "area", "bars", "stack"] = "line"
    dash: Dash = "solid"


def told_apart(named: Iterable[tuple[str, Column]], hues: Sequence[Hue] = HUES) -> tuple[Line, ...]:
    """Return every line in a look of its own: first the colors, then the same in dashes, dots and both."""
    looks = cycle((hue, dash) for dash in DASHES for hue in hues)
    return tuple(Line(name, line, hue, dash=dash) for (name, line), (hue, dash) in zip(named, looks, strict=False))


class Mark(Struct, frozen=True):
    """Something that happened in a session, at its place on the panel's scale.

    Parameters
    ----------
    words : str
        One or two words that stand beside it where there is room.
    told : str
        What a reader who points at it is told.
    """

    session: date
    value: float
    kind: Literal["bought", "sold", "projected"]
    words: str = ""
    told: str = ""


class Panel(Struct, frozen=True, eq=False):
    """Lines over one scale.

    Parameters
    ----------
    levels : tuple of (float, Role)
        Thresholds, in the unit of the lines.
    bounds : (float, float) or None
        Lowest and highest value where the scale is fixed.
    log : bool
        Logarithmic scale; all values are above zero.
    from_zero : bool
        Whether the scale reaches to zero.
    height : float
        Against the panels beside it.
    """

    title: str
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...] = ()
    levels: tuple[tuple[float, Role], ...] = ()
    bounds: tuple[float, float] | None = None
    log: bool = False
    from_zero: bool = False
    height: float = 1.0


class Chart(Struct, frozen=True, eq=False):
    """Panels over the same sessions, the oldest first.

    Parameters
    ----------
    key : str
        Names it for style sheets, mails and tests.
    words : str
        What it shows, for readers who do not see it.
    section : str
        Key of the section it stands in; empty for one of the whole report.
    """

    key: str
    days: Days
    panels: tuple[Panel, ...]
    words: str
    section: str = ""


def span(days: Days) -> str:
    """Return the first and the last session in words."""
    return f"{figures.day(days[0].astype(object))} to {figures.day(days[-1].astype(object))}"


def market_panels(
    symbol: str,
    close: Line,
    specified: Sequence[ChartPanel],
    columns: Mapping[str | IndicatorSpec, Column],
    *,
    words: Mapping[str, str],
    marks: tuple[Mark, ...] = (),
) -> tuple[Panel, ...]:
    """Return the price with what lies over it and the trades, and the strategy's own panels below it.

    Parameters
    ----------
    symbol : str
        Ticker.
    close : Line
        A value per session under a name; NaN leaves a gap. Values have shape (n_sessions,).
    specified : sequence of ChartPanel
        What the strategy's `panels()` returns; one without a title lies over the price.
    columns : mapping of name or indicator to ndarray of float64, shape (n_sessions,)
        Every line that a panel names; NaN where it has no value.
    words : mapping of name to str
        What the strategy calls its indicators.
    marks : tuple of Mark
        Trades in USD per share; a projected one is a volume in shares.
    """
    trades = tuple(mark for mark in marks if mark.kind != "projected")
    projected = tuple(mark for mark in marks if mark.kind == "projected")
    over = [line for panel in specified if not panel.title for line in panel.lines]
    called = f" and {len(over)} lines" if over else ""
    if len(over) == 1:
        ((name, label),) = over
        called = f" and its {(words.get(name, '') if isinstance(name, str) else name.words) or label}"
    lines = (close, *told_apart(((label, columns[name]) for name, label in over), OVER_PRICE))
    price = Panel(f"{symbol} close{called}, USD", lines, trades, height=2.5)
    return (price, *(_own_panel(panel, columns, projected) for panel in specified if panel.title))


def _own_panel(panel: ChartPanel, columns: Mapping[str | IndicatorSpec, Column], projected: tuple[Mark, ...]) -> Panel:
    drawn = [(label, columns[name]) for name, label in panel.lines]
    if not panel.bars:
        return Panel(
            panel.title, told_apart(drawn), levels=panel.levels, bounds=panel.bounds, from_zero=panel.bounds is None
        )
    (first, bars), *others = drawn
    unit, unit_words = volume_unit(bars)
    beside = told_apart(((label, line / unit) for label, line in others), OVER_PRICE)
    lines = (Line(first, bars / unit, "first", "bars"), *beside)
    marks = projected if panel.lines[0][0] == "volume" else ()
    title = f"{panel.title}{unit_words}{' (\N{BLACK DIAMOND} projected)' if marks else ''}"
    placed = tuple(replace(mark, value=mark.value / unit) for mark in marks)
    return Panel(title, lines, placed, levels=panel.levels, from_zero=True)


def volume_unit(volume: Column) -> tuple[float, str]:
    """Return what to divide numbers of shares by, and the words that say so."""
    top = float(np.nanmax(volume, initial=0.0))
    for unit, name in ((1e9, ", billions"), (1e6, ", millions"), (1e3, ", thousands")):
        if top >= unit:
            return unit, name
    return 1.0, ", shares"


def market_words(symbol: str, days: Days, panels: tuple[Panel, ...]) -> str:
    """Return what the market panels show in two or three sentences.

    Parameters
    ----------
    symbol : str
        Ticker.
    days : ndarray of datetime64[D]
        Sessions, oldest first, shape (n_sessions,).
    panels : tuple of Panel
        The panels that are described.
    """
    price, *below = panels
    close = _last(price.lines[0])
    told = [f"{symbol}, {span(days)}: close {figures.number(close)} USD"]
    for line in price.lines[1:]:
        side = "above" if (close or 0.0) > float(line.values[-1]) else "below"
        told.append(f"{side} {line.name} ({figures.number(_last(line))})")
    others = [
        f"{line.name} {figures.number(_last(line), 1 if panel.bounds else 2)}"
        for panel in below
        if panel.lines[0].drawn != "bars"
        for line in panel.lines
    ]
    lines = f" {', '.join(others)}." if others else ""
    bought = sum(mark.kind == "bought" for mark in price.marks)
    return f"{', '.join(told)}.{lines} {bought} entries and {len(price.marks) - bought} exits are marked."


def equity_panels(own: Line, held: Line, falls: tuple[Column, Column], *, log: bool = False) -> tuple[Panel, Panel]:
    """Return equity against buying and holding, and below it how far both are below their peaks.

    Parameters
    ----------
    own, held : Line
        Equity in USD.
    falls : (ndarray, ndarray) of float64, shape (n_sessions,) each
        Drawdowns of the two as fractions in (-1, 0].
    log : bool
        Whether the axis of the equity is logarithmic.
    """
    title = f"Equity against buy and hold, USD{', logarithmic' if log else ''}"
    below = (Line(own.name, 100 * falls[0], own.hue, "area"), Line(held.name, 100 * falls[1], held.hue))
    return Panel(title, (own, held), log=log, height=2.0), Panel("Drawdown, %", below)


def equity_words(days: Days, panels: tuple[Panel, ...]) -> str:
    """Return what the equity panels show in two sentences, three where a panel of sleeves follows them."""
    equity, falls, *sleeves = panels
    own, held = equity.lines
    deepest, of_holding = (_deepest(line.values) for line in falls.lines)
    earned = [f"{line.name} {figures.number(_last(line), sign=True)}" for panel in sleeves for line in panel.lines]
    return (
        f"Equity, {span(days)}: {figures.number(_last(own))} USD; buy and hold {figures.number(_last(held))} USD. "
        f"Max drawdown {figures.percent(deepest)}, holding {figures.percent(of_holding)}."
        + (f" Earned since each sleeve began: {', '.join(earned)} USD." if earned else "")
    )


def _last(line: Line) -> float | None:
    amount = float(line.values[-1])
    return None if np.isnan(amount) else amount


def _deepest(percents: Column) -> float | None:
    amount = float(percents.min()) / 100
    return None if np.isnan(amount) else amount
