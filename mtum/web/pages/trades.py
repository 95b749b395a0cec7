"""Trades: round trips with their reasons, orders and fills, what the fills cost against the decision, filters, CSV."""

import csv
from collections.abc import Mapping, Sequence
from datetime import date
from io import StringIO
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

from msgspec.structs import replace

from mtum.core.reporting import figures, words
from mtum.ports.reading import Reader
from mtum.ports.rows import BarRow, FillRow, OrderRow, TradeRow
from mtum.web import documents
from mtum.web.drawing import bars_of
from mtum.web.frame import Ask, form, nothing_yet
from mtum.web.html import NOTHING, Child, Html, card, change, empty, percent, table, tag, usd
from mtum.web.paging import Part

type Table = Mapping[str, Any]

SHOWN = 25
SIDES = ("BUY", "SELL")
FILTERS = ("since", "symbol", "sleeve", "side")
"""Words of the address that say what is shown."""
_EDGES = (-50.0, -20.0, -10.0, -5.0, 0.0, 5.0, 10.0, 20.0, 50.0)
"""Basis points between which slippage is counted."""


def page(ask: Ask) -> Child:
    """Return the page."""
    wanted = _wanted(ask)
    trades = documents.listed(ask.records, "trades", replace(wanted, side=None))  # a round trip has both
    newest = replace(wanted, cursor="")
    orders = documents.listed(ask.records, "orders", newest)
    if not trades["trades"] and not orders["orders"] and documents.status(ask.records)["last_run"] is None:
        return nothing_yet()
    fills = documents.listed(ask.records, "fills", newest)
    return [_filters(ask), _trades(ask, trades), _slippage(ask, newest),
            _orders(ask, orders["orders"]),
            _fills(ask, fills["fills"]), _notes(ask)]  # fmt: skip


def csv_text(ask: Ask) -> str:
    """Return every round trip that the filters let through, as CSV; no cell is a formula to a spreadsheet."""
    wanted = replace(_wanted(ask), side=None)
    rows = ask.records.fresh(lambda reader: reader.rows(TradeRow, wanted.since, None, **wanted.equal) if reader else ())
    written, names = StringIO(), list(TradeRow.__struct_fields__)
    lines = csv.writer(written)
    lines.writerow(names)
    for row in rows:
        lines.writerow([_cell(getattr(row, name)) for name in names])
    return written.getvalue()


def _cell(told: object) -> object:
    return f"'{told}" if isinstance(told, str) and told[:1] in ("=", "+", "-", "@", "\t", "\r") else told


def _wanted(ask: Ask) -> Part:
    try:
        since = date.fromisoformat(ask.query.get("since", ""))
    except ValueError:
        since = None
    sleeve, side = ask.query.get("sleeve"), ask.query.get("side")
    return Part(
        since,
        SHOWN,
        sleeve if sleeve in ask.records.sleeves else None,
        ask.query.get("cursor", ""),
        ask.query.get("symbol", "").strip().upper() or None,
        side if side in SIDES else None,
    )


def _filters(ask: Ask) -> Html:
    names = ask.records.sleeves

    def choices(every: str, names: Sequence[str], chosen: str) -> list[Html]:
        first = tag("option", every, value="")
        return [first, *(tag("option", name, value=name, selected=name == chosen) for name in names)]

    sleeves = choices("all sleeves", names, ask.query.get("sleeve", ""))
    sides = choices("both", SIDES, ask.query.get("side", ""))
    symbol = ask.query.get("symbol", "")
    return card(
        "Show",
        tag(
            "form",
            tag("label", "since", tag("input", type="date", name="since", value=ask.query.get("since", ""))),
            tag("label", "symbol",
                tag("input", name="symbol", value=symbol, maxlength="15", autocapitalize="characters")),
            tag("label", "sleeve", tag("select", *sleeves, name="sleeve")) if len(names) > 1 else None,
            tag("label", "side of orders and fills", tag("select", *sides, name="side")),
            tag("button", "Show"),
            tag("a", "All of it as CSV", href=f"/trades.csv?{_query(ask)}", class_="button"),
            method="get",
        ),
    )  # fmt: skip


def _query(ask: Ask, **more: str) -> str:
    return urlencode({key: ask.query[key] for key in FILTERS if ask.query.get(key)} | more)


def _none(ask: Ask, words: str) -> Html:
    return empty("There is none that fits what is chosen above." if _query(ask) else words)


def _trades(ask: Ask, found: Table) -> Html:
    rows = []
    first = min((one["entry_session"] for one in found["trades"]), default="")
    left = _left(ask) if any(not one["exit_session"] for one in found["trades"]) else {}
    for one in reversed(found["trades"]):
        best, worst = _points(ask, one, first)
        reason = words.reason(one["reason"]) if one["reason"] else NOTHING
        rows.append(
            [
                one["strategy"],
                one["symbol"],
                _shares(one, left),
                f"{one['entry_session']} at {usd(one['entry_price'])}",
                f"{one['exit_session']} at {usd(one['exit_price'])}" if one["exit_session"] else "still open",
                reason,
                change(one["pnl_usd"], usd(one["pnl_usd"], sign=True)),
                change(one["return_frac"], percent(one["return_frac"])),
                percent(best),
                percent(worst),
            ]
        )
    heads = ("sleeve", "symbol", "shares", "in", "out", "why out", "P&L", "return", "best point", "worst point")
    more = None
    if found["next"]:
        more = tag("p", tag("a", "Older ones", href=f"/trades?{_query(ask, cursor=found['next'])}", class_="button"))
    return card(
        "Round trips, newest first",
        tag("p", "Best and worst point: highest high and lowest low of the sessions held, against the entry price.",
            class_="quiet"),
        table(heads, rows) if rows else _none(ask, "There is no round trip yet."),
        more,
    )  # fmt: skip


