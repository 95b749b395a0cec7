"""Market: the bars of any symbol of the cache, what indicators say of it, and how sound the data is."""

from collections.abc import Mapping, Sequence
from datetime import date
from math import isfinite
from typing import Any
from urllib.parse import quote

from mtum.core.indicators import INDICATORS
from mtum.core.reporting.charts import Panel
from mtum.ports.reading import Reader
from mtum.ports.rows import BarRow
from mtum.web import documents
from mtum.web.drawing import Chart, Curve, candles, drawn
from mtum.web.frame import Ask, nothing_yet
from mtum.web.html import NOTHING, Child, Html, card, change, empty, new_york, number, percent, table, tag, vote
from mtum.web.pages.portfolio import choices

type Table = Mapping[str, Any]

SPANS = {"60": "3M", "125": "6M", "250": "1Y", "750": "3Y"}
"""Bars shown -> what they are called."""
CANDLES = 125
"""Bars that are still drawn as candles; more become a line of closes."""
MOST_LINES = 3
"""Indicators drawn at a time."""
FINAL = {name: name for name in ("open", "high", "low", "close", "volume")} | {"volume_so_far": "volume"}
"""Value of a decision -> column of the bar that tells how it ended."""
KEPT_ROWS = 20
SERIES = ("VIX", "VXN", "RVX")


def page(ask: Ask) -> Child:
    """Return the page."""
    symbols = ask.records.read("symbols", _symbols)
    if not symbols:
        return nothing_yet()
    traded = [one for one in symbols if one not in SERIES] or symbols
    asked = ask.query.get("symbol", "")
    wanted = [name for one in ask.records.settings.configured().values() for name in one.rules.universe()]
    symbol = asked if asked in symbols else next((name for name in wanted if name in symbols), traded[0])
    span = ask.query.get("bars", "125")
    span = span if span in SPANS else "125"
    source = ask.records.settings.market.source
    rows = ask.records.read(("bars of", symbol, span), lambda reader: _bars(reader, symbol, source, int(span)))
    names = tuple(one for one in dict.fromkeys(ask.query.get("with", "").split(",")) if one in INDICATORS)[:MOST_LINES]
    over, below = _lines(ask, symbol, span, names) if names and len(rows) > 1 else ((), ())
    return [
        _choose(symbols, symbol, span, names),
        _drawn(symbol, span, rows, over, below),
        _last_prices(ask),
        _indicators(documents.indicators(ask.records, symbol)),
        _decision(ask, symbol, rows),
        _volatility(ask, source),
        _quality(ask, symbols, source),
        *_unsound(documents.unsound(ask.records)),
    ]


def _symbols(reader: Reader | None) -> Sequence[str]:
    if reader is None:
        return ()
    last = reader.rows(BarRow, None, 1)
    since = date.fromisoformat(last[-1].session).replace(day=1) if last else None
    return sorted({row.symbol for row in reader.rows(BarRow, since, None)})


def _bars(reader: Reader | None, symbol: str, source: str, count: int) -> Sequence[BarRow]:
    return reader.rows(BarRow, None, count, symbol=symbol, source=source) if reader else ()


def _choose(symbols: Sequence[str], symbol: str, span: str, names: Sequence[str]) -> Html:
    kept = f"&with={','.join(names)}" if names else ""
    links: dict[str, Html] = {}
    for name in INDICATORS:
        others = [one for one in names if one != name]
        wanted = ",".join(others if name in names else [*others[-MOST_LINES + 1 :], name])
        where = f"?symbol={quote(symbol)}&bars={span}" + (f"&with={wanted}" if wanted else "")
        told = f"leave out {INDICATORS[name].title}" if name in names else name.replace("_", " ")
        links[name] = tag("li", tag("a", told, href=where))
    return card(
        "Symbol",
        choices("symbol", {one: one for one in symbols}, symbol, f"&bars={span}{kept}"),
        choices("bars", SPANS, span, f"&symbol={quote(symbol)}{kept}"),
        tag("ul", *(links[name] for name in names), class_="choices") if names else None,
        tag(
            "details",
            tag("summary", "Draw another indicator" if names else "Draw an indicator"),
            tag("p", f"Up to {MOST_LINES} at a time.", class_="quiet"),
            tag("ul", *(link for name, link in links.items() if name not in names), class_="choices"),
        ),
    )


