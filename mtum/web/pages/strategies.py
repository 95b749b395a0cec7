"""Strategies: each sleeve by itself, and what the account did with the wishes of all."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from mtum.core.reporting import figures, words
from mtum.core.reporting.parts.coordination import coordination_lines
from mtum.ports.option_rows import OptionConditionRow
from mtum.ports.reading import Reader
from mtum.ports.rows import SignalRow
from mtum.web import documents
from mtum.web.drawing import Chart, Curve, drawn
from mtum.web.frame import Ask, nothing_yet
from mtum.web.html import (
    NOTHING,
    Child,
    Html,
    card,
    change,
    day,
    empty,
    facts,
    number,
    percent,
    ratio,
    table,
    tag,
    usd,
    vote,
)

type Table = Mapping[str, Any]

STRIP = 60
"""Sessions of the strip of conditions."""
MOST_SYMBOLS = 10
"""Symbols of a sleeve whose timeframes are shown; the market page has the others."""
SUREST = 3
"""Symbols of a sleeve whose confidence is shown: those it is surest of."""
CURVE_POINTS = 150
"""Points of a sleeve's curve."""
FRAMES = {"1d": "day", "1w": "week", "1mo": "month"}
"""Timeframe -> what a bar of it spans."""


def page(ask: Ask) -> Child:
    """Return the page."""
    sleeves = documents.sleeves(ask.records)
    told, unread = documents.last_explained(ask.records)
    if not told["session"] and not unread:
        return nothing_yet()
    report, untold = documents.last_report(ask.records)
    tested = _tested(report)
    # A page of shares alone asks nothing of options.
    trading = {one.name for one in ask.records.settings.sleeves() if one.strategy.OPTIONS}
    options: Table = documents.options(ask.records) if trading else {}
    return [
        tag("p", unread, class_="note") if unread else _together(told),
        *(
            _sleeve(
                ask,
                one,
                told,
                _options(options, one["sleeve"]) if one["sleeve"] in trading else None,
                _band(tested.get(one["sleeve"]), untold),
                _timeframes(ask, one["sleeve"]),
            )
            for one in sleeves["sleeves"]
        ),
    ]


def _together(told: Table) -> Html:
    lines = coordination_lines(told["coordination"])
    decisions = told.get("sleeves") or {told["strategy"]: told}
    conflicts = [
        f"{name}: the members disagree on {symbol}: "
        + ", ".join(f"{who} wants {percent(one, 0, sign=False)}" for who, one in wants.items())
        for name, decision in decisions.items()
        for symbol, wants in (decision.get("conflicts") or {}).items()
    ]
    every = [*lines, *conflicts]
    return card(
        f"What the account did with the wishes of {told['session']}",
        tag("ul", *(tag("li", line) for line in every)) if every else empty("No conflict, no cross, no cut."),
    )


def _sleeve(ask: Ask, one: Table, told: Table, *parts: Html | None) -> Html:
    decisions = told.get("sleeves") or {told.get("strategy", ""): told}
    own = decisions.get(one["sleeve"], {})
    held = "; ".join(f"{row['shares']} {row['symbol']}" for row in one["positions"]) or "flat"
    passed = [line["passed"] for line in own.get("conditions", ())]
    met = f"{sum(passed)} of {len(passed)} conditions met" if passed else "no conditions recorded"
    reasons = words.listed(tuple(words.reason(word) for word in one["reasons"] if word))
    state = "VIRTUAL" if one["state"] == "watch" else one["state"].replace("_", "-")
    return card(
        one["sleeve"] if one["sleeve"] == one["strategy"] else f"{one['sleeve']}: {one['strategy'].replace('_', ' ')}",
        facts(
            [
                ("state", f"{state}, weight {percent(one['weight'], 0, sign=False)}"),
                (
                    "last signal",
                    [f"{(one['action'] or 'not decided').replace('_', ' ')} on ", day(f"{one['decided']}")],
                ),
                ("because", reasons or "nothing recorded"),
                ("confidence", _confidence(own)),
                ("conditions", met),
                ("holds", held),
                ("equity", usd(one["equity_usd"])),
                ("return", change(one["return_frac"], percent(one["return_frac"]))),
                ("below its peak", percent(one["drawdown_frac"], sign=False)),
                ("buy and hold", usd(one["benchmark_usd"])),
                ("earned", change(one["gained_usd"], usd(one["gained_usd"], sign=True))),
            ]
        ),
        _curve(ask, one["sleeve"]),
        *parts,
        _strip(ask, one["sleeve"], options=bool(own.get("options"))),
    )


