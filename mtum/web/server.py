"""The server of one data folder: its pages behind the guard, and its life."""

import asyncio
import gc
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.resources import files

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mtum.errors import UsageError
from mtum.web import documents, frame
from mtum.web.answers import on_errors
from mtum.web.gate import Gate, address_of, session_of, visit_of
from mtum.web.guard import SESSION
from mtum.web.registry import PAGES
from mtum.web.site import Site, form_of
from mtum.web.stream import Watch

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 500


def site_app(site: Site, watch: Watch) -> Gate:
    """Return the whole site; who serves it ends the streams of the watch."""

    @asynccontextmanager
    async def life(_app: Starlette) -> AsyncIterator[None]:
        watch.start()
        site.records.backtests.changed = watch.tell_backtest
        quotes = site.records.quotes
        quotes.wanted = lambda: documents.quoted_symbols(site.records) if watch.showing_prices else ()
        quotes.changed = watch.tell_quotes
        quotes.start()
        site.records.backtests.tidy()
        gc.freeze()
        yield
        await asyncio.to_thread(quotes.stop)
        await asyncio.to_thread(site.records.backtests.stop, "the server ended")

    api = Api(site, watch)
    app = Starlette(
        routes=[
            *_pages(site),
            *_signing_in(site),
            # `/api` too, which would be sent on to `/api/`, where there is nothing either.
            *(Route(path, api) for path in ("/api", "/api/{rest:path}", "/docs", "/research/tear-sheet")),
            # At the page's own address, which stays there while a field is to be put right.
            Route("/research", api, methods=["POST"]),
        ],
        middleware=[Middleware(GZipMiddleware, minimum_size=1000)],
        exception_handlers=on_errors(site),
        lifespan=life,
    )
    # Outermost, so that an answer to an error has its headers too.
    return Gate(app, site.guard)


class Api:
    """What FastAPI answers, made with its first request: it takes a quarter of a second that the first page has not."""

    def __init__(self, site: Site, watch: Watch) -> None:
        self.site, self.watch = site, watch
        self._made: ASGIApp | None = None
        self._making = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        async with self._making:
            if self._made is None:
                self._made = await asyncio.to_thread(self._make)
        await self._made(scope, receive, send)

    def _make(self) -> ASGIApp:
        from mtum.web.api import api_app

        return api_app(self.site, self.watch)


def _pages(site: Site) -> list[BaseRoute]:
    def shown(path: str, request: Request) -> Response:
        headers = {"cache-control": "no-store"}
        return HTMLResponse(frame.page_of(path, site.ask(request)), headers=headers)

    def page(path: str) -> Callable[[Request], Response]:
        return lambda request: shown(path, request)

    def trades_csv(request: Request) -> Response:
        from mtum.web.pages.trades import csv_text

        headers = {"content-disposition": 'attachment; filename="trades.csv"', "cache-control": "no-store"}
        return Response(csv_text(site.ask(request)), media_type="text/csv", headers=headers)

    # Read once: nothing in an address ever becomes a path.
    folder = files("mtum.web") / "static"
    kept = {name: ((folder / name).read_bytes(), kind) for name, kind in frame.STATIC.items()}

    def static(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in kept:
            raise HTTPException(404)
        body, kind = kept[name]
        return Response(body, media_type=kind, headers={"cache-control": "max-age=300"})

    def icon(_request: Request) -> Response:
        return RedirectResponse("/static/icon.svg")

    return [
        *(Route(f"/{path}", page(path)) for path in PAGES),
        Route("/trades.csv", trades_csv),
        Route("/static/{name}", static),
        Route("/favicon.ico", icon),
    ]


def _signing_in(site: Site) -> list[BaseRoute]:
    guard = site.guard

    def login(request: Request) -> Response:
        return HTMLResponse(frame.sign_in_page(guard.token(visit_of(request))), headers={"cache-control": "no-store"})

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

    async def signed_out(request: Request) -> Response:
        await form_of(site, request)
        guard.sign_out(session_of(request))
        answer = RedirectResponse("/login" if guard.asks else "/", 303)
        answer.delete_cookie(SESSION)
        return answer

    return [
        Route("/login", login, methods=["GET"]),
        Route("/login", signed_in, methods=["POST"]),
        Route("/logout", signed_out, methods=["POST"]),
    ]


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


class Server(uvicorn.Server):
    """A server that ends its streams before it waits for its answers to end: theirs would not."""

    def __init__(self, settings: uvicorn.Config, watch: Watch) -> None:
        super().__init__(settings)
        self.watch = watch

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the server."""
        self.watch.stop()
        await super().shutdown(sockets)


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
    watch = Watch(site.records)
    settings = uvicorn.Config(
        site_app(site, watch),
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
    Server(settings, watch).run(sockets=[line])
