"""The addresses below /api/v1, and those with words that FastAPI checks; loaded with the first one asked for."""

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from msgspec.structs import replace
from starlette.exceptions import HTTPException

from mtum.app.queries.listing import KINDS
from mtum.app.queries.plain import plain
from mtum.errors import ExitCode
from mtum.web import actions, documents, frame
from mtum.web.answers import answered, on_errors
from mtum.web.asked_backtest import FormError
from mtum.web.documents import Document
from mtum.web.gate import address_of, visit_of
from mtum.web.paging import MOST_ROWS, Part
from mtum.web.records import Records
from mtum.web.site import Site, form_of
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


def api_app(site: Site, watch: Watch) -> FastAPI:
    """Return what is answered below /api and to its forms, with the page that lists it and the tear sheets."""
    errors = on_errors(site)
    app = FastAPI(
        title="mtum",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
        exception_handlers={**errors, Exception: _left_to_the_site},
    )
    app.include_router(reading_routes(site.records, watch))
    _acting(app, site)

    @app.exception_handler(RequestValidationError)
    def of_words(request: Request, error: RequestValidationError) -> Any:
        words = "; ".join(f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors())
        return errors[HTTPException](request, HTTPException(422, words[:500]))

    @app.get("/research/tear-sheet", include_in_schema=False)
    def tear_sheet(of: Annotated[int, Query(ge=1, le=2**62)]) -> Response:
        found = documents.tear_sheet(site.records, of)
        if found is None:
            raise HTTPException(404)
        page, policy = found
        return HTMLResponse(page, headers={"cache-control": "no-store", "content-security-policy": policy})

    @app.get("/docs", include_in_schema=False)
    def docs(request: Request) -> Response:
        return HTMLResponse(frame.api_page(site.ask(request), app.openapi()))

    return app


async def _left_to_the_site(_request: Request, error: Exception) -> Response:
    # The site around this logs and answers it; twice would be two errors in the log for one.
    raise error


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


def _acting(app: FastAPI, site: Site) -> None:
    @app.get(f"{PREFIX}/token", summary="What a POST carries: as field `token` or header X-Mtum-Token.")
    def token(request: Request) -> Response:
        return answered(request, {"token": site.guard.token(visit_of(request))})

    def route(name: str) -> Any:
        leads_to = actions.LEADS_TO.get(name, "/")

        async def action(request: Request) -> Response:
            form = await form_of(site, request)
            ask = site.ask(request)
            if not ask.acts:
                raise HTTPException(403, ask.why_not)
            address = address_of(request, behind_proxy=site.behind_proxy)
            page = "text/html" in request.headers.get("accept", "")
            try:
                found = await asyncio.to_thread(
                    lambda: actions.act(name, site.records, form, address, signed_in=ask.signed_in)
                )
            except FormError as error:
                wrong = {key: site.records.without_paths(words) for key, words in error.wrong.items()}
                if page:
                    refused = replace(ask, given=form, wrong=wrong)
                    body = await asyncio.to_thread(lambda: frame.page_of(leads_to.strip("/"), refused))
                    return HTMLResponse(body, 400, {"cache-control": "no-store"})
                problems = [{"code": ExitCode.USAGE, "text": words, "field": key} for key, words in wrong.items()]
                return answered(request, {"problems": problems, "exit_code": ExitCode.USAGE}, 400)
            return RedirectResponse(leads_to, 303) if page else answered(request, plain(found))

        return action

    for name, work in actions.ACTIONS.items():
        summary = (work.__doc__ or "").split("\n")[0]
        app.add_api_route(f"{PREFIX}/{name}", route(name), methods=["POST"], name=name, summary=summary)
    app.add_api_route("/research", route("backtest"), methods=["POST"], include_in_schema=False)
