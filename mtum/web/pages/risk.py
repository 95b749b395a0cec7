"""Risk: every limit with its use, what the account could lose, past crashes replayed, and halts."""

from collections.abc import Mapping, Sequence
from typing import Any

from mtum.core.coordination.limits import VAR_LEAST_SESSIONS
from mtum.core.reporting import words
from mtum.ports.reading import Reader
from mtum.ports.rows import HaltRow
from mtum.web import documents
from mtum.web.drawing import use_bar
from mtum.web.frame import Ask, nothing_yet
from mtum.web.html import (
    NOTHING,
    Child,
    Html,
    card,
    change,
    empty,
    facts,
    new_york,
    percent,
    ratio,
    table,
    tag,
    usd,
)

type Table = Mapping[str, Any]


def page(ask: Ask) -> Child:
    """Return the page."""
    found = documents.risk(ask.records)
    if found["risk"] is None:
        return nothing_yet()
    halts = ask.records.read("halts", _halts)
    return [
        _left_out(found),
        _limits(found["limits"]),
        _measures(found["risk"]),
        _stresses(found["stresses"]),
        _correlations(found["risk"]),
        _all_halts(halts),
        _margin(documents.broker(ask.records)["broker"]),
    ]


def _margin(found: Table | None) -> Html:
    title = "Margin and buying power"
    if found is None:
        return card(title, empty("The broker has not shown the account yet: ", "mtum run"))
    borrowed = found["borrowed_usd"]
    says = (
        f"The {found['kind']} account {found['account']} as the broker showed it at {new_york(found['at'])}. "
        "Nothing is bought on margin: purchases are paid from settled cash."
    )
    return card(
        title,
        tag("p", says, class_="quiet"),
        facts(
            [
                ("the broker's value of the account", usd(found["net_liquidation_usd"])),
                ("cash", usd(found["cash_usd"])),
                ("of it settled", usd(found["settled_usd"])),
                ("reserved by working purchases", usd(found["reserved_usd"])),
                ("pinned by options that were sold", usd(found["pinned_usd"])),
                ("free to buy with", tag("strong", usd(found["free_usd"]))),
                ("borrowed", tag("strong", f"! {usd(borrowed)}", class_="down") if borrowed else "nothing"),
            ]
        ),
    )


def _halts(reader: Reader | None) -> Sequence[HaltRow]:
    return reader.rows(HaltRow, None, 50) if reader else ()


def _left_out(found: Table) -> Html | None:
    if not found["unvalued"]:
        return None
    return tag(
        "p", f"No close is cached of {', '.join(found['unvalued'])}: left out of everything below.", class_="note"
    )


def _amount(limit: str, value: float | None) -> str:
    if value is None:
        return "unknown"
    return usd(value) if limit.endswith("_usd") else percent(value, sign=False)


def _limits(limits: Sequence[Table]) -> Html:
    rows = [
        [
            one["sleeve"] or "account",
            one["limit"].replace("_", " ").removesuffix(" frac").removesuffix(" usd"),
            _amount(one["limit"], one["value"]),
            _amount(one["limit"], one["threshold"]),
            [tag("span", percent(one["use"], 0, sign=False) if one["use"] is not None else "unknown",
                 tag("strong", " near its limit") if (one["use"] or 0) >= 0.8 else None), use_bar(one["use"])],
        ]
        for one in limits
    ]  # fmt: skip
    heads = ("of", "limit", "now", "limit at", "use")
    return card("Limits", table(heads, rows) if rows else empty("No limit is set; see [risk] in the settings."))


def _measures(risk: Table) -> Html:
    largest = next(iter(risk["weights"].items()), None)
    told = words.count(risk["sessions"], "session") if risk["sessions"] else f"from {VAR_LEAST_SESSIONS} sessions on"
    return card(
        "What a day could cost",
        facts(
            [
                (
                    f"value at risk 95 %, historical, {told}",
                    percent(risk["var_historical"], sign=False),
                ),
                ("expected shortfall, historical", percent(risk["shortfall_historical"], sign=False)),
                ("value at risk 95 %, normal distribution", percent(risk["var_parametric"], sign=False)),
                ("expected shortfall, normal distribution", percent(risk["shortfall_parametric"], sign=False)),
                ("volatility a year, 60 sessions", percent(risk["volatility"], sign=False)),
                (f"beta to {risk['beta_of'] or 'the market'}", ratio(risk["beta"])),
                ("largest position", f"{largest[0]} {percent(largest[1], sign=False)}" if largest else "none"),
                ("concentration, 1 = one position", ratio(risk["concentration"])),
            ]
        ),
        class_="half",
    )


def _stresses(stresses: Sequence[Table]) -> Html:
    rows: list[list[Child]] = [
        [
            one["name"],
            f"{one['first']} to {one['last']}",
            change(one["change_frac"], percent(one["change_frac"])) if one["change_frac"] is not None else "unknown",
            change(one["worst_frac"], percent(one["worst_frac"])) if one["worst_frac"] is not None else "unknown",
            ", ".join(one["unknown"]) or NOTHING,
        ]
        for one in stresses
    ]
    told = tag("p", "What today's positions would have done in an earlier fall, nothing traded.", class_="quiet")
    heads = ("fall", "from, to", "change", "worst", "without")
    return card("Past crashes on today's positions", told, table(heads, rows) if rows else empty("None is known."),
                class_="half")  # fmt: skip


def _correlations(risk: Table) -> Html:
    symbols = list(risk["weights"])
    if len(symbols) < 2:
        return card("Correlations", empty("They need two positions."), class_="half")
    known = {(one["first"], one["second"]): one["correlation"] for one in risk["correlations"]}
    rows = []
    for first in symbols:
        cells: list[Child] = [first]
        for second in symbols:
            value = 1.0 if first == second else known.get((first, second), known.get((second, first)))
            cells.append(ratio(value))
        rows.append(cells)
    told = "Of daily returns over 60 sessions: 1 moves together, \N{MINUS SIGN}1 against each other"
    return card("Correlations", table(("symbol", *symbols), rows, told, wide=True), class_="half")


def _all_halts(halts: Sequence[HaltRow]) -> Html:
    rows = [
        [
            one.restriction.replace("_", " "),
            one.sleeve or "account",
            one.by,
            one.why,
            one.since[:16].replace("T", " ") + " UTC",
            one.lifted_at[:16].replace("T", " ") + " UTC" if one.lifted_at else tag("strong", "in force"),
        ]
        for one in reversed(halts)
    ]
    heads = ("halt", "of", "by", "why", "since", "lifted")
    return card("Halts now and before", table(heads, rows) if rows else empty("There never was one."), class_="half")
