"""The page of a sweep: the best combinations beside holding, and maps of the Sharpe ratio over pairs of settings."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from statistics import median
from typing import Any

from mtum.core.reporting.backtest.settings import named, ratio_words, setting_words, terms_words
from mtum.core.reporting.figures import number
from mtum.core.reporting.layout import Block, Cell, Page, Section, Sentence, Table, Tone, table_of
from mtum.core.research.neighbors import move_together, steps, varying

MOST_PLACES = 16
"""Values shown along a side of a map; of more, neighbors share a place."""

type Change = Mapping[str, object]


def heat_map_page(changes: Sequence[Change], sharpes: Sequence[float | None], found: Mapping[str, Any]) -> Page:
    """Return a page with the best of all combinations, what stands beside it, and one map per pair of settings.

    Parameters
    ----------
    changes : sequence of mapping
        Settings of each combination.
    sharpes : sequence of float or None
        Yearly Sharpe ratio of each combination; None where its returns do not differ.
    found : mapping
        The result as `mtum sweep --json` gives it.
    """
    names = varying(changes) or list(changes[0])
    pairs: list[tuple[str | None, str]] = [
        pair for pair in combinations(names, 2) if not move_together(changes, *pair)
    ] or [(None, names[0])]
    maps = tuple(
        Section(
            f"map-{place}",
            f"{named(down)} by {named(across)}" if down else named(across),
            tuple(heat_map(changes, sharpes, down, across)),
        )
        for place, (down, across) in enumerate(pairs, 1)
    )
    reading = (
        "A cell shows the mean Sharpe ratio a year over all combinations with its values, the best of them when a "
        "pointer rests on it. Neighbors that agree say more than one bright cell."
    )
    best, held = found["top"][0], found["benchmarks"]
    others = ", ".join(f"holding {one['symbol']} {ratio_words(one['sharpe'])}" for one in held)
    return Page(
        subject="Sweep",
        verdict=f"Best Sharpe ratio of {found['combinations']:,} combinations {ratio_words(best['sharpe'])}, {others}",
        lead=(
            f"{found['combinations']:,} combinations on {found['symbol']}, {found['start']} to {found['end']}, "
            f"{found['sessions']:,} sessions. {terms_words(found['terms'])}"
        ),
        mode="sweep",
        first_screen=(
            Section("best", "The best by Sharpe ratio, and holding", (_best(found), *_cautions(found))),
            Section("luck", "How far to trust the best", (_luck(found), *_beside(found))),
        ),
        further=(Section("maps", "Maps", (Sentence(reading),), maps),),
        footer=("A past, not a promise.",),
        wide=True,
    )


def _cautions(found: Mapping[str, Any]) -> Iterable[Sentence]:
    return (Sentence(f"{line}.") for line in found["cautions"])


def _best(found: Mapping[str, Any]) -> Table:
    settings = list(found["best"]["settings"])
    columns = ("", "Sharpe a year", *map(named, settings), "return a year, %", "max drawdown, %", "USD at the end")
    rows = [
        (
            *(str(place), ratio_words(row["sharpe"]), *(setting_words(row["settings"][name]) for name in settings)),
            *(*_amounts(row), f"{row['trades']:,}"),
        )
        for place, row in enumerate(found["top"], 1)
    ]
    rows += [
        (f"buy and hold {held['symbol']}", ratio_words(held["sharpe"]), *("" for _ in settings), *_amounts(held), "")
        for held in found["benchmarks"]
    ]
    return table_of((*columns, "trades"), rows)


def _amounts(row: Mapping[str, Any]) -> tuple[str, str, str]:
    year, fall = (number(100 * row[name]) for name in ("cagr_frac", "max_drawdown_frac"))
    return year, fall, number(row["final_equity_usd"])


def _luck(found: Mapping[str, Any]) -> Table:
    likely, overfitted = found["deflated_sharpe_probability"], found["overfitting_probability"]
    words = f"probability that it beats luck among {found['combinations']:,} tries, %"
    rows = [(words, ratio_words(None if likely is None else 100 * likely))]
    if overfitted is not None:
        words = "probability that the best of one half of history is below the median of the other, %"
        rows.append((words, number(100 * overfitted)))
    rows.append(("USD at the end, the median of all combinations", number(found["median_final_equity_usd"])))
    return table_of(("", ""), rows)


def neighbors_words(found: Mapping[str, Any]) -> str:
    """Return how what stands beside the best did, as `mtum sweep --json` gives it; empty where nothing does."""
    sharpes = [one["sharpe"] or 0.0 for one in found["neighbors"]]
    return (
        f"The best has a Sharpe ratio of {ratio_words(found['best']['sharpe'])}; the combinations one step of one "
        f"setting away, {len(sharpes)} of them, have {number(median(sharpes))} in the middle."
        if sharpes
        else ""
    )


def _beside(found: Mapping[str, Any]) -> Iterable[Block]:
    if not found["neighbors"]:
        return
    yield Sentence(neighbors_words(found))
    rows = (
        (
            ", ".join(f"{named(name)} {setting_words(value)}" for name, value in one["settings"].items()),
            ratio_words(one["sharpe"]),
        )
        for one in found["neighbors"]
    )
    yield table_of(("neighbor of the best", "Sharpe a year"), rows)


def heat_map(
    changes: Sequence[Change], sharpes: Sequence[float | None], down: str | None, across: str
) -> Iterable[Block]:
    """Return one map as a table of shaded cells; without a setting `down` it has one row.

    Parameters
    ----------
    changes : sequence of Change
        Settings of each combination, in the order of the Sharpe ratios.
    sharpes : sequence of float or None
        Sharpe ratio of each combination; None where it has none.
    down : str or None
        Setting along the rows; None for one row.
    across : str
        Setting along the columns.
    """
    rows = _places([change[down] for change in changes] if down else [""])
    columns = _places([change[across] for change in changes])
    cells: dict[tuple[str, str], list[float | None]] = {}
    for change, sharpe in zip(changes, sharpes, strict=True):
        place = (rows[str(change[down]) if down else ""], columns[str(change[across])])
        cells.setdefault(place, []).append(sharpe)
    known = {place: [one for one in values if one is not None] for place, values in cells.items()}
    largest = max((abs(sum(values) / len(values)) for values in known.values() if values), default=0.0)
    across_names, down_names = dict.fromkeys(columns.values()), dict.fromkeys(rows.values())
    yield table_of(
        ("", *across_names),
        [[row, *(_shaded(known.get((row, column), []), largest) for column in across_names)] for row in down_names],
    )
    each = max(len(values) for values in cells.values())
    yield Sentence(f"{f'{each:,} combinations' if each > 1 else 'One combination'} to a cell at most.", Tone.QUIET)


def _places(values: Sequence[object]) -> dict[str, str]:
    # Value -> heading: each its own while they are few; of many numbers so many neighbors share one.
    ordered = steps(values)
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in ordered)
    if len(ordered) <= MOST_PLACES or not numbers:
        return {str(value): _heading(value, value) for value in ordered}
    size = -(-len(ordered) // MOST_PLACES)
    groups = [ordered[first : first + size] for first in range(0, len(ordered), size)]
    return {str(value): _heading(group[0], group[-1]) for group in groups for value in group}


def _heading(first: object, last: object) -> str:
    return setting_words(first) if first == last else f"{setting_words(first)} to {setting_words(last)}"


def _shaded(values: Sequence[float], largest: float) -> Cell:
    if not values:
        return Cell("")
    mean = sum(values) / len(values)
    words = f"mean {number(mean)}, best {number(max(values))} of {len(values):,}"
    return Cell(number(mean), shade=mean / largest if largest else 0.0, note=words)
