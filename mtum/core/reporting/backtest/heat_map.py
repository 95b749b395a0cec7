"""The heat map of a sweep: the best of all combinations at each pair of values."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise

from mtum.core.reporting.backtest.page import page, section
from mtum.core.reporting.backtest.svg import heat_color

type Change = Mapping[str, object]


def heat_map_page(changes: Sequence[Change], sharpes: Sequence[float]) -> str:
    """Return a page with one map per pair of neighboring settings.

    Parameters
    ----------
    changes : sequence of mapping
        Settings of each combination.
    sharpes : sequence of float
        Yearly Sharpe ratio of each combination.
    """
    varying = [name for name in changes[0] if len({repr(change[name]) for change in changes}) > 1] or list(changes[0])
    pairs = list(pairwise(varying)) or [(varying[0], varying[0])]
    maps = [
        section(f"{_short(down)} by {_short(across)}", heat_map(changes, sharpes, down, across))
        for down, across in pairs
    ]
    words = (
        f"{len(changes)} combinations. A cell shows the mean Sharpe ratio a year over all combinations with its two "
        "values, the best of them when a pointer rests on it. Neighbors that agree say more than one bright cell."
    )
    return page("Sweep", words, maps)


def heat_map(changes: Sequence[Change], sharpes: Sequence[float], down: str, across: str) -> str:
    """Return one map as a table of colored cells."""
    cells: dict[tuple[str, str], list[float]] = {}
    for change, sharpe in zip(changes, sharpes, strict=True):
        cells.setdefault((str(change[down]), str(change[across])), []).append(sharpe)
    rows = list(dict.fromkeys(str(change[down]) for change in changes))
    columns = list(dict.fromkeys(str(change[across]) for change in changes))
    means = {key: sum(values) / len(values) for key, values in cells.items()}
    largest = max(abs(value) for value in means.values())
    head = "".join(f"<th>{escape(value)}</th>" for value in columns)
    body = "".join(
        f"<tr><th>{escape(row)}</th>"
        + "".join(_colored(cells.get((row, column), []), largest) for column in columns)
        + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _colored(values: Sequence[float], largest: float) -> str:
    if not values:
        return "<td></td>"
    mean = sum(values) / len(values)
    words = f"mean {mean:.2f}, best {max(values):.2f} of {len(values)}"
    return f'<td class="heat" style="background:{heat_color(mean, largest)}" title="{words}">{mean:.2f}</td>'


def _short(name: str) -> str:
    return name.rpartition(".")[2]
