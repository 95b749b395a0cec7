"""Portfolio: what the account is worth against its benchmark, what it holds, and what each part gave."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from math import prod
from typing import Any

from mtum.core.reporting.figures import MONTHS
from mtum.ports.reading import Reader
from mtum.ports.rows import TradeRow
from mtum.web import documents
from mtum.web.drawing import Chart, Curve, Marked, drawn, use_bar
from mtum.web.frame import Ask, nothing_yet
from mtum.web.html import Child, Html, card, change, day, empty, facts, percent, table, tag, usd

type Table = Mapping[str, Any]

RANGES = {"1m": 31, "6m": 183, "ytd": 0, "1y": 366, "all": None}
"""Word in the address -> days back from the last close; the year's own for ytd."""
MOST_MARKS = 60


def page(ask: Ask) -> Child:
    """Return the page."""
    rows = documents.performance(ask.records)["account"]
    status, sleeves = documents.status(ask.records), documents.sleeves(ask.records)
    if not rows and status["last_run"] is None:
        return nothing_yet()
    if not rows:
        return card("Equity", empty("No session is settled yet; the first official close gives the first point."))
    chosen = ask.query.get("range", "1y")
    chosen = chosen if chosen in RANGES else "1y"
    log = ask.query.get("scale") == "log"
    shown = _within(rows, chosen)
    return [
        _curves(ask, shown, chosen, log=log),
        _standing(rows, sleeves),
        _allocation(status, sleeves),
        _holdings(status),
        *_gave(ask, shown, from_start=len(shown) == len(rows)),
        _months(rows),
    ]


def _within(rows: Sequence[Table], chosen: str) -> Sequence[Table]:
    last = date.fromisoformat(rows[-1]["session"])
    days = RANGES[chosen]
    if days is None:
        return rows
    first = date(last.year - 1, 12, 31) if chosen == "ytd" else last - timedelta(days=days)
    found = [row for row in rows if row["session"] >= first.isoformat()]
    return found if len(found) > 1 else rows[-2:]


def choices(name: str, words: Mapping[str, str], chosen: str, rest: str = "") -> Html:
    """Return links that choose one of some words in the address.

    Parameters
    ----------
    name : str
        Name in the address.
    words : mapping of str to str
        What a person reads, by word.
    chosen : str
        Word that is chosen now.
    rest : str
        The rest of the address, kept as it is.
    """
    return tag(
        "ul",
        *(
            tag("li", tag("a", told, href=f"?{name}={word}{rest}", aria_current="true" if word == chosen else None))
            for word, told in words.items()
        ),
        class_="choices",
    )


def _curves(ask: Ask, rows: Sequence[Table], chosen: str, *, log: bool) -> Html:
    labels = [row["session"] for row in rows]
    benchmark = [row["benchmark_usd"] for row in rows]
    curves = [Curve("account", [row["equity_usd"] for row in rows])]
    if any(one is not None for one in benchmark):
        curves.append(Curve("buy and hold", benchmark))
    begin, end = rows[0]["equity_usd"], rows[-1]["equity_usd"]
    marks = _marks(ask, labels, curves[0].values)
    equity = Chart(
        "Equity against buy and hold, USD",
        f"From {usd(begin)} on {labels[0]} to {usd(end)} on {labels[-1]}, deposits and withdrawals included. "
        "An arrow up is an entry, an arrow down an exit.",
        labels,
        curves,
        told=usd,
        marks=marks,
        log=log,
    )
    fallen = Chart(
        "Drawdown",
        f"How far the account was below its peak; {percent(min(row['drawdown_frac'] for row in rows))} at the deepest.",
        labels,
        [Curve("drawdown", [row["drawdown_frac"] for row in rows], area=True)],
        told=percent,
    )
    scale = "log" if log else "linear"
    return card(
        "Equity",
        choices("range", {name: name.upper() for name in RANGES}, chosen, f"&scale={scale}"),
        choices("scale", {"linear": "linear", "log": "logarithmic"}, scale, f"&range={chosen}"),
        drawn(equity, 280),
        drawn(fallen, 120),
    )


def _marks(ask: Ask, labels: Sequence[str], values: Sequence[float | None]) -> list[Marked]:
    places = {label: at for at, label in enumerate(labels)}
    found = []
    since = [one for one in _every_trade(ask) if one.entry_session >= labels[0]]
    for one in since[-MOST_MARKS:]:
        for session, entry in ((one.entry_session, True), (one.exit_session, False)):
            at = places.get(session or "")
            value = values[at] if at is not None else None
            if at is not None and value is not None:
                found.append(
                    Marked(at, value, entry, f"{session}: {'bought' if entry else 'sold'} {one.shares} {one.symbol}")
                )
    return found


def _every_trade(ask: Ask) -> Sequence[TradeRow]:
    def work(reader: Reader | None) -> Sequence[TradeRow]:
        return reader.rows(TradeRow, None, None) if reader else ()

    return ask.records.read("all trades", work)


