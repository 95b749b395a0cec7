"""The server of one data folder: its addresses behind the guard, and its life."""

import asyncio
import gc
import logging
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Annotated, Any
from urllib.parse import parse_qsl

import uvicorn
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from mtum.app.queries.plain import plain
from mtum.errors import ExitCode, MtumError, UsageError
from mtum.web import actions, documents, frame
from mtum.web.api import PREFIX, answered, reading_routes
from mtum.web.asked_backtest import FormError
from mtum.web.frame import Ask
from mtum.web.gate import Gate, address_of, session_of, visit_of
from mtum.web.guard import SESSION, Guard
from mtum.web.records import Records
from mtum.web.registry import PAGES
from mtum.web.stream import Watch

log = logging.getLogger(__name__)

LONGEST_FORM = 16_384
"""Bytes of a form."""
FORM_SECONDS = 10.0
MOST_CONNECTIONS = 500
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Site:
    """What the addresses of one server share.

    Parameters
    ----------
    behind_proxy : bool
        Whether a proxy in front says where a request came from.
    """

    records: Records
    guard: Guard
    behind_proxy: bool = False

    def ask(self, request: Request) -> Ask:
        """Return what a page is asked, and whether its forms may be sent."""
        signed_in = self.guard.is_signed_in(session_of(request))
        barred = self.records.settings.mode == "live" and not signed_in
        why = "In live mode the dashboard is read-only until MTUM_WEB__PASSWORD is set." if barred else ""
        token = self.guard.token(visit_of(request))
        return Ask(self.records, dict(request.query_params), token, not barred, why, signed_in)


def site_app(site: Site) -> Gate:
    """Return the whole site."""
    watch = Watch(site.records)

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        watch.start()
        site.records.backtests.changed = watch.tell_backtest
        quotes = site.records.quotes
        quotes.wanted = lambda: documents.quoted_symbols(site.records) if watch.showing_prices else ()
        quotes.changed = watch.tell_quotes
        quotes.start()
        site.records.backtests.tidy()
        gc.freeze()
        yield
        watch.stop()
        await asyncio.to_thread(quotes.stop)
        await asyncio.to_thread(site.records.backtests.stop, "the server ended")

    app = FastAPI(
        title="mtum", version="1", docs_url=None, redoc_url=None, openapi_url=f"{PREFIX}/openapi.json", lifespan=life
    )
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.include_router(reading_routes(site.records, watch))
    _pages(app, site)
    _signing_in(app, site)
    _acting(app, site)
    _errors(app, site)
    # Outermost, so that an answer to an error has its headers too.
    return Gate(app, site.guard)


def _pages(app: FastAPI, site: Site) -> None:
    def shown(path: str, request: Request) -> Response:
        headers = {"cache-control": "no-store"}
        return HTMLResponse(frame.page_of(path, site.ask(request)), headers=headers)

    def route(path: str) -> Any:
        def page(request: Request) -> Response:
            return shown(path, request)

        return page

    for path in PAGES:
        app.add_api_route(f"/{path}", route(path), methods=["GET"], include_in_schema=False)

    @app.get("/trades.csv", include_in_schema=False)
    def trades_csv(request: Request) -> Response:
        from mtum.web.pages.trades import csv_text

        headers = {"content-disposition": 'attachment; filename="trades.csv"', "cache-control": "no-store"}
        return Response(csv_text(site.ask(request)), media_type="text/csv", headers=headers)

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

    # Read once: nothing in an address ever becomes a path.
    folder = files("mtum.web") / "static"
    kept = {name: ((folder / name).read_bytes(), kind) for name, kind in frame.STATIC.items()}

    @app.get("/static/{name}", include_in_schema=False)
    def static(name: str) -> Response:
        if name not in kept:
            raise HTTPException(404)
        body, kind = kept[name]
        return Response(body, media_type=kind, headers={"cache-control": "max-age=300"})

    @app.get("/favicon.ico", include_in_schema=False)
    def icon() -> Response:
        return RedirectResponse("/static/icon.svg")


