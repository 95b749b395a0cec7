"""The addresses below /api/v1 that only read."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from hashlib import sha256
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from mtum.app.queries.listing import KINDS
from mtum.app.queries.plain import plain
from mtum.web import documents
from mtum.web.documents import Document
from mtum.web.paging import MOST_ROWS, Part
from mtum.web.records import Records
from mtum.web.stream import MOST_STREAMS, Watch

PREFIX = "/api/v1"
Session = Annotated[date | None, Query(description="Session; the newest unless named.")]
Since = Annotated[date | None, Query(description="Only sessions from this day on.")]
Sleeve = Annotated[str | None, Query(max_length=24, description="Only this sleeve.")]
Limit = Annotated[int, Query(ge=1, le=MOST_ROWS, description="Rows at most.")]
Cursor = Annotated[str, Query(max_length=40, description="`next` of the page before.")]
_SYMBOL = r"^[A-Z0-9][A-Z0-9. -]*$"
Symbol = Annotated[str | None, Query(max_length=15, pattern=_SYMBOL, description="Only this symbol.")]
Side = Annotated[Literal["BUY", "SELL"] | None, Query(description="Only this side.")]


def answered(request: Request, document: Document, status: int = 200) -> Response:
    """Return a document as JSON; nothing but 304 where the browser has it already.

    Parameters
    ----------
    request : Request
        The browser's request.
    document : Document
        The document, as plain JSON values.
    status : int
        Status of the answer.
    """
    try:
        body = _text(document)
    except ValueError:  # an infinite number stood in the records
        body = _text(plain(document))
    mark = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {"etag": mark, "cache-control": "no-cache"}
    if status == 200 and mark in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, status_code=status, media_type="application/json", headers=headers)


def _text(document: Document) -> bytes:
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def reading_routes(records: Records, watch: Watch) -> APIRouter:
    """Return everything that is read."""
    routes = APIRouter(prefix=PREFIX)
    plain: dict[str, tuple[Callable[[Records], Document], str]] = {
        "status": (documents.status, "Mode, account, positions, orders, halts, next wake times."),
        "sleeves": (documents.sleeves, "What the account is made of, sleeve by sleeve."),
        "options": (documents.options, "Open groups of options: legs, marks, delta, collateral, next rule."),
        "quotes": (documents.quotes, "Last prices while the market is open, where they are asked for."),
        "broker": (documents.broker, "The account as the broker showed it last; settled cash that is free."),
        "risk": (documents.risk, "Limits with their use, value at risk, past crashes."),
        "performance": (documents.performance, "The account at every close."),
        "jobs": (documents.jobs, "When each job is due over ten sessions."),
    }
    for name, (work, words) in plain.items():
        routes.add_api_route(f"/{name}", _plain(records, work), methods=["GET"], name=name, summary=words)
    for kind in KINDS:
        routes.add_api_route(
            f"/{kind}", _list(records, kind), methods=["GET"], name=kind, summary=f"`mtum show {kind}`, page by page."
        )
    _with_words(routes, records)

    @routes.get(
        "/stream",
        summary="Server-sent events: run, decision, order, fill, equity, halt, problem, health, backtest; with "
        "prices=true also quote, and last prices are asked for as long as it is open.",
    )
    async def stream(
        last_event_id: Annotated[str | None, Header()] = None,
        after: Annotated[str | None, Query()] = None,
        prices: Annotated[bool, Query()] = False,
    ) -> Response:
        if watch.streams >= MOST_STREAMS:
            return Response("too many streams are open", status_code=503, headers={"retry-after": "5"})
        given = last_event_id or after or ""
        number = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(watch.told(number, prices=prices), media_type="text/event-stream", headers=headers)

    return routes


def _plain(records: Records, work: Callable[[Records], Document]) -> Callable[..., Any]:
    def asked(request: Request) -> Response:
        return answered(request, work(records))

    return asked


def _part(
    since: Since = None,
    limit: Limit = 500,
    sleeve: Sleeve = None,
    cursor: Cursor = "",
    symbol: Symbol = None,
    side: Side = None,
) -> Part:
    return Part(since, limit, sleeve, cursor, symbol, side)


def _list(records: Records, kind: str) -> Callable[..., Any]:
    def asked(request: Request, wanted: Annotated[Part, Depends(_part)]) -> Response:
        told = replace(wanted, sleeve=None) if kind in ("bars", "runs", "notes") else wanted
        return answered(request, documents.listed(records, kind, told))

    return asked


def _with_words(routes: APIRouter, records: Records) -> None:
    @routes.get("/explain", summary="Why a session was decided so.")
    def explain(request: Request, session: Session = None, sleeve: Sleeve = None) -> Response:
        return answered(request, documents.explain(records, session, sleeve))

    @routes.get("/report", summary="The stored report of a session.")
    def report(request: Request, session: Session = None) -> Response:
        return answered(request, documents.report(records, session))

    @routes.get("/backtests", summary="Backtests, sweeps and walk forwards.")
    def backtests(request: Request, since: Since = None, limit: Limit = 500, cursor: Cursor = "") -> Response:
        return answered(request, documents.backtests(records, since, limit, cursor))

    @routes.get("/compare", summary="Kept backtests, sweeps and walk forwards side by side: `of` names their numbers.")
    def compare(
        request: Request, of: Annotated[str, Query(max_length=100, pattern=r"^[0-9]{1,18}(,[0-9]{1,18}){1,4}$")]
    ) -> Response:
        return answered(request, documents.compare(records, list(dict.fromkeys(map(int, of.split(","))))))

    @routes.get("/backtest", summary="The backtest that a page started last: how far it is, or how it ended.")
    def backtest(request: Request) -> Response:
        return answered(request, documents.backtest(records))

    @routes.get("/indicators", summary="What the indicators say of a symbol.")
    def indicators(request: Request, symbol: Annotated[str, Query(max_length=15, pattern=_SYMBOL)]) -> Response:
        return answered(request, documents.indicators(records, symbol))

    @routes.get("/events", summary="What was recorded behind a number.")
    def events(request: Request, after: Annotated[int, Query(ge=0)] = 0, limit: Limit = 500) -> Response:
        return answered(request, documents.events(records, after, limit))