def _standing(rows: Sequence[Table], sleeves: Table) -> Html:
    last = rows[-1]
    cash = sum(one["cash_usd"] or 0.0 for one in sleeves["sleeves"])
    equity = last["equity_usd"]
    used = 1 - cash / equity if equity > 0 else None
    return card(
        "Now",
        tag("p", usd(equity), class_="big"),
        facts(
            [
                ("at the close of", last["session"]),
                ("cash", usd(cash)),
                ("capital in use", percent(used, 1, sign=False)),
                ("earned since it began", change(sleeves["gained_usd"], usd(sleeves["gained_usd"], sign=True))),
                ("return since it began", change(sleeves["return_frac"], percent(sleeves["return_frac"]))),
                ("buy and hold", usd(last["benchmark_usd"])),
            ]
        ),
        class_="half",
    )


def _allocation(status: Table, sleeves: Table) -> Html:
    total = sleeves["equity_usd"] or 0.0
    rows = []
    for one in sleeves["sleeves"]:
        share = (one["equity_usd"] or 0.0) / total if total > 0 and one["state"] != "watch" else None
        rows.append(
            [one["sleeve"], percent(one["weight"], 1, sign=False), [percent(share, 1, sign=False),
             use_bar(share, limit=False)], usd(one["equity_usd"]), usd(one["cash_usd"])]
        )  # fmt: skip
    return card(
        "Allocation against target",
        table(("sleeve", "target", "now", "equity", "cash"), rows),
        class_="half",
    )


def _holdings(status: Table) -> Html:
    rows = [
        [
            row["strategy"],
            row["symbol"],
            f"{row['shares']:,}",
            row["entry_session"],
            usd(row["entry_price"]),
            usd(row["last_price"]),
            usd(row["market_usd"]),
            change(row["unrealized_usd"], usd(row["unrealized_usd"], sign=True)),
        ]
        for row in status["positions"]
    ]
    heads = ("sleeve", "symbol", "shares", "since", "bought at", "last close", "worth", "gain or loss")
    return card("Positions", table(heads, rows) if rows else empty("Nothing is held: all of it is cash."))


def _gave(ask: Ask, rows: Sequence[Table], *, from_start: bool) -> list[Html]:
    by_sleeve: dict[str, float] = defaultdict(float)
    # The first close is where a part of the history begins; what the first session of all brought counts.
    for row in rows if from_start else rows[1:]:
        for name, gained in row["gained_usd"].items():
            by_sleeve[name] += gained

    by_symbol: dict[str, float] = defaultdict(float)
    for trade in _every_trade(ask):
        if trade.pnl_usd is not None and trade.exit_session and trade.exit_session >= rows[0]["session"]:
            by_symbol[trade.symbol] += trade.pnl_usd
    sleeves = [[name, change(gained, usd(gained, sign=True))] for name, gained in by_sleeve.items()]
    symbols = [[name, change(gained, usd(gained, sign=True))] for name, gained in by_symbol.items()]
    first, last = rows[0]["session"], rows[-1]["session"]
    span: list[Child] = ["From the close of ", day(first), " to that of ", day(last)]
    if from_start:
        span = ["Since it began, up to the close of ", day(last)]
    return [
        card(
            "Earned by sleeve",
            tag("p", *span, ".", class_="quiet"),
            table(("sleeve", "earned"), sleeves) if sleeves else empty("Nothing yet."),
            class_="half",
        ),
        card(
            "Earned by symbol",
            tag(
                "p",
                "Trades in shares that ended from ",
                day(first),
                " to ",
                day(last),
                ", commissions taken off.",
                class_="quiet",
            ),
            table(("symbol", "closed trades"), symbols) if symbols else empty("No trade has ended."),
            class_="half",
        ),
    ]


def _months(rows: Sequence[Table]) -> Html:
    factors: dict[tuple[int, int], list[float]] = defaultdict(list)
    for row in rows:
        session = date.fromisoformat(row["session"])
        factors[session.year, session.month].append(1.0 + row["return_frac"])
    years = sorted({year for year, _ in factors}, reverse=True)
    lines = []
    for year in years:
        monthly = [prod(factors[year, month]) - 1 if (year, month) in factors else None for month in range(1, 13)]
        whole = prod(1 + one for one in monthly if one is not None) - 1
        cells = [
            tag("td", percent(one, 1) if one is not None else "", data_head=name,
                class_=None if not round(one or 0.0, 3) else "gain" if (one or 0.0) > 0 else "loss")
            for name, one in zip((*MONTHS, "year"), (*monthly, whole), strict=True)
        ]  # fmt: skip
        lines.append(tag("tr", tag("th", str(year), scope="row"), *cells))
    head = tag("tr", tag("th", "year", scope="col"), *(tag("th", name, scope="col") for name in (*MONTHS, "year")))
    body = tag("table", tag("caption", "Return of each month, deposits and withdrawals taken out"), tag("thead", head),
               tag("tbody", *lines), class_="heat wide")  # fmt: skip
    return card("Months", tag("div", body, class_="scroll", tabindex="0", role="region", aria_label="months"))
