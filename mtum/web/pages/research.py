"""Research: a backtest to start, and stored ones side by side, each with the command that makes it again."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from mtum.core.reporting.backtest.settings import named, setting_words
from mtum.core.reporting.figures import minus
from mtum.ports.research import Study
from mtum.web import documents
from mtum.web.drawing import Chart, Curve, drawn
from mtum.web.frame import Ask, form
from mtum.web.html import Child, Html, card, empty, percent, ratio, table, tag, usd
from mtum.web.pages.backtest_form import start_form

if TYPE_CHECKING:
    from mtum.core.reporting.layout import Cell
    from mtum.core.reporting.layout import Table as Listed

type Table = Mapping[str, Any]

MOST = 5
"""Studies side by side."""
SHOWN = 100
MOST_MAPS = 6
STRONG = 0.6
"""Part of the largest mean from which a cell is darker."""


def page(ask: Ask) -> Child:
    """Return the page."""
    from mtum.wiring.studies import studies_in

    found = documents.backtests(ask.records, None, SHOWN)["backtests"]
    if not found:
        return _start(ask), card(
            "No backtest is kept yet",
            empty("One of the account, or of one strategy, by the form above or by ", "mtum backtest"),
            empty("One for every point of a grid of settings: ", "mtum sweep grid.toml"),
            empty("Settings chosen on the past and judged on what follows: ", "mtum walkforward grid.toml"),
            tag("p", "Each keeps its result, and it stands here with the command that makes it again."),
        )
    chosen = _chosen(ask, found)
    store = studies_in(ask.records.folder)
    studies = store.found(chosen) if store else ()
    sweeps = [_sweep(one) for one in studies if one.kind == "sweep"]
    return [_start(ask), _beside(ask, studies), *sweeps, _list(found, chosen)]


def _chosen(ask: Ask, found: Sequence[Table]) -> list[int]:
    known = {int(one["id"]) for one in found}
    asked = [int(word) for word in ask.query.get("of", "").split(",") if word.isascii() and word.isdigit()]
    return [one for one in dict.fromkeys(asked) if one in known][:MOST] or [int(found[-1]["id"])]


def _beside(ask: Ask, studies: Sequence[Study]) -> Html:
    names = ["figure", *(f"no. {one.id}" for one in studies)]
    rows: list[list[Child]] = [
        ["strategy", *(one.strategy for one in studies)],
        ["symbols", *(one.symbols for one in studies)],
        ["from, to", *(f"{one.start} to {one.end}" for one in studies)],
        ["sessions", *(f"{one.sessions:,}" for one in studies)],
        ["final equity", *(usd(one.final_equity_usd) for one in studies)],
        ["a year", *(percent(one.cagr_frac) for one in studies)],
        ["Sharpe ratio", *(ratio(one.sharpe) for one in studies)],
        ["max drawdown", *(percent(one.max_drawdown_frac) for one in studies)],
        [
            "probability that it beats luck",
            *(percent(one.result.get("deflated_sharpe_probability"), 1, sign=False) for one in studies),
        ],
        [
            "probability of overfitting",
            *(percent(one.result.get("overfitting_probability"), 1, sign=False) for one in studies),
        ],
        [
            "same settings as the first",
            *("yes" if one.settings_hash == studies[0].settings_hash else "no" for one in studies),
        ],
        ["same bars as the first", *("yes" if one.data_hash == studies[0].data_hash else "no" for one in studies)],
    ]
    made = [
        tag("p", f"no. {one.id}: ", tag("code", ask.records.without_paths(one.command)), _sheet(ask, one))
        for one in studies
    ]
    return card(
        "Side by side",
        table(names, rows, "Figures", wide=len(studies) > 1),
        *_curves(studies),
        tag("h3", "Made again by"),
        *made,
    )


def _sheet(ask: Ask, one: Study) -> Html | None:
    if ask.records.backtests.sheet_of(one.command) is None:
        return None
    return tag("p", tag("a", f"Tear sheet of no. {one.id}", href=f"/research/tear-sheet?of={one.id}", class_="button"))


def _start(ask: Ask) -> list[Html | None]:
    return [_at_work(ask), start_form(ask)]


def _at_work(ask: Ask) -> Html | None:
    job = documents.backtest(ask.records)["backtest"]
    if job is None:
        return None
    command = tag("p", tag("code", job["command"]), class_="quiet")
    if job["running"]:
        done = f"{job['done']:,} of {job['total']:,}" if job["total"] else ""
        bar = tag("progress", done, value=job["done"] or None, max=job["total"] or 1, id="backtest-bar",
                  aria_label="Progress of the backtest")  # fmt: skip
        stop = form(ask, "/api/v1/backtest/stop", tag("button", "Stop it", class_="stop")) if ask.acts else None
        words = tag("p", f"{job['step']} {done}".strip(), id="backtest-step", role="status")
        return card("A backtest is running", words, bar, command, stop, class_="backtest")
    if job["outcome"] == "kept":
        number = job["id"]
        links = [tag("a", "Show it", href=f"/research?of={number}", class_="button"), " ",
                 tag("a", "Tear sheet", href=f"/research/tear-sheet?of={number}", class_="button")]  # fmt: skip
        return card(f"The backtest is kept as no. {number}", command, tag("p", *links), class_="backtest")
    return card(f"The backtest {'was stopped' if job['outcome'] == 'stopped' else 'failed'}",
                tag("p", job["text"], class_="note"), command, class_="backtest")  # fmt: skip


def _sweep(one: Study) -> Html:
    from mtum.core.reporting.backtest.heat_map import heat_map, neighbors_words
    from mtum.core.reporting.layout import Table as Listed
    from mtum.core.research.neighbors import move_together, varying

    found, title = one.result, f"Sweep no. {one.id}: {_found_words(one)}"
    lines = [tag("p", words) for words in (neighbors_words(found),) if words]
    lines += [tag("p", f"{line}.", class_="quiet") for line in found.get("cautions", ())]
    mapped = found.get("map")
    if not mapped:
        return card(title, *lines, empty("Its map is not kept; the page that the sweep wrote has it."))
    changes = [dict(zip(mapped["settings"], values, strict=True)) for values in mapped["values"]]
    names = varying(changes) or list(changes[0])
    pairs: list[tuple[str | None, str]] = [
        pair for pair in combinations(names, 2) if not move_together(changes, *pair)
    ] or [(None, names[0])]
    maps = [
        _map(f"{named(down)} by {named(across)}" if down else named(across), block)
        for down, across in pairs[:MOST_MAPS]
        for block in heat_map(changes, mapped["sharpe"], down, across)
        if isinstance(block, Listed)
    ]
    says = (
        "A cell is the mean Sharpe ratio a year over all combinations with its values, darker the farther from zero. "
        "Neighbors that agree say more than one that stands out."
    )
    left = f" The first {MOST_MAPS} of {len(pairs)} pairs of settings." if len(pairs) > MOST_MAPS else ""
    return card(title, *lines, tag("p", f"{says}{left}", class_="quiet"), *maps)


def _found_words(one: Study) -> str:
    settings = one.result.get("best", {}).get("settings", {})
    best = ", ".join(f"{named(name)} {setting_words(value)}" for name, value in settings.items())
    return f"{one.result.get('combinations', 0):,} combinations, the best {best or 'without settings'}"


def _map(title: str, block: "Listed") -> Html:
    def cell(one: "Cell") -> Html:
        shade = one.shade or 0.0
        looks = ("gain" if shade > 0 else "loss" if shade < 0 else "") + (" strong" if abs(shade) > STRONG else "")
        return tag("td", minus(one.text), class_=looks or None, title=one.note or None)

    corner, *across = block.head
    head = tag("tr", tag("td", corner), *(tag("th", word, scope="col") for word in across))
    lines = [tag("tr", tag("th", row[0].text, scope="row"), *map(cell, row[1:])) for row in block.rows]
    inside = tag("table", tag("caption", title), tag("thead", head), tag("tbody", *lines), class_="heat wide")
    return tag("div", inside, class_="scroll", tabindex="0", role="region", aria_label=title)


def _curves(studies: Sequence[Study]) -> list[Html]:
    drawn_ = []
    for one in studies:
        days, values = one.curve.get("session"), one.curve.get("equity_usd")
        if days and values:
            says = f"{one.strategy} from {usd(values[0])} to {usd(values[-1])}."
            drawn_.append(
                drawn(Chart(f"Equity of no. {one.id}, USD", says, days, [Curve("equity", values)], told=usd), 180)
            )
    return drawn_


def _list(found: Sequence[Table], chosen: Sequence[int]) -> Html:
    rows = []
    for one in reversed(found):
        number_ = int(one["id"])
        others = [*chosen, number_] if number_ not in chosen else [each for each in chosen if each != number_]
        words = "leave out" if number_ in chosen else "put beside"
        link = tag("a", words, href=f"/research?of={','.join(map(str, others[-MOST:]))}", class_="button")
        rows.append(
            [f"{number_}", one["kind"], one["strategy"], one["symbols"], f"{one['start']} to {one['end']}",
             percent(one["cagr_frac"]), ratio(one["sharpe"]), percent(one["max_drawdown_frac"]), link]
        )  # fmt: skip
    heads = ("no.", "kind", "strategy", "symbols", "from, to", "a year", "Sharpe", "max drawdown", "compare")
    return card("Kept", table(heads, rows))
