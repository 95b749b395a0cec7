"""What every request passes: its host and origin are believed or it is refused, and every answer has the headers."""

import secrets
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mtum.web.guard import HEADERS, SESSION, VISIT, Guard, cookies_in

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_OPEN = ("/login", "/static/", "/favicon.ico")
"""What is shown without the password: nothing of the account."""


def visit_of(request: Request) -> str:
    """Return the name of the browser that asks."""
    return str(request.scope.get("mtum_visit", ""))


def session_of(request: Request) -> str:
    """Return the session that the browser names."""
    return cookies_in(request.headers.get("cookie", "")).get(SESSION, "")


def address_of(request: Request, *, behind_proxy: bool) -> str:
    """Return where a request came from; a proxy in front tells it last in its header."""
    told = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    direct = request.client.host if request.client else ""
    return told[:64] if behind_proxy and told else direct


class Gate:
    """The middleware around everything."""

    def __init__(self, app: "ASGIApp", guard: Guard) -> None:
        self.app = app
        self.guard = guard

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Let a request through, or answer it here."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # no websocket is spoken
        request = Request(scope)
        cookies = cookies_in(request.headers.get("cookie", ""))
        visit, new = cookies.get(VISIT, ""), not cookies.get(VISIT)
        if new:
            visit = secrets.token_urlsafe(24)
        scope["mtum_visit"] = visit
        secure = "; Secure" if self.guard.secure else ""
        fresh = f"{VISIT}={visit}; Path=/; HttpOnly; SameSite=Strict{secure}" if new else ""

        async def answered(message: "Message") -> None:
            if message["type"] == "http.response.start":
                told: list[tuple[bytes, bytes]] = message.setdefault("headers", [])
                own = {name.lower() for name, _ in told}  # a tear sheet brings a policy of its own, a stricter one
                told += [(name.encode(), words.encode()) for name, words in HEADERS.items() if name.encode() not in own]
                if fresh:
                    told.append((b"set-cookie", fresh.encode()))
            await send(message)

        refused = self._refused(request, cookies.get(SESSION, ""))
        await (refused or self.app)(scope, receive, answered)

    def _refused(self, request: Request, session: str) -> Any:
        host, path = request.headers.get("host", ""), request.url.path
        if len(request.headers.getlist("host")) != 1 or not self.guard.knows(host):
            return Response("This name is not one of this server's.", 421, media_type="text/plain")
        if request.method not in ("GET", "HEAD", "POST"):
            return Response("Only GET and POST.", 405, media_type="text/plain")
        origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
        if request.method == "POST" and not self.guard.is_own(origin, host, site):
            return Response("The form was sent from elsewhere.", 403, media_type="text/plain")
        if not self.guard.asks or self.guard.is_signed_in(session) or path.startswith(_OPEN):
            return None
        if path.startswith("/api/"):
            return Response('{"problems":[{"code":2,"text":"sign in first"}],"exit_code":2}', 401,
                            media_type="application/json")  # fmt: skip
        return RedirectResponse("/login", 303)
