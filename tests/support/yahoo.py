"""A server that answers like Yahoo's chart service, faults included, for the real client library."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from datetime import time as wall_time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from mtum.adapters.sources.yahoo import client
from mtum.core.market.bars import Bars

NEW_YORK, CHICAGO = ZoneInfo("America/New_York"), ZoneInfo("America/Chicago")
RANGES = ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"]
JSON_TYPE = "application/json;charset=utf-8"

type Number = float | None


@dataclass
class Row:
    """One row of a chart as it is sent; None becomes null."""

    at: datetime
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Number


@dataclass
class Chart:
    """What the server knows of one symbol."""

    rows: list[Row]
    symbol: str = "MTUM"
    zone: ZoneInfo = NEW_YORK
    kind: str = "ETF"
    currency: str = "USD"
    splits: dict[date, float] = field(default_factory=dict)
    dividends: dict[date, float] = field(default_factory=dict)
    intraday: list[Row] = field(default_factory=list)
    traded_at: datetime | None = None


@dataclass(frozen=True)
class Reply:
    """One raw reply in place of a chart."""

    status: int = 200
    body: bytes = b""
    kind: str = JSON_TYPE
    wait_seconds: float = 0.0
    drop: bool = False


TOO_MANY = Reply(429, b"Too Many Requests\r\n", "text/plain")
RIGHT_BACK = Reply(200, b"<html><body><h1>Will be right back...</h1></body></html>", "text/html")
CONSENT = Reply(200, b"<!DOCTYPE html><html><body>Before you continue to Yahoo</body></html>", "text/html")
EMPTY = Reply(200, b"")
TRUNCATED = Reply(200, b'{"chart":{"result":[{"meta":{"currency":"USD","symb')
NULL_CHART = Reply(200, b'{"chart": null}')
RESET = Reply(drop=True)
ERROR_500 = Reply(500, b'{"finance":{"result":null,"error":{"code":"Internal Server Error","description":""}}}')
NOT_FOUND = Reply(
    404,
    b'{"chart":{"result":null,"error":{"code":"Not Found","description":"No data found, symbol may be delisted"}}}',
)


class YahooServer:
    """The charts by ticker, replies to give instead of the next ones, and every path that was asked."""

    def __init__(self) -> None:
        self.charts: dict[str, Chart] = {}
        self.replies: list[Reply] = []
        self.always: Reply | None = None
        self.instead: dict[str, Reply] = {}
        self.asked: list[str] = []
        self.url = ""

    def reply(self, path: str, query: dict[str, list[str]]) -> Reply:
        """Return the reply to one request."""
        if not path.startswith("/v8/finance/chart/"):
            return Reply(200, b"Qq1.crumb", "text/plain") if path.endswith("getcrumb") else Reply(404, b"", "text/html")
        self.asked.append(path)
        if self.replies:
            return self.replies.pop(0)
        if self.always is not None:
            return self.always
        ticker = unquote(path.rsplit("/", 1)[1])
        chart = self.charts.get(ticker)
        if ticker in self.instead:
            return self.instead[ticker]
        return NOT_FOUND if chart is None else Reply(body=json.dumps(body_of(chart, query)).encode())


def daily_rows(bars: Bars, zone: ZoneInfo = NEW_YORK, opens: wall_time = wall_time(9, 30)) -> list[Row]:
    """Return bars as the service sends them: stamped with the opening, prices in single precision."""
    return [
        Row(
            datetime.combine(bars.day(index), opens, tzinfo=zone),
            *(float(np.float32(getattr(bars, name)[index])) for name in ("open", "high", "low", "close", "volume")),
        )
        for index in range(len(bars))
    ]


def chart_of(bars: Bars, **more: Any) -> Chart:
    """Return a chart of bars with their dividends and splits."""
    actions = {
        f"{name}s": {bars.day(int(i)): float(getattr(bars, name)[i]) for i in np.flatnonzero(getattr(bars, name))}
        for name in ("dividend", "split")
    }
    return Chart(daily_rows(bars), symbol=bars.symbol, **{**actions, **more})


def body_of(chart: Chart, query: dict[str, list[str]]) -> dict[str, Any]:
    """Return the JSON document of a chart for a query's period and interval."""
    intraday = query.get("interval", ["1d"])[0] != "1d"
    rows = [row for row in (chart.intraday if intraday else chart.rows) if _inside(row.at, query)]
    result: dict[str, Any] = {"meta": _meta(chart, rows, intraday=intraday)}
    if rows:
        result["timestamp"] = [int(row.at.timestamp()) for row in rows]
        result["events"] = _events(chart, query)
        names = ("open", "high", "low", "close", "volume")
        quote = {name: [getattr(row, name) for row in rows] for name in names}
        result["indicators"] = {"quote": [quote], "adjclose": [{"adjclose": quote["close"]}]}
    else:
        result["indicators"] = {"quote": [{}], "adjclose": [{}]}
    return {"chart": {"result": [result], "error": None}}