def _left(ask: Ask) -> Mapping[tuple[str, str], int]:
    return {(one["strategy"], one["symbol"]): one["shares"] for one in documents.status(ask.records)["positions"]}


def _shares(one: Table, left: Mapping[tuple[str, str], int]) -> str:
    held = one["shares"] if one["exit_session"] else left.get((one["strategy"], one["symbol"]), one["shares"])
    if held == one["shares"]:
        return figures.minus(f"{held:,}")
    verb = "bought" if one["shares"] > 0 else "sold"
    return figures.minus(f"{one['shares']:,} {verb}, {held:,} left")


def _points(ask: Ask, one: Table, since: str) -> tuple[float | None, float | None]:
    # Maximum favorable and adverse excursion, of the bars behind the entry's.
    first, last = one["entry_session"], one["exit_session"] or "9999-12-31"
    bars = [row for row in _bars(ask, one["symbol"], since) if first < row[0] <= last]
    if not bars or not one["entry_price"]:
        return None, None
    price = one["entry_price"]
    # Both begin at the entry itself: a trade that was never above it has a best point of zero.
    best = max(0.0, max(high for _, high, _ in bars) / price - 1)
    worst = min(0.0, min(low for *_, low in bars) / price - 1)
    return (best, worst) if one["shares"] > 0 else (-worst, -best)


def _bars(ask: Ask, symbol: str, since: str) -> Sequence[tuple[str, float, float]]:
    def work(reader: Reader | None) -> Sequence[tuple[str, float, float]]:
        source = ask.records.settings.market.source
        rows = reader.rows(BarRow, date.fromisoformat(since), symbol=symbol, source=source) if reader else ()
        return [(row.session, row.high, row.low) for row in rows]

    return ask.records.read(("highs and lows", symbol, since), work)


def _slippage(ask: Ask, wanted: Part) -> Html:
    def work(reader: Reader | None) -> Sequence[float]:
        own = wanted.equal
        fills = reader.rows(FillRow, wanted.since, 1000, **own) if reader else ()
        orders = {row.id: row for row in reader.rows(OrderRow, wanted.since, 2000, **own)} if reader else {}
        return [_cost_bps(one, orders[one.intent_id]) for one in fills if one.intent_id in orders]

    found = ask.records.read(("slippage", wanted), work)
    if not found:
        return card("Slippage", _none(ask, "There is no fill to compare with its decision."))
    edges = [float("-inf"), *_EDGES, float("inf")]
    counts = [sum(low <= one < high for one in found) for low, high in pairwise(edges)]
    labels = [figures.minus(f"below {_EDGES[0]:g}")]
    labels += [figures.minus(f"{low:g} to {high:g}") for low, high in pairwise(_EDGES)]
    middle = sorted(found)[len(found) // 2]
    says = (
        f"Fill price against the decision's price in basis points of {words.count(len(found), 'fill')}; above zero is "
        f"a cost. The middle one is {figures.minus(f'{round(middle, 1) + 0.0:+.1f}')} bps."
    )
    return card("Slippage", bars_of(says, [*labels, f"from {_EDGES[-1]:g}"], counts))


def _cost_bps(fill: FillRow, order: OrderRow) -> float:
    way = 1 if fill.side == "BUY" else -1
    return way * (fill.price / order.reference_price - 1) * 10_000 if order.reference_price else 0.0


def _orders(ask: Ask, rows: Sequence[Table]) -> Html:
    cells = [
        [
            one["session"],
            one["strategy"],
            f"{one['side']} {one['shares']:,} {one['symbol']} {one['type']}",
            f"{one['status'].replace('_', ' ').lower()}, {one['filled']:,} filled",
            words.listed(tuple(words.reason(word) for word in one["reasons"])),
            one["text"] or NOTHING,
        ]
        for one in reversed(rows)
    ]
    heads = ("session", "sleeve", "order", "became", "because", "broker's words")
    return _folded("orders", table(heads, cells) if cells else _none(ask, "No order was made yet."), len(cells))


def _fills(ask: Ask, rows: Sequence[Table]) -> Html:
    cells = [
        [
            one["session"],
            one["strategy"],
            f"{one['side']} {one['shares']:,} {one['symbol']}",
            usd(one["price"]),
            usd(one["commission_usd"]) if one["commission_usd"] is not None else "not known yet",
        ]
        for one in reversed(rows)
    ]
    heads = ("session", "sleeve", "execution", "price", "commission")
    return _folded("fills", table(heads, cells) if cells else _none(ask, "Nothing was filled yet."), len(cells))


def _folded(name: str, inside: Html, count: int) -> Html:
    return card(name.capitalize(), tag("details", tag("summary", f"Newest {count}"), inside) if count else inside)


def _notes(ask: Ask) -> Html:
    found = documents.listed(ask.records, "notes", Part(None, SHOWN))["notes"]
    rows = [[one["session"], one["symbol"] or NOTHING, one["words"]] for one in reversed(found)]
    written = form(
        ask,
        "/api/v1/note",
        tag("label", "note", tag("input", name="words", maxlength="300", required=True, autocomplete="off")),
        tag("label", "session", tag("input", type="date", name="session")),
        tag("label", "symbol", tag("input", name="symbol", maxlength="15", autocapitalize="characters")),
        tag("button", "Write it down"),
    )
    return card(
        "Notes",
        table(("session", "symbol", "note"), rows) if rows else empty("None is written yet: ", "mtum note TEXT"),
        written if ask.acts else tag("p", ask.why_not, class_="note"),
    )