def _signing_in(app: FastAPI, site: Site) -> None:
    guard = site.guard

    @app.get("/login", include_in_schema=False)
    def login(request: Request) -> Response:
        return HTMLResponse(frame.sign_in_page(guard.token(visit_of(request))), headers={"cache-control": "no-store"})

    @app.post("/login", include_in_schema=False)
    async def signed_in(request: Request) -> Response:
        form = await form_of(site, request)
        address = address_of(request, behind_proxy=site.behind_proxy)
        session = None
        waits = guard.wait_seconds(address)
        if not waits and guard.asks:
            session = await asyncio.to_thread(guard.sign_in, address, form.get("password", ""))
        if session is None:
            if not waits:  # those that were not even looked at would fill the log
                log.warning("sign_in_refused", extra={"asked_from": address})
            words = f"Too many wrong passwords. Try again in {waits:.0f} s." if waits else "That is not the password."
            page = frame.sign_in_page(guard.token(visit_of(request)), words)
            headers = {"retry-after": f"{waits:.0f}"} if waits else {}
            return HTMLResponse(page, 429 if waits else 403, headers)
        log.warning("signed_in", extra={"asked_from": address})
        answer = RedirectResponse("/", 303)
        answer.set_cookie(SESSION, session, httponly=True, samesite="strict", secure=guard.secure, path="/")
        return answer

    @app.post("/logout", include_in_schema=False)
    async def signed_out(request: Request) -> Response:
        await form_of(site, request)
        guard.sign_out(session_of(request))
        answer = RedirectResponse("/login" if guard.asks else "/", 303)
        answer.delete_cookie(SESSION)
        return answer


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
    # At the page's own address, which stays there while a field is to be put right.
    app.add_api_route("/research", route("backtest"), methods=["POST"], include_in_schema=False)


async def form_of(site: Site, request: Request) -> Mapping[str, str]:
    """Return the fields of a form that carries the token of its browser.

    Raises
    ------
    HTTPException
        If it is too long, too slow, carries no token or holds what is no text.
    """
    body = b""
    try:
        async with asyncio.timeout(FORM_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > LONGEST_FORM:
                    raise HTTPException(413, "the form is too long")
    except TimeoutError:
        raise HTTPException(408, "the form took too long") from None
    try:
        form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=50))
    except ValueError:
        raise HTTPException(400, "the form has more fields than any page here") from None
    given = request.headers.get("x-mtum-token") or form.get("token", "")
    if not site.guard.is_token(visit_of(request), given):
        raise HTTPException(403, "the form is not one of this page; load the page again")
    if no_text := next((name for name, text in form.items() if _NO_TEXT.search(f"{name}{text}")), None):
        raise HTTPException(400, f"{no_text[:40]!r} holds a control character; write it without")
    return form


def _errors(app: FastAPI, site: Site) -> None:
    def told(request: Request, status: int, document: dict[str, Any], advice: str = "") -> Response:
        path = request.url.path.strip("/")
        if path.startswith("api/") and "text/html" not in request.headers.get("accept", ""):
            return answered(request, document, status)
        words = "; ".join(str(one["text"]) for one in document["problems"])
        known = path in PAGES
        public = site.guard.asks and not site.guard.is_signed_in(session_of(request))
        title = PAGES[path][0] if known else "Not found" if status == 404 else "Refused"
        page = frame.error_page(title, path, None if public else site.ask(request), words, advice)
        return HTMLResponse(page, status, {"cache-control": "no-store"})

    def problem(code: int, text: str) -> dict[str, Any]:
        return {"problems": [{"code": code, "text": text}], "exit_code": code}

    @app.exception_handler(MtumError)
    def of_ours(request: Request, error: MtumError) -> Response:
        status = 400 if isinstance(error, UsageError) else 409 if error.exit_code == ExitCode.LOCKED else 503
        return told(request, status, site.records.problem(error), "It is tried again when the page is loaded again.")

    @app.exception_handler(HTTPException)
    def of_http(request: Request, error: HTTPException) -> Response:
        words = "There is no such page." if error.status_code == 404 else str(error.detail)
        return told(request, error.status_code, problem(ExitCode.USAGE, words))

    @app.exception_handler(RequestValidationError)
    def of_words(request: Request, error: RequestValidationError) -> Response:
        words = "; ".join(f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors())
        return told(request, 422, problem(ExitCode.USAGE, words[:500]))

    @app.exception_handler(Exception)
    def of_the_program(request: Request, error: Exception) -> Response:
        log.error("page_broke", exc_info=error, extra={"path": request.url.path[:200]})
        return told(request, 500, problem(ExitCode.BUG, "An error in the program; the log has its details."))


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens there.

    Raises
    ------
    UsageError
        If it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(256)
    except OSError as error:
        found.close()
        why = error.strerror or str(error)
        raise UsageError(f"{host} port {port} cannot be listened on: {why}; name another with --port") from error
    return found


def serve(site: Site, line: socket.socket, certificate: str = "", key: str = "") -> None:
    """Serve until a signal asks to stop; open streams are ended first.

    Parameters
    ----------
    site : Site
        What the addresses of one server share.
    line : socket
        Socket it listens on.
    certificate : str
        PEM file of the certificate; empty for no TLS.
    key : str
        PEM file of the certificate's key.
    """
    settings = uvicorn.Config(
        site_app(site),
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=3,
        ws="none",
        http="h11",
        loop="asyncio",
        ssl_certfile=certificate or None,
        ssl_keyfile=key or None,
    )
    uvicorn.Server(settings).run(sockets=[line])