type Panels = Sequence[tuple[str, Sequence[Curve]]]


def _lines(ask: Ask, symbol: str, span: str, names: Sequence[str]) -> tuple[Sequence[Curve], Panels]:
    def curves(panel: Panel) -> list[Curve]:
        return [
            Curve(line.name, [float(one) if isfinite(one) else None for one in line.values]) for line in panel.lines
        ]

    def work(reader: Reader | None) -> tuple[Sequence[Curve], Panels]:
        from mtum.app.queries.bars import cached_bars
        from mtum.app.queries.indicator_chart import indicator_chart
        from mtum.core.market.timeframes import Timeframe

        if reader is None:
            return (), ()
        bars = cached_bars(reader, symbol, ask.records.settings.market.source)
        price, *below = indicator_chart(bars, names, Timeframe.DAY, int(span)).panels
        return curves(price)[1:], [(panel.title, curves(panel)) for panel in below]

    return ask.records.read(("lines", symbol, span, names), work)


def _drawn(symbol: str, span: str, rows: Sequence[BarRow], over: Sequence[Curve], below: Panels) -> Html:
    if len(rows) < 2:
        return card(symbol, empty("There are too few bars to draw."))
    labels, closes = [row.session for row in rows], [row.close for row in rows]
    last, before = rows[-1], rows[-2]
    moved = last.close / before.close - 1 if before.close else None
    state = "final" if last.final else "not final: the session was still running when it was read"
    says = f"Last close {number(last.close)} on {last.session}, {state}."
    chart = Chart(f"{symbol}, {SPANS[span]}", says, labels, [Curve("close", closes), *over])
    picture = (
        candles(chart, [(row.open, row.high, row.low, row.close) for row in rows]) if len(rows) <= CANDLES else None
    )
    volumes = [row.volume for row in rows]
    # Nine zeros beside a curve hide it.
    unit, noun = (1e6, "Millions of shares") if max((one or 0 for one in volumes), default=0) >= 1e8 else (1, "Shares")
    counted = [None if one is None else one / unit for one in volumes]
    volume = Chart("Volume", f"{noun} of each session.", labels, [Curve("volume", counted)])
    panels = [
        drawn(Chart(title, f"Newest: {_newest(curves)}.", labels, curves), 110) for title, curves in below if curves
    ]
    return card(
        symbol,
        tag("p", number(last.close), " ", change(moved, percent(moved)), class_="big"),
        picture or drawn(chart),
        *panels,
        drawn(volume, 100) if any(volumes) else None,
    )


def _last_prices(ask: Ask) -> Html:
    found = documents.quotes(ask.records)
    why_not = found["why_not"] or ""
    rows = [
        [
            one["symbol"],
            tag("span", number(one["price"]), class_="num", data_price=one["symbol"]),
            tag("span", new_york(one["seen_at"]), data_seen=one["seen_at"], data_of=one["symbol"])
            if one["seen_at"]
            else NOTHING,
            _said(one),
        ]
        for one in found["quotes"]
    ]
    told = "Of the settings' source, while the market is open and this page too; none while orders are made."
    note = tag("p", why_not, class_="note" if rows else "empty") if why_not else None
    if rows:
        inside = [note, tag("p", told, class_="quiet"), table(("symbol", "last", "age", "says"), rows)]
    else:
        inside = [note or empty("None yet: they come while the market is open.")]
    return card("Last prices", tag("div", *inside, data_quotes=why_not))


def _said(one: Table) -> str:
    marks = [name for name in ("delayed", "halted") if one[name]]
    return ", ".join(marks + ([one["why_not"]] if one["why_not"] else []))


def _newest(curves: Sequence[Curve]) -> str:
    return ", ".join(f"{one.name} {number(one.values[-1])}" for one in curves)


def _indicators(found: Table) -> Html:
    rows = []
    for frame in found["frames"]:
        for one in frame["readings"]:
            newest = one["values"][0] if one["values"] else {}
            values = ", ".join(f"{name} {number(value)}" for name, value in newest.items())
            rows.append([frame["timeframe"], one["title"], values or NOTHING, vote(one["vote"]), one["words"]])
    heads = ("bars", "indicator", "newest", "vote", "says")
    if not rows:
        return card("Indicators", empty("There are no bars to compute them of."))
    votes = [[frame["timeframe"], vote(frame["vote"])] for frame in found["frames"]]
    return card(
        "Indicators",
        table(("bars", "mean of all votes"), votes),
        tag("details", tag("summary", f"All {len(rows)} readings"), table(heads, rows)),
    )