def _confidence(own: Table) -> str:
    found = {symbol: one["confidence"] for symbol, one in (own.get("inputs") or {}).items() if "confidence" in one}
    surest = sorted(found, key=lambda symbol: -found[symbol])
    rest = f" and {len(surest) - SUREST} more" if len(surest) > SUREST else ""
    return ", ".join(f"{one} {percent(found[one], 0, sign=False)}" for one in surest[:SUREST]) + rest or NOTHING


def _options(told: Table, sleeve: str) -> Html:
    source: Table = next((one for one in told["sleeves"] if one["sleeve"] == sleeve), {})
    groups = [one for one in told["groups"] if one["sleeve"] == sleeve]
    if not groups:
        return tag("div", tag("h3", "Options"), empty("No group is open."))
    label = "MODEL-PRICED: a model made these prices, no market did. " if source.get("model_priced") else ""
    priced = f"{label}Marks and deltas as decided on {source.get('session') or NOTHING}; P&L after fees."
    rows: list[list[Child]] = []
    rules: list[Html] = []
    for one in groups:
        legs = [
            tag(
                "div",
                f"{figures.minus(f'{leg["quantity"]:+}')} {leg['contract']}, delta {ratio(leg['delta'])}",
                class_="num",
            )
            for leg in one["legs"]
        ]
        next_ = one["next"]
        due = tag("strong", "Now: ") if next_ and next_["due"] else None
        rows.append(
            [
                tag("div", tag("strong", f"{one['group']}{' BROKEN' if one['broken'] else ''}"), *legs),
                f"{one['days']}",
                f"{number(one['delta_shares'])} shares",
                usd(one["credit_usd"]),
                change(one["pnl_usd"], usd(one["pnl_usd"], sign=True)),
                usd(one["collateral_usd"]),
                "what its shares lose"
                if one["pledged_shares"] and not one["max_loss_usd"]
                else usd(one["max_loss_usd"]),
            ]
        )
        rules.append(tag("li", f"{one['group']}: ", due, next_["text"] if next_ else "no rule is known", "."))
    heads = ("group", "days", "delta", "credit", "credit kept", "cash pinned", "most loss")
    return tag(
        "div",
        tag("h3", f"Options: {len(groups)} open"),
        tag("p", priced, class_="note" if label else "quiet"),
        table(heads, rows),
        tag("h4", "What happens next"),
        tag("ul", *rules),
    )


def _tested(report: Table) -> dict[str, Table]:
    reports = report.get("sleeves") or ({report["strategy"]: report} if "strategy" in report else {})
    return {name: one["backtest"] for name, one in reports.items() if one.get("backtest")}


def _band(tested: Table | None, untold: str) -> Html | None:
    if tested is None and untold:
        return tag("p", f"Whether a backtest of it is approved is not known here: {untold}.", class_="quiet")
    if tested is None:
        return tag("p", "No backtest of it is approved to compare with; ", tag("code", "mtum backtest --approve"),
                   " keeps one.", class_="quiet")  # fmt: skip
    rows: list[list[Child]] = []
    for one in tested["lines"]:
        live, low, high = one["live_frac"]["amount"], one["low_frac"], one["high_frac"]
        known = live is not None and low is not None
        within = ("yes" if low <= live <= high else tag("strong", "no")) if known else NOTHING
        between = f"{percent(low, 1)} to {percent(high, 1)}" if low is not None else "no range is known"
        rows.append([one["figure"], percent(live, 1), percent(one["expected_frac"], 1), between, within])
    says = (
        f"Backtest of {tested['start']} to {tested['end']}, its return scaled to the "
        f"{tested['live_sessions']} sessions traded. 19 of 20 such spans lie in the band if sessions are independent."
    )
    heads = ("since the start", "live", "backtest", "band", "within")
    return tag("div", tag("h3", "Against the approved backtest"), tag("p", says, class_="quiet"), table(heads, rows))


