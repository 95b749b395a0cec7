"""The page of a sweep: the best combinations beside holding, and maps of the Sharpe ratio over pairs of settings."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

from mtum.core.reporting.backtest.page import named, page, section, setting_words, table, terms_words
from mtum.core.reporting.backtest.svg import heat_color

MOST_PLACES = 16
"""Values shown along a side of a map; of more, neighbors share a place."""

type Change = Mapping[str, object]


def heat_map_page(changes: Sequence[Change], sharpes: Sequence[float | None], found: Mapping[str, Any]) -> str:
    """Return a page with the best of all combinations and one map per pair of neighboring settings.

    Parameters
    ----------
    changes : sequence of mapping
        Settings of each combination.
    sharpes : sequence of float or None
        Yearly Sharpe ratio of each combination; None where its returns do not differ.
    found : mapping
        The result as `mtum sweep --json` gives it.
    """
    varying = [name for name in changes[0] if len({repr(change[name]) for change in changes}) > 1] or list(changes[0])
    pairs: list[tuple[str | None, str]] = [*pairwise(varying)] or [(None, varying[0])]
    maps = [
        section(
            f"{named(down)} by {named(across)}" if down else named(across), heat_map(changes, sharpes, down, across)
        )
        for down, across in pairs
    ]
    words = (
        f"{found['combinations']:,} combinations on {found['symbol']}, {found['start']} to {found['end']}, "
        f"{found['sessions']:,} sessions. {terms_words(found['terms'])} A past, not a promise."
    )
    reading = (
        "<p>A cell shows the mean Sharpe ratio a year over all combinations with its values, the best of them when a "
        "pointer rests on it. Neighbors that agree say more than one bright cell.</p>"
    )
    cautions = "".join(f"<p>{escape(line)}.</p>" for line in found["cautions"])
    sections = [
        section("The best by Sharpe ratio, and holding", _best(found) + cautions),
        section("How far to trust the best", _luck(found)),
        section("Maps", reading),
        *maps,
    ]
    return page("Sweep", words, sections)


def _best(found: Mapping[str, Any]) -> str:
    settings = list(found["best"]["settings"])
    columns = (
        "",
        *map(named, settings),
        "Sharpe a year",
        "return a year, %",
        "deepest fall, %",
        "USD at the end",
        "trades",
    )
    rows: list[tuple[object, ...]] = [
        (number, *(setting_words(row["settings"][name]) for name in settings), *_figures(row), row["trades"])
        for number, row in enumerate(found["top"], 1)
    ]
    rows += [
        (f"buy and hold {held['symbol']}", *([None] * len(settings)), *_figures(held), None)
        for held in found["benchmarks"]
    ]
    return table(columns, rows)


def _figures(row: Mapping[str, Any]) -> tuple[object, ...]:
    sharpe = "undefined" if row["sharpe"] is None else float(row["sharpe"])
    return sharpe, 100 * row["cagr_frac"], 100 * row["max_drawdown_frac"], float(row["final_equity_usd"])


def _luck(found: Mapping[str, Any]) -> str:
    likely, overfitted = found["deflated_sharpe_probability"], found["overfitting_probability"]
    rows = [
        (
            f"probability that it beats luck among {found['combinations']:,} tries, %",
            "undefined" if likely is None else 100 * likely,
        )
    ]
    if overfitted is not None:
        words = "probability that the best of one half of history is below the median of the other, %"
        rows.append((words, 100 * overfitted))
    rows.append(("USD at the end, the median of all combinations", float(found["median_final_equity_usd"])))
    return table(("", ""), rows)


def heat_map(changes: Sequence[Change], sharpes: Sequence[float | None], down: str | None, across: str) -> str:
    """Return one map as a table of colored cells; without a setting `down` it has one row."""
    rows = _places([change[down] for change in changes] if down else [""])
    columns = _places([change[across] for change in changes])
    cells: dict[tuple[str, str], list[float | None]] = {}
    for change, sharpe in zip(changes, sharpes, strict=True):
        place = (rows[str(change[down]) if down else ""], columns[str(change[across])])
        cells.setdefault(place, []).append(sharpe)
    known = {place: [one for one in values if one is not None] for place, values in cells.items()}
    largest = max((abs(sum(values) / len(values)) for values in known.values() if values), default=0.0)
    head = "".join(f"<th>{escape(name)}</th>" for name in dict.fromkeys(columns.values()))
    body = "".join(
        f"<tr><th>{escape(row)}</th>"
        + "".join(_colored(known.get((row, column), []), largest) for column in dict.fromkeys(columns.values()))
        + "</tr>"
        for row in dict.fromkeys(rows.values())
    )
    each = max(len(values) for values in cells.values())
    note = f'<p class="soft">{f"{each:,} combinations" if each > 1 else "One combination"} to a cell at most.</p>'
    whole = f'<table class="map"><thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="scroll">{whole}</div>{note}'


def _places(values: Sequence[object]) -> dict[str, str]:
    # Value -> heading: each its own while they are few; of many numbers so many neighbors share one.
    distinct = list(dict.fromkeys(values))
    numbers = [value for value in distinct if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(distinct) <= MOST_PLACES or len(numbers) < len(distinct):
        return {str(value): _heading(value, value) for value in distinct}
    ordered = sorted(numbers)
    size = -(-len(ordered) // MOST_PLACES)
    groups = [ordered[first : first + size] for first in range(0, len(ordered), size)]
    return {str(value): _heading(group[0], group[-1]) for group in groups for value in group}


def _heading(first: object, last: object) -> str:
    return setting_words(first) if first == last else f"{setting_words(first)} to {setting_words(last)}"


def _colored(values: Sequence[float], largest: float) -> str:
    if not values:
        return "<td></td>"
    mean = round(sum(values) / len(values), 2) + 0.0  # no minus before a zero
    words = f"mean {mean:.2f}, best {max(values):.2f} of {len(values):,}"
    return f'<td class="heat" style="background:{heat_color(mean, largest)}" title="{words}">{mean:.2f}</td>'