def _decision(ask: Ask, symbol: str, rows: Sequence[BarRow]) -> Html:
    told = documents.last_explained(ask.records)[0]
    decisions = told.get("sleeves") or {told.get("strategy", ""): told}
    final = {row.session: row for row in rows}
    cells = []
    for name, one in decisions.items():
        seen = (one.get("inputs") or {}).get(symbol)
        bar = final.get(one.get("session") or "")
        ended = documents.final_indicators(ask.records, name).get(symbol, {}) if seen else {}
        for key, value in (seen or {}).items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                now = ended[key] if key in ended else getattr(bar, FINAL[key]) if bar and key in FINAL else None
                cells.append([name, key.replace("_", " "), number(value), number(now)])
    title = f"What the last decision saw of {symbol}"
    if not cells:
        return card(title, empty("The last decision did not look at it."))
    listing = table(("sleeve", "value", "at the decision", "final"), cells)
    return card(title, tag("details", tag("summary", f"{len(cells)} values"), listing))


def _volatility(ask: Ask, source: str) -> Html:
    def work(reader: Reader | None) -> Sequence[BarRow]:
        found = _bars(reader, "VIX", source, 250)
        return found or (reader.rows(BarRow, None, 250, symbol="VIX") if reader else ())

    rows = ask.records.read("vix", work)
    if len(rows) < 2:
        return card("VIX", empty("No VIX is cached."))
    says = f"{number(rows[-1].close)} at the close of {rows[-1].session}."
    chart = Chart("VIX over a year", says, [row.session for row in rows], [Curve("VIX", [row.close for row in rows])])
    return card("VIX", drawn(chart, 160))


def _quality(ask: Ask, symbols: Sequence[str], source: str) -> Html:
    def work(reader: Reader | None) -> Sequence[Sequence[Child]]:
        found: list[Sequence[Child]] = []
        for symbol in symbols:
            rows = reader.rows(BarRow, None, 260, symbol=symbol) if reader else ()
            if rows:
                last = rows[-1]
                again = sum(row.read_at != row.first_read_at for row in rows)
                found.append(
                    [symbol, last.source, last.session, "yes" if last.final else "no", number(last.close), f"{again}"]
                )
        return found

    rows = ask.records.read("quality", work)
    told = tag("p", "Of the newest 260 bars; ", tag("code", "mtum bars check"), " looks at all of them, ",
               tag("code", "mtum bars revisions"), " lists what sources changed.", class_="quiet")  # fmt: skip
    heads = ("symbol", "source", "newest bar", "final", "close", "read again")
    return card("Data", told, table(heads, rows))


def _unsound(found: Table) -> list[Html]:
    kept, revised = found["kept_out"], found["revisions"]
    if found.get("unread"):
        return [card("Bars kept out, revisions", tag("p", found["unread"], class_="note"))]
    out = [
        [one["symbol"], one["bar"]["day"], number(one["bar"]["close"]), one["rule"].replace("_", " "), one["found"],
         f"{one['id']}"]
        for one in kept[-KEPT_ROWS:][::-1]
    ]  # fmt: skip
    changes = [
        [one["symbol"], one["session"], one["column"], number(one["before"]), number(one["after"]),
         one["replaced_at"][:10], "yes" if one["accepted"] else "no"]
        for one in revised[-KEPT_ROWS:][::-1]
    ]  # fmt: skip
    newest = f" The newest {KEPT_ROWS}."
    more = [newest if len(rows) > KEPT_ROWS else "" for rows in (kept, revised)]
    advice = tag("p", "A bar that broke a rule is in no decision until a person believes it: ",
                 tag("code", "mtum bars release ID"), f".{more[0]}", class_="quiet")  # fmt: skip
    told = tag("p", f"What a source changed after it was accepted, newest first.{more[1]}", class_="quiet")
    heads = ("symbol", "session", "column", "before", "after", "noticed", "accepted")
    return [
        card(
            f"Bars kept out: {len(kept)}",
            *([advice, table(("symbol", "session", "close", "rule", "found", "ID"), out)] if out else [empty("None.")]),
        ),
        card(f"Revisions: {len(revised)}", *([told, table(heads, changes)] if changes else [empty("None.")])),
    ]