def _timeframes(ask: Ask, sleeve: str) -> Html:
    title = "Timeframes side by side"
    if ask.query.get("timeframes") != sleeve:
        # Every indicator of every symbol takes its time, so only where somebody asks.
        return tag("p", tag("a", title, href=f"?timeframes={quote(sleeve)}#timeframes", class_="button"))
    symbols = ask.records.settings.configured()[sleeve].rules.universe()
    rows: list[list[Child]] = []
    for symbol in symbols[:MOST_SYMBOLS]:
        votes = {one["timeframe"]: one["vote"] for one in documents.indicators(ask.records, symbol)["frames"]}
        if votes:
            link = tag("a", symbol, href=f"/market?symbol={quote(symbol)}")
            rows.append([link, *(vote(votes[name]) for name in FRAMES)])
    left = f" The first {MOST_SYMBOLS} of {len(symbols)} symbols." if len(symbols) > MOST_SYMBOLS else ""
    says = f"Mean vote of all indicators on the bars of a day, a week and a month; the strategy need not heed it.{left}"
    inside = table(("symbol", *FRAMES.values()), rows) if rows else empty("There are no bars of its symbols.")
    return tag("div", tag("h3", title), tag("p", says, class_="quiet"), inside, id="timeframes")


def _curve(ask: Ask, sleeve: str) -> Html | None:
    found = documents.closes(ask.records).sleeves.get(sleeve)
    if found is None:
        return None
    curves = [Curve(sleeve, found.curve.equity.tolist())]
    if any(held is not None for held in found.benchmark_usd):
        curves.append(Curve("buy and hold", found.benchmark_usd))
    says = "The sleeve's equity at each close beside buying and holding, deposits and transfers included."
    days = [day.isoformat() for day in found.curve.days]
    return drawn(Chart(f"Equity of {sleeve}, USD", says, days, curves, told=usd, most=CURVE_POINTS), 160)


def _strip(ask: Ask, sleeve: str, *, options: bool) -> Html:
    def work(reader: Reader | None) -> tuple[Sequence[SignalRow], Sequence[OptionConditionRow]]:
        if reader is None:
            return (), ()
        last = reader.decision(None, sleeve)
        since = date.fromisoformat(last.session) - timedelta(days=STRIP * 3 // 2) if last else None
        judged = reader.rows(OptionConditionRow, since, None, strategy=sleeve) if options else ()
        return reader.rows(SignalRow, since, None, strategy=sleeve), judged

    rows, judged = ask.records.read(("strip", sleeve), work)
    days = sorted({row.session for row in rows} | {one.session for one in judged})[-STRIP:]
    places = {day: at for at, day in enumerate(days)}
    lines: dict[str, dict[int, bool]] = defaultdict(dict)
    for row in rows:
        if row.session in places:
            name = words.condition(row.condition).words
            lines[f"{row.symbol}: {name}" if row.symbol else name][places[row.session]] = bool(row.passed)
    for one in judged:
        if one.session in places:
            about = f"{one.underlying} {one.structure}" if one.structure else one.underlying
            line, at = lines[f"{about}: {words.condition(one.condition).words}"], places[one.session]
            line[at] = bool(one.passed) and line.get(at, True)  # puts and calls are judged apart
    if not lines:
        return empty("No conditions are recorded yet.")
    blocks: list[Child] = []
    for name, found in lines.items():
        # One shape for all sessions: an element for each would make the page ten times as long.
        shapes = {
            met: "".join(
                f"M{at} {1 if met else 9}h.8v{14 if met else 3}h-.8z" for at, one in found.items() if one is met
            )
            for met in (True, False)
        }
        marks = [tag("path", d=shape, class_="bar ok" if met else "bar no") for met, shape in shapes.items() if shape]
        count = sum(found.values())
        told = f"{name}: met in {count} of {len(found)} sessions"
        strip = tag("svg", *marks, height="17", viewBox=f"0 0 {len(days)} 17", preserveAspectRatio="none", role="img",
                    aria_label=told)  # fmt: skip
        blocks.append(tag("div", tag("span", told, class_="quiet"), strip, class_="condition"))
    first = f"Conditions from {days[0]} to {days[-1]}: a tall bar is a session in which it was met"
    return tag(
        "details",
        tag("summary", f"Strip of {words.count(len(days), 'session')}"),
        tag("p", first, class_="quiet"),
        *blocks,
    )