def _inside(at: datetime, query: dict[str, list[str]]) -> bool:
    if "period1" not in query:
        return True
    return int(query["period1"][0]) <= at.timestamp() < int(query["period2"][0])


def _events(chart: Chart, query: dict[str, list[str]]) -> dict[str, Any]:
    def stamp(day: date) -> datetime:
        return datetime.combine(day, wall_time(9, 30), tzinfo=chart.zone)

    splits = {
        str(int(stamp(day).timestamp())): {
            "date": int(stamp(day).timestamp()),
            "numerator": ratio,
            "denominator": 1,
            "splitRatio": f"{ratio:g}:1",
        }
        for day, ratio in chart.splits.items()
        if _inside(stamp(day), query)
    }
    dividends = {
        str(int(stamp(day).timestamp())): {"amount": amount, "date": int(stamp(day).timestamp())}
        for day, amount in chart.dividends.items()
        if _inside(stamp(day), query)
    }
    return {name: found for name, found in (("splits", splits), ("dividends", dividends)) if found}


def _meta(chart: Chart, rows: list[Row], *, intraday: bool) -> dict[str, Any]:
    last = rows[-1] if rows else None
    traded = chart.traded_at or (last.at if last else datetime(2024, 1, 2, 21, tzinfo=UTC))
    period = {"timezone": "EST", "start": 1740061800, "end": 1740085200, "gmtoffset": -18000}
    meta: dict[str, Any] = {
        "currency": chart.currency,
        "symbol": chart.symbol,
        "exchangeName": "BTS",
        "instrumentType": chart.kind,
        "firstTradeDate": 1366291800,
        "regularMarketTime": int(traded.timestamp()),
        "gmtoffset": -18000,
        "timezone": "EST",
        "exchangeTimezoneName": str(chart.zone),
        "regularMarketPrice": last.close if last else None,
        "priceHint": 2,
        "currentTradingPeriod": {name: dict(period) for name in ("pre", "regular", "post")},
        "dataGranularity": "5m" if intraday else "1d",
        "range": "",
        "validRanges": RANGES,
    }
    if intraday and rows:
        days = sorted({row.at.astimezone(chart.zone).date() for row in rows})
        meta["tradingPeriods"] = [[_trading_period(chart, day)] for day in days]
    return meta


def _trading_period(chart: Chart, day: date) -> dict[str, Any]:
    start, end = (datetime.combine(day, at, tzinfo=chart.zone) for at in (wall_time(9, 30), wall_time(16, 0)))
    return {"timezone": "EST", "start": int(start.timestamp()), "end": int(end.timestamp()), "gmtoffset": -18000}


@contextmanager
def yahoo_server() -> Iterator[YahooServer]:
    """Serve on a loopback port until the block ends; the client tries a question once."""
    yahoo = YahooServer()
    over = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(yahoo.reply, over))
    server.daemon_threads = True
    yahoo.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(client, "TRYING_FRAC", 0.0)
            yield yahoo
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(
    reply_to: Callable[[str, dict[str, list[str]]], Reply], over: threading.Event
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            reply = reply_to(parts.path, parse_qs(parts.query))
            over.wait(reply.wait_seconds)
            if reply.drop:
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.kind)
            self.send_header("Content-Length", str(len(reply.body)))
            self.send_header("Set-Cookie", "A3=d=AQAB&S=AQAA; Max-Age=31557600; Domain=127.0.0.1; Path=/")
            self.end_headers()
            with suppress(ConnectionError):  # a client that waited long enough has gone
                self.wfile.write(reply.body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    return Handler
