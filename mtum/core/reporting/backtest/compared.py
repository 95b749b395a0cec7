"""Studies side by side: what was asked, the figures, and the curves over the sessions that all share."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mtum.core.reporting.backtest.settings import ratio_words, setting_words
from mtum.core.reporting.charts import Chart, Panel, span, told_apart
from mtum.core.reporting.figures import number
from mtum.core.reporting.layout import Page, Section, Sentence, Table, Tone, table_of

_ROWS = {
    "final_equity_usd": "final equity, USD",
    "total_return_frac": "return, %",
    "cagr_frac": "return a year, %",
    "volatility_frac": "volatility a year, %",
    "sharpe": "Sharpe ratio a year",
    "sortino": "Sortino ratio a year",
    "calmar": "Calmar ratio",
    "max_drawdown_frac": "max drawdown, %",
    "exposure_frac": "invested, % of sessions",
    "turnover_per_year": "turnover a year",
    "trades": "trades",
    "win_rate_frac": "won, %",
    "profit_factor": "profit factor",
    "costs_usd": "costs, USD",
}


def compared_sections(found: Mapping[str, Any]) -> Iterator[Section]:
    """Return the tables of a comparison, and what has to be said of it.

    Parameters
    ----------
    found : mapping
        The result as `mtum compare --json` gives it.
    """
    yield Section(
        "asked",
        "What was asked",
        (_asked(found), *(Sentence(f"{one[0].upper()}{one[1:]}.") for one in found["cautions"])),
    )
    names = [f"no. {one['id']}" for one in found["studies"]]
    yield Section("settings", "Settings that differ", tuple(_differences(found["differences"], names)))
    yield Section("figures", "Figures of each over its own sessions", (_figures(found["figures"], names),))
    shared = found["shared"]
    if shared:
        title = f"Over the {shared['sessions']:,} sessions that all share, {shared['start']} to {shared['end']}"
        yield Section("shared", title, (_figures(shared, names), *_luck(shared, len(names))))
        tied = [(name, *map(ratio_words, row)) for name, row in zip(names, shared["correlation"], strict=True)]
        yield Section("correlation", "Correlation of their session returns", (table_of(("", *names), tied),))


def _luck(shared: Mapping[str, Any], tries: int) -> Iterator[Sentence]:
    sure, overfitted = shared["deflated_sharpe_probability"], shared["overfitting_probability"]
    if sure is not None:
        yield Sentence(
            f"No. {shared['best']} has the best Sharpe ratio; that it is better than luck among {tries} tries has a "
            f"probability of {100 * sure:.1f} %."
        )
    if overfitted is not None:
        yield Sentence(
            f"The best of one half of these sessions is below the median in the other with {100 * overfitted:.1f} %."
        )


def compared_page(found: Mapping[str, Any]) -> Page:
    """Return the page of a comparison.

    Parameters
    ----------
    found : mapping
        The result as `mtum compare --json` gives it.
    """
    first, *further = compared_sections(found)
    names = [f"no. {one['id']} {one['strategy']}" for one in found["studies"]]
    shared = found["shared"]
    lead = "No curve of theirs shares three sessions with the others."
    if shared:
        lead = f"{shared['sessions']:,} sessions are in all of them, {shared['start']} to {shared['end']}."
    return Page(
        subject="Comparison",
        verdict=f"{', '.join(names)} side by side",
        lead=lead,
        mode="comparison",
        first_screen=(first,),
        further=tuple(further),
        footer=("A past, not a promise.",),
        charts=(_chart(shared, [f"no. {one['id']}" for one in found["studies"]]),) if shared else (),
        wide=True,
    )


def _asked(found: Mapping[str, Any]) -> Table:
    rows = [
        (
            *(f"no. {one['id']}", one["kind"], one["made_at"][:16].replace("T", " "), one["strategy"], one["symbols"]),
            *(one["source"], str(one["start"]), str(one["end"]), one["command"]),
        )
        for one in found["studies"]
    ]
    head = ("", "kind", "made, UTC", "strategy", "symbols", "source", "from", "to", "command")
    return table_of(head, rows, left=range(len(head)))


def _differences(found: Mapping[str, Sequence[object]], names: Sequence[str]) -> Iterator[Table | Sentence]:
    # What one of them does not have at all belongs to its own strategy, which the table above names.
    rows = [(name, *map(setting_words, values)) for name, values in found.items() if None not in values]
    if rows:
        yield table_of(("", *names), rows)
    if len(found) > len(rows):
        yield Sentence(f"{len(found) - len(rows)} more are settings that not all of them have.", Tone.QUIET)
    if not found:
        yield Sentence("None: they asked with the same settings.")


def _figures(figures: Mapping[str, Any], names: Sequence[str]) -> Table:
    rows = [
        (label, *(_amount(name, value) for value in figures[name])) for name, label in _ROWS.items() if name in figures
    ]
    return table_of(("", *names), rows)


def _amount(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if name == "trades" else number(100 * value if name.endswith("_frac") else value)


def _chart(shared: Mapping[str, Any], names: Sequence[str]) -> Chart:
    grown = [100 * np.array(one) for one in shared["curves"]["grown"]]
    # Where money multiplied, equal steps are equal factors.
    log = max(float(one.max()) for one in grown) > 3 * min(float(one.min()) for one in grown)
    lines = told_apart(zip(names, grown, strict=True))
    days = np.array(shared["curves"]["session"], dtype="datetime64[D]")
    ends = ", ".join(f"{line.name} {number(float(line.values[-1]))}" for line in lines)
    title = f"What 100 USD became{', logarithmic' if log else ''}"
    return Chart("equity", days, (Panel(title, lines, log=log, height=3.0),), f"{title}, {span(days)}: {ends}.")
