"""The heat map of a sweep: the best of all combinations at each pair of values."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

from mtum.core.reporting.backtest.page import page, section, table
from mtum.core.reporting.backtest.svg import heat_color

type Change = Mapping[str, object]


def heat_map_page(changes: Sequence[Change], sharpes: Sequence[float], judged: Mapping[str, Any]) -> str:
    """Return a page with one map per pair of neighboring settings.

    Parameters
    ----------
    changes : sequence of mapping
        Settings of each combination.
    sharpes : sequence of float
        Yearly Sharpe ratio of each combination.
    judged : mapping
        The best combination and how likely it is luck, as `mtum sweep --json` gives them.
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
    return page("Sweep", words, [section("The best, and how far to trust it", _best(judged, len(changes))), *maps])


def _best(judged: Mapping[str, Any], tries: int) -> str:
    best = judged["best"]
    rows: list[tuple[str, object]] = [(_short(name), value) for name, value in best["settings"].items()]
    rows += [
        ("Sharpe ratio a year", best["sharpe"]),
        ("return a year, %", 100 * best["cagr_frac"]),
        ("deepest fall, %", 100 * best["max_drawdown_frac"]),
        ("trades", best["trades"]),
        (
            f"probability that it beats luck among {tries:,} tries, %",
            100 * judged["deflated_sharpe_probability"],
        ),
    ]
    if judged["overfitting_probability"] is not None:
        overfitted = 100 * judged["overfitting_probability"]
        rows.append(
            ("probability that the best of one half of history is below the median of the other, %", overfitted)
        )
    return table(("", ""), rows)


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
