"""Research: stored backtests, sweeps and walk forwards, side by side, with the command that makes each again."""

from collections.abc import Mapping, Sequence
from typing import Any

from mtum.ports.research import Study
from mtum.web import documents
from mtum.web.drawing import Chart, Curve, drawn
from mtum.web.frame import Ask
from mtum.web.html import Child, Html, card, empty, percent, ratio, table, tag, usd

type Table = Mapping[str, Any]

MOST = 5
"""Studies side by side."""
SHOWN = 100


def page(ask: Ask) -> Child:
    """Return the page."""
    found = documents.backtests(ask.records, None, SHOWN)["backtests"]
    if not found:
        return card(
            "No backtest is kept yet",
            empty("One of the account, or of one strategy: ", "mtum backtest"),
            empty("One for every point of a grid of settings: ", "mtum sweep grid.toml"),
            empty("Settings chosen on the past and judged on what follows: ", "mtum walkforward grid.toml"),
            tag("p", "Each keeps its result, and it stands here with the command that makes it again."),
        )
    chosen = _chosen(ask, found)
    return [_beside(ask, chosen), _list(found, chosen)]


def _chosen(ask: Ask, found: Sequence[Table]) -> list[int]:
    known = {int(one["id"]) for one in found}
    asked = [int(word) for word in ask.query.get("of", "").split(",") if word.isascii() and word.isdigit()]
    return [one for one in dict.fromkeys(asked) if one in known][:MOST] or [int(found[-1]["id"])]


def _beside(ask: Ask, chosen: Sequence[int]) -> Html:
    from mtum.wiring.studies import studies_in

    store = studies_in(ask.records.folder)
    studies = store.found(chosen) if store else ()
    names = ["figure", *(f"no. {one.id}" for one in studies)]
    rows: list[list[Child]] = [
        ["strategy", *(one.strategy for one in studies)],
        ["symbols", *(one.symbols for one in studies)],
        ["from, to", *(f"{one.start} to {one.end}" for one in studies)],
        ["sessions", *(f"{one.sessions:,}" for one in studies)],
        ["final equity", *(usd(one.final_equity_usd) for one in studies)],
        ["a year", *(percent(one.cagr_frac) for one in studies)],
        ["Sharpe ratio", *(ratio(one.sharpe) for one in studies)],
        ["largest fall", *(percent(one.max_drawdown_frac) for one in studies)],
        [
            "same settings as the first",
            *("yes" if one.settings_hash == studies[0].settings_hash else "no" for one in studies),
        ],
        ["same bars as the first", *("yes" if one.data_hash == studies[0].data_hash else "no" for one in studies)],
    ]
    made = [tag("p", f"no. {one.id}: ", tag("code", ask.records.without_paths(one.command))) for one in studies]
    return card(
        "Side by side", table(names, rows, "Figures", wide=True), *_curves(studies), tag("h3", "Made again by"), *made
    )


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
        link = tag("a", words, href=f"?of={','.join(map(str, others[-MOST:]))}", class_="button")
        rows.append(
            [f"{number_}", one["kind"], one["strategy"], one["symbols"], f"{one['start']} to {one['end']}",
             percent(one["cagr_frac"]), ratio(one["sharpe"]), percent(one["max_drawdown_frac"]), link]
        )  # fmt: skip
    heads = ("no.", "kind", "strategy", "symbols", "from, to", "a year", "Sharpe", "largest fall", "compare")
    return card("Kept", table(heads, rows))
