"""A chart with its legend, its values under the pointer, and a form for the phone."""

import json
from collections.abc import Sequence
from math import isfinite

from mtum.core.reporting.backtest.svg import NARROW, PALETTE, WIDE, Line, Mark, legend, line_chart
from mtum.core.simulation.kernel.columns import Column

_MARKED = '<span class="enter">▲</span> bought <span class="leave">▼</span> sold, touch or point at one for the reason'


def lines_of(names: Sequence[str], columns: Sequence[Column]) -> list[Line]:
    """Return one line per name, in the colors of the page; columns have shape (n_sessions,)."""
    return [
        Line(name, color, [round(float(value), 4) for value in column])
        for name, color, column in zip(names, PALETTE, columns, strict=False)
    ]


def chart(
    days: list[str], lines: list[Line], *, height: int = 260, log: bool = False, marks: Sequence[Mark] = ()
) -> str:
    """Return a chart of lines over the same sessions for a desk and for a phone (see `svg.line_chart`)."""
    known = [
        {"name": line.name, "values": [round(value, 2) if isfinite(value) else None for value in line.values]}
        for line in lines
    ]
    held = json.dumps({"days": days, "lines": known}, separators=(",", ":"), allow_nan=False)
    drawn = "".join(line_chart(days, lines, height, width=width, log=log, marks=marks) for width in (WIDE, NARROW))
    return (
        f"<figure data-chart><p>{legend(lines)}{_MARKED if marks else ''}</p>{drawn}"
        f'<p class="tip">Touch or point at the chart to read values.</p>'
        f'<script type="application/json">{held}</script></figure>'
    )
